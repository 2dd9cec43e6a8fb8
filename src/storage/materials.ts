/** Rows of sealed key material. */

import type { Insertable, Kysely, Updateable } from "kysely";
import type { KeyName } from "./keys.ts";
import type { MaterialRow, MaterialTable, RotationType, Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Adds a material. @throws Error its domain key is not there any more (`requireDomainKey`) */
export async function insertMaterial(tx: Tx, row: Readonly<Insertable<MaterialTable>>): Promise<void> {
  await requireDomainKey(tx, row.region, row);
  await tx.db.insertInto("material").values(row).execute();
  await tx.changed("material", row.region, row.key_id, row.material_id);
}

/** Names one material. */
export interface MaterialName extends KeyName {
  readonly materialId: string;
}

/** Changes columns of a material that exists. @throws Error what it is sealed under anew is not there any more */
export async function updateMaterial(
  tx: Tx,
  { region, keyId, materialId }: MaterialName,
  columns: Omit<Updateable<MaterialTable>, "region" | "key_id" | "material_id">,
): Promise<void> {
  await requireDomainKey(tx, region, columns);
  const update = tx.db.updateTable("material").set(columns).where("region", "=", region).where("key_id", "=", keyId);
  await update.where("material_id", "=", materialId).execute();
  await tx.changed("material", region, keyId, materialId);
}

/**
 * Sealed under a domain key that is gone, material would be lost: a node of a database that stood still for the whole of a shred
 * has such keys open.
 */
async function requireDomainKey(
  { db }: Tx,
  region: string,
  { sealed, domain_version }: Pick<Updateable<MaterialTable>, "sealed" | "domain_version">,
): Promise<void> {
  if (domain_version === undefined || sealed?.length === 0) return;
  const query = db.selectFrom("domain_key").select("version").where("region", "=", region);
  const key = await query.where("purpose", "=", "material").where("version", "=", domain_version).executeTakeFirst();
  if (key === undefined) throw new Error(`The material domain key ${domain_version} of ${region} was shredded.`);
}

/** Erases a material and its row. */
export async function deleteMaterial(tx: Tx, { region, keyId, materialId }: MaterialName): Promise<void> {
  const removal = tx.db.deleteFrom("material").where("region", "=", region).where("key_id", "=", keyId);
  await removal.where("material_id", "=", materialId).execute();
  await tx.changed("material", region, keyId, materialId);
}

const summaryColumns = [
  "material_id",
  "created_at",
  "rotated_at",
  "rotation_type",
  "import_state",
  "expiration_model",
  "expires_at",
  "description",
  "pending",
] as const;

/** What a list of materials shows of each: all but the sealed bytes. */
export type MaterialSummary = Pick<MaterialRow, (typeof summaryColumns)[number]>;

/** One of a key's materials, whether or not it is here, or undefined when it was never the key's. */
export async function findMaterial(
  db: Kysely<Schema>,
  { region, keyId, materialId }: MaterialName,
): Promise<MaterialSummary | undefined> {
  const query = db.selectFrom("material").select(summaryColumns).where("region", "=", region);
  return await query.where("key_id", "=", keyId).where("material_id", "=", materialId).executeTakeFirst();
}

/** The material of a key that waits to become current (one at most). */
export async function findPendingMaterial(
  db: Kysely<Schema>,
  { region, keyId }: KeyName,
): Promise<MaterialSummary | undefined> {
  const query = db.selectFrom("material").select(summaryColumns).where("region", "=", region);
  return await query.where("key_id", "=", keyId).where("pending", "is not", null).executeTakeFirst();
}

/** What the materials come to that are an imported key's for ever. */
export interface ImportedWhole {
  readonly materials: number;
  /** How many of them are here. */
  readonly imported: number;
  /** How many don't expire; deleted ones don't count, here and below. */
  readonly lasting: number;
  /** How many expire, or did. */
  readonly expiring: number;
  /** The first expiry. */
  readonly expiresAt: number | null;
}

/** Sums up the materials that are a key's for ever: there are few, one more than rotations on demand. */
export async function sumUpImported(db: Kysely<Schema>, { region, keyId }: KeyName): Promise<ImportedWhole> {
  const query = db.selectFrom("material").select(["import_state", "expiration_model", "expires_at"]);
  const rows = await query
    .where("region", "=", region)
    .where("key_id", "=", keyId)
    .where("pending", "is", null)
    .execute();
  const expiries = rows.flatMap(({ expires_at }) => expires_at ?? []);
  return {
    materials: rows.length,
    imported: rows.filter(({ import_state }) => import_state === "IMPORTED").length,
    lasting: rows.filter(({ expiration_model }) => expiration_model === "KEY_MATERIAL_DOES_NOT_EXPIRE").length,
    expiring: expiries.length,
    expiresAt: expiries.length === 0 ? null : Math.min(...expiries),
  };
}

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
  let query = db.selectFrom("material").select(summaryColumns);
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
