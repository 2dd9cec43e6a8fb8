/** Custody against the vectors of Project Wycheproof: OAEP, ECDH, HMAC and AES-GCM. */

import assert from "node:assert/strict";
import { createECDH, createPrivateKey } from "node:crypto";
import { describe, it } from "node:test";
import { decryptGcm, encryptGcm } from "../../src/custody/aes-gcm.ts";
import type { EncryptionAlgorithm, SealedMaterial } from "../../src/custody/custody.ts";
import { newCustody, owner } from "./fixtures.ts";
import { hex, nameOf, Tally, vectorsOf, type WycheproofFile } from "./vectors.ts";

const { custody } = await newCustody();

describe("RSAES-OAEP of Project Wycheproof", () => {
  interface Oaep {
    readonly privateKeyPkcs8: string;
    readonly keysize: number;
  }
  interface Ciphertext {
    readonly msg: string;
    readonly ct: string;
    readonly label: string;
  }
  for (const { file, algorithm, opened } of [
    { file: "rsa_oaep_2048_sha1_mgf1sha1", algorithm: "RSAES_OAEP_SHA_1", opened: 10 },
    { file: "rsa_oaep_2048_sha256_mgf1sha256", algorithm: "RSAES_OAEP_SHA_256", opened: 10 },
    { file: "rsa_oaep_3072_sha256_mgf1sha256", algorithm: "RSAES_OAEP_SHA_256", opened: 10 },
    { file: "rsa_oaep_4096_sha256_mgf1sha256", algorithm: "RSAES_OAEP_SHA_256", opened: 10 },
    { file: "rsa_oaep_2048_sha256_mgf1sha1", algorithm: "RSAES_OAEP_SHA_256", opened: 0 },
  ] satisfies readonly { file: string; algorithm: EncryptionAlgorithm; opened: number }[]) {
    it(`${file}: opens what is valid without a label, ${opened} of them, and nothing else`, async () => {
      const { groups } = vectorsOf<WycheproofFile<Oaep, Ciphertext>>(`wycheproof/${file}`);
      let count = 0;
      for (const { privateKeyPkcs8, keysize, tests } of groups) {
        const encrypter = { ...owner, spec: `RSA_${keysize}` };
        const material = await custody.importMaterial(encrypter, hex(privateKeyPkcs8));
        for (const test of tests) {
          const decrypted = custody.decrypt(material, hex(test.ct), {}, algorithm);
          if (opened > 0 && test.result === "valid" && test.label === "") {
            assert.equal((await decrypted).toHex(), test.msg, nameOf(test));
            count += 1;
          } else {
            await assert.rejects(decrypted, { code: "InvalidCiphertextException", message: "" }, nameOf(test));
          }
        }
      }
      assert.equal(count, opened);
    });
  }
});

describe("ECDH of Project Wycheproof", () => {
  interface Agreement {
    readonly public: string;
    readonly private: string;
    readonly shared: string;
  }
  for (const { file, spec, curve, crv, fieldBytes, counts } of [
    {
      file: "ecdh_secp256r1",
      spec: "ECC_NIST_P256",
      curve: "prime256v1",
      crv: "P-256",
      fieldBytes: 32,
      counts: { agreed: 191, refused: 269 },
    },
    {
      file: "ecdh_secp384r1",
      spec: "ECC_NIST_P384",
      curve: "secp384r1",
      crv: "P-384",
      fieldBytes: 48,
      counts: { agreed: 163, refused: 264 },
    },
    {
      file: "ecdh_secp521r1",
      spec: "ECC_NIST_P521",
      curve: "secp521r1",
      crv: "P-521",
      fieldBytes: 66,
      counts: { agreed: 208, refused: 272 },
    },
  ]) {
    it(`${file}: agrees with valid keys alone: not off the curve, spelled out, compressed or in other DER`, async () => {
      const { groups, numberOfTests } = vectorsOf<WycheproofFile<object, Agreement>>(`wycheproof/${file}`);
      const agreer = { ...owner, spec, usage: "KEY_AGREEMENT" };
      const materials = new Map<string, SealedMaterial>();
      const wrong: string[] = [];
      const tally = new Tally();
      for (const { tests } of groups) {
        for (const test of tests) {
          const scalar = scalarOf(test.private, fieldBytes);
          const material =
            materials.get(test.private) ?? (await custody.importMaterial(agreer, ecPkcs8(scalar, { curve, crv })));
          materials.set(test.private, material);
          const secret = await custody.deriveSharedSecret(material, hex(test.public));
          const expected = test.result === "valid" ? test.shared : undefined;
          if (secret?.toHex() !== expected) wrong.push(nameOf(test));
          tally.add(expected === undefined ? "refused" : "agreed");
        }
      }
      assert.deepEqual(wrong, []);
      assert.deepEqual(tally.toObject(), counts);
      assert.equal(counts.agreed + counts.refused, numberOfTests);
    });
  }
});

