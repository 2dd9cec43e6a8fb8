/** Opens stores: in memory, or in a data directory that it guards. */

import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../base/clock.ts";
import { OperatorError } from "../base/errors.ts";
import { openReader, openWriter } from "./connections.ts";
import { FileInUseError, lockFile } from "./file-lock.ts";
import type { Migration } from "./first-migrations.ts";
import { type Found, inspect, MIGRATIONS, migrate } from "./migrations.ts";
import type { WorkerChannel } from "./remote-messages.ts";
import { RemoteQueue } from "./remote-queue.ts";
import { SqliteStore } from "./sqlite-store.ts";
import type { OpenQueue } from "./write-queue.ts";
import { LocalPort, type WriterPort } from "./writer.ts";
import { WriterQueue } from "./writer-queue.ts";
import { ThreadPort } from "./writer-thread.ts";

/** A data directory that this command may not open; the message says why and is for the operator. */
export class StoreRefusedError extends OperatorError {
  override readonly name = "StoreRefusedError";
}

/** The database of a data directory. */
export const DATABASE_FILE = "keystead.db";
const LOCK_FILE = "lock.db";

type Kind = "dev" | "serve";

/** A store that lives as long as the process. */
export async function openMemoryStore(options: {
  readonly kind: Kind;
  readonly clock: Clock;
  readonly viewEntriesMax?: number;
}): Promise<SqliteStore> {
  const { kind, clock, ...rest } = options;
  const database = openWriter(":memory:");
  migrate(database, { kind, now: clock.now() });
  const port = new LocalPort(database);
  return new SqliteStore({
    ...identityOf(database),
    kind,
    openQueue: queueBefore(port),
    reader: database,
    shared: true,
    release() {},
    ...rest,
  });
}

function queueBefore(port: WriterPort): OpenQueue {
  return (committed) => new WriterQueue({ port, committed });
}

export interface FileStoreOptions {
  readonly directory: string;
  readonly kind: Kind;
  /** Whether a missing store is made. */
  readonly create: boolean;
  /** `server`: refused while another server runs on the directory. `tool`: works beside a server. */
  readonly lock: "server" | "tool";
  readonly clock: Clock;
  readonly viewEntriesMax?: number;
  /** For tests. */
  readonly migrations?: readonly Migration[];
}

/** @throws StoreRefusedError there is no store in the directory */
export function requireStore(directory: string): void {
  if (existsSync(join(directory, DATABASE_FILE))) return;
  throw missingStore(directory);
}

/**
 * Opens the store of a data directory, and brings its schema up to date.
 *
 * @throws StoreRefusedError the directory is missing, in use, not Keystead's, of the other command or of a newer version
 */
