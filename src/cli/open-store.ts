/** Which store a command opens, by what its options say. */

import type { Clock } from "../base/clock.ts";
import {
  lockDirectory,
  openFileStore,
  openMemoryStore,
  openWorkerStore,
  requirePrivate,
  requireStore,
} from "../storage/open.ts";
import type { Channel, WorkerChannel } from "../storage/remote-messages.ts";
import type { Snapshot } from "../storage/snapshot.ts";
import { openFileSnapshot } from "../storage/sqlite-snapshot.ts";
import type { Store } from "../storage/store.ts";
import type { MetricsFromWorker, MetricsToWorker } from "./metrics-exchange.ts";

/** What every command that opens a store says of it. */
export interface StoreConfig {
  readonly kind: "dev" | "serve";
  /** Absent: in memory. */
  readonly directory?: string;
  /** `postgres://…`: the store is there, and the directory holds what is this node's alone. */
  readonly database?: string;
  /** Whether a missing store is made. */
  readonly create: boolean;
}

/** A process's place among several of one server. */
export interface WorkerSeat {
  /** Its audit slot, 1 and up. */
  readonly slot: number;
  /** How many workers share the machine. */
  readonly workers: number;
  /** To the process that holds the writer. */
  readonly channel: WorkerChannel;
  /** In which it tells what it has counted, and asks what all have. */
  readonly metrics: Channel<MetricsFromWorker, MetricsToWorker>;
}

/** How a command uses the store. */
export interface StoreUse {
  /** `server`: refused while another server runs on the directory. `tool`: works beside a server. */
  readonly lock: "server" | "tool";
  readonly clock: Clock;
  /** The writer slot of this process's records, where it has a database in common with others. */
  readonly slot?: string;
  /** Is told what is not as it should be, and what failed and is tried again. */
  readonly warn?: (text: string, cause?: unknown) => void;
  /** Given in a worker process, whose server has the directory already. */
  readonly worker?: WorkerSeat;
}

/**
 * Opens the store of a command.
 *
 * @throws StoreRefusedError see `openFileStore` and `openPostgresStore`
 */
export async function openStore(config: StoreConfig, use: StoreUse): Promise<Store> {
  const { kind, directory, database, create } = config;
  const { lock, clock, worker } = use;
  if (database !== undefined) return await openInDatabase({ ...config, database }, use);
  if (directory === undefined) return await openMemoryStore({ kind, clock });
  if (worker !== undefined) return openWorkerStore({ directory, kind, channel: worker.channel });
  return await openFileStore({ directory, kind, create, lock, clock });
}

/**
 * Refuses, before anything else is read, what has no store. A database is asked when it is opened.
 *
 * @throws StoreRefusedError there is no store in the directory
 */
export function requireStoreAt({ data, database }: { readonly data: string; readonly database?: string }): void {
  if (database === undefined) requireStore(data);
}

/**
 * Opens a moment of the store that the options name, beside servers or without one. Nothing of the store is changed.
 *
 * @throws StoreRefusedError there is none, or it is not Keystead's or of a newer version
 */
export async function openSnapshot({
  data,
  database,
}: {
  readonly data: string;
  readonly database?: string;
}): Promise<Snapshot> {
  if (database === undefined) return await openFileSnapshot(data);
  const { openPostgresSnapshot } = await import("../storage/postgres-snapshot.ts");
  return await openPostgresSnapshot(database);
}

async function openInDatabase(
  { kind, directory, database, create }: StoreConfig & { readonly database: string },
  { lock, clock, slot = "", warn = () => {}, worker }: StoreUse,
): Promise<Store> {
  const { openPostgresStore } = await import("../storage/open-postgres.ts");
  if (directory !== undefined) requirePrivate(directory);
  const isOurs = directory !== undefined && lock === "server" && worker === undefined;
  const release = isOurs ? lockDirectory(directory) : () => {};
  try {
    return await openPostgresStore({ url: database, kind, create, clock, slot, warn, release });
  } catch (cause) {
    release();
    throw cause;
  }
}
