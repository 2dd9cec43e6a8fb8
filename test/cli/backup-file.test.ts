/** Backup files: whoever has a root key opens them whole or not at all. */

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { backUp } from "../../src/cli/backup.ts";
import { openBackup, verifyBackup, writeBackup } from "../../src/cli/backup-file.ts";
import { importStore, restore } from "../../src/cli/restore.ts";
import { SEALED_CHUNK_BYTES } from "../../src/custody/backup-stream.ts";
import type { RootKey } from "../../src/custody/root-key.ts";
import { createRootKeyFile } from "../../src/custody/root-key-file.ts";
import { openCustody } from "../../src/custody/software.ts";
import { domainKeyStore } from "../../src/storage/domain-keys.ts";
import { openFileStore } from "../../src/storage/open.ts";
import { openFileSnapshot } from "../../src/storage/sqlite-snapshot.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { account, clock } from "../storage/stores.ts";
import { placeFor, rowsOf } from "./store-worlds.ts";

const directory = new TemporaryDirectory();
const source = directory.at("source");
const file = directory.at("whole.keystead");
const ACCOUNTS = 5_000;
let bytes: Buffer;
let rootKeys: readonly [RootKey, RootKey];
let stranger: RootKey;

/** A store whose rows take several chunks, sealed to two root keys. */
before(async () => {
  mkdirSync(source, { mode: 0o700 });
  stranger = await createRootKeyFile(directory.at("stranger.key"));
  rootKeys = [
    await createRootKeyFile(directory.at("source/root.key")),
    await createRootKeyFile(directory.at("second.key")),
  ];
  await using store = await openFileStore({ directory: source, kind: "serve", create: true, lock: "server", clock });
  const custody = await openCustody({ store: domainKeyStore(store, clock), rootKeys, clock });
  const id = (number: number): string => String(100_000_000_000 + number);
  await store.transaction(async ({ db }) => {
    for (let first = 0; first < ACCOUNTS; first += 500) {
      const rows = Array.from({ length: 500 }, (_, index) =>
        account(id(first + index), `Zürich ${"x".repeat(index % 50)}`),
      );
      await db.insertInto("account").values(rows).execute();
    }
  });
  await store.transaction(({ db }) => db.insertInto("outbox").values({ record: "{}" }).execute());
  custody.close();
  await using snapshot = await openFileSnapshot(source);
  await backUp({ snapshot, rootKey: rootKeys[0], to: file });
  bytes = readFileSync(file);
});
after(() => directory[Symbol.dispose]());

/** Writes other bytes to a file and reads them as a backup. */
async function verifyBytes(altered: Uint8Array): Promise<unknown> {
  const path = directory.at("altered.keystead");
  writeFileSync(path, altered);
  return await verifyBackup(path, rootKeys[0]);
}

const headerBytes = (): number => 20 + bytes.readUInt32BE(16);
const REFUSED = /is damaged|is not a Keystead backup|does not open/;