export async function openFileStore(options: FileStoreOptions): Promise<SqliteStore> {
  const { directory, kind, create, lock, viewEntriesMax } = options;
  const path = join(directory, DATABASE_FILE);
  if (!existsSync(path)) {
    if (!create) throw missingStore(directory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  requirePrivate(directory);
  const release = lock === "server" ? lockDirectory(directory) : () => {};
  try {
    const identity = prepare(path, options);
    syncNames(directory);
    return new SqliteStore({
      ...identity,
      kind,
      openQueue: queueBefore(await ThreadPort.open(path)),
      reader: openReader(path),
      shared: false,
      release,
      ...(viewEntriesMax !== undefined && { viewEntriesMax }),
    });
  } catch (cause) {
    release();
    throw cause;
  }
}

/**
 * Opens, in a worker, the store that another process of the same server has open (`Store.hostWorker`): reads on a connection
 * of its own, writes through that process.
 */
export function openWorkerStore(options: {
  readonly directory: string;
  readonly kind: Kind;
  readonly channel: WorkerChannel;
  readonly viewEntriesMax?: number;
}): SqliteStore {
  const { directory, kind, channel, ...rest } = options;
  const reader = openReader(join(directory, DATABASE_FILE));
  return new SqliteStore({
    ...identityOf(reader),
    kind,
    openQueue: (committed) => new RemoteQueue({ channel, committed }),
    reader,
    shared: false,
    release() {},
    ...rest,
  });
}

/** The error of a directory without a store. */
export function missingStore(directory: string): StoreRefusedError {
  return new StoreRefusedError(`There is no Keystead store in ${directory}: \`keystead init\` makes one.`);
}

/** Makes the names of new files, and that of their directory, outlive a power cut; SQLite syncs contents alone. */
export function syncNames(directory: string): void {
  for (const path of [directory, dirname(resolve(directory))]) {
    const descriptor = openSync(path, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

/** Sealed rows are sealed, but policies and states are not: nobody else may change the directory. */
export function requirePrivate(directory: string): void {
  if ((statSync(directory).mode & 0o022) !== 0) {
    throw new StoreRefusedError(`Others may write to ${directory}: take that away with chmod go-w.`);
  }
}

/**
 * Holds an exclusive lock of SQLite on a file of its own; the system releases it when the process ends, however it ends.
 *
 * @returns what lets go of it
 * @throws StoreRefusedError another server holds it
 */
export function lockDirectory(directory: string): () => void {
  try {
    return lockFile(join(directory, LOCK_FILE), 0);
  } catch (cause) {
    if (!(cause instanceof FileInUseError)) throw cause;
    throw new StoreRefusedError(`The data directory ${directory} is in use by another Keystead server.`, { cause });
  }
}

/** Checks what is there, makes or migrates it, and returns which store it is. */
function prepare(path: string, options: FileStoreOptions): Identity {
  const { directory, kind, clock, migrations = MIGRATIONS } = options;
  const database = openOrRefuse(path, directory);
  try {
    requireOurs(database, options, migrations.at(-1)?.version ?? 0);
    chmodSync(path, 0o600); // the files beside it take the same mode
    const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
    if (mode !== "wal") {
      throw new StoreRefusedError(`The file system of ${directory} can't hold a store: it has no shared memory.`);
    }
    migrate(database, { kind, now: clock.now(), migrations });
    return identityOf(database);
  } finally {
    database.close();
  }
}

function requireOurs(database: DatabaseSync, { directory, kind, create }: FileStoreOptions, version: number): void {
  requireOpenable(inspect(database), { kind, create, version, place: directory });
}

/** What a command wants of a database, and what its operator calls the place. */
interface Wanted {
  readonly kind: Kind;
  readonly create: boolean;
  /** The newest schema that this code knows. */
  readonly version: number;
  readonly place: string;
}

/** @throws StoreRefusedError the database is not Keystead's, is missing, of the other command or of a newer version */
export function requireOpenable(found: Found, { kind, create, version, place }: Wanted): void {
  if (found.kind === "foreign") throw new StoreRefusedError(`The database in ${place} is not a Keystead store.`);
  if (found.kind === "empty") {
    if (!create) throw missingStore(place); // an init that was cut off leaves an empty file
    return;
  }
  if (found.minimumReader > version) {
    throw new StoreRefusedError(
      `The store in ${place} was written by a newer version of Keystead (schema ${found.version}; this one reads up to ${version}).`,
    );
  }
  if (found.command !== kind) {
    throw new StoreRefusedError(
      `The store in ${place} was made by \`keystead ${found.command}\` and can't be opened by \`keystead ${kind}\`.`,
    );
  }
}

function openOrRefuse(path: string, directory: string): DatabaseSync {
  try {
    return openWriter(path);
  } catch (cause) {
    throw new StoreRefusedError(`The database in ${directory} can't be read as a Keystead store.`, { cause });
  }
}

interface Identity {
  readonly id: string;
  readonly incarnation: string;
}

function identityOf(database: DatabaseSync): Identity {
  const row = database.prepare("SELECT id, incarnation FROM store").get();
  return { id: String(row?.["id"]), incarnation: String(row?.["incarnation"]) };
}
