/** Rows of how deletions of service-linked roles went, and what keeps such a role. */

import type { Kysely } from "kysely";
import type { RoleDeletionRow } from "./identity-schema.ts";
import type { KeyRow, Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

export async function insertRoleDeletion(tx: Tx, row: RoleDeletionRow): Promise<void> {
  await tx.db.insertInto("role_deletion").values(row).execute();
}

export async function findRoleDeletion(db: Kysely<Schema>, taskId: string): Promise<RoleDeletionRow | undefined> {
  return await db.selectFrom("role_deletion").selectAll().where("task_id", "=", taskId).executeTakeFirst();
}

/** The multi-Region keys of an account in the order of Regions and ids. */
export async function listMultiRegionKeys(
  db: Kysely<Schema>,
  account: string,
): Promise<Pick<KeyRow, "partition" | "region" | "key_id">[]> {
  const query = db.selectFrom("key").select(["partition", "region", "key_id"]).where("account", "=", account);
  return await query.where("multi_region", "=", 1).orderBy("region").orderBy("key_id").execute();
}
