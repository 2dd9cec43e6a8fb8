/** Sets of multi-Region keys over time (spec 05, 01): another primary, rotation. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { KMS, RotationsListEntry } from "@aws-sdk/client-kms";
import { ephemeralRootKey } from "../../src/custody/root-key.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { callKms } from "../faults/signed-requests.ts";
import { type HeldServer, startHeld } from "../held-server.ts";
import { type AuditRecord, assertRefused, bytes, describedKey, newKey, present, requestIdOf } from "../kms-client.ts";
import { arnIn, HOME, MOMENT_MS, newSet, relationsOf } from "../multi-region-keys.ts";

const server = await startHeld();
after(() => server.stop());
const home = server.client(HOME);
const WEST = "us-west-2";
const IRELAND = "eu-west-1";
const west = server.client(WEST);
const ireland = server.client(IRELAND);

const DAY_MS = 86_400_000;

async function stateOf(kms: KMS, keyId: string): Promise<string | undefined> {
  return (await describedKey(kms, keyId)).KeyState;
}

async function materialsOf(kms: KMS, keyId: string): Promise<readonly RotationsListEntry[]> {
  const { Rotations } = await kms.listKeyRotations({ KeyId: keyId, IncludeKeyMaterial: "ALL_KEY_MATERIAL" });
  return present(Rotations);
}

/** Records of an event, of a key by its ARN, that are in the file at this moment. */
function recordsOf(event: string, arn: string, from: HeldServer = server): readonly AuditRecord[] {
  return from.records.all().filter(({ eventName, resources }) => eventName === event && resources?.[0]?.ARN === arn);
}

/** Waits for a record of an event, of a key by its ARN. */
function recorded(event: string, arn: string, from: HeldServer = server): Promise<readonly AuditRecord[]> {
  return from.records.where(({ eventName, resources }) => eventName === event && resources?.[0]?.ARN === arn);
}

const regionOf = (record: AuditRecord): unknown => (record as { awsRegion?: string }).awsRegion;

