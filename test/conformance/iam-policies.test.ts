/** IAM's policies, providers, aliases and summaries, through AWS's own client: what is answered and what is refused. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { allow, assertIamRefused, startIamWorld, trusting } from "../iam-world.ts";
import { ACCOUNT, membersOf, OTHER_ACCOUNT, policyOf, present } from "../kms-client.ts";

const world = await startIamWorld();
after(() => world.stop());
const { iam, otherIam } = world;

const READS = policyOf(allow("kms:Describe*"));
const POWER_USER = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser";
const ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess";
const arnOf = (name: string, account = ACCOUNT): string => `arn:aws:iam::${account}:policy/${name}`;
const newPolicy = async (PolicyName: string, PolicyDocument = READS): Promise<string> =>
  present((await iam.createPolicy({ PolicyName, PolicyDocument })).Policy?.Arn);

/** An identity policy of so many characters. */
function sized(length: number): string {
  const text = (resource: string) => policyOf(allow("kms:*", `arn:aws:kms:::${resource}`));
  return text("k".repeat(length - text("").length));
}

/** One kind of identity, and its three families of operations. */
const kinds = [
  {
    kind: "user",
    inlineMax: 2048,
    quota: "PoliciesPerUser",
    make: (UserName: string): Promise<unknown> => iam.createUser({ UserName }),
    put: (UserName: string, PolicyName: string, PolicyDocument: string) =>
      iam.putUserPolicy({ UserName, PolicyName, PolicyDocument }),
    get: (UserName: string, PolicyName: string) => iam.getUserPolicy({ UserName, PolicyName }),
    remove: (UserName: string, PolicyName: string) => iam.deleteUserPolicy({ UserName, PolicyName }),
    list: (UserName: string) => iam.listUserPolicies({ UserName }),
    attach: (UserName: string, PolicyArn: string) => iam.attachUserPolicy({ UserName, PolicyArn }),
    detach: (UserName: string, PolicyArn: string) => iam.detachUserPolicy({ UserName, PolicyArn }),
    attached: (UserName: string) => iam.listAttachedUserPolicies({ UserName }),
  },
  {
    kind: "group",
    inlineMax: 5120,
    quota: "PoliciesPerGroup",
    make: (GroupName: string): Promise<unknown> => iam.createGroup({ GroupName }),
    put: (GroupName: string, PolicyName: string, PolicyDocument: string) =>
      iam.putGroupPolicy({ GroupName, PolicyName, PolicyDocument }),
    get: (GroupName: string, PolicyName: string) => iam.getGroupPolicy({ GroupName, PolicyName }),
    remove: (GroupName: string, PolicyName: string) => iam.deleteGroupPolicy({ GroupName, PolicyName }),
    list: (GroupName: string) => iam.listGroupPolicies({ GroupName }),
    attach: (GroupName: string, PolicyArn: string) => iam.attachGroupPolicy({ GroupName, PolicyArn }),
    detach: (GroupName: string, PolicyArn: string) => iam.detachGroupPolicy({ GroupName, PolicyArn }),
    attached: (GroupName: string) => iam.listAttachedGroupPolicies({ GroupName }),
  },
  {
    kind: "role",
    inlineMax: 10240,
    quota: "PoliciesPerRole",
    make: (RoleName: string): Promise<unknown> =>
      iam.createRole({ RoleName, AssumeRolePolicyDocument: trusting({ AWS: ACCOUNT }) }),
    put: (RoleName: string, PolicyName: string, PolicyDocument: string) =>
      iam.putRolePolicy({ RoleName, PolicyName, PolicyDocument }),
    get: (RoleName: string, PolicyName: string) => iam.getRolePolicy({ RoleName, PolicyName }),
    remove: (RoleName: string, PolicyName: string) => iam.deleteRolePolicy({ RoleName, PolicyName }),
    list: (RoleName: string) => iam.listRolePolicies({ RoleName }),
    attach: (RoleName: string, PolicyArn: string) => iam.attachRolePolicy({ RoleName, PolicyArn }),
    detach: (RoleName: string, PolicyArn: string) => iam.detachRolePolicy({ RoleName, PolicyArn }),
    attached: (RoleName: string) => iam.listAttachedRolePolicies({ RoleName }),
  },
] as const;

