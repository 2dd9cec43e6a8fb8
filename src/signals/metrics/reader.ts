/** Reads data points: those that were recorded, and those that follow from rows and time. */

import type { Kysely } from "kysely";
import type { Clock } from "../../base/clock.ts";
import { listSeries, type MetricOwner, type MinutePoint, readPoints } from "../../storage/metrics.ts";
import type { Schema } from "../../storage/schema.ts";
import type { Store } from "../../storage/store.ts";
import { type Dimensions, dimensionsOf, dimensionsText, findMetric, type MetricName, NAMESPACE } from "./catalog.ts";
import { isMeant, type MetricsQuery } from "./query.ts";
import { type MetricRecorder, RETENTION_MS, type Series } from "./recorder.ts";

/** A value that is known for every moment between two, without having been recorded. */
export interface Gauge {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
  valueAt(time: number): number;
}

/** What gives the gauges of one metric; whoever has the rows supplies it. */
export interface GaugeSource {
  readonly metric: MetricName;
  list(db: Kysely<Schema>, owner: MetricOwner): Promise<readonly Dimensions[]>;
  find(db: Kysely<Schema>, owner: MetricOwner, dimensions: Dimensions): Promise<Gauge | undefined>;
}

/** What was measured in one period. */
export interface PeriodPoint extends Omit<MinutePoint, "minute"> {
  /** When the period begins, in ms since the epoch. */
  readonly start: number;
}

/** Which points; milliseconds since the epoch. */
export interface Span {
  readonly from: number;
  readonly until: number;
  /** The first period begins at `from`. Of periods shorter than a minute only those have a point in which a minute begins. */
  readonly periodMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Series that a query takes together; those of CloudWatch take 10,000. */
const QUERIED_MAX = 1_000;

export interface MetricReaderOptions {
  readonly store: Pick<Store, "db">;
  readonly clock: Clock;
  readonly recorder: MetricRecorder;
  readonly gauges: readonly GaugeSource[];
}

export class MetricReader {
  readonly #options: MetricReaderOptions;

  constructor(options: MetricReaderOptions) {
    this.#options = options;
  }

  /** Makes what this process has counted readable. */
  async refresh(): Promise<void> {
    await this.#options.recorder.flush();
  }

  /** The periods of a series that have points, in their order. Nothing is older than the retention, or of the future. */
  async points(series: Series, { from, until, periodMs }: Span): Promise<readonly PeriodPoint[]> {
    const now = this.#options.clock.now();
    const first = Math.ceil(Math.max(from, now - RETENTION_MS) / MINUTE_MS);
    const end = Math.ceil(Math.min(until, now + 1) / MINUTE_MS);
    if (first >= end) return [];
    const minutes = await this.#minutes(series, first, end);
    const points = minutes.map(({ minute, ...point }) => {
      const start = from + Math.floor((minute * MINUTE_MS - from) / periodMs) * periodMs;
      return { start, ...point };
    });
    return together(points);
  }

  /** The same of all series of an owner that a query means, taken together. */
  async queried(query: MetricsQuery, owner: MetricOwner, span: Span): Promise<readonly PeriodPoint[]> {
    const { account, region } = owner;
    const series = (await this.list({ account, region }, span.from)).filter((each) => isMeant(query, each));
    const points: PeriodPoint[] = [];
    for (const each of series.slice(0, QUERIED_MAX)) points.push(...(await this.points(each, span)));
    return together(points).toSorted((left, right) => left.start - right.start);
  }

  async #minutes(series: Series, from: number, until: number): Promise<readonly MinutePoint[]> {
    const { db } = this.#options.store;
    const source = this.#options.gauges.find(({ metric }) => metric === series.metric);
    if (source === undefined) {
      return await readPoints(db, { ...series, dimensions: dimensionsText(series.dimensions) }, { from, until });
    }
    const gauge = await source.find(db, series, series.dimensions);
    return gauge === undefined ? [] : minutesOf(gauge, from, until);
  }

  /** The series of an owner that have had points lately. */
  async list(owner: MetricOwner, sinceMs: number): Promise<readonly Series[]> {
    const { db } = this.#options.store;
    const since = Math.max(sinceMs, this.#options.clock.now() - RETENTION_MS);
    const recorded = (await listSeries(db, owner, Math.floor(since / HOUR_MS))).flatMap(({ metric, dimensions }) => {
      const name = findMetric(NAMESPACE, metric);
      return name === undefined ? [] : [{ ...owner, metric: name, dimensions: dimensionsOf(name, dimensions) }];
    });
    const gauges = await Promise.all(
      this.#options.gauges.map(async ({ metric, list }) =>
        (await list(db, owner)).map((dimensions) => ({ ...owner, metric, dimensions })),
      ),
    );
    return [...gauges.flat(), ...recorded];
  }
}

/** Points of one period made into one, in the order in which periods come up. */
function together(points: readonly PeriodPoint[]): readonly PeriodPoint[] {
  const periods = new Map<number, PeriodPoint>();
  for (const { start, samples, sum, minimum, maximum } of points) {
    const known = periods.get(start);
    periods.set(start, {
      start,
      samples: samples + (known?.samples ?? 0),
      sum: sum + (known?.sum ?? 0),
      minimum: Math.min(minimum, known?.minimum ?? Infinity),
      maximum: Math.max(maximum, known?.maximum ?? -Infinity),
    });
  }
  return [...periods.values()];
}

function minutesOf({ from: begin, until: end, valueAt }: Gauge, from: number, until: number): MinutePoint[] {
  const first = Math.max(from, Math.ceil(begin / MINUTE_MS));
  const points: MinutePoint[] = [];
  for (let minute = first; minute < until && minute * MINUTE_MS < end; minute += 1) {
    const value = valueAt(minute * MINUTE_MS);
    points.push({ minute, samples: 1, sum: value, minimum: value, maximum: value });
  }
  return points;
}
