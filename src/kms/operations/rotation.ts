/** EnableKeyRotation, DisableKeyRotation and GetKeyRotationStatus: the setting and its dates. */

import { UnsupportedOperationException } from "../../base/errors.ts";
import { updateKey } from "../../storage/keys.ts";
import { rotationPeriodCondition } from "../conditions.ts";
import { keyIdOrArn, keyIdOrArnAnywhere } from "../identifiers.ts";
import { anyState, rotationSettable } from "../key-states.ts";
import { nextRotationAt, ROTATION_PERIOD_DAYS } from "../keys.ts";
import { change, read } from "../operation.ts";
import { type Key, key } from "../resources.ts";

/**
 * Turns automatic rotation on, from now, or changes its period (API reference, EnableKeyRotation).
 *
 * Enabling starts the clock; a call on a key that rotates already changes the period and keeps the day it was enabled.
 *
 * @throws UnsupportedOperationException a key that can't rotate: not symmetric, or not with material of our own
 */
export const enableKeyRotation = change("EnableKeyRotation", {
  targets: [
    { as: "key", action: "kms:EnableKeyRotation", resource: key("KeyId", keyIdOrArn), states: rotationSettable },
  ],
  conditions: rotationPeriodCondition,
  record: {
    readOnly: false,
    request: ["KeyId", "RotationPeriodInDays"],
    response: (_output, { key }) => ({ KeyId: key.arn }),
    resources: ["key"],
  },
  check: (_input, { key }) => requireRotatable(key),
  async run({ RotationPeriodInDays }, { call, key, tx }) {
    const was = key.row.rotation_enabled === 1;
    await updateKey(tx, key.row, {
      rotation_enabled: 1,
      rotation_period_days: RotationPeriodInDays ?? (was ? key.row.rotation_period_days : ROTATION_PERIOD_DAYS),
      rotation_enabled_at: was ? key.row.rotation_enabled_at : call.now,
    });
    return {};
  },
});

/** Turns automatic rotation off; the key keeps the material that it has. */
export const disableKeyRotation = change("DisableKeyRotation", {
  targets: [
    { as: "key", action: "kms:DisableKeyRotation", resource: key("KeyId", keyIdOrArn), states: rotationSettable },
  ],
  record: { readOnly: false, request: ["KeyId"], resources: ["key"] },
  check: (_input, { key }) => requireRotatable(key),
  async run(_input, { key, tx }) {
    await updateKey(tx, key.row, { rotation_enabled: 0, rotation_enabled_at: null });
    return {};
  },
});

/**
 * Whether the key rotates, how often, and when next; false while it is pending deletion (spec 01, Rotation), and always for
 * keys that can't rotate (KMS guide, Key type reference).
 */
export const getKeyRotationStatus = read("GetKeyRotationStatus", {
  targets: [
    { as: "key", action: "kms:GetKeyRotationStatus", resource: key("KeyId", keyIdOrArnAnywhere), states: anyState },
  ],
  record: { readOnly: true, request: ["KeyId"], resources: ["key"] },
  run(_input, { call, key }) {
    const { row } = key;
    const KeyRotationEnabled = row.rotation_enabled === 1 && row.state !== "PendingDeletion";
    if (!KeyRotationEnabled) return { KeyId: key.id, KeyRotationEnabled };
    return {
      KeyId: key.id,
      KeyRotationEnabled,
      RotationPeriodInDays: row.rotation_period_days,
      NextRotationDate: new Date(nextRotationAt(row, call.now)),
    };
  },
});

function requireRotatable({ row, arn }: Key): void {
  if (row.spec !== "SYMMETRIC_DEFAULT") throw new UnsupportedOperationException();
  if (row.origin !== "AWS_KMS") {
    throw new UnsupportedOperationException(`${arn} origin is ${row.origin} which is not valid for this operation.`);
  }
}
