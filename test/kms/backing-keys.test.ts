/** Keys in tokens and their rows: what due work destroys, and what it must leave alone. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { Tokens } from "../../src/custody/pkcs11/tokens.ts";
import { type CloudHsmCluster, Clusters } from "../../src/kms/key-stores/clusters.ts";
import { SETTLE_BACKING_KEY, settleBackingKeyWhenDue } from "../../src/kms/key-stores/token-keys.ts";
import type { InternalEntry, Recorder } from "../../src/pipeline/operation.ts";
import { findBackingKey, insertBackingKey } from "../../src/storage/backing-keys.ts";
import { insertKeyStore } from "../../src/storage/key-stores.ts";
import { insertKey } from "../../src/storage/keys.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import type { Store } from "../../src/storage/store.ts";
import { HeldClock } from "../custody/fixtures.ts";
import { key, keyStore } from "../storage/stores.ts";

const opened: Store[] = [];
after(async () => {
  for (const store of opened) await store.close();
});

const STORE = keyStore({ type: "AWS_CLOUDHSM", cluster_id: "cluster-abcdefghijk", trust_anchor: "PEM" });
const KEY = key({ region: STORE.region, account: STORE.account, origin: "AWS_CLOUDHSM", key_store_id: STORE.id });

interface Case {
  /** Whether the KMS key is there. */
  readonly hasKey?: boolean;
  readonly handle?: string | null;
  readonly connected?: boolean;
  readonly destroy?: () => Promise<boolean>;
}

/** Settles one key in a token; what was destroyed, what was recorded, and whether its row is left. */
async function settled({ hasKey = false, handle = "7", connected = true, destroy = async () => true }: Case) {
  const store = await openMemoryStore({ kind: "serve", clock: new HeldClock() });
  opened.push(store);
  const { region, account, partition, key_id } = KEY;
  await store.transaction(async (tx) => {
    await insertKeyStore(tx, { ...STORE, connection_state: connected ? "CONNECTED" : "DISCONNECTED" });
    if (hasKey) await insertKey(tx, KEY);
    const names = { key_store_id: STORE.id, cluster_id: "cluster-abcdefghijk" };
    await insertBackingKey(tx, { region, key_id, account, partition, ...names, handle, created_at: 1 });
  });
  const destroyed: string[] = [];
  const tokens = {
    destroy(_user: unknown, id: string) {
      destroyed.push(id);
      return destroy();
    },
  } as unknown as Tokens;
  const cluster = { id: "cluster-abcdefghijk", account, region, state: "ACTIVE" } as CloudHsmCluster;
  const clusters = new Clusters(new Map([[cluster.id, cluster]]), tokens);
  const entries: InternalEntry[] = [];
  const recorder = { enlist: async (_tx: unknown, entry: InternalEntry) => entries.push(entry) } as unknown as Recorder;
  const handler = settleBackingKeyWhenDue({ store, clusters, recorder });
  const due = { kind: SETTLE_BACKING_KEY, region, subject: key_id, due_at: 1 };
  const prepared = (await handler.prepare?.(due)) ?? false;
  await store.transaction((tx) => handler.perform(tx, due, { now: 1, prepared }));
  const status = entries.map(({ additional }) => /SUCCESS|FAILURE/.exec(JSON.stringify(additional))?.[0]);
  const isLeft = (await findBackingKey(store.db, { region, keyId: key_id })) !== undefined;
  return { destroyed: destroyed.length, status, isLeft };
}

describe("a key in a token", () => {
  for (const { title, given, expected } of [
    {
      title: "that a KMS key has is left alone, whatever is due",
      given: { hasKey: true },
      expected: { destroyed: 0, status: [], isLeft: true },
    },
    {
      title: "whose KMS key is gone is destroyed, and recorded",
      given: {},
      expected: { destroyed: 1, status: ["SUCCESS"], isLeft: false },
    },
    {
      title: "that CreateKey did not finish is destroyed, and no KMS key was deleted",
      given: { handle: null },
      expected: { destroyed: 1, status: [], isLeft: false },
    },
    {
      title: "of a store that is not connected stays in the token, and the record says so",
      given: { connected: false },
      expected: { destroyed: 0, status: ["FAILURE"], isLeft: false },
    },
    {
      title: "that the token does not destroy is recorded so",
      given: { destroy: () => Promise.reject(new Error("no token")) },
      expected: { destroyed: 1, status: ["FAILURE"], isLeft: false },
    },
    {
      title: "that somebody else has destroyed is recorded so",
      given: { destroy: async () => false },
      expected: { destroyed: 1, status: ["FAILURE"], isLeft: false },
    },
  ]) {
    it(`S06a-026: ${title}`, async () => {
      assert.deepEqual(await settled(given), expected);
    });
  }
});
