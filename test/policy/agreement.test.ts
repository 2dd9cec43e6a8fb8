/** The compiled evaluator against the reference, on random policies and requests. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PolicyKind } from "../../src/policy/document.ts";
import { operatorNames } from "../../src/policy/operators.ts";
import { compilePolicy, evaluate } from "../../src/policy/policy.ts";
import { type ReferenceIds, type ReferencePrincipal, type ReferenceRequest, referenceVerdict } from "./reference.ts";

const RUNS = 100_000;
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
const USER = `arn:aws:iam::${ACCOUNT}:user/a`;
const ROLE = `arn:aws:iam::${ACCOUNT}:role/r`;
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/r/s`;
const own = { account: ACCOUNT, accountArn: `arn:aws:iam::${ACCOUNT}:root` };
const callers: readonly ReferencePrincipal[] = [
  { ...own, arn: own.accountArn },
  { ...own, arn: USER, identityId: "AIDANEW" },
  { ...own, arn: SESSION, baseArn: ROLE, identityId: "AROANEW" },
  { ...own, arn: `arn:aws:sts::${ACCOUNT}:federated-user/f`, baseArn: USER, identityId: "AIDANEW" },
];
/** Ids of the users and roles of today, of earlier ones of the name, and none, as in policies that were loaded. */
const ids: fc.Arbitrary<ReferenceIds> = fc.record(
  { [USER]: fc.constantFrom("AIDANEW", "AIDAOLD"), [ROLE]: fc.constantFrom("AROANEW", "AROAOLD") },
  { requiredKeys: [] },
) as fc.Arbitrary<ReferenceIds>;
const named = fc.constantFrom<"*" | { AWS: string }>(
  ...["*" as const, { AWS: "*" }, { AWS: ACCOUNT }, { AWS: own.accountArn }, { AWS: "444455556666" }],
  ...[USER, ROLE, SESSION].map((AWS) => ({ AWS })),
);
const common = {
  Effect: fc.constantFrom("Allow", "Allow", "Deny"),
  Action: fc.constantFrom("kms:*", "KMS:Encrypt", "kms:E*t", "kms:Decrypt"),
  Condition: condition,
};
const resources = ["*", KEY, `arn:aws:kms:*:*:key/${variable("aws:userid")}`];
/** Policies on resources may name what is no ARN; it means nothing. */
const ofResource = {
  ...common,
  Principal: named,
  Resource: fc.constantFrom(...resources, "arn:aws:kms:*:key/x"),
};
const of = <S>(kind: PolicyKind, statement: fc.Arbitrary<S>) =>
  fc.record({ kind: fc.constant(kind), statements: fc.array(statement, { minLength: 1, maxLength: 3 }) });
/** Policies on resources, those that hang on users and roles and name nobody, and those that say who may become a role. */
const policies = fc.oneof(
  of("resource", fc.record(ofResource)),
  of("identity", fc.record({ ...common, Resource: fc.constantFrom(...resources) })),
  of("trust", fc.record({ ...common, Principal: named })),
);
const request: fc.Arbitrary<ReferenceRequest> = fc.record({
  principal: fc.constantFrom(...callers),
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
      fc.property(policies, request, ids, ({ kind, statements }, asked, known) => {
        const text = JSON.stringify({ Version: "2012-10-17", Statement: statements });
        const policy = compilePolicy(text, kind, new Map(Object.entries(known)));
        const lower = new Map(Object.entries(asked.keys).map(([key, values]) => [key.toLowerCase(), values]));
        const said = evaluate(policy, { ...asked, context: (key) => lower.get(key) });
        const verdict = said.verdict === "allow" ? `allow ${said.reach}` : said.verdict;
        assert.equal(verdict, referenceVerdict(statements, asked, known));
        seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
      }),
      { numRuns: RUNS },
    );
    for (const verdict of ["allow direct", "allow base", "allow account", "deny", "none"])
      assert.ok((seen.get(verdict) ?? 0) > RUNS / 250, JSON.stringify([...seen]));
  });
});
