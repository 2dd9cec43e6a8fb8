/** Keys in CloudHSM key stores: made in the cluster, used there, destroyed there, and what records say of them. */

import {
  CustomKeyStoreInvalidStateException,
  InvalidCiphertextException,
  KMSInternalException,
  KMSInvalidStateException,
} from "../../base/errors.ts";
import type { OuterLayer } from "../../custody/custody.ts";
import type { TokenUser } from "../../custody/pkcs11/tokens.ts";
import type { DueHandler } from "../../pipeline/due-work.ts";
import type { Call, Recorder } from "../../pipeline/operation.ts";
import { deleteBackingKey, findBackingKey, insertBackingKey, noteBackingKey } from "../../storage/backing-keys.ts";
import { clearDue, setDue } from "../../storage/due.ts";
import type { BackingKeyRow, KeyStoreRow } from "../../storage/key-store-schema.ts";
import type { KeyRow } from "../../storage/schema.ts";
import type { Store, Tx } from "../../storage/store.ts";
import { keyArn } from "../identifiers.ts";
import type { Key, KeyStore } from "../resources.ts";
import { activeZones, type Clusters, requireTwoZones } from "./clusters.ts";
import { asCreating, asUsing, NO_HSM } from "./token-failures.ts";

/**
 * The kind of the due rows that see to keys in tokens without a KMS key: those that CreateKey began and did not finish, and those whose
 * KMS key is deleted. Their subject is the key id.
 */
export const SETTLE_BACKING_KEY = "kms:SettleBackingKey";

/** More than making a key takes. */
const ABANDONED_MS = 120_000;

/** A key that was made in a token, for the transaction that makes its KMS key. */
export interface MadeKey {
  readonly handle: string;
}

/**
 * Makes the key that a KMS key is to have, in a connected store. It is noted first, so that one which nobody comes to want is destroyed.
 *
 * @throws CustomKeyStoreInvalidStateException the store is not connected, or its cluster does not answer
 * @throws CloudHsmClusterInvalidConfigurationException the cluster has not two active HSMs in different Availability Zones
 * @throws KMSInternalException the cluster has no session left
 */
export async function makeTokenKey(
  keyId: string,
  { keyStore, clusters, call, store }: { keyStore: KeyStore; clusters: Clusters; call: Call; store: Store },
): Promise<MadeKey> {
  const { row } = keyStore;
  const { region, account, partition } = row;
  const user = requireCreating(row, clusters);
  await store.transaction(async (tx) => {
    await insertBackingKey(tx, {
      region,
      key_id: keyId,
      account,
      partition,
      key_store_id: row.id,
      cluster_id: row.cluster_id ?? "",
      handle: null,
      created_at: call.now,
    });
    await setDue(tx, { kind: SETTLE_BACKING_KEY, region, subject: keyId, due_at: call.now + ABANDONED_MS });
  });
  try {
    const label = keyArn({ partition, region, account, keyId });
    return await clusters.tokens.generateKey(user, { id: tokenIdOf(keyId), label });
  } catch (cause) {
    throw asCreating(cause);
  }
}

/** Joins a key that was made in a token to its KMS key, in the transaction that makes that one. */
export async function keepTokenKey(tx: Tx, row: KeyRow, { handle }: MadeKey): Promise<void> {
  const { region, key_id: keyId } = row;
  if (!(await noteBackingKey(tx, { region, keyId }, handle))) {
    throw new KMSInternalException("Making the key took too long. Try the request again.");
  }
  await clearDue(tx, { kind: SETTLE_BACKING_KEY, region, subject: keyId });
}

function requireCreating(row: KeyStoreRow, clusters: Clusters): TokenUser {
  if (row.connection_state !== "CONNECTED") {
    throw new CustomKeyStoreInvalidStateException(
      `The custom key store is ${row.connection_state}, and not connected.`,
    );
  }
  const cluster = clusters.find(row, row.cluster_id);
  const user = clusters.findUser(row);
  if (cluster === undefined || user === undefined) throw new CustomKeyStoreInvalidStateException(NO_HSM);
  requireTwoZones(cluster);
  return user;
}

/** The CKA_ID of a key's key in its token: the bytes of its id, in hex. */
function tokenIdOf(keyId: string): string {
  return keyId.replaceAll("-", "");
}

/**
 * What encrypts around our encryption, in the cluster of the key's store.
 *
 * @throws Error the key is in no custom key store: our bug
 */
