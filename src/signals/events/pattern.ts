/** Event patterns: which events a rule takes (EventBridge user guide, Event patterns; the open-source aws/event-ruler). */

import { JsonFault, JsonReader } from "./json-reader.ts";
import { compileValue, type FieldTest, refuse } from "./pattern-values.ts";

/** Whether an event's JSON is one that a pattern means. */
export type Matches = (event: unknown) => boolean;

type JsonObject = Readonly<Record<string, unknown>>;

/** What each path of an event, its steps joined by dots, must be. */
type Fields = ReadonlyMap<string, readonly FieldTest[]>;

/** The fields of a pattern as a tree of steps. */
interface Step {
  tests: readonly FieldTest[];
  readonly children: Map<string, Step>;
}

/** Objects inside each other; real patterns have four. */
const DEPTH_MAX = 32;
/** What the parts of all `$or` may come to together (user guide, Using or). */
const ALTERNATIVES_MAX = 1_000;
/** Fields inside `$or` must not have these names: a forgotten list around an expression is found so. */
const RESERVED = new Set([
  ...["exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"],
  ...["=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after"],
  ...["date-before", "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range"],
]);

/**
 * Compiles a pattern.
 *
 * Every field of a pattern must be matched; the values of one are alternatives; an event's list matches when one of its
 * elements does, and fields inside objects of a list must be matched by one object of it. Dots in names join steps, in patterns
 * and in events. Of a field that is there twice, the last counts.
 *
 * @throws InvalidEventPatternException the text is no pattern
 */
export function compileEventPattern(text: string): Matches {
  const trees = read(text).map(treeOf);
  return (event) => trees.some((tree) => isMet(tree, event, { event, path: [] }));
}

/** The alternatives of a pattern: one, and with `$or` one for each choice of its parts. */
function read(text: string): readonly Fields[] {
  const reader = new JsonReader(text);
  try {
    if (reader.next().kind !== "{") throw reader.fault("Filter is not an object");
    const alternatives = readObject(reader, { path: [], isInOr: false }, [new Map()]);
    const { kind, text: rest } = reader.next();
    if (kind !== "end") throw reader.fault(`Unrecognized token '${rest}'`);
    return alternatives;
  } catch (cause) {
    if (cause instanceof JsonFault) throw refuse(cause.message);
    throw cause;
  }
}

interface Place {
  readonly path: readonly string[];
  readonly isInOr: boolean;
}

/** Reads the fields of an object whose brace has been read, into each alternative. */
function readObject(reader: JsonReader, { path, isInOr }: Place, before: readonly Fields[]): readonly Fields[] {
  if (path.length > DEPTH_MAX) throw reader.fault("Nested too deeply");
  let alternatives = before;
  for (let count = 0; ; count += 1) {
    const { kind, text: name } = reader.next();
    if (kind === "}") {
      if (count === 0) throw reader.fault("Empty objects are not allowed");
      return alternatives;
    }
    const place = { path: [...path, name], isInOr };
    alternatives =
      name === "$or" ? readOr(reader, path, alternatives) : readField(reader, { ...place, name }, alternatives);
  }
}

function readField(
  reader: JsonReader,
  { path, isInOr, name }: Place & { readonly name: string },
  alternatives: readonly Fields[],
): readonly Fields[] {
  if (isInOr && RESERVED.has(name)) {
    throw reader.fault(`${name} is Ruler reserved fieldName which cannot be used inside $or.`);
  }
  const { kind } = reader.next();
  if (kind === "{") return readObject(reader, { path, isInOr }, alternatives);
  if (kind !== "[") throw reader.fault(`"${name}" must be an object or an array`);
  const tests: FieldTest[] = [];
  for (let token = reader.next(); token.kind !== "]"; token = reader.next()) tests.push(compileValue(reader, token));
  if (tests.length === 0) throw reader.fault("Empty arrays are not allowed");
  return alternatives.map((fields) => new Map([...fields, [path.join("."), tests]]));
}

function readOr(reader: JsonReader, path: readonly string[], before: readonly Fields[]): readonly Fields[] {
  if (reader.next().kind !== "[") throw reader.fault("It must be an Array followed with $or.");
  const alternatives: Fields[] = [];
  let parts = 0;
  for (let { kind } = reader.next(); kind !== "]"; { kind } = reader.next()) {
    if (kind !== "{") throw reader.fault("Only JSON object is allowed in array of $or relationship.");
    parts += 1;
    alternatives.push(...readObject(reader, { path, isInOr: true }, before));
    if (alternatives.length > ALTERNATIVES_MAX) {
      throw refuse(`Rule has more than ${ALTERNATIVES_MAX} combinations of $or`);
    }
  }
  if (parts < 2) throw reader.fault("There must have at least 2 Objects in $or relationship.");
  return alternatives;
}

function treeOf(fields: Fields): Step {
  const root: Step = { tests: [], children: new Map() };
  for (const [path, tests] of fields) {
    let step = root;
    for (const name of path.split(".")) {
      const next = step.children.get(name) ?? { tests: [], children: new Map() };
      step.children.set(name, next);
      step = next;
    }
    step.tests = tests;
  }
  return root;
}

/** Where a field is: absent is what no element of any list on the way has. */
interface Whole {
  readonly event: unknown;
  readonly path: readonly string[];
}

/** Whether a value, or one element of it if it is a list, has all that a step asks for. */
function isMet(step: Step, value: unknown, whole: Whole): boolean {
  const hasTests = step.tests.length === 0 || takes(step.tests, leavesOf(value), whole);
  return hasTests && (step.children.size === 0 || elementsOf(value).some((element) => hasFields(step, element, whole)));
}

function hasFields({ children }: Step, element: unknown, { event, path }: Whole): boolean {
  return [...children].every(([name, child]) =>
    isMet(child, memberOf(element, name), { event, path: [...path, name] }),
  );
}

function takes(tests: readonly FieldTest[], leaves: readonly unknown[], { event, path }: Whole): boolean {
  if (leaves.some((leaf) => tests.some((test) => test.takes(leaf)))) return true;
  return tests.some(({ takesAbsent }) => takesAbsent) && leavesAt(event, path).length === 0;
}

/** All scalars that an event has at a path. */
function leavesAt(event: unknown, path: readonly string[]): readonly unknown[] {
  const [name, ...rest] = path;
  if (name === undefined) return leavesOf(event);
  return elementsOf(event).flatMap((element) => leavesAt(memberOf(element, name), rest));
}

/** The elements of a list, of lists in it too; a value that is no list by itself, and so is nothing at all. */
function elementsOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) return [value];
  const elements = value.flatMap(elementsOf);
  return elements.length === 0 ? [undefined] : elements;
}

/** What an object has under a name: itself, or through a name with dots that begins so; both if both are there. */
function memberOf(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined;
  const own = Object.hasOwn(value, name) ? value[name] : undefined;
  const dotted = Object.keys(value).filter((key) => key.startsWith(`${name}.`));
  if (dotted.length === 0) return own;
  const inner = Object.fromEntries(dotted.map((key) => [key.slice(name.length + 1), value[key]]));
  if (own === undefined) return inner;
  return isObject(own) ? { ...own, ...inner } : [own, inner];
}

/** The scalars that a field has: itself, or those of its list, lists in it included. */
function leavesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  return value === undefined || isObject(value) ? [] : [value];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
