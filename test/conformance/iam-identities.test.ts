/** IAM's users, groups, roles and access keys, through AWS's own client: what is answered and what is refused. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { allow, assertIamRefused, startIamWorld, trusting } from "../iam-world.ts";
import { ACCOUNT, membersOf, OTHER_ACCOUNT, policyOf, present, requestIdOf } from "../kms-client.ts";

const world = await startIamWorld();
after(() => world.stop());
const { iam, otherIam } = world;

const EC2 = trusting({ Service: "ec2.amazonaws.com" });

describe("a user", () => {
  it("is made, shown, listed by path, renamed and deleted", async () => {
    const made = present((await iam.createUser({ UserName: "ulla", Path: "/a/b/" })).User);
    assert.deepEqual(Object.keys(made).sort(), ["Arn", "CreateDate", "Path", "UserId", "UserName"]);
    assert.match(present(made.UserId), /^AIDA[A-Z2-7]{17}$/);
    assert.equal(made.Arn, `arn:aws:iam::${ACCOUNT}:user/a/b/ulla`);
    assert.equal(present(made.CreateDate).getMilliseconds(), 0);
    assert.deepEqual((await iam.getUser({ UserName: "ulla" })).User, made);
    assert.deepEqual((await iam.listUsers({ PathPrefix: "/a/" })).Users, [made]);
    assert.deepEqual((await iam.listUsers({ PathPrefix: "/b/" })).Users, []);
    await iam.updateUser({ UserName: "ulla", NewUserName: "Ulla", NewPath: "/c/" });
    const renamed = present((await iam.getUser({ UserName: "Ulla" })).User);
    assert.deepEqual([renamed.UserId, renamed.Arn], [made.UserId, `arn:aws:iam::${ACCOUNT}:user/c/Ulla`]);
    await assertIamRefused(
      iam.getUser({ UserName: "ulla" }),
      "NoSuchEntity",
      404,
      "The user with name ulla cannot be found.",
    );
    await iam.deleteUser({ UserName: "Ulla" });
    await assertIamRefused(iam.deleteUser({ UserName: "Ulla" }), "NoSuchEntity", 404);
  });

  it("has a name of its own in whatever case, for each account", async () => {
    await iam.createUser({ UserName: "Karl" });
    for (const UserName of ["Karl", "KARL"]) {
      await assertIamRefused(
        iam.createUser({ UserName }),
        "EntityAlreadyExists",
        409,
        `User with name ${UserName} already exists.`,
      );
    }
    await iam.createUser({ UserName: "kurt" });
    await assertIamRefused(iam.updateUser({ UserName: "kurt", NewUserName: "karl" }), "EntityAlreadyExists", 409);
    await otherIam.createUser({ UserName: "Karl" });
    await assertIamRefused(otherIam.getUser({ UserName: "kurt" }), "NoSuchEntity", 404);
  });

  for (const { title, input, message } of [
    {
      title: "a name with other characters",
      input: { UserName: "a b" },
      message:
        "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
    },
    {
      title: "a path without slashes",
      input: { UserName: "x", Path: "y" },
      message:
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    },
    {
      title: "a name with other characters and a path that is too long",
      input: { UserName: "a b", Path: `/${"p".repeat(511)}/` },
      message:
        "1 validation error detected: Value at 'path' failed to satisfy constraint: Member must have length less than or equal to 512",
    },
    {
      title: "more than 50 tags",
      input: { UserName: "x", Tags: Array.from({ length: 51 }, (_, index) => ({ Key: `k${index}`, Value: "" })) },
      message:
        "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50",
    },
  ]) {
    it(`is not made with ${title}`, () => assertIamRefused(iam.createUser(input), "ValidationError", 400, message));
  }

  it("has a sentence of its own said of each text with other characters", async () => {
    const prefix = "It must begin with the / character and contain only alphanumeric characters and/or / characters.";
    for (const { call, message } of [
      {
        call: () => iam.listUsers({ PathPrefix: "x" }),
        message: `The specified value for pathPrefix is invalid. ${prefix}`,
      },
      {
        call: () => iam.listPolicies({ PathPrefix: "/x" }),
        message: `The specified value for pathPrefix is invalid. ${prefix}`,
      },
      {
        call: () => iam.getRole({ RoleName: `arn:aws:iam::${ACCOUNT}:role/service-role/${"x".repeat(40)}` }),
        message:
          "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
      },
      {
        call: () => iam.deleteAccessKey({ AccessKeyId: "AKIA-IOSFODNN7EXAMPLE" }),
        message: "The specified value for accessKeyId is invalid. It must contain only alphanumeric characters.",
      },
      {
        call: () => iam.putUserPolicy({ UserName: "x", PolicyName: "p", PolicyDocument: "\u2028{}" }),
        message: "The specified value for policyDocument is invalid. It must contain only printable ASCII characters.",
      },
    ]) {
      await assertIamRefused(call(), "ValidationError", 400, message);
    }
  });

  it("is not deleted while something hangs on it", async () => {
    const UserName = "heavy";
    const PolicyArn = "arn:aws:iam::aws:policy/AdministratorAccess";
    await iam.createUser({ UserName });
    await iam.createGroup({ GroupName: "heavies" });
    await iam.attachUserPolicy({ UserName, PolicyArn });
    await iam.putUserPolicy({ UserName, PolicyName: "p", PolicyDocument: policyOf(allow("kms:*")) });
    await iam.addUserToGroup({ UserName, GroupName: "heavies" });
    const { AccessKey } = await iam.createAccessKey({ UserName });
    const AccessKeyId = present(AccessKey?.AccessKeyId);
    const refused = (message: string) => assertIamRefused(iam.deleteUser({ UserName }), "DeleteConflict", 409, message);
    await refused("Cannot delete entity, must detach all policies first.");
    await iam.detachUserPolicy({ UserName, PolicyArn });
    await refused("Cannot delete entity, must delete policies first.");
    await iam.deleteUserPolicy({ UserName, PolicyName: "p" });
    await refused("Cannot delete entity, must remove users from group first.");
    await iam.removeUserFromGroup({ UserName, GroupName: "heavies" });
    await refused("Cannot delete entity, must delete access keys first.");
    await iam.deleteAccessKey({ UserName, AccessKeyId });
    await iam.deleteUser({ UserName });
  });

  it("has tags whose keys differ in more than case", async () => {
    const UserName = "tagged";
    const { User } = await iam.createUser({ UserName, Tags: [{ Key: "Team", Value: "a" }] });
    assert.deepEqual(User?.Tags, [{ Key: "Team", Value: "a" }]);
    await iam.tagUser({
      UserName,
      Tags: [
        { Key: "team", Value: "b" },
        { Key: "x", Value: "" },
      ],
    });
    const first = await iam.listUserTags({ UserName, MaxItems: 1 });
    assert.deepEqual([first.Tags, first.IsTruncated], [[{ Key: "team", Value: "b" }], true]);
    const rest = await iam.listUserTags({ UserName, Marker: present(first.Marker) });
    assert.deepEqual([rest.Tags, rest.IsTruncated, rest.Marker], [[{ Key: "x", Value: "" }], false, undefined]);
    await iam.untagUser({ UserName, TagKeys: ["TEAM", "nothing"] });
    assert.deepEqual((await iam.getUser({ UserName })).User?.Tags, [{ Key: "x", Value: "" }]);
    await assertIamRefused(
      iam.tagUser({
        UserName,
        Tags: [
          { Key: "k", Value: "" },
          { Key: "K", Value: "" },
        ],
      }),
      "InvalidInput",
      400,
      "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    );
    const more = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
    await assertIamRefused(
      iam.tagUser({ UserName, Tags: more }),
      "LimitExceeded",
      409,
      "The number of tags has reached the maximum limit.",
    );
    assert.deepEqual((await iam.listUserTags({ UserName })).Tags, [{ Key: "x", Value: "" }]);
  });

  it("that calls without a name means itself, as does the root user; a marker is good for its own list alone", async () => {
    const person = await world.person("selma", { allow: [allow("iam:*")] });
    assert.equal((await person.iam.getUser({})).User?.UserName, "selma");
    assert.deepEqual(
      (await person.iam.listAccessKeys({})).AccessKeyMetadata?.map(({ AccessKeyId }) => AccessKeyId),
      [person.accessKeyId],
    );
    const root = membersOf(await iam.getUser({})).User;
    assert.deepEqual([root?.UserId, root?.Arn, root?.UserName], [ACCOUNT, `arn:aws:iam::${ACCOUNT}:root`, undefined]);
    const { Marker } = await iam.listUsers({ MaxItems: 1 });
    await assertIamRefused(iam.listGroups({ Marker: present(Marker) }), "ValidationError", 400, "Invalid Marker.");
    await assertIamRefused(otherIam.listUsers({ Marker: present(Marker) }), "ValidationError", 400, "Invalid Marker.");
  });

  it("is listed on pages that join to the whole list", async () => {
    for (let index = 0; index < 5; index += 1) await iam.createUser({ UserName: `paged${index}` });
    const whole = present((await iam.listUsers({})).Users).map(({ UserName }) => UserName);
    const paged: (string | undefined)[] = [];
    let Marker: string | undefined;
    do {
      const page = await iam.listUsers({ MaxItems: 2, ...(Marker !== undefined && { Marker }) });
      paged.push(...present(page.Users).map(({ UserName }) => UserName));
      ({ Marker } = page);
    } while (Marker !== undefined);
    assert.deepEqual(paged, whole);
    assert.ok(whole.length > 4);
  });
});

describe("what a user or role can't have here", () => {
  it("is listed as nothing, of whoever is there", async () => {
    await iam.createUser({ UserName: "bare" });
    await iam.createRole({ RoleName: "bare", AssumeRolePolicyDocument: EC2 });
    const UserName = "bare";
    const lists = [
      [iam.listMFADevices({ UserName }), "MFADevices"],
      [iam.listMFADevices({}), "MFADevices"],
      [iam.listVirtualMFADevices({ AssignmentStatus: "Assigned" }), "VirtualMFADevices"],
      [iam.listSSHPublicKeys({ UserName }), "SSHPublicKeys"],
      [iam.listSigningCertificates({ UserName }), "Certificates"],
      [iam.listServiceSpecificCredentials({ UserName }), "ServiceSpecificCredentials"],
      [iam.listInstanceProfiles({ PathPrefix: "/" }), "InstanceProfiles"],
      [iam.listInstanceProfilesForRole({ RoleName: "bare" }), "InstanceProfiles"],
    ] as const;
    for (const [answer, member] of lists) {
      assert.deepEqual(membersOf(await answer), { [member]: [], IsTruncated: false });
    }
    for (const call of [() => iam.getLoginProfile({ UserName }), () => iam.deleteLoginProfile({ UserName })]) {
      await assertIamRefused(call(), "NoSuchEntity", 404, "Login Profile for User bare cannot be found.");
    }
    for (const [call, kind] of [
      [() => iam.listSSHPublicKeys({ UserName: "nobody" }), "user"],
      [() => iam.deleteLoginProfile({ UserName: "nobody" }), "user"],
      [() => iam.listInstanceProfilesForRole({ RoleName: "nobody" }), "role"],
    ] as const) {
      await assertIamRefused(call(), "NoSuchEntity", 404, `The ${kind} with name nobody cannot be found.`);
    }
  });
});

describe("a group", () => {
  it("is renamed and moved, with who is in it and what it may", async () => {
    const { Group } = await iam.createGroup({ GroupName: "before" });
    await iam.createUser({ UserName: "stays" });
    await iam.addUserToGroup({ GroupName: "before", UserName: "stays" });
    await iam.putGroupPolicy({ GroupName: "before", PolicyName: "p", PolicyDocument: policyOf(allow("kms:*")) });
    await iam.createGroup({ GroupName: "taken" });
    await iam.updateGroup({ GroupName: "before", NewGroupName: "later", NewPath: "/new/" });
    const shown = await iam.getGroup({ GroupName: "later" });
    const Arn = `arn:aws:iam::${ACCOUNT}:group/new/later`;
    assert.deepEqual(shown.Group, { ...Group, GroupName: "later", Path: "/new/", Arn });
    assert.deepEqual(
      shown.Users?.map(({ UserName }) => UserName),
      ["stays"],
    );
    assert.deepEqual((await iam.listGroupPolicies({ GroupName: "later" })).PolicyNames, ["p"]);
    await assertIamRefused(
      iam.updateGroup({ GroupName: "later", NewGroupName: "Taken" }),
      "EntityAlreadyExists",
      409,
      "Group with name Taken already exists.",
    );
    await assertIamRefused(
      iam.updateGroup({ GroupName: "before", NewPath: "/x/" }),
      "NoSuchEntity",
      404,
      "The group with name before cannot be found.",
    );
    const person = await world.person("mover", {
      allow: [allow("iam:UpdateGroup", `arn:aws:iam::${ACCOUNT}:group/new/*`)],
    });
    await person.iam.updateGroup({ GroupName: "later", NewGroupName: "last" });
    await assertIamRefused(
      person.iam.updateGroup({ GroupName: "last", NewPath: "/" }),
      "AccessDenied",
      403,
      /iam:UpdateGroup on resource: arn:aws:iam::\d+:group\/last /,
    );
  });

  it("is made, filled, listed and deleted when it is empty", async () => {
    const { Group } = await iam.createGroup({ GroupName: "crew", Path: "/ships/" });
    assert.match(present(Group?.GroupId), /^AGPA[A-Z2-7]{17}$/);
    assert.equal(Group?.Arn, `arn:aws:iam::${ACCOUNT}:group/ships/crew`);
    await assertIamRefused(
      iam.createGroup({ GroupName: "CREW" }),
      "EntityAlreadyExists",
      409,
      "Group with name CREW already exists.",
    );
    const { User } = await iam.createUser({ UserName: "jim" });
    await iam.addUserToGroup({ GroupName: "crew", UserName: "jim" });
    await iam.addUserToGroup({ GroupName: "crew", UserName: "jim" });
    const shown = await iam.getGroup({ GroupName: "crew" });
    assert.deepEqual([shown.Group, shown.Users, shown.IsTruncated], [Group, [User], false]);
    assert.deepEqual((await iam.listGroupsForUser({ UserName: "jim" })).Groups, [Group]);
    assert.deepEqual((await iam.listGroups({ PathPrefix: "/ships/" })).Groups, [Group]);
    await assertIamRefused(
      iam.deleteGroup({ GroupName: "crew" }),
      "DeleteConflict",
      409,
      "Cannot delete entity, must remove users from group first.",
    );
    await assertIamRefused(
      iam.addUserToGroup({ GroupName: "nowhere", UserName: "jim" }),
      "NoSuchEntity",
      404,
      "The group with name nowhere cannot be found.",
    );
    await assertIamRefused(
      iam.addUserToGroup({ GroupName: "nowhere", UserName: "nobody" }),
      "NoSuchEntity",
      404,
      "The user with name nobody cannot be found.",
    );
    await iam.removeUserFromGroup({ GroupName: "crew", UserName: "jim" });
    await iam.deleteGroup({ GroupName: "crew" });
    await assertIamRefused(iam.getGroup({ GroupName: "crew" }), "NoSuchEntity", 404);
  });

  it("is one of ten at most that a user is in", async () => {
    await iam.createUser({ UserName: "joiner" });
    for (let index = 0; index <= 10; index += 1) await iam.createGroup({ GroupName: `club${index}` });
    const join = (index: number) => iam.addUserToGroup({ GroupName: `club${index}`, UserName: "joiner" });
    for (let index = 0; index < 10; index += 1) await join(index);
    await assertIamRefused(join(10), "LimitExceeded", 409, "Cannot exceed quota for GroupsPerUser: 10");
  });
});

describe("a role", () => {
  it("is made, shown, changed, listed and deleted", async () => {
    const input = { RoleName: "r1", AssumeRolePolicyDocument: EC2, Path: "/p/", Description: "one" };
    const { Role: made } = await iam.createRole({ ...input, Tags: [{ Key: "a", Value: "b" }] });
    assert.match(present(made?.RoleId), /^AROA[A-Z2-7]{17}$/);
    assert.equal(decodeURIComponent(present(made?.AssumeRolePolicyDocument)), EC2);
    const { Tags, ...common } = present(made);
    const settings = { Description: "one", MaxSessionDuration: 3600 };
    const shown = { ...common, ...settings, Tags, RoleLastUsed: {} };
    assert.deepEqual((await iam.getRole({ RoleName: "r1" })).Role, shown);
    assert.deepEqual((await iam.listRoles({ PathPrefix: "/p/" })).Roles, [{ ...common, ...settings }]);
    await iam.updateRole({ RoleName: "r1", MaxSessionDuration: 7200 });
    await iam.updateAssumeRolePolicy({ RoleName: "r1", PolicyDocument: trusting({ AWS: ACCOUNT }) });
    const { Role: changed } = await iam.getRole({ RoleName: "r1" });
    assert.deepEqual([changed?.Description, changed?.MaxSessionDuration], ["one", 7200]);
    assert.equal(decodeURIComponent(present(changed?.AssumeRolePolicyDocument)), trusting({ AWS: ACCOUNT }));
    await assertIamRefused(
      iam.createRole({ RoleName: "R1", AssumeRolePolicyDocument: EC2 }),
      "EntityAlreadyExists",
      409,
      "Role with name R1 already exists.",
    );
    await iam.deleteRole({ RoleName: "r1" });
    await assertIamRefused(
      iam.getRole({ RoleName: "r1" }),
      "NoSuchEntity",
      404,
      "The role with name r1 cannot be found.",
    );
  });

  const nobody = `arn:aws:iam::${ACCOUNT}:user/nobody`;
  for (const { title, document, message } of [
    { title: "no JSON", document: "{", message: "This policy contains invalid Json" },
    {
      title: "other actions",
      document: policyOf({ Effect: "Allow", Principal: { AWS: "*" }, Action: "kms:*" }),
      message: "AssumeRole policy may only specify STS AssumeRole actions.",
    },
    {
      title: "a resource",
      document: policyOf({ Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole", Resource: "*" }),
      message: "Has prohibited field Resource",
    },
    {
      title: "a principal that is not here",
      document: trusting({ AWS: nobody }),
      message: `Invalid principal in policy: "AWS":"${nobody}"`,
    },
  ]) {
    it(`has no trust policy with ${title}`, async () => {
      const call = iam.createRole({ RoleName: "untrusted", AssumeRolePolicyDocument: document });
      await assertIamRefused(call, "MalformedPolicyDocument", 400, message);
    });
  }

  it("is described anew by UpdateRoleDescription, which shows it without its sessions' length", async () => {
    const { Role } = await iam.createRole({
      RoleName: "said",
      AssumeRolePolicyDocument: EC2,
      MaxSessionDuration: 7200,
    });
    const changed = await iam.updateRoleDescription({ RoleName: "said", Description: "so" });
    assert.deepEqual(changed.Role, { ...Role, Description: "so" });
    const { Role: shown } = await iam.getRole({ RoleName: "said" });
    assert.deepEqual([shown?.Description, shown?.MaxSessionDuration], ["so", 7200]);
  });

  it("has a trust policy of 2,048 characters at most, white space aside", async () => {
    const document = (length: number): string => {
      const text = (Sid: string) => JSON.stringify({ Version: "2012-10-17", Statement: [{ Sid, ...statement }] });
      const statement = { Effect: "Allow", Principal: { AWS: ACCOUNT }, Action: "sts:AssumeRole" };
      return text("a".repeat(length - text("").length));
    };
    const call = iam.createRole({ RoleName: "long", AssumeRolePolicyDocument: document(2049) });
    await assertIamRefused(call, "LimitExceeded", 409, "Cannot exceed quota for ACLSizePerRole: 2048");
    await iam.createRole({ RoleName: "long", AssumeRolePolicyDocument: `\n ${document(2048)}\n` });
  });

  it("names the principals of its trust policy as they are now: by new names, or by the ids of those who are gone", async () => {
    const { User } = await iam.createUser({ UserName: "trusted" });
    await iam.createRole({ RoleName: "trusts", AssumeRolePolicyDocument: trusting({ AWS: present(User?.Arn) }) });
    const shown = async () =>
      decodeURIComponent(present((await iam.getRole({ RoleName: "trusts" })).Role?.AssumeRolePolicyDocument));
    await iam.updateUser({ UserName: "trusted", NewUserName: "trusted2" });
    assert.equal(await shown(), trusting({ AWS: `arn:aws:iam::${ACCOUNT}:user/trusted2` }));
    await iam.deleteUser({ UserName: "trusted2" });
    assert.equal(await shown(), trusting({ AWS: present(User?.UserId) }));
  });
});

describe("an access key", () => {
  it("shows its secret once, has a status, and is one of two", async () => {
    const UserName = "keyed";
    await iam.createUser({ UserName });
    const made = await iam.createAccessKey({ UserName });
    const { SecretAccessKey, ...key } = present(made.AccessKey);
    assert.match(present(key.AccessKeyId), /^AKIA[A-Z2-7]{16}$/);
    assert.match(present(SecretAccessKey), /^[A-Za-z0-9+/]{40}$/);
    assert.deepEqual((await iam.listAccessKeys({ UserName })).AccessKeyMetadata, [key]);
    const record = await world.records.of(requestIdOf(made));
    assert.ok(!JSON.stringify(record).includes(present(SecretAccessKey)));
    assert.deepEqual(Object.keys(present(record.responseElements?.["accessKey"] as object)).sort(), [
      "accessKeyId",
      "createDate",
      "status",
      "userName",
    ]);
    const AccessKeyId = present(key.AccessKeyId);
    await iam.updateAccessKey({ UserName, AccessKeyId, Status: "Inactive" });
    assert.equal((await iam.listAccessKeys({ UserName })).AccessKeyMetadata?.[0]?.Status, "Inactive");
    await iam.createAccessKey({ UserName });
    await assertIamRefused(
      iam.createAccessKey({ UserName }),
      "LimitExceeded",
      409,
      "Cannot exceed quota for AccessKeysPerUser: 2",
    );
    await iam.createUser({ UserName: "keyless" });
    for (const call of [
      () => iam.deleteAccessKey({ UserName: "keyless", AccessKeyId }),
      () => iam.updateAccessKey({ AccessKeyId, Status: "Active" }),
      () => otherIam.deleteAccessKey({ AccessKeyId }),
    ]) {
      await assertIamRefused(call(), "NoSuchEntity", 404, `The Access Key with id ${AccessKeyId} cannot be found.`);
    }
    await assertIamRefused(iam.updateAccessKey({ UserName, AccessKeyId, Status: "Expired" }), "ValidationError", 400);
    await iam.deleteAccessKey({ UserName, AccessKeyId });
    assert.equal((await iam.listAccessKeys({ UserName })).AccessKeyMetadata?.length, 1);
  });

  it("tells its last use; those of other accounts are as if they were nobody's", async () => {
    const person = await world.person("user-of-key", { allow: [allow("kms:*")] });
    const ask = { AccessKeyId: person.accessKeyId };
    const unused = await iam.getAccessKeyLastUsed(ask);
    assert.deepEqual(membersOf(unused), {
      UserName: "user-of-key",
      AccessKeyLastUsed: { Region: "N/A", ServiceName: "N/A" },
    });
    await person.kms.listKeys({});
    const used = (await iam.getAccessKeyLastUsed(ask)).AccessKeyLastUsed;
    assert.deepEqual([used?.Region, used?.ServiceName], ["us-east-1", "kms"]);
    assert.ok(used?.LastUsedDate instanceof Date);
    for (const { by, account, AccessKeyId } of [
      { by: otherIam, account: OTHER_ACCOUNT, AccessKeyId: person.accessKeyId },
      { by: iam, account: ACCOUNT, AccessKeyId: "AKIAIOSFODNN7EXAMPLE" },
    ]) {
      await assertIamRefused(
        by.getAccessKeyLastUsed({ AccessKeyId }),
        "AccessDenied",
        403,
        `User: arn:aws:iam::${account}:root is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key ${AccessKeyId}`,
      );
    }
  });
});

describe("IAM", () => {
  it("is in one Region whatever the signature's, and its records have the request's members in small letters", async () => {
    const { iam: far } = world.clients(world.server.credentials, "eu-central-1");
    const answer = await far.createGroup({ GroupName: "far", Path: "/x/" });
    const record = await world.records.of(requestIdOf(answer));
    assert.deepEqual(
      { ...record, userIdentity: undefined, responseElements: undefined, resources: record.resources },
      {
        ...record,
        userIdentity: undefined,
        responseElements: undefined,
        eventSource: "iam.amazonaws.com",
        eventName: "CreateGroup",
        awsRegion: "us-east-1",
        requestParameters: { groupName: "far", path: "/x/" },
        readOnly: false,
        recipientAccountId: ACCOUNT,
        resources: undefined,
      },
    );
    const elements = record.responseElements?.["group"] as Readonly<Record<string, unknown>>;
    assert.deepEqual([elements["groupName"], elements["arn"]], ["far", `arn:aws:iam::${ACCOUNT}:group/x/far`]);
  });

  it("says of an operation that it has not that it could not find it", async () => {
    await assertIamRefused(
      iam.generateCredentialReport({}),
      "InvalidAction",
      400,
      "Could not find operation GenerateCredentialReport for version 2010-05-08",
    );
  });
});
