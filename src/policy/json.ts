/** JSON as policies are written in it: strict, and without a member that comes twice. */

/**
 * Parses JSON. Of a member that comes twice `JSON.parse` keeps the last and other readers the first; a policy that two
 * people can read in two ways is refused.
 *
 * @throws SyntaxError no JSON, or an object has a member twice
 */
export function parseUnambiguousJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  requireDistinctMembers(text);
  return value;
}

/** @param text valid JSON, in which a string before a colon is a member's name and no other is */
function requireDistinctMembers(text: string): void {
  const open: Set<string>[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index];
    if (char === "{" || char === "[") open.push(new Set());
    else if (char === "}" || char === "]") open.pop();
    else if (char === '"') {
      const end = endOfString(text, index);
      if (isBeforeColon(text, end)) addMember(open.at(-1), text.slice(index, end));
      index = end - 1;
    }
  }
}

function addMember(members: Set<string> | undefined, token: string): void {
  const name = JSON.parse(token) as string; // a string token of valid JSON
  if (members?.has(name) === true) throw new SyntaxError("An object has a member twice.");
  members?.add(name);
}

/** Just past the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text[index] !== '"') index += text[index] === "\\" ? 2 : 1;
  return index + 1;
}

function isBeforeColon(text: string, from: number): boolean {
  let index = from;
  while (text[index] === " " || text[index] === "\t" || text[index] === "\n" || text[index] === "\r") index += 1;
  return text[index] === ":";
}

/**
 * A policy with other names in its principals, and in nothing else: what a condition compares stays as it is.
 *
 * @param text a policy document that was found good
 * @param nameOf what is to stand in the place of a name; the name itself where it stays
 */
export function withPrincipals(text: string, nameOf: (name: string) => string): string {
  const open: string[] = [];
  let member: string | undefined; // of the statement that is open
  let renamed = "";
  let copied = 0;
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char === "{" || char === "[") open.push(char);
    else if (char === "}" || char === "]") {
      if (isOutermost(open)) member = undefined;
      open.pop();
    } else if (char === '"') {
      const end = endOfString(text, index);
      const value = JSON.parse(text.slice(index, end)) as string; // a string token of valid JSON
      if (!isBeforeColon(text, end)) {
        const name = member === "Principal" || member === "NotPrincipal" ? nameOf(value) : value;
        if (name !== value) {
          renamed += text.slice(copied, index) + JSON.stringify(name);
          copied = end;
        }
      } else if (isOutermost(open)) member = value;
      index = end - 1;
    }
  }
  return renamed + text.slice(copied);
}

/** A place in a text, counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * Where the statements of a policy are in its text, as the policy simulator says it (recorded answers): from just behind what
 * comes before it, the opening bracket or the statement before, to just behind its closing brace.
 *
 * @param text a policy document that was found good
 */
export function placesOfStatements(text: string): readonly { readonly start: Place; readonly end: Place }[] {
  const places: { start: Place; end: Place }[] = [];
  const open: string[] = [];
  let isStatement = false;
  let start: number | undefined;
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char === '"') {
      const end = endOfString(text, index);
      if (open.length === 1 && isBeforeColon(text, end)) isStatement = text.slice(index, end) === '"Statement"';
      index = end - 1;
    } else if (char === "{" || char === "[") {
      open.push(char);
      if (isStatement && isOutermost(open)) start ??= index;
      else if (isStatement && open.length === 2) start = index + 1;
    } else if (char === "}" || char === "]") {
      if (isStatement && isOutermost(open)) {
        places.push({ start: placeOf(text, start ?? index), end: placeOf(text, index + 1) });
        start = index + 1;
      }
      open.pop();
    }
  }
  return places;
}

/** Whether what is open is one statement: an object in the document, or in a list in it. */
function isOutermost(open: readonly string[]): boolean {
  return open.at(-1) === "{" && (open.length === 2 || (open.length === 3 && open[1] === "["));
}

function placeOf(text: string, index: number): Place {
  const before = text.slice(0, index);
  return { line: before.split("\n").length, column: index - before.lastIndexOf("\n") };
}
