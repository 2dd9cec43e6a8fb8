/** What happens, counted in memory by series and minute, and written behind. */

import type { Clock } from "../../base/clock.ts";
import { Flusher } from "../../base/flusher.ts";
import {
  addPoints,
  joined,
  type MetricOwner,
  type MinutePoint,
  prunePoints,
  type SeriesName,
} from "../../storage/metrics.ts";
import type { Store } from "../../storage/store.ts";
import { type Dimensions, dimensionsText, type MetricName } from "./catalog.ts";

/** A metric of an owner. */
export interface Series extends MetricOwner {
  readonly metric: MetricName;
  readonly dimensions: Dimensions;
}

/** So many equal values. */
export interface Measured {
  readonly value: number;
  readonly samples?: number;
  /** Milliseconds since the epoch. */
  readonly at?: number;
}

/** How long a point may wait in memory: what a crash can lose. */
const FLUSH_MS = 20_000;
/** Series that have points to be written; those of more are dropped and counted. */
const SERIES_MAX = 1_000;
/** So many series go in one transaction, so that other writers get their turn. */
const SERIES_PER_STEP = 100;
/** How long points are kept (KMS guide, Monitoring with CloudWatch: two weeks). */
export const RETENTION_MS = 14 * 86_400_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const MINUTES_PER_HOUR = 60;

/** The points of one series that are not written yet. */
interface Pending {
  readonly series: SeriesName;
  readonly points: Map<number, MinutePoint>;
}

export interface MetricRecorderOptions {
  readonly store: Pick<Store, "transaction">;
  readonly clock: Clock;
  /** Is told when points could not be written; they are tried again. */
  readonly onError: (cause: unknown) => void;
}

/** Where other rooms tell what CloudWatch shows. */
export class MetricRecorder {
  readonly #options: MetricRecorderOptions;
  readonly #flusher = new Flusher(FLUSH_MS, () => this.#write());
  #pending = new Map<string, Pending>();
  readonly #hands: (() => void)[] = [];
  #dropped = 0;
  #prunedHour = 0;

  constructor(options: MetricRecorderOptions) {
    this.#options = options;
  }

  /** Points that were dropped, since too many series had some. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Is asked to hand over what was counted elsewhere, before each flush. */
  beforeFlush(hand: () => void): void {
    this.#hands.push(hand);
  }

  /** Adds values to the minute of a series in which they were measured: now, and one of them, if nothing else is said. */
  record({ account, region, metric, dimensions }: Series, { value, samples = 1, at }: Measured): void {
    const text = dimensionsText(dimensions);
    const minute = Math.floor((at ?? this.#options.clock.now()) / MINUTE_MS);
    const point = { minute, samples, sum: value * samples, minimum: value, maximum: value };
    this.#add({ account, region, metric, dimensions: text }, point);
  }

  #add(series: SeriesName, point: MinutePoint): void {
    const key = JSON.stringify([series.account, series.region, series.metric, series.dimensions]);
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      if (this.#pending.size >= SERIES_MAX) {
        this.#dropped += 1;
        return;
      }
      pending = { series, points: new Map() };
      this.#pending.set(key, pending);
    }
    pending.points.set(point.minute, joined(pending.points.get(point.minute), point));
  }

  /** Writes what was told before the call. Never rejects: what could not be written stays for the next flush. */
  flush(): Promise<void> {
    return this.#flusher.flush();
  }

  /** Writes what there is; call it after the last request. */
  close(): Promise<void> {
    return this.#flusher.close();
  }

  async #write(): Promise<void> {
    for (const hand of this.#hands) hand();
    const writing = [...this.#pending.values()];
    this.#pending = new Map();
    let written = 0;
    try {
      await this.#prune();
      for (; written < writing.length; written += SERIES_PER_STEP) {
        const step = writing.slice(written, written + SERIES_PER_STEP);
        await this.#options.store.transaction(async (tx) => {
          for (const { series, points } of step) {
            const hours = Map.groupBy(points.values(), ({ minute }) => Math.floor(minute / MINUTES_PER_HOUR));
            for (const [hour, ofHour] of hours) await addPoints(tx, series, hour, ofHour);
          }
        });
      }
    } catch (cause) {
      for (const { series, points } of writing.slice(written)) {
        for (const point of points.values()) this.#add(series, point);
      }
      this.#options.onError(cause);
    }
  }

  async #prune(): Promise<void> {
    const now = this.#options.clock.now();
    const hour = Math.floor(now / HOUR_MS);
    if (hour === this.#prunedHour) return;
    await this.#options.store.transaction((tx) => prunePoints(tx, Math.floor((now - RETENTION_MS) / HOUR_MS)));
    this.#prunedHour = hour;
  }
}
