/** Making and migrating a store on PostgreSQL, with any number of nodes starting at once. */

import { randomUUID } from "node:crypto";
import type { Migration } from "./first-migrations.ts";
import { type Found, MIGRATIONS, newest } from "./migrations.ts";
import { type PostgresConnection, PostgresError } from "./postgres-connection.ts";
import { postgresDdl } from "./postgres-ddl.ts";

/** Marks the database as Keystead's, and has the one row that whoever writes holds locked. */
const CREATE_MARK = `CREATE TABLE IF NOT EXISTS keystead_writer (only_row BIGINT PRIMARY KEY CHECK (only_row = 1))`;
const INSERT_MARK = "INSERT INTO keystead_writer VALUES (1) ON CONFLICT DO NOTHING";
/** Taken inside a transaction: until its end nobody else writes to the store, or makes one. */
export const LOCK_MARK = "SELECT only_row FROM keystead_writer FOR UPDATE";

const OBJECTS = `SELECT count(*) AS objects, count(*) FILTER (WHERE relname = 'keystead_writer') AS marks,
    count(*) FILTER (WHERE relname = 'store') AS stores
  FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v', 'm', 'f', 'p', 'S')`;

/** Two that create one table at once: one of them hears that the name is taken, by the table or by its row type. */
const TAKEN_CODES: readonly (string | undefined)[] = ["42P07", "42710", "23505"];
const CREATE_TRIES = 20;

/** Tells an empty schema, somebody else's and a Keystead store apart. Changes nothing. */
export async function inspectPostgres(connection: PostgresConnection): Promise<Found> {
  const { rows } = await connection.run(OBJECTS);
  const [{ objects, marks, stores } = {}] = rows;
  if (objects === 0) return { kind: "empty" };
  if (marks === 0) return { kind: "foreign" };
  if (stores === 0) return objects === 1 ? { kind: "empty" } : { kind: "foreign" }; // an init that was cut off leaves the mark
  const [row] = (await connection.run("SELECT id, kind, schema_version, minimum_reader FROM store")).rows;
  if (row === undefined) return { kind: "foreign" };
  return {
    kind: "store",
    id: String(row["id"]),
    command: String(row["kind"]),
    version: Number(row["schema_version"]),
    minimumReader: Number(row["minimum_reader"]),
  };
}

/**
 * Brings a database to the newest schema, in one transaction that no writer's goes beside; an empty one becomes a new store
 * of the given kind. A store that has the newest schema already, or a newer one, is left as it is.
 *
 * @param options.now milliseconds since the epoch
 * @param options.require refuses what may not be opened; called under the lock
 */
export async function migratePostgres(
  connection: PostgresConnection,
  options: {
    readonly kind: "dev" | "serve";
    readonly now: number;
    readonly migrations?: readonly Migration[];
    readonly require: (found: Found) => void;
  },
): Promise<void> {
  const { kind, now, migrations = MIGRATIONS, require } = options;
  require(await inspectPostgres(connection));
  await createMark(connection);
  await connection.script("BEGIN");
  try {
    await connection.run(LOCK_MARK);
    const found = await inspectPostgres(connection);
    require(found);
    const from = found.kind === "store" ? found.version : 0;
    for (const { version, sqlite } of migrations) if (version > from) await connection.script(postgresDdl(sqlite));
    const { version, minimumReader } = newest(migrations);
    if (found.kind === "empty") {
      const values = [randomUUID(), randomUUID(), kind, version, minimumReader, now];
      await connection.run("INSERT INTO store VALUES ($1, $2, $3, $4, $5, $6)", values);
    } else if (version > from) {
      await connection.run("UPDATE store SET schema_version = $1, minimum_reader = $2", [version, minimumReader]);
    }
    await connection.script("COMMIT");
  } catch (cause) {
    await connection.script("ROLLBACK").catch(() => undefined); // the connection may be what failed
    throw cause;
  }
}

/** Makes the database Keystead's, where it is not yet. */
export async function createMark(connection: PostgresConnection): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await connection.script(CREATE_MARK);
      break;
    } catch (cause) {
      const isRace = cause instanceof PostgresError && TAKEN_CODES.includes(cause.code);
      if (!isRace || tries === CREATE_TRIES) throw cause;
    }
  }
  await connection.run(INSERT_MARK);
}
