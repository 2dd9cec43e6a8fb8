/** The row of `keystead shred`: what it has begun and how far it has come (DESIGN §6, Destruction). */

import type { Kysely } from "kysely";
import { StoreRefusedError } from "./open.ts";
import type { DomainKeyPurpose, Schema, ShredTable } from "./schema.ts";
import type { Tx } from "./store.ts";

/** The first version of a domain key that a shred leaves. */
export interface KeptVersion {
  readonly region: string;
  readonly purpose: DomainKeyPurpose;
  readonly version: number;
}

/** A shred, as far as it has come. */
export interface Shred {
  readonly state: ShredTable["state"];
  readonly newRecipients: readonly string[];
  readonly oldRecipients: readonly string[];
  readonly versions: readonly KeptVersion[];
}

/** The last shred of a store, or undefined when there was none. */
export async function findShred(db: Kysely<Schema>): Promise<Shred | undefined> {
  const row = await db.selectFrom("shred").selectAll().executeTakeFirst();
  return (
    row && {
      state: row.state,
      newRecipients: JSON.parse(row.new_recipients) as string[],
      oldRecipients: JSON.parse(row.old_recipients) as string[],
      versions: JSON.parse(row.versions) as KeptVersion[],
    }
  );
}

/** @throws StoreRefusedError domain keys are being replaced: what is sealed now could be sealed under an old one */
export async function requireNoShred(db: Kysely<Schema>): Promise<void> {
  if ((await findShred(db))?.state !== "sealing") return;
  throw new StoreRefusedError("A shred of this store was begun and is not finished: run `keystead shred` again.");
}

/** Begins a shred in place of the last one. */
export async function insertShred({ db }: Tx, shred: Omit<Shred, "state">, now: number): Promise<void> {
  await db.deleteFrom("shred").execute();
  await db
    .insertInto("shred")
    .values({
      only_row: 1,
      state: "sealing",
      new_recipients: JSON.stringify(shred.newRecipients),
      old_recipients: JSON.stringify(shred.oldRecipients),
      versions: JSON.stringify(shred.versions),
      begun_at: now,
      finished_at: null,
    })
    .execute();
}

/** Notes how far a shred has come. */
export async function updateShred({ db }: Tx, state: "sealed" | "done", now: number): Promise<void> {
  await db
    .updateTable("shred")
    .set({ state, finished_at: state === "done" ? now : null })
    .execute();
}
