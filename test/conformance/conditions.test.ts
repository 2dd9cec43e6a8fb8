/** Conditions in key policies, decided for two accounts through the API (spec 03 and 04). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { KMS } from "@aws-sdk/client-kms";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  type Metadata,
  managedKey,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms, other } = world;

const Plaintext = bytes(8);
const manage = ["kms:PutKeyPolicy", "kms:CreateAlias", "kms:DescribeKey", "kms:ScheduleKeyDeletion"];

/** A key whose owner may manage it, and use it as these statements say. */
function keyWith(...statements: readonly object[]): Promise<Metadata> {
  return newKey(kms, { Policy: policyOf(allowing(ACCOUNT, manage), ...statements) });
}
const when = (Condition: object, action: string | readonly string[] = "kms:*"): object => ({
  ...allowing(ACCOUNT, action),
  Condition,
});
const never = (Condition: object, Action: string | readonly string[]): object => ({
  Effect: "Deny",
  Principal: "*",
  Action,
  Resource: "*",
  Condition,
});

async function assertDenied(call: Promise<unknown>): Promise<void> {
  await assertRefused(call, "AccessDeniedException");
}

/** The caller may encrypt with each context of `allowed` and with none of `denied`. */
async function assertContexts(
  KeyId: string,
  allowed: (Record<string, string> | undefined)[],
  denied: typeof allowed,
): Promise<void> {
  for (const EncryptionContext of allowed) await kms.encrypt({ KeyId, Plaintext, EncryptionContext });
  for (const EncryptionContext of denied) await assertDenied(kms.encrypt({ KeyId, Plaintext, EncryptionContext }));
}

describe("kms:EncryptionContext", () => {
  it("S03-033: matches the name of a pair in any case, and its value as the operator says", async () => {
    const equal = await keyWith(when({ StringEquals: { "kms:EncryptionContext:APPNAME": "ExampleApp" } }));
    await assertContexts(
      equal.KeyId,
      [{ AppName: "ExampleApp" }, { appname: "ExampleApp", More: "x" }],
      [{ AppName: "exampleapp" }, { Other: "ExampleApp" }, undefined],
    );
    const folded = await keyWith(when({ StringEqualsIgnoreCase: { "KMS:encryptioncontext:AppName": "ExampleApp" } }));
    await assertContexts(folded.KeyId, [{ AppName: "exampleapp" }], [{ AppName: "another" }]);
  });

  it("requires all pairs under one operator, and is not in a request that has no context", async () => {
    const { KeyId, Arn } = await keyWith(
      {
        ...when({ StringEquals: { "kms:EncryptionContext:A": "1", "kms:EncryptionContext:B": "2" } }),
        Principal: { AWS: OTHER_ACCOUNT },
      },
      when({ StringEquals: { "kms:EncryptionContext:A": "1", "kms:EncryptionContext:B": "2" } }, "kms:Encrypt"),
    );
    await assertContexts(KeyId, [{ A: "1", B: "2" }], [{ A: "1" }, { B: "2" }, { A: "1", B: "1" }]);
    await other.encrypt({ KeyId: Arn, Plaintext, EncryptionContext: { A: "1", B: "2" } });
    await assertDenied(other.describeKey({ KeyId: Arn }));
  });

  it("S04-003: kms:EncryptionContextKeys with Null false asks for any context", async () => {
    const { KeyId } = await keyWith(when({ Null: { "kms:EncryptionContextKeys": false } }));
    await assertContexts(KeyId, [{ any: "thing" }], [undefined, {}]);
  });

  it("S04-004: ForAnyValue with one name lets others come along, and needs it in Encrypt and GenerateDataKey", async () => {
    const { KeyId } = await keyWith(when({ "ForAnyValue:StringEquals": { "kms:EncryptionContextKeys": "AppName" } }));
    await assertContexts(KeyId, [{ AppName: "x", Other: "y" }], [{ Other: "y" }, { appname: "x" }, undefined]);
    const KeySpec = "AES_256";
    await kms.generateDataKey({ KeyId, KeySpec, EncryptionContext: { AppName: "x", Other: "y" } });
    await assertDenied(kms.generateDataKey({ KeyId, KeySpec, EncryptionContext: { Other: "y" } }));
    await assertDenied(kms.generateDataKeyWithoutPlaintext({ KeyId, KeySpec }));
  });

  it("S04-002: ForAllValues admits a request without a context", async () => {
    const { KeyId } = await keyWith(when({ "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": ["A", "B"] } }));
    await assertContexts(KeyId, [undefined, { A: "1" }, { A: "1", B: "2" }], [{ A: "1", C: "3" }]);
  });

  it("of ReEncrypt is the source's for ReEncryptFrom and the destination's for ReEncryptTo", async () => {
    const { KeyId } = await keyWith(
      allowing(ACCOUNT, "kms:Encrypt"),
      when({ StringEquals: { "kms:EncryptionContext:at": "source" } }, "kms:ReEncryptFrom"),
      when({ StringEquals: { "kms:EncryptionContext:at": "destination" } }, "kms:ReEncryptTo"),
    );
    const SourceEncryptionContext = { at: "source" };
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext, EncryptionContext: SourceEncryptionContext });
    const input = { CiphertextBlob, DestinationKeyId: KeyId, SourceEncryptionContext };
    await kms.reEncrypt({ ...input, DestinationEncryptionContext: { at: "destination" } });
    await assertDenied(kms.reEncrypt({ ...input, DestinationEncryptionContext: { at: "source" } }));
    await assertDenied(kms.reEncrypt({ ...input, SourceEncryptionContext: { at: "destination" } }));
  });
});

