/** Patterns with `*` and `?`, matched without regular expressions: a pattern is the caller's and must not be able to hang us. */

/** Stands for one character of any kind. */
export const ANY_ONE: unique symbol = Symbol("?");
/** Stands for any characters, also none. */
export const ANY_MANY: unique symbol = Symbol("*");

/** A piece of a pattern: a text that stands for itself, or a wildcard. */
export type PatternPart = string | typeof ANY_ONE | typeof ANY_MANY;

/** The parts of a text in which every `*` and `?` is a wildcard. */
export function patternParts(text: string): PatternPart[] {
  const pieces = text.split(/([*?])/).filter((piece) => piece !== "");
  return pieces.map((piece) => (piece === "*" ? ANY_MANY : piece === "?" ? ANY_ONE : piece));
}

/** A pattern, in which every `*` and `?` is a wildcard, as a function. */
export function compileGlob(pattern: string): (text: string) => boolean {
  return compilePattern(patternParts(pattern));
}

/**
 * A pattern as a function. The forms that nearly all patterns have (no wildcard, one star at the end) take one comparison.
 *
 * Between two stars lies a run, and the leftmost place of each run after the one before it is as good as any other, so
 * nothing is ever tried twice. A run of plain text is found by the engine's search; one with question marks in
 * length × ⌈run ÷ 32⌉ steps.
 */
export function compilePattern(parts: readonly PatternPart[]): (text: string) => boolean {
  const runs = runsOf(parts);
  const [first, ...rest] = runs;
  const last = rest.pop();
  if (first === undefined || last === undefined) {
    const only = first ?? compileRun([]);
    return only.text === undefined
      ? (text) => text.length === only.length && only.isAt(text, 0)
      : (text) => text === only.text;
  }
  const lengthMin = runs.reduce((sum, { length }) => sum + length, 0);
  return (text) => {
    if (text.length < lengthMin || !first.isAt(text, 0)) return false;
    if (!last.isAt(text, text.length - last.length)) return false;
    let from = first.length;
    for (const run of rest) {
      const at = run.find(text, from);
      if (at < 0) return false;
      from = at + run.length;
    }
    return from <= text.length - last.length;
  };
}

/** What stands between two stars. */
interface Run {
  readonly length: number;
  /** The run itself, when it has no question mark. */
  readonly text: string | undefined;
  isAt(text: string, index: number): boolean;
  /** The leftmost place at `from` or after it, or -1. */
  find(text: string, from: number): number;
}

function runsOf(parts: readonly PatternPart[]): Run[] {
  const runs: Exclude<PatternPart, typeof ANY_MANY>[][] = [[]];
  for (const part of parts) {
    if (part === ANY_MANY) runs.push([]);
    else runs.at(-1)?.push(part);
  }
  return runs.map(compileRun);
}

function compileRun(parts: readonly Exclude<PatternPart, typeof ANY_MANY>[]): Run {
  if (parts.every((part) => typeof part === "string")) {
    const run = parts.join("");
    return {
      length: run.length,
      text: run,
      isAt: (text, index) => text.startsWith(run, index),
      find: (text, from) => text.indexOf(run, from),
    };
  }
  const codes = parts.flatMap((part) =>
    typeof part === "string" ? Array.from({ length: part.length }, (_, index) => part.charCodeAt(index)) : [undefined],
  );
  const search = compileSearch(codes);
  return {
    length: codes.length,
    text: undefined,
    isAt: (text, index) =>
      codes.every((code, offset) => code === undefined || text.charCodeAt(index + offset) === code),
    find: search,
  };
}

const WORD_BITS = 32;

/**
 * The leftmost place of a run with holes, by the Shift-And automaton (Baeza-Yates and Gonnet, 1992): one bit for each
 * prefix of the run that ends at the current character, 32 to a word.
 *
 * @param codes the character codes of the run; undefined where any character will do
 */
function compileSearch(codes: readonly (number | undefined)[]): (text: string, from: number) => number {
  const words = Math.ceil(codes.length / WORD_BITS);
  const holes = new Uint32Array(words);
  codes.forEach((code, index) => {
    if (code === undefined) setBit(holes, index);
  });
  const masks = new Map<number, Uint32Array>();
  codes.forEach((code, index) => {
    if (code === undefined) return;
    const mask = masks.get(code) ?? holes.slice();
    setBit(mask, index);
    masks.set(code, mask);
  });
  const lastWord = words - 1;
  const lastBit = (1 << ((codes.length - 1) % WORD_BITS)) >>> 0;
  return (text, from) => {
    const state = new Uint32Array(words);
    for (let index = from; index < text.length; index += 1) {
      shiftAnd(state, masks.get(text.charCodeAt(index)) ?? holes);
      if (((state[lastWord] ?? 0) & lastBit) !== 0) return index - codes.length + 1;
    }
    return -1;
  };
}

function setBit(words: Uint32Array, index: number): void {
  const word = Math.floor(index / WORD_BITS);
  words[word] = (words[word] ?? 0) | (1 << (index % WORD_BITS));
}

/** Moves every prefix on by one character, begins a new one, and keeps those that the character fits. */
function shiftAnd(state: Uint32Array, mask: Uint32Array): void {
  let carry = 1;
  for (let word = 0; word < state.length; word += 1) {
    const bits = state[word] ?? 0;
    state[word] = ((bits << 1) | carry) & (mask[word] ?? 0);
    carry = bits >>> (WORD_BITS - 1);
  }
}
