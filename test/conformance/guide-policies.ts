/** The example policies of the KMS guide (spec 03 and 04): what each lets in, and what it doesn't. */

import { allow, deny } from "../iam-world.ts";
import { ACCOUNT, bytes, OTHER_ACCOUNT } from "../kms-client.ts";

/** Why a call is refused: which kind of policy doesn't allow it, or (`!`) denies it. */
export type Refusal = "identity" | "resource" | "identity!" | "resource!" | "another account's";

/** A call of a user, and what it comes to. */
export interface Case {
  readonly operation: string;
  /** Beside the key and what such calls usually have; `USERNAME` in an encryption context is the user's name. */
  readonly input?: object;
  /** Undefined: it is allowed. */
  readonly refusal?: Refusal;
}

/** An example: policies, and calls of a user under them. */
export interface Example {
  /** Build-checklist ids that it proves. */
  readonly ids?: string;
  readonly title: string;
  /** Statements of the key policy for the user with this ARN; the default key policy when not given. */
  readonly keyPolicy?: (user: string) => readonly object[];
  /** Statements of the user's inline policy; the key's ARN may stand in them. */
  readonly iam?: (key: string) => readonly object[];
  /** What the key is. */
  readonly key?: object;
  /** Aliases that it has. */
  readonly aliases?: readonly string[];
  /** The user is another account's. */
  readonly isForeign?: true;
  readonly cases: readonly Case[];
}

const may = (operation: string, input: object = {}): Case => ({ operation, input });
const mayNot = (operation: string, refusal: Refusal, input: object = {}): Case => ({ operation, input, refusal });
const to = (user: string, Action: string | readonly string[], Condition?: object): object => ({
  ...{ Effect: "Allow", Principal: { AWS: user }, Action, Resource: "*" },
  ...(Condition && { Condition }),
});
const toAccount = (account: string, Action: string | readonly string[], Condition?: object): object =>
  to(`arn:aws:iam::${account}:root`, Action, Condition);
const never = (Action: string | readonly string[], Condition: object): object => ({
  ...{ Effect: "Deny", Principal: { AWS: "*" }, Action, Resource: "*", Condition },
});
const pairs = (EncryptionContext: object): object => ({ EncryptionContext });
const anyone = (key: string, ...values: readonly string[]): object => ({ [key]: values });

const USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];
const ADMINISTER = [
  ...["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*"],
  ...["kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource", "kms:UntagResource"],
  ...["kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"],
];
const GRANT = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"];
const forService = { Bool: { "kms:GrantIsForAWSResource": true } };
const SIGNING = { KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" };
const RSA = { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" };
const MAC = { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" };
const CONTEXT = "kms:EncryptionContext:AppName";

/** Key policies of the chapter Key policies. */
const keyPolicies: readonly Example[] = [
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
const iamPolicies: readonly Example[] = [
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

/** Conditions on the encryption context: what is wanted, and how it is written. */
const contexts: readonly Example[] = [
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
const conditions: readonly Example[] = [
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
    cases: [may("CreateKey"), may("DescribeKey"), mayNot("Encrypt", "identity")],
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
        Condition: { "ForAllValues:StringLike": anyone("kms:ResourceAliases", "alias/*test*") },
      },
      {
        ...allow("kms:DescribeKey"),
        Condition: { "ForAnyValue:StringLike": anyone("kms:ResourceAliases", "alias/*test*") },
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
const abac: readonly Example[] = [
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

export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  "a key policy": keyPolicies,
  "an IAM policy": iamPolicies,
  "a condition on the encryption context": contexts,
  "a condition": conditions,
  "access by tags": abac,
};
