/** What AWS has in its China Regions alone: SM2 keys and SM4, through the API and against OpenSSL's command line. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, describe, it } from "node:test";
import type { KeyUsageType } from "@aws-sdk/client-kms";
import { startKeystead } from "../../src/testing.ts";
import {
  assertRefused,
  bytes,
  clientOf,
  type Metadata,
  membersOf,
  newKey,
  present,
  startWorld,
} from "../kms-client.ts";
import { openssl } from "../openssl.ts";

const world = await startWorld();
after(() => world.stop());
const beijing = world.client("cn-north-1");
const ningxia = world.client("cn-northwest-1");

const message = new TextEncoder().encode("Attack at dawn");
const spoilt = (whole: Uint8Array): Uint8Array => whole.with(-1, (whole.at(-1) ?? 0) ^ 1);
const made = new Map<string, Promise<Metadata>>();
function keyFor(usage: KeyUsageType): Promise<Metadata> {
  const key = made.get(usage) ?? newKey(beijing, { KeySpec: "SM2", KeyUsage: usage });
  made.set(usage, key);
  return key;
}
async function publicKeyFor(usage: KeyUsageType): Promise<Uint8Array> {
  const { KeyId } = await keyFor(usage);
  return present((await beijing.getPublicKey({ KeyId })).PublicKey);
}

/** A pair that OpenSSL makes: its private key as PEM and its public one as DER. */
function foreignPair(): { readonly secret: Uint8Array; readonly spki: Uint8Array } {
  const { output: secret } = openssl(["genpkey", "-algorithm", "SM2"]);
  const { output: spki } = openssl(["pkey", "-in", "{secret}", "-pubout", "-outform", "DER"], { secret });
  return { secret, spki };
}

const USAGES = [
  { KeyUsage: "ENCRYPT_DECRYPT", lists: { EncryptionAlgorithms: ["SM2PKE"] } },
  { KeyUsage: "SIGN_VERIFY", lists: { SigningAlgorithms: ["SM2DSA"] } },
  { KeyUsage: "KEY_AGREEMENT", lists: { KeyAgreementAlgorithms: ["ECDH"] } },
] as const;

describe("CreateKey with SM2", () => {
  for (const { KeyUsage, lists } of USAGES) {
    it(`S05-002, S05-006: lists exactly the algorithms for ${KeyUsage}, as GetPublicKey does`, async () => {
      const key = await keyFor(KeyUsage);
      assert.deepEqual([key.KeySpec, key.CustomerMasterKeySpec, key.KeyUsage], ["SM2", "SM2", KeyUsage]);
      const all = ["EncryptionAlgorithms", "SigningAlgorithms", "MacAlgorithms", "KeyAgreementAlgorithms"] as const;
      assert.deepEqual(Object.fromEntries(all.filter((list) => list in key).map((list) => [list, key[list]])), lists);
      const { PublicKey, ...rest } = membersOf(await beijing.getPublicKey({ KeyId: key.KeyId }));
      assert.deepEqual(rest, { KeyId: key.Arn, KeySpec: "SM2", CustomerMasterKeySpec: "SM2", KeyUsage, ...lists });
      const spki = present(PublicKey);
      assert.equal(spki.subarray(0, 23).toHex(), "3059301306072a8648ce3d020106082a811ccf5501822d");
      const read = openssl(["pkey", "-pubin", "-inform", "DER", "-in", "{spki}", "-outform", "DER", "-pubout"], {
        spki,
      });
      assert.deepEqual(read.output, spki);
    });
  }

  it("S05-005: is refused outside China Regions in the words reported of AWS", async () => {
    for (const region of ["us-east-1", "eu-west-1", "us-gov-west-1"]) {
      await assertRefused(
        world.client(region).createKey({ KeySpec: "SM2", KeyUsage: "SIGN_VERIFY" }),
        "UnsupportedOperationException",
        "KeySpec SM2 is not supported in this Region",
      );
    }
    await newKey(ningxia, { KeySpec: "SM2", KeyUsage: "SIGN_VERIFY" });
  });

  it("S05-003: is refused for MACs", async () => {
    await assertRefused(beijing.createKey({ KeySpec: "SM2", KeyUsage: "GENERATE_VERIFY_MAC" }), "ValidationException");
  });
});

