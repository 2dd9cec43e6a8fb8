/** The rotation setting of spec 01: when it can be set, and what its status says. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { assertRefused, membersOf, newKey, newPendingKey, present, startWorld } from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms } = world;

const DAY_MS = 86_400_000;

async function rotates(keyId: string): Promise<boolean> {
  return present((await kms.getKeyRotationStatus({ KeyId: keyId })).KeyRotationEnabled);
}

describe("EnableKeyRotation", () => {
  it("is off for a new key, and with it the period and the next date", async () => {
    const { KeyId } = await newKey(kms);
    const status = membersOf(await kms.getKeyRotationStatus({ KeyId }));
    assert.equal(status.KeyRotationEnabled, false);
    assert.equal("NextRotationDate" in status, false);
  });

  it("turns rotation on for 365 days unless told otherwise, and DisableKeyRotation off", async () => {
    const { KeyId } = await newKey(kms);
    const start = (await world.server.clock.now()).getTime();
    assert.deepEqual(membersOf(await kms.enableKeyRotation({ KeyId })), {});
    const status = await kms.getKeyRotationStatus({ KeyId });
    assert.equal(status.KeyRotationEnabled, true);
    assert.equal(status.RotationPeriodInDays, 365);
    const days = (present(status.NextRotationDate).getTime() - start) / DAY_MS;
    assert.ok(days >= 364.99 && days < 365.1, String(days));
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    assert.equal((await kms.getKeyRotationStatus({ KeyId })).RotationPeriodInDays, 90);
    assert.deepEqual(membersOf(await kms.disableKeyRotation({ KeyId })), {});
    assert.equal(await rotates(KeyId), false);
  });

  for (const RotationPeriodInDays of [89, 2561]) {
    it(`refuses a period of ${RotationPeriodInDays} days`, async () => {
      const { KeyId } = await newKey(kms);
      await assertRefused(kms.enableKeyRotation({ KeyId, RotationPeriodInDays }), "ValidationException");
      assert.equal(await rotates(KeyId), false);
    });
  }

  it("S01-047: is DisabledException on a disabled key", async () => {
    const { KeyId, Arn } = await newKey(kms);
    await kms.disableKey({ KeyId });
    await assertRefused(kms.enableKeyRotation({ KeyId }), "DisabledException", `${Arn} is disabled.`);
    await assertRefused(kms.disableKeyRotation({ KeyId }), "DisabledException", `${Arn} is disabled.`);
    assert.equal(await rotates(KeyId), false);
  });

  it("S01-047: is KMSInvalidStateException on a key pending deletion", async () => {
    const { KeyId, Arn } = await newPendingKey(kms);
    const message = `${Arn} is pending deletion.`;
    await assertRefused(kms.enableKeyRotation({ KeyId }), "KMSInvalidStateException", message);
    await assertRefused(kms.disableKeyRotation({ KeyId }), "KMSInvalidStateException", message);
  });
});

describe("GetKeyRotationStatus", () => {
  it("S01-048: stays true while the key is disabled", async () => {
    const { KeyId } = await newKey(kms);
    await kms.enableKeyRotation({ KeyId });
    await kms.disableKey({ KeyId });
    assert.equal(await rotates(KeyId), true);
    await kms.enableKey({ KeyId });
    assert.equal(await rotates(KeyId), true);
  });

  it("S01-048: is false while the key is pending deletion and true again after the cancellation", async () => {
    const { KeyId } = await newKey(kms);
    await kms.enableKeyRotation({ KeyId });
    await kms.scheduleKeyDeletion({ KeyId });
    assert.equal(await rotates(KeyId), false);
    await kms.cancelKeyDeletion({ KeyId });
    assert.equal(await rotates(KeyId), true);
  });

  it("S01-048: stays false through a cancelled deletion when rotation was off", async () => {
    const { KeyId } = await newPendingKey(kms);
    await kms.cancelKeyDeletion({ KeyId });
    assert.equal(await rotates(KeyId), false);
  });
});
