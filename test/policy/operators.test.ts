/**
 * Truth tables of every condition operator: absent keys, one value, several. The examples are those of the IAM user guide
 * (awsdocs/iam-user-guide: reference_policies_elements_condition_operators.md, reference_policies_multi-value-conditions.md,
 * reference_policies_variables.md).
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { asConditionType, compileCondition } from "../../src/policy/conditions.ts";
import { operatorNames } from "../../src/policy/operators.ts";

const variable = (text: string): string => `\${${text}}`;

/** Whether `{ [name]: { "aws:key": values } }` holds of a request with these values under aws:key (undefined: none). */
function holds(
  name: string,
  values: string | readonly string[],
  actual: string | readonly string[] | undefined,
): boolean {
  const type = asConditionType(name);
  assert.ok(type !== undefined, name);
  const test = compileCondition({ ...type, key: "aws:key", values: [values].flat() }, true);
  const asked = actual === undefined ? undefined : [actual].flat();
  const others: Record<string, readonly string[]> = { "aws:username": ["david"], "aws:tagkeys": ["a", "b"] };
  return test((key) => (key === "aws:key" ? asked : others[key]));
}

/** For each operator: a value of the policy, values of requests that match it, and values that don't. */
const table: Readonly<Record<string, readonly { policy: string; matching: string[]; other: string[] }[]>> = {
  StringEquals: [
    { policy: "iamuser-admin", matching: ["iamuser-admin"], other: ["IAMUSER-ADMIN", "iamuser-admin ", ""] },
    { policy: "a*", matching: ["a*"], other: ["ab", "a"] },
    { policy: variable("aws:username"), matching: ["david"], other: ["David", variable("aws:username")] },
    { policy: `a${variable("*")}`, matching: ["a*"], other: ["ab"] },
    { policy: variable("aws:none"), matching: [], other: ["", variable("aws:none")] },
    { policy: variable("aws:none, 'team one'"), matching: ["team one"], other: ["david"] },
    { policy: variable("aws:tagkeys"), matching: [], other: ["a", "a,b"] },
  ],
  StringEqualsIgnoreCase: [{ policy: "Admin", matching: ["admin", "ADMIN"], other: ["admins"] }],
  StringLike: [
    { policy: "t1.*", matching: ["t1.micro", "t1."], other: ["t2.micro", "T1.micro"] },
    { policy: `home/${variable("aws:username")}/`, matching: ["home/david/"], other: ["home//", "home/eve/"] },
    { policy: `${variable("aws:username")}/?`, matching: ["david/x"], other: ["david/", "david/xy"] },
    { policy: `a${variable("*")}${variable("?")}`, matching: ["a*?"], other: ["abc"] },
    {
      policy: "arn:aws:someservice:*:111122223333:finance/*",
      matching: ["arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"],
      other: [],
    },
  ],
  NumericEquals: [{ policy: "10", matching: ["10", "10.0", "+10"], other: ["11", "1e1", "ten", ""] }],
  NumericLessThan: [{ policy: "10", matching: ["9", "9.99", "-1"], other: ["10", "11", "x"] }],
  NumericLessThanEquals: [{ policy: "10", matching: ["10", "9"], other: ["10.01", ""] }],
  NumericGreaterThan: [{ policy: "10", matching: ["10.5"], other: ["10", "9"] }],
  NumericGreaterThanEquals: [{ policy: "10", matching: ["10", "11"], other: ["9"] }],
  DateEquals: [
    {
      policy: "2020-01-01T00:00:00Z",
      matching: ["2020", "2020-01", "2020-01-01", "1577836800", "2020-01-01T01:00:00.0+01:00"],
      other: ["2020-01-02", "now"],
    },
    {
      policy: "2020-1-1T00:00:00",
      matching: ["2020-01-01T00", "2020-01-01t0:0:0z", "2020-01-01T02:00:00+02", "2019-12-31T21:30-0230"],
      other: ["2020-13-01", "2020-01-01T24:00:00", "2020-01-01T00:60", "2020-01-01T00:00:00+24", "20200-01-01"],
    },
  ],
  DateLessThan: [
    {
      policy: "2020-01-01T00:00:01Z",
      matching: ["2019-12-31", "1577836800"],
      other: ["2020-01-01T00:00:01Z", "2021", "x"],
    },
  ],
  DateLessThanEquals: [
    { policy: "292278993-01-01", matching: ["2020-01-01", "292278993"], other: [] },
    { policy: "1577836800", matching: ["2020", "2019"], other: ["2020-01-01T00:00:01Z"] },
  ],
  DateGreaterThan: [
    { policy: "2020-01-01T00:00:01Z", matching: ["2020-01-01T00:00:02Z"], other: ["2020-01-01T00:00:01Z", "2020"] },
  ],
  DateGreaterThanEquals: [
    { policy: "2020-01-01", matching: ["2020-01-01T00:00Z", "2021"], other: ["2019-12-31T23:59:59Z"] },
  ],
  Bool: [
    { policy: "true", matching: ["true", "True"], other: ["false", ""] },
    { policy: "False", matching: ["false"], other: ["true"] },
  ],
  BinaryEquals: [
    {
      policy: "QmluYXJ5VmFsdWVJbkJhc2U2NA==",
      matching: ["QmluYXJ5VmFsdWVJbkJhc2U2NA=="],
      other: ["QUJD", "BinaryValueInBase64"],
    },
  ],
  IpAddress: [
    {
      policy: "203.0.113.0/24",
      matching: ["203.0.113.0", "203.0.113.255"],
      other: ["203.0.114.0", "203.0.113", "203.0.113.256", "2001:db8::1", ""],
    },
    { policy: "203.0.113.5", matching: ["203.0.113.5"], other: ["203.0.113.4", "203.0.113.05"] },
    { policy: "0.0.0.0/0", matching: ["1.2.3.4"], other: ["::1"] },
    {
      policy: "2001:DB8:1234:5678::/64",
      matching: ["2001:db8:1234:5678::1", "2001:db8:1234:5678:ffff::"],
      other: ["2001:db8:1234:5679::1", "203.0.113.1"],
    },
    { policy: "::1", matching: ["::1", "0:0:0:0:0:0:0:1", "::0.0.0.1"], other: ["::2", "::1::"] },
    { policy: "203.0.113.0/33", matching: [], other: ["203.0.113.0"] },
    { policy: "everywhere", matching: [], other: ["203.0.113.0", "everywhere"] },
  ],
  ArnLike: [
    {
      policy: "arn:aws:someservice:*:111122223333:finance/*",
      matching: ["arn:aws:someservice:us-east-2:111122223333:finance/a:b"],
      other: ["arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt", "arn:aws"],
    },
    {
      policy: `arn:aws:iam::1:user/${variable("aws:username")}`,
      matching: ["arn:aws:iam::1:user/david"],
      other: ["arn:aws:iam::1:user/eve"],
    },
    { policy: "*", matching: [], other: ["arn:aws:iam::1:root"] },
  ],
};
const aliases: Readonly<Record<string, string>> = { ArnEquals: "ArnLike" };
const positiveOf: Readonly<Record<string, string>> = {
  StringNotEquals: "StringEquals",
  StringNotEqualsIgnoreCase: "StringEqualsIgnoreCase",
  StringNotLike: "StringLike",
  NumericNotEquals: "NumericEquals",
  DateNotEquals: "DateEquals",
  NotIpAddress: "IpAddress",
  ArnNotEquals: "ArnLike",
  ArnNotLike: "ArnLike",
};

