/** Keys of every type through the API, checked against OpenSSL's command line: public keys, signatures, MACs, RSA, ECDH. */

import assert from "node:assert/strict";
import { createHash, createPublicKey } from "node:crypto";
import { after, describe, it } from "node:test";
import type {
  CreateKeyCommandInput,
  DataKeyPairSpec,
  EncryptionAlgorithmSpec,
  KeySpec,
  KeyUsageType,
  MacAlgorithmSpec,
  SigningAlgorithmSpec,
} from "@aws-sdk/client-kms";
import { ed25519ph } from "@noble/curves/ed25519.js";
import { ml_dsa44, ml_dsa65, ml_dsa87 } from "@noble/post-quantum/ml-dsa.js";
import {
  assertRefused,
  bytes,
  describedKey,
  type Metadata,
  membersOf,
  newKey,
  present,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";
import { openssl } from "../openssl.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

const message = new TextEncoder().encode("Attack at dawn");
const hashed = (algorithm: string): Uint8Array =>
  new Uint8Array(
    createHash(`sha${algorithm.slice(-3)}`)
      .update(message)
      .digest(),
  );
const spoilt = (whole: Uint8Array): Uint8Array => whole.with(-1, (whole.at(-1) ?? 0) ^ 1);

const RSA_SIGNING: readonly SigningAlgorithmSpec[] = [
  "RSASSA_PKCS1_V1_5_SHA_256",
  "RSASSA_PKCS1_V1_5_SHA_384",
  "RSASSA_PKCS1_V1_5_SHA_512",
  "RSASSA_PSS_SHA_256",
  "RSASSA_PSS_SHA_384",
  "RSASSA_PSS_SHA_512",
];

const LISTS = [
  "EncryptionAlgorithms",
  "SigningAlgorithms",
  "MacAlgorithms",
  "KeyAgreementAlgorithms",
  "EncapsulationAlgorithms",
] as const;

interface Kind {
  readonly KeySpec: KeySpec;
  readonly KeyUsage: KeyUsageType;
  readonly member: (typeof LISTS)[number];
  readonly algorithms: readonly string[];
  /** The algorithm identifier of SubjectPublicKeyInfo, in DER. */
  readonly algorithmId?: string;
}

const OAEP = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
const RSA_ID = "300d06092a864886f70d0101010500";
const P256_ID = "301306072a8648ce3d020106082a8648ce3d030107";
const P384_ID = "301006072a8648ce3d020106052b81040022";
const P521_ID = "301006072a8648ce3d020106052b81040023";
const signing = (spec: KeySpec, algorithms: readonly string[], algorithmId: string): Kind => ({
  KeySpec: spec,
  KeyUsage: "SIGN_VERIFY",
  member: "SigningAlgorithms",
  algorithms,
  algorithmId,
});
const agreeing = (spec: KeySpec, algorithmId: string): Kind => ({
  KeySpec: spec,
  KeyUsage: "KEY_AGREEMENT",
  member: "KeyAgreementAlgorithms",
  algorithms: ["ECDH"],
  algorithmId,
});
const encapsulating = (spec: KeySpec, algorithmId: string): Kind => ({
  KeySpec: spec,
  KeyUsage: "ENCAPSULATE_DECAPSULATE",
  member: "EncapsulationAlgorithms",
  algorithms: ["ML_KEM"],
  algorithmId,
});
const RSA_SPECS = ["RSA_2048", "RSA_3072", "RSA_4096"] as const;
const KINDS: readonly Kind[] = [
  ...RSA_SPECS.map(
    (spec): Kind => ({
      KeySpec: spec,
      KeyUsage: "ENCRYPT_DECRYPT",
      member: "EncryptionAlgorithms",
      algorithms: OAEP,
      algorithmId: RSA_ID,
    }),
  ),
  ...RSA_SPECS.map((spec) => signing(spec, RSA_SIGNING, RSA_ID)),
  signing("ECC_NIST_P256", ["ECDSA_SHA_256"], P256_ID),
  signing("ECC_NIST_P384", ["ECDSA_SHA_384"], P384_ID),
  signing("ECC_NIST_P521", ["ECDSA_SHA_512"], P521_ID),
  signing("ECC_SECG_P256K1", ["ECDSA_SHA_256"], "301006072a8648ce3d020106052b8104000a"),
  signing("ECC_NIST_EDWARDS25519", ["ED25519_SHA_512", "ED25519_PH_SHA_512"], "300506032b6570"),
  signing("ML_DSA_44", ["ML_DSA_SHAKE_256"], "300b0609608648016503040311"),
  signing("ML_DSA_65", ["ML_DSA_SHAKE_256"], "300b0609608648016503040312"),
  signing("ML_DSA_87", ["ML_DSA_SHAKE_256"], "300b0609608648016503040313"),
  encapsulating("ML_KEM_512", "300b0609608648016503040401"),
  encapsulating("ML_KEM_768", "300b0609608648016503040402"),
  encapsulating("ML_KEM_1024", "300b0609608648016503040403"),
  agreeing("ECC_NIST_P256", P256_ID),
  agreeing("ECC_NIST_P384", P384_ID),
  agreeing("ECC_NIST_P521", P521_ID),
  ...(["224", "256", "384", "512"] as const).map(
    (bits): Kind => ({
      KeySpec: `HMAC_${bits}`,
      KeyUsage: "GENERATE_VERIFY_MAC",
      member: "MacAlgorithms",
      algorithms: [`HMAC_SHA_${bits}`],
    }),
  ),
];

const made = new Map<string, Promise<Metadata>>();
function keyOf(spec: KeySpec, usage: KeyUsageType): Promise<Metadata> {
  const name = `${spec} ${usage}`;
  const key = made.get(name) ?? newKey(kms, { KeySpec: spec, KeyUsage: usage });
  made.set(name, key);
  return key;
}
async function publicKeyOf(spec: KeySpec, usage: KeyUsageType): Promise<Uint8Array> {
  const { KeyId } = await keyOf(spec, usage);
  return present((await kms.getPublicKey({ KeyId })).PublicKey);
}

describe("CreateKey", () => {
  it("S08-027, S08-030: SC-10 takes the spec by its older name, and not by both", async () => {
    const input = { CustomerMasterKeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const;
    const made = await newKey(kms, input);
    for (const { KeySpec, CustomerMasterKeySpec } of [made, await describedKey(kms, made.KeyId)]) {
      assert.deepEqual([KeySpec, CustomerMasterKeySpec], ["ECC_NIST_P256", "ECC_NIST_P256"]);
    }
    await assertRefused(
      kms.createKey({ ...input, KeySpec: "ECC_NIST_P256" }),
      "ValidationException",
      "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
    );
  });

  for (const { KeySpec, KeyUsage, member, algorithms } of KINDS) {
    it(`S05-002, S05-006, S05-007: lists exactly the algorithms of ${KeySpec} for ${KeyUsage}`, async () => {
      const key = await keyOf(KeySpec, KeyUsage);
      const { KeyMetadata } = await kms.describeKey({ KeyId: key.KeyId });
      for (const metadata of [key, present(KeyMetadata)]) {
        assert.deepEqual([metadata.KeySpec, metadata.CustomerMasterKeySpec], [KeySpec, KeySpec]);
        assert.deepEqual([metadata.KeyUsage, metadata.KeyState, metadata.Origin], [KeyUsage, "Enabled", "AWS_KMS"]);
        assert.equal(metadata.MultiRegion, false);
        assert.ok(!("MultiRegionConfiguration" in metadata) && !("CurrentKeyMaterialId" in metadata));
        const lists = Object.fromEntries(
          LISTS.filter((list) => list in metadata).map((list) => [list, metadata[list]]),
        );
        assert.deepEqual(lists, { [member]: algorithms });
      }
    });
  }

  it("S05-005: refuses SM2 outside China", async () => {
    const text = "KeySpec SM2 is not supported in this Region";
    await assertRefused(
      kms.createKey({ KeySpec: "SM2", KeyUsage: "SIGN_VERIFY" }),
      "UnsupportedOperationException",
      text,
    );
  });

  for (const input of [
    { KeySpec: "ECC_NIST_P256", KeyUsage: "ENCRYPT_DECRYPT" },
    { KeySpec: "HMAC_256", KeyUsage: "ENCRYPT_DECRYPT" },
    { KeySpec: "HMAC_256", KeyUsage: "SIGN_VERIFY" },
    { KeySpec: "RSA_2048", KeyUsage: "GENERATE_VERIFY_MAC" },
    { KeySpec: "ECC_NIST_EDWARDS25519", KeyUsage: "KEY_AGREEMENT" },
    { KeySpec: "ML_DSA_65", KeyUsage: "ENCRYPT_DECRYPT" },
    { KeySpec: "ML_KEM_768", KeyUsage: "ENCRYPT_DECRYPT" },
    { KeySpec: "ML_KEM_768", KeyUsage: "KEY_AGREEMENT" },
    { KeySpec: "RSA_2048", KeyUsage: "ENCAPSULATE_DECAPSULATE" },
  ] satisfies readonly CreateKeyCommandInput[]) {
    it(`S05-003: refuses ${input.KeySpec} for ${input.KeyUsage}`, async () => {
      await assertRefused(kms.createKey(input), "ValidationException");
    });
  }

  it("S05-004: refuses an HMAC key without KeyUsage", async () => {
    await assertRefused(kms.createKey({ KeySpec: "HMAC_256" }), "ValidationException");
  });
});

describe("GetPublicKey", () => {
  for (const { KeySpec, KeyUsage, member, algorithms, algorithmId } of KINDS) {
    if (algorithmId === undefined) {
      it(`S05-008, S07-006: is refused for ${KeySpec}`, async () => {
        const { KeyId } = await keyOf(KeySpec, KeyUsage);
        await assertRefused(kms.getPublicKey({ KeyId }), "UnsupportedOperationException");
      });
      continue;
    }
    it(`S07-006: answers the SubjectPublicKeyInfo of ${KeySpec} for ${KeyUsage}`, async () => {
      const { KeyId, Arn } = await keyOf(KeySpec, KeyUsage);
      const { PublicKey, ...rest } = membersOf(await kms.getPublicKey({ KeyId }));
      assert.deepEqual(rest, { KeyId: Arn, KeySpec, CustomerMasterKeySpec: KeySpec, KeyUsage, [member]: algorithms });
      const spki = present(PublicKey);
      assert.ok(spki.toHex().slice(0, 80).includes(algorithmId), spki.toHex().slice(0, 80));
      if (!KeySpec.startsWith("ML_")) {
        const read = openssl(["pkey", "-pubin", "-inform", "DER", "-in", "{spki}", "-outform", "DER", "-pubout"], {
          spki,
        });
        assert.ok(read.ok);
        assert.deepEqual(read.output, spki);
      }
    });
  }

  it("S05-008: names the key by its ARN for an alias, and is refused for a symmetric key", async () => {
    const { KeyId, Arn } = await keyOf("ECC_NIST_P256", "SIGN_VERIFY");
    await kms.createAlias({ AliasName: "alias/public", TargetKeyId: KeyId });
    assert.equal((await kms.getPublicKey({ KeyId: "alias/public" })).KeyId, Arn);
    const symmetric = await newKey(kms);
    await assertRefused(kms.getPublicKey({ KeyId: symmetric.KeyId }), "UnsupportedOperationException");
  });

  it("is refused for a disabled key", async () => {
    const { KeyId } = await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
    await kms.disableKey({ KeyId });
    await assertRefused(kms.getPublicKey({ KeyId }), "DisabledException");
    await assertRefused(kms.sign({ KeyId, Message: message, SigningAlgorithm: "ECDSA_SHA_256" }), "DisabledException");
  });
});

/** OpenSSL's options to verify or sign with an algorithm. */
function digestOptions(algorithm: string): readonly string[] {
  const pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"];
  return [`-sha${algorithm.slice(-3)}`, ...(algorithm.startsWith("RSASSA_PSS") ? pss : [])];
}

/** mu of a message with an empty context (FIPS 204, 5.2 and algorithm 7, line 6). */
function muOf(publicKey: Uint8Array, of: Uint8Array): Uint8Array {
  const shake = (...parts: readonly Uint8Array[]): Uint8Array => {
    const hash = createHash("shake256", { outputLength: 64 });
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest());
  };
  return shake(shake(publicKey), new Uint8Array(2), of);
}

describe("Sign and Verify", () => {
  const cases = KINDS.filter(({ KeyUsage }) => KeyUsage === "SIGN_VERIFY")
    .filter(({ KeySpec }) => KeySpec.startsWith("RSA") || /P256|P384|P521/.test(KeySpec))
    .flatMap(({ KeySpec, algorithms }) => algorithms.map((algorithm) => ({ KeySpec, algorithm })));
  for (const { KeySpec, algorithm } of cases) {
    const SigningAlgorithm = algorithm as SigningAlgorithmSpec;
    it(`S05-013, S05-014, S05-016, S08-030: SC-08 ${algorithm} of ${KeySpec} verifies in OpenSSL, made of the message or its digest`, async () => {
      const { KeyId, Arn } = await keyOf(KeySpec, "SIGN_VERIFY");
      const key = await publicKeyOf(KeySpec, "SIGN_VERIFY");
      const inputs = [
        { Message: message },
        { Message: message, MessageType: "RAW" },
        { Message: hashed(algorithm), MessageType: "DIGEST" },
      ] as const;
      for (const input of inputs) {
        const { Signature, ...rest } = membersOf(await kms.sign({ KeyId, SigningAlgorithm, ...input }));
        assert.deepEqual(rest, { KeyId: Arn, SigningAlgorithm });
        const signature = present(Signature);
        const files = { key, signature, message };
        const args = ["-verify", "{key}", "-keyform", "DER", "-signature", "{signature}", "{message}"];
        assert.ok(openssl(["dgst", ...digestOptions(algorithm), ...args], files).ok);
        assert.ok(!openssl(["dgst", ...digestOptions(algorithm), ...args], { ...files, message: bytes(3) }).ok);
        for (const other of inputs) {
          const answer = membersOf(await kms.verify({ KeyId, SigningAlgorithm, ...other, Signature: signature }));
          assert.deepEqual(answer, { KeyId: Arn, SignatureValid: true, SigningAlgorithm });
          await assertRefused(
            kms.verify({ KeyId, SigningAlgorithm, ...other, Signature: spoilt(signature) }),
            "KMSInvalidSignatureException",
          );
        }
      }
    });
  }

  it("S05-015: Verify never answers that a signature is invalid", async () => {
    const { KeyId } = await keyOf("ECC_NIST_P256", "SIGN_VERIFY");
    const SigningAlgorithm = "ECDSA_SHA_256";
    const { Signature } = await kms.sign({ KeyId, Message: message, SigningAlgorithm });
    for (const input of [
      { Message: bytes(3), Signature },
      { Message: message, Signature: bytes(70) },
      { Message: message, Signature: bytes(1) },
    ]) {
      await assertRefused(kms.verify({ KeyId, SigningAlgorithm, ...input }), "KMSInvalidSignatureException");
    }
  });

  for (const { KeySpec, algorithm } of [
    { KeySpec: "RSA_2048", algorithm: "RSASSA_PSS_SHA_384" },
    { KeySpec: "ECC_NIST_P521", algorithm: "ECDSA_SHA_512" },
    { KeySpec: "ECC_NIST_EDWARDS25519", algorithm: "ED25519_PH_SHA_512" },
  ] as const) {
    it(`S05-017: refuses a digest of another length for ${algorithm}`, async () => {
      const { KeyId } = await keyOf(KeySpec, "SIGN_VERIFY");
      const input = { KeyId, SigningAlgorithm: algorithm, Message: bytes(20), MessageType: "DIGEST" } as const;
      const text = `Digest is invalid length for algorithm ${algorithm}.`;
      await assertRefused(kms.sign(input), "ValidationException", text);
      await assertRefused(kms.verify({ ...input, Signature: bytes(64) }), "ValidationException", text);
    });
  }

  it("Ed25519 signatures have 64 bytes and verify in OpenSSL", async () => {
    const { KeyId } = await keyOf("ECC_NIST_EDWARDS25519", "SIGN_VERIFY");
    const key = await publicKeyOf("ECC_NIST_EDWARDS25519", "SIGN_VERIFY");
    const input = { KeyId, Message: message, SigningAlgorithm: "ED25519_SHA_512" } as const;
    const signature = present((await kms.sign(input)).Signature);
    assert.deepEqual([key.length, signature.length], [44, 64]);
    const args = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "{key}", "-rawin", "-in", "{message}"];
    assert.ok(openssl([...args, "-sigfile", "{signature}"], { key, message, signature }).ok);
    assert.equal((await kms.verify({ ...input, Signature: signature })).SignatureValid, true);
    await assertRefused(kms.verify({ ...input, Signature: spoilt(signature) }), "KMSInvalidSignatureException");
  });

  it("each Edwards algorithm takes its own message type", async () => {
    const { KeyId } = await keyOf("ECC_NIST_EDWARDS25519", "SIGN_VERIFY");
    const digest = { KeyId, Message: bytes(64), MessageType: "DIGEST" } as const;
    const prehashed = { ...digest, SigningAlgorithm: "ED25519_PH_SHA_512" } as const;
    const Signature = present((await kms.sign(prehashed)).Signature);
    assert.equal((await kms.verify({ ...prehashed, Signature })).SignatureValid, true);
    const spki = await publicKeyOf("ECC_NIST_EDWARDS25519", "SIGN_VERIFY");
    assert.ok(ed25519ph.verify(Signature, bytes(64), spki.subarray(-32)));
    await assertRefused(kms.sign({ ...prehashed, MessageType: "RAW" }), "ValidationException");
    await assertRefused(kms.sign({ ...digest, SigningAlgorithm: "ED25519_SHA_512" }), "ValidationException");
  });

  it("refuses a mu for every other kind of key", async () => {
    for (const { KeySpec, algorithm } of [
      { KeySpec: "RSA_2048", algorithm: "RSASSA_PSS_SHA_512" },
      { KeySpec: "ECC_NIST_EDWARDS25519", algorithm: "ED25519_PH_SHA_512" },
    ] as const) {
      const { KeyId } = await keyOf(KeySpec, "SIGN_VERIFY");
      await assertRefused(
        kms.sign({ KeyId, Message: bytes(64), MessageType: "EXTERNAL_MU", SigningAlgorithm: algorithm }),
        "ValidationException",
        `Message type EXTERNAL_MU is incompatible with key spec ${KeySpec}.`,
      );
    }
  });

  for (const { KeySpec, noble, publicKeyBytes } of [
    { KeySpec: "ML_DSA_44", noble: ml_dsa44, publicKeyBytes: 1312 },
    { KeySpec: "ML_DSA_65", noble: ml_dsa65, publicKeyBytes: 1952 },
    { KeySpec: "ML_DSA_87", noble: ml_dsa87, publicKeyBytes: 2592 },
  ] as const) {
    it(`${KeySpec} signs messages, and no digests`, async () => {
      const { KeyId } = await keyOf(KeySpec, "SIGN_VERIFY");
      const input = { KeyId, Message: message, SigningAlgorithm: "ML_DSA_SHAKE_256" } as const;
      const Signature = present((await kms.sign(input)).Signature);
      assert.equal((await kms.verify({ ...input, Signature })).SignatureValid, true);
      await assertRefused(kms.verify({ ...input, Signature: spoilt(Signature) }), "KMSInvalidSignatureException");
      await assertRefused(
        kms.sign({ ...input, MessageType: "DIGEST" }),
        "ValidationException",
        `Message type DIGEST is incompatible with key spec ${KeySpec}.`,
      );
    });

    it(`${KeySpec} signs and verifies a mu made outside, as @noble/post-quantum does and as it does messages`, async () => {
      const { KeyId } = await keyOf(KeySpec, "SIGN_VERIFY");
      const key = (await publicKeyOf(KeySpec, "SIGN_VERIFY")).subarray(-publicKeyBytes);
      const mu = muOf(key, message);
      const ofMessage = { KeyId, Message: message, SigningAlgorithm: "ML_DSA_SHAKE_256" } as const;
      const ofMu = { ...ofMessage, Message: mu, MessageType: "EXTERNAL_MU" } as const;
      const Signature = present((await kms.sign(ofMu)).Signature);
      assert.ok(noble.internal.verify(Signature, mu, key, { externalMu: true }));
      assert.ok(noble.verify(Signature, message, key));
      assert.equal((await kms.verify({ ...ofMessage, Signature })).SignatureValid, true);
      const { Signature: other } = await kms.sign(ofMessage);
      assert.equal((await kms.verify({ ...ofMu, Signature: other })).SignatureValid, true);
      await assertRefused(kms.verify({ ...ofMu, Signature: spoilt(Signature) }), "KMSInvalidSignatureException");
      const text = "Digest is invalid length for algorithm ML_DSA_SHAKE_256.";
      for (const Message of [bytes(63), bytes(65), message]) {
        await assertRefused(kms.sign({ ...ofMu, Message }), "ValidationException", text);
        await assertRefused(kms.verify({ ...ofMu, Message, Signature }), "ValidationException", text);
      }
    });
  }

  it("refuses the algorithm of another spec, after the usage", async () => {
    const input = { Message: message, SigningAlgorithm: "ECDSA_SHA_384" } as const;
    const { KeyId } = await keyOf("ECC_NIST_P256", "SIGN_VERIFY");
    const text = "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256.";
    await assertRefused(kms.sign({ KeyId, ...input }), "InvalidKeyUsageException", text);
    await assertRefused(kms.verify({ KeyId, ...input, Signature: bytes(9) }), "InvalidKeyUsageException", text);
    const mac = await keyOf("HMAC_256", "GENERATE_VERIFY_MAC");
    await assertRefused(
      kms.sign({ KeyId: mac.KeyId, ...input }),
      "InvalidKeyUsageException",
      `${mac.Arn} key usage is GENERATE_VERIFY_MAC which is not valid for Sign.`,
    );
  });

  it("S02-004: records name algorithm and message type, and hold no message and no signature", async () => {
    const { KeyId } = await keyOf("ECC_NIST_P256", "SIGN_VERIFY");
    const signed = await kms.sign({ KeyId, Message: message, SigningAlgorithm: "ECDSA_SHA_256" });
    const record = await world.records.of(requestIdOf(signed));
    const requestParameters = { messageType: "RAW", keyId: KeyId, signingAlgorithm: "ECDSA_SHA_256" };
    assert.deepEqual(record.requestParameters, requestParameters);
    assert.deepEqual([record.responseElements, record.readOnly], [null, true]);
  });
});

