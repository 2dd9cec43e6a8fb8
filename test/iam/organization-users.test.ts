/** Users of the management account: what they may do in the organization, and their way into an account that it made. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { Organizations } from "@aws-sdk/client-organizations";
import { ACCOUNT, assertRefused, present, REGION } from "../kms-client.ts";
import { newAccount, newScp, rootOf, SCP } from "./organization-world.ts";
import { allow, policy, seededKey, sessionOf, startIamWorld } from "./world.ts";

const alice = seededKey("alice");
const clerk = seededKey("clerk");
const resources = (type: string): object => ({ Resource: `arn:aws:organizations::${ACCOUNT}:${type}/*` });
const world = await startIamWorld({
  accounts: [
    {
      id: ACCOUNT,
      users: [
        { name: "alice", accessKeys: [alice], inline: { assume: policy(allow("sts:AssumeRole")) } },
        {
          name: "clerk",
          accessKeys: [clerk],
          inline: {
            clerk: policy(
              allow("organizations:ListRoots"),
              allow("organizations:CreatePolicy", { Condition: { StringEquals: { "organizations:PolicyType": SCP } } }),
              allow("organizations:ListPolicies", {
                Condition: { StringEquals: { "organizations:PolicyType": "TAG_POLICY" } },
              }),
              allow("organizations:AttachPolicy", resources("policy")),
              allow("organizations:AttachPolicy", resources("ou")),
              allow("organizations:CreateOrganizationalUnit"),
              allow("organizations:TagResource", { Condition: { StringEquals: { "aws:RequestTag/stage": "beta" } } }),
            ),
          },
        },
      ],
    },
  ],
});
after(() => world.stop());
const { endpoint, credentials } = world.server;
const organizations = new Organizations({ endpoint, region: REGION, credentials, maxAttempts: 1 });
after(() => organizations.destroy());
await organizations.createOrganization({});
await organizations.enablePolicyType({ RootId: await rootOf(organizations), PolicyType: SCP });

describe("OrganizationAccountAccessRole", () => {
  it("lets users of the management account into a new account, as far as its service control policies go", async () => {
    const account = await newAccount(organizations, "member");
    const assumed = await world.sts(alice).assumeRole({
      RoleArn: `arn:aws:iam::${account}:role/OrganizationAccountAccessRole`,
      RoleSessionName: "visit",
    });
    const kms = world.kms(sessionOf(assumed));
    const { KeyMetadata } = await kms.createKey({});
    assert.equal(KeyMetadata?.AWSAccountId, account);
    const PolicyId = await newScp(organizations, "no keys", { Effect: "Deny", Action: "kms:*", Resource: "*" });
    await organizations.attachPolicy({ PolicyId, TargetId: account });
    await assertRefused(
      kms.createKey({}),
      "AccessDeniedException",
      new RegExp(`explicit deny in a service control policy: .*/${PolicyId}$`),
    );
    await organizations.detachPolicy({ PolicyId, TargetId: account });
    await kms.describeKey({ KeyId: present(KeyMetadata?.KeyId) });
  });

  it("trusts nobody else", async () => {
    const [first, second] = [await newAccount(organizations, "first"), await newAccount(organizations, "second")];
    const visit = { RoleSessionName: "visit" };
    const role = (account: string): string => `arn:aws:iam::${account}:role/OrganizationAccountAccessRole`;
    const assumed = await world.sts(alice).assumeRole({ RoleArn: role(first), ...visit });
    const further = world.sts(sessionOf(assumed)).assumeRole({ RoleArn: role(second), ...visit });
    await assert.rejects(further, { name: "AccessDenied" });
  });
});

describe("a user of the management account", () => {
  const asClerk = new Organizations({ endpoint, region: REGION, credentials: clerk, maxAttempts: 1 });
  after(() => asClerk.destroy());
  const who = `User: arn:aws:iam::${ACCOUNT}:user/clerk is not authorized to perform: organizations:`;
  const unallowed = (action: string, resource: string): string =>
    `${who}${action} on resource: ${resource} because no identity-based policy allows the organizations:${action} action`;

  it("needs a permission for each thing that an operation is on, and for tags", async () => {
    const root = await rootOf(asClerk);
    const PolicyId = await newScp(asClerk, "by the clerk", { Effect: "Deny", Action: "kms:*", Resource: "*" });
    const unit = await asClerk.createOrganizationalUnit({ ParentId: root, Name: "by the clerk" });
    await asClerk.attachPolicy({ PolicyId, TargetId: present(unit.OrganizationalUnit?.Id) });
    const organization = present((await organizations.describeOrganization({})).Organization?.Id);
    const rootArn = `arn:aws:organizations::${ACCOUNT}:root/${organization}/${root}`;
    await assertRefused(
      asClerk.attachPolicy({ PolicyId, TargetId: root }),
      "AccessDeniedException",
      unallowed("AttachPolicy", rootArn),
    );
    await assertRefused(asClerk.listAccounts({}), "AccessDeniedException", unallowed("ListAccounts", "*"));
    const tagged = (Value: string) =>
      asClerk.createOrganizationalUnit({ ParentId: root, Name: Value, Tags: [{ Key: "stage", Value }] });
    await assertRefused(tagged("prod"), "AccessDeniedException", unallowed("TagResource", rootArn));
    await tagged("beta");
  });

  it("is asked for the type of policies", async () => {
    await asClerk.listPolicies({ Filter: "TAG_POLICY" });
    await assertRefused(asClerk.listPolicies({ Filter: SCP }), "AccessDeniedException", unallowed("ListPolicies", "*"));
  });

  it("is told that something is absent only when allowed to ask", async () => {
    const PolicyId = "p-zzzzzzzz";
    await assertRefused(asClerk.deletePolicy({ PolicyId }), "AccessDeniedException");
    await assertRefused(asClerk.attachPolicy({ PolicyId, TargetId: "ou-zzzz-zzzzzzzz" }), "PolicyNotFoundException");
  });
});
