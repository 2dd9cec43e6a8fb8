/** Rows of what becomes due. */

import type { Kysely } from "kysely";
import type { DueRow, Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Names one thing that becomes due. */
export type DueName = Pick<DueRow, "kind" | "region" | "subject">;

/** Sets when something becomes due, whether or not it was to become due before. */
export async function setDue(tx: Tx, row: DueRow): Promise<void> {
  const insert = tx.db.insertInto("due").values(row);
  await insert
    .onConflict((conflict) => conflict.columns(["kind", "region", "subject"]).doUpdateSet({ due_at: row.due_at }))
    .execute();
}

/**
 * Takes something off the list.
 *
 * @param dueAt only when it is due at this time still: who took it then may act on it, and nobody else
 * @returns whether it was there
 */
export async function clearDue(tx: Tx, { kind, region, subject }: DueName, dueAt?: number): Promise<boolean> {
  let removal = tx.db.deleteFrom("due").where("kind", "=", kind).where("region", "=", region);
  removal = removal.where("subject", "=", subject);
  if (dueAt !== undefined) removal = removal.where("due_at", "=", dueAt);
  const { numDeletedRows } = await removal.executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}

/** When something becomes due, or undefined when it is not on the list. */
export async function findDueAt(db: Kysely<Schema>, { kind, region, subject }: DueName): Promise<number | undefined> {
  const query = db.selectFrom("due").select("due_at").where("kind", "=", kind).where("region", "=", region);
  return (await query.where("subject", "=", subject).executeTakeFirst())?.due_at;
}

/** What becomes due first, of some kinds. Asked for each kind by itself: so it is the first entry of an index, not a sort. */
export async function nextDue(db: Kysely<Schema>, kinds: readonly string[]): Promise<DueRow | undefined> {
  const firsts = await Promise.all(kinds.toSorted().map((kind) => nextDueOfKind(db, kind)));
  return firsts.reduce(
    (first, row) => (row !== undefined && row.due_at < (first?.due_at ?? Infinity) ? row : first),
    undefined,
  );
}

async function nextDueOfKind(db: Kysely<Schema>, kind: string): Promise<DueRow | undefined> {
  const query = db.selectFrom("due").selectAll().where("kind", "=", kind);
  return await query.orderBy("due_at").orderBy("region").orderBy("subject").limit(1).executeTakeFirst();
}
