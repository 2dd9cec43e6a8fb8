/** Imported key material of spec 05: every wrapping of every kind of material, made by OpenSSL, and what is refused. */

import assert from "node:assert/strict";
import { createPrivateKey, decapsulate, generateKeyPairSync, type KeyObject } from "node:crypto";
import { after, describe, it } from "node:test";
import type { KeySpec, KeyUsageType, MacAlgorithmSpec, SigningAlgorithmSpec } from "@aws-sdk/client-kms";
import {
  asPkcs8,
  BY_COMMAND,
  importInto,
  KEY_WRAP,
  newExternalKey,
  OAEP,
  opensslOutput,
  privateKeyMaterial,
  randomMaterial,
  type Wrapping,
} from "../key-material.ts";
import { assertRefused, describedKey, present, startWorld } from "../kms-client.ts";
import { openssl } from "../openssl.ts";
import { ed25519Of, inverse, P256_ORDER, p256Of, primeOf, rsaOf } from "../private-numbers.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

const message = new TextEncoder().encode("Attack at dawn");

const WRAPPING_KEY_SPECS = ["RSA_2048", "RSA_3072", "RSA_4096"] as const;
const wrappingsOf = (...algorithms: readonly Wrapping["WrappingAlgorithm"][]): readonly Wrapping[] =>
  algorithms.flatMap((WrappingAlgorithm) =>
    WRAPPING_KEY_SPECS.map((WrappingKeySpec) => ({ WrappingAlgorithm, WrappingKeySpec })),
  );
const ANY_OAEP = wrappingsOf("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256");
const ANY_KEY_WRAP = wrappingsOf("RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256");

/** A kind of key, material for it, the wrappings that it takes, and that the key works with the material it was given. */
interface Kind {
  readonly KeySpec: KeySpec;
  readonly KeyUsage: KeyUsageType;
  readonly make: () => Uint8Array;
  readonly wrappings: readonly Wrapping[];
  readonly prove: (KeyId: string, material: Uint8Array) => Promise<void>;
}

async function proveSymmetric(KeyId: string): Promise<void> {
  const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: message });
  assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, message);
}

const proveMac = (MacAlgorithm: MacAlgorithmSpec) => async (KeyId: string, material: Uint8Array) => {
  const { Mac } = await kms.generateMac({ KeyId, Message: message, MacAlgorithm });
  const digest = `SHA${MacAlgorithm.slice(-3)}`;
  const options = ["-macopt", `hexkey:${material.toHex()}`, "-digest", digest, "-binary", "-in", "{message}"];
  assert.deepEqual(Mac, opensslOutput(["mac", ...options, "HMAC"], { message }));
};

const proveSigning = (SigningAlgorithm: SigningAlgorithmSpec) => async (KeyId: string, material: Uint8Array) => {
  const { PublicKey } = await kms.getPublicKey({ KeyId });
  const expected = opensslOutput(["pkey", "-inform", "der", "-in", "{material}", "-pubout", "-outform", "der"], {
    material,
  });
  assert.deepEqual(PublicKey, expected);
  const { Signature } = await kms.sign({ KeyId, Message: message, SigningAlgorithm });
  const files = { signature: present(Signature), key: expected, message };
  const verified =
    SigningAlgorithm === "ED25519_SHA_512"
      ? ["pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "der", "-inkey", "{key}", "-in", "{message}"]
      : ["dgst", `-sha${SigningAlgorithm.slice(-3)}`, "-keyform", "der", "-verify", "{key}"];
  const rest = SigningAlgorithm === "ED25519_SHA_512" ? ["-sigfile", "{signature}"] : ["-signature", "{signature}"];
  const last = SigningAlgorithm === "ED25519_SHA_512" ? [] : ["{message}"];
  assert.ok(openssl([...verified, ...rest, ...last], files).ok, "openssl does not take the signature");
};

async function proveRsaDecryption(KeyId: string, material: Uint8Array): Promise<void> {
  const EncryptionAlgorithm = "RSAES_OAEP_SHA_256";
  const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: message, EncryptionAlgorithm });
  const options = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"];
  const args = ["pkeyutl", "-decrypt", "-inkey", "{material}", "-keyform", "der", "-in", "{blob}"];
  const opened = opensslOutput([...args, ...options.flatMap((option) => ["-pkeyopt", option])], {
    material,
    blob: present(CiphertextBlob),
  });
  assert.deepEqual(opened, message);
}

