/** Rotation of spec 01: automatic over years of a moved clock, on demand, and the history of a key's material. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { type KMS, paginateListKeyRotations, type RotationsListEntry } from "@aws-sdk/client-kms";
import { MovableClock } from "../../src/base/clock.ts";
import { DEV_ACCOUNT, ensureAccount } from "../../src/cli/accounts.ts";
import { type RunningServer, startServer } from "../../src/cli/server.ts";
import { ephemeralRootKey } from "../../src/custody/root-key.ts";
import { startDevServer } from "../dev-server.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import {
  ACCOUNT,
  type AuditRecord,
  assertRefused,
  bytes,
  clientOf,
  describedKey,
  managedKey,
  membersOf,
  newKey,
  present,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;
const { clock } = world.server;

const DAY_MS = 86_400_000;
/** How long a test may take between two moments that it compares. */
const SLACK_MS = 60_000;

async function rotationsOf(keyId: string, from: KMS = kms): Promise<readonly RotationsListEntry[]> {
  return present((await from.listKeyRotations({ KeyId: keyId })).Rotations);
}

async function materialsOf(keyId: string, from: KMS = kms): Promise<readonly RotationsListEntry[]> {
  return present((await from.listKeyRotations({ KeyId: keyId, IncludeKeyMaterial: "ALL_KEY_MATERIAL" })).Rotations);
}

/** A key whose rotation was turned on right after it was made. */
async function newRotatingKey(RotationPeriodInDays: number): Promise<{ KeyId: string; Arn: string; start: number }> {
  const { KeyId, Arn } = await newKey(kms);
  await kms.enableKeyRotation({ KeyId, RotationPeriodInDays });
  return { KeyId, Arn, start: (await clock.now()).getTime() };
}

/** Asserts that rotations came so many days after `start`, and no others. */
async function assertRotated(keyId: string, start: number, days: readonly number[]): Promise<void> {
  const rotations = await rotationsOf(keyId);
  const seen = rotations.map(({ RotationDate }) => (present(RotationDate).getTime() - start) / DAY_MS);
  assert.deepEqual(seen.map(Math.round), days);
  for (const day of seen) assert.ok(Math.abs(day - Math.round(day)) * DAY_MS < SLACK_MS, String(day));
}

async function nextRotation(keyId: string): Promise<number> {
  return present((await kms.getKeyRotationStatus({ KeyId: keyId })).NextRotationDate).getTime();
}

async function currentMaterial(keyId: string): Promise<string | undefined> {
  return (await describedKey(kms, keyId)).CurrentKeyMaterialId;
}

const rotateRecords = (arn: string): Promise<readonly AuditRecord[]> =>
  world.records.where(({ eventName, resources }) => eventName === "RotateKey" && resources?.[0]?.ARN === arn);

