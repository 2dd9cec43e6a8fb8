/** Rows of quotas: counts of keys, and values that every process has at once. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { deleteKey, insertKey } from "../../src/storage/keys.ts";
import { MIGRATIONS, migrate } from "../../src/storage/migrations.ts";
import { countKeys, putQuotaValue } from "../../src/storage/quotas.ts";
import type { Store } from "../../src/storage/store.ts";
import { engines, key, openServer, openTool, TemporaryDirectory } from "./stores.ts";

const OWNER = { account: "111122223333", region: "eu-central-1" };
const CODE = "L-C2F1777E";

const valueIn = (store: Store) =>
  store.settle((reader) => reader.find("quotas", OWNER.region, OWNER.account)?.values.get(CODE));

for (const { engine, withStore } of engines) {
  describe(`quotas in a ${engine} store`, () => {
    it("count the customer managed keys of an account in a Region as they come and go", () =>
      withStore(async (store) => {
        const count = (owner = OWNER) => store.transaction((tx) => countKeys(tx, owner));
        assert.equal(await count(), 0);
        await store.transaction(async (tx) => {
          await insertKey(tx, key({ key_id: "one" }));
          await insertKey(tx, key({ key_id: "two", state: "PendingDeletion" }));
          await insertKey(tx, key({ key_id: "three", manager: "AWS", service: "ebs" }));
          await insertKey(tx, key({ key_id: "four", account: "444455556666" }));
          await insertKey(tx, key({ key_id: "one", region: "us-east-1" }));
        });
        assert.equal(await count(), 2);
        assert.equal(await count({ ...OWNER, region: "us-east-1" }), 1);
        await store.transaction(async (tx) => {
          for (const keyId of ["one", "three", "absent"]) await deleteKey(tx, { region: OWNER.region, keyId });
        });
        assert.equal(await count(), 1);
        assert.equal(await count({ ...OWNER, account: "444455556666" }), 1);
      }));

    it("have the value that was given last", () =>
      withStore(async (store) => {
        assert.equal(await valueIn(store), undefined);
        for (const value of [7, 0.25]) {
          await store.transaction((tx) => putQuotaValue(tx, { ...OWNER, code: CODE, value }));
          assert.equal(await valueIn(store), value);
        }
      }));
  });
}

it("a value that one process gave decides in another from the next reading", async () => {
  using directory = new TemporaryDirectory();
  await using server = await openServer(directory.path);
  await using tool = await openTool(directory.path);
  assert.equal(await valueIn(tool), undefined);
  await server.transaction((tx) => putQuotaValue(tx, { ...OWNER, code: CODE, value: 7 }));
  assert.equal(await valueIn(tool), 7);
});

it("a store of the version before is counted when it is brought up to date", () => {
  using database = new DatabaseSync(":memory:");
  const upTo = (version: number) => MIGRATIONS.filter((migration) => migration.version <= version);
  migrate(database, { kind: "dev", now: 1, migrations: upTo(7) });
  const rows = [key({ key_id: "one" }), key({ key_id: "two" }), key({ key_id: "three", manager: "AWS" })];
  const known = database.prepare("SELECT name FROM pragma_table_info('key')").all();
  for (const row of rows) {
    const then = Object.entries(row).filter(([column]) => known.some(({ name }) => name === column));
    const columns = then.map(([column]) => column).join(", ");
    const values = then.map(([_column, value]) => value);
    database.prepare(`INSERT INTO "key" (${columns}) VALUES (${values.map(() => "?").join(", ")})`).run(...values);
  }
  migrate(database, { kind: "dev", now: 2 });
  const counts = database.prepare("SELECT account, region, keys FROM key_count").all();
  assert.deepEqual(
    counts.map((count) => ({ ...count })),
    [{ ...OWNER, keys: 2 }],
  );
});
