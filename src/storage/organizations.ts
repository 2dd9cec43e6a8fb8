/** Rows of organizations: their trees, their service control policies, and what is attached where. */

import type { Kysely } from "kysely";
import type {
  AccountCreationRow,
  OrganizationNodeRow,
  OrganizationPolicyRow,
  OrganizationRow,
} from "./identity-schema.ts";
import type { Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Adds an organization with its root and its management account. */
export async function insertOrganization(
  tx: Tx,
  row: OrganizationRow,
  nodes: readonly OrganizationNodeRow[],
): Promise<void> {
  await tx.db.insertInto("organization").values(row).execute();
  await tx.changed("organization", row.id);
  for (const node of nodes) await insertNode(tx, node);
}

/** Turns service control policies on or off for an organization. */
export async function setScpEnabled(tx: Tx, id: string, enabled: boolean): Promise<void> {
  await tx.db
    .updateTable("organization")
    .set({ scp_enabled: enabled ? 1 : 0 })
    .where("id", "=", id)
    .execute();
  await tx.changed("organization", id);
}

export async function insertNode(tx: Tx, row: OrganizationNodeRow): Promise<void> {
  await tx.db.insertInto("organization_node").values(row).execute();
  await tx.changed("organizationNode", row.id);
}

/** Puts a node under another one. */
export async function moveNode(tx: Tx, id: string, parent: string): Promise<void> {
  await tx.db.updateTable("organization_node").set({ parent }).where("id", "=", id).execute();
  await tx.changed("organizationNode", id);
}

/** Nodes of an organization in the order of their ids: all of them, or those of a kind, or under a parent. */
export function listNodes(
  db: Kysely<Schema>,
  organization: string,
  of: { readonly parent?: string; readonly kind?: OrganizationNodeRow["kind"] } = {},
): Promise<OrganizationNodeRow[]> {
  let query = db.selectFrom("organization_node").selectAll().where("organization", "=", organization);
  if (of.parent !== undefined) query = query.where("parent", "=", of.parent);
  if (of.kind !== undefined) query = query.where("kind", "=", of.kind);
  return query.orderBy("id").execute();
}

export async function insertPolicy(tx: Tx, row: OrganizationPolicyRow): Promise<void> {
  await tx.db.insertInto("organization_policy").values(row).execute();
  await tx.changed("organizationPolicy", row.id);
}

export async function updatePolicy(
  tx: Tx,
  id: string,
  columns: Pick<OrganizationPolicyRow, "name" | "description" | "content">,
): Promise<void> {
  await tx.db.updateTable("organization_policy").set(columns).where("id", "=", id).execute();
  await tx.changed("organizationPolicy", id);
}

export async function deletePolicy(tx: Tx, id: string): Promise<void> {
  await tx.db.deleteFrom("organization_policy").where("id", "=", id).execute();
  await tx.changed("organizationPolicy", id);
}

/** The policies of an organization in the order of their ids. */
export function listPolicies(db: Kysely<Schema>, organization: string): Promise<OrganizationPolicyRow[]> {
  return db
    .selectFrom("organization_policy")
    .selectAll()
    .where("organization", "=", organization)
    .orderBy("id")
    .execute();
}

export async function attachPolicy(tx: Tx, policy_id: string, target: string): Promise<void> {
  await tx.db
    .insertInto("organization_attachment")
    .values({ policy_id, target })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx.changed("organizationNode", target);
}

export async function detachPolicy(tx: Tx, policyId: string, target: string): Promise<void> {
  await tx.db
    .deleteFrom("organization_attachment")
    .where("policy_id", "=", policyId)
    .where("target", "=", target)
    .execute();
  await tx.changed("organizationNode", target);
}

/** Ids of the nodes of one organization that a policy is attached to. */
export async function listTargets(db: Kysely<Schema>, organization: string, policyId: string): Promise<string[]> {
  const rows = await db
    .selectFrom("organization_attachment")
    .innerJoin("organization_node", "organization_node.id", "organization_attachment.target")
    .select("target")
    .where("policy_id", "=", policyId)
    .where("organization", "=", organization)
    .orderBy("target")
    .execute();
  return rows.map(({ target }) => target);
}

export async function insertAccountCreation(tx: Tx, row: AccountCreationRow): Promise<void> {
  await tx.db.insertInto("account_creation").values(row).execute();
}

export function findAccountCreation(
  db: Kysely<Schema>,
  organization: string,
  id: string,
): Promise<AccountCreationRow | undefined> {
  return db
    .selectFrom("account_creation")
    .selectAll()
    .where("organization", "=", organization)
    .where("id", "=", id)
    .executeTakeFirst();
}