describe("automatic rotation", () => {
  it("S01-049: comes 365 days after it was enabled, however old the key is, and every 365 days from then", async () => {
    const { KeyId } = await newKey(kms);
    await clock.advance("P100D");
    await kms.enableKeyRotation({ KeyId });
    const start = (await clock.now()).getTime();
    assert.ok(Math.abs((await nextRotation(KeyId)) - start - 365 * DAY_MS) < SLACK_MS);
    await clock.advance("P364D");
    assert.deepEqual(await rotationsOf(KeyId), []);
    await clock.advance("P2D");
    await assertRotated(KeyId, start, [365]);
    assert.ok(Math.abs((await nextRotation(KeyId)) - start - 730 * DAY_MS) < SLACK_MS);
    await clock.advance("P1100D");
    await assertRotated(KeyId, start, [365, 730, 1095, 1460]);
  });

  it("S01-049: starts anew when it is enabled again; while it is off, the key keeps the material it has", async () => {
    const { KeyId, start } = await newRotatingKey(90);
    await clock.advance("P91D");
    await assertRotated(KeyId, start, [90]);
    const current = await currentMaterial(KeyId);
    await kms.disableKeyRotation({ KeyId });
    await clock.advance("P500D");
    assert.equal(await currentMaterial(KeyId), current);
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    await clock.advance("P89D");
    await assertRotated(KeyId, start, [90]);
    await clock.advance("P2D");
    await assertRotated(KeyId, start, [90, 91 + 500 + 90]);
  });

  it("S01-055: takes periods of 90 and 2560 days, and moves to where a new period puts it", async () => {
    const { KeyId, start } = await newRotatingKey(2560);
    assert.ok(Math.abs((await nextRotation(KeyId)) - start - 2560 * DAY_MS) < SLACK_MS);
    await clock.advance("P200D");
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    assert.ok(Math.abs((await nextRotation(KeyId)) - start - 270 * DAY_MS) < SLACK_MS);
    await clock.advance("P71D");
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 365 });
    await clock.advance("P363D");
    await assertRotated(KeyId, start, [270]);
    await clock.advance("P2D");
    await assertRotated(KeyId, start, [270, 635]);
  });

  it("S01-051: old ciphertexts open with their material, new ones use the new, and the key stays the same", async () => {
    const { KeyId, Arn } = await newRotatingKey(90);
    const made = await describedKey(kms, KeyId);
    const first = present(made.CurrentKeyMaterialId);
    const old = await kms.encrypt({ KeyId, Plaintext: bytes(32) });
    const oldDataKey = await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
    assert.equal(oldDataKey.KeyMaterialId, first);
    const keys = present((await kms.listKeys({ Limit: 1000 })).Keys).length;
    await clock.advance("P181D");

    const { CurrentKeyMaterialId: current, ...rest } = await describedKey(kms, KeyId);
    const [before, middle, last, ...more] = await materialsOf(KeyId);
    assert.deepEqual(more, []);
    assert.deepEqual(before, { KeyId, KeyMaterialId: first, KeyMaterialState: "NON_CURRENT" });
    assert.equal(middle?.KeyMaterialState, "NON_CURRENT");
    assert.equal(last?.KeyMaterialState, "CURRENT");
    assert.equal(last?.KeyMaterialId, current);
    assert.match(String(current), /^[0-9a-f]{64}$/);
    assert.equal(new Set([first, middle?.KeyMaterialId, current]).size, 3);
    assert.deepEqual({ ...rest, CurrentKeyMaterialId: first }, made);
    assert.equal(present((await kms.listKeys({ Limit: 1000 })).Keys).length, keys);

    const opened = await kms.decrypt({ CiphertextBlob: old.CiphertextBlob, KeyId: Arn });
    assert.deepEqual([opened.Plaintext, opened.KeyMaterialId, opened.KeyId], [bytes(32), first, Arn]);
    const { Plaintext } = await kms.decrypt({ CiphertextBlob: oldDataKey.CiphertextBlob });
    assert.deepEqual(Plaintext, oldDataKey.Plaintext);
    const moved = await kms.reEncrypt({ CiphertextBlob: old.CiphertextBlob, DestinationKeyId: KeyId });
    assert.deepEqual([moved.SourceKeyMaterialId, moved.DestinationKeyMaterialId], [first, current]);
    assert.equal((await kms.decrypt({ CiphertextBlob: moved.CiphertextBlob })).KeyMaterialId, current);
    assert.equal((await kms.generateDataKey({ KeyId, KeySpec: "AES_128" })).KeyMaterialId, current);
    const fresh = await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    assert.equal((await kms.decrypt({ CiphertextBlob: fresh.CiphertextBlob })).KeyMaterialId, current);
  });

  it("S01-053: comes to AWS managed keys 365 days after they were made, and yearly", async () => {
    const { KeyId, Arn } = await managedKey(kms, "backup");
    const start = (await clock.now()).getTime();
    const status = await kms.getKeyRotationStatus({ KeyId });
    assert.deepEqual([status.KeyRotationEnabled, status.RotationPeriodInDays], [true, 365]);
    await clock.advance("P731D");
    const records = await rotateRecords(Arn);
    assert.deepEqual(
      records.map(({ eventTime }) => Math.round((Date.parse(eventTime) - start) / DAY_MS)),
      [365, 730],
    );
    assert.equal(records.at(-1)?.serviceEventDetails?.["currentKeyMaterialId"], await currentMaterial(KeyId));
  });

  it("S02-021: leaves a RotateKey record each time, with both materials", async () => {
    const { KeyId, Arn } = await newRotatingKey(90);
    await clock.advance("P200D");
    const [first, second, third] = await materialsOf(KeyId);
    const records = await rotateRecords(Arn);
    assert.deepEqual(
      records.map(({ serviceEventDetails }) => serviceEventDetails),
      [
        [first, second],
        [second, third],
      ].map(([previous, current]) => ({
        rotationType: "AUTOMATIC",
        keyOrigin: "AWS_KMS",
        previousKeyMaterialId: previous?.KeyMaterialId,
        currentKeyMaterialId: current?.KeyMaterialId,
        keyId: KeyId,
      })),
    );
    for (const record of records) {
      const { eventID, eventTime, serviceEventDetails, ...rest } = record;
      assert.ok(eventID && eventTime && serviceEventDetails);
      assert.deepEqual(rest, {
        eventVersion: "1.11",
        userIdentity: { accountId: ACCOUNT, invokedBy: "AWS Internal" },
        eventSource: "kms.amazonaws.com",
        eventName: "RotateKey",
        awsRegion: "us-east-1",
        sourceIPAddress: "AWS Internal",
        userAgent: "AWS Internal",
        requestParameters: null,
        responseElements: null,
        readOnly: false,
        resources: [{ accountId: ACCOUNT, type: "AWS::KMS::Key", ARN: Arn }],
        eventType: "AwsServiceEvent",
        recipientAccountId: ACCOUNT,
        managementEvent: true,
        eventCategory: "Management",
      });
    }
  });
});

