/** Keys in AWS CloudHSM key stores, over SoftHSM tokens: made, used, unavailable, deleted (spec 06a). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { assertRefused, present, REGION, refusalOf, requestIdOf } from "../kms-client.ts";
import type { SoftHsm } from "../soft-hsm.ts";
import { clusterStore, hsmsIn, PASSWORD, startClusterWorld } from "./cluster-world.ts";

const QUOTAS = `
quotas:
  - region: ${REGION}
    values:
      AWS CloudHSM key store request quota: { requests: 30, seconds: 3600 }
`;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const Plaintext = new TextEncoder().encode("what nobody else may read");
const EncryptionContext = { purpose: "test" };

const world = await startClusterWorld({ quotas: QUOTAS });
after(() => world[Symbol.asyncDispose]());
const { kms, held } = world;

/** A connected store with a token of its own. */
async function newConnected(name: string, hsm = world.newHsm(PASSWORD)) {
  const cluster = world.newCluster({}, hsm);
  const id = await world.newClusterStore(name, cluster);
  await world.connect(kms, id);
  return { id, cluster, hsm };
}

const main = await newConnected("main");
const second = await newConnected("second");

const stateOf = async (KeyId: string) => (await kms.describeKey({ KeyId })).KeyMetadata?.KeyState;

async function encrypted(KeyId: string): Promise<Uint8Array> {
  return present((await kms.encrypt({ KeyId, Plaintext, EncryptionContext })).CiphertextBlob);
}

async function assertOpens(CiphertextBlob: Uint8Array): Promise<void> {
  assert.deepEqual((await kms.decrypt({ CiphertextBlob, EncryptionContext })).Plaintext, Plaintext);
}

/** What a token holds, seen by its administrator; the store has to be connected anew afterwards. */
async function seen(store: { readonly id: string; readonly hsm: SoftHsm }) {
  await world.disconnect(kms, store.id);
  store.hsm.setPassword(PASSWORD);
  const keys = store.hsm.keysOf(PASSWORD);
  await kms.updateCustomKeyStore({ CustomKeyStoreId: store.id, KeyStorePassword: PASSWORD });
  await world.connect(kms, store.id);
  return keys;
}

describe("CreateKey in a CloudHSM key store", () => {
  it("S06a-019, S02-015, S08-027: makes a key of 256 bits in the cluster that never leaves it, labelled with the key's ARN", async () => {
    const answer = await kms.createKey({
      Origin: "AWS_CLOUDHSM",
      CustomKeyStoreId: main.id,
      Description: "in the cluster",
    });
    const { KeyId = "", Arn = "", CreationDate, ...metadata } = present(answer.KeyMetadata);
    assert.ok(CreationDate instanceof Date);
    assert.deepEqual(metadata, {
      AWSAccountId: "111122223333",
      CloudHsmClusterId: main.cluster.id,
      CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
      CustomKeyStoreId: main.id,
      Description: "in the cluster",
      Enabled: true,
      EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
      KeyManager: "CUSTOMER",
      KeySpec: "SYMMETRIC_DEFAULT",
      KeyState: "Enabled",
      KeyUsage: "ENCRYPT_DECRYPT",
      MultiRegion: false,
      Origin: "AWS_CLOUDHSM",
    });
    assert.deepEqual((await kms.describeKey({ KeyId })).KeyMetadata, answer.KeyMetadata);
    const record = await held.records.of(requestIdOf(answer));
    const { backingKey, ...rest } = present(record.additionalEventData);
    assert.deepEqual(rest, {});
    const named = JSON.parse(String(backingKey)) as Record<string, unknown>;
    assert.deepEqual(Object.keys(named), ["keyHandle", "backingKeyId"]);
    const own = (await seen(main)).filter(({ label }) => label === Arn);
    const kept = { isAes: true, lengthBytes: 32, sensitive: true, extractable: false, isShown: false };
    assert.deepEqual(own, [{ label: Arn, ...kept }]);
  });

  it("S06a-020: needs a connected store and two HSMs", async () => {
    const cluster = world.newCluster();
    const CustomKeyStoreId = await world.newClusterStore("never connected", cluster);
    const input = { Origin: "AWS_CLOUDHSM" as const, CustomKeyStoreId };
    await assertRefused(kms.createKey(input), "CustomKeyStoreInvalidStateException");
    world.alter(second.cluster.id, { hsms: hsmsIn("us-east-1a") });
    const refused = kms.createKey({ ...input, CustomKeyStoreId: second.id });
    await assertRefused(refused, "CloudHsmClusterInvalidConfigurationException");
    world.alter(second.cluster.id, { hsms: second.cluster.hsms });
  });

  it("S06a-021: makes no other kinds of keys, and what such keys can't do is refused", async () => {
    const input = { Origin: "AWS_CLOUDHSM" as const, CustomKeyStoreId: main.id };
    for (const other of [
      { KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" },
      { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
      { MultiRegion: true },
    ] as const) {
      await assertRefused(kms.createKey({ ...input, ...other }), "UnsupportedOperationException");
    }
    await assertRefused(kms.createKey({ ...input, Origin: "EXTERNAL" }), "ValidationException");
    const { KeyId } = await world.newTokenKey(main.id);
    for (const call of [
      () => kms.enableKeyRotation({ KeyId }),
      () => kms.disableKeyRotation({ KeyId }),
      () => kms.rotateKeyOnDemand({ KeyId }),
      () => kms.generateDataKeyPair({ KeyId, KeyPairSpec: "ECC_NIST_P256" }),
      () => kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec: "ECC_NIST_P256" }),
      () => kms.getParametersForImport({ KeyId, WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "RSA_2048" }),
      () => kms.replicateKey({ KeyId, ReplicaRegion: "eu-west-1" }),
    ]) {
      await assertRefused(call(), "UnsupportedOperationException");
    }
  });

  it("leaves nothing in the cluster when it is refused after the key was made there", async () => {
    const before = (await seen(second)).length;
    const input = { Origin: "AWS_CLOUDHSM" as const, CustomKeyStoreId: second.id };
    await assertRefused(kms.createKey({ ...input, Policy: "no policy" }), "MalformedPolicyDocumentException");
    await held.advance(HOUR_MS);
    assert.equal((await seen(second)).length, before);
    assert.deepEqual(
      held.records.all().filter(({ eventName }) => eventName === "DeleteKey"),
      [],
    );
  });
});

