/** Rows of the last use of keys. They are written in the background and never enter the feed. */

import type { Kysely } from "kysely";
import type { KeyName } from "./keys.ts";
import type { KeyUsageRow, Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Keeps a use unless a later one is there already, or the key is gone. */
export async function upsertKeyUsage(tx: Tx, row: KeyUsageRow): Promise<void> {
  const { region, key_id, operation, used_at, event_id, request_id } = row;
  await tx.db
    .insertInto("key_usage")
    .columns(["region", "key_id", "operation", "used_at", "event_id", "request_id"])
    .expression(({ selectFrom, val }) =>
      selectFrom("key")
        .select([
          "region",
          "key_id",
          val(operation).as("operation"),
          val(used_at).as("used_at"),
          val(event_id).as("event_id"),
          val(request_id).as("request_id"),
        ])
        .where("region", "=", region)
        .where("key_id", "=", key_id),
    )
    .onConflict((conflict) =>
      conflict
        .columns(["region", "key_id"])
        .doUpdateSet({ operation, used_at, event_id, request_id })
        .where("key_usage.used_at", "<=", used_at),
    )
    .execute();
}

/** Since when uses are tracked; the first to ask begins. */
export async function startKeyUsage(tx: Tx, now: number): Promise<number> {
  const insert = tx.db.insertInto("key_usage_start").values({ only_row: 1, started_at: now });
  await insert.onConflict((conflict) => conflict.doNothing()).execute();
  return (await tx.db.selectFrom("key_usage_start").select("started_at").executeTakeFirstOrThrow()).started_at;
}

/** The last use of a key that has been written, or undefined. */
export async function findKeyUsage(db: Kysely<Schema>, { region, keyId }: KeyName): Promise<KeyUsageRow | undefined> {
  const query = db.selectFrom("key_usage").selectAll().where("region", "=", region).where("key_id", "=", keyId);
  return await query.executeTakeFirst();
}

export async function deleteKeyUsage(tx: Tx, { region, keyId }: KeyName): Promise<void> {
  await tx.db.deleteFrom("key_usage").where("region", "=", region).where("key_id", "=", keyId).execute();
}
