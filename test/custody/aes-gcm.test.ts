/** AES-256-GCM against NIST's vectors, SM4-GCM against that of RFC 8998. */

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

describe("SM4-GCM", () => {
  const vector = {
    key: hex("0123456789abcdeffedcba9876543210"),
    iv: hex("00001234567800000000abcd"),
    aad: hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
    plaintext: hex(
      "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
    ),
    data: hex(
      "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
    ),
    tag: hex("83de3541e4c2b58177e065a9bf7b62ec"),
  };

  it("encrypts and decrypts as RFC 8998, A.1, and refuses another tag", () => {
    const { key, iv, aad, plaintext, data, tag } = vector;
    const target = new Uint8Array(16 + plaintext.length);
    encryptGcm(key, { iv, aad, plaintext }, { target, tagAt: 0, dataAt: 16 }, "sm4-gcm");
    assert.equal(target.toHex(), tag.toHex() + data.toHex());
    assert.deepEqual(decryptGcm(key, { iv, aad, tag, data }, "sm4-gcm"), plaintext);
    assert.equal(decryptGcm(key, { iv, aad, tag: flipped(tag, 0), data }, "sm4-gcm"), undefined);
  });
});
