/** ML-KEM keys: Encapsulate and Decapsulate, checked against an ML-KEM that is not OpenSSL's (spec 08). */

import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { after, describe, it } from "node:test";
import type { KeySpec, KMS } from "@aws-sdk/client-kms";
import { ml_kem512, ml_kem768, ml_kem1024 } from "@noble/post-quantum/ml-kem.js";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  type Metadata,
  membersOf,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms, other } = world;

const EncapsulationAlgorithm = "ML_KEM";
const KeyUsage = "ENCAPSULATE_DECAPSULATE";

/** Lengths in bytes (FIPS 203, table 3), and the implementation to compare with. */
const SPECS = [
  { KeySpec: "ML_KEM_512", publicKeyBytes: 800, ciphertextBytes: 768, noble: ml_kem512 },
  { KeySpec: "ML_KEM_768", publicKeyBytes: 1184, ciphertextBytes: 1088, noble: ml_kem768 },
  { KeySpec: "ML_KEM_1024", publicKeyBytes: 1568, ciphertextBytes: 1568, noble: ml_kem1024 },
] as const;
/** Bytes of SubjectPublicKeyInfo before an ML-KEM public key: two SEQUENCEs with long lengths, the algorithm, a BIT STRING. */
const SPKI_HEAD_BYTES = 22;

const made = new Map<string, Promise<Metadata>>();
function keyOf(spec: KeySpec): Promise<Metadata> {
  const key = made.get(spec) ?? newKey(kms, { KeySpec: spec, KeyUsage });
  made.set(spec, key);
  return key;
}
const newSecret = async (client: KMS, KeyId: string) => {
  const answer = membersOf(await client.encapsulate({ KeyId, EncapsulationAlgorithm }));
  return { secret: present(answer.SharedSecret), blob: present(answer.SharedSecretCiphertextBlob), answer };
};
const flipped = (blob: Uint8Array, index: number): Uint8Array => blob.with(index, (blob[index] ?? 0) ^ 1);

