/** STS through AWS's SDK: who may have which session, what its credentials are, and what it may do. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { AssumeRoleCommandInput } from "@aws-sdk/client-sts";
import { ACCOUNT, membersOf, newKey, OTHER_ACCOUNT, present, REGION, refusalOf, requestIdOf } from "../kms-client.ts";
import {
  allow,
  type IamWorld,
  policy,
  type SdkCredentials,
  seededKey,
  sessionOf,
  startIamWorld,
  trusts,
} from "./world.ts";

const IAM = `arn:aws:iam::${ACCOUNT}`;
const OWN_ROOT = { AWS: `${IAM}:root` };
const ROLE = `${IAM}:role`;

const SEED = {
  accounts: [
    {
      id: ACCOUNT,
      policies: [
        { name: "EncryptOnly", document: policy(allow(["kms:Encrypt", "kms:DescribeKey"])) },
        { name: "DecryptOnly", document: policy(allow("kms:Decrypt")) },
      ],
      users: [
        { name: "alice", path: "/team/", accessKeys: [seededKey("alice")], inline: { all: policy(allow("*")) } },
        { name: "bob", accessKeys: [seededKey("bob")] },
        {
          name: "carol",
          accessKeys: [seededKey("carol")],
          inline: { p: policy(allow("kms:*")) },
          tags: { Team: "Blue" },
        },
      ],
      roles: [
        { name: "user", trust: policy(trusts(OWN_ROOT)), inline: { kms: policy(allow(["kms:*", "sts:*"])) } },
        { name: "powerless", path: "/deep/er/", trust: policy(trusts({ AWS: `${IAM}:user/bob` })) },
        {
          name: "bounded",
          trust: policy(trusts(OWN_ROOT)),
          inline: { kms: policy(allow("kms:*")) },
          boundary: `${IAM}:policy/EncryptOnly`,
        },
        { name: "long", maxSessionSeconds: 7_200, trust: policy(trusts(OWN_ROOT)) },
        {
          name: "external",
          trust: policy(trusts({ AWS: "*" }, { Condition: { StringEquals: { "sts:ExternalId": "partner/1" } } })),
        },
        {
          name: "named",
          trust: policy(trusts(OWN_ROOT, { Condition: { StringEquals: { "sts:RoleSessionName": "alice" } } })),
        },
        {
          name: "tagged",
          inline: { kms: policy(allow("kms:*", { Condition: { StringEquals: { "aws:PrincipalTag/Team": "Blue" } } })) },
          tags: { Team: "Red" },
          trust: policy(
            trusts({ AWS: `${IAM}:user/team/alice` }, { Action: ["sts:AssumeRole", "sts:SetSourceIdentity"] }),
            trusts(
              { AWS: `${IAM}:user/team/alice` },
              {
                Action: "sts:TagSession",
                Condition: {
                  StringLike: { "aws:RequestTag/Team": "*" },
                  "ForAllValues:StringEquals": { "aws:TagKeys": ["Team", "Stage"] },
                },
              },
            ),
          ),
        },
        {
          name: "chained",
          inline: { kms: policy(allow("kms:*", { Condition: { StringEquals: { "aws:PrincipalTag/Team": "Blue" } } })) },
          trust: policy(
            trusts(
              { AWS: [`${ROLE}/tagged`, `${ROLE}/user`] },
              { Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"] },
            ),
          ),
        },
        { name: "untagging", trust: policy(trusts({ AWS: `${ROLE}/tagged` })) },
      ],
    },
    {
      id: OTHER_ACCOUNT,
      credentials: [seededKey("other")],
      users: [{ name: "dave", accessKeys: [seededKey("dave")], inline: { all: policy(allow("*")) } }],
      roles: [
        {
          name: "partner",
          trust: policy(trusts({ AWS: ACCOUNT })),
          inline: { kms: policy(allow("kms:*")) },
        },
      ],
    },
  ],
};

let world: IamWorld;
let keyId: string;
before(async () => {
  world = await startIamWorld(SEED);
  keyId = (await newKey(world.kms(world.server.credentials))).KeyId;
});
after(() => world.stop());

const alice = seededKey("alice");
const bob = seededKey("bob");

function assume(as: SdkCredentials, role: string, more: Partial<AssumeRoleCommandInput> = {}) {
  const RoleArn = role.startsWith("arn:") ? role : `${ROLE}/${role}`;
  return world.sts(as).assumeRole({ RoleArn, RoleSessionName: "session", ...more });
}

async function session(as: SdkCredentials, role: string, more: Partial<AssumeRoleCommandInput> = {}) {
  return sessionOf(await assume(as, role, more));
}

/** Which of a few operations on the key somebody may do. */
async function allowed(as: SdkCredentials, KeyId = keyId): Promise<string[]> {
  const kms = world.kms(as);
  const Plaintext = Buffer.from("hello");
  const { CiphertextBlob } = await world.kms(world.server.credentials).encrypt({ KeyId: keyId, Plaintext });
  const tries = {
    Encrypt: () => kms.encrypt({ KeyId, Plaintext }),
    Decrypt: () => kms.decrypt({ CiphertextBlob, KeyId }),
    DescribeKey: () => kms.describeKey({ KeyId }),
  };
  const done: string[] = [];
  for (const [name, run] of Object.entries(tries)) {
    const error = await run().then(
      () => undefined,
      (cause: unknown) => cause as Error,
    );
    if (error === undefined) done.push(name);
    else assert.equal(error.name, "AccessDeniedException", error.message);
  }
  return done;
}

