/** Rows of organizations: their trees, their control policies, and what is attached where. */

import type { Kysely } from "kysely";
import { insertIamTags } from "./identity-policies.ts";
import type {
  AccountCreationRow,
  OrganizationNodeRow,
  OrganizationPolicyRow,
  OrganizationRow,
} from "./identity-schema.ts";
import type { Slice } from "./keys.ts";
import type { Schema } from "./schema.ts";
import type { Tx } from "./store.ts";
import type { Tag } from "./tags.ts";

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

/** Which type of control policies, in which organization. */
interface PoliciesOf {
  readonly organization: string;
  readonly type: OrganizationPolicyRow["type"];
}

/**
 * Turns a type of control policies on, with one policy on every node, or off, with none of the type on any.
 *
 * @param columns says so in the organization's row
 * @param own the id of AWS's own policy of the type
 */
export async function setPolicyTypeEnabled(
  tx: Tx,
  { organization: id, type }: PoliciesOf,
  {
    columns,
    own,
    enabled,
  }: { readonly columns: Partial<OrganizationRow>; readonly own: string; readonly enabled: boolean },
): Promise<void> {
  await tx.db.updateTable("organization").set(columns).where("id", "=", id).execute();
  await tx.changed("organization", id);
  const nodes = tx.db.selectFrom("organization_node").where("organization", "=", id);
  if (enabled) {
    await tx.db
      .insertInto("organization_attachment")
      .columns(["policy_id", "target"])
      .expression(nodes.select(({ val }) => [val(own).as("policy_id"), "id"]))
      .execute();
  } else {
    const customers = tx.db
      .selectFrom("organization_policy")
      .select("id")
      .where("organization", "=", id)
      .where("type", "=", type);
    await tx.db
      .deleteFrom("organization_attachment")
      .where("target", "in", nodes.select("id"))
      .where(({ eb, or }) => or([eb("policy_id", "=", own), eb("policy_id", "in", customers)]))
      .execute();
  }
  for (const node of await nodes.select("id").execute()) await tx.changed("organizationNode", node.id);
}

/** Adds a node to a tree, with its tags. */
export async function insertNode(tx: Tx, row: OrganizationNodeRow, tags: readonly Tag[] = []): Promise<void> {
  await tx.db.insertInto("organization_node").values(row).execute();
  await insertIamTags(tx, row.id, tags);
  await tx.changed("organizationNode", row.id);
}

/** Puts a node under another one. */
export async function moveNode(tx: Tx, id: string, parent: string): Promise<void> {
  await tx.db.updateTable("organization_node").set({ parent }).where("id", "=", id).execute();
  await tx.changed("organizationNode", id);
}

/** Which nodes of an organization. */
interface NodesOf {
  readonly organization: string;
  readonly kind: OrganizationNodeRow["kind"];
  /** Only those right under this one. */
  readonly parent?: string;
}

/** Nodes of one kind in the order of their ids. */
export function listNodes(
  db: Kysely<Schema>,
  { organization, kind, parent }: NodesOf,
  { after = "", count }: Slice,
): Promise<OrganizationNodeRow[]> {
  let query = db
    .selectFrom("organization_node")
    .selectAll()
    .where("organization", "=", organization)
    .where("kind", "=", kind);
  if (parent !== undefined) query = query.where("parent", "=", parent);
  return query.where("id", ">", after).orderBy("id").limit(count).execute();
}

