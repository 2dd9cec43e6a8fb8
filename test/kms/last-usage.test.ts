/** When the last use of keys is written, and what becomes of it when it can't be. */

import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { type LastUsages, openLastUsages } from "../../src/kms/last-usage.ts";
import { findKeyUsage } from "../../src/storage/key-usage.ts";
import { insertKey } from "../../src/storage/keys.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import type { SqliteStore } from "../../src/storage/sqlite-store.ts";
import { ACCOUNT, encrypt, KEY_ARN, KEY_ID } from "../audit/entries.ts";
import { key } from "../storage/stores.ts";

const REGION = "eu-west-1";
const NAME = { region: REGION, keyId: KEY_ID };
const RECORDS = [{ account: ACCOUNT, eventId: "event" }];
const clock = { now: () => 1_000 };

const at = (now: number) => ({ ...encrypt, call: { ...encrypt.call, now } });
const written = async (store: SqliteStore): Promise<number | undefined> =>
  (await findKeyUsage(store.db, NAME))?.used_at;

async function setUp(errors: unknown[] = []): Promise<{ store: SqliteStore; usages: LastUsages }> {
  const store = await openMemoryStore({ kind: "dev", clock });
  await store.transaction((tx) => insertKey(tx, key({ region: REGION, key_id: KEY_ID, account: ACCOUNT })));
  return { store, usages: await openLastUsages({ store, clock, onError: (cause) => errors.push(cause) }) };
}

describe("the last use of a key", () => {
  it("is written within a minute, without being asked for", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    try {
      const { store, usages } = await setUp();
      usages.note(at(5_000), RECORDS);
      mock.timers.tick(59_999);
      assert.equal(await written(store), undefined);
      mock.timers.tick(1);
      await usages.flush();
      assert.equal(await written(store), 5_000);
      await usages.close();
      await store.close();
    } finally {
      mock.timers.reset();
    }
  });

  it("is the latest by its time, not by the order of the answers", async () => {
    const { store, usages } = await setUp();
    for (const now of [5_000, 7_000, 6_000]) usages.note(at(now), RECORDS);
    assert.equal((await usages.find({ ...NAME, arn: KEY_ARN }))?.used_at, 7_000);
    await usages.flush();
    usages.note(at(6_500), RECORDS);
    await usages.close();
    assert.equal(await written(store), 7_000);
    await store.close();
  });

  it("does not enter the change feed", async () => {
    const { store, usages } = await setUp();
    const changes = () => store.db.selectFrom("changes").selectAll().execute();
    const before = await changes();
    usages.note(at(5_000), RECORDS);
    await usages.close();
    assert.equal(await written(store), 5_000);
    assert.deepEqual(await changes(), before);
    await store.close();
  });

  it("is tracked since the key was made, or since the store began to where that was later", async () => {
    const { store, usages } = await setUp();
    assert.deepEqual([usages.trackedSince(500), usages.trackedSince(2_000)], [1_000, 2_000]);
    await usages.close();
    await store.close();
  });

  it("is kept when it can't be written, and the operator is told", async () => {
    const errors: unknown[] = [];
    const { store, usages } = await setUp(errors);
    usages.note(at(5_000), RECORDS);
    mock.method(store, "transaction", () => Promise.reject(new Error("no")));
    await usages.close();
    assert.equal(errors.length, 1);
    assert.equal((await usages.find({ ...NAME, arn: KEY_ARN }))?.used_at, 5_000);
    await store.close();
  });

  it("is the latest of what this process saw and what another one wrote", async () => {
    const { store, usages } = await setUp();
    const other = await openLastUsages({ store, clock, onError: () => assert.fail() });
    usages.note(at(5_000), RECORDS);
    other.note(at(6_000), RECORDS);
    await other.close();
    assert.equal((await usages.find({ ...NAME, arn: KEY_ARN }))?.used_at, 6_000);
    await usages.close();
    assert.equal(await written(store), 6_000);
    await store.close();
  });
});