describe("a key in a CloudHSM key store", () => {
  it("S06a-022: encrypts and decrypts with one HSM, and not with none", async () => {
    const { KeyId, Arn } = await world.newTokenKey(main.id);
    const { KeyId: other } = await world.newTokenKey(second.id);
    world.alter(main.cluster.id, { hsms: hsmsIn("us-east-1a") });
    const blob = await encrypted(KeyId);
    await assertOpens(blob);
    const { Plaintext: dataKey, CiphertextBlob } = await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
    assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, dataKey);
    const without = await kms.generateDataKeyWithoutPlaintext({ KeyId, NumberOfBytes: 16 });
    assert.equal((await kms.decrypt({ CiphertextBlob: without.CiphertextBlob })).Plaintext?.length, 16);
    const moved = await kms.reEncrypt({
      CiphertextBlob: blob,
      SourceEncryptionContext: EncryptionContext,
      DestinationEncryptionContext: EncryptionContext,
      DestinationKeyId: other,
    });
    assert.equal(moved.SourceKeyId, Arn);
    await assertOpens(present(moved.CiphertextBlob));
    const random = await kms.generateRandom({ NumberOfBytes: 40, CustomKeyStoreId: main.id });
    assert.equal(random.Plaintext?.length, 40);
    world.alter(main.cluster.id, { hsms: [] });
    await assertRefused(encrypted(KeyId), "KMSInvalidStateException", /active HSM/);
    world.alter(main.cluster.id, { hsms: main.cluster.hsms });
    await assertOpens(blob);
  });

  it("opens nothing that was changed, and nothing under another encryption context", async () => {
    const { KeyId } = await world.newTokenKey(main.id);
    const blob = await encrypted(KeyId);
    for (const index of [60, 75, blob.length - 1]) {
      const CiphertextBlob = blob.slice();
      CiphertextBlob[index] = (CiphertextBlob[index] ?? 0) ^ 1;
      await assertRefused(kms.decrypt({ CiphertextBlob, EncryptionContext, KeyId }), "InvalidCiphertextException");
    }
    await assertRefused(kms.decrypt({ CiphertextBlob: blob }), "InvalidCiphertextException");
  });

  it("S06a-014, S06a-024, S06a-025: is unavailable while its store is not connected, and then what it was made meanwhile", async () => {
    const { KeyId } = await world.newTokenKey(second.id);
    const { KeyId: pending } = await world.newTokenKey(second.id);
    await world.disconnect(kms, second.id);
    assert.equal(await stateOf(KeyId), "Unavailable");
    await assertRefused(encrypted(KeyId), "KMSInvalidStateException");
    const random = kms.generateRandom({ NumberOfBytes: 8, CustomKeyStoreId: second.id });
    await assertRefused(random, "CustomKeyStoreInvalidStateException");
    await kms.disableKey({ KeyId });
    assert.equal(await stateOf(KeyId), "Unavailable");
    const scheduled = await kms.scheduleKeyDeletion({ KeyId: pending });
    assert.equal(await stateOf(pending), "PendingDeletion");
    const { additionalEventData } = await held.records.of(requestIdOf(scheduled));
    const { backingKeys, ...rest } = present(additionalEventData);
    assert.deepEqual(rest, { customKeyStoreId: second.id, clusterId: second.cluster.id });
    assert.equal((JSON.parse(String(backingKeys)) as unknown[]).length, 1);
    await kms.cancelKeyDeletion({ KeyId: pending });
    assert.equal(await stateOf(pending), "Unavailable");
    await world.connect(kms, second.id);
    assert.equal(await stateOf(KeyId), "Disabled");
    assert.equal(await stateOf(pending), "Disabled");
  });

  it("S06a-027, S06a-016: opens old ciphertexts in a cluster that was made of a backup, and in no other", async () => {
    const store = await newConnected("restored");
    const { KeyId } = await world.newTokenKey(store.id);
    const blob = await encrypted(KeyId);
    await world.disconnect(kms, store.id);
    const backup = store.hsm.restored();
    after(() => backup[Symbol.dispose]());
    store.hsm.remove();
    const unrelated = world.newCluster();
    const call = { CustomKeyStoreId: store.id };
    for (const [CloudHsmClusterId, error] of [
      [unrelated.id, "CloudHsmClusterNotRelatedException"],
      ["cluster-zzzzzzzzzzz", "CloudHsmClusterNotFoundException"],
    ] as const) {
      await assertRefused(kms.updateCustomKeyStore({ ...call, CloudHsmClusterId }), error);
    }
    const { certificate } = store.cluster;
    const restored = world.newCluster({ certificate }, backup);
    await kms.updateCustomKeyStore({ ...call, CloudHsmClusterId: restored.id });
    await world.connect(kms, store.id);
    await assertOpens(blob);
    assert.equal((await kms.describeKey({ KeyId })).KeyMetadata?.CloudHsmClusterId, restored.id);
    backup.setPassword(PASSWORD);
    backup.destroyKeysOf(PASSWORD);
    await assertRefused(encrypted(KeyId), "KMSInvalidStateException", /not in the CloudHSM cluster/);
  });

  it("S06a-028: is the only one that opens what it has encrypted", async () => {
    const [{ KeyId: one }, { KeyId: other }] = [await world.newTokenKey(main.id), await world.newTokenKey(second.id)];
    const CiphertextBlob = await encrypted(one);
    await assertRefused(kms.decrypt({ CiphertextBlob, EncryptionContext, KeyId: other }), "IncorrectKeyException");
  });
});