for (const { kind, inlineMax, quota, make, put, get, remove, list, attach, detach, attached } of kinds) {
  describe(`policies of a ${kind}`, () => {
    it("are put inline, replaced, shown percent-encoded, listed and deleted", async () => {
      const name = `inline-${kind}`;
      await make(name);
      await put(name, "p", READS);
      const other = policyOf(allow("kms:*"), { Effect: "Deny", Action: "kms:Dis*", Resource: "*", Sid: "a" });
      await put(name, "p", other);
      const shown = await get(name, "p");
      assert.match(present(shown.PolicyDocument), /^[A-Za-z0-9%._~-]+$/);
      assert.equal(decodeURIComponent(present(shown.PolicyDocument)), other);
      assert.deepEqual(Object.values(membersOf(shown)).filter((value) => value === name || value === "p").length, 2);
      assert.deepEqual(membersOf(await list(name)), { PolicyNames: ["p"], IsTruncated: false });
      await remove(name, "p");
      assert.deepEqual((await list(name)).PolicyNames, []);
      for (const call of [() => get(name, "p"), () => remove(name, "p")]) {
        await assertIamRefused(call(), "NoSuchEntity", 404, `The ${kind} policy with name p cannot be found.`);
      }
      await assertIamRefused(put(name, "p", "{}"), "MalformedPolicyDocument", 400, "Syntax errors in policy.");
      await assertIamRefused(
        put(name, "p", trusting({ AWS: ACCOUNT })),
        "MalformedPolicyDocument",
        400,
        "Policy document should not specify a principal.",
      );
    });

    it(`have together ${inlineMax} characters at most, white space aside`, async () => {
      const name = `long-${kind}`;
      await make(name);
      await put(name, "a", sized(1000));
      const text = `Maximum policy size of ${inlineMax} bytes exceeded for ${kind} ${name}`;
      await assertIamRefused(put(name, "b", sized(inlineMax - 999)), "LimitExceeded", 409, text);
      await put(name, "b", `\n ${sized(inlineMax - 1000)} `);
      await put(name, "a", sized(900));
    });

    it("are attached, ten at most, listed and detached", async () => {
      const name = `attached-${kind}`;
      await make(name);
      await attach(name, POWER_USER);
      await attach(name, POWER_USER);
      const mine = await newPolicy(`mine-${kind}`);
      await attach(name, mine);
      assert.deepEqual(membersOf(await attached(name)), {
        AttachedPolicies: [
          { PolicyName: "AWSKeyManagementServicePowerUser", PolicyArn: POWER_USER },
          { PolicyName: `mine-${kind}`, PolicyArn: mine },
        ],
        IsTruncated: false,
      });
      for (let index = 2; index < 10; index += 1) await attach(name, await newPolicy(`${kind}${index}`));
      await attach(name, mine);
      const text = `Cannot exceed quota for ${quota}: 10`;
      await assertIamRefused(attach(name, ADMINISTRATOR), "LimitExceeded", 409, text);
      await detach(name, POWER_USER);
      await assertIamRefused(detach(name, POWER_USER), "NoSuchEntity", 404, `Policy ${POWER_USER} was not found.`);
    });

    it("are not attached when they are not there, not the account's, or no policies", async () => {
      const name = `unattached-${kind}`;
      await make(name);
      await otherIam.createPolicy({ PolicyName: `foreign-${kind}`, PolicyDocument: READS });
      for (const arn of [
        arnOf("nothing"),
        arnOf(`foreign-${kind}`, OTHER_ACCOUNT),
        "arn:aws:iam::aws:policy/Nothing",
      ]) {
        const text = `Policy ${arn} does not exist or is not attachable.`;
        await assertIamRefused(attach(name, arn), "NoSuchEntity", 404, text);
      }
      const noArn = "longpolicynamebutnoarn";
      await assertIamRefused(attach(name, noArn), "ValidationError", 400, `ARN ${noArn} is not valid.`);
      const user = `arn:aws:iam::${ACCOUNT}:user/somebody`;
      await assertIamRefused(attach(name, user), "InvalidInput", 400, `ARN ${user} is not valid.`);
      const elsewhere = "arn:aws-cn:iam::aws:policy/AdministratorAccess";
      await assertIamRefused(attach(name, elsewhere), "ValidationError", 400, "Invalid ARN partition");
    });
  });
}

