/** Patterns with `*` and `?`, matched by a loop: a pattern is the caller's and must not be able to hang us. */

/** A pattern as a function. The forms that nearly all patterns have (no wildcard, one star at the end) take one comparison. */
export function compileGlob(pattern: string): (text: string) => boolean {
  const wildcard = pattern.search(/[*?]/);
  if (wildcard < 0) return (text) => text === pattern;
  if (wildcard === pattern.length - 1 && pattern.endsWith("*")) {
    const prefix = pattern.slice(0, -1);
    return (text) => text.startsWith(prefix);
  }
  return (text) => matchesGlob(pattern, text);
}

/**
 * Whether `text` matches `pattern`: `*` stands for any characters, also none, and `?` for one.
 *
 * Takes at most length × length steps (a star is tried further right, never more than the last one).
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let retry = 0;
  while (t < text.length) {
    const wanted = pattern[p];
    if (wanted === "*") {
      star = p;
      retry = t;
      p += 1;
    } else if (wanted === "?" || wanted === text[t]) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      retry += 1;
      p = star + 1;
      t = retry;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p += 1;
  return p === pattern.length;
}
