/** Rows of grants: what is said in the feed, what the view holds, and how they are found. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  countGrantsOfKey,
  deleteGrant,
  deleteGrantsOfKey,
  findGrantsOfName,
  insertGrant,
  listGrantsOfKey,
  listGrantsOfRetirer,
} from "../../src/storage/grants.ts";
import type { GrantRow } from "../../src/storage/schema.ts";
import type { Store, Tx } from "../../src/storage/store.ts";
import { engines } from "./stores.ts";

const REGION = "eu-central-1";
const ALICE = "arn:aws:iam::111122223333:user/Alice";
const BOB = "arn:aws:iam::111122223333:user/Bob";
const all = { after: undefined, count: 100 };
const k1 = { region: REGION, keyId: "k1" };

const grant = (grant_id: string, columns: Partial<GrantRow> = {}): GrantRow => ({
  region: REGION,
  grant_id,
  key_id: "k1",
  key_account: "111122223333",
  partition: "aws",
  issuing_account: "111122223333",
  grantee: ALICE,
  grantee_id: null,
  grantee_is_service: 0,
  retirer: null,
  retirer_id: null,
  retirer_is_service: 0,
  operations: '["Encrypt"]',
  constraints: null,
  name: "",
  created_at: 1,
  ...columns,
});

/** What a transaction says in the change feed. */
async function changesOf(store: Store, body: (tx: Tx) => Promise<unknown>): Promise<string[]> {
  const heard: string[] = [];
  store.onChange((kind, name) => heard.push([kind, ...name].join(" ")));
  await store.transaction(body);
  return heard.sort();
}

/** A transaction that notes how many rows each statement gives. */
function watched(tx: Tx, rowsAtOnce: number[]): Tx {
  const db = tx.db.withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      rowsAtOnce.push(result.rows.length);
      return result;
    },
  });
  return Object.create(tx, { db: { value: db } }) as Tx;
}

const grantsOf = async (store: Store, grantee: string): Promise<readonly string[]> => {
  const row = await store.settle((reader) => reader.find("granted", REGION, "k1", grantee));
  return row?.grants.map(({ grant_id }) => grant_id) ?? [];
};
const countOf = (store: Store, keyId = "k1"): Promise<number> =>
  store.transaction((tx) => countGrantsOfKey(tx, { region: REGION, keyId }));
const ids = (rows: readonly GrantRow[]): readonly string[] => rows.map(({ grant_id }) => grant_id);

