/** What an alarm watches: the input of PutMetricAlarm as far as it is served, and how it is shown again. */

import type { MetricAlarm, MetricDataQuery, Statistic } from "@aws-sdk/client-cloudwatch";
import { UnsupportedOperationException, ValidationException } from "../../base/errors.ts";
import type { MetricAlarmRow } from "../../storage/signal-schema.ts";
import { alarmArn, dimensionsIn, type Input } from "../cloudwatch-operation.ts";
import { findMetric, unitOf } from "../metrics/catalog.ts";
import { isStatistic } from "../metrics/operations.ts";
import { type MetricsQuery, parseQuery } from "../metrics/query.ts";
import type { Series } from "../metrics/recorder.ts";
import { type Condition, isServed } from "./decide.ts";

/** What every alarm says, whatever it watches. */
type Common = Omit<
  Input<"PutMetricAlarm">,
  "Tags" | "MetricName" | "Namespace" | "Dimensions" | "Unit" | "Statistic" | "Period" | "Metrics"
> &
  Condition & { readonly AlarmName: string };

/** One metric. */
interface OnMetric {
  readonly MetricName: string;
  readonly Namespace: string;
  readonly Dimensions?: Input<"PutMetricAlarm">["Dimensions"] | undefined;
  readonly Unit?: Input<"PutMetricAlarm">["Unit"] | undefined;
  readonly Statistic: Statistic;
  /** Seconds. */
  readonly Period: number;
  readonly Metrics?: undefined;
}

/** What a query of Metrics Insights comes to. */
interface OnQuery {
  readonly Metrics: [MetricDataQuery & { readonly Id: string; readonly Expression: string; readonly Period: number }];
}

/** An alarm as its row has it. */
export type AlarmDefinition = Common & (OnMetric | OnQuery);

/** Where an alarm has its values from: a series, which is undefined where no such metric can have data, or a query. */
export type Watch = { readonly statistic: Statistic; readonly periodSeconds: number } & (
  | { readonly kind: "series"; readonly series: Series | undefined }
  | { readonly kind: "query"; readonly query: MetricsQuery }
);

const MINUTE_SECONDS = 60;
const SHORT_PERIODS: readonly number[] = [10, 20, 30];
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
const WEEK_SECONDS = 604_800;
const QUERY_ID = /^[a-z][A-Za-z0-9_]*$/;
/** Members whose values the model leaves open. */
const OPTIONS = {
  TreatMissingData: ["breaching", "notBreaching", "ignore", "missing"],
  EvaluateLowSampleCountPercentile: ["evaluate", "ignore"],
} as const;

/**
 * @throws ValidationException the alarm contradicts itself
 * @throws UnsupportedOperationException it watches in a way that is not served
 */
export function definitionOf({ Tags, ...input }: Input<"PutMetricAlarm">): AlarmDefinition {
  requireServed(input, Tags);
  const { MetricName, Namespace, Dimensions, Unit, Statistic, Period, Metrics, ...others } = input;
  const onMetric = { MetricName, Namespace, Dimensions, Unit, Statistic, Period };
  const watched = Metrics === undefined ? metricOf(onMetric) : queryOf(Metrics, onMetric);
  const { EvaluationPeriods, Threshold, ComparisonOperator = "" } = others;
  if (Threshold === undefined || EvaluationPeriods === undefined || !isServed(ComparisonOperator)) {
    throw new ValidationException("Threshold, EvaluationPeriods and ComparisonOperator must be given for an alarm.");
  }
  const common = { ...others, EvaluationPeriods, Threshold, ComparisonOperator, AlarmName: others.AlarmName ?? "" };
  const definition = { ...common, ...watched };
  requireConsistent(definition);
  return definition;
}

/** What a request says of one metric. */
type Unchecked = { readonly [Member in Exclude<keyof OnMetric, "Metrics">]?: OnMetric[Member] | undefined };

function metricOf({ MetricName, Namespace, Dimensions, Unit, Statistic, Period }: Unchecked): OnMetric {
  const isStated = MetricName !== undefined && Namespace !== undefined && Period !== undefined;
  if (!isStated || Statistic === undefined || !isStatistic(Statistic)) {
    throw new ValidationException(
      "MetricName, Namespace, Period and Statistic must be given for an alarm on a metric.",
    );
  }
  return { MetricName, Namespace, Dimensions, Unit, Statistic, Period };
}

/** The one query of an alarm, whose period is the alarm's. */
function queryOf([query = {}, ...more]: readonly Partial<MetricDataQuery>[], onMetric: Unchecked): OnQuery {
  const other = Object.entries(onMetric).find(([, value]) => value !== undefined)?.[0];
  if (other !== undefined) throw new ValidationException(`${other} must not be given for an alarm on Metrics.`);
  const { Id = "", Expression = "", Period, ReturnData = true } = query;
  if (more.length > 0 || !/^\s*select\b/i.test(Expression)) {
    throw new UnsupportedOperationException(
      "Keystead supports one query (SELECT) in Metrics of alarms, and no more yet.",
    );
  }
  if (!QUERY_ID.test(Id)) throw new ValidationException(`Invalid id: ${Id}.`);
  if (Period === undefined) throw new ValidationException(`Period must be given for ${Id}.`);
  if (!ReturnData) throw new ValidationException("One of Metrics must return data.");
  parseQuery(Expression);
  return { Metrics: [{ ...query, Id, Expression, Period, ReturnData }] };
}

