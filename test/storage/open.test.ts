/** The rules of a data directory, and stores that share one. */

import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { insertAccount } from "../../src/storage/accounts.ts";
import { openReader, openWriter } from "../../src/storage/connections.ts";
import { MIGRATIONS, SCHEMA_VERSION } from "../../src/storage/migrations.ts";
import { openFileStore, StoreRefusedError } from "../../src/storage/open.ts";
import { ThreadPort } from "../../src/storage/writer-thread.ts";
import { account, clock, findAccount, key, openServer, openTool, TemporaryDirectory } from "./stores.ts";

/** The version of a migration that is yet to come. */
const NEXT = SCHEMA_VERSION + 1;

const inUse = (directory: string) => ({
  name: "StoreRefusedError",
  message: `The data directory ${directory} is in use by another Keystead server.`,
});

/** A server process on a directory, killed at the end of the scope at the latest. */
class Holder implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(directory: string) {
    this.process = fork(fileURLToPath(new URL("./lock-holder.ts", import.meta.url)), [directory], { execArgv: [] });
    this.#exited = once(this.process, "exit");
  }

  /** Resolves when the process has its store open. */
  static async start(directory: string): Promise<Holder> {
    const holder = new Holder(directory);
    assert.equal(await holder.answer(), "open");
    return holder;
  }

  async answer(): Promise<unknown> {
    const exited = this.#exited.then(() => assert.fail("The server process ended."));
    return (await Promise.race([once(this.process, "message"), exited]))[0];
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.#exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** Runs SQL on the closed store of a directory. */
function tamper(directory: string, sql: string): void {
  using database = new DatabaseSync(join(directory, "keystead.db"));
  database.exec(sql);
}

describe("a data directory", () => {
  it("keeps what was committed over a restart, and the identity of its store", async () => {
    using directory = new TemporaryDirectory();
    const first = await openServer(directory.path);
    await first.transaction((tx) => insertAccount(tx, account("1")));
    await first.close();
    await using second = await openServer(directory.path);
    assert.deepEqual([second.id, second.kind, second.incarnation], [first.id, "serve", first.incarnation]);
    assert.deepEqual(await findAccount(second, "1"), account("1"));
  });

  it("is made for its owner alone, with every file in it", async () => {
    using parent = new TemporaryDirectory();
    const directory = join(parent.path, "new", "data");
    await using store = await openServer(directory);
    await store.transaction((tx) => insertAccount(tx, account("1")));
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    assert.deepEqual(
      readdirSync(directory)
        .sort()
        .map((name) => [name, (statSync(join(directory, name)).mode & 0o777).toString(8)]),
      ["keystead.db", "keystead.db-shm", "keystead.db-wal", "lock.db", "lock.db-journal"].map((name) => [name, "600"]),
    );
  });

  it("is folded into one file when its store is closed", async () => {
    using directory = new TemporaryDirectory();
    const store = await openServer(directory.path);
    await store.transaction((tx) => insertAccount(tx, account("1")));
    await store.close();
    assert.deepEqual(readdirSync(directory.path).sort(), ["keystead.db", "lock.db"]);
  });

  it("is refused to a second server of the same process", async () => {
    using directory = new TemporaryDirectory();
    const first = await openServer(directory.path);
    await assert.rejects(openServer(directory.path), inUse(directory.path));
    await first.close();
    await using _second = await openServer(directory.path);
  });

  it("is refused to a second process, until the first is killed; what the first answered is there", async () => {
    using directory = new TemporaryDirectory();
    await using holder = await Holder.start(directory.path);
    await assert.rejects(openServer(directory.path), inUse(directory.path));
    await assert.rejects(openServer(directory.path), inUse(directory.path), "a refused one takes nothing away");
    holder.process.send("1");
    assert.equal(await holder.answer(), "added 1");
    await holder.kill();
    await using store = await openServer(directory.path);
    assert.deepEqual(await findAccount(store, "1"), account("1"));
  });

  for (const { title, prepare, kind = "serve", message } of [
    {
      title: "no store",
      prepare: () => undefined,
      message: /^There is no Keystead store in /,
    },
    {
      title: "an empty database, which an init that was cut off leaves",
      prepare: (path: string) => writeFileSync(join(path, "keystead.db"), ""),
      message: /^There is no Keystead store in /,
    },
    {
      title: "somebody else's database",
      prepare: (path: string) => tamper(path, "CREATE TABLE other (a)"),
      message: /is not a Keystead store\.$/,
    },
    {
      title: "something that is no database",
      prepare: (path: string) => writeFileSync(join(path, "keystead.db"), "x".repeat(10_000)),
      message: /can't be read as a Keystead store\.$/,
    },
    {
      title: "a store that a newer version wrote for newer readers",
      async prepare(path: string) {
        await (await openServer(path)).close();
        tamper(path, "UPDATE store SET schema_version = 99, minimum_reader = 98");
      },
      message: /written by a newer version of Keystead/,
    },
    {
      title: "a store of the other command",
      prepare: async (path: string) => (await openServer(path)).close(),
      kind: "dev" as const,
      message: /was made by `keystead serve` and can't be opened by `keystead dev`\.$/,
    },
    {
      title: "permissions for others to write",
      async prepare(path: string) {
        await (await openServer(path)).close();
        chmodSync(path, 0o777);
      },
      message: /^Others may write to /,
    },
  ]) {
    it(`is refused, and left as it is, with ${title}`, async () => {
      using directory = new TemporaryDirectory();
      await prepare(directory.path);
      const before = contents(directory.path);
      const open = openFileStore({ directory: directory.path, kind, create: false, lock: "tool", clock });
      await assert.rejects(open, (cause) => cause instanceof StoreRefusedError && message.test(cause.message));
      assert.deepEqual(contents(directory.path), before);
    });
  }

  it("can be opened again right after it was refused", async () => {
    using directory = new TemporaryDirectory();
    await (await openServer(directory.path)).close();
    const dev = openFileStore({ directory: directory.path, kind: "dev", create: true, lock: "server", clock });
    await assert.rejects(dev, StoreRefusedError);
    await using _store = await openServer(directory.path);
  });

  it("is read by this version when a newer one wrote it for readers of this version", async () => {
    using directory = new TemporaryDirectory();
    await (await openServer(directory.path)).close();
    tamper(directory.path, "UPDATE store SET schema_version = 99");
    await using store = await openServer(directory.path);
    const { schema_version } = await store.db.selectFrom("store").selectAll().executeTakeFirstOrThrow();
    assert.equal(schema_version, 99);
  });

  it("is brought to a newer schema once, with its rows", async () => {
    using directory = new TemporaryDirectory();
    const first = await openServer(directory.path);
    await first.transaction((tx) => insertAccount(tx, account("1")));
    await first.close();
    const migrations = [
      ...MIGRATIONS,
      { version: NEXT, minimumReader: 1, sqlite: "CREATE TABLE added (a TEXT) STRICT" },
    ];
    for (const _time of [1, 2]) {
      const { path } = directory;
      await using store = await openFileStore({
        directory: path,
        kind: "serve",
        create: false,
        lock: "server",
        clock,
        migrations,
      });
      const row = await store.db.selectFrom("store").selectAll().executeTakeFirstOrThrow();
      assert.deepEqual([row.id, row.schema_version, row.minimum_reader], [first.id, NEXT, 1]);
      assert.deepEqual(await findAccount(store, "1"), account("1"));
    }
  });

  it("makes what rotates in a store of version 1 due", async () => {
    using directory = new TemporaryDirectory();
    const { path } = directory;
    const options = { directory: path, kind: "serve", lock: "server", clock } as const;
    const first = await openFileStore({ ...options, create: true, migrations: MIGRATIONS.slice(0, 1) });
    await first.transaction(async (tx) => {
      const turning = { rotation_enabled: 1, rotation_period_days: 90, rotation_enabled_at: 5 };
      for (const row of [key({ key_id: "still" }), key({ key_id: "turns", ...turning })]) {
        const { policy_principals: _ids, expiration_model: _model, valid_to: _validTo, ...older } = row; // came later,
        const { primary_region: _primary, replica_regions: _replicas, pending_window_days: _days, ...old } = older; // too
        const { key_store_id: _store, xks_key_id: _external, ...columns } = old;
        await tx.db.insertInto("key").values(columns).execute();
      }
    });
    await first.close();
    await using store = await openFileStore({ ...options, create: false });
    const rows = await store.db.selectFrom("due").selectAll().execute();
    const due = { kind: "kms:RotateKey", region: key().region, subject: "turns", due_at: 5 + 90 * 86_400_000 };
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [due],
    );
  });

  it("is left at the old schema when a migration fails", async () => {
    using directory = new TemporaryDirectory();
    await (await openServer(directory.path)).close();
    const broken = {
      version: NEXT,
      minimumReader: 2,
      sqlite: "CREATE TABLE added (a TEXT) STRICT; CREATE TABLE store (b)",
    };
    const options = { directory: directory.path, kind: "serve", create: false, lock: "server", clock } as const;
    await assert.rejects(openFileStore({ ...options, migrations: [...MIGRATIONS, broken] }), /already exists/);
    await using store = await openFileStore(options);
    const { schema_version } = await store.db.selectFrom("store").selectAll().executeTakeFirstOrThrow();
    assert.equal(schema_version, SCHEMA_VERSION);
  });
});

