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
}

/** A state, and the data points that it rests on, the newest first. */
export interface Verdict {
  readonly state: StateValue;
  readonly points: readonly Required<Period>[];
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
  const points = range.filter((period): period is Required<Period> => period.value !== undefined).slice(0, count);
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

/** The reason of a change of state, in CloudWatch's words. */
export function reasonOf(condition: Condition, { state, points }: Verdict, previous: StateValue): string {
  const { ComparisonOperator, Threshold, EvaluationPeriods: count, DatapointsToAlarm = count } = condition;
  if (points.length === 0) {
    const unknown = `${count} datapoint${count === 1 ? " was" : "s were"} unknown`;
    if (state === "INSUFFICIENT_DATA") return `Insufficient Data: ${unknown}.`;
    return `Threshold Crossed: no datapoints were received for ${count} period${count === 1 ? "" : "s"} and ${count} missing datapoint${count === 1 ? " was" : "s were"} treated as [${state === "ALARM" ? "Breaching" : "NonBreaching"}].`;
  }
  const isAlarm = state === "ALARM";
  const meant = points.filter(({ value }) => breaches(condition, value) === isAlarm);
  const shown = (meant.length > 0 ? meant : points).map(({ value, start }) => `${double(value)} (${when(start)})`);
  const were = `${shown.length === 1 ? "was" : "were"} ${isAlarm ? "" : "not "}${OPERATORS[ComparisonOperator].words}`;
  const minimum = isAlarm ? DatapointsToAlarm : count - DatapointsToAlarm + 1;
  return `Threshold Crossed: ${shown.length} out of the last ${count} datapoints [${shown.join(", ")}] ${were} the threshold (${double(Threshold)}) (minimum ${minimum} datapoint${minimum === 1 ? "" : "s"} for ${previous === state ? "OK" : previous} -> ${state} transition).`;
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
