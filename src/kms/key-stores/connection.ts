/** Custom key stores on their way into a connection and out of it: due work, so that the operations answer at once. */

import type { DueHandler } from "../../pipeline/due-work.ts";
import type { Call } from "../../pipeline/operation.ts";
import { setDue } from "../../storage/due.ts";
import type { ConnectionState, KeyStoreRow } from "../../storage/key-store-schema.ts";
import { updateKeyStore } from "../../storage/key-stores.ts";
import type { Store, Tx } from "../../storage/store.ts";
import { activeZones, type Clusters } from "./clusters.ts";
import { findServiceFault } from "./places.ts";
import { connectionErrorOf } from "./token-failures.ts";
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
  /** The password of the cluster's user from now on, sealed. */
  readonly secret?: Uint8Array;
}

/** Connects stores, and disconnects them. A store that was changed meanwhile is left to the due row of that change. */
export function settleKeyStoreWhenDue({
  store,
  xks,
  clusters,
}: {
  store: Store;
  xks: XksClient;
  clusters: Clusters;
}): DueHandler<Outcome | undefined> {
  return {
    destructive: false,
    async prepare({ region, subject }) {
      const row = await store.settle((reader) => reader.find("keyStore", region, subject));
      if (row?.connection_state !== "CONNECTING") return undefined;
      return row.type === "AWS_CLOUDHSM" ? await logIn(row, { store, clusters }) : await connect(row, xks);
    },
    async perform(tx, { region, subject, kind }, { prepared, now }) {
      const row = await tx.settle((reader) => reader.find("keyStore", region, subject));
      if (row?.connection_state === "DISCONNECTING") {
        await updateKeyStore(tx, row, { connection_state: "DISCONNECTED", connection_error: null });
      }
      if (row?.connection_state !== "CONNECTING") return;
      if (prepared?.revision !== row.revision)
        return await setDue(tx, { kind, region, subject, due_at: now + SETTLE_MS });
      const { state, error, secret } = prepared;
      await updateKeyStore(tx, row, {
        connection_state: state,
        connection_error: error,
        ...(secret && { secret, secret_at: now }),
      });
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

/**
 * Logs in to the store's cluster and changes the password of its user to one that only KMS knows (KMS guide, kmsuser crypto user). What
 * it is to be is stored before the cluster is told.
 */
async function logIn(row: KeyStoreRow, { store, clusters }: { store: Store; clusters: Clusters }): Promise<Outcome> {
  const { revision } = row;
  const failed = (error: string): Outcome => ({ state: "FAILED", error, revision });
  const cluster = clusters.find(row, row.cluster_id);
  const user = clusters.findUser(row);
  if (cluster === undefined || user === undefined) return failed("CLUSTER_NOT_FOUND");
  if (activeZones(cluster).size === 0) return failed("INSUFFICIENT_CLOUDHSM_HSMS");
  try {
    const sealed = await clusters.tokens.beginChange(user);
    const isStill = await store.transaction(async (tx) => {
      const found = await tx.settle((reader) => reader.find("keyStore", row.region, row.id));
      if (found?.connection_state !== "CONNECTING" || found.revision !== revision) return false;
      await updateKeyStore(tx, row, { secret: sealed });
      return true;
    });
    if (!isStill) return failed("INTERNAL_ERROR"); // nobody reads it
    return { state: "CONNECTED", error: null, revision, secret: await clusters.tokens.connect({ ...user, sealed }) };
  } catch (cause) {
    return failed(connectionErrorOf(cause));
  }
}
