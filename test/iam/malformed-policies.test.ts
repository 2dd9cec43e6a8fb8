/** Which policy documents IAM and STS refuse, in which words: those that public test suites recorded on IAM. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { STS } from "@aws-sdk/client-sts";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { ACCOUNT, present, REGION } from "../kms-client.ts";

const server: DevServer = await startDevServer();
const { endpoint, credentials } = server;
const iam = new IAM({ endpoint, region: REGION, credentials, maxAttempts: 1 });
const sts = new STS({ endpoint, region: REGION, credentials, maxAttempts: 1 });
after(async () => {
  iam.destroy();
  sts.destroy();
  await server.stop();
});

/** A refusal's message; undefined: what was asked for was done. */
async function refusalOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.match(error.name, /^MalformedPolicyDocument(?:Exception)?$/);
    return error.message;
  }
}

const version = { Version: "2012-10-17" };
const list = { Effect: "Allow", Action: "s3:ListBucket", Resource: "arn:aws:s3:::bucket" };
const document = (...statements: readonly unknown[]): string => JSON.stringify({ ...version, Statement: statements });
const on = (Resource: unknown): string => document({ ...list, Resource });
const doing = (Action: unknown): string => document({ ...list, Action });
const where = (Condition: unknown): string => document({ ...list, Condition });
const without = (...members: readonly (keyof typeof list)[]): object =>
  Object.fromEntries(Object.entries(list).filter(([name]) => !members.includes(name as keyof typeof list)));
const twice = { ...list, Sid: "twice" };
const undated = { DateLessThan: { "aws:CurrentTime": "soon" } };

const SYNTAX = "Syntax errors in policy.";
const LEGACY = "The policy failed legacy parsing";
const NO_ACTIONS = "Policy statement must contain actions.";
const NO_RESOURCES = "Policy statement must contain resources.";
const VENDOR = "Resource vendor must be fully qualified and cannot contain regexes.";
const PREFACE = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const ONE_COLON = "Actions/Condition can contain only one colon.";
const UNIQUE = "Statement IDs (SID) in a single policy must be unique.";
const PATHS =
  'IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.';

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  [SYNTAX]: [
    "no document",
    "{}",
    JSON.stringify([list]),
    JSON.stringify(version),
    JSON.stringify({ ...version, Statement: null }),
    document(),
    document("text"),
    JSON.stringify({ Version: "2013-10-17", Statement: list }),
    JSON.stringify({ ...version, Statement: list, Extra: 1 }),
    JSON.stringify({ ...version, Id: ["one"], Statement: list }),
    JSON.stringify({ ...version, Id: {}, Statement: list }),
    document({ ...list, Extra: 1 }),
    document({ ...list, Sid: [] }),
    document({ ...list, Effect: "Maybe" }),
    document(without("Effect")),
    document({ ...list, NotAction: "kms:*" }),
    document({ ...list, Action: [], NotAction: "kms:*" }),
    document({ ...list, NotResource: [] }),
    doing({}),
    doing(123),
    doing([[]]),
    on({ a: "*" }),
    on(["*", {}]),
    where([]),
    where("text"),
    where([{ "ForAllValues:StringEquals": { "aws:TagKeys": "a" } }]),
    where({ Bool: "text" }),
    where({ DateGreaterThan: [] }),
    where({ DateGreaterThan: { "aws:CurrentTime": {} } }),
    where({ Boolean: { "aws:SecureTransport": "true" } }),
    where({ "ForAnyValue::StringEquals": { "aws:TagKeys": "a" } }),
  ],
  "Policy document should not specify a principal.": [
    document({ ...list, Principal: "*" }),
    document({ ...list, NotPrincipal: { AWS: ACCOUNT } }),
  ],
  [LEGACY]: [
    document({ ...list, Effect: "denY" }),
    document({ Effect: "allow", Resource: "arn:aws:s3:us-east-1::bucket" }),
    document({ ...twice, Effect: "aLLow" }, { ...twice, Action: [] }),
    where(undated),
    document({ Effect: "Allow", Condition: undated }),
    document({ ...list, Resource: "arn:error:s3:::bucket", Condition: undated }),
    ...["234-13", "2016-12-13t2:00:00.593194+1", "2016-12-13t2:00:00.1999999999+10:59", "9223372036854775808"].map(
      (date) => where({ "ForAnyValue:DateLessThanEqualsIfExists": { "aws:CurrentTime": ["2020-01-01", date] } }),
    ),
    on("arn:aws:s3::bucket"),
    on("arn:aws::bucket"),
    on("arn:aws::::bucket"),
    on("arn:awss3::bucket/*"),
    document({ Effect: "Allow", Action: "s3:*", NotResource: "arn:aws:s3::bucket" }),
    document({ Effect: "Allow", Resource: "arn:aws:s3::bucket" }),
    on(`arn:aws:iam::\${aws:PrincipalAccount}:role/workshop`),
    on("arn:aws:kms:us-east-1:<ACCOUNT>:key/*"),
  ],
  [UNIQUE]: [document(twice, twice), document(twice, { Sid: "twice", Effect: "Allow" })],
  "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*": [
    document({ ...list, Sid: "has spaces" }),
  ],
  [NO_ACTIONS]: [document({ Effect: "Deny" }, list), document(without("Action")), doing([])],
  [NO_RESOURCES]: [document(without("Resource")), on([])],
  'Resource invalid resource must be in ARN format or "*".': [
    on("invalid resource"),
    on(["invalid resource", "arn:error:s3:::bucket"]),
    document({ ...list, Action: "s3:List:Bucket", Resource: "invalid resource" }),
  ],
  'Resource  must be in ARN format or "*".': [on("")],
  'Partition "b" is not valid for resource "arn:b:*:*:*:*".': [on("a:b")],
  'Partition "b" is not valid for resource "arn:b:c:*:*:*".': [on("a:b:c")],
  'Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".': [on("a:b:c:d:e:f:g:h")],
  'Partition "s3" is not valid for resource "arn:s3:::bucket:*".': [on("aws:s3:::bucket")],
  'Partition "" is not valid for resource "arn::bucket/*:*:*:*".': [on("s3::bucket/*")],
  'Partition "error" is not valid for resource "arn:error:s3:::bucket".': [
    on(["arn:error:s3:::bucket", "arn:error:s3::bucket"]),
  ],
  [VENDOR]: [on("arn:aws"), on("arn:aws:*:*:*:*"), on("arn:aws:k?s:us-east-1:111122223333:key/*")],
  "IAM resource arn:aws:iam:us-east-1::user/a cannot contain region information.": [
    on("arn:aws:iam:us-east-1::user/a"),
  ],
  "Resource arn:aws:s3:us-east-1::bucket can not contain region information.": [on("arn:aws:s3:us-east-1::bucket")],
  [PATHS]: [on("arn:aws:iam:::bucket")],
  [PREFACE]: [doing("ListBucket"), doing(""), doing(["s3:ListBucket", "invalid"])],
  "Vendor a a is not valid": [doing("a a:ListBucket")],
  "Vendor  is not valid": [doing(":ListBucket")],
  [ONE_COLON]: [doing("s3:List:Bucket"), document(list, { Effect: "Deny", NotAction: "s:3:List", Resource: "*" })],
};

