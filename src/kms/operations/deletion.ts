/** ScheduleKeyDeletion and CancelKeyDeletion. */

import { ValidationException } from "../../base/errors.ts";
import { findBackingKey } from "../../storage/backing-keys.ts";
import type { BackingKeyRow } from "../../storage/key-store-schema.ts";
import { windowCondition } from "../conditions.ts";
import { cancelDeletion, scheduleDeletion } from "../deletion.ts";
import { keyIdOrArn } from "../identifiers.ts";
import { examineIdleness, idleCondition } from "../idle-keys.ts";
import { cancellable, deletable } from "../key-states.ts";
import { backingKeysData } from "../key-stores/token-keys.ts";
import { change } from "../operation.ts";
import { key } from "../resources.ts";

/** The service's own bounds; the shape allows 1 to 365 (spec 02, Waiting period). */
const WINDOW_DAYS = { min: 7, max: 30, initial: 30 };

/**
 * Starts the waiting period at whose end the key is destroyed; that of a primary key with replicas begins when the last of them
 * is gone (API reference, ScheduleKeyDeletion).
 */
export const scheduleKeyDeletion = change("ScheduleKeyDeletion", {
  targets: [{ as: "key", action: "kms:ScheduleKeyDeletion", resource: key("KeyId", keyIdOrArn), states: deletable }],
  conditions: { ...windowCondition, ...idleCondition },
  examine: examineIdleness,
  record: {
    readOnly: false,
    request: ({ KeyId, PendingWindowInDays = WINDOW_DAYS.initial }) => ({ KeyId, PendingWindowInDays }),
    response: ({ KeyId, KeyState, DeletionDate, PendingWindowInDays }) =>
      DeletionDate === undefined ? { KeyId, KeyState, PendingWindowInDays } : { KeyId, KeyState, DeletionDate },
    resources: ["key"],
    additional: (_output, { prepared }: { readonly prepared: BackingKeyRow | undefined }) =>
      prepared && backingKeysData(prepared),
  },
  validate: ({ PendingWindowInDays }) => requireWindow(PendingWindowInDays ?? WINDOW_DAYS.initial),
  prepare: (_input, { key, store }): Promise<BackingKeyRow | undefined> =>
    findBackingKey(store.db, { region: key.region, keyId: key.id }),
  async run({ PendingWindowInDays = WINDOW_DAYS.initial }, { call, key, tx }) {
    const deletionAt = await scheduleDeletion(tx, key.row, { windowDays: PendingWindowInDays, now: call.now });
    if (deletionAt === undefined) {
      return { KeyId: key.arn, KeyState: "PendingReplicaDeletion" as const, PendingWindowInDays };
    }
    return {
      KeyId: key.arn,
      DeletionDate: new Date(deletionAt),
      KeyState: "PendingDeletion" as const,
      PendingWindowInDays,
    };
  },
});

/** Ends the waiting period; the key is left disabled, or pending import (API reference, CancelKeyDeletion). */
export const cancelKeyDeletion = change("CancelKeyDeletion", {
  targets: [{ as: "key", action: "kms:CancelKeyDeletion", resource: key("KeyId", keyIdOrArn), states: cancellable }],
  record: { readOnly: false, request: ["KeyId"], response: ({ KeyId }) => ({ KeyId }), resources: ["key"] },
  async run(_input, { key, tx }) {
    await cancelDeletion(tx, key.row);
    return { KeyId: key.arn };
  },
});

function requireWindow(days: number): void {
  const { min, max } = WINDOW_DAYS;
  if (days >= min && days <= max) return;
  throw new ValidationException(`PendingWindowInDays must be between ${min} and ${max}`);
}