describe("a key that is disabled", () => {
  it("S01-050: is not rotated, and at once when it is enabled past its date; the next comes a period later", async () => {
    const { KeyId, start } = await newRotatingKey(90);
    await kms.disableKey({ KeyId });
    await clock.advance("P200D");
    assert.deepEqual(await rotationsOf(KeyId), []);
    await kms.enableKey({ KeyId });
    await clock.advance("PT1S");
    await assertRotated(KeyId, start, [200]);
    await clock.advance("P89D");
    await assertRotated(KeyId, start, [200]);
    await clock.advance("P2D");
    await assertRotated(KeyId, start, [200, 290]);
  });

  it("S01-050: keeps its date when it is enabled before that", async () => {
    const { KeyId, start } = await newRotatingKey(90);
    const planned = await nextRotation(KeyId);
    await kms.disableKey({ KeyId });
    await clock.advance("P40D");
    await kms.enableKey({ KeyId });
    await clock.advance("PT1S");
    assert.equal(await nextRotation(KeyId), planned);
    assert.deepEqual(await rotationsOf(KeyId), []);
    await clock.advance("P51D");
    await assertRotated(KeyId, start, [90]);
  });

  it("S01-050: keeps its schedule when it missed a date but its material is younger than the period", async () => {
    const { KeyId, start } = await newRotatingKey(90);
    await clock.advance("P80D");
    await kms.rotateKeyOnDemand({ KeyId });
    await kms.disableKey({ KeyId });
    await clock.advance("P20D");
    await kms.enableKey({ KeyId });
    await clock.advance("PT1S");
    await assertRotated(KeyId, start, [80]);
    await clock.advance("P81D");
    await assertRotated(KeyId, start, [80, 180]);
  });

  it("is rotated at once when it is enabled and its material is older than the period, even if it missed no date", async () => {
    const { KeyId } = await newKey(kms);
    await clock.advance("P100D");
    const start = (await clock.now()).getTime();
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    await kms.disableKey({ KeyId });
    await kms.enableKey({ KeyId });
    await clock.advance("PT1S");
    await assertRotated(KeyId, start, [0]);
    await clock.advance("P91D");
    await assertRotated(KeyId, start, [0, 90]);
  });

  it("is rotated soon after it is enabled, without the clock being moved", async () => {
    const { KeyId, Arn } = await newRotatingKey(90);
    await kms.disableKey({ KeyId });
    await clock.advance("P100D");
    await kms.enableKey({ KeyId });
    assert.equal((await rotateRecords(Arn)).length, 1);
    assert.equal((await rotationsOf(KeyId)).length, 1);
  });
});

