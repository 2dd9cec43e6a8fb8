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

/**
 * Adds tags to a user or role, and replaces those whose keys are the same but for case, as IAM does. The keys of the list
 * differ in more than case.
 */
export async function putIdentityTags(tx: Tx, uniqueId: string, tags: readonly Tag[]): Promise<void> {
  const names = new Set(tags.map(({ key }) => key.toLowerCase()));
  const there = await listIamTags(tx.db, uniqueId);
  await removeRows(
    tx,
    uniqueId,
    there.flatMap(({ key }) => (names.has(key.toLowerCase()) ? [key] : [])),
  );
  await insertIamTags(tx, uniqueId, tags);
  await tx.changed("identity", uniqueId);
}

/** Removes tags by key, whatever its case; those that are not there are passed over. */
export async function removeIdentityTags(tx: Tx, uniqueId: string, keys: readonly string[]): Promise<void> {
  const names = new Set(keys.map((key) => key.toLowerCase()));
  const there = await listIamTags(tx.db, uniqueId);
  await removeRows(
    tx,
    uniqueId,
    there.flatMap(({ key }) => (names.has(key.toLowerCase()) ? [key] : [])),
  );
  await tx.changed("identity", uniqueId);
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