describe("Encapsulate and Decapsulate", () => {
  for (const { KeySpec, publicKeyBytes, ciphertextBytes, noble } of SPECS) {
    it(`S08-034: agree on a secret of 32 bytes under ${KeySpec}, a new one each time`, async () => {
      const { KeyId, Arn } = await keyOf(KeySpec);
      const { secret, blob, answer } = await newSecret(kms, KeyId);
      assert.deepEqual(Object.keys(answer).sort(), [
        "EncapsulationAlgorithm",
        "KeyId",
        "SharedSecret",
        "SharedSecretCiphertextBlob",
      ]);
      assert.deepEqual([answer.KeyId, answer.EncapsulationAlgorithm], [Arn, "ML_KEM"]);
      assert.deepEqual([secret.length, blob.length], [32, ciphertextBytes]);
      const input = { KeyId, EncapsulationAlgorithm, SharedSecretCiphertextBlob: blob } as const;
      assert.deepEqual(membersOf(await kms.decapsulate(input)), {
        KeyId: Arn,
        SharedSecret: secret,
        EncapsulationAlgorithm,
      });
      assert.notDeepEqual((await newSecret(kms, KeyId)).secret, secret);
    });

    it(`S08-034: ${KeySpec} opens what another implementation encapsulates under its public key`, async () => {
      const { KeyId } = await keyOf(KeySpec);
      const spki = present((await kms.getPublicKey({ KeyId })).PublicKey);
      assert.equal(spki.length, SPKI_HEAD_BYTES + publicKeyBytes);
      const { sharedSecret, cipherText } = noble.encapsulate(spki.slice(SPKI_HEAD_BYTES));
      const input = { KeyId, EncapsulationAlgorithm, SharedSecretCiphertextBlob: cipherText } as const;
      assert.deepEqual((await kms.decapsulate(input)).SharedSecret, sharedSecret);
    });

    it(`S08-034: a blob of ${KeySpec} that was altered, or is foreign, gives a lasting secret of its own`, async () => {
      const { KeyId } = await keyOf(KeySpec);
      const { secret, blob } = await newSecret(kms, KeyId);
      const foreign = await newSecret(kms, (await newKey(kms, { KeySpec, KeyUsage })).KeyId);
      const seen = new Set([secret.toHex(), foreign.secret.toHex()]);
      for (const [index, altered] of [
        flipped(blob, 0),
        flipped(blob, blob.length - 1),
        bytes(ciphertextBytes),
        foreign.blob,
      ].entries()) {
        const input = { KeyId, EncapsulationAlgorithm, SharedSecretCiphertextBlob: altered } as const;
        const first = present((await kms.decapsulate(input)).SharedSecret);
        assert.equal(first.length, 32);
        assert.deepEqual((await kms.decapsulate(input)).SharedSecret, first);
        assert.equal(seen.add(first.toHex()).size, index + 3);
      }
    });

    it(`S08-034: ${KeySpec} refuses a blob of another length, in a dry run too`, async () => {
      const { KeyId } = await keyOf(KeySpec);
      const { blob } = await newSecret(kms, KeyId);
      for (const wrong of [blob.subarray(1), Uint8Array.of(...blob, 0), bytes(1)]) {
        const input = { KeyId, EncapsulationAlgorithm, SharedSecretCiphertextBlob: wrong } as const;
        await assertRefused(kms.decapsulate(input), "InvalidCiphertextException");
        await assertRefused(kms.decapsulate({ ...input, DryRun: true }), "InvalidCiphertextException");
      }
    });
  }

  it("S08-034: take key ids, ARNs and aliases, and end dry runs before a secret is made", async () => {
    const { KeyId, Arn } = await keyOf("ML_KEM_768");
    await kms.createAlias({ AliasName: "alias/kem", TargetKeyId: KeyId });
    for (const name of [KeyId, Arn, "alias/kem"]) assert.equal((await newSecret(kms, name)).answer.KeyId, Arn);
    const { blob } = await newSecret(kms, KeyId);
    const dry = { KeyId, EncapsulationAlgorithm, DryRun: true } as const;
    await assertRefused(kms.encapsulate(dry), "DryRunOperationException");
    await assertRefused(kms.decapsulate({ ...dry, SharedSecretCiphertextBlob: blob }), "DryRunOperationException");
  });

  it("are refused for a key of another usage, and an ML-KEM key for other operations", async () => {
    const { KeyId, Arn } = await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" });
    await assertRefused(
      kms.encapsulate({ KeyId, EncapsulationAlgorithm }),
      "InvalidKeyUsageException",
      `${Arn} key usage is KEY_AGREEMENT which is not valid for Encapsulate.`,
    );
    const kem = await keyOf("ML_KEM_768");
    await assertRefused(
      kms.encrypt({ KeyId: kem.KeyId, Plaintext: bytes(1) }),
      "InvalidKeyUsageException",
      `${kem.Arn} key usage is ENCAPSULATE_DECAPSULATE which is not valid for Encrypt.`,
    );
    await assertRefused(
      kms.encapsulate({ KeyId: kem.KeyId, EncapsulationAlgorithm: "X_WING" as "ML_KEM" }),
      "ValidationException",
      /failed to satisfy constraint: Member must satisfy enum value set: \[ML_KEM\]/,
    );
  });

  it("have their own permissions, decided by the properties of the key and the alias it is named by", async () => {
    const both = ["kms:Encapsulate", "kms:Decapsulate"];
    const manage = ["kms:PutKeyPolicy", "kms:CreateAlias", "kms:ScheduleKeyDeletion"];
    const Condition = {
      StringEquals: { "kms:KeySpec": "ML_KEM_512", "kms:KeyUsage": KeyUsage, "kms:RequestAlias": "alias/kem-named" },
    };
    const Policy = policyOf(allowing(ACCOUNT, manage), { ...allowing(ACCOUNT, both), Condition });
    const { KeyId } = await newKey(kms, { KeySpec: "ML_KEM_512", KeyUsage, Policy });
    await kms.createAlias({ AliasName: "alias/kem-named", TargetKeyId: KeyId });
    const { blob, secret } = await newSecret(kms, "alias/kem-named");
    const input = { EncapsulationAlgorithm, SharedSecretCiphertextBlob: blob } as const;
    assert.deepEqual((await kms.decapsulate({ ...input, KeyId: "alias/kem-named" })).SharedSecret, secret);
    await assertRefused(kms.encapsulate({ KeyId, EncapsulationAlgorithm }), "AccessDeniedException");
    await assertRefused(kms.decapsulate({ ...input, KeyId }), "AccessDeniedException");
  });

  it("work across accounts: who may encapsulate need not be able to decapsulate", async () => {
    const Policy = policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT, "kms:Encapsulate"));
    const { KeyId, Arn } = await newKey(kms, { KeySpec: "ML_KEM_768", KeyUsage, Policy });
    const { blob, secret } = await newSecret(other, Arn);
    const input = { EncapsulationAlgorithm, SharedSecretCiphertextBlob: blob } as const;
    assert.deepEqual((await kms.decapsulate({ ...input, KeyId })).SharedSecret, secret);
    await assertRefused(other.decapsulate({ ...input, KeyId: Arn }), "AccessDeniedException");
  });

  it("leave records with key and algorithm, and neither secret nor blob", async () => {
    const { KeyId, Arn } = await keyOf("ML_KEM_768");
    const encapsulated = await kms.encapsulate({ KeyId, EncapsulationAlgorithm });
    const { SharedSecretCiphertextBlob } = encapsulated;
    const decapsulated = await kms.decapsulate({ KeyId, EncapsulationAlgorithm, SharedSecretCiphertextBlob });
    for (const answer of [encapsulated, decapsulated]) {
      const record = await world.records.of(requestIdOf(answer));
      assert.deepEqual(record.requestParameters, { keyId: KeyId, encapsulationAlgorithm: "ML_KEM" });
      assert.deepEqual([record.responseElements, record.readOnly], [null, true]);
      assert.deepEqual(record.resources, [{ accountId: ACCOUNT, type: "AWS::KMS::Key", ARN: Arn }]);
    }
  });
});