describe("a managed policy", () => {
  it("is made, shown, listed and deleted", async () => {
    const input = { PolicyName: "reads", Path: "/kms/", Description: "Looks", PolicyDocument: READS };
    const made = present((await iam.createPolicy({ ...input, Tags: [{ Key: "a", Value: "b" }] })).Policy);
    const { Tags, ...listed } = made;
    assert.deepEqual(
      { ...made, PolicyId: undefined, CreateDate: undefined, UpdateDate: undefined },
      {
        PolicyName: "reads",
        PolicyId: undefined,
        Arn: arnOf("kms/reads"),
        Path: "/kms/",
        DefaultVersionId: "v1",
        AttachmentCount: 0,
        PermissionsBoundaryUsageCount: 0,
        IsAttachable: true,
        CreateDate: undefined,
        UpdateDate: undefined,
        Tags: [{ Key: "a", Value: "b" }],
      },
    );
    assert.match(present(made.PolicyId), /^ANPA[A-Z2-7]{17}$/);
    const PolicyArn = present(made.Arn);
    assert.deepEqual((await iam.getPolicy({ PolicyArn })).Policy, { ...listed, Description: "Looks", Tags });
    assert.deepEqual((await iam.listPolicies({ Scope: "Local", PathPrefix: "/kms/" })).Policies, [listed]);
    await assertIamRefused(
      iam.createPolicy({ PolicyName: "READS", PolicyDocument: READS }),
      "EntityAlreadyExists",
      409,
      "A policy called READS already exists. Duplicate names are not allowed.",
    );
    await assertIamRefused(
      otherIam.getPolicy({ PolicyArn }),
      "AccessDenied",
      403,
      /^User: arn:aws:iam::444455556666:root is not authorized to perform: iam:GetPolicy on this resource/,
    );
    await iam.deletePolicy({ PolicyArn });
    await assertIamRefused(iam.getPolicy({ PolicyArn }), "NoSuchEntity", 404, `Policy ${PolicyArn} was not found.`);
  });

  it("S03-009 has Sids of letters and digits, each once", async () => {
    for (const Sids of [["Has spaces"], ["twice", "twice"]]) {
      const PolicyDocument = policyOf(...Sids.map((Sid) => ({ ...allow("kms:*"), Sid })));
      await assertIamRefused(iam.createPolicy({ PolicyName: "sids", PolicyDocument }), "MalformedPolicyDocument", 400);
    }
  });

  it("is checked in IAM's order, and of the current version, also where it is a new version", async () => {
    const PolicyArn = await newPolicy("checked");
    const statement = { Effect: "Allow", Action: "invalid", Resource: "arn:aws:s3:us-east-1::bucket" };
    for (const [PolicyDocument, message] of [
      [JSON.stringify({ Statement: statement }), "Policy document must be version 2012-10-17 or greater."],
      [policyOf(statement), "Resource arn:aws:s3:us-east-1::bucket can not contain region information."],
    ] as const) {
      for (const call of [
        () => iam.createPolicy({ PolicyName: "other", PolicyDocument }),
        () => iam.createPolicyVersion({ PolicyArn, PolicyDocument }),
      ]) {
        await assertIamRefused(call(), "MalformedPolicyDocument", 400, message);
      }
    }
    await iam.deletePolicy({ PolicyArn });
  });

  it("has 6,144 characters at most, white space aside", async () => {
    const call = iam.createPolicy({ PolicyName: "long", PolicyDocument: sized(6145) });
    await assertIamRefused(call, "LimitExceeded", 409, "Cannot exceed quota for PolicySize: 6144");
    await iam.createPolicy({ PolicyName: "long", PolicyDocument: `\t${sized(6144)}\r\n` });
  });

  it("has five versions at most, one of which is the default one", async () => {
    const PolicyArn = await newPolicy("versioned");
    const { PolicyVersion } = await iam.createPolicyVersion({ PolicyArn, PolicyDocument: READS, SetAsDefault: true });
    assert.deepEqual([PolicyVersion?.VersionId, PolicyVersion?.IsDefaultVersion], ["v2", true]);
    for (let version = 3; version <= 5; version += 1)
      await iam.createPolicyVersion({ PolicyArn, PolicyDocument: READS });
    await assertIamRefused(
      iam.createPolicyVersion({ PolicyArn, PolicyDocument: READS }),
      "LimitExceeded",
      409,
      "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
    );
    await iam.deletePolicyVersion({ PolicyArn, VersionId: "v5" });
    assert.equal((await iam.createPolicyVersion({ PolicyArn, PolicyDocument: READS })).PolicyVersion?.VersionId, "v6");
    await iam.setDefaultPolicyVersion({ PolicyArn, VersionId: "v1" });
    assert.deepEqual(
      (await iam.listPolicyVersions({ PolicyArn })).Versions?.map(({ VersionId, IsDefaultVersion }) =>
        IsDefaultVersion === true ? `${VersionId}!` : VersionId,
      ),
      ["v6", "v4", "v3", "v2", "v1!"],
    );
    const shown = (await iam.getPolicyVersion({ PolicyArn, VersionId: "v4" })).PolicyVersion;
    assert.equal(decodeURIComponent(present(shown?.Document)), READS);
    await assertIamRefused(
      iam.deletePolicyVersion({ PolicyArn, VersionId: "v1" }),
      "DeleteConflict",
      409,
      "Cannot delete the default version of a policy.",
    );
    for (const call of [
      (arn: string) => iam.getPolicyVersion({ PolicyArn: arn, VersionId: "v9" }),
      (arn: string) => iam.setDefaultPolicyVersion({ PolicyArn: arn, VersionId: "v9" }),
      (arn: string) => iam.deletePolicyVersion({ PolicyArn: arn, VersionId: "v9" }),
    ]) {
      for (const arn of [PolicyArn, arnOf("nothing")]) {
        const text = `Policy ${arn} version v9 does not exist or is not attachable.`;
        await assertIamRefused(call(arn), "NoSuchEntity", 404, text);
      }
    }
    await assertIamRefused(
      iam.deletePolicy({ PolicyArn }),
      "DeleteConflict",
      409,
      /^This policy has more than one version\./,
    );
  });

  it("is not deleted while it is attached or a boundary; who has it is told", async () => {
    const PolicyArn = await newPolicy("held");
    const { User } = await iam.createUser({ UserName: "holder", PermissionsBoundary: PolicyArn });
    assert.deepEqual(User?.PermissionsBoundary, {
      PermissionsBoundaryType: "Policy",
      PermissionsBoundaryArn: PolicyArn,
    });
    const { Group } = await iam.createGroup({ GroupName: "holders" });
    await iam.attachGroupPolicy({ GroupName: "holders", PolicyArn });
    assert.deepEqual(membersOf(await iam.listEntitiesForPolicy({ PolicyArn })), {
      PolicyGroups: [{ GroupName: "holders", GroupId: Group?.GroupId }],
      PolicyUsers: [{ UserName: "holder", UserId: User?.UserId }],
      PolicyRoles: [],
      IsTruncated: false,
    });
    const bounded = await iam.listEntitiesForPolicy({ PolicyArn, PolicyUsageFilter: "PermissionsBoundary" });
    assert.deepEqual([bounded.PolicyGroups, bounded.PolicyUsers?.length], [[], 1]);
    const { Policy } = await iam.getPolicy({ PolicyArn });
    assert.deepEqual([Policy?.AttachmentCount, Policy?.PermissionsBoundaryUsageCount], [1, 1]);
    const namesOf = async (filter: Parameters<typeof iam.listPolicies>[0]) =>
      (await iam.listPolicies({ Scope: "Local", ...filter })).Policies?.map(({ PolicyName }) => PolicyName);
    assert.ok((await namesOf({ OnlyAttached: true }))?.includes("held"));
    assert.deepEqual(await namesOf({ PolicyUsageFilter: "PermissionsBoundary" }), ["held"]);
    const refused = () =>
      assertIamRefused(
        iam.deletePolicy({ PolicyArn }),
        "DeleteConflict",
        409,
        "Cannot delete a policy attached to entities.",
      );
    await refused();
    await iam.detachGroupPolicy({ GroupName: "holders", PolicyArn });
    await refused();
    await iam.deleteUserPermissionsBoundary({ UserName: "holder" });
    await iam.deletePolicy({ PolicyArn });
    await assertIamRefused(
      iam.listEntitiesForPolicy({ PolicyArn }),
      "NoSuchEntity",
      404,
      `Policy ${PolicyArn} does not exist or is not attachable.`,
    );
    const again = iam.putUserPermissionsBoundary({ UserName: "holder", PermissionsBoundary: PolicyArn });
    await assertIamRefused(again, "NoSuchEntity", 404, `Scope ARN: ${PolicyArn} does not exist or is not attachable.`);
    const PermissionsBoundary = arnOf("x").replace(":policy/", ":not_a_policy/");
    for (const call of [
      () => iam.putUserPermissionsBoundary({ UserName: "holder", PermissionsBoundary }),
      () => iam.createUser({ UserName: "unbounded", PermissionsBoundary }),
    ]) {
      await assertIamRefused(call(), "InvalidInput", 400, `ARN ${PermissionsBoundary} is not valid.`);
    }
    const elsewhere = "arn:aws-us-gov:iam::aws:policy/AdministratorAccess";
    await assertIamRefused(
      iam.putUserPermissionsBoundary({ UserName: "holder", PermissionsBoundary: elsewhere }),
      "ValidationError",
      400,
      "Invalid ARN partition",
    );
  });

  it("has tags whose keys may differ in case alone, and decide who may read it", async () => {
    const { Policy } = await iam.createPolicy({ PolicyName: "tags", PolicyDocument: READS });
    const PolicyArn = present(Policy?.Arn);
    const tag = (Key: string, Value: string) => ({ Key, Value });
    await iam.tagPolicy({ PolicyArn, Tags: [tag("a", "1"), tag("A", "2"), tag("b", "")] });
    await iam.tagPolicy({ PolicyArn, Tags: [tag("a", "3")] });
    const all = [tag("A", "2"), tag("a", "3"), tag("b", "")];
    await iam.tagPolicy({ PolicyArn, Tags: [tag("Zone", ""), tag("app", "")] });
    const shown = [...all, tag("app", ""), tag("Zone", "")];
    assert.deepEqual((await iam.getPolicy({ PolicyArn })).Policy?.Tags, shown);
    assert.deepEqual((await iam.listPolicyTags({ PolicyArn })).Tags, shown);
    await iam.untagPolicy({ PolicyArn, TagKeys: ["Zone", "app"] });
    assert.deepEqual((await iam.getPolicy({ PolicyArn })).Policy?.Tags, all);
    const page = await iam.listPolicyTags({ PolicyArn, MaxItems: 2 });
    assert.deepEqual([page.Tags, page.IsTruncated], [all.slice(0, 2), true]);
    assert.deepEqual((await iam.listPolicyTags({ PolicyArn, Marker: present(page.Marker) })).Tags, all.slice(2));
    const reader = await world.person("reads-tagged", {
      allow: [{ ...allow("iam:GetPolicy"), Condition: { StringEquals: { "aws:ResourceTag/b": "" } } }],
    });
    await reader.iam.getPolicy({ PolicyArn });
    await iam.untagPolicy({ PolicyArn, TagKeys: ["A", "b", "c"] });
    assert.deepEqual(membersOf(await iam.listPolicyTags({ PolicyArn })), { Tags: [tag("a", "3")], IsTruncated: false });
    await assertIamRefused(reader.iam.getPolicy({ PolicyArn }), "AccessDenied", 403);
    await assertIamRefused(
      iam.tagPolicy({ PolicyArn, Tags: [tag("x", ""), tag("x", "")] }),
      "InvalidInput",
      400,
      "Duplicate tag keys found.",
    );
    const fifty = Array.from({ length: 50 }, (_, index) => tag(`k${index}`, ""));
    const most = "The number of tags has reached the maximum limit.";
    await assertIamRefused(iam.tagPolicy({ PolicyArn, Tags: fifty }), "LimitExceeded", 409, most);
    for (const call of [
      () => iam.tagPolicy({ PolicyArn: arnOf("nothing"), Tags: fifty }),
      () => iam.untagPolicy({ PolicyArn: arnOf("nothing"), TagKeys: ["a"] }),
      () => iam.listPolicyTags({ PolicyArn: arnOf("nothing") }),
    ]) {
      await assertIamRefused(call(), "NoSuchEntity", 404, `Policy ${arnOf("nothing")} was not found.`);
    }
    await assertIamRefused(iam.tagPolicy({ PolicyArn: POWER_USER, Tags: fifty }), "AccessDenied", 403);
    assert.deepEqual((await iam.listPolicyTags({ PolicyArn: POWER_USER })).Tags, []);
  });

  it("of AWS is shown to every account, on pages before the account's own, and nobody changes it", async () => {
    const { Policy } = await iam.getPolicy({ PolicyArn: POWER_USER });
    assert.deepEqual([Policy?.DefaultVersionId, Policy?.Tags], ["v2", []]);
    const { PolicyVersion } = await iam.getPolicyVersion({ PolicyArn: POWER_USER, VersionId: "v2" });
    assert.match(decodeURIComponent(present(PolicyVersion?.Document)), /"kms:CreateAlias"/);
    const names: (string | undefined)[] = [];
    let Marker: string | undefined;
    do {
      const page = await iam.listPolicies({ MaxItems: 1, ...(Marker !== undefined && { Marker }) });
      names.push(...present(page.Policies).map(({ PolicyName }) => PolicyName));
      ({ Marker } = page);
    } while (Marker !== undefined);
    const whole = present((await iam.listPolicies({})).Policies).map(({ PolicyName }) => PolicyName);
    assert.deepEqual(names, whole);
    assert.deepEqual(names.slice(0, 2), ["AdministratorAccess", "AWSKeyManagementServicePowerUser"]);
    assert.ok(names.length > 3);
    await assertIamRefused(iam.deletePolicy({ PolicyArn: POWER_USER }), "AccessDenied", 403);
    const change = iam.createPolicyVersion({ PolicyArn: POWER_USER, PolicyDocument: READS, SetAsDefault: true });
    await assertIamRefused(change, "AccessDenied", 403);
  });
});

