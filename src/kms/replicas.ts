/** Replicas as rows: made from their primary, with its material sealed for their Region. */

import type { Insertable, Kysely } from "kysely";
import type { Custody } from "../custody/custody.ts";
import { insertKey } from "../storage/keys.ts";
import { insertMaterial, listMaterialRows } from "../storage/materials.ts";
import type { KeyRow, MaterialRow, MaterialTable, Schema } from "../storage/schema.ts";
import type { Tx } from "../storage/store.ts";
import { materialColumns, newKeyRow } from "./keys.ts";
import { replicaRegionsColumn, replicaRegionsOf, updateRelatedKeys } from "./related-keys.ts";
import { sealedMaterialOf } from "./resources.ts";
import { settleWaiting } from "./waiting-material.ts";

/** A material as it is written. */
type NewMaterial = Readonly<Insertable<MaterialTable>>;

/**
 * Every material of a key, sealed for another Region. Of imported keys those that are theirs for ever, by their ids alone: each
 * related key is pending import until the same material was imported into it, too.
 */
export async function copyMaterials(
  { db, custody }: { db: Kysely<Schema>; custody: Custody },
  row: KeyRow,
  region: string,
): Promise<readonly NewMaterial[]> {
  const materials = await listShared(db, row);
  if (row.origin === "EXTERNAL") return materials.map((material) => ({ ...material, region, ...NOT_HERE }));
  const copies = materials.map(async ({ created_at, rotated_at, rotation_type, ...material }) => {
    const sealed = await custody.resealMaterial(sealedMaterialOf(material), region);
    return { ...materialColumns(sealed), created_at, rotated_at, rotation_type };
  });
  return await Promise.all(copies);
}

/** What a replica has of imported material before its own import. */
const NOT_HERE = {
  sealed: new Uint8Array(0),
  import_state: "PENDING_IMPORT",
  expiration_model: null,
  expires_at: null,
  description: null,
} as const;

/** The materials that are a key's for ever, as are all that don't come from outside. */
async function listShared(db: Kysely<Schema>, { region, key_id: keyId }: KeyRow): Promise<readonly MaterialRow[]> {
  return (await listMaterialRows(db, { region, keyId })).filter(({ pending }) => pending === null);
}

/** Whether `copies` are of all the materials that a key has now. */
export async function isCopiedWhole(tx: Tx, row: KeyRow, copies: readonly NewMaterial[]): Promise<boolean> {
  const materials = await listShared(tx.db, row);
  const copied = new Set(copies.map(({ material_id }) => material_id));
  return materials.length === copied.size && materials.every(({ material_id }) => copied.has(material_id));
}

/** Adds a replica to the keys that are related to its primary; it has what they share, and `own` (spec 05, properties). */
export async function insertReplica(
  tx: Tx,
  primary: KeyRow,
  {
    materials,
    ...own
  }: Pick<KeyRow, "region" | "description" | "policy" | "policy_principals" | "state" | "created_at"> & {
    materials: readonly NewMaterial[];
  },
): Promise<KeyRow> {
  const relations = { replica_regions: replicaRegionsColumn([...replicaRegionsOf(primary), own.region]) };
  const { partition, account, key_id: keyId, spec, usage } = primary;
  const { state, created_at: now, policy_principals: policyPrincipals, ...named } = own;
  const fresh = newKeyRow({
    partition,
    account,
    keyId,
    spec,
    usage,
    ...named,
    policyPrincipals,
    now,
    multiRegion: true,
  });
  const replica = { ...fresh, ...sharedColumns(primary), ...relations, state };
  await updateRelatedKeys(tx, primary, relations);
  await insertKey(tx, replica);
  for (const material of materials) await insertMaterial(tx, material);
  await settleWaiting(tx, replica);
  return replica;
}

/** What a replica takes over from its primary beside its identity. */
function sharedColumns(primary: KeyRow) {
  const { origin, primary_region, current_material_id } = primary;
  const { rotation_enabled, rotation_period_days, rotation_enabled_at } = primary;
  return { origin, primary_region, current_material_id, rotation_enabled, rotation_period_days, rotation_enabled_at };
}
