/** The graphs of an external key store: which data they are made of, and how (KMS guide, Monitoring an external key store). */

import type { Metric, MetricDataQuery, MetricDataResult, Statistic } from "@aws-sdk/client-cloudwatch";

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** The time ranges to choose from, in hours. */
export const RANGES = [
  { id: "1h", hours: 1 },
  { id: "3h", hours: 3 },
  { id: "12h", hours: 12 },
  { id: "1d", hours: DAY_HOURS },
  { id: "3d", hours: 3 * DAY_HOURS },
  { id: "1w", hours: 7 * DAY_HOURS },
] as const;

/** The periods over which data points are put together, in seconds. */
export const PERIODS = [
  { label: "1 minute", seconds: 60 },
  { label: "5 minutes", seconds: 300 },
  { label: "15 minutes", seconds: 900 },
  { label: "1 hour", seconds: 3_600 },
  { label: "6 hours", seconds: 21_600 },
] as const;

export const DEFAULT_RANGE_HOURS = 3;
export const DEFAULT_PERIOD_SECONDS = 300;

/** What is looked at. */
export interface Span {
  readonly from: Date;
  readonly until: Date;
  readonly periodSeconds: number;
}

/** The hours before a moment, from a whole period on. */
export function spanBefore(until: Date, hours: number, periodSeconds: number): Span {
  const periodMs = periodSeconds * 1_000;
  const from = new Date(Math.floor((until.getTime() - hours * HOUR_MS) / periodMs) * periodMs);
  return { from, until, periodSeconds };
}

/** What of each metric makes a graph. */
const STATISTICS: Readonly<Record<string, Statistic>> = {
  XksProxyErrors: "Sum",
  XksProxyLatency: "Average",
  XksProxyCertificateDaysToExpire: "Minimum",
};

/** Data points of a request (API reference, GetMetricData). */
const POINTS_MAX = 100_800;
const QUERIES_MAX = 500;

/** A series of a metric with its data points. */
export interface XksSeries {
  readonly metric: Metric;
  readonly points: readonly { readonly time: Date; readonly value: number }[];
}

/** Asks for the series that make graphs, in as many requests as it takes. */
export function queriesOf(
  metrics: readonly Metric[],
  { from, until, periodSeconds }: Span,
): readonly MetricDataQuery[][] {
  const queries = metrics.map(
    (Metric, index): MetricDataQuery => ({
      Id: `m${index}`,
      MetricStat: { Metric, Period: periodSeconds, Stat: STATISTICS[Metric.MetricName ?? ""] ?? "Sum" },
    }),
  );
  const points = Math.ceil((until.getTime() - from.getTime()) / (periodSeconds * 1_000));
  const size = Math.max(1, Math.min(QUERIES_MAX, Math.floor(POINTS_MAX / points)));
  return Array.from({ length: Math.ceil(queries.length / size) }, (_batch, index) =>
    queries.slice(index * size, (index + 1) * size),
  );
}

/** Whether a metric makes one of the graphs. */
export function isShown({ MetricName = "" }: Metric): boolean {
  return MetricName in STATISTICS;
}

/** The series that results belong to, by the ids of their queries. */
export function seriesOf(metrics: readonly Metric[], results: readonly MetricDataResult[]): readonly XksSeries[] {
  return results.flatMap(({ Id = "", Timestamps = [], Values = [] }) => {
    const metric = metrics[Number(Id.slice(1))];
    const points = Timestamps.map((time, index) => ({ time, value: Values[index] ?? 0 }));
    return metric === undefined || points.length === 0 ? [] : [{ metric, points }];
  });
}

export interface Line {
  readonly title: string;
  /** In the order of time. */
  readonly data: readonly { readonly x: Date; readonly y: number }[];
}

export interface Graph {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
}

const RETRYABLE = /^retryable/i;
const EXCEPTIONS = 5;

/** The five graphs. */
export function graphsOf(series: readonly XksSeries[], storeId: string): readonly Graph[] {
  const named = (name: string) => series.filter(({ metric }) => metric.MetricName === name);
  const requests = named("XksProxyErrors");
  const totals = sums(requests);
  const retryable = sums(requests.filter(({ metric }) => RETRYABLE.test(dimension(metric, "ErrorType"))));
  const reliability = [...totals].map(([at, total]) => [at, 100 * (1 - (retryable.get(at) ?? 0) / total)] as const);
  const failed = requests.filter(({ metric }) => !["", "None"].includes(dimension(metric, "ExceptionName")));
  return [
    { title: "Total requests", unit: "Count", lines: lineOf(storeId, totals) },
    { title: "Reliability", unit: "Percent", lines: lineOf(storeId, reliability) },
    { title: "Latency", unit: "Milliseconds", lines: latencies(named("XksProxyLatency")) },
    { title: "Top 5 exceptions", unit: "Count", lines: grouped(failed, "ExceptionName").slice(0, EXCEPTIONS) },
    {
      title: "Certificate days to expire",
      unit: "Days",
      lines: named("XksProxyCertificateDaysToExpire").flatMap(({ metric, points }) =>
        lineOf(
          dimension(metric, "CertificateName"),
          points.map(({ time, value }) => [time.getTime(), value]),
        ),
      ),
    },
  ];
}

function dimension({ Dimensions = [] }: Metric, name: string): string {
  return Dimensions.find(({ Name }) => Name === name)?.Value ?? "";
}

/** The values of several series together, by their times. */
function sums(series: readonly XksSeries[]): ReadonlyMap<number, number> {
  const byTime = new Map<number, number>();
  for (const { time, value } of series.flatMap(({ points }) => points)) {
    byTime.set(time.getTime(), (byTime.get(time.getTime()) ?? 0) + value);
  }
  return byTime;
}

function lineOf(title: string, values: Iterable<readonly [number, number]>): readonly Line[] {
  const data = [...values].sort(([left], [right]) => left - right).map(([at, y]) => ({ x: new Date(at), y }));
  return data.length === 0 ? [] : [{ title, data }];
}

/** A line for each value of a dimension, that with most first. */
function grouped(series: readonly XksSeries[], name: string): readonly Line[] {
  const values = [...new Set(series.map(({ metric }) => dimension(metric, name)))];
  const total = ({ data }: Line): number => data.reduce((sum, { y }) => sum + y, 0);
  return values
    .flatMap((value) => lineOf(value, sums(series.filter(({ metric }) => dimension(metric, name) === value))))
    .sort((left, right) => total(right) - total(left));
}

/** A line for each pair of operations, the slowest first. */
function latencies(series: readonly XksSeries[]): readonly Line[] {
  const mean = ({ data }: Line): number => data.reduce((sum, { y }) => sum + y, 0) / data.length;
  return series
    .flatMap(({ metric, points }) =>
      lineOf(
        `${dimension(metric, "KmsOperation")}, ${dimension(metric, "XksOperation")}`,
        points.map(({ time, value }) => [time.getTime(), value]),
      ),
    )
    .sort((left, right) => mean(right) - mean(left));
}
