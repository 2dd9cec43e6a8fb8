/** Callers of every standing, and keys for them, in three accounts: what the matrix of permissions works with. */

import { randomUUID } from "node:crypto";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { Organizations } from "@aws-sdk/client-organizations";
import { STS } from "@aws-sdk/client-sts";
import { newAccount, newScp, rootOf, SCP } from "../iam/organization-world.ts";
import { type SdkCredentials, sessionOf } from "../iam/world.ts";
import { allow, type IamWorld, type Person, startIamWorld, trusting } from "../iam-world.ts";
import { ACCOUNT, allowing, bytes, newKey, OTHER_ACCOUNT, policyOf, present, REGION } from "../kms-client.ts";
import { type Facts, REPLICA_REGION, type Subject } from "./access-calls.ts";
import { GRANT_OPERATIONS, HALVES, SCP_DENIES, type Standing } from "./access-rules.ts";

/** Somebody who calls: how that one stands, and on what. */
export interface Caller {
  readonly title: string;
  readonly standing: Standing;
  readonly kms: KMS;
  /** What the next call of the caller is about. */
  facts(operation: string): Promise<Facts>;
}

/** A server with all callers. */
export interface AccessLab extends AsyncDisposable {
  readonly callers: readonly Caller[];
}

const NO_SESSION = /because no session policy allows the \S+ action$/;
const NO_BOUNDARY = /because no permissions boundary allows the \S+ action$/;
const rootArn = (account: string): string => `arn:aws:iam::${account}:root`;

