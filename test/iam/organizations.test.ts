/** The Organizations API through AWS's own client: organizations, accounts, units, policies, and what it refuses. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type ListPoliciesCommandOutput, Organizations } from "@aws-sdk/client-organizations";
import { organizationsModel } from "../../src/wire/models.ts";
import {
  ACCOUNT,
  allowing,
  membersOf,
  OTHER_ACCOUNT,
  policyOf,
  present,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";
import { everyCall, FULL, newAccount, newScp, refused, rootOf, SCP, scpText } from "./organization-world.ts";

const world = await startWorld();
after(() => world.stop());
const { endpoint, credentials } = world.server;
const OTHER = { accessKeyId: "AKIAEXAMPLEACCOUNT02", secretAccessKey: "a/secret/for/the/second/account" };
const clientOf = (keys: { accessKeyId: string; secretAccessKey: string }): Organizations => {
  const client = new Organizations({ endpoint, region: "eu-west-1", credentials: keys, maxAttempts: 1 });
  after(() => client.destroy());
  return client;
};
const organizations = clientOf(credentials);
const other = clientOf(OTHER);
const denying = { Effect: "Deny", Action: "kms:Encrypt", Resource: "*" };

describe("an account in no organization", () => {
  it("is told so by every operation but CreateOrganization", async () => {
    const calls = everyCall(organizations);
    assert.deepEqual(Object.keys(calls).sort(), [...organizationsModel().operations.keys()].sort());
    for (const [name, call] of Object.entries(calls)) {
      if (name === "CreateOrganization") continue;
      await refused(call(), "AWSOrganizationsNotInUseException", {
        message: "Your account is not a member of an organization.",
      });
    }
  });
});

describe("an organization", () => {
  let id: string;
  let rootId: string;

  before(async () => {
    const { Organization } = await organizations.createOrganization({});
    id = present(Organization?.Id);
    rootId = await rootOf(organizations);
  });

  it("has ids and ARNs in AWS's forms, one root, and no policy types at first", async () => {
    assert.match(id, /^o-[a-z0-9]{10}$/);
    assert.match(rootId, /^r-[a-z0-9]{4}$/);
    const arn = `arn:aws:organizations::${ACCOUNT}`;
    assert.deepEqual(membersOf(await organizations.describeOrganization({})), {
      Organization: {
        Id: id,
        Arn: `${arn}:organization/${id}`,
        FeatureSet: "ALL",
        MasterAccountArn: `${arn}:account/${id}/${ACCOUNT}`,
        MasterAccountId: ACCOUNT,
        AvailablePolicyTypes: [{ Type: SCP, Status: "ENABLED" }],
      },
    });
    assert.deepEqual(membersOf(await organizations.listRoots({})), {
      Roots: [{ Id: rootId, Arn: `${arn}:root/${id}/${rootId}`, Name: "Root", PolicyTypes: [] }],
    });
  });

  it("is made once", async () => {
    await refused(organizations.createOrganization({}), "AlreadyInOrganizationException", {
      message: "The AWS account is already a member of an organization.",
    });
  });

  it("has policy types turned on and off, which attaches FullAWSAccess to everything and detaches everything", async () => {
    const unit = await organizations.createOrganizationalUnit({ ParentId: rootId, Name: "switched" });
    const nodes = [rootId, ACCOUNT, present(unit.OrganizationalUnit?.Id)];
    const attached = () => Promise.all(nodes.map(policiesOn));
    const PolicyType = SCP;
    assert.deepEqual(await attached(), [[], [], []]);
    await refused(organizations.attachPolicy({ PolicyId: FULL, TargetId: rootId }), "PolicyTypeNotEnabledException");
    await refused(organizations.disablePolicyType({ RootId: rootId, PolicyType }), "PolicyTypeNotEnabledException");
    const { Root } = await organizations.enablePolicyType({ RootId: rootId, PolicyType });
    assert.deepEqual(Root?.PolicyTypes, [{ Type: SCP, Status: "ENABLED" }]);
    assert.deepEqual(await attached(), [[FULL], [FULL], [FULL]]);
    await refused(organizations.enablePolicyType({ RootId: rootId, PolicyType }), "PolicyTypeAlreadyEnabledException");
    await refused(
      organizations.enablePolicyType({ RootId: rootId, PolicyType: "TAG_POLICY" }),
      "PolicyTypeNotAvailableForOrganizationException",
    );
    await organizations.disablePolicyType({ RootId: rootId, PolicyType });
    assert.deepEqual(await attached(), [[], [], []]);
    await organizations.enablePolicyType({ RootId: rootId, PolicyType });
    assert.deepEqual(await attached(), [[FULL], [FULL], [FULL]]);
  });

  it("makes accounts, each with the role that trusts the management account", async () => {
    const { CreateAccountStatus } = await organizations.createAccount({
      AccountName: "first",
      Email: "first@example.com",
      RoleName: "Doorkeeper",
    });
    const status = present(CreateAccountStatus);
    assert.match(present(status.Id), /^car-[a-z0-9]{32}$/);
    assert.deepEqual(Object.keys(status).sort(), ["AccountName", "Id", "RequestedTimestamp", "State"]);
    assert.equal(status.State, "IN_PROGRESS");
    const done = await organizations.describeCreateAccountStatus({ CreateAccountRequestId: present(status.Id) });
    const { State, AccountId, CompletedTimestamp } = present(done.CreateAccountStatus);
    assert.equal(State, "SUCCEEDED");
    const account = present(AccountId);
    assert.match(account, /^\d{12}$/);
    const described = present((await organizations.describeAccount({ AccountId: account })).Account);
    assert.deepEqual(described, {
      Id: account,
      Arn: `arn:aws:organizations::${ACCOUNT}:account/${id}/${account}`,
      Email: "first@example.com",
      Name: "first",
      Status: "ACTIVE",
      State: "ACTIVE",
      Paths: [`${id}/${rootId}/${account}/`],
      JoinedMethod: "CREATED",
      JoinedTimestamp: CompletedTimestamp,
    });
    assert.deepEqual(await policiesOn(account), [FULL]);
    const naming = (role: string) =>
      world.kms.createKey({
        Policy: policyOf(allowing(ACCOUNT), {
          Effect: "Allow",
          Principal: { AWS: `arn:aws:iam::${account}:role/${role}` },
          Action: "kms:Encrypt",
          Resource: "*",
        }),
      });
    await naming("Doorkeeper");
    await assert.rejects(naming("OrganizationAccountAccessRole"), { name: "MalformedPolicyDocumentException" });
  });

  it("makes no second account for an email address, and no role of a service", async () => {
    await newAccount(organizations, "taken");
    const begun = await organizations.createAccount({ AccountName: "again", Email: "Taken@Example.com" });
    const { CreateAccountStatus } = await organizations.describeCreateAccountStatus({
      CreateAccountRequestId: present(begun.CreateAccountStatus?.Id),
    });
    const { State, FailureReason, AccountId } = present(CreateAccountStatus);
    assert.deepEqual([State, FailureReason, AccountId], ["FAILED", "EMAIL_ALREADY_EXISTS", undefined]);
    await refused(
      organizations.createAccount({ AccountName: "x", Email: "x@example.com", RoleName: "AWSServiceRoleForX" }),
      "InvalidInputException",
      { reason: "INVALID_ROLE_NAME" },
    );
  });

  it("nests units five levels deep, whose names differ under one parent", async () => {
    const path = [rootId];
    for (const level of [1, 2, 3, 4, 5]) {
      const ParentId = present(path.at(-1));
      const { OrganizationalUnit } = await organizations.createOrganizationalUnit({ ParentId, Name: "level" });
      const unit = present(OrganizationalUnit?.Id);
      assert.match(unit, new RegExp(`^ou-${rootId.slice(2)}-[a-z0-9]{8}$`));
      path.push(unit);
      assert.equal(OrganizationalUnit?.Path, `${[id, ...path].join("/")}/`);
      assert.deepEqual(await policiesOn(unit), [FULL], `level ${level}`);
      assert.deepEqual((await organizations.listParents({ ChildId: unit })).Parents, [
        { Id: ParentId, Type: level === 1 ? "ROOT" : "ORGANIZATIONAL_UNIT" },
      ]);
      const described = await organizations.describeOrganizationalUnit({ OrganizationalUnitId: unit });
      assert.deepEqual(described.OrganizationalUnit, OrganizationalUnit);
    }
    await refused(
      organizations.createOrganizationalUnit({ ParentId: present(path[5]), Name: "level" }),
      "ConstraintViolationException",
      { reason: "OU_DEPTH_LIMIT_EXCEEDED" },
    );
    await refused(
      organizations.createOrganizationalUnit({ ParentId: rootId, Name: "level" }),
      "DuplicateOrganizationalUnitException",
      { message: "An OU with the same name already exists." },
    );
  });

  it("moves accounts, and lists what is right under a parent", async () => {
    const account = await newAccount(organizations, "mover");
    const made = await organizations.createOrganizationalUnit({ ParentId: rootId, Name: "destination" });
    const unit = present(made.OrganizationalUnit?.Id);
    const move = { AccountId: account, SourceParentId: rootId, DestinationParentId: unit };
    await refused(organizations.moveAccount({ ...move, AccountId: "999999999999" }), "AccountNotFoundException", {
      message: "You specified an account that doesn't exist.",
    });
    await refused(organizations.moveAccount({ ...move, SourceParentId: "r-none" }), "SourceParentNotFoundException");
    await refused(organizations.moveAccount({ ...move, SourceParentId: unit }), "SourceParentNotFoundException");
    await refused(
      organizations.moveAccount({ ...move, DestinationParentId: "r-none" }),
      "DestinationParentNotFoundException",
    );
    await refused(organizations.moveAccount({ ...move, DestinationParentId: rootId }), "DuplicateAccountException");
    await organizations.moveAccount(move);
    assert.deepEqual((await organizations.listParents({ ChildId: account })).Parents, [
      { Id: unit, Type: "ORGANIZATIONAL_UNIT" },
    ]);
    const { Accounts } = await organizations.listAccountsForParent({ ParentId: unit });
    assert.deepEqual(
      present(Accounts).map(({ Id, Paths }) => [Id, Paths]),
      [[account, [`${id}/${rootId}/${unit}/${account}/`]]],
    );
    assert.deepEqual((await organizations.listChildren({ ParentId: unit, ChildType: "ACCOUNT" })).Children, [
      { Id: account, Type: "ACCOUNT" },
    ]);
    const units = await organizations.listOrganizationalUnitsForParent({ ParentId: rootId });
    const children = await organizations.listChildren({ ParentId: rootId, ChildType: "ORGANIZATIONAL_UNIT" });
    assert.deepEqual(
      present(children.Children).map(({ Id }) => Id),
      present(units.OrganizationalUnits).map(({ Id }) => Id),
    );
    assert.ok(present(units.OrganizationalUnits).some(({ Id }) => Id === unit));
  });

  it("keeps policies, whose names differ, until they are deleted", async () => {
    const Content = scpText(denying);
    const made = await organizations.createPolicy({ Name: "kept", Description: "a text", Content, Type: SCP });
    const PolicyId = present(made.Policy?.PolicySummary?.Id);
    assert.match(PolicyId, /^p-[a-z0-9]{8}$/);
    const PolicySummary = {
      Id: PolicyId,
      Arn: `arn:aws:organizations::${ACCOUNT}:policy/${id}/service_control_policy/${PolicyId}`,
      Name: "kept",
      Description: "a text",
      Type: SCP,
      AwsManaged: false,
    };
    assert.deepEqual(made.Policy, { PolicySummary, Content });
    assert.deepEqual((await organizations.describePolicy({ PolicyId })).Policy, made.Policy);
    await refused(
      organizations.createPolicy({ Name: "kept", Description: "", Content, Type: SCP }),
      "DuplicatePolicyException",
      { message: "A policy with the same name already exists." },
    );
    const another = await newScp(organizations, "another", denying);
    await refused(organizations.updatePolicy({ PolicyId: another, Name: "kept" }), "DuplicatePolicyException");
    const updated = await organizations.updatePolicy({ PolicyId, Name: "renamed" });
    assert.deepEqual(updated.Policy, { PolicySummary: { ...PolicySummary, Name: "renamed" }, Content });
    await organizations.attachPolicy({ PolicyId, TargetId: rootId });
    await refused(organizations.deletePolicy({ PolicyId }), "PolicyInUseException");
    assert.deepEqual((await organizations.listTargetsForPolicy({ PolicyId })).Targets, [
      {
        TargetId: rootId,
        Arn: `arn:aws:organizations::${ACCOUNT}:root/${id}/${rootId}`,
        Name: "Root",
        Type: "ROOT",
      },
    ]);
    await organizations.detachPolicy({ PolicyId, TargetId: rootId });
    await organizations.deletePolicy({ PolicyId });
    await refused(organizations.describePolicy({ PolicyId }), "PolicyNotFoundException");
  });

  it("does not let FullAWSAccess be changed or deleted", async () => {
    const described = await organizations.describePolicy({ PolicyId: FULL });
    assert.deepEqual(described.Policy?.PolicySummary, {
      Id: FULL,
      Arn: `arn:aws:organizations::aws:policy/service_control_policy/${FULL}`,
      Name: "FullAWSAccess",
      Description: "Allows access to every operation",
      Type: SCP,
      AwsManaged: true,
    });
    for (const call of [
      () => organizations.updatePolicy({ PolicyId: FULL, Content: scpText(denying) }),
      () => organizations.deletePolicy({ PolicyId: FULL }),
    ]) {
      await refused(call(), "InvalidInputException", { reason: "IMMUTABLE_POLICY" });
    }
  });

  it("attaches ten policies at most to a target, each once, and never detaches the last", async () => {
    const made = await organizations.createOrganizationalUnit({ ParentId: rootId, Name: "attached" });
    const TargetId = present(made.OrganizationalUnit?.Id);
    const ids: string[] = [];
    for (let number = 1; number <= 10; number += 1) {
      ids.push(await newScp(organizations, `attached ${number}`, denying));
    }
    for (const PolicyId of ids.slice(0, 9)) await organizations.attachPolicy({ PolicyId, TargetId });
    assert.deepEqual((await policiesOn(TargetId)).sort(), [FULL, ...ids.slice(0, 9)].sort());
    const [first = "", tenth = ""] = [ids[0], ids[9]];
    await refused(organizations.attachPolicy({ PolicyId: tenth, TargetId }), "ConstraintViolationException", {
      reason: "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
      message: "You have attached the maximum number of policies to the specified target.",
    });
    await refused(organizations.attachPolicy({ PolicyId: first, TargetId }), "DuplicatePolicyAttachmentException");
    await refused(organizations.detachPolicy({ PolicyId: tenth, TargetId }), "PolicyNotAttachedException");
    for (const PolicyId of ids.slice(0, 9)) await organizations.detachPolicy({ PolicyId, TargetId });
    await refused(organizations.detachPolicy({ PolicyId: FULL, TargetId }), "ConstraintViolationException", {
      reason: "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
      message:
        "You cannot remove the last policy attached to the specified target. You must have at least one attached at all times.",
    });
    await refused(
      organizations.attachPolicy({ PolicyId: first, TargetId: "ou-none-11111111" }),
      "TargetNotFoundException",
      { message: "You specified a target that doesn't exist." },
    );
    await refused(organizations.attachPolicy({ PolicyId: "p-11111111", TargetId }), "PolicyNotFoundException");
  });

  for (const [title, statement] of Object.entries({
    "NotAction with Allow": { Effect: "Allow", NotAction: "kms:*", Resource: "*" },
    "NotResource with Deny": { Effect: "Deny", Action: "kms:*", NotResource: "arn:aws:kms:*:*:key/*" },
    "Condition and a resource with Allow": {
      Effect: "Allow",
      Action: "kms:*",
      Resource: "arn:aws:kms:us-east-1:*:key/*",
      Condition: { Bool: { "aws:SecureTransport": "true" } },
    },
    "wildcards within an action": { Effect: "Deny", Action: "kms:*Key*", Resource: "*" },
  })) {
    it(`takes a policy with ${title}`, async () => {
      await newScp(organizations, title, statement);
    });
  }

  const all = { Effect: "Deny", Action: "*", Resource: "*" };
  for (const [title, Content] of Object.entries({
    "that is no JSON": "{",
    "without a version": JSON.stringify({ Statement: [all] }),
    "of the older version": JSON.stringify({ Version: "2008-10-17", Statement: [all] }),
    "without statements": scpText(),
    "with a principal": scpText({ ...all, Principal: "*" }),
    "without a resource": scpText({ Effect: "Deny", Action: "*" }),
    "with an operator that there is not": scpText({ ...all, Condition: { StringAlmost: { "aws:username": "a" } } }),
  })) {
    it(`refuses a policy ${title}`, async () => {
      const policy = { Name: "malformed", Description: "", Content, Type: SCP } as const;
      await refused(organizations.createPolicy(policy), "MalformedPolicyDocumentException", {
        message: "The provided policy document does not meet the requirements of the specified policy type.",
      });
    });
  }

  it("takes policies of 10,240 characters and of one type", async () => {
    const short = scpText({ ...all, Sid: "" });
    const exact = scpText({ ...all, Sid: "a".repeat(10_240 - short.length) });
    const made = await organizations.createPolicy({ Name: "long", Description: "", Content: exact, Type: SCP });
    const tooLong = { reason: "POLICY_CONTENT_LIMIT_EXCEEDED", message: "You have exceeded the maximum policy size." };
    const longer = `${exact} `;
    await refused(
      organizations.createPolicy({ Name: "longer", Description: "", Content: longer, Type: SCP }),
      "ConstraintViolationException",
      tooLong,
    );
    await refused(
      organizations.updatePolicy({ PolicyId: present(made.Policy?.PolicySummary?.Id), Content: longer }),
      "ConstraintViolationException",
      tooLong,
    );
    await refused(
      organizations.createPolicy({ Name: "tags", Description: "", Content: "{}", Type: "TAG_POLICY" }),
      "PolicyTypeNotAvailableForOrganizationException",
    );
    assert.deepEqual((await organizations.listPolicies({ Filter: "TAG_POLICY" })).Policies, []);
  });

  it("lists in pages, with tokens that are good for one list alone", async () => {
    const whole = present((await organizations.listAccounts({})).Accounts).map(({ Id }) => Id);
    assert.ok(whole.length >= 3 && whole.includes(ACCOUNT));
    const paged: (string | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const page = await organizations.listAccounts({ MaxResults: 1, ...(NextToken && { NextToken }) });
      assert.equal(page.Accounts?.length, 1);
      paged.push(page.Accounts?.[0]?.Id);
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    assert.deepEqual(paged, whole);

    const { NextToken: ofAccounts } = await organizations.listAccounts({ MaxResults: 1 });
    await refused(
      organizations.listPolicies({ Filter: SCP, NextToken: present(ofAccounts) }),
      "InvalidInputException",
      { reason: "INVALID_NEXT_TOKEN" },
    );
    const policies: (string | undefined)[] = [];
    let next: string | undefined;
    do {
      const page: ListPoliciesCommandOutput = await organizations.listPolicies({
        Filter: SCP,
        MaxResults: 2,
        ...(next && { NextToken: next }),
      });
      policies.push(...present(page.Policies).map(({ Id }) => Id));
      next = page.NextToken;
    } while (next !== undefined);
    assert.equal(new Set(policies).size, policies.length);
    assert.equal(policies.filter((each) => each === FULL).length, 1);
  });

  for (const { title, call, reason } of [
    {
      title: "an id of another form",
      call: () => organizations.describePolicy({ PolicyId: "kept" }),
      reason: "INVALID_PATTERN",
    },
    {
      title: "a value that is none of the list",
      call: () => organizations.listPolicies({ Filter: "NO_POLICY" as typeof SCP }),
      reason: "INVALID_ENUM",
    },
    {
      title: "a required member that is missing",
      call: () => organizations.describePolicy({ PolicyId: undefined }),
      reason: "INPUT_REQUIRED",
    },
    {
      title: "too long a name",
      call: () => organizations.createOrganizationalUnit({ ParentId: "r-aaaa", Name: "n".repeat(129) }),
      reason: "MAX_LENGTH_EXCEEDED",
    },
    {
      title: "too short a name",
      call: () => organizations.createOrganizationalUnit({ ParentId: "r-aaaa", Name: "" }),
      reason: "MIN_LENGTH_EXCEEDED",
    },
    {
      title: "too large a page",
      call: () => organizations.listAccounts({ MaxResults: 21 }),
      reason: "MAX_VALUE_EXCEEDED",
    },
    {
      title: "too small a page",
      call: () => organizations.listAccounts({ MaxResults: 0 }),
      reason: "MIN_VALUE_EXCEEDED",
    },
    {
      title: "a tag twice",
      call: () => organizations.createAccount({ ...named, Tags: [tag("a"), tag("a")] }),
      reason: "DUPLICATE_TAG_KEY",
    },
    {
      title: "a tag of AWS's own",
      call: () => organizations.createAccount({ ...named, Tags: [tag("AWS:a")] }),
      reason: "INVALID_SYSTEM_TAGS_PARAMETER",
    },
  ]) {
    it(`refuses ${title}`, async () => {
      await refused(call(), "InvalidInputException", { reason });
    });
  }

  it("takes fifty tags", async () => {
    const Tags = Array.from({ length: 51 }, (_, number) => tag(`tag-${number}`));
    await refused(organizations.createAccount({ ...named, Tags }), "ConstraintViolationException", {
      reason: "MAX_TAG_LIMIT_EXCEEDED",
    });
    await organizations.createAccount({ ...named, Tags: Tags.slice(1) });
  });

  it("is recorded in the Region of the service, without names and email addresses", async () => {
    const made = await organizations.createAccount({ AccountName: "secretive", Email: "secretive@example.com" });
    const status = present(made.CreateAccountStatus);
    const { eventSource, awsRegion, requestParameters, responseElements, resources, readOnly } =
      (await world.records.of(requestIdOf(made))) as Awaited<ReturnType<typeof world.records.of>> & {
        readonly awsRegion: string;
      };
    assert.deepEqual(
      { eventSource, awsRegion, requestParameters, resources, readOnly },
      {
        eventSource: "organizations.amazonaws.com",
        awsRegion: "us-east-1",
        requestParameters: { accountName: "****", email: "****" },
        resources: undefined,
        readOnly: false,
      },
    );
    const { requestedTimestamp, ...answered } = (responseElements as { createAccountStatus: Record<string, string> })
      .createAccountStatus;
    assert.deepEqual(answered, { accountName: "****", state: "IN_PROGRESS", id: status.Id });
    const [result] = await world.records.where(({ serviceEventDetails }) => {
      const details = serviceEventDetails as { createAccountStatus?: { id?: string } } | undefined;
      return details?.createAccountStatus?.id === status.Id;
    });
    assert.deepEqual(
      [result?.eventName, result?.eventType, result?.userIdentity, result?.recipientAccountId],
      [
        "CreateAccountResult",
        "AwsServiceEvent",
        { accountId: ACCOUNT, invokedBy: "organizations.amazonaws.com" },
        ACCOUNT,
      ],
    );
    assert.ok(requestedTimestamp);
    assert.ok(!JSON.stringify(world.records.all()).includes("secretive"));
    const read = await organizations.listRoots({});
    const record = await world.records.of(requestIdOf(read));
    assert.deepEqual([record.readOnly, record.requestParameters, record.responseElements], [true, null, null]);
  });

  it("sees nothing of another organization", async () => {
    await other.createOrganization({ FeatureSet: "CONSOLIDATED_BILLING" });
    const otherRoot = await rootOf(other);
    const PolicyId = await newScp(organizations, "mine", denying);
    await refused(other.describePolicy({ PolicyId }), "PolicyNotFoundException");
    await refused(other.listAccountsForParent({ ParentId: rootId }), "ParentNotFoundException");
    await refused(other.describeAccount({ AccountId: ACCOUNT }), "AccountNotFoundException");
    await refused(other.listParents({ ChildId: ACCOUNT }), "ChildNotFoundException");
    await refused(organizations.attachPolicy({ PolicyId, TargetId: OTHER_ACCOUNT }), "TargetNotFoundException");
    await refused(organizations.enablePolicyType({ RootId: otherRoot, PolicyType: SCP }), "RootNotFoundException");
    assert.deepEqual(
      present((await other.listAccounts({})).Accounts).map(({ Id }) => Id),
      [OTHER_ACCOUNT],
    );
  });

  it("has no policies without all features", async () => {
    const RootId = await rootOf(other);
    const unavailable = "PolicyTypeNotAvailableForOrganizationException";
    await refused(other.enablePolicyType({ RootId, PolicyType: SCP }), unavailable);
    await refused(
      other.createPolicy({ Name: "none", Description: "", Content: scpText(denying), Type: SCP }),
      unavailable,
    );
    assert.deepEqual((await other.listPolicies({ Filter: SCP })).Policies, []);
    assert.deepEqual((await other.describeOrganization({})).Organization?.AvailablePolicyTypes, []);
  });
});

const named = { AccountName: "named", Email: "named@example.com" };
const tag = (Key: string): { Key: string; Value: string } => ({ Key, Value: "value" });

/** What is attached right to a root, unit or account. */
async function policiesOn(TargetId: string): Promise<string[]> {
  const { Policies } = await organizations.listPoliciesForTarget({ TargetId, Filter: SCP });
  return present(Policies).map(({ Id }) => present(Id));
}
