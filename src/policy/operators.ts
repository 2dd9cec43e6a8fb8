/** The condition operators of the policy language (IAM guide, Condition operators). What is common to all is in conditions.ts. */

import type { ConditionContext } from "./context.ts";
import { compilePattern, type PatternPart } from "./glob.ts";
import { parseBinary, parseDate, parseIpRange, parseNumber } from "./values.ts";
import { compileTemplate, type Matcher, parseTemplate, type Template } from "./variables.ts";

/** Whether one value of the request matches one value of the policy. */
export type ValueTest = (actual: string, context: ConditionContext) => boolean;

/** One operator: how a value of the policy becomes a test. A negated one holds where no value of the policy matches. */
export interface Operator {
  readonly negated: boolean;
  /**
   * @param variables whether the policy is of a version that has variables
   * @throws VariableError a variable can't be read
   */
  compile(value: string, variables: boolean): ValueTest;
}

type Compile = Operator["compile"];

const never: ValueTest = () => false;

/** Texts, with variables. */
function texts(compile: (text: string) => Matcher): Compile {
  return (value, variables) =>
    compileTemplate(parseTemplate(value, { variables, wildcards: false }), (parts) => compile(parts.join("")));
}

/** Texts with wildcards and variables. */
const like: Compile = (value, variables) =>
  compileTemplate(parseTemplate(value, { variables, wildcards: true }), compilePattern);

/** Values of another type, without variables; what can't be read on either side matches nothing. */
function parsed<T>(parse: (text: string) => T | undefined, matches: (actual: T, expected: T) => boolean): Compile {
  return (value) => {
    const expected = parse(value);
    if (expected === undefined) return never;
    return (text) => {
      const actual = parse(text);
      return actual !== undefined && matches(actual, expected);
    };
  };
}

const equals = <T>(actual: T, expected: T): boolean => actual === expected;
const isLess = (actual: number, expected: number): boolean => actual < expected;
const isLessOrEqual = (actual: number, expected: number): boolean => actual <= expected;
const isGreater = (actual: number, expected: number): boolean => actual > expected;
const isGreaterOrEqual = (actual: number, expected: number): boolean => actual >= expected;

const exactly = texts((expected) => (actual) => actual === expected);
const ignoringCase = texts((text) => {
  const expected = text.toLowerCase();
  return (actual) => actual.toLowerCase() === expected;
});
const ipRange: Compile = (value) => parseIpRange(value) ?? never;

const ARN_PARTS = 6;

/** Each of the six parts of an ARN by itself, so that a star never crosses a colon but in the last (IAM guide, ARN condition operators). */
const arn: Compile = (value, variables) => {
  const parts = splitAtColons(parseTemplate(value, { variables, wildcards: true }));
  if (parts.length !== ARN_PARTS) return never;
  const tests = parts.map((part) => compileTemplate(part, compilePattern));
  return (text, context) => {
    const actual = splitArn(text);
    return actual !== undefined && tests.every((test, index) => test(actual[index] ?? "", context));
  };
};

/** Splits at the first five colons that are written in the policy; one that a variable brings along is part of its value. */
function splitAtColons(template: Template): Template[] {
  const parts: (PatternPart | Template[number])[][] = [[]];
  for (const part of template) {
    if (typeof part !== "string") {
      parts.at(-1)?.push(part);
      continue;
    }
    let rest = part;
    while (parts.length < ARN_PARTS) {
      const colon = rest.indexOf(":");
      if (colon < 0) break;
      parts.at(-1)?.push(rest.slice(0, colon));
      parts.push([]);
      rest = rest.slice(colon + 1);
    }
    parts.at(-1)?.push(rest);
  }
  return parts;
}

function splitArn(text: string): readonly string[] | undefined {
  const parts = text.split(":");
  if (parts.length < ARN_PARTS) return undefined;
  return [...parts.slice(0, ARN_PARTS - 1), parts.slice(ARN_PARTS - 1).join(":")];
}

const positive = (compile: Compile): Operator => ({ negated: false, compile });
const negated = (compile: Compile): Operator => ({ negated: true, compile });

const byName: Readonly<Record<string, Operator>> = {
  StringEquals: positive(exactly),
  StringNotEquals: negated(exactly),
  StringEqualsIgnoreCase: positive(ignoringCase),
  StringNotEqualsIgnoreCase: negated(ignoringCase),
  StringLike: positive(like),
  StringNotLike: negated(like),
  NumericEquals: positive(parsed(parseNumber, equals)),
  NumericNotEquals: negated(parsed(parseNumber, equals)),
  NumericLessThan: positive(parsed(parseNumber, isLess)),
  NumericLessThanEquals: positive(parsed(parseNumber, isLessOrEqual)),
  NumericGreaterThan: positive(parsed(parseNumber, isGreater)),
  NumericGreaterThanEquals: positive(parsed(parseNumber, isGreaterOrEqual)),
  DateEquals: positive(parsed(parseDate, equals)),
  DateNotEquals: negated(parsed(parseDate, equals)),
  DateLessThan: positive(parsed(parseDate, isLess)),
  DateLessThanEquals: positive(parsed(parseDate, isLessOrEqual)),
  DateGreaterThan: positive(parsed(parseDate, isGreater)),
  DateGreaterThanEquals: positive(parsed(parseDate, isGreaterOrEqual)),
  Bool: positive(ignoringCase),
  BinaryEquals: positive(parsed(parseBinary, equals)),
  IpAddress: positive(ipRange),
  NotIpAddress: negated(ipRange),
  ArnEquals: positive(arn),
  ArnLike: positive(arn),
  ArnNotEquals: negated(arn),
  ArnNotLike: negated(arn),
};

/** The operators by name in lower case: AWS's own examples write `bool` as well as `Bool`. `Null` is none of them. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  Object.entries(byName).map(([name, operator]) => [name.toLowerCase(), operator]),
);

/** The names of all operators, as AWS writes them. */
export const operatorNames: readonly string[] = Object.keys(byName);
