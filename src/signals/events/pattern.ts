/** Event patterns: which events a rule takes (EventBridge user guide, Event patterns and Comparison operators). */

import { BlockList, isIP } from "node:net";
import { coded } from "../../base/errors.ts";
import { ANY_MANY, compilePattern, type PatternPart } from "../../policy/glob.ts";

export class InvalidEventPatternException extends coded("InvalidEventPatternException") {}

/** Whether an event's JSON is one that a pattern means. */
export type Matches = (event: unknown) => boolean;

/** Whether one value of an event, never an object or a list, is one that a rule takes. */
type TakesValue = (value: unknown) => boolean;

/** What is asked of a field: of its values, or of its absence. */
interface FieldTest {
  readonly takes: TakesValue;
  /** Whether the field may also be missing (`exists: false`). */
  readonly takesAbsent: boolean;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Objects inside each other; real patterns have four. */
const DEPTH_MAX = 32;
/** Numbers are compared within these bounds (user guide, Numeric matching). */
const NUMBER_MAX = 5e9;

/**
 * Compiles a pattern.
 *
 * Every field of a pattern must be matched; the values of one are alternatives; an event's list matches when one of its
 * elements does, and fields inside objects of a list must be matched by one object of it.
 *
 * @throws InvalidEventPatternException the text is no pattern
 */
export function compileEventPattern(text: string): Matches {
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch {
    throw refuse("Filter is not valid JSON");
  }
  if (!isObject(pattern)) throw refuse("Filter is not an object");
  return compileObject(pattern, 0);
}

function refuse(reason: string): InvalidEventPatternException {
  return new InvalidEventPatternException(`Event pattern is not valid. Reason: ${reason}`);
}

function compileObject(pattern: JsonObject, depth: number): Matches {
  if (depth > DEPTH_MAX) throw refuse("Nested too deeply");
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw refuse("Empty objects are not allowed");
  const tests = entries.map(([name, value]) => compileField(name, value, depth));
  return (event) => tests.every((test) => test(event));
}

function compileField(name: string, value: unknown, depth: number): Matches {
  if (name === "$or" && Array.isArray(value) && value.length > 0 && value.every(isObject)) {
    const alternatives = value.map((each) => compileObject(each, depth + 1));
    return (event) => alternatives.some((matches) => matches(event));
  }
  if (isObject(value)) {
    const inner = compileObject(value, depth + 1);
    const anyOf = (part: unknown): boolean => (Array.isArray(part) ? part.some(anyOf) : inner(part));
    return (event) => anyOf(memberOf(event, name));
  }
  if (!Array.isArray(value)) throw refuse(`"${name}" must be an object or an array`);
  if (value.length === 0) throw refuse("Empty arrays are not allowed");
  const tests = value.map(compileValue);
  return (event) => {
    const leaves = leavesOf(memberOf(event, name));
    if (leaves.length === 0) return tests.some(({ takesAbsent }) => takesAbsent);
    return leaves.some((leaf) => tests.some(({ takes }) => takes(leaf)));
  };
}

function memberOf(event: unknown, name: string): unknown {
  return isObject(event) && Object.hasOwn(event, name) ? event[name] : undefined;
}

/** The scalars that a field has: itself, or those of its list, lists in it included. */
function leavesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  return value === undefined || isObject(value) ? [] : [value];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function compileValue(value: unknown): FieldTest {
  if (!isObject(value)) {
    if (Array.isArray(value)) throw refuse("Match value must be String, number, true, false, or null");
    return { takes: (leaf) => leaf === value, takesAbsent: false };
  }
  const [operator, operand] = onlyEntry(value, "Only one key allowed in match expression");
  if (operator === "exists") {
    if (typeof operand !== "boolean") throw refuse("exists match pattern must be either true or false.");
    return { takes: () => operand, takesAbsent: !operand };
  }
  if (operator === "anything-but") return { takes: anythingBut(operand), takesAbsent: false };
  const compile = operators.get(operator);
  if (compile === undefined) throw refuse(`Unrecognized match type ${operator}`);
  return { takes: compile(operand), takesAbsent: false };
}

function onlyEntry(value: JsonObject, otherwise: string): readonly [string, unknown] {
  const [entry, ...rest] = Object.entries(value);
  if (entry === undefined || rest.length > 0) throw refuse(otherwise);
  return entry;
}

const operators: ReadonlyMap<string, (operand: unknown) => TakesValue> = new Map([
  ["prefix", (operand) => affix("prefix", operand)],
  ["suffix", (operand) => affix("suffix", operand)],
  ["equals-ignore-case", ignoreCase],
  ["wildcard", wildcard],
  ["numeric", numeric],
  ["cidr", cidr],
]);

/** The operators that `anything-but` takes in place of values; they may have several operands there. */
const NEGATED = ["prefix", "suffix", "equals-ignore-case", "wildcard"];

function textOf(operand: unknown, operator: string): string {
  if (typeof operand !== "string") throw refuse(`${operator} match pattern must be a string`);
  return operand;
}

function ofText(test: (text: string) => boolean): TakesValue {
  return (leaf) => typeof leaf === "string" && test(leaf);
}

function affix(operator: "prefix" | "suffix", operand: unknown): TakesValue {
  const lower = isObject(operand);
  const inner = lower ? onlyEntry(operand, `Invalid ${operator} match pattern`) : undefined;
  if (inner !== undefined && inner[0] !== "equals-ignore-case")
    throw refuse(`Unsupported ${operator} pattern: ${inner[0]}`);
  const text = textOf(inner === undefined ? operand : inner[1], operator);
  const wanted = lower ? text.toLowerCase() : text;
  return ofText((leaf) => {
    const given = lower ? leaf.toLowerCase() : leaf;
    return operator === "prefix" ? given.startsWith(wanted) : given.endsWith(wanted);
  });
}

function ignoreCase(operand: unknown): TakesValue {
  const wanted = textOf(operand, "equals-ignore-case").toLowerCase();
  return ofText((leaf) => leaf.toLowerCase() === wanted);
}

/** `*` stands for any characters; `\*` and `\\` for themselves. */
function wildcard(operand: unknown): TakesValue {
  const text = textOf(operand, "wildcard");
  const parts: PatternPart[] = [];
  for (const piece of text.match(/\\[\s\S]?|\*|[^\\*]+/g) ?? []) {
    if (piece === "*") {
      if (parts.at(-1) === ANY_MANY) throw refuse("Consecutive wildcard characters");
      parts.push(ANY_MANY);
    } else {
      if (piece.startsWith("\\") && piece !== "\\*" && piece !== "\\\\") throw refuse("Invalid escape character");
      parts.push(piece.startsWith("\\") ? piece.slice(1) : piece);
    }
  }
  return ofText(compilePattern(parts));
}

function anythingBut(operand: unknown): TakesValue {
  if (isObject(operand)) {
    const [operator, inner] = onlyEntry(operand, "Only one key allowed in match expression");
    const compile = NEGATED.includes(operator) ? operators.get(operator) : undefined;
    if (compile === undefined) throw refuse(`Unsupported anything-but pattern: ${operator}`);
    const tests = (Array.isArray(inner) ? inner : [inner]).map((each) => compile(each));
    if (tests.length === 0) throw refuse("Empty arrays are not allowed");
    return (leaf) => !tests.some((takes) => takes(leaf));
  }
  const values: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  const kinds = new Set(values.map((value) => typeof value));
  const [kind] = kinds;
  if (kinds.size !== 1 || (kind !== "string" && kind !== "number")) {
    throw refuse("Inside anything but list, either all values are number or string, mixed type is not supported");
  }
  return (leaf) => !values.includes(leaf);
}

const comparisons: ReadonlyMap<unknown, (left: number, right: number) => boolean> = new Map([
  ["<", (left: number, right: number) => left < right],
  ["<=", (left: number, right: number) => left <= right],
  ["=", (left: number, right: number) => left === right],
  [">=", (left: number, right: number) => left >= right],
  [">", (left: number, right: number) => left > right],
]);

/** One comparison, or a lower and then an upper bound. */
function numeric(operand: unknown): TakesValue {
  const parts: readonly unknown[] = Array.isArray(operand) ? operand : [];
  const isRange = parts.length === 4 && String(parts[0]).startsWith(">") && String(parts[2]).startsWith("<");
  if (parts.length !== 2 && !isRange) throw refuse("Bad numeric range operator");
  const bounds = [0, 2].slice(0, parts.length / 2).map((index) => {
    const compare = comparisons.get(parts[index]);
    const bound = parts[index + 1];
    if (compare === undefined) throw refuse(`Unrecognized numeric range operator: ${String(parts[index])}`);
    if (typeof bound !== "number" || Math.abs(bound) > NUMBER_MAX) {
      throw refuse("Value must be between -5.0E9 and 5.0E9, inclusive");
    }
    return { compare, bound };
  });
  if (isRange && (bounds[0]?.bound ?? 0) >= (bounds[1]?.bound ?? 0)) throw refuse("Bottom must be less than top");
  return (leaf) => typeof leaf === "number" && bounds.every(({ compare, bound }) => compare(leaf, bound));
}

function cidr(operand: unknown): TakesValue {
  const text = textOf(operand, "cidr");
  const [address = "", bits = "", ...rest] = text.split("/");
  const family = isIP(address);
  const isBits = /^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
  if (family === 0 || !isBits || rest.length > 0) throw refuse(`Malformed CIDR, one '/' required: ${text}`);
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
  return ofText((leaf) => isIP(leaf) === family && list.check(leaf, family === 4 ? "ipv4" : "ipv6"));
}
