/** Domain keys: recipients, copies, wrong root keys, races and the count of seals. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StoredDomainKey, StoredRecipient } from "../../src/custody/custody.ts";
import { SEAL_BLOCK, SEALS_MAX, WrongRootKeyError } from "../../src/custody/domain-keys.ts";
import { createRecoveryKey, ephemeralRootKey, type RootKey } from "../../src/custody/root-key.ts";
import { SealedRowError } from "../../src/custody/seal.ts";
import { openCustody, type SoftwareCustody } from "../../src/custody/software.ts";
import { ascii, flipped, HeldClock, newCustody, owner } from "./fixtures.ts";
import { MemoryDomainKeyStore } from "./memory-domain-key-store.ts";

const open = (store: MemoryDomainKeyStore, ...rootKeys: RootKey[]): Promise<SoftwareCustody> =>
  openCustody({ store, rootKeys, clock: new HeldClock() });

describe("a new store", () => {
  it("gets its root keys as recipients, each with a copy of the first domain key", async () => {
    const store = new MemoryDomainKeyStore();
    const file = ephemeralRootKey();
    const { rootKey: recovery } = createRecoveryKey();
    await open(store, file, recovery);
    assert.deepEqual(
      store.recipientRows.map(({ id, kind }) => ({ id, kind })),
      [
        { id: file.id, kind: "ephemeral" },
        { id: recovery.id, kind: "recovery" },
      ],
    );
    assert.deepEqual(
      store.keys.map(({ region, purpose, version, seals }) => ({ region, purpose, version, seals })),
      [{ region: "", purpose: "store", version: 1, seals: SEAL_BLOCK }],
    );
    assert.deepEqual(
      store.keys[0]?.copies.map(({ recipient }) => recipient),
      [file.id, recovery.id],
    );
  });

  it("is refused with one root key, or with the same one twice, unless that is asked for", async () => {
    const store = new MemoryDomainKeyStore();
    const rootKey = ephemeralRootKey();
    await assert.rejects(open(store, rootKey), /two different root keys/);
    await assert.rejects(open(store, rootKey, rootKey), /two different root keys/);
    assert.deepEqual(store.keys, []);
    await openCustody({ store, rootKeys: [rootKey], clock: new HeldClock(), singleRootKey: true });
    assert.equal(store.recipientRows.length, 1);
  });

  it("is refused without any", async () => {
    await assert.rejects(open(new MemoryDomainKeyStore()), WrongRootKeyError);
  });

  it("is made once when two processes open it at the same time", async () => {
    const store = new MemoryDomainKeyStore();
    const rootKeys = [ephemeralRootKey(), ephemeralRootKey()];
    const [left, right] = await Promise.all([open(store, ...rootKeys), open(store, ...rootKeys)]);
    assert.equal(store.keys.length, 1);
    assert.equal(store.recipientRows.length, 2);
    assert.deepEqual(await left.authenticate("x", ascii("y")), await right.authenticate("x", ascii("y")));
  });
});

describe("a domain key made while one root key is at hand", () => {
  it("has a copy that the other root key opens", async () => {
    const store = new MemoryDomainKeyStore();
    const file = ephemeralRootKey();
    const { rootKey: recovery } = createRecoveryKey();
    await open(store, file, recovery);
    const serving = await open(store, file);
    const material = await serving.createMaterial(owner);
    const blob = await serving.encrypt(material, ascii("kept"), {});
    const recovered = await open(store, recovery);
    assert.deepEqual(await recovered.decrypt(material, blob, {}), ascii("kept"));
  });

  it("is refused when a recipient was put in, changed or swapped by somebody else", async () => {
    const { custody, store } = await newCustody();
    const other = await newCustody();
    const [ours] = store.recipientRows;
    const [theirs] = other.store.recipientRows;
    assert.ok(ours && theirs);
    const kept = store.recipientRows;
    const rows: readonly (readonly StoredRecipient[])[] = [
      [ours, theirs],
      [ours, { ...ours, id: theirs.id }],
      [{ ...ours, kind: "file" }],
      [{ ...ours, sealedKey: flipped(ours.sealedKey, 40) }],
    ];
    for (const changed of rows) {
      store.recipientRows = [...changed];
      await assert.rejects(custody.createMaterial(owner), SealedRowError);
    }
    store.recipientRows = [];
    await assert.rejects(custody.createMaterial(owner), WrongRootKeyError);
    assert.equal(store.keys.length, 1);
    store.recipientRows = kept;
    await custody.createMaterial(owner);
  });
});

describe("a store that exists", () => {
  it("refuses root keys that are not its own and names all by their ids", async () => {
    const { store, rootKey } = await newCustody();
    const wrong = ephemeralRootKey();
    const other = ephemeralRootKey();
    await assert.rejects(open(store, wrong, other), (error) => {
      assert.ok(error instanceof WrongRootKeyError);
      for (const { id } of [wrong, other, rootKey]) assert.ok(error.message.includes(id));
      assert.ok(!error.message.includes(rootKey.sealing.export().toString("hex")));
      return true;
    });
    assert.equal(store.recipientRows.length, 1);
  });

  it("is opened by the root key that is its own when another one is given beside it", async () => {
    const { store, rootKey, custody } = await newCustody();
    const material = await custody.createMaterial(owner);
    const blob = await custody.encrypt(material, ascii("x"), {});
    const both = await open(store, ephemeralRootKey(), rootKey);
    assert.deepEqual(await both.decrypt(material, blob, {}), ascii("x"));
    assert.deepEqual(await both.recipients.held(), [rootKey.id]);
    assert.equal(store.recipientRows.length, 1);
  });

  const altered: readonly { title: string; change: (key: StoredDomainKey) => StoredDomainKey }[] = [
    ...Array.from({ length: 61 }, (_, index) => ({
      title: `byte ${index} of the copy was changed`,
      change: (key: StoredDomainKey) => ({
        ...key,
        copies: key.copies.map((copy) => ({ ...copy, sealed: flipped(copy.sealed, index) })),
      }),
    })),
    {
      title: "the copy was cut off",
      change: (key) => ({ ...key, copies: key.copies.map((copy) => ({ ...copy, sealed: copy.sealed.slice(0, 60) })) }),
    },
  ];
  it("is not opened when any byte of a copy was changed, or the copy was cut off", async () => {
    const { store, rootKey } = await newCustody();
    const kept = store.keys;
    for (const { title, change } of altered) {
      store.keys = kept.map(change);
      await assert.rejects(open(store, rootKey), SealedRowError, title);
    }
  });

  it("says so when its domain key has no copy for the root key", async () => {
    const { store, rootKey } = await newCustody();
    store.change("store", (key) => ({ ...key, copies: [] }));
    await assert.rejects(open(store, rootKey), WrongRootKeyError);
  });

  it("takes no domain key for one of another Region, purpose or version", async () => {
    const { store, rootKey, custody } = await newCustody();
    const material = await custody.createMaterial(owner);
    const kept = store.keys.find(({ purpose }) => purpose === "material");
    assert.ok(kept);
    for (const moved of [
      { ...kept, region: "us-east-1" },
      { ...kept, purpose: "credential" as const, region: "" },
      { ...kept, version: 2 },
    ]) {
      store.keys = [...store.keys.filter(({ purpose }) => purpose === "store"), moved];
      const opened = await open(store, rootKey);
      const region = moved.region || owner.region;
      if (moved.purpose === "credential") {
        await assert.rejects(opened.sealCredential({ account: "1", accessKeyId: "A" }, ascii("s")), SealedRowError);
      } else {
        await assert.rejects(opened.createMaterial({ ...owner, region }), SealedRowError);
        await assert.rejects(opened.encrypt(material, ascii("x"), {}), SealedRowError);
      }
    }
  });
});

describe("a domain key", () => {
  it("is made once when two processes need it at the same time, and both can open what either sealed", async () => {
    const { store, rootKey, custody: left } = await newCustody();
    const right = await open(store, rootKey);
    const materials = await Promise.all([left, right, left, right].map((custody) => custody.createMaterial(owner)));
    assert.equal(store.keys.filter(({ purpose }) => purpose === "material").length, 1);
    for (const material of materials) {
      const blob = await left.encrypt(material, ascii("x"), {});
      assert.deepEqual(await right.decrypt(material, blob, {}), ascii("x"));
    }
  });

  it("is another one in every Region and for every purpose", async () => {
    const { store, custody } = await newCustody();
    await custody.createMaterial(owner);
    await custody.createMaterial({ ...owner, region: "us-east-1" });
    await custody.sealCredential({ account: owner.account, accessKeyId: "AKIAEXAMPLE" }, ascii("secret"));
    assert.deepEqual(
      store.keys.map(({ purpose, region }) => `${purpose}/${region}`),
      ["store/", "material/eu-west-1", "material/us-east-1", "credential/"],
    );
  });

  it("counts its seals a block at a time", async () => {
    const { store, custody, rootKey } = await newCustody();
    const seals = (): number | undefined => store.keys.find(({ purpose }) => purpose === "material")?.seals;
    for (let i = 0; i < 3; i += 1) await custody.createMaterial(owner);
    assert.equal(seals(), SEAL_BLOCK);
    await (await open(store, rootKey)).createMaterial(owner);
    assert.equal(seals(), 2 * SEAL_BLOCK);
  });

  it("reserves the next block when one is used up", async () => {
    const { store, custody } = await newCustody();
    const name = { account: owner.account, accessKeyId: "AKIAEXAMPLE" };
    for (let i = 0; i < SEAL_BLOCK; i += 1) await custody.sealCredential(name, ascii("s"));
    const seals = (): number | undefined => store.keys.find(({ purpose }) => purpose === "credential")?.seals;
    assert.equal(seals(), SEAL_BLOCK);
    await custody.sealCredential(name, ascii("s"));
    assert.equal(seals(), 2 * SEAL_BLOCK);
  });

  it("makes way for a new version long before 2³² seals, and the older one still opens", async () => {
    const { store, custody, rootKey } = await newCustody();
    const early = await custody.createMaterial(owner);
    const setSeals = (seals: number): void =>
      store.change("material", (key) => (key.version === 1 ? { ...key, seals } : key));
    setSeals(SEALS_MAX - SEAL_BLOCK);
    const last = await (await open(store, rootKey)).createMaterial(owner);
    assert.equal(last.domainVersion, 1);
    const later = await open(store, rootKey);
    const next = await later.createMaterial(owner);
    assert.equal(next.domainVersion, 2);
    const again = await open(store, rootKey);
    assert.equal((await again.createMaterial(owner)).domainVersion, 2);
    for (const material of [early, last, next]) {
      // The process that was there first learns of version 2 from the store.
      const blob = await custody.encrypt(material, ascii("x"), {});
      assert.deepEqual(await later.decrypt(material, blob, {}), ascii("x"));
    }
    assert.ok(SEALS_MAX <= 2 ** 31);
  });
});