describe("an OpenID Connect provider", () => {
  const client = { ClientIDList: ["sts.amazonaws.com"], ThumbprintList: ["a".repeat(40)] };

  it("is made, shown, listed and deleted", async () => {
    const made = await iam.createOpenIDConnectProvider({ Url: "https://issuer.example.com/path", ...client });
    const OpenIDConnectProviderArn = `arn:aws:iam::${ACCOUNT}:oidc-provider/issuer.example.com/path`;
    assert.deepEqual(membersOf(made), { OpenIDConnectProviderArn });
    const { CreateDate, ...shown } = membersOf(await iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn }));
    assert.deepEqual(shown, { Url: "issuer.example.com/path", ...client, Tags: [] });
    assert.ok(CreateDate instanceof Date);
    const { OpenIDConnectProviderList } = await iam.listOpenIDConnectProviders({});
    assert.deepEqual(OpenIDConnectProviderList, [{ Arn: OpenIDConnectProviderArn }]);
    await assertIamRefused(
      iam.createOpenIDConnectProvider({ Url: "https://issuer.example.com/path" }),
      "EntityAlreadyExists",
      409,
      "Provider with url https://issuer.example.com/path already exists.",
    );
    await iam.deleteOpenIDConnectProvider({ OpenIDConnectProviderArn });
    await assertIamRefused(
      iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn }),
      "NoSuchEntity",
      404,
      `OpenIDConnect Provider not found for arn ${OpenIDConnectProviderArn}`,
    );
    await assertIamRefused(
      iam.deleteOpenIDConnectProvider({ OpenIDConnectProviderArn }),
      "NoSuchEntity",
      404,
      `OpenId connect Provider ${OpenIDConnectProviderArn} cannot be found.`,
    );
  });

  it("has its thumbprints replaced, its clients let in and out, and tags", async () => {
    const made = await iam.createOpenIDConnectProvider({ Url: "https://changed.example.com", ...client });
    const provider = { OpenIDConnectProviderArn: made.OpenIDConnectProviderArn };
    const ThumbprintList = ["c".repeat(40), "d".repeat(40)];
    const inCapitals = ThumbprintList.map((thumbprint) => thumbprint.toUpperCase());
    await iam.updateOpenIDConnectProviderThumbprint({ ...provider, ThumbprintList: inCapitals });
    for (const ClientID of ["one", "two", "one"])
      await iam.addClientIDToOpenIDConnectProvider({ ...provider, ClientID });
    for (const ClientID of ["two", "three"]) {
      await iam.removeClientIDFromOpenIDConnectProvider({ ...provider, ClientID });
    }
    const Tags = [
      { Key: "K", Value: "" },
      { Key: "k", Value: "v" },
    ];
    await iam.tagOpenIDConnectProvider({ ...provider, Tags: [...Tags, { Key: "gone", Value: "" }] });
    await iam.untagOpenIDConnectProvider({ ...provider, TagKeys: ["gone"] });
    assert.deepEqual(membersOf(await iam.listOpenIDConnectProviderTags({ ...provider })), { Tags, IsTruncated: false });
    const { CreateDate: _, ...shown } = membersOf(await iam.getOpenIDConnectProvider({ ...provider }));
    const ClientIDList = ["sts.amazonaws.com", "one"];
    assert.deepEqual(shown, { Url: "changed.example.com", ClientIDList, ThumbprintList, Tags });
    const absent = { OpenIDConnectProviderArn: `arn:aws:iam::${ACCOUNT}:oidc-provider/absent.example.com` };
    for (const call of [
      () => iam.updateOpenIDConnectProviderThumbprint({ ...absent, ThumbprintList }),
      () => iam.addClientIDToOpenIDConnectProvider({ ...absent, ClientID: "x" }),
      () => iam.removeClientIDFromOpenIDConnectProvider({ ...absent, ClientID: "x" }),
    ]) {
      const text = `OpenIDConnect Provider not found for arn ${absent.OpenIDConnectProviderArn}`;
      await assertIamRefused(call(), "NoSuchEntity", 404, text);
    }
    for (const call of [
      () => iam.tagOpenIDConnectProvider({ ...absent, Tags }),
      () => iam.untagOpenIDConnectProvider({ ...absent, TagKeys: ["k"] }),
      () => iam.listOpenIDConnectProviderTags(absent),
    ]) {
      const text = `OpenId connect Provider ${absent.OpenIDConnectProviderArn} cannot be found.`;
      await assertIamRefused(call(), "NoSuchEntity", 404, text);
    }
    for (const { arn, message } of [
      { arn: "no arn, though long enough", message: "ARN no arn, though long enough is not valid." },
      { arn: `arn:aws:iam::${ACCOUNT}:user/alice`, message: "Invalid resource type in ARN" },
      { arn: `arn:aws-cn:iam::${ACCOUNT}:oidc-provider/x`, message: "Invalid ARN partition" },
    ]) {
      const call = iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn: arn });
      await assertIamRefused(call, "ValidationError", 400, message);
    }
    await iam.deleteOpenIDConnectProvider(provider);
  });

  const invalid = "Invalid Open ID Connect Provider URL";
  for (const { Url, code = "InvalidInput", message = `${invalid}.` } of [
    { Url: "issuer", code: "ValidationError", message: invalid },
    { Url: "issuer.example.com:443", code: "ValidationError", message: invalid },
    { Url: "http://issuer.example.com", message: `${invalid}. The URL must begin with https://.` },
    { Url: "https://a@issuer.example.com" },
    { Url: "https://x.example.com:8443" },
    { Url: "https://x.example.com/?q" },
  ]) {
    it(`is not made of ${Url}`, () => assertIamRefused(iam.createOpenIDConnectProvider({ Url }), code, 400, message));
  }

  it("has five thumbprints and a hundred clients at most", async () => {
    const Url = "https://many.example.com";
    const ThumbprintList = Array.from({ length: 6 }, () => "b".repeat(40));
    await assertIamRefused(
      iam.createOpenIDConnectProvider({ Url, ThumbprintList }),
      "InvalidInput",
      400,
      "Thumbprint list must contain fewer than 5 entries.",
    );
    await assertIamRefused(
      iam.createOpenIDConnectProvider({ Url, ClientIDList: Array.from({ length: 101 }, (_, index) => `c${index}`) }),
      "LimitExceeded",
      409,
      "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100",
    );
  });
});