describe("GenerateMac and VerifyMac", () => {
  for (const bits of ["224", "256", "384", "512"] as const) {
    const MacAlgorithm: MacAlgorithmSpec = `HMAC_SHA_${bits}`;
    it(`S05-019, S07-001: ${MacAlgorithm} verifies as it was made, and no other`, async () => {
      const { KeyId, Arn } = await keyOf(`HMAC_${bits}`, "GENERATE_VERIFY_MAC");
      const { Mac, ...rest } = membersOf(await kms.generateMac({ KeyId, Message: message, MacAlgorithm }));
      assert.deepEqual(rest, { KeyId: Arn, MacAlgorithm });
      assert.equal(present(Mac).length, Number(bits) / 8);
      const input = { KeyId, Message: message, MacAlgorithm, Mac: present(Mac) };
      const verified = await kms.verifyMac(input);
      assert.deepEqual(membersOf(verified), { KeyId: Arn, MacValid: true, MacAlgorithm });
      for (const wrong of [{ Mac: spoilt(input.Mac) }, { Mac: input.Mac.subarray(1) }, { Message: bytes(4) }]) {
        const refusal = await assertRefused(kms.verifyMac({ ...input, ...wrong }), "KMSInvalidMacException");
        const record = await world.records.of(refusal.requestId);
        assert.deepEqual(record.requestParameters, { macAlgorithm: MacAlgorithm, keyId: KeyId });
      }
    });
  }

  it("S05-020: takes 4,096 bytes and no more", async () => {
    const { KeyId } = await keyOf("HMAC_256", "GENERATE_VERIFY_MAC");
    const MacAlgorithm = "HMAC_SHA_256";
    assert.ok((await kms.generateMac({ KeyId, Message: bytes(4096), MacAlgorithm })).Mac);
    await assertRefused(kms.generateMac({ KeyId, Message: bytes(4097), MacAlgorithm }), "ValidationException");
  });

  it("S05-021: refuses the algorithm of another spec before the MAC is looked at, and after the usage", async () => {
    const { KeyId } = await keyOf("HMAC_256", "GENERATE_VERIFY_MAC");
    const input = { Message: message, MacAlgorithm: "HMAC_SHA_384" } as const;
    const text = "Algorithm HMAC_SHA_384 is incompatible with key spec HMAC_256.";
    await assertRefused(kms.generateMac({ KeyId, ...input }), "InvalidKeyUsageException", text);
    await assertRefused(kms.verifyMac({ KeyId, ...input, Mac: bytes(5) }), "InvalidKeyUsageException", text);
    const { KeyId: symmetric, Arn } = await newKey(kms);
    await assertRefused(
      kms.generateMac({ KeyId: symmetric, ...input }),
      "InvalidKeyUsageException",
      `${Arn} key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac.`,
    );
  });

  it("ends a dry run before a MAC is made", async () => {
    const { KeyId } = await keyOf("HMAC_256", "GENERATE_VERIFY_MAC");
    const input = { KeyId, Message: message, MacAlgorithm: "HMAC_SHA_256", DryRun: true } as const;
    await assertRefused(kms.generateMac(input), "DryRunOperationException");
  });
});

