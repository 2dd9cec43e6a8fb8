/** The index of audit segments, by which LookupEvents finds records: a file of its own that can be made anew from the segments. */

import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { PlacedRecord, SegmentPlace } from "../segment-files.ts";
import { attributesOf, type EventAttribute, factsOf } from "./facts.ts";
import type { EventPlace, EventQuery } from "./history.ts";

/** Another format is another file: an index of an older one is removed. */
const FORMAT = 1;

/**
 * Every attribute of an event is a posting: a term (account, Region, key and value), the time and the event. So each query is
 * one range of one B-tree, whatever it asks for.
 */
const SCHEMA = `
  CREATE TABLE progress (slot TEXT PRIMARY KEY, number INTEGER NOT NULL, offset INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE term (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL,
    slot TEXT NOT NULL, number INTEGER NOT NULL, offset INTEGER NOT NULL, end INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX event_by_time ON event (time);
  CREATE TABLE posting (
    term INTEGER NOT NULL, time INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (term, time, sequence)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${FORMAT};
`;

/** Terms whose numbers are remembered; when there are more, they are looked up anew. */
const TERMS_MAX = 20_000;
/** Divides the parts of a term: no name has it. */
const SEPARATOR = "\u001f";
/** Events and terms that one step of pruning looks at. */
const PRUNED_AT_ONCE = 500;

/** Where an indexed record lies. */
export interface IndexedEvent extends EventPlace, SegmentPlace {
  readonly id: string;
  readonly slot: string;
  readonly end: number;
}

/** One process writes the index, others read it. */
export class EventIndex {
  readonly #database: DatabaseSync;
  readonly #terms = new Map<string, number>();
  readonly #statements = new Map<string, StatementSync>();

  /** @param database opened by `openEventIndex` or `openIndexToRead` */
  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Up to where the records of a slot are indexed. */
  progressOf(slot: string): SegmentPlace {
    const row = this.#statement("SELECT number, offset FROM progress WHERE slot = ?").get(slot);
    return { number: Number(row?.["number"] ?? 0), offset: Number(row?.["offset"] ?? 0) };
  }

