/** Opens stores on PostgreSQL: finds out what is there, makes or migrates it, and joins the cluster. */

import { randomUUID } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Migration } from "./first-migrations.ts";
import { ASYNCHRONOUS_STANDBYS } from "./lags.ts";
import { MIGRATIONS, newest } from "./migrations.ts";
import { requireOpenable, StoreRefusedError } from "./open.ts";
import { PostgresConnection, type PostgresError, type SessionOptions } from "./postgres-connection.ts";
import { inspectPostgres, migratePostgres } from "./postgres-migrations.ts";
import { PostgresStore } from "./postgres-store.ts";

export interface PostgresOptions {
  /** `postgres://…`; its password never leaves this. */
  readonly url: string;
  readonly kind: "dev" | "serve";
  /** Whether a missing store is made. */
  readonly create: boolean;
  readonly clock: Clock;
  /** Whose audit segments this process writes; empty for a process that writes none. */
  readonly slot: string;
  readonly viewEntriesMax?: number;
  /** Is told of every failure that is tried again, and of a cluster that may lose what was answered. */
  readonly warn?: (text: string, cause?: unknown) => void;
  /** Lets go of what else belongs to the store, last of all. */
  release?(): void;
  /** For tests. */
  readonly migrations?: readonly Migration[];
}

/** Migrations may rewrite tables. */
const MIGRATION_MS_MAX = 10 * 60_000;

/**
 * Opens the store of a database, and brings its schema up to date. Any number of processes may do so at once.
 *
 * @throws StoreRefusedError the database can't be reached, is not Keystead's, of the other command or of a newer version
 */
export async function openPostgresStore(options: PostgresOptions): Promise<PostgresStore> {
  const { url, kind, create, clock, slot, viewEntriesMax, warn = () => {}, migrations = MIGRATIONS } = options;
  const { version } = newest(migrations);
  const place = placeOf(url);
  const identity = await withConnection(url, async (connection) => {
    await migratePostgres(connection, {
      kind,
      now: clock.now(),
      migrations,
      require: (found) => requireOpenable(found, { kind, create, version, place }),
    });
    const [row] = (await connection.run("SELECT id, incarnation FROM store")).rows;
    if (await hasAsynchronousStandbys(connection)) warn(ASYNCHRONOUS);
    return { id: String(row?.["id"]), incarnation: String(row?.["incarnation"]) };
  });
  const store = await PostgresStore.open({
    url,
    ...identity,
    kind,
    node: randomUUID(),
    slot,
    schemaVersion: version,
    onError: (cause) => warn("The database failed and is tried again.", cause),
    release: () => options.release?.(),
    ...(viewEntriesMax !== undefined && { viewEntriesMax }),
  });
  return store;
}

const ASYNCHRONOUS =
  "The database has standbys and none is synchronous: a failover may lose keys that were answered (synchronous_standby_names).";

async function hasAsynchronousStandbys(connection: PostgresConnection): Promise<boolean> {
  const { rows } = await connection.run(ASYNCHRONOUS_STANDBYS);
  return rows[0]?.["asynchronous"] === true;
}

/** Whether a database has a store already. @throws StoreRefusedError it can't be reached */
export async function hasPostgresStore(url: string): Promise<boolean> {
  return await withConnection(url, async (connection) => (await inspectPostgres(connection)).kind !== "empty");
}

/** Connects a command. @throws StoreRefusedError the database can't be reached */
export async function connectOrRefuse(session: SessionOptions): Promise<PostgresConnection> {
  const place = placeOf(session.url);
  try {
    return await PostgresConnection.open(session);
  } catch (cause) {
    const { message } = cause as PostgresError;
    throw new StoreRefusedError(`The database ${place} can't be reached. ${message}`, { cause });
  }
}

async function withConnection<T>(url: string, work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
  const session = {
    url,
    purpose: "migration",
    statementMs: MIGRATION_MS_MAX,
    answerMs: MIGRATION_MS_MAX,
    lockMs: MIGRATION_MS_MAX,
  };
  const connection = await connectOrRefuse(session);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** What may be shown of a database's address: no user, no password, no options. */
export function placeOf(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    throw new StoreRefusedError("A database is named as postgres://USER@HOST:PORT/NAME."); // the cause would show it
  }
}
