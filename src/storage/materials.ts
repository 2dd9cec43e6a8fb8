/** Rows of sealed key material. */

import type { KeyName } from "./keys.ts";
import type { MaterialRow } from "./schema.ts";
import type { Tx } from "./store.ts";

export async function insertMaterial(tx: Tx, row: MaterialRow): Promise<void> {
  await tx.db.insertInto("material").values(row).execute();
  await tx.changed("material", row.region, row.key_id, row.material_id);
}

/** Erases every material of a key and returns their ids. */
export async function deleteMaterialsOfKey(tx: Tx, { region, keyId }: KeyName): Promise<string[]> {
  const rows = await tx.db
    .deleteFrom("material")
    .where("region", "=", region)
    .where("key_id", "=", keyId)
    .returning("material_id")
    .execute();
  for (const { material_id } of rows) await tx.changed("material", region, keyId, material_id);
  return rows.map(({ material_id }) => material_id);
}
