/** Rows of access keys. */

import type { Kysely } from "kysely";
import type { CredentialRow, Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Adds an access key. Throws when the id is taken. */
export async function insertCredential(tx: Tx, row: CredentialRow): Promise<void> {
  await tx.db.insertInto("credential").values(row).execute();
  await tx.changed("credential", row.access_key_id);
}

/** Removes one access key. */
export async function deleteCredential(tx: Tx, accessKeyId: string): Promise<void> {
  await tx.db.deleteFrom("credential").where("access_key_id", "=", accessKeyId).execute();
  await tx.db.deleteFrom("credential_usage").where("access_key_id", "=", accessKeyId).execute();
  await tx.changed("credential", accessKeyId);
}

/** Removes every access key of an account's root user: from the next request on none of them signs. */
export async function deleteRootCredentials(tx: Tx, account: string): Promise<void> {
  const removal = tx.db.deleteFrom("credential").where("account", "=", account).where("user_id", "is", null);
  const rows = await removal.returning("access_key_id").execute();
  for (const { access_key_id } of rows) await tx.changed("credential", access_key_id);
}

/** Turns an access key on or off. `revision` is new, so that nothing made of the row before is used any more. */
export async function updateCredentialStatus(
  tx: Tx,
  accessKeyId: string,
  columns: Pick<CredentialRow, "status" | "revision">,
): Promise<void> {
  await tx.db.updateTable("credential").set(columns).where("access_key_id", "=", accessKeyId).execute();
  await tx.changed("credential", accessKeyId);
}

/** Whose access keys: a user's, or the root user's of an account. */
export interface CredentialOwner {
  readonly account: string;
  /** Null: the root user. */
  readonly userId: string | null;
}

/** The access keys of a user or root user in the order of their ids. */
export async function listCredentials(
  db: Kysely<Schema>,
  { account, userId }: CredentialOwner,
): Promise<CredentialRow[]> {
  const query = db.selectFrom("credential").selectAll().where("account", "=", account);
  const owned = userId === null ? query.where("user_id", "is", null) : query.where("user_id", "=", userId);
  return await owned.orderBy("access_key_id").execute();
}
