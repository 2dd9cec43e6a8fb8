/** Who may call IAM: resources, condition keys, what is told of what is not there, and roles that are the services'. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { allow, assertIamRefused, deny, startIamWorld, trusting } from "../iam-world.ts";
import { ACCOUNT, assertRefused, OTHER_ACCOUNT, policyOf, present } from "../kms-client.ts";

const world = await startIamWorld();
after(() => world.stop());
const { iam } = world;

const POWER_USER = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser";
const ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess";
const arn = (resource: string): string => `arn:aws:iam::${ACCOUNT}:${resource}`;
const withCondition = (statement: object, Condition: object): object => ({ ...statement, Condition });

/** The refusal of a call, as IAM words it. */
const deniedTo = (who: { readonly arn: string }, action: string, resource: string, call: Promise<unknown>) =>
  assertIamRefused(
    call,
    "AccessDenied",
    403,
    `User: ${who.arn} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
  );

describe("a user without permissions", () => {
  it("is told for each operation on what it may not, and never what is there", async () => {
    const nobody = await world.person("powerless");
    const { iam: by } = nobody;
    await iam.createUser({ UserName: "there", Path: "/p/" });
    const UserName = "absent";
    const PolicyArn = arn("policy/absent");
    for (const { action, resource, call } of [
      { action: "iam:GetUser", resource: nobody.arn, call: () => by.getUser({}) },
      { action: "iam:GetUser", resource: arn("user/p/there"), call: () => by.getUser({ UserName: "there" }) },
      { action: "iam:GetUser", resource: arn("user/absent"), call: () => by.getUser({ UserName }) },
      {
        action: "iam:CreateUser",
        resource: arn("user/x/y"),
        call: () => by.createUser({ UserName: "y", Path: "/x/" }),
      },
      { action: "iam:ListUsers", resource: arn("user/"), call: () => by.listUsers({}) },
      { action: "iam:ListRoles", resource: arn("role/a/"), call: () => by.listRoles({ PathPrefix: "/a/" }) },
      { action: "iam:ListPolicies", resource: "policy path /", call: () => by.listPolicies({}) },
      { action: "iam:GetPolicy", resource: PolicyArn, call: () => by.getPolicy({ PolicyArn }) },
      { action: "iam:GetPolicy", resource: POWER_USER, call: () => by.getPolicy({ PolicyArn: POWER_USER }) },
      { action: "iam:DeleteRole", resource: arn("role/absent"), call: () => by.deleteRole({ RoleName: "absent" }) },
      { action: "iam:GetAccountSummary", resource: "*", call: () => by.getAccountSummary({}) },
      {
        action: "iam:AddUserToGroup",
        resource: arn("group/absent"),
        call: () => by.addUserToGroup({ GroupName: "absent", UserName }),
      },
      { action: "iam:CreateAccessKey", resource: nobody.arn, call: () => by.createAccessKey({}) },
      {
        action: "iam:GetAccessKeyLastUsed",
        resource: "access key AKIAIOSFODNN7EXAMPLE",
        call: () => by.getAccessKeyLastUsed({ AccessKeyId: "AKIAIOSFODNN7EXAMPLE" }),
      },
    ]) {
      await deniedTo(nobody, action, resource, call());
    }
  });
});

describe("a permission of IAM", () => {
  it("is for the resources that it names", async () => {
    const { iam: by } = await world.person("by-path", { allow: [allow("iam:*User", arn("user/team/*"))] });
    await by.createUser({ UserName: "member", Path: "/team/" });
    await by.getUser({ UserName: "member" });
    await assertIamRefused(by.createUser({ UserName: "stranger" }), "AccessDenied", 403);
    await assertIamRefused(
      by.updateUser({ UserName: "member", NewPath: "/other/" }),
      "AccessDenied",
      403,
      /user\/other\/member/,
    );
    await by.updateUser({ UserName: "member", NewUserName: "member2" });
    await by.deleteUser({ UserName: "member2" });
  });

  it("to make what is tagged comes with the one to tag, and both are asked for the tags", async () => {
    const tagged = {
      StringEquals: { "aws:RequestTag/team": "a" },
      "ForAllValues:StringEquals": { "aws:TagKeys": ["team"] },
    };
    const { iam: by } = await world.person("makes-tagged", { allow: [allow("iam:CreateUser")] });
    const input = { UserName: "made-tagged", Tags: [{ Key: "team", Value: "a" }] };
    await assertIamRefused(by.createUser(input), "AccessDenied", 403, /iam:TagUser/);
    const PolicyDocument = policyOf(withCondition(allow("iam:TagUser"), tagged));
    await iam.putUserPolicy({ UserName: "makes-tagged", PolicyName: "tag", PolicyDocument });
    const wrong = [{ Key: "team", Value: "b" }];
    await assertIamRefused(by.createUser({ ...input, Tags: wrong }), "AccessDenied", 403);
    await assertIamRefused(
      by.createUser({ ...input, Tags: [...input.Tags, { Key: "x", Value: "" }] }),
      "AccessDenied",
      403,
    );
    await by.createUser(input);
  });

  it("may depend on the tags of the user, role or policy", async () => {
    const statement = withCondition(allow(["iam:Get*", "iam:Delete*"]), {
      StringEquals: { "aws:ResourceTag/team": "a" },
    });
    const { iam: by } = await world.person("by-tag", { allow: [statement] });
    for (const team of ["a", "b"]) {
      const Tags = [{ Key: "team", Value: team }];
      await iam.createUser({ UserName: `of-${team}`, Tags });
      await iam.createPolicy({ PolicyName: `of-${team}`, PolicyDocument: policyOf(allow("kms:*")), Tags });
    }
    await by.getUser({ UserName: "of-a" });
    await by.getPolicy({ PolicyArn: arn("policy/of-a") });
    await assertIamRefused(by.getUser({ UserName: "of-b" }), "AccessDenied", 403);
    await assertIamRefused(by.deletePolicy({ PolicyArn: arn("policy/of-b") }), "AccessDenied", 403);
    await iam.tagUser({ UserName: "of-b", Tags: [{ Key: "team", Value: "a" }] });
    await by.deleteUser({ UserName: "of-b" });
  });

  it("to attach may depend on the policy (iam:PolicyARN)", async () => {
    const Condition = { ArnEquals: { "iam:PolicyARN": POWER_USER } };
    const { iam: by } = await world.person("attaches", { allow: [withCondition(allow("iam:*UserPolicy"), Condition)] });
    const UserName = "attaches";
    await by.attachUserPolicy({ UserName, PolicyArn: POWER_USER });
    await assertIamRefused(by.attachUserPolicy({ UserName, PolicyArn: ADMINISTRATOR }), "AccessDenied", 403);
    await by.detachUserPolicy({ UserName, PolicyArn: POWER_USER });
  });

  it("to make and change users may depend on their boundary (iam:PermissionsBoundary)", async () => {
    const Condition = { StringEquals: { "iam:PermissionsBoundary": POWER_USER } };
    const statement = withCondition(
      allow(["iam:CreateUser", "iam:PutUser*", "iam:DeleteUserPermissionsBoundary"]),
      Condition,
    );
    const { iam: by } = await world.person("delegates", { allow: [statement] });
    await assertIamRefused(by.createUser({ UserName: "bounded" }), "AccessDenied", 403);
    const other = { UserName: "bounded", PermissionsBoundary: ADMINISTRATOR };
    await assertIamRefused(by.createUser(other), "AccessDenied", 403);
    await by.createUser({ ...other, PermissionsBoundary: POWER_USER });
    const PolicyDocument = policyOf(allow("kms:*"));
    await by.putUserPolicy({ UserName: "bounded", PolicyName: "p", PolicyDocument });
    await assertIamRefused(by.putUserPermissionsBoundary(other), "AccessDenied", 403);
    await iam.deleteUserPermissionsBoundary({ UserName: "bounded" });
    await assertIamRefused(
      by.putUserPolicy({ UserName: "bounded", PolicyName: "p", PolicyDocument }),
      "AccessDenied",
      403,
    );
  });

  it("can be denied", async () => {
    const { iam: by } = await world.person("half-admin", { allow: [allow("iam:*"), deny("iam:Create*")] });
    await by.listUsers({});
    await assertIamRefused(
      by.createGroup({ GroupName: "g" }),
      "AccessDenied",
      403,
      /with an explicit deny in an identity-based policy$/,
    );
  });

  it("ends at the account: policies and principals of another are not reached", async () => {
    const { iam: by } = await world.person("far-admin", { account: OTHER_ACCOUNT, allow: [allow("*")] });
    await iam.createUser({ UserName: "near" });
    await assertIamRefused(by.getUser({ UserName: "near" }), "NoSuchEntity", 404);
    const source = { PolicySourceArn: arn("user/near") };
    await assertIamRefused(by.getContextKeysForPrincipalPolicy(source), "AccessDenied", 403);
  });
});

describe("a service-linked role", () => {
  const AWSServiceName = "autoscaling.amazonaws.com";
  const RoleName = "AWSServiceRoleForAutoScaling";

  it("is made by who may, trusts its service alone, and may have a suffix", async () => {
    const Condition = { StringEquals: { "iam:AWSServiceName": AWSServiceName } };
    const statement = withCondition(allow("iam:CreateServiceLinkedRole"), Condition);
    const { iam: by } = await world.person("links", { allow: [statement] });
    const { Role } = await by.createServiceLinkedRole({ AWSServiceName });
    assert.equal(Role?.Arn, arn(`role/aws-service-role/${AWSServiceName}/${RoleName}`));
    assert.equal(decodeURIComponent(present(Role?.AssumeRolePolicyDocument)), trusting({ Service: AWSServiceName }));
    await by.createServiceLinkedRole({ AWSServiceName, CustomSuffix: "Two" });
    assert.equal((await iam.getRole({ RoleName: `${RoleName}_Two` })).Role?.RoleName, `${RoleName}_Two`);
    await assertIamRefused(
      by.createServiceLinkedRole({ AWSServiceName }),
      "InvalidInput",
      400,
      `Service role name ${RoleName} has been taken in this account, please try a different suffix.`,
    );
    await assertIamRefused(by.createServiceLinkedRole({ AWSServiceName: "rds.amazonaws.com" }), "AccessDenied", 403);
  });

  for (const service of ["mrk.kms.amazonaws.com", "cks.kms.amazonaws.com", "nothing.amazonaws.com"]) {
    it(`of ${service} is not made by users`, () =>
      assertIamRefused(
        iam.createServiceLinkedRole({ AWSServiceName: service }),
        "AccessDenied",
        403,
        `Cannot find Service Linked Role template for ${service}`,
      ));
  }

  for (const { title, input } of [
    { title: "name", input: { RoleName: "AWSServiceRoleForKeyManagementServiceMultiRegionKeys" } },
    { title: "path", input: { RoleName: "mine", Path: "/aws-service-role/mrk.kms.amazonaws.com/" } },
  ]) {
    it(`lends its ${title} to no other role`, () =>
      assertIamRefused(
        iam.createRole({ ...input, AssumeRolePolicyDocument: trusting({ AWS: ACCOUNT }) }),
        "InvalidInput",
        400,
      ));
  }

  it("is changed by nobody but for its description", async () => {
    const text = `Cannot perform the operation on the protected role '${RoleName}' - this role is only modifiable by AWS`;
    const PolicyDocument = policyOf(allow("kms:*"));
    for (const call of [
      () => iam.attachRolePolicy({ RoleName, PolicyArn: ADMINISTRATOR }),
      () => iam.putRolePolicy({ RoleName, PolicyName: "p", PolicyDocument }),
      () => iam.updateAssumeRolePolicy({ RoleName, PolicyDocument: trusting({ AWS: ACCOUNT }) }),
      () => iam.putRolePermissionsBoundary({ RoleName, PermissionsBoundary: POWER_USER }),
      () => iam.updateRole({ RoleName, MaxSessionDuration: 7200 }),
      () => iam.deleteRole({ RoleName }),
    ]) {
      await assertIamRefused(call(), "UnmodifiableEntity", 400, text);
    }
    await iam.updateRole({ RoleName, Description: "scales" });
    assert.equal((await iam.getRole({ RoleName })).Role?.Description, "scales");
  });

  it("is deleted by a task that tells how it went; other roles are not deleted so", async () => {
    const { DeletionTaskId } = await iam.deleteServiceLinkedRole({ RoleName });
    assert.match(
      present(DeletionTaskId),
      new RegExp(`^task/aws-service-role/${AWSServiceName}/${RoleName}/[0-9a-f-]{36}$`),
    );
    const status = await iam.getServiceLinkedRoleDeletionStatus({ DeletionTaskId: present(DeletionTaskId) });
    assert.deepEqual([status.Status, status.Reason], ["SUCCEEDED", undefined]);
    await assertIamRefused(iam.getRole({ RoleName }), "NoSuchEntity", 404);
    const foreign = world.otherIam.getServiceLinkedRoleDeletionStatus({ DeletionTaskId: present(DeletionTaskId) });
    await assertIamRefused(foreign, "NoSuchEntity", 404);
    await iam.createRole({ RoleName: "plain", AssumeRolePolicyDocument: trusting({ AWS: ACCOUNT }) });
    await assertIamRefused(iam.deleteServiceLinkedRole({ RoleName: "plain" }), "InvalidInput", 400);
  });
});

describe("a key policy and a trust policy", () => {
  it("name no group", async () => {
    const { Group } = await iam.createGroup({ GroupName: "no-principal" });
    const statement = { Effect: "Allow", Principal: { AWS: present(Group?.Arn) }, Action: "kms:*", Resource: "*" };
    await assertRefused(world.kms.createKey({ Policy: policyOf(statement) }), "MalformedPolicyDocumentException");
    await assertIamRefused(
      iam.createRole({ RoleName: "of-group", AssumeRolePolicyDocument: trusting({ AWS: present(Group?.Arn) }) }),
      "MalformedPolicyDocument",
      400,
    );
  });
});
