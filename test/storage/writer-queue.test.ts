/** Batches of transactions on a writer whose steps are watched and made to fail. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { TransactionConnection } from "../../src/storage/write-queue.ts";
import { LocalPort, type Step, type WriterPort } from "../../src/storage/writer.ts";
import { BATCH_MAX, WriterQueue } from "../../src/storage/writer-queue.ts";
import { TemporaryDirectory } from "./stores.ts";

/** A writer over a table `t`, with a record of what it was told. */
class WatchedPort implements WriterPort {
  readonly database = new DatabaseSync(":memory:");
  readonly steps: string[] = [];
  /** Called before each message; what it throws fails the message. */
  before: (steps: readonly Step[]) => void = () => undefined;
  readonly #port = new LocalPort(this.database);

  constructor() {
    this.database.exec("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT");
  }

  async run(steps: readonly Step[]) {
    this.before(steps);
    this.steps.push(...steps.map((step) => step.do));
    return this.#port.run(steps);
  }

  close(): Promise<void> {
    return this.#port.close();
  }

  rows(): unknown[] {
    return this.database
      .prepare("SELECT n FROM t ORDER BY n")
      .all()
      .map(({ n }) => n);
  }
}

const insert = (connection: TransactionConnection, n: number) => connection.execute("INSERT INTO t VALUES (?)", [n]);

function queueOver(port: WriterPort, committed: () => void = () => undefined): WriterQueue {
  return new WriterQueue({ port, committed });
}

describe("a queue of write transactions", () => {
  it("tells the writer of a lone transaction in two messages around its statements", async () => {
    const port = new WatchedPort();
    const messages: string[][] = [];
    port.before = (steps) => messages.push(steps.map((step) => step.do));
    const queue = queueOver(port);
    await queue.transaction(async (connection) => {
      await insert(connection, 1);
      await insert(connection, 2);
    });
    assert.deepEqual(messages, [["open", "execute"], ["execute"], ["release", "commit"]]);
  });

  it("answers only after the commit, and after the view has heard of it", async () => {
    const port = new WatchedPort();
    const events: string[] = [];
    port.before = (steps) => {
      if (steps.at(-1)?.do === "commit") events.push("commit");
    };
    const queue = queueOver(port, () => events.push("committed"));
    await Promise.all([
      queue.transaction((connection) => insert(connection, 1)).then(() => events.push("first")),
      queue.transaction(() => Promise.reject(new Error("no"))).catch(() => events.push("failure")),
      queue.transaction((connection) => insert(connection, 2)).then(() => events.push("second")),
    ]);
    assert.deepEqual(events, ["commit", "committed", "first", "failure", "second"]);
  });

  it("puts a limit to how many share a commit", async () => {
    const port = new WatchedPort();
    const queue = queueOver(port);
    const calls = Array.from({ length: BATCH_MAX * 2 + 1 }, (_, n) => queue.transaction((c) => insert(c, n)));
    await Promise.all(calls);
    assert.equal(queue.commits, 3);
    assert.equal(queue.transactions, BATCH_MAX * 2 + 1);
  });

  it("commits nothing where nothing was to be kept or nothing was asked", async () => {
    const port = new WatchedPort();
    let commits = 0;
    const queue = queueOver(port, () => {
      commits += 1;
    });
    assert.equal(await queue.transaction(async () => "nothing"), "nothing");
    assert.deepEqual(port.steps, []);
    const failing = queue.transaction(async (connection) => {
      await insert(connection, 1);
      throw new Error("no");
    });
    await assert.rejects(failing, { message: "no" });
    assert.deepEqual(port.steps, ["open", "execute", "rollback", "abandon"]);
    assert.equal(commits, 0);
    assert.equal(port.database.isTransaction, false);
  });

  it("fails every transaction of a commit that fails, and carries on with the next", async () => {
    const port = new WatchedPort();
    let isFull = true;
    port.before = (steps) => {
      if (isFull && steps.at(-1)?.do === "commit") {
        isFull = false;
        port.database.exec("ROLLBACK"); // what SQLite does by itself when the disk is full
      }
    };
    const queue = queueOver(port);
    const outcomes = await Promise.allSettled([
      queue.transaction((connection) => insert(connection, 1)),
      queue.transaction(() => Promise.reject(new Error("of its own"))),
      queue.transaction((connection) => insert(connection, 2)),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["rejected", "rejected", "rejected"],
    );
    assert.deepEqual(port.rows(), []);
    await queue.transaction((connection) => insert(connection, 3));
    assert.deepEqual(port.rows(), [3]);
  });

  it("fails all of a commit when the database undid it halfway, later transactions included", async () => {
    const port = new WatchedPort();
    let statements = 0;
    port.before = (steps) => {
      if (steps.at(-1)?.do !== "execute") return;
      statements += 1;
      if (statements === 3) port.database.exec("ROLLBACK");
    };
    const queue = queueOver(port);
    const outcomes = await Promise.allSettled([
      queue.transaction((connection) => insert(connection, 1)),
      queue.transaction(async (connection) => {
        await insert(connection, 2);
        await insert(connection, 3);
      }),
      queue.transaction((connection) => insert(connection, 4)),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["rejected", "rejected", "rejected"],
    );
    assert.deepEqual(port.rows(), []);
    assert.equal(port.database.isTransaction, false);
  });

  it("runs no statement outside a transaction when one can't be begun", async () => {
    using directory = new TemporaryDirectory();
    const path = join(directory.path, "t.db");
    using other = new DatabaseSync(path);
    other.exec("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT; BEGIN IMMEDIATE");
    const database = new DatabaseSync(path, { timeout: 0 });
    const queue = queueOver(new LocalPort(database));
    const blocked = queue.transaction(async (connection) => {
      await assert.rejects(insert(connection, 1), /locked/);
      await insert(connection, 2);
    });
    await assert.rejects(blocked, { message: "No transaction is open." });
    other.exec("COMMIT");
    await queue.transaction((connection) => insert(connection, 3));
    assert.deepEqual(
      other
        .prepare("SELECT n FROM t")
        .all()
        .map(({ n }) => n),
      [3],
    );
    await queue.close();
  });

  it("fails a transaction that does not wait for its statements", async () => {
    const port = new WatchedPort();
    const gate = Promise.withResolvers<void>();
    const slow: WriterPort = {
      run: (steps) => gate.promise.then(() => port.run(steps)),
      close: () => port.close(),
    };
    const hasty = queueOver(slow).transaction(async (connection) => {
      void insert(connection, 1);
    });
    setImmediate(gate.resolve);
    await assert.rejects(hasty, { message: "A transaction ended before its statements." });
    assert.deepEqual(port.rows(), []);
  });

  it("waits with work that must not meet an open transaction", async () => {
    const port = new WatchedPort();
    const queue = queueOver(port);
    const gate = Promise.withResolvers<void>();
    const events: string[] = [];
    const transaction = queue.transaction(async (connection) => {
      await insert(connection, 1);
      await gate.promise;
      events.push("end of transaction");
    });
    const between = queue.between(() => {
      assert.equal(port.database.isTransaction, false);
      events.push("between");
    });
    gate.resolve();
    await Promise.all([transaction, between]);
    assert.deepEqual(events, ["end of transaction", "between"]);
  });
});
