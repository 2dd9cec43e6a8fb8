/** StartSnapshot, PutSnapshotBlock and CompleteSnapshot: a snapshot, written block by block. */

import { createHash } from "node:crypto";
import type { Call } from "../../pipeline/operation.ts";
import { findEbsSetting, findSnapshot, insertSnapshot, listSnapshots, updateSnapshot } from "../../storage/ebs.ts";
import { countBlocks, findPlace, listPlaces, putBlock, shareBlocks } from "../../storage/ebs-blocks.ts";
import type { EbsSnapshotRow } from "../../storage/service-schema.ts";
import { repeatedKey, type Tag } from "../../storage/tags.ts";
import { BLOCK_BYTES, BLOCKS_MAX, type NewBlock, newBlock } from "../ec2/blocks.ts";
import { newDataKey, type SealedDataKey } from "../ec2/data-keys.ts";
import { isOwn } from "../ec2/operation.ts";
import { isUsable } from "../ec2/snapshot-access.ts";
import { newId, sealedOf } from "../ec2/volumes.ts";
import {
  ConflictException,
  errorOfKms,
  ResourceNotFoundException,
  ServiceQuotaExceededException,
  ValidationException,
} from "./errors.ts";
import { asEc2, type Context, change, type Input, onSnapshot, openedDataKey } from "./operation.ts";

/** GiB of a snapshot, and blocks of one. */
const GIGABYTES_MAX = 65_536;
const BLOCKS_PER_GIB = 2048;
/** Minutes without a block after which a snapshot is given up (API reference, StartSnapshot: Timeout). */
const TIMEOUT_MINUTES = 60;
const MINUTE_MS = 60_000;
/** The volume that snapshots name which were made of none. */
const NO_VOLUME = "vol-ffffffff";
const BATCH = 200;

type Db = Context["store"]["db"];

const ownerOf = ({ principal, region }: Call) => ({ account: principal.account, region });

/** What StartSnapshot has ready before its transaction. */
interface Started {
  readonly id: string;
  readonly parent: EbsSnapshotRow | undefined;
  readonly sealed: SealedDataKey | undefined;
}

/** Starts a snapshot, empty or with the blocks of another one; with a parent it has the parent's key. */
export const startSnapshot = change<"StartSnapshot", Started>("StartSnapshot", {
  targets: [
    onSnapshot<Input<"StartSnapshot">>("ebs:StartSnapshot"),
    onSnapshot<Input<"StartSnapshot">>("ebs:StartSnapshot", ({ ParentSnapshotId }) => ParentSnapshotId, {
      as: "parent",
    }),
    onSnapshot<Input<"StartSnapshot">>("ec2:CreateTags", undefined, {
      as: "tags",
      when: ({ Tags = [] }) => Tags.length > 0,
    }),
  ],
  validate({ VolumeSize, ParentSnapshotId, Encrypted, KmsKeyArn, Tags = [] }) {
    if (VolumeSize > GIGABYTES_MAX) throw new ValidationException("INVALID_VOLUME_SIZE", "The volume is too large.");
    if (ParentSnapshotId !== undefined && (Encrypted !== undefined || KmsKeyArn !== undefined)) {
      throw invalid("A snapshot with a parent has the parent's encryption.");
    }
    if (KmsKeyArn !== undefined && Encrypted !== true) {
      throw invalid("KmsKeyArn requires Encrypted.");
    }
    const tags = tagsOf(Tags);
    const repeated = repeatedKey(tags);
    if (repeated !== undefined)
      throw new ValidationException("INVALID_TAG", `Duplicate tag key '${repeated}' specified.`);
    if (tags.some(({ key }) => key === "")) throw new ValidationException("INVALID_TAG", "A tag has no key.");
  },
  async prepare({ ParentSnapshotId, Encrypted, KmsKeyArn }, context) {
    const { call, kms, store } = context;
    const id = newId("snap");
    if (ParentSnapshotId !== undefined) {
      const parent = await requireReadable(store.db, ParentSnapshotId, call);
      return { id, parent, sealed: sealedOf(parent) };
    }
    const setting = await findEbsSetting(store.db, ownerOf(call));
    if (Encrypted !== true && setting.encrypted !== 1) return { id, parent: undefined, sealed: undefined };
    try {
      const keyId = KmsKeyArn ?? setting.key_arn ?? undefined;
      return { id, parent: undefined, sealed: await newDataKey(keyId, id, { call: asEc2(call), kms }) };
    } catch (cause) {
      throw errorOfKms(cause);
    }
  },
  async run(input, { call, tx, prepared: { id, parent, sealed } }) {
    const { VolumeSize, ClientToken, Tags = [], Description = "", Timeout = TIMEOUT_MINUTES } = input;
    const request = ClientToken === undefined ? null : JSON.stringify({ ...input });
    const before = ClientToken === undefined ? undefined : await findStarted(tx.db, ClientToken, call);
    if (before !== undefined) {
      if (before.request === request) return describe(before, input);
      throw new ConflictException("The client token was used with other parameters.");
    }
    if (parent !== undefined && parent.gigabytes > VolumeSize) {
      throw new ValidationException("INVALID_VOLUME_SIZE", "The volume is smaller than that of the parent.");
    }
    const row: EbsSnapshotRow = {
      id,
      ...ownerOf(call),
      volume: parent?.volume ?? NO_VOLUME,
      gigabytes: VolumeSize,
      description: Description,
      key_arn: null,
      data_key: null,
      context_id: null,
      ...sealed,
      shared_with: "[]",
      created_at: call.now,
      state: "pending",
      parent: parent?.id ?? null,
      request,
      write_until: call.now + Timeout * MINUTE_MS,
    };
    await insertSnapshot(tx, row, tagsOf(Tags));
    if (parent !== undefined) await shareBlocks(tx, parent.id, id);
    return describe(row, input);
  },
});