describe("a backup file", () => {
  it("opens whole with each of the store's root keys and with no other, and says what it is of", async () => {
    for (const rootKey of rootKeys) {
      const rows = await verifyBackup(file, rootKey);
      assert.equal(rows["account"], ACCOUNTS);
      assert.equal(rows["changes"], undefined);
    }
    await assert.rejects(verifyBackup(file, stranger), /does not open this backup, which is sealed to: /);
    await using backup = await openBackup(file, rootKeys[1]);
    const { purpose, store } = backup.header;
    assert.deepEqual(
      { purpose, kind: store.kind, auditPosition: store.auditPosition },
      { purpose: "backup", kind: "serve", auditPosition: 1 },
    );
    assert.ok(bytes.length > headerBytes() + 3 * SEALED_CHUNK_BYTES);
  });

  it("holds nothing readable of the rows", () => {
    assert.equal(bytes.indexOf("Zürich"), -1);
    assert.equal(bytes.indexOf("100000000001"), -1);
  });

  it("is refused with any bit of it turned", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.nat(headerBytes() - 1), fc.nat(bytes.length - 1)),
        fc.nat(7),
        async (position, bit) => {
          const altered = Buffer.from(bytes);
          altered[position] = (altered[position] ?? 0) ^ (1 << bit);
          await assert.rejects(verifyBytes(altered), REFUSED);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is refused where it is cut, at every boundary and anywhere else, and where something follows it", async () => {
    const header = headerBytes();
    const boundaries = [0, 16, 20, header, ...[0, 1, 2].map((chunk) => header + chunk * SEALED_CHUNK_BYTES)];
    for (const length of boundaries) await assert.rejects(verifyBytes(bytes.subarray(0, length)), REFUSED, `${length}`);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        await assert.rejects(verifyBytes(bytes.subarray(0, length)), REFUSED);
      }),
      { numRuns: 30 },
    );
    await assert.rejects(verifyBytes(Buffer.concat([bytes, Buffer.alloc(1)])), REFUSED);
  });

  it("is refused with chunks that changed places, were doubled, left out or taken from another backup", async () => {
    const header = headerBytes();
    const other = directory.at("other.keystead");
    await using snapshot = await openFileSnapshot(source);
    await backUp({ snapshot, rootKey: rootKeys[0], to: other });
    const chunk = (of: Buffer, number: number) =>
      of.subarray(header + number * SEALED_CHUNK_BYTES, header + (number + 1) * SEALED_CHUNK_BYTES);
    const head = bytes.subarray(0, header);
    const rest = bytes.subarray(header + 2 * SEALED_CHUNK_BYTES);
    const [first, second] = [chunk(bytes, 0), chunk(bytes, 1)];
    for (const chunks of [
      [second, first],
      [first, first],
      [first],
      [first, second, second],
      [chunk(readFileSync(other), 0), second],
    ]) {
      await assert.rejects(verifyBytes(Buffer.concat([head, ...chunks, rest])), REFUSED);
    }
    assert.equal((await verifyBytes(Buffer.concat([head, first, second, rest]))) instanceof Object, true);
  });

  it("has its name only when it is whole, and takes nobody's", async () => {
    await using snapshot = await openFileSnapshot(source);
    const failing = {
      ...snapshot,
      facts: snapshot.facts,
      tables: snapshot.tables,
      async *rows() {
        yield [];
        throw new Error("the disk is gone");
      },
    };
    const custody = await openCustody({
      store: domainKeyStore({ db: snapshot.db, transaction: () => Promise.reject() }, clock),
      rootKeys,
      clock,
    });
    const backup = { key: await custody.newBackupKey(), rootKey: rootKeys[0], purpose: "backup" as const, now: 0 };
    const path = directory.at("failed.keystead");
    await assert.rejects(writeBackup({ ...backup, snapshot: failing as never, path }), /the disk is gone/);
    assert.ok(!existsSync(path));
    assert.deepEqual(
      readdirSync(directory.path).filter((name) => name.includes("partial")),
      [],
    );
    await assert.rejects(writeBackup({ ...backup, snapshot, path: file }), /exists already and is left as it is/);
    await assert.rejects(
      writeBackup({ ...backup, snapshot, path: directory.at("no/such/folder") }),
      /can't be written: ENOENT/,
    );
    custody.close();
  });
});

describe("a restore", () => {
  it("puts nothing in its place when the file is damaged at its very end, and passes over what a crash left", async () => {
    const altered = directory.at("end.keystead");
    const cut = Buffer.from(bytes);
    cut[cut.length - 1] = (cut.at(-1) ?? 0) ^ 1;
    writeFileSync(altered, cut);
    const place = placeFor(directory.at("place"), source);
    const options = { data: place, acceptResurrection: true };
    await assert.rejects(restore({ ...options, from: altered }), /is damaged/);
    assert.deepEqual(readdirSync(place).toSorted(), ["lock.db", "root.key"]);
    mkdirSync(directory.at("place/restoring"));
    copyFileSync(directory.at("source/keystead.db"), directory.at("place/restoring/keystead.db"));
    await assert.rejects(openFileSnapshot(place), /There is no Keystead store/);
    await restore({ ...options, from: file });
    assert.deepEqual(readdirSync(place).toSorted(), ["keystead.db", "lock.db", "root.key"]);
    assert.deepEqual(rowsOf(place), rowsOf(source));
  });

  it("is refused with a root key of another store, into a place in use, and while a server has it", async () => {
    const place = directory.at("refused");
    const options = { data: place, from: file, acceptResurrection: true };
    await assert.rejects(restore({ ...options, rootKey: directory.at("stranger.key") }), /does not open this backup/);
    assert.ok(!existsSync(place));
    mkdirSync(place, { mode: 0o700 });
    writeFileSync(directory.at("refused/notes.txt"), "");
    const known = { ...options, rootKey: directory.at("second.key") };
    await assert.rejects(restore(known), /is not empty \(notes\.txt\)/);
    await using _server = await openFileStore({
      directory: source,
      kind: "serve",
      create: false,
      lock: "server",
      clock,
    });
    await assert.rejects(restore({ ...known, data: source }), /in use by another Keystead server/);
  });

  it("gives the store a new incarnation and the same id; an import takes exports alone", async () => {
    const place = placeFor(directory.at("identity"), source);
    await restore({ data: place, from: file, acceptResurrection: true });
    await using before = await openFileSnapshot(source);
    await using restored = await openFileSnapshot(place);
    assert.equal(restored.facts.id, before.facts.id);
    assert.notEqual(restored.facts.incarnation, before.facts.incarnation);
    const imported = placeFor(directory.at("imported"), source);
    await assert.rejects(importStore({ data: imported, from: file }), /is a backup: `keystead restore`/);
    const exported = directory.at("export.keystead");
    await backUp({ snapshot: before, rootKey: rootKeys[0], to: exported, purpose: "export" });
    await importStore({ data: imported, from: exported });
    assert.deepEqual(rowsOf(imported), rowsOf(source));
  });
});
