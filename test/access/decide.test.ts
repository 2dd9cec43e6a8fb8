/** The truth table of access for account roots, and how a denial is worded. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccessRequest, accessDenied, decide } from "../../src/access/decide.ts";
import type { RootPrincipal } from "../../src/identity/principal.ts";
import { compilePolicy } from "../../src/policy/policy.ts";
import type { Reader } from "../../src/storage/store.ts";

const ACCOUNT = "111122223333";
const OTHER = "444455556666";
const KEY = `arn:aws:kms:us-east-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;

function caller(account: string, partition = "aws"): RootPrincipal {
  const arn = `arn:${partition}:iam::${account}:root`;
  return {
    kind: "root",
    account,
    partition,
    arn,
    accountArn: arn,
    uniqueId: account,
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  };
}

function policyOf(...statements: readonly object[]) {
  const common = { Action: "kms:*", Resource: "*" };
  return compilePolicy(JSON.stringify({ Statement: statements.map((statement) => ({ ...common, ...statement })) }));
}
const admits = (account: string): object => ({ Effect: "Allow", Principal: { AWS: account } });
const denies = (account: string): object => ({ Effect: "Deny", Principal: { AWS: account } });
const context = (key: string) => (key === "kms:calleraccount" ? [ACCOUNT] : undefined);
const Condition = { StringEquals: { "kms:CallerAccount": ACCOUNT } };

const key = (...statements: readonly object[]): AccessRequest["resource"] => ({
  arn: KEY,
  account: ACCOUNT,
  policy: policyOf(...statements),
});
const account = { arn: "*", account: ACCOUNT };
const bareKey = { arn: KEY, account: ACCOUNT };

/** A store without users, roles and organizations. */
const nobody: Reader = { find: () => undefined };

function told(principal: AccessRequest["principal"], resource: AccessRequest["resource"], absent = false): string {
  const request = { principal, action: "kms:Encrypt", resource, absent, context };
  const decision = decide(request, nobody);
  if (decision.allowed) return "allowed";
  const { code, status, message } = accessDenied(request, decision);
  assert.deepEqual([code, status], ["AccessDeniedException", 400]);
  return message;
}

const WHO = (who: string): string => `User: arn:aws:iam::${who}:root is not authorized to perform: kms:Encrypt`;
const UNMENTIONED = `${WHO(ACCOUNT)} on resource: ${KEY} because no resource-based policy allows the kms:Encrypt action`;
const DENIED = `${WHO(ACCOUNT)} on resource: ${KEY} with an explicit deny in a resource-based policy`;
const HIDDEN = `${WHO(OTHER)} on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`;

describe("a root user", () => {
  const own = caller(ACCOUNT);
  const foreign = caller(OTHER);
  for (const { title, principal, resource, absent = false, message } of [
    {
      title: "uses a key whose policy admits its account",
      principal: own,
      resource: key(admits(ACCOUNT)),
      message: "allowed",
    },
    {
      title: "does not use its account's key when the policy admits another account alone",
      principal: own,
      resource: key(admits(OTHER)),
      message: UNMENTIONED,
    },
    {
      title: "does not use a key whose policy denies it",
      principal: own,
      resource: key(admits(ACCOUNT), denies(ACCOUNT)),
      message: DENIED,
    },
    {
      title: "uses a key when a statement whose condition holds admits it",
      principal: own,
      resource: key({ ...admits(ACCOUNT), Condition }),
      message: "allowed",
    },
    {
      title: "does not use a key when only a statement whose condition doesn't hold admits it",
      principal: own,
      resource: key({ ...admits(ACCOUNT), Condition: { StringEquals: { "kms:CallerAccount": OTHER } } }),
      message: UNMENTIONED,
    },
    {
      title: "does not use a key when a statement whose condition holds denies it",
      principal: own,
      resource: key(admits(ACCOUNT), { ...denies(ACCOUNT), Condition }),
      message: DENIED,
    },
    {
      title: "uses another account's key whose policy admits its own",
      principal: foreign,
      resource: key(admits(OTHER)),
      message: "allowed",
    },
    {
      title: "does not use another account's key that does not admit its own",
      principal: foreign,
      resource: key(admits(ACCOUNT)),
      message: HIDDEN,
    },
    {
      title: "does not learn that another account's key denies it",
      principal: foreign,
      resource: key(admits(OTHER), denies(OTHER)),
      message: HIDDEN,
    },
    {
      title: "does not learn that another account's key does not exist",
      principal: foreign,
      resource: bareKey,
      absent: true,
      message: HIDDEN,
    },
    {
      title: "is told that a key of its own account does not exist",
      principal: own,
      resource: bareKey,
      absent: true,
      message: "allowed",
    },
    { title: "acts on its own account", principal: own, resource: account, message: "allowed" },
    { title: "does not act on another account", principal: foreign, resource: account, message: HIDDEN },
  ]) {
    it(title, () => assert.equal(told(principal, resource, absent), message));
  }

  it("of another partition is nobody that a policy can mean", () => {
    assert.match(
      told(caller(ACCOUNT, "aws-cn"), key({ Effect: "Allow", Principal: "*" })),
      /because no resource-based policy allows/,
    );
  });
});

describe("a principal of a kind that is not known", () => {
  it("is denied everything, its own account included", () => {
    const role = { ...caller(ACCOUNT), kind: "role" } as unknown as AccessRequest["principal"];
    for (const resource of [key(admits(ACCOUNT)), account]) assert.notEqual(told(role, resource), "allowed");
    assert.notEqual(told(role, bareKey, true), "allowed");
  });
});

describe("a refusal of an action on no resource", () => {
  for (const { action, names } of [
    { action: "kms:CreateKey", names: true },
    { action: "iam:GetAccountSummary", names: true },
    { action: "secretsmanager:ListSecrets", names: false },
    { action: "tag:GetResources", names: false },
    { action: "cloudwatch:ListMetrics", names: false },
    { action: "ec2:DescribeVolumes", names: false },
    { action: "cloudtrail:LookupEvents", names: false },
  ]) {
    it(`${names ? "names *" : "names none"} for ${action}`, () => {
      const request = { principal: caller(ACCOUNT), action, resource: account, absent: false, context };
      const { message } = accessDenied(request, { allowed: false, why: "implicit", by: "identity-based policy" });
      const on = names ? " on resource: *" : "";
      assert.equal(
        message,
        `User: arn:aws:iam::${ACCOUNT}:root is not authorized to perform: ${action}${on} because no identity-based policy allows the ${action} action`,
      );
    });
  }
});
