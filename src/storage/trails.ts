/** Rows of CloudTrail: trails, how far they have been delivered, and what digest files are made of. */

import type { Kysely } from "kysely";
import type { Schema } from "./schema.ts";
import type { Tx } from "./store.ts";
import type { DigestKeyRow, TrailChainRow, TrailFileRow, TrailRow, TrailTable } from "./trail-schema.ts";

type Db = Kysely<Schema>;

/** Names a trail by its home Region. */
export interface TrailName {
  readonly account: string;
  readonly region: string;
  readonly name: string;
}

/** A place in the records of one source. */
export interface Progress {
  readonly number: number;
  readonly position: number;
}

/** What is passed over without a trail has this one. */
export const NO_TRAIL: TrailName = { account: "", region: "", name: "" };

/** The trail of that name in its home Region, if there is one. */
export async function findTrail(db: Db, { account, region, name }: TrailName): Promise<TrailRow | undefined> {
  const query = db.selectFrom("trail").selectAll().where("account", "=", account).where("region", "=", region);
  return await query.where("name", "=", name).executeTakeFirst();
}

/** Every trail of an account, by home Region and name; it has few. */
export async function listTrails(db: Db, account: string): Promise<TrailRow[]> {
  const query = db.selectFrom("trail").selectAll().where("account", "=", account);
  return await query.orderBy("region").orderBy("name").execute();
}

/** Trails that log, and those that have stopped after a time. */
export async function listLiveTrails(db: Db, stoppedAfter: number): Promise<TrailRow[]> {
  return await db
    .selectFrom("trail")
    .selectAll()
    .where(({ eb, or }) => or([eb("logging", "=", 1), eb("stopped_at", ">", stoppedAfter)]))
    .orderBy("account")
    .orderBy("region")
    .orderBy("name")
    .execute();
}

/** Adds a trail. Throws when there is one of that name. */
export async function insertTrail(tx: Tx, row: TrailRow): Promise<void> {
  await tx.db.insertInto("trail").values(row).execute();
}

/** Changes columns of a trail that exists. */
export async function updateTrail(
  tx: Tx,
  { account, region, name }: TrailName,
  columns: Partial<Omit<TrailTable, keyof TrailName>>,
): Promise<void> {
  const update = tx.db.updateTable("trail").set(columns).where("account", "=", account).where("region", "=", region);
  await update.where("name", "=", name).execute();
}

/** Removes a trail, with all that was kept for it. */
export async function deleteTrail(tx: Tx, trail: TrailName): Promise<void> {
  const { account, region, name } = trail;
  await deleteChains(tx, trail);
  for (const table of ["trail_progress", "trail"] as const) {
    const removal = tx.db.deleteFrom(table).where("account", "=", account).where("region", "=", region);
    await removal.where("name", "=", name).execute();
  }
}

/** How far the records of a source have been delivered, by trail; `NO_TRAIL` among them. */
export async function listProgress(db: Db, source: string): Promise<(TrailName & Progress)[]> {
  return await db
    .selectFrom("trail_progress")
    .select(["account", "region", "name", "number", "position"])
    .where("source", "=", source)
    .execute();
}

/** Notes how far the records of a source have been delivered to a trail. */
export async function putProgress(
  tx: Tx,
  { account, region, name }: TrailName,
  source: string,
  { number, position }: Progress,
): Promise<void> {
  await tx.db
    .insertInto("trail_progress")
    .values({ account, region, name, source, number, position })
    .onConflict((conflict) =>
      conflict.columns(["account", "region", "name", "source"]).doUpdateSet({ number, position }),
    )
    .execute();
}

/** Keeps a delivered log file for its digest, and begins the chain of its Region where there is none. */
export async function insertFile(tx: Tx, row: TrailFileRow, fromAt: number): Promise<void> {
  await tx.db.insertInto("trail_file").values(row).execute();
  await beginChain(tx, row, row.source_region, fromAt);
}