function contents(directory: string): [string, string][] {
  return readdirSync(directory)
    .sort()
    .map((name) => [name, readFileSync(join(directory, name)).toString("base64")]);
}

describe("two stores on one directory", () => {
  it("see each other's changes at the next reading, names known to be absent too", async () => {
    using directory = new TemporaryDirectory();
    await using server = await openServer(directory.path);
    await using tool = await openTool(directory.path);
    const told: unknown[] = [];
    server.onChange((kind, name) => told.push([kind, ...name]));
    for (const id of ["1", "2", "3"]) {
      assert.equal(await findAccount(server, id), undefined);
      await tool.transaction((tx) => insertAccount(tx, account(id)));
      assert.deepEqual(await findAccount(server, id), account(id));
    }
    assert.deepEqual(told, [
      ["account", "1"],
      ["account", "2"],
      ["account", "3"],
    ]);
    await server.transaction(async (tx) => {
      await tx.db.updateTable("account").set({ name: "renamed" }).where("id", "=", "1").execute();
      await tx.changed("account", "1");
    });
    assert.equal((await findAccount(tool, "1"))?.name, "renamed");
  });

  it("work from two processes, each waiting for the other's commits", async () => {
    using directory = new TemporaryDirectory();
    await using holder = await Holder.start(directory.path);
    await using tool = await openTool(directory.path);
    const answers: string[] = [];
    const answered = new Promise<void>((resolve) => {
      holder.process.on("message", (answer: string) => {
        if (answers.push(answer) === 30) resolve();
      });
    });
    const ours = Array.from({ length: 30 }, async (_, index) => {
      holder.process.send(`theirs ${index}`);
      await tool.transaction((tx) => insertAccount(tx, account(`ours ${index}`)));
    });
    await Promise.all([...ours, answered]);
    const rows = await tool.db.selectFrom("account").select("id").execute();
    assert.equal(rows.length, 60);
    const feed = await tool.db.selectFrom("changes").select("position").orderBy("position").execute();
    assert.deepEqual(
      feed.map(({ position }) => position),
      Array.from({ length: 60 }, (_, index) => index + 1),
    );
    assert.deepEqual(await findAccount(tool, "theirs 29"), account("theirs 29"));
  });

  it("drop their whole view when the feed has lost its tail, and say so", async () => {
    using directory = new TemporaryDirectory();
    await using server = await openServer(directory.path);
    await server.transaction((tx) => insertAccount(tx, account("1")));
    assert.deepEqual(await findAccount(server, "1"), account("1"));
    let resets = 0;
    server.onReset(() => {
      resets += 1;
    });
    tamper(directory.path, "DELETE FROM account; DELETE FROM changes");
    assert.equal(await findAccount(server, "1"), undefined);
    assert.equal(resets, 1);
  });

  it("answer nothing while the feed has a kind that this version does not know", async () => {
    using directory = new TemporaryDirectory();
    await using server = await openServer(directory.path);
    await server.transaction((tx) => insertAccount(tx, account("1")));
    await findAccount(server, "1");
    tamper(directory.path, "INSERT INTO changes (kind, name, tag) VALUES ('unknown', 'x', 'y')");
    for (const _time of [1, 2]) assert.throws(() => findAccount(server, "1"), /does not know/);
    tamper(directory.path, "DELETE FROM changes WHERE kind = 'unknown'");
    assert.deepEqual(await findAccount(server, "1"), account("1"));
  });
});

