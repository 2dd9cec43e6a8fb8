/** States that pass by themselves: a replica is made, a primary Region is changed. */

import type { DueHandler } from "../pipeline/due-work.ts";
import { setDue } from "../storage/due.ts";
import { updateKey } from "../storage/keys.ts";
import type { KeyRow, KeyState } from "../storage/schema.ts";
import type { Tx } from "../storage/store.ts";

/** The kind of the due rows that end such a state; their subject is the key id. */
export const SETTLE_KEY = "kms:SettleKeyState";

/** AWS takes "a few seconds"; everything is done when the operation answers, and clients are to see the state. */
const SETTLE_MS = 2_000;

/** Has the state of a key settle in a moment. */
export async function settleLater(tx: Tx, { region, key_id }: KeyRow, now: number): Promise<void> {
  await setDue(tx, { kind: SETTLE_KEY, region, subject: key_id, due_at: now + SETTLE_MS });
}

/** Ends transient states; a key that was scheduled for deletion meanwhile stays so. */
export function settleKeyWhenDue(): DueHandler {
  return {
    destructive: false,
    async perform(tx, { region, subject }) {
      const row = await tx.settle((reader) => reader.find("key", region, subject));
      const state = row && settledState(row);
      if (row !== undefined && state !== undefined) await updateKey(tx, row, { state });
    },
  };
}

/** What a transient state becomes: imported material is not copied to replicas, and only enabled keys are updated. */
function settledState({ state, origin }: KeyRow): KeyState | undefined {
  if (state === "Creating") return origin === "EXTERNAL" ? "PendingImport" : "Enabled";
  return state === "Updating" ? "Enabled" : undefined;
}
