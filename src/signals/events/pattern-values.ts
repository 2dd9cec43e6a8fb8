/**
 * What a pattern's field may be: a value, or an expression such as `{"prefix": "a"}` (EventBridge user guide, Comparison operators).
 * Texts of errors are those of aws/event-ruler, which EventBridge runs; recorded answers have them.
 */

import { BlockList, isIP } from "node:net";
import { coded } from "../../base/errors.ts";
import { compilePattern } from "../../policy/glob.ts";
import { JsonFault, type JsonReader, type Token } from "./json-reader.ts";
import { requireSimple, wildcardParts } from "./wildcards.ts";

export class InvalidEventPatternException extends coded("InvalidEventPatternException") {}

/** Whether one value of an event, never an object or a list, is one that a rule takes. */
type TakesValue = (value: unknown) => boolean;

/** What is asked of a field: of its values, or of its absence. */
export interface FieldTest {
  readonly takes: TakesValue;
  /** Whether the field may also be missing (`exists: false`). */
  readonly takesAbsent: boolean;
}

/** Numbers are compared within these bounds (user guide, Numeric matching). */
const NUMBER_MAX = 5e9;

export function refuse(reason: string): InvalidEventPatternException {
  return new InvalidEventPatternException(`Event pattern is not valid. Reason: ${reason}`);
}

/** Compiles one of a field's values, whose first token has been read. */
export function compileValue(reader: JsonReader, { kind, text }: Token): FieldTest {
  if (kind === "{") return compileExpression(reader);
  if (kind === "string") return ofValue(reader.text());
  if (kind === "number") return ofValue(Number(text));
  if (kind === "literal") return ofValue(JSON.parse(text));
  throw reader.fault("Match value must be String, number, true, false, or null");
}

function ofValue(value: unknown): FieldTest {
  return { takes: (leaf) => leaf === value, takesAbsent: false };
}

function compileExpression(reader: JsonReader): FieldTest {
  const { kind, text: operator } = reader.next();
  if (kind !== "name") throw reader.fault("Match expression name not found");
  if (operator === "exists") return exists(reader);
  const compile = operators.get(operator);
  if (compile === undefined) throw reader.fault(`Unrecognized match type ${operator}`);
  return { takes: compile(reader), takesAbsent: false };
}

/** What each operator makes of the tokens from its operand to the expression's closing brace. */
const operators: ReadonlyMap<string, (reader: JsonReader) => TakesValue> = new Map([
  ["exactly", (reader) => ofText(reader, "exact", (wanted) => (leaf) => leaf === wanted)],
  ["prefix", (reader) => affix(reader, "prefix")],
  ["suffix", (reader) => affix(reader, "suffix")],
  ["equals-ignore-case", (reader) => ofText(reader, "equals-ignore-case", negatable["equals-ignore-case"])],
  ["wildcard", (reader) => ofText(reader, "wildcard", (text) => wildcard(text, reader))],
  ["numeric", numeric],
  // The error about its type names `prefix`, as EventBridge's does.
  ["cidr", (reader) => ofText(reader, "prefix", cidr)],
  ["anything-but", anythingBut],
]);

type TextTest = (leaf: string) => boolean;

/** Expressions with one text that may also be in `anything-but`, there with several. */
const negatable = {
  prefix:
    (wanted: string): TextTest =>
    (leaf) =>
      leaf.startsWith(wanted),
  suffix:
    (wanted: string): TextTest =>
    (leaf) =>
      leaf.endsWith(wanted),
  "equals-ignore-case": (text: string): TextTest => {
    const wanted = text.toLowerCase();
    return (leaf) => leaf.toLowerCase() === wanted;
  },
  wildcard,
} as const;

function onTexts(test: TextTest): TakesValue {
  return (leaf) => typeof leaf === "string" && test(leaf);
}

/** Reads the end of an expression. */
function close(reader: JsonReader, otherwise = "Only one key allowed in match expression"): void {
  if (reader.next().kind !== "}") throw reader.fault(otherwise);
}