describe("rows of grants", () => {
  for (const { engine, withStore } of engines) {
    it(`are in the view by id and by grantee, and leave it when they change (${engine})`, async () => {
      await withStore(async (store) => {
        assert.deepEqual(await grantsOf(store, ALICE), []);
        const row = grant("g2", { created_at: 2 });
        assert.deepEqual(await changesOf(store, (tx) => insertGrant(tx, row)), [
          `grant ${REGION} g2`,
          `granted ${REGION} k1 ${ALICE}`,
        ]);
        await store.transaction((tx) => insertGrant(tx, grant("g3", { created_at: 1 })));
        await store.transaction((tx) => insertGrant(tx, grant("g1", { grantee: BOB })));
        assert.deepEqual(await grantsOf(store, ALICE), ["g3", "g2"]);
        assert.deepEqual(await grantsOf(store, BOB), ["g1"]);
        assert.deepEqual(await store.settle((reader) => reader.find("grant", REGION, "g2")), row);
        assert.equal(await countOf(store), 3);
        await store.transaction((tx) => deleteGrant(tx, row));
        assert.deepEqual(await grantsOf(store, ALICE), ["g3"]);
        assert.equal(await store.settle((reader) => reader.find("grant", REGION, "g2")), undefined);
        assert.equal(await countOf(store), 2);
      });
    });

    it(`all go with their key, however many, and no other key's (${engine})`, async () => {
      await withStore(async (store) => {
        const count = 1_201;
        await store.transaction(async (tx) => {
          for (let index = 0; index < count; index += 1) {
            await insertGrant(tx, grant(`g${index}`, { grantee: index % 2 === 0 ? ALICE : BOB }));
          }
          await insertGrant(tx, grant("other", { key_id: "k2" }));
        });
        assert.equal((await grantsOf(store, ALICE)).length, 601);
        const rowsAtOnce: number[] = [];
        const heard = await changesOf(store, (tx) => deleteGrantsOfKey(watched(tx, rowsAtOnce), k1));
        assert.ok(
          Math.max(...rowsAtOnce) <= 500,
          "a process that handles all of them in one go does nothing else meanwhile",
        );
        assert.equal(heard.filter((change) => change.startsWith("grant ")).length, count);
        assert.deepEqual(
          heard.filter((change) => change.startsWith("granted ")),
          [`granted ${REGION} k1 ${ALICE}`, `granted ${REGION} k1 ${BOB}`],
        );
        assert.deepEqual([await grantsOf(store, ALICE), await grantsOf(store, BOB)], [[], []]);
        assert.deepEqual([await countOf(store), await countOf(store, "k2")], [0, 1]);
        assert.deepEqual(ids(await listGrantsOfKey(store.db, k1, all)), []);
      });
    });
  }

  it("are listed by key in the order of their ids, filtered, and in slices", async () => {
    await engines[0]?.withStore(async (store) => {
      await store.transaction(async (tx) => {
        await insertGrant(tx, grant("b"));
        await insertGrant(tx, grant("a", { grantee: BOB }));
        await insertGrant(tx, grant("c", { grantee: "s3.amazonaws.com", grantee_is_service: 1 }));
        await insertGrant(tx, grant("d", { key_id: "k2" }));
        await insertGrant(tx, grant("e", { region: "us-east-1" }));
      });
      const list = async (filter = {}, slice: { after: string | undefined; count: number } = all) =>
        ids(await listGrantsOfKey(store.db, { ...k1, ...filter }, slice));
      assert.deepEqual(await list(), ["a", "b", "c"]);
      assert.deepEqual(await list({}, { after: "a", count: 1 }), ["b"]);
      assert.deepEqual(await list({ grantee: BOB }), ["a"]);
      assert.deepEqual(await list({ grantId: "b" }), ["b"]);
      assert.deepEqual(await list({ grantId: "d" }), []);
      assert.deepEqual(await list({ grantee: "s3.amazonaws.com", isService: true }), ["c"]);
      assert.deepEqual(await list({ grantee: "s3.amazonaws.com", isService: false }), []);
    });
  });

  it("are found by name on their key, and by who retires them in their Region", async () => {
    await engines[0]?.withStore(async (store) => {
      await store.transaction(async (tx) => {
        await insertGrant(tx, grant("a", { name: "n", retirer: BOB, created_at: 2 }));
        await insertGrant(tx, grant("b", { name: "n", retirer: ALICE }));
        await insertGrant(tx, grant("c", { name: "m" }));
        await insertGrant(tx, grant("d", { name: "n", key_id: "k2", retirer: BOB }));
        await insertGrant(tx, grant("e", { name: "n", region: "us-east-1", retirer: BOB }));
      });
      assert.deepEqual(ids(await store.transaction((tx) => findGrantsOfName(tx, k1, "n"))), ["b", "a"]);
      const retirable = { region: REGION, retirer: BOB, retirerId: null };
      assert.deepEqual(ids(await listGrantsOfRetirer(store.db, retirable, all)), ["a", "d"]);
      assert.deepEqual(ids(await listGrantsOfRetirer(store.db, retirable, { after: "a", count: 5 })), ["d"]);
    });
  });

  it("have ids that are taken once in a Region", async () => {
    await engines[0]?.withStore(async (store) => {
      await store.transaction((tx) => insertGrant(tx, grant("a")));
      await assert.rejects(
        store.transaction((tx) => insertGrant(tx, grant("a", { key_id: "k2" }))),
        /UNIQUE/,
      );
      assert.equal(await countOf(store, "k2"), 0);
    });
  });
});
