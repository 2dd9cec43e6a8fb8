/** Write transactions of worker processes: each in its turn, none half done, whatever becomes of the worker. */

import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { describe, it, mock } from "node:test";
import { fileURLToPath } from "node:url";
import { messagesWith, storeChannel } from "../../src/cli/process-messages.ts";
import { insertAccount } from "../../src/storage/accounts.ts";
import { openWriter } from "../../src/storage/connections.ts";
import type { Channel, FromWorker, ToWorker } from "../../src/storage/remote-messages.ts";
import { RemoteQueue } from "../../src/storage/remote-queue.ts";
import { RemoteTransactions } from "../../src/storage/remote-transactions.ts";
import type { SqliteStore } from "../../src/storage/sqlite-store.ts";
import { LocalPort } from "../../src/storage/writer.ts";
import { WriterQueue } from "../../src/storage/writer-queue.ts";
import type { Order, Report } from "./remote-worker.ts";
import { account, findAccount, openServer, TemporaryDirectory } from "./stores.ts";

const WORKER = fileURLToPath(new URL("./remote-worker.ts", import.meta.url));

type Messages = Channel<{ kind: "store"; message: ToWorker } | Order, { kind: "store"; message: FromWorker } | Report>;

/** A worker process of a store, killed at the end of the scope at the latest. */
class Worker implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #messages: Messages;
  readonly #ended: Promise<unknown>;
  readonly #reports: string[] = [];
  #next: PromiseWithResolvers<void> = Promise.withResolvers();
  commits = 0;
  isStuck = false;

  private constructor(directory: string, store: SqliteStore) {
    this.process = fork(WORKER, [directory], { execArgv: [], serialization: "advanced" });
    this.#ended = once(this.process, "exit");
    this.#messages = messagesWith(this.process);
    this.#messages.onMessage((message) => {
      if (message.kind !== "report") return;
      this.#reports.push(message.text);
      this.#next.resolve();
    });
    store.hostWorker(storeChannel<ToWorker, FromWorker>(this.#messages), {
      committed: () => {
        this.commits += 1;
      },
      stuck: () => {
        this.isStuck = true;
        this.process.kill("SIGKILL");
      },
    });
  }

  static async start(directory: string, store: SqliteStore): Promise<Worker> {
    const worker = new Worker(directory, store);
    assert.equal(await worker.report(), "open");
    return worker;
  }

  order(kind: Order["kind"], id: string): void {
    this.#messages.send({ kind, id });
  }

  async report(): Promise<string> {
    while (this.#reports.length === 0) {
      // Made where it is waited for: a promise that nobody waits for would be a rejection that nobody handles.
      const ended = this.#ended.then(() => assert.fail("The worker ended."));
      await Promise.race([this.#next.promise, ended]);
      this.#next = Promise.withResolvers();
    }
    return this.#reports.shift() ?? "";
  }

  async ask(kind: Order["kind"], id: string): Promise<string> {
    this.order(kind, id);
    return await this.report();
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

describe("worker processes of one store", () => {
  it("see each other's changes, and the writer's, as soon as they are answered", async () => {
    using directory = new TemporaryDirectory();
    await using store = await openServer(directory.path);
    const workers = await Promise.all([1, 2].map(() => Worker.start(directory.path, store)));
    const [first, second] = workers;
    assert.ok(first && second);
    try {
      for (const id of ["000000000001", "000000000002", "000000000003"]) {
        for (const worker of workers)
          assert.equal(await worker.ask("find", id), `no ${id}`, "it is known to be absent");
        assert.equal(await findAccount(store, id), undefined);
        assert.equal(await first.ask("add", id), `added ${id}`);
        assert.equal(await second.ask("find", id), `found ${id}`);
        assert.equal(await first.ask("find", id), `found ${id}`);
        assert.equal((await findAccount(store, id))?.id, id);
      }
      assert.equal(await first.ask("find", "000000000009"), "no 000000000009");
      await store.transaction((tx) => insertAccount(tx, account("000000000009")));
      assert.equal(await first.ask("find", "000000000009"), "found 000000000009");
      assert.equal(first.commits, 3);
      assert.equal(second.commits, 0);
    } finally {
      for (const worker of workers) await worker.kill();
    }
  });

  it("undo what fails, at once when a worker is killed inside, and when it hangs there for long; others go on", async () => {
    using directory = new TemporaryDirectory();
    await using store = await openServer(directory.path);
    await using survivor = await Worker.start(directory.path, store);
    assert.equal(await survivor.ask("fail", "000000000001"), "no");
    for (const fate of ["killed", "stopped"] as const) {
      await using victim = await Worker.start(directory.path, store);
      assert.equal(await victim.ask("hang", "000000000001"), "inside");
      if (fate === "stopped") victim.process.kill("SIGSTOP");
      survivor.order("add", fate === "killed" ? "000000000002" : "000000000003");
      const own = store.transaction((tx) =>
        insertAccount(tx, account(fate === "killed" ? "000000000004" : "000000000005")),
      );
      if (fate === "killed") await victim.kill();
      assert.match(await survivor.report(), /^added/);
      await own;
      assert.equal(victim.isStuck, fate === "stopped");
    }
    const found = await store.db.selectFrom("account").select("id").orderBy("id").execute();
    assert.deepEqual(
      found.map(({ id }) => id.slice(-1)),
      ["2", "3", "4", "5"],
    );
  });
});

/** Both ends in one process; what one sends the other gets a moment later, as over a pipe. */
function joined() {
  const ends = { toWorker: [] as ((message: ToWorker) => void)[], toPrimary: [] as ((message: FromWorker) => void)[] };
  const closers: (() => void)[] = [];
  const end = (listener: () => void): void => void closers.push(listener);
  const worker: Channel<FromWorker, ToWorker> = {
    send: (message) =>
      setImmediate(() => ends.toPrimary.forEach((listener) => void listener(structuredClone(message)))),
    onMessage: (listener) => void ends.toWorker.push(listener),
    onEnd: end,
  };
  const primary: Channel<ToWorker, FromWorker> = {
    send: (message) => setImmediate(() => ends.toWorker.forEach((listener) => void listener(structuredClone(message)))),
    onMessage: (listener) => void ends.toPrimary.push(listener),
    onEnd: end,
  };
  return { worker, primary, close: () => closers.forEach((listener) => void listener()) };
}

/** A worker's queue over a table `t`. */
function setUp(committed: () => void = () => undefined) {
  const database = openWriter(":memory:");
  database.exec("CREATE TABLE t (n INTEGER PRIMARY KEY, bytes BLOB) STRICT");
  const { worker, primary, close } = joined();
  const own = new WriterQueue({ port: new LocalPort(database), committed: () => undefined });
  const handlers = { committed: mock.fn(), stuck: mock.fn() };
  new RemoteTransactions({ queue: own, channel: primary, handlers });
  const queue = new RemoteQueue({ channel: worker, committed });
  const rows = (): unknown[] =>
    database
      .prepare("SELECT n FROM t ORDER BY n")
      .all()
      .map(({ n }) => n);
  return { queue, own, handlers, rows, close };
}

const INSERT = "INSERT INTO t (n, bytes) VALUES (?, ?)";

describe("a write queue that lies in another process", () => {
  it("answers after the commit, once the view has heard of it, with bytes in memory of their own", async () => {
    const events: string[] = [];
    const { queue, handlers, rows } = setUp(() => events.push("view"));
    const value = await queue.transaction(async (connection) => {
      await connection.execute(INSERT, [1, new Uint8Array([1, 2])]);
      assert.throws(() => queue.requireOutside(), /through the transaction only/);
      return (await connection.execute("SELECT bytes FROM t", [])).rows[0]?.["bytes"];
    });
    events.push("answer");
    assert.deepEqual(value, new Uint8Array([1, 2]));
    assert.equal((value as Uint8Array).buffer.byteLength, 2);
    assert.deepEqual(events, ["view", "answer"]);
    assert.deepEqual(rows(), [1]);
    assert.equal(handlers.committed.mock.callCount(), 1);
    assert.equal(queue.transactions, 1);
  });

  it("fails a transaction in which a statement failed, caught or not, or was not waited for, with what the database said", async () => {
    const { queue, rows } = setUp();
    const caught = queue.transaction(async (connection) => {
      await connection.execute(INSERT, [1, null]);
      await connection.execute(INSERT, [1, null]).catch(() => undefined);
    });
    await assert.rejects(caught, { name: "DatabaseError", message: /UNIQUE/, errcode: 1555 });
    const hasty = queue.transaction(async (connection) => {
      void connection.execute(INSERT, [2, null]).catch(() => undefined);
    });
    await assert.rejects(hasty, /ended before its statements/);
    let kept: { execute(sql: string, parameters: readonly unknown[]): Promise<unknown> } | undefined;
    await queue.transaction(async (connection) => {
      kept = connection;
    });
    await assert.rejects(async () => kept?.execute(INSERT, [3, null]), /is over/);
    assert.deepEqual(rows(), []);
  });

  it("tells nobody of a commit that the view could not take in", async () => {
    const { queue } = setUp(() => {
      throw new Error("unreadable");
    });
    await assert.rejects(
      queue.transaction((connection) => connection.execute(INSERT, [1, null])),
      /unreadable/,
    );
  });

  it("finishes what is queued, refuses what comes after, and fails what waits when the other process goes", async () => {
    const { queue, close } = setUp();
    const last = queue.transaction((connection) => connection.execute(INSERT, [1, null]));
    await queue.close();
    await last;
    await assert.rejects(
      queue.transaction(async () => undefined),
      /closed/,
    );
    const { queue: orphan, close: leave } = setUp();
    const waiting = orphan.transaction(async () => undefined);
    leave();
    await assert.rejects(waiting, /has gone/);
    await assert.rejects(
      orphan.transaction(async () => undefined),
      /has gone/,
    );
    close();
  });

  it("has the log emptied by whoever holds the writer", async () => {
    const { queue } = setUp();
    assert.equal(await queue.truncateLog(), true);
  });
});