function textOf(reader: JsonReader, { kind }: Token, name: string): string {
  if (kind !== "string") throw reader.fault(`${name} match pattern must be a string`);
  return reader.text();
}

function ofText(reader: JsonReader, name: string, compile: (text: string) => TextTest): TakesValue {
  const test = compile(textOf(reader, reader.next(), name));
  close(reader);
  return onTexts(test);
}

function exists(reader: JsonReader): FieldTest {
  const { text } = reader.next();
  if (text !== "true" && text !== "false") throw reader.fault("exists match pattern must be either true or false.");
  close(reader);
  return { takes: () => text === "true", takesAbsent: text === "false" };
}

function affix(reader: JsonReader, operator: "prefix" | "suffix"): TakesValue {
  const operand = reader.next();
  if (operand.kind === "{") return affixIgnoringCase(reader, operator);
  const test = negatable[operator](textOf(reader, operand, operator));
  close(reader);
  return onTexts(test);
}

function affixIgnoringCase(reader: JsonReader, operator: "prefix" | "suffix"): TakesValue {
  const { kind, text: inner } = reader.next();
  const title = operator === "prefix" ? "Prefix" : "Suffix";
  if (kind !== "name") throw reader.fault(`${title} expression name not found`);
  if (inner !== "equals-ignore-case") throw reader.fault(`Unsupported ${operator} pattern: ${inner}`);
  const test = negatable[operator](textOf(reader, reader.next(), inner).toLowerCase());
  close(reader);
  close(reader);
  return onTexts((leaf) => test(leaf.toLowerCase()));
}

/** `*` stands for any characters; `\*` and `\\` for themselves. */
function wildcard(text: string, reader: JsonReader): TextTest {
  const parts = wildcardParts(text, (reason) => reader.fault(reason));
  requireSimple(parts, refuse);
  return compilePattern(parts);
}

function anythingBut(reader: JsonReader): TakesValue {
  const operand = reader.next();
  const operator = operand.kind === "{" ? negatedOperator(reader) : undefined;
  const first = operator === undefined ? operand : reader.next();
  if (!["[", "string", "number"].includes(first.kind)) {
    throw reader.fault("Value of anything-but must be an array or single string/number value.");
  }
  const taken = valuesOf(reader, first, operator);
  close(reader, "Too many elements in numeric expression");
  if (operator === undefined) return (leaf) => !taken.some((value) => value === leaf);
  close(reader, "Too many elements in numeric expression");
  const tests = taken.map((text) => negatable[operator](String(text), reader));
  return (leaf) => !(typeof leaf === "string" && tests.some((test) => test(leaf)));
}

function negatedOperator(reader: JsonReader): keyof typeof negatable {
  const { kind, text } = reader.next();
  if (kind !== "name") throw reader.fault("Anything-But expression name not found");
  if (!Object.hasOwn(negatable, text)) throw reader.fault(`Unsupported anything-but pattern: ${text}`);
  return text as keyof typeof negatable;
}

type Negated = keyof typeof negatable | undefined;

/** The texts or numbers of `anything-but`: one, or those of a list. */
function valuesOf(reader: JsonReader, first: Token, operator: Negated): readonly (string | number)[] {
  if (first.kind !== "[") return [operandOf(reader, first, operator)];
  const values: (string | number)[] = [];
  try {
    for (let token = reader.next(); token.kind !== "]"; token = reader.next()) {
      values.push(operandOf(reader, token, operator));
    }
  } catch (cause) {
    // EventBridge's parser catches the error and says once more where it is.
    throw cause instanceof JsonFault ? reader.fault(cause.message) : cause;
  }
  if (operator === undefined && new Set(values.map((value) => typeof value)).size !== 1) {
    const wanted = "either all values are number or string, mixed type is not supported";
    throw reader.fault(`Inside anything but list, ${wanted}`);
  }
  return values;
}

