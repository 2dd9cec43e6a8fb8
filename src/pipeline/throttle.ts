/** Counts requests against request quotas, and refuses those over one. */

import type { Store } from "../storage/store.ts";
import type { Quota, QuotaOwner, Quotas, Rate } from "./quotas.ts";

/** What a request takes of one quota. */
export interface Charge extends QuotaOwner {
  readonly quota: Quota;
  /** The thing that has the quota to itself (a key, a key store), whoever asks; absent: the account has it. */
  readonly subject?: string;
  /** Requests that it counts as; one when not given. */
  readonly count?: number;
}

/** A time that began with a request, and how many came in it. */
interface Bucket {
  until: number;
  count: number;
}

/** Counters in memory; the oldest go first, and an account whose counter went begins anew. */
const BUCKETS_MAX = 100_000;

/** Divides the parts of a bucket's name; no id of AWS has it. */
const SEPARATOR = "\u001f";

/**
 * The counters of one process. Each counts the requests of one account in one Region against one quota, for as long as the
 * quota's interval from its first request; what is over is refused until the interval ends, and does not count.
 */
export class Throttle {
  readonly #store: Pick<Store, "settle">;
  readonly #quotas: Quotas;
  readonly #bucketsMax: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: {
    readonly store: Pick<Store, "settle">;
    readonly quotas: Quotas;
    readonly bucketsMax?: number;
  }) {
    this.#store = options.store;
    this.#quotas = options.quotas;
    this.#bucketsMax = options.bucketsMax ?? BUCKETS_MAX;
  }

  /**
   * Counts a request against all of its quotas, or against none when one of them is used up.
   *
   * @param now milliseconds by the injected clock; when it goes back, intervals begin anew
   * @param refused is told of the charge that is over its quota
   * @returns whether the request may go on; a promise where an account's own values are not in memory
   */
  admit(
    charges: readonly Charge[],
    now: number,
    refused: (charge: Charge) => void = () => {},
  ): boolean | Promise<boolean> {
    const take = (rates: readonly (Rate | undefined)[]): boolean => {
      const over = this.#take(charges, rates, now);
      if (over !== undefined) refused(over);
      return over === undefined;
    };
    const rates = this.#store.settle((reader) =>
      charges.map((charge) => this.#quotas.rateOf(charge.quota, charge, reader)),
    );
    return rates instanceof Promise ? rates.then(take) : take(rates);
  }

  /** Takes from every bucket, or from none and tells the charge that is over. */
  #take(charges: readonly Charge[], rates: readonly (Rate | undefined)[], now: number): Charge | undefined {
    const taken: [Bucket, number][] = [];
    for (const [index, charge] of charges.entries()) {
      const rate = rates[index];
      if (rate === undefined) continue;
      const { count = 1 } = charge;
      const bucket = this.#bucketOf(charge, rate, now);
      if (bucket.count + count > rate.requests) return charge;
      taken.push([bucket, count]);
    }
    for (const [bucket, count] of taken) bucket.count += count;
    return undefined;
  }

  #bucketOf({ quota, account, region, subject }: Charge, { milliseconds }: Rate, now: number): Bucket {
    const owner = subject === undefined ? account : SEPARATOR + subject;
    const name = quota.code + SEPARATOR + region + SEPARATOR + owner;
    const found = this.#buckets.get(name);
    if (found !== undefined && now < found.until && now >= found.until - milliseconds) return found;
    const bucket = { until: now + milliseconds, count: 0 };
    this.#buckets.delete(name);
    if (this.#buckets.size >= this.#bucketsMax) this.#forgetOldest();
    this.#buckets.set(name, bucket);
    return bucket;
  }

  #forgetOldest(): void {
    const { value } = this.#buckets.keys().next();
    if (value !== undefined) this.#buckets.delete(value);
  }
}
