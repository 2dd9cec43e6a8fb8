/** ML-DSA and ML-KEM against the vectors of NIST's ACVP (FIPS 203 and 204). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newCustody, owner } from "./fixtures.ts";
import { hex, Tally, vectorsOf, verifierOf } from "./vectors.ts";

const { custody } = await newCustody();

/** The last two bytes of a parameter set's object identifier: its family and the set. */
const SETS: Readonly<Record<string, readonly [family: number, set: number]>> = {
  "ML-DSA-44": [3, 0x11],
  "ML-DSA-65": [3, 0x12],
  "ML-DSA-87": [3, 0x13],
  "ML-KEM-512": [4, 1],
  "ML-KEM-768": [4, 2],
  "ML-KEM-1024": [4, 3],
};
const specOf = (parameterSet: string): string => parameterSet.replaceAll("-", "_");

/** A DER element of up to 65,535 bytes. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const length = content.length;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.of(tag, ...head, ...content);
}

function algorithmOf(parameterSet: string): Uint8Array {
  const [family, set] = SETS[parameterSet] ?? [0, 0];
  return der(0x30, der(0x06, hex("60864801650304"), Uint8Array.of(family, set)));
}
const spkiOf = (parameterSet: string, key: Uint8Array): Uint8Array =>
  der(0x30, algorithmOf(parameterSet), der(0x03, Uint8Array.of(0), key));
/** PKCS#8 whose key is one of the forms of RFC 9881: a seed is `[0]`, a whole key an OCTET STRING. */
const pkcs8Of = (parameterSet: string, form: 0x80 | 0x04, key: Uint8Array): Uint8Array =>
  der(0x30, hex("020100"), algorithmOf(parameterSet), der(0x04, der(form, key)));

interface KeyGen {
  readonly parameterSet: string;
  readonly tcId: string;
  readonly seed: string;
  readonly pk: string;
}

describe("ACVP keyGen", () => {
  for (const { file, usage } of [
    { file: "ml-dsa-keygen", usage: "SIGN_VERIFY" },
    { file: "ml-kem-keygen", usage: "ENCAPSULATE_DECAPSULATE" },
  ]) {
    it(`${file}: a seed gives the public key of the vector`, async () => {
      const { tests } = vectorsOf<{ tests: readonly KeyGen[] }>(`acvp/${file}`);
      for (const { parameterSet, tcId, seed, pk } of tests) {
        const pair = { ...owner, spec: specOf(parameterSet), usage };
        const material = await custody.importMaterial(pair, pkcs8Of(parameterSet, 0x80, hex(seed)));
        const expected = spkiOf(parameterSet, hex(pk)).toHex();
        assert.equal((await custody.publicKey(material)).toHex(), expected, `${parameterSet} ${tcId}`);
      }
      assert.equal(tests.length, 15);
    });
  }
});

describe("ACVP sigVer", () => {
  interface SigVer {
    readonly parameterSet: string;
    readonly pk: string;
    readonly message: string;
    readonly context: string;
    readonly signature: string;
    readonly testPassed: boolean;
    readonly reason: string;
  }
  it("ml-dsa-sigver: what passes without a context passes, and nothing else", async () => {
    const tally = new Tally();
    for (const test of vectorsOf<{ tests: readonly SigVer[] }>("acvp/ml-dsa-sigver").tests) {
      const { parameterSet, pk, message, context, signature, testPassed, reason } = test;
      const verifies = verifierOf(specOf(parameterSet), spkiOf(parameterSet, hex(pk)));
      assert.ok(verifies);
      const expected = testPassed && context === "";
      const input = { algorithm: "ML_DSA_SHAKE_256", messageType: "RAW", message: hex(message) } as const;
      assert.equal(await verifies(input, hex(signature)), expected, `${parameterSet} ${reason}`);
      tally.add(expected ? "held" : context === "" ? "refused" : "refused, made under a context");
    }
    assert.deepEqual(tally.toObject(), { held: 2, refused: 1, "refused, made under a context": 3 });
  });
});

describe("ACVP encapDecap", () => {
  interface Decap {
    readonly parameterSet: string;
    readonly tcId: string;
    readonly dk: string;
    readonly c: string;
    readonly k: string;
  }
  it("ml-kem-decap: gives the vector's secret, also that of implicit rejection", async () => {
    const tally = new Tally();
    for (const { parameterSet, tcId, dk, c, k } of vectorsOf<{ tests: readonly Decap[] }>("acvp/ml-kem-decap").tests) {
      const pair = { ...owner, spec: specOf(parameterSet), usage: "ENCAPSULATE_DECAPSULATE" };
      const material = await custody.importMaterial(pair, pkcs8Of(parameterSet, 0x04, hex(dk)));
      assert.equal((await custody.decapsulate(material, hex(c))).toHex(), k, `${parameterSet} ${tcId}`);
      for (const other of [hex(c).subarray(1), Uint8Array.of(...hex(c), 0), new Uint8Array(0)]) {
        await assert.rejects(custody.decapsulate(material, other), { code: "InvalidCiphertextException", message: "" });
      }
      tally.add(tcId);
    }
    assert.deepEqual(tally.toObject(), { "modified ciphertext": 9, "valid decapsulation": 6 });
  });
});
