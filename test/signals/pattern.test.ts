/** Event patterns: each comparison of EventBridge's user guide, what matches it and what does not. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compileEventPattern } from "../../src/signals/events/pattern.ts";
import { InvalidEventPatternException } from "../../src/signals/events/pattern-values.ts";

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

const VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
const CASELESS = "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.";
const SCALAR = "Value of anything-but must be an array or single string/number value.";
const FEWER = "try using fewer wildcard characters or fewer repeating character sequences after a wildcard character";
const AFFIX = "prefix/suffix match pattern must be a string";
const BUS = "arn:aws:events:us-east-1:**:event-bus/*";

/** Patterns that EventBridge has refused (recorded in LocalStack's test suite), why, and up to which column they were read. */
const REFUSED: readonly (readonly [pattern: string, reason: string, column?: number, twice?: "twice"])[] = [
  ['{"int": 42}', '"int" must be an object or an array', 11],
  ['{"string": "my-value"}', '"string" must be an object or an array', 13],
  ['{"resources": []}', "Empty arrays are not allowed", 17],
  ['["not", "a", "dict", "but valid json"]', "Filter is not an object", 2],
  ["this is valid json but not a dict", `Unrecognized token 'this': was expecting ${VALUES}`, 5],
  ['{"not": closed mark"', `Unrecognized token 'closed': was expecting ${VALUES}`, 15],
  ["{'bad': 1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name", 2],
  ['{"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}', "Unrecognized match type NUMERIC", 36],
  ['{"my_key": [{"EXISTS": true}]}', "Unrecognized match type EXISTS", 28],
  ['{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}', "Bad numeric range operator: >", 49],
  ['{"detail": {"c-count": [{"numeric": [">", 0, "<"]}]}}', "Value of < must be numeric", 50],
  ['{"type": [{"equals-ignore-case": ["ec2"]}]}', "equals-ignore-case match pattern must be a string", 35],
  ['{"type": [{"equals-ignore-case": {"prefix": "ec2"}}]}', "equals-ignore-case match pattern must be a string", 35],
  ['{"time": [{"prefix": ["2022-07-13"]}]}', "prefix match pattern must be a string", 23],
  ['{"time": [{"prefix": 123}]}', "prefix match pattern must be a string", 25],
  ['{"FileName": [{"suffix": 123}]}', "suffix match pattern must be a string", 29],
  ['{"FileName": [{"suffix": [".png"]}]}', "suffix match pattern must be a string", 27],
  ['{"EventBusArn": [{"wildcard": 123}]}', "wildcard match pattern must be a string", 34],
  [`{"EventBusArn": [{"wildcard": ["${BUS}"]}]}`, "wildcard match pattern must be a string", 32],
  [`{"EventBusArn": [{"wildcard": "${BUS}"}]}`, "Consecutive wildcard characters at pos 26", 72],
  ['{"EventBusArn": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}', `Rule is too complex - ${FEWER}`],
  ['{"detail": {"state": [{"anything-but": {"equals-ignore-case": 123}}]}}', CASELESS, 66],
  ['{"detail": {"state": [{"anything-but": {"equals-ignore-case": [123, 456]}}]}}', CASELESS, 67, "twice"],
  ['{"a": [{"anything-but": {"wildcard": 123}}]}', "wildcard match pattern must be a string", 41],
  ['{"a": [{"anything-but": {"wildcard": [123, "*/d/*"]}}]}', "wildcard match pattern must be a string", 42, "twice"],
  ['{"detail": {"FileName": [{"anything-but": {"suffix": 123}}]}}', AFFIX, 57],
  ['{"detail": {"FileName": [{"anything-but": {"suffix": [123, ".txt"]}}]}}', AFFIX, 58, "twice"],
  ['{"detail": {"state": [{"anything-but": {"prefix": 123}}]}}', AFFIX, 54],
  ['{"detail": {"FileName": [{"anything-but": {"prefix": {"equals-ignore-case": "file"}}}]}}', SCALAR, 55],
  ['{"detail": {"FileName": [{"anything-but": {"suffix": {"equals-ignore-case": ".png"}}}]}}', SCALAR, 55],
  ['{"detail": {"sourceIPAddress": [{"cidr": ["bad-type"]}]}}', "prefix match pattern must be a string", 43],
  ['{"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0"}]}}', "Malformed CIDR, one '/' required"],
  ['{"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0/xx"}]}}', "Malformed CIDR, mask bits must be an integer"],
  ['{"detail": {"sourceIPAddress": [{"cidr": "xx.11.xx/8"}]}}', "Nonstandard IP address: xx.11.xx"],
  ['{"ip": [{"cidr": "xxxx:db8:1234:1a00::/64"}]}', "Nonstandard IP address: xxxx:db8:1234:1a00::"],
  // What was not recorded is as aws/event-ruler and its parser have it.
  [
    '{"a":["b"]',
    `Unexpected end-of-input: expected close marker for Object (start marker at ${at('{"a":["b"]', 1)})`,
    11,
  ],
  ['{"a":["b"}', `Unexpected close marker '}': expected ']' (for Array starting at ${at('{"a":["b"}', 6)})`, 10],
  ['{"$or":[{"a":[1]}]}', "There must have at least 2 Objects in $or relationship.", 19],
  ['{"$or":[{"cidr":[1]},{"b":[1]}]}', "cidr is Ruler reserved fieldName which cannot be used inside $or.", 18],
  ['{"a":[{"anything-but":{"prefix":""}}]}', "Null prefix/suffix not allowed", 35],
  ['{"a":[{"cidr":"10.0.0.1/32"}]}', "IPv4 mask bits must be < 32"],
];

