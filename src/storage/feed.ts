/** The change feed: written in each transaction, followed by each process so that its view holds no older row. */

import { randomBytes } from "node:crypto";
import type { Transaction } from "kysely";
import type { ChangeKind, Schema } from "./schema.ts";
import type { Answer } from "./statements.ts";

/** Writes one entry. `name` is in the form of `viewName`. */
export async function appendChange(db: Transaction<Schema>, kind: ChangeKind, name: string): Promise<void> {
  const tag = randomBytes(8).toString("hex");
  await db.insertInto("changes").values({ kind, name, tag }).execute();
}

/** Entries that one statement writes; each binds three values. */
const ENTRIES_PER_STATEMENT = 500;

/** Writes many entries of one kind. */
export async function appendChanges(
  db: Transaction<Schema>,
  kind: ChangeKind,
  names: readonly string[],
): Promise<void> {
  for (let start = 0; start < names.length; start += ENTRIES_PER_STATEMENT) {
    const rows = names.slice(start, start + ENTRIES_PER_STATEMENT);
    const tagged = rows.map((name) => ({ kind, name, tag: randomBytes(8).toString("hex") }));
    await db.insertInto("changes").values(tagged).execute();
  }
}

/** What follows the feed. */
export interface Follower {
  /** These names changed, in this order. Nothing older may be answered from here on. */
  changed(changes: readonly { readonly kind: ChangeKind; readonly name: string }[]): void;
  /** What changed is not known: everything may have. */
  reset(): void;
}

/** A process that is further behind than this reads no list of changes: it drops everything. */
export const BEHIND_MAX = 10_000;

const HEAD = "SELECT position, tag FROM changes ORDER BY position DESC LIMIT 1";
const AFTER = `SELECT position, kind, name, tag FROM changes WHERE position >= ? ORDER BY position LIMIT ${BEHIND_MAX}`;

/**
 * Reads the feed on one SQLite connection, without ever waiting: positions are AUTOINCREMENT and one transaction writes at
 * a time, so they are in commit order and have no gaps.
 */
export class Feed {
  readonly #run: (sql: string, parameters: readonly unknown[]) => Answer;
  readonly #follower: Follower;
  #position = 0;
  /** Of the row at `#position`; another one there means that the feed was cut back and went on differently. */
  #tag = "";

  constructor(run: (sql: string, parameters: readonly unknown[]) => Answer, follower: Follower) {
    this.#run = run;
    this.#follower = follower;
    this.#takeHead();
  }

  /**
   * Applies everything that was committed since the last call.
   *
   * @throws Error when it can't be read, or whatever the follower threw; the next call applies the same again
   */
  follow(): void {
    const rows = this.#run(AFTER, [this.#position]).rows as unknown as readonly FeedRow[];
    const next = rows.filter(({ position }) => position > this.#position);
    if (!this.#continues(rows[0]) || rows.length >= BEHIND_MAX) {
      this.#follower.reset();
      this.#takeHead();
      return;
    }
    const newest = next.at(-1);
    if (newest === undefined) return;
    this.#follower.changed(next);
    this.#position = newest.position;
    this.#tag = newest.tag;
  }

  /** Whether the feed still has, first of what was read, the row that was applied last. */
  #continues(first: FeedRow | undefined): boolean {
    return this.#position === 0 || (first?.position === this.#position && first.tag === this.#tag);
  }

  #takeHead(): void {
    const head = this.#run(HEAD, []).rows[0];
    this.#position = Number(head?.["position"] ?? 0);
    this.#tag = String(head?.["tag"] ?? "");
  }
}

interface FeedRow {
  readonly position: number;
  readonly kind: ChangeKind;
  readonly name: string;
  readonly tag: string;
}
