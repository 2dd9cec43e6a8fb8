/** Changes of keys and grants that a restore makes again, from their records: what was destroyed must not come back. */

import type { Replay, TrailEvent } from "../audit/trail.ts";
import { asArn } from "../base/arn.ts";
import { clearDue } from "../storage/due.ts";
import { deleteGrant } from "../storage/grants.ts";
import type { KeyStoreRow } from "../storage/key-store-schema.ts";
import { deleteKeyStore, hasKeys, updateKeyStore } from "../storage/key-stores.ts";
import { updateKey } from "../storage/keys.ts";
import { findMaterial } from "../storage/materials.ts";
import type { KeyRow } from "../storage/schema.ts";
import type { Tx } from "../storage/store.ts";
import { cancelDeletion, eraseKey, scheduleDeletion } from "./deletion.ts";
import { destroyImported, materialNamed } from "./importing.ts";
import { SETTLE_KEY_STORE } from "./key-stores/connection.ts";

/** The waiting period where a record names none. */
const WINDOW_DAYS = 30;

/** By the names of events, as records have them. */
export const kmsReplays: ReadonlyMap<string, Replay> = new Map<string, Replay>([
  ["DeleteKey", onKey((tx, row, { time }) => eraseKey(tx, row, time))],
  ["DeleteImportedKeyMaterial", (tx, event) => destroyMaterial(tx, event, "deleted")],
  ["DeleteExpiredKeyMaterial", (tx, event) => destroyMaterial(tx, event, "expired")],
  ["DisableKey", onKey((tx, row) => updateKey(tx, row, { state: "Disabled" }), ["Enabled"])],
  ["EnableKey", onKey((tx, row) => updateKey(tx, row, { state: "Enabled" }), ["Disabled"])],
  ["ScheduleKeyDeletion", onKey(schedule, ["Enabled", "Disabled", "PendingImport", "Unavailable"])],
  // Without it, a key whose deletion was called off would be deleted after all.
  ["CancelKeyDeletion", onKey(cancelDeletion, ["PendingDeletion", "PendingReplicaDeletion"])],
  // What was cut off from its key store must not come back connected.
  ["DisconnectCustomKeyStore", onStore(disconnectStore)],
  ["DeleteCustomKeyStore", onStore(removeStore)],
  ["RevokeGrant", removeGrant],
  ["RetireGrant", removeGrant],
]);

/** A replay on the key that the record is about, where it is here and, if states are given, in one of them. */
function onKey(
  body: (tx: Tx, row: KeyRow, event: TrailEvent) => Promise<void>,
  states?: readonly KeyRow["state"][],
): Replay {
  return async (tx, event) => {
    const row = await findKey(tx, event);
    if (row === undefined || (states !== undefined && !states.includes(row.state))) return false;
    await body(tx, row, event);
    return true;
  };
}

/** A replay on the custom key store that the record is about, where it is here. */
function onStore(body: (tx: Tx, row: KeyStoreRow) => Promise<boolean>): Replay {
  return async (tx, { region, request }) => {
    const id = String(request["customKeyStoreId"]);
    const row = await tx.settle((reader) => reader.find("keyStore", region, id));
    return row !== undefined && (await body(tx, row));
  };
}

async function disconnectStore(tx: Tx, row: KeyStoreRow): Promise<boolean> {
  if (row.connection_state === "DISCONNECTED") return false;
  await updateKeyStore(tx, row, { connection_state: "DISCONNECTED", connection_error: null });
  await clearDue(tx, { kind: SETTLE_KEY_STORE, region: row.region, subject: row.id });
  return true;
}

/** A key in it that is here again (its deletion is not to be made again without its record) keeps it. */
async function removeStore(tx: Tx, row: KeyStoreRow): Promise<boolean> {
  await disconnectStore(tx, row);
  if (await hasKeys(tx.db, row)) return false;
  await deleteKeyStore(tx, row);
  return true;
}

async function findKey(tx: Tx, { resources }: TrailEvent): Promise<KeyRow | undefined> {
  for (const text of resources) {
    const arn = asArn(text);
    if (arn?.service !== "kms" || !arn.resource.startsWith("key/")) continue;
    const keyId = arn.resource.slice("key/".length);
    return await tx.settle((reader) => reader.find("key", arn.region, keyId));
  }
  return undefined;
}

async function schedule(tx: Tx, row: KeyRow, { request, time }: TrailEvent): Promise<void> {
  const asked = request["pendingWindowInDays"];
  await scheduleDeletion(tx, row, { windowDays: typeof asked === "number" ? asked : WINDOW_DAYS, now: time });
}

async function destroyMaterial(tx: Tx, event: TrailEvent, as: "deleted" | "expired"): Promise<boolean> {
  const row = await findKey(tx, event);
  if (row === undefined) return false;
  const named = event.request["keyMaterialId"] ?? event.response["keyMaterialId"] ?? event.details["keyMaterialId"];
  const materialId = typeof named === "string" ? named : row.current_material_id;
  const material = await findMaterial(tx.db, materialNamed(row, materialId));
  if (material?.import_state !== "IMPORTED") return false;
  await destroyImported(tx, row, material, { now: event.time, as });
  return true;
}

async function removeGrant(tx: Tx, event: TrailEvent): Promise<boolean> {
  const grantId = event.request["grantId"] ?? event.additional["grantId"];
  if (typeof grantId !== "string") return false;
  const row = await tx.settle((reader) => reader.find("grant", event.region, grantId));
  if (row === undefined) return false;
  await deleteGrant(tx, row);
  return true;
}
