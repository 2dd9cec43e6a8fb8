/** Custom key stores on their way into a connection and out of it: due work, so that the operations answer at once. */

import type { DueHandler } from "../../pipeline/due-work.ts";
import type { Call } from "../../pipeline/operation.ts";
import { setDue } from "../../storage/due.ts";
import type { ConnectionState, KeyStoreRow } from "../../storage/key-store-schema.ts";
import { updateKeyStore } from "../../storage/key-stores.ts";
import type { Store, Tx } from "../../storage/store.ts";
import { findServiceFault } from "./places.ts";
import type { XksClient } from "./xks-client.ts";
import { XksError } from "./xks-failures.ts";

/** The kind of the due rows that end `CONNECTING` and `DISCONNECTING`; their subject is the id of the store. */
export const SETTLE_KEY_STORE = "kms:SettleKeyStore";

/** AWS takes some five minutes; clients are to see the state. */
const SETTLE_MS = 1_000;

/** Brings a store into a state that passes by itself, or to what that ends in. */
export async function moveStore(
  tx: Tx,
  { region, id }: Pick<KeyStoreRow, "id" | "region">,
  { to, call: { now, requestId } }: { readonly to: "CONNECTING" | "DISCONNECTING"; readonly call: Call },
): Promise<void> {
  const request = to === "CONNECTING" ? { connection_request: requestId } : {};
  await updateKeyStore(tx, { region, id }, { connection_state: to, connection_error: null, ...request });
  await setDue(tx, { kind: SETTLE_KEY_STORE, region, subject: id, due_at: now + SETTLE_MS });
}

/** What a try to connect came to. */
interface Outcome {
  readonly state: ConnectionState;
  readonly error: string | null;
  /** Of the store that was connected to. */
  readonly revision: string;
}

/** Connects stores, and disconnects them. A store that was changed meanwhile is left to the due row of that change. */
export function settleKeyStoreWhenDue({
  store,
  xks,
}: {
  store: Store;
  xks: XksClient;
}): DueHandler<Outcome | undefined> {
  return {
    destructive: false,
    async prepare({ region, subject }) {
      const row = await store.settle((reader) => reader.find("keyStore", region, subject));
      return row?.connection_state === "CONNECTING" ? await connect(row, xks) : undefined;
    },
    async perform(tx, { region, subject, kind }, { prepared, now }) {
      const row = await tx.settle((reader) => reader.find("keyStore", region, subject));
      if (row?.connection_state === "DISCONNECTING") {
        await updateKeyStore(tx, row, { connection_state: "DISCONNECTED", connection_error: null });
      }
      if (row?.connection_state !== "CONNECTING") return;
      if (prepared?.revision !== row.revision)
        return await setDue(tx, { kind, region, subject, due_at: now + SETTLE_MS });
      await updateKeyStore(tx, row, { connection_state: prepared.state, connection_error: prepared.error });
    },
  };
}

/** Looks whether the store's proxy can be reached and is well. */
async function connect(row: KeyStoreRow, xks: XksClient): Promise<Outcome> {
  const { revision } = row;
  const failed = (error: string): Outcome => ({ state: "FAILED", error, revision });
  const fault = findServiceFault(row, xks.settings);
  if (fault !== undefined) return failed(fault.code);
  try {
    await xks.health(row, { kmsOperation: "ConnectCustomKeyStore", kmsRequestId: row.connection_request ?? "" });
    return { state: "CONNECTED", error: null, revision };
  } catch (cause) {
    return failed(cause instanceof XksError ? cause.failure.connecting : "INTERNAL_ERROR");
  }
}
