/** Patterns of strangers, against the engine's own regular expressions, and against what makes those hang. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { findTextPattern } from "../../src/base/text-pattern.ts";

describe("a text pattern", () => {
  for (const { pattern, matching, other } of [
    { pattern: "^\\d+$", matching: ["0", "42"], other: ["", "4a", "a4"] },
    { pattern: "\\d{1,4}", matching: ["1", "1234"], other: ["", "12345"] },
    { pattern: ".{8,20}", matching: ["12345678"], other: ["1234567", "x".repeat(21)] },
    { pattern: "^[a-zA-Z]{1,10}$", matching: ["abc"], other: ["ab1", ""] },
    { pattern: "a|b(?:c|d)*?", matching: ["a", "b", "bcd"], other: ["ab", "bce"] },
    { pattern: "[^\\s\\]-]+", matching: ["a.b"], other: ["a b", "a-b", "a]"] },
    { pattern: "[\\w.-]+@[\\w-]+\\.[a-z]{2,}", matching: ["me@here.org"], other: ["me@here"] },
    { pattern: "", matching: [""], other: ["a"] },
    { pattern: "(^a|b$)*", matching: ["", "a", "b"], other: ["aa", "ba"] },
    { pattern: "\\$\\{x\\}", matching: [`\u{24}{x}`], other: ["x"] },
    { pattern: "é.", matching: ["é\u{1f511}"], other: ["é"] },
  ]) {
    it(`${pattern || "(empty)"} matches whole texts`, () => {
      const matches = findTextPattern(pattern);
      assert.ok(matches);
      for (const text of matching) assert.equal(matches(text), true, text);
      for (const text of other) assert.equal(matches(text), false, text);
    });
  }

  it("matches what the engine's expressions match", () => {
    const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d", "\\w", "(a|b)", "(?:ab?)", "^", "$", "1");
    const part = fc.tuple(atom, fc.constantFrom("", "*", "+", "?", "{2}", "{1,2}", "{0,}")).map(([one, times]) => {
      return one === "^" || one === "$" ? one : one + times;
    });
    const pattern = fc.array(part, { maxLength: 5 }).map((parts) => parts.join(""));
    const text = fc.string({ unit: fc.constantFrom("a", "b", "1", "\n"), maxLength: 6 });
    fc.assert(
      fc.property(pattern, text, (made, subject) => {
        const matches = findTextPattern(made);
        assert.ok(matches, made);
        assert.equal(matches(subject), new RegExp(`^(?:${made})$`).test(subject));
      }),
      { numRuns: 500 },
    );
  });

  it("is undefined for any text that is none, and takes little time whatever it is", () => {
    for (const wrong of [
      "(",
      "a)",
      "[",
      "[]",
      "*a",
      "a**",
      "a{2,1}",
      "a{1001}",
      "\\1",
      "(?=a)",
      "\\b",
      "[b-a]",
      "\\",
      "a{",
    ]) {
      assert.equal(findTextPattern(wrong), undefined, wrong);
    }
    assert.equal(findTextPattern("(".repeat(51) + ")".repeat(51)), undefined);
    assert.equal(findTextPattern("((a{100}){100}){100}"), undefined);
    fc.assert(fc.property(fc.string(), (any) => ["function", "undefined"].includes(typeof findTextPattern(any))));
    assert.equal(findTextPattern("(a*)*(a|aa)+b")?.("a".repeat(2000)), false);
  });
});