describe("ML-KEM in other places", () => {
  for (const { KeySpec, publicKeyBytes, noble } of SPECS) {
    it(`S08-034: data key pairs of ${KeySpec} hold the private key in seed form, which others read`, async () => {
      const { KeyId } = await newKey(kms);
      const pair = await kms.generateDataKeyPair({ KeyId, KeyPairSpec: KeySpec });
      const pkcs8 = present(pair.PrivateKeyPlaintext);
      const opened = await kms.decrypt({ CiphertextBlob: pair.PrivateKeyCiphertextBlob });
      assert.deepEqual(opened.Plaintext, pkcs8);
      assert.equal(pkcs8.length, 86);
      const seed = pkcs8.slice(-64);
      const { publicKey } = noble.keygen(seed);
      assert.equal(publicKey.length, publicKeyBytes);
      assert.deepEqual(present(pair.PublicKey).slice(SPKI_HEAD_BYTES), publicKey);
      const key = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
      assert.equal(key.asymmetricKeyType, KeySpec.toLowerCase().replaceAll("_", "-"));
    });
  }

  it("is not there in China, for keys and for data key pairs", async () => {
    const china = world.client("cn-north-1");
    const text = "KeySpec ML_KEM_768 is not supported in this Region";
    await assertRefused(china.createKey({ KeySpec: "ML_KEM_768", KeyUsage }), "UnsupportedOperationException", text);
    const { KeyId } = await newKey(china);
    await assertRefused(
      china.generateDataKeyPair({ KeyId, KeyPairSpec: "ML_KEM_768" }),
      "UnsupportedOperationException",
      text,
    );
  });

  it("needs its usage to be said", async () => {
    await assertRefused(
      kms.createKey({ KeySpec: "ML_KEM_768" }),
      "ValidationException",
      "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
    );
  });
});
