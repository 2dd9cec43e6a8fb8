/** Example conditions of the KMS guide (spec 03 and 04): on the encryption context, other parameters, keys, tags and aliases. */

import { allow, deny } from "../iam-world.ts";
import { ACCOUNT, bytes, OTHER_ACCOUNT } from "../kms-client.ts";
import { type Example, MAC, may, mayNot, never, pairs, RSA, SIGNING, to } from "./guide-example.ts";

const CONTEXT = "kms:EncryptionContext:AppName";

/** Conditions on the encryption context: what is wanted, and how it is written. */
export const contexts: readonly Example[] = [
  {
    ids: "S03-033",
    title: "require a pair",
    keyPolicy: (user) => [to(user, ["kms:Encrypt", "kms:DescribeKey"], { StringEquals: { [CONTEXT]: "ExampleApp" } })],
    cases: [
      may("Encrypt", pairs({ AppName: "ExampleApp" })),
      may("Encrypt", pairs({ appname: "ExampleApp", FilePath: "/var/opt" })),
      ...[mayNot("Encrypt", "resource", pairs({ AppName: "exampleapp" })), mayNot("Encrypt", "resource")],
      mayNot("DescribeKey", "resource"),
    ],
  },
  {
    title: "require a pair and no other",
    keyPolicy: (user) => [
      to(user, "kms:Encrypt", {
        StringEquals: { [CONTEXT]: "ExampleApp" },
        "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": ["AppName"] },
      }),
    ],
    cases: [
      may("Encrypt", pairs({ AppName: "ExampleApp" })),
      mayNot("Encrypt", "resource", pairs({ AppName: "ExampleApp", FilePath: "/var/opt" })),
      mayNot("Encrypt", "resource", pairs({ appname: "ExampleApp" })),
    ],
  },
  {
    title: "require two pairs",
    keyPolicy: (user) => [
      to(user, "kms:Encrypt", { StringEquals: { [CONTEXT]: "ExampleApp", "kms:EncryptionContext:FilePath": "/var" } }),
    ],
    cases: [
      may("Encrypt", pairs({ AppName: "ExampleApp", FilePath: "/var" })),
      mayNot("Encrypt", "resource", pairs({ AppName: "ExampleApp" })),
    ],
  },
  {
    title: "require one of two pairs",
    keyPolicy: (user) => [
      to(user, "kms:Encrypt", { StringEquals: { [CONTEXT]: "ExampleApp" } }),
      to(user, "kms:Encrypt", { StringEquals: { "kms:EncryptionContext:FilePath": "/var" } }),
    ],
    cases: [
      ...[may("Encrypt", pairs({ AppName: "ExampleApp" })), may("Encrypt", pairs({ FilePath: "/var" }))],
      mayNot("Encrypt", "resource", pairs({ Other: "pair" })),
    ],
  },
  {
    title: "forbid a pair, or any of several values",
    keyPolicy: (user) => [
      to(user, "kms:Encrypt"),
      never("kms:Encrypt", { StringEquals: { "kms:EncryptionContext:Stage": ["Restricted", "Secret"] } }),
    ],
    cases: [
      ...[may("Encrypt", pairs({ Stage: "Test" })), may("Encrypt")],
      mayNot("Encrypt", "resource!", pairs({ Stage: "Restricted" })),
      mayNot("Encrypt", "resource!", pairs({ Stage: "Secret" })),
    ],
  },
  {
    title: "the name of the user as a policy variable",
    keyPolicy: (user) => [
      to(user, "kms:Encrypt", { StringEquals: { "kms:EncryptionContext:user": `\${aws:username}` } }),
    ],
    cases: [
      may("Encrypt", pairs({ user: "USERNAME" })),
      mayNot("Encrypt", "resource", pairs({ user: "someone" })),
      mayNot("Encrypt", "resource", pairs({ user: `\${aws:username}` })),
    ],
  },
  {
    title: "some encryption context, whichever",
    keyPolicy: (user) => [to(user, "kms:Encrypt", { Null: { "kms:EncryptionContextKeys": false } })],
    cases: [may("Encrypt", pairs({ any: "pair" })), mayNot("Encrypt", "resource")],
  },
];

