/** Rows of customers' managed policies, their versions, and where managed policies are used. */

import type { Kysely } from "kysely";
import { beyond } from "./identities.ts";
import { insertIamTags } from "./identity-policies.ts";
import type { IdentityRow, ManagedPolicyRow, PolicyVersionRow } from "./identity-schema.ts";
import type { Slice } from "./keys.ts";
import type { Schema } from "./schema.ts";
import type { Tx } from "./store.ts";
import type { Tag } from "./tags.ts";

/**
 * Adds a managed policy with its first version.
 *
 * @returns false, with nothing changed, when the account has one of that name, whatever its path
 */
export async function insertManagedPolicy(
  tx: Tx,
  row: ManagedPolicyRow,
  { document, tags }: { readonly document: string; readonly tags: readonly Tag[] },
): Promise<boolean> {
  const insert = tx.db
    .insertInto("managed_policy")
    .values(row)
    .onConflict((conflict) => conflict.doNothing());
  const { numInsertedOrUpdatedRows } = await insert.executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) return false;
  const { arn, default_version: version, created_at } = row;
  await tx.db.insertInto("policy_version").values({ arn, version, document, created_at }).execute();
  await insertIamTags(tx, arn, tags);
  await tx.changed("managedPolicy", arn);
  return true;
}

/** Adds a version with the next number, and makes it the default one if asked to. Returns its number. */
export async function insertPolicyVersion(
  tx: Tx,
  { arn, newest_version }: ManagedPolicyRow,
  { document, isDefault, now }: { readonly document: string; readonly isDefault: boolean; readonly now: number },
): Promise<number> {
  const version = newest_version + 1;
  await tx.db.insertInto("policy_version").values({ arn, version, document, created_at: now }).execute();
  await tx.db
    .updateTable("managed_policy")
    .set({ newest_version: version, updated_at: now, ...(isDefault && { default_version: version }) })
    .where("arn", "=", arn)
    .execute();
  await tx.changed("managedPolicy", arn);
  return version;
}

export async function setDefaultVersion(tx: Tx, arn: string, version: number, now: number): Promise<void> {
  const update = tx.db.updateTable("managed_policy").set({ default_version: version, updated_at: now });
  await update.where("arn", "=", arn).execute();
  await tx.changed("managedPolicy", arn);
}

/** Removes a version that is not the default one: nothing decides by it. */
export async function deletePolicyVersion(tx: Tx, arn: string, version: number, now: number): Promise<void> {
  await tx.db.deleteFrom("policy_version").where("arn", "=", arn).where("version", "=", version).execute();
  await tx.db.updateTable("managed_policy").set({ updated_at: now }).where("arn", "=", arn).execute();
  await tx.changed("managedPolicy", arn);
}

/** Removes a policy with all its versions and tags; nothing uses it. */
export async function deleteManagedPolicy(tx: Tx, arn: string): Promise<void> {
  await tx.db.deleteFrom("managed_policy").where("arn", "=", arn).execute();
  await tx.db.deleteFrom("policy_version").where("arn", "=", arn).execute();
  await tx.db.deleteFrom("iam_tag").where("owner", "=", arn).execute();
  await tx.changed("managedPolicy", arn);
}

/** The versions of a policy, newest first. */
export async function listPolicyVersions(db: Kysely<Schema>, arn: string): Promise<PolicyVersionRow[]> {
  const query = db.selectFrom("policy_version").selectAll().where("arn", "=", arn);
  return await query.orderBy("version", "desc").execute();
}

export async function findPolicyVersion(
  db: Kysely<Schema>,
  arn: string,
  version: number,
): Promise<PolicyVersionRow | undefined> {
  const query = db.selectFrom("policy_version").selectAll().where("arn", "=", arn).where("version", "=", version);
  return await query.executeTakeFirst();
}

/** How a managed policy may be used. */
export type PolicyUse = "attachment" | "boundary";

/** Managed policies of an account, in the order of their names (`name_key`); with `use`, only those that are used so. */
export async function listManagedPolicies(
  db: Kysely<Schema>,
  list: { readonly account: string; readonly pathPrefix?: string; readonly use?: PolicyUse },
  { after, count }: Slice,
): Promise<ManagedPolicyRow[]> {
  const { account, pathPrefix, use } = list;
  let query = db.selectFrom("managed_policy").selectAll().where("account", "=", account);
  if (pathPrefix !== undefined) query = query.where("path", ">=", pathPrefix).where("path", "<", beyond(pathPrefix));
  if (after !== undefined) query = query.where("name_key", ">", after);
  if (use !== undefined) {
    query = query.where(({ exists, selectFrom }) =>
      use === "attachment"
        ? exists(
            selectFrom("attached_policy")
              .select("attached_policy.arn")
              .whereRef("attached_policy.arn", "=", "managed_policy.arn"),
          )
        : exists(
            selectFrom("identity").select("identity.boundary").whereRef("identity.boundary", "=", "managed_policy.arn"),
          ),
    );
  }
  return await query.orderBy("name_key").limit(count).execute();
}

/** How many managed policies an account has, and how many versions of them. */
export async function countManagedPolicies(
  db: Kysely<Schema>,
  account: string,
): Promise<{ readonly policies: number; readonly versions: number }> {
  const policies = db.selectFrom("managed_policy").select(({ fn }) => fn.countAll<number>().as("count"));
  const versions = db
    .selectFrom("policy_version")
    .innerJoin("managed_policy", "managed_policy.arn", "policy_version.arn")
    .select(({ fn }) => fn.countAll<number>().as("count"));
  return {
    policies: (await policies.where("account", "=", account).executeTakeFirstOrThrow()).count,
    versions: (await versions.where("managed_policy.account", "=", account).executeTakeFirstOrThrow()).count,
  };
}

/** How often an account uses a managed policy. */
export interface PolicyUses {
  readonly attachments: number;
  readonly boundaries: number;
}

export async function countPolicyUses(db: Kysely<Schema>, account: string, arn: string): Promise<PolicyUses> {
  const attachments = db
    .selectFrom("attached_policy")
    .innerJoin("identity", "identity.unique_id", "attached_policy.unique_id")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("attached_policy.arn", "=", arn)
    .where("identity.account", "=", account);
  const boundaries = db
    .selectFrom("identity")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("boundary", "=", arn)
    .where("account", "=", account);
  return {
    attachments: (await attachments.executeTakeFirstOrThrow()).count,
    boundaries: (await boundaries.executeTakeFirstOrThrow()).count,
  };
}

/**
 * The users, groups and roles of an account that have a managed policy attached or as their boundary, in the order of their
 * unique ids.
 */
export async function listPolicyUsers(
  db: Kysely<Schema>,
  { account, arn, use }: { readonly account: string; readonly arn: string; readonly use: PolicyUse },
): Promise<IdentityRow[]> {
  if (use === "boundary") {
    const query = db.selectFrom("identity").selectAll().where("boundary", "=", arn).where("account", "=", account);
    return await query.orderBy("unique_id").execute();
  }
  const query = db
    .selectFrom("attached_policy")
    .innerJoin("identity", "identity.unique_id", "attached_policy.unique_id")
    .selectAll("identity")
    .where("attached_policy.arn", "=", arn)
    .where("identity.account", "=", account);
  return await query.orderBy("identity.unique_id").execute();
}
