/** Makes a SQLite store of the rows of another one, in a place where nobody takes it for a store before it is whole. */

import { randomUUID } from "node:crypto";
import { chmodSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { openWriter } from "./connections.ts";
import { MIGRATIONS, migrate } from "./migrations.ts";
import {
  type Loader,
  NOT_COPIED,
  quoted,
  requireKnown,
  type SnapshotFacts,
  type SnapshotTable,
  UnknownTableError,
  type Value,
} from "./snapshot.ts";
import { describeColumns, tableNames } from "./sqlite-snapshot.ts";

/** Rows of one commit. */
const ROWS_PER_COMMIT = 20_000;

/**
 * Begins a store in a database file that is not there yet.
 *
 * @param facts what the rows are of: the tables are made as that schema had them
 */
export function openSqliteLoader(path: string, facts: SnapshotFacts, now: number): Loader {
  const database = openWriter(path);
  try {
    chmodSync(path, 0o600);
    const migrations = MIGRATIONS.filter(({ version }) => version <= facts.schemaVersion);
    migrate(database, { kind: facts.kind, now, migrations });
    for (const table of tableNames(database)) if (!NOT_COPIED.has(table)) database.exec(`DELETE FROM ${quoted(table)}`);
    database.exec("BEGIN");
    return new SqliteLoader(database, facts, now);
  } catch (cause) {
    database.close();
    throw cause;
  }
}

class SqliteLoader implements Loader {
  readonly #database: DatabaseSync;
  readonly #facts: SnapshotFacts;
  readonly #now: number;
  readonly #statements = new Map<string, StatementSync>();
  #rows = 0;

  constructor(database: DatabaseSync, facts: SnapshotFacts, now: number) {
    this.#database = database;
    this.#facts = facts;
    this.#now = now;
  }

  insert(table: SnapshotTable, rows: readonly (readonly Value[])[]): void {
    const statement = this.#statements.get(table.name) ?? this.#prepare(table);
    for (const row of rows) statement.run(...(row as Value[]));
    this.#rows += rows.length;
    if (this.#rows < ROWS_PER_COMMIT) return;
    this.#database.exec("COMMIT; BEGIN");
    this.#rows = 0;
  }

  async complete(): Promise<string> {
    const incarnation = randomUUID();
    const { changes } = this.#database.prepare("UPDATE store SET incarnation = ?").run(incarnation);
    if (changes !== 1) throw new UnknownTableError("What was read has not the one row that says what the store is.");
    this.#database.exec("COMMIT");
    migrate(this.#database, { kind: this.#facts.kind, now: this.#now });
    this.#database.exec("UPDATE outbox SET slot = '' WHERE slot <> ''"); // whose writers are not here
    this.#database.close();
    return incarnation;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #prepare(table: SnapshotTable): StatementSync {
    const { name, columns } = table;
    const isThere = tableNames(this.#database).includes(name);
    const known = isThere ? describeColumns(this.#database, name).map((column) => column.name) : undefined;
    requireKnown(table, known && new Set(known));
    const places = columns.map(() => "?").join(", ");
    const sql = `INSERT INTO ${quoted(name)} (${columns.map(quoted).join(", ")}) VALUES (${places})`;
    const statement = this.#database.prepare(sql);
    this.#statements.set(name, statement);
    return statement;
  }
}