/** Conditions on other parameters of requests, and on keys. */
export const conditions: readonly Example[] = [
  {
    title: "kms:BypassPolicyLockoutSafetyCheck denied in PutKeyPolicy",
    iam: () => [
      allow("kms:*"),
      { ...deny("kms:PutKeyPolicy"), Condition: { Bool: { "kms:BypassPolicyLockoutSafetyCheck": true } } },
    ],
    cases: [may("PutKeyPolicy"), mayNot("PutKeyPolicy", "identity!", { BypassPolicyLockoutSafetyCheck: true })],
  },
  {
    title: "kms:BypassPolicyLockoutSafetyCheck absent (Null)",
    iam: () => [{ ...allow("kms:PutKeyPolicy"), Condition: { Null: { "kms:BypassPolicyLockoutSafetyCheck": true } } }],
    cases: [may("PutKeyPolicy"), mayNot("PutKeyPolicy", "identity", { BypassPolicyLockoutSafetyCheck: false })],
  },
  {
    title: "kms:DataKeyPairSpec like RSA*",
    keyPolicy: (user) => [to(user, "kms:GenerateDataKeyPair*", { StringLike: { "kms:DataKeyPairSpec": "RSA*" } })],
    cases: [
      may("GenerateDataKeyPairWithoutPlaintext", { KeyPairSpec: "RSA_2048" }),
      mayNot("GenerateDataKeyPairWithoutPlaintext", "resource", { KeyPairSpec: "ECC_NIST_P256" }),
    ],
  },
  {
    title: "kms:EncryptionAlgorithm: all but one denied, whatever else allows",
    key: RSA,
    keyPolicy: (user) => [
      to(user, "kms:*"),
      never("kms:Encrypt", { StringNotEquals: { "kms:EncryptionAlgorithm": "RSAES_OAEP_SHA_256" } }),
    ],
    cases: [
      may("Encrypt", { EncryptionAlgorithm: "RSAES_OAEP_SHA_256" }),
      mayNot("Encrypt", "resource!", { EncryptionAlgorithm: "RSAES_OAEP_SHA_1" }),
    ],
  },
  {
    title: "kms:GrantConstraintType: grants with an encryption context alone",
    keyPolicy: (user) => [
      to(user, "kms:CreateGrant", { StringEquals: { "kms:GrantConstraintType": "EncryptionContextEquals" } }),
    ],
    cases: [
      may("CreateGrant", { Constraints: { EncryptionContextEquals: { a: "b" } } }),
      mayNot("CreateGrant", "resource", { Constraints: { EncryptionContextSubset: { a: "b" } } }),
      mayNot("CreateGrant", "resource"),
    ],
  },
  {
    ids: "S04-009",
    title: "kms:GrantOperations: encrypting alone may be handed on",
    keyPolicy: (user) => [
      to(user, "kms:CreateGrant", {
        "ForAllValues:StringEquals": { "kms:GrantOperations": ["Encrypt", "ReEncryptTo"] },
      }),
    ],
    cases: [
      may("CreateGrant", { Operations: ["Encrypt"] }),
      mayNot("CreateGrant", "resource", { Operations: ["Encrypt", "Decrypt"] }),
    ],
  },
  {
    ids: "S04-010",
    title: "kms:GranteePrincipal and kms:RetiringPrincipal: these and no others",
    keyPolicy: (user) => [
      to(user, "kms:CreateGrant", {
        StringEquals: {
          "kms:GranteePrincipal": `arn:aws:iam::${ACCOUNT}:root`,
          "kms:RetiringPrincipal": `arn:aws:iam::${OTHER_ACCOUNT}:root`,
        },
      }),
    ],
    cases: [
      may("CreateGrant", { RetiringPrincipal: `arn:aws:iam::${OTHER_ACCOUNT}:root` }),
      ...[
        mayNot("CreateGrant", "resource"),
        mayNot("CreateGrant", "resource", { GranteePrincipal: `arn:aws:iam::${OTHER_ACCOUNT}:root` }),
      ],
    ],
  },
  {
    title: "kms:KeySpec, kms:KeyUsage and kms:KeyOrigin of keys to be made",
    iam: () => [
      {
        ...allow("kms:CreateKey"),
        Condition: {
          StringLike: { "kms:KeySpec": "ECC_*" },
          StringEquals: { "kms:KeyUsage": "SIGN_VERIFY", "kms:KeyOrigin": "AWS_KMS" },
        },
      },
    ],
    cases: [
      may("CreateKey", { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" }),
      mayNot("CreateKey", "identity", { KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT" }),
      mayNot("CreateKey", "identity", { Origin: "EXTERNAL" }),
      mayNot("CreateKey", "identity"),
    ],
  },
  {
    title: "kms:KeySpec and kms:KeyUsage of keys that are there",
    key: SIGNING,
    iam: () => [
      {
        ...allow(["kms:DescribeKey", "kms:GetPublicKey"]),
        Condition: { StringEquals: { "kms:KeyUsage": "SIGN_VERIFY" } },
      },
      { ...allow("kms:DisableKey"), Condition: { StringEquals: { "kms:KeySpec": "SYMMETRIC_DEFAULT" } } },
    ],
    cases: [may("DescribeKey"), may("GetPublicKey"), mayNot("DisableKey", "identity")],
  },
  {
    title: "kms:MacAlgorithm",
    key: MAC,
    keyPolicy: (user) => [
      to(user, "kms:GenerateMac", { StringEquals: { "kms:MacAlgorithm": "HMAC_SHA_256" } }),
      to(user, "kms:VerifyMac", { StringEquals: { "kms:MacAlgorithm": "HMAC_SHA_512" } }),
    ],
    cases: [may("GenerateMac"), mayNot("VerifyMac", "resource")],
  },
  {
    title: "kms:MessageType",
    key: SIGNING,
    keyPolicy: (user) => [to(user, "kms:Sign", { StringEquals: { "kms:MessageType": "RAW" } })],
    cases: [
      may("Sign", { MessageType: "RAW" }),
      mayNot("Sign", "resource", { MessageType: "DIGEST", Message: bytes(32) }),
    ],
  },
  {
    ids: "S04-020",
    title: "kms:SigningAlgorithm like RSASSA_PSS*",
    key: SIGNING,
    keyPolicy: (user) => [to(user, "kms:Sign", { StringLike: { "kms:SigningAlgorithm": "RSASSA_PSS*" } })],
    cases: [may("Sign"), mayNot("Sign", "resource", { SigningAlgorithm: "RSASSA_PKCS1_V1_5_SHA_256" })],
  },
  {
    title: "kms:MultiRegion",
    iam: () => [
      { ...allow(["kms:CreateKey", "kms:DescribeKey"]), Condition: { Bool: { "kms:MultiRegion": false } } },
      { ...allow("kms:Encrypt"), Condition: { Bool: { "kms:MultiRegion": true } } },
    ],
    cases: [
      ...[may("CreateKey"), may("DescribeKey"), mayNot("Encrypt", "identity")],
      mayNot("CreateKey", "identity", { MultiRegion: true }),
    ],
  },
  {
    title: "kms:RequestAlias",
    aliases: ["alias/ExampleAlias"],
    keyPolicy: (user) => [to(user, "kms:Encrypt", { StringEquals: { "kms:RequestAlias": "alias/ExampleAlias" } })],
    cases: [may("Encrypt", { KeyId: "alias/ExampleAlias" }), mayNot("Encrypt", "resource")],
  },
  {
    ids: "S01-034",
    title: "kms:ResourceAliases: every alias is like the pattern, and there is one",
    aliases: ["alias/a-test-key", "alias/another-test"],
    iam: () => [
      {
        ...allow(["kms:Encrypt", "kms:DescribeKey"]),
        Condition: {
          "ForAnyValue:StringLike": { "kms:ResourceAliases": "alias/*test*" },
          "ForAllValues:StringLike": { "kms:ResourceAliases": "alias/*test*" },
        },
      },
    ],
    cases: [may("Encrypt"), may("DescribeKey"), mayNot("GenerateDataKey", "identity")],
  },
  {
    ids: "S01-034",
    title: "kms:ResourceAliases: one alias that isn't like the pattern is one too many",
    aliases: ["alias/b-test-key", "alias/production"],
    iam: () => [
      {
        ...allow("kms:Encrypt"),
        Condition: { "ForAllValues:StringLike": { "kms:ResourceAliases": "alias/*test*" } },
      },
      {
        ...allow("kms:DescribeKey"),
        Condition: { "ForAnyValue:StringLike": { "kms:ResourceAliases": "alias/*test*" } },
      },
    ],
    cases: [mayNot("Encrypt", "identity"), may("DescribeKey")],
  },
  {
    ids: "S04-019",
    title: "kms:ScheduleKeyDeletionPendingWindowInDays of 21 days and less denied",
    iam: () => [
      allow("kms:*"),
      {
        ...deny("kms:ScheduleKeyDeletion"),
        Condition: { NumericLessThanEquals: { "kms:ScheduleKeyDeletionPendingWindowInDays": "21" } },
      },
    ],
    cases: [
      mayNot("ScheduleKeyDeletion", "identity!", { PendingWindowInDays: 21 }),
      may("ScheduleKeyDeletion", { PendingWindowInDays: 22 }),
    ],
  },
  {
    ids: "S04-022",
    title: "kms:WrappingAlgorithm and kms:WrappingKeySpec",
    key: { Origin: "EXTERNAL" },
    keyPolicy: (user) => [
      to(user, "kms:GetParametersForImport", {
        StringEquals: { "kms:WrappingAlgorithm": "RSAES_OAEP_SHA_256", "kms:WrappingKeySpec": "RSA_3072" },
      }),
    ],
    cases: [
      may("GetParametersForImport"),
      mayNot("GetParametersForImport", "resource", { WrappingKeySpec: "RSA_2048" }),
      mayNot("GetParametersForImport", "resource", { WrappingAlgorithm: "RSAES_OAEP_SHA_1" }),
    ],
  },
  {
    title: "kms:ViaService in a deny leaves direct calls alone",
    keyPolicy: (user) => [
      to(user, "kms:*"),
      never("kms:Encrypt", { StringEquals: { "kms:ViaService": "lambda.us-west-2.amazonaws.com" } }),
    ],
    cases: [may("Encrypt")],
  },
];

/** Access by tags and aliases. */
export const abac: readonly Example[] = [
  {
    ids: "S01-042",
    title: "aws:ResourceTag: a deny for keys with a tag",
    key: { Tags: [{ TagKey: "Stage", TagValue: "prod" }] },
    iam: () => [
      allow("kms:*"),
      { ...deny(["kms:Encrypt", "kms:DisableKey"]), Condition: { StringEquals: { "aws:ResourceTag/Stage": "prod" } } },
    ],
    cases: [mayNot("Encrypt", "identity!"), mayNot("DisableKey", "identity!"), may("DescribeKey"), may("ListKeys")],
  },
  {
    ids: "S01-042, S01-043",
    title: "aws:ResourceTag: keys with a tag in every Region of the account",
    key: { Tags: [{ TagKey: "Purpose", TagValue: "Test" }] },
    iam: () => [
      {
        ...allow("kms:Encrypt", `arn:aws:kms:*:${ACCOUNT}:key/*`),
        Condition: { StringEquals: { "aws:ResourceTag/Purpose": "Test" } },
      },
      { ...allow("kms:DescribeKey"), Condition: { StringEquals: { "aws:ResourceTag/Purpose": "Prod" } } },
      {
        ...allow(["kms:ListKeys", "kms:ListAliases"]),
        Condition: { StringEquals: { "aws:ResourceTag/Purpose": "Test" } },
      },
    ],
    cases: [
      ...[may("Encrypt"), mayNot("DescribeKey", "identity")],
      ...[mayNot("ListKeys", "identity"), mayNot("ListAliases", "identity")],
    ],
  },
  {
    ids: "S01-042",
    title: "aws:RequestTag: one tag alone",
    iam: () => [{ ...allow("kms:TagResource"), Condition: { StringEquals: { "aws:RequestTag/Purpose": "Test" } } }],
    cases: [
      may("TagResource", { Tags: [{ TagKey: "Purpose", TagValue: "Test" }] }),
      mayNot("TagResource", "identity", { Tags: [{ TagKey: "Purpose", TagValue: "Prod" }] }),
    ],
  },
  {
    ids: "S01-042",
    title: "aws:TagKeys: one tag key is nobody's",
    iam: () => [
      allow("kms:*"),
      {
        ...deny(["kms:TagResource", "kms:UntagResource"]),
        Condition: { "ForAnyValue:StringEquals": { "aws:TagKeys": ["Restricted"] } },
      },
    ],
    cases: [
      ...[may("TagResource"), may("UntagResource", { TagKeys: ["Free"] })],
      mayNot("TagResource", "identity!", { Tags: [{ TagKey: "Restricted", TagValue: "x" }] }),
      mayNot("UntagResource", "identity!", { TagKeys: ["Restricted"] }),
    ],
  },
];
