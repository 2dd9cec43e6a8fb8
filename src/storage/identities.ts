/** Rows of users, groups and roles. */

import type { Kysely, Updateable } from "kysely";
import type { IdentityKind, IdentityRow, IdentityTable } from "./identity-schema.ts";
import type { Slice } from "./keys.ts";
import type { Schema } from "./schema.ts";
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

/**
 * Gives a user, group or role another name or path; whatever hangs on it stays.
 *
 * @returns false, with nothing changed, when another one of its kind has that name
 */
export async function renameIdentity(
  tx: Tx,
  row: IdentityRow,
  { name, path }: Pick<IdentityRow, "name" | "path">,
): Promise<boolean> {
  const nameKey = nameKeyOf(name);
  const taken = await tx.db
    .selectFrom("identity")
    .select("unique_id")
    .where("account", "=", row.account)
    .where("kind", "=", row.kind)
    .where("name_key", "=", nameKey)
    .where("unique_id", "!=", row.unique_id)
    .executeTakeFirst();
  if (taken !== undefined) return false;
  const update = tx.db.updateTable("identity").set({ name, name_key: nameKey, path });
  await update.where("unique_id", "=", row.unique_id).execute();
  await tx.changed("identity", row.unique_id);
  await tx.changed("identityName", row.account, row.kind, row.name_key);
  await tx.changed("identityName", row.account, row.kind, nameKey);
  return true;
}

/** Removes a user, group or role with everything that hangs on it. */
export async function deleteIdentity(tx: Tx, row: IdentityRow): Promise<void> {
  const { unique_id: id } = row;
  await tx.db.deleteFrom("identity").where("unique_id", "=", id).execute();
  await tx.db.deleteFrom("inline_policy").where("unique_id", "=", id).execute();
  await tx.db.deleteFrom("attached_policy").where("unique_id", "=", id).execute();
  await tx.db.deleteFrom("iam_tag").where("owner", "=", id).execute();
  const members = await tx.db.deleteFrom("group_member").where("group_id", "=", id).returning("user_id").execute();
  await tx.db.deleteFrom("group_member").where("user_id", "=", id).execute();
  await tx.changed("identity", id);
  await tx.changed("identityName", row.account, row.kind, row.name_key);
  for (const { user_id } of members) await tx.changed("identity", user_id);
}

/** Which users, groups or roles of an account are listed. */
export interface IdentityList {
  readonly account: string;
  readonly kind: IdentityKind;
  /** With which their paths begin; all when not given. */
  readonly pathPrefix?: string;
}

/** Users, groups or roles of an account, in the order of their names (`name_key`). */
export async function listIdentities(
  db: Kysely<Schema>,
  { account, kind, pathPrefix }: IdentityList,
  { after, count }: Slice,
): Promise<IdentityRow[]> {
  let query = db.selectFrom("identity").selectAll().where("account", "=", account).where("kind", "=", kind);
  if (pathPrefix !== undefined) query = query.where("path", ">=", pathPrefix).where("path", "<", beyond(pathPrefix));
  if (after !== undefined) query = query.where("name_key", ">", after);
  return await query.orderBy("name_key").limit(count).execute();
}

/** The first text in the order of code points that is after all that begin with `prefix`; paths are ASCII. */
export function beyond(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

export async function countIdentities(db: Kysely<Schema>, account: string, kind: IdentityKind): Promise<number> {
  const query = db.selectFrom("identity").select(({ fn }) => fn.countAll<number>().as("count"));
  return (await query.where("account", "=", account).where("kind", "=", kind).executeTakeFirstOrThrow()).count;
}

/** Puts a user into a group; one that is in it already stays. */
export async function addMember(tx: Tx, groupId: string, userId: string): Promise<void> {
  const insert = tx.db.insertInto("group_member").values({ group_id: groupId, user_id: userId });
  await insert.onConflict((conflict) => conflict.doNothing()).execute();
  await tx.changed("identity", userId);
}

/** Takes a user out of a group; one that is not in it is passed over. */
export async function removeMember(tx: Tx, groupId: string, userId: string): Promise<void> {
  const removal = tx.db.deleteFrom("group_member").where("group_id", "=", groupId).where("user_id", "=", userId);
  await removal.execute();
  await tx.changed("identity", userId);
}

/** The users of a group, in the order of their names (`name_key`). */
export async function listMembers(
  db: Kysely<Schema>,
  groupId: string,
  { after, count }: Slice,
): Promise<IdentityRow[]> {
  let query = db
    .selectFrom("group_member")
    .innerJoin("identity", "identity.unique_id", "group_member.user_id")
    .selectAll("identity")
    .where("group_member.group_id", "=", groupId);
  if (after !== undefined) query = query.where("identity.name_key", ">", after);
  return await query.orderBy("identity.name_key").limit(count).execute();
}
