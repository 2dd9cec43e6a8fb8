/** Multi-Region keys with imported material: the same material in every Region, each by its own import (spec 05). */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { CreateKeyCommandInput, KMS } from "@aws-sdk/client-kms";
import { type HeldServer, startHeld } from "../held-server.ts";
import { importInto, privateKeyMaterial, randomMaterial, wrapFor } from "../key-material.ts";
import {
  assertRefused,
  bytes,
  describedKey,
  membersOf,
  newKey,
  OTHER_ACCOUNT,
  present,
  startWorld,
} from "../kms-client.ts";
import { arnIn, HOME, MOMENT_MS } from "../multi-region-keys.ts";

const WEST = "us-west-2";
const SOUTH = "sa-east-1";
const DAY_MS = 86_400_000;
const P256 = { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const;
const WAITING_FOR_REPLICAS = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION";

let server: HeldServer;
let home: KMS;
let west: KMS;
beforeEach(async () => {
  server = await startHeld();
  home = server.client(HOME);
  west = server.client(WEST);
});
afterEach(() => server.stop());

/** A primary key with its first material, and replicas that were just made. */
async function newImportedSet(regions: readonly string[], material: Uint8Array, input: CreateKeyCommandInput = {}) {
  const { KeyId } = await newKey(home, { ...input, Origin: "EXTERNAL", MultiRegion: true });
  await importInto(home, KeyId, material);
  for (const ReplicaRegion of regions) await home.replicateKey({ KeyId, ReplicaRegion });
  if (regions.length > 0) await server.advance(MOMENT_MS);
  return KeyId;
}

/** A set whose replica in us-west-2 has the material, too. */
async function newPair(material = randomMaterial(32)) {
  const KeyId = await newImportedSet([WEST], material);
  await importInto(west, KeyId, material);
  return { KeyId, material };
}

/** Imports new material that the primary lists after what it has. */
async function importNew(KeyId: string, material: Uint8Array) {
  await server.advance(1);
  return await importInto(home, KeyId, material, { ImportType: "NEW_KEY_MATERIAL" });
}

async function stateOf(kms: KMS, KeyId: string) {
  return (await describedKey(kms, KeyId)).KeyState;
}

/** Each material of a key, oldest first: whether it is here, and what it is to the key. */
async function materialsOf(kms: KMS, KeyId: string) {
  const { Rotations = [] } = await kms.listKeyRotations({ KeyId, IncludeKeyMaterial: "ALL_KEY_MATERIAL" });
  return Rotations.map(({ ImportState, KeyMaterialState }) => `${ImportState} ${KeyMaterialState}`);
}

const encrypt = async (kms: KMS, KeyId: string) =>
  present((await kms.encrypt({ KeyId, Plaintext: bytes(8) })).CiphertextBlob);
const decrypt = async (kms: KMS, KeyId: string, CiphertextBlob: Uint8Array) =>
  present((await kms.decrypt({ KeyId, CiphertextBlob })).Plaintext);

describe("a replica of a key with imported material", () => {
  it("S05-056: waits for the very material of its primary, and opens what that one sealed", async () => {
    const material = randomMaterial(32);
    const KeyId = await newImportedSet([WEST], material);
    const { KeyState, Origin, MultiRegion, CurrentKeyMaterialId } = await describedKey(west, KeyId);
    assert.deepEqual([KeyState, Origin, MultiRegion], ["PendingImport", "EXTERNAL", true]);
    assert.deepEqual(await materialsOf(west, KeyId), ["PENDING_IMPORT CURRENT"]);
    const blob = await encrypt(home, KeyId);
    const text = `${arnIn(WEST, KeyId)} is pending import.`;
    await assertRefused(decrypt(west, KeyId, blob), "KMSInvalidStateException", text);
    await assertRefused(importInto(west, KeyId, randomMaterial(32)), "IncorrectKeyMaterialException");
    assert.equal(await stateOf(west, KeyId), "PendingImport");
    const imported = membersOf(await importInto(west, KeyId, material));
    assert.deepEqual(imported, { KeyId: arnIn(WEST, KeyId), KeyMaterialId: CurrentKeyMaterialId });
    assert.equal(CurrentKeyMaterialId, (await describedKey(home, KeyId)).CurrentKeyMaterialId);
    assert.equal(await stateOf(west, KeyId), "Enabled");
    assert.deepEqual(await decrypt(west, KeyId, blob), bytes(8));
    assert.deepEqual(await decrypt(home, KeyId, await encrypt(west, KeyId)), bytes(8));
  });

  it("S05-056: takes no other private key than its primary's", async () => {
    const newPrivateKey = () => privateKeyMaterial("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256");
    const material = newPrivateKey();
    const KeyId = await newImportedSet([WEST], material, P256);
    await assertRefused(importInto(west, KeyId, newPrivateKey()), "IncorrectKeyMaterialException");
    await importInto(west, KeyId, material);
    const publicKeyIn = async (kms: KMS) => present((await kms.getPublicKey({ KeyId })).PublicKey);
    assert.deepEqual(await publicKeyIn(west), await publicKeyIn(home));
  });

  it("S05-062: is imported into by parameters of its own, not by its primary's", async () => {
    const material = randomMaterial(32);
    const KeyId = await newImportedSet([WEST], material);
    const ofPrimary = await wrapFor(home, KeyId, material);
    const input = { KeyId, ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE", ...ofPrimary } as const;
    await assertRefused(west.importKeyMaterial(input), "InvalidImportTokenException");
    await west.importKeyMaterial({ ...input, ...(await wrapFor(west, KeyId, material)) });
    assert.equal(await stateOf(west, KeyId), "Enabled");
  });

  it("S05-057: stays enabled when its primary's material expires, and the reverse", async () => {
    for (const [expiring, lasting] of [
      [home, west],
      [west, home],
    ] as const) {
      const { KeyId, material } = await newPair();
      const ValidTo = new Date(server.now() + 2 * DAY_MS);
      await importInto(expiring, KeyId, material, { ValidTo });
      await server.advance(3 * DAY_MS);
      assert.equal(await stateOf(expiring, KeyId), "PendingImport");
      const { KeyState, ExpirationModel } = await describedKey(lasting, KeyId);
      assert.deepEqual([KeyState, ExpirationModel], ["Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE"]);
      await encrypt(lasting, KeyId);
    }
  });

  it("keeps its material when the primary's is deleted, and loses its own alone", async () => {
    const { KeyId, material } = await newPair();
    const blob = await encrypt(home, KeyId);
    await home.deleteImportedKeyMaterial({ KeyId });
    assert.deepEqual([await stateOf(home, KeyId), await stateOf(west, KeyId)], ["PendingImport", "Enabled"]);
    assert.deepEqual(await decrypt(west, KeyId, blob), bytes(8));
    await importInto(home, KeyId, material);
    await west.deleteImportedKeyMaterial({ KeyId });
    assert.deepEqual([await stateOf(home, KeyId), await stateOf(west, KeyId)], ["Enabled", "PendingImport"]);
    assert.deepEqual(await decrypt(home, KeyId, blob), bytes(8));
  });

  it("comes out of a change of the primary without material that expired meanwhile", async () => {
    const { KeyId, material } = await newPair();
    await importInto(west, KeyId, material, { ValidTo: new Date(server.now() + 1000) });
    await home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST });
    await server.advance(1000);
    assert.equal(await stateOf(west, KeyId), "PendingImport");
    await server.advance(MOMENT_MS);
    assert.deepEqual([await stateOf(home, KeyId), await stateOf(west, KeyId)], ["Enabled", "PendingImport"]);
  });
});

