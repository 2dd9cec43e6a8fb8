/** The functions that read and write rows, table by table. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sql } from "kysely";
import { insertAccount } from "../../src/storage/accounts.ts";
import {
  countAliasesOfKey,
  deleteAlias,
  deleteAliasesOfKey,
  insertAlias,
  listAliases,
  updateAlias,
} from "../../src/storage/aliases.ts";
import { deleteRootCredentials, insertCredential } from "../../src/storage/credentials.ts";
import { domainKeyStore } from "../../src/storage/domain-keys.ts";
import { clearDue, findDueAt, nextDue, setDue } from "../../src/storage/due.ts";
import { deleteKeyUsage, findKeyUsage, startKeyUsage, upsertKeyUsage } from "../../src/storage/key-usage.ts";
import { deleteKey, insertKey, listKeyIds, updateKey } from "../../src/storage/keys.ts";
import {
  countRotations,
  deleteMaterial,
  deleteMaterialsOfKey,
  findMaterial,
  findPendingMaterial,
  insertMaterial,
  listMaterials,
  sumUpImported,
  updateMaterial,
} from "../../src/storage/materials.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import type { AliasRow, CredentialRow, KeyUsageRow, MaterialRow } from "../../src/storage/schema.ts";
import type { SqliteStore } from "../../src/storage/sqlite-store.ts";
import type { Tx } from "../../src/storage/store.ts";
import { countTags, deleteTagsOfKey, listTags, removeTags, upsertTags } from "../../src/storage/tags.ts";
import { insertTombstone } from "../../src/storage/tombstones.ts";
import { account, clock, key } from "./stores.ts";

const REGION = "eu-central-1";
const ACCOUNT = "111122223333";

const alias = (name: string, columns: Partial<AliasRow> = {}): AliasRow => ({
  region: REGION,
  account: ACCOUNT,
  name: `alias/${name}`,
  key_id: "k1",
  created_at: 1,
  updated_at: 1,
  ...columns,
});

const material = (material_id: string, columns: Partial<MaterialRow> = {}): MaterialRow => ({
  region: REGION,
  key_id: "k1",
  material_id,
  account: ACCOUNT,
  spec: "SYMMETRIC_DEFAULT",
  usage: "ENCRYPT_DECRYPT",
  origin: "AWS_KMS",
  domain_version: 1,
  sealed: new Uint8Array([1, 2]),
  created_at: 1,
  rotated_at: null,
  rotation_type: null,
  import_state: null,
  expiration_model: null,
  expires_at: null,
  description: null,
  pending: null,
  ...columns,
});

const credential = (access_key_id: string, owner: string): CredentialRow => ({
  access_key_id,
  account: owner,
  principal_arn: `arn:aws:iam::${owner}:root`,
  user_id: null,
  secret: new Uint8Array([3]),
  status: "Active",
  revision: "1",
  created_at: 1,
});

const k1 = { region: REGION, keyId: "k1" };
const all = { after: undefined, count: 100 };

async function withStore(work: (store: SqliteStore) => Promise<void>): Promise<void> {
  await using store = await openMemoryStore({ kind: "dev", clock });
  await work(store);
}

/** What a transaction says in the change feed. */
async function changesOf(store: SqliteStore, body: (tx: Tx) => Promise<unknown>): Promise<string[]> {
  const heard: string[] = [];
  store.onChange((kind, name) => heard.push([kind, ...name].join(" ")));
  await store.transaction(body);
  return heard.sort();
}

