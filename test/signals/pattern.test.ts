/** Event patterns: each comparison of EventBridge's user guide, what matches it and what does not. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compileEventPattern, InvalidEventPatternException } from "../../src/signals/events/pattern.ts";

const matches = (pattern: unknown, event: unknown): boolean => compileEventPattern(JSON.stringify(pattern))(event);

/** One field `f` of an event. */
const CASES: readonly { readonly of: unknown; readonly yes: readonly unknown[]; readonly no: readonly unknown[] }[] = [
  { of: "a", yes: ["a", ["b", "a"], [["a"]]], no: ["A", "b", [], null, { a: "a" }] },
  { of: 300, yes: [300, [1, 3e2]], no: ["300", 301] },
  { of: null, yes: [null], no: ["", "null", 0] },
  { of: true, yes: [true], no: ["true", false] },
  { of: { prefix: "ab" }, yes: ["ab", "abc", ["x", "abc"]], no: ["a", "AB", 1] },
  { of: { prefix: { "equals-ignore-case": "Ab" } }, yes: ["aBc"], no: ["a"] },
  { of: { suffix: ".png" }, yes: ["a.png"], no: ["a.PNG", ".pn"] },
  { of: { suffix: { "equals-ignore-case": ".png" } }, yes: ["a.PNG"], no: ["png."] },
  { of: { "equals-ignore-case": "Alice" }, yes: ["aLICE"], no: ["alic", 1] },
  { of: { "anything-but": "a" }, yes: ["b", 1, ["a", "b"]], no: ["a", [], undefined] },
  { of: { "anything-but": ["a", "b"] }, yes: ["c"], no: ["a", "b"] },
  { of: { "anything-but": [1, 2] }, yes: [3, "1"], no: [1, 2] },
  { of: { "anything-but": { prefix: "a" } }, yes: ["b"], no: ["ab"] },
  { of: { "anything-but": { prefix: ["a", "b"] } }, yes: ["c"], no: ["ab", "bc"] },
  { of: { "anything-but": { suffix: ".png" } }, yes: ["a.jpg"], no: ["a.png"] },
  { of: { "anything-but": { "equals-ignore-case": ["a"] } }, yes: ["b"], no: ["A"] },
  { of: { "anything-but": { wildcard: "*/lib/*" } }, yes: ["/bin/x"], no: ["/usr/lib/x"] },
  { of: { numeric: ["=", 5] }, yes: [5], no: [4, "5"] },
  { of: { numeric: [">", 0, "<=", 5] }, yes: [0.1, 5], no: [0, 5.1] },
  { of: { cidr: "10.0.0.0/24" }, yes: ["10.0.0.255"], no: ["10.0.1.0", "10.0.0", "::1"] },
  { of: { cidr: "2001:db8::/32" }, yes: ["2001:db8::1"], no: ["2001:db9::1", "10.0.0.1"] },
  { of: { exists: true }, yes: ["a", null, [1]], no: [undefined, [], { a: 1 }] },
  { of: { exists: false }, yes: [undefined], no: ["a", null] },
  { of: { wildcard: "dir/*.png" }, yes: ["dir/a.png", "dir/.png"], no: ["dir/a.jpg", "xdir/a.png"] },
  { of: { wildcard: "a\\*b" }, yes: ["a*b"], no: ["axb"] },
];

describe("an event pattern", () => {
  for (const { of, yes, no } of CASES) {
    it(`takes and leaves as it should: ${JSON.stringify(of)}`, () => {
      for (const f of yes) assert.ok(matches({ f: [of] }, { f }), `takes ${JSON.stringify(f)}`);
      for (const f of no) assert.ok(!matches({ f: [of] }, { f }), `leaves ${JSON.stringify(f)}`);
    });
  }

  it("demands every field, one of its values, and all of $or beside one of its parts", () => {
    const pattern = { s: ["a", "b"], d: { n: [1] }, $or: [{ x: [1] }, { y: [2], z: [3] }] };
    const event = { s: "b", d: { n: 1 } };
    assert.ok(matches(pattern, { ...event, x: 1 }));
    assert.ok(matches(pattern, { ...event, y: 2, z: 3 }));
    assert.ok(!matches(pattern, { ...event, y: 2 }));
    assert.ok(!matches(pattern, { ...event, d: {}, x: 1 }));
    assert.ok(!matches(pattern, { d: { n: 1 }, x: 1 }));
  });

  it("wants the fields of an object in a list from one object", () => {
    const pattern = { list: { a: [1], b: [2] } };
    assert.ok(matches(pattern, { list: [{ a: 9 }, { a: 1, b: 2 }] }));
    assert.ok(!matches(pattern, { list: [{ a: 1 }, { b: 2 }] }));
  });

  it("takes no field that an event has from its prototype", () => {
    assert.ok(!matches({ toString: [{ exists: true }] }, {}));
    assert.ok(matches(JSON.parse('{"__proto__":["a"]}'), JSON.parse('{"__proto__":"a"}')));
  });

  for (const text of [
    "",
    "[]",
    "1",
    "{}",
    '{"a":"b"}',
    '{"a":[]}',
    '{"a":{}}',
    '{"a":[["b"]]}',
    '{"a":[{"none":1}]}',
    '{"a":[{"prefix":"a","suffix":"b"}]}',
    '{"a":[{"prefix":1}]}',
    '{"a":[{"prefix":{"wildcard":"a"}}]}',
    '{"a":[{"exists":"yes"}]}',
    '{"a":[{"anything-but":["a",1]}]}',
    '{"a":[{"anything-but":[]}]}',
    '{"a":[{"anything-but":{"numeric":["=",1]}}]}',
    '{"a":[{"numeric":[]}]}',
    '{"a":[{"numeric":["<",1,">",0]}]}',
    '{"a":[{"numeric":[">",2,"<",1]}]}',
    '{"a":[{"numeric":["!",1]}]}',
    '{"a":[{"numeric":["=",6e9]}]}',
    '{"a":[{"cidr":"10.0.0.0"}]}',
    '{"a":[{"cidr":"10.0.0.0/33"}]}',
    '{"a":[{"wildcard":"a**"}]}',
    '{"a":[{"wildcard":"a\\\\n"}]}',
    `${'{"a":'.repeat(40)}["b"]${"}".repeat(40)}`,
  ]) {
    it(`is refused: ${text.slice(0, 60)}`, () => {
      assert.throws(() => compileEventPattern(text), InvalidEventPatternException);
    });
  }

  it("is compiled or refused, whatever the text", () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.dictionary(fc.constantFrom("prefix", "numeric", "cidr", "exists", "anything-but", "wildcard"), fc.jsonValue()),
    );
    const pattern = fc.dictionary(fc.constantFrom("a", "$or", "__proto__"), fc.oneof(fc.array(leaf), fc.jsonValue()));
    fc.assert(
      fc.property(pattern, fc.jsonValue(), (made, event) => {
        try {
          assert.equal(typeof matches(made, event), "boolean");
        } catch (cause) {
          assert.ok(cause instanceof InvalidEventPatternException, String(cause));
        }
      }),
    );
  });
});
