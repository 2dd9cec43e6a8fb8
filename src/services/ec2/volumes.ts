/** EBS volumes: made, attached, detached, deleted and described. Their blocks are those of the snapshots that they were made of. */

import { randomBytes } from "node:crypto";
import type {
  AttachVolumeRequest,
  CreateVolumeRequest,
  DeleteVolumeRequest,
  DescribeVolumesRequest,
  DetachVolumeRequest,
  Volume,
  VolumeAttachment,
} from "@aws-sdk/client-ec2";
import type { Call } from "../../pipeline/operation.ts";
import {
  deleteVolume,
  findEbsSetting,
  findVolume,
  insertVolume,
  listVolumes,
  updateVolume,
} from "../../storage/ebs.ts";
import type { EbsSnapshotRow, EbsVolumeRow } from "../../storage/service-schema.ts";
import type { Tag } from "../../storage/tags.ts";
import { tagsOfVpcEndpoints as tagsOfIds } from "../../storage/vpc-endpoints.ts";
import { type PreparedBlocks, putBlocks, resealed } from "./blocks.ts";
import { closeDataKey, openDataKey, requireKey, type SealedDataKey } from "./data-keys.ts";
import { tellingOfKey } from "./events.ts";
import { listed } from "./lists.ts";
import {
  type Change,
  change,
  IncorrectState,
  InvalidAttachmentNotFound,
  InvalidInstanceIdMalformed,
  InvalidParameterCombination,
  InvalidParameterDependency,
  InvalidParameterValue,
  InvalidVolumeNotFound,
  InvalidZoneNotFound,
  isOwn,
  MissingParameter,
  on,
  read,
  shownTags,
  tagging,
  tagsOf,
  UnknownVolumeType,
  VolumeInUse,
} from "./operation.ts";
import { findUsableSnapshot, requireCompleted } from "./snapshot-access.ts";

type Sealed = SealedDataKey | Record<keyof SealedDataKey, null>;

const NOT_ENCRYPTED: Sealed = { key_arn: null, data_key: null, context_id: null };

/** Gibibytes of a volume, by type, and its operations a second (EBS user guide, Volume types). */
const TYPES: Readonly<
  Record<string, { readonly min: number; readonly max: number; readonly iops?: (size: number) => number }>
> = {
  standard: { min: 1, max: 1024 },
  gp2: { min: 1, max: 16_384, iops: (size) => Math.min(Math.max(100, size * 3), 16_000) },
  gp3: { min: 1, max: 65_536, iops: () => 3000 },
  io1: { min: 4, max: 16_384 },
  io2: { min: 4, max: 65_536 },
  st1: { min: 125, max: 16_384 },
  sc1: { min: 125, max: 16_384 },
};
const GP3_MIB_PER_SECOND = 125;

/** A new id, such as `vol-0123456789abcdef0`. */
export function newId(prefix: "vol" | "snap"): string {
  return `${prefix}-0${randomBytes(8).toHex()}`;
}

interface Prepared {
  readonly id: string;
  readonly gigabytes: number;
  readonly sealed: Sealed;
  readonly blocks: PreparedBlocks;
}

/**
 * Makes a volume. For an encrypted one EBS asks for a data key in the caller's name, with the volume's id as encryption context; one of
 * an encrypted snapshot under the same key goes on with the snapshot's (KMS guide, Amazon EBS; EBS user guide, How encryption works).
 */
