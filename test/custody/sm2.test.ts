/** SM2 keys and SM4 material of China Regions, against the standards' examples, OpenSSL's command line and @noble/curves. */

import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { weierstrass } from "@noble/curves/abstract/weierstrass.js";
import type { MaterialOwner } from "../../src/custody/custody.ts";
import { findPublicKey } from "../../src/custody/key-pairs.ts";
import { isSm2Spki, sm2Digest } from "../../src/custody/sm2.ts";
import { openssl } from "../openssl.ts";
import { ascii, flipped, newCustody, owner } from "./fixtures.ts";

const { custody } = await newCustody();
const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);
const sm2 = (usage: string): MaterialOwner => ({ ...owner, region: "cn-north-1", spec: "SM2", usage });

/** GB/T 32918.5-2017, A.2 and C.2; DER by us. */
const example = {
  pkcs8:
    "3041020100301306072a8648ce3d020106082a811ccf5501822d0427302502010104203945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8",
  point:
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13",
  message: ascii("message digest"),
  digest: "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640",
  signature:
    "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
  plaintext: ascii("encryption standard"),
  ciphertext:
    "307c022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0042059983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766041321886ca989ca9c7d58087307ca93092d651efa",
} as const;

/** The recommended curve of GB/T 32918.5. */
const Curve = weierstrass({
  p: 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn,
  a: 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn,
  b: 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n,
  n: 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n,
  h: 1n,
  Gx: 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  Gy: 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
});

const pemOf = (pkcs8: Uint8Array): Uint8Array =>
  openssl(["pkey", "-inform", "DER", "-in", "{pkcs8}"], { pkcs8 }).output;

describe("SM2DSA", () => {
  it("hashes and verifies as the example of GB/T 32918.5", async () => {
    const material = await custody.importMaterial(sm2("SIGN_VERIFY"), hex(example.pkcs8));
    const spki = await custody.publicKey(material);
    assert.ok(isSm2Spki(spki));
    assert.equal(spki.subarray(-65).toHex(), example.point);
    assert.equal(sm2Digest(spki, example.message).toHex(), example.digest);
    const raw = { algorithm: "SM2DSA", messageType: "RAW", message: example.message } as const;
    const ofDigest = { algorithm: "SM2DSA", messageType: "DIGEST", message: hex(example.digest) } as const;
    for (const input of [raw, ofDigest]) {
      assert.ok(await custody.verify(material, input, hex(example.signature)));
      assert.ok(!(await custody.verify(material, input, flipped(hex(example.signature), 20))));
      assert.ok(!(await custody.verify(material, input, new Uint8Array(0))));
      assert.ok(
        !(await custody.verify(material, { ...input, message: flipped(input.message, 0) }, hex(example.signature))),
      );
    }
  });

  it("verifies in OpenSSL under the default id alone, and verifies what OpenSSL signs", async () => {
    const material = await custody.importMaterial(sm2("SIGN_VERIFY"), hex(example.pkcs8));
    const key = await custody.publicKey(material);
    const message = ascii("Attack at dawn");
    const raw = { algorithm: "SM2DSA", messageType: "RAW", message } as const;
    const ofDigest = { ...raw, messageType: "DIGEST", message: sm2Digest(key, message) } as const;
    const options = ["-rawin", "-digest", "sm3", "-in", "{message}", "-keyform", "DER", "-inkey", "{key}"];
    const id = (text: string): readonly string[] => ["-pkeyopt", `distid:${text}`];
    for (const input of [raw, ofDigest]) {
      const signature = await custody.sign(material, input);
      const verified = (distid: string): boolean =>
        openssl(["pkeyutl", "-verify", "-pubin", "-sigfile", "{signature}", ...options, ...id(distid)], {
          key,
          message,
          signature,
        }).ok;
      assert.ok(verified("1234567812345678"));
      assert.ok(!verified("8765432187654321"));
    }
    const secret = hex(example.pkcs8);
    const signed = openssl(["pkeyutl", "-sign", ...options, ...id("1234567812345678")], { key: secret, message });
    assert.ok(signed.ok);
    assert.ok(await custody.verify(material, raw, signed.output));
    assert.ok(await custody.verify(material, ofDigest, signed.output));
  });
});

