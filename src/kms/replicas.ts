/** Replicas as rows: made from their primary, with its material sealed for their Region. */

import type { Insertable, Kysely } from "kysely";
import type { Custody } from "../custody/custody.ts";
import { insertKey } from "../storage/keys.ts";
import { insertMaterial, listMaterialRows } from "../storage/materials.ts";
import type { KeyRow, MaterialTable, Schema } from "../storage/schema.ts";
import type { Tx } from "../storage/store.ts";
import { materialColumns, newKeyRow } from "./keys.ts";
import { replicaRegionsColumn, replicaRegionsOf, updateRelatedKeys } from "./related-keys.ts";
import { sealedMaterialOf } from "./resources.ts";

/** A material as it is written. */
type NewMaterial = Readonly<Insertable<MaterialTable>>;

/** Every material of a key, sealed for another Region; none of imported keys, into each of which it is imported by itself. */
export async function copyMaterials(
  { db, custody }: { db: Kysely<Schema>; custody: Custody },
  row: KeyRow,
  region: string,
): Promise<readonly NewMaterial[]> {
  if (row.origin === "EXTERNAL") return [];
  const materials = await listMaterialRows(db, { region: row.region, keyId: row.key_id });
  const copies = materials.map(async ({ created_at, rotated_at, rotation_type, ...material }) => {
    const sealed = await custody.resealMaterial(sealedMaterialOf(material), region);
    return { ...materialColumns(sealed), created_at, rotated_at, rotation_type };
  });
  return await Promise.all(copies);
}

/** Whether `copies` are of all the materials that a key has now. */
export async function isCopiedWhole(tx: Tx, row: KeyRow, copies: readonly NewMaterial[]): Promise<boolean> {
  if (row.origin === "EXTERNAL") return copies.length === 0;
  const materials = await listMaterialRows(tx.db, { region: row.region, keyId: row.key_id });
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
  return replica;
}

/** What a replica takes over from its primary beside its identity; imported material is none of it. */
function sharedColumns(primary: KeyRow) {
  const { origin, primary_region, rotation_enabled, rotation_period_days, rotation_enabled_at } = primary;
  const current_material_id = origin === "EXTERNAL" ? "" : primary.current_material_id;
  return { origin, primary_region, current_material_id, rotation_enabled, rotation_period_days, rotation_enabled_at };
}
