/** Policy variables: `${key}`, `${key, 'default'}`, and `${*}`, `${?}`, `${$}` for the characters themselves (IAM guide, Variables and tags). */

import type { ConditionContext } from "./context.ts";
import { ANY_MANY, ANY_ONE, type PatternPart } from "./glob.ts";

/** A place that is filled from the request. */
export interface Variable {
  /** In lower case. */
  readonly key: string;
  readonly fallback: string | undefined;
}

/** A text of a policy as it was parsed: what stands for itself, wildcards, variables. */
export type Template = readonly (PatternPart | Variable)[];

/** What in a text has a meaning of its own. */
export interface Syntax {
  /** Whether the policy is of a version that has variables. */
  readonly variables: boolean;
  /** Whether `*` and `?` are wildcards. */
  readonly wildcards: boolean;
}

/** A `${` that no variable follows, or a variable where none may be; the message is for whoever sent the policy. */
export class VariableError extends Error {
  override readonly name = "VariableError";
}

/**
 * Parses a text of a policy.
 *
 * @throws VariableError a variable is not closed, or has no name
 */
export function parseTemplate(text: string, { variables, wildcards }: Syntax): Template {
  const parts: (PatternPart | Variable)[] = [];
  let literal = "";
  const add = (part: PatternPart | Variable): void => {
    if (literal !== "") parts.push(literal);
    literal = "";
    parts.push(part);
  };
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (variables && char === "$" && text[index + 1] === "{") {
      const { part, end } = parseVariable(text, index);
      if (typeof part === "string") literal += part;
      else add(part);
      index = end;
    } else if (wildcards && char === "*") add(ANY_MANY);
    else if (wildcards && char === "?") add(ANY_ONE);
    else literal += char;
  }
  if (literal !== "") parts.push(literal);
  return parts;
}

/** Reads what begins with `${` at `start`; `end` is the place of its closing brace. */
function parseVariable(text: string, start: number): { part: string | Variable; end: number } {
  const quote = text.indexOf("'", start);
  const brace = text.indexOf("}", start);
  if (brace < 0) throw new VariableError("Policy contains a variable without its closing brace.");
  if (quote < 0 || quote > brace) {
    const name = text.slice(start + 2, brace).trim();
    if (name === "") throw new VariableError("Policy contains a variable without a name.");
    const isCharacter = name === "*" || name === "?" || name === "$";
    return { part: isCharacter ? name : { key: name.toLowerCase(), fallback: undefined }, end: brace };
  }
  const key = text.slice(start + 2, quote).trim();
  const close = text.indexOf("'", quote + 1);
  const end = close < 0 ? -1 : text.indexOf("}", close);
  if (!key.endsWith(",") || key === "," || end < 0 || text.slice(close + 1, end).trim() !== "") {
    throw new VariableError("Policy contains a variable whose default value can't be read.");
  }
  return { part: { key: key.slice(0, -1).trim().toLowerCase(), fallback: text.slice(quote + 1, close) }, end };
}

/** Whether a part is filled from the request. */
export function isVariable(part: PatternPart | Variable): part is Variable {
  return typeof part === "object";
}

/**
 * Fills a template from the request. What is filled in stands for itself: a star in it is no wildcard.
 *
 * @returns undefined when a variable without a default has no value, or several: then the text equals nothing
 */
export function fillTemplate(template: Template, context: ConditionContext): PatternPart[] | undefined {
  const filled: PatternPart[] = [];
  for (const part of template) {
    const value = isVariable(part) ? filledIn(part, context) : part;
    if (value === undefined) return undefined;
    filled.push(value);
  }
  return filled;
}

function filledIn({ key, fallback }: Variable, context: ConditionContext): string | undefined {
  const values = context(key);
  return values?.length === 1 ? values[0] : fallback;
}

/** A question about one text of a request. */
export type Matcher = (text: string) => boolean;

/**
 * A template as a question: compiled once when it has no variables, else for each request.
 *
 * @param compile makes the question of parts without variables
 */
export function compileTemplate(
  template: Template,
  compile: (parts: readonly PatternPart[]) => Matcher,
): (text: string, context: ConditionContext) => boolean {
  if (!template.some(isVariable)) return compile(template as readonly PatternPart[]); // none is a variable
  return (text, context) => {
    const parts = fillTemplate(template, context);
    return parts !== undefined && compile(parts)(text);
  };
}
