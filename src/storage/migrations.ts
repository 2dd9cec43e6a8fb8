/** The schema, as numbered migrations that only expand, and the one place that runs them on SQLite. */

import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { FIRST_MIGRATIONS, type Migration } from "./first-migrations.ts";
import { LATER_MIGRATIONS } from "./later-migrations.ts";

/** All migrations, oldest first. */
export const MIGRATIONS: readonly Migration[] = [...FIRST_MIGRATIONS, ...LATER_MIGRATIONS];

/** The newest schema version that this code writes. */
export const SCHEMA_VERSION = newest(MIGRATIONS).version;

/** Marks the file as Keystead's (SQLite's `application_id`): "KSTD". */
const APPLICATION_ID = 0x4b535444;

/** What a database says of itself before anything is read from it. */
export type Found =
  | { readonly kind: "empty" }
  | { readonly kind: "foreign" }
  | { readonly kind: "store"; readonly id: string; readonly command: string; version: number; minimumReader: number };

/** Tells an empty database, somebody else's and a Keystead store apart. Changes nothing. */
export function inspect(database: DatabaseSync): Found {
  const mark = database.prepare("PRAGMA application_id").get()?.["application_id"];
  if (mark !== APPLICATION_ID) {
    const objects = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.["count"];
    return mark === 0 && objects === 0 ? { kind: "empty" } : { kind: "foreign" };
  }
  const row = database.prepare("SELECT id, kind, schema_version, minimum_reader FROM store").get();
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
 * Brings a database to the newest schema, in one transaction; an empty one becomes a new store of the given kind. A store
 * that has the newest schema already, or a newer one, is left as it is.
 *
 * @param options.now milliseconds since the epoch
 * @param options.migrations all of them, oldest first (tests pass their own)
 */
export function migrate(
  database: DatabaseSync,
  { kind, now, migrations = MIGRATIONS }: { kind: "dev" | "serve"; now: number; migrations?: readonly Migration[] },
): void {
  const before = inspect(database);
  if (before.kind === "store" && before.version >= newest(migrations).version) return; // waits for no writer
  database.exec("BEGIN IMMEDIATE");
  try {
    const found = inspect(database);
    if (found.kind === "foreign") throw new Error("The database is not a Keystead store.");
    const from = found.kind === "store" ? found.version : 0;
    for (const { version, sqlite } of migrations) if (version > from) database.exec(sqlite);
    const { version, minimumReader } = newest(migrations);
    if (found.kind === "empty") {
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      database
        .prepare("INSERT INTO store VALUES (?, ?, ?, ?, ?, ?)")
        .run(randomUUID(), randomUUID(), kind, version, minimumReader, now);
    } else if (version > from) {
      database.prepare("UPDATE store SET schema_version = ?, minimum_reader = ?").run(version, minimumReader);
    }
    database.exec("COMMIT");
  } catch (cause) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw cause;
  }
}

/** The last of some migrations. */
export function newest(migrations: readonly Migration[]): Migration {
  const last = migrations.at(-1);
  if (last === undefined) throw new Error("There are no migrations.");
  return last;
}
