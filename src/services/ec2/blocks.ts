/** Blocks of snapshots and volumes on their way into copies: shared under the same data key, sealed anew under another one. */

import { randomUUID } from "node:crypto";
import { openBlock, sealBlock } from "../../custody/sealed-blocks.ts";
import type { Call } from "../../pipeline/operation.ts";
import {
  countBlocks,
  listPlaces,
  loadBlock,
  type PlacedBlock,
  putBlock,
  shareBlocks,
} from "../../storage/ebs-blocks.ts";
import type { EbsBlockPlaceRow } from "../../storage/service-schema.ts";
import type { Tx } from "../../storage/store.ts";
import { closeDataKey, newDataKey, openDataKey, requireDecrypt, type SealedDataKey } from "./data-keys.ts";
import { type Context, SnapshotLimitExceeded } from "./operation.ts";

/** Bytes of a block (EBS user guide, EBS direct APIs). */
export const BLOCK_BYTES = 524_288;
/** Blocks that are kept for an account, over all its snapshots and volumes; AWS has no such bound. */
export const BLOCKS_MAX = 512;

export type NewBlock = PlacedBlock;

/** What a copy gets: the blocks of another owner, or blocks of its own. */
export interface PreparedBlocks {
  readonly from?: string | undefined;
  readonly fresh?: readonly NewBlock[];
}

interface Keys {
  /** Of the source; undefined: it is not encrypted. */
  readonly opened: Uint8Array | undefined;
  /** Of the copy. */
  readonly key: Uint8Array | undefined;
}

/** A block in clear, sealed for a place. @param key the data key of its owner; undefined: that is not encrypted */
export function newBlock(
  plaintext: Uint8Array,
  { index, checksum, key }: { readonly index: number; readonly checksum: string; readonly key: Uint8Array | undefined },
): NewBlock {
  const id = randomUUID();
  return { index, id, checksum, data: key === undefined ? plaintext : sealBlock(key, id, plaintext) };
}

/** A block in clear. @throws Error it was changed in the store */
export async function openedBlock(
  { block }: EbsBlockPlaceRow,
  key: Uint8Array | undefined,
  { store }: Pick<Context, "store">,
): Promise<Uint8Array> {
  const data = await loadBlock(store.db, block);
  const opened = key === undefined ? data : openBlock(key, block, data);
  if (opened === undefined) throw new Error("A block was changed in the store.");
  return opened;
}

/** The blocks of some places under another data key. */
async function resealedBlocks(
  places: readonly EbsBlockPlaceRow[],
  { opened, key }: Keys,
  context: Pick<Context, "store">,
): Promise<readonly NewBlock[]> {
  const blocks: NewBlock[] = [];
  for (const place of places) {
    const plaintext = await openedBlock(place, opened, context);
    blocks.push(newBlock(plaintext, { index: place.block_index, checksum: place.checksum, key }));
    if (opened !== undefined && key !== undefined) plaintext.fill(0);
  }
  return blocks;
}

/**
 * A new data key for what was encrypted under another one or under none, and the blocks under it. The other one has to be opened for
 * that, by the caller's leave; the new one only where there are blocks.
 */
export async function resealed(
  { from, source }: { readonly from: string | undefined; readonly source: SealedDataKey | undefined },
  keyId: string | undefined,
  id: string,
  context: Context,
): Promise<{ readonly sealed: SealedDataKey; readonly blocks: PreparedBlocks }> {
  const sealed = await newDataKey(keyId, id, context);
  if (source !== undefined) await requireDecrypt(source, context);
  const places = from === undefined ? [] : await listPlaces(context.store.db, from);
  let fresh: readonly NewBlock[] = [];
  await withDataKey(source, id, context, async (opened) => {
    if (places.length === 0) return;
    await withDataKey(sealed, id, context, async (key) => {
      fresh = await resealedBlocks(places, { opened, key }, context);
    });
  });
  return { sealed, blocks: { fresh } };
}

/** Opens a data key where there is one, for as long as it is used. */
async function withDataKey(
  sealed: SealedDataKey | undefined,
  holder: string,
  context: Context,
  use: (dataKey: Uint8Array | undefined) => Promise<void>,
): Promise<void> {
  if (sealed === undefined) return await use(undefined);
  const grantId = await openDataKey(sealed, holder, context, use);
  await closeDataKey(sealed.key_arn, grantId, holder, context);
}

/** Gives a snapshot or volume that was just made its blocks. @throws SnapshotLimitExceeded the account has too many */
export async function putBlocks(tx: Tx, owner: string, blocks: PreparedBlocks, { principal }: Call): Promise<void> {
  const { from, fresh = [] } = blocks;
  if (from !== undefined) await shareBlocks(tx, from, owner);
  if (fresh.length === 0) return;
  const { account } = principal;
  if ((await countBlocks(tx, account)) + fresh.length > BLOCKS_MAX) {
    throw new SnapshotLimitExceeded(`An account can have at most ${BLOCKS_MAX} blocks here.`);
  }
  for (const block of fresh) await putBlock(tx, { owner, account }, block);
}
