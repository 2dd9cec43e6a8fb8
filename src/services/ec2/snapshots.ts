/** EBS snapshots: made, copied across Regions and accounts, shared, deleted and described. */

import type {
  CopySnapshotRequest,
  CreateSnapshotRequest,
  DeleteSnapshotRequest,
  DescribeSnapshotAttributeRequest,
  DescribeSnapshotsRequest,
  ModifySnapshotAttributeRequest,
  Snapshot,
} from "@aws-sdk/client-ec2";
import { asArn, findPartition } from "../../base/arn.ts";
import type { Call } from "../../pipeline/operation.ts";
import {
  deleteSnapshot,
  findEbsSetting,
  findSnapshot,
  insertSnapshot,
  listSnapshots,
  updateSnapshot,
} from "../../storage/ebs.ts";
import type { EbsSnapshotRow } from "../../storage/service-schema.ts";
import type { Tag } from "../../storage/tags.ts";
import { tagsOfVpcEndpoints as tagsOfIds } from "../../storage/vpc-endpoints.ts";
import { type PreparedBlocks, putBlocks, resealed } from "./blocks.ts";
import type { SealedDataKey } from "./data-keys.ts";
import { listed } from "./lists.ts";
import {
  change,
  InvalidAMIAttributeItemValue,
  InvalidParameterValue,
  MissingParameter,
  OperationNotPermitted,
  on,
  read,
  shownTags,
  tagging,
  tagsOf,
} from "./operation.ts";
import {
  COMPLETED,
  findUsableSnapshot,
  isUsable,
  requireCompleted,
  requireSnapshot,
  sharedWith,
} from "./snapshot-access.ts";
import { newId, requireVolume, sealedOf } from "./volumes.ts";

/** The volume that copies name: they have none of their own. */
const NO_VOLUME = "vol-ffffffff";

const ownerOf = ({ principal, region }: Call) => ({ account: principal.account, region });

/** Makes a snapshot; of an encrypted volume it has the volume's key, data key and encryption context, and KMS is not asked. */
export const createSnapshot = change<CreateSnapshotRequest>("CreateSnapshot", {
  targets: [
    on("CreateSnapshot", { kind: "snapshot", idOf: () => "*" }),
    on("CreateSnapshot", { kind: "volume", idOf: ({ VolumeId }: CreateSnapshotRequest) => VolumeId }),
    tagging("snapshot"),
  ],
  async run(input, { call, tx }) {
    const volume = await requireVolume(tx.db, input.VolumeId, call);
    const { gigabytes, key_arn, data_key, context_id } = volume;
    const row: EbsSnapshotRow = {
      id: newId("snap"),
      ...ownerOf(call),
      volume: volume.id,
      gigabytes,
      description: input.Description ?? "",
      key_arn,
      data_key,
      context_id,
      shared_with: "[]",
      created_at: call.now,
      ...COMPLETED,
    };
    const tags = tagsOf(input);
    await insertSnapshot(tx, row, tags);
    await putBlocks(tx, row.id, { from: volume.id }, call);
    return { ...describe(row, tags), State: "pending", Progress: "", Tags: shownTags(tags) };
  },
});

interface Copied {
  readonly id: string;
  readonly source: EbsSnapshotRow;
  readonly sealed: SealedDataKey | undefined;
  readonly blocks: PreparedBlocks;
}

/**
 * Copies a snapshot into the Region of the call. A copy of an encrypted one is encrypted, under a data key of its own with the copy's id as
 * encryption context; the source's is opened through a grant, in its Region (EBS user guide, Copy a snapshot; spec 08, SC-13 and SC-17).
 */