describe("SM2PKE", () => {
  const how = "SM2PKE";

  it("opens the example of GB/T 32918.5, and nothing that was altered", async () => {
    const material = await custody.importMaterial(sm2("ENCRYPT_DECRYPT"), hex(example.pkcs8));
    const ciphertext = hex(example.ciphertext);
    assert.deepEqual(await custody.decrypt(material, ciphertext, {}, how), example.plaintext);
    for (const spoilt of [
      flipped(ciphertext, ciphertext.length - 1),
      flipped(ciphertext, 0),
      flipped(ciphertext, 10),
      flipped(ciphertext, 80),
      ciphertext.subarray(0, -1),
      Uint8Array.of(...ciphertext, 0),
      new Uint8Array(0),
    ]) {
      await assert.rejects(custody.decrypt(material, spoilt, {}, how), { code: "InvalidCiphertextException" });
    }
  });

  it("is opened by OpenSSL, and opens what OpenSSL encrypts", async () => {
    const material = await custody.importMaterial(sm2("ENCRYPT_DECRYPT"), hex(example.pkcs8));
    const plaintext = ascii("Attack at dawn");
    const key = await custody.publicKey(material);
    const ours = await custody.encrypt(material, plaintext, {}, how);
    assert.equal(ours[0], 0x30);
    const opened = openssl(["pkeyutl", "-decrypt", "-inkey", "{key}", "-in", "{ours}"], {
      key: pemOf(hex(example.pkcs8)),
      ours,
    });
    assert.deepEqual(opened.output, plaintext);
    const theirs = openssl(
      ["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "{key}", "-in", "{plaintext}"],
      {
        key,
        plaintext,
      },
    );
    assert.deepEqual(await custody.decrypt(material, theirs.output, {}, how), plaintext);
  });
});

describe("SM2 key agreement", () => {
  it("is scalar times point, as @noble/curves computes it", async () => {
    const material = await custody.importMaterial(sm2("KEY_AGREEMENT"), hex(example.pkcs8));
    const scalar = BigInt(`0x${example.pkcs8.slice(-64)}`);
    for (let round = 0; round < 3; round += 1) {
      const peer = generateKeyPairSync("ec", { namedCurve: "SM2" }).publicKey.export({ type: "spki", format: "der" });
      const point = Curve.fromBytes(peer.subarray(-65));
      const expected = point.multiply(scalar).toBytes(false).subarray(1, 33);
      assert.deepEqual(await custody.deriveSharedSecret(material, new Uint8Array(peer)), new Uint8Array(expected));
    }
  });

  it("is the same from both sides, with pairs that are made here", async () => {
    const [left, right] = [
      await custody.createMaterial(sm2("KEY_AGREEMENT")),
      await custody.createMaterial({ ...sm2("KEY_AGREEMENT"), keyId: "4321abcd-12ab-34cd-56ef-1234567890ab" }),
    ];
    assert.deepEqual(
      await custody.deriveSharedSecret(left, await custody.publicKey(right)),
      await custody.deriveSharedSecret(right, await custody.publicKey(left)),
    );
  });

  it("refuses what is no public key of the curve", async () => {
    const material = await custody.importMaterial(sm2("KEY_AGREEMENT"), hex(example.pkcs8));
    const spki = await custody.publicKey(material);
    const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "der" });
    for (const peer of [
      flipped(spki, 90),
      spki.subarray(1),
      Uint8Array.of(...spki, 0),
      new Uint8Array(p256),
      ascii("x"),
    ]) {
      assert.equal(await custody.deriveSharedSecret(material, peer), undefined);
      assert.equal(findPublicKey("SM2", peer), undefined);
    }
    assert.ok(findPublicKey("ECC_NIST_P256", spki) === undefined);
  });
});

describe("a pair of SM2 keys", () => {
  it("is read by OpenSSL", async () => {
    const symmetric = await custody.createMaterial({ ...owner, region: "cn-north-1" });
    const { publicKey, privateKey: secret } = await custody.generateDataKeyPair(symmetric, "SM2", {});
    assert.equal(createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" }).type, "public");
    const read = openssl(["pkey", "-inform", "DER", "-in", "{secret}", "-pubout", "-outform", "DER"], { secret });
    assert.deepEqual(read.output, publicKey);
  });

  it("is refused as another spec's material, and another's as its own", async () => {
    const p256 = new Uint8Array(
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "der" }),
    );
    await assert.rejects(custody.importMaterial(sm2("SIGN_VERIFY"), p256), /no private key of spec SM2/);
    const other = { ...sm2("SIGN_VERIFY"), spec: "ECC_NIST_P256" };
    await assert.rejects(custody.importMaterial(other, hex(example.pkcs8)), /no private key of spec ECC_NIST_P256/);
  });
});

describe("symmetric material of China Regions", () => {
  const china = { ...owner, region: "cn-northwest-1" };

  it("has 16 bytes, and its blobs name SM4", async () => {
    const material = await custody.createMaterial(china);
    const blob = await custody.encrypt(material, ascii("plaintext"), { a: "b" });
    assert.deepEqual([blob[0], blob[1]], [1, 2]);
    assert.deepEqual(custody.parseBlob(blob), { keyId: china.keyId, materialId: material.materialId });
    assert.deepEqual(await custody.decrypt(material, blob, { a: "b" }), ascii("plaintext"));
    for (const spoilt of [flipped(blob, blob.length - 1), blob.with(1, 1), flipped(blob, 60), flipped(blob, 80)]) {
      await assert.rejects(custody.decrypt(material, spoilt, { a: "b" }), { code: "InvalidCiphertextException" });
    }
    await assert.rejects(custody.decrypt(material, blob, { a: "c" }), { code: "InvalidCiphertextException" });
  });

  it("is taken from outside with that length, as elsewhere with 32 bytes", async () => {
    await custody.importMaterial(china, new Uint8Array(16));
    await assert.rejects(custody.importMaterial(china, new Uint8Array(32)), /16 bytes/);
    await assert.rejects(custody.importMaterial(owner, new Uint8Array(16)), /32 bytes/);
  });
});
