/** Rotation: the schedule of a key as its due row, and new material in the place of the current one. */

import type { Kysely } from "kysely";
import type { Custody, SealedMaterial } from "../custody/custody.ts";
import type { DueHandler } from "../pipeline/due-work.ts";
import type { Recorder } from "../pipeline/operation.ts";
import { clearDue, type DueName, findDueAt, setDue } from "../storage/due.ts";
import { insertMaterial, updateMaterial } from "../storage/materials.ts";
import type { KeyRow, RotationType, Schema } from "../storage/schema.ts";
import type { Store, Tx } from "../storage/store.ts";
import { keyArn } from "./identifiers.ts";
import { settleImported } from "./importing.ts";
import { daysAfter, materialColumns, materialOwner } from "./keys.ts";
import {
  isSealedForAll,
  multiRegionKeyType,
  primaryRegionOf,
  recordSynchronization,
  sealForReplicas,
  updateRelatedKeys,
} from "./related-keys.ts";
import { relatedMaterials } from "./waiting-material.ts";

/** The kind of the due rows of automatic rotation; their subject is the key id. Migration 2 names it, too. */
export const ROTATE_KEY = "kms:RotateKey";

/** Names the due row of a key's automatic rotation; related keys rotate by their primary's. */
export function rotationOf(row: KeyRow): DueName {
  return { kind: ROTATE_KEY, region: primaryRegionOf(row), subject: row.key_id };
}

/** When a key rotates next by itself, or undefined when it does not. */
export async function findRotationAt(db: Kysely<Schema>, row: KeyRow): Promise<number | undefined> {
  return await findDueAt(db, rotationOf(row));
}

/** Starts the clock of automatic rotation: one period from now (KMS guide, Rotating keys: from the day it is enabled). */
export async function scheduleRotation(tx: Tx, row: KeyRow, now: number): Promise<void> {
  await setDue(tx, { ...rotationOf(row), due_at: daysAfter(now, row.rotation_period_days) });
}

/**
 * Moves the next rotation to where another period puts it: whole new periods from where the current one began, the first that
 * is yet to come. One that is due already stays so.
 */
export async function reschedule(
  tx: Tx,
  row: KeyRow,
  { periodDays, now }: { periodDays: number; now: number },
): Promise<void> {
  const dueAt = await findDueAt(tx.db, rotationOf(row));
  if (dueAt !== undefined && dueAt <= now) return;
  const begunAt = dueAt === undefined ? now : daysAfter(dueAt, -row.rotation_period_days);
  let next = daysAfter(begunAt, periodDays);
  while (next <= now) next = daysAfter(next, periodDays);
  await setDue(tx, { ...rotationOf(row), due_at: next });
}

/** Ends automatic rotation. */
export async function unscheduleRotation(tx: Tx, row: KeyRow): Promise<void> {
  await clearDue(tx, rotationOf(row));
}

/**
 * Goes on with the rotation of a key that is enabled again: at once when its material is older than the period, else as it was
 * planned (KMS guide, Rotating keys: disabled keys, and keys pending deletion). Age decides, not the date that was missed. A
 * replica decides nothing.
 */
export async function resumeRotation(tx: Tx, row: KeyRow, now: number): Promise<void> {
  if (row.rotation_enabled !== 1 || multiRegionKeyType(row) === "REPLICA") return;
  const material = await tx.settle((reader) =>
    reader.find("material", row.region, row.key_id, row.current_material_id),
  );
  if (material === undefined) return;
  const isOld = daysAfter(material.rotated_at ?? material.created_at, row.rotation_period_days) <= now;
  if (isOld) await setDue(tx, { ...rotationOf(row), due_at: now });
}

/** How a rotation comes about. */
interface Rotation {
  readonly type: RotationType;
  readonly now: number;
  readonly recorder: Recorder;
}

/** New material for a key, sealed for its row and those of its replicas. */
export async function newMaterials(custody: Custody, row: KeyRow): Promise<readonly SealedMaterial[]> {
  return await sealForReplicas(custody, row, await custody.createMaterial(materialOwner(row)));
}

/**
 * Makes new material of our own the current one of a key and all its replicas.
 *
 * @param rotation.materials of `newMaterials`, for exactly the Regions that related keys are in now
 */