const TAKEN: readonly string[] = [
  document(list),
  JSON.stringify({ ...version, Id: "id", Statement: list }),
  ...["*", "iam: any text ", "s3-s:ListBucket", "s3.s:ListBucket", "nobody:ListBucket", "kms:"].map(doing),
  ...[
    "*",
    ["*", "arn:aws:s3:::bucket"],
    "arn:aws:fdsasf",
    "arn:aws:nobody:us-east-1::thing",
    "arn:aws-cn:s3:::bucket",
  ].map(on),
  ...[
    "arn:aws:iam::111122223333:*",
    "arn:aws:iam:::user/a",
    "arn:aws:ec2:region:account-id:instance/*",
    "arn:*:s3:::b",
  ].map(on),
  on("arn:aws:s3:us-east-1:111122223333:accesspoint/a"),
  on(`arn:aws:iam::*:user/\${aws:username}`),
  document({ Effect: "Allow", NotAction: "s3:*", NotResource: "*" }),
  where({}),
  where({ nobody: {}, Bool: {} }),
  where({ DateGreaterThan: { a: [] }, StringEqualsIfExists: { a: "x" } }),
  where({ Bool: { "aws:SecureTransport": true }, NumericLessThan: { "s3:max-keys": [10] } }),
  ...[
    "01T",
    "-292275054",
    "2019-07-01T13:20:15Z",
    "2016-12-13T21:20:37.593194+00:00",
    "2016-12-13t2:00:00.5+23",
    "0",
  ].map((date) => where({ DateLessThan: { "aws:CurrentTime": date } })),
];