export function tokenLayerOf(key: Key, clusters: Clusters): OuterLayer {
  const { keyStore } = key;
  if (keyStore === undefined) throw new Error(`${key.arn} is in no custom key store.`);
  const id = tokenIdOf(key.id);
  const through = async <T>(ask: (user: TokenUser) => Promise<T>): Promise<T> => {
    const user = requireUsing(keyStore, clusters);
    try {
      return await ask(user);
    } catch (cause) {
      throw asUsing(cause);
    }
  };
  return {
    encrypt: (text, aad) => through((user) => clusters.tokens.encrypt(user, { id, text, aad })),
    async decrypt(outer, aad) {
      const inner = await through((user) => clusters.tokens.decrypt(user, { id, outer, aad }));
      if (inner === undefined) throw new InvalidCiphertextException();
      return inner;
    },
    corrupted: () => new InvalidCiphertextException(),
  };
}

/** @throws KMSInvalidStateException the cluster is gone or has no active HSM */
function requireUsing(row: KeyStoreRow, clusters: Clusters): TokenUser {
  const cluster = clusters.find(row, row.cluster_id);
  const user = clusters.findUser(row);
  if (cluster === undefined || user === undefined || activeZones(cluster).size === 0) {
    throw new KMSInvalidStateException(NO_HSM);
  }
  return user;
}

/**
 * Bytes of a cluster's generator.
 *
 * @throws CustomKeyStoreInvalidStateException the store is not connected
 * @throws KMSInvalidStateException, KMSInternalException the cluster does not give any
 */
export async function tokenRandom({ row }: KeyStore, clusters: Clusters, lengthBytes: number): Promise<Uint8Array> {
  const user = requireUsing(row, clusters);
  try {
    return await clusters.tokens.random(user, lengthBytes);
  } catch (cause) {
    throw asUsing(cause);
  }
}

/** How records of CreateKey name a key in a cluster: `backingKey`, as JSON in a text. */
export function backingKeyText(keyId: string, { handle }: MadeKey): string {
  return JSON.stringify(named(keyId, handle));
}

/** `additionalEventData` of ScheduleKeyDeletion and DeleteKey. */
export function backingKeysData({ key_id, key_store_id, cluster_id, handle }: BackingKeyRow) {
  return {
    customKeyStoreId: key_store_id,
    clusterId: cluster_id,
    backingKeys: JSON.stringify([named(key_id, handle)]),
  };
}

function named(keyId: string, handle: string | null) {
  return { keyHandle: handle ?? "", backingKeyId: tokenIdOf(keyId) };
}

/** Has the key in the token destroyed whose KMS key is gone, in the transaction in which it goes. */
export async function releaseTokenKey(tx: Tx, { region, key_id }: KeyRow, now: number): Promise<void> {
  await setDue(tx, { kind: SETTLE_BACKING_KEY, region, subject: key_id, due_at: now });
}

/**
 * Destroys keys in tokens that no KMS key has, by best effort: what a store is not connected for, or its cluster does not do, stays
 * where it is, as the record of the deletion says (KMS guide, Deleting KMS keys from an AWS CloudHSM key store). That record is written
 * here, since only now it is known what it has to say.
 */
export function settleBackingKeyWhenDue({
  store,
  clusters,
  recorder,
}: {
  store: Store;
  clusters: Clusters;
  recorder: Recorder;
}): DueHandler<boolean> {
  return {
    destructive: false,
    async prepare({ region, subject: keyId }) {
      const row = await findBackingKey(store.db, { region, keyId });
      const key = await store.settle((reader) => reader.find("key", region, keyId));
      if (row === undefined || key !== undefined) return false;
      const { key_store_id } = row;
      const keyStore = await store.settle((reader) => reader.find("keyStore", region, key_store_id));
      if (keyStore?.connection_state !== "CONNECTED") return false;
      const user = clusters.findUser(keyStore);
      if (user === undefined) return false;
      return await clusters.tokens.destroy(user, tokenIdOf(keyId)).catch(() => false);
    },
    async perform(tx, { region, subject: keyId }, { prepared: isDestroyed, now }) {
      const row = await findBackingKey(tx.db, { region, keyId });
      const key = await tx.settle((reader) => reader.find("key", region, keyId));
      if (row === undefined || key !== undefined) return;
      await deleteBackingKey(tx, { region, keyId });
      // A key that was never told of is not told of when it goes.
      if (row.handle !== null) await recorder.enlist(tx, deletionEntry(row, { isDestroyed, now }));
    },
  };
}

function deletionEntry(row: BackingKeyRow, { isDestroyed, now }: { isDestroyed: boolean; now: number }) {
  const { account, region, key_id: keyId } = row;
  const arn = keyArn({ ...row, keyId });
  const status = { ...named(keyId, row.handle), deletionStatus: isDestroyed ? "SUCCESS" : "FAILURE" };
  return {
    service: "kms",
    event: "DeleteKey",
    account,
    region,
    now,
    response: { KeyId: arn },
    resources: [{ arn, account }],
    additional: { ...backingKeysData(row), backingKeysDeletionStatus: JSON.stringify([status]) },
    notice: { detailType: "KMS CMK Deletion", detail: { "key-id": keyId } },
  };
}
