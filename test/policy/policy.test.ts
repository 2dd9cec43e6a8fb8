/** What policies say to requests. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compilePolicy, evaluate } from "../../src/policy/policy.ts";

const ACCOUNT = "111122223333";
const OTHER = "444455556666";
const root = (account: string, partition = "aws"): string => `arn:${partition}:iam::${account}:root`;
const KEY = `arn:aws:kms:us-east-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;

interface Question {
  readonly account?: string;
  readonly partition?: string;
  readonly action?: string;
  readonly resourceArn?: string;
}

const allow = { Effect: "Allow", Principal: { AWS: root(ACCOUNT) }, Action: "kms:*", Resource: "*" };
const deny = { ...allow, Effect: "Deny" };

function ask(statements: readonly unknown[], question: Question = {}, Version = "2012-10-17") {
  const { account = ACCOUNT, partition = "aws", action = "kms:Encrypt", resourceArn = KEY } = question;
  const policy = compilePolicy(JSON.stringify({ Version, Statement: statements }));
  return evaluate(policy, { principal: { account, arn: root(account, partition) }, action, resourceArn });
}
const verdictOf = (...parameters: Parameters<typeof ask>): string => ask(...parameters).verdict;

describe("a statement", () => {
  for (const { title, statement, question = {}, verdict } of [
    { title: "about the caller's root ARN", statement: allow, verdict: "allow" },
    { title: "about the caller's account id", statement: { ...allow, Principal: { AWS: ACCOUNT } }, verdict: "allow" },
    {
      title: "about everyone",
      statement: { ...allow, Principal: "*" },
      question: { account: OTHER },
      verdict: "allow",
    },
    {
      title: "about every AWS principal",
      statement: { ...allow, Principal: { AWS: "*" } },
      question: { account: OTHER },
      verdict: "allow",
    },
    {
      title: "about one of several",
      statement: { ...allow, Principal: { AWS: [root(OTHER), ACCOUNT] } },
      verdict: "allow",
    },
    { title: "about another account", statement: allow, question: { account: OTHER }, verdict: "none" },
    {
      title: "about a user of the account",
      statement: { ...allow, Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/root` } },
      verdict: "none",
    },
    { title: "about a service", statement: { ...allow, Principal: { Service: "s3.amazonaws.com" } }, verdict: "none" },
    {
      title: "about the account of another partition",
      statement: { ...allow, Principal: { AWS: root(ACCOUNT, "aws-cn") } },
      verdict: "none",
    },
    {
      title: "about the account id, to a caller of another partition",
      statement: { ...allow, Principal: { AWS: ACCOUNT } },
      question: { partition: "aws-cn" },
      verdict: "none",
    },
    {
      title: "about everyone, to a caller of a partition whose name begins alike",
      statement: { ...allow, Principal: "*" },
      question: { resourceArn: KEY.replace("arn:aws:", "arn:aws-cn:") },
      verdict: "none",
    },
    {
      title: "about all but the caller",
      statement: { Effect: "Allow", NotPrincipal: { AWS: root(ACCOUNT) }, Action: "kms:*", Resource: "*" },
      verdict: "none",
    },
    {
      title: "about all but another",
      statement: { Effect: "Deny", NotPrincipal: { AWS: root(OTHER) }, Action: "kms:*", Resource: "*" },
      verdict: "deny",
    },
    { title: "about the action in other letters", statement: { ...allow, Action: "KMS:eNCRYPT" }, verdict: "allow" },
    { title: "about every action there is", statement: { ...allow, Action: "*" }, verdict: "allow" },
    { title: "about actions that begin so", statement: { ...allow, Action: ["kms:Re*", "kms:En*"] }, verdict: "allow" },
    { title: "about actions with a question mark", statement: { ...allow, Action: "kms:Encryp?" }, verdict: "allow" },
    { title: "about another action", statement: { ...allow, Action: "kms:Decrypt" }, verdict: "none" },
    { title: "about a longer action", statement: { ...allow, Action: "kms:EncryptX" }, verdict: "none" },
    { title: "about another service", statement: { ...allow, Action: "s3:*" }, verdict: "none" },
    {
      title: "about all actions but this",
      statement: { Effect: "Allow", Principal: "*", NotAction: "kms:encrypt", Resource: "*" },
      verdict: "none",
    },
    {
      title: "about all actions but others",
      statement: { Effect: "Allow", Principal: "*", NotAction: ["kms:Decrypt"], Resource: "*" },
      verdict: "allow",
    },
    { title: "about this key", statement: { ...allow, Resource: KEY }, verdict: "allow" },
    { title: "about keys like this", statement: { ...allow, Resource: "arn:aws:kms:*:key/1234*" }, verdict: "allow" },
    { title: "about this key in other letters", statement: { ...allow, Resource: KEY.toUpperCase() }, verdict: "none" },
    {
      title: "about all keys but this",
      statement: { Effect: "Allow", Principal: "*", Action: "kms:*", NotResource: KEY },
      verdict: "none",
    },
    {
      title: "about no resource",
      statement: { Effect: "Allow", Principal: "*", Action: "kms:*" },
      verdict: "none",
    },
    { title: "about no action", statement: { Effect: "Allow", Principal: "*", Resource: "*" }, verdict: "none" },
  ]) {
    it(`${title} says ${verdict}`, () => assert.equal(verdictOf([statement], question), verdict));
  }
});

describe("what can't be decided yet", () => {
  const Condition = { StringEquals: { "aws:PrincipalOrgID": "o-1" } };
  it("does not allow", () => assert.equal(verdictOf([{ ...allow, Condition }]), "none"));
  it("denies", () => assert.equal(verdictOf([allow, { ...deny, Condition }]), "deny"));
  it("is no hindrance where it concerns another action", () => {
    assert.equal(verdictOf([allow, { ...deny, Action: "kms:Decrypt", Condition }]), "allow");
  });
  it("is an operator without keys, too, but not an empty Condition", () => {
    assert.equal(verdictOf([{ ...allow, Condition: { StringEquals: {} } }]), "none");
    assert.equal(verdictOf([{ ...allow, Condition: {} }]), "allow");
  });
  it("is a resource with a policy variable", () => {
    const Resource = `arn:aws:kms:*:*:key/\${aws:PrincipalTag/key}`;
    assert.equal(verdictOf([{ ...allow, Resource }]), "none");
    assert.equal(verdictOf([{ ...allow, Resource: ["*", Resource] }]), "none");
    assert.equal(verdictOf([allow, { ...deny, Resource }]), "deny");
    const { Resource: _, ...anywhere } = deny;
    assert.equal(verdictOf([allow, { ...anywhere, NotResource: Resource }]), "deny");
  });
  it("is no variable in a policy of 2008, which knows none", () => {
    const Resource = `*\${x}`;
    assert.equal(verdictOf([allow, { ...deny, Resource }], {}, "2008-10-17"), "allow");
    assert.equal(verdictOf([{ ...allow, Resource }], { resourceArn: `${KEY}\${x}` }, "2008-10-17"), "allow");
  });
});

describe("a policy", () => {
  it("names the statement that decided: the first deny, else the first allow", () => {
    const named = (Sid: string, statement: object): object => ({ ...statement, Sid });
    const sidOf = (...statements: object[]): string | undefined => {
      const answer = ask(statements);
      return answer.verdict === "none" ? undefined : answer.statement.sid;
    };
    const [a, b, c, d] = [named("a", allow), named("b", allow), named("c", deny), named("d", deny)];
    assert.equal(sidOf(a, b), "a");
    assert.equal(sidOf(a, c, b, d), "c");
    assert.equal(sidOf(named("x", { ...allow, Action: "kms:Decrypt" }), b), "b");
    assert.equal(sidOf(named("x", { ...allow, Action: "kms:Decrypt" })), undefined);
  });

  it("says the same in any order of its statements: deny when one denies, else allow when one allows", () => {
    const statement = fc.record({
      Effect: fc.constantFrom("Allow", "Deny"),
      Principal: fc.constantFrom<unknown>("*", { AWS: ACCOUNT }, { AWS: root(OTHER) }),
      Action: fc.constantFrom("kms:*", "kms:Encrypt", "kms:Decrypt"),
      Resource: fc.constantFrom("*", KEY, "arn:aws:kms:*:*:key/x"),
      Condition: fc.constantFrom({}, {}, { Bool: { "aws:SecureTransport": "true" } }),
    });
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 4 }), (statements) => {
        const alone = statements.map((each) => verdictOf([each]));
        const expected = alone.includes("deny") ? "deny" : alone.includes("allow") ? "allow" : "none";
        assert.equal(verdictOf(statements), expected);
        assert.equal(verdictOf(statements.toReversed()), expected);
        seen.add(expected);
      }),
    );
    assert.equal(seen.size, 3);
  });
});