/** e = SM3(Z ‖ message) as the KMS guide computes it outside (Offline verification with SM2 key pairs). */
function offlineDigest(spki: Uint8Array): Uint8Array {
  const parameters = [
    "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc",
    "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93",
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7",
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0",
  ];
  const z = createHash("sm3")
    .update(Uint8Array.of(0, 128))
    .update("1234567812345678")
    .update(parameters.join(""), "hex")
    .update(spki.subarray(-64))
    .digest();
  return new Uint8Array(createHash("sm3").update(z).update(message).digest());
}

describe("SM2DSA", () => {
  const SigningAlgorithm = "SM2DSA";

  it("S05-014, S05-015, S05-016: verifies in OpenSSL with the default id, made of the message or its digest", async () => {
    const { KeyId, Arn } = await keyFor("SIGN_VERIFY");
    const key = await publicKeyFor("SIGN_VERIFY");
    const inputs = [{ Message: message }, { Message: offlineDigest(key), MessageType: "DIGEST" }] as const;
    for (const input of inputs) {
      const { Signature, ...rest } = membersOf(await beijing.sign({ KeyId, SigningAlgorithm, ...input }));
      assert.deepEqual(rest, { KeyId: Arn, SigningAlgorithm });
      const signature = present(Signature);
      const args = ["-verify", "-pubin", "-keyform", "DER", "-inkey", "{key}", "-sigfile", "{signature}"];
      const id = ["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678", "-in", "{message}"];
      assert.ok(openssl(["pkeyutl", ...args, ...id], { key, signature, message }).ok);
      assert.ok(!openssl(["pkeyutl", ...args, ...id], { key, signature, message: bytes(3) }).ok);
      for (const other of inputs) {
        const verified = membersOf(await beijing.verify({ KeyId, SigningAlgorithm, ...other, Signature: signature }));
        assert.deepEqual(verified, { KeyId: Arn, SignatureValid: true, SigningAlgorithm });
        await assertRefused(
          beijing.verify({ KeyId, SigningAlgorithm, ...other, Signature: spoilt(signature) }),
          "KMSInvalidSignatureException",
        );
      }
    }
  });

  it("S05-017: refuses a digest of another length, and every other algorithm", async () => {
    const { KeyId } = await keyFor("SIGN_VERIFY");
    await assertRefused(
      beijing.sign({ KeyId, SigningAlgorithm, Message: bytes(31), MessageType: "DIGEST" }),
      "ValidationException",
      "Digest is invalid length for algorithm SM2DSA.",
    );
    await assertRefused(
      beijing.sign({ KeyId, SigningAlgorithm: "ECDSA_SHA_256", Message: message }),
      "InvalidKeyUsageException",
      "Algorithm ECDSA_SHA_256 is incompatible with key spec SM2.",
    );
    await assertRefused(
      beijing.sign({ KeyId, SigningAlgorithm, Message: bytes(64), MessageType: "EXTERNAL_MU" }),
      "ValidationException",
      "Message type EXTERNAL_MU is incompatible with key spec SM2.",
    );
  });
});