export const createVolume = change<CreateVolumeRequest, Prepared>("CreateVolume", {
  targets: [
    on("CreateVolume", { kind: "volume", idOf: () => "*" }),
    on("CreateVolume", { kind: "snapshot", idOf: ({ SnapshotId }: CreateVolumeRequest) => SnapshotId }),
    tagging("volume"),
  ],
  validate(input, { region }) {
    const { AvailabilityZone: zone, Size, SnapshotId, Encrypted, KmsKeyId } = input;
    const { VolumeType = "gp2", Iops, Throughput } = input;
    if (zone === undefined) throw new MissingParameter("The request must contain the parameter zone");
    if (!/^[a-f]$/.test(zone.slice(region.length)) || !zone.startsWith(region)) {
      throw new InvalidZoneNotFound(`The zone '${zone}' does not exist.`);
    }
    if (Size === undefined && SnapshotId === undefined) {
      throw new MissingParameter("The request must contain the parameter size or snapshotId");
    }
    if (KmsKeyId !== undefined && Encrypted !== true) {
      throw new InvalidParameterDependency("The parameter KmsKeyId requires the parameter Encrypted to be set.");
    }
    if ((VolumeType === "io1" || VolumeType === "io2") && Iops === undefined) {
      throw new MissingParameter(`The request must contain the parameter iops for volume type ${VolumeType}`);
    }
    requireSupported({ VolumeType, Iops, Throughput });
  },
  async prepare(input, context) {
    const { call, store } = context;
    const snapshot =
      input.SnapshotId === undefined ? undefined : await findUsableSnapshot(store.db, input.SnapshotId, call);
    if (snapshot !== undefined) requireCompleted(snapshot);
    const gigabytes = requireSize(input, snapshot);
    const id = newId("vol");
    const from = snapshot?.id;
    const setting = await findEbsSetting(store.db, ownerOf(call));
    const source = snapshot === undefined ? undefined : sealedOf(snapshot);
    const isEncrypted = input.Encrypted === true || setting.encrypted === 1 || source !== undefined;
    if (!isEncrypted) return { id, gigabytes, sealed: NOT_ENCRYPTED, blocks: { from } };
    const key = input.KmsKeyId ?? source?.key_arn ?? setting.key_arn ?? undefined;
    const made = await tellingOfKey({ event: "createVolume", volume: id, key }, context, async () => {
      const isSame = source !== undefined && (await requireKey(key ?? source.key_arn, context)) === source.key_arn;
      return isSame ? { sealed: source, blocks: { from } } : await resealed({ from, source }, key, id, context);
    });
    return { id, gigabytes, ...made };
  },
  async run(input, { call, tx, prepared }) {
    const { VolumeType: type = "gp2", SnapshotId, Iops, Throughput, AvailabilityZone: zone = "" } = input;
    const { id, gigabytes, sealed, blocks } = prepared;
    const row: EbsVolumeRow = {
      id,
      ...ownerOf(call),
      zone,
      gigabytes,
      type,
      iops: Iops ?? TYPES[type]?.iops?.(gigabytes) ?? null,
      throughput: type === "gp3" ? (Throughput ?? GP3_MIB_PER_SECOND) : null,
      snapshot: SnapshotId ?? null,
      ...sealed,
      created_at: call.now,
      instance: null,
      device: null,
      attached_at: null,
      grant_id: null,
    };
    const tags = tagsOf(input);
    await insertVolume(tx, row, tags);
    await putBlocks(tx, id, blocks, call);
    return { ...describe(row, tags), State: "creating", Attachments: undefined, Tags: shownTags(tags) };
  },
});

/** @throws UnknownVolumeType, InvalidParameterCombination what a request asks for is not set for volumes of that type */
function requireSupported({ VolumeType = "gp2", Iops, Throughput }: CreateVolumeRequest): void {
  if (!Object.hasOwn(TYPES, VolumeType)) {
    throw new UnknownVolumeType(`Unsupported volume type '${VolumeType}' for volume creation.`);
  }
  const refused =
    Iops !== undefined && !["gp3", "io1", "io2"].includes(VolumeType)
      ? "iops"
      : Throughput !== undefined && VolumeType !== "gp3"
        ? "throughput"
        : undefined;
  if (refused === undefined) return;
  throw new InvalidParameterCombination(`The parameter ${refused} is not supported for ${VolumeType} volumes.`);
}

const ownerOf = ({ principal, region }: Call) => ({ account: principal.account, region });

/** The data key of a row, or undefined where nothing is encrypted. */
export function sealedOf({
  key_arn,
  data_key,
  context_id,
}: Sealed | EbsVolumeRow | EbsSnapshotRow): SealedDataKey | undefined {
  if (key_arn === null || data_key === null || context_id === null) return undefined;
  return { key_arn, data_key, context_id };
}

