/** The feed loses its old entries, and nobody who follows it loses a change. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BEHIND_MAX } from "../../src/storage/feed.ts";
import { ENTRIES_KEPT, FeedPruner } from "../../src/storage/feed-pruning.ts";
import type { Store } from "../../src/storage/store.ts";
import { account, engines, findAccount, openServer, openTool, TemporaryDirectory } from "./stores.ts";

const ID = "111122223333";

/** Adds entries about an account. */
async function change(store: Store, times: number, name = "name"): Promise<void> {
  await store.transaction(async (tx) => {
    await tx.db
      .insertInto("account")
      .values(account(ID, name))
      .onConflict((conflict) => conflict.column("id").doUpdateSet({ name }))
      .execute();
    await tx.changedAll(
      "account",
      Array.from({ length: times }, () => [ID] as const),
    );
  });
}

async function positions(store: Store): Promise<readonly number[]> {
  const rows = await store.db.selectFrom("changes").select("position").orderBy("position").execute();
  return rows.map(({ position }) => position);
}

function prunerOf(store: Store, entriesKept: number): FeedPruner {
  return new FeedPruner({ store, entriesKept, onError: (cause) => assert.fail(String(cause)) });
}

for (const { engine, withStore } of engines) {
  describe(`the pruned feed of a store (${engine})`, () => {
    it("keeps its newest entries, and all that came since the last time", () =>
      withStore(async (store) => {
        const pruner = prunerOf(store, 10);
        await change(store, 5_000);
        assert.equal(await pruner.prune(), 0, "the first time nothing is old");
        await change(store, 100);
        assert.equal(await pruner.prune(), 5_000);
        assert.equal((await positions(store))[0], 5_001);
        assert.equal(await pruner.prune(), 90);
        assert.equal(await pruner.prune(), 0);
        assert.equal((await positions(store)).length, 10);
        await change(store, 1);
        assert.equal((await positions(store)).at(-1), 5_101, "no position is given twice");
      }));
  });
}

describe("a process whose place in the feed was pruned", () => {
  it("drops everything that it holds, and is told of every change after that", async () => {
    using directory = new TemporaryDirectory();
    await using store = await openServer(directory.path);
    await change(store, 1, "first");
    await using other = await openTool(directory.path);
    let resets = 0;
    other.onReset(() => {
      resets += 1;
    });
    assert.equal((await findAccount(other, ID))?.name, "first");
    await change(store, 50, "second");
    const pruner = prunerOf(store, 10);
    await pruner.prune();
    await pruner.prune();
    assert.equal((await findAccount(other, ID))?.name, "second");
    assert.equal(resets, 1);
    await change(store, 1, "third");
    assert.equal((await findAccount(other, ID))?.name, "third");
    assert.equal(resets, 1);
  });

  it("that began with an empty feed notices, too, since as many entries stay as nobody reads at once", async () => {
    assert.ok(ENTRIES_KEPT >= BEHIND_MAX);
    using directory = new TemporaryDirectory();
    await using store = await openServer(directory.path);
    await using other = await openTool(directory.path);
    assert.equal(await findAccount(other, ID), undefined);
    await change(store, BEHIND_MAX + 50, "second");
    const pruner = prunerOf(store, BEHIND_MAX);
    await pruner.prune();
    assert.equal(await pruner.prune(), 50);
    assert.equal((await findAccount(other, ID))?.name, "second");
  });
});
