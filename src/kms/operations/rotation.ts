/** Rotation: its setting and dates, on demand, and the history of a key's material. */

import {
  ConflictException,
  DependencyTimeoutException,
  KMSInvalidStateException,
  LimitExceededException,
  UnsupportedOperationException,
} from "../../base/errors.ts";
import { countRotations, findPendingMaterial, listMaterials, type MaterialSummary } from "../../storage/materials.ts";
import { rotationPeriodCondition } from "../conditions.ts";
import { type Forms, keyIdOrArn, keyIdOrArnAnywhere } from "../identifiers.ts";
import { anyState, rotatableOnDemand, rotationSettable } from "../key-states.ts";
import { ROTATION_PERIOD_DAYS } from "../keys.ts";
import { change, read } from "../operation.ts";
import { page, requireLimit } from "../pages.ts";
import { limitOf } from "../quotas/limits.ts";
import { onDemandRotationsQuota } from "../quotas/resource-quotas.ts";
import { isSealedForAll, recordSynchronization, requireNoReplica, updateRelatedKeys } from "../related-keys.ts";
import { type Key, key, type Locator } from "../resources.ts";
import {
  findRotationAt,
  newMaterials,
  promoteMaterial,
  replaceMaterial,
  reschedule,
  scheduleRotation,
  unscheduleRotation,
} from "../rotation.ts";

/** A key that KMS can give new material by itself: states are checked first (spec 09, RotateKeyOnDemand). */
function rotatable(forms: Forms): Locator<{ readonly KeyId?: string }, Key> {
  return { ...key("KeyId", forms), fit: requireRotatable };
}

/**
 * Turns automatic rotation on, from now, or changes its period (API reference, EnableKeyRotation).
 *
 * Enabling starts the clock; a call on a key that rotates already changes the period and keeps the day it counts from.
 * Replicas share the setting of their primary.
 *
 * @throws UnsupportedOperationException a key that can't rotate: not symmetric, not with material of our own, or a replica
 */
export const enableKeyRotation = change("EnableKeyRotation", {
  targets: [{ as: "key", action: "kms:EnableKeyRotation", resource: rotatable(keyIdOrArn), states: rotationSettable }],
  conditions: rotationPeriodCondition,
  record: {
    readOnly: false,
    request: ["KeyId", "RotationPeriodInDays"],
    response: (_output, { key }) => ({ KeyId: key.arn }),
    resources: ["key"],
  },
  async run({ RotationPeriodInDays }, { call: { now }, key: { row }, tx, recorder }) {
    if (row.rotation_enabled === 1) {
      const periodDays = RotationPeriodInDays ?? row.rotation_period_days;
      await updateRelatedKeys(tx, row, { rotation_period_days: periodDays });
      await reschedule(tx, row, { periodDays, now });
    } else {
      const setting = {
        rotation_enabled: 1,
        rotation_period_days: RotationPeriodInDays ?? ROTATION_PERIOD_DAYS,
        rotation_enabled_at: now,
      };
      await updateRelatedKeys(tx, row, setting);
      await scheduleRotation(tx, { ...row, ...setting }, now);
    }
    await recordSynchronization(tx, row, { now, recorder });
    return {};
  },
});

/** Turns automatic rotation off; the key keeps the material that it has. */
export const disableKeyRotation = change("DisableKeyRotation", {
  targets: [{ as: "key", action: "kms:DisableKeyRotation", resource: rotatable(keyIdOrArn), states: rotationSettable }],
  record: { readOnly: false, request: ["KeyId"], resources: ["key"] },
  async run(_input, { call: { now }, key: { row }, tx, recorder }) {
    await updateRelatedKeys(tx, row, { rotation_enabled: 0, rotation_enabled_at: null });
    await unscheduleRotation(tx, row);
    await recordSynchronization(tx, row, { now, recorder });
    return {};
  },
});

