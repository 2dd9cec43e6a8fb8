/** CreateOrganization, DescribeOrganization, ListRoots, EnablePolicyType and DisablePolicyType. */

import {
  CONTROL_POLICY_TYPES,
  type ControlPolicyType,
  ENABLED_COLUMN,
  FULL_ACCESS,
  isEnabled,
} from "../../../identity/control-policies.ts";
import type { OrganizationRow } from "../../../storage/identity-schema.ts";
import { insertOrganization, setPolicyTypeEnabled } from "../../../storage/organizations.ts";
import type { Tx } from "../../../storage/store.ts";
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
import { describeOrganization, describeRoot } from "../shapes.ts";
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
      rcp_enabled: 0,
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

/** Turns a type of policies on: every root, unit and account gets AWS's own of the type, which allows everything. */
export const enablePolicyType = change("EnablePolicyType", {
  on: { root },
  async run({ PolicyType }, { call, tx, root: { organization } }) {
    const type = requirePolicyType(organization, PolicyType);
    if (isEnabled(organization, type)) throw new PolicyTypeAlreadyEnabledException();
    return { Root: describeRoot(call.partition, await setEnabled(tx, organization, { type, enabled: true })) };
  },
});

/** Turns a type of policies off: they are detached from everything. */
export const disablePolicyType = change("DisablePolicyType", {
  on: { root },
  async run({ PolicyType }, { call, tx, root: { organization } }) {
    const type = CONTROL_POLICY_TYPES.find((each) => each === PolicyType);
    if (type === undefined || !isEnabled(organization, type)) throw new PolicyTypeNotEnabledException();
    return { Root: describeRoot(call.partition, await setEnabled(tx, organization, { type, enabled: false })) };
  },
});

async function setEnabled(
  tx: Tx,
  organization: OrganizationRow,
  { type, enabled }: { readonly type: ControlPolicyType; readonly enabled: boolean },
): Promise<OrganizationRow> {
  const columns = { [ENABLED_COLUMN[type]]: enabled ? 1 : 0 };
  await setPolicyTypeEnabled(
    tx,
    { organization: organization.id, type },
    { columns, own: FULL_ACCESS[type].id, enabled },
  );
  return { ...organization, ...columns };
}

/**
 * The type of control policies that an input names. No others are here, and these only where all features are.
 *
 * @throws PolicyTypeNotAvailableForOrganizationException
 */
export function requirePolicyType({ feature_set }: OrganizationRow, named: string | undefined): ControlPolicyType {
  const type = CONTROL_POLICY_TYPES.find((each) => each === named);
  if (type === undefined || feature_set !== "ALL") throw new PolicyTypeNotAvailableForOrganizationException();
  return type;
}
