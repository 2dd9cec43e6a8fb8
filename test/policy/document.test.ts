/** Policy documents: what is accepted, what is refused and in which words. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PolicySyntaxError, parsePolicy } from "../../src/policy/document.ts";
import { compilePolicy } from "../../src/policy/policy.ts";

const ROOT = "arn:aws:iam::111122223333:root";
const allow = { Effect: "Allow", Principal: { AWS: ROOT }, Action: "kms:*", Resource: "*" };
const policy = (...statements: readonly unknown[]): unknown => ({ Version: "2012-10-17", Statement: statements });
const parse = (value: unknown) => parsePolicy(JSON.stringify(value), "resource");

function refusal(text: string): string {
  try {
    parsePolicy(text, "resource");
  } catch (error) {
    if (error instanceof PolicySyntaxError) return error.message;
    throw error;
  }
  return "accepted";
}

describe("a policy document", () => {
  it("is read with all its elements", () => {
    const [statement] = parse({
      Version: "2012-10-17",
      Id: "key-default-1",
      Statement: {
        Sid: "Spaces are allowed",
        Effect: "Deny",
        NotPrincipal: {
          AWS: [ROOT, "444455556666"],
          Service: "cloudtrail.amazonaws.com",
          Federated: "cognito-identity.amazonaws.com",
          CanonicalUser: "79a59df900b949e5",
        },
        NotAction: ["kms:Encrypt", "kms:Re*"],
        NotResource: "arn:aws:kms:*:*:key/*",
        Condition: {
          Bool: { "kms:GrantIsForAWSResource": true },
          "ForAnyValue:NumericLessThanIfExists": { "kms:X": [7, "8"] },
        },
      },
    }).statements;
    assert.deepEqual(statement, {
      sid: "Spaces are allowed",
      effect: "Deny",
      principals: {
        negated: true,
        everyone: false,
        aws: new Set([ROOT, "444455556666"]),
        services: new Set(["cloudtrail.amazonaws.com"]),
        federated: new Set(["cognito-identity.amazonaws.com", "79a59df900b949e5"]),
      },
      actions: { negated: true, values: ["kms:Encrypt", "kms:Re*"] },
      resources: { negated: true, values: ["arn:aws:kms:*:*:key/*"] },
      conditions: [
        { operator: "bool", set: undefined, ifExists: false, key: "kms:grantisforawsresource", values: ["true"] },
        { operator: "numericlessthan", set: "any", ifExists: true, key: "kms:x", values: ["7", "8"] },
      ],
    });
  });

  it("is of 2008 when it doesn't say", () => {
    assert.equal(parse({ Statement: allow }).version, "2008-10-17");
    assert.equal(parse({ Version: "2008-10-17", Statement: [allow] }).version, "2008-10-17");
    assert.equal(parse(policy(allow)).version, "2012-10-17");
  });

  it("may lack Action or Resource, and repeat a Sid", () => {
    const { statements } = parse(policy({ Effect: "Allow", Principal: "*", Sid: "a" }, { ...allow, Sid: "a" }));
    assert.equal(statements[0]?.actions, undefined);
    assert.equal(statements[0]?.resources, undefined);
    assert.equal(statements[1]?.sid, "a");
  });

  it("keeps condition keys that every object has", () => {
    const text = '{"Statement":{"Effect":"Allow","Principal":"*","Condition":{"Bool":{"aws:__proto__":"x"}}}}';
    assert.equal(parsePolicy(text, "resource").statements[0]?.conditions[0]?.key, "aws:__proto__");
  });

  const json = (value: unknown): string => JSON.stringify(value);
  for (const { title, text, message } of [
    { title: "no JSON", text: "{,}", message: "This policy contains invalid Json" },
    { title: "a comma too many", text: '{"Statement":[],}', message: "This policy contains invalid Json" },
    {
      title: "a member twice",
      text: json(policy(allow)).replace('"Effect":"Allow"', '"Effect":"Deny","Effect":"Allow"'),
      message: "This policy contains invalid Json",
    },
    { title: "a list", text: "[]", message: "Policy document must be a JSON object." },
    { title: "null", text: "null", message: "Policy document must be a JSON object." },
    {
      title: "another version",
      text: json({ Version: "2012-10-18", Statement: [allow] }),
      message: "The policy must contain a valid version string",
    },
    { title: "an Id that is no text", text: json({ Id: 1, Statement: allow }), message: "Policy Id must be a string." },
    { title: "no statement", text: "{}", message: "Could not parse the policy: Statement is empty!" },
    { title: "an empty list", text: json(policy()), message: "Could not parse the policy: Statement is empty!" },
    { title: "a text as statement", text: json(policy("x")), message: "Policy statement must be a JSON object." },
    {
      title: "an unknown member",
      text: json({ ...{ Statement: allow }, Extra: 1 }),
      message: "Unknown field Extra",
    },
    {
      title: "an unknown member of a statement",
      text: json(policy({ ...allow, action: "kms:*" })),
      message: "Unknown field action",
    },
    {
      title: "a Sid that is no text",
      text: json(policy({ ...allow, Sid: 1 })),
      message: "Statement Sid must be a string.",
    },
    {
      title: "an effect in lower case",
      text: json(policy({ ...allow, Effect: "allow" })),
      message: "Invalid effect: allow",
    },
    {
      title: "no effect",
      text: json(policy({ ...allow, Effect: undefined })),
      message: "Missing required field Effect",
    },
    {
      title: "an effect that is no text",
      text: json(policy({ ...allow, Effect: null })),
      message: "Statement Effect must be Allow or Deny.",
    },
    {
      title: "an action with two colons",
      text: json(policy({ ...allow, Action: ["kms:Encrypt", "kms:Re:Encrypt"] })),
      message: "Actions/Condition can contain only one colon.",
    },
    {
      title: "Action and NotAction",
      text: json(policy({ ...allow, NotAction: "kms:*" })),
      message: "Statement must contain Action or NotAction, not both.",
    },
    {
      title: "an action without a service",
      text: json(policy({ ...allow, Action: "Encrypt" })),
      message: "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    },
    {
      title: "an empty list of actions",
      text: json(policy({ ...allow, Action: [] })),
      message: "Statement Action must be a string or a list of strings.",
    },
    {
      title: "a resource that is no text",
      text: json(policy({ ...allow, Resource: [1] })),
      message: "Statement Resource must be a string or a list of strings.",
    },
    {
      title: "a condition that is a list",
      text: json(policy({ ...allow, Condition: [] })),
      message: "Statement Condition must map operators to condition keys and values.",
    },
    {
      title: "a condition value that is an object",
      text: json(policy({ ...allow, Condition: { StringEquals: { "aws:a": {} } } })),
      message: "Statement Condition must map operators to condition keys and values.",
    },
    ...["StringEqual", "__proto__", "NullIfExists", "ForAllValues:Null", "ForSomeValues:Bool", ""].map((name) => ({
      title: `the operator ${JSON.stringify(name)}`,
      text: `{"Statement":{"Effect":"Allow","Principal":"*","Condition":{"${name}":{"aws:a":"x"}}}}`,
      message: `Invalid Condition type : ${name}`,
    })),
    {
      title: "a condition key without a service",
      text: json(policy({ ...allow, Condition: { Bool: { SecureTransport: "true" } } })),
      message: "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    },
    {
      title: "Principal and NotPrincipal",
      text: json(policy({ ...allow, NotPrincipal: "*" })),
      message: "Statement must contain Principal or NotPrincipal, not both.",
    },
  ]) {
    it(`is refused with ${title}`, () => assert.equal(refusal(text), message));
  }

  it("that is any text is a policy or a PolicySyntaxError", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => void refusal(text)),
      { numRuns: 500 },
    );
  });

  it("that is nearly a policy is compiled or a PolicySyntaxError", () => {
    const value = fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom("*", ROOT, "kms:*", "Allow", "Deny", `\${aws:username}`, [], {}, { AWS: "*" }, { AWS: ROOT }),
    );
    const names = [
      "Sid",
      "Effect",
      "Principal",
      "NotPrincipal",
      "Action",
      "NotAction",
      "Resource",
      "NotResource",
      "Condition",
    ];
    const statement = fc
      .tuple(fc.constant(allow), fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 }))
      .map(([base, change]) => ({ ...base, ...change }));
    let compiled = 0;
    fc.assert(
      fc.property(fc.array(fc.oneof(statement, value), { maxLength: 3 }), (statements) => {
        try {
          compilePolicy(JSON.stringify(policy(...statements)));
          compiled += 1;
        } catch (error) {
          assert.ok(error instanceof PolicySyntaxError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
    assert.ok(compiled > 0);
  });
});

describe("a principal", () => {
  const withPrincipal = (Principal: unknown): string => refusal(JSON.stringify(policy({ ...allow, Principal })));
  for (const Principal of [
    "*",
    { AWS: "*" },
    { AWS: "111122223333" },
    { AWS: ROOT },
    { AWS: "arn:aws-cn:iam::111122223333:root" },
    { AWS: "arn:aws-us-gov:iam::111122223333:user/division/alice" },
    { AWS: ["arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRole", ROOT] },
    { AWS: "arn:aws:sts::111122223333:assumed-role/admin/session@home" },
    { AWS: "arn:aws:sts::111122223333:federated-user/alice" },
    { Service: "cloudtrail.amazonaws.com" },
    { Service: ["dynamodb.us-east-1.amazonaws.com", "ec2.cn-north-1.amazonaws.com.cn"] },
    { Federated: "arn:aws:iam::111122223333:saml-provider/x" },
    { AWS: [], Service: "s3.amazonaws.com" },
  ]) {
    it(`may be ${JSON.stringify(Principal)}`, () => assert.equal(withPrincipal(Principal), "accepted"));
  }

  for (const Principal of [
    "111122223333",
    ROOT,
    [ROOT],
    7,
    { AWS: "11112222333" },
    { AWS: "arn:aws:iam::111122223333:group/admins" }, // S03-010
    { AWS: "arn:aws:iam::*:root" },
    { AWS: "arn:aws:iam::111122223333:user/*" },
    { AWS: "arn:aws:iam::111122223333:user/" },
    { AWS: "arn:aws:iam:us-east-1:111122223333:root" },
    { AWS: "arn:aws-x:iam::111122223333:root" },
    { AWS: "arn:aws:sts::111122223333:assumed-role/admin" },
    { AWS: `${ROOT}\n` },
    { AWS: [ROOT, 1] },
    { AWS: "AIDAIOSFODNN7EXAMPLE" },
    { Service: "example.com" },
    { Service: "s3.amazonaws.com.evil.example" },
    { Service: "*" },
  ]) {
    it(`may not be ${JSON.stringify(Principal)}`, () => {
      assert.equal(withPrincipal(Principal), "Policy contains a statement with one or more invalid principals.");
    });
  }

  it("must be there, and not be an empty list", () => {
    const message = "Policy contains a statement with no principal.";
    const { Principal: _, ...anonymous } = allow;
    assert.equal(refusal(JSON.stringify(policy(anonymous))), message);
    for (const Principal of [{}, { AWS: [] }, { AWS: [], Service: [] }])
      assert.equal(withPrincipal(Principal), message);
  });

  it("is of a kind that IAM knows", () => {
    assert.equal(withPrincipal({ Aws: ROOT }), "Policy contains a statement with one or more invalid principals.");
  });
});
