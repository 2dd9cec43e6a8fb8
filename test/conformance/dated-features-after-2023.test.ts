/** The features that AWS dates after the guide's edition of 2023, each shown shortly. */

import assert from "node:assert/strict";
import { createPublicKey, diffieHellman, generateKeyPairSync, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import type { KMS } from "@aws-sdk/client-kms";
import { startDevServer } from "../dev-server.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { mustCallKms } from "../faults/signed-requests.ts";
import { importInto, newExternalKey, randomMaterial } from "../key-material.ts";
import { assertRefused, bytes, describedKey, newKey, present, requestIdOf } from "../kms-client.ts";
import { type DatedFeature, startDatedWorld } from "./dated-world.ts";

const THERE = "us-west-2";
const DAY_MS = 86_400_000;
const Plaintext = bytes(20);
const Message = bytes(50);

const world = await startDatedWorld();
after(() => world[Symbol.asyncDispose]());
const { kms, held } = world;

const encrypted = async (KeyId: string, from = kms): Promise<Uint8Array> =>
  present((await from.encrypt({ KeyId, Plaintext })).CiphertextBlob);

/** Shows that a key has this material now, and opens what it encrypted with the one before. */
async function hasRotated(from: KMS, KeyId: string, material: string, CiphertextBlob: Uint8Array): Promise<void> {
  assert.equal((await describedKey(from, KeyId)).CurrentKeyMaterialId, material);
  assert.deepEqual((await from.decrypt({ KeyId, CiphertextBlob })).Plaintext, Plaintext);
  const { Rotations = [] } = await from.listKeyRotations({ KeyId });
  assert.deepEqual(
    Rotations.map(({ RotationType }) => RotationType),
    ["ON_DEMAND"],
  );
}

const FEATURES: readonly DatedFeature[] = [
  {
    date: "2024-04",
    feature: "rotation periods, rotation on demand, and a list of rotations",
    async show() {
      const { KeyId } = await newKey(kms);
      await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
      assert.equal((await kms.getKeyRotationStatus({ KeyId })).RotationPeriodInDays, 90);
      await assertRefused(kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 89 }), "ValidationException");
      await kms.rotateKeyOnDemand({ KeyId });
      await held.advance(91 * DAY_MS);
      const { Rotations = [] } = await kms.listKeyRotations({ KeyId });
      assert.deepEqual(Rotations.map(({ RotationType }) => RotationType).toSorted(), ["AUTOMATIC", "ON_DEMAND"]);
    },
  },
  {
    date: "2024-06",
    feature: "DeriveSharedSecret",
    async show() {
      const { KeyId } = await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" });
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const PublicKey = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
      const { SharedSecret } = await kms.deriveSharedSecret({ KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey });
      const key = Buffer.from(present((await kms.getPublicKey({ KeyId })).PublicKey));
      const theirs = createPublicKey({ key, format: "der", type: "spki" });
      assert.deepEqual(diffieHellman({ privateKey, publicKey: theirs }), Buffer.from(present(SharedSecret)));
    },
  },
  {
    date: "2024-11-21",
    feature: "multi-Region keys in China",
    async show() {
      const [beijing, ningxia] = [held.client("cn-north-1"), held.client("cn-northwest-1")];
      const { KeyId } = await newKey(beijing, { MultiRegion: true });
      await beijing.replicateKey({ KeyId, ReplicaRegion: "cn-northwest-1" });
      await held.advance(60_000);
      const { Arn } = await describedKey(ningxia, KeyId);
      assert.match(Arn, /^arn:aws-cn:kms:cn-northwest-1:/);
      const CiphertextBlob = await encrypted(KeyId, beijing);
      assert.deepEqual((await ningxia.decrypt({ KeyId: Arn, CiphertextBlob })).Plaintext, Plaintext);
    },
  },
  {
    date: "2025-06-05",
    feature: "rotation on demand of imported key material, whose ids answers name",
    async show() {
      const { KeyId } = await newExternalKey(kms);
      const first = await importInto(kms, KeyId, randomMaterial(32));
      const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
      const { KeyMaterialId } = await kms.decrypt({ CiphertextBlob });
      assert.equal(KeyMaterialId, first.KeyMaterialId);
      const second = await importInto(kms, KeyId, randomMaterial(32), { ImportType: "NEW_KEY_MATERIAL" });
      await kms.rotateKeyOnDemand({ KeyId });
      await hasRotated(kms, KeyId, present(second.KeyMaterialId), present(CiphertextBlob));
    },
  },
  {
    date: "2025-06-13",
    feature: "ML-DSA signing keys",
    async show() {
      for (const KeySpec of ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"] as const) {
        const { KeyId } = await newKey(kms, { KeySpec, KeyUsage: "SIGN_VERIFY" });
        const input = { KeyId, Message, SigningAlgorithm: "ML_DSA_SHAKE_256" } as const;
        const Signature = present((await kms.sign(input)).Signature);
        const key = Buffer.from(present((await kms.getPublicKey({ KeyId })).PublicKey));
        assert.ok(verify(undefined, Message, { key, format: "der", type: "spki" }, Signature), KeySpec);
      }
    },
  },
  {
    date: "2025-11-07",
    feature: "keys of the spec ECC_NIST_EDWARDS25519",
    async show() {
      const { KeyId } = await newKey(kms, { KeySpec: "ECC_NIST_EDWARDS25519", KeyUsage: "SIGN_VERIFY" });
      const input = { KeyId, Message, SigningAlgorithm: "ED25519_SHA_512" } as const;
      const Signature = present((await kms.sign(input)).Signature);
      const key = Buffer.from(present((await kms.getPublicKey({ KeyId })).PublicKey));
      assert.ok(verify(undefined, Message, { key, format: "der", type: "spki" }, Signature));
    },
  },
  {
    date: "2025-11-24",
    feature: "records name the group of the TLS key exchange",
    async show() {
      using directory = new TemporaryDirectory();
      const auditLog = directory.at("audit.jsonl");
      await using server = await startDevServer({ args: ["--tls", "self-signed", "--audit-log", auditLog] });
      await mustCallKms(server, "ListKeys", {}, { insecureTls: true });
      const records = readFileSync(auditLog, "utf8").trimEnd().split("\n");
      const { tlsDetails } = records.map((line) => JSON.parse(line)).find(({ eventName }) => eventName === "ListKeys");
      assert.match(String(tlsDetails.keyExchange), /^X25519/i);
    },
  },
  {
    date: "2025-11-26",
    feature: "rotation on demand of multi-Region keys with imported material",
    async show() {
      const there = held.client(THERE);
      const { KeyId } = await newExternalKey(kms, { MultiRegion: true });
      const material = randomMaterial(32);
      await importInto(kms, KeyId, material);
      await kms.replicateKey({ KeyId, ReplicaRegion: THERE });
      await held.advance(60_000);
      await importInto(there, KeyId, material);
      const CiphertextBlob = await encrypted(KeyId);
      const fresh = randomMaterial(32);
      const { KeyMaterialId } = await importInto(kms, KeyId, fresh, { ImportType: "NEW_KEY_MATERIAL" });
      await assertRefused(kms.rotateKeyOnDemand({ KeyId }), "KMSInvalidStateException");
      await importInto(there, KeyId, fresh);
      await kms.rotateKeyOnDemand({ KeyId });
      for (const region of [kms, there]) await hasRotated(region, KeyId, present(KeyMaterialId), CiphertextBlob);
    },
  },
  {
    date: "2026-03-06",
    feature: "grants to service principals, bound to a source",
    async show() {
      const { Arn: KeyId } = await newKey(kms);
      const sourceArn = "arn:aws:s3:::a-bucket";
      const s3 = world.service("s3");
      const input = { KeyId, KeySpec: "AES_256" as const };
      await assert.rejects(s3.performAlone("GenerateDataKey", input, { sourceArn }));
      await kms.createGrant({
        KeyId,
        GranteeServicePrincipal: "s3.amazonaws.com",
        RetiringServicePrincipal: "s3.amazonaws.com",
        Operations: ["GenerateDataKey"],
        Constraints: { SourceArn: sourceArn },
      });
      assert.ok((await s3.performAlone("GenerateDataKey", input, { sourceArn })).CiphertextBlob);
      await assert.rejects(s3.performAlone("GenerateDataKey", input, { sourceArn: `${sourceArn}-2` }));
    },
  },
  {
    date: "2026",
    feature: "GetKeyLastUsage, and dry runs without a ciphertext (DryRunModifiers)",
    async show() {
      const { KeyId } = await newKey(kms);
      const used = await kms.encrypt({ KeyId, Plaintext });
      const { KeyLastUsage } = await kms.getKeyLastUsage({ KeyId });
      assert.deepEqual([KeyLastUsage?.Operation, KeyLastUsage?.KmsRequestId], ["Encrypt", requestIdOf(used)]);
      const dry = { KeyId, DryRun: true };
      await assertRefused(kms.decrypt(dry), "ValidationException");
      const modified = kms.decrypt({ ...dry, DryRunModifiers: ["IGNORE_CIPHERTEXT"] });
      await assertRefused(modified, "DryRunOperationException");
    },
  },
  {
    date: "2026-10",
    feature: "ML-KEM keys, Encapsulate and Decapsulate",
    async show() {
      const { KeyId } = await newKey(kms, { KeySpec: "ML_KEM_768", KeyUsage: "ENCAPSULATE_DECAPSULATE" });
      const input = { KeyId, EncapsulationAlgorithm: "ML_KEM" } as const;
      const { SharedSecret, SharedSecretCiphertextBlob } = await kms.encapsulate(input);
      const blob = present(SharedSecretCiphertextBlob);
      const opened = await kms.decapsulate({ ...input, SharedSecretCiphertextBlob: blob });
      assert.deepEqual(opened.SharedSecret, SharedSecret);
      const altered = blob.with(0, (blob[0] ?? 0) ^ 1);
      const other = await kms.decapsulate({ ...input, SharedSecretCiphertextBlob: altered });
      assert.deepEqual([other.SharedSecret?.length, blob.length], [32, 1_088]);
      assert.notDeepEqual(other.SharedSecret, SharedSecret);
    },
  },
];

describe("the history of KMS after 2023", () => {
  for (const { date, feature, show } of FEATURES) it(`S08-029: ${date} ${feature}`, show);
});
