/** What organizations decide: service control policies, the tree above an account, and the condition keys of organizations. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { KMS } from "@aws-sdk/client-kms";
import { ACCOUNT, allowing, assertRefused, bytes, newKey, policyOf, present, requestIdOf } from "../kms-client.ts";
import { everyCall, FULL, newScp, refused, SCP, scpText, startOrganization } from "./organization-world.ts";

const world = await startOrganization(["red", "blue"]);
after(() => world[Symbol.asyncDispose]());
const { organizations, kms: managementKms } = world.management;
const red = present(world.members.get("red"));
const blue = present(world.members.get("blue"));

const deny = (Action: string | readonly string[], more: object = {}): object => ({
  Effect: "Deny",
  Action,
  Resource: "*",
  ...more,
});
const allow = (Action: string | readonly string[]): object => ({ Effect: "Allow", Action, Resource: "*" });

/** How the message of a refusal by a service control policy ends. */
const BY_SCP =
  /with an explicit deny in a service control policy: arn:aws:organizations::\d{12}:policy\/o-[a-z0-9]{10}\/service_control_policy\/p-[a-z0-9]{8}$/;
const NO_SCP = /because no service control policy allows the kms:Encrypt action$/;

/** Encrypts under a key, or tells why not. */
async function encrypting(kms: KMS, KeyId: string): Promise<"done" | string> {
  try {
    await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    return "done";
  } catch (error) {
    assert.equal((error as Error).name, "AccessDeniedException");
    return (error as Error).message;
  }
}

async function newUnit(ParentId: string, Name: string): Promise<string> {
  return present((await organizations.createOrganizationalUnit({ ParentId, Name })).OrganizationalUnit?.Id);
}

/** Attaches a policy while a body runs. */
async function attached(PolicyId: string, TargetId: string, body: () => Promise<void>): Promise<void> {
  await organizations.attachPolicy({ PolicyId, TargetId });
  await body();
  await organizations.detachPolicy({ PolicyId, TargetId });
}

let redKey: string;
let blueKey: string;
let managementKey: string;

before(async () => {
  redKey = (await newKey(red.kms)).Arn;
  blueKey = (await newKey(blue.kms)).Arn;
  managementKey = (await newKey(managementKms)).Arn;
});

describe("a member account", () => {
  it("may look at its organization, and do nothing else", async () => {
    const { Organization } = await red.organizations.describeOrganization({});
    assert.deepEqual([Organization?.Id, Organization?.MasterAccountId], [world.organizationId, ACCOUNT]);
    for (const [name, call] of Object.entries(everyCall(red.organizations))) {
      if (name === "DescribeOrganization") continue;
      if (name === "CreateOrganization") await refused(call(), "AlreadyInOrganizationException");
      else {
        await refused(call(), "AccessDeniedException", {
          message: "You don't have permissions to access this resource.",
        });
      }
    }
  });

  it("is asked for its own permission first", async () => {
    const PolicyId = await newScp(organizations, "no looking", deny("organizations:*"));
    await attached(PolicyId, red.account, async () => {
      await refused(red.organizations.describeOrganization({}), "AccessDeniedException", {
        message: `User: arn:aws:iam::${red.account}:root is not authorized to perform: organizations:DescribeOrganization on resource: * with an explicit deny in a service control policy: arn:aws:organizations::${ACCOUNT}:policy/${world.organizationId}/service_control_policy/${PolicyId}`,
      });
    });
    await red.organizations.describeOrganization({});
  });
});

