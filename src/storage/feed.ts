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

/** The newest row of the feed. */
export const FEED_HEAD = "SELECT position, tag FROM changes ORDER BY position DESC LIMIT 1";

/** The rows from the position that is given as the one parameter on, that one included. */
export function feedFrom(parameter: "?" | "$1"): string {
  return `SELECT position, kind, name, tag FROM changes WHERE position >= ${parameter} ORDER BY position LIMIT ${BEHIND_MAX}`;
}

/** How far one follower has come. Positions are in commit order: whoever has seen one is never told of an earlier one. */
export class FeedCursor {
  readonly #follower: Follower;
  #position = 0;
  /** Of the row at `#position`; another one there means that the feed was cut back and went on differently. */
  #tag = "";

  constructor(follower: Follower) {
    this.#follower = follower;
  }

  /** The last position that was applied. */
  get position(): number {
    return this.#position;
  }

  /** Goes to the head of the feed without hearing of what lies before it. */
  jump(head: Answer["rows"][number] | undefined): void {
    this.#position = Number(head?.["position"] ?? 0);
    this.#tag = String(head?.["tag"] ?? "");
  }

  /**
   * Applies what was read with `feedFrom` this position.
   *
   * @returns false, with nothing applied, when it doesn't continue what was applied before, or is too much: then everything
   *   that rests on the feed has to go
   * @throws Error whatever the follower threw; the next call applies the same again
   */
  apply(read: Answer["rows"]): boolean {
    const rows = read as unknown as readonly FeedRow[];
    if (!this.#continues(rows[0]) || rows.length >= BEHIND_MAX) return false;
    const next = rows.filter(({ position }) => position > this.#position);
    const newest = next.at(-1);
    if (newest === undefined) return true;
    this.#follower.changed(next);
    this.#position = newest.position;
    this.#tag = newest.tag;
    return true;
  }

  /** Whether the feed still has, first of what was read, the row that was applied last. */
  #continues(first: FeedRow | undefined): boolean {
    return this.#position === 0 || (first?.position === this.#position && first.tag === this.#tag);
  }
}

const FROM = feedFrom("?");

/**
 * Reads the feed on one SQLite connection, without ever waiting: positions are AUTOINCREMENT and one transaction writes at
 * a time, so they are in commit order and have no gaps.
 */
export class Feed {
  readonly #run: (sql: string, parameters: readonly unknown[]) => Answer;
  readonly #follower: Follower;
  readonly #cursor: FeedCursor;

  constructor(run: (sql: string, parameters: readonly unknown[]) => Answer, follower: Follower) {
    this.#run = run;
    this.#follower = follower;
    this.#cursor = new FeedCursor(follower);
    this.#takeHead();
  }

  /**
   * Applies everything that was committed since the last call.
   *
   * @throws Error when it can't be read, or whatever the follower threw; the next call applies the same again
   */
  follow(): void {
    if (this.#cursor.apply(this.#run(FROM, [this.#cursor.position]).rows)) return;
    this.#follower.reset();
    this.#takeHead();
  }

  #takeHead(): void {
    this.#cursor.jump(this.#run(FEED_HEAD, []).rows[0]);
  }
}

interface FeedRow {
  readonly position: number;
  readonly kind: ChangeKind;
  readonly name: string;
  readonly tag: string;
}
