/** Rows of sealed key material. */

import type { Insertable, Kysely } from "kysely";
import type { KeyName } from "./keys.ts";
import type { MaterialRow, MaterialTable, RotationType, Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

export async function insertMaterial(tx: Tx, row: Readonly<Insertable<MaterialTable>>): Promise<void> {
  await tx.db.insertInto("material").values(row).execute();
  await tx.changed("material", row.region, row.key_id, row.material_id);
}

/** What a list of materials shows of each: all but the sealed bytes. */
export type MaterialSummary = Pick<MaterialRow, "material_id" | "created_at" | "rotated_at" | "rotation_type">;

/** Part of a key's materials in the order of their making. */
export interface MaterialSlice {
  /** Only what was made after this one. */
  readonly after: Pick<MaterialRow, "created_at" | "material_id"> | undefined;
  readonly count: number;
  /** Only those that took another's place. */
  readonly rotatedOnly: boolean;
}

/** A key's materials, oldest first. */
export async function listMaterials(
  db: Kysely<Schema>,
  { region, keyId }: KeyName,
  { after, count, rotatedOnly }: MaterialSlice,
): Promise<MaterialSummary[]> {
  let query = db.selectFrom("material").select(["material_id", "created_at", "rotated_at", "rotation_type"]);
  query = query.where("region", "=", region).where("key_id", "=", keyId);
  if (rotatedOnly) query = query.where("rotated_at", "is not", null);
  if (after !== undefined) {
    query = query.where(({ and, eb, or }) =>
      or([
        eb("created_at", ">", after.created_at),
        and([eb("created_at", "=", after.created_at), eb("material_id", ">", after.material_id)]),
      ]),
    );
  }
  return await query.orderBy("created_at").orderBy("material_id").limit(count).execute();
}

/** All of a key's materials, sealed. */
export async function listMaterialRows(db: Kysely<Schema>, { region, keyId }: KeyName): Promise<MaterialRow[]> {
  return await db.selectFrom("material").selectAll().where("region", "=", region).where("key_id", "=", keyId).execute();
}

/** How many of a key's materials came by rotations of one type. */
export async function countRotations(
  db: Kysely<Schema>,
  { region, keyId }: KeyName,
  type: RotationType,
): Promise<number> {
  const { count } = await db
    .selectFrom("material")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("region", "=", region)
    .where("key_id", "=", keyId)
    .where("rotation_type", "=", type)
    .executeTakeFirstOrThrow();
  return count;
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