async function proveAgreement(KeyId: string, material: Uint8Array): Promise<void> {
  const peer = privateKeyMaterial("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384");
  const PublicKey = opensslOutput(["pkey", "-inform", "der", "-in", "{peer}", "-pubout", "-outform", "der"], { peer });
  const { SharedSecret } = await kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey });
  const args = ["pkeyutl", "-derive", "-inkey", "{material}", "-keyform", "der", "-peerkey", "{public}"];
  const expected = opensslOutput([...args, "-peerform", "der"], { material, public: PublicKey });
  assert.deepEqual(SharedSecret, expected);
}

/** By Node's OpenSSL: that of the command line may be too old for ML-KEM. */
function mlKem(type: "ml-kem-512" | "ml-kem-768" | "ml-kem-1024"): () => Uint8Array {
  const pair = (): { privateKey: KeyObject } => generateKeyPairSync(type as "ml-kem-512");
  return () => new Uint8Array(pair().privateKey.export({ format: "der", type: "pkcs8" }));
}

async function proveEncapsulation(KeyId: string, material: Uint8Array): Promise<void> {
  const { SharedSecretCiphertextBlob: blob, SharedSecret } = await kms.encapsulate({
    KeyId,
    EncapsulationAlgorithm: "ML_KEM",
  });
  const privateKey = createPrivateKey({ key: Buffer.from(material), format: "der", type: "pkcs8" });
  assert.deepEqual(new Uint8Array(decapsulate(privateKey, present(blob))), present(SharedSecret));
}

const hmac = (
  KeySpec: KeySpec,
  lengthBytes: number,
  algorithm: MacAlgorithmSpec,
  wrappings: readonly Wrapping[] = [OAEP],
): Kind => ({
  KeySpec,
  KeyUsage: "GENERATE_VERIFY_MAC",
  make: () => randomMaterial(lengthBytes),
  wrappings,
  prove: proveMac(algorithm),
});
const rsa = (bits: number): (() => Uint8Array) => {
  return () => privateKeyMaterial("-algorithm", "RSA", "-pkeyopt", `rsa_keygen_bits:${bits}`);
};
const ec = (curve: string): (() => Uint8Array) => {
  return () => privateKeyMaterial("-algorithm", "EC", "-pkeyopt", `ec_paramgen_curve:${curve}`);
};
const SIGN = "SIGN_VERIFY";

