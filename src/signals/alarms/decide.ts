/** What state an alarm is in, by its data points (CloudWatch user guide, Evaluating an alarm; Configuring how alarms treat missing data). */

import type { ComparisonOperator, StateValue } from "@aws-sdk/client-cloudwatch";

/** What an alarm compares, as PutMetricAlarm has it. */
export interface Condition {
  readonly Threshold: number;
  readonly ComparisonOperator: ServedOperator;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number | undefined;
  readonly TreatMissingData?: string | undefined;
}

/** The comparisons with a fixed threshold; those with bands are not served. */
export type ServedOperator = Exclude<ComparisonOperator, `${string}Upper${string}` | `${string}Lower${string}`>;

/** One period of the range; without a value it has no data. */
export interface Period {
  /** When it begins, in ms since the epoch. */
  readonly start: number;
  readonly value?: number;
  /** How many measurements the value is of. */
  readonly samples?: number;
}

/** A period that has data. */
export type DataPoint = Period & { readonly value: number };

/** A state, and the data points that it rests on, the newest first. */
export interface Verdict {
  readonly state: StateValue;
  readonly points: readonly DataPoint[];
}

const OPERATORS: Readonly<
  Record<ServedOperator, { readonly words: string; holds(value: number, threshold: number): boolean }>
> = {
  GreaterThanOrEqualToThreshold: {
    words: "greater than or equal to",
    holds: (value, threshold) => value >= threshold,
  },
  GreaterThanThreshold: { words: "greater than", holds: (value, threshold) => value > threshold },
  LessThanThreshold: { words: "less than", holds: (value, threshold) => value < threshold },
  LessThanOrEqualToThreshold: { words: "less than or equal to", holds: (value, threshold) => value <= threshold },
};

/** Whether a comparison is served. */
export function isServed(operator: string): operator is ServedOperator {
  return Object.hasOwn(OPERATORS, operator);
}

/** Periods beyond those of the condition that are looked at where some have no data (user guide: the evaluation range). */
export const RANGE_EXTRA = 2;

/**
 * Decides on the newest periods of the evaluation range.
 *
 * @param range the newest first; `EvaluationPeriods` and `RANGE_EXTRA` more
 * @returns undefined: the state stays as it is
 */
export function decideState(condition: Condition, range: readonly Period[]): Verdict | undefined {
  const {
    EvaluationPeriods: count,
    DatapointsToAlarm: needed = count,
    TreatMissingData: treat = "missing",
  } = condition;
  const points = range.filter((period): period is DataPoint => period.value !== undefined).slice(0, count);
  const breaching = points.filter(({ value }) => breaches(condition, value)).length;
  const filled = count - points.length;
  const verdict = (isAlarm: boolean): Verdict => ({ state: isAlarm ? "ALARM" : "OK", points });
  if (treat === "breaching") return verdict(breaching + filled >= needed);
  if (treat === "notBreaching" || filled === 0) return verdict(breaching >= needed);
  const isOpen = breaching === points.length && breaching < needed;
  if (treat === "ignore" && isOpen) return undefined;
  if (points.length === 0) return { state: "INSUFFICIENT_DATA", points };
  return verdict(breaching >= needed || isOpen);
}

function breaches({ ComparisonOperator, Threshold }: Condition, value: number): boolean {
  return OPERATORS[ComparisonOperator].holds(value, Threshold);
}

/** So many data points are listed before the words about them; of more, as many are listed after them. */
const LISTED_BEFORE_MAX = 4;
const LISTED_AFTER_MAX = 5;

/** The reason of a change of state, in CloudWatch's words. */
export function reasonOf(condition: Condition, { state, points }: Verdict, previous: StateValue): string {
  const { ComparisonOperator, Threshold, EvaluationPeriods: count, DatapointsToAlarm } = condition;
  if (points.length === 0) {
    const unknown = `${count} datapoint${count === 1 ? " was" : "s were"} unknown`;
    if (state === "INSUFFICIENT_DATA") return `Insufficient Data: ${unknown}.`;
    return `Threshold Crossed: no datapoints were received for ${count} period${count === 1 ? "" : "s"} and ${count} missing datapoint${count === 1 ? " was" : "s were"} treated as [${state === "ALARM" ? "Breaching" : "NonBreaching"}].`;
  }
  const isAlarm = state === "ALARM";
  const found = points.filter(({ value }) => breaches(condition, value) === isAlarm);
  const meant = found.length > 0 ? found : points;
  const were = `${meant.length === 1 ? "was" : "were"} ${isAlarm ? "" : "not "}${OPERATORS[ComparisonOperator].words}`;
  const crossed = `${were} the threshold (${double(Threshold)})`;
  // Only an alarm that names DatapointsToAlarm is said to need so many "out of the last".
  const [which, minimum] =
    DatapointsToAlarm === undefined
      ? [`${meant.length} datapoint${meant.length === 1 ? "" : "s"}`, ""]
      : [`${meant.length} out of the last ${count} datapoints`, ` ${minimumOf(condition, { state, previous })}`];
  if (meant.length <= LISTED_BEFORE_MAX) {
    return `Threshold Crossed: ${which} [${listed(meant)}] ${crossed}${minimum}.`;
  }
  const recent = `The most recent datapoints${isAlarm ? " which crossed the threshold" : ""}: [${listed(meant)}]`;
  return `Threshold Crossed: ${which} ${crossed}. ${recent}${minimum}.`;
}

function listed(points: readonly DataPoint[]): string {
  return points
    .slice(0, LISTED_AFTER_MAX)
    .map(({ value, start }) => `${double(value)} (${when(start)})`)
    .join(", ");
}

function minimumOf(
  { EvaluationPeriods: count, DatapointsToAlarm = count }: Condition,
  { state, previous }: { readonly state: StateValue; readonly previous: StateValue },
): string {
  const minimum = state === "ALARM" ? DatapointsToAlarm : count - DatapointsToAlarm + 1;
  const datapoints = `${minimum} datapoint${minimum === 1 ? "" : "s"}`;
  return `(minimum ${datapoints} for ${previous === state ? "OK" : previous} -> ${state} transition)`;
}

/** As Java prints doubles of a usual size. */
function double(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** `DD/MM/YY hh:mm:ss`, UTC. */
function when(time: number): string {
  const text = new Date(time).toISOString();
  return `${text.slice(8, 10)}/${text.slice(5, 7)}/${text.slice(2, 4)} ${text.slice(11, 19)}`;
}