function operandOf(reader: JsonReader, token: Token, operator: Negated): string | number {
  if (token.kind === "string") {
    const text = reader.text();
    if (text === "" && (operator === "prefix" || operator === "suffix")) {
      throw reader.fault("Null prefix/suffix not allowed");
    }
    return text;
  }
  if (operator === undefined) {
    if (token.kind === "number") return comparable(reader, token);
    throw reader.fault("Inside anything but list, start|null|boolean is not supported.");
  }
  if (operator === "equals-ignore-case") {
    const refused = "number|start|null|boolean is not supported.";
    throw reader.fault(`Inside anything-but/equals-ignore-case list, ${refused}`);
  }
  throw reader.fault(`${operator === "wildcard" ? "wildcard" : "prefix/suffix"} match pattern must be a string`);
}

const comparisons: ReadonlyMap<string, (left: number, right: number) => boolean> = new Map([
  ["<", (left: number, right: number) => left < right],
  ["<=", (left: number, right: number) => left <= right],
  ["=", (left: number, right: number) => left === right],
  [">=", (left: number, right: number) => left >= right],
  [">", (left: number, right: number) => left > right],
]);

type Bound = readonly [operator: string, value: number];

/** One comparison, or a lower and then an upper bound. */
function numeric(reader: JsonReader): TakesValue {
  if (reader.next().kind !== "[") throw reader.fault("Value of numeric must be an array.");
  const bounds = boundsOf(reader);
  close(reader, "Too many elements in numeric expression");
  const tests = bounds.map(([operator, bound]) => ({ compare: comparisons.get(operator) ?? (() => false), bound }));
  return (leaf) => typeof leaf === "number" && tests.every(({ compare, bound }) => compare(leaf, bound));
}

function boundsOf(reader: JsonReader): readonly Bound[] {
  const token = reader.next();
  if (token.kind !== "string") throw reader.fault(`Invalid member in numeric match: ${token.text}`);
  const operator = reader.text();
  const operand = reader.next();
  if (!comparisons.has(operator)) throw reader.fault(`Unrecognized numeric range operator: ${operator}`);
  const bound = boundOf(reader, operand, operator);
  const after = reader.next();
  if (after.kind === "]") return [bound];
  if (!operator.startsWith(">")) throw reader.fault("Too many elements in numeric expression");
  if (after.kind !== "string") throw reader.fault(`Bad value in numeric range: ${after.text}`);
  const upper = reader.text();
  if (upper !== "<" && upper !== "<=") throw reader.fault(`Bad numeric range operator: ${upper}`);
  const top = boundOf(reader, reader.next(), upper);
  if (reader.next().kind !== "]") throw reader.fault("Too many terms in numeric range expression");
  if (bound[1] >= top[1]) throw reader.fault("Bottom must be less than top");
  return [bound, top];
}

function boundOf(reader: JsonReader, operand: Token, operator: string): Bound {
  if (operand.kind !== "number") {
    throw reader.fault(`Value of ${operator === "=" ? "equals" : operator} must be numeric`);
  }
  return [operator, comparable(reader, operand)];
}

function comparable(reader: JsonReader, { text }: Token): number {
  const value = Number(text);
  if (Math.abs(value) > NUMBER_MAX) throw reader.fault("Value must be between -5.0E9 and 5.0E9, inclusive");
  return value;
}

/** Addresses of a block; its errors don't say where they are. */
function cidr(text: string): TextTest {
  const [address = "", bits = "", ...rest] = text.split("/");
  if (bits === "" || rest.length > 0) throw refuse("Malformed CIDR, one '/' required");
  if (!/^[+-]?[0-9]{1,9}$/.test(bits)) throw refuse("Malformed CIDR, mask bits must be an integer");
  if (Number(bits) < 0) throw refuse("Malformed CIDR, mask bits must not be negative");
  const family = isIP(address);
  if (family === 0) throw refuse(`Nonstandard IP address: ${address}`);
  const limit = family === 4 ? 32 : 128;
  if (Number(bits) >= limit) throw refuse(`IPv${family} mask bits must be < ${limit}`);
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 4 ? "ipv4" : "ipv6");
  return (leaf) => isIP(leaf) === family && list.check(leaf, family === 4 ? "ipv4" : "ipv6");
}
