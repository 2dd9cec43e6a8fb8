/** Which policies of users, groups and roles IAM takes, and what it says of the others. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PolicySyntaxError } from "../../src/policy/document.ts";
import { type IdentityPolicyForm, requireIdentityPolicy } from "../../src/policy/identity-policies.ts";

/** What IAM says of a policy; undefined when it takes it. */
function refusal(policy: unknown, form: IdentityPolicyForm = "managed"): string | undefined {
  try {
    requireIdentityPolicy(typeof policy === "string" ? policy : JSON.stringify(policy), form);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof PolicySyntaxError, String(error));
    return error.message;
  }
}

const BUCKET = "arn:aws:s3:::bucket";
const allow = { Effect: "Allow", Action: "s3:ListBucket", Resource: BUCKET };
const { Action: _action, ...noAction } = allow;
const { Resource: _resource, ...noResource } = allow;
const policy = (...statements: unknown[]) => ({ Version: "2012-10-17", Statement: statements });
const one = (members: object) => policy({ ...allow, ...members });

const SYNTAX = "Syntax errors in policy.";
const VERSION = "Policy document must be version 2012-10-17 or greater.";
const LEGACY = "The policy failed legacy parsing";
const ACTIONS = "Policy statement must contain actions.";
const RESOURCES = "Policy statement must contain resources.";
const VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const COLONS = "Actions/Condition can contain only one colon.";
const SIDS = "Statement IDs (SID) in a single policy must be unique.";
const IAM_PATH =
  'IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.';