const KINDS: readonly Kind[] = [
  {
    KeySpec: "SYMMETRIC_DEFAULT",
    KeyUsage: "ENCRYPT_DECRYPT",
    make: () => randomMaterial(32),
    wrappings: ANY_OAEP,
    prove: proveSymmetric,
  },
  hmac("HMAC_224", 28, "HMAC_SHA_224"),
  hmac("HMAC_256", 32, "HMAC_SHA_256", ANY_OAEP),
  hmac("HMAC_384", 48, "HMAC_SHA_384"),
  hmac("HMAC_512", 64, "HMAC_SHA_512"),
  {
    KeySpec: "RSA_2048",
    KeyUsage: SIGN,
    make: rsa(2048),
    wrappings: ANY_KEY_WRAP,
    prove: proveSigning("RSASSA_PKCS1_V1_5_SHA_256"),
  },
  {
    KeySpec: "RSA_3072",
    KeyUsage: SIGN,
    make: rsa(3072),
    wrappings: [KEY_WRAP],
    prove: proveSigning("RSASSA_PKCS1_V1_5_SHA_512"),
  },
  {
    KeySpec: "RSA_4096",
    KeyUsage: "ENCRYPT_DECRYPT",
    make: rsa(4096),
    wrappings: [KEY_WRAP],
    prove: proveRsaDecryption,
  },
  {
    KeySpec: "ECC_NIST_P256",
    KeyUsage: SIGN,
    make: ec("P-256"),
    wrappings: [...ANY_KEY_WRAP, ...ANY_OAEP],
    prove: proveSigning("ECDSA_SHA_256"),
  },
  {
    KeySpec: "ECC_NIST_P384",
    KeyUsage: "KEY_AGREEMENT",
    make: ec("P-384"),
    wrappings: [KEY_WRAP, OAEP],
    prove: proveAgreement,
  },
  {
    KeySpec: "ECC_NIST_P521",
    KeyUsage: SIGN,
    make: ec("P-521"),
    wrappings: [KEY_WRAP, ...ANY_OAEP.filter(({ WrappingKeySpec }) => WrappingKeySpec === "RSA_3072")],
    prove: proveSigning("ECDSA_SHA_512"),
  },
  {
    KeySpec: "ECC_SECG_P256K1",
    KeyUsage: SIGN,
    make: ec("secp256k1"),
    wrappings: [KEY_WRAP, OAEP],
    prove: proveSigning("ECDSA_SHA_256"),
  },
  {
    KeySpec: "ECC_NIST_EDWARDS25519",
    KeyUsage: SIGN,
    make: () => privateKeyMaterial("-algorithm", "ED25519"),
    wrappings: [KEY_WRAP, OAEP],
    prove: proveSigning("ED25519_SHA_512"),
  },
  ...(["512", "768", "1024"] as const).map((bits) => ({
    KeySpec: `ML_KEM_${bits}` as const,
    KeyUsage: "ENCAPSULATE_DECAPSULATE" as const,
    make: mlKem(`ml-kem-${bits}`),
    wrappings: [KEY_WRAP],
    prove: proveEncapsulation,
  })),
];

const idsOf = (usage: KeyUsageType): string =>
  usage === "GENERATE_VERIFY_MAC" ? "S05-049, S05-018" : usage === SIGN ? "S05-049, S05-055" : "S05-049";

describe("imported key material", () => {
  for (const { KeySpec, KeyUsage, make, wrappings, prove } of KINDS) {
    it(`${idsOf(KeyUsage)}: of ${KeySpec} comes in with each of ${wrappings.length} wrappings, and is what the key works with`, async () => {
      const { KeyId } = await newExternalKey(kms, { KeySpec, KeyUsage });
      const material = make();
      for (const wrapping of wrappings) await importInto(kms, KeyId, material, { wrapping, by: BY_COMMAND });
      assert.equal((await describedKey(kms, KeyId)).KeyState, "Enabled");
      await prove(KeyId, material);
    });
  }

  it("is told as the origin of what DeriveSharedSecret derives from it", async () => {
    const spec = { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" } as const;
    const { KeyId } = await newExternalKey(kms, spec);
    await importInto(kms, KeyId, ec("P-256")(), { wrapping: OAEP });
    const { PublicKey } = await kms.getPublicKey({ KeyId });
    const { KeyOrigin } = await kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey });
    assert.equal(KeyOrigin, "EXTERNAL"); // API reference, DeriveSharedSecret: the source of the key's material
  });
});

/** OpenSSL's EC keys in other forms than it makes them by itself. */
const ecForm = (...options: readonly string[]): Uint8Array =>
  asPkcs8(opensslOutput(["ecparam", "-name", "prime256v1", "-genkey", "-noout", ...options]));
/** Material that is none of its key's spec. */
interface Foreign {
  readonly title: string;
  readonly KeySpec?: KeySpec;
  readonly material: () => Uint8Array;
}
const P256 = { KeySpec: "ECC_NIST_P256", KeyUsage: SIGN } as const;

