/** The commands with `--database`: two servers on one store, each with its own records. */

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { adoptRecords } from "../../src/audit/adoption.ts";
import { readSegments } from "../../src/audit/segment-files.ts";
import { accessKeyIn, type MadeStore, runKeystead, startProcess, TemporaryDirectory } from "../faults/processes.ts";
import { assertRefused, bytes, clientOf, newKey, present } from "../kms-client.ts";
import { postgresUrl, TestDatabase } from "../postgres.ts";
import { openNode } from "../storage/stores.ts";

const directory = new TemporaryDirectory();
const [one, two] = [directory.at("one"), directory.at("two")];
const PASSWORD = "not-to-be-seen";
let database: TestDatabase;
let made: MadeStore;
/** The address with a password, which the server of the tests takes as it takes any. */
let address: string;

before(async () => {
  database = await TestDatabase.create(await postgresUrl());
  const url = new URL(database.url);
  url.password = PASSWORD;
  address = url.href;
  const init = await runKeystead(["init", "--data", one, "--database", address, "--single-root-key"]);
  assert.equal(init.code, 0, init.stderr);
  assert.ok(!`${init.stdout}${init.stderr}`.includes(PASSWORD));
  made = { account: present(/Account ([0-9]{12})/.exec(init.stdout)?.[1]), credentials: accessKeyIn(init.stdout) };
  mkdirSync(two, { mode: 0o700 });
  copyFileSync(`${one}/root.key`, `${two}/root.key`);
});

after(async () => {
  await database[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const serve = (data: string, workers = "1") =>
  startProcess(["serve", "--data", data, "--port", "0", "--workers", workers], { env: { KEYSTEAD_DATABASE: address } });

describe("--database", () => {
  it("is refused where there is a store or none, or no place for what is the node's own", async () => {
    await using empty = await TestDatabase.create(await postgresUrl());
    for (const { args, message } of [
      { args: ["init", "--data", two, "--database", address], message: /The database holds a Keystead store already/ },
      { args: ["serve", "--data", one, "--database", empty.url], message: /There is no Keystead store in postgres:/ },
      { args: ["serve", "--data", one, "--database", "db.internal"], message: /A database is named as postgres:/ },
      {
        args: ["serve", "--data", one, "--database", address.replace(/:[0-9]+\//, ":1/")],
        message: /can't be reached/,
      },
      { args: ["dev", "--database", address], message: /--database needs --data/ },
      {
        args: ["dev", "--port", "0", "--data", directory.at("dev"), "--database", address],
        message: /made by `keystead serve`/,
      },
    ]) {
      const { code, stderr } = await runKeystead(args);
      assert.equal(code, 1, stderr);
      assert.match(stderr, message);
      assert.ok(!stderr.includes(PASSWORD));
    }
  });

  it("serves one store from several nodes, each with the records of its own requests", async () => {
    await using first = await serve(one);
    await using second = await serve(two);
    const [a, b] = [first, second].map(({ endpoint }) => clientOf({ endpoint, credentials: made.credentials }));
    assert.ok(a !== undefined && b !== undefined);
    const { KeyId } = await newKey(a.kms);
    const { CiphertextBlob } = await b.kms.encrypt({ KeyId, Plaintext: bytes(1) });
    for (let round = 0; round < 5; round += 1) {
      await a.kms.disableKey({ KeyId });
      await assertRefused(b.kms.decrypt({ CiphertextBlob }), "DisabledException");
      await b.kms.enableKey({ KeyId });
      assert.deepEqual((await a.kms.decrypt({ CiphertextBlob })).Plaintext, bytes(1));
    }
    const account = await runKeystead(["account", "create", "--data", two, "--database", address]);
    assert.equal(account.code, 0, account.stderr);
    using fresh = clientOf({ endpoint: first.endpoint, credentials: accessKeyIn(account.stdout) });
    await fresh.kms.listKeys({});
    assert.equal(await first.stop(), 0);
    assert.equal(await second.stop(), 0);
    assert.deepEqual(await namesIn(one), [
      "CreateKey",
      ...Array(5).fill("Decrypt"),
      ...Array(5).fill("DisableKey"),
      "ListKeys",
    ]);
    assert.deepEqual(await namesIn(two), [...Array(5).fill("Decrypt"), ...Array(5).fill("EnableKey"), "Encrypt"]);
    assert.deepEqual(await database.query("SELECT node FROM node_lease"), []);
    assert.ok(!`${first.log()}${second.log()}${first.printed()}`.includes(PASSWORD));
  });

  it("leaves the records of a node that is gone to another", async () => {
    await using store = await openNode(database.url, { create: false });
    const lease = (slot: string, ageMs: number) =>
      database.query(
        `INSERT INTO node_lease VALUES ('${slot}', '${slot}', 8, 0, (extract(epoch FROM clock_timestamp()) * 1000)::bigint - ${ageMs});
         INSERT INTO outbox (record, slot) VALUES ('{"of":"${slot}"}', '${slot}')`,
      );
    await lease("gone", 61_000);
    await lease("back-soon", 30_000);
    assert.equal(await adoptRecords(store, "mine"), 1);
    assert.deepEqual(await database.query("SELECT record, slot FROM outbox ORDER BY sequence"), [
      { record: '{"of":"gone"}', slot: "mine" },
      { record: '{"of":"back-soon"}', slot: "back-soon" },
    ]);
    await database.query("DELETE FROM outbox");
  });

  it("answers /readyz with 503 and requests with 500 while the database takes no changes", async () => {
    await using server = await serve(one, "2");
    const ready = async () => (await fetch(`${server.endpoint}/readyz`).catch(() => assert.fail(server.log()))).status;
    assert.equal(await ready(), 200);
    const name = new URL(database.url).pathname.slice(1);
    await database.query(
      `ALTER DATABASE ${name} SET default_transaction_read_only = on;
       SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    for (let tries = 0; (await ready()) !== 503; tries += 1) {
      assert.ok(tries < 200, server.log());
      await wait(50);
    }
    using client = clientOf({ endpoint: server.endpoint, credentials: made.credentials });
    /** Asks until the status of an answer is this one: each of the two workers finds out by itself. */
    const untilStatus = async (wanted: number): Promise<void> => {
      for (let tries = 0, status = 0; status !== wanted; tries += 1) {
        assert.ok(tries < 200, server.log());
        await wait(50);
        status = await client.kms.listKeys({}).then(
          () => 200,
          ({ $metadata }) => $metadata?.httpStatusCode ?? 0,
        );
      }
    };
    await untilStatus(500);
    await database.query(`BEGIN READ WRITE; ALTER DATABASE ${name} RESET default_transaction_read_only; COMMIT`);
    await untilStatus(200);
    for (let tries = 0; (await ready()) !== 200; tries += 1) {
      assert.ok(tries < 200);
      await wait(50);
    }
  });
});

/** The names of the operations that a node's segments have records of, sorted. */
async function namesIn(data: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { record } of readSegments(`${data}/audit/0`)) names.push(String(record["eventName"]));
  return names.sort();
}
