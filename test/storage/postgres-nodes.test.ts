/** Several nodes on one PostgreSQL: an answered change decides everywhere, whatever happens to a node or to the database. */

import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect as connectTo, createServer, type Server, type Socket } from "node:net";
import { describe, it, mock } from "node:test";
import { LeaseLapsedError } from "../../src/storage/leased-feed.ts";
import { PostgresConnection } from "../../src/storage/postgres-connection.ts";
import type { PostgresStore } from "../../src/storage/postgres-store.ts";
import type { Store } from "../../src/storage/store.ts";
import { PostgresServer, postgresUrl, TestDatabase } from "../postgres.ts";
import type { Order, Reply } from "./postgres-node.ts";
import { account, findAccount, openNode } from "./stores.ts";

const isLapse = (cause: unknown) => cause instanceof LeaseLapsedError;

async function newDatabase(server?: string): Promise<TestDatabase> {
  return await TestDatabase.create(server ?? (await postgresUrl()));
}

async function insert(store: Store, id: string, name = "first"): Promise<void> {
  await store.transaction(async (tx) => {
    await tx.db.insertInto("account").values(account(id, name)).execute();
    await tx.changed("account", id);
  });
}

async function rename(store: Store, id: string, name: string): Promise<void> {
  await store.transaction(async (tx) => {
    await tx.db.updateTable("account").set({ name }).where("id", "=", id).execute();
    await tx.changed("account", id);
  });
}

const nameOf = async (store: Store, id: string): Promise<string | undefined> => (await findAccount(store, id))?.name;

