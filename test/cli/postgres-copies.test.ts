/** Copies of stores in PostgreSQL: there from SQLite and back, a backup under load that is restored elsewhere, and `doctor`. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { openPostgresLoader, takePostgresPlace } from "../../src/storage/postgres-loader.ts";
import { openPostgresSnapshot } from "../../src/storage/postgres-snapshot.ts";
import { checkFilled, clientsOf, type FilledStore, fillStore } from "../faults/filled-store.ts";
import { runKeystead, startProcess, TemporaryDirectory } from "../faults/processes.ts";
import { present } from "../kms-client.ts";
import { postgresUrl, TestDatabase } from "../postgres.ts";
import { placeFor, refusal, rowsOf, run } from "./store-worlds.ts";

const directory = new TemporaryDirectory();
const [first, node, back, elsewhere] = ["first", "node", "back", "elsewhere"].map((name) => directory.at(name)) as [
  string,
  string,
  string,
  string,
];
let filled: FilledStore;
let database: TestDatabase;
let other: TestDatabase;

before(async () => {
  database = await TestDatabase.create(await postgresUrl());
  other = await TestDatabase.create(await postgresUrl());
  filled = await fillStore(first);
  for (const place of [node, back, elsewhere]) placeFor(place, first);
});

after(async () => {
  await database[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

const serve = (data: string, url: string) =>
  startProcess(["serve", "--data", data, "--database", url, "--port", "0", "--workers", "1"]);

describe("a store of SQLite that is moved into PostgreSQL and back", () => {
  it("has the same rows, its ciphertexts open in both, and numbering goes on", async () => {
    const file = directory.at("there.keystead");
    await run("export", "--data", first, "--to", file);
    await run("import", "--from", file, "--data", node, "--database", database.url);
    const again = ["import", "--from", file, "--data", node, "--database", database.url];
    assert.match(refusal(await runKeystead(again)), /is not empty/);
    const home = directory.at("home.keystead");
    await run("export", "--data", node, "--database", database.url, "--to", home);
    await run("import", "--from", home, "--data", back);
    assert.deepEqual(rowsOf(back), rowsOf(first));
    {
      await using server = await startProcess(["serve", "--data", back, "--port", "0", "--workers", "1"]);
      await checkFilled(filled, server.endpoint);
    }
    await using server = await serve(node, database.url);
    await checkFilled(filled, server.endpoint);
    const exporting = ["export", "--data", node, "--database", database.url, "--to", directory.at("x")];
    assert.match(refusal(await runKeystead(exporting)), /The store is in use \(serve, process [0-9]+ on /);
    assert.ok(!existsSync(directory.at("x")));
  });
});

describe("a backup of a store in PostgreSQL", () => {
  it("is made under load, and restored into another database with what was destroyed since still destroyed", async () => {
    const file = directory.at("load.keystead");
    let made = 0;
    let doomed = "";
    {
      await using server = await serve(node, database.url);
      const kms = clientsOf(server.endpoint, filled.credentials)("us-east-1");
      doomed = present((await kms.createKey({})).KeyMetadata?.KeyId);
      let isBackingUp = true;
      const load = Array.from({ length: 3 }, async () => {
        for (; isBackingUp; made += 1) await kms.createKey({ Tags: [{ TagKey: "load", TagValue: `${made}` }] });
      });
      assert.match(await run("backup", "--data", node, "--database", database.url, "--to", file), /is whole/);
      isBackingUp = false;
      await Promise.all(load);
      await kms.disableKey({ KeyId: doomed });
      assert.equal(await server.stop(), 0);
    }
    assert.ok(made > 0);
    const place = ["--from", file, "--data", elsewhere, "--database", other.url];
    const printed = await run("restore", ...place, "--audit", node);
    assert.match(printed, new RegExp(`kms:DisableKey [^\\n]*${doomed}`));
    const examined = await run("doctor", "--data", elsewhere, "--database", other.url);
    assert.match(examined, /^Examined [^\n]*[0-9]+ materials, [^\n]*: 0 errors, 0 warnings\.\n$/);
    await using server = await serve(elsewhere, other.url);
    await checkFilled(filled, server.endpoint);
    const kms = clientsOf(server.endpoint, filled.credentials)("us-east-1");
    assert.equal((await kms.describeKey({ KeyId: doomed })).KeyMetadata?.KeyState, "Disabled");
    await kms.createKey({});
    const schemas = await other.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'keystead%'");
    assert.deepEqual(schemas, []);
  });

  it("of a store with a row that breaks a rule is told by doctor", async () => {
    await other.query("INSERT INTO tag VALUES ('us-east-1', 'nobody', 'a', 'b')");
    const { code, stdout } = await runKeystead(["doctor", "--data", elsewhere, "--database", other.url]);
    assert.equal(code, 1);
    assert.match(stdout, /^error {4}rows: a tag of a key that is not there: us-east-1 nobody$/m);
    assert.match(stdout, /: 1 errors, /);
    await other.query("DELETE FROM tag WHERE key_id = 'nobody'");
  });
});

describe("a store that is being made in PostgreSQL", () => {
  it("is nobody's before it is whole, is made by one alone, and leaves nothing when it is not finished", async () => {
    await using empty = await TestDatabase.create(await postgresUrl());
    await using snapshot = await openPostgresSnapshot(other.url);
    const schemas = () => empty.query("SELECT nspname FROM pg_namespace WHERE nspname = 'keystead_restoring'");
    {
      await using place = await takePostgresPlace(empty.url);
      await using loader = await openPostgresLoader(place.url, snapshot.facts, 0);
      for (const table of snapshot.tables) {
        for await (const rows of snapshot.rows(table)) await loader.insert(table, rows);
      }
      await assert.rejects(async () => loader.insert({ name: "nothing", columns: ["a"] }, []), /no table "nothing"/);
      await assert.rejects(async () => loader.insert({ name: "tag", columns: ["a"] }, []), /no column "a"/);
      await loader.complete();
      assert.equal((await schemas()).length, 1);
      await assert.rejects(openPostgresSnapshot(empty.url), /There is no Keystead store/);
    }
    assert.deepEqual(await schemas(), []);
    await assert.rejects(openPostgresSnapshot(empty.url), /There is no Keystead store/);
  });

  it("numbers its records after those that it was loaded with", async () => {
    await using empty = await TestDatabase.create(await postgresUrl());
    const table = { name: "outbox", columns: ["sequence", "record", "slot"] };
    await using snapshot = await openPostgresSnapshot(other.url);
    await using place = await takePostgresPlace(empty.url);
    await using loader = await openPostgresLoader(place.url, snapshot.facts, 0);
    for (const copied of snapshot.tables) {
      if (copied.name === "outbox") continue;
      for await (const rows of snapshot.rows(copied)) await loader.insert(copied, rows);
    }
    await loader.insert(table, [[41, "{}", "gone"]]);
    await loader.complete();
    await place.finish();
    await empty.query("INSERT INTO outbox (record) VALUES ('{}')");
    assert.deepEqual(await empty.query("SELECT sequence::int, slot FROM outbox ORDER BY sequence"), [
      { sequence: 41, slot: "" },
      { sequence: 42, slot: "" },
    ]);
  });
});