function requireSize({ Size, VolumeType = "gp2" }: CreateVolumeRequest, snapshot: EbsSnapshotRow | undefined): number {
  const gigabytes = Size ?? snapshot?.gigabytes ?? 0;
  const { min, max } = TYPES[VolumeType] ?? { min: 1, max: 65_536 };
  if (snapshot !== undefined && gigabytes < snapshot.gigabytes) {
    throw new InvalidParameterValue(
      `The volume size '${gigabytes}' is less than the size of snapshot '${snapshot.id}', which is ${snapshot.gigabytes} GiB.`,
    );
  }
  if (gigabytes >= min && gigabytes <= max) return gigabytes;
  throw new InvalidParameterValue(
    `Volume of ${gigabytes}GiB is invalid; volumes of type ${VolumeType} have from ${min} to ${max} GiB.`,
  );
}

const idOf = ({ VolumeId }: { readonly VolumeId?: string | undefined }) => VolumeId;

/** The caller's volume. @throws InvalidVolumeNotFound there is none */
export async function requireVolume(
  db: Parameters<typeof findVolume>[0],
  id: string | undefined,
  call: Call,
): Promise<EbsVolumeRow> {
  const row = await findVolume(db, id ?? "");
  if (row !== undefined && isOwn(row, call)) return row;
  throw new InvalidVolumeNotFound(`The volume '${id}' does not exist.`);
}

/** Removes a volume that is attached to nothing. */
export const removeVolume = change<DeleteVolumeRequest>("DeleteVolume", {
  targets: [on("DeleteVolume", { kind: "volume", idOf })],
  async run({ VolumeId }, { call, tx }) {
    const row = await requireVolume(tx.db, VolumeId, call);
    if (row.instance !== null) throw new VolumeInUse(`Volume ${row.id} is currently attached to ${row.instance}`);
    await deleteVolume(tx, row.id);
    return {};
  },
});

const INSTANCE_ID = /^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;

/**
 * Attaches a volume to an instance. The data key of an encrypted one is opened for it: EC2 makes a grant in the caller's name to its own
 * infrastructure at that instance, which calls Decrypt (KMS guide, Amazon EC2).
 */
export const attachVolume = change<AttachVolumeRequest, string | null>("AttachVolume", {
  targets: [
    on("AttachVolume", { kind: "volume", idOf }),
    on("AttachVolume", { kind: "instance", idOf: ({ InstanceId }: AttachVolumeRequest) => InstanceId }),
  ],
  validate({ InstanceId = "" }) {
    if (!INSTANCE_ID.test(InstanceId)) throw new InvalidInstanceIdMalformed(`Invalid id: "${InstanceId}"`);
  },
  async prepare({ VolumeId, InstanceId = "" }, context) {
    const row = await requireVolume(context.store.db, VolumeId, context.call);
    requireAvailable(row);
    const sealed = sealedOf(row);
    if (sealed === undefined) return null;
    const about = { event: "attachVolume", volume: row.id, key: row.key_arn } as const;
    return await tellingOfKey(about, context, () => openDataKey(sealed, InstanceId, context));
  },
  async run({ VolumeId, InstanceId = "", Device = "" }, { call, tx, prepared: grantId }) {
    const row = await requireVolume(tx.db, VolumeId, call);
    requireAvailable(row);
    const attached = { instance: InstanceId, device: Device, attached_at: call.now, grant_id: grantId };
    await updateVolume(tx, row.id, attached);
    return { ...attachmentOf({ ...row, ...attached }), State: "attaching" };
  },
});

function requireAvailable({ id, instance }: EbsVolumeRow): void {
  if (instance !== null) throw new VolumeInUse(`${id} is already attached to an instance`);
}

/** Detaches a volume, and retires the grant of its attachment. */
export const detachVolume = change<DetachVolumeRequest>("DetachVolume", {
  targets: [
    on("DetachVolume", { kind: "volume", idOf }),
    on("DetachVolume", { kind: "instance", idOf: ({ InstanceId }: DetachVolumeRequest) => InstanceId }),
  ],
  async prepare(input, context) {
    const { key_arn, grant_id, instance } = await requireAttached(input, context.store.db, context.call);
    if (key_arn !== null && grant_id !== null) await closeDataKey(key_arn, grant_id, instance, context);
    return undefined;
  },
  async run(input, { call, tx }: Change<undefined>) {
    const row = await requireAttached(input, tx.db, call);
    await updateVolume(tx, row.id, { instance: null, device: null, attached_at: null, grant_id: null });
    return { ...attachmentOf(row), State: "detaching" };
  },
});

