/** Conditions: one operator, one key, its values; absent keys, several values, and sets (IAM guide, Condition; Multivalued keys). */

import type { ConditionContext } from "./context.ts";
import { operators, type ValueTest } from "./operators.ts";

/** What a policy writes before a condition's values, such as `ForAllValues:StringLikeIfExists`, taken apart. */
export interface ConditionType {
  /** In lower case; one of `operators`, or `null`. */
  readonly operator: string;
  readonly set: "all" | "any" | undefined;
  readonly ifExists: boolean;
}

export interface Condition extends ConditionType {
  /** In lower case. */
  readonly key: string;
  readonly values: readonly string[];
}

/** Whether a condition holds of a request. */
export type ConditionTest = (context: ConditionContext) => boolean;

const SETS = { "forallvalues:": "all", "foranyvalue:": "any" } as const;
const IF_EXISTS = "ifexists";

/** Reads the name of a condition type, whose letters' case does not matter; undefined when there is none of that name. */
export function asConditionType(text: string): ConditionType | undefined {
  let operator = text.toLowerCase();
  if (operator === "null") return { operator, set: undefined, ifExists: false };
  let set: ConditionType["set"];
  for (const [prefix, kind] of Object.entries(SETS)) {
    if (!operator.startsWith(prefix)) continue;
    operator = operator.slice(prefix.length);
    set = kind;
    break;
  }
  const ifExists = operator.endsWith(IF_EXISTS);
  if (ifExists) operator = operator.slice(0, -IF_EXISTS.length);
  return operators.has(operator) ? { operator, set, ifExists } : undefined;
}

/**
 * Compiles a condition.
 *
 * @param variables whether the policy is of a version that has variables
 * @throws VariableError a variable can't be read
 */
export function compileCondition(condition: Condition, variables: boolean): ConditionTest {
  const { operator: name, key, values, set, ifExists } = condition;
  if (name === "null") return compileNull(key, values);
  const operator = operators.get(name);
  if (operator === undefined) throw new Error(`There is no condition operator ${name}.`);
  const { negated } = operator;
  const tests = values.map((value) => operator.compile(value, variables));
  /** One value of the request; negated, no value of the policy may match it. */
  const holds: ValueTest = (actual, context) => {
    for (const test of tests) if (test(actual, context)) return !negated;
    return negated;
  };
  if (set === undefined) {
    const whenAbsent = negated || ifExists;
    return (context) => {
      const actual = context(key);
      if (actual === undefined || actual.length === 0) return whenAbsent;
      return negated ? isEvery(actual, holds, context) : isSome(actual, holds, context);
    };
  }
  const whenAbsent = set === "all" || ifExists;
  const test = set === "all" ? isEvery : isSome;
  return (context) => {
    const actual = context(key);
    return actual === undefined || isEmpty(actual) ? whenAbsent : test(actual, holds, context);
  };
}

/** Whether a condition never holds of a request without its key. */
export function needsKey({ operator, set, ifExists }: Condition): boolean {
  if (operator === "null" || set === "all" || ifExists) return false;
  return set === "any" || operators.get(operator)?.negated === false;
}

function isEvery(actual: readonly string[], holds: ValueTest, context: ConditionContext): boolean {
  for (const value of actual) if (!holds(value, context)) return false;
  return true;
}

function isSome(actual: readonly string[], holds: ValueTest, context: ConditionContext): boolean {
  for (const value of actual) if (holds(value, context)) return true;
  return false;
}

/** To set operators an empty text is an empty set (IAM guide, Multivalued keys). */
function isEmpty(actual: readonly string[]): boolean {
  return actual.length === 0 || (actual.length === 1 && actual[0] === "");
}

/** `true`: the key is not in the request; `false`: it is. */
function compileNull(key: string, values: readonly string[]): ConditionTest {
  const expected = new Set(values.map((value) => value.toLowerCase()));
  return (context) => expected.has(String((context(key)?.length ?? 0) === 0));
}
