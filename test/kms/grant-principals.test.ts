/** Whom a grant can name. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { requireParties, requireParty, requireServicePrincipal } from "../../src/kms/grant-principals.ts";

const ACCOUNT = "111122223333";
const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
const SERVICE = "s3.amazonaws.com";
const SourceArn = "arn:aws:s3:::a-bucket";

describe("a principal of a grant", () => {
  for (const arn of [
    ROOT,
    `arn:aws:iam::${ACCOUNT}:user/Alice`,
    `arn:aws:iam::${ACCOUNT}:user/division/team/Alice`,
    `arn:aws:iam::${ACCOUNT}:role/keyUserRole`,
    `arn:aws:iam::${ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`,
    `arn:aws:sts::${ACCOUNT}:assumed-role/keyUserRole/session`,
    `arn:aws:sts::${ACCOUNT}:assumed-role/aws:ec2-infrastructure/i-0123456789abcdef0`,
    `arn:aws:sts::${ACCOUNT}:federated-user/Bob`,
  ]) {
    it(`can be ${arn}`, () => assert.deepEqual(requireParty(arn, "aws"), { arn, account: ACCOUNT }));
  }

  for (const name of [SERVICE, "dynamodb.us-west-1.amazonaws.com", "s3.amazonaws.com.cn"]) {
    it(`can be ${name}, of no account`, () => assert.deepEqual(requireParty(name, "aws"), { arn: name, account: "" }));
  }

  for (const { title, text, partition = "aws", id = "" } of [
    { title: "a group", text: `arn:aws:iam::${ACCOUNT}:group/Admins`, id: "S03-010: " },
    { title: "a service of somebody else", text: "s3.example.com" },
    { title: "an organization", text: `arn:aws:organizations::${ACCOUNT}:organization/o-exampleorgid` },
    { title: "everyone", text: "*" },
    { title: "an account by its id", text: ACCOUNT },
    { title: "all of an account's users", text: `arn:aws:iam::${ACCOUNT}:user/*` },
    { title: "a user without a name", text: `arn:aws:iam::${ACCOUNT}:user/` },
    { title: "a path without a name", text: `arn:aws:iam::${ACCOUNT}:user/division/` },
    { title: "a role session without a name", text: `arn:aws:sts::${ACCOUNT}:assumed-role/keyUserRole` },
    { title: "a user of no account", text: "arn:aws:iam:::user/Alice" },
    { title: "a user of an account with 11 digits", text: "arn:aws:iam::11112222333:user/Alice" },
    { title: "a user of a Region", text: `arn:aws:iam:us-east-1:${ACCOUNT}:user/Alice` },
    { title: "a key", text: `arn:aws:kms:us-east-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab` },
    { title: "a user of another partition", text: `arn:aws-cn:iam::${ACCOUNT}:user/Alice` },
    { title: "a user, seen from another partition", text: `arn:aws:iam::${ACCOUNT}:user/Alice`, partition: "aws-cn" },
  ]) {
    it(`${id}cannot be ${title}`, () => {
      const message = `ARN does not refer to a valid principal: ${text}`;
      assert.throws(() => requireParty(text, partition), { code: "InvalidArnException", status: 400, message });
    });
  }
});

describe("a service principal of a grant", () => {
  it("is a name of three labels or more", () => {
    for (const name of [SERVICE, "dynamodb.eu-central-1.amazonaws.com", "us-east-1.supportauthz.amazonaws.com.cn"]) {
      requireServicePrincipal(name, "granteeServicePrincipal");
    }
    for (const name of [ROOT, "amazonaws.com", "s3..amazonaws.com", ".s3.amazonaws.com", "s3.amazonaws.com.", "s3"]) {
      assert.throws(() => requireServicePrincipal(name, "granteeServicePrincipal"), {
        code: "ValidationException",
        message: /^1 validation error detected: Value '.*' at 'granteeServicePrincipal' failed .* pattern: /,
      });
    }
    const long = `${"a".repeat(120)}.amazonaws.com`;
    assert.throws(() => requireServicePrincipal(long, "granteeServicePrincipal"), /less than or equal to 128$/);
  });
});

describe("the parties of a grant", () => {
  const service = { GranteeServicePrincipal: SERVICE, Constraints: { SourceArn } };
  for (const { title, input } of [
    { title: "a grantee", input: { GranteePrincipal: ROOT } },
    { title: "a grantee and who retires", input: { GranteePrincipal: ROOT, RetiringPrincipal: ROOT } },
    { title: "a service given as a principal", input: { GranteePrincipal: SERVICE } },
    {
      title: "a grantee and a service that retires",
      input: { GranteePrincipal: ROOT, RetiringServicePrincipal: SERVICE },
    },
    { title: "a service and who retires", input: { ...service, RetiringPrincipal: ROOT } },
    { title: "a service and a service that retires", input: { ...service, RetiringServicePrincipal: SERVICE } },
  ]) {
    it(`can be ${title}`, () => requireParties(input, "aws"));
  }

  const VALIDATION = "ValidationException";
  const INVALID_ARN = "InvalidArnException";
  for (const { title, input, code } of [
    { title: "nobody", input: {}, code: VALIDATION },
    { title: "two grantees", input: { ...service, GranteePrincipal: ROOT }, code: VALIDATION },
    {
      title: "two who retire",
      input: { GranteePrincipal: ROOT, RetiringPrincipal: ROOT, RetiringServicePrincipal: SERVICE },
      code: VALIDATION,
    },
    {
      title: "a service for no resource",
      input: { GranteeServicePrincipal: SERVICE, RetiringPrincipal: ROOT },
      code: VALIDATION,
    },
    { title: "a service and nobody who retires", input: service, code: VALIDATION },
    {
      title: "a principal given as a service",
      input: { ...service, GranteeServicePrincipal: ROOT, RetiringPrincipal: ROOT },
      code: VALIDATION,
    },
    {
      title: "a principal that retires as a service",
      input: { GranteePrincipal: ROOT, RetiringServicePrincipal: ROOT },
      code: VALIDATION,
    },
    {
      title: "a group that retires",
      input: { GranteePrincipal: ROOT, RetiringPrincipal: `arn:aws:iam::${ACCOUNT}:group/Admins` },
      code: INVALID_ARN,
    },
  ]) {
    it(`cannot be ${title}`, () => assert.throws(() => requireParties(input, "aws"), { code, status: 400 }));
  }
});
