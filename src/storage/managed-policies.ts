/** Rows of customers' managed policies and their versions. */

import { insertIamTags } from "./identity-policies.ts";
import type { ManagedPolicyRow } from "./identity-schema.ts";
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