function tagsOf(tags: NonNullable<Input<"StartSnapshot">["Tags"]>): readonly Tag[] {
  return tags.map(({ Key: key = "", Value: value = "" }) => ({ key, value }));
}

const invalid = (message: string) => new ValidationException("INVALID_PARAMETER_VALUE", message);

function describe(row: EbsSnapshotRow, { Tags }: Input<"StartSnapshot">) {
  return {
    SnapshotId: row.id,
    OwnerId: row.account,
    Status: row.state,
    StartTime: new Date(row.created_at),
    VolumeSize: row.gigabytes,
    BlockSize: BLOCK_BYTES,
    ...(row.description !== "" && { Description: row.description }),
    ...(Tags !== undefined && { Tags: [...Tags] }),
    ...(row.parent !== null && { ParentSnapshotId: row.parent }),
    ...(row.key_arn !== null && { KmsKeyArn: row.key_arn }),
    SseType: row.key_arn === null ? ("none" as const) : ("sse-kms" as const),
  };
}

/** The snapshot that a token of the caller's account has started. */
async function findStarted(db: Db, token: string, call: Call): Promise<EbsSnapshotRow | undefined> {
  for (let after: string | undefined; ; ) {
    const rows = await listSnapshots(db, ownerOf(call), { after, count: BATCH });
    const found = rows.find(({ request }) => request !== null && tokenOf(request) === token);
    if (found !== undefined || rows.length < BATCH) return found;
    after = rows.at(-1)?.id;
  }
}

function tokenOf(request: string): unknown {
  return (JSON.parse(request) as { readonly ClientToken?: unknown }).ClientToken;
}

/** A completed snapshot that the caller may read. @throws ResourceNotFoundException there is none */
export async function requireReadable(db: Db, id: string, call: Call): Promise<EbsSnapshotRow> {
  const row = await findSnapshot(db, id);
  if (row === undefined || row.region !== call.region || !isUsable(row, call)) throw notFound(id);
  if (row.state === "completed") return row;
  throw new ValidationException("INVALID_SNAPSHOT_ID", `The snapshot ${id} is not completed.`);
}

const notFound = (id: string) =>
  new ResourceNotFoundException("SNAPSHOT_NOT_FOUND", `The snapshot '${id}' does not exist.`);

