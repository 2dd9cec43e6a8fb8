/** Rows of what hangs on users, groups and roles: inline policies, attached managed policies, tags. */

import type { Kysely } from "kysely";
import type { Schema } from "./schema.ts";
import type { Tx } from "./store.ts";
import type { Tag } from "./tags.ts";

/** Adds an inline policy, or replaces the one of that name. */
export async function putInlinePolicy(
  tx: Tx,
  uniqueId: string,
  { name, document }: { readonly name: string; readonly document: string },
): Promise<void> {
  await tx.db
    .insertInto("inline_policy")
    .values({ unique_id: uniqueId, name, document })
    .onConflict((conflict) => conflict.columns(["unique_id", "name"]).doUpdateSet({ document }))
    .execute();
  await tx.changed("identity", uniqueId);
}

export async function deleteInlinePolicy(tx: Tx, uniqueId: string, name: string): Promise<void> {
  await tx.db.deleteFrom("inline_policy").where("unique_id", "=", uniqueId).where("name", "=", name).execute();
  await tx.changed("identity", uniqueId);
}

/** Attaches a managed policy; one that is attached already stays. */
export async function attachPolicy(tx: Tx, uniqueId: string, arn: string): Promise<void> {
  const insert = tx.db.insertInto("attached_policy").values({ unique_id: uniqueId, arn });
  await insert.onConflict((conflict) => conflict.doNothing()).execute();
  await tx.changed("identity", uniqueId);
}

export async function detachPolicy(tx: Tx, uniqueId: string, arn: string): Promise<void> {
  await tx.db.deleteFrom("attached_policy").where("unique_id", "=", uniqueId).where("arn", "=", arn).execute();
  await tx.changed("identity", uniqueId);
}

/** Whose tags: a user or role by its unique id, a managed policy or a provider by its ARN. */
export interface TagOwner {
  readonly kind: "identity" | "managedPolicy" | "oidcProvider";
  readonly id: string;
}

/**
 * Adds tags, and replaces those whose keys are the same; of users and roles they are when they differ in case alone. So are
 * the keys of the list, which differ.
 */
export async function putIamTags(tx: Tx, owner: TagOwner, tags: readonly Tag[]): Promise<void> {
  await removeIamTags(
    tx,
    owner,
    tags.map(({ key }) => key),
  );
  await insertIamTags(tx, owner.id, tags);
}

/** Removes tags by key, of users and roles whatever its case; those that are not there are passed over. */
export async function removeIamTags(tx: Tx, owner: TagOwner, keys: readonly string[]): Promise<void> {
  const fold = (key: string): string => (owner.kind === "identity" ? key.toLowerCase() : key);
  const names = new Set(keys.map(fold));
  const there = await listIamTags(tx.db, owner.id);
  await removeRows(
    tx,
    owner.id,
    there.flatMap(({ key }) => (names.has(fold(key)) ? [key] : [])),
  );
  // Providers are not in the view: nobody has to be told.
  if (owner.kind !== "oidcProvider") await tx.changed(owner.kind, owner.id);
}

async function removeRows(tx: Tx, owner: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.db.deleteFrom("iam_tag").where("owner", "=", owner).where("tag_key", "in", keys).execute();
}

/** Adds the tags of something that is new, without telling the feed. */
export async function insertIamTags(tx: Tx, owner: string, tags: readonly Tag[]): Promise<void> {
  if (tags.length === 0) return;
  const rows = tags.map(({ key, value }) => ({ owner, tag_key: key, tag_value: value }));
  await tx.db.insertInto("iam_tag").values(rows).execute();
}

/** The tags of an IAM resource in the order of their keys. */
export async function listIamTags(db: Kysely<Schema>, owner: string): Promise<Tag[]> {
  const query = db.selectFrom("iam_tag").select(["tag_key as key", "tag_value as value"]);
  return await query.where("owner", "=", owner).orderBy("tag_key").execute();
}