describe("a policy of an identity", () => {
  // Recorded on IAM (LocalStack's TestPolicyDocumentValidity), but for the last two lines of the table.
  const refused: readonly (readonly [policy: unknown, message: string])[] = [
    ["no json", SYNTAX],
    [{ Version: "2013-10-17", Statement: allow }, SYNTAX],
    [{ Version: "2012-10-17" }, SYNTAX],
    [policy(), SYNTAX],
    [policy("x"), SYNTAX],
    [{ ...policy(allow), "Extra field": "value" }, SYNTAX],
    [one({ "Extra field": "value" }), SYNTAX],
    [{ ...policy(allow), Id: ["x"] }, SYNTAX],
    [{ ...policy(allow), Id: {} }, SYNTAX],
    [one({ Effect: "invalid" }), SYNTAX],
    [policy({ Action: "s3:ListBucket", Resource: BUCKET }), SYNTAX],
    [one({ Resource: { a: BUCKET } }), SYNTAX],
    [one({ Resource: ["x", {}] }), SYNTAX],
    [one({ NotResource: [] }), SYNTAX],
    [one({ NotResource: "*" }), SYNTAX],
    [one({ Action: [[]] }), SYNTAX],
    [one({ Action: {} }), SYNTAX],
    [one({ NotAction: "s3:ListBucket", Action: [] }), SYNTAX],
    [one({ NotAction: "iam:x" }), SYNTAX],
    [one({ Condition: [] }), SYNTAX],
    [one({ Condition: "a" }), SYNTAX],
    [one({ Condition: { a: "b" } }), SYNTAX],
    [one({ Condition: { DateGreaterThan: "b" } }), SYNTAX],
    [one({ Condition: { DateGreaterThan: [] } }), SYNTAX],
    [one({ Condition: { DateGreaterThan: { a: {} } } }), SYNTAX],
    [policy({ ...noAction, Condition: { DateGreaterThan: { a: {} } } }), SYNTAX],
    [one({ Condition: { x: { a: "1" } } }), SYNTAX],
    [one({ Condition: { "ForAnyValue::StringEqualsIfExists": { a: "x" } } }), SYNTAX],
    [one({ Condition: [{ StringEquals: { "aws:TagKeys": "x" } }] }), SYNTAX],
    [one({ Sid: {} }), SYNTAX],
    [one({ Sid: [] }), SYNTAX],
    [{ Statement: allow }, VERSION],
    [{ Version: "2008-10-17", Statement: allow }, VERSION],
    [
      {
        Statement: [
          { ...allow, Sid: "a" },
          { Sid: "a", Effect: "Allow" },
        ],
      },
      VERSION,
    ],
    [{ Statement: { ...allow, Condition: { DateGreaterThan: { a: "sdfdsf" } } } }, VERSION],
    [{ Statement: { ...allow, Effect: "denY" } }, VERSION],
    [one({ Effect: "denY" }), LEGACY],
    [policy({ Effect: "allow", Resource: "arn:aws:s3:us-east-1::bucket" }), LEGACY],
    [policy({ ...allow, Sid: "a", Effect: "aLLow" }, { Sid: "a", Effect: "Allow" }), LEGACY],
    [one({ Condition: { DateGreaterThan: { a: "sdfdsf" } } }), LEGACY],
    [policy({ Effect: "Allow", Condition: { DateGreaterThan: { a: "sdfdsf" } } }), LEGACY],
    [one({ Condition: { DateLessThanEquals: { a: "234-13" } } }), LEGACY],
    [one({ Condition: { DateLessThanEquals: { a: "2016-12-13t2:00:00.593194+1" } } }), LEGACY],
    [one({ Condition: { DateLessThanEquals: { a: "2016-12-13t2:00:00.1999999999+10:59" } } }), LEGACY],
    [one({ Condition: { DateLessThan: { a: "9223372036854775808" } } }), LEGACY],
    [one({ Resource: "arn:error:s3:::bucket", Condition: { DateGreaterThan: { a: "sdfdsf" } } }), LEGACY],
    [one({ Resource: "arn:aws:s3::bucket" }), LEGACY],
    [policy({ ...noResource, NotResource: "arn:aws:s3::bucket" }), LEGACY],
    [policy({ ...noAction, Resource: "arn:aws:s3::bucket" }), LEGACY],
    [one({ Resource: "arn:aws::::bucket" }), LEGACY],
    [one({ Resource: "arn:aws::fdsasf" }), LEGACY],
    [policy({ ...allow, Sid: "a" }, { ...allow, Sid: "a" }, { Sid: "a", Effect: "Allow" }), SIDS],
    [policy(noAction), ACTIONS],
    [policy({ Effect: "Allow" }), ACTIONS],
    [policy({ Effect: "Deny" }, allow), ACTIONS],
    [one({ Action: [] }), ACTIONS],
    [policy(noResource), RESOURCES],
    [one({ Resource: [] }), RESOURCES],
    [policy({ Effect: "Allow", Action: "invalid" }), RESOURCES],
    [one({ Resource: "invalid resource" }), 'Resource invalid resource must be in ARN format or "*".'],
    [one({ Resource: "" }), 'Resource  must be in ARN format or "*".'],
    [one({ Action: "s:3:ListBucket", Resource: ["x"] }), 'Resource x must be in ARN format or "*".'],
    [one({ Resource: "a:x" }), 'Partition "x" is not valid for resource "arn:x:*:*:*:*".'],
    [one({ Resource: "a:b:c" }), 'Partition "b" is not valid for resource "arn:b:c:*:*:*".'],
    [one({ Resource: "a:b:c:d:e:f:g:h" }), 'Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".'],
    [one({ Resource: "aws:s3:::bucket" }), 'Partition "s3" is not valid for resource "arn:s3:::bucket:*".'],
    [
      one({ Resource: ["arn:error:s3:::bucket", "arn:error:s3::bucket"] }),
      'Partition "error" is not valid for resource "arn:error:s3:::bucket".',
    ],
    [one({ Resource: "arn:aws" }), "Resource vendor must be fully qualified and cannot contain regexes."],
    [one({ Resource: "arn:aws:iam:::bucket" }), IAM_PATH],
    [
      one({ Resource: "arn:aws:iam:us-east-1::bucket" }),
      "IAM resource arn:aws:iam:us-east-1::bucket cannot contain region information.",
    ],
    [
      one({ Resource: "arn:aws:s3:us-east-1::bucket" }),
      "Resource arn:aws:s3:us-east-1::bucket can not contain region information.",
    ],
    [one({ Action: "invalid" }), VENDOR],
    [policy({ ...noAction, NotAction: "" }), VENDOR],
    [one({ Action: "a a:ListBucket" }), "Vendor a a is not valid"],
    [one({ Action: "s3:List:Bucket" }), COLONS],
    [policy({ ...allow, Action: "s3s:ListBucket" }, { ...allow, Action: "s:3s:ListBucket" }), COLONS],
    [one({ Principal: "*" }), "Policy document should not specify a principal."],
    [one({ Resource: "arn:aws:iam::111122223333:*/*" }), IAM_PATH],
  ];
  for (const [document, message] of refused) {
    it(`is refused: ${JSON.stringify(document)}`, () => assert.equal(refusal(document), message));
  }

  for (const document of [
    one({ Resource: [BUCKET, "*"] }),
    one({ Action: "*" }),
    one({ Action: "iam: asdf safdsf af " }),
    one({ Action: ["aaaaaadsfdsafsadfsadfaaaaa:ListBucket", "s3-s:ListBucket", "s3.s:ListBucket"] }),
    policy({ Effect: "Deny", NotAction: "s3:ListBucket", NotResource: "*" }),
    { ...policy(allow), Id: "x" },
    policy({ ...allow, Sid: "" }, { ...allow, Sid: "" }, allow),
    one({ Resource: ["arn:aws:s33:::x", "arn:aws:fdsasf", "arn:aws:no-service:us-east-1::x"] }),
    one({ Resource: ["arn:aws:iam:::user/x", "arn:aws:iam::*:*", "arn:aws:iam::111122223333:root"] }),
    one({ Resource: `arn:aws:iam::*:user/${"$"}{aws:username}` }),
    one({ Resource: "arn:aws:s3:us-west-2:111122223333:accesspoint/x/object/*" }),
    one({ Resource: ["arn:aws-cn:s3:::x", "arn:aws-us-gov:s3:::x", "arn:*:s3:::x"] }),
    one({ Condition: {} }),
    one({ Condition: { DateGreaterThan: {}, x: {} } }),
    one({ Condition: { DateGreaterThan: { a: [] } } }),
    ...[
      "01T",
      "2017-07-01T00:00:00Z",
      "2016-12-13T21:20:37.593194+00:00",
      "2016-12-13t2:00:00.593194+23",
      "-292275054",
      "1483228800",
    ].map((date) => one({ Condition: { DateLessThan: { "aws:CurrentTime": date } } })),
    one({ Condition: { "ForAnyValue:StringEqualsIfExists": { a: "x" }, Bool: { "aws:SecureTransport": true } } }),
  ]) {
    it(`is taken: ${JSON.stringify(document)}`, () => assert.equal(refusal(document), undefined));
  }

  it("has the version that it likes where it is inline", () => {
    assert.equal(refusal({ Statement: allow }, "inline"), undefined);
    assert.equal(refusal({ Version: "2008-10-17", Statement: allow }, "inline"), undefined);
    assert.equal(refusal({ Version: "2013-10-17", Statement: allow }, "inline"), SYNTAX);
  });

  it("begins without a space where it is kept", () => {
    const text = ` ${JSON.stringify(policy(allow))}`;
    assert.deepEqual([refusal(text), refusal(text, "inline"), refusal(text, "session")], [LEGACY, LEGACY, undefined]);
    assert.equal(refusal(`\n${text}`), undefined);
  });

  it("is a session's in STS's words where it is no JSON", () => {
    assert.equal(refusal("no json", "session"), "The policy is not in the valid JSON format.");
    assert.equal(refusal({ Statement: [] }, "session"), SYNTAX);
  });
});
