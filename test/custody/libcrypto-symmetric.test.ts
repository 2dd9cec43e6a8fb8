/** HMAC and AES-256-GCM by libcrypto and by `node:crypto`: the same bytes, whichever a process has. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decryptGcm, encryptGcm } from "../../src/custody/aes-gcm.ts";
import { hmac } from "../../src/custody/hmac.ts";
import { findSymmetricLibcrypto, givesKnownAnswers, MAC_BYTES } from "../../src/custody/libcrypto-symmetric.ts";

const libcrypto = findSymmetricLibcrypto();
assert.ok(libcrypto !== undefined, "this machine's Node reaches its OpenSSL");

const bytes = (lengths: { minLength?: number; maxLength: number }) => fc.uint8Array(lengths);

describe("HMAC", () => {
  for (const hash of ["sha256", "sha512"] as const) {
    it(`with ${hash} is that of node:crypto for keys and texts of every length, again and again`, () => {
      fc.assert(
        fc.property(
          bytes({ minLength: 1, maxLength: 200 }),
          fc.array(bytes({ maxLength: 5000 }), { maxLength: 4 }),
          (secret, texts) => {
            const key = createSecretKey(secret);
            for (const text of texts) {
              const mac = new Uint8Array(MAC_BYTES[hash]);
              hmac(hash, key, text, mac);
              assert.equal(mac.toHex(), createHmac(hash, secret).update(text).digest("hex"));
            }
          },
        ),
        { numRuns: 50 },
      );
    });
  }

  it("of a text is that of its characters", () => {
    const key = createSecretKey(randomBytes(32));
    for (const text of ["", "AWS4-HMAC-SHA256\n20260101T000000Z", "x".repeat(4096), "y".repeat(4097)]) {
      const mac = Buffer.alloc(32);
      hmac("sha256", key, text, mac);
      assert.equal(mac.toHex(), createHmac("sha256", key).update(text).digest("hex"));
    }
  });
});

describe("AES-256-GCM", () => {
  it("under a key in bytes is that under the same key as KeyObject, wherever its parts lie", () => {
    const box = fc.record({
      key: bytes({ minLength: 32, maxLength: 32 }),
      iv: bytes({ minLength: 12, maxLength: 12 }),
      aad: bytes({ maxLength: 100 }),
      plaintext: bytes({ maxLength: 9000 }),
      offset: fc.nat({ max: 20 }),
    });
    fc.assert(
      fc.property(box, ({ key, iv, aad, plaintext, offset }) => {
        const place = { tagAt: offset, dataAt: offset + 16 };
        const [fast, slow] = [key, createSecretKey(key)].map((either) => {
          const target = new Uint8Array(offset + 16 + plaintext.length + 3).fill(0xee);
          encryptGcm(either, { iv, aad, plaintext }, { target, ...place });
          return target;
        });
        assert.deepEqual(fast, slow);
        assert.ok(fast);
        const tag = fast.subarray(offset, offset + 16);
        const data = fast.subarray(offset + 16, offset + 16 + plaintext.length);
        const before = fast.slice();
        assert.deepEqual(decryptGcm(key, { iv, aad, tag, data }), plaintext);
        const altered = tag.with(offset % 16, (tag[offset % 16] ?? 0) ^ 0x80);
        assert.equal(decryptGcm(key, { iv, aad, tag: altered, data }), undefined);
        assert.equal(decryptGcm(key, { iv, aad: Uint8Array.of(...aad, 1), tag, data }), undefined);
        assert.deepEqual(fast, before, "opening leaves what it opens");
      }),
      { numRuns: 60 },
    );
  });
});

describe("a process without node:ffi", () => {
  it("computes the same", () => {
    const [key, iv, aad, plaintext] = [randomBytes(32), randomBytes(12), randomBytes(40), randomBytes(33)];
    const source = `
      import { createSecretKey } from "node:crypto";
      import { encryptGcm } from "./src/custody/aes-gcm.ts";
      import { hmac } from "./src/custody/hmac.ts";
      import { findSymmetricLibcrypto } from "./src/custody/libcrypto-symmetric.ts";
      const [key, iv, aad, plaintext] = process.argv.slice(1).map((hex) => Uint8Array.fromHex(hex));
      const target = new Uint8Array(16 + plaintext.length);
      encryptGcm(key, { iv, aad, plaintext }, { target, tagAt: 0, dataAt: 16 });
      const mac = new Uint8Array(64);
      hmac("sha512", createSecretKey(key), aad, mac);
      console.log(findSymmetricLibcrypto() === undefined, target.toHex(), mac.toHex());
    `;
    const parts = [key, iv, aad, plaintext].map((part) => part.toString("hex"));
    const command = ["--no-experimental-ffi", "--input-type=module-typescript", "--eval", source, ...parts];
    const printed = execFileSync(process.execPath, command, { encoding: "utf8" });
    const target = new Uint8Array(16 + plaintext.length);
    encryptGcm(key, { iv, aad, plaintext }, { target, tagAt: 0, dataAt: 16 });
    const mac = Buffer.alloc(64);
    hmac("sha512", createSecretKey(key), aad, mac);
    assert.equal(printed.trim(), `true ${target.toHex()} ${mac.toHex()}`);
  });
});

describe("the known answers", () => {
  it("are those of this libcrypto, and refuse one that computes something else", () => {
    assert.equal(givesKnownAnswers(libcrypto), true);
    const wrong = { ...Object.create(libcrypto), newMacKey: () => 0n, freeMacKey() {}, mac() {} };
    assert.equal(givesKnownAnswers(wrong), false);
    const opensAll = Object.assign(Object.create(Object.getPrototypeOf(libcrypto)), {
      newMacKey: libcrypto.newMacKey.bind(libcrypto),
      freeMacKey: libcrypto.freeMacKey.bind(libcrypto),
      mac: libcrypto.mac.bind(libcrypto),
      encrypt: libcrypto.encrypt.bind(libcrypto),
      decrypt: () => true,
    });
    assert.equal(givesKnownAnswers(opensAll), false);
  });
});