describe("a key pending deletion", () => {
  it("S02-043: is not rotated; after the cancellation, when it is enabled", async () => {
    const { KeyId, start } = await newRotatingKey(90);
    await clock.advance("P70D");
    await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 30 });
    await clock.advance("P25D");
    assert.deepEqual(await rotationsOf(KeyId), []);
    assert.deepEqual(membersOf(await kms.getKeyRotationStatus({ KeyId })), { KeyId, KeyRotationEnabled: false });
    await kms.cancelKeyDeletion({ KeyId });
    await clock.advance("P1D");
    assert.deepEqual(await rotationsOf(KeyId), []);
    await kms.enableKey({ KeyId });
    await clock.advance("PT1S");
    await assertRotated(KeyId, start, [96]);
  });

  it("S02-043: keeps its schedule when the deletion is cancelled in time", async () => {
    const { KeyId, start } = await newRotatingKey(90);
    const planned = await nextRotation(KeyId);
    await kms.scheduleKeyDeletion({ KeyId });
    await kms.cancelKeyDeletion({ KeyId });
    assert.equal(await nextRotation(KeyId), planned);
    await kms.enableKey({ KeyId });
    await clock.advance("P91D");
    await assertRotated(KeyId, start, [90]);
  });

  it("is deleted with all its materials, and never rotated again", async () => {
    const { KeyId, Arn } = await newRotatingKey(90);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    await clock.advance("P100D");
    await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await clock.advance("P300D");
    await assertRefused(kms.listKeyRotations({ KeyId }), "NotFoundException");
    await assertRefused(kms.decrypt({ CiphertextBlob }), "AccessDeniedException");
    assert.equal((await rotateRecords(Arn)).length, 1);
  });
});

