/** Scheduled deletion of spec 02: the waiting period, its cancellation, and what is left at its end. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  describedKey,
  managedKey,
  membersOf,
  newKey,
  newPendingKey,
  policyOf,
  present,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

const DAY_MS = 86_400_000;

async function daysUntil(date: Date | undefined): Promise<number> {
  return Math.round(((present(date).getTime() - (await world.server.clock.now()).getTime()) / DAY_MS) * 100) / 100;
}

describe("ScheduleKeyDeletion", () => {
  it("S02-037: waits 30 days unless told otherwise", async () => {
    const { KeyId } = await newKey(kms);
    const scheduled = await kms.scheduleKeyDeletion({ KeyId });
    assert.equal(scheduled.PendingWindowInDays, 30);
    assert.equal(await daysUntil(scheduled.DeletionDate), 30);
  });

  for (const PendingWindowInDays of [7, 30]) {
    it(`S02-037: takes a window of ${PendingWindowInDays} days`, async () => {
      const { KeyId } = await newKey(kms);
      const scheduled = await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays });
      assert.equal(scheduled.PendingWindowInDays, PendingWindowInDays);
      assert.equal(await daysUntil(scheduled.DeletionDate), PendingWindowInDays);
    });
  }

  const window = "PendingWindowInDays must be between 7 and 30";
  for (const [PendingWindowInDays, message] of [
    [0, /at 'pendingWindowInDays' failed to satisfy constraint: Member must have value greater than or equal to 1$/],
    [1, window],
    [6, window],
    [31, window],
    [365, window],
    [366, /at 'pendingWindowInDays' failed to satisfy constraint: Member must have value less than or equal to 365$/],
  ] as const) {
    it(`S02-037, S05-044: refuses a window of ${PendingWindowInDays} days`, async () => {
      const { KeyId } = await newKey(kms);
      await assertRefused(kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays }), "ValidationException", message);
      assert.equal((await describedKey(kms, KeyId)).KeyState, "Enabled");
    });
  }

  it("S02-038: answers the key's ARN, the deletion date in epoch seconds, the state and the window", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const { status, json } = await world.raw("ScheduleKeyDeletion", { KeyId, PendingWindowInDays: 14 });
    const { DeletionDate, ...rest } = json;
    assert.equal(status, 200);
    assert.deepEqual(rest, { KeyId: Arn, KeyState: "PendingDeletion", PendingWindowInDays: 14 });
    assert.equal(typeof DeletionDate, "number");
    assert.equal(await daysUntil(new Date(Number(DeletionDate) * 1000)), 14);
    assert.equal((await describedKey(kms, KeyId)).DeletionDate?.getTime(), Math.round(Number(DeletionDate) * 1000));
  });

  it("S02-039: refuses an AWS managed key", async () => {
    const key = await managedKey(kms, "glue");
    await assertRefused(kms.scheduleKeyDeletion({ KeyId: key.KeyId }), "AccessDeniedException");
    assert.deepEqual(await describedKey(kms, key.KeyId), key);
  });
});

describe("the permission to schedule a deletion", () => {
  const manage = ["kms:PutKeyPolicy", "kms:DescribeKey", "kms:CancelKeyDeletion"];

  it("S02-044: can be bound to the length of the waiting period", async () => {
    const Condition = { NumericLessThan: { "kms:ScheduleKeyDeletionPendingWindowInDays": "14" } };
    const never = { Effect: "Deny", Principal: "*", Action: "kms:ScheduleKeyDeletion", Resource: "*", Condition };
    const { KeyId } = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT), never) });
    for (const PendingWindowInDays of [7, 13]) {
      await assertRefused(kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays }), "AccessDeniedException");
    }
    assert.equal((await describedKey(kms, KeyId)).KeyState, "Enabled");
    for (const PendingWindowInDays of [14, undefined]) {
      await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays });
      await kms.cancelKeyDeletion({ KeyId });
    }
  });

  it("S02-045: is not among kms:Delete*", async () => {
    const { KeyId } = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT, [...manage, "kms:Delete*"])) });
    await assertRefused(kms.scheduleKeyDeletion({ KeyId }), "AccessDeniedException");
    await kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT, [...manage, "kms:Schedule*"])) });
    await kms.scheduleKeyDeletion({ KeyId });
    await kms.cancelKeyDeletion({ KeyId });
  });
});

describe("CancelKeyDeletion", () => {
  it("S02-041: leaves the key disabled, and answers its ARN", async () => {
    const made = await newKey(kms);
    const { KeyId, Arn } = made;
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(9) });
    await kms.scheduleKeyDeletion({ KeyId });
    assert.deepEqual(membersOf(await kms.cancelKeyDeletion({ KeyId })), { KeyId: Arn });
    assert.deepEqual(await describedKey(kms, KeyId), { ...made, Enabled: false, KeyState: "Disabled" });
    await assertRefused(kms.decrypt({ CiphertextBlob }), "DisabledException");
    await kms.enableKey({ KeyId });
    assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, bytes(9));
  });

  it("S02-041: is KMSInvalidStateException on a key that is not pending deletion", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const message = `${Arn} is not pending deletion.`;
    await assertRefused(kms.cancelKeyDeletion({ KeyId }), "KMSInvalidStateException", message);
    await kms.disableKey({ KeyId });
    await assertRefused(kms.cancelKeyDeletion({ KeyId }), "KMSInvalidStateException", message);
  });

  it("saves the key for good: its old deletion date passes without effect", async () => {
    const { KeyId } = await newKey(kms);
    await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await kms.cancelKeyDeletion({ KeyId });
    await world.server.clock.advance("P8D");
    assert.equal((await describedKey(kms, KeyId)).KeyState, "Disabled");
  });
});

describe("the end of the waiting period", () => {
  it("S02-042: takes the key, its aliases and its tags, leaves a DeleteKey record, and frees the alias name", async () => {
    const { KeyId, Arn } = await newKey(kms, { Tags: [{ TagKey: "a", TagValue: "b" }] });
    const AliasName = "alias/freed";
    await kms.createAlias({ AliasName, TargetKeyId: KeyId });
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(9) });
    await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await world.server.clock.advance("P6D");
    assert.equal((await describedKey(kms, AliasName)).KeyState, "PendingDeletion");
    await world.server.clock.advance("P2D"); // AWS may take 24 hours more

    for (const name of [KeyId, Arn, AliasName]) {
      await assertRefused(kms.describeKey({ KeyId: name }), "NotFoundException");
    }
    await assertRefused(kms.listResourceTags({ KeyId }), "NotFoundException");
    await assertRefused(kms.cancelKeyDeletion({ KeyId }), "NotFoundException");
    await assertRefused(kms.decrypt({ CiphertextBlob }), "AccessDeniedException", /does not exist in this Region/);
    const { Keys = [] } = await kms.listKeys({ Limit: 1000 });
    assert.equal(
      Keys.some((key) => key.KeyId === KeyId),
      false,
    );

    const [record, ...more] = await world.records.where(
      ({ eventName, resources }) => eventName === "DeleteKey" && resources?.[0]?.ARN === Arn,
    );
    assert.deepEqual(more, []);
    const { eventType, userIdentity, requestParameters, responseElements, readOnly } = present(record);
    assert.deepEqual(
      { eventType, userIdentity, requestParameters, responseElements, readOnly },
      {
        eventType: "AwsServiceEvent",
        userIdentity: { accountId: "111122223333", invokedBy: "AWS Internal" },
        requestParameters: null,
        responseElements: { keyId: Arn },
        readOnly: false,
      },
    );
    assert.equal("requestID" in present(record), false);

    const next = await newKey(kms);
    await kms.createAlias({ AliasName, TargetKeyId: next.KeyId });
    assert.equal((await describedKey(kms, AliasName)).KeyId, next.KeyId);
  });

  it("comes for each key on its own day", async () => {
    const [early, late] = [await newKey(kms), await newPendingKey(kms)];
    await kms.scheduleKeyDeletion({ KeyId: early.KeyId, PendingWindowInDays: 7 });
    await world.server.clock.advance("P9D");
    await assertRefused(kms.describeKey({ KeyId: early.KeyId }), "NotFoundException");
    assert.equal((await describedKey(kms, late.KeyId)).KeyState, "PendingDeletion");
  });
});