describe("RSA encryption", () => {
  const cells = [
    { KeySpec: "RSA_2048", max: [214, 190] },
    { KeySpec: "RSA_3072", max: [342, 318] },
    { KeySpec: "RSA_4096", max: [470, 446] },
  ] as const;
  const algorithms = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"] as const satisfies readonly EncryptionAlgorithmSpec[];
  for (const { KeySpec, max } of cells) {
    for (const [index, EncryptionAlgorithm] of algorithms.entries()) {
      const lengthMax = max[index] ?? 0;
      it(`S05-010: ${KeySpec} with ${EncryptionAlgorithm} takes ${lengthMax} bytes and no more`, async () => {
        const { KeyId, Arn } = await keyOf(KeySpec, "ENCRYPT_DECRYPT");
        const input = { KeyId, EncryptionAlgorithm };
        const { CiphertextBlob, ...rest } = membersOf(await kms.encrypt({ ...input, Plaintext: bytes(lengthMax) }));
        assert.deepEqual(rest, { KeyId: Arn, EncryptionAlgorithm });
        assert.equal(present(CiphertextBlob).length, Number(KeySpec.slice(4)) / 8);
        const opened = membersOf(await kms.decrypt({ ...input, CiphertextBlob }));
        assert.deepEqual(opened, { KeyId: Arn, Plaintext: bytes(lengthMax), EncryptionAlgorithm });
        await assertRefused(kms.encrypt({ ...input, Plaintext: bytes(lengthMax + 1) }), "ValidationException");
      });

      it(`S05-012, S08-011, S08-030: SC-08 ${KeySpec} opens what OpenSSL encrypts with ${EncryptionAlgorithm}`, async () => {
        const { KeyId } = await keyOf(KeySpec, "ENCRYPT_DECRYPT");
        const key = await publicKeyOf(KeySpec, "ENCRYPT_DECRYPT");
        const hash = index === 0 ? "sha1" : "sha256";
        const options = ["rsa_padding_mode:oaep", `rsa_oaep_md:${hash}`, `rsa_mgf1_md:${hash}`];
        const { ok, output } = openssl(
          [
            ...["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "{key}", "-in", "{message}"],
            ...options.flatMap((option) => ["-pkeyopt", option]),
          ],
          { key, message },
        );
        assert.ok(ok);
        const { Plaintext } = await kms.decrypt({ KeyId, CiphertextBlob: output, EncryptionAlgorithm });
        assert.deepEqual(Plaintext, message);
        const wrong = { KeyId, CiphertextBlob: spoilt(output), EncryptionAlgorithm };
        await assertRefused(kms.decrypt(wrong), "InvalidCiphertextException");
        const cut = { ...wrong, CiphertextBlob: output.subarray(1) };
        await assertRefused(kms.decrypt(cut), "InvalidCiphertextException");
        const other = algorithms[1 - index];
        await assertRefused(
          kms.decrypt({ KeyId, CiphertextBlob: output, EncryptionAlgorithm: other }),
          "InvalidCiphertextException",
        );
      });
    }
  }

  const oaep = { EncryptionAlgorithm: "RSAES_OAEP_SHA_256" } as const;

  it("S05-011: is refused for a signing key", async () => {
    const { KeyId, Arn } = await keyOf("RSA_2048", "SIGN_VERIFY");
    await assertRefused(
      kms.encrypt({ KeyId, Plaintext: message, ...oaep }),
      "InvalidKeyUsageException",
      `${Arn} key usage is SIGN_VERIFY which is not valid for Encrypt.`,
    );
  });

  it("S08-030: SC-08 needs the algorithm, and for decryption the key", async () => {
    const { KeyId } = await keyOf("RSA_2048", "ENCRYPT_DECRYPT");
    await assertRefused(
      kms.encrypt({ KeyId, Plaintext: message }),
      "InvalidKeyUsageException",
      "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.",
    );
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: message, ...oaep });
    await assertRefused(kms.decrypt({ CiphertextBlob, ...oaep }), "ValidationException");
    await assertRefused(kms.decrypt({ CiphertextBlob, KeyId }), "InvalidCiphertextException");
    await assertRefused(
      kms.reEncrypt({
        CiphertextBlob,
        SourceEncryptionAlgorithm: "RSAES_OAEP_SHA_256",
        DestinationKeyId: KeyId,
        DestinationEncryptionAlgorithm: "RSAES_OAEP_SHA_256",
      }),
      "ValidationException",
    );
  });

  it("takes no encryption context", async () => {
    const { KeyId } = await keyOf("RSA_2048", "ENCRYPT_DECRYPT");
    const EncryptionContext = { a: "b" };
    await assertRefused(kms.encrypt({ KeyId, Plaintext: message, EncryptionContext, ...oaep }), "ValidationException");
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: message, EncryptionContext: {}, ...oaep });
    await assertRefused(kms.decrypt({ KeyId, CiphertextBlob, EncryptionContext, ...oaep }), "ValidationException");
  });

  it("is moved between RSA and symmetric keys by ReEncrypt, when it fits", async () => {
    const { KeyId } = await keyOf("RSA_2048", "ENCRYPT_DECRYPT");
    const symmetric = await newKey(kms);
    const SourceEncryptionAlgorithm = "RSAES_OAEP_SHA_256";
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: message, ...oaep });
    const moved = membersOf(
      await kms.reEncrypt({
        CiphertextBlob,
        SourceKeyId: KeyId,
        SourceEncryptionAlgorithm,
        DestinationKeyId: symmetric.KeyId,
      }),
    );
    assert.ok(!("SourceKeyMaterialId" in moved));
    assert.equal(moved.DestinationKeyMaterialId, symmetric.CurrentKeyMaterialId);
    assert.deepEqual((await kms.decrypt({ CiphertextBlob: moved.CiphertextBlob })).Plaintext, message);
    const into = { DestinationKeyId: KeyId, DestinationEncryptionAlgorithm: "RSAES_OAEP_SHA_256" } as const;
    const back = await kms.reEncrypt({ CiphertextBlob: moved.CiphertextBlob, ...into });
    const opened = await kms.decrypt({ KeyId, CiphertextBlob: back.CiphertextBlob, ...oaep });
    assert.deepEqual(opened.Plaintext, message);
    const long = await kms.encrypt({ KeyId: symmetric.KeyId, Plaintext: bytes(191) });
    await assertRefused(kms.reEncrypt({ CiphertextBlob: long.CiphertextBlob, ...into }), "ValidationException");
  });

  it("S07-001: an RSA key protects no data keys", async () => {
    const { KeyId } = await keyOf("RSA_2048", "ENCRYPT_DECRYPT");
    await assertRefused(kms.generateDataKey({ KeyId, KeySpec: "AES_256" }), "InvalidKeyUsageException");
    await assertRefused(kms.generateDataKeyPair({ KeyId, KeyPairSpec: "ECC_NIST_P256" }), "InvalidKeyUsageException");
  });

  it("a symmetric blob under the name of an HMAC or RSA key is IncorrectKeyException", async () => {
    const { KeyId } = await newKey(kms);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: message });
    for (const key of [await keyOf("HMAC_256", "GENERATE_VERIFY_MAC"), await keyOf("RSA_2048", "ENCRYPT_DECRYPT")]) {
      await assertRefused(kms.decrypt({ CiphertextBlob, KeyId: key.KeyId }), "IncorrectKeyException");
    }
  });
});

