/** Rows of the blocks of EBS snapshots and volumes. */

import type { Kysely } from "kysely";
import type { Schema } from "./schema.ts";
import type { EbsBlockPlaceRow } from "./service-schema.ts";
import type { Tx } from "./store.ts";

type Db = Kysely<Schema>;

/** A block and where it goes. */
export interface PlacedBlock {
  readonly index: number;
  readonly id: string;
  readonly checksum: string;
  readonly data: Uint8Array;
}

/** The places of a snapshot or volume that have blocks, from an index on, in order. */
export async function listPlaces(
  db: Db,
  owner: string,
  { from = 0, count }: { readonly from?: number; readonly count?: number } = {},
): Promise<EbsBlockPlaceRow[]> {
  const query = db
    .selectFrom("ebs_block_place")
    .selectAll()
    .where("owner", "=", owner)
    .where("block_index", ">=", from);
  const ordered = query.orderBy("block_index");
  return await (count === undefined ? ordered : ordered.limit(count)).execute();
}

export async function findPlace(db: Db, owner: string, index: number): Promise<EbsBlockPlaceRow | undefined> {
  const query = db.selectFrom("ebs_block_place").selectAll().where("owner", "=", owner);
  return await query.where("block_index", "=", index).executeTakeFirst();
}

/** @throws Error there is no such block: a place names none that isn't there */
export async function loadBlock(db: Db, id: string): Promise<Uint8Array> {
  return (await db.selectFrom("ebs_block").select("data").where("id", "=", id).executeTakeFirstOrThrow()).data;
}

export async function countBlocks(tx: Tx, account: string): Promise<number> {
  const query = tx.db.selectFrom("ebs_block").select(({ fn }) => fn.countAll<number>().as("count"));
  return (await query.where("account", "=", account).executeTakeFirstOrThrow()).count;
}

/** Puts a block in a place of a snapshot or volume; the one that was there goes where nobody else has it. */
export async function putBlock(
  tx: Tx,
  { owner, account }: { readonly owner: string; readonly account: string },
  { index, id, checksum, data }: PlacedBlock,
): Promise<void> {
  const before = await findPlace(tx.db, owner, index);
  await tx.db.insertInto("ebs_block").values({ id, account, data }).execute();
  const place = { owner, block_index: index, block: id, checksum };
  const insert = tx.db.insertInto("ebs_block_place").values(place);
  await insert
    .onConflict((conflict) => conflict.columns(["owner", "block_index"]).doUpdateSet({ block: id, checksum }))
    .execute();
  if (before !== undefined) await deleteUnplaced(tx, [before.block]);
}

/** Gives a new snapshot or volume all the blocks that another one has. */
export async function shareBlocks(tx: Tx, from: string, to: string): Promise<void> {
  const places = await listPlaces(tx.db, from);
  if (places.length === 0) return;
  const rows = places.map((place) => ({ ...place, owner: to }));
  await tx.db.insertInto("ebs_block_place").values(rows).execute();
}

/** Takes all blocks from a snapshot or volume; those that nobody else has go. */
export async function deleteBlocks(tx: Tx, owner: string): Promise<void> {
  const blocks = (await listPlaces(tx.db, owner)).map(({ block }) => block);
  if (blocks.length === 0) return;
  await tx.db.deleteFrom("ebs_block_place").where("owner", "=", owner).execute();
  await deleteUnplaced(tx, blocks);
}

async function deleteUnplaced(tx: Tx, ids: readonly string[]): Promise<void> {
  const query = tx.db.selectFrom("ebs_block_place").select("block").distinct().where("block", "in", ids);
  const placed = new Set((await query.execute()).map(({ block }) => block));
  const gone = ids.filter((id) => !placed.has(id));
  if (gone.length > 0) await tx.db.deleteFrom("ebs_block").where("id", "in", gone).execute();
}