describe("a private key from outside", () => {
  for (const form of ["compressed", "hybrid"]) {
    it(`S05-049: may have its point ${form}; the public key is handed out in its one form`, async () => {
      const { KeyId } = await newExternalKey(kms, P256);
      const plain = ecForm();
      const args = ["ec", "-inform", "der", "-in", "{plain}", "-conv_form", form];
      await importInto(kms, KeyId, asPkcs8(opensslOutput(args, { plain })));
      await proveSigning("ECDSA_SHA_256")(KeyId, plain);
    });
  }

  it("S05-049: may bring its public key, or leave it out", async () => {
    const { KeyId } = await newExternalKey(kms, P256);
    await importInto(kms, KeyId, p256Of(P256_ORDER - 1n));
    const seed = randomMaterial(32);
    const edwards = await newExternalKey(kms, { KeySpec: "ECC_NIST_EDWARDS25519", KeyUsage: SIGN });
    const alone = new Uint8Array([...Uint8Array.fromHex("302e020100300506032b657004220420"), ...seed]);
    await importInto(kms, edwards.KeyId, ed25519Of(seed, publicOf(alone).slice(-32)));
    await proveSigning("ED25519_SHA_512")(edwards.KeyId, alone);
  });

  it("S05-049: may have a small exponent of RSA", async () => {
    const { KeyId } = await newExternalKey(kms, { KeySpec: "RSA_2048", KeyUsage: SIGN });
    const material = privateKeyMaterial(
      ...["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3"],
    );
    await importInto(kms, KeyId, material, { wrapping: KEY_WRAP });
    await proveSigning("RSASSA_PKCS1_V1_5_SHA_256")(KeyId, material);
  });

  it("S05-049: may be in BER, with lengths that are told at the end", async () => {
    const { KeyId } = await newExternalKey(kms, P256);
    const plain = ecForm();
    const HEADER_BYTES = 3; // SEQUENCE, and a length of more than 127 in two bytes
    assert.deepEqual([plain[0], plain[1]], [0x30, 0x81]);
    await importInto(kms, KeyId, new Uint8Array([0x30, 0x80, ...plain.subarray(HEADER_BYTES), 0, 0]));
    await proveSigning("ECDSA_SHA_256")(KeyId, plain);
  });

  const foreign = "is no key material of its key's spec";
  for (const { title, KeySpec, material } of [
    { title: "31 bytes for a symmetric key", material: () => randomMaterial(31) },
    { title: "33 bytes for a symmetric key", material: () => randomMaterial(33) },
    { title: "16 bytes for a symmetric key", material: () => randomMaterial(16) },
    { title: "32 bytes for HMAC_224", KeySpec: "HMAC_224", material: () => randomMaterial(32) },
    { title: "64 bytes for HMAC_384", KeySpec: "HMAC_384", material: () => randomMaterial(64) },
    { title: "an RSA key of another modulus", KeySpec: "RSA_3072", material: rsa(2048) },
    { title: "an RSA key for a curve", KeySpec: "ECC_NIST_P256", material: rsa(2048) },
    { title: "a key of another curve", KeySpec: "ECC_NIST_P256", material: ec("secp256k1") },
    { title: "random bytes for a curve", KeySpec: "ECC_NIST_P256", material: () => randomMaterial(138) },
    { title: "a public key", KeySpec: "ECC_NIST_P256", material: () => publicOf(ecForm()) },
    {
      title: "a spelled-out curve",
      KeySpec: "ECC_NIST_P256",
      material: () => ecForm("-param_enc", "explicit"),
    },
    { title: "a curve's key with the public key of another", KeySpec: "ECC_NIST_P256", material: mismatched },
    {
      title: "an RSA key of three primes",
      KeySpec: "RSA_2048",
      material: () =>
        privateKeyMaterial("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_primes:3"),
    },
    { title: "an RSA key with another's exponent", KeySpec: "RSA_2048", material: spoiltRsa },
    {
      title: "an RSA key with exponent 1, which encrypts nothing",
      KeySpec: "RSA_2048",
      material: () => rsaOf({ ...twoPrimes(), e: 1n }),
    },
    {
      title: "an RSA key with the same prime twice",
      KeySpec: "RSA_2048",
      material: () => {
        const p = primeOf(1024);
        return rsaOf({ p, q: p, e: E, phi: p * (p - 1n) });
      },
    },
    {
      title: "an RSA key with a prime that is none",
      KeySpec: "RSA_2048",
      material: () => {
        const [p, left, right] = [primeOf(1024), primeOf(512), primeOf(512)];
        return rsaOf({ p, q: left * right, e: E, phi: (p - 1n) * (left - 1n) * (right - 1n) });
      },
    },
    {
      title: "an RSA key with primes of unequal length",
      KeySpec: "RSA_2048",
      material: () => rsaOf({ p: primeOf(1280), q: primeOf(768), e: E }),
    },
    {
      title: "an RSA key with the primes of another modulus",
      KeySpec: "RSA_2048",
      material: () => {
        const { p, q } = twoPrimes();
        return rsaOf({ ...twoPrimes(), e: E, n: p * q, d: inverse(E, (p - 1n) * (q - 1n)) });
      },
    },
    { title: "the scalar 0 of a curve", KeySpec: "ECC_NIST_P256", material: () => p256Of(0n) },
    { title: "the order of a curve", KeySpec: "ECC_NIST_P256", material: () => p256Of(P256_ORDER) },
    { title: "a scalar above the order", KeySpec: "ECC_NIST_P256", material: () => p256Of(P256_ORDER + 5n) },
    {
      title: "a point at infinity as public key",
      KeySpec: "ECC_NIST_P256",
      material: () => p256Of(5n, Uint8Array.of(0)),
    },
    {
      title: "a public key off the curve",
      KeySpec: "ECC_NIST_P256",
      material: () => p256Of(5n, new Uint8Array(65).fill(1).with(0, 4)),
    },
    {
      title: "an Edwards key with the public key of another",
      KeySpec: "ECC_NIST_EDWARDS25519",
      material: () => ed25519Of(randomMaterial(32), randomMaterial(32)),
    },
  ] as readonly Foreign[]) {
    it(`S05-054: that ${foreign} is refused: ${title}`, async () => {
      const isMac = KeySpec?.startsWith("HMAC") === true;
      const KeyUsage = isMac ? "GENERATE_VERIFY_MAC" : SIGN;
      const wrapping = KeySpec === undefined || isMac ? OAEP : KEY_WRAP;
      const { KeyId } = await newExternalKey(kms, KeySpec === undefined ? {} : { KeySpec, KeyUsage });
      await assertRefused(importInto(kms, KeyId, material(), { wrapping }), "IncorrectKeyMaterialException");
      assert.equal((await describedKey(kms, KeyId)).KeyState, "PendingImport");
    });
  }
});

