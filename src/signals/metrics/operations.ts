/** ListMetrics, GetMetricStatistics and GetMetricData. */

import type { Datapoint, MetricDataQuery, MetricDataResult, MetricStat, Statistic } from "@aws-sdk/client-cloudwatch";
import { UnsupportedOperationException, ValidationException } from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import {
  dimensionsIn,
  dimensionsOut,
  type Input,
  InvalidParameterCombinationException,
  InvalidParameterValueException,
  MissingRequiredParameterException,
  ownerOf,
  page,
  read,
} from "../cloudwatch-operation.ts";
import { dimensionsText, findMetric, NAMESPACE, unitOf } from "./catalog.ts";
import type { PeriodPoint } from "./reader.ts";
import type { Series } from "./recorder.ts";

/** Metrics of a page, data points of an answer, queries of a request (API reference). */
const METRICS_PER_PAGE = 500;
const STATISTICS_POINTS_MAX = 1_440;
const DATA_POINTS_MAX = 100_800;
const QUERIES_MAX = 500;
const RECENT_MS = 3 * 3_600_000;
const MINUTE_SECONDS = 60;
/** The periods below a minute that may be asked for; of points that come once a minute each has one or none. */
const SHORT_PERIODS: ReadonlySet<number> = new Set([1, 5, 10, 20, 30]);
const SECOND_MS = 1_000;
const ONCE = () => ["*"];

/** The metrics that have had data in the last two weeks. */
export const listMetrics = read("ListMetrics", {
  on: ONCE,
  async run(input, context) {
    const { Namespace = NAMESPACE, MetricName, Dimensions: filters = [], RecentlyActive, OwningAccount } = input;
    const { call, metrics } = context;
    const owner = ownerOf(call);
    await metrics.refresh();
    const isOwn = Namespace === NAMESPACE && (OwningAccount ?? owner.account) === owner.account;
    const found = isOwn ? await metrics.list(owner, RecentlyActive === undefined ? 0 : call.now - RECENT_MS) : [];
    const wanted = MetricName === undefined ? undefined : findMetric(NAMESPACE, MetricName);
    const all = found.filter(
      ({ metric, dimensions }) =>
        (MetricName === undefined || metric === wanted) &&
        filters.every(
          ({ Name = "", Value }) => Object.hasOwn(dimensions, Name) && (Value ?? dimensions[Name]) === dimensions[Name],
        ),
    );
    const { items, ...rest } = await page({ NextToken: input.NextToken, limit: METRICS_PER_PAGE }, context, {
      all,
      filter: JSON.stringify([MetricName, filters]),
      nameOf: ({ metric, dimensions }) => metric + dimensionsText(dimensions),
    });
    const Metrics = items.map(({ metric, dimensions }) => ({
      Namespace: NAMESPACE,
      MetricName: MetricName ?? metric,
      Dimensions: dimensionsOut(dimensions),
    }));
    return { Metrics, ...rest };
  },
});

/** The value of a period by a statistic. */
export function statisticOf({ samples, sum, minimum, maximum }: PeriodPoint, statistic: Statistic): number {
  switch (statistic) {
    case "SampleCount":
      return samples;
    case "Sum":
      return sum;
    case "Average":
      return sum / samples;
    case "Minimum":
      return minimum;
    case "Maximum":
      return maximum;
  }
}

const STATISTICS: ReadonlySet<string> = new Set<Statistic>(["SampleCount", "Average", "Sum", "Minimum", "Maximum"]);

/** Whether a text is one of the statistics that are kept: percentiles are not. */
export function isStatistic(text: string): text is Statistic {
  return STATISTICS.has(text);
}

function isPeriod(seconds: number): boolean {
  return seconds > 0 && (seconds % MINUTE_SECONDS === 0 || SHORT_PERIODS.has(seconds));
}

/** Periods begin at multiples of their length, as on AWS. */
function spanOf({ from, until, period }: { from: Date | undefined; until: Date | undefined; period: number }) {
  const periodMs = period * SECOND_MS;
  const start = Math.floor((from?.getTime() ?? 0) / periodMs) * periodMs;
  return { from: start, until: until?.getTime() ?? 0, periodMs };
}

/** The data points of one metric. */
export const getMetricStatistics = read("GetMetricStatistics", {
  on: ONCE,
  validate: requireStatistics,
  async run({ Namespace, MetricName, Dimensions, StartTime, EndTime, Period, Statistics = [], Unit }, context) {
    const { call, metrics } = context;
    const series = seriesOf(call, { Namespace, MetricName, Dimensions });
    if (series === undefined || (Unit ?? unitOf(series.metric)) !== unitOf(series.metric)) {
      return { Label: MetricName, Datapoints: [] };
    }
    await metrics.refresh();
    const points = await metrics.points(series, spanOf({ from: StartTime, until: EndTime, period: Period ?? 0 }));
    const Datapoints = points.map(
      (point): Datapoint => ({
        Timestamp: new Date(point.start),
        ...Object.fromEntries(Statistics.map((statistic) => [statistic, statisticOf(point, statistic)])),
        Unit: unitOf(series.metric),
      }),
    );
    return { Label: MetricName, Datapoints };
  },
});

interface Named {
  readonly Namespace?: string | undefined;
  readonly MetricName?: string | undefined;
  readonly Dimensions?: Input<"GetMetricStatistics">["Dimensions"] | undefined;
}

/** The series that a caller names, undefined where there is no such metric. */
export function seriesOf(call: Call, { Namespace = "", MetricName = "", Dimensions }: Named): Series | undefined {
  const metric = findMetric(Namespace, MetricName);
  return metric && { ...ownerOf(call), metric, dimensions: dimensionsIn(Dimensions) };
}