describe("UpdatePrimaryRegion", () => {
  it("S05-038: has an empty answer, leaves both keys Updating and in use, then Enabled with their roles swapped", async () => {
    const KeyId = await newSet(server, [WEST, IRELAND], { Description: "first" });
    const { CiphertextBlob } = await home.encrypt({ KeyId, Plaintext: bytes(3) });
    const answer = await callKms(server.address, "UpdatePrimaryRegion", { KeyId, PrimaryRegion: WEST });
    assert.deepEqual([answer.status, answer.body.length], [200, 0]);

    for (const [kms, region] of [[home, HOME] as const, [west, WEST] as const]) {
      const updating = `${arnIn(region, KeyId)} is updating.`;
      assert.equal(await stateOf(kms, KeyId), "Updating");
      assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, bytes(3));
      await kms.encrypt({ KeyId, Plaintext: bytes(1) });
      await assertRefused(kms.disableKey({ KeyId }), "KMSInvalidStateException", updating);
      await assertRefused(kms.enableKey({ KeyId }), "KMSInvalidStateException", updating);
      await assertRefused(kms.scheduleKeyDeletion({ KeyId }), "KMSInvalidStateException", updating);
    }
    await assertRefused(
      west.replicateKey({ KeyId, ReplicaRegion: "eu-west-3" }),
      "KMSInvalidStateException",
      `${arnIn(WEST, KeyId)} is updating.`,
    );
    assert.equal(await stateOf(ireland, KeyId), "Enabled");

    await server.advance(MOMENT_MS);
    const relations = { primary: WEST, replicas: [HOME, IRELAND] };
    assert.deepEqual(await relationsOf(home, KeyId), { type: "REPLICA", ...relations });
    assert.deepEqual(await relationsOf(west, KeyId), { type: "PRIMARY", ...relations });
    assert.deepEqual(await relationsOf(ireland, KeyId), { type: "REPLICA", ...relations });
    for (const kms of [home, west, ireland]) assert.equal(await stateOf(kms, KeyId), "Enabled");
    assert.equal((await describedKey(home, KeyId)).Description, "first");
    assert.equal((await describedKey(west, KeyId)).Description, "");
    await assertRefused(home.replicateKey({ KeyId, ReplicaRegion: "eu-west-3" }), "UnsupportedOperationException");
    await west.replicateKey({ KeyId, ReplicaRegion: "eu-west-3" });
    assert.deepEqual((await relationsOf(home, KeyId)).replicas, [HOME, IRELAND, "eu-west-3"]);
  });

  it("may come again while the keys are Updating", async () => {
    const KeyId = await newSet(server, [WEST, IRELAND]);
    await home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST });
    await west.updatePrimaryRegion({ KeyId, PrimaryRegion: IRELAND });
    await server.advance(MOMENT_MS);
    assert.deepEqual(await relationsOf(ireland, KeyId), { type: "PRIMARY", primary: IRELAND, replicas: [HOME, WEST] });
    for (const kms of [home, west, ireland]) assert.equal(await stateOf(kms, KeyId), "Enabled");
  });

  it("S05-039: is NotFoundException where no replica is, the primary's own Region included", async () => {
    const KeyId = await newSet(server, [WEST]);
    for (const PrimaryRegion of [IRELAND, HOME, "cn-north-1"]) {
      await assertRefused(home.updatePrimaryRegion({ KeyId, PrimaryRegion }), "NotFoundException");
    }
    const { KeyId: alone } = await newKey(home, { MultiRegion: true });
    await assertRefused(home.updatePrimaryRegion({ KeyId: alone, PrimaryRegion: WEST }), "NotFoundException");
  });

  it("S05-039: is UnsupportedOperationException on a replica and on a single-Region key", async () => {
    const KeyId = await newSet(server, [WEST, IRELAND]);
    const { KeyId: single, Arn } = await newKey(home);
    for (const PrimaryRegion of [WEST, IRELAND, HOME, "eu-west-3"]) {
      await assertRefused(west.updatePrimaryRegion({ KeyId, PrimaryRegion }), "UnsupportedOperationException");
      const refused = home.updatePrimaryRegion({ KeyId: single, PrimaryRegion });
      await assertRefused(refused, "UnsupportedOperationException", `${Arn} is not a multi-region key.`);
    }
  });

  it("S05-039: is refused while either key is disabled, pending deletion or being made", async () => {
    const KeyId = await newSet(server, [WEST]);
    const update = () => home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST });
    for (const [kms, region] of [[home, HOME] as const, [west, WEST] as const]) {
      const arn = arnIn(region, KeyId);
      await kms.disableKey({ KeyId });
      await assertRefused(update(), "DisabledException", `${arn} is disabled.`);
      await kms.scheduleKeyDeletion({ KeyId });
      await assertRefused(update(), "KMSInvalidStateException", /^arn:\S+ is pending (?:replica )?deletion\.$/);
      await kms.cancelKeyDeletion({ KeyId });
      await kms.enableKey({ KeyId });
    }
    await home.replicateKey({ KeyId, ReplicaRegion: IRELAND });
    await assertRefused(
      home.updatePrimaryRegion({ KeyId, PrimaryRegion: IRELAND }),
      "KMSInvalidStateException",
      `${arnIn(IRELAND, KeyId)} is creating.`,
    );
    await update();
  });

  it("S02-019, S02-006: leaves a record in each of the two Regions, with one request id", async () => {
    const KeyId = await newSet(server, [WEST]);
    const requestID = requestIdOf(await home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST }));
    const ofRequest = (record: AuditRecord): boolean => record.requestID === requestID;
    await server.records.where((record) => ofRequest(record) && regionOf(record) === HOME);
    await server.records.where((record) => ofRequest(record) && regionOf(record) === WEST);
    const records = server.records.all().filter(ofRequest);
    const [left, right] = [HOME, WEST].map((region) => present(records.find((record) => regionOf(record) === region)));
    assert.equal(records.length, 2);
    assert.notEqual(left?.eventID, right?.eventID);
    assert.deepEqual(
      [left?.requestParameters, left?.responseElements, left?.resources?.map(({ ARN }) => ARN)],
      [{ keyId: KeyId, primaryRegion: WEST }, { keyId: arnIn(HOME, KeyId) }, [arnIn(HOME, KeyId)]],
    );
    assert.equal("invokedBy" in present(left).userIdentity, false);
    const promoted = arnIn(WEST, KeyId);
    assert.deepEqual(
      [right?.requestParameters, right?.responseElements],
      [{ keyId: promoted, primaryRegion: WEST }, { keyId: promoted }],
    );
    assert.deepEqual(right?.userIdentity, { ...left?.userIdentity, invokedBy: "kms.amazonaws.com" });
    assert.equal("resources" in present(right), false);
  });
});

