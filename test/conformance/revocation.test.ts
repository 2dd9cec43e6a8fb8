/** Revocation: whatever is taken away decides from the next request on, of sessions that were issued before it, too. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { EC2 } from "@aws-sdk/client-ec2";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { Organizations } from "@aws-sdk/client-organizations";
import { STS } from "@aws-sdk/client-sts";
import { newAccount, newScp, rootOf, SCP } from "../iam/organization-world.ts";
import { type SdkCredentials, sessionOf } from "../iam/world.ts";
import { allow, assertIamRefused, deny, type Person, startIamWorld, trusting } from "../iam-world.ts";
import { ACCOUNT, allowing, assertRefused, bytes, newKey, policyOf, present, REGION } from "../kms-client.ts";

const world = await startIamWorld();
after(() => world.stop());
const { iam, kms } = world;
const { endpoint } = world.server;
const config = (credentials: SdkCredentials) => ({ endpoint, region: REGION, credentials, maxAttempts: 1 });
const open = <C extends { destroy(): void }>(client: C): C => {
  after(() => client.destroy());
  return client;
};

/** What sessions are taken of and for: one who may do nothing but that, and a key whose policy leaves it to IAM. */
const assumer = await world.person("assumer", { allow: [allow("sts:*")] });
const sts = open(new STS(config(await accessKeyOf(assumer))));
const key = (await newKey(kms)).Arn;
const encryptAlone = policyOf(allow("kms:Encrypt"));

async function accessKeyOf({ name }: Person): Promise<SdkCredentials> {
  const { AccessKeyId, SecretAccessKey } = present((await iam.createAccessKey({ UserName: name })).AccessKey);
  return { accessKeyId: present(AccessKeyId), secretAccessKey: present(SecretAccessKey) };
}

/** A role with an inline policy. */
async function newRole(RoleName: string, PolicyDocument?: string): Promise<string> {
  const AssumeRolePolicyDocument = trusting({ AWS: `arn:aws:iam::${ACCOUNT}:root` });
  const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument });
  if (PolicyDocument !== undefined) await iam.putRolePolicy({ RoleName, PolicyName: "p", PolicyDocument });
  return present(Role?.Arn);
}

async function newPolicy(PolicyName: string, PolicyDocument: string): Promise<string> {
  return present((await iam.createPolicy({ PolicyName, PolicyDocument })).Policy?.Arn);
}

/** A client with a session of a role. */
async function sessionOfRole(RoleArn: string, more: { readonly PolicyArns?: { arn: string }[] } = {}): Promise<KMS> {
  return open(new KMS(config(sessionOf(await sts.assumeRole({ RoleArn, RoleSessionName: "before", ...more })))));
}

/** A client with a session of a user's own (GetSessionToken). */
async function sessionOfUser(person: Person): Promise<KMS> {
  const own = open(new STS(config(await accessKeyOf(person))));
  return open(new KMS(config(sessionOf(await own.getSessionToken({})))));
}

const encrypts = (by: KMS, KeyId = key): Promise<unknown> => by.encrypt({ KeyId, Plaintext: bytes(4) });

/** Asserts that a session is refused, with this end of the message. */
async function denied(by: KMS, end: string, KeyId = key): Promise<void> {
  await assertRefused(encrypts(by, KeyId), "AccessDeniedException", new RegExp(`${end}$`));
}

const NOBODY = ["UnrecognizedClientException", "The security token included in the request is invalid."] as const;
const NO_IDENTITY = "because no identity-based policy allows the kms:Encrypt action";
const NO_RESOURCE = "because no resource-based policy allows the kms:Encrypt action";

