/** What the operations of Organizations are on: the caller's organization, nodes of its tree, its policies. */

import { controlPolicyArn } from "../../access/sources.ts";
import { AccessDeniedException, type ServiceError } from "../../base/errors.ts";
import { type ControlPolicy, findFullAccess, SCP } from "../../identity/control-policies.ts";
import type { Call, Resolution, Resource } from "../../pipeline/operation.ts";
import type { OrganizationNode } from "../../storage/identity-rows.ts";
import type { OrganizationNodeRow, OrganizationRow } from "../../storage/identity-schema.ts";
import type { Reader } from "../../storage/store.ts";
import { AWSOrganizationsNotInUseException, NO_PERMISSION, PolicyNotFoundException } from "./errors.ts";
import { nodeArn } from "./shapes.ts";

/** An input whose members are not known by type. */
export type Members = Readonly<Record<string, unknown>>;

/** How an input leads to a resource. */
export interface Locator<R extends Resource> {
  resolve(input: Members, call: Call, reader: Reader): Resolution<R>;
}

/** A resource of an organization, or `*` for what is about all of it. */
export interface InOrganization extends Resource {
  readonly organization: OrganizationRow;
}

/** A root, unit or account. */
export interface NodeResource extends InOrganization {
  readonly node: OrganizationNode;
}

/** A control policy. */
export interface ControlPolicyResource extends InOrganization {
  readonly control: ControlPolicy;
}

/** The account of somebody who is in no organization. */
export const outsider = (taken: () => ServiceError): Locator<Resource> => ({
  resolve(_input, call, reader) {
    const resource = everything(call);
    return organizationOf(call, reader) === undefined
      ? { kind: "found", resource }
      : { kind: "absent", resource, error: taken };
  },
});

/** The organization of whoever asks, from any of its accounts. */
export const ownOrganization: Locator<InOrganization> = {
  resolve(_input, call, reader) {
    const organization = organizationOf(call, reader);
    if (organization === undefined) return notInUse(call);
    return { kind: "found", resource: { ...everything(call), organization } };
  },
};

/** The organization of whoever asks from its management account. */
export const managedOrganization: Locator<InOrganization> = ofManagement((organization, _input, call) => ({
  kind: "found",
  resource: { ...everything(call), organization },
}));

/** The node that a member of the input names. */
export function node(
  member: string,
  kinds: readonly OrganizationNodeRow["kind"][],
  error: () => ServiceError,
): Locator<NodeResource> {
  return ofManagement((organization, input, call, reader) => {
    const id = String(input[member]);
    const found = reader.find("organizationNode", id);
    const { account } = call.principal;
    const isThere = found?.organization === organization.id && kinds.includes(found.kind);
    const meant = isThere ? found : { id, kind: kindOf(id) };
    const resource = { arn: nodeArn(call.partition, organization, meant), account };
    if (!isThere) return { kind: "absent", resource, error };
    return { kind: "found", resource: { ...resource, organization, node: found } };
  });
}

/** The policy that a member of the input names. */
export function controlPolicy(member: string): Locator<ControlPolicyResource> {
  return ofManagement((organization, input, call, reader) => {
    const id = String(input[member]);
    const found = findControlPolicy(organization, id, reader);
    const resource = {
      arn: controlPolicyArn(found ?? { id, type: SCP }, { partition: call.partition, organization }),
      account: call.principal.account,
    };
    if (found === undefined) return { kind: "absent", resource, error: () => new PolicyNotFoundException() };
    return { kind: "found", resource: { ...resource, organization, control: found } };
  });
}

/** A policy of an organization, or one of AWS's own. */
export function findControlPolicy(
  { id: organization }: OrganizationRow,
  id: string,
  reader: Reader,
): ControlPolicy | undefined {
  const row = reader.find("organizationPolicy", id);
  return row?.organization === organization ? row : findFullAccess(id);
}

/** Who is in no organization, or not in its management account, is told so, and nothing of what is there. */
function ofManagement<R extends InOrganization>(
  find: (organization: OrganizationRow, input: Members, call: Call, reader: Reader) => Resolution<R>,
): Locator<R> {
  return {
    resolve(input, call, reader) {
      const organization = organizationOf(call, reader);
      if (organization === undefined) return notInUse(call);
      if (organization.management_account === call.principal.account) return find(organization, input, call, reader);
      return { kind: "absent", resource: everything(call), error: () => new AccessDeniedException(NO_PERMISSION) };
    },
  };
}

function organizationOf({ principal }: Call, reader: Reader): OrganizationRow | undefined {
  const own = reader.find("organizationNode", principal.account);
  return own === undefined ? undefined : reader.find("organization", own.organization);
}

function everything({ principal }: Call): Resource {
  return { arn: "*", account: principal.account };
}

function notInUse(call: Call): Resolution<never> {
  return { kind: "absent", resource: everything(call), error: () => new AWSOrganizationsNotInUseException() };
}

function kindOf(id: string): OrganizationNodeRow["kind"] {
  return id.startsWith("r-") ? "root" : id.startsWith("ou-") ? "unit" : "account";
}
