/** Opening a store on PostgreSQL: by several nodes at once, and what is refused. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MIGRATIONS, SCHEMA_VERSION } from "../../src/storage/migrations.ts";
import { StoreRefusedError } from "../../src/storage/open.ts";
import { placeOf } from "../../src/storage/open-postgres.ts";
import { postgresUrl, TestDatabase } from "../postgres.ts";
import { account, clock, findAccount, openNode } from "./stores.ts";

const refusal = (message: RegExp) => (cause: unknown) =>
  cause instanceof StoreRefusedError && message.test(cause.message);
const newest = SCHEMA_VERSION;

async function newDatabase(): Promise<TestDatabase> {
  return await TestDatabase.create(await postgresUrl());
}

describe("opening a store on PostgreSQL", () => {
  it("makes one store of an empty database, however many nodes start at once", async () => {
    await using database = await newDatabase();
    const nodes = await Promise.all(Array.from({ length: 4 }, () => openNode(database.url)));
    assert.equal(new Set(nodes.map(({ id, incarnation }) => `${id} ${incarnation}`)).size, 1);
    for (const node of nodes) await node.close();
    assert.deepEqual(await database.query("SELECT schema_version::int AS v, kind FROM store"), [
      { v: newest, kind: "serve" },
    ]);
    assert.deepEqual(await database.query("SELECT node FROM node_lease"), []);
  });

  it("migrates an older store once, however many nodes start at once, and leaves a newest one alone", async () => {
    await using database = await newDatabase();
    const migrations = MIGRATIONS.slice(0, 8);
    await (await openNode(database.url, { migrations })).close();
    const later = { version: 9, minimumReader: 7, sqlite: "CREATE TABLE later (n INTEGER NOT NULL) STRICT;" };
    const open = () => openNode(database.url, { migrations: [...migrations, later] });
    for (const node of await Promise.all([open(), open(), open()])) await node.close();
    await (await openNode(database.url, { migrations })).close();
    assert.deepEqual(await database.query("SELECT schema_version::int AS v FROM store"), [{ v: 9 }]);
  });

  it("leaves a store as it was when a migration fails", async () => {
    await using database = await newDatabase();
    const broken = { version: 2, minimumReader: 2, sqlite: "CREATE TABLE store (n INTEGER) STRICT;" };
    await assert.rejects(openNode(database.url, { migrations: [...MIGRATIONS.slice(0, 1), broken] }), /already exists/);
    await using store = await openNode(database.url);
    assert.equal(store.kind, "serve");
  });

  it("refuses a missing store, one of the other command, a newer one and a database of somebody else", async () => {
    await using database = await newDatabase();
    await assert.rejects(openNode(database.url, { create: false }), refusal(/There is no Keystead store in/));
    assert.deepEqual(await database.query("SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace"), []);
    await (await openNode(database.url)).close();
    await assert.rejects(openNode(database.url, { kind: "dev" }), refusal(/made by `keystead serve`/));
    await database.query("UPDATE store SET schema_version = 1000, minimum_reader = 1000");
    await assert.rejects(openNode(database.url), refusal(/newer version of Keystead \(schema 1000/));
    await using other = await newDatabase();
    await other.query("CREATE TABLE store (id TEXT)");
    await assert.rejects(openNode(other.url), refusal(/is not a Keystead store/));
    assert.deepEqual(await other.query("SELECT count(*)::int AS n FROM pg_class WHERE relname = 'keystead_writer'"), [
      { n: 0 },
    ]);
  });

  it("names a database without its user and password, and says when it can't be reached", async () => {
    assert.equal(placeOf("postgres://me:secret@db.example:5433/kms?sslmode=require"), "postgres://db.example:5433/kms");
    assert.throws(() => placeOf("secret"), refusal(/^A database is named as postgres:/));
    const nobody = openNode("postgres://me:secret@127.0.0.1:1/kms");
    await assert.rejects(nobody, (cause) => {
      assert.ok(refusal(/127\.0\.0\.1:1\/kms can't be reached/)(cause));
      assert.ok(!String((cause as Error).stack).includes("secret"));
      return true;
    });
  });
});

describe("values in PostgreSQL", () => {
  it("come back as SQLite's do", async () => {
    await using database = await newDatabase();
    await using store = await openNode(database.url);
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    await store.transaction(async ({ db }) => {
      await db
        .insertInto("recipient")
        .values({ id: "r", kind: "file", sealed_key: bytes, created_at: clock.now() })
        .execute();
      await db
        .insertInto("recipient")
        .values({ id: "e", kind: "file", sealed_key: new Uint8Array(), created_at: -1 })
        .execute();
    });
    const rows = await store.db.selectFrom("recipient").selectAll().orderBy("id").execute();
    assert.deepEqual(rows, [
      { id: "e", kind: "file", sealed_key: new Uint8Array(), created_at: -1 },
      { id: "r", kind: "file", sealed_key: bytes, created_at: clock.now() },
    ]);
    await database.query("UPDATE recipient SET created_at = 9007199254740993 WHERE id = 'r'");
    await assert.rejects(store.db.selectFrom("recipient").selectAll().execute(), /a number that is too large/);
  });

  it("are ordered by their bytes", async () => {
    await using database = await newDatabase();
    await using store = await openNode(database.url);
    const ids = ["a", "B", "é", "_", "z", "-", "alias/b", "alias/B", "𝒳", "ｚ"];
    await store.transaction(async ({ db }) => {
      await db
        .insertInto("account")
        .values(ids.map((id) => account(id)))
        .execute();
    });
    const rows = await store.db.selectFrom("account").select("id").orderBy("id").execute();
    const byBytes = ids.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
    assert.deepEqual(
      rows.map(({ id }) => id),
      byBytes,
    );
    assert.equal((await findAccount(store, "é"))?.id, "é");
  });
});
