/** Example key policies and IAM policies of the KMS guide (spec 03 and 04). */

import { allow, deny } from "../iam-world.ts";
import { ACCOUNT, OTHER_ACCOUNT } from "../kms-client.ts";
import { type Example, MAC, may, mayNot, RSA, SIGNING, to, toAccount } from "./guide-example.ts";

const USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];
const ADMINISTER = [
  ...["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*"],
  ...["kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource", "kms:UntagResource"],
  ...["kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"],
];
const GRANT = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"];
const forService = { Bool: { "kms:GrantIsForAWSResource": true } };

/** Key policies of the chapter Key policies. */
export const keyPolicies: readonly Example[] = [
  {
    title: "the default key policy leaves everything to IAM",
    iam: (key) => [allow(["kms:Encrypt", "kms:PutKeyPolicy"], key)],
    cases: [may("Encrypt"), mayNot("DescribeKey", "identity"), mayNot("DisableKey", "identity")],
  },
  {
    title: "key administrators manage the key and can't use it",
    keyPolicy: (user) => [to(user, ADMINISTER)],
    cases: [
      ...[
        may("DescribeKey"),
        may("GetKeyPolicy"),
        may("ListResourceTags"),
        may("UpdateKeyDescription"),
        may("CreateGrant"),
      ],
      ...[may("TagResource"), may("EnableKey"), may("GetKeyRotationStatus")],
      ...[mayNot("Encrypt", "resource"), mayNot("GenerateDataKey", "resource"), mayNot("CreateKey", "identity")],
      mayNot("ListKeys", "identity"),
    ],
  },
  {
    title: "key administrators without deletion: kms:Delete* isn't that",
    keyPolicy: (user) => [to(user, ["kms:Delete*", "kms:Describe*"])],
    cases: [may("DescribeKey"), mayNot("ScheduleKeyDeletion", "resource"), mayNot("CancelKeyDeletion", "resource")],
  },
  {
    title: "key users of a symmetric key use it, and make grants through services alone",
    keyPolicy: (user) => [to(user, USE), to(user, GRANT, forService)],
    cases: [
      ...[may("Encrypt"), may("GenerateDataKey"), may("GenerateDataKeyPairWithoutPlaintext"), may("DescribeKey")],
      ...[mayNot("CreateGrant", "resource"), mayNot("ListGrants", "resource"), mayNot("PutKeyPolicy", "resource")],
    ],
  },
  {
    title: "key users of an HMAC key",
    key: MAC,
    keyPolicy: (user) => [to(user, ["kms:DescribeKey", "kms:GenerateMac", "kms:VerifyMac"])],
    cases: [may("GenerateMac"), may("VerifyMac"), may("DescribeKey"), mayNot("GetKeyPolicy", "resource")],
  },
  {
    title: "key users of an RSA key for encryption",
    key: RSA,
    keyPolicy: (user) => [
      to(user, ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:DescribeKey", "kms:GetPublicKey"]),
    ],
    cases: [
      ...[may("Encrypt", { EncryptionAlgorithm: "RSAES_OAEP_SHA_256" }), may("GetPublicKey"), may("DescribeKey")],
      mayNot("DisableKey", "resource"),
    ],
  },
  {
    title: "key users of an RSA key for signing",
    key: SIGNING,
    keyPolicy: (user) => [to(user, ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign", "kms:Verify"])],
    cases: [may("Sign"), may("GetPublicKey"), mayNot("ListGrants", "resource")],
  },
  {
    title: "a statement for Amazon Location and one for EBS never admit a direct call",
    keyPolicy: (user) => [
      to(user, "kms:CreateGrant", {
        StringEquals: { "kms:ViaService": "geo.us-east-1.amazonaws.com", "kms:CallerAccount": ACCOUNT },
      }),
      to("*", [...USE, "kms:CreateGrant"], {
        StringEquals: { "kms:CallerAccount": ACCOUNT, "kms:ViaService": "ec2.us-east-1.amazonaws.com" },
      }),
    ],
    cases: [mayNot("CreateGrant", "resource"), mayNot("Encrypt", "resource"), mayNot("DescribeKey", "resource")],
  },
  {
    title: "a statement for the service principal of CloudTrail admits no user",
    keyPolicy: () => [
      {
        ...{ Effect: "Allow", Principal: { Service: "cloudtrail.amazonaws.com" }, Action: "kms:GenerateDataKey" },
        Resource: "*",
        Condition: {
          ArnEquals: { "aws:SourceArn": `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/t` },
          StringLike: { "kms:EncryptionContext:aws:cloudtrail:arn": `arn:aws:cloudtrail:*:${ACCOUNT}:trail/*` },
        },
      },
    ],
    iam: () => [allow("kms:*")],
    cases: [mayNot("GenerateDataKey", "resource")],
  },
  {
    ids: "S04-033",
    title: "Principal * lets everybody of the account in without IAM; a deny wins",
    keyPolicy: (user) => [to("*", "kms:*"), { ...to(user, "kms:DisableKey"), Effect: "Deny" }],
    cases: [may("Encrypt"), may("DescribeKey"), mayNot("DisableKey", "resource!")],
  },
  {
    ids: "S04-033",
    title: "Principal * lets another account's users in by IAM alone",
    isForeign: true,
    keyPolicy: () => [to("*", "kms:*")],
    iam: (key) => [allow("kms:Encrypt", key)],
    cases: [may("Encrypt"), mayNot("DescribeKey", "identity")],
  },
  {
    ids: "S04-030, S03-005",
    title: "the statements for an account of key users let its IAM policies give the use, and nothing more",
    isForeign: true,
    keyPolicy: () => [toAccount(OTHER_ACCOUNT, USE), toAccount(OTHER_ACCOUNT, GRANT, forService)],
    iam: (key) => [allow(["kms:Encrypt", "kms:DescribeKey", "kms:CreateGrant", "kms:DisableKey"], key)],
    cases: [
      ...[may("Encrypt"), may("DescribeKey"), mayNot("GenerateDataKey", "identity")],
      ...[mayNot("CreateGrant", "another account's"), mayNot("DisableKey", "another account's")],
    ],
  },
];

/** IAM policies of the chapter IAM policies; the key has the default key policy. */
export const iamPolicies: readonly Example[] = [
  {
    title: "the policy of those who create keys",
    iam: () => [
      allow("kms:TagResource", `arn:aws:kms:*:${ACCOUNT}:key/*`),
      allow("kms:CreateAlias", `arn:aws:kms:*:${ACCOUNT}:alias/*`),
      allow(["kms:CreateKey", "kms:ListKeys", "kms:ListAliases"]),
    ],
    cases: [
      ...[may("CreateKey"), may("CreateKey", { Tags: [{ TagKey: "a", TagValue: "b" }] }), may("ListKeys")],
      ...[may("ListAliases"), may("TagResource"), mayNot("Encrypt", "identity"), mayNot("CreateAlias", "identity")],
    ],
  },
  {
    title: "all keys of the account in one Region, and none elsewhere",
    iam: () => [
      allow(["kms:Encrypt", "kms:DescribeKey"], `arn:aws:kms:us-east-1:${ACCOUNT}:key/*`),
      allow("kms:GenerateDataKey", `arn:aws:kms:eu-west-1:${ACCOUNT}:key/*`),
    ],
    cases: [may("Encrypt"), may("DescribeKey"), mayNot("GenerateDataKey", "identity")],
  },
  {
    title: "several accounts and all Regions in one list",
    iam: () => [
      allow("kms:Encrypt", [`arn:aws:kms:*:${OTHER_ACCOUNT}:key/*`, `arn:aws:kms:*:${ACCOUNT}:key/*`]),
      allow("kms:DescribeKey", [`arn:aws:kms:*:${OTHER_ACCOUNT}:key/*`]),
    ],
    cases: [may("Encrypt"), mayNot("DescribeKey", "identity")],
  },
  {
    title: "read-only access for the console",
    iam: () => [
      allow(
        [
          ...["kms:GetPublicKey", "kms:GetKeyRotationStatus", "kms:GetKeyPolicy", "kms:DescribeKey"],
          ...["kms:ListKeyPolicies", "kms:ListResourceTags", "tag:GetResources"],
        ],
        `arn:aws:kms:*:${ACCOUNT}:key/*`,
      ),
      allow(["kms:ListKeys", "kms:ListAliases", "iam:ListRoles", "iam:ListUsers"]),
    ],
    cases: [
      ...[
        may("DescribeKey"),
        may("GetKeyPolicy"),
        may("GetKeyRotationStatus"),
        may("ListKeyPolicies"),
        may("ListKeys"),
      ],
      ...[may("ListResourceTags"), may("ListAliases"), mayNot("Encrypt", "identity"), mayNot("DisableKey", "identity")],
    ],
  },
  {
    title: "a deny of disabling and deleting, whatever others allow",
    iam: () => [allow("kms:*"), deny(["kms:DisableKey", "kms:ScheduleKeyDeletion"])],
    cases: [may("Encrypt"), mayNot("DisableKey", "identity!"), mayNot("ScheduleKeyDeletion", "identity!")],
  },
  {
    title: "a deny of what gives access to keys",
    iam: () => [
      allow("kms:*"),
      deny(["kms:CreateKey", "kms:PutKeyPolicy", "kms:CreateGrant", "kms:ScheduleKeyDeletion"]),
    ],
    cases: [
      ...[may("Encrypt"), mayNot("CreateKey", "identity!"), mayNot("PutKeyPolicy", "identity!")],
      ...[mayNot("CreateGrant", "identity!"), mayNot("ScheduleKeyDeletion", "identity!")],
    ],
  },
];