/** Makes accounts, callers and keys. */
export async function startAccessLab(): Promise<AccessLab> {
  const world = await startIamWorld();
  const callers: Caller[] = [];
  const made: { destroy(): void }[] = [];
  const open = <C extends { destroy(): void }>(client: C): C => {
    made.push(client);
    return client;
  };
  const config = (credentials: SdkCredentials) => ({
    endpoint: world.server.endpoint,
    region: REGION,
    credentials,
    maxAttempts: 1,
  });
  const add = (title: string, standing: Standing, kms: KMS, on: Ground): void => {
    callers.push({ title, standing, kms, facts: (operation) => factsOf(on, operation) });
  };

  const all = [allow("*")];
  const named = await world.person("named");
  const keeper = await world.person("keeper", { allow: all });
  const own = await newSubject(world.kms, policyOf(allowing(ACCOUNT), naming(named)), ACCOUNT);
  const closed = await newSubject(world.kms, policyOf(naming(named), naming(keeper)), ACCOUNT);
  const shared = await newSubject(world.kms, policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT)), ACCOUNT);
  const ground = (subject: Subject, more: Partial<Ground> = {}): Ground => ({
    subject,
    owner: world.kms,
    account: ACCOUNT,
    retired: subject.grantId,
    ...more,
  });

  add("the root user", { iam: "all", keyPolicy: "account" }, world.kms, ground(own));
  const admin = await world.person("admin");
  const PolicyArn = "arn:aws:iam::aws:policy/AdministratorAccess";
  await world.iam.attachUserPolicy({ UserName: admin.name, PolicyArn });
  add("a user with AdministratorAccess", { iam: "all", keyPolicy: "account" }, admin.kms, ground(own));
  const allowed = await world.person("allowed", { allow: [allow("kms:*")] });
  add("a user whom IAM allows", { iam: "all", keyPolicy: "account" }, allowed.kms, ground(own));
  const outside = "a user whom IAM allows, on keys whose policy doesn't name the account";
  add(outside, { iam: "all", keyPolicy: "none" }, allowed.kms, ground(closed, { owner: keeper.kms }));
  add(
    "a user whom the key policy names",
    { iam: "none", keyPolicy: "caller" },
    named.kms,
    ground(closed, { owner: keeper.kms }),
  );
  const nobody = await world.person("nobody");
  add("a user with nothing", { iam: "none", keyPolicy: "account" }, nobody.kms, ground(own));
  const grantee = await world.person("grantee");
  const retired = await grantAll(world.kms, own, grantee.arn);
  const granted = { iam: "none", keyPolicy: "account", isGrantee: true } as const;
  add("a grantee", granted, grantee.kms, ground(own, { retired }));

  const RoleArn = await newRole(world, "everything", all);
  const asAdmin = open(new STS(config(await newAccessKey(world.iam, admin.name))));
  for (const half of [0, 1] as const) {
    const Policy = policyOf(allow(HALVES[half]));
    const assumed = await asAdmin.assumeRole({ RoleArn, RoleSessionName: `half-${half}`, Policy });
    const kms = open(new KMS(config(sessionOf(assumed))));
    const standing = { iam: half, keyPolicy: "account", limit: NO_SESSION } as const;
    add(`a role session with session policy ${half}`, standing, kms, ground(own));
  }
  for (const half of [0, 1] as const) {
    const bounded = await world.person(`bounded-${half}`, { allow: all });
    await world.iam.putUserPermissionsBoundary({
      UserName: bounded.name,
      PermissionsBoundary: await newPolicy(world.iam, `half-${half}`, policyOf(allow(HALVES[half]))),
    });
    const standing = { iam: half, keyPolicy: "account", limit: NO_BOUNDARY } as const;
    add(`a user with boundary ${half}`, standing, bounded.kms, ground(own));
  }

  const organizations = open(new Organizations(config(world.server.credentials)));
  const { account, iam, kms: memberKms, close } = await newMember({ organizations, sts: asAdmin, config });
  made.push({ destroy: close });
  const ofMember = await newSubject(memberKms, policyOf(allowing(account)), account);
  for (const half of [0, 1] as const) {
    const UserName = `member-${half}`;
    await iam.createUser({ UserName });
    await iam.attachUserPolicy({ UserName, PolicyArn });
    const kms = open(new KMS(config(await newAccessKey(iam, UserName))));
    const standing = { iam: half, keyPolicy: "account", limit: SCP_DENIES } as const;
    const on = ground(ofMember, { owner: memberKms, account });
    add(`an administrator under service control policy ${half}`, standing, kms, on);
  }
  const PolicyId = await newScp(organizations, "halves", ...HALVES.map((_, half) => denyingOtherHalf(half)));
  await organizations.attachPolicy({ PolicyId, TargetId: account });

  const foreign = { account: OTHER_ACCOUNT };
  const visitor = await world.person("visitor", { account: OTHER_ACCOUNT, allow: all });
  const idler = await world.person("idler", { account: OTHER_ACCOUNT });
  const both = { isForeign: true, iam: "all", keyPolicy: "account" } as const;
  add("another account's user with both sides", both, visitor.kms, ground(shared, foreign));
  const policyOnly = { ...both, iam: "none" } as const;
  add("another account's user with the key policy only", policyOnly, idler.kms, ground(shared, foreign));
  const iamOnly = { ...both, keyPolicy: "none" } as const;
  add("another account's user with IAM only", iamOnly, visitor.kms, ground(own, foreign));
  const guest = await world.person("guest", { account: OTHER_ACCOUNT });
  const ofGuest = await grantAll(world.kms, own, guest.arn);
  const invited = { isForeign: true, iam: "none", keyPolicy: "none", isGrantee: true } as const;
  add("another account's grantee", invited, guest.kms, ground(own, { ...foreign, retired: ofGuest }));

  return {
    callers,
    async [Symbol.asyncDispose]() {
      for (const client of made) client.destroy();
      await world.stop();
    },
  };
}

/** The keys that a caller's calls are about, and who can make aliases for them. */
interface Ground {
  readonly subject: Subject;
  readonly owner: KMS;
  /** The caller's. */
  readonly account: string;
  readonly retired: string;
}

async function factsOf({ subject, owner, account, retired }: Ground, operation: string): Promise<Facts> {
  const alias = `alias/${randomUUID()}`;
  if (operation.endsWith("Alias")) await owner.createAlias({ AliasName: alias, TargetKeyId: subject.key });
  return { ...subject, retired, accountArn: rootArn(account), alias };
}

function naming({ arn }: Person): object {
  return { Effect: "Allow", Principal: { AWS: arn }, Action: "kms:*", Resource: "*" };
}

/** Denies the user of a half what is in the other one. */
function denyingOtherHalf(half: number): object {
  const Condition = { ArnLike: { "aws:PrincipalArn": `arn:aws:iam::*:user/member-${half}` } };
  return { Effect: "Deny", Action: HALVES[half === 0 ? 1 : 0], Resource: "*", Condition };
}

