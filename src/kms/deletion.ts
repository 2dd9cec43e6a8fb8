/** The end of a waiting period: material destroyed first, then aliases, tags, grants and the key; a tombstone stays. */

import type { DueHandler, DueMoment } from "../pipeline/due-work.ts";
import type { Recorder } from "../pipeline/operation.ts";
import { deleteAliasesOfKey } from "../storage/aliases.ts";
import { clearDue, setDue } from "../storage/due.ts";
import { deleteGrantsOfKey } from "../storage/grants.ts";
import { deleteKeyUsage } from "../storage/key-usage.ts";
import { deleteKey, updateKey } from "../storage/keys.ts";
import { deleteMaterialsOfKey } from "../storage/materials.ts";
import { endCharge, resumeCharge } from "../storage/meter.ts";
import type { DueRow, KeyRow } from "../storage/schema.ts";
import type { Tx } from "../storage/store.ts";
import { deleteTagsOfKey } from "../storage/tags.ts";
import { insertTombstone } from "../storage/tombstones.ts";
import { keyArn } from "./identifiers.ts";
import { expiryOf, stateWithMaterial } from "./importing.ts";
import { releaseTokenKey } from "./key-stores/token-keys.ts";
import { daysAfter } from "./keys.ts";
import {
  multiRegionKeyType,
  primaryRegionOf,
  replicaRegionsColumn,
  replicaRegionsOf,
  updateRelatedKeys,
} from "./related-keys.ts";
import { rotationOf } from "./rotation.ts";
import { settleWaiting } from "./waiting-material.ts";

/** The kind of the due rows that ScheduleKeyDeletion writes; their subject is the key id. */
export const DELETE_KEY = "kms:DeleteKey";

/**
 * Deletes keys whose waiting period is over, with the DeleteKey record in the same transaction.
 *
 * @param afterDeletion makes the store forget the erased pages (write-ahead log)
 */
export function deleteKeyWhenDue(recorder: Recorder, afterDeletion: () => Promise<void>): DueHandler {
  return {
    destructive: true,
    async perform(tx: Tx, { region, subject: keyId }: DueRow, { now }: DueMoment<unknown>): Promise<void> {
      const row = await tx.settle((reader) => reader.find("key", region, keyId));
      if (row === undefined || row.state !== "PendingDeletion" || row.deletion_at === null || row.deletion_at > now)
        return;
      await eraseKey(tx, row, now);
      if (row.origin === "AWS_CLOUDHSM") return; // the record comes once its cluster was asked (key-stores/token-keys.ts)
      const { account } = row;
      const arn = keyArn({ ...row, keyId });
      await recorder.enlist(tx, {
        service: "kms",
        event: "DeleteKey",
        account,
        region,
        now,
        response: { KeyId: arn },
        resources: [{ arn, account }],
        notice: { detailType: "KMS CMK Deletion", detail: { "key-id": keyId } },
      });
    },
    finished: afterDeletion,
  };
}

/** Destroys a key with all that hangs on it, its material first; tombstones stay. */
export async function eraseKey(tx: Tx, row: KeyRow, now: number): Promise<void> {
  const { account, region, key_id: keyId } = row;
  const name = { region, keyId };
  await endCharge(tx, row, now);
  for (const materialId of await deleteMaterialsOfKey(tx, name)) {
    await clearDue(tx, expiryOf({ ...name, materialId }));
    await insertTombstone(tx, {
      kind: "material",
      region,
      key_id: keyId,
      material_id: materialId,
      account,
      deleted_at: now,
    });
  }
  await deleteAliasesOfKey(tx, name);
  await deleteTagsOfKey(tx, name);
  await deleteGrantsOfKey(tx, name);
  if (multiRegionKeyType(row) === "REPLICA") await leaveRelatedKeys(tx, row, now);
  else await clearDue(tx, rotationOf(row));
  if (row.origin === "AWS_CLOUDHSM") await releaseTokenKey(tx, row, now);
  await deleteKeyUsage(tx, name);
  await deleteKey(tx, name);
  await insertTombstone(tx, { kind: "key", region, key_id: keyId, material_id: "", account, deleted_at: now });
}

/**
 * Starts the waiting period of a key; that of a primary key with replicas begins when the last of them is gone (API reference,
 * ScheduleKeyDeletion).
 *
 * @returns when the key is to be deleted; undefined for a primary key that waits for its replicas
 */
export async function scheduleDeletion(
  tx: Tx,
  row: KeyRow,
  { windowDays, now }: { readonly windowDays: number; readonly now: number },
): Promise<number | undefined> {
  await endCharge(tx, row, now);
  if (multiRegionKeyType(row) === "PRIMARY" && replicaRegionsOf(row).length > 0) {
    await updateKey(tx, row, { state: "PendingReplicaDeletion", pending_window_days: windowDays });
    return undefined;
  }
  const deletionAt = daysAfter(now, windowDays);
  await updateKey(tx, row, { state: "PendingDeletion", deletion_at: deletionAt });
  await setDue(tx, { kind: DELETE_KEY, region: row.region, subject: row.key_id, due_at: deletionAt });
  return deletionAt;
}

/** Ends the waiting period of a key, which is left disabled, or pending import (API reference, CancelKeyDeletion). */
export async function cancelDeletion(tx: Tx, row: KeyRow): Promise<void> {
  const state = await stateWithMaterial(tx, row, "Disabled");
  await updateKey(tx, row, { state, deletion_at: null, pending_window_days: null });
  await clearDue(tx, { kind: DELETE_KEY, region: row.region, subject: row.key_id });
  await resumeCharge(tx, { region: row.region, keyId: row.key_id });
}

/**
 * Takes a replica out of its set. When it was the last one and its primary waits for that, the primary's own waiting period
 * begins, in full (KMS guide, Deleting multi-Region keys).
 */
async function leaveRelatedKeys(tx: Tx, replica: KeyRow, now: number): Promise<void> {
  const { key_id } = replica;
  const left = replicaRegionsOf(replica).filter((region) => region !== replica.region);
  await updateRelatedKeys(tx, replica, { replica_regions: replicaRegionsColumn(left) });
  const region = primaryRegionOf(replica);
  await settleWaiting(tx, { ...replica, replica_regions: replicaRegionsColumn(left) });
  const primary = await tx.settle((reader) => reader.find("key", region, key_id));
  if (left.length > 0 || primary?.state !== "PendingReplicaDeletion" || primary.pending_window_days === null) return;
  const deletionAt = daysAfter(now, primary.pending_window_days);
  await updateKey(tx, primary, { state: "PendingDeletion", deletion_at: deletionAt, pending_window_days: null });
  await setDue(tx, { kind: DELETE_KEY, region, subject: key_id, due_at: deletionAt });
}