async function requireAttached(
  { VolumeId, InstanceId, Device }: DetachVolumeRequest,
  db: Parameters<typeof findVolume>[0],
  call: Call,
): Promise<EbsVolumeRow & { readonly instance: string }> {
  const row = await requireVolume(db, VolumeId, call);
  const { instance } = row;
  if (instance === null) throw new IncorrectState(`Volume '${row.id}' is in the 'available' state.`);
  if ((InstanceId ?? instance) !== instance || (Device ?? row.device) !== row.device) {
    const [wanted, device] = [InstanceId ?? instance, Device ?? row.device];
    throw new InvalidAttachmentNotFound(
      `The volume ${row.id} is not attached to instance ${wanted} as device ${device}`,
    );
  }
  return { ...row, instance };
}

function attachmentOf({ id, instance, device, attached_at }: EbsVolumeRow): VolumeAttachment {
  return {
    VolumeId: id,
    InstanceId: instance ?? undefined,
    Device: device ?? undefined,
    State: "attached",
    AttachTime: new Date(attached_at ?? 0),
    DeleteOnTermination: false,
  };
}

function describe(row: EbsVolumeRow, tags: readonly Tag[]): Volume {
  return {
    VolumeId: row.id,
    Size: row.gigabytes,
    SnapshotId: row.snapshot ?? "",
    AvailabilityZone: row.zone,
    State: row.instance === null ? "available" : "in-use",
    CreateTime: new Date(row.created_at),
    Attachments: row.instance === null ? [] : [attachmentOf(row)],
    Encrypted: row.key_arn !== null,
    ...(row.key_arn !== null && { KmsKeyId: row.key_arn }),
    ...(row.iops !== null && { Iops: row.iops }),
    ...(row.throughput !== null && { Throughput: row.throughput }),
    VolumeType: row.type as NonNullable<Volume["VolumeType"]>,
    MultiAttachEnabled: false,
    ...(tags.length > 0 && { Tags: shownTags(tags) }),
  };
}

/** The account's volumes in the Region. */
export const describeVolumes = read<DescribeVolumesRequest>("DescribeVolumes", {
  targets: [on("DescribeVolumes")],
  async run(input, context) {
    const { call, store } = context;
    const { VolumeIds = [] } = input;
    for (const id of VolumeIds) await requireVolume(store.db, id, call);
    const { items, next } = await listed(input, context, {
      ids: VolumeIds,
      list: (slice) => listVolumes(store.db, ownerOf(call), slice),
      async describe(rows) {
        const tags = await tagsOfIds(
          store.db,
          rows.map(({ id }) => id),
        );
        return rows.map((row) => describe(row, tags.get(row.id) ?? []));
      },
      properties: {
        "volume-id": ({ VolumeId }) => VolumeId,
        status: ({ State }) => State,
        encrypted: ({ Encrypted }) => String(Encrypted),
        size: ({ Size }) => String(Size),
        "snapshot-id": ({ SnapshotId }) => SnapshotId,
        "volume-type": ({ VolumeType }) => VolumeType,
        "availability-zone": ({ AvailabilityZone }) => AvailabilityZone,
        "create-time": ({ CreateTime }) => CreateTime?.toISOString(),
        "multi-attach-enabled": ({ MultiAttachEnabled }) => String(MultiAttachEnabled),
        "attachment.attach-time": ({ Attachments = [] }) => Attachments[0]?.AttachTime?.toISOString(),
        "attachment.delete-on-termination": ({ Attachments = [] }) =>
          Attachments[0] && String(Attachments[0].DeleteOnTermination),
        "attachment.device": ({ Attachments = [] }) => Attachments[0]?.Device,
        "attachment.instance-id": ({ Attachments = [] }) => Attachments[0]?.InstanceId,
        "attachment.status": ({ Attachments = [] }) => Attachments[0]?.State,
      },
    });
    return { Volumes: items, NextToken: next };
  },
});
