/** Rows of users, groups and roles. */

import type { Updateable } from "kysely";
import type { IdentityRow, IdentityTable } from "./identity-schema.ts";
import type { Tx } from "./store.ts";

/** The form in which names are compared: those that differ in case alone are the same name. */
export function nameKeyOf(name: string): string {
  return name.toLowerCase();
}

/**
 * Adds a user, group or role.
 *
 * @returns false, with nothing changed, when the account has one of that kind and name
 */
export async function insertIdentity(tx: Tx, row: IdentityRow): Promise<boolean> {
  const insert = tx.db
    .insertInto("identity")
    .values(row)
    .onConflict((conflict) => conflict.doNothing());
  const { numInsertedOrUpdatedRows } = await insert.executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) return false;
  await tx.changed("identity", row.unique_id);
  await tx.changed("identityName", row.account, row.kind, row.name_key);
  return true;
}

/** Changes columns of a user, group or role that exists. */
export async function updateIdentity(
  tx: Tx,
  uniqueId: string,
  columns: Pick<
    Updateable<IdentityTable>,
    "boundary" | "trust_policy" | "trust_principals" | "description" | "max_session_seconds"
  >,
): Promise<void> {
  await tx.db.updateTable("identity").set(columns).where("unique_id", "=", uniqueId).execute();
  await tx.changed("identity", uniqueId);
}