describe("a service control policy", () => {
  it("S08-033: denies the root user of a member account, whatever the key policy says, until it is detached", async () => {
    const PolicyId = await newScp(organizations, "no encrypting", deny("kms:Encrypt"));
    await attached(PolicyId, red.account, async () => {
      assert.match(await encrypting(red.kms, redKey), BY_SCP);
      assert.equal(await encrypting(blue.kms, blueKey), "done");
      await red.kms.describeKey({ KeyId: redKey });
    });
    assert.equal(await encrypting(red.kms, redKey), "done");
  });

  it("S08-033, S08-030: SC-18 keeps the administrator of a member account from scheduling deletion, and nothing else", async () => {
    const PolicyId = await newScp(organizations, "no deletion", deny("kms:ScheduleKeyDeletion"));
    await attached(PolicyId, world.rootId, async () => {
      await assertRefused(red.kms.scheduleKeyDeletion({ KeyId: redKey }), "AccessDeniedException", BY_SCP);
      assert.equal(await encrypting(red.kms, redKey), "done");
    });
  });

  it("exempts the management account, on the root and on the account itself", async () => {
    const PolicyId = await newScp(organizations, "nothing at all", deny("*"));
    await attached(PolicyId, world.rootId, async () => {
      assert.match(await encrypting(red.kms, redKey), BY_SCP);
      assert.equal(await encrypting(managementKms, managementKey), "done");
    });
    await attached(PolicyId, ACCOUNT, async () => {
      assert.equal(await encrypting(managementKms, managementKey), "done");
    });
  });

  it("limits callers, not keys: others use a key of the account as its policy says", async () => {
    const shared = await newKey(red.kms, { Policy: policyOf(allowing(red.account), allowing(ACCOUNT)) });
    const PolicyId = await newScp(organizations, "not from here", deny("kms:Encrypt"));
    await attached(PolicyId, red.account, async () => {
      assert.match(await encrypting(red.kms, shared.Arn), BY_SCP);
      assert.equal(await encrypting(managementKms, shared.Arn), "done");
    });
  });

  it("S08-030: SC-18 never allows by itself", async () => {
    assert.doesNotMatch(await encrypting(red.kms, blueKey), /done|service control policy/);
  });

  it("must allow at every level", async () => {
    const outer = await newUnit(world.rootId, "outer");
    const inner = await newUnit(outer, "inner");
    await organizations.moveAccount({
      AccountId: blue.account,
      SourceParentId: world.rootId,
      DestinationParentId: inner,
    });
    assert.equal(await encrypting(blue.kms, blueKey), "done");
    const onlyLooking = await newScp(organizations, "only looking", allow(["kms:Describe*", "kms:Get*"]));
    for (const level of [world.rootId, outer, inner, blue.account]) {
      await organizations.attachPolicy({ PolicyId: onlyLooking, TargetId: level });
      assert.equal(await encrypting(blue.kms, blueKey), "done");
      await organizations.detachPolicy({ PolicyId: FULL, TargetId: level });
      assert.match(await encrypting(blue.kms, blueKey), NO_SCP, level);
      await blue.kms.describeKey({ KeyId: blueKey });
      await organizations.attachPolicy({ PolicyId: FULL, TargetId: level });
      await organizations.detachPolicy({ PolicyId: onlyLooking, TargetId: level });
      assert.equal(await encrypting(blue.kms, blueKey), "done");
    }
  });

  it("decides where an account is moved to, from the next request on", async () => {
    const closed = await newUnit(world.rootId, "closed");
    const PolicyId = await newScp(organizations, "closed", deny("kms:Encrypt"));
    await organizations.attachPolicy({ PolicyId, TargetId: closed });
    const [here, there] = [
      { AccountId: red.account, SourceParentId: world.rootId, DestinationParentId: closed },
      { AccountId: red.account, SourceParentId: closed, DestinationParentId: world.rootId },
    ];
    for (let time = 0; time < 3; time += 1) {
      await organizations.moveAccount(here);
      assert.match(await encrypting(red.kms, redKey), BY_SCP);
      await organizations.moveAccount(there);
      assert.equal(await encrypting(red.kms, redKey), "done");
    }
  });

  it("decides by what it says now", async () => {
    const PolicyId = await newScp(organizations, "changing", deny("kms:Encrypt"));
    await attached(PolicyId, red.account, async () => {
      assert.match(await encrypting(red.kms, redKey), BY_SCP);
      await organizations.updatePolicy({ PolicyId, Content: scpText(deny("kms:Decrypt")) });
      assert.equal(await encrypting(red.kms, redKey), "done");
      await organizations.updatePolicy({ PolicyId, Content: scpText(deny("kms:*")) });
      assert.match(await encrypting(red.kms, redKey), BY_SCP);
    });
  });

  it("decides with conditions, NotAction and NotResource", async () => {
    const cases = [
      { statement: deny("kms:*", { Condition: { StringEquals: { "aws:RequestedRegion": "us-east-1" } } }), by: BY_SCP },
      { statement: deny("kms:*", { Condition: { StringEquals: { "aws:RequestedRegion": "eu-west-1" } } }) },
      { statement: { Effect: "Deny", NotAction: "kms:*", Resource: "*" } },
      { statement: { Effect: "Deny", NotAction: "kms:Describe*", Resource: "*" }, by: BY_SCP },
      { statement: { Effect: "Deny", Action: "kms:*", NotResource: redKey } },
      { statement: { Effect: "Deny", Action: "kms:*", NotResource: blueKey }, by: BY_SCP },
    ];
    for (const [index, { statement, by }] of cases.entries()) {
      await attached(await newScp(organizations, `case ${index}`, statement), red.account, async () => {
        const outcome = await encrypting(red.kms, redKey);
        assert.match(outcome, by ?? /^done$/, JSON.stringify(statement));
      });
    }
  });

  it("decides nothing while the policy type is off", async () => {
    const PolicyId = await newScp(organizations, "switched off", deny("kms:Encrypt"));
    await organizations.attachPolicy({ PolicyId, TargetId: red.account });
    assert.match(await encrypting(red.kms, redKey), BY_SCP);
    await organizations.disablePolicyType({ RootId: world.rootId, PolicyType: SCP });
    assert.equal(await encrypting(red.kms, redKey), "done");
    await organizations.enablePolicyType({ RootId: world.rootId, PolicyType: SCP });
    assert.equal(await encrypting(red.kms, redKey), "done");
  });

  it("leaves the record of a refusal with its reason", async () => {
    const PolicyId = await newScp(organizations, "recorded", deny("kms:Encrypt"));
    await attached(PolicyId, red.account, async () => {
      const refusal = await assertRefused(red.kms.encrypt({ KeyId: redKey, Plaintext: bytes(1) }), /.*/);
      const record = await world.records.of(refusal.requestId);
      assert.equal(record.errorCode, "AccessDenied");
      assert.match(present(record.errorMessage), BY_SCP);
      assert.equal(record.recipientAccountId, red.account);
    });
    const allowed = await red.kms.encrypt({ KeyId: redKey, Plaintext: bytes(1) });
    assert.equal((await world.records.of(requestIdOf(allowed))).errorCode, undefined);
  });
});

