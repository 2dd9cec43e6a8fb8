/** Service-linked roles: which services have one, who makes it, and what keeps it from being deleted. */

import { newUniqueId } from "../identity/credentials.ts";
import { insertIdentity, nameKeyOf } from "../storage/identities.ts";
import type { IdentityRow } from "../storage/identity-schema.ts";
import { listMultiRegionKeys } from "../storage/role-deletions.ts";
import type { Tx } from "../storage/store.ts";

/** Where such roles lie; nobody makes others there. */
export const LINKED_PATH = "/aws-service-role/";
/** How their names begin. */
export const LINKED_NAME_PREFIX = "AWSServiceRoleFor";

interface Template {
  /** What follows `AWSServiceRoleFor`. */
  readonly name: string;
  readonly description: string | null;
  /** Whether CreateServiceLinkedRole makes it; the others come with what they serve. */
  readonly direct: boolean;
  /** Whether there may be several, each with a suffix of its own. */
  readonly suffix: boolean;
}

/** KMS's two (KMS guide, Service-linked roles; spec 04) and those of services whose roles use keys, by service. */
const templates: ReadonlyMap<string, Template> = new Map<string, Template>([
  ["cks.kms.amazonaws.com", kms("CustomKeyStores")],
  ["mrk.kms.amazonaws.com", kms("MultiRegionKeys")],
  ["autoscaling.amazonaws.com", { name: "AutoScaling", description: null, direct: true, suffix: true }],
  ["ecs.amazonaws.com", { name: "ECS", description: null, direct: true, suffix: false }],
  [
    "elasticloadbalancing.amazonaws.com",
    { name: "ElasticLoadBalancing", description: null, direct: true, suffix: false },
  ],
  ["organizations.amazonaws.com", { name: "Organizations", description: null, direct: true, suffix: false }],
  ["rds.amazonaws.com", { name: "RDS", description: null, direct: true, suffix: false }],
  ["spot.amazonaws.com", { name: "EC2Spot", description: null, direct: true, suffix: false }],
]);

function kms(what: string): Template {
  return { name: `KeyManagementService${what}`, description: null, direct: false, suffix: false };
}

/** The template of a service's role that a user may make, or undefined. */
export function findDirectTemplate(service: string): Template | undefined {
  const template = templates.get(service);
  return template?.direct === true ? template : undefined;
}

export function linkedRoleName({ name }: Template, suffix?: string): string {
  return `${LINKED_NAME_PREFIX}${name}${suffix === undefined ? "" : `_${suffix}`}`;
}

/** The row of a service-linked role; only its service may assume it. */
export function linkedRole(role: {
  readonly account: string;
  readonly service: string;
  readonly name: string;
  readonly description: string | null;
  readonly now: number;
}): IdentityRow {
  const { account, service, name, description, now } = role;
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
  };
  return {
    unique_id: newUniqueId("AROA"),
    account,
    kind: "role",
    name,
    name_key: nameKeyOf(name),
    path: `${LINKED_PATH}${service}/`,
    created_at: now,
    boundary: null,
    trust_policy: JSON.stringify(trust),
    trust_principals: "{}",
    description,
    max_session_seconds: 3600,
    linked_service: service,
  };
}

/**
 * Sees to it that an account has the role of a service: KMS makes its two with the first custom key store and the first
 * multi-Region primary key (KMS guide, Service-linked roles).
 *
 * @throws Error no template has that service: our bug
 */
export async function ensureLinkedRole(
  tx: Tx,
  { account, service, now }: { readonly account: string; readonly service: string; readonly now: number },
): Promise<void> {
  const template = templates.get(service);
  if (template === undefined) throw new Error(`No service-linked role of ${service} is known.`);
  const name = linkedRoleName(template);
  await insertIdentity(tx, linkedRole({ account, service, name, description: template.description, now }));
}

/** What uses a service-linked role, as GetServiceLinkedRoleDeletionStatus tells it. */
export interface RoleUsage {
  readonly Region: string;
  readonly Resources: string[];
}

/** What uses the role of a service in an account: for KMS's role of multi-Region keys those keys, in every Region. */
export async function usesOfLinkedRole(tx: Tx, account: string, service: string): Promise<RoleUsage[]> {
  if (service !== "mrk.kms.amazonaws.com") return [];
  const keys = await listMultiRegionKeys(tx.db, account);
  const byRegion = Map.groupBy(keys, ({ region }) => region);
  return [...byRegion].map(([Region, found]) => ({
    Region,
    Resources: found.map(({ partition, key_id }) => `arn:${partition}:kms:${Region}:${account}:key/${key_id}`),
  }));
}