describe("SM2PKE", () => {
  const EncryptionAlgorithm = "SM2PKE";

  it("S08-011: opens what OpenSSL encrypts with the public key, and its own up to 1,024 bytes", async () => {
    const { KeyId, Arn } = await keyFor("ENCRYPT_DECRYPT");
    const key = await publicKeyFor("ENCRYPT_DECRYPT");
    const args = ["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "{key}", "-in", "{message}"];
    const { output } = openssl(args, { key, message });
    const opened = membersOf(await beijing.decrypt({ KeyId, EncryptionAlgorithm, CiphertextBlob: output }));
    assert.deepEqual(opened, { KeyId: Arn, Plaintext: message, EncryptionAlgorithm });
    const Plaintext = bytes(1024);
    const { CiphertextBlob } = await beijing.encrypt({ KeyId, EncryptionAlgorithm, Plaintext });
    assert.deepEqual((await beijing.decrypt({ KeyId, EncryptionAlgorithm, CiphertextBlob })).Plaintext, Plaintext);
    const shape = openssl(["asn1parse", "-inform", "DER", "-in", "{ours}"], { ours: present(CiphertextBlob) });
    const tags = [...new TextDecoder().decode(shape.output).matchAll(/(?:prim|cons): ([A-Z]+(?: [A-Z]+)?)/g)];
    assert.deepEqual(
      tags.map(([, tag]) => tag),
      ["SEQUENCE", "INTEGER", "INTEGER", "OCTET STRING", "OCTET STRING"],
    );
    await assertRefused(
      beijing.encrypt({ KeyId, EncryptionAlgorithm, Plaintext: bytes(1025) }),
      "ValidationException",
      "Algorithm SM2PKE and key spec SM2 cannot encrypt data larger than 1024 bytes.",
    );
    await assertRefused(
      beijing.decrypt({ KeyId, EncryptionAlgorithm, CiphertextBlob: spoilt(output) }),
      "InvalidCiphertextException",
    );
    await assertRefused(beijing.decrypt({ EncryptionAlgorithm, CiphertextBlob: output }), "ValidationException");
    await assertRefused(
      beijing.encrypt({ KeyId, EncryptionAlgorithm, Plaintext: message, EncryptionContext: { a: "b" } }),
      "ValidationException",
    );
  });

  it("is moved to a symmetric key and back by ReEncrypt", async () => {
    const { KeyId } = await keyFor("ENCRYPT_DECRYPT");
    const symmetric = await newKey(beijing);
    const { CiphertextBlob } = await beijing.encrypt({ KeyId, EncryptionAlgorithm, Plaintext: message });
    const moved = await beijing.reEncrypt({
      CiphertextBlob,
      SourceKeyId: KeyId,
      SourceEncryptionAlgorithm: "SM2PKE",
      DestinationKeyId: symmetric.KeyId,
    });
    const back = await beijing.reEncrypt({
      CiphertextBlob: moved.CiphertextBlob,
      DestinationKeyId: KeyId,
      DestinationEncryptionAlgorithm: "SM2PKE",
    });
    const opened = await beijing.decrypt({ KeyId, EncryptionAlgorithm, CiphertextBlob: back.CiphertextBlob });
    assert.deepEqual(opened.Plaintext, message);
  });
});

describe("DeriveSharedSecret with SM2", () => {
  it("gives both sides the same 32 bytes, and takes SM2 keys alone", async () => {
    const left = await keyFor("KEY_AGREEMENT");
    const right = await newKey(beijing, { KeySpec: "SM2", KeyUsage: "KEY_AGREEMENT" });
    const derive = async (KeyId: string, PublicKey: Uint8Array) =>
      membersOf(await beijing.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey }));
    const ofRight = present((await beijing.getPublicKey({ KeyId: right.KeyId })).PublicKey);
    const { SharedSecret, ...rest } = await derive(left.KeyId, ofRight);
    assert.deepEqual(rest, { KeyId: left.Arn, KeyAgreementAlgorithm: "ECDH", KeyOrigin: "AWS_KMS" });
    assert.equal(present(SharedSecret).length, 32);
    const other = await derive(right.KeyId, await publicKeyFor("KEY_AGREEMENT"));
    assert.deepEqual(other.SharedSecret, SharedSecret);
    const foreign = foreignPair().spki;
    assert.notDeepEqual((await derive(left.KeyId, foreign)).SharedSecret, SharedSecret);
    await assertRefused(derive(left.KeyId, spoilt(foreign)), "ValidationException");
  });
});

