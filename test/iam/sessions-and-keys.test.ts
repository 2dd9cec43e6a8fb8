/** Sessions at KMS: key policies that name roles, sessions and users, conditions about sessions, and their end. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { AssumeRoleCommandInput } from "@aws-sdk/client-sts";
import { ACCOUNT, allowing, newKey, OTHER_ACCOUNT, policyOf, present, refusalOf, requestIdOf } from "../kms-client.ts";
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
const alice = seededKey("alice");
const erin = seededKey("erin");
const trust = policy(
  trusts({ AWS: `${IAM}:user/alice` }, { Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"] }),
);

const trustVisitor = policy(trusts({ AWS: `arn:aws:iam::${OTHER_ACCOUNT}:user/visitor` }));

let world: IamWorld;
before(async () => {
  world = await startIamWorld({
    accounts: [
      {
        id: ACCOUNT,
        policies: [{ name: "Nothing", document: policy(allow("sts:GetCallerIdentity")) }],
        users: [
          { name: "alice", accessKeys: [alice] },
          { name: "erin", accessKeys: [erin], boundary: `${IAM}:policy/Nothing` },
        ],
        roles: [
          { name: "plain", trust, tags: { Team: "Red" } },
          { name: "other", trust },
          { name: "limited", trust, boundary: `${IAM}:policy/Nothing` },
          { name: "keys", trust, inline: { kms: policy(allow("kms:*")) } },
        ],
      },
      {
        id: OTHER_ACCOUNT,
        users: [{ name: "visitor", accessKeys: [seededKey("visitor")] }],
        roles: [
          { name: "keys", trust: trustVisitor, inline: { kms: policy(allow("kms:*")) } },
          { name: "plain", trust: trustVisitor },
        ],
      },
    ],
  });
});
after(() => world.stop());

async function session(role: string, more: Partial<AssumeRoleCommandInput> = {}): Promise<SdkCredentials> {
  const input = { RoleArn: `${IAM}:role/${role}`, RoleSessionName: "session", ...more };
  return sessionOf(await world.sts(alice).assumeRole(input));
}

/** Whether somebody may describe a key whose policy has, beside the account's administration, these statements. */
async function mayDescribe(as: SdkCredentials, ...statements: readonly object[]): Promise<boolean> {
  const Policy = policyOf(allowing(ACCOUNT, ["kms:PutKeyPolicy", "kms:GetKeyPolicy"]), ...statements);
  const { Arn } = await newKey(world.kms(world.server.credentials), { Policy });
  return world
    .kms(as)
    .describeKey({ KeyId: Arn })
    .then(
      () => true,
      (cause: Error) => {
        assert.equal(cause.name, "AccessDeniedException", cause.message);
        return false;
      },
    );
}

const describing = (Principal: object | string, more: object = {}): object => ({
  Effect: "Allow",
  Principal,
  Action: "kms:DescribeKey",
  Resource: "*",
  ...more,
});