describe("an account", () => {
  it("has one alias, which no other account has", async () => {
    await iam.createAccountAlias({ AccountAlias: "first-alias" });
    await iam.createAccountAlias({ AccountAlias: "second-alias" });
    assert.deepEqual((await iam.listAccountAliases({})).AccountAliases, ["second-alias"]);
    await assertIamRefused(
      otherIam.createAccountAlias({ AccountAlias: "second-alias" }),
      "EntityAlreadyExists",
      409,
      "The account alias second-alias already exists.",
    );
    await assertIamRefused(otherIam.deleteAccountAlias({ AccountAlias: "second-alias" }), "NoSuchEntity", 404);
    await iam.deleteAccountAlias({ AccountAlias: "second-alias" });
    assert.deepEqual((await iam.listAccountAliases({})).AccountAliases, []);
  });

  it("is summed up, and told in full on pages", async () => {
    await otherIam.createUser({ UserName: "u", Tags: [{ Key: "a", Value: "b" }] });
    await otherIam.createGroup({ GroupName: "g" });
    await otherIam.addUserToGroup({ UserName: "u", GroupName: "g" });
    await otherIam.attachUserPolicy({ UserName: "u", PolicyArn: POWER_USER });
    await otherIam.createRole({ RoleName: "r", AssumeRolePolicyDocument: trusting({ AWS: OTHER_ACCOUNT }) });
    await otherIam.putRolePolicy({ RoleName: "r", PolicyName: "p", PolicyDocument: READS });
    const summary = (await otherIam.getAccountSummary({})).SummaryMap;
    assert.deepEqual(
      [summary?.Users, summary?.Groups, summary?.Roles, summary?.UsersQuota, summary?.PolicySizeQuota],
      [1, 1, 1, 5000, 6144],
    );
    const whole = await otherIam.getAccountAuthorizationDetails({});
    const [user] = present(whole.UserDetailList);
    assert.deepEqual(
      [user?.GroupList, user?.AttachedManagedPolicies?.[0]?.PolicyArn, user?.Tags],
      [["g"], POWER_USER, [{ Key: "a", Value: "b" }]],
    );
    const [role] = present(whole.RoleDetailList);
    assert.equal(decodeURIComponent(present(role?.RolePolicyList?.[0]?.PolicyDocument)), READS);
    assert.ok(present(whole.Policies).some(({ Arn }) => Arn === POWER_USER));
    assert.ok(!present(whole.Policies).some(({ Arn }) => Arn === ADMINISTRATOR));
    const counted: number[] = [0, 0, 0, 0];
    let Marker: string | undefined;
    do {
      const page = await otherIam.getAccountAuthorizationDetails({
        MaxItems: 1,
        ...(Marker !== undefined && { Marker }),
      });
      const lists = [page.UserDetailList, page.GroupDetailList, page.RoleDetailList, page.Policies];
      for (const [index, list] of lists.entries()) counted[index] = (counted[index] ?? 0) + present(list?.length);
      ({ Marker } = page);
    } while (Marker !== undefined);
    const lists = [whole.UserDetailList, whole.GroupDetailList, whole.RoleDetailList, whole.Policies];
    assert.deepEqual(
      counted,
      lists.map((list) => present(list?.length)),
    );
    const roles = await otherIam.getAccountAuthorizationDetails({ Filter: ["Role"] });
    assert.deepEqual([roles.UserDetailList, roles.RoleDetailList?.length, roles.Policies], [[], 1, []]);
  });
});

