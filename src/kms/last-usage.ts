/** The last successful use of each key: kept in memory by the requests, written behind them (DESIGN §8). */

import { asArn } from "../base/arn.ts";
import type { Clock } from "../base/clock.ts";
import type { Entry } from "../pipeline/operation.ts";
import { findKeyUsage, startKeyUsage, upsertKeyUsage } from "../storage/key-usage.ts";
import type { KeyUsageRow } from "../storage/schema.ts";
import type { Store } from "../storage/store.ts";

/** The operations that count (API reference, KeyLastUsageData). */
export const TRACKED: ReadonlySet<string> = new Set([
  "Decapsulate",
  "Decrypt",
  "DeriveSharedSecret",
  "Encapsulate",
  "Encrypt",
  "GenerateDataKey",
  "GenerateDataKeyPair",
  "GenerateDataKeyPairWithoutPlaintext",
  "GenerateDataKeyWithoutPlaintext",
  "GenerateMac",
  "ReEncrypt",
  "Sign",
  "Verify",
  "VerifyMac",
]);

/** How old a use may become before it is written: what a crash can lose. */
const FLUSH_MS = 60_000;

/** So many keys used since the last flush bring the next one forward. */
const KEYS_MAX = 10_000;

/** So many rows go in one transaction, so that other writers get their turn. */
const ROWS_MAX = 500;

/** The last use of keys by ARN, each of them the latest of its time. */
type Uses = Map<string, KeyUsageRow>;

interface LastUsagesOptions {
  readonly store: Store;
  /** Is told when a flush failed; its uses are tried again. */
  readonly onError: (cause: unknown) => void;
}

/** Made by `openLastUsages`. */
export class LastUsages {
  readonly #store: Store;
  readonly #onError: (cause: unknown) => void;
  readonly #since: number;
  readonly #timer: NodeJS.Timeout;
  #fresh: Uses = new Map();
  /** Those that a flush is writing. */
  #writing: Uses = new Map();
  #flushing: Promise<void> = Promise.resolve();

  constructor({ store, onError, since }: LastUsagesOptions & { readonly since: number }) {
    this.#store = store;
    this.#onError = onError;
    this.#since = since;
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  /**
   * Notes what an operation used, if it counts: each key with its record in the trail of the key's own account.
   *
   * @param records the records of the entry, by the account that each is for
   */
  note(entry: Entry, records: readonly { readonly account: string; readonly eventId: string }[]): void {
    const { call, error, resources = [] } = entry;
    if (error !== undefined || call.service !== "kms" || !TRACKED.has(call.operation)) return;
    for (const { arn, account } of resources) {
      const eventId = records.find((record) => record.account === account)?.eventId;
      const name = asArn(arn);
      if (eventId === undefined || name === undefined) continue;
      keepLatest(this.#fresh, arn, {
        region: name.region,
        key_id: name.resource.slice("key/".length),
        operation: call.operation,
        used_at: call.now,
        event_id: eventId,
        request_id: call.requestId,
      });
    }
    if (this.#fresh.size >= KEYS_MAX && this.#writing.size === 0) void this.flush();
  }

  /** The last use of a key: as fresh as the last answer of this process, and as the last flush of any other. */
  async find(key: { readonly arn: string; readonly region: string; readonly keyId: string }) {
    const own = this.#fresh.get(key.arn) ?? this.#writing.get(key.arn);
    const written = await findKeyUsage(this.#store.db, key);
    return own === undefined || (written !== undefined && written.used_at > own.used_at) ? written : own;
  }

  /** Since when the uses of a key are tracked: since it was made, or since the store began to. */
  trackedSince(createdAt: number): number {
    return Math.max(createdAt, this.#since);
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
          for (const row of rows.slice(start, start + ROWS_MAX)) await upsertKeyUsage(tx, row);
        });
      }
    } catch (cause) {
      for (const [arn, use] of this.#writing) keepLatest(this.#fresh, arn, use);
      this.#onError(cause);
    }
    this.#writing = new Map();
  }
}

/** Starts to track; the first start of a store marks since when. */
export async function openLastUsages(options: LastUsagesOptions & { readonly clock: Clock }): Promise<LastUsages> {
  const { store, clock } = options;
  const since = await store.transaction((tx) => startKeyUsage(tx, clock.now()));
  return new LastUsages({ ...options, since });
}

function keepLatest(uses: Uses, arn: string, use: KeyUsageRow): void {
  const known = uses.get(arn);
  if (known === undefined || known.used_at <= use.used_at) uses.set(arn, use);
}
