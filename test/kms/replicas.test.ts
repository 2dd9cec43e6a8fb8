/** Replicas and rotations that meet: nothing is written that would leave a related key without a material. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DependencyTimeoutException, KMSInternalException } from "../../src/base/errors.ts";
import type { SealedMaterial } from "../../src/custody/custody.ts";
import { ephemeralRootKey } from "../../src/custody/root-key.ts";
import { openCustody } from "../../src/custody/software.ts";
import { insertKeyWithMaterial, materialOwner, newKeyRow } from "../../src/kms/keys.ts";
import { operations } from "../../src/kms/operations/index.ts";
import { sealForReplicas } from "../../src/kms/related-keys.ts";
import { copyMaterials, insertReplica, isCopiedWhole } from "../../src/kms/replicas.ts";
import { Key } from "../../src/kms/resources.ts";
import { newMaterials, replaceMaterial } from "../../src/kms/rotation.ts";
import { SETTLE_KEY, settleKeyWhenDue } from "../../src/kms/transient-states.ts";
import type { Operation, Recorder } from "../../src/pipeline/operation.ts";
import { domainKeyStore } from "../../src/storage/domain-keys.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import type { KeyRow } from "../../src/storage/schema.ts";
import type { SqliteStore } from "../../src/storage/sqlite-store.ts";
import { clock } from "../storage/stores.ts";

const recorder: Recorder = { append: async () => {}, enlist: async () => {} };
const WEST = "us-west-2";
const OWN = {
  region: WEST,
  description: "",
  policy: "{}",
  policy_principals: "{}",
  state: "Enabled",
  created_at: 2,
} as const;

/** A store with one primary key. */
async function newPrimary() {
  const store = await openMemoryStore({ kind: "dev", clock });
  const rootKeys = [ephemeralRootKey()];
  const custody = await openCustody({ store: domainKeyStore(store, clock), rootKeys, clock, singleRootKey: true });
  const row = newKeyRow({
    partition: "aws",
    region: "us-east-1",
    account: "111122223333",
    keyId: `mrk-${"1234abcd".repeat(4)}`,
    description: "",
    policy: "{}",
    now: 1,
    multiRegion: true,
  });
  const material = await custody.createMaterial(materialOwner(row));
  const primary = await store.transaction((tx) => insertKeyWithMaterial(tx, row, material, 1));
  const rotate = async (materials: readonly SealedMaterial[]) => {
    const row = await find(store, primary);
    const change = { materials, type: "ON_DEMAND", now: 2, recorder } as const;
    await store.transaction((tx) => replaceMaterial(tx, row, change));
  };
  return { store, custody, primary, rotate };
}

async function find(store: SqliteStore, { region, key_id }: Pick<KeyRow, "region" | "key_id">): Promise<KeyRow> {
  const row = await store.settle((reader) => reader.find("key", region, key_id));
  assert.ok(row);
  return row;
}

async function replicate(
  store: SqliteStore,
  primary: KeyRow,
  materials: Parameters<typeof insertReplica>[2]["materials"],
) {
  return store.transaction((tx) => insertReplica(tx, primary, { ...OWN, materials }));
}

describe("the copies for a replica", () => {
  it("are whole only as long as the primary has no other material", async () => {
    const { store, custody, primary, rotate } = await newPrimary();
    await using _closing = store;
    const copies = await copyMaterials({ db: store.db, custody }, primary, WEST);
    const isWhole = () => store.transaction((tx) => isCopiedWhole(tx, primary, copies));
    assert.equal(await isWhole(), true);
    await rotate(await newMaterials(custody, primary));
    assert.equal(await isWhole(), false);
    const again = await copyMaterials({ db: store.db, custody }, primary, WEST);
    assert.equal(await store.transaction((tx) => isCopiedWhole(tx, primary, again)), true);
    assert.equal(await store.transaction((tx) => isCopiedWhole(tx, primary, again.slice(1))), false);
  });

  it("S05-037: are refused by ReplicateKey when a rotation came between", async () => {
    const { store, custody, primary, rotate } = await newPrimary();
    await using _closing = store;
    const prepared = await copyMaterials({ db: store.db, custody }, primary, WEST);
    const check = () =>
      store.transaction(async (tx) => {
        const { check: checked } = operations.get("ReplicateKey") as Operation;
        await checked?.({ ReplicaRegion: WEST }, { key: new Key(primary), tx, prepared });
      });
    await check();
    await rotate(await newMaterials(custody, primary));
    await assert.rejects(check, KMSInternalException);
  });
});

describe("a replica of an imported key", () => {
  it("gets its materials' ids alone, and waits for its own import once it is made", async () => {
    const { store, custody, primary } = await newPrimary();
    await using _closing = store;
    const imported = { ...primary, origin: "EXTERNAL" };
    const copies = await copyMaterials({ db: store.db, custody }, imported, WEST);
    const told = copies.map(({ material_id, region, sealed, import_state }) => ({
      material_id,
      region,
      sealed,
      import_state,
    }));
    const { current_material_id: material_id } = primary;
    const sealed = new Uint8Array(0);
    assert.deepEqual(told, [{ material_id, region: WEST, sealed, import_state: "PENDING_IMPORT" }]);
    assert.equal(await store.transaction((tx) => isCopiedWhole(tx, imported, copies)), true);
    const made = await store.transaction((tx) =>
      insertReplica(tx, imported, { ...OWN, state: "Creating", materials: copies }),
    );
    assert.deepEqual([made.state, made.origin, made.current_material_id], ["Creating", "EXTERNAL", material_id]);
    const due = { kind: SETTLE_KEY, region: WEST, subject: made.key_id, due_at: 3 };
    await store.transaction((tx) => settleKeyWhenDue().perform(tx, due, { now: 3, prepared: undefined }));
    assert.equal((await find(store, made)).state, "PendingImport");
    const { state, replica_regions } = await find(store, primary);
    assert.deepEqual([state, replica_regions], ["Enabled", JSON.stringify([WEST])]);
  });
});

describe("new material", () => {
  it("S05-037: is refused by RotateKeyOnDemand when it is not sealed for the Regions that the key is in", async () => {
    const { store, custody, primary, rotate } = await newPrimary();
    await using _closing = store;
    const early = await newMaterials(custody, primary);
    await replicate(store, primary, await copyMaterials({ db: store.db, custody }, primary, WEST));
    const replicated = await find(store, primary);
    const check = (prepared: readonly SealedMaterial[]) =>
      store.transaction(async (tx) => {
        const { check: checked } = operations.get("RotateKeyOnDemand") as Operation;
        await checked?.({}, { call: { now: 2 }, key: new Key(replicated), tx, prepared });
      });
    await assert.rejects(check(early), DependencyTimeoutException);
    await assert.rejects(rotate(early), /lacks a Region/);
    const [first] = early;
    assert.ok(first);
    const elsewhere = await custody.resealMaterial(first, "eu-west-1");
    await assert.rejects(check([first, elsewhere]), DependencyTimeoutException);
    const whole = await sealForReplicas(custody, replicated, first);
    await check(whole);
    await rotate(whole);
    for (const region of [primary.region, WEST]) {
      const row = await find(store, { ...primary, region });
      assert.equal(row.current_material_id, first.materialId);
      const material = await store.settle((reader) =>
        reader.find("material", region, row.key_id, row.current_material_id),
      );
      assert.equal(material?.rotation_type, "ON_DEMAND");
    }
  });
});