/** A snapshot of the caller's that is being written. @throws ResourceNotFoundException, ValidationException there is none */
async function requireWritable(db: Db, id: string, call: Call): Promise<EbsSnapshotRow> {
  const row = await findSnapshot(db, id);
  if (row === undefined || !isOwn(row, call)) throw notFound(id);
  if (row.state !== "pending") {
    throw new ValidationException("INVALID_SNAPSHOT_ID", `The snapshot ${id} is not in the pending state.`);
  }
  if ((row.write_until ?? 0) > call.now) return row;
  throw new ValidationException("WRITE_REQUEST_TIMEOUT", `The snapshot ${id} was given up, since nothing was written.`);
}

/** Writes a block, or writes it anew; it is sealed under the snapshot's data key, which KMS opens in the caller's name. */
export const putSnapshotBlock = change<"PutSnapshotBlock", NewBlock>("PutSnapshotBlock", {
  targets: [onSnapshot<Input<"PutSnapshotBlock">>("ebs:PutSnapshotBlock", ({ SnapshotId }) => SnapshotId)],
  async prepare({ SnapshotId, BlockIndex: index, BlockData, DataLength, Checksum }, context) {
    const row = await requireWritable(context.store.db, SnapshotId, context.call);
    const data = BlockData as Uint8Array;
    if (DataLength !== BLOCK_BYTES || data.length !== BLOCK_BYTES || index >= row.gigabytes * BLOCKS_PER_GIB) {
      throw new ValidationException("INVALID_BLOCK", `A block has ${BLOCK_BYTES} bytes and lies in the volume.`);
    }
    const checksum = createHash("sha256").update(data).digest("base64");
    if (checksum !== Checksum) throw new ValidationException("INVALID_BLOCK", "The checksum is not that of the block.");
    using dataKey = await openedDataKey(row, context);
    return newBlock(data, { index, checksum, key: dataKey?.bytes });
  },
  async run({ SnapshotId, Checksum, ChecksumAlgorithm }, { call, tx, prepared }) {
    const row = await requireWritable(tx.db, SnapshotId, call);
    if ((await countBlocks(tx, row.account)) >= BLOCKS_MAX) {
      throw new ServiceQuotaExceededException(
        "DEPENDENCY_SERVICE_QUOTA_EXCEEDED",
        `An account can have at most ${BLOCKS_MAX} blocks here.`,
      );
    }
    await putBlock(tx, { owner: row.id, account: row.account }, prepared);
    const until = Math.max(row.write_until ?? 0, call.now + TIMEOUT_MINUTES * MINUTE_MS);
    await updateSnapshot(tx, row.id, { write_until: until });
    return { Checksum, ChecksumAlgorithm };
  },
});

/** Ends the writing of a snapshot, once as many blocks as the caller knows of were written. */
export const completeSnapshot = change<"CompleteSnapshot">("CompleteSnapshot", {
  targets: [onSnapshot<Input<"CompleteSnapshot">>("ebs:CompleteSnapshot", ({ SnapshotId }) => SnapshotId)],
  async run({ SnapshotId, ChangedBlocksCount, Checksum }, { call, tx }) {
    const row = await requireWritable(tx.db, SnapshotId, call);
    const places = await listPlaces(tx.db, row.id);
    const changed: typeof places = [];
    for (const place of places) {
      const before = row.parent === null ? undefined : await findPlace(tx.db, row.parent, place.block_index);
      if (before?.block !== place.block) changed.push(place);
    }
    if (changed.length !== ChangedBlocksCount) throw invalid("ChangedBlocksCount is not the number of blocks written.");
    const digest = createHash("sha256");
    for (const { checksum } of changed) digest.update(Buffer.from(checksum, "base64"));
    if (Checksum !== undefined && digest.digest("base64") !== Checksum) {
      throw invalid("The checksum is not that of the blocks.");
    }
    await updateSnapshot(tx, row.id, { state: "completed", write_until: null });
    return { Status: "completed" };
  },
});