export const copySnapshot = change<CopySnapshotRequest, Copied>("CopySnapshot", {
  targets: [on("CopySnapshot", { kind: "snapshot", idOf: () => "*" }), tagging("snapshot")],
  validate({ SourceRegion = "", DestinationRegion, KmsKeyId, Encrypted }, { region, partition }) {
    if (findPartition(SourceRegion) !== partition) {
      throw new InvalidParameterValue(`Value (${SourceRegion}) for parameter sourceRegion is invalid.`);
    }
    if ((DestinationRegion ?? region) !== region) {
      throw new InvalidParameterValue("The destination Region is the Region to which the request is sent.");
    }
    const keyArn = asArn(KmsKeyId ?? "");
    if (keyArn !== undefined && keyArn.region !== region) {
      throw new InvalidParameterValue("The KMS key must be in the Region of the copy.");
    }
    if (KmsKeyId !== undefined && Encrypted === false) {
      throw new InvalidParameterValue("A KMS key is named for a copy that is not to be encrypted.");
    }
  },
  async prepare(input, context) {
    const { call, store } = context;
    const { SourceSnapshotId = "", SourceRegion, KmsKeyId, Encrypted } = input;
    const source = await findUsableSnapshot(store.db, SourceSnapshotId, call, SourceRegion);
    const id = newId("snap");
    const setting = await findEbsSetting(store.db, ownerOf(call));
    const keyId = KmsKeyId ?? setting.key_arn ?? undefined;
    requireCompleted(source);
    const opened = sealedOf(source);
    const isEncrypted = Encrypted === true || KmsKeyId !== undefined || setting.encrypted === 1;
    const from = source.id;
    if (opened === undefined && !isEncrypted) return { id, source, sealed: undefined, blocks: { from } };
    return { id, source, ...(await resealed({ from, source: opened }, keyId, id, context)) };
  },
  async run(input, { call, tx, prepared: { id, source, sealed, blocks } }) {
    const row: EbsSnapshotRow = {
      id,
      ...ownerOf(call),
      volume: NO_VOLUME,
      gigabytes: source.gigabytes,
      description: input.Description ?? "",
      key_arn: null,
      data_key: null,
      context_id: null,
      ...sealed,
      shared_with: "[]",
      created_at: call.now,
      ...COMPLETED,
    };
    const tags = tagsOf(input);
    await insertSnapshot(tx, row, tags);
    await putBlocks(tx, id, blocks, call);
    return { SnapshotId: id, ...(tags.length > 0 && { Tags: shownTags(tags) }) };
  },
});

const idOf = ({ SnapshotId }: { readonly SnapshotId?: string | undefined }) => SnapshotId;

/** Removes a snapshot; volumes that were made of it stay. */
export const removeSnapshot = change<DeleteSnapshotRequest>("DeleteSnapshot", {
  targets: [on("DeleteSnapshot", { kind: "snapshot", idOf })],
  async run({ SnapshotId }, { call, tx }) {
    const { id } = await requireSnapshot(tx.db, SnapshotId, call);
    await deleteSnapshot(tx, id);
    return {};
  },
});