describe("rows of keys", () => {
  it("are inserted, updated and deleted, each time said in the feed", async () => {
    await withStore(async (store) => {
      const row = key({ key_id: "k1" });
      const find = () => store.settle((reader) => reader.find("key", REGION, "k1"));
      assert.deepEqual(await changesOf(store, (tx) => insertKey(tx, row)), [`key ${REGION} k1`]);
      assert.deepEqual(await find(), row);
      await store.transaction((tx) => updateKey(tx, row, { state: "Disabled", deletion_at: 5 }));
      assert.deepEqual(await find(), { ...row, state: "Disabled", deletion_at: 5 });
      await store.transaction((tx) => deleteKey(tx, k1));
      assert.equal(await find(), undefined);
    });
  });

  it("have ids that are taken once in a Region, and again in another", async () => {
    await withStore(async (store) => {
      await store.transaction((tx) => insertKey(tx, key()));
      const foreign = key({ account: "444455556666" });
      await assert.rejects(
        store.transaction((tx) => insertKey(tx, foreign)),
        /UNIQUE/,
      );
      await store.transaction((tx) => insertKey(tx, { ...foreign, region: "us-east-1" }));
    });
  });

  it("are listed in pages, of one account in one Region", async () => {
    await withStore(async (store) => {
      await store.transaction(async (tx) => {
        for (const key_id of ["c", "a", "d", "b"]) await insertKey(tx, key({ key_id }));
        await insertKey(tx, key({ key_id: "other account", account: "444455556666" }));
        await insertKey(tx, key({ key_id: "other region", region: "us-east-1" }));
      });
      const of = { region: REGION, account: ACCOUNT };
      assert.deepEqual(await listKeyIds(store.db, of, { after: undefined, count: 2 }), ["a", "b"]);
      assert.deepEqual(await listKeyIds(store.db, of, { after: "b", count: 9 }), ["c", "d"]);
    });
  });
});

/** The domain key that materials of these tests are sealed under. */
async function insertDomainKey({ db }: Tx): Promise<void> {
  const key = { region: REGION, purpose: "material", version: 1, seals: 0, created_at: 1 } as const;
  await db.insertInto("domain_key").values(key).execute();
}

describe("rows of materials", () => {
  it("are not written sealed under a domain key that is gone", async () => {
    await withStore(async (store) => {
      const insert = (row: MaterialRow) => store.transaction((tx) => insertMaterial(tx, row));
      await assert.rejects(insert(material("m1")), /The material domain key 1 of .* was shredded/);
      await insert(material("m1", { sealed: new Uint8Array(0) })); // nothing is sealed in it
      await store.transaction(insertDomainKey);
      const change = { ...k1, materialId: "m1" };
      const columns = { sealed: new Uint8Array([1]), domain_version: 2 };
      await assert.rejects(
        store.transaction((tx) => updateMaterial(tx, change, columns)),
        /domain key 2 of .* was shredded/,
      );
      await store.transaction((tx) => updateMaterial(tx, change, { ...columns, domain_version: 1 }));
    });
  });

  it("of one key are erased together, and named", async () => {
    await withStore(async (store) => {
      await store.transaction(async (tx) => {
        await insertDomainKey(tx);
        for (const row of [material("m1"), material("m2"), material("m3", { key_id: "k2" })])
          await insertMaterial(tx, row);
      });
      const heard = await changesOf(store, async (tx) => {
        assert.deepEqual((await deleteMaterialsOfKey(tx, k1)).sort(), ["m1", "m2"]);
      });
      assert.deepEqual(heard, [`material ${REGION} k1 m1`, `material ${REGION} k1 m2`]);
      const kept = await store.settle((reader) => reader.find("material", REGION, "k2", "m3"));
      assert.deepEqual(kept, material("m3", { key_id: "k2" }));
    });
  });

  it("are changed and erased one by one, and named", async () => {
    await withStore(async (store) => {
      const find = (id: string) => store.settle((reader) => reader.find("material", REGION, "k1", id));
      await store.transaction(async (tx) => {
        await insertDomainKey(tx);
        for (const row of [material("m1"), material("m2")]) await insertMaterial(tx, row);
      });
      const changed = { sealed: new Uint8Array(0), import_state: "PENDING_IMPORT" } as const;
      const heard = await changesOf(store, (tx) => updateMaterial(tx, { ...k1, materialId: "m1" }, changed));
      assert.deepEqual(heard, [`material ${REGION} k1 m1`]);
      assert.deepEqual(await find("m1"), material("m1", changed));
      const gone = await changesOf(store, (tx) => deleteMaterial(tx, { ...k1, materialId: "m2" }));
      assert.deepEqual(gone, [`material ${REGION} k1 m2`]);
      assert.equal(await find("m2"), undefined);
      assert.equal((await findMaterial(store.db, { ...k1, materialId: "m1" }))?.import_state, "PENDING_IMPORT");
      assert.equal(await findMaterial(store.db, { ...k1, materialId: "m2" }), undefined);
    });
  });

  it("of a key are summed up but for the one that waits", async () => {
    await withStore(async (store) => {
      const none = { materials: 0, imported: 0, lasting: 0, expiring: 0, expiresAt: null };
      assert.deepEqual(await sumUpImported(store.db, k1), none);
      assert.equal(await findPendingMaterial(store.db, k1), undefined);
      const here = { import_state: "IMPORTED" } as const;
      const expiring = (expires_at: number) => ({ expiration_model: "KEY_MATERIAL_EXPIRES", expires_at }) as const;
      await store.transaction(async (tx) => {
        await insertDomainKey(tx);
        for (const row of [
          material("lasts", { ...here, expiration_model: "KEY_MATERIAL_DOES_NOT_EXPIRE" }),
          material("later", { ...here, ...expiring(9) }),
          material("expired", { import_state: "PENDING_IMPORT", ...expiring(5) }),
          material("deleted", { import_state: "PENDING_IMPORT" }),
          material("waits", { ...here, ...expiring(1), pending: "PENDING_ROTATION" }),
          material("another key's", { key_id: "k2", ...here, ...expiring(2), pending: "PENDING_ROTATION" }),
        ]) {
          await insertMaterial(tx, row);
        }
      });
      const whole = { materials: 4, imported: 2, lasting: 1, expiring: 2, expiresAt: 5 };
      assert.deepEqual(await sumUpImported(store.db, k1), whole);
      assert.equal((await findPendingMaterial(store.db, k1))?.material_id, "waits");
    });
  });
});

