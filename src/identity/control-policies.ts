/** The policies by which an organization limits its accounts: what their callers may do, and what may be done to their resources. */

import type { OrganizationPolicyRow, OrganizationRow } from "../storage/identity-schema.ts";

/** As the Organizations API names them. */
export type ControlPolicyType = OrganizationPolicyRow["type"];

/** What callers of an account may do at the most. */
export const SCP = "SERVICE_CONTROL_POLICY" satisfies ControlPolicyType;
/** What anybody may do at the most to an account's resources. */
export const RCP = "RESOURCE_CONTROL_POLICY" satisfies ControlPolicyType;

/** In the order in which answers list them. */
export const CONTROL_POLICY_TYPES: readonly ControlPolicyType[] = [RCP, SCP];

/** A policy of an organization, a customer's or AWS's own. */
export interface ControlPolicy {
  readonly id: string;
  readonly type: ControlPolicyType;
  readonly name: string;
  readonly description: string;
  readonly document: string;
}

function documentOf(statement: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] }, null, 2);
}

/** AWS's own: every root, unit and account of an organization begins with that of each type that is turned on. */
export const FULL_ACCESS: Readonly<Record<ControlPolicyType, ControlPolicy>> = {
  SERVICE_CONTROL_POLICY: {
    id: "p-FullAWSAccess",
    type: SCP,
    name: "FullAWSAccess",
    description: "Allows access to every operation",
    document: documentOf({ Effect: "Allow", Action: "*", Resource: "*" }),
  },
  RESOURCE_CONTROL_POLICY: {
    id: "p-RCPFullAWSAccess",
    type: RCP,
    name: "RCPFullAWSAccess",
    description: "Allows access to every resource",
    document: documentOf({ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" }),
  },
};

const byId = new Map(Object.values(FULL_ACCESS).map((policy) => [policy.id, policy]));

/** One of AWS's own policies by its id, or undefined. */
export function findFullAccess(id: string): ControlPolicy | undefined {
  return byId.get(id);
}

/** The column that says whether a type is turned on for the root. */
export const ENABLED_COLUMN = {
  SERVICE_CONTROL_POLICY: "scp_enabled",
  RESOURCE_CONTROL_POLICY: "rcp_enabled",
} as const satisfies Record<ControlPolicyType, keyof OrganizationRow>;

/** Whether an organization has turned a type on. */
export function isEnabled(organization: OrganizationRow, type: ControlPolicyType): boolean {
  return organization[ENABLED_COLUMN[type]] === 1;
}

/** The types that an organization has turned on. */
export function enabledTypes(organization: OrganizationRow): readonly ControlPolicyType[] {
  return CONTROL_POLICY_TYPES.filter((type) => isEnabled(organization, type));
}