interface Change {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Whom a request lets in and whom it lets go, in either of the two ways to say it. */
function changeOf(input: ModifySnapshotAttributeRequest): Change {
  const { CreateVolumePermission = {}, OperationType, UserIds = [], GroupNames = [] } = input;
  const named = (list: readonly { readonly UserId?: string | undefined; readonly Group?: string | undefined }[] = []) =>
    list.flatMap(({ UserId, Group }) => UserId ?? Group ?? []);
  const listed = [...UserIds, ...GroupNames];
  return {
    add: [...named(CreateVolumePermission.Add), ...(OperationType === "add" ? listed : [])],
    remove: [...named(CreateVolumePermission.Remove), ...(OperationType === "remove" ? listed : [])],
  };
}

/** Lets other accounts make volumes and copies of a snapshot, or no longer. */
export const modifySnapshotAttribute = change<ModifySnapshotAttributeRequest>("ModifySnapshotAttribute", {
  targets: [on("ModifySnapshotAttribute", { kind: "snapshot", idOf })],
  validate(input) {
    const { add, remove } = changeOf(input);
    if (add.length + remove.length === 0) throw new MissingParameter("No permissions are to be added or removed.");
    const wrong = [...add, ...remove].find((who) => who !== "all" && !/^\d{12}$/.test(who));
    if (wrong === undefined) return;
    const item = /^\d/.test(wrong) ? "userId" : "userGroup";
    throw new InvalidAMIAttributeItemValue(`Invalid attribute item value "${wrong}" for ${item} item type.`);
  },
  async run(input, { call, tx }) {
    const row = await requireSnapshot(tx.db, input.SnapshotId, call);
    const { add, remove } = changeOf(input);
    const arn = row.key_arn === null ? undefined : asArn(row.key_arn);
    if (add.length > 0 && arn !== undefined) {
      if (add.includes("all")) throw new OperationNotPermitted("Encrypted snapshots cannot be shared publicly.");
      const key = await tx.settle((reader) => reader.find("key", arn.region, arn.resource.slice("key/".length)));
      if (key?.manager === "AWS") {
        throw new OperationNotPermitted("Encrypted snapshots with EBS default key cannot be shared");
      }
    }
    const shared = [...new Set([...sharedWith(row), ...add])].filter((who) => !remove.includes(who));
    await updateSnapshot(tx, row.id, { shared_with: JSON.stringify(shared) });
    return {};
  },
});

/** Tells its owner with whom a snapshot is shared. */
export const describeSnapshotAttribute = read<DescribeSnapshotAttributeRequest>("DescribeSnapshotAttribute", {
  targets: [on("DescribeSnapshotAttribute", { kind: "snapshot", idOf })],
  async run({ SnapshotId, Attribute }, { call, store }) {
    const row = await requireSnapshot(store.db, SnapshotId, call);
    if (Attribute === "productCodes") return { SnapshotId: row.id, ProductCodes: [] };
    const CreateVolumePermissions = sharedWith(row).map((who) => (who === "all" ? { Group: who } : { UserId: who }));
    return { SnapshotId: row.id, CreateVolumePermissions };
  },
});

function describe(row: EbsSnapshotRow, tags: readonly Tag[]): Snapshot {
  return {
    SnapshotId: row.id,
    VolumeId: row.volume,
    State: row.state,
    StartTime: new Date(row.created_at),
    Progress: row.state === "completed" ? "100%" : "",
    OwnerId: row.account,
    Description: row.description,
    VolumeSize: row.gigabytes,
    Encrypted: row.key_arn !== null,
    ...(row.key_arn !== null && { KmsKeyId: row.key_arn }),
    StorageTier: "standard",
    ...(tags.length > 0 && { Tags: shownTags(tags) }),
  };
}

/** The account's snapshots in the Region, those that others share with it where they are named, and those of named owners. */
export const describeSnapshots = read<DescribeSnapshotsRequest>("DescribeSnapshots", {
  targets: [on("DescribeSnapshots")],
  async run(input, context) {
    const { call, store } = context;
    const { SnapshotIds = [], OwnerIds = [] } = input;
    const { account } = call.principal;
    const named = await Promise.all(SnapshotIds.map((id) => findUsableSnapshot(store.db, id, call)));
    const owners = OwnerIds.length === 0 ? [account] : OwnerIds.map((id) => (id === "self" ? account : id));
    const [owner = account, ...more] = [...new Set(owners)];
    if (more.length > 0) throw new InvalidParameterValue("Snapshots of one owner are listed at a time.");
    const { items, next } = await listed(input, context, {
      ids: SnapshotIds,
      async list(slice) {
        if (SnapshotIds.length > 0) return slice.after === undefined ? named : [];
        return await listSnapshots(store.db, { account: owner, region: call.region }, slice);
      },
      async describe(rows) {
        const ids = rows.map(({ id }) => id);
        const tags = await tagsOfIds(store.db, ids);
        return rows.map((row) => (row.account === account ? describe(row, tags.get(row.id) ?? []) : describe(row, [])));
      },
      properties: {
        "snapshot-id": ({ SnapshotId }) => SnapshotId,
        "volume-id": ({ VolumeId }) => VolumeId,
        status: ({ State }) => State,
        encrypted: ({ Encrypted }) => String(Encrypted),
        "owner-id": ({ OwnerId }) => OwnerId,
        "volume-size": ({ VolumeSize }) => String(VolumeSize),
        description: ({ Description }) => Description,
        progress: ({ Progress }) => Progress,
        "start-time": ({ StartTime }) => StartTime?.toISOString(),
        "storage-tier": ({ StorageTier }) => StorageTier,
      },
    });
    const rows = await Promise.all(items.map(({ SnapshotId = "" }) => findSnapshot(store.db, SnapshotId)));
    const Snapshots = items.filter((_item, index) => rows[index] !== undefined && isUsable(rows[index], call));
    return { Snapshots, NextToken: next };
  },
});