describe("rows of aliases", () => {
  it("are refused, with nothing changed or said, when the name is taken in that account and Region", async () => {
    await withStore(async (store) => {
      assert.equal(await store.transaction((tx) => insertAlias(tx, alias("a"))), true);
      const heard = await changesOf(store, async (tx) => {
        assert.equal(await insertAlias(tx, alias("a", { key_id: "k2" })), false);
      });
      assert.deepEqual(heard, []);
      assert.deepEqual(await listAliases(store.db, { region: REGION, account: ACCOUNT }, all), [alias("a")]);
      const elsewhere = [alias("a", { account: "444455556666" }), alias("a", { region: "us-east-1" })];
      for (const row of elsewhere) assert.equal(await store.transaction((tx) => insertAlias(tx, row)), true);
    });
  });

  it("are pointed elsewhere, deleted one by one, or with their key", async () => {
    await withStore(async (store) => {
      await store.transaction(async (tx) => {
        for (const name of ["a", "b", "c"]) await insertAlias(tx, alias(name));
        await insertAlias(tx, alias("other", { key_id: "k2" }));
        assert.equal(await countAliasesOfKey(tx, k1), 3);
        await updateAlias(tx, alias("c"), { key_id: "k2", updated_at: 7 });
        await deleteAlias(tx, alias("b"));
        assert.equal(await countAliasesOfKey(tx, k1), 1);
      });
      const heard = await changesOf(store, (tx) => deleteAliasesOfKey(tx, k1));
      assert.deepEqual(heard, [`alias ${REGION} ${ACCOUNT} alias/a`, `keyLabels ${REGION} k1`]);
      const left = await listAliases(store.db, { region: REGION, account: ACCOUNT }, all);
      assert.deepEqual(left, [alias("c", { key_id: "k2", updated_at: 7 }), alias("other", { key_id: "k2" })]);
    });
  });

  it("are listed in pages, of an account or of a key", async () => {
    await withStore(async (store) => {
      await store.transaction(async (tx) => {
        for (const name of ["c", "a", "b"]) await insertAlias(tx, alias(name));
        await insertAlias(tx, alias("d", { key_id: "k2" }));
      });
      const names = async (of: { keyId?: string }, slice: { after: string | undefined; count: number }) =>
        (await listAliases(store.db, { region: REGION, account: ACCOUNT, ...of }, slice)).map(({ name }) => name);
      assert.deepEqual(await names({}, { after: undefined, count: 2 }), ["alias/a", "alias/b"]);
      assert.deepEqual(await names({}, { after: "alias/b", count: 9 }), ["alias/c", "alias/d"]);
      assert.deepEqual(await names({ keyId: "k1" }, { after: "alias/a", count: 9 }), ["alias/b", "alias/c"]);
    });
  });
});