describe("new material for related keys", () => {
  it("waits until all of them have it, and one rotation makes it current in each", async () => {
    const material = randomMaterial(32);
    const KeyId = await newImportedSet([WEST, SOUTH], material);
    const south = server.client(SOUTH);
    for (const kms of [west, south]) await importInto(kms, KeyId, material);
    const old = await encrypt(home, KeyId);
    const fresh = randomMaterial(32);
    const { KeyMaterialId } = await importNew(KeyId, fresh);
    const waiting = ["IMPORTED CURRENT", `IMPORTED ${WAITING_FOR_REPLICAS}`];
    assert.deepEqual(await materialsOf(home, KeyId), waiting);
    const text = `No available key material pending rotation for the key: ${arnIn(HOME, KeyId)}.`;
    await assertRefused(home.rotateKeyOnDemand({ KeyId }), "KMSInvalidStateException", text);
    await importInto(west, KeyId, fresh, { ImportType: "EXISTING_KEY_MATERIAL", KeyMaterialId });
    for (const kms of [home, west]) assert.deepEqual(await materialsOf(kms, KeyId), waiting);
    assert.deepEqual(await materialsOf(south, KeyId), ["IMPORTED CURRENT"]);
    await assertRefused(home.rotateKeyOnDemand({ KeyId }), "KMSInvalidStateException", text);
    await importInto(south, KeyId, fresh);
    for (const kms of [home, west, south]) {
      assert.deepEqual(await materialsOf(kms, KeyId), ["IMPORTED CURRENT", "IMPORTED PENDING_ROTATION"]);
      assert.equal(await stateOf(kms, KeyId), "Enabled");
    }
    await home.rotateKeyOnDemand({ KeyId });
    for (const kms of [home, west, south]) {
      assert.deepEqual(await materialsOf(kms, KeyId), ["IMPORTED NON_CURRENT", "IMPORTED CURRENT"]);
      assert.equal((await describedKey(kms, KeyId)).CurrentKeyMaterialId, KeyMaterialId);
      assert.deepEqual(await decrypt(kms, KeyId, old), bytes(8));
    }
    assert.deepEqual(await decrypt(south, KeyId, await encrypt(west, KeyId)), bytes(8));
    const synchronizations = () =>
      server.records.all().filter(({ eventName }) => eventName === "SynchronizeMultiRegionKey");
    await server.records.where(() => synchronizations().length === 3); // of two replicas made, and of one rotation
  });

  it("goes to the primary first", async () => {
    const { KeyId } = await newPair();
    const fresh = randomMaterial(32);
    await assertRefused(
      importInto(west, KeyId, fresh, { ImportType: "NEW_KEY_MATERIAL" }),
      "UnsupportedOperationException",
    );
    await assertRefused(importInto(west, KeyId, fresh), "IncorrectKeyMaterialException");
    assert.deepEqual(await materialsOf(west, KeyId), ["IMPORTED CURRENT"]);
  });

  it("is gone from the replicas when the primary's is deleted, and from a replica alone when that one's is", async () => {
    const { KeyId } = await newPair();
    const fresh = randomMaterial(32);
    const { KeyMaterialId } = await importNew(KeyId, fresh);
    await importInto(west, KeyId, fresh);
    await west.deleteImportedKeyMaterial({ KeyId, KeyMaterialId });
    assert.deepEqual(await materialsOf(west, KeyId), ["IMPORTED CURRENT"]);
    assert.deepEqual(await materialsOf(home, KeyId), ["IMPORTED CURRENT", `IMPORTED ${WAITING_FOR_REPLICAS}`]);
    await importInto(west, KeyId, fresh);
    assert.deepEqual(await materialsOf(home, KeyId), ["IMPORTED CURRENT", "IMPORTED PENDING_ROTATION"]);
    await home.deleteImportedKeyMaterial({ KeyId, KeyMaterialId });
    for (const kms of [home, west]) {
      assert.deepEqual(await materialsOf(kms, KeyId), ["IMPORTED CURRENT"]);
      assert.equal(await stateOf(kms, KeyId), "Enabled");
    }
    await assertRefused(home.rotateKeyOnDemand({ KeyId }), "KMSInvalidStateException");
  });

  it("waits for a replica that is made meanwhile, and no longer for one that is deleted", async () => {
    const material = randomMaterial(32);
    const KeyId = await newImportedSet([], material);
    const fresh = randomMaterial(32);
    await importNew(KeyId, fresh);
    assert.deepEqual(await materialsOf(home, KeyId), ["IMPORTED CURRENT", "IMPORTED PENDING_ROTATION"]);
    await home.replicateKey({ KeyId, ReplicaRegion: WEST });
    await server.advance(MOMENT_MS);
    assert.deepEqual(await materialsOf(home, KeyId), ["IMPORTED CURRENT", `IMPORTED ${WAITING_FOR_REPLICAS}`]);
    assert.deepEqual(await materialsOf(west, KeyId), ["PENDING_IMPORT CURRENT"]);
    await west.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await server.advance(8 * DAY_MS);
    assert.deepEqual(await materialsOf(home, KeyId), ["IMPORTED CURRENT", "IMPORTED PENDING_ROTATION"]);
    await home.rotateKeyOnDemand({ KeyId });
  });

  it("makes a later replica ask for all the materials that are the key's for ever", async () => {
    const material = randomMaterial(32);
    const KeyId = await newImportedSet([], material);
    const old = await encrypt(home, KeyId);
    const fresh = randomMaterial(32);
    await importNew(KeyId, fresh);
    await home.rotateKeyOnDemand({ KeyId });
    await home.replicateKey({ KeyId, ReplicaRegion: WEST });
    await server.advance(MOMENT_MS);
    await importInto(west, KeyId, fresh);
    assert.deepEqual(await materialsOf(west, KeyId), ["PENDING_IMPORT NON_CURRENT", "IMPORTED CURRENT"]);
    assert.equal(await stateOf(west, KeyId), "PendingImport");
    await importInto(west, KeyId, material);
    assert.equal(await stateOf(west, KeyId), "Enabled");
    assert.deepEqual(await decrypt(west, KeyId, old), bytes(8));
  });
});

describe("grants of related keys", () => {
  it("S05-063: are of one key: its grantee is denied on the replica", async () => {
    await using world = await startWorld();
    const { KeyId } = await newKey(world.kms, { MultiRegion: true });
    await world.kms.replicateKey({ KeyId, ReplicaRegion: WEST });
    await world.server.clock.advance("PT3S");
    const GranteePrincipal = `arn:aws:iam::${OTHER_ACCOUNT}:root`;
    await world.kms.createGrant({ KeyId, GranteePrincipal, Operations: ["Encrypt"] });
    const encryptIn = (region: string) =>
      world.client(region, OTHER_ACCOUNT).encrypt({ KeyId: arnIn(region, KeyId), Plaintext: bytes(1) });
    await encryptIn(HOME);
    await assertRefused(encryptIn(WEST), "AccessDeniedException");
    assert.deepEqual((await world.client(WEST).listGrants({ KeyId })).Grants, []);
  });
});
