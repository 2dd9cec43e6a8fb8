/** Rows of aliases. */

import type { Kysely } from "kysely";
import type { KeyName, Slice } from "./keys.ts";
import type { AliasRow, Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Names one alias; `name` has its prefix `alias/`. */
export interface AliasName {
  readonly region: string;
  readonly account: string;
  readonly name: string;
}

/**
 * Adds an alias.
 *
 * @returns false, with nothing changed, when the name is taken in that account and Region
 */
export async function insertAlias(tx: Tx, row: AliasRow): Promise<boolean> {
  const insert = tx.db
    .insertInto("alias")
    .values(row)
    .onConflict((conflict) => conflict.doNothing());
  const { numInsertedOrUpdatedRows } = await insert.executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) return false;
  await tx.changed("alias", row.region, row.account, row.name);
  await tx.changed("keyLabels", row.region, row.key_id);
  return true;
}

/** Points an alias that exists to another key. */
export async function updateAlias(
  tx: Tx,
  { region, account, name }: AliasName,
  columns: Pick<AliasRow, "key_id" | "updated_at">,
): Promise<void> {
  const before = await tx.db
    .selectFrom("alias")
    .select("key_id")
    .where("region", "=", region)
    .where("account", "=", account)
    .where("name", "=", name)
    .executeTakeFirst();
  if (before === undefined) return;
  const update = tx.db.updateTable("alias").set(columns);
  await update.where("region", "=", region).where("account", "=", account).where("name", "=", name).execute();
  await tx.changed("alias", region, account, name);
  for (const keyId of [before.key_id, columns.key_id]) await tx.changed("keyLabels", region, keyId);
}

export async function deleteAlias(tx: Tx, { region, account, name }: AliasName): Promise<void> {
  const removal = tx.db.deleteFrom("alias").where("region", "=", region).where("account", "=", account);
  const removed = await removal.where("name", "=", name).returning("key_id").execute();
  await tx.changed("alias", region, account, name);
  for (const { key_id } of removed) await tx.changed("keyLabels", region, key_id);
}

export async function deleteAliasesOfKey(tx: Tx, { region, keyId }: KeyName): Promise<void> {
  const removal = tx.db.deleteFrom("alias").where("region", "=", region).where("key_id", "=", keyId);
  const rows = await removal.returning(["account", "name"]).execute();
  for (const { account, name } of rows) await tx.changed("alias", region, account, name);
  await tx.changed("keyLabels", region, keyId);
}

/** Aliases of an account in a Region, or of one of its keys, in the order of their names. */
export async function listAliases(
  db: Kysely<Schema>,
  { region, account, keyId }: { readonly region: string; readonly account: string; readonly keyId?: string },
  { after = "", count }: Slice,
): Promise<AliasRow[]> {
  let query = db.selectFrom("alias").selectAll().where("region", "=", region);
  query = keyId === undefined ? query.where("account", "=", account) : query.where("key_id", "=", keyId);
  return await query.where("name", ">", after).orderBy("name").limit(count).execute();
}

export async function countAliasesOfKey(tx: Tx, { region, keyId }: KeyName): Promise<number> {
  const query = tx.db.selectFrom("alias").select(({ fn }) => fn.countAll<number>().as("count"));
  const { count } = await query.where("region", "=", region).where("key_id", "=", keyId).executeTakeFirstOrThrow();
  return count;
}
