/** Rows of grants. */

import { type Kysely, sql } from "kysely";
import type { KeyName, Slice } from "./keys.ts";
import type { GrantRow, Schema } from "./schema.ts";
import type { Tx } from "./store.ts";

/** Adds a grant. Throws when the Region has a grant of that id. */
export async function insertGrant(tx: Tx, row: GrantRow): Promise<void> {
  await tx.db.insertInto("grant").values(row).execute();
  await tx.changed("grant", row.region, row.grant_id);
  await tx.changed("granted", row.region, row.key_id, row.grantee);
  await addToCount(tx, row, 1);
}

/** Removes a grant that exists. */
export async function deleteGrant(tx: Tx, row: GrantRow): Promise<void> {
  const { region, grant_id, key_id, grantee } = row;
  await tx.db.deleteFrom("grant").where("region", "=", region).where("grant_id", "=", grant_id).execute();
  await tx.changed("grant", region, grant_id);
  await tx.changed("granted", region, key_id, grantee);
  await addToCount(tx, row, -1);
}

/**
 * Grants that are removed at a time: what has to be done for all of them in one go holds up whatever else a process does, until
 * its lease lapses, and PostgreSQL ends a session that says nothing inside a transaction for a while.
 */
const REMOVED_AT_ONCE = 500;

/** Removes every grant on a key, of which there may be very many. */
export async function deleteGrantsOfKey(tx: Tx, { region, keyId }: KeyName): Promise<void> {
  const grantees = new Set<string>();
  let after = "";
  for (;;) {
    const ofKey = tx.db.selectFrom("grant").where("region", "=", region).where("key_id", "=", keyId);
    const slice = ofKey.select(["grant_id", "grantee"]).where("grant_id", ">", after);
    const rows = await slice.orderBy("grant_id").limit(REMOVED_AT_ONCE).execute();
    const ids = rows.map(({ grant_id }) => grant_id);
    const [last] = ids.slice(-1);
    if (last === undefined) break;
    await tx.db.deleteFrom("grant").where("region", "=", region).where("grant_id", "in", ids).execute();
    await tx.changedAll(
      "grant",
      ids.map((id) => [region, id]),
    );
    const others = [...new Set(rows.map(({ grantee }) => grantee))].filter((grantee) => !grantees.has(grantee));
    await tx.changedAll(
      "granted",
      others.map((grantee) => [region, keyId, grantee]),
    );
    for (const grantee of others) grantees.add(grantee);
    after = last;
  }
  await tx.db.deleteFrom("grant_count").where("region", "=", region).where("key_id", "=", keyId).execute();
}

/**
 * Names a user as it is called now in every grant that means it.
 *
 * @param uniqueId `AIDA…`; roles keep their names
 * @param arnOf the user's ARN of today in a partition
 */
export async function renameParty(tx: Tx, uniqueId: string, arnOf: (partition: string) => string): Promise<void> {
  for (const row of await grantsOfUser(tx, "grantee_id", uniqueId)) {
    const { region, grant_id, key_id, partition, grantee } = row;
    const arn = arnOf(partition);
    await updateGrant(tx, row, { grantee: arn });
    await tx.changed("grant", region, grant_id);
    await tx.changed("granted", region, key_id, grantee);
    await tx.changed("granted", region, key_id, arn);
  }
  for (const row of await grantsOfUser(tx, "retirer_id", uniqueId)) {
    await updateGrant(tx, row, { retirer: arnOf(row.partition) });
    await tx.changed("grant", row.region, row.grant_id);
  }
}

/** Grants that name a user as their grantee, or as who may retire them. Only users are in the index: most grants are to roles. */
async function grantsOfUser(tx: Tx, column: "grantee_id" | "retirer_id", uniqueId: string): Promise<GrantRow[]> {
  const ofUser = tx.db.selectFrom("grant").selectAll().where(column, "=", uniqueId);
  const isUser = sql<boolean>`${sql.ref(column)} >= 'AIDA' and ${sql.ref(column)} < 'AIDB'`;
  return await ofUser.where(isUser).execute();
}

async function updateGrant(tx: Tx, { region, grant_id }: GrantRow, named: Partial<GrantRow>): Promise<void> {
  const update = tx.db.updateTable("grant").set(named).where("region", "=", region);
  await update.where("grant_id", "=", grant_id).execute();
}

/** The grants on a key that have a name, which is not empty; several may have the same. */
export async function findGrantsOfName(tx: Tx, { region, keyId }: KeyName, name: string): Promise<GrantRow[]> {
  const query = tx.db.selectFrom("grant").selectAll().where("region", "=", region).where("key_id", "=", keyId);
  return await query.where("name", "=", name).orderBy("created_at").orderBy("grant_id").execute();
}

/** Which of a key's grants are listed; all when nothing is given. */
export interface GrantFilter {
  readonly grantId?: string;
  readonly grantee?: string;
  /** The unique id of the user or role that the grantee is today: a grant to another one that had its name is none to it. */
  readonly granteeId?: string | null;
  /** Whether the grantee was given as a service principal. */
  readonly isService?: boolean;
}

/** Grants on a key in the order of their ids. */
export async function listGrantsOfKey(
  db: Kysely<Schema>,
  { region, keyId, grantId, grantee, granteeId = null, isService }: KeyName & GrantFilter,
  { after = "", count }: Slice,
): Promise<GrantRow[]> {
  let query = db.selectFrom("grant").selectAll().where("region", "=", region).where("key_id", "=", keyId);
  if (grantId !== undefined) query = query.where("grant_id", "=", grantId);
  if (grantee !== undefined) {
    query = query
      .where("grantee", "=", grantee)
      .where((row) => row.or([row("grantee_id", "is", null), row("grantee_id", "=", granteeId)]));
  }
  if (isService !== undefined) query = query.where("grantee_is_service", "=", isService ? 1 : 0);
  return await query.where("grant_id", ">", after).orderBy("grant_id").limit(count).execute();
}

/**
 * Grants of a Region that somebody is named to retire, whosever keys they are on, in the order of their ids.
 *
 * @param retirerId the unique id of the user or role of that name today, if it is one
 */
export async function listGrantsOfRetirer(
  db: Kysely<Schema>,
  {
    region,
    retirer,
    retirerId,
  }: { readonly region: string; readonly retirer: string; readonly retirerId: string | null },
  { after = "", count }: Slice,
): Promise<GrantRow[]> {
  const query = db
    .selectFrom("grant")
    .selectAll()
    .where("region", "=", region)
    .where("retirer", "=", retirer)
    .where((row) => row.or([row("retirer_id", "is", null), row("retirer_id", "=", retirerId)]));
  return await query.where("grant_id", ">", after).orderBy("grant_id").limit(count).execute();
}

/** How many grants a key has, at the cost of one row. */
export async function countGrantsOfKey(tx: Tx, { region, keyId }: KeyName): Promise<number> {
  const query = tx.db.selectFrom("grant_count").select("grants").where("region", "=", region);
  return (await query.where("key_id", "=", keyId).executeTakeFirst())?.grants ?? 0;
}

async function addToCount(tx: Tx, { region, key_id }: GrantRow, difference: 1 | -1): Promise<void> {
  await tx.db
    .insertInto("grant_count")
    .values({ region, key_id, grants: difference })
    .onConflict((conflict) =>
      conflict
        .columns(["region", "key_id"])
        .doUpdateSet(({ eb }) => ({ grants: eb("grant_count.grants", "+", difference) })),
    )
    .execute();
}