describe("a condition operator", () => {
  for (const name of operatorNames) {
    const positive = positiveOf[name] ?? aliases[name] ?? name;
    const isNegated = name in positiveOf;
    it(`S04-001: ${name} holds of the values that it should, and of an absent key ${isNegated ? "too" : "never"}`, () => {
      const rows = table[positive] ?? [];
      assert.ok(rows.length > 0);
      for (const { policy, matching, other } of rows) {
        for (const actual of matching) assert.equal(holds(name, policy, actual), !isNegated, `${policy}: ${actual}`);
        for (const actual of other) assert.equal(holds(name, policy, actual), isNegated, `${policy}: ${actual}`);
        for (const absent of [undefined, []]) {
          assert.equal(holds(name, policy, absent), isNegated);
          assert.equal(holds(`${name}IfExists`, policy, absent), true);
          assert.equal(holds(`ForAllValues:${name}`, policy, absent), true);
          assert.equal(holds(`ForAnyValue:${name}`, policy, absent), false);
          assert.equal(holds(`ForAnyValue:${name}IfExists`, policy, absent), true);
        }
        const [one] = matching;
        if (one === undefined) continue;
        assert.equal(holds(name, ["\u0001", policy], one), !isNegated, "any value of the policy will do");
        assert.equal(holds(`${name}IfExists`, policy, one), !isNegated);
        assert.equal(holds(`ForAllValues:${name}`, policy, [one, one]), !isNegated);
        assert.equal(holds(`ForAnyValue:${name}`, policy, [one]), !isNegated);
        assert.equal(holds(`ForAllValues:${name}`, policy, [one, "\u0002"]), false, "one of two doesn't");
        assert.equal(holds(`ForAnyValue:${name}`, policy, [one, "\u0002"]), true, "one of two does");
      }
    });
  }

  it("S04-001: Null asks whether the key is there", () => {
    for (const [value, actual, expected] of [
      ["true", undefined, true],
      ["true", [], true],
      ["true", "x", false],
      ["True", undefined, true],
      ["false", undefined, false],
      ["false", "x", true],
      ["false", "", true],
    ] as const) {
      assert.equal(holds("Null", value, actual), expected, `${value} ${JSON.stringify(actual)}`);
    }
  });

  it("S04-002: ForAllValues holds of an empty text, ForAnyValue doesn't", () => {
    assert.equal(holds("ForAllValues:StringEquals", "x", ""), true);
    assert.equal(holds("ForAnyValue:StringEquals", ["x", ""], ""), false);
  });

  it("decides about the attributes of the guide's example of sets", () => {
    const allowed = ["PostDateTime", "Message", "Tags"];
    assert.equal(holds("ForAllValues:StringLike", allowed, ["PostDateTime", "Message"]), true);
    assert.equal(holds("ForAllValues:StringLike", allowed, ["PostDateTime", "UserName"]), false);
    assert.equal(
      holds("ForAnyValue:StringLike", ["ID", "PostDateTime"], ["UserName", "Message", "PostDateTime"]),
      true,
    );
    assert.equal(holds("ForAnyValue:StringLike", ["ID", "PostDateTime"], ["UserName"]), false);
  });

  it("may be written in any case", () => {
    assert.deepEqual(asConditionType("forAnyvalue:stringLIKEifexists"), {
      operator: "stringlike",
      set: "any",
      ifExists: true,
    });
    assert.equal(holds("bool", "true", "true"), true);
  });

  it("takes any text in policy and request without failing", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...operatorNames),
        fc.string({ unit: "grapheme" }),
        fc.string(),
        (name, policy, actual) => {
          const safe = policy.replaceAll("${", "");
          assert.equal(typeof holds(name, safe, actual), "boolean");
        },
      ),
      { numRuns: 2000 },
    );
  });
});