describe("a policy of users, groups and roles", () => {
  it("is refused in IAM's words and order", async () => {
    const name = { UserName: "user", PolicyName: "policy" };
    await iam.createUser({ UserName: "user" });
    for (const [message, documents] of Object.entries(REFUSED)) {
      for (const PolicyDocument of documents) {
        assert.equal(await refusalOf(iam.putUserPolicy({ ...name, PolicyDocument })), message, PolicyDocument);
        assert.equal(await refusalOf(iam.createPolicy({ PolicyName: "p", PolicyDocument })), message, PolicyDocument);
      }
    }
  });

  it("is taken with what IAM takes, too", async () => {
    const PolicyArn = present(
      (await iam.createPolicy({ PolicyName: "taken", PolicyDocument: document(list) })).Policy?.Arn,
    );
    for (const PolicyDocument of TAKEN) {
      const call = iam.createPolicyVersion({ PolicyArn, PolicyDocument, SetAsDefault: true });
      assert.equal(await refusalOf(call), undefined, PolicyDocument);
      await iam.deletePolicyVersion({ PolicyArn, VersionId: await oldVersion(PolicyArn) });
    }
  });

  it("is of version 2012-10-17 where it is managed", async () => {
    const message = "Policy document must be version 2012-10-17 or greater.";
    await iam.createUser({ UserName: "old" });
    for (const PolicyDocument of [
      JSON.stringify({ Statement: list }),
      JSON.stringify({ Version: "2008-10-17", Statement: list }),
      JSON.stringify({ Statement: [twice, twice] }),
      JSON.stringify({ Statement: { ...list, Effect: "denY" } }),
    ]) {
      assert.equal(await refusalOf(iam.createPolicy({ PolicyName: "p", PolicyDocument })), message);
    }
    const PolicyDocument = JSON.stringify({ Statement: list });
    await iam.putUserPolicy({ UserName: "old", PolicyName: "policy", PolicyDocument });
  });
});

async function oldVersion(PolicyArn: string): Promise<string | undefined> {
  const { Versions = [] } = await iam.listPolicyVersions({ PolicyArn });
  return Versions.find(({ IsDefaultVersion }) => IsDefaultVersion !== true)?.VersionId;
}

const trust = { Effect: "Allow", Principal: { AWS: ACCOUNT }, Action: "sts:AssumeRole" };

describe("a trust policy", () => {
  for (const [message, text] of Object.entries({
    "This policy contains invalid Json": "{",
    "The policy must contain a valid version string": JSON.stringify({ Version: "2020-01-01", Statement: trust }),
    "Could not parse the policy: Statement is empty!": document(),
    "Unknown field _comment": document({ ...trust, _comment: "c" }),
    "Unknown field statement": JSON.stringify({ ...version, statement: [trust] }),
    'Invalid principal in policy: "Aws"': document({ ...trust, Principal: { Aws: ACCOUNT } }),
    "Missing required field Effect": document({ ...trust, Effect: undefined }),
    "Invalid effect: Maybe": document({ ...trust, Effect: "Maybe" }),
    "Missing required field Principal": document({ ...trust, Principal: undefined }),
    "Missing required field Principal cannot be empty!": document({ ...trust, Principal: {} }),
    'Invalid principal in policy: "AWS":"AIDAEXAMPLE"': document({
      ...trust,
      Principal: { AWS: [ACCOUNT, "AIDAEXAMPLE"] },
    }),
    'Invalid principal in policy: "SERVICE":"example.com"': document({
      ...trust,
      Principal: { Service: "example.com" },
    }),
    "Missing required field Action": document({ ...trust, Action: undefined }),
    "AssumeRole policy may only specify STS AssumeRole actions.": document({ ...trust, Action: "*" }),
    "Has prohibited field Resource": document({ ...trust, Resource: "*" }),
    "AssumeRole policy must not contain resources.": document({ ...trust, NotResource: "*" }),
    "The Statement Ids in the policy are not unique": document({ ...trust, Sid: "s" }, { ...trust, Sid: "s" }),
  })) {
    it(`is refused: ${message}`, async () => {
      const call = iam.createRole({ RoleName: "role", AssumeRolePolicyDocument: text });
      assert.equal(await refusalOf(call), message);
    });
  }
});

describe("a session policy", () => {
  it("is refused in the words for policies of users and roles, save for one that is no JSON", async () => {
    const federated = (Policy: string) => refusalOf(sts.getFederationToken({ Name: "federated", Policy }));
    assert.equal(await federated("{"), "The policy is not in the valid JSON format.");
    assert.equal(await federated("{}"), SYNTAX);
    assert.equal(await federated(doing("ListBucket")), PREFACE);
    assert.equal(await federated(document(list)), undefined);
  });
});