describe("a key's own properties", () => {
  for (const [key, value, wrong] of [
    ["kms:KeySpec", "SYMMETRIC_DEFAULT", "RSA_2048"],
    ["kms:KeyUsage", "ENCRYPT_DECRYPT", "SIGN_VERIFY"],
    ["kms:KeyOrigin", "AWS_KMS", "EXTERNAL"],
    ["kms:CallerAccount", ACCOUNT, OTHER_ACCOUNT],
    ["kms:CustomerMasterKeySpec", "SYMMETRIC_DEFAULT", "RSA_2048"],
    ["kms:CustomerMasterKeyUsage", "ENCRYPT_DECRYPT", "SIGN_VERIFY"],
  ] as const) {
    const ids = key.includes("CustomerMaster") ? "S03-034, S04-012" : "S04-012";
    it(`${ids}: ${key} is ${value} in operations on a key`, async () => {
      const right = await keyWith(when({ StringEquals: { [key]: value } }));
      await kms.encrypt({ KeyId: right.KeyId, Plaintext });
      await kms.getKeyPolicy({ KeyId: right.KeyId });
      const left = await keyWith(when({ StringEquals: { [key]: wrong } }));
      await assertDenied(kms.encrypt({ KeyId: left.KeyId, Plaintext }));
    });
  }

  it("S04-012, S04-013: kms:MultiRegion is false, and kms:MultiRegionKeyType absent, of a single-Region key", async () => {
    const { KeyId } = await keyWith(
      when({ Bool: { "kms:MultiRegion": false }, Null: { "kms:MultiRegionKeyType": true } }),
    );
    await kms.encrypt({ KeyId, Plaintext });
  });

  it("kms:CallerAccount with everyone as principal admits one account", async () => {
    const statement = {
      ...when({ StringEquals: { "kms:CallerAccount": OTHER_ACCOUNT } }, "kms:Encrypt"),
      Principal: "*",
    };
    const { KeyId, Arn } = await keyWith(statement);
    await other.encrypt({ KeyId: Arn, Plaintext });
    await assertDenied(kms.encrypt({ KeyId, Plaintext }));
  });
});

