/** Key pairs and HMAC keys behind the seal, against published vectors and implementations that are not the one in use. */

import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { describe, it } from "node:test";
import type { MaterialOwner, SealedMaterial } from "../../src/custody/custody.ts";
import { findPublicKey } from "../../src/custody/key-pairs.ts";
import { SealedRowError } from "../../src/custody/seal.ts";
import { ascii, flipped, newCustody, owner } from "./fixtures.ts";

const { custody } = await newCustody();

const signer = (spec: string): MaterialOwner => ({ ...owner, spec, usage: "SIGN_VERIFY" });
const macOwner = (spec: string): MaterialOwner => ({ ...owner, spec, usage: "GENERATE_VERIFY_MAC" });
const digestOf = (algorithm: string): Uint8Array =>
  createHash(`sha${algorithm.slice(-3)}`)
    .update(ascii("Attack at dawn"))
    .digest();
const publicKeyOf = async (material: SealedMaterial) =>
  createPublicKey({ key: Buffer.from(await custody.publicKey(material)), format: "der", type: "spki" });

describe("HMAC", () => {
  // RFC 4231, 4.8: a key of 131 bytes, which HMAC hashes first. Hashed by the tester, it fits into our 32 and 64 bytes.
  const data = ascii(
    "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
  );
  for (const { spec, hash, mac } of [
    { spec: "HMAC_224", hash: "sha224", mac: "3a854166ac5d9f023f54d517d0b39dbd946770db9c2b95c9f6f565d1" },
    {
      spec: "HMAC_256",
      hash: "sha256",
      mac: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    },
    {
      spec: "HMAC_384",
      hash: "sha384",
      mac: "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e",
    },
    {
      spec: "HMAC_512",
      hash: "sha512",
      mac: "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
    },
  ]) {
    it(`of an ${spec} key is that of RFC 4231, test case 7`, async () => {
      const key = createHash(hash).update(new Uint8Array(131).fill(0xaa)).digest();
      const material = await custody.importMaterial(macOwner(spec), key);
      assert.equal((await custody.mac(material, data)).toHex(), mac);
      assert.ok(await custody.verifyMac(material, data, Uint8Array.fromHex(mac)));
      assert.ok(!(await custody.verifyMac(material, data, flipped(Uint8Array.fromHex(mac), 0))));
      assert.ok(!(await custody.verifyMac(material, data, Uint8Array.fromHex(mac).subarray(0, -1))));
    });

    it(`refuses ${spec} material of another length`, async () => {
      const length = mac.length / 2;
      await assert.rejects(custody.importMaterial(macOwner(spec), new Uint8Array(length + 1)), /material has/);
    });
  }
});

const ALGORITHMS = [
  ...["RSA_2048", "RSA_3072", "RSA_4096"].flatMap((spec) =>
    ["PKCS1_V1_5", "PSS"].flatMap((scheme) =>
      [256, 384, 512].map((bits) => ({ spec, algorithm: `RSASSA_${scheme}_SHA_${bits}` })),
    ),
  ),
  { spec: "ECC_NIST_P256", algorithm: "ECDSA_SHA_256" },
  { spec: "ECC_NIST_P384", algorithm: "ECDSA_SHA_384" },
  { spec: "ECC_NIST_P521", algorithm: "ECDSA_SHA_512" },
  { spec: "ECC_SECG_P256K1", algorithm: "ECDSA_SHA_256" },
];
const made = new Map<string, Promise<SealedMaterial>>();
const materialOf = (spec: string): Promise<SealedMaterial> => {
  const material = made.get(spec) ?? custody.createMaterial(signer(spec));
  made.set(spec, material);
  return material;
};

describe("signatures of digests", () => {
  for (const { spec, algorithm } of ALGORITHMS) {
    it(`are those of the message, for ${spec} and ${algorithm}, and of nothing else`, async () => {
      const material = await materialOf(spec);
      const ofDigest = { algorithm, messageType: "DIGEST", message: digestOf(algorithm) } as const;
      const ofMessage = { algorithm, messageType: "RAW", message: ascii("Attack at dawn") } as const;
      const signature = await custody.sign(material, ofDigest);
      assert.ok(await custody.verify(material, ofMessage, signature));
      assert.ok(await custody.verify(material, ofDigest, await custody.sign(material, ofMessage)));
      const otherDigest = { ...ofDigest, message: flipped(ofDigest.message, 3) };
      assert.ok(!(await custody.verify(material, otherDigest, signature)));
      for (const spoilt of [
        flipped(signature, signature.length - 1),
        flipped(signature, 0),
        signature.subarray(0, -1),
        Uint8Array.of(...signature, 0),
        new Uint8Array(0),
        new Uint8Array(signature.length).fill(0xff),
        new Uint8Array(signature.length),
      ]) {
        assert.ok(!(await custody.verify(material, ofDigest, spoilt)));
        assert.ok(!(await custody.verify(material, ofMessage, spoilt)));
      }
    });
  }
});

