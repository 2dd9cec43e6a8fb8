/** Rows of tags. */

import type { Kysely } from "kysely";
import type { KeyName, Slice } from "./keys.ts";
import type { Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** The first key that a list has twice, to the letter. */
export function repeatedKey(tags: readonly Tag[]): string | undefined {
  return tags.find(({ key }, index) => tags.findIndex((other) => other.key === key) < index)?.key;
}

/** Adds tags, and replaces the values of those that are there. Their keys differ. */
export async function upsertTags(tx: Tx, { region, keyId }: KeyName, tags: readonly Tag[]): Promise<void> {
  if (tags.length === 0) return;
  const rows = tags.map(({ key, value }) => ({ region, key_id: keyId, tag_key: key, tag_value: value }));
  await tx.db
    .insertInto("tag")
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(["region", "key_id", "tag_key"])
        .doUpdateSet(({ ref }) => ({ tag_value: ref("excluded.tag_value") })),
    )
    .execute();
  await tx.changed("keyLabels", region, keyId);
}

/** Removes tags by key; those that are not there are passed over. */
export async function removeTags(tx: Tx, { region, keyId }: KeyName, keys: readonly string[]): Promise<void> {
  const removal = tx.db.deleteFrom("tag").where("region", "=", region).where("key_id", "=", keyId);
  await removal.where("tag_key", "in", keys).execute();
  await tx.changed("keyLabels", region, keyId);
}

export async function deleteTagsOfKey(tx: Tx, { region, keyId }: KeyName): Promise<void> {
  await tx.db.deleteFrom("tag").where("region", "=", region).where("key_id", "=", keyId).execute();
}

/** Tags of a key in the order of their keys. */
export async function listTags(
  db: Kysely<Schema>,
  { region, keyId }: KeyName,
  { after, count }: Slice,
): Promise<Tag[]> {
  let query = db.selectFrom("tag").select(["tag_key as key", "tag_value as value"]);
  query = query.where("region", "=", region).where("key_id", "=", keyId);
  if (after !== undefined) query = query.where("tag_key", ">", after);
  return await query.orderBy("tag_key").limit(count).execute();
}

export async function countTags(tx: Tx, { region, keyId }: KeyName): Promise<number> {
  const query = tx.db.selectFrom("tag").select(({ fn }) => fn.countAll<number>().as("count"));
  const { count } = await query.where("region", "=", region).where("key_id", "=", keyId).executeTakeFirstOrThrow();
  return count;
}
