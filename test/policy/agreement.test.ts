/** The compiled evaluator against the reference, on random policies and requests. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { operatorNames } from "../../src/policy/operators.ts";
import { compilePolicy, evaluate } from "../../src/policy/policy.ts";
import { type ReferenceRequest, referenceVerdict } from "./reference.ts";

const RUNS = 20_000;
const ACCOUNT = "111122223333";
const KEY = `arn:aws:kms:us-east-1:${ACCOUNT}:key/ab`;
const variable = (text: string): string => `\${${text}}`;

const keyName = fc.constantFrom(
  "aws:userid",
  "AWS:UserId",
  "kms:Keys",
  "kms:keys",
  "aws:Absent",
  "kms:EncryptionContext:A",
);
const value = fc.constantFrom(
  ...["", "a", "A", "ab", "b*", "*", "a?", "true", "false", "1", "1.0", "2", "10", "2020", "2020-01-01T00:00:00Z"],
  ...[
    "1577836800",
    "10.0.0.1",
    "10.0.0.0/8",
    "10.0.0.1/32",
    "0.0.0.0/0",
    "QQ==",
    "arn:aws:iam::1:user/a",
    "arn:*:*:*:*:*",
  ],
  ...["arn:aws:*:*:user/a", `arn:aws:iam::1:user/${variable("aws:userid")}`],
  ...[variable("aws:UserId"), variable("kms:Keys, 'a'"), variable("*"), `a${variable("?")}`, variable("aws:Absent")],
);
const actual = fc.constantFrom(
  ...[
    "",
    "a",
    "A",
    "ab",
    "b*",
    "*",
    "a?",
    "true",
    "TRUE",
    "1",
    "2",
    "10",
    "2020-01-01",
    "1577836800",
    "10.0.0.1",
    "11.0.0.1",
  ],
  ...["QQ==", "arn:aws:iam::1:user/a", "arn:aws:iam::1:user/a:b", KEY],
);
const compared = operatorNames.filter((name) => name !== "BinaryEquals");
const operator = fc.oneof(
  { weight: 1, arbitrary: fc.constant("Null") },
  {
    weight: 20,
    arbitrary: fc
      .tuple(
        fc.constantFrom("", "", "ForAllValues:", "ForAnyValue:"),
        fc.constantFrom(...compared),
        fc.constantFrom("", "", "IfExists"),
      )
      .map((parts) => parts.join("")),
  },
);
const condition = fc.dictionary(
  operator,
  fc.dictionary(keyName, fc.oneof(value, fc.array(value, { maxLength: 3 })), { minKeys: 1, maxKeys: 2 }),
  { maxKeys: 2 },
);
const statement = fc.record({
  Effect: fc.constantFrom("Allow", "Allow", "Deny"),
  Principal: fc.constantFrom<"*" | { AWS: string }>("*", { AWS: ACCOUNT }, { AWS: "444455556666" }),
  Action: fc.constantFrom("kms:*", "KMS:Encrypt", "kms:E*t", "kms:Decrypt"),
  Resource: fc.constantFrom("*", KEY, `arn:aws:kms:*:*:key/${variable("aws:userid")}`, "arn:aws:kms:*:key/x"),
  Condition: condition,
});
const request: fc.Arbitrary<ReferenceRequest> = fc.record({
  principal: fc.constant({
    arn: `arn:aws:iam::${ACCOUNT}:root`,
    account: ACCOUNT,
    accountArn: `arn:aws:iam::${ACCOUNT}:root`,
  }),
  action: fc.constantFrom("kms:Encrypt", "kms:Decrypt"),
  resourceArn: fc.constant(KEY),
  keys: fc.record(
    {
      "aws:userid": fc.tuple(actual),
      "kms:Keys": fc.array(actual, { maxLength: 3 }),
      "kms:EncryptionContext:a": fc.tuple(actual),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Readonly<Record<string, readonly string[]>>>,
});

describe("the compiled evaluator", () => {
  it(`agrees with the reference on ${RUNS} random policies and requests`, () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 3 }), request, (statements, asked) => {
        const policy = compilePolicy(JSON.stringify({ Version: "2012-10-17", Statement: statements }));
        const lower = new Map(Object.entries(asked.keys).map(([key, values]) => [key.toLowerCase(), values]));
        const { verdict } = evaluate(policy, { ...asked, context: (key) => lower.get(key) });
        assert.equal(verdict, referenceVerdict(statements, asked));
        seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
      }),
      { numRuns: RUNS },
    );
    for (const verdict of ["allow", "deny", "none"])
      assert.ok((seen.get(verdict) ?? 0) > RUNS / 50, JSON.stringify([...seen]));
  });
});
