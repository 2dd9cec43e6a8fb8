/** Rows of OpenID Connect providers. */

import { insertIamTags } from "./identity-policies.ts";
import type { OidcProviderRow } from "./identity-schema.ts";
import type { Tx } from "./store.ts";
import type { Tag } from "./tags.ts";

/**
 * Adds a provider.
 *
 * @returns false, with nothing changed, when the account has one of that URL
 */
export async function insertOidcProvider(tx: Tx, row: OidcProviderRow, tags: readonly Tag[]): Promise<boolean> {
  const insert = tx.db
    .insertInto("oidc_provider")
    .values(row)
    .onConflict((conflict) => conflict.doNothing());
  const { numInsertedOrUpdatedRows } = await insert.executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) return false;
  await insertIamTags(tx, row.arn, tags);
  return true;
}
