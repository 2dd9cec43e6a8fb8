/** AES-256-GCM against NIST's vectors. */

import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { describe, it } from "node:test";
import { decryptGcm, encryptGcm } from "../../src/custody/aes-gcm.ts";
import nist from "../vectors/aes-256-gcm.json" with { type: "json" };
import { flipped } from "./fixtures.ts";

const hex = (text: string) => Uint8Array.fromHex(text);

describe("AES-256-GCM", () => {
  it("has 12 of NIST's encryptions and 7 decryptions here, 3 of which must fail", () => {
    assert.equal(nist.encrypt.length, 12);
    assert.equal(nist.decrypt.length, 7);
    assert.equal(nist.decrypt.filter(({ PT }) => PT === null).length, 3);
  });

  for (const [index, { Key, IV, PT, AAD, CT, Tag }] of nist.encrypt.entries()) {
    it(`encrypts as NIST's vector ${index} says, under bytes and under a KeyObject`, () => {
      for (const key of [hex(Key), createSecretKey(hex(Key))]) {
        const target = new Uint8Array(16 + PT.length / 2);
        encryptGcm(key, { iv: hex(IV), aad: hex(AAD), plaintext: hex(PT) }, { target, tagAt: 0, dataAt: 16 });
        assert.equal(target.toHex(), Tag + CT);
        const parts = { iv: hex(IV), aad: hex(AAD), tag: hex(Tag), data: hex(CT) };
        assert.equal(decryptGcm(key, parts)?.toHex(), PT);
        assert.equal(decryptGcm(key, { ...parts, tag: flipped(hex(Tag), 15) }), undefined);
      }
    });
  }

  for (const [index, { Key, IV, PT, AAD, CT, Tag }] of nist.decrypt.entries()) {
    it(`${PT === null ? "refuses" : "decrypts"} NIST's ciphertext ${index}`, () => {
      const parts = { iv: hex(IV), aad: hex(AAD), tag: hex(Tag), data: hex(CT) };
      assert.equal(decryptGcm(hex(Key), parts)?.toHex() ?? null, PT);
    });
  }

  it("takes no shortened tag", () => {
    const [vector] = nist.encrypt;
    assert.ok(vector);
    const parts = { iv: hex(vector.IV), aad: hex(vector.AAD), data: hex(vector.CT) };
    assert.throws(() => decryptGcm(hex(vector.Key), { ...parts, tag: hex(vector.Tag).subarray(0, 12) }));
  });
});