describe("RotateKeyOnDemand", () => {
  it("answers the key's ARN, changes the material at once, and leaves its own record and RotateKey's", async () => {
    const { KeyId, Arn, CurrentKeyMaterialId: first } = await newKey(kms);
    const old = await kms.encrypt({ KeyId, Plaintext: bytes(7) });
    const answer = await kms.rotateKeyOnDemand({ KeyId });
    assert.deepEqual(membersOf(answer), { KeyId: Arn });
    const current = await currentMaterial(KeyId);
    assert.notEqual(current, first);
    const [rotation, ...more] = await rotationsOf(KeyId);
    assert.deepEqual(more, []);
    const { RotationDate, ...members } = present(rotation);
    assert.deepEqual(members, {
      KeyId,
      KeyMaterialId: current,
      KeyMaterialState: "CURRENT",
      RotationType: "ON_DEMAND",
    });
    assert.ok(Math.abs(present(RotationDate).getTime() - (await clock.now()).getTime()) < SLACK_MS);
    assert.equal((await kms.decrypt({ CiphertextBlob: old.CiphertextBlob })).KeyMaterialId, first);
    const record = await world.records.of(requestIdOf(answer));
    assert.deepEqual([record.requestParameters, record.responseElements], [{ keyId: KeyId }, { keyId: KeyId }]);
    assert.deepEqual([record.readOnly, record.resources?.map(({ ARN }) => ARN)], [false, [Arn]]);
    const [rotate] = await rotateRecords(Arn);
    assert.deepEqual(rotate?.serviceEventDetails, {
      rotationType: "ON_DEMAND",
      keyOrigin: "AWS_KMS",
      previousKeyMaterialId: first,
      currentKeyMaterialId: current,
      keyId: KeyId,
    });
  });

  it("S01-055: takes 25 calls for a key, whether or not it rotates by itself, and refuses the 26th", async () => {
    const { KeyId, Arn } = await newKey(kms);
    for (let count = 0; count < 20; count += 1) await kms.rotateKeyOnDemand({ KeyId });
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    const planned = await nextRotation(KeyId);
    for (let count = 20; count < 25; count += 1) await kms.rotateKeyOnDemand({ KeyId });
    assert.equal(await nextRotation(KeyId), planned);
    const current = await currentMaterial(KeyId);
    await assertRefused(
      kms.rotateKeyOnDemand({ KeyId }),
      "LimitExceededException",
      `The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ${Arn}`,
    );
    assert.equal(await currentMaterial(KeyId), current);
    assert.equal((await materialsOf(KeyId)).length, 26);
    await clock.advance("P91D");
    assert.notEqual(await currentMaterial(KeyId), current);
  });

  it("is ConflictException in the 20 minutes before an automatic rotation", async () => {
    const { KeyId } = await newRotatingKey(90);
    const due = await nextRotation(KeyId);
    await clock.set(new Date(due - 22 * 60_000));
    await kms.rotateKeyOnDemand({ KeyId });
    await clock.set(new Date(due - 20 * 60_000));
    await assertRefused(kms.rotateKeyOnDemand({ KeyId }), "ConflictException");
    assert.equal((await rotationsOf(KeyId)).length, 1);
    await clock.set(new Date(due));
    await kms.rotateKeyOnDemand({ KeyId });
    const types = (await rotationsOf(KeyId)).map(({ RotationType }) => RotationType);
    assert.deepEqual(types, ["ON_DEMAND", "AUTOMATIC", "ON_DEMAND"]);
  });
});

describe("ListKeyRotations", () => {
  it("gives every rotation once over pages of both lists, oldest first, and a marker to its own list alone", async () => {
    const { KeyId } = await newKey(kms);
    for (let count = 0; count < 5; count += 1) await kms.rotateKeyOnDemand({ KeyId });
    for (const [IncludeKeyMaterial, sizes] of [
      ["ROTATIONS_ONLY", [2, 2, 1]],
      ["ALL_KEY_MATERIAL", [2, 2, 2]],
    ] as const) {
      const pages: RotationsListEntry[][] = [];
      const query = { KeyId, IncludeKeyMaterial };
      for await (const { Rotations } of paginateListKeyRotations({ client: kms, pageSize: 2 }, { ...query })) {
        pages.push(present(Rotations));
      }
      assert.deepEqual(
        pages.map(({ length }) => length),
        sizes,
      );
      const whole = await kms.listKeyRotations(query);
      assert.deepEqual(pages.flat(), whole.Rotations);
      assert.deepEqual([whole.Truncated, "NextMarker" in whole], [false, false]);
      const dates = pages.flat().map(({ RotationDate }) => RotationDate?.getTime() ?? 0);
      assert.deepEqual(
        dates,
        dates.toSorted((left, right) => left - right),
      );
    }
    const { NextMarker: Marker } = await kms.listKeyRotations({ KeyId, Limit: 2 });
    await assertRefused(
      kms.listKeyRotations({ KeyId, Marker, IncludeKeyMaterial: "ALL_KEY_MATERIAL" }),
      "InvalidMarkerException",
    );
    const { KeyId: other } = await newKey(kms);
    await assertRefused(kms.listKeyRotations({ KeyId: other, Marker }), "InvalidMarkerException");
  });

  it("lists nothing, or the first material alone, for a key that was never rotated", async () => {
    const { KeyId, CurrentKeyMaterialId } = await newKey(kms);
    assert.deepEqual(await rotationsOf(KeyId), []);
    const first = { KeyId, KeyMaterialId: CurrentKeyMaterialId, KeyMaterialState: "CURRENT" };
    assert.deepEqual(await materialsOf(KeyId), [first]);
    await assertRefused(kms.listKeyRotations({ KeyId, Limit: 1001 }), "ValidationException");
  });
});