describe("a session issued before is refused with the next request once", () => {
  it("its role is deleted, and when one is made again under its name, which the key policy doesn't mean", async () => {
    const RoleArn = await newRole("reborn");
    const Principal = { AWS: RoleArn };
    const named = { Effect: "Allow", Principal, Action: "kms:Encrypt", Resource: "*" };
    const { Arn } = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT), named) });
    const session = await sessionOfRole(RoleArn);
    await encrypts(session, Arn);
    await iam.deleteRole({ RoleName: "reborn" });
    await assertRefused(encrypts(session, Arn), ...NOBODY);
    await newRole("reborn");
    await assertRefused(encrypts(session, Arn), ...NOBODY);
    await denied(await sessionOfRole(RoleArn), NO_IDENTITY, Arn);
  });

  it("its user is deleted, and when one is made again under its name", async () => {
    const person = await world.person("short-lived", { allow: [allow("kms:Encrypt")] });
    const session = await sessionOfUser(person);
    await encrypts(session);
    const UserName = person.name;
    await iam.deleteUserPolicy({ UserName, PolicyName: "allowed" });
    const { AccessKeyMetadata = [] } = await iam.listAccessKeys({ UserName });
    for (const { AccessKeyId } of AccessKeyMetadata) await iam.deleteAccessKey({ UserName, AccessKeyId });
    await denied(session, NO_IDENTITY);
    await iam.deleteUser({ UserName });
    await assertRefused(encrypts(session), ...NOBODY);
    await world.person("short-lived", { allow: [allow("kms:Encrypt")] });
    await assertRefused(encrypts(session), ...NOBODY);
  });

  it("a managed policy is detached from its role", async () => {
    const RoleArn = await newRole("detached");
    const named = { RoleName: "detached", PolicyArn: await newPolicy("detached", encryptAlone) };
    await iam.attachRolePolicy(named);
    const session = await sessionOfRole(RoleArn);
    await encrypts(session);
    await iam.detachRolePolicy(named);
    await denied(session, NO_IDENTITY);
    await iam.attachRolePolicy(named);
    await encrypts(session);
  });

  it("an inline policy of its role is deleted, or says something else", async () => {
    const session = await sessionOfRole(await newRole("inline", encryptAlone));
    const named = { RoleName: "inline", PolicyName: "p" };
    await encrypts(session);
    await iam.putRolePolicy({ ...named, PolicyDocument: policyOf(allow("kms:*"), deny("kms:Encrypt")) });
    await denied(session, "with an explicit deny in an identity-based policy");
    await iam.deleteRolePolicy(named);
    await denied(session, NO_IDENTITY);
  });

  it("the managed policy that is its session policy says something else", async () => {
    const arn = await newPolicy("session", encryptAlone);
    const session = await sessionOfRole(await newRole("narrowed", encryptAlone), { PolicyArns: [{ arn }] });
    await encrypts(session);
    const PolicyDocument = policyOf(allow("kms:Decrypt"));
    await iam.createPolicyVersion({ PolicyArn: arn, PolicyDocument, SetAsDefault: true });
    await denied(session, "because no session policy allows the kms:Encrypt action");
  });

  it("its role gets another permissions boundary, or the boundary says something else", async () => {
    const session = await sessionOfRole(await newRole("bounded", encryptAlone));
    const [wide, narrow] = [
      await newPolicy("wide", policyOf(allow("kms:*"))),
      await newPolicy("narrow", policyOf(allow("kms:Decrypt"))),
    ];
    const bound = (arn: string) => iam.putRolePermissionsBoundary({ RoleName: "bounded", PermissionsBoundary: arn });
    const outOfBounds = "because no permissions boundary allows the kms:Encrypt action";
    await bound(wide);
    await encrypts(session);
    await bound(narrow);
    await denied(session, outOfBounds);
    await bound(wide);
    await encrypts(session);
    const PolicyDocument = policyOf(allow("kms:Decrypt"));
    await iam.createPolicyVersion({ PolicyArn: wide, PolicyDocument, SetAsDefault: true });
    await denied(session, outOfBounds);
    await iam.deleteRolePermissionsBoundary({ RoleName: "bounded" });
    await encrypts(session);
  });

  it("its user leaves a group, or the group loses a policy", async () => {
    const person = await world.person("grouped");
    const [GroupName, UserName] = ["group", person.name];
    await iam.createGroup({ GroupName });
    await iam.putGroupPolicy({ GroupName, PolicyName: "p", PolicyDocument: encryptAlone });
    const session = await sessionOfUser(person);
    await denied(session, NO_IDENTITY);
    await iam.addUserToGroup({ GroupName, UserName });
    await encrypts(session);
    await iam.removeUserFromGroup({ GroupName, UserName });
    await denied(session, NO_IDENTITY);
    await iam.addUserToGroup({ GroupName, UserName });
    await encrypts(session);
    await iam.deleteGroupPolicy({ GroupName, PolicyName: "p" });
    await denied(session, NO_IDENTITY);
  });

  it("S04-018: a tag of its user or role, or of the key, is another one", async () => {
    const Condition = { StringEquals: { "aws:PrincipalTag/team": `\${aws:ResourceTag/team}` } };
    const byTag = { ...allow("kms:Encrypt"), Condition };
    const person = await world.person("tagged", { allow: [byTag] });
    const RoleName = "tagged";
    const sessions = [await sessionOfUser(person), await sessionOfRole(await newRole(RoleName, policyOf(byTag)))];
    const { Arn, KeyId } = await newKey(kms, { Tags: [{ TagKey: "team", TagValue: "red" }] });
    const tagCallers = async (Value: string): Promise<void> => {
      await iam.tagUser({ UserName: person.name, Tags: [{ Key: "team", Value }] });
      await iam.tagRole({ RoleName, Tags: [{ Key: "team", Value }] });
    };
    for (const session of sessions) await denied(session, NO_IDENTITY, Arn);
    await tagCallers("red");
    for (const session of sessions) await encrypts(session, Arn);
    await tagCallers("blue");
    for (const session of sessions) await denied(session, NO_IDENTITY, Arn);
    await kms.tagResource({ KeyId, Tags: [{ TagKey: "team", TagValue: "blue" }] });
    for (const session of sessions) await encrypts(session, Arn);
    await kms.untagResource({ KeyId, TagKeys: ["team"] });
    for (const session of sessions) await denied(session, NO_IDENTITY, Arn);
  });

  it("S04-018: an alias of the key is gone, or another key's", async () => {
    const Condition = { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/app" } };
    const session = await sessionOfRole(await newRole("by-alias", policyOf({ ...allow("kms:Encrypt"), Condition })));
    const [first, second] = [(await newKey(kms)).Arn, (await newKey(kms)).Arn];
    const AliasName = "alias/app";
    await denied(session, NO_IDENTITY, first);
    await kms.createAlias({ AliasName, TargetKeyId: first });
    await encrypts(session, first);
    await kms.updateAlias({ AliasName, TargetKeyId: second });
    await denied(session, NO_IDENTITY, first);
    await encrypts(session, second);
    await kms.deleteAlias({ AliasName });
    await denied(session, NO_IDENTITY, second);
  });

  it("a grant to its role is revoked or retired", async () => {
    const GranteePrincipal = await newRole("grantee");
    const session = await sessionOfRole(GranteePrincipal);
    const grant = async (): Promise<string> =>
      present((await kms.createGrant({ KeyId: key, GranteePrincipal, Operations: ["Encrypt"] })).GrantId);
    await denied(session, NO_IDENTITY);
    const [first, second] = [await grant(), await grant()];
    await encrypts(session);
    await kms.revokeGrant({ KeyId: key, GrantId: first });
    await encrypts(session);
    await kms.retireGrant({ KeyId: key, GrantId: second });
    await denied(session, NO_IDENTITY);
  });

  it("its role is deleted, which the grant then names by its unique id, whoever has its name by now", async () => {
    const GranteePrincipal = await newRole("gone-grantee");
    const session = await sessionOfRole(GranteePrincipal);
    const RetiringPrincipal = await newRole("gone-retirer");
    const uniqueIds = [];
    for (const RoleName of ["gone-grantee", "gone-retirer"]) {
      uniqueIds.push(present((await iam.getRole({ RoleName })).Role?.RoleId));
    }
    const { KeyId } = await newKey(kms);
    await kms.createGrant({ KeyId, GranteePrincipal, RetiringPrincipal, Operations: ["Encrypt"] });
    const parties = async () =>
      present((await kms.listGrants({ KeyId })).Grants).flatMap((grant) => [
        grant.GranteePrincipal,
        grant.RetiringPrincipal,
      ]);
    await encrypts(session, KeyId);
    assert.deepEqual(await parties(), [GranteePrincipal, RetiringPrincipal]);
    for (const RoleName of ["gone-grantee", "gone-retirer"]) await iam.deleteRole({ RoleName });
    assert.deepEqual(await parties(), uniqueIds);
    const again = await sessionOfRole(await newRole("gone-grantee"));
    await denied(again, NO_IDENTITY, KeyId);
    assert.deepEqual(await parties(), uniqueIds);
  });

  it("S08-020: a grant to its account is revoked", async () => {
    const { Arn } = await newKey(kms, { Policy: policyOf({ ...allowing(ACCOUNT), Action: ["kms:P*", "kms:*Grant"] }) });
    const session = await sessionOfRole(await newRole("of-grantee", encryptAlone));
    await denied(session, NO_RESOURCE, Arn);
    const GranteePrincipal = `arn:aws:iam::${ACCOUNT}:root`;
    const { GrantId } = await kms.createGrant({ KeyId: Arn, GranteePrincipal, Operations: ["Encrypt"] });
    await encrypts(session, Arn);
    await kms.revokeGrant({ KeyId: Arn, GrantId });
    await denied(session, NO_RESOURCE, Arn);
  });

  it("the key policy says something else", async () => {
    const session = await sessionOfRole(await newRole("by-key-policy", encryptAlone));
    const { Arn: KeyId } = await newKey(kms);
    await encrypts(session, KeyId);
    await kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT, ["kms:PutKeyPolicy", "kms:DescribeKey"])) });
    await denied(session, NO_RESOURCE, KeyId);
    const never = { Effect: "Deny", Principal: "*", Action: "kms:Encrypt", Resource: "*" };
    await kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT), never) });
    await denied(session, "with an explicit deny in a resource-based policy", KeyId);
  });

  it("a service control policy is attached to its account, or says something else", async () => {
    const organizations = open(new Organizations(config(world.server.credentials)));
    await organizations.createOrganization({});
    await organizations.enablePolicyType({ RootId: await rootOf(organizations), PolicyType: SCP });
    const account = await newAccount(organizations, "member");
    const RoleArn = `arn:aws:iam::${account}:role/OrganizationAccountAccessRole`;
    const session = await sessionOfRole(RoleArn);
    const { Arn } = await newKey(session);
    await encrypts(session, Arn);
    const PolicyId = await newScp(organizations, "no encrypting", deny("kms:Encrypt"));
    await organizations.attachPolicy({ PolicyId, TargetId: account });
    const named = `with an explicit deny in a service control policy: .*/${PolicyId}`;
    await denied(session, named, Arn);
    await organizations.updatePolicy({ PolicyId, Content: policyOf(deny("kms:Decrypt")) });
    await encrypts(session, Arn);
    await organizations.updatePolicy({ PolicyId, Content: policyOf(deny("kms:Encrypt")) });
    await denied(session, named, Arn);
    await organizations.detachPolicy({ PolicyId, TargetId: account });
    await encrypts(session, Arn);
  });

  it("the policy of the VPC endpoint that it comes through says something else, or the endpoint is gone", async () => {
    const ec2 = open(new EC2(config(world.server.credentials)));
    const made = await ec2.createVpcEndpoint({
      VpcId: "vpc-0123456789abcdef0",
      ServiceName: `com.amazonaws.${REGION}.kms`,
      VpcEndpointType: "Interface",
    });
    const { VpcEndpointId = "", DnsEntries = [] } = present(made.VpcEndpoint);
    const session = await sessionOfRole(await newRole("in-a-vpc", encryptAlone));
    comesThrough(session, present(DnsEntries[0]?.DnsName));
    await encrypts(session);
    const PolicyDocument = policyOf({ Effect: "Allow", Principal: "*", Action: "kms:Decrypt", Resource: "*" });
    await ec2.modifyVpcEndpoint({ VpcEndpointId, PolicyDocument });
    await denied(session, "because no VPC endpoint policy allows the kms:Encrypt action");
    await ec2.modifyVpcEndpoint({ VpcEndpointId, ResetPolicy: true });
    await encrypts(session);
    await ec2.deleteVpcEndpoints({ VpcEndpointIds: [VpcEndpointId] });
    await denied(session, "because no VPC endpoint policy allows the kms:Encrypt action");
  });
});

