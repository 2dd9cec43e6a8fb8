/** Deletion of multi-Region keys (spec 05 and 02): replicas by themselves, a primary after its replicas. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { KMS, RotationsListEntry } from "@aws-sdk/client-kms";
import { ephemeralRootKey } from "../../src/custody/root-key.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { callKms } from "../faults/signed-requests.ts";
import { type HeldServer, startHeld } from "../held-server.ts";
import { type AuditRecord, assertRefused, bytes, describedKey, membersOf, newKey, present } from "../kms-client.ts";
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

describe("deletion of multi-Region keys", () => {
  it("S05-069, S05-043: of a replica is its own, and the primary names it until it is gone", async () => {
    const KeyId = await newSet(server, [WEST, IRELAND]);
    const { CiphertextBlob } = await west.encrypt({ KeyId, Plaintext: bytes(7) });
    const scheduled = membersOf(await west.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 }));
    assert.deepEqual(scheduled, {
      KeyId: arnIn(WEST, KeyId),
      DeletionDate: new Date(server.now() + 7 * DAY_MS),
      KeyState: "PendingDeletion",
      PendingWindowInDays: 7,
    });
    assert.deepEqual([await stateOf(home, KeyId), await stateOf(ireland, KeyId)], ["Enabled", "Enabled"]);
    await server.advance(7 * DAY_MS - 1);
    assert.deepEqual((await relationsOf(home, KeyId)).replicas, [WEST, IRELAND]);
    await server.advance(1);
    await assertRefused(west.describeKey({ KeyId }), "NotFoundException");
    for (const kms of [home, ireland]) {
      assert.deepEqual((await relationsOf(kms, KeyId)).replicas, [IRELAND]);
      assert.equal(await stateOf(kms, KeyId), "Enabled");
    }
    const [record] = await recorded("DeleteKey", arnIn(WEST, KeyId));
    assert.equal(regionOf(present(record)), WEST);

    const again = await home.replicateKey({ KeyId, ReplicaRegion: WEST });
    assert.equal(again.ReplicaKeyMetadata?.KeyId, KeyId);
    assert.deepEqual((await relationsOf(ireland, KeyId)).replicas, [IRELAND, WEST]);
    await server.advance(MOMENT_MS);
    assert.deepEqual((await west.decrypt({ CiphertextBlob })).Plaintext, bytes(7));
  });

  it("S05-040, S02-040: of a primary waits for its replicas, without a date", async () => {
    const KeyId = await newSet(server, [WEST]);
    const { status, output } = await callKms(server.address, "ScheduleKeyDeletion", { KeyId, PendingWindowInDays: 9 });
    const expected = { KeyId: arnIn(HOME, KeyId), KeyState: "PendingReplicaDeletion", PendingWindowInDays: 9 };
    assert.deepEqual([status, output], [200, expected]);
    const described = await describedKey(home, KeyId);
    assert.deepEqual(
      [described.KeyState, described.Enabled, described.PendingDeletionWindowInDays, described.DeletionDate],
      ["PendingReplicaDeletion", false, 9, undefined],
    );
    assert.ok(!("PendingDeletionWindowInDays" in (await describedKey(west, KeyId))));
    const refused = `${arnIn(HOME, KeyId)} is pending replica deletion.`;
    await assertRefused(home.encrypt({ KeyId, Plaintext: bytes(1) }), "KMSInvalidStateException", refused);
    await assertRefused(home.replicateKey({ KeyId, ReplicaRegion: IRELAND }), "KMSInvalidStateException", refused);
    await assertRefused(home.scheduleKeyDeletion({ KeyId }), "KMSInvalidStateException", refused);
    assert.equal((await home.getKeyRotationStatus({ KeyId })).KeyRotationEnabled, false);
    await west.encrypt({ KeyId, Plaintext: bytes(1) });
    await server.advance(400 * DAY_MS);
    assert.deepEqual([await stateOf(home, KeyId), await stateOf(west, KeyId)], ["PendingReplicaDeletion", "Enabled"]);

    const [record] = await server.records.where(
      ({ eventName, errorCode, requestParameters }) =>
        eventName === "ScheduleKeyDeletion" && errorCode === undefined && requestParameters?.["keyId"] === KeyId,
    );
    assert.deepEqual(record?.responseElements, {
      keyId: arnIn(HOME, KeyId),
      keyState: "PendingReplicaDeletion",
      pendingWindowInDays: 9,
    });
  });

  it("S05-040: of a primary without replicas, or whose replicas are gone, has its date at once", async () => {
    const { KeyId } = await newKey(home, { MultiRegion: true });
    const scheduled = await home.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    assert.deepEqual(scheduled.DeletionDate, new Date(server.now() + 7 * DAY_MS));
    await server.advance(7 * DAY_MS);
    await assertRefused(home.describeKey({ KeyId }), "NotFoundException");
  });

  it("S05-041, S02-040: begins the primary's own waiting period when its last replica is gone", async () => {
    const KeyId = await newSet(server, [WEST, IRELAND]);
    const start = server.now();
    await home.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 10 });
    await west.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await ireland.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 30 });
    await server.advance(29 * DAY_MS);
    assert.equal(await stateOf(home, KeyId), "PendingReplicaDeletion");
    assert.deepEqual((await relationsOf(home, KeyId)).replicas, [IRELAND]);
    await server.advance(DAY_MS);
    const { KeyState, DeletionDate, MultiRegionConfiguration, ...rest } = await describedKey(home, KeyId);
    assert.deepEqual([KeyState, DeletionDate], ["PendingDeletion", new Date(start + 40 * DAY_MS)]);
    assert.deepEqual(MultiRegionConfiguration?.ReplicaKeys, []);
    assert.ok(!("PendingDeletionWindowInDays" in rest));
    await server.advance(10 * DAY_MS - 1);
    assert.equal(await stateOf(home, KeyId), "PendingDeletion");
    await server.advance(1);
    await assertRefused(home.describeKey({ KeyId }), "NotFoundException");
  });

  it("takes 14 days at least, in one leap of the clock, each action at its own time and once", async () => {
    const KeyId = await newSet(server, [WEST, IRELAND]);
    const start = server.now();
    for (const kms of [home, west, ireland]) await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await server.advance(13 * DAY_MS);
    assert.equal(await stateOf(home, KeyId), "PendingDeletion");
    await server.advance(300 * DAY_MS);
    await assertRefused(home.describeKey({ KeyId }), "NotFoundException");
    await recorded("DeleteKey", arnIn(HOME, KeyId));
    const days = [WEST, IRELAND, HOME].map((region) =>
      recordsOf("DeleteKey", arnIn(region, KeyId)).map(({ eventTime }) => (Date.parse(eventTime) - start) / DAY_MS),
    );
    assert.deepEqual(
      days.map((each) => each.map(Math.round)),
      [[7], [7], [14]],
    );
  });

  it("S05-042, S02-041: is cancelled in either state, and leaves the key disabled", async () => {
    const KeyId = await newSet(server, [WEST]);
    await home.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await west.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    assert.deepEqual(membersOf(await home.cancelKeyDeletion({ KeyId })), { KeyId: arnIn(HOME, KeyId) });
    const { KeyState, Enabled, ...rest } = await describedKey(home, KeyId);
    assert.deepEqual([KeyState, Enabled], ["Disabled", false]);
    assert.ok(!("PendingDeletionWindowInDays" in rest) && !("DeletionDate" in rest));
    await server.advance(8 * DAY_MS);
    assert.equal(await stateOf(home, KeyId), "Disabled");
    assert.deepEqual((await relationsOf(home, KeyId)).replicas, []);
    await home.enableKey({ KeyId });

    await home.replicateKey({ KeyId, ReplicaRegion: WEST });
    await home.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await west.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await server.advance(8 * DAY_MS);
    assert.equal(await stateOf(home, KeyId), "PendingDeletion");
    await home.cancelKeyDeletion({ KeyId });
    await server.advance(30 * DAY_MS);
    assert.equal(await stateOf(home, KeyId), "Disabled");
  });

  it("leaves the rotation of the set alone when a replica goes", async () => {
    const KeyId = await newSet(server, [WEST]);
    await home.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    await west.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await server.advance(91 * DAY_MS);
    assert.equal((await materialsOf(home, KeyId)).length, 2);
    assert.equal((await home.getKeyRotationStatus({ KeyId })).KeyRotationEnabled, true);
  });

  it("of a replica that is still being made may be scheduled, and stays so", async () => {
    const { KeyId } = await newKey(home, { MultiRegion: true });
    const { CiphertextBlob } = await home.encrypt({ KeyId, Plaintext: bytes(2) });
    await home.replicateKey({ KeyId, ReplicaRegion: WEST });
    await west.scheduleKeyDeletion({ KeyId });
    await server.advance(MOMENT_MS);
    assert.equal(await stateOf(west, KeyId), "PendingDeletion");
    await west.cancelKeyDeletion({ KeyId });
    await west.enableKey({ KeyId });
    assert.deepEqual((await west.decrypt({ CiphertextBlob })).Plaintext, bytes(2));
  });

  it("of one Region's key of a set that changed its primary goes as a replica's", async () => {
    const KeyId = await newSet(server, [WEST]);
    await home.updatePrimaryRegion({ KeyId, PrimaryRegion: WEST });
    await server.advance(MOMENT_MS);
    await home.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await server.advance(8 * DAY_MS);
    await assertRefused(home.describeKey({ KeyId }), "NotFoundException");
    assert.deepEqual(await relationsOf(west, KeyId), { type: "PRIMARY", primary: WEST, replicas: [] });
  });
});

describe("multi-Region keys over restarts", () => {
  it("S02-040, S05-041: date the primary's waiting period from when its last replica is deleted, late or not, and once", async () => {
    using directory = new TemporaryDirectory();
    const store = { directory: directory.path, rootKey: ephemeralRootKey() };
    const start = Date.now();
    let KeyId: string;
    let CiphertextBlob: Uint8Array | undefined;
    {
      await using first = await startHeld({ ...store, now: start });
      KeyId = await newSet(first, [WEST, IRELAND]);
      ({ CiphertextBlob } = await first.client(HOME).encrypt({ KeyId, Plaintext: bytes(4) }));
      await first.client(HOME).scheduleKeyDeletion({ KeyId, PendingWindowInDays: 10 });
      await first.client(WEST).scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    }
    {
      await using second = await startHeld({ ...store, now: start + 100 * DAY_MS });
      await second.runDue();
      await second.runDue();
      const primary = second.client(HOME);
      assert.equal(await stateOf(primary, KeyId), "PendingReplicaDeletion");
      assert.deepEqual((await relationsOf(primary, KeyId)).replicas, [IRELAND]);
      assert.deepEqual((await second.client(IRELAND).decrypt({ CiphertextBlob })).Plaintext, bytes(4));
      assert.equal((await recorded("DeleteKey", arnIn(WEST, KeyId), second)).length, 1);
      await second.client(IRELAND).scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    }
    {
      await using third = await startHeld({ ...store, now: start + 200 * DAY_MS });
      await third.runDue();
      const { KeyState, DeletionDate } = await describedKey(third.client(HOME), KeyId);
      assert.deepEqual([KeyState, DeletionDate], ["PendingDeletion", new Date(start + 210 * DAY_MS)]);
      await third.advance(10 * DAY_MS);
      await assertRefused(third.client(HOME).describeKey({ KeyId }), "NotFoundException");
      await recorded("DeleteKey", arnIn(HOME, KeyId), third);
      assert.deepEqual(
        [WEST, IRELAND, HOME].map((region) => recordsOf("DeleteKey", arnIn(region, KeyId), third).length),
        [0, 1, 1],
      );
    }
  });
});
