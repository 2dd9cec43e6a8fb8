/** Constraints of the service models, and AWS's texts for those that a request does not keep. */

import { ValidationException } from "../base/errors.ts";

/** One constraint of a scalar or of a collection's length. */
export interface Constraint {
  /** Such as `Member must have length less than or equal to 4096`. */
  readonly text: string;
  /** What the service says instead, of itself, after all that the model says. */
  readonly words?: ((path: string) => string) | undefined;
  holds(value: unknown): boolean;
}

/** What of a shape's definition constrains its values. */
export interface Limits {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** In the model's dialect, Java's; matches whole values. */
  readonly pattern?: string | undefined;
  /** What is said of a text that does not match the pattern, where it is not what other services say. */
  readonly patternWords?: ((path: string) => string) | undefined;
  readonly enum?: readonly string[] | undefined;
}

export const NOT_NULL = "Member must not be null";

/** Constraints on the length of strings (code points), blobs (bytes), lists (elements) and maps (pairs). */
export function lengthConstraints({ min, max }: Limits): Constraint[] {
  const constraints: Constraint[] = [];
  if (max !== undefined) {
    const text = `Member must have length less than or equal to ${max}`;
    constraints.push({ text, holds: (value) => units(value) <= max || length(value) <= max });
  }
  if (min !== undefined && min > 0) {
    const text = `Member must have length greater than or equal to ${min}`;
    constraints.push({ text, holds: (value) => units(value) >= 2 * min || length(value) >= min });
  }
  return constraints;
}

/** Constraints on the value of numbers. */
export function rangeConstraints({ min, max }: Limits): Constraint[] {
  const constraints: Constraint[] = [];
  if (max !== undefined) {
    const text = `Member must have value less than or equal to ${max}`;
    constraints.push({ text, holds: (value) => Number(value) <= max });
  }
  if (min !== undefined) {
    const text = `Member must have value greater than or equal to ${min}`;
    constraints.push({ text, holds: (value) => Number(value) >= min });
  }
  return constraints;
}

/** Constraints on a string's text: pattern, then enum, as AWS lists them. */
export function textConstraints({ pattern, patternWords: words, enum: values }: Limits): Constraint[] {
  const constraints: Constraint[] = [];
  if (pattern !== undefined) {
    const expression = compilePattern(pattern);
    const text = `Member must satisfy regular expression pattern: ${pattern}`;
    constraints.push({ text, words, holds: (value) => typeof value === "string" && expression.test(value) });
  }
  if (values !== undefined) {
    const allowed = new Set<unknown>(values);
    const text = `Member must satisfy enum value set: [${values.join(", ")}]`;
    constraints.push({ text, holds: (value) => allowed.has(value) });
  }
  return constraints;
}

/** More failures than these are counted, but not worded: an answer should not outgrow its request many times over. */
const FAILURES_WORDED_MAX = 100;

/** What one request does not keep. */
export class Failures {
  readonly #texts: string[] = [];
  #count = 0;
  #words: string | undefined;

  /**
   * Adds a failure as AWS words it: `Value 'x' at 'path' failed to satisfy constraint: …`.
   *
   * @param shown the value as text, or undefined to leave it out (blobs and secrets)
   */
  add(shown: string | undefined, path: string, constraint: string): void {
    this.#count++;
    if (this.#count > FAILURES_WORDED_MAX) return;
    const value = shown === undefined ? "" : `${shown} `;
    this.#texts.push(`Value ${value}at '${path}' failed to satisfy constraint: ${constraint}`);
  }

  /** Adds what the service itself says. It comes to light when nothing else fails, and the first alone. */
  addWords(words: string): void {
    this.#words ??= words;
  }

  /** @throws ValidationException all failures in one message, when there are any */
  throwIfAny(): void {
    if (this.#count === 0) {
      if (this.#words === undefined) return;
      throw new ValidationException(this.#words);
    }
    const errors = this.#count === 1 ? "error" : "errors";
    throw new ValidationException(`${this.#count} validation ${errors} detected: ${this.#texts.join("; ")}`);
  }
}

/** Length by the cheapest measure: for strings UTF-16 units, from once to twice the number of code points. */
function units(value: unknown): number {
  if (typeof value === "string" || value instanceof Uint8Array || Array.isArray(value)) return value.length;
  return typeof value === "object" && value !== null ? Object.keys(value).length : 0;
}

function length(value: unknown): number {
  if (typeof value !== "string") return units(value);
  let count = value.length;
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (unit >= 0xd800 && unit <= 0xdbff) count--; // strings are well-formed: each high surrogate has its low one
  }
  return count;
}

const JAVA_SPACE = " \\t\\n\\v\\f\\r";

/**
 * The models are ours, so their patterns may become regular expressions. They are Java's: `\s` is ASCII alone, and
 * escapes such as `\:` are allowed, which JavaScript refuses with the `u` flag that `\p{…}` needs.
 */
function compilePattern(pattern: string): RegExp {
  const translated = pattern.replace(/\[(?:\\.|[^\]\\])*\]|\\s/g, (part) => {
    if (part === "\\s") return `[${JAVA_SPACE}]`;
    return part.includes("\\S") ? part : part.replaceAll("\\s", JAVA_SPACE);
  });
  return new RegExp(`^(?:${translated})$`, pattern.includes("\\p{") ? "u" : "");
}
