/** The cache of rows by name: what it holds, for how long, and what it must not hold. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ChangeKind, GrantRow } from "../../src/storage/schema.ts";
import type { Reader } from "../../src/storage/store.ts";
import {
  keyOf,
  type LoadRow,
  type Missing,
  MissingReader,
  partsOfViewName,
  runReading,
  settleMissing,
  View,
  viewName,
} from "../../src/storage/view.ts";
import { account } from "./stores.ts";

const named = (id: string): Missing => ({ key: keyOf("account", id), kind: "account", parts: [id] });

/** Loads whose moment of arrival the test decides. */
class HeldLoads {
  readonly #waiting: { id: string; arrive: (name: string) => void; fail: (cause: Error) => void }[] = [];

  readonly load: LoadRow = (_kind, [id = ""]) =>
    new Promise((resolve, reject) => {
      this.#waiting.push({ id, arrive: (name) => resolve(account(id, name)), fail: reject });
    });

  get asked(): string[] {
    return this.#waiting.map(({ id }) => id);
  }

  next() {
    const load = this.#waiting.shift();
    assert.ok(load);
    return load;
  }
}

const counting = (): { load: LoadRow; asked: string[] } => {
  const asked: string[] = [];
  return {
    asked,
    load: async (_kind, [id = ""]) => {
      asked.push(id);
      return id.startsWith("no") ? undefined : account(id);
    },
  };
};

describe("the view", () => {
  it("holds rows and the absence of rows, and loads neither twice", async () => {
    const { load, asked } = counting();
    const view = new View({ load, entriesMax: 100 });
    await view.fill([named("1"), named("no")]);
    assert.deepEqual(view.find(keyOf("account", "1"))?.row, account("1"));
    const absent = view.find(keyOf("account", "no"));
    assert.ok(absent !== undefined && absent.row === undefined);
    assert.equal(view.find(keyOf("account", "2")), undefined);
    assert.deepEqual(asked, ["1", "no"]);
  });

  it("gives rows that nobody can change", async () => {
    const view = new View({ load: counting().load, entriesMax: 100 });
    await view.fill([named("1")]);
    assert.ok(Object.isFrozen(view.find(keyOf("account", "1"))?.row));
  });

  it("asks once for what several wait for", async () => {
    const loads = new HeldLoads();
    const view = new View({ load: loads.load, entriesMax: 100 });
    const fills = [view.fill([named("1")]), view.fill([named("1")])];
    assert.deepEqual(loads.asked, ["1"]);
    loads.next().arrive("a");
    await Promise.all(fills);
    assert.deepEqual(view.find(keyOf("account", "1"))?.row, account("1", "a"));
  });

  for (const { title, change } of [
    { title: "its name has changed meanwhile", change: (view: View) => view.drop("account", "1") },
    { title: "everything was dropped meanwhile", change: (view: View) => view.clear() },
  ]) {
    it(`does not keep a row that was on its way when ${title}`, async () => {
      const loads = new HeldLoads();
      const view = new View({ load: loads.load, entriesMax: 100 });
      const early = view.fill([named("1")]);
      const { arrive } = loads.next();
      change(view);
      const late = view.fill([named("1")]);
      loads.next().arrive("new");
      await late;
      arrive("old");
      await early;
      assert.deepEqual(view.find(keyOf("account", "1"))?.row, account("1", "new"));
    });
  }

  it("keeps a row on its way when another name changes", async () => {
    const loads = new HeldLoads();
    const view = new View({ load: loads.load, entriesMax: 100 });
    const fill = view.fill([named("1")]);
    view.drop("account", "2");
    view.drop("credential", "1");
    loads.next().arrive("a");
    await fill;
    assert.ok(view.find(keyOf("account", "1")));
  });

  it("tells all who wait that a load failed, and asks again later", async () => {
    const loads = new HeldLoads();
    const view = new View({ load: loads.load, entriesMax: 100 });
    const fills = [view.fill([named("1")]), view.fill([named("1")])];
    loads.next().fail(new Error("no disk"));
    await Promise.all(fills.map((fill) => assert.rejects(fill, { message: "no disk" })));
    const again = view.fill([named("1")]);
    loads.next().arrive("a");
    await again;
    assert.ok(view.find(keyOf("account", "1")));
  });

  it("counts a list of grants as its rows, and still holds eight of any length with what goes with them", async () => {
    const rows = 1_000;
    const load: LoadRow = async (kind, [, , grantee = ""]) =>
      kind === "account" ? account("1") : { grants: Array.from({ length: rows }, () => ({ grantee }) as GrantRow) };
    const list = (grantee: string): Missing => {
      const parts = ["r", "k", grantee] as const;
      return { key: keyOf("granted", ...parts), kind: "granted", parts };
    };
    const long = new View({ load, entriesMax: 10 * rows });
    for (let index = 0; index < 50; index += 1) await long.fill([list(`grantee-${index}`)]);
    assert.equal(long.size, 10);
    for (let index = 0; index < 50; index += 1) long.drop("granted", ["r", "k", `grantee-${index}`].join("\u001f"));
    await long.fill(Array.from({ length: 10 * rows }, (_, index) => named(String(index))));
    assert.equal(long.size, 10 * rows);
    const small = new View({ load, entriesMax: 100 });
    const wanted = [...Array.from({ length: 8 }, (_, index) => list(String(index))), named("1")];
    for (let round = 0; round < 3; round += 1)
      await small.fill(wanted.filter(({ key }) => small.find(key) === undefined));
    for (const { key } of wanted) assert.ok(small.find(key), key);
    small.clear();
    await small.fill(Array.from({ length: 100 }, (_, index) => named(String(index))));
    assert.equal(small.size, 100);
  });

  it("never holds more than its limit, and keeps what is used through a flood of names", async () => {
    const { load } = counting();
    const view = new View({ load, entriesMax: 50 });
    await view.fill([named("hot")]);
    for (let flood = 0; flood < 1_000; flood += 1) {
      await view.fill([named(`no${flood}`)]);
      assert.ok(view.find(keyOf("account", "hot")), `the hot row left at ${flood}`);
      assert.ok(view.size <= 50);
    }
    assert.equal(view.size, 50);
    assert.ok(view.find(keyOf("account", "no999")), "what was asked for last is there");
  });
});

