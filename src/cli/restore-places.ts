/** Where restores and imports make a store: beside its place, so that nobody takes it for one before it is whole. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { DATABASE_FILE, lockDirectory, openFileStore, requirePrivate, syncNames } from "../storage/open.ts";
import type { Loader, SnapshotFacts } from "../storage/snapshot.ts";
import { openSqliteLoader } from "../storage/sqlite-loader.ts";
import type { Store } from "../storage/store.ts";
import { makeDirectory, UsageError } from "./options.ts";

/** An empty place that is taken. Nothing is left of the new store without `finish`. */
export interface NewPlace extends AsyncDisposable {
  /** Begins the store. */
  openLoader(facts: SnapshotFacts, now: number): Loader | Promise<Loader>;
  /** Opens what was loaded, as a server would. */
  openStore(kind: SnapshotFacts["kind"], clock: Clock): Promise<Store>;
  /** Puts the store, which nobody has open any more, in its place as a whole. */
  finish(): void | Promise<void>;
}

/** Where a store is while it is being made; nobody takes that for a store. */
const UNFINISHED = "restoring";
/** What an empty place may hold. */
const ALLOWED: ReadonlySet<string> = new Set(["root.key", "lock.db", "lock.db-journal", UNFINISHED]);

/**
 * Takes the place that the options name.
 *
 * @throws StoreRefusedError somebody else has it, or a database is not empty
 * @throws UsageError a directory is not empty
 */
export async function takePlace({
  data,
  database,
}: {
  readonly data: string;
  readonly database?: string;
}): Promise<NewPlace> {
  makeDirectory(data);
  requirePrivate(data);
  return database === undefined ? takeDirectory(data) : await takeDatabase(database);
}

function takeDirectory(directory: string): NewPlace {
  const release = lockDirectory(directory);
  const unfinished = join(directory, UNFINISHED);
  try {
    requireEmpty(directory);
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { mode: 0o700 });
  } catch (cause) {
    release();
    throw cause;
  }
  return {
    openLoader: (facts, now) => openSqliteLoader(join(unfinished, DATABASE_FILE), facts, now),
    openStore: (kind, clock) => openFileStore({ directory: unfinished, kind, create: false, lock: "server", clock }),
    finish() {
      if (existsSync(join(unfinished, `${DATABASE_FILE}-wal`))) throw new Error("The restored store was not closed.");
      renameSync(join(unfinished, DATABASE_FILE), join(directory, DATABASE_FILE));
      syncNames(directory);
    },
    async [Symbol.asyncDispose]() {
      rmSync(unfinished, { recursive: true, force: true });
      release();
    },
  };
}

function requireEmpty(directory: string): void {
  const found = readdirSync(directory).filter((name) => !ALLOWED.has(name));
  if (found.length === 0) return;
  throw new UsageError(
    `${directory} is not empty (${found.slice(0, 5).join(", ")}): a store is made in an empty place only.`,
  );
}

/** The directory holds what is the node's alone, such as the records of the store that is restored: it is left as it is. */
async function takeDatabase(database: string): Promise<NewPlace> {
  const { openPostgresLoader, takePostgresPlace } = await import("../storage/postgres-loader.ts");
  const { openPostgresStore } = await import("../storage/open-postgres.ts");
  const place = await takePostgresPlace(database);
  return {
    openLoader: (facts, now) => openPostgresLoader(place.url, facts, now),
    openStore: (kind, clock) => openPostgresStore({ url: place.url, kind, create: false, clock, slot: "" }),
    finish: () => place.finish(),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}
