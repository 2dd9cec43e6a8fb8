/** What policies say to requests. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ConditionContext } from "../../src/policy/context.ts";
import { PolicySyntaxError } from "../../src/policy/document.ts";
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
  readonly context?: ConditionContext;
}

const allow = { Effect: "Allow", Principal: { AWS: root(ACCOUNT) }, Action: "kms:*", Resource: "*" };
const deny = { ...allow, Effect: "Deny" };

function ask(statements: readonly unknown[], question: Question = {}, Version = "2012-10-17") {
  const {
    account = ACCOUNT,
    partition = "aws",
    action = "kms:Encrypt",
    resourceArn = KEY,
    context = () => undefined,
  } = question;
  const policy = compilePolicy(JSON.stringify({ Version, Statement: statements }));
  return evaluate(policy, {
    principal: { account, arn: root(account, partition), accountArn: root(account, partition) },
    action,
    resourceArn,
    context,
  });
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

/** A request with these keys. */
const having =
  (values: Readonly<Record<string, readonly string[]>>): ConditionContext =>
  (key) =>
    values[key];

describe("a statement with conditions", () => {
  const context = having({ "aws:securetransport": ["true"], "aws:sourceip": ["203.0.113.7"] });
  const secure = { Bool: { "aws:SecureTransport": true } };
  const away = { IpAddress: { "aws:SourceIp": "198.51.100.0/24" } };
  for (const { title, Condition, holds } of [
    { title: "is in force when its condition holds", Condition: secure, holds: true },
    { title: "is not when its condition doesn't", Condition: away, holds: false },
    { title: "is not when one of two doesn't", Condition: { ...secure, ...away }, holds: false },
    {
      title: "is not when one key of two doesn't",
      Condition: { StringEquals: { "aws:SecureTransport": "true", "aws:SourceIp": "none" } },
      holds: false,
    },
    { title: "is in force without any", Condition: {}, holds: true },
    { title: "is in force with an operator without keys", Condition: { StringEquals: {} }, holds: true },
  ]) {
    it(title, () => {
      assert.equal(verdictOf([{ ...allow, Condition }], { context }), holds ? "allow" : "none");
      assert.equal(verdictOf([allow, { ...deny, Condition }], { context }), holds ? "deny" : "allow");
    });
  }

  it("asks nothing of the request when it is about another action, principal or resource", () => {
    const asked: string[] = [];
    const context: ConditionContext = (key) => {
      asked.push(key);
      return undefined;
    };
    const Condition = away;
    for (const other of [
      { Action: "kms:Decrypt" },
      { Principal: { AWS: OTHER } },
      { Resource: "arn:aws:kms:*:*:key/x" },
    ]) {
      verdictOf([{ ...allow, ...other, Condition }], { context });
    }
    assert.deepEqual(asked, []);
    verdictOf([{ ...allow, Condition }], { context });
    assert.deepEqual(asked, ["aws:sourceip"]);
  });
});

describe("a policy variable in a resource", () => {
  const context = having({ "aws:username": ["1234abcd*"], "aws:tagkeys": ["a", "b"] });
  const at = (name: string): object => ({ ...allow, Resource: `arn:aws:kms:*:*:key/${name}` });
  const resourceArn = `arn:aws:kms:us-east-1:${ACCOUNT}:key/1234abcd*`;
  for (const { name, Version = "2012-10-17", verdict } of [
    { name: "$" + "{AWS:userName}", verdict: "allow" },
    { name: "$" + "{aws:username}*", verdict: "allow" },
    { name: "$" + "{aws:userid}", verdict: "none" },
    { name: "$" + "{aws:userid, '1234abcd*'}", verdict: "allow" },
    { name: "$" + "{aws:tagkeys}", verdict: "none" },
    { name: "1234abcd$" + "{*}", verdict: "allow" },
    { name: "1234abc$" + "{?}*", verdict: "none" },
    { name: "$" + "{aws:username}", Version: "2008-10-17", verdict: "none" },
  ]) {
    it(`${name} of ${Version} says ${verdict}`, () => {
      assert.equal(verdictOf([at(name)], { context, resourceArn }, Version), verdict);
    });
  }

  it("is no wildcard, whatever it is filled with", () => {
    const other = { context, resourceArn: resourceArn.replace("*", "ef") };
    assert.equal(verdictOf([at("$" + "{aws:username}")], other), "none");
    assert.equal(verdictOf([at("$" + "{aws:userid, '*'}")], other), "none");
  });

  it("is refused before the fifth colon, unclosed or without a name", () => {
    for (const Resource of [
      "$" + "{aws:username}",
      "arn:aws:kms:*:$" + "{aws:userid}:key/x",
      "a:b:c:d:e:$" + "{x",
      "a:b:c:d:e:$" + "{}",
      "a:b:c:d:e:$" + "{x, 'y}",
    ]) {
      assert.throws(() => verdictOf([{ ...allow, Resource }]), PolicySyntaxError, Resource);
      assert.doesNotThrow(() => verdictOf([{ ...allow, Resource }], {}, "2008-10-17"), Resource);
    }
  });
});

describe("a policy", () => {
  it("answers each of many actions by itself, whatever was asked of it before and in whatever case", () => {
    const statements = [
      { ...allow, Action: ["kms:Encrypt*", "kms:Name1?"] },
      { ...deny, Action: "kms:name15" },
    ];
    const policy = compilePolicy(JSON.stringify({ Version: "2012-10-17", Statement: statements }));
    const principal = { account: ACCOUNT, arn: root(ACCOUNT), accountArn: root(ACCOUNT) };
    const ask = (action: string): string =>
      evaluate(policy, { principal, action, resourceArn: KEY, context: () => undefined }).verdict;
    for (const _again of [1, 2]) {
      for (let index = 0; index < 100; index += 1) {
        const expected = index === 15 ? "deny" : index >= 10 && index < 20 ? "allow" : "none";
        for (const action of [`kms:Name${index}`, `KMS:NAME${index}`]) assert.equal(ask(action), expected, action);
      }
      assert.equal(ask("kms:Encrypt"), "allow");
    }
  });

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
