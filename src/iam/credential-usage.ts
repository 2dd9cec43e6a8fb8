/** The last use of each access key: kept in memory by the requests, written behind them. */

import type { Call } from "../pipeline/operation.ts";
import { type CredentialUsageRow, findCredentialUsage, upsertCredentialUsage } from "../storage/credential-usage.ts";
import type { Store } from "../storage/store.ts";

/** How old a use may become before it is written: what a crash can lose. */
const FLUSH_MS = 60_000;

/** So many keys used since the last flush bring the next one forward. */
const KEYS_MAX = 10_000;

/** So many rows go in one transaction, so that other writers get their turn. */
const ROWS_MAX = 500;

type Uses = Map<string, CredentialUsageRow>;

export class CredentialUsages {
  readonly #store: Store;
  readonly #onError: (cause: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #fresh: Uses = new Map();
  /** Those that a flush is writing. */
  #writing: Uses = new Map();
  #flushing: Promise<void> = Promise.resolve();

  /** @param options.onError is told when a flush failed; its uses are tried again */
  constructor({ store, onError }: { readonly store: Store; readonly onError: (cause: unknown) => void }) {
    this.#store = store;
    this.#onError = onError;
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  /** Notes that a request was signed with an access key, allowed or not; temporary credentials don't count. */
  note({ principal, now, region, service }: Call): void {
    if (principal.session !== undefined) return;
    const use = { access_key_id: principal.accessKeyId, used_at: now, region, service };
    keepLatest(this.#fresh, use);
    if (this.#fresh.size >= KEYS_MAX && this.#writing.size === 0) void this.flush();
  }

  /** The last use of an access key: as fresh as the last request of this process, and as the last flush of any other. */
  async find(accessKeyId: string): Promise<CredentialUsageRow | undefined> {
    const own = this.#fresh.get(accessKeyId) ?? this.#writing.get(accessKeyId);
    const written = await findCredentialUsage(this.#store.db, accessKeyId);
    return own === undefined || (written !== undefined && written.used_at > own.used_at) ? written : own;
  }

  /** Writes what was noted before the call. Never rejects: what could not be written stays for the next flush. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write());
    return this.#flushing;
  }

  /** Writes what there is; call it after the last request. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    this.#writing = this.#fresh;
    this.#fresh = new Map();
    try {
      const rows = [...this.#writing.values()];
      for (let start = 0; start < rows.length; start += ROWS_MAX) {
        await this.#store.transaction(async (tx) => {
          for (const row of rows.slice(start, start + ROWS_MAX)) await upsertCredentialUsage(tx, row);
        });
      }
    } catch (cause) {
      for (const use of this.#writing.values()) keepLatest(this.#fresh, use);
      this.#onError(cause);
    }
    this.#writing = new Map();
  }
}

function keepLatest(uses: Uses, use: CredentialUsageRow): void {
  const known = uses.get(use.access_key_id);
  if (known === undefined || known.used_at <= use.used_at) uses.set(use.access_key_id, use);
}
