/** Policy documents of users, groups and roles: which IAM refuses, in which words, and which it takes. The parser and the API are asked alike. */

export const version = { Version: "2012-10-17" };
/** A statement that IAM takes. */
export const list = { Effect: "Allow", Action: "s3:ListBucket", Resource: "arn:aws:s3:::bucket" };
/** The text of a document with these statements. */
export const document = (...statements: readonly unknown[]): string =>
  JSON.stringify({ ...version, Statement: statements });
const on = (Resource: unknown): string => document({ ...list, Resource });
export const doing = (Action: unknown): string => document({ ...list, Action });
const where = (Condition: unknown): string => document({ ...list, Condition });
const without = (...members: readonly (keyof typeof list)[]): object =>
  Object.fromEntries(Object.entries(list).filter(([name]) => !members.includes(name as keyof typeof list)));
const twice = { ...list, Sid: "twice" };
const undated = { DateLessThan: { "aws:CurrentTime": "soon" } };

export const SYNTAX = "Syntax errors in policy.";
export const LEGACY = "The policy failed legacy parsing";
const NO_ACTIONS = "Policy statement must contain actions.";
const NO_RESOURCES = "Policy statement must contain resources.";
const VENDOR = "Resource vendor must be fully qualified and cannot contain regexes.";
export const PREFACE = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const ONE_COLON = "Actions/Condition can contain only one colon.";
const UNIQUE = "Statement IDs (SID) in a single policy must be unique.";
const PATHS =
  'IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.';

/** By what IAM says of them. Most were recorded on IAM (LocalStack's TestPolicyDocumentValidity). */
export const REFUSED: Readonly<Record<string, readonly string[]>> = {
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
    document({ ...list, Sid: {} }),
    document({ ...list, Effect: "Maybe" }),
    document(without("Effect")),
    document({ ...list, NotAction: "kms:*" }),
    document({ ...list, Action: [], NotAction: "kms:*" }),
    document({ ...list, NotResource: [] }),
    document({ ...list, NotResource: "*" }),
    doing({}),
    doing(123),
    doing([[]]),
    on({ a: "*" }),
    on(["*", {}]),
    where([]),
    where("text"),
    where({ nobody: "text" }),
    where([{ "ForAllValues:StringEquals": { "aws:TagKeys": "a" } }]),
    where({ Bool: "text" }),
    where({ DateGreaterThan: [] }),
    where({ DateGreaterThan: { "aws:CurrentTime": {} } }),
    document({ ...without("Action"), Condition: { DateGreaterThan: { "aws:CurrentTime": {} } } }),
    where({ Boolean: { "aws:SecureTransport": "true" } }),
    where({ "ForAnyValue::StringEquals": { "aws:TagKeys": "a" } }),
  ],
  "Policy document should not specify a principal.": [
    document({ ...list, Principal: "*" }),
    document({ ...list, NotPrincipal: { AWS: "111122223333" } }),
  ],
  [LEGACY]: [
    document({ ...list, Effect: "denY" }),
    document({ Effect: "allow", Resource: "arn:aws:s3:us-east-1::bucket" }),
    document({ ...twice, Effect: "aLLow" }, { ...twice, Action: [] }),
    document({ ...twice, Effect: "aLLow" }, { Sid: "twice", Effect: "Allow" }),
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
  [UNIQUE]: [
    document(twice, twice),
    document(twice, { Sid: "twice", Effect: "Allow" }),
    document(twice, twice, { Sid: "twice", Effect: "Allow" }),
  ],
  "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*": [
    document({ ...list, Sid: "has spaces" }),
  ],
  [NO_ACTIONS]: [
    document({ Effect: "Deny" }, list),
    document({ Effect: "Allow" }),
    document(without("Action")),
    doing([]),
  ],
  [NO_RESOURCES]: [document(without("Resource")), document({ Effect: "Allow", Action: "invalid" }), on([])],
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
  "IAM resource arn:aws:iam:us-east-1::bucket cannot contain region information.": [
    on("arn:aws:iam:us-east-1::bucket"),
  ],
  "Resource arn:aws:s3:us-east-1::bucket can not contain region information.": [on("arn:aws:s3:us-east-1::bucket")],
  [PATHS]: [on("arn:aws:iam:::bucket"), on("arn:aws:iam::111122223333:*/*")],
  [PREFACE]: [
    doing("ListBucket"),
    doing(""),
    doing(["s3:ListBucket", "invalid"]),
    document({ ...without("Action"), NotAction: "" }),
  ],
  "Vendor a a is not valid": [doing("a a:ListBucket")],
  "Vendor  is not valid": [doing(":ListBucket")],
  [ONE_COLON]: [doing("s3:List:Bucket"), document(list, { Effect: "Deny", NotAction: "s:3:List", Resource: "*" })],
};

/** What IAM takes, though some of it means nothing. */
export const TAKEN: readonly string[] = [
  document(list),
  JSON.stringify({ ...version, Id: "id", Statement: list }),
  ...["*", "iam: any text ", "s3-s:ListBucket", "s3.s:ListBucket", "nobody:ListBucket", "kms:"].map(doing),
  ...[
    "*",
    ["*", "arn:aws:s3:::bucket"],
    "arn:aws:fdsasf",
    "arn:aws:nobody:us-east-1::thing",
    "arn:aws-cn:s3:::bucket",
    "arn:aws-us-gov:s3:::bucket",
    "arn:aws:s33:::bucket",
  ].map(on),
  ...[
    "arn:aws:iam::111122223333:*",
    "arn:aws:iam:::user/a",
    "arn:aws:iam::*:*",
    "arn:aws:iam::111122223333:root",
    "arn:aws:ec2:region:account-id:instance/*",
    "arn:*:s3:::b",
  ].map(on),
  on("arn:aws:s3:us-east-1:111122223333:accesspoint/a"),
  on(`arn:aws:iam::*:user/\${aws:username}`),
  document({ Effect: "Allow", NotAction: "s3:*", NotResource: "*" }),
  document({ ...list, Sid: "" }, { ...list, Sid: "" }, list),
  where({}),
  where({ nobody: {}, Bool: {} }),
  where({ DateGreaterThan: { a: [] }, StringEqualsIfExists: { a: "x" } }),
  where({ Bool: { "aws:SecureTransport": true }, NumericLessThan: { "s3:max-keys": [10] } }),
  where({ "ForAnyValue:StringEqualsIfExists": { "aws:TagKeys": "a" } }),
  ...[
    "01T",
    "-292275054",
    "2019-07-01T13:20:15Z",
    "2016-12-13T21:20:37.593194+00:00",
    "2016-12-13t2:00:00.5+23",
    "0",
  ].map((date) => where({ DateLessThan: { "aws:CurrentTime": date } })),
];

/** Refused where they are managed, with `VERSION`, whatever else is wrong with them. */
export const OLD: readonly string[] = [
  JSON.stringify({ Statement: list }),
  JSON.stringify({ Version: "2008-10-17", Statement: list }),
  JSON.stringify({ Statement: [twice, { Sid: "twice", Effect: "Allow" }] }),
  JSON.stringify({ Statement: { ...list, Effect: "denY" } }),
  JSON.stringify({ Statement: { ...list, Condition: undated } }),
];
export const VERSION = "Policy document must be version 2012-10-17 or greater.";