/**
 * Whether the key rotates, how often, and when next; false while it is pending deletion (spec 01, Rotation), and always for
 * keys of other specs (KMS guide, Key type reference). A rotation on demand is over
 * when it is answered, so none is ever under way.
 *
 * @throws UnsupportedOperationException the material is not of our own making (KMS guide, Key states, notes 6 and 7)
 */
export const getKeyRotationStatus = read("GetKeyRotationStatus", {
  targets: [
    {
      as: "key",
      action: "kms:GetKeyRotationStatus",
      resource: { ...key("KeyId", keyIdOrArnAnywhere), fit: requireOwnMaterial },
      states: anyState,
    },
  ],
  record: { readOnly: true, request: ["KeyId"], resources: ["key"] },
  async run(_input, { key: { id, row }, store }) {
    const KeyRotationEnabled = row.rotation_enabled === 1 && !pendingDeletion.has(row.state);
    if (!KeyRotationEnabled) return { KeyId: id, KeyRotationEnabled };
    const next = await findRotationAt(store.db, row);
    return {
      KeyId: id,
      KeyRotationEnabled,
      RotationPeriodInDays: row.rotation_period_days,
      ...(next !== undefined && { NextRotationDate: new Date(next) }),
    };
  },
});

/** States in which no key rotates, however it is set. */
const pendingDeletion: ReadonlySet<string> = new Set(["PendingDeletion", "PendingReplicaDeletion"]);

/** An automatic rotation so close is as good as under way (API reference, RotateKeyOnDemand). */
const CONFLICT_MS = 20 * 60_000;

/**
 * Gives the key new material at once, or makes that current which was imported for it; the schedule stays (API reference,
 * RotateKeyOnDemand).
 *
 * @throws KMSInvalidStateException no imported material waits, or not all related keys have it
 * @throws ConflictException an automatic rotation is due within 20 minutes
 * @throws LimitExceededException the key has had all of its on-demand rotations
 * @throws DependencyTimeoutException a replica was made or deleted at this moment
 */
export const rotateKeyOnDemand = change("RotateKeyOnDemand", {
  targets: [
    {
      as: "key",
      action: "kms:RotateKeyOnDemand",
      resource: { ...key("KeyId", keyIdOrArn), fit: requireRotatableOnDemand },
      states: rotatableOnDemand,
    },
  ],
  record: {
    readOnly: false,
    request: ["KeyId"],
    response: (_output, { key }: { readonly key: Key }) => ({ KeyId: key.id }),
    resources: ["key"],
  },
  prepare: async (_input, { custody, key: { row } }) =>
    row.origin === "EXTERNAL" ? undefined : await newMaterials(custody, row),
  async check(_input, { call, key: { arn, id, row }, tx, prepared }) {
    if (prepared !== undefined && !isSealedForAll(prepared, row)) {
      throw new DependencyTimeoutException(`The replicas of ${arn} are changing.`);
    }
    const due = await findRotationAt(tx.db, row);
    if (due !== undefined && due - call.now <= CONFLICT_MS) {
      throw new ConflictException(`An automatic rotation of ${arn} is in progress or due within 20 minutes.`);
    }
    const most = await tx.settle((reader) => limitOf(onDemandRotationsQuota, row, call, reader));
    if ((await countRotations(tx.db, { region: row.region, keyId: id }, "ON_DEMAND")) >= most) {
      throw new LimitExceededException(
        `The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ${arn}`,
      );
    }
  },
  async run(_input, { call, key, tx, recorder, prepared: materials }) {
    const { arn, id, row } = key;
    const answer = { KeyId: arn }; // the ARN, though the guide's examples have the id (recorded)
    const rotation = { type: "ON_DEMAND", now: call.now, recorder } as const;
    if (materials !== undefined) {
      await replaceMaterial(tx, row, { materials, ...rotation });
      return answer;
    }
    const waiting = await findPendingMaterial(tx.db, { region: row.region, keyId: id });
    if (waiting?.pending !== "PENDING_ROTATION") {
      throw new KMSInvalidStateException(`No available key material pending rotation for the key: ${arn}.`);
    }
    await promoteMaterial(tx, row, waiting.material_id, rotation);
    return answer;
  },
});