/** In dev the DNS name of an endpoint as Host is enough. */
function comesThrough(client: KMS, dnsName: string): void {
  client.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers["host"] = dnsName;
      return next(args);
    },
    { step: "build", priority: "low", name: "host" },
  );
}

describe("an access key that is deactivated", () => {
  it("signs nothing more; sessions that it opened go on, until their user has no permissions", async () => {
    const person = await world.person("keyed", { allow: [allow("kms:Encrypt")] });
    const credentials = await accessKeyOf(person);
    const [byKey, own, asUser] = [
      open(new KMS(config(credentials))),
      open(new STS(config(credentials))),
      open(new IAM(config(credentials))),
    ];
    const session = open(new KMS(config(sessionOf(await own.getSessionToken({})))));
    await encrypts(byKey);
    const named = { UserName: person.name, AccessKeyId: credentials.accessKeyId };
    await iam.updateAccessKey({ ...named, Status: "Inactive" });
    await assertRefused(encrypts(byKey), ...NOBODY);
    await assertIamRefused(own.getSessionToken({}), "InvalidClientTokenId", 403);
    await assertIamRefused(asUser.getUser({}), "InvalidClientTokenId", 403);
    await encrypts(session);
    await iam.deleteUserPolicy({ UserName: person.name, PolicyName: "allowed" });
    await denied(session, NO_IDENTITY);
  });
});

describe("a trust policy that is changed", () => {
  it("opens no further session, and ends none", async () => {
    const RoleArn = await newRole("trusting", encryptAlone);
    const session = await sessionOfRole(RoleArn);
    const PolicyDocument = policyOf({
      Effect: "Deny",
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
      Action: "sts:AssumeRole",
    });
    await iam.updateAssumeRolePolicy({ RoleName: "trusting", PolicyDocument });
    await assertIamRefused(sts.assumeRole({ RoleArn, RoleSessionName: "after" }), "AccessDenied", 403);
    await encrypts(session);
  });
});
