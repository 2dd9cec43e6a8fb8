/** A moment of a SQLite store: one read transaction on a connection of its own. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Kysely } from "kysely";
import { openReader } from "./connections.ts";
import { kyselyOver } from "./kysely.ts";
import { inspect, SCHEMA_VERSION } from "./migrations.ts";
import { DATABASE_FILE, missingStore, StoreRefusedError } from "./open.ts";
import type { Schema } from "./schema.ts";
import { NOT_COPIED, quoted, type Snapshot, type SnapshotFacts, type SnapshotTable, type Value } from "./snapshot.ts";
import { Statements } from "./statements.ts";

/** Rows handed over at a time: what lies between two turns of the event loop. */
const ROWS_PER_STEP = 200;
/** What SQLite tells of damage at most. */
const DAMAGES_MAX = 20;

/**
 * Opens a moment of the store in a data directory, beside a server or without one. Nothing of the store is changed.
 *
 * @throws StoreRefusedError there is none, or it is not Keystead's or of a newer version
 */
export async function openFileSnapshot(directory: string): Promise<Snapshot> {
  const path = join(directory, DATABASE_FILE);
  if (!existsSync(path)) throw missingStore(directory);
  const database = openReader(path);
  try {
    database.exec("BEGIN");
    const found = inspect(database); // the first read is what begins the moment
    if (found.kind !== "store") throw new StoreRefusedError(`The database in ${directory} is not a Keystead store.`);
    if (found.minimumReader > SCHEMA_VERSION) {
      throw new StoreRefusedError(`The store in ${directory} was written by a newer version of Keystead.`);
    }
    return new SqliteSnapshot(database);
  } catch (cause) {
    database.close();
    throw cause;
  }
}

class SqliteSnapshot implements Snapshot {
  readonly facts: SnapshotFacts;
  readonly engine = "sqlite";
  readonly db: Kysely<Schema>;
  readonly tables: readonly SnapshotTable[];
  readonly #database: DatabaseSync;
  readonly #keys = new Map<string, readonly string[]>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    const statements = new Statements(database);
    this.db = kyselyOver(async (sql, parameters) => statements.run(sql, parameters), "sqlite");
    this.facts = readFacts(database);
    this.tables = tableNames(database)
      .filter((name) => !NOT_COPIED.has(name))
      .map((name) => this.#describe(name));
  }

  async *rows(table: SnapshotTable): AsyncGenerator<readonly (readonly Value[])[], void, void> {
    const columns = table.columns.map(quoted).join(", ");
    const order = (this.#keys.get(table.name) ?? []).map(quoted).join(", ");
    const statement = this.#database.prepare(`SELECT ${columns} FROM ${quoted(table.name)} ORDER BY ${order}`);
    statement.setReturnArrays(true);
    let rows: (readonly Value[])[] = [];
    for (const row of iterate(statement)) {
      rows.push(row);
      if (rows.length < ROWS_PER_STEP) continue;
      yield rows;
      rows = [];
    }
    if (rows.length > 0) yield rows;
  }

  async damage(): Promise<readonly string[]> {
    const rows = this.#database.prepare(`PRAGMA integrity_check(${DAMAGES_MAX})`).all();
    return rows.map((row) => String(row["integrity_check"])).filter((text) => text !== "ok");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #describe(name: string): SnapshotTable {
    const columns = describeColumns(this.#database, name);
    const keys = columns.filter(({ key }) => key > 0).sort((left, right) => left.key - right.key);
    this.#keys.set(
      name,
      keys.map((column) => column.name),
    );
    return { name, columns: columns.map((column) => column.name) };
  }
}

/** The tables of a schema, in the order of their names, without SQLite's own. */
export function tableNames(database: DatabaseSync): readonly string[] {
  const sql =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
  return database
    .prepare(sql)
    .all()
    .map((row) => String(row["name"]));
}

/** The columns of a table in their order; `key` is a column's place in the primary key, from 1, or 0. */
export function describeColumns(
  database: DatabaseSync,
  table: string,
): readonly { readonly name: string; readonly key: number }[] {
  const rows = database.prepare(`PRAGMA table_info(${quoted(table)})`).all();
  return rows.map((row) => ({ name: String(row["name"]), key: Number(row["pk"]) }));
}

function readFacts(database: DatabaseSync): SnapshotFacts {
  const store = database.prepare("SELECT * FROM store").get();
  const feed = database.prepare("SELECT max(position) AS position FROM changes").get();
  const outbox = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").get();
  return {
    id: String(store?.["id"]),
    incarnation: String(store?.["incarnation"]),
    kind: store?.["kind"] === "dev" ? "dev" : "serve",
    schemaVersion: Number(store?.["schema_version"]),
    minimumReader: Number(store?.["minimum_reader"]),
    feedPosition: Number(feed?.["position"] ?? 0),
    auditPosition: Number(outbox?.["seq"] ?? 0),
  };
}

/** With `setReturnArrays` rows are arrays, which the types of node:sqlite don't say. */
function iterate(statement: StatementSync): Iterable<readonly Value[]> {
  return statement.iterate() as unknown as Iterable<readonly Value[]>;
}
