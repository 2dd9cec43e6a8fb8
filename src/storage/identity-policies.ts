/** Rows of what hangs on users, groups and roles: inline policies, attached managed policies, tags. */

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

/** Attaches a managed policy; one that is attached already stays. */
export async function attachPolicy(tx: Tx, uniqueId: string, arn: string): Promise<void> {
  const insert = tx.db.insertInto("attached_policy").values({ unique_id: uniqueId, arn });
  await insert.onConflict((conflict) => conflict.doNothing()).execute();
  await tx.changed("identity", uniqueId);
}

/** Adds the tags of something that is new, without telling the feed. */
export async function insertIamTags(tx: Tx, owner: string, tags: readonly Tag[]): Promise<void> {
  if (tags.length === 0) return;
  const rows = tags.map(({ key, value }) => ({ owner, tag_key: key, tag_value: value }));
  await tx.db.insertInto("iam_tag").values(rows).execute();
}