export async function replaceMaterial(
  tx: Tx,
  row: KeyRow,
  { materials, ...rotation }: Rotation & { readonly materials: readonly SealedMaterial[] },
): Promise<void> {
  const { type, now } = rotation;
  const [material] = materials;
  if (material === undefined || !isSealedForAll(materials, row)) throw new Error("Material lacks a Region of its key.");
  for (const sealed of materials) {
    await insertMaterial(tx, { ...materialColumns(sealed), created_at: now, rotated_at: now, rotation_type: type });
  }
  await updateRelatedKeys(tx, row, { current_material_id: material.materialId });
  await recordRotation(tx, row, material.materialId, rotation);
}

/** Makes imported material that waits for it the current one of a key and all its replicas, and theirs for ever. */
export async function promoteMaterial(tx: Tx, row: KeyRow, materialId: string, rotation: Rotation): Promise<void> {
  const { type, now } = rotation;
  for (const name of relatedMaterials(row, materialId)) {
    await updateMaterial(tx, name, { pending: null, rotated_at: now, rotation_type: type });
    const related = await tx.settle((reader) => reader.find("key", name.region, name.keyId));
    if (related !== undefined) await settleImported(tx, related, { current_material_id: materialId });
  }
  await recordRotation(tx, row, materialId, rotation);
}

/**
 * The RotateKey record (spec 02, Internal operations, NEWER) with its event and, where there are replicas, the one of their synchronization.
 */
async function recordRotation(
  tx: Tx,
  row: KeyRow,
  materialId: string,
  { type, now, recorder }: Rotation,
): Promise<void> {
  const { account, region } = row;
  await recorder.enlist(tx, {
    service: "kms",
    event: "RotateKey",
    account,
    region,
    now,
    response: null,
    resources: [{ arn: keyArn({ ...row, keyId: row.key_id }), account }],
    details: {
      RotationType: type,
      KeyOrigin: row.origin,
      PreviousKeyMaterialId: row.current_material_id,
      CurrentKeyMaterialId: materialId,
      KeyId: row.key_id,
    },
    notice: {
      detailType: "KMS CMK Rotation",
      detail: {
        "key-id": row.key_id,
        "key-origin": row.origin,
        "rotation-type": type,
        "previous-key-material-id": row.current_material_id,
        "current-key-material-id": materialId,
      },
    },
  });
  await recordSynchronization(tx, row, { now, recorder });
}

/** Rotates keys whose period is over, replicas with them; those that are not enabled let the date pass. */
export function rotateKeyWhenDue({
  store,
  custody,
  recorder,
}: {
  store: Store;
  custody: Custody;
  recorder: Recorder;
}): DueHandler<readonly SealedMaterial[] | undefined> {
  return {
    destructive: false,
    async prepare({ region, subject }) {
      const row = await store.settle((reader) => reader.find("key", region, subject));
      return row !== undefined && rotates(row) ? await newMaterials(custody, row) : undefined;
    },
    async perform(tx, due, { now, prepared: materials }) {
      const row = await tx.settle((reader) => reader.find("key", due.region, due.subject));
      if (row?.rotation_enabled !== 1) return;
      if (!rotates(row)) {
        await setDue(tx, { ...due, due_at: following(due.due_at, row, now) });
      } else if (materials === undefined || !isSealedForAll(materials, row)) {
        await setDue(tx, due); // enabled or replicated since `prepare`: the next turn makes the material
      } else {
        await replaceMaterial(tx, row, { materials, type: "AUTOMATIC", now, recorder });
        await setDue(tx, { ...due, due_at: following(due.due_at, row, now) });
      }
    },
  };
}

/** A change of the primary Region, which takes a moment, doesn't put a rotation off by a whole period. */
function rotates({ state }: KeyRow): boolean {
  return state === "Enabled" || state === "Updating";
}

/**
 * The date after `dueAt`: one period later, so that the schedule does not creep. Where that has passed too (the server was
 * down for longer than a period), one period from now: what was missed is done once, and yearly from then on, as the KMS
 * guide has it for keys that missed their dates while they were disabled.
 */
function following(dueAt: number, { rotation_period_days }: KeyRow, now: number): number {
  const next = daysAfter(dueAt, rotation_period_days);
  return next > now ? next : daysAfter(now, rotation_period_days);
}
