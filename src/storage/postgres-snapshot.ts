/** A moment of a PostgreSQL store: one read transaction on a connection of its own. */

import type { Kysely } from "kysely";
import { kyselyOver } from "./kysely.ts";
import { SCHEMA_VERSION } from "./migrations.ts";
import { missingStore, StoreRefusedError } from "./open.ts";
import { connectOrRefuse, placeOf } from "./open-postgres.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { inspectPostgres } from "./postgres-migrations.ts";
import type { Schema } from "./schema.ts";
import { NOT_COPIED, quoted, type Snapshot, type SnapshotFacts, type SnapshotTable, type Value } from "./snapshot.ts";

/** A rule over millions of rows may take minutes. It holds nobody up: readers and writers don't wait for each other. */
const STATEMENT_MS_MAX = 60 * 60_000;
const ANSWER_MARGIN_MS = 5_000;
/** How long the file that a backup goes to may keep it waiting; what reads nothing any more must not keep old rows for ever. */
const IDLE_MS_MAX = 10 * 60_000;
/** Rows handed over at a time. */
const ROWS_PER_STEP = 200;

/** The tables of the schema in the order of their names, each with its columns in their order and its primary key in its own. */
const TABLES = `SELECT c.relname AS name,
    (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT array_agg(a.attname::text ORDER BY k.place)
      FROM pg_index i CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
      WHERE i.indrelid = c.oid AND i.indisprimary) AS keys
  FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY c.relname COLLATE "C"`;

/**
 * Opens a moment of the store in a database, beside any number of nodes. Nothing of the store is changed.
 *
 * @throws StoreRefusedError the database can't be reached, or has no store, or one that is not Keystead's or of a newer version
 */
export async function openPostgresSnapshot(url: string): Promise<Snapshot> {
  const place = placeOf(url);
  const connection = await connectOrRefuse({
    url,
    purpose: "snapshot",
    statementMs: STATEMENT_MS_MAX,
    answerMs: STATEMENT_MS_MAX + ANSWER_MARGIN_MS,
    idleMs: IDLE_MS_MAX,
    readOnly: true,
  });
  try {
    await connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const found = await inspectPostgres(connection); // the first read is what begins the moment
    if (found.kind === "empty") throw missingStore(place);
    if (found.kind === "foreign") throw new StoreRefusedError(`The database ${place} is not a Keystead store.`);
    if (found.minimumReader > SCHEMA_VERSION) {
      throw new StoreRefusedError(`The store in ${place} was written by a newer version of Keystead.`);
    }
    return new PostgresSnapshot(connection, await readFacts(connection), await readTables(connection));
  } catch (cause) {
    await connection.close();
    throw cause;
  }
}

interface KeyedTable extends SnapshotTable {
  readonly keys: readonly string[];
}

class PostgresSnapshot implements Snapshot {
  readonly facts: SnapshotFacts;
  readonly engine = "postgres";
  readonly db: Kysely<Schema>;
  readonly tables: readonly SnapshotTable[];
  readonly #connection: PostgresConnection;
  readonly #keys: ReadonlyMap<string, readonly string[]>;
  #cursors = 0;

  constructor(connection: PostgresConnection, facts: SnapshotFacts, tables: readonly KeyedTable[]) {
    this.#connection = connection;
    this.facts = facts;
    this.db = kyselyOver((sql, parameters) => connection.run(sql, parameters), "postgres");
    this.tables = tables.map(({ name, columns }) => ({ name, columns }));
    this.#keys = new Map(tables.map(({ name, keys }) => [name, keys]));
  }

  async *rows({ name, columns }: SnapshotTable): AsyncGenerator<readonly (readonly Value[])[], void, void> {
    this.#cursors += 1;
    const cursor = `rows_${this.#cursors}`;
    const order = (this.#keys.get(name) ?? []).map(quoted).join(", ");
    const select = `SELECT ${columns.map(quoted).join(", ")} FROM ${quoted(name)} ORDER BY ${order}`;
    await this.#connection.script(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${select}`);
    for (;;) {
      const { rows } = await this.#connection.run(`FETCH ${ROWS_PER_STEP} FROM ${cursor}`);
      if (rows.length > 0) yield rows.map((row) => columns.map((column) => row[column] as Value));
      if (rows.length < ROWS_PER_STEP) break;
    }
    await this.#connection.script(`CLOSE ${cursor}`);
  }

  /** The server checks its pages by itself, where it was made with checksums. */
  async damage(): Promise<readonly string[]> {
    return [];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection.close();
  }
}

async function readTables(connection: PostgresConnection): Promise<readonly KeyedTable[]> {
  const tables = (await connection.run(TABLES)).rows as unknown as readonly KeyedTable[];
  return tables.filter(({ name }) => !NOT_COPIED.has(name));
}

/** Sequences of the outbox tell nothing here: a failover may give one twice, and what was undone leaves gaps. */
async function readFacts(connection: PostgresConnection): Promise<SnapshotFacts> {
  const [store] = (await connection.run("SELECT * FROM store")).rows;
  const [feed] = (await connection.run("SELECT coalesce(max(position), 0)::bigint AS position FROM changes")).rows;
  return {
    id: String(store?.["id"]),
    incarnation: String(store?.["incarnation"]),
    kind: store?.["kind"] === "dev" ? "dev" : "serve",
    schemaVersion: Number(store?.["schema_version"]),
    minimumReader: Number(store?.["minimum_reader"]),
    feedPosition: Number(feed?.["position"]),
    auditPosition: null,
  };
}
