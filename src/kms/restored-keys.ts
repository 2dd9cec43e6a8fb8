/** Keys of a store that was restored without knowing what happened since its backup: nobody uses them before somebody has looked. */

import type { Recorder } from "../pipeline/operation.ts";
import { listCustomerKeys, updateKey } from "../storage/keys.ts";
import type { Store } from "../storage/store.ts";
import { cancelDeletion } from "./deletion.ts";
import { keyArn } from "./identifiers.ts";
import { stateWithMaterial } from "./importing.ts";

const KEYS_PER_STEP = 200;

/**
 * Disables every key of customers that could be used, and calls off pending deletions, which may have been called off since:
 * nothing is used and nothing destroyed without somebody's word. Each key gets its DisableKey record.
 *
 * @returns how many keys it disabled
 */
export async function disableWhenRestored(
  store: Store,
  { recorder, now }: { readonly recorder: Pick<Recorder, "enlist">; readonly now: number },
): Promise<number> {
  let disabled = 0;
  for (let after: { region: string; keyId: string } | undefined; ; ) {
    const rows = await listCustomerKeys(store.db, after, KEYS_PER_STEP);
    const last = rows.at(-1);
    if (last === undefined) return disabled;
    await store.transaction(async (tx) => {
      for (const row of rows) {
        if (row.state === "Disabled" || row.state === "PendingImport") continue;
        if (row.state.startsWith("Pending")) await cancelDeletion(tx, row);
        else await updateKey(tx, row, { state: await stateWithMaterial(tx, row, "Disabled") });
        disabled += 1;
        const { account, region } = row;
        const arn = keyArn({ ...row, keyId: row.key_id });
        const details = { reason: "The store was restored without the audit records of after its backup." };
        const facts = { service: "kms", event: "DisableKey", account, region, now, details };
        await recorder.enlist(tx, { ...facts, response: { KeyId: arn }, resources: [{ arn, account }] });
      }
    });
    after = { region: last.region, keyId: last.key_id };
  }
}