describe("a parameter of the request", () => {
  it("S03-031: kms:EncryptionAlgorithm is SYMMETRIC_DEFAULT when the request leaves it out", async () => {
    const Condition = { StringEquals: { "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT" } };
    const { KeyId } = await keyWith(when(Condition));
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext });
    await kms.encrypt({ KeyId, Plaintext, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
    await kms.decrypt({ CiphertextBlob });
    await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
    await kms.reEncrypt({ CiphertextBlob, DestinationKeyId: KeyId });
    await assertDenied(kms.encrypt({ KeyId, Plaintext, EncryptionAlgorithm: "RSAES_OAEP_SHA_256" }));
    await assertDenied(kms.getKeyPolicy({ KeyId }));
  });

  it("S03-032: kms:BypassPolicyLockoutSafetyCheck is absent when the request leaves it out", async () => {
    const absent = { Null: { "kms:BypassPolicyLockoutSafetyCheck": true } };
    const Policy = policyOf(when(absent));
    const { KeyId } = await newKey(kms, { Policy });
    await kms.putKeyPolicy({ KeyId, Policy });
    for (const BypassPolicyLockoutSafetyCheck of [true, false]) {
      await assertDenied(kms.putKeyPolicy({ KeyId, Policy, BypassPolicyLockoutSafetyCheck }));
    }
    const denying = policyOf(
      allowing(ACCOUNT),
      never({ Bool: { "kms:BypassPolicyLockoutSafetyCheck": "true" } }, "kms:PutKeyPolicy"),
    );
    await kms.putKeyPolicy({ KeyId, Policy: denying });
    await assertDenied(kms.putKeyPolicy({ KeyId, Policy, BypassPolicyLockoutSafetyCheck: true }));
    await kms.putKeyPolicy({ KeyId, Policy, BypassPolicyLockoutSafetyCheck: false });
  });

  it("S04-016, S01-033: kms:RequestAlias is the alias that the request names the key by, as a name", async () => {
    const { KeyId, Arn } = await keyWith(when({ StringLike: { "kms:RequestAlias": "alias/*alpha*" } }));
    for (const AliasName of ["alias/alphabet", "alias/beta"]) await kms.createAlias({ AliasName, TargetKeyId: KeyId });
    const arnOf = (name: string): string => Arn.replace(/key\/.*/, name);
    for (const named of ["alias/alphabet", arnOf("alias/alphabet")]) {
      const { CiphertextBlob } = await kms.encrypt({ KeyId: named, Plaintext });
      await kms.decrypt({ KeyId: named, CiphertextBlob });
      await assertDenied(kms.decrypt({ CiphertextBlob }));
      await kms.reEncrypt({ SourceKeyId: named, DestinationKeyId: named, CiphertextBlob });
      await assertDenied(kms.reEncrypt({ SourceKeyId: named, DestinationKeyId: KeyId, CiphertextBlob }));
    }
    for (const named of [KeyId, Arn, "alias/beta", arnOf("alias/beta")]) {
      await assertDenied(kms.encrypt({ KeyId: named, Plaintext }));
    }
    await kms.generateRandom({ NumberOfBytes: 1 });
  });

  it("S04-015: kms:ReEncryptOnSameKey admits the same key and no other", async () => {
    const statement = when({ Bool: { "kms:ReEncryptOnSameKey": true } }, "kms:ReEncrypt*");
    const [same, another] = [
      await keyWith(statement, allowing(ACCOUNT, "kms:Encrypt")),
      await keyWith(allowing(ACCOUNT)),
    ];
    const { CiphertextBlob } = await kms.encrypt({ KeyId: same.KeyId, Plaintext });
    await kms.reEncrypt({ CiphertextBlob, DestinationKeyId: same.Arn });
    await assertDenied(kms.reEncrypt({ CiphertextBlob, DestinationKeyId: another.KeyId }));
  });

  it("S04-019: a Deny of waiting periods up to 21 days blocks 7 to 21 and lets 22 to 30 through", async () => {
    const Condition = { NumericLessThanEquals: { "kms:ScheduleKeyDeletionPendingWindowInDays": "21" } };
    const { KeyId } = await keyWith(
      never(Condition, "kms:ScheduleKeyDeletion"),
      allowing(ACCOUNT, "kms:CancelKeyDeletion"),
    );
    for (const PendingWindowInDays of [7, 21])
      await assertDenied(kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays }));
    for (const PendingWindowInDays of [22, 30, undefined]) {
      await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays });
      await kms.cancelKeyDeletion({ KeyId });
    }
  });

  it("kms:RotationPeriodInDays narrows the periods of EnableKeyRotation", async () => {
    const Condition = { NumericLessThanEquals: { "kms:RotationPeriodInDays": 365 } };
    const { KeyId } = await keyWith(when(Condition, "kms:EnableKeyRotation"));
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    await kms.enableKeyRotation({ KeyId });
    await assertDenied(kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 366 }));
  });

  it("aws:TagKeys and aws:RequestTag are the tags of the request", async () => {
    const { KeyId } = await keyWith(
      when({ "ForAllValues:StringEquals": { "aws:TagKeys": ["Purpose"] } }, ["kms:TagResource", "kms:UntagResource"]),
      never({ StringEquals: { "aws:RequestTag/purpose": "Secret" } }, "kms:TagResource"),
    );
    const tag = (TagKey: string, TagValue: string) => kms.tagResource({ KeyId, Tags: [{ TagKey, TagValue }] });
    await tag("Purpose", "Test");
    await assertDenied(tag("Purpose", "Secret"));
    await assertDenied(tag("Other", "Test"));
    await assertDenied(kms.untagResource({ KeyId, TagKeys: ["Purpose", "Other"] }));
    await kms.untagResource({ KeyId, TagKeys: ["Purpose"] });
  });
});