describe("GenerateDataKeyPair with SM2", () => {
  for (const call of ["generateDataKeyPair", "generateDataKeyPairWithoutPlaintext"] as const) {
    it(`S05-005: ${call} makes a pair that OpenSSL reads, in China Regions alone`, async () => {
      const { KeyId } = await newKey(ningxia);
      const pair = await ningxia[call]({ KeyId, KeyPairSpec: "SM2" });
      const secret = present((await ningxia.decrypt({ CiphertextBlob: pair.PrivateKeyCiphertextBlob })).Plaintext);
      const read = openssl(["pkey", "-inform", "DER", "-in", "{secret}", "-pubout", "-outform", "DER"], { secret });
      assert.deepEqual(read.output, pair.PublicKey);
      const elsewhere = await newKey(world.kms);
      await assertRefused(
        world.kms[call]({ KeyId: elsewhere.KeyId, KeyPairSpec: "SM2" }),
        "UnsupportedOperationException",
        "KeySpec SM2 is not supported in this Region",
      );
    });
  }
});

describe("symmetric encryption in China Regions", () => {
  it("S05-001: is SM4, and its ciphertexts say so and open in their Region alone", async () => {
    const key = await newKey(beijing);
    assert.deepEqual([key.KeySpec, key.EncryptionAlgorithms], ["SYMMETRIC_DEFAULT", ["SYMMETRIC_DEFAULT"]]);
    const EncryptionContext = { purpose: "test" };
    const { CiphertextBlob } = await beijing.encrypt({ KeyId: key.KeyId, Plaintext: message, EncryptionContext });
    assert.deepEqual([present(CiphertextBlob)[0], present(CiphertextBlob)[1]], [1, 2]);
    const opened = await beijing.decrypt({ CiphertextBlob, EncryptionContext });
    assert.deepEqual(opened.Plaintext, message);
    await assertRefused(beijing.decrypt({ CiphertextBlob }), "InvalidCiphertextException");
    await assertRefused(ningxia.decrypt({ CiphertextBlob, EncryptionContext }), "AccessDeniedException");
    const dataKey = await beijing.generateDataKey({ KeyId: key.KeyId, KeySpec: "AES_128" });
    const again = await beijing.decrypt({ CiphertextBlob: dataKey.CiphertextBlob });
    assert.deepEqual(again.Plaintext, dataKey.Plaintext);
  });

  it("rotates, and old ciphertexts open", async () => {
    const { KeyId } = await newKey(beijing);
    const { CiphertextBlob } = await beijing.encrypt({ KeyId, Plaintext: message });
    await beijing.rotateKeyOnDemand({ KeyId });
    const later = await beijing.encrypt({ KeyId, Plaintext: message });
    for (const blob of [CiphertextBlob, later.CiphertextBlob]) {
      assert.deepEqual((await beijing.decrypt({ CiphertextBlob: blob })).Plaintext, message);
    }
  });
});

describe("a server that can't reach OpenSSL through node:ffi", () => {
  it("says so, signs digests in JavaScript, and makes no SM2 keys", async () => {
    await using server = await startKeystead({ env: { NODE_OPTIONS: "--no-experimental-ffi" } });
    assert.match(server.log(), /OpenSSL can't be reached through node:ffi/);
    using client = clientOf(server);
    const { KeyId } = await newKey(client.kms, { KeySpec: "ECC_NIST_P384", KeyUsage: "SIGN_VERIFY" });
    const Message = createHash("sha384").update(message).digest();
    const input = { KeyId, SigningAlgorithm: "ECDSA_SHA_384" } as const;
    const { Signature } = await client.kms.sign({ ...input, Message, MessageType: "DIGEST" });
    assert.equal((await client.kms.verify({ ...input, Message: message, Signature })).SignatureValid, true);
    const mlDsa = await newKey(client.kms, { KeySpec: "ML_DSA_44", KeyUsage: "SIGN_VERIFY" });
    const ofMu = {
      KeyId: mlDsa.KeyId,
      SigningAlgorithm: "ML_DSA_SHAKE_256",
      Message: randomBytes(64),
      MessageType: "EXTERNAL_MU",
    } as const;
    const signed = await client.kms.sign(ofMu);
    assert.equal((await client.kms.verify({ ...ofMu, Signature: signed.Signature })).SignatureValid, true);
    using china = clientOf(server, "cn-north-1");
    await assertRefused(
      china.kms.createKey({ KeySpec: "SM2", KeyUsage: "SIGN_VERIFY" }),
      "UnsupportedOperationException",
      "Keystead has no SM2 where the OpenSSL inside Node can't be used directly.",
    );
  });
});
