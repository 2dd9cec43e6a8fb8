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
