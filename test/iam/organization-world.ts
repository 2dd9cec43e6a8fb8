/** What tests of Organizations need: every operation with a valid input, refusals with their reasons, and an organization whose member accounts have root access keys. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KMS } from "@aws-sdk/client-kms";
import { Organizations } from "@aws-sdk/client-organizations";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { ACCOUNT, assertRefused, present, REGION, Records } from "../kms-client.ts";

export const SCP = "SERVICE_CONTROL_POLICY";
export const RCP = "RESOURCE_CONTROL_POLICY";
export const FULL = "p-FullAWSAccess";
export const RCP_FULL = "p-RCPFullAWSAccess";
/** An account that is in no organization. */
export const OUTSIDER = "555566667777";

/** An access key as SDK clients take it. */
interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The text of a service control policy. */
export function scpText(...statements: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** Every operation, with an input that keeps the model; the ids are nobody's. */
export function everyCall(client: Organizations): Readonly<Record<string, () => Promise<unknown>>> {
  const [ParentId, ChildId, PolicyId, RootId] = ["r-zzzz", "ou-zzzz-zzzzzzzz", "p-zzzzzzzz", "r-zzzz"];
  const AccountId = "999999999999";
  const page = { MaxResults: 5 };
  return {
    AttachPolicy: () => client.attachPolicy({ PolicyId, TargetId: RootId }),
    CreateAccount: () => client.createAccount({ AccountName: "name", Email: "name@example.com" }),
    CreateOrganization: () => client.createOrganization({}),
    CreateOrganizationalUnit: () => client.createOrganizationalUnit({ ParentId, Name: "name" }),
    CreatePolicy: () => client.createPolicy({ Name: "name", Description: "", Content: scpText(), Type: SCP }),
    DeletePolicy: () => client.deletePolicy({ PolicyId }),
    DescribeAccount: () => client.describeAccount({ AccountId }),
    DescribeCreateAccountStatus: () =>
      client.describeCreateAccountStatus({ CreateAccountRequestId: "car-zzzzzzzzzzzz" }),
    DescribeOrganization: () => client.describeOrganization({}),
    DescribeOrganizationalUnit: () => client.describeOrganizationalUnit({ OrganizationalUnitId: ChildId }),
    DescribePolicy: () => client.describePolicy({ PolicyId }),
    DetachPolicy: () => client.detachPolicy({ PolicyId, TargetId: RootId }),
    DisablePolicyType: () => client.disablePolicyType({ RootId, PolicyType: SCP }),
    EnablePolicyType: () => client.enablePolicyType({ RootId, PolicyType: SCP }),
    ListAccounts: () => client.listAccounts(page),
    ListAccountsForParent: () => client.listAccountsForParent({ ParentId, ...page }),
    ListChildren: () => client.listChildren({ ParentId, ChildType: "ACCOUNT", ...page }),
    ListOrganizationalUnitsForParent: () => client.listOrganizationalUnitsForParent({ ParentId, ...page }),
    ListParents: () => client.listParents({ ChildId }),
    ListPolicies: () => client.listPolicies({ Filter: SCP, ...page }),
    ListPoliciesForTarget: () => client.listPoliciesForTarget({ TargetId: RootId, Filter: SCP, ...page }),
    ListRoots: () => client.listRoots(page),
    ListTargetsForPolicy: () => client.listTargetsForPolicy({ PolicyId, ...page }),
    MoveAccount: () =>
      client.moveAccount({ AccountId, SourceParentId: ParentId, DestinationParentId: "ou-zzzz-zzzzzzzy" }),
    UpdatePolicy: () => client.updatePolicy({ PolicyId, Name: "name" }),
  };
}

/** Asserts that a call is refused with this code, this reason where there is one, and this message where it is given. */
export async function refused(
  call: Promise<unknown>,
  code: string,
  { reason, message }: { readonly reason?: string; readonly message?: string | RegExp } = {},
): Promise<void> {
  let actual: string | undefined;
  const watched = call.catch((error: Error & { readonly Reason?: string }) => {
    actual = error.Reason;
    throw error;
  });
  await assertRefused(watched, code, message);
  assert.equal(actual, reason);
}

/** Makes an account and returns its id, once it is there. */
export async function newAccount(client: Organizations, name: string): Promise<string> {
  const begun = present(
    (await client.createAccount({ AccountName: name, Email: `${name}@example.com` })).CreateAccountStatus,
  );
  const { CreateAccountStatus } = await client.describeCreateAccountStatus({
    CreateAccountRequestId: present(begun.Id),
  });
  assert.equal(CreateAccountStatus?.State, "SUCCEEDED");
  return present(CreateAccountStatus?.AccountId);
}

/** The id of the root. */
export async function rootOf(client: Organizations): Promise<string> {
  return present((await client.listRoots({})).Roots?.[0]?.Id);
}

/** Makes a service control policy and returns its id. */
export function newScp(client: Organizations, name: string, ...statements: readonly object[]): Promise<string> {
  return newControlPolicy(client, SCP, name, statements);
}

/** Makes a resource control policy and returns its id. */
export function newRcp(client: Organizations, name: string, ...statements: readonly object[]): Promise<string> {
  return newControlPolicy(client, RCP, name, statements);
}

async function newControlPolicy(
  client: Organizations,
  Type: typeof SCP | typeof RCP,
  Name: string,
  statements: readonly object[],
): Promise<string> {
  const { Policy } = await client.createPolicy({ Name, Description: "", Content: scpText(...statements), Type });
  return present(Policy?.PolicySummary?.Id);
}

/** An organization with service control policies turned on, and member accounts of these names. */
export interface OrganizationWorld extends AsyncDisposable {
  readonly server: DevServer;
  readonly records: Records;
  readonly organizationId: string;
  readonly rootId: string;
  /** Of the management account. */
  readonly management: { readonly organizations: Organizations; readonly kms: KMS };
  /** Of the root users of members, by name. */
  readonly members: ReadonlyMap<string, OrganizationAccount>;
  /** Of the root user of `OUTSIDER`. */
  readonly outsider: OrganizationAccount;
}

/** An account and what its root user calls with. */
export interface OrganizationAccount {
  readonly account: string;
  readonly credentials: Credentials;
  readonly organizations: Organizations;
  readonly kms: KMS;
}

/**
 * Makes an organization. The root users of accounts that CreateAccount makes have no access keys; a second start of the server
 * on the same store gives them some, from a seed file.
 */
export async function startOrganization(names: readonly string[]): Promise<OrganizationWorld> {
  const folder = mkdtempSync(join(tmpdir(), "keystead-organization-"));
  const [seed, auditLog] = [join(folder, "seed.yaml"), join(folder, "audit.jsonl")];
  const data = ["--data", join(folder, "store"), "--audit-log", auditLog];
  const made = await startDevServer({ args: data });
  const first = new Organizations({ ...configOf(made, made.credentials) });
  const organizationId = present((await first.createOrganization({})).Organization?.Id);
  const rootId = await rootOf(first);
  await first.enablePolicyType({ RootId: rootId, PolicyType: SCP });
  const accounts: { readonly name: string; readonly id: string; readonly credentials: Credentials }[] = [];
  for (const name of names) {
    accounts.push({ name, id: await newAccount(first, name), credentials: credentialsOf(name) });
  }
  first.destroy();
  await made.stop();

  writeFileSync(
    seed,
    JSON.stringify({
      accounts: [...accounts, { id: OUTSIDER, credentials: credentialsOf("outsider") }].map(({ id, credentials }) => ({
        id,
        credentials: [credentials],
      })),
    }),
  );
  const server = await startDevServer({ args: [...data, "--seed", seed] });
  const clients: { destroy(): void }[] = [];
  const accountOf = (account: string, credentials: Credentials): OrganizationAccount => {
    const both = {
      organizations: new Organizations(configOf(server, credentials)),
      kms: new KMS(configOf(server, credentials)),
    };
    clients.push(both.organizations, both.kms);
    return { account, credentials, ...both };
  };
  return {
    server,
    records: new Records(auditLog),
    organizationId,
    rootId,
    management: accountOf(ACCOUNT, server.credentials),
    members: new Map(accounts.map(({ name, id, credentials }) => [name, accountOf(id, credentials)])),
    outsider: accountOf(OUTSIDER, credentialsOf("outsider")),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

function credentialsOf(name: string): Credentials {
  return {
    accessKeyId: `AKIAMEMBER${name.toUpperCase().padStart(10, "X")}`,
    secretAccessKey: `secret/of/the/root/user/of/${name}`,
  };
}

export function configOf({ endpoint }: DevServer, credentials: Credentials) {
  return { endpoint, region: REGION, credentials, maxAttempts: 1 };
}
