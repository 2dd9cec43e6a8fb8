/** What makes a store forget erased pages, also where another process is reading. */

import type { Store } from "../storage/store.ts";

/** How often a log that another process is reading is tried again; each try waits a quarter of a second. */
const ERASE_TRIES = 20;

/** @throws Error erased rows are still in the write-ahead log, since somebody goes on reading it */
export async function eraseLog(store: Store): Promise<void> {
  for (let tries = 0; tries < ERASE_TRIES; tries += 1) if (await store.truncateLog()) return;
  throw new Error("A deleted key's erased row is still in the write-ahead log, which another process is reading.");
}