describe("DeriveSharedSecret", () => {
  for (const { KeySpec, curve, lengthBytes } of [
    { KeySpec: "ECC_NIST_P256", curve: "prime256v1", lengthBytes: 32 },
    { KeySpec: "ECC_NIST_P384", curve: "secp384r1", lengthBytes: 48 },
    { KeySpec: "ECC_NIST_P521", curve: "secp521r1", lengthBytes: 66 },
  ] as const) {
    it(`of ${KeySpec} is what OpenSSL derives on the other side`, async () => {
      const { KeyId, Arn } = await keyOf(KeySpec, "KEY_AGREEMENT");
      const { output: secret } = openssl(["genpkey", "-algorithm", "EC", "-pkeyopt", `ec_paramgen_curve:${curve}`]);
      const { output: PublicKey } = openssl(["pkey", "-in", "{secret}", "-pubout", "-outform", "DER"], { secret });
      const { SharedSecret, ...rest } = membersOf(
        await kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey }),
      );
      assert.deepEqual(rest, { KeyId: Arn, KeyAgreementAlgorithm: "ECDH", KeyOrigin: "AWS_KMS" });
      assert.equal(present(SharedSecret).length, lengthBytes);
      const derived = openssl(["pkeyutl", "-derive", "-inkey", "{secret}", "-peerkey", "{peer}", "-peerform", "DER"], {
        secret,
        peer: await publicKeyOf(KeySpec, "KEY_AGREEMENT"),
      });
      assert.deepEqual(derived.output, SharedSecret);
    });
  }

  it("refuses the public key of another curve, and bytes that are none", async () => {
    const { KeyId } = await keyOf("ECC_NIST_P256", "KEY_AGREEMENT");
    for (const PublicKey of [await publicKeyOf("ECC_NIST_P384", "KEY_AGREEMENT"), bytes(91)]) {
      await assertRefused(
        kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey }),
        "ValidationException",
      );
    }
  });

  it("is refused for a signing key", async () => {
    const { KeyId, Arn } = await keyOf("ECC_NIST_P256", "SIGN_VERIFY");
    const PublicKey = await publicKeyOf("ECC_NIST_P256", "KEY_AGREEMENT");
    await assertRefused(
      kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey }),
      "InvalidKeyUsageException",
      `${Arn} key usage is SIGN_VERIFY which is not valid for DeriveSharedSecret.`,
    );
  });
});

