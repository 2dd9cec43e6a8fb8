/** A store at one moment, as backups and examinations read it, whatever its engine; and what a copy is loaded into. */

import type { Kysely } from "kysely";
import type { Engine } from "./kysely.ts";
import type { Schema } from "./schema.ts";

/** A value of a row, as both engines have it: texts, whole numbers, bytes. */
export type Value = string | number | Uint8Array | null;

/** What a store says of itself at a moment. */
export interface SnapshotFacts {
  readonly id: string;
  readonly incarnation: string;
  readonly kind: "dev" | "serve";
  readonly schemaVersion: number;
  readonly minimumReader: number;
  /** The newest position of the change feed, 0 when it is empty. */
  readonly feedPosition: number;
  /**
   * The highest sequence that the outbox ever gave out: the records of all changes up to here are of before this moment. Null
   * where the engine doesn't give sequences in the order of commits; then time decides.
   */
  readonly auditPosition: number | null;
}

/** One table of a snapshot; its rows come in the order of its primary key. */
export interface SnapshotTable {
  readonly name: string;
  readonly columns: readonly string[];
}

/**
 * One read transaction on a connection of its own: everything that is read through it is of one moment. It blocks no writer,
 * but while it is open the write-ahead log of SQLite can't be truncated, and PostgreSQL keeps every old row, so it is closed soon.
 */
export interface Snapshot extends AsyncDisposable {
  readonly facts: SnapshotFacts;
  readonly engine: Engine;
  /** Queries inside the transaction. */
  readonly db: Kysely<Schema>;
  /** The tables that a copy of the store consists of, in the order of their names. */
  readonly tables: readonly SnapshotTable[];
  /** The rows of a table, some at a time, their values in the order of its columns. */
  rows(table: SnapshotTable): AsyncIterable<readonly (readonly Value[])[]>;
  /** What the engine itself finds wrong with its files; nothing when all is well. */
  damage(): Promise<readonly string[]>;
}

/** A store that is being made of the rows of another. It is nobody's until `finish`, and nothing is left of it without. */
export interface Loader extends AsyncDisposable {
  /** Adds rows to a table. @throws UnknownTableError the schema has no such table or columns */
  insert(table: SnapshotTable, rows: readonly (readonly Value[])[]): void | Promise<void>;
  /**
   * Gives the store its new incarnation and brings it to the newest schema. Afterwards it is whole, but nobody's yet.
   *
   * @returns the new incarnation
   */
  complete(): Promise<string>;
}

/** What is read names tables or columns that the schema does not have. */
export class UnknownTableError extends Error {
  override readonly name = "UnknownTableError";
}

/** @throws UnknownTableError the schema has no such table (`known` is undefined), or not all of its columns */
export function requireKnown({ name, columns }: SnapshotTable, known: ReadonlySet<string> | undefined): void {
  if (known === undefined) {
    throw new UnknownTableError(`This version of Keystead has no table ${JSON.stringify(name)}.`);
  }
  const unknown = columns.find((column) => !known.has(column));
  if (unknown === undefined) return;
  throw new UnknownTableError(`The table ${name} has no column ${JSON.stringify(unknown)}.`);
}

/**
 * Tables that are about processes and not about the store, of which a copy has none running: the feed tells them what to drop,
 * leases and proofs tell of those that live.
 */
export const NOT_COPIED: ReadonlySet<string> = new Set(["changes", "node_lease", "process_root", "keystead_writer"]);

/** A name in SQL, of either engine. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