describe("the end of a key in a CloudHSM key store", () => {
  const deletionOf = (arn: string) =>
    held.records.where(({ eventName, resources }) => eventName === "DeleteKey" && resources?.[0]?.ARN === arn);

  it("S06a-018, S06a-026, S02-015, S08-027: is also that of its key in the cluster, where the store is connected", async () => {
    const store = await newConnected("ending");
    const [kept, gone] = [await world.newTokenKey(store.id), await world.newTokenKey(store.id)];
    await kms.scheduleKeyDeletion({ KeyId: gone.KeyId, PendingWindowInDays: 7 });
    await held.advance(8 * DAY_MS);
    const [record, ...more] = await deletionOf(gone.Arn);
    assert.deepEqual(more, []);
    const { backingKeys, backingKeysDeletionStatus, ...rest } = present(record?.additionalEventData);
    assert.deepEqual(rest, { customKeyStoreId: store.id, clusterId: store.cluster.id });
    const [named] = JSON.parse(String(backingKeys)) as object[];
    assert.deepEqual(JSON.parse(String(backingKeysDeletionStatus)), [{ ...named, deletionStatus: "SUCCESS" }]);
    assert.equal(record?.eventType, "AwsServiceEvent");
    assert.deepEqual(record?.responseElements, { keyId: gone.Arn });
    assert.equal(record?.requestID, undefined);
    assert.deepEqual(
      (await seen(store)).map(({ label }) => label),
      [kept.Arn],
    );
    await kms.scheduleKeyDeletion({ KeyId: kept.KeyId, PendingWindowInDays: 7 });
    await world.disconnect(kms, store.id);
    const call = { CustomKeyStoreId: store.id };
    await assertRefused(kms.deleteCustomKeyStore(call), "CustomKeyStoreHasCMKsException");
    await held.advance(8 * DAY_MS);
    const [failed] = await deletionOf(kept.Arn);
    assert.match(String(present(failed?.additionalEventData)["backingKeysDeletionStatus"]), /"FAILURE"/);
    await kms.deleteCustomKeyStore(call);
    store.hsm.setPassword(PASSWORD);
    assert.equal(store.hsm.keysOf(PASSWORD).length, 1);
    await kms.createCustomKeyStore(clusterStore("the cluster again", store.cluster));
  });
});

describe("the request quota of a CloudHSM key store", () => {
  it("S06a-023: is its own: another store is not throttled", async () => {
    await held.advance(HOUR_MS);
    const [{ KeyId: busy }, { KeyId: quiet }] = [await world.newTokenKey(second.id), await world.newTokenKey(main.id)];
    const calls = await Promise.allSettled(Array.from({ length: 32 }, () => encrypted(busy)));
    assert.equal(calls.filter(({ status }) => status === "rejected").length, 2);
    assert.equal((await refusalOf(encrypted(busy))).name, "ThrottlingException");
    await assertOpens(await encrypted(quiet));
    assert.deepEqual(new Set(world.meter.throttles), new Set([`${second.id} Encrypt`]));
    assert.deepEqual(world.meter.types, new Set(["AWS_CLOUDHSM"]));
  });
});