describe("GenerateDataKeyPair", () => {
  for (const KeyPairSpec of [
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "ECC_NIST_EDWARDS25519",
  ] as const satisfies readonly DataKeyPairSpec[]) {
    it(`S08-011: makes ${KeyPairSpec} pairs that OpenSSL reads, the private key sealed under the key`, async () => {
      const { KeyId, Arn, CurrentKeyMaterialId } = await newKey(kms);
      const EncryptionContext = { purpose: "pair" };
      const pair = membersOf(await kms.generateDataKeyPair({ KeyId, KeyPairSpec, EncryptionContext }));
      const { PrivateKeyPlaintext, PrivateKeyCiphertextBlob, PublicKey, ...rest } = pair;
      assert.deepEqual(rest, { KeyId: Arn, KeyPairSpec, KeyMaterialId: CurrentKeyMaterialId });
      const secret = present(PrivateKeyPlaintext);
      const read = openssl(["pkey", "-inform", "DER", "-in", "{secret}", "-pubout", "-outform", "DER"], { secret });
      assert.deepEqual(read.output, PublicKey);
      const opened = await kms.decrypt({ CiphertextBlob: PrivateKeyCiphertextBlob, EncryptionContext });
      assert.deepEqual(opened.Plaintext, secret);
    });
  }

  it("WithoutPlaintext answers the same but the private key", async () => {
    const { KeyId, Arn, CurrentKeyMaterialId } = await newKey(kms);
    const input = { KeyId, KeyPairSpec: "ECC_NIST_P256" } as const;
    const answer = membersOf(await kms.generateDataKeyPairWithoutPlaintext(input));
    const { PrivateKeyCiphertextBlob, PublicKey, ...rest } = answer;
    assert.deepEqual(rest, { KeyId: Arn, KeyPairSpec: "ECC_NIST_P256", KeyMaterialId: CurrentKeyMaterialId });
    const { Plaintext } = await kms.decrypt({ CiphertextBlob: PrivateKeyCiphertextBlob });
    const secret = present(Plaintext);
    const read = openssl(["pkey", "-inform", "DER", "-in", "{secret}", "-pubout", "-outform", "DER"], { secret });
    assert.deepEqual(read.output, PublicKey);
    const key = createPublicKey({ key: Buffer.from(present(PublicKey)), format: "der", type: "spki" });
    assert.equal(key.asymmetricKeyType, "ec");
  });

  it("ends a dry run before a pair is made, and refuses specs that can't be made", async () => {
    const { KeyId } = await newKey(kms);
    const text = "The request would have succeeded, but the DryRun option is set.";
    for (const call of ["generateDataKeyPair", "generateDataKeyPairWithoutPlaintext"] as const) {
      const dry = kms[call]({ KeyId, KeyPairSpec: "ECC_NIST_P256", DryRun: true });
      await assertRefused(dry, "DryRunOperationException", text);
      await assertRefused(kms[call]({ KeyId, KeyPairSpec: "SM2" }), "UnsupportedOperationException");
    }
  });

  it("records the pair spec and the context, and no key", async () => {
    const { KeyId } = await newKey(kms);
    const EncryptionContext = { a: "b" };
    const made = await kms.generateDataKeyPair({ KeyId, KeyPairSpec: "ECC_NIST_P256", EncryptionContext });
    const { requestParameters, responseElements } = await world.records.of(requestIdOf(made));
    assert.deepEqual(requestParameters, { keyPairSpec: "ECC_NIST_P256", encryptionContext: { a: "b" }, keyId: KeyId });
    assert.equal(responseElements, null);
  });
});

