/** Rows of custom key stores: how they connect, what a restore makes again of their records, what `doctor` finds wrong with them. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { TrailEvent } from "../../src/audit/trail.ts";
import { PostError } from "../../src/base/outbound-post.ts";
import { Clusters } from "../../src/kms/key-stores/clusters.ts";
import { settleKeyStoreWhenDue } from "../../src/kms/key-stores/connection.ts";
import { noMeter } from "../../src/kms/key-stores/meter.ts";
import { NO_SETTINGS, type VpcEndpointService } from "../../src/kms/key-stores/places.ts";
import { XksClient } from "../../src/kms/key-stores/xks-client.ts";
import { kmsReplays } from "../../src/kms/replay.ts";
import { insertAccount } from "../../src/storage/accounts.ts";
import { setDue } from "../../src/storage/due.ts";
import { findOffenders, invariantsOf } from "../../src/storage/invariants.ts";
import { insertKeyStore, updateKeyStore } from "../../src/storage/key-stores.ts";
import { insertKey } from "../../src/storage/keys.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import type { Store } from "../../src/storage/store.ts";
import { HeldClock, newCustody } from "../custody/fixtures.ts";
import { key, keyStore } from "../storage/stores.ts";

const clock = new HeldClock();
const { custody } = await newCustody();
const clusters = new Clusters(new Map(), custody.tokens);
after(() => custody.close());
const opened: Store[] = [];
after(async () => {
  for (const store of opened) await store.close();
});

/** A store of rows with one custom key store, its account, and nothing else. */
async function storeWith(columns: Parameters<typeof keyStore>[0] = {}): Promise<Store> {
  const store = await openMemoryStore({ kind: "serve", clock });
  opened.push(store);
  const row = keyStore(columns);
  await store.transaction(async (tx) => {
    await insertAccount(tx, { id: row.account, name: "a", created_at: 1 });
    await insertKeyStore(tx, row);
  });
  return store;
}

const inStore = (columns: object = {}) =>
  key({
    region: "eu-west-1",
    account: "111122223333",
    origin: "EXTERNAL_KEY_STORE",
    state: "Disabled",
    key_store_id: keyStore().id,
    xks_key_id: "k",
    current_material_id: "",
    ...columns,
  });

function eventOf(event: string): TrailEvent {
  const { region, id } = keyStore();
  return {
    event,
    region,
    request: { customKeyStoreId: id },
    resources: [],
    response: {},
    details: {},
    additional: {},
    time: 5,
  } as unknown as TrailEvent;
}

async function replay(store: Store, event: string): Promise<boolean> {
  return await store.transaction(
    async (tx) => (await kmsReplays.get(event)?.(tx, eventOf(event))) ?? assert.fail("no replay"),
  );
}

const rowsOf = (store: Store) => store.db.selectFrom("key_store").select(["id", "connection_state"]).execute();

describe("a restore", () => {
  for (const state of ["CONNECTED", "CONNECTING", "FAILED"] as const) {
    it(`disconnects again what was ${state} at the time of the backup`, async () => {
      const store = await storeWith({ connection_state: state });
      const subject = keyStore().id;
      await store.transaction((tx) =>
        setDue(tx, { kind: "kms:SettleKeyStore", region: "eu-west-1", subject, due_at: 9 }),
      );
      assert.equal(await replay(store, "DisconnectCustomKeyStore"), true);
      assert.deepEqual(
        (await rowsOf(store)).map((row) => row.connection_state),
        ["DISCONNECTED"],
      );
      assert.deepEqual(await store.db.selectFrom("due").selectAll().execute(), []);
    });
  }

  it("deletes again what was deleted, but for one whose keys are back", async () => {
    const empty = await storeWith();
    assert.equal(await replay(empty, "DeleteCustomKeyStore"), true);
    assert.deepEqual(await rowsOf(empty), []);
    assert.equal(await replay(empty, "DeleteCustomKeyStore"), false);
    const full = await storeWith({ connection_state: "CONNECTED" });
    await full.transaction((tx) => insertKey(tx, inStore()));
    assert.equal(await replay(full, "DeleteCustomKeyStore"), false);
    assert.deepEqual(
      (await rowsOf(full)).map((row) => row.connection_state),
      ["DISCONNECTED"],
    );
  });
});

