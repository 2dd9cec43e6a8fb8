/** ListSnapshotBlocks, ListChangedBlocks and GetSnapshotBlock: the blocks of a snapshot, and how two snapshots differ. */

import { findPlace, listPlaces } from "../../storage/ebs-blocks.ts";
import type { EbsBlockPlaceRow } from "../../storage/service-schema.ts";
import { BLOCK_BYTES, openedBlock } from "../ec2/blocks.ts";
import { ValidationException } from "./errors.ts";
import { type Context, type Input, onSnapshot, openedDataKey, read } from "./operation.ts";
import { expiryOf, isToken, newToken } from "./tokens.ts";
import { requireReadable } from "./writing.ts";

/** Blocks of a page where a request names no number; the model's MaxResults has no more. */
const PAGE = 10_000;

/** What a token stands for: one block in one place of one snapshot. */
const textOf = ({ owner, block_index, block }: EbsBlockPlaceRow) => `${owner}/${block_index}/${block}`;

/** Tells a block in clear. Its data key is opened by KMS in the caller's name. */
export const getSnapshotBlock = read("GetSnapshotBlock", {
  targets: [onSnapshot<Input<"GetSnapshotBlock">>("ebs:GetSnapshotBlock", ({ SnapshotId }) => SnapshotId)],
  async run({ SnapshotId, BlockIndex, BlockToken }, context) {
    const { call, store } = context;
    const row = await requireReadable(store.db, SnapshotId, call);
    const place = await findPlace(store.db, row.id, BlockIndex);
    if (place === undefined || !(await isToken(BlockToken, textOf(place), context))) {
      throw new ValidationException("INVALID_BLOCK_TOKEN", "The block token is not one of this block, or has expired.");
    }
    using dataKey = await openedDataKey(row, context);
    const BlockData = await openedBlock(place, dataKey?.bytes, context);
    const answer = { DataLength: BLOCK_BYTES, Checksum: place.checksum, ChecksumAlgorithm: "SHA256" as const };
    return { ...answer, BlockData: BlockData as never };
  },
});

interface Paged {
  readonly StartingBlockIndex?: number;
  readonly MaxResults?: number;
  readonly NextToken?: string;
}

/**
 * Where a page begins: a page token is the index, and what proves that we gave it for this list.
 *
 * @throws ValidationException it is none of this list's
 */
async function startOf({ StartingBlockIndex = 0, NextToken }: Paged, list: string, context: Context): Promise<number> {
  if (NextToken === undefined) return StartingBlockIndex;
  const [, index = "", token = ""] =
    /^(\d{1,9})\/(.*)$/.exec(Buffer.from(NextToken, "base64").toString("latin1")) ?? [];
  if (index !== "" && (await isToken(token, `${list}/${index}`, context))) return Number(index);
  throw new ValidationException("INVALID_PAGE_TOKEN", "The page token is not one of this list, or has expired.");
}

async function tokenAt(index: number, list: string, context: Context): Promise<string> {
  return Buffer.from(`${index}/${await newToken(`${list}/${index}`, context)}`, "latin1").toString("base64");
}

/** The blocks that a snapshot has, each with the token by which it is told. */
export const listSnapshotBlocks = read("ListSnapshotBlocks", {
  targets: [onSnapshot<Input<"ListSnapshotBlocks">>("ebs:ListSnapshotBlocks", ({ SnapshotId }) => SnapshotId)],
  async run(input, context) {
    const { call, store } = context;
    const row = await requireReadable(store.db, input.SnapshotId, call);
    const { MaxResults = PAGE } = input;
    const from = await startOf(input, row.id, context);
    const places = await listPlaces(store.db, row.id, { from, count: MaxResults + 1 });
    const next = places[MaxResults];
    const shown = places.slice(0, MaxResults).map(async (place) => ({
      BlockIndex: place.block_index,
      BlockToken: await newToken(textOf(place), context),
    }));
    return {
      Blocks: await Promise.all(shown),
      ExpiryTime: expiryOf(context),
      VolumeSize: row.gigabytes,
      BlockSize: BLOCK_BYTES,
      ...(next !== undefined && { NextToken: await tokenAt(next.block_index, row.id, context) }),
    };
  },
});

/** Where two snapshots of one volume differ; without a first one, what the second has. */
export const listChangedBlocks = read("ListChangedBlocks", {
  targets: [
    onSnapshot<Input<"ListChangedBlocks">>("ebs:ListChangedBlocks", ({ FirstSnapshotId }) => FirstSnapshotId, {
      as: "first",
    }),
    onSnapshot<Input<"ListChangedBlocks">>("ebs:ListChangedBlocks", ({ SecondSnapshotId }) => SecondSnapshotId),
  ],
  async run(input, context) {
    const { call, store } = context;
    const { FirstSnapshotId, SecondSnapshotId, MaxResults = PAGE } = input;
    const second = await requireReadable(store.db, SecondSnapshotId, call);
    const first = FirstSnapshotId === undefined ? undefined : await requireReadable(store.db, FirstSnapshotId, call);
    if (first !== undefined && first.volume !== second.volume) {
      throw new ValidationException("UNRELATED_SNAPSHOTS", "The snapshots are of different volumes.");
    }
    const list = `${first?.id}/${second.id}`;
    const from = await startOf(input, list, context);
    const old = first === undefined ? [] : await listPlaces(store.db, first.id, { from });
    const pairs = changesOf(old, await listPlaces(store.db, second.id, { from }));
    const next = pairs[MaxResults];
    const tokenOf = async (place: EbsBlockPlaceRow | undefined) => place && (await newToken(textOf(place), context));
    const shown = pairs.slice(0, MaxResults).map(async ({ index, before, after }) => ({
      BlockIndex: index,
      FirstBlockToken: await tokenOf(before),
      SecondBlockToken: await tokenOf(after),
    }));
    return {
      ChangedBlocks: await Promise.all(shown),
      ExpiryTime: expiryOf(context),
      VolumeSize: second.gigabytes,
      BlockSize: BLOCK_BYTES,
      ...(next !== undefined && { NextToken: await tokenAt(next.index, list, context) }),
    };
  },
});

interface Pair {
  readonly index: number;
  readonly before: EbsBlockPlaceRow | undefined;
  readonly after: EbsBlockPlaceRow | undefined;
}

/** The places in which two snapshots have different blocks, in order. */
function changesOf(old: readonly EbsBlockPlaceRow[], now: readonly EbsBlockPlaceRow[]): readonly Pair[] {
  const [before, after] = [old, now].map((places) => new Map(places.map((place) => [place.block_index, place])));
  const indexes = [...new Set([...old, ...now].map(({ block_index }) => block_index))].sort(
    (left, right) => left - right,
  );
  return indexes
    .map((index) => ({ index, before: before?.get(index), after: after?.get(index) }))
    .filter((pair) => pair.before?.block !== pair.after?.block);
}