describe("rows of tags", () => {
  it("are added, replaced, removed, counted and listed in pages", async () => {
    await withStore(async (store) => {
      await store.transaction(async (tx) => {
        await upsertTags(tx, k1, [
          { key: "b", value: "1" },
          { key: "a", value: "" },
        ]);
        await upsertTags(tx, { region: REGION, keyId: "k2" }, [{ key: "a", value: "other key" }]);
        await upsertTags(tx, k1, [
          { key: "b", value: "2" },
          { key: "c", value: "3" },
        ]);
        assert.equal(await countTags(tx, k1), 3);
        await removeTags(tx, k1, ["c", "never there"]);
      });
      assert.deepEqual(await listTags(store.db, k1, { after: undefined, count: 1 }), [{ key: "a", value: "" }]);
      assert.deepEqual(await listTags(store.db, k1, { after: "a", count: 9 }), [{ key: "b", value: "2" }]);
      await store.transaction((tx) => deleteTagsOfKey(tx, k1));
      assert.deepEqual(await listTags(store.db, k1, all), []);
      assert.equal((await listTags(store.db, { region: REGION, keyId: "k2" }, all)).length, 1);
    });
  });
});

describe("rows of accounts and access keys", () => {
  it("are inserted once, and all access keys of one account are removed together", async () => {
    await withStore(async (store) => {
      await store.transaction(async (tx) => {
        await insertAccount(tx, account(ACCOUNT));
        for (const row of [credential("A1", ACCOUNT), credential("A2", ACCOUNT), credential("B1", "444455556666")]) {
          await insertCredential(tx, row);
        }
      });
      for (const again of [
        (tx: Tx) => insertAccount(tx, account(ACCOUNT)),
        (tx: Tx) => insertCredential(tx, credential("A1", "444455556666")),
      ]) {
        await assert.rejects(store.transaction(again), /UNIQUE/);
      }
      const heard = await changesOf(store, (tx) => deleteRootCredentials(tx, ACCOUNT));
      assert.deepEqual(heard, ["credential A1", "credential A2"]);
      const left = await store.settle((reader) => ["A1", "A2", "B1"].map((id) => reader.find("credential", id)));
      assert.deepEqual(left, [undefined, undefined, credential("B1", "444455556666")]);
    });
  });
});

describe("rows of what becomes due", () => {
  const due = (subject: string, due_at: number, kind = "delete-key") => ({ kind, region: REGION, subject, due_at });

  it("are taken by one of two who saw them, and not at all when moved meanwhile", async () => {
    await withStore(async (store) => {
      await store.transaction((tx) => setDue(tx, due("k1", 5)));
      assert.equal(await findDueAt(store.db, due("k1", 0)), 5);
      assert.equal(await findDueAt(store.db, due("k2", 0)), undefined);
      const seen = await nextDue(store.db, ["delete-key"]);
      assert.deepEqual(seen, due("k1", 5));
      await store.transaction((tx) => setDue(tx, due("k1", 9)));
      assert.equal(await store.transaction((tx) => clearDue(tx, due("k1", 5), 5)), false);
      const take = () => store.transaction((tx) => clearDue(tx, due("k1", 9), 9));
      assert.deepEqual(await Promise.all([take(), take()]), [true, false]);
      assert.equal(await nextDue(store.db, ["delete-key"]), undefined);
    });
  });

  it("come in the order of their times, of the kinds that are asked for", async () => {
    await withStore(async (store) => {
      await store.transaction(async (tx) => {
        for (const row of [due("late", 9), due("early", 3), due("other", 1, "rotate")]) await setDue(tx, row);
      });
      assert.equal((await nextDue(store.db, ["delete-key"]))?.subject, "early");
      assert.equal((await nextDue(store.db, ["delete-key", "rotate"]))?.subject, "other");
      assert.equal(await nextDue(store.db, []), undefined);
      assert.equal(await store.transaction((tx) => clearDue(tx, due("other", 0, "rotate"))), true);
      assert.equal(await nextDue(store.db, ["rotate"]), undefined);
    });
  });
});

