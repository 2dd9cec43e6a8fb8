/** What is left of deleted keys and materials. */

import type { Selectable } from "kysely";
import type { TombstoneTable } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Leaves a tombstone; it is never removed. */
export async function insertTombstone(tx: Tx, row: Selectable<TombstoneTable>): Promise<void> {
  const insert = tx.db.insertInto("tombstone").values(row);
  await insert.onConflict((conflict) => conflict.doNothing()).execute();
}