function requireStatistics(input: Input<"GetMetricStatistics">): void {
  const { StartTime, EndTime, Period = 0, Statistics, ExtendedStatistics } = input;
  if (Statistics === undefined && ExtendedStatistics === undefined) {
    throw new MissingRequiredParameterException("The parameter Statistics or ExtendedStatistics is required.");
  }
  if (ExtendedStatistics !== undefined) {
    throw new UnsupportedOperationException("Keystead does not support ExtendedStatistics: it keeps no percentiles.");
  }
  const spanMs = (EndTime?.getTime() ?? 0) - (StartTime?.getTime() ?? 0);
  if (spanMs <= 0) {
    throw new InvalidParameterCombinationException("The parameter StartTime must be less than the parameter EndTime.");
  }
  if (!isPeriod(Period)) {
    throw new InvalidParameterValueException("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
  }
  const points = Math.floor(spanMs / (Period * SECOND_MS));
  if (points > STATISTICS_POINTS_MAX) {
    throw new InvalidParameterCombinationException(
      `You have requested up to ${points} datapoints, which exceeds the limit of ${STATISTICS_POINTS_MAX}. You may reduce the datapoints requested by increasing Period, or decreasing the time range.`,
    );
  }
}

/** The data points of several metrics. */
export const getMetricData = read("GetMetricData", {
  on: ONCE,
  validate: requireQueries,
  async run({ MetricDataQueries = [], StartTime, EndTime, ScanBy }, context) {
    await context.metrics.refresh();
    const labelOf = labeller(MetricDataQueries);
    const MetricDataResults: MetricDataResult[] = [];
    for (const query of MetricDataQueries) {
      if (query.ReturnData === false) continue;
      const { Metric = {}, Period = MINUTE_SECONDS, Stat = "", Unit } = query.MetricStat ?? {};
      const series = seriesOf(context.call, Metric);
      const isUnit = series !== undefined && (Unit ?? unitOf(series.metric)) === unitOf(series.metric);
      const span = spanOf({ from: StartTime, until: EndTime, period: Period });
      const points = isUnit ? await context.metrics.points(series, span) : [];
      const ordered = ScanBy === "TimestampAscending" ? points : points.toReversed();
      MetricDataResults.push({
        Id: query.Id,
        Label: query.Label ?? labelOf(query),
        Timestamps: ordered.map(({ start }) => new Date(start)),
        Values: ordered.flatMap((point) => (isStatistic(Stat) ? [statisticOf(point, Stat)] : [])),
        StatusCode: "Complete",
      });
    }
    return { MetricDataResults, Messages: [] };
  },
});

/** A label names the metric; where all queries are of one, its statistic and period as well, so far as those differ. */
function labeller(queries: readonly MetricDataQuery[]): (query: MetricDataQuery) => string | undefined {
  const asked = queries.flatMap(({ MetricStat }) => MetricStat ?? []);
  const differ = (values: readonly unknown[]): boolean => new Set(values).size > 1;
  const isOne = !differ(asked.map(({ Metric }) => Metric?.MetricName));
  const showsStatistic = isOne && differ(asked.map(({ Stat }) => Stat));
  const showsPeriod = isOne && differ(asked.map(({ Period }) => Period));
  return ({ MetricStat: { Metric, Stat, Period } = {} as Partial<MetricStat> }) =>
    [Metric?.MetricName, ...(showsStatistic ? [Stat] : []), ...(showsPeriod ? [Period] : [])].join(" ");
}

/** In milliseconds. */
function wholeSeconds(time: Date | undefined): number {
  return Math.floor((time?.getTime() ?? 0) / SECOND_MS) * SECOND_MS;
}

/** The texts on times are those of public test suites and bug reports. */
function requireQueries({ MetricDataQueries = [], StartTime, EndTime }: Input<"GetMetricData">): void {
  const spanMs = wholeSeconds(EndTime) - wholeSeconds(StartTime);
  if (spanMs === 0) throw new ValidationException("The parameter StartTime must not equal parameter EndTime.");
  if (spanMs < 0) throw new ValidationException("The parameter EndTime must be greater than StartTime.");
  if (MetricDataQueries.length > QUERIES_MAX) {
    throw new ValidationException("The collection MetricDataQueries must not have a size greater than 500.");
  }
  const ids = new Set(MetricDataQueries.map(({ Id }) => Id));
  if (ids.size < MetricDataQueries.length) {
    throw new ValidationException("The values for parameter id in MetricDataQueries are not unique.");
  }
  let points = 0;
  for (const query of MetricDataQueries) points += spanMs / (requireQuery(query) * SECOND_MS);
  if (points > DATA_POINTS_MAX) {
    throw new ValidationException(
      "The request is for more than 100,800 data points: increase Period, or shorten the time.",
    );
  }
}

/** @returns its period in seconds */
function requireQuery({ Id, Expression, MetricStat, AccountId }: MetricDataQuery): number {
  if (!/^[a-z][A-Za-z0-9_]*$/.test(Id ?? "")) throw new ValidationException(`Invalid id: ${Id}.`);
  if (Expression !== undefined || AccountId !== undefined) {
    throw new UnsupportedOperationException("Keystead supports neither expressions nor metrics of other accounts yet.");
  }
  const { Period = 0, Stat = "" } = MetricStat ?? {};
  if (MetricStat === undefined) throw new ValidationException(`MetricStat or Expression must be given for ${Id}.`);
  if (!isPeriod(Period)) throw new ValidationException("Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
  if (!isStatistic(Stat)) {
    throw new UnsupportedOperationException(
      `Keystead does not support the statistic ${Stat}: it keeps no percentiles.`,
    );
  }
  return Period;
}
