/** Rows of keys in the tokens behind CloudHSM key stores. */

import type { Kysely } from "kysely";
import type { BackingKeyRow } from "./key-store-schema.ts";
import type { Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Names one by the KMS key that it is behind. */
export interface BackingKeyName {
  readonly region: string;
  readonly keyId: string;
}

/** Notes that a key is to be made in a token. */
export async function insertBackingKey(tx: Tx, row: BackingKeyRow): Promise<void> {
  await tx.db.insertInto("backing_key").values(row).execute();
}

/**
 * Notes that it was made.
 *
 * @returns false when nothing tells of it any more: it was given up, and the token was asked to destroy it
 */
export async function noteBackingKey(tx: Tx, { region, keyId }: BackingKeyName, handle: string): Promise<boolean> {
  const update = tx.db.updateTable("backing_key").set({ handle }).where("region", "=", region);
  const { numUpdatedRows } = await update.where("key_id", "=", keyId).executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** The key in a token that a KMS key has, or undefined. */
export async function findBackingKey(
  db: Kysely<Schema>,
  { region, keyId }: BackingKeyName,
): Promise<BackingKeyRow | undefined> {
  const query = db.selectFrom("backing_key").selectAll().where("region", "=", region);
  return await query.where("key_id", "=", keyId).executeTakeFirst();
}

export async function deleteBackingKey(tx: Tx, { region, keyId }: BackingKeyName): Promise<void> {
  await tx.db.deleteFrom("backing_key").where("region", "=", region).where("key_id", "=", keyId).execute();
}
