/** What attackers send instead of keys, signatures and ciphertexts, through the API: all of it is refused, by its error. */

import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { after, describe, it } from "node:test";
import { hex, vectorsOf, type WycheproofFile } from "../custody/vectors.ts";
import { assertRefused, bytes, newKey, present, refusalOf, startWorld } from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

const message = new TextEncoder().encode("Attack at dawn");

/** Big-endian, as long as asked for. */
const toBytes = (value: bigint, length: number): Uint8Array => hex(value.toString(16).padStart(length * 2, "0"));
const toNumber = (value: Uint8Array): bigint => BigInt(`0x${value.toHex()}`);

describe("DeriveSharedSecret", () => {
  for (const { KeySpec, file, others } of [
    { KeySpec: "ECC_NIST_P256", file: "ecdh_secp256r1", others: 267 },
    { KeySpec: "ECC_NIST_P384", file: "ecdh_secp384r1", others: 262 },
    { KeySpec: "ECC_NIST_P521", file: "ecdh_secp521r1", others: 270 },
  ] as const) {
    it(`refuses every public key that Project Wycheproof calls invalid or merely acceptable for ${KeySpec}`, async () => {
      const { KeyId } = await newKey(kms, { KeySpec, KeyUsage: "KEY_AGREEMENT" });
      const { groups } = vectorsOf<WycheproofFile<object, { public: string }>>(`wycheproof/${file}`);
      const tests = groups.flatMap((group) => group.tests);
      const valid = new Set(tests.filter(({ result }) => result === "valid").map(({ public: key }) => key));
      const wrong = new Set(tests.map(({ public: key }) => key).filter((key) => key !== "" && !valid.has(key)));
      const agreed: string[] = [];
      for (const key of wrong) {
        const call = kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey: hex(key) });
        if ((await refusalOf(call)).name !== "ValidationException") agreed.push(key);
      }
      assert.deepEqual(agreed, []);
      assert.equal(wrong.size, others);
      const [one] = valid;
      await kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey: hex(present(one)) });
    });
  }
});

/** A DER INTEGER; `pad` puts needless zeros before it. */
function integer(value: bigint, pad = 0): Uint8Array {
  const plain = hex(value.toString(16).padStart(value.toString(16).length + (value.toString(16).length % 2), "0"));
  const content = Uint8Array.of(...new Uint8Array(pad), ...((plain[0] ?? 0) >= 0x80 ? [0] : []), ...plain);
  return Uint8Array.of(0x02, content.length, ...content);
}
const sequence = (...parts: readonly Uint8Array[]): Uint8Array => {
  const content = Buffer.concat(parts);
  return Uint8Array.of(0x30, ...(content.length < 128 ? [content.length] : [0x81, content.length]), ...content);
};

/** The two integers of an ECDSA signature in DER with short lengths. */
function integersOf(signature: Uint8Array): readonly [r: bigint, s: bigint] {
  const rBytes = signature[3] ?? 0;
  const r = signature.subarray(4, 4 + rBytes);
  return [toNumber(r), toNumber(signature.subarray(6 + rBytes))];
}

