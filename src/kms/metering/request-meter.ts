/** Requests of KMS by who is charged for them: counted in memory, written behind. */

import { Flusher } from "../../base/flusher.ts";
import type { Performed } from "../../pipeline/operation.ts";
import { addRequests } from "../../storage/meter.ts";
import type { RequestCountRow } from "../../storage/meter-schema.ts";
import type { Store } from "../../storage/store.ts";
import { Key } from "../resources.ts";
import { type Month, monthOf } from "./month.ts";
import { isAsymmetric, keyOperations, pairOperations } from "./tariff.ts";

/** How old a count may become before it is written: what a crash can lose. */
const FLUSH_MS = 60_000;

/** So many counts go in one transaction, so that other writers get their turn. */
const COUNTS_PER_STEP = 500;

type Count = { -readonly [Column in keyof RequestCountRow]: RequestCountRow[Column] };
type ByText<Value> = Map<string, Value>;

export interface RequestMeterOptions {
  readonly store: Pick<Store, "transaction">;
  /** Is told when counts could not be written; they are tried again. */
  readonly onError: (cause: unknown) => void;
}

/**
 * The caller's account is charged, whoever has the key, and whichever service called for it (AWS KMS pricing). What a request costs
 * is four look-ups and an addition: there is a count for each account, Region, operation and spec, however many keys there are.
 */
export class RequestMeter {
  readonly #options: RequestMeterOptions;
  readonly #flusher = new Flusher(FLUSH_MS, () => this.#write());
  #month: Month = monthOf(0);
  /** By account, Region, operation and spec: the counts of this month that are not written yet. */
  #counts: ByText<ByText<ByText<ByText<Count>>>> = new Map();
  /** Those, and the ones of other months. */
  #pending: Count[] = [];

  constructor(options: RequestMeterOptions) {
    this.#options = options;
  }

  /** Counts a request. */
  note({ operation: { name }, input, call, known }: Performed): void {
    const { now, region } = call;
    if (now < this.#month.from || now >= this.#month.until) this.#turnTo(now);
    const { account } = call.principal;
    const spec = specOf(name, input, known);
    const count = this.#counts.get(account)?.get(region)?.get(name)?.get(spec);
    if (count !== undefined) count.requests += 1;
    else this.#keep({ month: this.#month.name, account, region, operation: name, spec, requests: 1 });
  }

  /** Writes what was counted before the call. Never rejects: what could not be written stays for the next flush. */
  flush(): Promise<void> {
    return this.#flusher.flush();
  }

  /** Writes what there is; call it after the last request. */
  close(): Promise<void> {
    return this.#flusher.close();
  }

  /** Adds a count to what is to be written. */
  #keep(count: Count): void {
    const { month, account, region, operation, spec } = count;
    if (month !== this.#month.name) {
      this.#pending.push(count);
      return;
    }
    const ofAccount = this.#counts.getOrInsertComputed(account, () => new Map());
    const ofOperation = ofAccount
      .getOrInsertComputed(region, () => new Map())
      .getOrInsertComputed(operation, () => new Map());
    const known = ofOperation.get(spec);
    if (known !== undefined) known.requests += count.requests;
    else {
      ofOperation.set(spec, count);
      this.#pending.push(count);
    }
  }

  #turnTo(now: number): void {
    this.#month = monthOf(now);
    this.#counts = new Map();
  }

  async #write(): Promise<void> {
    const { store, onError } = this.#options;
    const writing = this.#pending;
    this.#pending = [];
    this.#counts = new Map();
    let written = 0;
    try {
      for (; written < writing.length; written += COUNTS_PER_STEP) {
        const step = writing.slice(written, written + COUNTS_PER_STEP);
        await store.transaction(async (tx) => {
          for (const count of step) await addRequests(tx, count);
        });
      }
    } catch (cause) {
      for (const count of writing.slice(written)) this.#keep(count);
      onError(cause);
    }
  }
}

/** What the price depends on beside the operation. Of two keys (ReEncrypt) the one that is a pair counts, first the destination. */
function specOf(operation: string, input: Performed["input"], known: Performed["known"]): string {
  if (keyOperations.has(operation)) {
    const { key = known["destination"] } = known;
    const { source } = known;
    const spec = key instanceof Key ? key.row.spec : "";
    return source instanceof Key && !isAsymmetric(spec) ? source.row.spec : spec;
  }
  return pairOperations.has(operation) ? String(input["KeyPairSpec"]) : "";
}
