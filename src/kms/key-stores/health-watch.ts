/** Asks the proxies of connected external key stores for their health every few minutes, for what is counted of them. */

import { newRequestId } from "../../base/ids.ts";
import type { KeyStoreRow } from "../../storage/key-store-schema.ts";
import { listEveryKeyStore } from "../../storage/key-stores.ts";
import type { Store } from "../../storage/store.ts";
import type { XksClient } from "./xks-client.ts";
import { XksError } from "./xks-failures.ts";

/** "Once every few minutes" (XKS proxy API specification, GetHealthStatus). */
const PAUSE_MS = 5 * 60_000;

/** Stores that are read at a time. */
const BATCH_ROWS = 200;

/** What KMS calls such a request; no operation of the API has the name. */
const OPERATION = "KmsHealthCheck";

export interface HealthWatchOptions {
  readonly store: Store;
  readonly xks: Pick<XksClient, "health">;
  readonly onError: (cause: unknown) => void;
}

/** Runs while started, one store after another. A store that is not connected is not asked. */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.askAll().catch(this.#options.onError);
      void this.#running.then(() => {
        if (!this.#stopped) this.start();
      });
    }, PAUSE_MS);
    this.#timer.unref();
  }

  /** Ends after the request that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Asks every connected store once. What comes of it is counted, and ends nothing. */
  async askAll(): Promise<void> {
    const { store, xks } = this.#options;
    let after: KeyStoreRow | undefined;
    do {
      const batch: KeyStoreRow[] = await listEveryKeyStore(store.db, after, BATCH_ROWS);
      for (const row of batch) {
        if (row.type !== "EXTERNAL_KEY_STORE" || row.connection_state !== "CONNECTED" || this.#stopped) continue;
        await xks.health(row, { kmsOperation: OPERATION, kmsRequestId: newRequestId() }).catch((cause: unknown) => {
          if (!(cause instanceof XksError)) throw cause;
        });
      }
      after = batch.at(-1);
    } while (after !== undefined && !this.#stopped);
  }
}