function requireServed(input: Omit<Input<"PutMetricAlarm">, "Tags">, tags: Input<"PutMetricAlarm">["Tags"]): void {
  const { ExtendedStatistic, ThresholdMetricId, EvaluationCriteria, EvaluationInterval } = input;
  const others = { ExtendedStatistic, ThresholdMetricId, EvaluationCriteria, EvaluationInterval };
  const other = Object.entries(others).find(([, value]) => value !== undefined)?.[0];
  if (other !== undefined) throw new UnsupportedOperationException(`Keystead does not support ${other} of alarms yet.`);
  if ((tags ?? []).length > 0) throw new UnsupportedOperationException("Keystead does not support Tags of alarms yet.");
  const { ComparisonOperator = "" } = input;
  if (/Upper|Lower/.test(ComparisonOperator)) {
    throw new UnsupportedOperationException(`Keystead does not support ${ComparisonOperator} yet.`);
  }
}

/** The texts are those that users of AWS quote, but for that of the period. */
function requireConsistent(alarm: AlarmDefinition): void {
  const { EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods } = alarm;
  const Period = periodOf(alarm);
  if (Period % MINUTE_SECONDS !== 0 && !SHORT_PERIODS.includes(Period)) {
    throw new ValidationException("The value of Period must be 10, 20, 30 or a multiple of 60.");
  }
  const [limit, span, which] =
    Period < HOUR_SECONDS ? [DAY_SECONDS, "a day", "< 3600"] : [WEEK_SECONDS, "a week", ">= 3600"];
  if (Period * EvaluationPeriods > limit) {
    throw new ValidationException(
      `Metrics cannot be checked across more than ${span} (EvaluationPeriods * Period must be <= ${limit}) for alarms using period ${which}`,
    );
  }
  if (DatapointsToAlarm > EvaluationPeriods) {
    throw new ValidationException("DatapointsToAlarm must be less than or equal to EvaluationPeriods");
  }
  requireOption("TreatMissingData", alarm.TreatMissingData);
  requireOption("EvaluateLowSampleCountPercentile", alarm.EvaluateLowSampleCountPercentile);
}

function requireOption(name: keyof typeof OPTIONS, value: string | undefined): void {
  const options: readonly string[] = OPTIONS[name];
  if (value === undefined || options.includes(value)) return;
  const supported = `${options.slice(0, -1).join(", ")} and ${options.at(-1)}`;
  throw new ValidationException(
    `Option ${value} is not supported. Supported options for parameter ${name} are ${supported}.`,
  );
}

/** The definition in a row. */
export function parsedDefinition({ definition }: Pick<MetricAlarmRow, "definition">): AlarmDefinition {
  return JSON.parse(definition) as AlarmDefinition;
}

/** Seconds. */
export function periodOf(alarm: AlarmDefinition): number {
  return alarm.Metrics === undefined ? alarm.Period : alarm.Metrics[0].Period;
}

/** Where the alarm of a row has its values from. */
export function watchOf({ account, region }: MetricAlarmRow, alarm: AlarmDefinition): Watch {
  const periodSeconds = periodOf(alarm);
  if (alarm.Metrics !== undefined) {
    const query = parseQuery(alarm.Metrics[0].Expression);
    return { kind: "query", periodSeconds, statistic: query.statistic, query };
  }
  const { Namespace, MetricName, Dimensions, Unit, Statistic: statistic } = alarm;
  const metric = findMetric(Namespace, MetricName);
  const isKnown = metric !== undefined && (Unit ?? unitOf(metric)) === unitOf(metric);
  const series = isKnown ? { account, region, metric, dimensions: dimensionsIn(Dimensions) } : undefined;
  return { kind: "series", periodSeconds, statistic, series };
}

/** An alarm as DescribeAlarms shows it. */
export function shownAlarm(row: MetricAlarmRow): MetricAlarm {
  return {
    ActionsEnabled: true,
    OKActions: [],
    AlarmActions: [],
    InsufficientDataActions: [],
    Dimensions: [],
    ...parsedDefinition(row),
    AlarmArn: alarmArn(row, row.name),
    AlarmConfigurationUpdatedTimestamp: new Date(row.configured_at),
    StateValue: row.state,
    StateReason: row.reason,
    ...(row.reason_data !== null && { StateReasonData: row.reason_data }),
    StateUpdatedTimestamp: new Date(row.updated_at),
    StateTransitionedTimestamp: new Date(row.changed_at),
  };
}
