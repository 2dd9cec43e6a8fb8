/** Strict JSON: what JSON.parse reads, less what can be read in two ways. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseUnambiguousJson, withPrincipals } from "../../src/policy/json.ts";

describe("unambiguous JSON", () => {
  it("is what JSON.stringify writes, whatever the value and the spaces", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("", " ", "\t", "\n"), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        assert.deepEqual(parseUnambiguousJson(text), JSON.parse(text));
      }),
    );
  });

  for (const text of [
    '{"a":1,"a":1}',
    '{"a":1, "b":2 , "\\u0061" : 3}',
    '[{"x":{"a":1,"b":{},"a":2}}]',
    '{"a\\"b":1,"a\\"b":2}',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"a":"}","a":1}',
  ]) {
    it(`is not ${text}`, () => assert.throws(() => parseUnambiguousJson(text), SyntaxError));
  }

  for (const text of [
    '{"a":"a","b":["a","a"],"c":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":"\\"a\\":","b":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":"\\\\","b":1}',
    '["a","a"]',
    '{"a":{"a":{"a":1}}}',
  ]) {
    it(`is ${text}`, () => assert.deepEqual(parseUnambiguousJson(text), JSON.parse(text)));
  }

  it("is found out of deep nesting without a recursion", () => {
    const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
    assert.ok(Array.isArray(parseUnambiguousJson(deep)));
  });

  it("is any JSON or a SyntaxError, whatever the text", () => {
    const text = fc
      .array(fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "a", " ", "1", "\\u0061"))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (json) => {
        try {
          assert.deepEqual(parseUnambiguousJson(json), JSON.parse(json));
        } catch (error) {
          assert.ok(error instanceof SyntaxError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a policy whose principals get other names", () => {
  const renamed = (text: string): string => withPrincipals(text, (name) => (name === "a/b" ? "new" : name));
  for (const [title, text, expected] of [
    [
      "in one statement",
      '{"Statement":{"Principal":"a/b","Sid":"a/b"}}',
      '{"Statement":{"Principal":"new","Sid":"a/b"}}',
    ],
    [
      "in lists, in spaces, however they are escaped",
      '{ "Id" : "a/b", "Statement" : [ { "Sid" : "Principal" }, { "NotPrincipal" : { "a/b" : [ "x", "a\\/b" ] } } ] }',
      '{ "Id" : "a/b", "Statement" : [ { "Sid" : "Principal" }, { "NotPrincipal" : { "a/b" : [ "x", "new" ] } } ] }',
    ],
    [
      "and not in conditions, nor in the statement after it",
      '[{"S":{"Principal":"x","Condition":{"E":{"Principal":["a/b"]}}}},{"Sid":"a/b"}]',
      '[{"S":{"Principal":"x","Condition":{"E":{"Principal":["a/b"]}}}},{"Sid":"a/b"}]',
    ],
  ] as const) {
    it(`has them ${title}`, () => assert.equal(renamed(text), expected));
  }
});