describe("a key policy's condition on the organization", () => {
  /** A key of the management account for everybody who meets a condition. */
  async function keyFor(Condition: object): Promise<string> {
    const everybody = { Effect: "Allow", Principal: { AWS: "*" }, Action: "kms:Encrypt", Resource: "*", Condition };
    return (await newKey(managementKms, { Policy: policyOf(allowing(ACCOUNT), everybody) })).Arn;
  }

  it("lets in every account of the organization by aws:PrincipalOrgID, and nobody else", async () => {
    const own = await keyFor({ StringEquals: { "aws:PrincipalOrgID": world.organizationId } });
    assert.equal(await encrypting(red.kms, own), "done");
    assert.equal(await encrypting(blue.kms, own), "done");
    const others = await keyFor({ StringEquals: { "aws:PrincipalOrgID": "o-zzzzzzzzzz" } });
    assert.notEqual(await encrypting(red.kms, others), "done");
  });

  it("lets in the accounts below a unit by aws:PrincipalOrgPaths, as long as they are there", async () => {
    const unit = await newUnit(world.rootId, "let in");
    const path = `${world.organizationId}/${world.rootId}/${unit}/`;
    const key = await keyFor({ "ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": `${path}*` } });
    const sub = await newUnit(unit, "below");
    const places = [world.rootId, unit, sub, world.rootId];
    assert.notEqual(await encrypting(red.kms, key), "done");
    for (const [index, place] of places.slice(1).entries()) {
      const SourceParentId = present(places[index]);
      await organizations.moveAccount({ AccountId: red.account, SourceParentId, DestinationParentId: place });
      assert.equal((await encrypting(red.kms, key)) === "done", place !== world.rootId, place);
    }
  });
});
