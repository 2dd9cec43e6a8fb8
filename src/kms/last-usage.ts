/** The last successful use of each key: kept in memory by the requests, written behind them (DESIGN §8). */

import { asArn } from "../base/arn.ts";
import type { Clock } from "../base/clock.ts";
import type { Entry } from "../pipeline/operation.ts";
import { findKeyUsage, startKeyUsage, upsertKeyUsage } from "../storage/key-usage.ts";
import { LatestUses } from "../storage/latest-uses.ts";
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

interface LastUsagesOptions {
  readonly store: Store;
  /** Is told when a flush failed; its uses are tried again. */
  readonly onError: (cause: unknown) => void;
}

/** Made by `openLastUsages`. */
export class LastUsages {
  readonly #store: Store;
  readonly #since: number;
  readonly #uses: LatestUses<KeyUsageRow>;

  constructor({ store, onError, since }: LastUsagesOptions & { readonly since: number }) {
    this.#store = store;
    this.#since = since;
    this.#uses = new LatestUses({ store, write: upsertKeyUsage, onError });
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
      this.#uses.note(arn, {
        region: name.region,
        key_id: name.resource.slice("key/".length),
        operation: call.operation,
        used_at: call.now,
        event_id: eventId,
        request_id: call.requestId,
      });
    }
  }

  /** The last use of a key: as fresh as the last answer of this process, and as the last flush of any other. */
  async find(key: { readonly arn: string; readonly region: string; readonly keyId: string }) {
    return this.#uses.latest(key.arn, await findKeyUsage(this.#store.db, key));
  }

  /** Since when the uses of a key are tracked: since it was made, or since the store began to. */
  trackedSince(createdAt: number): number {
    return Math.max(createdAt, this.#since);
  }

  /** As `LatestUses.flush`. */
  flush(): Promise<void> {
    return this.#uses.flush();
  }

  /** Writes what there is; call it after the last request. */
  close(): Promise<void> {
    return this.#uses.close();
  }
}

/** Starts to track; the first start of a store marks since when. */
export async function openLastUsages(options: LastUsagesOptions & { readonly clock: Clock }): Promise<LastUsages> {
  const { store, clock } = options;
  const since = await store.transaction((tx) => startKeyUsage(tx, clock.now()));
  return new LastUsages({ ...options, since });
}