describe("a sealed key pair", () => {
  it("opens only for its owner, and only as it was sealed", async () => {
    const material = await materialOf("ECC_NIST_P256");
    await assert.rejects(custody.publicKey({ ...material, usage: "KEY_AGREEMENT" }), SealedRowError);
    const sealed = flipped(material.sealed, material.sealed.length - 1);
    const { custody: other } = await newCustody();
    await other.createMaterial(owner);
    await assert.rejects(other.publicKey(material), SealedRowError);
    custody.forget(material.keyId);
    await assert.rejects(custody.publicKey({ ...material, sealed }), SealedRowError);
  });

  it("is refused when its key is of another spec, and wiped", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    for (const spec of ["ECC_NIST_P256", "RSA_2048", "ECC_NIST_EDWARDS25519"]) {
      const bytes = new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" }));
      await assert.rejects(custody.importMaterial(signer(spec), bytes), /no private key of spec/);
      assert.ok(bytes.every((byte) => byte === 0));
    }
    await assert.rejects(custody.createMaterial(signer("ML_DSA_43")), /no material of spec ML_DSA_43/);
  });

  it("is refused when its curve is spelled out and not named", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" });
    const bytes = new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" }));
    await assert.rejects(custody.importMaterial(signer("ECC_NIST_P256"), bytes), /does not name its curve/);
  });

  it("is used only as what it is", async () => {
    const material = await materialOf("ECC_NIST_P256");
    await assert.rejects(custody.encrypt(material, ascii("x"), {}), /can't be used as symmetric/);
    await assert.rejects(custody.mac(material, ascii("x")), /can't be used as mac/);
    const input = { algorithm: "SM2DSA", messageType: "RAW", message: ascii("x") } as const;
    await assert.rejects(custody.sign(material, input), /has no SM2DSA/);
    const unknown = { ...input, algorithm: "SM9" };
    await assert.rejects(custody.sign(material, unknown), /has no SM9/);
  });
});

describe("Ed25519 and Ed25519ph", () => {
  const pkcs8 = (seed: string): Uint8Array => Uint8Array.fromHex(`302e020100300506032b657004220420${seed}`);

  it("sign as RFC 8032, 7.1, TEST 3", async () => {
    const seed = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
    const material = await custody.importMaterial(signer("ECC_NIST_EDWARDS25519"), pkcs8(seed));
    const input = { algorithm: "ED25519_SHA_512", messageType: "RAW", message: Uint8Array.of(0xaf, 0x82) } as const;
    const signature = await custody.sign(material, input);
    assert.equal(
      signature.toHex(),
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    );
    assert.ok(await custody.verify(material, input, signature));
    assert.ok(!(await custody.verify(material, input, flipped(signature, 0))));
  });

  it("sign as RFC 8032, 7.3, TEST abc", async () => {
    const seed = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42";
    const material = await custody.importMaterial(signer("ECC_NIST_EDWARDS25519"), pkcs8(seed));
    const input = { algorithm: "ED25519_PH_SHA_512", messageType: "DIGEST", message: ascii("abc") } as const;
    const signature = await custody.sign(material, input);
    assert.equal(
      signature.toHex(),
      "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
    );
    assert.ok(await custody.verify(material, input, signature));
    for (const spoilt of [flipped(signature, 0), flipped(signature, 40), signature.subarray(1), new Uint8Array(64)]) {
      assert.ok(!(await custody.verify(material, input, spoilt)));
    }
  });
});

describe("ML-DSA", () => {
  for (const { spec, publicKeyBytes, signatureBytes } of [
    { spec: "ML_DSA_44", publicKeyBytes: 1334, signatureBytes: 2420 },
    { spec: "ML_DSA_65", publicKeyBytes: 1974, signatureBytes: 3309 },
    { spec: "ML_DSA_87", publicKeyBytes: 2614, signatureBytes: 4627 },
  ]) {
    it(`of ${spec} has the lengths of FIPS 204 and is of the message alone`, async () => {
      const material = await materialOf(spec);
      const input = { algorithm: "ML_DSA_SHAKE_256", messageType: "RAW", message: ascii("Attack at dawn") } as const;
      const signature = await custody.sign(material, input);
      assert.equal((await custody.publicKey(material)).length, publicKeyBytes);
      assert.equal(signature.length, signatureBytes);
      assert.ok(verify(null, input.message, await publicKeyOf(material), signature));
      assert.ok(await custody.verify(material, input, signature));
      assert.ok(!(await custody.verify(material, input, flipped(signature, 100))));
      assert.ok(!(await custody.verify(material, { ...input, message: ascii("Attack at noon") }, signature)));
    });
  }
});

describe("a public key from outside", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));

  it("is taken as it is handed out", () => {
    const found = findPublicKey("ECC_NIST_P256", spki);
    const signature = sign("sha256", ascii("x"), createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" })));
    assert.ok(found !== undefined && verify("sha256", ascii("x"), found, signature));
  });

  for (const { title, bytes } of [
    { title: "with a byte more", bytes: Uint8Array.of(...spki, 0) },
    { title: "cut short", bytes: spki.subarray(0, -1) },
    { title: "with a point off the curve", bytes: flipped(spki, spki.length - 1) },
    {
      title: "of another curve",
      bytes: new Uint8Array(
        generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey.export({ type: "spki", format: "der" }),
      ),
    },
    {
      title: "with explicit parameters",
      bytes: new Uint8Array(
        generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" }).publicKey.export({
          type: "spki",
          format: "der",
        }),
      ),
    },
    { title: "that is none", bytes: ascii("a public key") },
  ]) {
    it(`is refused ${title}`, () => assert.equal(findPublicKey("ECC_NIST_P256", bytes), undefined));
  }
});
