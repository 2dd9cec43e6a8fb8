/** What a target gets of an event: all of it, a part, a constant, or what a template makes of it. */

import type { Target } from "@aws-sdk/client-eventbridge";
import { coded } from "../../base/errors.ts";
import { faultOf } from "./json-reader.ts";

export class InvalidTargetInput extends coded("ValidationException") {}

/** How a target wants its events (API reference, Target). */
export type TargetInput = Pick<Target, "Input" | "InputPath" | "InputTransformer">;

/** What a template may name beside the paths of its map. */
export interface InputFacts {
  readonly ruleName: string;
  readonly ruleArn: string;
  /** ISO 8601. */
  readonly ingestionTime: string;
}

type Path = readonly (string | number)[];

/** Steps of a path: `.name`, `['name']`, `[0]`. */
const STEP = /\.([A-Za-z0-9_-]+)|\['([^'\]]+)'\]|\[([0-9]{1,6})\]/y;

/** @throws InvalidTargetInput the text is no path that is understood here */
function parsePath(text: string): Path {
  const path: (string | number)[] = [];
  STEP.lastIndex = 1;
  while (text.startsWith("$") && STEP.lastIndex < text.length) {
    const step = STEP.exec(text);
    if (step === null) break;
    path.push(step[3] === undefined ? (step[1] ?? step[2] ?? "") : Number(step[3]));
    if (STEP.lastIndex === text.length) return path;
  }
  if (text === "$") return path;
  throw new InvalidTargetInput(`Invalid InputPath for target: ${text}.`);
}

function follow(event: unknown, path: Path): unknown {
  let value = event;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[step];
  }
  return value;
}

/**
 * Texts are those that were recorded or that users quote.
 *
 * @throws InvalidTargetInput the target names more than one way, JSON that is none, a path that is none, or what its map has not
 */
export function requireInput({ Id, Input, InputPath, InputTransformer }: TargetInput & Pick<Target, "Id">): void {
  const ways = [Input, InputPath, InputTransformer].filter((way) => way !== undefined);
  if (ways.length > 1) {
    throw new InvalidTargetInput(
      `Only one of Input, InputPath, or InputTransformer must be provided for target ${Id}.`,
    );
  }
  if (Input !== undefined) requireJson(Input, Id);
  if (InputPath !== undefined) parsePath(InputPath);
  const paths = InputTransformer?.InputPathsMap ?? {};
  for (const path of Object.values(paths)) parsePath(path);
  for (const [, name = ""] of InputTransformer?.InputTemplate?.matchAll(/<([A-Za-z0-9_.-]+)>/g) ?? []) {
    if (Object.hasOwn(paths, name) || PREDEFINED.has(name)) continue;
    throw new InvalidTargetInput(`InputTemplate for target ${Id} contains invalid placeholder ${name}.`);
  }
}

function requireJson(text: string, id: string | undefined): void {
  const fault = faultOf(text);
  if (fault !== undefined) throw new InvalidTargetInput(`JSON syntax error in input for target ${id}: ${fault.place}`);
}

/**
 * The body that a target gets of an event.
 *
 * @param json the event as it is sent
 */
export function inputOf(target: TargetInput, json: string, facts: InputFacts): string {
  const { Input, InputPath, InputTransformer } = target;
  if (Input !== undefined) return Input;
  if (InputPath !== undefined) return JSON.stringify(follow(JSON.parse(json), parsePath(InputPath)) ?? null);
  if (InputTransformer === undefined) return json;
  return fill(InputTransformer.InputTemplate ?? "", variablesOf(InputTransformer.InputPathsMap ?? {}, json, facts));
}

/** What a template may name that its map has not (user guide, Predefined variables). */
const PREDEFINED: ReadonlySet<string> = new Set([
  "aws.events.rule-name",
  "aws.events.rule-arn",
  "aws.events.event.ingestion-time",
  "aws.events.event",
  "aws.events.event.json",
]);

function variablesOf(paths: Readonly<Record<string, string>>, json: string, facts: InputFacts): Map<string, unknown> {
  const event = JSON.parse(json) as Readonly<Record<string, unknown>>;
  return new Map<string, unknown>([
    ...Object.entries(paths).map(([name, path]) => [name, follow(event, parsePath(path))] as const),
    ["aws.events.rule-name", facts.ruleName],
    ["aws.events.rule-arn", facts.ruleArn],
    ["aws.events.event.ingestion-time", facts.ingestionTime],
    ["aws.events.event", withoutDetail(event)],
    ["aws.events.event.json", event],
  ]);
}

/** An event as `aws.events.event` has it: without its detail, in this order and with this one name of another style (recorded). */
function withoutDetail({
  id,
  account,
  time,
  source,
  region,
  resources,
  version,
  ...rest
}: Record<string, unknown>): object {
  return { id, account, detailType: rest["detail-type"], time, source, region, resources, version };
}

/** Puts values in the place of `<name>`: as JSON, or as text without its quotes where the template has it inside a string. */
function fill(template: string, variables: ReadonlyMap<string, unknown>): string {
  let isInString = false;
  const pieces = template.match(/<[A-Za-z0-9_.-]+>|\\[\s\S]|"|[^<"\\]+|[<\\]/g) ?? [];
  return pieces
    .map((piece) => {
      if (piece === '"') isInString = !isInString;
      if (!piece.startsWith("<") || piece === "<") return piece;
      const name = piece.slice(1, -1);
      if (!variables.has(name)) return piece;
      const value = variables.get(name);
      if (!isInString) return JSON.stringify(value ?? "");
      const text = typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
      return JSON.stringify(text).slice(1, -1);
    })
    .join("");
}