  /** Adds records, with how far the slot is indexed then, in one commit. One that is here already is left out. */
  add(slot: string, records: readonly PlacedRecord[], next: SegmentPlace): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const record of records) this.#addOne(slot, record);
      this.#statement("INSERT OR REPLACE INTO progress VALUES (?, ?, ?)").run(slot, next.number, next.offset);
      this.#database.exec("COMMIT");
    } catch (cause) {
      this.#terms.clear(); // some may have been undone
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw cause;
    }
  }

  #addOne(slot: string, { number, offset, end, json }: PlacedRecord): void {
    const facts = factsOf(json);
    const event = this.#statement(
      "INSERT OR IGNORE INTO event (id, time, slot, number, offset, end) VALUES (?, ?, ?, ?, ?, ?)",
    ).run(facts.eventId, facts.time, slot, number, offset, end);
    if (event.changes === 0) return;
    const insert = this.#statement("INSERT INTO posting VALUES (?, ?, ?)");
    for (const attribute of [undefined, ...attributesOf(facts)]) {
      insert.run(this.#termOf(nameOf(facts, attribute)), facts.time, event.lastInsertRowid);
    }
  }

  #termOf(name: string): number {
    const known = this.#terms.get(name);
    if (known !== undefined) return known;
    this.#statement("INSERT OR IGNORE INTO term (name) VALUES (?)").run(name);
    const id = this.#findTerm(name) ?? 0;
    if (this.#terms.size >= TERMS_MAX) this.#terms.clear();
    this.#terms.set(name, id);
    return id;
  }

  #findTerm(name: string): number | undefined {
    const row = this.#statement("SELECT id FROM term WHERE name = ?").get(name);
    return row === undefined ? undefined : Number(row["id"]);
  }

  /** Up to `count` events, newest first; of one by its id the account and Region are for the caller to compare. */
  find({ attribute, from, to, after, count, ...owner }: EventQuery): readonly IndexedEvent[] {
    if (attribute?.key === "EventId") {
      const rows = this.#statement("SELECT * FROM event WHERE id = ? AND time BETWEEN ? AND ?");
      return after === undefined ? rows.all(attribute.value, from, to).map(asEvent) : [];
    }
    const term = this.#findTerm(nameOf(owner, attribute));
    if (term === undefined) return [];
    const last = after ?? { time: Number.MAX_SAFE_INTEGER, sequence: 0 };
    const rows = this.#statement(
      `SELECT e.* FROM posting AS p JOIN event AS e ON e.sequence = p.sequence
       WHERE p.term = ? AND p.time BETWEEN ? AND ? AND (p.time, p.sequence) < (?, ?)
       ORDER BY p.time DESC, p.sequence DESC LIMIT ?`,
    );
    return rows.all(term, from, to, last.time, last.sequence, count).map(asEvent);
  }

  /**
   * Removes some of what is older than a time.
   *
   * @param after the last term that was looked at
   * @returns the last term that was looked at now; undefined when all is done
   */
  prune(before: number, after: number): number | undefined {
    const terms = this.#statement("SELECT id FROM term WHERE id > ? ORDER BY id LIMIT ?").all(after, PRUNED_AT_ONCE);
    for (const { id } of terms) {
      const old = "SELECT time, sequence FROM posting WHERE term = ? AND time < ? LIMIT ?";
      const removal = this.#statement(`DELETE FROM posting WHERE term = ? AND (time, sequence) IN (${old})`);
      const { changes } = removal.run(id ?? 0, id ?? 0, before, PRUNED_AT_ONCE);
      if (Number(changes) === PRUNED_AT_ONCE) return Number(id) - 1;
    }
    const last = terms.at(-1);
    if (last !== undefined) return Number(last["id"]);
    const events = "SELECT sequence FROM event WHERE time < ? LIMIT ?";
    const { changes } = this.#statement(`DELETE FROM event WHERE sequence IN (${events})`).run(before, PRUNED_AT_ONCE);
    return Number(changes) === PRUNED_AT_ONCE ? Number.MAX_SAFE_INTEGER : undefined;
  }

  close(): void {
    this.#database.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/**
 * Opens the index to write it, and makes it where there is none, or one that can't be used.
 *
 * @throws Error the file can't be written
 */
export function openEventIndex(path: string): EventIndex {
  const made = tryOpen(path);
  if (made !== undefined) return new EventIndex(made);
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  closeSync(openSync(path, "w", 0o600)); // SQLite gives its other files the mode of this one
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;");
  database.exec(`BEGIN; ${SCHEMA} COMMIT;`);
  return new EventIndex(database);
}

/** Opens the index that another process writes; undefined while there is none. */
export function openIndexToRead(path: string): EventIndex | undefined {
  if (!existsSync(path)) return undefined;
  const database = new DatabaseSync(path, { readOnly: true });
  if (isUsable(database)) return new EventIndex(database);
  database.close();
  return undefined;
}

/** A damaged or foreign file is none. */
function tryOpen(path: string): DatabaseSync | undefined {
  if (!existsSync(path)) return undefined;
  const database = new DatabaseSync(path);
  try {
    if (isUsable(database)) {
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;");
      return database;
    }
  } catch {
    // it is made anew
  }
  database.close();
  return undefined;
}

function isUsable(database: DatabaseSync): boolean {
  return database.prepare("PRAGMA user_version").get()?.["user_version"] === FORMAT;
}

function nameOf(
  { account, region }: Pick<EventQuery, "account" | "region">,
  attribute: EventAttribute | undefined,
): string {
  const parts = attribute === undefined ? [account, region] : [account, region, attribute.key, attribute.value];
  return parts.join(SEPARATOR);
}

function asEvent(row: Readonly<Record<string, unknown>>): IndexedEvent {
  return {
    sequence: Number(row["sequence"]),
    id: String(row["id"]),
    time: Number(row["time"]),
    slot: String(row["slot"]),
    number: Number(row["number"]),
    offset: Number(row["offset"]),
    end: Number(row["end"]),
  };
}