/** Begins a chain of digests, where there is none. */
export async function beginChain(
  tx: Tx,
  { account, region, name }: TrailName,
  sourceRegion: string,
  fromAt: number,
): Promise<void> {
  const from_at = Math.floor(fromAt / 1000) * 1000; // digest files tell whole seconds
  const row = { account, region, name, source_region: sourceRegion, from_at, claimed_until: 0, previous: null };
  await tx.db
    .insertInto("trail_chain")
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Chains whose next digest begins before a time. */
export async function listDueChains(db: Db, before: number): Promise<TrailChainRow[]> {
  return await db.selectFrom("trail_chain").selectAll().where("from_at", "<=", before).execute();
}

/**
 * Takes a chain's next digest until a time.
 *
 * @returns false when somebody else makes it, or has made it
 */
export async function claimChain(tx: Tx, chain: TrailChainRow, now: number, until: number): Promise<boolean> {
  const claim = chainUpdate(tx, chain).set({ claimed_until: until }).where("claimed_until", "<=", now);
  return (await claim.where("from_at", "=", chain.from_at).executeTakeFirstOrThrow()).numUpdatedRows === 1n;
}

/** Log files of a chain that were delivered up to a time, in the order of their names. */
export async function listFiles(db: Db, chain: TrailChainRow, until: number): Promise<TrailFileRow[]> {
  const { account, region, name, source_region } = chain;
  const query = db.selectFrom("trail_file").selectAll().where("account", "=", account).where("region", "=", region);
  const ofChain = query.where("name", "=", name).where("source_region", "=", source_region);
  return await ofChain.where("delivered_at", "<=", until).orderBy("object").execute();
}

/** Goes on in a chain after a digest: its files need not be known any longer. */
export async function advanceChain(
  tx: Tx,
  chain: TrailChainRow,
  next: { readonly fromAt: number; readonly previous: string },
): Promise<void> {
  const { account, region, name, source_region } = chain;
  await chainUpdate(tx, chain).set({ from_at: next.fromAt, claimed_until: 0, previous: next.previous }).execute();
  const removal = tx.db.deleteFrom("trail_file").where("account", "=", account).where("region", "=", region);
  const ofChain = removal.where("name", "=", name).where("source_region", "=", source_region);
  await ofChain.where("delivered_at", "<=", next.fromAt).execute();
}

/** Ends all chains of a trail. */
export async function deleteChains(tx: Tx, { account, region, name }: TrailName): Promise<void> {
  for (const table of ["trail_file", "trail_chain"] as const) {
    const removal = tx.db.deleteFrom(table).where("account", "=", account).where("region", "=", region);
    await removal.where("name", "=", name).execute();
  }
}

/** Ends one chain. */
export async function deleteChain(tx: Tx, { account, region, name, source_region }: TrailChainRow): Promise<void> {
  const removal = tx.db.deleteFrom("trail_chain").where("account", "=", account).where("region", "=", region);
  await removal.where("name", "=", name).where("source_region", "=", source_region).execute();
}

function chainUpdate(tx: Tx, { account, region, name, source_region }: TrailChainRow) {
  const update = tx.db.updateTable("trail_chain").where("account", "=", account).where("region", "=", region);
  return update.where("name", "=", name).where("source_region", "=", source_region);
}

/** Key pairs of digests in a Region that are valid at some moment of a time, oldest first. */
export async function listDigestKeys(
  db: Db,
  region: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<DigestKeyRow[]> {
  const query = db.selectFrom("digest_key").selectAll().where("region", "=", region);
  return await query
    .where("valid_from", "<=", to)
    .where("valid_to", ">", from)
    .orderBy("valid_from")
    .orderBy("id")
    .execute();
}

export async function insertDigestKey(tx: Tx, row: DigestKeyRow): Promise<void> {
  await tx.db.insertInto("digest_key").values(row).execute();
}

/** Digest keys of a Region that are sealed under domain keys before a version; a Region has few. */
export async function listDigestKeysToSeal(
  db: Db,
  { region, version }: { readonly region: string; readonly version: number },
): Promise<DigestKeyRow[]> {
  const query = db.selectFrom("digest_key").selectAll().where("region", "=", region);
  return await query.where("domain_version", "<", version).orderBy("id").execute();
}

/** Puts a newly sealed key pair in the place of the old. */
export async function replaceDigestKey(
  tx: Tx,
  { region, id, sealed, domain_version }: Pick<DigestKeyRow, "region" | "id" | "sealed" | "domain_version">,
): Promise<void> {
  const update = tx.db.updateTable("digest_key").set({ sealed, domain_version }).where("region", "=", region);
  await update.where("id", "=", id).execute();
}
