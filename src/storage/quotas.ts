/** Rows of quotas: what accounts asked for, what they were given, and how many keys they have. */

import type { Kysely } from "kysely";
import type { QuotaRequestRow, Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** An account in a Region. */
export interface QuotaAccount {
  readonly account: string;
  readonly region: string;
}

/** Adds a request for another value of a quota. */
export async function insertQuotaRequest(tx: Tx, row: QuotaRequestRow): Promise<void> {
  await tx.db.insertInto("quota_request").values(row).execute();
}

/** The request of that id, if it is the account's in that Region. */
export async function findQuotaRequest(
  db: Kysely<Schema>,
  { account, region, id }: QuotaAccount & { readonly id: string },
): Promise<QuotaRequestRow | undefined> {
  const query = db.selectFrom("quota_request").selectAll().where("id", "=", id);
  return await query.where("account", "=", account).where("region", "=", region).executeTakeFirst();
}

/** Which of an account's requests are listed. */
export interface QuotaRequestFilter extends QuotaAccount {
  readonly service?: string;
  readonly code?: string;
}

/** Requests of an account in a Region, the newest first. */
export async function listQuotaRequests(
  db: Kysely<Schema>,
  { account, region, service, code }: QuotaRequestFilter,
): Promise<QuotaRequestRow[]> {
  let query = db.selectFrom("quota_request").selectAll().where("account", "=", account).where("region", "=", region);
  if (service !== undefined) query = query.where("service", "=", service);
  if (code !== undefined) query = query.where("code", "=", code);
  return await query.orderBy("created_at", "desc").orderBy("id").execute();
}

/** Gives an account another value of a quota. */
export async function putQuotaValue(
  tx: Tx,
  { account, region, code, value }: QuotaAccount & { readonly code: string; readonly value: number },
): Promise<void> {
  await tx.db
    .insertInto("quota_value")
    .values({ account, region, code, value })
    .onConflict((conflict) => conflict.columns(["account", "region", "code"]).doUpdateSet({ value }))
    .execute();
  await tx.changed("quotas", region, account);
}

/** The values that an account was given in a Region, by code; undefined when there are none. */
export async function loadQuotaValues(
  db: Kysely<Schema>,
  { account, region }: QuotaAccount,
): Promise<{ readonly values: ReadonlyMap<string, number> } | undefined> {
  const query = db.selectFrom("quota_value").select(["code", "value"]).where("account", "=", account);
  const rows = await query.where("region", "=", region).execute();
  return rows.length === 0 ? undefined : { values: new Map(rows.map(({ code, value }) => [code, value])) };
}

/** How many customer managed keys an account has in a Region, at the cost of one row. */
export async function countKeys(tx: Tx, { account, region }: QuotaAccount): Promise<number> {
  const query = tx.db.selectFrom("key_count").select("keys").where("account", "=", account);
  return (await query.where("region", "=", region).executeTakeFirst())?.keys ?? 0;
}

/** Notes that an account has a customer managed key more, or one less. */
export async function addToKeyCount(tx: Tx, { account, region }: QuotaAccount, difference: 1 | -1): Promise<void> {
  await tx.db
    .insertInto("key_count")
    .values({ account, region, keys: difference })
    .onConflict((conflict) =>
      conflict
        .columns(["account", "region"])
        .doUpdateSet(({ eb }) => ({ keys: eb("key_count.keys", "+", difference) })),
    )
    .execute();
}
