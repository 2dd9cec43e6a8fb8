/** EMSA-PSS against OpenSSL: what is encoded here verifies there, and what OpenSSL signs verifies here. */

import assert from "node:assert/strict";
import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  privateEncrypt,
  publicDecrypt,
  sign,
  verify,
} from "node:crypto";
import { describe, it } from "node:test";
import { encodePss, verifyPss } from "../../src/custody/emsa-pss.ts";

const { RSA_NO_PADDING, RSA_PKCS1_PSS_PADDING } = constants;
const message = new TextEncoder().encode("Attack at dawn");

describe("EMSA-PSS", () => {
  // emBits mod 8 is 6, 7 and 1, so the bits to clear differ.
  for (const modulusLength of [2047, 2048, 2050]) {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength });
    const publicKey = createPublicKey(privateKey);
    for (const hash of ["sha256", "sha384", "sha512"]) {
      const digest = createHash(hash).update(message).digest();
      const parameters = { padding: RSA_PKCS1_PSS_PADDING, saltLength: digest.length };
      const modulusBytes = Math.ceil(modulusLength / 8);
      const bits = modulusLength - 1;

      it(`of ${hash} and ${modulusLength} bits verifies under OpenSSL`, () => {
        const encoded = encodePss({ hash, digest, salt: new Uint8Array(digest.length).fill(7), bits });
        const block = Buffer.concat([Buffer.alloc(modulusBytes - encoded.length), encoded]);
        const signature = privateEncrypt({ key: privateKey, padding: RSA_NO_PADDING }, block);
        assert.ok(verify(hash, message, { key: publicKey, ...parameters }, signature));
      });

      it(`of ${hash} and ${modulusLength} bits accepts OpenSSL's, and no change of it`, () => {
        const signature = sign(hash, message, { key: privateKey, ...parameters });
        const block = publicDecrypt({ key: publicKey, padding: RSA_NO_PADDING }, signature);
        const encoded = block.subarray(modulusBytes - Math.ceil(bits / 8));
        assert.ok(verifyPss({ hash, digest, encoded, bits }));
        for (let index = 0; index < encoded.length; index += 1) {
          const changed = Uint8Array.from(encoded);
          changed[index] = (changed[index] ?? 0) ^ 0x80;
          assert.ok(!verifyPss({ hash, digest, encoded: changed, bits }), `byte ${index}`);
        }
        assert.ok(!verifyPss({ hash, digest: createHash(hash).digest(), encoded, bits }));
      });

      it(`of ${hash} and ${modulusLength} bits refuses a salt of another length`, () => {
        const shorter = { ...parameters, saltLength: digest.length - 1 };
        const signature = sign(hash, message, { key: privateKey, ...shorter });
        const block = publicDecrypt({ key: publicKey, padding: RSA_NO_PADDING }, signature);
        const encoded = block.subarray(modulusBytes - Math.ceil(bits / 8));
        assert.ok(!verifyPss({ hash, digest, encoded, bits }));
      });
    }
  }

  it("has no room for a digest that the modulus is too short for", () => {
    const digest = new Uint8Array(64);
    assert.throws(() => encodePss({ hash: "sha512", digest, salt: digest, bits: 1023 }), /too short/);
  });
});