describe("tombstones", () => {
  it("stay as they were first left", async () => {
    await withStore(async (store) => {
      const stone = { kind: "key", region: REGION, key_id: "k1", material_id: "", account: ACCOUNT } as const;
      await store.transaction((tx) => insertTombstone(tx, { ...stone, deleted_at: 1 }));
      await store.transaction((tx) => insertTombstone(tx, { ...stone, deleted_at: 2 }));
      assert.deepEqual(await store.db.selectFrom("tombstone").selectAll().execute(), [{ ...stone, deleted_at: 1 }]);
    });
  });
});

describe("rows of domain keys", () => {
  const copy = { recipient: "r1", sealed: new Uint8Array([9]) };
  const version1 = { region: REGION, purpose: "material", version: 1, seals: 0, copies: [copy] } as const;
  const recipient = { id: "r1", kind: "file", sealedKey: new Uint8Array([1]) } as const;

  it("are given back by Region and purpose, oldest version first, each with its copies", async () => {
    await withStore(async (store) => {
      const keys = domainKeyStore(store, clock);
      assert.deepEqual(await keys.load(REGION, "material"), []);
      const version2 = { ...version1, version: 2, copies: [{ recipient: "r1", sealed: new Uint8Array([8]) }] };
      assert.equal(await keys.insert(version2, [recipient]), true);
      assert.equal(await keys.insert(version1), true);
      assert.equal(await keys.insert({ ...version1, region: "us-east-1" }), true);
      assert.deepEqual(await keys.load(REGION, "material"), [version1, version2]);
      assert.deepEqual(await keys.recipients(), [recipient]);
    });
  });

  it("are refused, with nothing changed, when the version is there already", async () => {
    await withStore(async (store) => {
      const keys = domainKeyStore(store, clock);
      await keys.insert(version1, [recipient]);
      assert.equal(await keys.insert({ ...version1, copies: [{ ...copy, sealed: new Uint8Array([7]) }] }), false);
      assert.deepEqual(await keys.load(REGION, "material"), [version1]);
      assert.deepEqual(await keys.recipients(), [recipient]);
    });
  });

  it("are refused, with nothing changed, when their copies are not those of all recipients", async () => {
    await withStore(async (store) => {
      const keys = domainKeyStore(store, clock);
      await keys.insert(version1, [recipient]);
      for (const copies of [[], [{ ...copy, recipient: "r9" }], [copy, { ...copy, recipient: "r9" }]]) {
        assert.equal(await keys.insert({ ...version1, version: 2, copies }), false);
      }
      assert.deepEqual(await keys.load(REGION, "material"), [version1]);
    });
  });

  it("hand out each seal once, however many ask at once", async () => {
    await withStore(async (store) => {
      const keys = domainKeyStore(store, clock);
      await keys.insert(version1, [recipient]);
      const before = await Promise.all([10, 20, 30].map((count) => keys.reserveSeals(version1, count)));
      assert.deepEqual(before, [0, 10, 30]);
      assert.equal((await keys.load(REGION, "material"))[0]?.seals, 60);
      await assert.rejects(keys.reserveSeals({ ...version1, version: 7 }, 1), /no result/);
    });
  });
});

