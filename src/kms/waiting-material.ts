/** New material of imported multi-Region keys: it waits until every related key has it, and is current in all of them at once. */

import {
  deleteMaterial,
  findMaterial,
  findPendingMaterial,
  type MaterialName,
  type MaterialSummary,
  updateMaterial,
} from "../storage/materials.ts";
import type { KeyRow } from "../storage/schema.ts";
import type { Tx } from "../storage/store.ts";
import { primaryRegionOf, relatedRegionsOf } from "./related-keys.ts";

/** The same material in the Region of each related key, the primary's first. */
export function relatedMaterials(row: KeyRow, materialId: string): readonly MaterialName[] {
  return relatedRegionsOf(row).map((region) => ({ region, keyId: row.key_id, materialId }));
}

/** The new material that a key's primary has and waits to be rotated to; a replica takes none but this. */
export async function findWaitingMaterial(tx: Tx, row: KeyRow): Promise<MaterialSummary | undefined> {
  return await findPendingMaterial(tx.db, { region: primaryRegionOf(row), keyId: row.key_id });
}

/**
 * Says of the material that waits in a set of keys what it waits for: `PENDING_MULTI_REGION_IMPORT_AND_ROTATION` until all of
 * them have it, then `PENDING_ROTATION` (API reference, RotationsListEntry). Called after every change of the material and of
 * the set.
 */
export async function settleWaiting(tx: Tx, row: KeyRow): Promise<void> {
  const waiting = await findWaitingMaterial(tx, row);
  if (waiting === undefined) return;
  const names = relatedMaterials(row, waiting.material_id);
  const there: MaterialName[] = [];
  for (const name of names) if ((await findMaterial(tx.db, name)) !== undefined) there.push(name);
  const pending =
    there.length === names.length ? "PENDING_ROTATION" : ("PENDING_MULTI_REGION_IMPORT_AND_ROTATION" as const);
  for (const name of there) await updateMaterial(tx, name, { pending });
}

/**
 * Takes waiting material that is gone from its primary from the replicas, too, which have no use for it any more (API reference,
 * DeleteImportedKeyMaterial); what a replica loses is its own matter.
 *
 * @returns the names of what was erased
 */
export async function dropWaiting(tx: Tx, row: KeyRow, materialId: string): Promise<readonly MaterialName[]> {
  if (row.region !== primaryRegionOf(row)) return [];
  const dropped: MaterialName[] = [];
  for (const name of relatedMaterials(row, materialId).slice(1)) {
    if ((await findMaterial(tx.db, name)) === undefined) continue;
    await deleteMaterial(tx, name);
    dropped.push(name);
  }
  return dropped;
}