/** A scalar of the vectors, which have leading zeros or lack them, as long as the field. */
function scalarOf(digits: string, bytes: number): Uint8Array {
  return hex(digits.replace(/^0+/, "").padStart(bytes * 2, "0"));
}

function ecPkcs8(scalar: Uint8Array, { curve, crv }: { curve: string; crv: string }): Uint8Array {
  const ecdh = createECDH(curve);
  ecdh.setPrivateKey(scalar);
  const point = ecdh.getPublicKey();
  const half = (point.length - 1) / 2;
  const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const [x, y] = [base64url(point.subarray(1, 1 + half)), base64url(point.subarray(1 + half))];
  const key = createPrivateKey({ format: "jwk", key: { kty: "EC", crv, x, y, d: base64url(scalar) } });
  return new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
}

describe("HMAC of Project Wycheproof", () => {
  interface Mac {
    readonly key: string;
    readonly msg: string;
    readonly tag: string;
  }
  for (const { bits, refused } of [
    { bits: 224, refused: 133 },
    { bits: 256, refused: 135 },
    { bits: 384, refused: 135 },
    { bits: 512, refused: 135 },
  ]) {
    it(`hmac_sha${bits}: with keys as long as ours, whole tags alone`, async () => {
      const file = vectorsOf<WycheproofFile<{ keySize: number; tagSize: number }, Mac>>(`wycheproof/hmac_sha${bits}`);
      const macOwner = { ...owner, spec: `HMAC_${bits}`, usage: "GENERATE_VERIFY_MAC" };
      const tally = new Tally();
      for (const { keySize, tagSize, tests } of file.groups) {
        for (const test of tests) {
          if (keySize !== bits) {
            tally.add("key of another length");
            continue;
          }
          const material = await custody.importMaterial(macOwner, hex(test.key));
          const [message, tag] = [hex(test.msg), hex(test.tag)];
          const isValid = test.result === "valid" && tagSize === bits;
          assert.equal(await custody.verifyMac(material, message, tag), isValid, nameOf(test));
          if (isValid) assert.equal((await custody.mac(material, message)).toHex(), test.tag, nameOf(test));
          tally.add(isValid ? "held" : "refused");
        }
      }
      assert.deepEqual(tally.toObject(), { held: 27, "key of another length": 12, refused });
    });
  }
});

describe("AES-256-GCM of Project Wycheproof", () => {
  interface Aead {
    readonly key: string;
    readonly iv: string;
    readonly aad: string;
    readonly msg: string;
    readonly ct: string;
    readonly tag: string;
  }
  it("aes_gcm: with IVs of 96 bits and tags of 128", () => {
    interface Sizes {
      readonly ivSize: number;
      readonly keySize: number;
      readonly tagSize: number;
    }
    const tally = new Tally();
    for (const { ivSize, keySize, tagSize, tests } of vectorsOf<WycheproofFile<Sizes, Aead>>("wycheproof/aes_gcm")
      .groups) {
      for (const test of tests) {
        if (keySize !== 256 || ivSize !== 96 || tagSize !== 128) {
          tally.add("other sizes");
          continue;
        }
        const key = hex(test.key);
        const parts = { iv: hex(test.iv), aad: hex(test.aad), tag: hex(test.tag), data: hex(test.ct) };
        const isValid = test.result === "valid";
        assert.equal(decryptGcm(key, parts)?.toHex(), isValid ? test.msg : undefined, nameOf(test));
        if (isValid) {
          const target = new Uint8Array(16 + parts.data.length);
          const input = { iv: parts.iv, aad: parts.aad, plaintext: hex(test.msg) };
          encryptGcm(key, input, { target, tagAt: 0, dataAt: 16 });
          assert.equal(target.toHex(), test.tag + test.ct, nameOf(test));
        }
        tally.add(test.result);
      }
    }
    assert.deepEqual(tally.toObject(), { invalid: 27, "other sizes": 208, valid: 21 });
  });
});
