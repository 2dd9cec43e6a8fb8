/** The metrics of KMS that rows and records tell: when imported material expires, and what keys are used for. */

import { asArn } from "../base/arn.ts";
import type { Entry } from "../pipeline/operation.ts";
import type { Gauge, GaugeSource } from "../signals/metrics/reader.ts";
import type { MetricRecorder } from "../signals/metrics/recorder.ts";
import { type ExpiringKey, findExpiringKey, listExpiringKeys } from "../storage/metrics.ts";
import { TRACKED } from "./last-usage.ts";

/** Keys that ListMetrics tells of. */
const LISTED_MAX = 10_000;

/** SecondsUntilKeyMaterialExpiration: of keys whose imported material expires, and of no others. */
export const expiryGauges: GaugeSource = {
  metric: "SecondsUntilKeyMaterialExpiration",
  async list(db, owner) {
    return (await listExpiringKeys(db, owner, LISTED_MAX)).map(({ keyId }) => ({ KeyId: keyId }));
  },
  async find(db, owner, { KeyId = "", ...others }) {
    if (Object.keys(others).length > 0) return undefined;
    const key = await findExpiringKey(db, owner, KeyId);
    return key && gaugeOf(key);
  },
};

function gaugeOf({ validTo, since }: ExpiringKey): Gauge {
  return { from: since, until: validTo, valueAt: (time) => (validTo - time) / 1000 };
}

/** How often one key, or one pair of them, was used. */
interface Uses {
  readonly arns: readonly string[];
  readonly account: string;
  count: number;
}

/** Keys of each operation that are counted apart in one minute; further ones are not counted. */
const KEYS_MAX = 1_000;
const MINUTE_MS = 60_000;

/** SuccessfulRequest: uses that succeeded, by key and operation. What a request costs is two look-ups and an addition. */
export class UseMetrics {
  readonly #recorder: Pick<MetricRecorder, "record">;
  readonly #operations: ReadonlyMap<string, Map<string, Uses>> = new Map([...TRACKED].map((name) => [name, new Map()]));
  #minute = 0;

  constructor(recorder: Pick<MetricRecorder, "record" | "beforeFlush">) {
    this.#recorder = recorder;
    recorder.beforeFlush(() => this.#hand());
  }

  /** Counts a use whose record is written. */
  note({ call, error, resources }: Entry): void {
    const uses = error === undefined && call.service === "kms" ? this.#operations.get(call.operation) : undefined;
    if (uses === undefined || resources === undefined) return;
    const minute = Math.floor(call.now / MINUTE_MS);
    if (minute !== this.#minute) this.#hand();
    this.#minute = minute;
    const [first, second] = resources;
    if (first === undefined) return;
    const key = second === undefined ? first.arn : `${first.arn} ${second.arn}`;
    const known = uses.get(key);
    if (known !== undefined) known.count += 1;
    else if (uses.size < KEYS_MAX) {
      uses.set(key, { arns: resources.map(({ arn }) => arn), account: first.account, count: 1 });
    }
  }

  #hand(): void {
    const at = this.#minute * MINUTE_MS;
    for (const [Operation, uses] of this.#operations) {
      for (const { arns, account, count } of uses.values()) {
        const [first = "", second] = arns;
        const dimensions =
          second === undefined
            ? { KeyArn: first, Operation }
            : { SourceKeyArn: first, DestinationKeyArn: second, Operation };
        const region = asArn(first)?.region ?? "";
        this.#recorder.record(
          { account, region, metric: "SuccessfulRequest", dimensions },
          { value: 1, samples: count, at },
        );
      }
      uses.clear();
    }
  }
}