describe("rotation over restarts", () => {
  it("goes on as planned, and old ciphertexts open", async () => {
    using directory = new TemporaryDirectory();
    const args = ["--data", directory.path];
    let KeyId: string;
    let start: number;
    let CiphertextBlob: Uint8Array | undefined;
    {
      await using server = await startDevServer({ args });
      using mine = clientOf(server);
      ({ KeyId } = await newKey(mine.kms));
      await mine.kms.enableKeyRotation({ KeyId });
      start = (await server.clock.now()).getTime();
      ({ CiphertextBlob } = await mine.kms.encrypt({ KeyId, Plaintext: bytes(3) }));
      await server.clock.advance("P366D");
      assert.equal((await rotationsOf(KeyId, mine.kms)).length, 1);
    }
    await using server = await startDevServer({ args });
    using mine = clientOf(server);
    await server.clock.set(new Date(start + 729 * DAY_MS));
    assert.equal((await rotationsOf(KeyId, mine.kms)).length, 1);
    await server.clock.advance("P2D");
    const dates = (await rotationsOf(KeyId, mine.kms)).map(({ RotationDate }) => present(RotationDate).getTime());
    assert.deepEqual(
      dates.map((date) => Math.round((date - start) / DAY_MS)),
      [365, 730],
    );
    const opened = await mine.kms.decrypt({ CiphertextBlob });
    assert.deepEqual(opened.Plaintext, bytes(3));
    assert.equal(opened.KeyMaterialId, (await materialsOf(KeyId, mine.kms))[0]?.KeyMaterialId);
  });

  it("is made up for once when the server was down for several periods, and comes a period later from then", async () => {
    using directory = new TemporaryDirectory();
    const rootKey = ephemeralRootKey();
    const run = (runClock: MovableClock): Promise<RunningServer> =>
      startServer({
        kind: "dev",
        directory: directory.path,
        create: true,
        host: "127.0.0.1",
        port: 0,
        rootKeys: [rootKey],
        clock: runClock,
        auditSync: false,
        log: { error: (_facts, message) => assert.fail(message), warn: () => {} },
        prepare: (parts) => ensureAccount(parts, DEV_ACCOUNT, runClock.now()),
      });
    const credentials = DEV_ACCOUNT.credential;
    const first = await run(new MovableClock());
    let KeyId: string;
    {
      using mine = clientOf({ endpoint: first.endpoint, credentials });
      ({ KeyId } = await newKey(mine.kms));
      await mine.kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    }
    await first.close();
    const later = Date.now() + 300 * DAY_MS;
    const laterClock = new MovableClock();
    laterClock.set(later);
    const second = await run(laterClock);
    try {
      using mine = clientOf({ endpoint: second.endpoint, credentials });
      await second.dueWork.runDue();
      const [rotation, ...more] = await rotationsOf(KeyId, mine.kms);
      assert.deepEqual(more, []);
      assert.ok(Math.abs(present(rotation?.RotationDate).getTime() - later) < SLACK_MS);
      const { NextRotationDate } = await mine.kms.getKeyRotationStatus({ KeyId });
      assert.ok(Math.abs(present(NextRotationDate).getTime() - later - 90 * DAY_MS) < SLACK_MS);
    } finally {
      await second.close();
    }
  });
});