describe("a try to connect", () => {
  const vpc = {
    connectivity: "VPC_ENDPOINT_SERVICE" as const,
    vpc_service: "com.amazonaws.vpce.eu-west-1.vpce-svc-0a1b2c3d",
  };
  const service: VpcEndpointService = {
    name: vpc.vpc_service,
    owner: keyStore().account,
    place: { address: "127.0.0.1", port: 9, tls: false },
    domainVerification: "verified",
    availabilityZones: ["eu-west-1a", "eu-west-1b"],
    loadBalancer: "network",
    acceptanceRequired: false,
    allowedPrincipals: ["cks.kms.eu-west-1.amazonaws.com"],
  };
  for (const { code, kind, columns = {}, services = [], sign } of [
    { code: "XKS_PROXY_INVALID_TLS_CONFIGURATION", kind: "tls" },
    { code: "XKS_PROXY_TIMED_OUT", kind: "late" },
    { code: "XKS_PROXY_NOT_REACHABLE", kind: "unreachable" },
    { code: "XKS_PROXY_INVALID_RESPONSE", kind: "unfit" },
    { code: "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND", columns: vpc },
    { code: "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION", columns: vpc, services: [service] },
    { code: "INTERNAL_ERROR", sign: () => Promise.reject(new Error("it does not open")) },
  ] as const satisfies readonly {
    code: string;
    kind?: PostError["kind"];
    columns?: Parameters<typeof keyStore>[0];
    services?: readonly VpcEndpointService[];
    sign?: () => Promise<string>;
  }[]) {
    it(`S06b-014: fails with ${code}`, async () => {
      const store = await storeWith({ connection_state: "CONNECTING", connection_request: "r", ...columns });
      const xks = new XksClient({
        post: {
          post: () => Promise.reject(kind === undefined ? assert.fail("a proxy was asked") : new PostError(kind, 1)),
        },
        custody: { signForProxy: sign ?? (async () => "0".repeat(64)) },
        settings: { ...NO_SETTINGS, services: new Map(services.map((one) => [one.name, one])) },
        meter: noMeter,
        machineClock: clock,
      });
      const handler = settleKeyStoreWhenDue({ store, xks, clusters });
      const due = { kind: "kms:SettleKeyStore", region: "eu-west-1", subject: keyStore().id, due_at: 1 };
      const prepared = await handler.prepare?.(due);
      await store.transaction((tx) => handler.perform(tx, due, { now: 1, prepared }));
      const row = await store.db.selectFrom("key_store").selectAll().executeTakeFirstOrThrow();
      assert.deepEqual([row.connection_state, row.connection_error], ["FAILED", code]);
    });
  }

  it("counts for the store that was asked alone: one that was changed meanwhile is asked again", async () => {
    const store = await storeWith({ connection_state: "CONNECTING" });
    const xks = { settings: NO_SETTINGS, health: async () => {} } as unknown as XksClient;
    const handler = settleKeyStoreWhenDue({ store, xks, clusters });
    const due = { kind: "kms:SettleKeyStore", region: "eu-west-1", subject: keyStore().id, due_at: 1 };
    const prepared = await handler.prepare?.(due);
    await store.transaction(async (tx) => {
      await updateKeyStore(tx, keyStore(), { revision: "r2" });
      await handler.perform(tx, due, { now: 1, prepared });
    });
    assert.deepEqual(
      (await rowsOf(store)).map((row) => row.connection_state),
      ["CONNECTING"],
    );
    assert.equal((await store.db.selectFrom("due").selectAll().execute()).length, 1);
  });
});

describe("doctor", () => {
  async function foundIn(store: Store): Promise<readonly string[]> {
    const broken: string[] = [];
    for (const invariant of invariantsOf("sqlite")) {
      if ((await findOffenders(store.db, invariant)).length > 0) broken.push(invariant.broken);
    }
    return broken;
  }

  for (const { title, store: columns, key: row, says } of [
    { title: "nothing of a store that is well", store: {}, key: {}, says: [] },
    {
      title: "a key whose store is not there",
      store: {},
      key: { key_store_id: "cks-none" },
      says: [/a key of a custom key store that is not there/],
    },
    {
      title: "a key of another account's store",
      store: {},
      key: { account: "444455556666" },
      says: [/a key of a custom key store that is not there/, /an account that is not there/],
    },
    {
      title: "a key without its external key",
      store: {},
      key: { xks_key_id: null },
      says: [/in an external key store by one column/],
    },
    {
      title: "a store that nothing connects",
      store: { connection_state: "CONNECTING" as const },
      key: {},
      says: [/nothing that brings it there/],
    },
    {
      title: "a store of nobody",
      store: {},
      key: {},
      nobody: true,
      says: [/a custom key store of an account that is not there/, /a key of an account/],
    },
  ]) {
    it(`tells of ${title}`, async () => {
      const store = await storeWith(columns);
      await store.transaction((tx) => insertKey(tx, inStore(row)));
      if (title.endsWith("nobody"))
        await store.transaction(async (tx) => void (await tx.db.deleteFrom("account").execute()));
      const broken = await foundIn(store);
      assert.equal(broken.length, says.length, broken.join("\n"));
      for (const text of says)
        assert.ok(
          broken.some((message) => text.test(message)),
          broken.join("\n"),
        );
    });
  }
});