function at(pattern: string, column: number): string {
  return `[Source: (String)"${pattern}"; line: 1, column: ${column}]`;
}

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

  for (const [pattern, reason, column, twice] of REFUSED) {
    it(`is refused in EventBridge's words: ${pattern}`, () => {
      const place = column === undefined ? "" : `\n at ${at(pattern, column)}`;
      const message = `Event pattern is not valid. Reason: ${reason}${place}${twice === undefined ? "" : place}`;
      assert.throws(() => compileEventPattern(pattern), { name: "InvalidEventPatternException", message });
    });
  }

  it("joins steps by dots, in patterns and in events", () => {
    const patterns = [{ detail: { state: { status: ["running"] } } }, { detail: { "state.status": ["running"] } }];
    const events = [{ detail: { state: { status: "running" } } }, { detail: { "state.status": "running" } }];
    for (const pattern of patterns) for (const event of events) assert.ok(matches(pattern, event));
    assert.ok(!matches({ detail: { "state.status": { status: ["running"] } } }, events[0]));
    assert.ok(!matches(patterns[0], { detail: { "state.status": { status: "running" } } }));
    assert.ok(matches({ a: { b: [1], "c.d": [2] } }, { "a.b": 1, a: { c: { d: 2 } } }));
  });

  it("finds a field absent where no object of any list has it, and where there is none", () => {
    const pattern = { list: { a: [{ exists: false }] } };
    for (const list of [undefined, [], {}, [{ b: 1 }], "text", [1]]) assert.ok(matches(pattern, { list }));
    assert.ok(!matches(pattern, { list: [{ a: 1 }, { b: 2 }] }));
  });

  it("takes the last of two fields, and the part of $or in place of the field beside it", () => {
    const twice = compileEventPattern('{"a":[{"prefix":"x"}],"a":[{"suffix":"y"}]}');
    assert.ok(twice({ a: "zy" }) && !twice({ a: "xz" }));
    const or = { a: [1], $or: [{ a: [2] }, { b: [3] }] };
    assert.ok(matches(or, { a: 2 }) && matches(or, { a: 1, b: 3 }) && !matches(or, { a: 1 }));
  });

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
