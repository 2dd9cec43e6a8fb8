/** What decisions read of identities, policies and organizations: each name's rows gathered into one. */

import type { Kysely } from "kysely";
import type { IdentityRow, ManagedPolicyRow, OrganizationNodeRow, OrganizationPolicyRow } from "./identity-schema.ts";
import type { Schema } from "./schema.ts";
import type { Tag } from "./tags.ts";

/** The text of a policy. */
export interface PolicyText {
  readonly document: string;
}

/** A managed policy of a customer: the text of its default version, and its tags. */
export interface ManagedPolicy extends ManagedPolicyRow, PolicyText {
  readonly tags: readonly Tag[];
}

/** A user, group or role with what hangs on it; a user's groups are names to be followed. */
export interface Identity extends IdentityRow {
  readonly inline: readonly { readonly name: string; readonly document: string }[];
  /** ARNs of managed policies, AWS's among them. */
  readonly attached: readonly string[];
  /** Unique ids. */
  readonly groups: readonly string[];
  readonly tags: readonly Tag[];
}

/** A node of an organization's tree with the ids of the control policies on it. */
export interface OrganizationNode extends OrganizationNodeRow {
  readonly policies: readonly string[];
}

/** A control policy of a customer. */
export interface OrganizationPolicy extends PolicyText, Omit<OrganizationPolicyRow, "content"> {}

/** What a key is called and tagged. */
export interface KeyLabels {
  /** With their prefix `alias/`. */
  readonly aliases: readonly string[];
  readonly tags: readonly Tag[];
}

/** Reads one user, group or role, or undefined when there is none. */
export async function loadIdentity(db: Kysely<Schema>, uniqueId: string): Promise<Identity | undefined> {
  const row = await db.selectFrom("identity").selectAll().where("unique_id", "=", uniqueId).executeTakeFirst();
  if (row === undefined) return undefined;
  const inline = await db
    .selectFrom("inline_policy")
    .select(["name", "document"])
    .where("unique_id", "=", uniqueId)
    .orderBy("name")
    .execute();
  const attached = await db
    .selectFrom("attached_policy")
    .select("arn")
    .where("unique_id", "=", uniqueId)
    .orderBy("arn")
    .execute();
  const groups = await db
    .selectFrom("group_member")
    .select("group_id")
    .where("user_id", "=", uniqueId)
    .orderBy("group_id")
    .execute();
  const tags = await db
    .selectFrom("iam_tag")
    .select(["tag_key as key", "tag_value as value"])
    .where("owner", "=", uniqueId)
    .orderBy("tag_key")
    .execute();
  return {
    ...row,
    inline,
    attached: attached.map(({ arn }) => arn),
    groups: groups.map(({ group_id }) => group_id),
    tags,
  };
}

/** Reads a managed policy of a customer with its default version. */
export async function loadManagedPolicy(db: Kysely<Schema>, arn: string): Promise<ManagedPolicy | undefined> {
  const row = await db
    .selectFrom("managed_policy")
    .innerJoin("policy_version", (join) =>
      join
        .onRef("policy_version.arn", "=", "managed_policy.arn")
        .onRef("policy_version.version", "=", "managed_policy.default_version"),
    )
    .selectAll("managed_policy")
    .select("policy_version.document as document")
    .where("managed_policy.arn", "=", arn)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const tags = await db
    .selectFrom("iam_tag")
    .select(["tag_key as key", "tag_value as value"])
    .where("owner", "=", arn)
    .orderBy("tag_key")
    .execute();
  return { ...row, tags };
}

/** Reads a node of an organization's tree and what is attached to it. */
export async function loadOrganizationNode(db: Kysely<Schema>, id: string): Promise<OrganizationNode | undefined> {
  const row = await db.selectFrom("organization_node").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) return undefined;
  const attached = await db
    .selectFrom("organization_attachment")
    .select("policy_id")
    .where("target", "=", id)
    .orderBy("policy_id")
    .execute();
  return { ...row, policies: attached.map(({ policy_id }) => policy_id) };
}

/** Reads the aliases and tags of a key; of one that is not there, none. */
export async function loadKeyLabels(db: Kysely<Schema>, region: string, keyId: string): Promise<KeyLabels> {
  const aliases = await db
    .selectFrom("alias")
    .select("name")
    .where("region", "=", region)
    .where("key_id", "=", keyId)
    .orderBy("name")
    .execute();
  const tags = await db
    .selectFrom("tag")
    .select(["tag_key as key", "tag_value as value"])
    .where("region", "=", region)
    .where("key_id", "=", keyId)
    .orderBy("tag_key")
    .execute();
  return { aliases: aliases.map(({ name }) => name), tags };
}