describe("AssumeRole", () => {
  it("answers temporary credentials of the role, and GetCallerIdentity says whose they are", async () => {
    const output = await assume(alice, "user");
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = present(output.Credentials);
    assert.match(present(AccessKeyId), /^ASIA[A-Z2-7]{16}$/);
    assert.match(present(SecretAccessKey), /^[A-Za-z0-9+/]{40}$/);
    assert.match(present(SessionToken), /^[A-Za-z0-9+/]{200,}={0,2}$/);
    const lifeMs = present(Expiration).getTime() - Date.now();
    assert.ok(lifeMs > 3_590_000 && lifeMs <= 3_600_000, String(lifeMs));
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/user/session`;
    const user = present(output.AssumedRoleUser);
    assert.equal(user.Arn, arn);
    assert.match(present(user.AssumedRoleId), /^AROA[A-Z2-7]{17}:session$/);
    assert.equal(output.PackedPolicySize, undefined);
    assert.deepEqual(membersOf(await world.sts(sessionOf(output)).getCallerIdentity({})), {
      UserId: user.AssumedRoleId,
      Account: ACCOUNT,
      Arn: arn,
    });
  });

  it("gives what the role's policies give, to somebody who has nothing himself", async () => {
    assert.deepEqual(await allowed(bob), []);
    assert.deepEqual(await allowed(await session(bob, `${ROLE}/deep/er/powerless`)), []);
    assert.deepEqual(await allowed(await session(alice, "user")), ["Encrypt", "Decrypt", "DescribeKey"]);
  });

  it("gives no more than a boundary, a session policy or a managed session policy lets through", async () => {
    const Policy = JSON.stringify(policy(allow("kms:Decrypt")));
    const PolicyArns = [{ arn: `${IAM}:policy/EncryptOnly` }];
    assert.deepEqual(await allowed(await session(alice, "bounded")), ["Encrypt", "DescribeKey"]);
    assert.deepEqual(await allowed(await session(alice, "user", { Policy })), ["Decrypt"]);
    assert.deepEqual(await allowed(await session(alice, "user", { PolicyArns })), ["Encrypt", "DescribeKey"]);
    assert.deepEqual(await allowed(await session(alice, "user", { Policy, PolicyArns })), [
      "Encrypt",
      "Decrypt",
      "DescribeKey",
    ]);
    assert.deepEqual(await allowed(await session(alice, "bounded", { Policy })), []);
  });

  it("says how much of the room for policies and tags is taken, and refuses more", async () => {
    const Policy = JSON.stringify(policy(allow("kms:Decrypt")));
    const { PackedPolicySize = 0 } = await assume(alice, "user", { Policy });
    assert.ok(PackedPolicySize > 0 && PackedPolicySize < 50);
    const random = (): string => Array.from({ length: 7 }, () => randomUUID()).join("");
    const Tags = Array.from({ length: 40 }, (_, n) => ({ Key: `k${n}`, Value: random() }));
    const refusal = await refusalOf(world.sts(alice).getFederationToken({ Name: "many", Tags }));
    assert.equal(refusal.name, "PackedPolicyTooLargeException");
    assert.match(refusal.message, /^Packed size of session tags consumes \d{3,}% of allotted space\.$/);
    const ofPolicies = await refusalOf(world.sts(alice).getFederationToken({ Name: "many", Policy, Tags }));
    assert.match(ofPolicies.message, /^Packed policy consumes \d{3,}% of allotted space, please use smaller policy\.$/);
  });

  for (const { title, as = alice, role, more, name = "AccessDenied", status = 403, message } of [
    {
      title: "a caller whom neither trust policy nor identity policy lets",
      as: bob,
      role: "user",
      message: `User: ${IAM}:user/bob is not authorized to perform: sts:AssumeRole on resource: ${ROLE}/user`,
    },
    {
      title: "a role that does not exist, in the same words",
      role: "nobody",
      message: `User: ${IAM}:user/team/alice is not authorized to perform: sts:AssumeRole on resource: ${ROLE}/nobody`,
    },
    {
      title: "a role of another account that does not exist, in the same words",
      role: `arn:aws:iam::${OTHER_ACCOUNT}:role/nobody`,
      message: `User: ${IAM}:user/team/alice is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::${OTHER_ACCOUNT}:role/nobody`,
    },
    {
      title: "a role under another path than its own",
      as: bob,
      role: "powerless",
      message: `User: ${IAM}:user/bob is not authorized to perform: sts:AssumeRole on resource: ${ROLE}/powerless`,
    },
    {
      title: "a role of another account that does not trust the caller's",
      as: seededKey("dave"),
      role: "user",
      message: `User: arn:aws:iam::${OTHER_ACCOUNT}:user/dave is not authorized to perform: sts:AssumeRole on resource: ${ROLE}/user`,
    },
    { title: "an external id that is wrong", role: "external", more: { ExternalId: "partner/2" } },
    { title: "a session without the external id", role: "external" },
    { title: "a session name that the trust policy does not let", role: "named" },
    {
      title: "tags that the trust policy does not let",
      role: "tagged",
      more: { Tags: [{ Key: "Other", Value: "x" }] },
      message: `User: ${IAM}:user/team/alice is not authorized to perform: sts:TagSession on resource: ${ROLE}/tagged`,
    },
    {
      title: "a source identity that the trust policy does not let",
      as: bob,
      role: `${ROLE}/deep/er/powerless`,
      more: { SourceIdentity: "bob" },
      message: `User: ${IAM}:user/bob is not authorized to perform: sts:SetSourceIdentity on resource: ${ROLE}/deep/er/powerless`,
    },
    {
      title: "a multi-factor code, of which there are none",
      role: "user",
      more: { SerialNumber: `${IAM}:mfa/alice`, TokenCode: "123456" },
      message:
        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
    },
    {
      title: "a session that is longer than the role lets it be",
      role: "user",
      more: { DurationSeconds: 3_601 },
      name: "ValidationError",
      status: 400,
      message: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    },
    {
      title: "a session that is too short",
      role: "user",
      more: { DurationSeconds: 899 },
      name: "ValidationError",
      status: 400,
      message:
        "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
    },
    {
      title: "an ARN that is no role's",
      role: `${IAM}:user/team/alice`,
      name: "ValidationError",
      status: 400,
      message: "Request ARN is invalid",
    },
    ...["arn::b:::something/test-role", "arn:a::::something/test-role", "arn:a:a::aaaaaaaaaa:"].map((role) => ({
      title: `the ARN ${role}`,
      role,
      name: "ValidationError",
      status: 400,
      message: `${role} is invalid`,
    })),
    {
      title: "a role of an account that can't be",
      role: "arn:aws:iam::123456789:role/nowhere",
      message: `User: ${IAM}:user/team/alice is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789:role/nowhere`,
    },
    {
      title: "a session policy that is none",
      role: "user",
      more: { Policy: "{" },
      name: "MalformedPolicyDocumentException",
      status: 400,
      message: "The policy is not in the valid JSON format.",
    },
    {
      title: "a managed session policy that is not there",
      role: "user",
      more: { PolicyArns: [{ arn: `arn:aws:iam::${OTHER_ACCOUNT}:policy/EncryptOnly` }] },
      name: "ValidationError",
      status: 400,
    },
    {
      title: "tags that differ in case alone",
      role: "tagged",
      more: {
        Tags: [
          { Key: "Team", Value: "a" },
          { Key: "team", Value: "b" },
        ],
      },
      name: "InvalidParameterValue",
      status: 400,
      message: "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    },
    {
      title: "a transitive tag that is not there",
      role: "tagged",
      more: { Tags: [{ Key: "Team", Value: "a" }], TransitiveTagKeys: ["Stage"] },
      name: "InvalidParameterValue",
      status: 400,
      message: "The specified transitive tag key must be included in the requested tags.",
    },
  ] as {
    title: string;
    as?: SdkCredentials;
    role: string;
    more?: Partial<AssumeRoleCommandInput>;
    name?: string;
    status?: number;
    message?: string;
  }[]) {
    it(`refuses ${title}`, async () => {
      const refusal = await refusalOf(assume(as, role, more));
      assert.deepEqual([refusal.name, refusal.status], [name, status], refusal.message);
      if (message !== undefined) assert.equal(refusal.message, message);
    });
  }

  it("refuses root users", async () => {
    const refusal = await refusalOf(assume(world.server.credentials, "user"));
    assert.deepEqual([refusal.name, refusal.message], ["AccessDenied", "Roles may not be assumed by root accounts."]);
  });

  it("takes an external id, a session name and a longer duration where the role lets it", async () => {
    await session(alice, "external", { ExternalId: "partner/1" });
    await session(alice, "named", { RoleSessionName: "alice" });
    const { Credentials } = await assume(alice, "long", { DurationSeconds: 7_200 });
    assert.ok(present(Credentials?.Expiration).getTime() > Date.now() + 7_100_000);
  });

  it("crosses accounts where both sides let it, and the session is the role's account's", async () => {
    const partner = `arn:aws:iam::${OTHER_ACCOUNT}:role/partner`;
    const credentials = await session(alice, partner);
    const { Account, Arn } = await world.sts(credentials).getCallerIdentity({});
    assert.deepEqual([Account, Arn], [OTHER_ACCOUNT, `arn:aws:sts::${OTHER_ACCOUNT}:assumed-role/partner/session`]);
    assert.equal((await refusalOf(assume(seededKey("carol"), partner))).name, "AccessDenied");
    const foreign = await newKey(world.kms(seededKey("other")));
    assert.deepEqual(await allowedToDescribe(credentials, foreign.Arn), true);
    assert.deepEqual(await allowedToDescribe(credentials, `arn:aws:kms:us-east-1:${ACCOUNT}:key/${keyId}`), false);
  });

  async function allowedToDescribe(as: SdkCredentials, KeyId: string): Promise<boolean> {
    return world
      .kms(as)
      .describeKey({ KeyId })
      .then(
        () => true,
        () => false,
      );
  }
});

describe("tags and the source identity of a session", () => {
  it("are the principal's, outweigh those of the role, and only transitive ones go down a chain", async () => {
    assert.deepEqual(await allowed(await session(alice, "tagged")), [], "the role's own tag is Red");
    const Tags = [
      { Key: "team", Value: "Blue" },
      { Key: "Stage", Value: "test" },
    ];
    const refusal = await refusalOf(assume(alice, "tagged", { Tags: [{ Key: "Else", Value: "Blue" }] }));
    assert.equal(refusal.name, "AccessDenied");
    const named = [
      { Key: "Team", Value: "Blue" },
      { Key: "Stage", Value: "test" },
    ];
    assert.equal((await refusalOf(assume(alice, "tagged", { Tags }))).name, "AccessDenied", "values keep their case");
    const first = await session(alice, "tagged", {
      Tags: named,
      TransitiveTagKeys: ["Team"],
      SourceIdentity: "alice",
    });
    assert.deepEqual(await allowed(first), ["Encrypt", "Decrypt", "DescribeKey"]);
    const second = await assume(first, "chained");
    assert.equal(second.SourceIdentity, "alice");
    assert.deepEqual(await allowed(sessionOf(second)), ["Encrypt", "Decrypt", "DescribeKey"]);
  });

  it("need sts:TagSession in every role of the chain, and can't be replaced on the way", async () => {
    const first = await session(alice, "tagged", {
      Tags: [{ Key: "Team", Value: "Blue" }],
      TransitiveTagKeys: ["Team"],
      SourceIdentity: "alice",
    });
    const untagging = await refusalOf(assume(first, "untagging"));
    assert.match(untagging.message, /is not authorized to perform: sts:TagSession on resource/);
    const replaced = await refusalOf(assume(first, "chained", { Tags: [{ Key: "team", Value: "Red" }] }));
    assert.deepEqual(
      [replaced.name, replaced.message],
      [
        "InvalidParameterValue",
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
      ],
    );
    const other = await refusalOf(assume(first, "chained", { SourceIdentity: "bob" }));
    assert.deepEqual(
      [other.name, other.message],
      ["ValidationError", "The source identity is already set for this assume role session"],
    );
    const longer = await refusalOf(assume(first, "chained", { DurationSeconds: 3_601 }));
    assert.equal(
      longer.message,
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  });
});

describe("GetSessionToken", () => {
  it("gives a user or root user credentials that can do the same", async () => {
    const own = sessionOf(await world.sts(seededKey("carol")).getSessionToken({}));
    assert.deepEqual(await allowed(own), ["Encrypt", "Decrypt", "DescribeKey"]);
    assert.equal((await world.sts(own).getCallerIdentity({})).Arn, `${IAM}:user/carol`);
    const root = await world.sts(world.server.credentials).getSessionToken({ DurationSeconds: 129_600 });
    assert.ok(present(root.Credentials?.Expiration).getTime() < Date.now() + 3_601_000, "an hour at most");
    assert.equal((await world.sts(sessionOf(root)).getCallerIdentity({})).Arn, `${IAM}:root`);
  });

  it("is refused to sessions, and its sessions may only assume roles", async () => {
    const own = sessionOf(await world.sts(alice).getSessionToken({ DurationSeconds: 900 }));
    const again = await refusalOf(world.sts(own).getSessionToken({}));
    assert.deepEqual(
      [again.name, again.status, again.message],
      ["AccessDenied", 403, "Cannot call GetSessionToken with session credentials"],
    );
    assert.equal((await refusalOf(world.sts(own).getFederationToken({ Name: "bob" }))).name, "AccessDenied");
    assert.equal(
      (await refusalOf(world.sts(own).getAccessKeyInfo({ AccessKeyId: own.accessKeyId }))).name,
      "AccessDenied",
    );
    assert.deepEqual(await allowed(await session(own, "user")), ["Encrypt", "Decrypt", "DescribeKey"]);
    assert.match((await refusalOf(assume(own, "long", { DurationSeconds: 3_601 }))).message, /role chaining/);
  });
});

describe("GetFederationToken", () => {
  it("gives what the policies of the session and of the user both allow", async () => {
    const sts = world.sts(alice);
    const Policy = JSON.stringify(policy(allow("kms:Decrypt")));
    const output = await sts.getFederationToken({ Name: "visitor", Policy });
    const arn = `arn:aws:sts::${ACCOUNT}:federated-user/visitor`;
    assert.deepEqual(output.FederatedUser, { FederatedUserId: `${ACCOUNT}:visitor`, Arn: arn });
    const visitor = sessionOf(output);
    assert.deepEqual(await allowed(visitor), ["Decrypt"]);
    assert.deepEqual(membersOf(await world.sts(visitor).getCallerIdentity({})), {
      UserId: `${ACCOUNT}:visitor`,
      Account: ACCOUNT,
      Arn: arn,
    });
    const wide = sessionOf(await sts.getFederationToken({ Name: "wide", Policy: JSON.stringify(policy(allow("*"))) }));
    const assuming = await refusalOf(assume(wide, "user"));
    assert.equal(assuming.message, "Cannot call AssumeRole with session credentials");
    const bare = await sts.getFederationToken({ Name: "visitor" });
    assert.equal(bare.PackedPolicySize, 0);
    assert.deepEqual(await allowed(sessionOf(bare)), [], "no policy");
    const ofRoot = await world.sts(world.server.credentials).getFederationToken({ Name: "guest", Policy });
    assert.deepEqual(await allowed(sessionOf(ofRoot)), ["Decrypt"]);
  });

  it("needs a permission, which AWS names with the federated user", async () => {
    const refusal = await refusalOf(world.sts(bob).getFederationToken({ Name: "visitor" }));
    assert.equal(
      refusal.message,
      `User: ${IAM}:user/bob is not authorized to perform: sts:GetFederationToken on resource: arn:aws:sts::${ACCOUNT}:federated-user/visitor because no identity-based policy allows the sts:GetFederationToken action`,
    );
  });
});

describe("what STS tells", () => {
  it("of an access key is its account, temporary ones among them", async () => {
    const sts = world.sts(alice);
    const foreign = sessionOf(await world.sts(seededKey("other")).getSessionToken({}));
    for (const { accessKeyId, account } of [
      { accessKeyId: alice.accessKeyId, account: ACCOUNT },
      { accessKeyId: seededKey("other").accessKeyId, account: OTHER_ACCOUNT },
      { accessKeyId: foreign.accessKeyId, account: OTHER_ACCOUNT },
    ]) {
      assert.equal((await sts.getAccessKeyInfo({ AccessKeyId: accessKeyId })).Account, account);
    }
    const unknown = await refusalOf(sts.getAccessKeyInfo({ AccessKeyId: "AKIANOBODYHASTHISONE" }));
    assert.equal(unknown.name, "ValidationError");
    assert.equal(
      (await refusalOf(world.sts(bob).getAccessKeyInfo({ AccessKeyId: alice.accessKeyId }))).name,
      "AccessDenied",
    );
  });

  it("of an encoded message is nothing, since it never makes one", async () => {
    const refusal = await refusalOf(world.sts(alice).decodeAuthorizationMessage({ EncodedMessage: "AAAA" }));
    assert.deepEqual([refusal.name, refusal.message], ["InvalidAuthorizationMessageException", "Message is not valid"]);
  });

  it("of what is not built is that it is not", async () => {
    const sts = world.sts(alice);
    for (const call of [
      () => sts.assumeRoot({ TargetPrincipal: OTHER_ACCOUNT, TaskPolicyArn: { arn: "arn:aws:iam::aws:policy/x" } }),
      () => sts.getWebIdentityToken({ Audience: ["a"], SigningAlgorithm: "RS256" }),
      () => sts.getDelegatedAccessToken({ TradeInToken: "abcd" }),
      // Unsigned.
      () =>
        sts.assumeRoleWithSAML({
          RoleArn: `arn:aws:iam::${ACCOUNT}:role/r`,
          PrincipalArn: `arn:aws:iam::${ACCOUNT}:saml-provider/p`,
          SAMLAssertion: "abcd",
        }),
    ]) {
      assert.equal((await refusalOf(call())).name, "UnsupportedOperationException");
    }
  });
});

describe("the record of a call of STS", () => {
  it("has the role, who asked and the access key, never secret or token; later calls tell of the session", async () => {
    const output = await assume(alice, "user", { RoleSessionName: "recorded" });
    const { accessKeyId, secretAccessKey, sessionToken } = sessionOf(output);
    const record = await world.records.of(requestIdOf(output));
    assert.equal(record.eventName, "AssumeRole");
    assert.equal(record.eventSource, "sts.amazonaws.com");
    assert.deepEqual(record.requestParameters, { roleArn: `${ROLE}/user`, roleSessionName: "recorded" });
    const { credentials, assumedRoleUser } = present(record.responseElements ?? undefined) as Record<
      string,
      Record<string, unknown>
    >;
    assert.deepEqual(Object.keys(present(credentials)), ["accessKeyId", "expiration"]);
    assert.equal(credentials?.["accessKeyId"], accessKeyId);
    assert.equal(assumedRoleUser?.["arn"], `arn:aws:sts::${ACCOUNT}:assumed-role/user/recorded`);
    assert.deepEqual(record.resources, [{ accountId: ACCOUNT, type: "AWS::IAM::Role", ARN: `${ROLE}/user` }]);
    assert.equal(record.userIdentity["type"], "IAMUser");

    const used = await world.kms(sessionOf(output)).describeKey({ KeyId: keyId });
    const { userIdentity } = await world.records.of(requestIdOf(used));
    const context = userIdentity["sessionContext"] as Record<string, Record<string, unknown>>;
    assert.deepEqual(
      { ...userIdentity, sessionContext: undefined },
      {
        type: "AssumedRole",
        principalId: output.AssumedRoleUser?.AssumedRoleId,
        arn: `arn:aws:sts::${ACCOUNT}:assumed-role/user/recorded`,
        accountId: ACCOUNT,
        accessKeyId,
        sessionContext: undefined,
      },
    );
    assert.deepEqual(context["sessionIssuer"], {
      type: "Role",
      principalId: output.AssumedRoleUser?.AssumedRoleId?.split(":")[0],
      arn: `${ROLE}/user`,
      accountId: ACCOUNT,
      userName: "user",
    });
    assert.equal(context["attributes"]?.["mfaAuthenticated"], "false");
    const everything = JSON.stringify(world.records.all());
    assert.ok(!everything.includes(secretAccessKey) && !everything.includes(sessionToken));
  });

  it("says which endpoint was asked, which calls are no reads, and names no resource but roles (real records of AWS)", async () => {
    const sts = world.sts(alice);
    for (const { output, readOnly } of [
      { output: await sts.getCallerIdentity({}), readOnly: true },
      { output: await sts.getSessionToken({}), readOnly: false },
      { output: await sts.getFederationToken({ Name: "recorded" }), readOnly: false },
    ]) {
      const record = await world.records.of(requestIdOf(output));
      assert.deepEqual(record.additionalEventData, {
        RequestDetails: { awsServingRegion: REGION, endpointType: "regional" },
      });
      assert.equal(record.readOnly, readOnly, record.eventName);
      assert.equal("resources" in record, false, record.eventName);
    }
  });

  it("tells of a denial its text, and nothing of what was asked", async () => {
    const { requestId, message } = await refusalOf(assume(seededKey("carol"), "user"));
    const { errorCode, errorMessage, requestParameters } = await world.records.of(requestId);
    assert.deepEqual([errorCode, errorMessage, requestParameters], ["AccessDenied", message, null]);
  });

  it("tells of the tags that come down a chain", async () => {
    const Tags = [{ Key: "Team", Value: "Blue" }];
    const first = await session(alice, "tagged", { Tags, TransitiveTagKeys: ["Team"], SourceIdentity: "alice" });
    const second = await assume(first, "chained", { RoleSessionName: "second" });
    assert.deepEqual((await world.records.of(requestIdOf(second))).requestParameters, {
      roleArn: `${ROLE}/chained`,
      roleSessionName: "second",
      incomingTransitiveTags: { Team: "Blue" },
    });
  });

  it("of another account's role is in both accounts' trails", async () => {
    const output = await assume(alice, `arn:aws:iam::${OTHER_ACCOUNT}:role/partner`);
    const records = await world.records.where(({ requestID }) => requestID === requestIdOf(output));
    assert.deepEqual(records.map(({ recipientAccountId }) => recipientAccountId).sort(), [ACCOUNT, OTHER_ACCOUNT]);
  });
});