const listKeyRotationsSizes = { initial: 100, max: 1000 };

/** The rotations of a key, oldest first, and on request its first material, too (API reference, ListKeyRotations). */
export const listKeyRotations = read("ListKeyRotations", {
  targets: [
    {
      as: "key",
      action: "kms:ListKeyRotations",
      resource: { ...key("KeyId", keyIdOrArn), fit: requireSymmetric },
      states: anyState,
    },
  ],
  record: { readOnly: true, request: ["KeyId", "IncludeKeyMaterial"], resources: ["key"] },
  validate: (input) => requireLimit(input, listKeyRotationsSizes),
  async run(input, context) {
    const { key, store } = context;
    const rotatedOnly = input.IncludeKeyMaterial !== "ALL_KEY_MATERIAL";
    const { items, ...rest } = await page(input, context, {
      sizes: listKeyRotationsSizes,
      filter: `${key.id} ${rotatedOnly}`,
      list: (after, count) =>
        listMaterials(
          store.db,
          { region: key.row.region, keyId: key.id },
          { after: after === undefined ? undefined : materialNamed(after), count, rotatedOnly },
        ),
      nameOf: ({ created_at, material_id }) => `${created_at} ${material_id}`,
    });
    return { Rotations: items.map((material) => rotationEntry(material, key)), ...rest };
  },
});

/** The last material of a page, as its marker remembers it. */
function materialNamed(name: string): Pick<MaterialSummary, "created_at" | "material_id"> {
  const [created_at, material_id = ""] = name.split(" ");
  return { created_at: Number(created_at), material_id };
}

/** A key's first material came by no rotation and has neither date nor type (API reference, RotationsListEntry). */
function rotationEntry(material: MaterialSummary, { id, row }: Key) {
  const { material_id, rotated_at, rotation_type, pending } = material;
  const settled = material_id === row.current_material_id ? "CURRENT" : "NON_CURRENT";
  return {
    KeyId: id,
    KeyMaterialId: material_id,
    ...importOf(material),
    KeyMaterialState: pending ?? settled,
    ...(rotated_at !== null && { RotationDate: new Date(rotated_at) }),
    ...(rotation_type !== null && { RotationType: rotation_type }),
  };
}

/** What is told of imported material alone. */
function importOf({ import_state, description, expiration_model, expires_at }: MaterialSummary) {
  if (import_state === null) return {};
  return {
    ...(description !== null && { KeyMaterialDescription: description }),
    ImportState: import_state,
    ...(expiration_model !== null && { ExpirationModel: expiration_model }),
    ...(expires_at !== null && { ValidTo: new Date(expires_at) }),
  };
}

function requireSymmetric({ row }: Key): void {
  if (row.spec !== "SYMMETRIC_DEFAULT") throw new UnsupportedOperationException();
}

function requireRotatable(found: Key): void {
  requireSymmetric(found);
  requireOwnMaterial(found);
  requireNoReplica(found);
}

function requireOwnMaterial({ arn, row }: Key): void {
  if (row.origin !== "AWS_KMS") throw wrongOrigin(arn, row.origin);
}

function requireRotatableOnDemand(found: Key): void {
  requireSymmetric(found);
  requireNoReplica(found);
  const { arn, row } = found;
  if (row.origin !== "AWS_KMS" && row.origin !== "EXTERNAL") throw wrongOrigin(arn, row.origin);
}

function wrongOrigin(arn: string, origin: string): UnsupportedOperationException {
  return new UnsupportedOperationException(`${arn} origin is ${origin} which is not valid for this operation.`);
}