describe("a key policy that allows", () => {
  const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/plain/session`;
  const denyAll = JSON.stringify(policy(allow("sts:*")));
  for (const { title, as, principal, allowed } of [
    {
      title: "a role lets its sessions, which have no other policy",
      as: () => session("plain"),
      principal: `${IAM}:role/plain`,
      allowed: true,
    },
    {
      title: "a role lets no other role's sessions",
      as: () => session("other"),
      principal: `${IAM}:role/plain`,
      allowed: false,
    },
    {
      title: "a role lets no session whose own policy does not",
      as: () => session("plain", { Policy: denyAll }),
      principal: `${IAM}:role/plain`,
      allowed: false,
    },
    {
      title: "a role lets no session whose role has a boundary that does not",
      as: () => session("limited"),
      principal: `${IAM}:role/limited`,
      allowed: false,
    },
    { title: "a session lets it", as: () => session("plain"), principal: SESSION, allowed: true },
    {
      title: "a session lets it past its own policy",
      as: () => session("plain", { Policy: denyAll }),
      principal: SESSION,
      allowed: true,
    },
    {
      title: "a session lets no session of another name",
      as: () => session("plain", { RoleSessionName: "elsewhere" }),
      principal: SESSION,
      allowed: false,
    },
    { title: "a user lets it past a boundary", as: async () => erin, principal: `${IAM}:user/erin`, allowed: true },
    {
      title: "a user lets the user's session",
      as: async () => sessionOf(await world.sts(erin).getSessionToken({})),
      principal: `${IAM}:user/erin`,
      allowed: true,
    },
    { title: "a user lets nobody else", as: async () => alice, principal: `${IAM}:user/erin`, allowed: false },
    {
      title: "the account leaves it to identity policies",
      as: () => session("plain"),
      principal: `${IAM}:root`,
      allowed: false,
    },
  ]) {
    it(title, async () => {
      assert.equal(await mayDescribe(await as(), describing({ AWS: principal })), allowed);
    });
  }
});

describe("a key's policy and the policies of sessions", () => {
  const ROOT = { AWS: `${IAM}:root` };
  const OTHER = { AWS: `arn:aws:iam::${OTHER_ACCOUNT}:root` };
  const DENIED = { Effect: "Deny", Principal: "*", Action: "kms:DescribeKey", Resource: "*" };

  /** A session of a role of the other account. */
  async function foreign(role: string): Promise<SdkCredentials> {
    const RoleArn = `arn:aws:iam::${OTHER_ACCOUNT}:role/${role}`;
    const credentials = seededKey("visitor");
    return sessionOf(await world.sts(credentials).assumeRole({ RoleArn, RoleSessionName: "session" }));
  }

  it("S03-003 let a role that the key policy names, without another policy; one that it leaves to the account needs its own", async () => {
    assert.equal(await mayDescribe(await session("plain"), describing({ AWS: `${IAM}:role/plain` })), true);
    assert.equal(await mayDescribe(await session("plain"), describing(ROOT)), false);
    assert.equal(await mayDescribe(await session("keys"), describing(ROOT)), true);
  });

  it("S03-004 let nobody by IAM alone, and nobody whom one of both denies", async () => {
    assert.equal(await mayDescribe(await session("keys")), false);
    const Policy = JSON.stringify(policy(allow("kms:*"), { Effect: "Deny", Action: "kms:*", Resource: "*" }));
    assert.equal(
      await mayDescribe(await session("plain", { Policy }), describing({ AWS: `${IAM}:role/plain` })),
      false,
    );
    assert.equal(await mayDescribe(await session("keys"), describing(ROOT), DENIED), false);
  });

  it("S03-005 let sessions of another account only where both allow", async () => {
    assert.equal(await mayDescribe(await foreign("keys")), false, "IAM alone");
    assert.equal(await mayDescribe(await foreign("plain"), describing(OTHER)), false, "the key policy alone");
    assert.equal(await mayDescribe(await foreign("keys"), describing(OTHER)), true);
  });

  it("S04-033 let everybody of the account by *, others by their own policies too, and nobody past a deny", async () => {
    assert.equal(await mayDescribe(await session("plain"), describing("*")), true);
    assert.equal(await mayDescribe(await foreign("plain"), describing("*")), false);
    assert.equal(await mayDescribe(await foreign("keys"), describing("*")), true);
    assert.equal(await mayDescribe(await session("plain"), describing("*"), DENIED), false);
  });

  it("S03-006, S04-031 leave a record in both accounts, in the owner's with nothing but who the stranger is", async () => {
    const Policy = policyOf(allowing(ACCOUNT), describing(OTHER));
    const { Arn } = await newKey(world.kms(world.server.credentials), { Policy });
    const visitor = await foreign("keys");
    const { UserId } = await world.sts(visitor).getCallerIdentity({});
    const output = await world.kms(visitor).describeKey({ KeyId: Arn });
    const records = await world.records.where(({ requestID }) => requestID === requestIdOf(output));
    const identities = Object.fromEntries(
      records.map(({ recipientAccountId, userIdentity }) => [recipientAccountId, userIdentity]),
    );
    assert.deepEqual(Object.keys(identities).sort(), [ACCOUNT, OTHER_ACCOUNT]);
    assert.deepEqual(identities[ACCOUNT], { type: "AWSAccount", principalId: UserId, accountId: OTHER_ACCOUNT });
    assert.equal(identities[OTHER_ACCOUNT]?.["type"], "AssumedRole");
  });
});

describe("a condition about the caller's session", () => {
  const tagged = () => session("plain", { Tags: [{ Key: "Team", Value: "Blue" }], SourceIdentity: "alice" });
  const plain = () => session("plain");
  const longTerm = async () => alice;
  const soon = new Date(Date.now() + 60_000).toISOString();
  const earlier = new Date(Date.now() - 3_600_000).toISOString();
  for (const { condition, holds, fails } of [
    {
      condition: { DateGreaterThan: { "aws:TokenIssueTime": earlier }, DateLessThan: { "aws:TokenIssueTime": soon } },
      holds: [plain],
      fails: [longTerm],
    },
    { condition: { DateLessThan: { "aws:TokenIssueTime": earlier } }, holds: [], fails: [plain, longTerm] },
    { condition: { Bool: { "aws:MultiFactorAuthPresent": "false" } }, holds: [plain], fails: [longTerm] },
    { condition: { BoolIfExists: { "aws:MultiFactorAuthPresent": "true" } }, holds: [longTerm], fails: [plain] },
    { condition: { StringEquals: { "aws:PrincipalTag/Team": "Blue" } }, holds: [tagged], fails: [plain, longTerm] },
    { condition: { StringEquals: { "aws:PrincipalTag/Team": "Red" } }, holds: [plain], fails: [tagged] },
    { condition: { StringEquals: { "aws:SourceIdentity": "alice" } }, holds: [tagged], fails: [plain, longTerm] },
    { condition: { StringLike: { "aws:userid": "AROA*:session" } }, holds: [plain], fails: [longTerm] },
    { condition: { ArnEquals: { "aws:PrincipalArn": `${IAM}:role/plain` } }, holds: [plain], fails: [longTerm] },
    { condition: { StringEquals: { "aws:PrincipalType": "AssumedRole" } }, holds: [plain], fails: [longTerm] },
    { condition: { Null: { "aws:FederatedProvider": "true" } }, holds: [plain, longTerm], fails: [] },
  ] as {
    condition: Record<string, object>;
    holds: (() => Promise<SdkCredentials>)[];
    fails: (() => Promise<SdkCredentials>)[];
  }[]) {
    it(JSON.stringify(condition), async () => {
      const statement = describing("*", { Condition: condition });
      for (const as of holds) assert.equal(await mayDescribe(await as(), statement), true);
      for (const as of fails) assert.equal(await mayDescribe(await as(), statement), false);
    });
  }
});

describe("a session", () => {
  it("works in every Region and partition, with the account that made it", async () => {
    const as = await session("plain");
    assert.equal(
      (await world.sts(as, "eu-central-2").getCallerIdentity({})).Arn,
      `arn:aws:sts::${ACCOUNT}:assumed-role/plain/session`,
    );
  });

  it("is over when its time is: the clock that says so is the server's, which can be moved", async () => {
    const as = await session("plain", { DurationSeconds: 900 });
    const { Arn } = await world.sts(as).getCallerIdentity({});
    assert.equal(Arn, `arn:aws:sts::${ACCOUNT}:assumed-role/plain/session`);
    await world.server.clock.advance("PT901S");
    const ofKms = await refusalOf(world.kms(as).listKeys({}));
    assert.deepEqual(
      [ofKms.name, ofKms.message, ofKms.status],
      ["ExpiredTokenException", "The security token included in the request is expired", 400],
    );
    const ofSts = await refusalOf(world.sts(as).getCallerIdentity({}));
    assert.deepEqual(
      [ofSts.name, ofSts.message, ofSts.status],
      ["ExpiredToken", "The security token included in the request is expired", 403],
    );
    const { Credentials } = await world
      .sts(alice)
      .assumeRole({ RoleArn: `${IAM}:role/plain`, RoleSessionName: "session" });
    const now = (await world.server.clock.now()).getTime();
    assert.ok(Math.abs(present(Credentials?.Expiration).getTime() - now - 3_600_000) < 5_000);
  });

  it("is nobody's with another session's token or none, at KMS and at STS in the words of each", async () => {
    const [mine, other] = [await session("plain"), await session("other")];
    for (const as of [
      { ...mine, sessionToken: present(other.sessionToken) },
      { accessKeyId: mine.accessKeyId, secretAccessKey: mine.secretAccessKey },
      { ...mine, sessionToken: "AAAA" },
    ]) {
      const ofKms = await refusalOf(world.kms(as).listKeys({}));
      const ofSts = await refusalOf(world.sts(as).getCallerIdentity({}));
      const message = "The security token included in the request is invalid.";
      assert.deepEqual([ofKms.name, ofKms.message, ofKms.status], ["UnrecognizedClientException", message, 400]);
      assert.deepEqual([ofSts.name, ofSts.message, ofSts.status], ["InvalidClientTokenId", message, 403]);
    }
  });
});