describe("a full view of rows that are all in use", () => {
  it("still takes in what a reading needs at once", async () => {
    const ids = (prefix: string) => Array.from({ length: 8 }, (_, index) => `${prefix}${index}`);
    const view = new View({ load: counting().load, entriesMax: 16 });
    const read = async (wanted: readonly string[]) => {
      const run = () =>
        runReading(
          (reader) => wanted.map((id) => reader.find("account", id)),
          new MissingReader((key) => view.find(key)),
        );
      const first = run();
      return first.missing === undefined
        ? first.value
        : settleMissing({ missing: first.missing, load: (missing) => view.fill(missing), run });
    };
    for (const prefix of ["a", "b", "c", "d", "a", "c", "b", "d"]) {
      assert.deepEqual(
        await read(ids(prefix)),
        ids(prefix).map((id) => account(id)),
      );
      assert.deepEqual(
        await read(ids("a")),
        ids("a").map((id) => account(id)),
      );
    }
  });
});

describe("a name in the change feed", () => {
  const part = fc.string({ unit: fc.constantFrom("a", "/", ":", "-", "_", "é"), minLength: 1, maxLength: 5 });

  it("gives its parts back", () => {
    fc.assert(
      fc.property(part, part, part, (region, owner, name) => {
        assert.deepEqual(partsOfViewName("alias", viewName("alias", region, owner, name)), [region, owner, name]);
      }),
    );
  });

  it("is the key of its row, after the kind", () => {
    fc.assert(
      fc.property(part, part, part, (region, keyId, materialId) => {
        const name = viewName("material", region, keyId, materialId);
        assert.ok(keyOf("material", region, keyId, materialId).endsWith(name));
        assert.notEqual(keyOf("alias", region, keyId, materialId), keyOf("material", region, keyId, materialId));
      }),
    );
  });

  for (const { title, kind } of [
    { title: "a kind that this version does not know", kind: "later" as ChangeKind },
    { title: "another number of parts", kind: "key" as const },
  ]) {
    it(`is refused with ${title}`, () => {
      assert.throws(() => partsOfViewName(kind, "one"), /does not know/);
    });
  }
});

describe("a reading", () => {
  const rows = new Map([[keyOf("account", "1"), { row: account("1") }]]);
  const run = <T>(reading: (reader: Reader) => T) => runReading(reading, new MissingReader((key) => rows.get(key)));

  it("has a value when nothing was missing", () => {
    assert.deepEqual(
      run((reader) => reader.find("account", "1")?.name),
      { value: "name" },
    );
  });

  it("has no value and no error while something is missing", () => {
    const { missing } = run((reader) => {
      reader.find("alias", "r", "1", "alias/a");
      if (reader.find("key", "r", "k") === undefined) throw new Error("not found");
    });
    assert.deepEqual(missing, [
      { key: keyOf("alias", "r", "1", "alias/a"), kind: "alias", parts: ["r", "1", "alias/a"] },
      { key: keyOf("key", "r", "k"), kind: "key", parts: ["r", "k"] },
    ]);
  });

  it("ends with an error when it asks for other rows each time", async () => {
    let round = 0;
    const restless = () => run((reader) => reader.find("account", `other ${round++}`));
    const settled = settleMissing({ missing: [], load: async () => {}, run: restless });
    await assert.rejects(settled, { message: "A reading of the store did not settle." });
    assert.equal(round, 20);
  });
});
