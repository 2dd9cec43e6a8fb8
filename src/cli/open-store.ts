/** Which store a command opens, by what its options say. */

import type { Clock } from "../base/clock.ts";
import { openFileStore, openMemoryStore } from "../storage/open.ts";
import type { Store } from "../storage/store.ts";

/** What every command that opens a store says of it. */
export interface StoreConfig {
  readonly kind: "dev" | "serve";
  /** Absent: in memory. */
  readonly directory?: string;
  /** Whether a missing store is made. */
  readonly create: boolean;
}

/**
 * Opens the store of a command.
 *
 * @param options.lock `server`: refused while another server runs on the directory. `tool`: works beside a server
 * @throws StoreRefusedError see `openFileStore`
 */
export function openStore(
  { kind, directory, create }: StoreConfig,
  { lock, clock }: { readonly lock: "server" | "tool"; readonly clock: Clock },
): Promise<Store> {
  if (directory === undefined) return openMemoryStore({ kind, clock });
  return openFileStore({ directory, kind, create, lock, clock });
}