describe("Verify", () => {
  /** The order of P-256 (SP 800-186, 3.2.1.3). */
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const bare = (...contents: readonly number[]): Uint8Array => Uint8Array.of(0x02, contents.length, ...contents);
  const FORGERIES: readonly { title: string; make(r: bigint, s: bigint): Uint8Array }[] = [
    { title: "a long form of length", make: (r, s) => longLength(sequence(integer(r), integer(s))) },
    { title: "an indefinite length", make: (r, s) => indefinite(sequence(integer(r), integer(s))) },
    { title: "needless zeros before r", make: (r, s) => sequence(integer(r, 1), integer(s)) },
    { title: "needless zeros before s", make: (r, s) => sequence(integer(r), integer(s, 2)) },
    { title: "a byte after it", make: (r, s) => Uint8Array.of(...sequence(integer(r), integer(s)), 0) },
    { title: "a byte inside after s", make: (r, s) => sequence(integer(r), integer(s), Uint8Array.of(5, 0)) },
    { title: "only one integer", make: (r) => sequence(integer(r)) },
    { title: "three integers", make: (r, s) => sequence(integer(r), integer(s), integer(s)) },
    { title: "a SET instead of a SEQUENCE", make: (r, s) => sequence(integer(r), integer(s)).with(0, 0x31) },
    { title: "r beyond the order", make: (r, s) => sequence(integer(r + order), integer(s)) },
    { title: "s beyond the order", make: (r, s) => sequence(integer(r), integer(s + order)) },
    { title: "r of 100 bytes", make: (r, s) => sequence(integer(r + (order << 550n)), integer(s)) },
    { title: "r = 0", make: (_r, s) => sequence(bare(0), integer(s)) },
    { title: "s = 0", make: (r) => sequence(integer(r), bare(0)) },
    { title: "r = s = 0", make: () => sequence(bare(0), bare(0)) },
    { title: "r and s the order", make: () => sequence(integer(order), integer(order)) },
    {
      title: "a negative s",
      make: (r, s) => sequence(integer(r), bare(...toBytes((1n << 256n) + s - order, 33).subarray(1))),
    },
    { title: "empty integers", make: () => sequence(bare(), bare()) },
    { title: "r and s as they are, without DER", make: (r, s) => Uint8Array.of(...toBytes(r, 32), ...toBytes(s, 32)) },
  ];
  const longLength = (der: Uint8Array): Uint8Array => Uint8Array.of(0x30, 0x81, der[1] ?? 0, ...der.subarray(2));
  const indefinite = (der: Uint8Array): Uint8Array => Uint8Array.of(0x30, 0x80, ...der.subarray(2), 0, 0);

  for (const { title, make } of FORGERIES) {
    it(`S05-015: refuses an ECDSA signature with ${title}`, async () => {
      const { input, digest, integers } = await ecdsa;
      const forged = make(...integers);
      for (const asked of [input, digest]) {
        await assertRefused(kms.verify({ ...asked, Signature: forged }), "KMSInvalidSignatureException");
      }
    });
  }

  it("takes the greater of the two values of s, as ECDSA does", async () => {
    const { input, digest, integers } = await ecdsa;
    const [r, s] = integers;
    for (const asked of [input, digest]) {
      await kms.verify({ ...asked, Signature: sequence(integer(r), integer(s)) });
      await kms.verify({ ...asked, Signature: sequence(integer(r), integer(order - s)) });
    }
  });

  for (const SigningAlgorithm of ["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_256"] as const) {
    it(`S05-015: refuses an ${SigningAlgorithm} signature that is not below the modulus, or of another length`, async () => {
      const { KeyId, modulus } = await rsa("SIGN_VERIFY");
      const digest = bytes(32);
      const input = { KeyId, SigningAlgorithm, Message: digest, MessageType: "DIGEST" } as const;
      const Signature = present((await kms.sign(input)).Signature);
      await kms.verify({ ...input, Signature });
      const beyond = toNumber(Signature) + modulus;
      for (const forged of [
        ...(beyond < 1n << 2048n ? [toBytes(beyond, 256)] : []),
        toBytes(beyond, 257),
        toBytes(modulus, 256),
        Uint8Array.of(0, ...Signature),
        Signature.subarray(1),
        new Uint8Array(256),
        toBytes(1n, 256),
        toBytes(modulus - 1n, 256),
        bytes(256, 0xff),
      ]) {
        await assertRefused(kms.verify({ ...input, Signature: forged }), "KMSInvalidSignatureException");
      }
    });
  }

  it("S05-015: refuses an Ed25519 signature whose S is not below the order, or whose R is of small order", async () => {
    const SigningAlgorithm = "ED25519_SHA_512";
    const { KeyId } = await newKey(kms, { KeySpec: "ECC_NIST_EDWARDS25519", KeyUsage: "SIGN_VERIFY" });
    const input = { KeyId, SigningAlgorithm, Message: message } as const;
    const signature = present((await kms.sign(input)).Signature);
    await kms.verify({ ...input, Signature: signature });
    const groupOrder = (1n << 252n) + 27742317777372353535851937790883648493n; // RFC 8032, 5.1
    const s = toNumber(signature.slice(32).reverse());
    const withS = (value: bigint): Uint8Array =>
      Uint8Array.of(...signature.subarray(0, 32), ...toBytes(value, 32).reverse());
    const withR = (r: string): Uint8Array => Uint8Array.of(...hex(r), ...signature.subarray(32));
    for (const forged of [
      withS(s + groupOrder),
      withS(s + 8n * groupOrder),
      withS(0n),
      withR("0100000000000000000000000000000000000000000000000000000000000000"), // the neutral element
      withR("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), // of order 2
      withR("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), // of order 8
      withR("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), // 1, written beyond the field
      signature.subarray(1),
      Uint8Array.of(...signature, 0),
    ]) {
      await assertRefused(kms.verify({ ...input, Signature: forged }), "KMSInvalidSignatureException");
    }
  });
});

describe("Decrypt", () => {
  for (const EncryptionAlgorithm of ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"] as const) {
    it(`refuses ${EncryptionAlgorithm} ciphertexts that are not below the modulus, trivial, or of another length`, async () => {
      const { KeyId, modulus } = await rsa("ENCRYPT_DECRYPT");
      const input = { KeyId, EncryptionAlgorithm } as const;
      const { CiphertextBlob } = await kms.encrypt({ ...input, Plaintext: message });
      const ciphertext = present(CiphertextBlob);
      const beyond = toNumber(ciphertext) + modulus;
      for (const forged of [
        ...(beyond < 1n << 2048n ? [toBytes(beyond, 256)] : []),
        toBytes(beyond, 257),
        toBytes(modulus, 256),
        toBytes(modulus - 1n, 256),
        new Uint8Array(256),
        toBytes(1n, 256),
        bytes(256, 0xff),
        Uint8Array.of(0, ...ciphertext),
        ciphertext.subarray(1),
      ]) {
        await assertRefused(kms.decrypt({ ...input, CiphertextBlob: forged }), "InvalidCiphertextException");
      }
    });
  }
});

/** A P-256 signature of the message, and how to ask for it over message and digest. */
const ecdsa = (async () => {
  const SigningAlgorithm = "ECDSA_SHA_256";
  const { KeyId } = await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
  const input = { KeyId, SigningAlgorithm, Message: message, MessageType: "RAW" } as const;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", message));
  const digest = { KeyId, SigningAlgorithm, Message: hash, MessageType: "DIGEST" } as const;
  return { input, digest, integers: integersOf(present((await kms.sign(input)).Signature)) };
})();

async function rsa(KeyUsage: "SIGN_VERIFY" | "ENCRYPT_DECRYPT"): Promise<{ KeyId: string; modulus: bigint }> {
  const { KeyId } = await newKey(kms, { KeySpec: "RSA_2048", KeyUsage });
  const spki = present((await kms.getPublicKey({ KeyId })).PublicKey);
  const { n } = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" }).export({ format: "jwk" });
  return { KeyId, modulus: toNumber(Uint8Array.fromBase64(present(n), { alphabet: "base64url" })) };
}