/** Resolves when a reading answers, at most seconds later. */
async function untilAnswered(store: Store, id: string): Promise<string | undefined> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await nameOf(store, id);
    } catch (cause) {
      if (tries === 20) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

class NodeProcess implements AsyncDisposable {
  readonly process: ChildProcess;

  private constructor(url: string) {
    this.process = fork(new URL("./postgres-node.ts", import.meta.url), {
      env: { ...process.env, NODE_DATABASE: url },
    });
  }

  static async start(url: string): Promise<NodeProcess> {
    const node = new NodeProcess(url);
    await node.reply();
    return node;
  }

  async reply(): Promise<Reply> {
    const [reply] = (await once(this.process, "message")) as [Reply];
    return reply;
  }

  ask(order: Order): Promise<Reply> {
    const reply = this.reply();
    this.process.send(order);
    return reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }
}

describe("an answered change", () => {
  it("decides on every node from the next request", async () => {
    await using database = await newDatabase();
    await using a = await openNode(database.url);
    await using b = await openNode(database.url);
    await using c = await openNode(database.url);
    const nodes = [a, b, c];
    await insert(a, "1");
    for (let round = 0; round < 30; round += 1) {
      const [writer, reader] = [nodes[round % 3] ?? a, nodes[(round + 1) % 3] ?? b];
      await rename(writer, "1", `round ${round}`);
      for (const store of [reader, writer]) {
        const found = findAccount(store, "1");
        assert.ok(found instanceof Promise, "the view still had the older row");
        assert.equal((await found)?.name, `round ${round}`);
      }
    }
  });

  it("does so without notifications, too", async () => {
    const listen = mock.method(PostgresConnection.prototype, "listen", async () => {});
    try {
      await using database = await newDatabase();
      await using writer = await openNode(database.url);
      await using reader = await openNode(database.url);
      await insert(writer, "1");
      for (const name of ["second", "third"]) {
        await nameOf(reader, "1");
        await rename(writer, "1", name);
        assert.equal(await nameOf(reader, "1"), name);
      }
    } finally {
      listen.mock.restore();
    }
  });

  it("waits for a lease that has not confirmed it, until that confirms or expires, and for no expired one", async () => {
    await using database = await newDatabase();
    await using store = await openNode(database.url);
    const lease = (node: string, ms: number) =>
      database.query(
        `INSERT INTO node_lease VALUES ('${node}', '', 8, 0, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + ${ms})`,
      );
    await lease("long gone", -1);
    await lease("slow", 600_000);
    let answered = false;
    const change = insert(store, "1").then(() => {
      answered = true;
    });
    for (let polls = 0; (await database.query("SELECT 1 FROM account")).length === 0; polls += 1)
      assert.ok(polls < 1_000);
    await nameOf(store, "1");
    assert.equal(answered, false);
    await database.query("UPDATE node_lease SET confirmed = 1 WHERE node = 'slow'");
    await change;
    await lease("dead", 700);
    await database.query("UPDATE node_lease SET confirmed = 1000 WHERE node = 'slow'");
    await insert(store, "2");
    assert.deepEqual(
      await database.query(
        "SELECT expires_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS over FROM node_lease WHERE node = 'dead'",
      ),
      [{ over: true }],
    );
  });

  it("is not answered by a node that was stopped meanwhile, unless it has caught up", async () => {
    await using database = await newDatabase();
    await using writer = await openNode(database.url);
    await insert(writer, "1");
    await using node = await NodeProcess.start(database.url);
    assert.deepEqual(await node.ask({ do: "read", id: "1" }), { name: "first" });
    node.process.kill("SIGSTOP");
    await rename(writer, "1", "second");
    const reply = node.ask({ do: "read", id: "1" });
    node.process.kill("SIGCONT");
    const found = await reply;
    assert.ok("error" in found || found.name === "second", JSON.stringify(found));
  });
});

describe("the writer's lock", () => {
  it("makes writers of several nodes wait for each other, so that none misses what another wrote", async () => {
    await using database = await newDatabase();
    await using a = await openNode(database.url);
    await using b = await openNode(database.url);
    await insert(a, "1", "0");
    const increment = (store: Store) =>
      store.transaction(async (tx) => {
        const found = await tx.settle((reader) => reader.find("account", "1"));
        const name = String(Number(found?.name) + 1);
        await tx.db.updateTable("account").set({ name }).execute();
        await tx.changed("account", "1");
      });
    await Promise.all(Array.from({ length: 60 }, (_, index) => increment(index % 2 === 0 ? a : b)));
    assert.deepEqual([await nameOf(a, "1"), await nameOf(b, "1")], ["60", "60"]);
    assert.ok(a.statistics().commits + b.statistics().commits < 61, "commits are shared");
  });

  it("is taken from a node that stops inside a transaction", async () => {
    await using database = await newDatabase();
    await using other = await openNode(database.url);
    await using node = await NodeProcess.start(database.url);
    assert.deepEqual(await node.ask({ do: "hold" }), { name: "holding" });
    node.process.kill("SIGSTOP");
    await insert(other, "1");
    assert.equal(await nameOf(other, "held"), undefined);
  });

  it("undoes what failed and keeps what shared its commit", async () => {
    await using database = await newDatabase();
    await using store = await openNode(database.url);
    const results = await Promise.allSettled([
      insert(store, "1"),
      insert(store, "1"),
      store.transaction(async (tx) => {
        await tx.db.insertInto("account").values(account("2")).execute();
        throw new Error("changed its mind");
      }),
      insert(store, "3"),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "rejected", "fulfilled"],
    );
    const rows = await store.db.selectFrom("account").select("id").orderBy("id").execute();
    assert.deepEqual(rows, [{ id: "1" }, { id: "3" }]);
  });
});

describe("a node that the database is cut off from", () => {
  it("answers nothing, and afterwards what is true by then", async () => {
    await using database = await newDatabase();
    await using store = await openNode(database.url);
    await insert(store, "1");
    await nameOf(store, "1");
    await using gate = await Gate.open(database.url);
    await using behind = await openNode(gate.url);
    assert.equal(await nameOf(behind, "1"), "first");
    gate.shut();
    await rename(store, "1", "second");
    await assert.rejects(async () => await nameOf(behind, "1"), isLapse);
    await assert.rejects(rename(behind, "1", "never"));
    gate.reopen();
    assert.equal(await untilAnswered(behind, "1"), "second");
    await rename(behind, "1", "third");
    assert.equal(await nameOf(store, "1"), "third");
  });

  it("stops when the server is read-only, and when the store is another or newer one", async () => {
    for (const change of [
      "ALTER DATABASE :name SET default_transaction_read_only = on; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
      "UPDATE store SET incarnation = 'restored'",
      "UPDATE store SET minimum_reader = 1000",
      "INSERT INTO changes (kind, name, tag) VALUES ('later', 'x', 'x')",
    ]) {
      await using database = await newDatabase();
      await using store = await openNode(database.url);
      await insert(store, "1");
      await nameOf(store, "1");
      await database.query(change.replace(":name", new URL(database.url).pathname.slice(1)));
      await stopped(store, "1");
    }
  });
});

/** Resolves when a reading is refused. */
async function stopped(store: PostgresStore, id: string): Promise<void> {
  for (let tries = 0; tries < 40; tries += 1) {
    try {
      await nameOf(store, id);
    } catch (cause) {
      assert.ok(isLapse(cause), String(cause));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail("the node still answers");
}

describe("a database that breaks", () => {
  it("has every change that was answered when it comes back, and nodes go on", async () => {
    await using server = await PostgresServer.start({ durable: true });
    await using database = await newDatabase(server.url);
    await using a = await openNode(database.url);
    await using b = await openNode(database.url);
    const answered: string[] = [];
    const writing = (async () => {
      for (let count = 0; ; count += 1) {
        await insert(count % 2 === 0 ? a : b, `n${count}`);
        answered.push(`n${count}`);
        if (answered.length === 10) void server.stop("immediate");
      }
    })();
    await assert.rejects(writing);
    await server.stop("immediate");
    await server.run();
    await untilAnswered(a, "n0");
    await untilAnswered(b, "n0");
    for (const id of answered) assert.equal(await nameOf(b, id), "first", id);
    // A change is not answered while its node finds out that the server is another one than before.
    let tries = 0;
    while (
      !(await insert(a, `after-${tries}`).then(
        () => true,
        () => false,
      ))
    ) {
      tries += 1;
      assert.ok(tries < 100);
    }
    assert.equal(await nameOf(b, `after-${tries}`), "first");
  });

  it("makes nodes forget a tail that it lost", async () => {
    await using database = await newDatabase();
    await using store = await openNode(database.url);
    let resets = 0;
    store.onReset(() => {
      resets += 1;
    });
    await insert(store, "1");
    await rename(store, "1", "lost");
    assert.equal(await nameOf(store, "1"), "lost");
    await database.query(
      `BEGIN; UPDATE account SET name = 'first'; DELETE FROM changes WHERE position = (SELECT max(position) FROM changes); COMMIT`,
    );
    await until(() => resets > 0);
    assert.equal(await untilAnswered(store, "1"), "first");
    await database.query("BEGIN; UPDATE account SET name = 'other'; UPDATE changes SET tag = 'another'; COMMIT");
    await until(() => resets > 1);
    assert.equal(await untilAnswered(store, "1"), "other");
  });

  it("leaves a commit whose answer was lost unanswered, and its outcome is what the next request sees", async () => {
    await using database = await newDatabase();
    await using gate = await Gate.open(database.url);
    await using store = await openNode(gate.url);
    await insert(store, "1");
    assert.equal(await nameOf(store, "1"), "first");
    gate.loseAnswerTo = "COMMIT";
    await assert.rejects(rename(store, "1", "second"));
    assert.equal(gate.loseAnswerTo, undefined, "no commit was sent");
    assert.deepEqual(await database.query("SELECT name FROM account"), [{ name: "second" }]);
    assert.equal(await nameOf(store, "1"), "second");
    await rename(store, "1", "third");
    assert.equal(await nameOf(store, "1"), "third");
  });

  it("undoes a transaction whose connection is lost before the commit", async () => {
    await using database = await newDatabase();
    await using store = await openNode(database.url);
    const lost = store.transaction(async (tx) => {
      await tx.db.insertInto("account").values(account("1")).execute();
      await database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'keystead writer'",
      );
      await tx.db.insertInto("account").values(account("2")).execute();
    });
    await assert.rejects(lost);
    await insert(store, "3");
    assert.deepEqual(await store.db.selectFrom("account").select("id").execute(), [{ id: "3" }]);
  });
});

async function until(happened: () => boolean): Promise<void> {
  for (let tries = 0; !happened(); tries += 1) {
    assert.ok(tries < 100, "it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A way to the database that can be shut, and that can lose an answer. */
class Gate implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isShut = false;
  /** The next message to the server that has these words gets through, and its connection is cut before the answer. */
  loseAnswerTo: string | undefined;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async open(target: string): Promise<Gate> {
    const { hostname, port, href } = new URL(target);
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = new URL(href);
    url.port = String((server.address() as { readonly port: number }).port);
    const gate = new Gate(server, url.href);
    server.on("connection", (near) => gate.#join(near, connectTo(Number(port), hostname)));
    return gate;
  }

  /** Lets nothing through any more, without a word: bytes are swallowed, connections stay. */
  shut(): void {
    this.#isShut = true;
  }

  /** Lets new connections through; those of before are cut. */
  reopen(): void {
    this.#isShut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near: Socket, far: Socket): void {
    let isLosing = false;
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    near.on("data", (bytes) => {
      if (this.#isShut) return;
      if (this.loseAnswerTo !== undefined && bytes.includes(this.loseAnswerTo) && bytes.includes("statement_timeout")) {
        this.loseAnswerTo = undefined;
        isLosing = true;
      }
      far.write(bytes);
    });
    far.on("data", (bytes) => {
      if (isLosing) {
        if (bytes.includes("COMMIT")) near.destroy();
        return;
      }
      if (!this.#isShut) near.write(bytes);
    });
  }
}
