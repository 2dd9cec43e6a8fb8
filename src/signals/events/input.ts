/** What a target gets of an event: all of it, a part, a constant, or what a template makes of it. */

import type { Target } from "@aws-sdk/client-eventbridge";
import { coded } from "../../base/errors.ts";

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

/** @throws InvalidTargetInput the target names more than one way, JSON that is none, or a path that is none */
export function requireInput({ Input, InputPath, InputTransformer }: TargetInput): void {
  const ways = [Input, InputPath, InputTransformer].filter((way) => way !== undefined);
  if (ways.length > 1) {
    throw new InvalidTargetInput("Only one of Input, InputPath, or InputTransformer must be provided for a target.");
  }
  if (Input !== undefined) requireJson(Input);
  if (InputPath !== undefined) parsePath(InputPath);
  for (const path of Object.values(InputTransformer?.InputPathsMap ?? {})) parsePath(path);
}

function requireJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new InvalidTargetInput("JSON text in Input is not valid.");
  }
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

function variablesOf(paths: Readonly<Record<string, string>>, json: string, facts: InputFacts): Map<string, unknown> {
  const event: unknown = JSON.parse(json);
  return new Map<string, unknown>([
    ...Object.entries(paths).map(([name, path]) => [name, follow(event, parsePath(path))] as const),
    ["aws.events.rule-name", facts.ruleName],
    ["aws.events.rule-arn", facts.ruleArn],
    ["aws.events.event.ingestion-time", facts.ingestionTime],
    ["aws.events.event", event],
    ["aws.events.event.json", event],
  ]);
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
