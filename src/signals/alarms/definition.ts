/** What an alarm watches: the input of PutMetricAlarm as far as it is served, and how it is shown again. */

import type { MetricAlarm, Statistic } from "@aws-sdk/client-cloudwatch";
import { UnsupportedOperationException, ValidationException } from "../../base/errors.ts";
import type { MetricAlarmRow } from "../../storage/signal-schema.ts";
import { alarmArn, dimensionsIn, type Input } from "../cloudwatch-operation.ts";
import { findMetric, unitOf } from "../metrics/catalog.ts";
import { isStatistic } from "../metrics/operations.ts";
import type { Series } from "../metrics/recorder.ts";
import { type Condition, isServed } from "./decide.ts";

/** An alarm as its row has it. */
export type AlarmDefinition = Omit<Input<"PutMetricAlarm">, "Tags"> &
  Condition & {
    readonly AlarmName: string;
    readonly MetricName: string;
    readonly Namespace: string;
    readonly Statistic: Statistic;
    /** Seconds. */
    readonly Period: number;
  };

const MINUTE_SECONDS = 60;
const SHORT_PERIODS: readonly number[] = [10, 20, 30];
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
const WEEK_SECONDS = 604_800;
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
  const {
    MetricName,
    Namespace,
    Statistic = "",
    Period,
    EvaluationPeriods,
    Threshold,
    ComparisonOperator = "",
  } = input;
  if (MetricName === undefined || Namespace === undefined || Period === undefined || Threshold === undefined) {
    throw new ValidationException(
      "MetricName, Namespace, Period and Threshold must be given for an alarm on a metric.",
    );
  }
  if (EvaluationPeriods === undefined || !isServed(ComparisonOperator) || !isStatistic(Statistic)) {
    throw new ValidationException(
      "EvaluationPeriods, ComparisonOperator and Statistic must be given for an alarm on a metric.",
    );
  }
  const definition = {
    ...input,
    MetricName,
    Namespace,
    Statistic,
    Period,
    EvaluationPeriods,
    Threshold,
    ComparisonOperator,
  };
  requireConsistent(definition);
  return { ...definition, AlarmName: input.AlarmName ?? "" };
}

function requireServed(input: Omit<Input<"PutMetricAlarm">, "Tags">, tags: Input<"PutMetricAlarm">["Tags"]): void {
  const { Metrics, ExtendedStatistic, ThresholdMetricId, EvaluationCriteria, EvaluationInterval } = input;
  const others = { Metrics, ExtendedStatistic, ThresholdMetricId, EvaluationCriteria, EvaluationInterval };
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
  const { Period, EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods } = alarm;
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

/** The series that an alarm watches; undefined where no such metric can have data. */
export function watchedSeries({ account, region }: MetricAlarmRow, alarm: AlarmDefinition): Series | undefined {
  const metric = findMetric(alarm.Namespace, alarm.MetricName);
  if (metric === undefined || (alarm.Unit ?? unitOf(metric)) !== unitOf(metric)) return undefined;
  return { account, region, metric, dimensions: dimensionsIn(alarm.Dimensions) };
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