const E = 65_537n;

function twoPrimes(): { readonly p: bigint; readonly q: bigint } {
  return { p: primeOf(1024), q: primeOf(1024) };
}

function publicOf(material: Uint8Array): Uint8Array {
  return opensslOutput(["pkey", "-inform", "der", "-in", "{material}", "-pubout", "-outform", "der"], { material });
}

/** The private key of one pair with the public key of another: both lie at the ends of the structures that hold them. */
function mismatched(): Uint8Array {
  const [left, right] = [ecForm(), ecForm()];
  const POINT_BYTES = 65;
  return new Uint8Array([...left.subarray(0, -POINT_BYTES), ...right.subarray(-POINT_BYTES)]);
}

/** An RSA key with its modulus and another private exponent: well-formed, and no key of that modulus. */
function spoiltRsa(): Uint8Array {
  const privateKey = createPrivateKey({ key: Buffer.from(rsa(2048)()), format: "der", type: "pkcs8" });
  const jwk = privateKey.export({ format: "jwk" });
  const changed = (member: string | undefined): string => {
    const number = Buffer.from(present(member), "base64url");
    number[5] = (number[5] ?? 0) ^ 1;
    return number.toString("base64url");
  };
  const spoilt = { ...jwk, d: changed(jwk.d), dp: changed(jwk.dp), dq: changed(jwk.dq) };
  return new Uint8Array(createPrivateKey({ key: spoilt, format: "jwk" }).export({ format: "der", type: "pkcs8" }));
}