describe("context keys", () => {
  const document = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: "kms:*",
        Resource: "arn:aws:kms:*:*:key/$" + "{aws:username}",
        Condition: {
          StringEquals: { "kms:ViaService": "$" + "{aws:PrincipalTag/team, 'none'}" },
          Bool: { "AWS:username": "x" },
        },
      },
    ],
  });

  it("are those of conditions and variables, each once", async () => {
    const { ContextKeyNames } = await iam.getContextKeysForCustomPolicy({ PolicyInputList: [document, READS] });
    assert.deepEqual(ContextKeyNames?.sort(), ["aws:PrincipalTag/team", "aws:username", "kms:ViaService"]);
    const wrong = iam.getContextKeysForCustomPolicy({ PolicyInputList: ["{}"] });
    await assertIamRefused(wrong, "InvalidInput", 400);
  });

  it("of a principal are those of all its policies, its groups' too", async () => {
    await iam.createUser({ UserName: "asker" });
    await iam.createGroup({ GroupName: "askers" });
    await iam.putGroupPolicy({ GroupName: "askers", PolicyName: "p", PolicyDocument: document });
    const PolicySourceArn = `arn:aws:iam::${ACCOUNT}:user/asker`;
    assert.deepEqual((await iam.getContextKeysForPrincipalPolicy({ PolicySourceArn })).ContextKeyNames, []);
    await iam.addUserToGroup({ UserName: "asker", GroupName: "askers" });
    assert.equal((await iam.getContextKeysForPrincipalPolicy({ PolicySourceArn })).ContextKeyNames?.length, 3);
  });
});