describe("a global condition key", () => {
  const principal = {
    "aws:PrincipalArn": `arn:aws:iam::${ACCOUNT}:root`,
    "aws:PrincipalAccount": ACCOUNT,
    "aws:userid": ACCOUNT,
  };
  for (const { title, holds, fails } of [
    {
      title: "aws:SourceIp is the client's address",
      holds: { IpAddress: { "aws:SourceIp": "127.0.0.0/8" } },
      fails: { NotIpAddress: { "aws:SourceIp": ["127.0.0.1", "::1"] } },
    },
    {
      title: "aws:SecureTransport is false on plain HTTP",
      holds: { Bool: { "aws:SecureTransport": "false" } },
      fails: { Bool: { "aws:SecureTransport": true } },
    },
    {
      title: "aws:PrincipalArn, aws:PrincipalAccount and aws:userid are the caller's",
      holds: { StringEquals: principal },
      fails: { StringNotEquals: principal },
    },
    {
      title: "aws:PrincipalType of a root user is Account",
      holds: { StringEquals: { "aws:PrincipalType": "Account" } },
      fails: { StringEquals: { "aws:PrincipalType": "User" } },
    },
    {
      title: "aws:RequestedRegion is the Region called",
      holds: { StringEquals: { "aws:RequestedRegion": REGION } },
      fails: { StringEquals: { "aws:RequestedRegion": "eu-west-1" } },
    },
    {
      title: "aws:ResourceAccount is the key's",
      holds: { StringEquals: { "aws:ResourceAccount": ACCOUNT } },
      fails: { StringEquals: { "aws:ResourceAccount": OTHER_ACCOUNT } },
    },
    {
      title: "aws:UserAgent is the client's",
      holds: { StringLike: { "aws:UserAgent": "aws-sdk-js/*" } },
      fails: { StringLike: { "aws:UserAgent": "aws-cli/*" } },
    },
    {
      title: "aws:ViaAWSService is false of direct calls",
      holds: { Bool: { "aws:ViaAWSService": false } },
      fails: { Bool: { "aws:ViaAWSService": true } },
    },
    {
      title: "keys of users, sessions, services and endpoints are absent",
      holds: {
        Null: Object.fromEntries(
          ["aws:username", "aws:MultiFactorAuthPresent", "aws:TokenIssueTime", "aws:SourceVpce", "aws:CalledVia"].map(
            (key) => [key, true],
          ),
        ),
      },
      fails: { Null: { "aws:username": false } },
    },
    {
      title: "S03-030: aws:SourceArn and aws:SourceAccount are absent from direct calls",
      holds: { Null: { "aws:SourceArn": true, "aws:SourceAccount": true } },
      fails: { ArnLike: { "aws:SourceArn": "arn:aws:*:*:*:*" } },
    },
    {
      title: "a policy variable is filled from them",
      holds: { StringEquals: { "aws:userid": "$" + "{AWS:PrincipalAccount}" } },
      fails: { StringEquals: { "aws:userid": "$" + "{aws:username}" } },
    },
  ]) {
    it(title, async () => {
      await kms.encrypt({ KeyId: (await keyWith(when(holds))).KeyId, Plaintext });
      await assertDenied(kms.encrypt({ KeyId: (await keyWith(when(fails))).KeyId, Plaintext }));
    });
  }

  it("aws:Referer is what a request says that has the header", async () => {
    const { KeyId } = await keyWith(when({ StringLike: { "aws:Referer": "https://example.com/*" } }));
    const input = { KeyId, Plaintext: Buffer.from(Plaintext).toString("base64") };
    const statusBy = async (headers: Record<string, string>) => (await world.raw("Encrypt", input, headers)).status;
    assert.equal(await statusBy({ referer: "https://example.com/page" }), 200);
    assert.equal(await statusBy({ referer: "https://example.org/" }), 400);
    assert.equal(await statusBy({}), 400);
  });

  it("aws:CurrentTime and aws:EpochTime follow the clock", async () => {
    const now = (await world.server.clock.now()).getTime();
    const until = new Date(now + 3_600_000).toISOString();
    const { KeyId } = await keyWith(
      when({
        DateLessThan: { "aws:CurrentTime": until },
        NumericLessThan: { "aws:EpochTime": `${(now + 3_600_000) / 1000}` },
      }),
    );
    await kms.encrypt({ KeyId, Plaintext });
    await world.server.clock.advance("PT2H");
    await assertDenied(kms.encrypt({ KeyId, Plaintext }));
  });
});

