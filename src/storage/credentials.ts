/** Rows of access keys. */

import type { CredentialRow } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Adds an access key. Throws when the id is taken. */
export async function insertCredential(tx: Tx, row: CredentialRow): Promise<void> {
  await tx.db.insertInto("credential").values(row).execute();
  await tx.changed("credential", row.access_key_id);
}

/** Removes one access key. */
export async function deleteCredential(tx: Tx, accessKeyId: string): Promise<void> {
  await tx.db.deleteFrom("credential").where("access_key_id", "=", accessKeyId).execute();
  await tx.changed("credential", accessKeyId);
}

/** Removes every access key of an account's root user: from the next request on none of them signs. */
export async function deleteRootCredentials(tx: Tx, account: string): Promise<void> {
  const removal = tx.db.deleteFrom("credential").where("account", "=", account).where("user_id", "is", null);
  const rows = await removal.returning("access_key_id").execute();
  for (const { access_key_id } of rows) await tx.changed("credential", access_key_id);
}
