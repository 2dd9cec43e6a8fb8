/** Signatures against the vectors of Project Wycheproof: RSA, ECDSA, EdDSA and ML-DSA. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { newCustody, owner } from "./fixtures.ts";
import { hex, nameOf, Tally, vectorsOf, verifierOf, type WycheproofFile, type WycheproofTest } from "./vectors.ts";

const { custody } = await newCustody();

interface Signed {
  readonly msg: string;
  readonly sig: string;
}

/** Which tests of the result "acceptable" hold here; all others are refused, as is whatever is "invalid". */
const isTaken = ({ result, flags }: WycheproofTest, acceptable: readonly string[]): boolean =>
  result === "valid" || (result === "acceptable" && flags.every((flag) => acceptable.includes(flag)));

interface SignatureFile {
  readonly file: string;
  readonly spec: string;
  readonly algorithm: string;
  readonly acceptable?: readonly string[];
  /** Tests that hold here though the file calls them invalid, by their ids. */
  readonly held?: readonly number[];
  /** How many signatures hold, and how many do not. */
  readonly counts: Readonly<Record<string, number>>;
}

const PKCS1 = "RSASSA_PKCS1_V1_5_SHA_";
const PSS = "RSASSA_PSS_SHA_";

describe("signatures of Project Wycheproof", () => {
  const FILES: readonly SignatureFile[] = [
    // A public exponent of 3 is weak in other schemes, and no reason to refuse a signature.
    {
      file: "rsa_signature_2048_sha256",
      spec: "RSA_2048",
      algorithm: `${PKCS1}256`,
      acceptable: ["SmallPublicKey"],
      counts: { held: 9, refused: 231 },
    },
    {
      file: "rsa_signature_3072_sha384",
      spec: "RSA_3072",
      algorithm: `${PKCS1}384`,
      counts: { held: 7, refused: 232 },
    },
    {
      file: "rsa_signature_4096_sha512",
      spec: "RSA_4096",
      algorithm: `${PKCS1}512`,
      counts: { held: 7, refused: 232 },
    },
    {
      file: "rsa_pss_2048_sha256_mgf1_32",
      spec: "RSA_2048",
      algorithm: `${PSS}256`,
      counts: { held: 63, refused: 40 },
    },
    {
      file: "rsa_pss_3072_sha256_mgf1_32",
      spec: "RSA_3072",
      algorithm: `${PSS}256`,
      counts: { held: 63, refused: 40 },
    },
    {
      file: "ecdsa_secp256r1_sha256",
      spec: "ECC_NIST_P256",
      algorithm: "ECDSA_SHA_256",
      counts: { held: 147, refused: 240 },
    },
    {
      file: "ecdsa_secp384r1_sha384",
      spec: "ECC_NIST_P384",
      algorithm: "ECDSA_SHA_384",
      counts: { held: 168, refused: 240 },
    },
    {
      file: "ecdsa_secp521r1_sha512",
      spec: "ECC_NIST_P521",
      algorithm: "ECDSA_SHA_512",
      counts: { held: 206, refused: 241 },
    },
    // Bitcoin refuses the greater of two values of s; ECDSA and AWS do not.
    {
      file: "ecdsa_secp256k1_sha256_bitcoin",
      spec: "ECC_SECG_P256K1",
      algorithm: "ECDSA_SHA_256",
      held: [1, 388],
      counts: { held: 164, refused: 299 },
    },
  ];
  for (const { file, spec, algorithm, acceptable = [], held = [], counts } of FILES) {
    it(`${file}: over the message and over its digest alike`, async () => {
      const { groups, numberOfTests } = vectorsOf<WycheproofFile<{ keyDer: string }, Signed>>(`wycheproof/${file}`);
      const wrong: string[] = [];
      const tally = new Tally();
      for (const { keyDer, tests } of groups) {
        const verifies = verifierOf(spec, hex(keyDer));
        assert.ok(verifies, `the key ${keyDer.slice(0, 40)}… is not of ${spec}`);
        for (const test of tests) {
          const expected = isTaken(test, acceptable) || held.includes(test.tcId);
          tally.add(expected ? "held" : "refused");
          const [message, signature] = [hex(test.msg), hex(test.sig)];
          const digest = createHash(`sha${algorithm.slice(-3)}`)
            .update(message)
            .digest();
          const ofMessage = await verifies({ algorithm, messageType: "RAW", message }, signature);
          const ofDigest = await verifies({ algorithm, messageType: "DIGEST", message: digest }, signature);
          if (ofMessage !== expected) wrong.push(`${nameOf(test)}, over the message`);
          if (ofDigest !== expected) wrong.push(`${nameOf(test)}, over the digest`);
        }
      }
      assert.deepEqual(wrong, []);
      assert.deepEqual(tally.toObject(), counts);
      assert.equal((counts["held"] ?? 0) + (counts["refused"] ?? 0), numberOfTests);
    });
  }

  it("rsa_pss_2048_sha256_mgf1_0: a salt of another length than the digest is refused", async () => {
    const { groups } = vectorsOf<WycheproofFile<{ keyDer: string }, Signed>>("wycheproof/rsa_pss_2048_sha256_mgf1_0");
    const held: string[] = [];
    for (const { keyDer, tests } of groups) {
      const verifies = verifierOf("RSA_2048", hex(keyDer));
      assert.ok(verifies);
      for (const test of tests) {
        const message = hex(test.msg);
        const digest = createHash("sha256").update(message).digest();
        const inputs = [
          { algorithm: `${PSS}256`, messageType: "RAW", message },
          { algorithm: `${PSS}256`, messageType: "DIGEST", message: digest },
        ] as const;
        for (const input of inputs) if (await verifies(input, hex(test.sig))) held.push(nameOf(test));
      }
    }
    // It is invalid in the file for the very length that is ours.
    assert.deepEqual(held, ["68 s_len changed to 32 (invalid)", "68 s_len changed to 32 (invalid)"]);
  });

  it("rsa_pss_misc: only one hash throughout, and a salt as long as its digest", async () => {
    interface Pss {
      readonly keyDer: string;
      readonly sha: string;
      readonly mgfSha: string;
      readonly sLen: number;
      readonly keysize: number;
    }
    const { groups } = vectorsOf<WycheproofFile<Pss, Signed>>("wycheproof/rsa_pss_misc");
    const tally = new Tally();
    for (const { keyDer, sha, mgfSha, sLen, keysize, tests } of groups) {
      const verifies = verifierOf(`RSA_${keysize}`, hex(keyDer));
      const bits = /^SHA-(256|384|512)$/.exec(sha)?.[1];
      if (![2048, 3072, 4096].includes(keysize) || verifies === undefined || bits === undefined) {
        tally.add("not of ours");
        continue;
      }
      for (const test of tests) {
        const expected: boolean = test.result === "valid" && sha === mgfSha && sLen === Number(bits) / 8;
        const message = hex(test.msg);
        const algorithm: string = `${PSS}${bits}`;
        assert.equal(await verifies({ algorithm, messageType: "RAW", message }, hex(test.sig)), expected, nameOf(test));
        const digest = createHash(`sha${bits}`).update(message).digest();
        const ofDigest = await verifies({ algorithm, messageType: "DIGEST", message: digest }, hex(test.sig));
        assert.equal(ofDigest, expected, nameOf(test));
        tally.add(expected ? "held" : "refused");
      }
    }
    assert.deepEqual(tally.toObject(), { held: 3, "not of ours": 60, refused: 87 });
  });

  it("eddsa: Ed25519, with keys whose private halves make the valid ones", async () => {
    interface Keyed {
      readonly keyDer: string;
      readonly jwk: { readonly d: string; readonly crv: string };
    }
    const { groups, numberOfTests } = vectorsOf<WycheproofFile<Keyed, Signed>>("wycheproof/eddsa");
    const tally = new Tally();
    const signer = { ...owner, spec: "ECC_NIST_EDWARDS25519", usage: "SIGN_VERIFY" };
    for (const { keyDer, jwk, tests } of groups) {
      assert.equal(jwk.crv, "Ed25519");
      const seed = Uint8Array.fromBase64(jwk.d, { alphabet: "base64url" });
      const pkcs8 = Uint8Array.of(...hex("302e020100300506032b657004220420"), ...seed);
      const material = await custody.importMaterial(signer, pkcs8);
      assert.equal((await custody.publicKey(material)).toHex(), keyDer);
      for (const test of tests) {
        const input = { algorithm: "ED25519_SHA_512", messageType: "RAW", message: hex(test.msg) } as const;
        const isValid = test.result === "valid";
        assert.equal(await custody.verify(material, input, hex(test.sig)), isValid, nameOf(test));
        if (isValid) assert.equal((await custody.sign(material, input)).toHex(), test.sig, nameOf(test));
        tally.add(test.result);
      }
    }
    assert.deepEqual(tally.toObject(), { invalid: 61, valid: 84 });
    assert.equal(numberOfTests, 145);
  });

  it("ml_dsa_verify: pure ML-DSA without a context", async () => {
    interface MlDsa {
      readonly parameterSet: string;
      readonly comment: string;
      readonly pk: string;
      readonly message: string;
      readonly context: string;
      readonly signature: string;
      readonly result: "valid" | "invalid";
    }
    const tally = new Tally();
    for (const test of vectorsOf<{ tests: readonly MlDsa[] }>("wycheproof/ml_dsa_verify").tests) {
      const verifies = verifierOf(test.parameterSet.replaceAll("-", "_"), mlDsaSpki(test.parameterSet, hex(test.pk)));
      assert.ok(verifies);
      const expected = test.result === "valid" && test.context === "";
      const input = { algorithm: "ML_DSA_SHAKE_256", messageType: "RAW", message: hex(test.message) } as const;
      assert.equal(await verifies(input, hex(test.signature)), expected, `${test.parameterSet} ${test.comment}`);
      tally.add(expected ? "held" : "refused");
    }
    assert.deepEqual(tally.toObject(), { held: 6, refused: 52 });
  });
});

/** SubjectPublicKeyInfo of an ML-DSA public key (RFC 9881). */
function mlDsaSpki(parameterSet: string, key: Uint8Array): Uint8Array {
  const set = ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"].indexOf(parameterSet);
  const length = (bytes: number): number[] => [0x82, bytes >> 8, bytes & 0xff];
  const algorithm = hex(`300b06096086480165030403${(0x11 + set).toString(16)}`);
  const bits = [0x03, ...length(key.length + 1), 0];
  return Uint8Array.of(0x30, ...length(algorithm.length + bits.length + key.length), ...algorithm, ...bits, ...key);
}