describe("management of asymmetric and HMAC keys", () => {
  for (const { KeySpec, KeyUsage } of [
    { KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" },
    { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" },
    { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
    { KeySpec: "ML_KEM_512", KeyUsage: "ENCAPSULATE_DECAPSULATE" },
  ] as const) {
    it(`S01-046, S05-022, S07-004, S07-005: ${KeySpec} keys do not rotate`, async () => {
      const { KeyId } = await keyOf(KeySpec, KeyUsage);
      await assertRefused(kms.enableKeyRotation({ KeyId }), "UnsupportedOperationException");
      await assertRefused(kms.disableKeyRotation({ KeyId }), "UnsupportedOperationException");
      await assertRefused(kms.rotateKeyOnDemand({ KeyId }), "UnsupportedOperationException");
      await assertRefused(kms.listKeyRotations({ KeyId }), "UnsupportedOperationException");
      assert.deepEqual(membersOf(await kms.getKeyRotationStatus({ KeyId })), { KeyId, KeyRotationEnabled: false });
    });

    it(`S07-003: ${KeySpec} keys are disabled and enabled`, async () => {
      const { KeyId } = await newKey(kms, { KeySpec, KeyUsage });
      await kms.disableKey({ KeyId });
      await kms.enableKey({ KeyId });
      assert.equal((await kms.describeKey({ KeyId })).KeyMetadata?.KeyState, "Enabled");
    });

    it(`S01-027, S07-011: an alias does not move from a symmetric key to one of ${KeySpec}`, async () => {
      const AliasName = `alias/of-${KeySpec}`;
      const symmetric = await newKey(kms);
      await kms.createAlias({ AliasName, TargetKeyId: symmetric.KeyId });
      const { KeyId } = await keyOf(KeySpec, KeyUsage);
      await assertRefused(kms.updateAlias({ AliasName, TargetKeyId: KeyId }), "ValidationException");
      assert.equal((await kms.describeKey({ KeyId: AliasName })).KeyMetadata?.KeyId, symmetric.KeyId);
    });
  }
});
