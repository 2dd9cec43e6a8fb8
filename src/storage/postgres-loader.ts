/** Makes a PostgreSQL store of the rows of another one, in a schema where nobody takes it for a store before it is whole. */

import { randomUUID } from "node:crypto";
import { MIGRATIONS } from "./migrations.ts";
import { StoreRefusedError } from "./open.ts";
import { connectOrRefuse, placeOf } from "./open-postgres.ts";
import { type PostgresConnection, waitForDisk, withSetting } from "./postgres-connection.ts";
import { createMark, inspectPostgres, LOCK_MARK, migratePostgres } from "./postgres-migrations.ts";
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

/** The schema of a store that is being made. */
const UNFINISHED = "keystead_restoring";
const STATEMENT_MS_MAX = 10 * 60_000;
const ANSWER_MARGIN_MS = 5_000;

const COLUMNS = `SELECT c.relname AS table, a.attname AS column, a.attidentity <> '' AS counts
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY c.relname`;

/** An empty database in which a store is being made, held so that nobody else makes one there. */
export interface PostgresPlace extends AsyncDisposable {
  /** The address of the unfinished store. */
  readonly url: string;
  /** Puts the store, which nobody has open, where servers look for it, as a whole. Without this nothing is left of it. */
  finish(): Promise<void>;
}

/**
 * Takes an empty database for a new store.
 *
 * @throws StoreRefusedError the database can't be reached, or is not empty
 * @throws PostgresError its user may not make schemas in it, or somebody else makes a store there
 */
export async function takePostgresPlace(url: string): Promise<PostgresPlace> {
  const holder = await connectOrRefuse(sessionOf(url));
  try {
    await requireEmpty(holder, url);
    await createMark(holder);
    await waitForDisk(holder);
    await holder.script("BEGIN");
    await holder.run(LOCK_MARK);
    await requireEmpty(holder, url);
    await dropUnfinished(url, `; CREATE SCHEMA ${UNFINISHED}`);
  } catch (cause) {
    await holder.close();
    throw cause;
  }
  let isFinished = false;
  return {
    url: withSetting(url, `search_path=${UNFINISHED}`),
    async finish() {
      await moveTables(holder);
      isFinished = true;
    },
    async [Symbol.asyncDispose]() {
      await holder.close();
      if (!isFinished) await dropUnfinished(url);
    },
  };
}

/** Its transactions may wait for as long as rows are read and records replayed. */
function sessionOf(url: string) {
  const answerMs = STATEMENT_MS_MAX + ANSWER_MARGIN_MS;
  return { url, purpose: "restore", statementMs: STATEMENT_MS_MAX, answerMs, idleMs: 0 };
}

async function requireEmpty(connection: PostgresConnection, url: string): Promise<void> {
  if ((await inspectPostgres(connection)).kind === "empty") return;
  throw new StoreRefusedError(`The database ${placeOf(url)} is not empty: a store is made in an empty place only.`);
}

/** What a restore that was cut off has left goes with the next one. */
async function dropUnfinished(url: string, then = ""): Promise<void> {
  const connection = await connectOrRefuse(sessionOf(url));
  try {
    await connection.script(`DROP SCHEMA IF EXISTS ${UNFINISHED} CASCADE${then}`);
  } finally {
    await connection.close();
  }
}

/** The mark stays where it is: whoever waits for its row would else wait for ever. */
async function moveTables(holder: PostgresConnection): Promise<void> {
  const { rows } = await holder.run(
    `SELECT relname AS name, current_schema() AS target FROM pg_class
      WHERE relnamespace = '${UNFINISHED}'::regnamespace AND relkind = 'r' AND relname <> 'keystead_writer'`,
  );
  for (const { name, target } of rows) {
    await holder.script(`ALTER TABLE ${UNFINISHED}.${quoted(String(name))} SET SCHEMA ${quoted(String(target))}`);
  }
  const word = await holder.script(`DROP SCHEMA ${UNFINISHED} CASCADE; COMMIT`);
  if (word !== "COMMIT") throw new Error("The new store was not put in its place.");
}

/**
 * Begins a store in an empty schema.
 *
 * @param url `PostgresPlace.url`
 * @param facts what the rows are of: the tables are made as that schema had them
 */
export async function openPostgresLoader(url: string, facts: SnapshotFacts, now: number): Promise<Loader> {
  const connection = await connectOrRefuse(sessionOf(url));
  try {
    const migrations = MIGRATIONS.filter(({ version }) => version <= facts.schemaVersion);
    await migratePostgres(connection, { kind: facts.kind, now, migrations, require() {} });
    const tables = new Map<string, Set<string>>();
    const counters: Counter[] = [];
    for (const row of (await connection.run(COLUMNS)).rows) {
      const [table, column] = [String(row["table"]), String(row["column"])];
      tables.set(table, (tables.get(table) ?? new Set()).add(column));
      if (row["counts"] === true) counters.push({ table, column });
    }
    await connection.script("BEGIN");
    for (const table of tables.keys()) {
      if (!NOT_COPIED.has(table)) await connection.script(`DELETE FROM ${quoted(table)}`);
    }
    return new PostgresLoader({ connection, facts, now, tables, counters });
  } catch (cause) {
    await connection.close();
    throw cause;
  }
}

/** A column that numbers its rows. */
interface Counter {
  readonly table: string;
  readonly column: string;
}

interface LoaderParts {
  readonly connection: PostgresConnection;
  readonly facts: SnapshotFacts;
  readonly now: number;
  /** The names of each table's columns. */
  readonly tables: ReadonlyMap<string, ReadonlySet<string>>;
  readonly counters: readonly Counter[];
}

class PostgresLoader implements Loader {
  readonly #parts: LoaderParts;

  constructor(parts: LoaderParts) {
    this.#parts = parts;
  }

  async insert(table: SnapshotTable, rows: readonly (readonly Value[])[]): Promise<void> {
    const { name, columns } = table;
    requireKnown(table, this.#parts.tables.get(name));
    if (rows.length === 0) return;
    const places = rows.map((row, index) => `(${row.map((_, at) => `$${index * row.length + at + 1}`).join(", ")})`);
    const sql = `INSERT INTO ${quoted(name)} (${columns.map(quoted).join(", ")}) VALUES ${places.join(", ")}`;
    await this.#parts.connection.run(sql, rows.flat());
  }

  async complete(): Promise<string> {
    const { connection, facts, now, counters } = this.#parts;
    const incarnation = randomUUID();
    const { affected } = await connection.run("UPDATE store SET incarnation = $1", [incarnation]);
    if (affected !== 1) throw new UnknownTableError("What was read has not the one row that says what the store is.");
    for (const { table, column } of counters) {
      await connection.run(
        `SELECT setval(pg_get_serial_sequence($1, $2), max(${quoted(column)})) FROM ${quoted(table)} HAVING count(*) > 0`,
        [quoted(table), column],
      );
    }
    await connection.script("COMMIT");
    await migratePostgres(connection, { kind: facts.kind, now, require() {} });
    await connection.run("UPDATE outbox SET slot = '' WHERE slot <> ''"); // whose writers are not here
    await connection.close();
    return incarnation;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.connection.close();
  }
}
