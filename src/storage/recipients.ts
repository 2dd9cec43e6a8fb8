/** Rows of root recipients, and of the processes that have opened the store with them (DESIGN §6, root rotation). */

import type { Kysely } from "kysely";
import type { ProcessKind, RecipientRow, Schema } from "./schema.ts";
import type { Store, Tx } from "./store.ts";

/** Lets one transaction at a time rest on the set of recipients and on what depends on it. */
export async function lockRecipients(db: Tx["db"]): Promise<void> {
  await db
    .updateTable("recipient_set")
    .set(({ eb }) => ({ revision: eb("revision", "+", 1) }))
    .execute();
}

/** A process that lives, with the recipients that it has opened the store with; none of a command. */
export interface LiveProcess {
  readonly process: string;
  readonly kind: ProcessKind;
  readonly label: string;
  readonly recipients: readonly string[];
}

/** Every recipient, oldest first. */
export function listRecipients(db: Kysely<Schema>): Promise<RecipientRow[]> {
  return db.selectFrom("recipient").selectAll().orderBy("created_at").orderBy("id").execute();
}

/** The processes that live at `now`. */
export async function listLiveProcesses(db: Kysely<Schema>, now: number): Promise<LiveProcess[]> {
  const query = db.selectFrom("process_root").selectAll().where("expires_at", ">", now);
  const rows = await query.orderBy("label").orderBy("process").orderBy("recipient").execute();
  return [...Map.groupBy(rows, ({ process }) => process)].map(([process, held]) => ({
    process,
    kind: held[0]?.kind ?? "command",
    label: held[0]?.label ?? "",
    recipients: held.map(({ recipient }) => recipient).filter((recipient) => recipient !== ""),
  }));
}

/** What a process says of itself. */
export interface ProcessNote {
  readonly process: string;
  readonly kind: ProcessKind;
  readonly label: string;
  /** Those whose root keys it has opened the store with. */
  readonly recipients: readonly string[];
  readonly expiresAt: number;
  readonly now: number;
}

/**
 * Notes that a process lives, and what it opens the store with, in place of what was noted of it before. Notes of the dead
 * are removed.
 *
 * @returns which of the recipients the store still has
 */
export async function noteProcess(tx: Tx, note: ProcessNote): Promise<readonly string[]> {
  const { process, kind, label, recipients, expiresAt: expires_at, now } = note;
  await lockRecipients(tx.db);
  await tx.db
    .deleteFrom("process_root")
    .where(({ eb, or }) => or([eb("process", "=", process), eb("expires_at", "<=", now)]))
    .execute();
  if (recipients.length === 0) return [];
  const rows = await tx.db
    .selectFrom("recipient")
    .select("id")
    .where("id", "in", [...recipients])
    .execute();
  const there = rows.map(({ id }) => id);
  const noted = (kind === "command" ? [""] : there).map((recipient) => ({
    process,
    recipient,
    kind,
    label,
    expires_at,
  }));
  if (noted.length > 0) await tx.db.insertInto("process_root").values(noted).execute();
  return there;
}

/** Removes what was noted of a process that ends. */
export function forgetProcess(store: Store, process: string): Promise<void> {
  return store.transaction(async ({ db }) => {
    await db.deleteFrom("process_root").where("process", "=", process).execute();
  });
}

/** What became of a removal. Only `removed` changed anything. */
export type Removal =
  | { readonly kind: "removed" }
  | { readonly kind: "unknown"; readonly ids: readonly string[] }
  | { readonly kind: "too-few"; readonly left: number }
  | { readonly kind: "in-use"; readonly processes: readonly LiveProcess[] };

/**
 * Removes recipients with their copies of every domain key, where at least `leastLeft` remain and every live process but
 * commands has opened the store with one of these.
 */
export async function removeRecipients(
  { db }: Tx,
  { ids, leastLeft, now }: { readonly ids: readonly string[]; readonly leastLeft: number; readonly now: number },
): Promise<Removal> {
  await lockRecipients(db);
  const there = (await listRecipients(db)).map(({ id }) => id);
  const unknown = ids.filter((id) => !there.includes(id));
  if (unknown.length > 0) return { kind: "unknown", ids: unknown };
  const left = there.filter((id) => !ids.includes(id));
  if (left.length < Math.max(1, leastLeft)) return { kind: "too-few", left: left.length };
  const processes = (await listLiveProcesses(db, now)).filter(
    ({ kind, recipients }) => kind !== "command" && !recipients.some((id) => left.includes(id)),
  );
  if (processes.length > 0) return { kind: "in-use", processes };
  await db
    .deleteFrom("domain_key_copy")
    .where("recipient", "in", [...ids])
    .execute();
  await db
    .deleteFrom("recipient")
    .where("id", "in", [...ids])
    .execute();
  await db
    .deleteFrom("process_root")
    .where("recipient", "in", [...ids])
    .execute();
  return { kind: "removed" };
}