describe("a key policy", () => {
  for (const { id, title, condition, message } of [
    {
      id: "S03-014: ",
      title: "ForAllValues with an encryption context pair",
      condition: { "ForAllValues:StringEquals": { "kms:EncryptionContext:AppName": "x" } },
      message:
        "OverlyPermissiveCondition:EncryptionContext: Using the ForAllValues set operator with a single-valued condition key matches requests without the specified encryption context or with an unspecified encryption context. To fix, remove ForAllValues.",
    },
    {
      id: "S03-014: ",
      title: "ForAllValues with a tag of the request",
      condition: { "forallvalues:StringLikeIfExists": { "AWS:RequestTag/Purpose": "x" } },
      message:
        "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key matches requests without the specified tag or with an unspecified tag. To fix, remove ForAllValues.",
    },
    ...["aws:ResourceTag/Purpose", "kms:ResourceAliases"].map((key) => ({
      id: "",
      title: `${key}, which is for IAM policies alone`,
      condition: { StringEquals: { [key]: "x" } },
      message:
        "These condition keys are not permitted in a key policy: aws:ResourceTag, kms:ResourceTag, kms:ResourceAliases",
    })),
    {
      id: "",
      title: "an unknown operator",
      condition: { StringMatches: { "aws:userid": "x" } },
      message: "Invalid Condition type : StringMatches",
    },
  ]) {
    it(`${id}with ${title} is refused by CreateKey and PutKeyPolicy`, async () => {
      const Policy = policyOf(allowing(ACCOUNT), when(condition));
      await assertRefused(kms.createKey({ Policy }), "MalformedPolicyDocumentException", message);
      const { KeyId } = await newKey(kms);
      await assertRefused(kms.putKeyPolicy({ KeyId, Policy }), "MalformedPolicyDocumentException", message);
    });
  }

  it("that admits its caller under a condition passes the lockout check when the condition holds", async () => {
    for (const [account, taken] of [
      [ACCOUNT, true],
      [OTHER_ACCOUNT, false],
    ] as const) {
      const Policy = policyOf(
        when({ StringEquals: { "kms:CallerAccount": account, "kms:KeyUsage": "ENCRYPT_DECRYPT" } }),
      );
      const { KeyId } = await newKey(kms);
      for (const call of [() => kms.createKey({ Policy }), () => kms.putKeyPolicy({ KeyId, Policy })]) {
        if (taken) await call();
        else await assertRefused(call(), "MalformedPolicyDocumentException");
      }
    }
  });

  it("takes the names of the Nitro attestation keys, which are absent", async () => {
    const { KeyId } = await keyWith(when({ StringEqualsIgnoreCase: { "kms:RecipientAttestation:PCR1": "00" } }));
    await assertDenied(kms.encrypt({ KeyId, Plaintext }));
  });

  it("of an AWS managed key lets nobody use it directly, and its account look at it", async () => {
    const { KeyId } = await managedKey(kms, "sns");
    const { Policy } = await kms.getKeyPolicy({ KeyId });
    assert.match(present(Policy), /"kms:ViaService" : "sns\.us-east-1\.amazonaws\.com"/);
    const calls: readonly ((client: KMS) => Promise<unknown>)[] = [
      (client) => client.encrypt({ KeyId, Plaintext }),
      (client) => client.generateDataKey({ KeyId, KeySpec: "AES_256" }),
    ];
    for (const call of calls) await assertDenied(call(kms));
  });
});
