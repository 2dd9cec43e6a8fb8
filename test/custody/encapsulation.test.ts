/** ML-KEM behind the seal, both ways against an implementation that is not OpenSSL's. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ml_kem512, ml_kem768, ml_kem1024 } from "@noble/post-quantum/ml-kem.js";
import fc from "fast-check";
import { flipped, newCustody, owner } from "./fixtures.ts";

const { custody } = await newCustody();

/** PKCS#8 of a seed: version, the set's identifier, the seed as `[0]` (FIPS 203, 7.1; the form that the API hands out). */
const pkcs8Of = (set: number, seed: Uint8Array): Uint8Array =>
  Uint8Array.of(...Uint8Array.fromHex(`3054020100300b060960864801650304040${set}04428040`), ...seed);

const SPECS = [
  { spec: "ML_KEM_512", set: 1, noble: ml_kem512 },
  { spec: "ML_KEM_768", set: 2, noble: ml_kem768 },
  { spec: "ML_KEM_1024", set: 3, noble: ml_kem1024 },
] as const;
const seeds = fc.uint8Array({ minLength: 64, maxLength: 64 });

describe("ML-KEM", () => {
  for (const { spec, set, noble } of SPECS) {
    it(`of ${spec}: what either implementation encapsulates, both open alike, altered or not`, async () => {
      const encapsulator = { ...owner, spec, usage: "ENCAPSULATE_DECAPSULATE" };
      const law = fc.asyncProperty(seeds, fc.nat(), async (seed, at) => {
        const { publicKey, secretKey } = noble.keygen(seed);
        const material = await custody.importMaterial(encapsulator, pkcs8Of(set, seed));
        const ours = await custody.encapsulate(material);
        assert.deepEqual(noble.decapsulate(ours.ciphertext, secretKey), ours.secret);
        const theirs = noble.encapsulate(publicKey);
        assert.deepEqual(await custody.decapsulate(material, theirs.cipherText), theirs.sharedSecret);
        const altered = flipped(ours.ciphertext, at % ours.ciphertext.length);
        const rejected = await custody.decapsulate(material, altered);
        assert.notDeepEqual(rejected, ours.secret);
        assert.deepEqual(noble.decapsulate(altered, secretKey), rejected);
      });
      await fc.assert(law, { numRuns: 20 });
    });
  }

  it("gives secrets in memory of their own", async () => {
    const material = await custody.createMaterial({ ...owner, spec: "ML_KEM_768", usage: "ENCAPSULATE_DECAPSULATE" });
    const { secret, ciphertext } = await custody.encapsulate(material);
    const opened = await custody.decapsulate(material, ciphertext);
    assert.deepEqual([secret.buffer.byteLength, opened.buffer.byteLength], [32, 32]);
    assert.deepEqual(opened, secret);
  });

  it("is for ML-KEM keys alone", async () => {
    const symmetric = await custody.createMaterial(owner);
    await assert.rejects(custody.encapsulate(symmetric), /can't be used as pair/);
    await assert.rejects(custody.decapsulate(symmetric, new Uint8Array(768)), /can't be used as pair/);
    const signer = await custody.createMaterial({ ...owner, spec: "ML_DSA_44", usage: "SIGN_VERIFY" });
    await assert.rejects(custody.encapsulate(signer));
    await assert.rejects(custody.decapsulate(signer, new Uint8Array(768)), { code: "InvalidCiphertextException" });
  });
});
