/** The shapes of the Organizations API, typed by AWS's own client, and how rows become them. */

import type {
  Account,
  CreateAccountStatus,
  Organization,
  OrganizationalUnit,
  Organizations,
  Parent,
  PolicySummary,
  PolicyTargetSummary,
  PolicyTypeSummary,
  Root,
} from "@aws-sdk/client-organizations";
import { controlPolicyArn, organizationPath } from "../../access/sources.ts";
import { type ControlPolicy, enabledTypes, findFullAccess, SCP } from "../../identity/control-policies.ts";
import type { InputOf, OperationsOf, OutputOf } from "../../pipeline/client-types.ts";
import type { AccountCreationRow, OrganizationNodeRow, OrganizationRow } from "../../storage/identity-schema.ts";
import type { Reader } from "../../storage/store.ts";

/** Operations of the Organizations API, by their names on the wire; some of them are not served. */
export type OperationName = OperationsOf<Organizations>;
export type Input<N extends OperationName> = InputOf<Organizations, N>;
export type Output<N extends OperationName> = OutputOf<Organizations, N>;

type Node = Pick<OrganizationNodeRow, "id" | "kind">;
type Tree = Pick<OrganizationRow, "id" | "management_account">;

const ARN_TYPES = { root: "root", unit: "ou", account: "account" } as const;

/** Such as `arn:aws:organizations::111122223333:ou/o-a1b2c3d4e5/ou-ab12-11111111`: the account is the management account. */
export function nodeArn(partition: string, organization: Tree, { id, kind }: Node): string {
  return arnOf(partition, organization, `${ARN_TYPES[kind]}/${organization.id}/${id}`);
}

function arnOf(partition: string, { management_account }: Tree, resource: string): string {
  return `arn:${partition}:organizations::${management_account}:${resource}`;
}

/**
 * Without the email address of the management account, which nobody has told us. `AvailablePolicyTypes` is deprecated and tells
 * of service control policies alone (API reference, Organization).
 */
export function describeOrganization(partition: string, row: OrganizationRow): Organization {
  const management = { id: row.management_account, kind: "account" } as const;
  return {
    Id: row.id,
    Arn: arnOf(partition, row, `organization/${row.id}`),
    FeatureSet: row.feature_set,
    MasterAccountArn: nodeArn(partition, row, management),
    MasterAccountId: row.management_account,
    AvailablePolicyTypes: row.feature_set === "ALL" ? [enabled(SCP)] : [],
  };
}

/** The one root. */
export function describeRoot(partition: string, row: OrganizationRow): Root {
  const root = { id: row.root_id, kind: "root" } as const;
  return {
    Id: row.root_id,
    Arn: nodeArn(partition, row, root),
    Name: "Root",
    PolicyTypes: enabledTypes(row).map(enabled),
  };
}

function enabled(Type: ControlPolicy["type"]): PolicyTypeSummary {
  return { Type, Status: "ENABLED" };
}

/** Such as `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`. */
function pathOf({ id, organization }: OrganizationNodeRow, reader: Reader): string {
  const ids = organizationPath(id, reader).map((node) => node.id);
  return `${[organization, ...ids.reverse()].join("/")}/`;
}

/** An account; none is ever suspended or closed here. */
export function describeAccount(
  partition: string,
  row: OrganizationRow,
  node: OrganizationNodeRow,
  reader: Reader,
): Account {
  return {
    Id: node.id,
    Arn: nodeArn(partition, row, node),
    Email: node.email ?? undefined,
    Name: node.name,
    Status: "ACTIVE",
    State: "ACTIVE",
    Paths: [pathOf(node, reader)],
    JoinedMethod: node.joined_method ?? undefined,
    JoinedTimestamp: new Date(node.joined_at),
  };
}

/** An organizational unit. */
export function describeUnit(
  partition: string,
  row: OrganizationRow,
  node: OrganizationNodeRow,
  reader: Reader,
): OrganizationalUnit {
  return { Id: node.id, Arn: nodeArn(partition, row, node), Name: node.name, Path: pathOf(node, reader) };
}

/** What an account or unit is right under, by its id. */
export function describeParent(id: string): Parent {
  return { Id: id, Type: id.startsWith("r-") ? "ROOT" : "ORGANIZATIONAL_UNIT" };
}

/** A policy without its content. */
export function summaryOf(
  partition: string,
  row: OrganizationRow,
  { id, type, name, description }: Omit<ControlPolicy, "document">,
): PolicySummary {
  return {
    Id: id,
    Arn: controlPolicyArn({ id, type }, { partition, organization: row }),
    Name: name,
    Description: description,
    Type: type,
    AwsManaged: findFullAccess(id) !== undefined,
  };
}

const TARGET_TYPES = { root: "ROOT", unit: "ORGANIZATIONAL_UNIT", account: "ACCOUNT" } as const;

/** What a policy is attached to. */
export function describeTarget(
  partition: string,
  row: OrganizationRow,
  node: OrganizationNodeRow,
): PolicyTargetSummary {
  return { TargetId: node.id, Arn: nodeArn(partition, row, node), Name: node.name, Type: TARGET_TYPES[node.kind] };
}

/** How the making of an account went. */
export function describeCreation(row: AccountCreationRow): CreateAccountStatus {
  return {
    Id: row.id,
    AccountName: row.name,
    State: row.state,
    RequestedTimestamp: new Date(row.requested_at),
    CompletedTimestamp: row.completed_at === null ? undefined : new Date(row.completed_at),
    AccountId: row.account ?? undefined,
    FailureReason: (row.failure ?? undefined) as CreateAccountStatus["FailureReason"],
  };
}
