/** Patterns against a slow reference, and against patterns that are made to hang. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compileGlob, matchesGlob } from "../../src/policy/glob.ts";

/** What a pattern means, said as plainly as can be; exponential. */
function reference(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  const [first, rest] = [pattern[0], pattern.slice(1)];
  if (first === "*") return reference(rest, text) || (text !== "" && reference(pattern, text.slice(1)));
  return text !== "" && (first === "?" || first === text[0]) && reference(rest, text.slice(1));
}

const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 7 });
const text = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 9 });

describe("a pattern", () => {
  it("matches what the reference says, compiled or not", () => {
    fc.assert(
      fc.property(pattern, text, (glob, subject) => {
        const expected = reference(glob, subject);
        assert.equal(matchesGlob(glob, subject), expected);
        assert.equal(compileGlob(glob)(subject), expected);
      }),
      { numRuns: 5000 },
    );
  });

  it("means every other character as it is", () => {
    for (const [glob, subject] of [
      ["a.c", "abc"],
      ["[ab]", "a"],
      ["a|b", "a"],
      ["^a$", "a"],
      ["\\*", "x"],
      ["A", "a"],
    ] as const) {
      assert.equal(compileGlob(glob)(subject), false, glob);
    }
  });

  it("that would make a backtracking matcher run for ages is answered at once", () => {
    const subject = "a".repeat(2048); // the longest ARN there is
    for (const glob of [
      `${"*a".repeat(1000)}*b`,
      `${"a*".repeat(1000)}b`,
      `*${"a".repeat(1024)}b`,
      `*${"?".repeat(1024)}b`,
      `${"*".repeat(16_000)}b`,
      `${"*?".repeat(8000)}b`,
    ]) {
      const start = process.cpuUsage();
      assert.equal(compileGlob(glob)(subject), false);
      const { user, system } = process.cpuUsage(start);
      assert.ok(user + system < 500_000, `took ${user + system} µs`);
    }
  });
});