describe("rotation of multi-Region keys", () => {
  const settings = async (kms: KMS, KeyId: string) => {
    const { KeyId: _id, $metadata: _metadata, ...rest } = await kms.getKeyRotationStatus({ KeyId });
    return rest;
  };

  it("S05-036, S01-054, S07-004: is set on the primary alone, and its replicas have the setting", async () => {
    const KeyId = await newSet(server, [WEST]);
    const message = `${arnIn(WEST, KeyId)} is not a multi-Region primary key.`;
    for (const refused of [
      () => west.enableKeyRotation({ KeyId }),
      () => west.disableKeyRotation({ KeyId }),
      () => west.rotateKeyOnDemand({ KeyId }),
    ]) {
      await assertRefused(refused(), "UnsupportedOperationException", message);
    }
    assert.deepEqual(await settings(west, KeyId), { KeyRotationEnabled: false });
    await home.enableKeyRotation({ KeyId, RotationPeriodInDays: 100 });
    const on = {
      KeyRotationEnabled: true,
      RotationPeriodInDays: 100,
      NextRotationDate: new Date(server.now() + 100 * DAY_MS),
    };
    assert.deepEqual(await settings(home, KeyId), on);
    assert.deepEqual(await settings(west, KeyId), on);
    await home.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    assert.equal((await settings(west, KeyId)).RotationPeriodInDays, 90);
    await home.replicateKey({ KeyId, ReplicaRegion: IRELAND });
    assert.deepEqual(await settings(ireland, KeyId), await settings(home, KeyId));
    await home.disableKeyRotation({ KeyId });
    for (const kms of [home, west, ireland])
      assert.deepEqual(await settings(kms, KeyId), { KeyRotationEnabled: false });
  });

  it("S05-037, S01-054: carries new material to every replica at once, by the date and on demand", async () => {
    const KeyId = await newSet(server, [WEST, IRELAND]);
    const all = [home, west, ireland];
    const blobs: Uint8Array[] = [];
    const encrypt = async (kms: KMS) =>
      blobs.push(present((await kms.encrypt({ KeyId, Plaintext: bytes(6) })).CiphertextBlob));
    await encrypt(home);
    await home.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    await server.advance(91 * DAY_MS);
    await encrypt(west);
    await west.disableKey({ KeyId });
    await home.rotateKeyOnDemand({ KeyId });
    await west.enableKey({ KeyId });
    await encrypt(ireland);
    await home.replicateKey({ KeyId, ReplicaRegion: "eu-west-3" });
    await server.advance(MOMENT_MS);
    const paris = server.client("eu-west-3");

    const materials = await materialsOf(home, KeyId);
    assert.deepEqual(
      materials.map(({ KeyMaterialState, RotationType }) => [KeyMaterialState, RotationType]),
      [
        ["NON_CURRENT", undefined],
        ["NON_CURRENT", "AUTOMATIC"],
        ["CURRENT", "ON_DEMAND"],
      ],
    );
    const ids = materials.map(({ KeyMaterialId }) => KeyMaterialId);
    for (const kms of [...all, paris]) {
      assert.deepEqual(await materialsOf(kms, KeyId), materials);
      assert.equal((await describedKey(kms, KeyId)).CurrentKeyMaterialId, ids[2]);
      for (const [index, CiphertextBlob] of blobs.entries()) {
        const opened = await kms.decrypt({ CiphertextBlob });
        assert.deepEqual([opened.Plaintext, opened.KeyMaterialId], [bytes(6), ids[index]]);
      }
      const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(1) });
      assert.equal((await home.decrypt({ CiphertextBlob })).KeyMaterialId, ids[2]);
    }
    const { NextRotationDate } = await paris.getKeyRotationStatus({ KeyId });
    assert.deepEqual(NextRotationDate, (await home.getKeyRotationStatus({ KeyId })).NextRotationDate);
  });

  it("stays planned when the primary changes, and is the new primary's to decide", async () => {
    const KeyId = await newSet(server, [WEST]);
    await home.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    const { NextRotationDate } = await home.getKeyRotationStatus({ KeyId });
    await server.advance(30 * DAY_MS);
    await home.rotateKeyOnDemand({ KeyId });
    await home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST });
    await server.advance(MOMENT_MS);
    assert.deepEqual((await west.getKeyRotationStatus({ KeyId })).NextRotationDate, NextRotationDate);
    await assertRefused(home.disableKeyRotation({ KeyId }), "UnsupportedOperationException");
    await server.advance(61 * DAY_MS);
    const materials = await materialsOf(west, KeyId);
    assert.deepEqual(
      materials.map(({ RotationType }) => RotationType),
      [undefined, "ON_DEMAND", "AUTOMATIC"],
    );
    assert.deepEqual(await materialsOf(home, KeyId), materials);
    await recorded("RotateKey", arnIn(WEST, KeyId));
    assert.deepEqual(
      [HOME, WEST].map((region) => recordsOf("RotateKey", arnIn(region, KeyId)).length),
      [1, 1],
    );
  });

  it("comes on its day while the primary is changing", async () => {
    const KeyId = await newSet(server, [WEST]);
    await home.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    await server.advance(90 * DAY_MS - 1_000);
    await home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST });
    await server.advance(MOMENT_MS);
    assert.equal((await materialsOf(west, KeyId)).length, 2);
    assert.deepEqual(await materialsOf(home, KeyId), await materialsOf(west, KeyId));
  });

  it("is not made up for by a replica that is enabled late", async () => {
    const KeyId = await newSet(server, [WEST]);
    await home.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    await home.disableKey({ KeyId });
    await west.disableKey({ KeyId });
    await server.advance(100 * DAY_MS);
    const { NextRotationDate } = await home.getKeyRotationStatus({ KeyId });
    await west.enableKey({ KeyId });
    await server.advance(DAY_MS);
    assert.equal((await materialsOf(west, KeyId)).length, 1);
    assert.deepEqual((await home.getKeyRotationStatus({ KeyId })).NextRotationDate, NextRotationDate);
    await home.enableKey({ KeyId });
    await server.advance(DAY_MS);
    assert.equal((await materialsOf(west, KeyId)).length, 2);
  });

  it("S05-037: leaves related keys with the same material when one is made while the primary rotates", async () => {
    const { KeyId } = await newKey(home, { MultiRegion: true });
    const outcomes = new Set<string>();
    // The first material of a Region takes a transaction more, in which the rotation overtakes the replica.
    for (const ReplicaRegion of ["me-south-1", "me-central-1", "af-south-1", "sa-east-1", "il-central-1"]) {
      const calls = [home.replicateKey({ KeyId, ReplicaRegion }), home.rotateKeyOnDemand({ KeyId })];
      for (const outcome of await Promise.allSettled(calls)) {
        outcomes.add(outcome.status === "rejected" ? (outcome.reason as Error).name : outcome.status);
      }
    }
    for (const name of outcomes) assert.match(name, /^(?:fulfilled|KMSInternalException|DependencyTimeoutException)$/);
    assert.ok(outcomes.has("fulfilled"));
    const materials = await materialsOf(home, KeyId);
    const { replicas } = await relationsOf(home, KeyId);
    for (const region of replicas) {
      assert.deepEqual(await materialsOf(server.client(String(region)), KeyId), materials);
      assert.deepEqual((await relationsOf(server.client(String(region)), KeyId)).replicas, replicas);
    }
  });

  it("S05-036, S02-021: leaves a SynchronizeMultiRegionKey record of the primary, where there are replicas", async () => {
    const { KeyId } = await newKey(home, { MultiRegion: true });
    const arn = arnIn(HOME, KeyId);
    await home.enableKeyRotation({ KeyId });
    await home.rotateKeyOnDemand({ KeyId });
    await recorded("RotateKey", arn);
    assert.deepEqual(recordsOf("SynchronizeMultiRegionKey", arn), []);
    await home.replicateKey({ KeyId, ReplicaRegion: WEST });
    await home.disableKeyRotation({ KeyId });
    await home.rotateKeyOnDemand({ KeyId });
    await server.records.where(
      ({ eventName }) => eventName === "RotateKey" && recordsOf("RotateKey", arn).length === 2,
    );
    await server.records.where(() => recordsOf("SynchronizeMultiRegionKey", arn).length === 3);
    for (const record of recordsOf("SynchronizeMultiRegionKey", arn)) {
      const { eventID, eventTime, requestID, ...rest } = record;
      assert.ok(eventID && eventTime);
      assert.match(String(requestID), /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.deepEqual(rest, {
        eventVersion: "1.11",
        userIdentity: { accountId: "111122223333", invokedBy: "AWS Internal" },
        eventSource: "kms.amazonaws.com",
        eventName: "SynchronizeMultiRegionKey",
        awsRegion: HOME,
        sourceIPAddress: "AWS Internal",
        userAgent: "AWS Internal",
        requestParameters: null,
        responseElements: { keyId: arn },
        readOnly: false,
        resources: [{ accountId: "111122223333", type: "AWS::KMS::Key", ARN: arn }],
        eventType: "AwsApiCall",
        recipientAccountId: "111122223333",
        managementEvent: true,
        eventCategory: "Management",
      });
    }
  });
});

describe("multi-Region keys over restarts", () => {
  it("end the states that were passing, and rotate once with all replicas", async () => {
    using directory = new TemporaryDirectory();
    const store = { directory: directory.path, rootKey: ephemeralRootKey() };
    const start = Date.now();
    let KeyId: string;
    {
      await using first = await startHeld({ ...store, now: start });
      KeyId = await newSet(first, [WEST]);
      await first.client(HOME).enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
      await first.client(HOME).replicateKey({ KeyId, ReplicaRegion: IRELAND });
      await first.client(HOME).updatePrimaryRegion({ KeyId, PrimaryRegion: WEST });
    }
    await using second = await startHeld({ ...store, now: start + 300 * DAY_MS });
    await second.runDue();
    const clients = [HOME, WEST, IRELAND].map((region) => second.client(region));
    const materials = await materialsOf(second.client(WEST), KeyId);
    assert.deepEqual(
      materials.map(({ RotationType }) => RotationType),
      [undefined, "AUTOMATIC"],
    );
    for (const kms of clients) {
      assert.equal(await stateOf(kms, KeyId), "Enabled");
      assert.deepEqual(await materialsOf(kms, KeyId), materials);
    }
  });
});
