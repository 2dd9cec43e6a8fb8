/** Rows of account aliases: one at most for each account, and no two the same. */

import type { Kysely } from "kysely";
import type { Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/**
 * Gives an account an alias in place of the one that it has.
 *
 * @returns false, with nothing changed, when the alias is taken, by the account itself or by another
 */
export async function putAccountAlias(tx: Tx, account: string, alias: string): Promise<boolean> {
  const taken = await tx.db.selectFrom("account_alias").select("account").where("alias", "=", alias).executeTakeFirst();
  if (taken !== undefined) return false;
  await tx.db.deleteFrom("account_alias").where("account", "=", account).execute();
  await tx.db.insertInto("account_alias").values({ account, alias }).execute();
  return true;
}

/** Takes an alias from an account; returns false when it has no such alias. */
export async function deleteAccountAlias(tx: Tx, account: string, alias: string): Promise<boolean> {
  const removal = tx.db.deleteFrom("account_alias").where("account", "=", account).where("alias", "=", alias);
  return (await removal.executeTakeFirstOrThrow()).numDeletedRows === 1n;
}

export async function findAccountAlias(db: Kysely<Schema>, account: string): Promise<string | undefined> {
  const query = db.selectFrom("account_alias").select("alias").where("account", "=", account);
  return (await query.executeTakeFirst())?.alias;
}