/** Keys of every kind; a policy that lets the account's administrators out is put at the end. */
async function newSubject(kms: KMS, policy: string, account: string): Promise<Subject> {
  const make = async (KeySpec: string, KeyUsage: string): Promise<string> =>
    (await newKey(kms, { KeySpec, KeyUsage } as object)).Arn;
  const [key, destination, pending] = [
    await make("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    await make("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    await make("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
  ];
  const signing = await make("ECC_NIST_P256", "SIGN_VERIFY");
  const mac = await make("HMAC_256", "GENERATE_VERIFY_MAC");
  const agreement = await make("ECC_NIST_P256", "KEY_AGREEMENT");
  const kem = await make("ML_KEM_512", "ENCAPSULATE_DECAPSULATE");
  const multiRegion = (await newKey(kms, { MultiRegion: true })).Arn;
  const unchecked = { Policy: policy, BypassPolicyLockoutSafetyCheck: true };
  await kms.replicateKey({ KeyId: multiRegion, ReplicaRegion: REPLICA_REGION, ...unchecked });
  await kms.disableKey({ KeyId: multiRegion });
  const { CiphertextBlob } = await kms.encrypt({ KeyId: key, Plaintext: bytes(1) });
  const { PublicKey } = await kms.getPublicKey({ KeyId: agreement });
  const encapsulated = await kms.encapsulate({ KeyId: kem, EncapsulationAlgorithm: "ML_KEM" });
  const GranteePrincipal = rootArn(account);
  const { GrantId } = await kms.createGrant({ KeyId: key, GranteePrincipal, Operations: ["RetireGrant"] });
  await kms.scheduleKeyDeletion({ KeyId: pending });
  for (const KeyId of [key, destination, pending, multiRegion, signing, mac, agreement, kem]) {
    await kms.putKeyPolicy({ KeyId, ...unchecked });
  }
  return {
    ...{ policy, key, destination, pending, multiRegion, signing, mac, agreement, kem, grantId: present(GrantId) },
    ciphertext: present(CiphertextBlob),
    publicKey: present(PublicKey),
    encapsulated: present(encapsulated.SharedSecretCiphertextBlob),
  };
}

/** Grants of every grant operation on every key; returns that on the first. */
async function grantAll(kms: KMS, subject: Subject, GranteePrincipal: string): Promise<string> {
  const { encryption, signing, mac, agreement, kem } = GRANT_OPERATIONS;
  const grant = async (KeyId: string, operations: readonly string[]): Promise<string> => {
    const Operations = [...operations] as never;
    return present((await kms.createGrant({ KeyId, GranteePrincipal, Operations })).GrantId);
  };
  const first = await grant(subject.key, encryption);
  await grant(subject.destination, encryption);
  await grant(subject.signing, signing);
  await grant(subject.mac, mac);
  await grant(subject.agreement, agreement);
  await grant(subject.kem, kem);
  return first;
}

async function newAccessKey(iam: IAM, UserName: string) {
  const key = present((await iam.createAccessKey({ UserName })).AccessKey);
  return { accessKeyId: present(key.AccessKeyId), secretAccessKey: present(key.SecretAccessKey) };
}

async function newPolicy(iam: IAM, PolicyName: string, PolicyDocument: string): Promise<string> {
  return present((await iam.createPolicy({ PolicyName, PolicyDocument })).Policy?.Arn);
}

async function newRole({ iam }: IamWorld, RoleName: string, statements: readonly object[]): Promise<string> {
  const AssumeRolePolicyDocument = trusting({ AWS: rootArn(ACCOUNT) });
  const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument });
  await iam.putRolePolicy({ RoleName, PolicyName: "all", PolicyDocument: policyOf(...statements) });
  return present(Role?.Arn);
}

/** A member account, with clients of its administrator; its organization has service control policies turned on. */
async function newMember(by: {
  readonly organizations: Organizations;
  readonly sts: STS;
  readonly config: (credentials: SdkCredentials) => { readonly endpoint: string; readonly region: string };
}): Promise<{ readonly account: string; readonly iam: IAM; readonly kms: KMS; close(): void }> {
  await by.organizations.createOrganization({});
  await by.organizations.enablePolicyType({ RootId: await rootOf(by.organizations), PolicyType: SCP });
  const account = await newAccount(by.organizations, "member");
  const RoleArn = `arn:aws:iam::${account}:role/OrganizationAccountAccessRole`;
  const config = by.config(sessionOf(await by.sts.assumeRole({ RoleArn, RoleSessionName: "setup" })));
  const [iam, kms] = [new IAM(config), new KMS(config)];
  const close = (): void => {
    iam.destroy();
    kms.destroy();
  };
  return { account, iam, kms, close };
}
