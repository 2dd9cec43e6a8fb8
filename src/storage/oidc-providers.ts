/** Rows of OpenID Connect providers. */

import type { Kysely } from "kysely";
import { insertIamTags } from "./identity-policies.ts";
import type { OidcProviderRow } from "./identity-schema.ts";
import type { Schema } from "./schema.ts";
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

/** Changes the thumbprints or the client ids of a provider that is there. */
export async function updateOidcProvider(
  tx: Tx,
  arn: string,
  changed: Partial<Pick<OidcProviderRow, "client_ids" | "thumbprints">>,
): Promise<void> {
  await tx.db.updateTable("oidc_provider").set(changed).where("arn", "=", arn).execute();
}

/** Removes a provider; returns false when there is none of that ARN. */
export async function deleteOidcProvider(tx: Tx, arn: string): Promise<boolean> {
  await tx.db.deleteFrom("iam_tag").where("owner", "=", arn).execute();
  const { numDeletedRows } = await tx.db.deleteFrom("oidc_provider").where("arn", "=", arn).executeTakeFirstOrThrow();
  return numDeletedRows === 1n;
}

export async function findOidcProvider(db: Kysely<Schema>, arn: string): Promise<OidcProviderRow | undefined> {
  return await db.selectFrom("oidc_provider").selectAll().where("arn", "=", arn).executeTakeFirst();
}

/** All providers of an account in the order of their ARNs. */
export async function listOidcProviders(db: Kysely<Schema>, account: string): Promise<OidcProviderRow[]> {
  return await db.selectFrom("oidc_provider").selectAll().where("account", "=", account).orderBy("arn").execute();
}
