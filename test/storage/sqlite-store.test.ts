/** What a store promises on either engine. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { sql } from "kysely";
import { insertAccount } from "../../src/storage/accounts.ts";
import { deleteAlias, insertAlias, updateAlias } from "../../src/storage/aliases.ts";
import type { Store, Tx } from "../../src/storage/store.ts";
import { account, engines, findAccount } from "./stores.ts";

const accountIds = async (store: Store): Promise<string[]> =>
  (await store.db.selectFrom("account").select("id").orderBy("id").execute()).map(({ id }) => id);

const failAfter = (tx: Tx, id: string): Promise<never> =>
  insertAccount(tx, account(id)).then(() => {
    throw new Error(`no ${id}`);
  });

for (const { engine, withStore } of engines) {
  describe(`a ${engine} store`, () => {
    it("answers what was committed, at once when asked again", async () => {
      await withStore(async (store) => {
        assert.equal(await findAccount(store, "1"), undefined);
        await store.transaction((tx) => insertAccount(tx, account("1", "first")));
        assert.deepEqual(await findAccount(store, "1"), account("1", "first"));
        assert.deepEqual(findAccount(store, "1"), account("1", "first"));
      });
    });

    it("remembers that a name leads to nothing, until it does", async () => {
      await withStore(async (store) => {
        assert.equal(await findAccount(store, "1"), undefined);
        assert.equal(findAccount(store, "1"), undefined, "the second answer is no promise");
        await store.transaction((tx) => insertAccount(tx, account("1")));
        assert.deepEqual(await findAccount(store, "1"), account("1"));
      });
    });

    it("follows names from row to row, and ignores what a reading throws while rows are missing", async () => {
      await withStore(async (store) => {
        const alias = { region: "r", account: "1", name: "alias/a", key_id: "1", created_at: 1, updated_at: 1 };
        await store.transaction(async (tx) => {
          await insertAlias(tx, alias);
          await insertAccount(tx, account("1", "found"));
        });
        const name = await store.settle((reader) => {
          const row = reader.find("alias", "r", "1", "alias/a");
          if (row === undefined) throw new Error("no alias");
          const owner = reader.find("account", row.key_id);
          if (owner === undefined) throw new Error("no account");
          return owner.name;
        });
        assert.equal(name, "found");
        await assert.rejects(
          async () => {
            await store.settle((reader) => {
              if (reader.find("account", "2") === undefined) throw new Error("no account 2");
            });
          },
          { message: "no account 2" },
        );
      });
    });

    it("runs transactions in the order of the calls and lets those that wait share commits", async () => {
      await withStore(async (store) => {
        const begun: number[] = [];
        const calls = Array.from({ length: 200 }, (_, index) =>
          store.transaction(async (tx) => {
            begun.push(index);
            await insertAccount(tx, account(String(index).padStart(3, "0")));
            return index;
          }),
        );
        assert.deepEqual(await Promise.all(calls), [...begun.keys()]);
        assert.deepEqual(begun, [...begun.keys()]);
        assert.equal((await accountIds(store)).length, 200);
        const { transactions, commits } = store.statistics();
        assert.equal(transactions, 200);
        assert.equal(commits, 4, "200 transactions in batches of 64");
      });
    });

    it("keeps nothing of a transaction that throws, and all of its neighbours in the same commit", async () => {
      await withStore(async (store) => {
        const outcomes = await Promise.allSettled([
          store.transaction((tx) => insertAccount(tx, account("1"))),
          store.transaction((tx) => failAfter(tx, "2")),
          store.transaction((tx) => insertAccount(tx, account("3"))),
          store.transaction((tx) => insertAccount(tx, account("3"))), // taken: the statement fails
          store.transaction((tx) => insertAccount(tx, account("4"))),
        ]);
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          ["fulfilled", "rejected", "fulfilled", "rejected", "fulfilled"],
        );
        assert.deepEqual(await accountIds(store), ["1", "3", "4"]);
        assert.equal(store.statistics().commits, 1);
        const changes = await store.db.selectFrom("changes").select(["position", "name"]).orderBy("position").execute();
        assert.deepEqual(
          changes.map(({ name }) => name),
          ["1", "3", "4"],
        );
        if (engine === "postgres") return; // what was undone leaves a gap there
        assert.deepEqual(
          changes.map(({ position }) => position),
          [1, 2, 3],
        );
      });
    });

    it("fails a transaction whose statement failed, caught or not", async () => {
      await withStore(async (store) => {
        await store.transaction((tx) => insertAccount(tx, account("1")));
        const careless = store.transaction(async (tx) => {
          await insertAccount(tx, account("2"));
          await insertAccount(tx, account("1")).catch(() => undefined);
        });
        await assert.rejects(careless, /unique/i);
        assert.deepEqual(await accountIds(store), ["1"]);
      });
    });

    it("refuses statements of a transaction that is over", async () => {
      await withStore(async (store) => {
        const tx = await store.transaction(async (tx) => tx);
        await assert.rejects(insertAccount(tx, account("1")), { message: "The transaction is over." });
        assert.deepEqual(await accountIds(store), []);
      });
    });

    it("refuses to wait for itself inside a transaction", async () => {
      const message = "Inside a transaction, the store is reached through the transaction only.";
      await withStore(async (store) => {
        await assert.rejects(
          store.transaction(() => store.transaction(async () => undefined)),
          { message },
        );
        await assert.rejects(
          store.transaction(async () => accountIds(store)),
          { message },
        );
        await assert.rejects(
          store.transaction(async () => findAccount(store, "1")),
          { message },
        );
        await store.transaction((tx) => insertAccount(tx, account("1")));
      });
    });

    it("shows an open transaction's rows to that transaction alone", async () => {
      await withStore(async (store) => {
        const inserted = Promise.withResolvers<void>();
        let hasEnded = false;
        const transaction = store.transaction(async (tx) => {
          assert.equal(await tx.settle((reader) => reader.find("account", "1")), undefined);
          await insertAccount(tx, account("1"));
          inserted.resolve();
          assert.deepEqual(await tx.settle((reader) => reader.find("account", "1")), account("1"));
          await tx.db.deleteFrom("account").execute();
          await tx.changed("account", "1");
          await insertAccount(tx, account("2"));
          hasEnded = true;
        });
        await inserted.promise;
        const seen = await Promise.all([accountIds(store), findAccount(store, "1")]);
        // The file engine answers from before, the memory engine waits: neither shows what was never committed.
        assert.ok(seen[0].length === 0 || (hasEnded && seen[0][0] === "2"), JSON.stringify(seen));
        assert.equal(seen[1], undefined);
        await transaction;
        assert.deepEqual(await accountIds(store), ["2"]);
      });
    });

    it("reads rows anew in every settle of a transaction, also those of transactions before it in its commit", async () => {
      await withStore(async (store) => {
        const [, second] = await Promise.all([
          store.transaction((tx) => insertAccount(tx, account("1", "old"))),
          store.transaction(async (tx) => {
            const before = await tx.settle((reader) => reader.find("account", "1")?.name);
            await tx.db.updateTable("account").set({ name: "new" }).execute();
            await tx.changed("account", "1");
            return [before, await tx.settle((reader) => reader.find("account", "1")?.name)];
          }),
        ]);
        assert.deepEqual(second, ["old", "new"]);
        assert.equal(store.statistics().commits, 1);
      });
    });

    it("has a change in its view, and told its listeners, before the change is answered", async () => {
      await withStore(async (store) => {
        const told: unknown[] = [];
        store.onChange((kind, name) => told.push([kind, name]));
        assert.equal(await findAccount(store, "1"), undefined);
        await store.transaction(async (tx) => {
          await insertAccount(tx, account("1"));
          await tx.changed("alias", "r", "1", "alias/a");
          assert.deepEqual(told, []);
        });
        assert.deepEqual(told, [
          ["account", ["1"]],
          ["alias", ["r", "1", "alias/a"]],
        ]);
        assert.deepEqual(await findAccount(store, "1"), account("1"));
      });
    });

    it("reads, and does nothing else, outside transactions", async () => {
      await withStore(async (store) => {
        const write = store.db.insertInto("account").values(account("1")).execute();
        await assert.rejects(write, /read-?only/);
        await assert.rejects(store.db.transaction().execute(async () => undefined));
        await store.transaction((tx) => insertAccount(tx, account("2")));
        assert.deepEqual(await accountIds(store), ["2"]);
      });
    });

    it("gives blobs as Uint8Array and times as numbers, in plain objects", async () => {
      await withStore(async (store) => {
        const row = {
          id: "r",
          kind: "file",
          sealed_key: new Uint8Array([0, 255]),
          created_at: 1_800_000_000_000,
        } as const;
        await store.transaction(async ({ db }) => {
          await db.insertInto("recipient").values(row).execute();
          assert.deepEqual(await db.selectFrom("recipient").selectAll().execute(), [row]);
        });
        assert.deepEqual(await store.db.selectFrom("recipient").selectAll().execute(), [row]);
      });
    });

    it("passes SQLite's own check after it was used, and truncates its log", async () => {
      await withStore(async (store) => {
        await Promise.allSettled([
          store.transaction((tx) => insertAccount(tx, account("1"))),
          store.transaction((tx) => failAfter(tx, "2")),
        ]);
        assert.equal(await store.truncateLog(), true);
        if (engine === "postgres") return; // its pages are its server's
        const { rows } = await sql<{ integrity_check: string }>`PRAGMA integrity_check`.execute(store.db);
        assert.deepEqual(rows, [{ integrity_check: "ok" }]);
      });
    });

    it("finishes what is queued when it is closed, and refuses what comes after", async () => {
      await withStore(async (store) => {
        const queued = [1, 2, 3].map((id) => store.transaction((tx) => insertAccount(tx, account(String(id)))));
        const closing = store.close();
        await assert.rejects(
          store.transaction(async () => undefined),
          { message: "The store is closed." },
        );
        await Promise.all([...queued, closing]);
        await assert.rejects(accountIds(store));
      });
    });

    it("has a view that agrees with the database after any changes and readings at once", async () => {
      const names = ["alias/a", "alias/b", "alias/c"];
      const step = fc.record({ act: fc.constantFrom("insert", "update", "delete", "fail", "read"), name: fc.nat(2) });
      const wave = fc.array(step, { minLength: 1, maxLength: 12 });
      const at = (index: number) => ({ region: "r", account: "1", name: names[index] ?? "" });
      let revision = 0;
      const perform = async (store: Store, act: string, name: number): Promise<void> => {
        revision += 1;
        const updated_at = revision;
        const row = { ...at(name), key_id: "k", created_at: 0, updated_at };
        if (act === "insert") await store.transaction((tx) => insertAlias(tx, row));
        if (act === "update") await store.transaction((tx) => updateAlias(tx, at(name), { key_id: "l", updated_at }));
        if (act === "delete") await store.transaction((tx) => deleteAlias(tx, at(name)));
        if (act === "read") await store.settle((reader) => reader.find("alias", "r", "1", at(name).name));
        if (act !== "fail") return;
        const failing = store.transaction(async (tx) => {
          await deleteAlias(tx, at(name));
          throw new Error("planned");
        });
        await assert.rejects(failing, { message: "planned" });
      };
      await withStore(async (store) => {
        const agrees = async (steps: readonly { act: string; name: number }[]): Promise<void> => {
          await Promise.all(steps.map(({ act, name }) => perform(store, act, name)));
          const seen = await store.settle((reader) => names.map((name) => reader.find("alias", "r", "1", name)));
          const stored = await store.db.selectFrom("alias").selectAll().orderBy("name").execute();
          assert.deepEqual(
            seen.filter((row) => row !== undefined),
            stored,
          );
        };
        await fc.assert(fc.asyncProperty(wave, agrees), { numRuns: 60 });
      });
    });
  });
}
