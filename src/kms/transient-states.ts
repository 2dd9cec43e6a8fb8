/** States that pass by themselves: a replica is made, a primary Region is changed. */

import type { DueHandler } from "../pipeline/due-work.ts";
import { setDue } from "../storage/due.ts";
import { updateKey } from "../storage/keys.ts";
import type { KeyRow, KeyState } from "../storage/schema.ts";
import type { Tx } from "../storage/store.ts";
import { stateWithMaterial } from "./importing.ts";

/** The kind of the due rows that end such a state; their subject is the key id. */
export const SETTLE_KEY = "kms:SettleKeyState";

/** AWS takes "a few seconds"; everything is done when the operation answers, and clients are to see the state. */
const SETTLE_MS = 2_000;

/** Has the state of a key settle in a moment. */
export async function settleLater(tx: Tx, { region, key_id }: KeyRow, now: number): Promise<void> {
  await setDue(tx, { kind: SETTLE_KEY, region, subject: key_id, due_at: now + SETTLE_MS });
}

const TRANSIENT: readonly KeyState[] = ["Creating", "Updating"];

/**
 * Ends transient states; a key that was scheduled for deletion meanwhile stays so. Only enabled keys are updated; imported
 * material is not copied to replicas.
 */
export function settleKeyWhenDue(): DueHandler {
  return {
    destructive: false,
    async perform(tx, { region, subject }) {
      const row = await tx.settle((reader) => reader.find("key", region, subject));
      if (row === undefined || !TRANSIENT.includes(row.state)) return;
      await updateKey(tx, row, { state: await stateWithMaterial(tx, row, "Enabled") });
    },
  };
}
