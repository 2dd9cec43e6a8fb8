/** Wildcard expressions of event patterns: their characters, and how much work an event's text may make. */

import { ANY_MANY, type PatternPart } from "../../policy/glob.ts";

/**
 * The parts of a wildcard expression. Positions in errors count the bytes of the text and its quote, as EventBridge's do.
 *
 * @throws Error what `fault` makes of stars side by side, or of a backslash before anything but a star or a backslash
 */
export function wildcardParts(text: string, fault: (reason: string) => Error): readonly PatternPart[] {
  const parts: PatternPart[] = [];
  let position = 1;
  for (const piece of text.match(/\\[*\\]|\*\*|[\\*]|[^\\*]+/g) ?? []) {
    if (piece === "**") throw fault(`Consecutive wildcard characters at pos ${position}`);
    if (piece === "\\") throw fault(`Invalid escape character at pos ${position}`);
    parts.push(piece === "*" ? ANY_MANY : piece.startsWith("\\") ? piece.slice(1) : piece);
    position += Buffer.byteLength(piece);
  }
  return parts;
}

/**
 * In how many places of an expression a text may be at once. EventBridge tells no number: its documentation's example of what is too
 * complex, `*:*:*:*:*:event-bus/*`, comes to 10, and the one of what is not, a star before `/dir/dir/dir/dir/dir/doc.txt`, to 7.
 */
const PLACES_MAX = 9;
/** Sets of places that are looked at. */
const SETS_MAX = 10_000;

/** One character of an expression, and whether a star follows it. */
interface Place {
  readonly character: string;
  readonly isBeforeStar: boolean;
}

/**
 * @throws Error what `refuse` makes of an expression that would have a text be in too many places at once, counted as
 * aws/event-ruler's MachineComplexityEvaluator does
 */
export function requireSimple(parts: readonly PatternPart[], refuse: (reason: string) => Error): void {
  const places = placesOf(parts);
  const alphabet = new Set(places.map(({ character }) => character));
  const seen = new Set<string>();
  const open: (readonly number[])[] = [[0]];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const begun = at.filter((step) => step >= 0 && places[step]?.isBeforeStar && !at.includes(loopOf(step)));
    if (at.length + begun.length > PLACES_MAX || seen.size > SETS_MAX) {
      const fewer =
        "try using fewer wildcard characters or fewer repeating character sequences after a wildcard character";
      throw refuse(`Rule is too complex - ${fewer}`);
    }
    for (const character of alphabet) {
      const next = follow(places, at, character);
      const name = next.join();
      if (next.length > 0 && !seen.has(name)) open.push(next);
      seen.add(name);
    }
  }
}

/** The characters with the quotes that EventBridge's texts have around them. */
function placesOf(parts: readonly PatternPart[]): readonly Place[] {
  const characters = ['"', ...parts, '"'].flatMap((part) => (typeof part === "string" ? [...part] : [undefined]));
  return characters.flatMap((character, index) =>
    character === undefined
      ? []
      : [{ character, isBeforeStar: characters[index + 1] === undefined && index + 1 < characters.length }],
  );
}

/** The star after a place, as a place of its own. */
function loopOf(place: number): number {
  return -1 - place;
}

/** Where a text may be after one more character: a place is a character that was read, or a star that took it. */
function follow(places: readonly Place[], at: readonly number[], character: string): readonly number[] {
  const next = new Set<number>();
  for (const step of at) {
    const place = step >= 0 ? step : loopOf(step);
    if (step < 0 || places[place]?.isBeforeStar === true) next.add(loopOf(place));
    if (places[place + 1]?.character === character) next.add(place + 1);
  }
  return [...next].toSorted((left, right) => left - right);
}