/** How many nodes of a kind there are. */
export async function countNodes(db: Kysely<Schema>, { organization, kind }: Omit<NodesOf, "parent">): Promise<number> {
  const { count } = await db
    .selectFrom("organization_node")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("organization", "=", organization)
    .where("kind", "=", kind)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Whether an organizational unit of this name is right under a parent. */
export async function hasUnit(
  db: Kysely<Schema>,
  { organization, parent, name }: { readonly organization: string; readonly parent: string; readonly name: string },
): Promise<boolean> {
  const row = await db
    .selectFrom("organization_node")
    .select("id")
    .where("organization", "=", organization)
    .where("parent", "=", parent)
    .where("kind", "=", "unit")
    .where("name", "=", name)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether an account of any organization has this email address, which differs in more than case from all others. */
export async function hasEmail(db: Kysely<Schema>, email: string): Promise<boolean> {
  const row = await db
    .selectFrom("organization_node")
    .select("id")
    .where("kind", "=", "account")
    .where(({ fn }) => fn<string>("lower", ["email"]), "=", email.toLowerCase())
    .executeTakeFirst();
  return row !== undefined;
}

/** Adds a control policy with its tags. */
export async function insertControlPolicy(tx: Tx, row: OrganizationPolicyRow, tags: readonly Tag[]): Promise<void> {
  await tx.db.insertInto("organization_policy").values(row).execute();
  await insertIamTags(tx, row.id, tags);
  await tx.changed("organizationPolicy", row.id);
}

/** Changes what a control policy is called and says. */
export async function updateControlPolicy(
  tx: Tx,
  id: string,
  columns: Pick<OrganizationPolicyRow, "name" | "description" | "content">,
): Promise<void> {
  await tx.db.updateTable("organization_policy").set(columns).where("id", "=", id).execute();
  await tx.changed("organizationPolicy", id);
}

/** Removes a control policy that is attached to nothing. */
export async function deleteControlPolicy(tx: Tx, id: string): Promise<void> {
  await tx.db.deleteFrom("organization_policy").where("id", "=", id).execute();
  await tx.db.deleteFrom("iam_tag").where("owner", "=", id).execute();
  await tx.changed("organizationPolicy", id);
}

/** Control policies of one type in the order of their ids. */
export function listControlPolicies(
  db: Kysely<Schema>,
  { organization, type }: PoliciesOf,
  { after = "", count }: Slice,
): Promise<OrganizationPolicyRow[]> {
  return db
    .selectFrom("organization_policy")
    .selectAll()
    .where("organization", "=", organization)
    .where("type", "=", type)
    .where("id", ">", after)
    .orderBy("id")
    .limit(count)
    .execute();
}

/** How many control policies of one type there are. */
export async function countControlPolicies(db: Kysely<Schema>, { organization, type }: PoliciesOf): Promise<number> {
  const { count } = await db
    .selectFrom("organization_policy")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("organization", "=", organization)
    .where("type", "=", type)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** The id of the control policy of one type that has this name. */
export async function findControlPolicyByName(
  db: Kysely<Schema>,
  { organization, type }: PoliciesOf,
  name: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom("organization_policy")
    .select("id")
    .where("organization", "=", organization)
    .where("type", "=", type)
    .where("name", "=", name)
    .executeTakeFirst();
  return row?.id;
}

/** Attaches a policy to a node; one that is attached already stays. */
export async function attachControlPolicy(tx: Tx, policyId: string, target: string): Promise<void> {
  await tx.db
    .insertInto("organization_attachment")
    .values({ policy_id: policyId, target })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx.changed("organizationNode", target);
}

/** Takes a policy off a node. */
export async function detachControlPolicy(tx: Tx, policyId: string, target: string): Promise<void> {
  await tx.db
    .deleteFrom("organization_attachment")
    .where("policy_id", "=", policyId)
    .where("target", "=", target)
    .execute();
  await tx.changed("organizationNode", target);
}

/** The nodes of one organization that a policy is attached to, in the order of their ids. */
export function listTargets(
  db: Kysely<Schema>,
  { organization, policyId }: { readonly organization: string; readonly policyId: string },
  { after = "", count }: Slice,
): Promise<OrganizationNodeRow[]> {
  return db
    .selectFrom("organization_attachment")
    .innerJoin("organization_node", "organization_node.id", "organization_attachment.target")
    .selectAll("organization_node")
    .where("policy_id", "=", policyId)
    .where("organization", "=", organization)
    .where("id", ">", after)
    .orderBy("id")
    .limit(count)
    .execute();
}

/** Adds how the making of an account went. */
export async function insertAccountCreation(tx: Tx, row: AccountCreationRow): Promise<void> {
  await tx.db.insertInto("account_creation").values(row).execute();
}

/** How the making of an account went, by the id of its request. */
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
