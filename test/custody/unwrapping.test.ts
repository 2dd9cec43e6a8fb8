/** AES key wrap with padding against published vectors, and what no wrapping opens. */

import assert from "node:assert/strict";
import { constants, createCipheriv, generateKeyPairSync, publicEncrypt } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decryptOaep, type OaepHash } from "../../src/custody/rsa.ts";
import { Secret } from "../../src/custody/secret.ts";
import { unwrap, unwrapPadded } from "../../src/custody/unwrapping.ts";

interface Vector {
  readonly tcId: number;
  readonly key: string;
  readonly msg: string;
  readonly ct: string;
  readonly result: "valid" | "invalid";
}

const { tests } = JSON.parse(readFileSync(new URL("../vectors/aes-256-kwp.json", import.meta.url), "utf8")) as {
  readonly tests: readonly Vector[];
};

const opened = (key: string, wrapped: Uint8Array): string | undefined => {
  using secret = new Secret(Uint8Array.fromHex(key));
  using material = unwrapPadded(secret, wrapped);
  return material?.bytes.toHex();
};

describe("AES key wrap with padding", () => {
  it("opens and refuses what Project Wycheproof says", () => {
    for (const { tcId, key, msg, ct, result } of tests) {
      assert.equal(opened(key, Uint8Array.fromHex(ct)), result === "valid" ? msg : undefined, String(tcId));
    }
    const valid = tests.filter(({ result }) => result === "valid");
    assert.deepEqual([valid.length, tests.length], [15, 39]);
  });

  it("opens what was wrapped, and nothing of it once it was changed or cut", () => {
    const key = "07".repeat(32);
    const wrap = (material: Uint8Array): Uint8Array => {
      const cipher = createCipheriv("id-aes256-wrap-pad", Buffer.from(key, "hex"), Buffer.from("a65959a6", "hex"));
      return new Uint8Array(Buffer.concat([cipher.update(material), cipher.final()]));
    };
    const material = fc.uint8Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(material, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, where, change) => {
        const wrapped = wrap(bytes);
        assert.equal(opened(key, wrapped), bytes.toHex());
        const at = where % wrapped.length;
        assert.equal(opened(key, wrapped.with(at, (wrapped[at] ?? 0) ^ change)), undefined);
        assert.equal(opened(key, wrapped.subarray(0, at)), undefined);
      }),
    );
  });
});

describe("material that was wrapped", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const algorithms = [
    "RSAES_OAEP_SHA_1",
    "RSAES_OAEP_SHA_256",
    "RSA_AES_KEY_WRAP_SHA_1",
    "RSA_AES_KEY_WRAP_SHA_256",
  ] as const;

  const unwrapped = (algorithm: string, wrapped: Uint8Array) =>
    unwrap(async (how, ciphertext) => decryptOaep({ privateKey }, how as OaepHash, ciphertext), {
      algorithm,
      keyBytes: 256,
      wrapped,
    });

  it("opens only with its own algorithm", async () => {
    const material = new Uint8Array(32).fill(9);
    for (const oaepHash of ["sha1", "sha256"]) {
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      const wrapped = new Uint8Array(publicEncrypt({ key: publicKey, padding, oaepHash }, material));
      for (const algorithm of algorithms) {
        const isOwn = algorithm === (oaepHash === "sha1" ? "RSAES_OAEP_SHA_1" : "RSAES_OAEP_SHA_256");
        assert.equal((await unwrapped(algorithm, wrapped))?.bytes.length, isOwn ? 32 : undefined, algorithm);
      }
    }
    await assert.rejects(unwrapped("RSAES_PKCS1_V1_5", new Uint8Array(256)), /RSAES_PKCS1_V1_5/);
  });

  it("is never made of any other bytes", async () => {
    const bytes = fc.uint8Array({ maxLength: 600 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...algorithms), bytes, async (algorithm, wrapped) => {
        assert.equal(await unwrapped(algorithm, wrapped), undefined);
      }),
    );
  });
});
