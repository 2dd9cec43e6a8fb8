/** CreateOrganization, DescribeOrganization, ListRoots, EnablePolicyType and DisablePolicyType. */

import { FULL_AWS_ACCESS } from "../../../identity/aws-managed-policies.ts";
import type { OrganizationRow } from "../../../storage/identity-schema.ts";
import { insertOrganization, setScpEnabled } from "../../../storage/organizations.ts";
import {
  AlreadyInOrganizationException,
  PolicyTypeAlreadyEnabledException,
  PolicyTypeNotAvailableForOrganizationException,
  PolicyTypeNotEnabledException,
  RootNotFoundException,
} from "../errors.ts";
import { newOrganizationId, newRootId } from "../ids.ts";
import { change, read } from "../operation.ts";
import { managedOrganization, node, outsider, ownOrganization } from "../resources.ts";
import { describeOrganization, describeRoot, SCP } from "../shapes.ts";
import { freeId } from "./free-id.ts";

/**
 * Makes an organization with its root, and the caller's account its management account.
 *
 * The API reference says that service control policies are on from the beginning; recorded on AWS, they are off until
 * EnablePolicyType (so do Terraform's provider and AWS's own tutorial expect it).
 */
export const createOrganization = change("CreateOrganization", {
  on: { account: outsider(() => new AlreadyInOrganizationException()) },
  async run({ FeatureSet = "ALL" }, { call, tx }) {
    const id = await freeId(tx, newOrganizationId, (reader, free) => reader.find("organization", free));
    const rootId = await freeId(tx, newRootId, (reader, free) => reader.find("organizationNode", free));
    const { account } = call.principal;
    const row: OrganizationRow = {
      id,
      management_account: account,
      root_id: rootId,
      feature_set: FeatureSet,
      scp_enabled: 0,
      created_at: call.now,
    };
    const own = await tx.settle((reader) => reader.find("account", account));
    const common = { organization: id, email: null, joined_at: call.now };
    await insertOrganization(tx, row, [
      { ...common, id: rootId, kind: "root", parent: null, name: "Root", joined_method: null },
      { ...common, id: account, kind: "account", parent: rootId, name: own?.name ?? account, joined_method: "INVITED" },
    ]);
    return { Organization: describeOrganization(call.partition, row) };
  },
});

/** Describes the organization to any of its accounts. */
export const describeOwnOrganization = read("DescribeOrganization", {
  on: { own: ownOrganization },
  run: (_input, { call, own }) => ({ Organization: describeOrganization(call.partition, own.organization) }),
});

/** Lists the one root. */
export const listRoots = read("ListRoots", {
  on: { own: managedOrganization },
  run: (_input, { call, own }) => ({ Roots: [describeRoot(call.partition, own.organization)] }),
});

const root = node("RootId", ["root"], () => new RootNotFoundException());

/** Turns service control policies on: every root, unit and account gets FullAWSAccess. */
export const enablePolicyType = change("EnablePolicyType", {
  on: { root },
  async run({ PolicyType }, { call, tx, root: { organization } }) {
    requireScp(organization, PolicyType);
    if (organization.scp_enabled === 1) throw new PolicyTypeAlreadyEnabledException();
    await setScpEnabled(tx, organization.id, FULL_AWS_ACCESS.id);
    return { Root: describeRoot(call.partition, { ...organization, scp_enabled: 1 }) };
  },
});

/** Turns service control policies off: they are detached from everything. */
export const disablePolicyType = change("DisablePolicyType", {
  on: { root },
  async run({ PolicyType }, { call, tx, root: { organization } }) {
    if (PolicyType !== SCP || organization.scp_enabled === 0) throw new PolicyTypeNotEnabledException();
    await setScpEnabled(tx, organization.id, undefined);
    return { Root: describeRoot(call.partition, { ...organization, scp_enabled: 0 }) };
  },
});

/**
 * Only service control policies are here, and only where all features are.
 *
 * @throws PolicyTypeNotAvailableForOrganizationException
 */
export function requireScp({ feature_set }: OrganizationRow, type: string | undefined): void {
  if (type !== SCP || feature_set !== "ALL") throw new PolicyTypeNotAvailableForOrganizationException();
}
