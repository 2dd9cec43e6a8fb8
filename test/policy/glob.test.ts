/** Patterns against a slow reference, and against patterns that are made to hang. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compileGlob } from "../../src/policy/glob.ts";

/** What a pattern means, said as plainly as can be; exponential. */
function reference(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  const [first, rest] = [pattern[0], pattern.slice(1)];
  if (first === "*") return reference(rest, text) || (text !== "" && reference(pattern, text.slice(1)));
  return text !== "" && (first === "?" || first === text[0]) && reference(rest, text.slice(1));
}

/** The same by dynamic programming, for longer texts: which places of the text the pattern so far can end at. */
function slowly(pattern: string, text: string): boolean {
  let ends = new Set([0]);
  for (const char of pattern) {
    const next = new Set<number>();
    for (const end of ends) {
      if (char === "*") for (let further = end; further <= text.length; further += 1) next.add(further);
      else if (end < text.length && (char === "?" || char === text[end])) next.add(end + 1);
    }
    ends = next;
  }
  return ends.has(text.length);
}

const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 7 });
const text = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 9 });

describe("a pattern", () => {
  it("matches what the reference says", () => {
    fc.assert(
      fc.property(pattern, text, (glob, subject) => {
        const expected = reference(glob, subject);
        assert.equal(compileGlob(glob)(subject), expected);
      }),
      { numRuns: 5000 },
    );
  });

  it("with runs longer than a machine word matches what the reference says", () => {
    const long = fc.tuple(
      fc.constantFrom("*", "?"),
      fc.string({ unit: fc.constantFrom("a", "a", "?"), minLength: 30, maxLength: 70 }),
      pattern,
    );
    let matched = 0;
    fc.assert(
      fc.property(
        long,
        fc.string({ unit: fc.constantFrom("a", "a", "a", "a", "a", "a", "b"), minLength: 30, maxLength: 90 }),
        ([star, run, end], subject) => {
          const glob = star + run + end;
          const expected = slowly(glob, subject);
          if (expected) matched += 1;
          assert.equal(compileGlob(glob)(subject), expected);
        },
      ),
      { numRuns: 5000 },
    );
    assert.ok(matched > 0);
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
    const subject = "a".repeat(16_384); // longer than any header or encryption context
    for (const glob of [
      `${"*a".repeat(1000)}*b`,
      `${"a*".repeat(1000)}b`,
      `*${"a".repeat(1024)}b`,
      `*${"?".repeat(1024)}b`,
      `*${"a?".repeat(8000)}b*`,
      `*b${"a".repeat(8000)}*`,
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