describe("the writer's connection", () => {
  it("is held by nobody who opens a store that is up to date: a tool does not wait for a write", async () => {
    using directory = new TemporaryDirectory();
    await using _server = await openServer(directory.path);
    using writer = openWriter(join(directory.path, "keystead.db"));
    writer.exec("BEGIN IMMEDIATE");
    await using tool = await openTool(directory.path);
    assert.equal(await findAccount(tool, "111122223333"), undefined);
    writer.exec("ROLLBACK");
  });

  it("syncs every commit and overwrites what is deleted", () => {
    using directory = new TemporaryDirectory();
    using writer = openWriter(join(directory.path, "a.db"));
    const setting = (name: string) => Object.values(writer.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    const FULL = 2;
    assert.deepEqual([setting("synchronous"), setting("secure_delete")], [FULL, 1]);
    assert.ok(Number(setting("busy_timeout")) >= 5_000);
    assert.ok(Number(setting("journal_size_limit")) > 0);
  });

  it("leaves nothing of a deleted row in any file once the log is truncated", async () => {
    using directory = new TemporaryDirectory();
    await using store = await openServer(directory.path);
    const marker = "marked-for-destruction";
    await store.transaction((tx) => insertAccount(tx, account("1", marker)));
    const isFound = () =>
      readdirSync(directory.path)
        .filter((name) => name.startsWith("keystead.db"))
        .some((name) => readWithoutClosing(join(directory.path, name)).includes(marker));
    assert.equal(isFound(), true);
    await store.transaction(async ({ db }) => {
      await db.deleteFrom("account").execute();
    });
    assert.equal(await store.truncateLog(), true);
    assert.equal(isFound(), false);
  });

  it("says when another process's reading keeps the log", async () => {
    using directory = new TemporaryDirectory();
    await using store = await openServer(directory.path);
    await store.transaction((tx) => insertAccount(tx, account("1")));
    const path = join(directory.path, "keystead.db");
    const port = await ThreadPort.open(path);
    using reader = openReader(path);
    reader.exec("BEGIN; SELECT * FROM account");
    await store.transaction((tx) => insertAccount(tx, account("2")));
    await port.close();
    assert.equal(await store.truncateLog(), false);
    reader.exec("COMMIT");
    assert.equal(await store.truncateLog(), true);
  });

  it("fails everything, with the reason, when its thread can't open the database", async () => {
    using directory = new TemporaryDirectory();
    mkdirSync(join(directory.path, "keystead.db"));
    const open = ThreadPort.open(join(directory.path, "keystead.db"));
    await assert.rejects(
      open,
      (cause: Error) => /writer of the store has stopped/.test(cause.message) && cause.cause instanceof Error,
    );
  });
});

/** Descriptors that a test leaves open: closing one would take away the locks that SQLite has on the file. */
function readWithoutClosing(path: string): Buffer {
  return readFileSync(openSync(path, "r"));
}
