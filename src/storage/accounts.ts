/** Rows of accounts. */

import type { AccountRow } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Adds an account. Throws when the id is taken. */
export async function insertAccount(tx: Tx, row: AccountRow): Promise<void> {
  await tx.db.insertInto("account").values(row).execute();
  await tx.changed("account", row.id);
}
