/** The blob format: what parses, what opens, and what never does. */

import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decryptGcm } from "../../src/custody/aes-gcm.ts";
import { blobPrefix, encryptBlob, openBlob, parseBlob } from "../../src/custody/blob.ts";
import { deriveKey } from "../../src/custody/kdf.ts";
import { Nonces } from "../../src/custody/nonces.ts";
import { ascii } from "./fixtures.ts";

const nonces = new Nonces();
const uuid = { keyId: "1234abcd-12ab-34cd-56ef-1234567890ab", materialId: "ab".repeat(32) };
const multiRegion = { keyId: "mrk-1234abcd12ab34cd56ef1234567890ab", materialId: "cd".repeat(32) };
const material = createSecretKey(new Uint8Array(32).fill(7));
const key = { material, prefix: blobPrefix(uuid) };
const plaintext = ascii("plaintext");

describe("a blob", () => {
  for (const ids of [uuid, multiRegion]) {
    it(`names key and material (${ids.keyId})`, () => {
      const blob = encryptBlob({ material, prefix: blobPrefix(ids) }, { plaintext, context: {}, nonces });
      assert.deepEqual(parseBlob(blob), ids);
      assert.equal(blob.length, 95 + plaintext.length);
    });
  }

  it("opens with the KDF and AES-GCM as they are documented", () => {
    const blob = encryptBlob(key, { plaintext, context: {}, nonces });
    const opened = decryptGcm(deriveKey(material, "keystead/blob/1", blob.subarray(2, 67), 32), {
      aad: blob.subarray(0, 67),
      iv: blob.subarray(67, 79),
      tag: blob.subarray(79, 95),
      data: blob.subarray(95),
    });
    assert.deepEqual(opened, plaintext);
  });

  it("of SM4 material opens with the KDF and SM4-GCM as they are documented, and not as AES", () => {
    const sm4 = createSecretKey(new Uint8Array(16).fill(9));
    const sm4Key = { material: sm4, prefix: blobPrefix(uuid, 16) };
    const blob = encryptBlob(sm4Key, { plaintext, context: {}, nonces });
    assert.deepEqual([blob[1], parseBlob(blob)], [2, uuid]);
    const parts = {
      aad: blob.subarray(0, 67),
      iv: blob.subarray(67, 79),
      tag: blob.subarray(79, 95),
      data: blob.subarray(95),
    };
    const opened = decryptGcm(deriveKey(sm4, "keystead/blob/sm4", blob.subarray(2, 67), 16), parts, "sm4-gcm");
    assert.deepEqual(opened, plaintext);
    assert.deepEqual(openBlob(sm4Key, { blob, context: {} }), plaintext);
    assert.equal(openBlob(sm4Key, { blob: blob.with(1, 1), context: {} }), undefined);
    assert.equal(openBlob(key, { blob, context: {} }), undefined);
    assert.throws(() => blobPrefix(uuid, 24), /Not a material/);
  });

  it("has its own nonce, IV and key each time", () => {
    const blobs = Array.from({ length: 500 }, () => encryptBlob(key, { plaintext, context: {}, nonces }));
    for (const [from, to] of [
      [51, 67],
      [67, 79],
      [79, 95],
      [95, 95 + plaintext.length],
    ] as const) {
      assert.equal(new Set(blobs.map((blob) => blob.subarray(from, to).toHex())).size, 500);
    }
  });

  const misshapen: readonly { title: string; change: (blob: Uint8Array) => Uint8Array }[] = [
    { title: "an unknown version", change: (blob) => blob.with(0, 2) },
    { title: "version 0", change: (blob) => blob.with(0, 0) },
    { title: "an unknown algorithm", change: (blob) => blob.with(1, 4) },
    { title: "an unknown form of key id", change: (blob) => blob.with(2, 2) },
    { title: "a header that is cut off", change: (blob) => blob.slice(0, 94) },
    { title: "nothing", change: () => new Uint8Array(0) },
  ];
  for (const { title, change } of misshapen) {
    it(`is not parsed and not opened with ${title}`, () => {
      const blob = change(encryptBlob(key, { plaintext, context: {}, nonces }));
      assert.equal(parseBlob(blob), undefined);
      assert.equal(openBlob(key, { blob, context: {} }), undefined);
    });
  }

  it("does not open under another key id or material id with the same material", () => {
    const blob = encryptBlob(key, { plaintext, context: {}, nonces });
    for (const ids of [multiRegion, { ...uuid, materialId: multiRegion.materialId }]) {
      assert.equal(openBlob({ material, prefix: blobPrefix(ids) }, { blob, context: {} }), undefined);
    }
  });

  it("gives ids or nothing for any bytes, and the ids give the same header again", () => {
    const shaped = fc
      .tuple(fc.constantFrom(0, 1), fc.uint8Array({ minLength: 92, maxLength: 120 }))
      .map(([form, rest]) => Uint8Array.from([1, 1, form, ...rest]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 120 }), shaped), (bytes) => {
        const ids = parseBlob(bytes);
        if (ids !== undefined) assert.deepEqual(blobPrefix(ids), bytes.slice(0, 51));
        assert.equal(openBlob(key, { blob: bytes, context: {} }), undefined);
      }),
    );
  });

  it("is not made for ids of another shape", () => {
    assert.throws(() => blobPrefix({ ...uuid, keyId: "alias/x" }), /Not a key id/);
    assert.throws(() => blobPrefix({ ...uuid, materialId: "abcd" }), /Not a material id/);
  });
});

describe("nonces", () => {
  it("never come twice, across blocks of the generator too", () => {
    const source = new Nonces();
    const seen = new Set<string>();
    for (let i = 0; i < 1000; i += 1) {
      const nonce = new Uint8Array(28);
      source.fill(nonce);
      seen.add(nonce.toHex());
    }
    assert.equal(seen.size, 1000);
  });
});