describe("the materials of a key", () => {
  it("are listed oldest first, in slices, and counted by the type of their rotation", async () => {
    await withStore(async (store) => {
      const rotated = { rotated_at: 2, rotation_type: "ON_DEMAND" } as const;
      await store.transaction(async (tx) => {
        await insertDomainKey(tx);
        await insertMaterial(tx, material("z"));
        for (const id of ["c", "b"]) await insertMaterial(tx, material(id, { created_at: 2, ...rotated }));
        await insertMaterial(tx, material("a", { created_at: 3, rotated_at: 3, rotation_type: "AUTOMATIC" }));
        await insertMaterial(tx, material("other", { key_id: "k2", ...rotated }));
      });
      const ids = async (slice: { after?: string; count?: number; rotatedOnly?: boolean }): Promise<string[]> => {
        const { after, count = 9, rotatedOnly = false } = slice;
        const last = after === undefined ? undefined : { created_at: 2, material_id: after };
        const rows = await listMaterials(store.db, k1, { after: last, count, rotatedOnly });
        return rows.map(({ material_id }) => material_id);
      };
      assert.deepEqual(await ids({}), ["z", "b", "c", "a"]);
      assert.deepEqual(await ids({ rotatedOnly: true }), ["b", "c", "a"]);
      assert.deepEqual(await ids({ after: "b" }), ["c", "a"]);
      assert.deepEqual(await ids({ after: "b", count: 1 }), ["c"]);
      assert.equal(await countRotations(store.db, k1, "ON_DEMAND"), 2);
      assert.equal(await countRotations(store.db, k1, "AUTOMATIC"), 1);
    });
  });
});

describe("the last use of a key", () => {
  const use = (used_at: number, key_id = "k1"): KeyUsageRow => ({
    region: REGION,
    key_id,
    operation: "Encrypt",
    used_at,
    event_id: `event-${used_at}`,
    request_id: `request-${used_at}`,
  });

  it("is the latest of those written, whatever their order", async () => {
    await withStore(async (store) => {
      await store.transaction((tx) => insertKey(tx, key({ region: REGION, key_id: "k1" })));
      for (const at of [5, 7, 6]) await store.transaction((tx) => upsertKeyUsage(tx, use(at)));
      assert.deepEqual({ ...(await findKeyUsage(store.db, k1)) }, use(7));
      await store.transaction((tx) => deleteKeyUsage(tx, k1));
      assert.equal(await findKeyUsage(store.db, k1), undefined);
    });
  });

  it("is not written for a key that is gone", async () => {
    await withStore(async (store) => {
      await store.transaction((tx) => upsertKeyUsage(tx, use(5, "gone")));
      assert.equal(await findKeyUsage(store.db, { region: REGION, keyId: "gone" }), undefined);
    });
  });

  it("is tracked from the first time that is asked for", async () => {
    await withStore(async (store) => {
      const starts = [4, 9].map((now) => store.transaction((tx) => startKeyUsage(tx, now)));
      assert.deepEqual(await Promise.all(starts), [4, 4]);
    });
  });
});

describe("lists", () => {
  it("are read from an index, so that their cost does not grow with what is stored", async () => {
    await withStore(async (store) => {
      const slice = { after: "a", count: 10 };
      const of = { region: REGION, account: ACCOUNT };
      const statements: string[] = [];
      const { read } = watched(store, statements);
      await listKeyIds(read, of, slice);
      await listAliases(read, of, slice);
      await listAliases(read, { ...of, keyId: "k1" }, slice);
      await listTags(read, k1, slice);
      await nextDue(read, ["delete-key"]);
      await listMaterials(read, k1, { after: { created_at: 1, material_id: "a" }, count: 10, rotatedOnly: false });
      await listMaterials(read, k1, { after: undefined, count: 10, rotatedOnly: true });
      await countRotations(read, k1, "ON_DEMAND");
      await findDueAt(read, { kind: "rotate", region: REGION, subject: "k1" });
      await findKeyUsage(read, k1);
      assert.equal(statements.length, 10);
      for (const statement of statements) {
        const plan = await sql<{ detail: string }>`EXPLAIN QUERY PLAN ${sql.raw(statement)}`.execute(store.db);
        const details = plan.rows.map(({ detail }) => detail).join("; ");
        assert.match(details, /USING (?:COVERING )?INDEX|USING PRIMARY KEY/, `${statement}: ${details}`);
        assert.doesNotMatch(details, /TEMP B-TREE/, `${statement}: ${details}`);
      }
    });
  });
});

/** A store's queries with their text noted, parameters as literals. */
function watched(store: SqliteStore, statements: string[]) {
  const read = store.db.withPlugin({
    transformQuery: ({ node }) => {
      const { sql: text, parameters } = store.db.getExecutor().compileQuery(node, { queryId: "" });
      statements.push(parameters.reduce<string>((query, value) => query.replace("?", () => `'${value}'`), text));
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  return { read };
}
