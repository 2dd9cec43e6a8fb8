/** ScheduleKeyDeletion and CancelKeyDeletion. */

import { ValidationException } from "../../base/errors.ts";
import { clearDue, setDue } from "../../storage/due.ts";
import { updateKey } from "../../storage/keys.ts";
import { windowCondition } from "../conditions.ts";
import { DELETE_KEY } from "../deletion.ts";
import { keyIdOrArn } from "../identifiers.ts";
import { stateAfterCancel } from "../importing.ts";
import { cancellable, deletable } from "../key-states.ts";
import { daysAfter } from "../keys.ts";
import { change } from "../operation.ts";
import { key } from "../resources.ts";

/** The service's own bounds; the shape allows 1 to 365 (spec 02, Waiting period). */
const WINDOW_DAYS = { min: 7, max: 30, initial: 30 };

/** Starts the waiting period at whose end the key is destroyed (API reference, ScheduleKeyDeletion). */
export const scheduleKeyDeletion = change("ScheduleKeyDeletion", {
  targets: [{ as: "key", action: "kms:ScheduleKeyDeletion", resource: key("KeyId", keyIdOrArn), states: deletable }],
  conditions: windowCondition,
  record: {
    readOnly: false,
    request: ({ KeyId, PendingWindowInDays = WINDOW_DAYS.initial }) => ({ KeyId, PendingWindowInDays }),
    response: ({ KeyId, KeyState, DeletionDate }) => ({ KeyId, KeyState, DeletionDate }),
    resources: ["key"],
  },
  validate: ({ PendingWindowInDays }) => requireWindow(PendingWindowInDays ?? WINDOW_DAYS.initial),
  async run({ PendingWindowInDays = WINDOW_DAYS.initial }, { call, key, tx }) {
    const deletionAt = daysAfter(call.now, PendingWindowInDays);
    await updateKey(tx, key.row, { state: "PendingDeletion", deletion_at: deletionAt });
    await setDue(tx, { kind: DELETE_KEY, region: key.row.region, subject: key.id, due_at: deletionAt });
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
    await updateKey(tx, key.row, { state: await stateAfterCancel(tx, key.row), deletion_at: null });
    await clearDue(tx, { kind: DELETE_KEY, region: key.row.region, subject: key.id });
    return { KeyId: key.arn };
  },
});

function requireWindow(days: number): void {
  const { min, max } = WINDOW_DAYS;
  if (days >= min && days <= max) return;
  throw new ValidationException(`PendingWindowInDays must be between ${min} and ${max}.`);
}
