/** Which store a command opens, by what its options say. */

import type { Clock } from "../base/clock.ts";
import { openFileStore, openMemoryStore, openWorkerStore } from "../storage/open.ts";
import type { WorkerChannel } from "../storage/remote-messages.ts";
import type { Store } from "../storage/store.ts";

/** What every command that opens a store says of it. */
export interface StoreConfig {
  readonly kind: "dev" | "serve";
  /** Absent: in memory. */
  readonly directory?: string;
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
}

/**
 * Opens the store of a command.
 *
 * @param options.lock `server`: refused while another server runs on the directory. `tool`: works beside a server
 * @param options.worker given in a worker process, whose server has the directory already
 * @throws StoreRefusedError see `openFileStore`
 */
export function openStore(
  { kind, directory, create }: StoreConfig,
  { lock, clock, worker }: { readonly lock: "server" | "tool"; readonly clock: Clock; readonly worker?: WorkerSeat },
): Promise<Store> {
  if (directory === undefined) return openMemoryStore({ kind, clock });
  if (worker !== undefined) return Promise.resolve(openWorkerStore({ directory, kind, channel: worker.channel }));
  return openFileStore({ directory, kind, create, lock, clock });
}
