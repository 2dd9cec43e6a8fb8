/** Rows of keys. */

import type { Kysely, Updateable } from "kysely";
import { addToKeyCount } from "./quotas.ts";
import type { KeyRow, KeyTable, Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Names one key. */
export interface KeyName {
  readonly region: string;
  readonly keyId: string;
}

/** Part of a list in the order of its names. */
export interface Slice {
  /** Only what comes after this name. */
  readonly after: string | undefined;
  readonly count: number;
}

/** Adds a key. Throws when the Region has a key of that id, whosever it is. */
export async function insertKey(tx: Tx, row: KeyRow): Promise<void> {
  await tx.db.insertInto("key").values(row).execute();
  if (row.manager === "CUSTOMER") await addToKeyCount(tx, row, 1);
  await tx.changed("key", row.region, row.key_id);
}

/** Changes columns of a key that exists. */
export async function updateKey(
  tx: Tx,
  { region, key_id }: Pick<KeyRow, "region" | "key_id">,
  columns: Omit<Updateable<KeyTable>, "region" | "key_id" | "account">,
): Promise<void> {
  await tx.db.updateTable("key").set(columns).where("region", "=", region).where("key_id", "=", key_id).execute();
  await tx.changed("key", region, key_id);
}

export async function deleteKey(tx: Tx, { region, keyId }: KeyName): Promise<void> {
  const removal = tx.db.deleteFrom("key").where("region", "=", region).where("key_id", "=", keyId);
  const removed = await removal.returning(["account", "manager"]).execute();
  for (const { account, manager } of removed) {
    if (manager === "CUSTOMER") await addToKeyCount(tx, { account, region }, -1);
  }
  await tx.changed("key", region, keyId);
}

/** Ids of an account's keys in a Region, in order. */
export async function listKeyIds(
  db: Kysely<Schema>,
  { region, account }: { readonly region: string; readonly account: string },
  { after = "", count }: Slice,
): Promise<string[]> {
  const rows = await db
    .selectFrom("key")
    .select("key_id")
    .where("region", "=", region)
    .where("account", "=", account)
    .where("key_id", ">", after)
    .orderBy("key_id")
    .limit(count)
    .execute();
  return rows.map(({ key_id }) => key_id);
}

/** Keys of customers of every account and Region, in the order of their names. */
export async function listCustomerKeys(
  db: Kysely<Schema>,
  after: KeyName | undefined,
  count: number,
): Promise<KeyRow[]> {
  let query = db.selectFrom("key").selectAll().where("manager", "=", "CUSTOMER");
  if (after !== undefined) {
    const { region, keyId } = after;
    query = query.where(({ and, eb, or }) =>
      or([eb("region", ">", region), and([eb("region", "=", region), eb("key_id", ">", keyId)])]),
    );
  }
  return await query.orderBy("region").orderBy("key_id").limit(count).execute();
}
