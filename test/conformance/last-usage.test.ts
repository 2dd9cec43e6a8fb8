/** GetKeyLastUsage: what counts as a use, whose record it names, and that it outlives the process. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { GetKeyLastUsageCommandOutput, KMS } from "@aws-sdk/client-kms";
import { startDevServer } from "../dev-server.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  clientOf,
  membersOf,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  refusalOf,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms, other, records } = world;

type Answered = { readonly $metadata: { readonly requestId?: string | undefined } };

async function lastUse(keyId: string, from: KMS = kms): Promise<GetKeyLastUsageCommandOutput["KeyLastUsage"]> {
  return (await from.getKeyLastUsage({ KeyId: keyId })).KeyLastUsage;
}

/** Asserts that a key's last use is a call, by the ids of its record in the key's account. */
async function assertLast(keyId: string, operation: string, answer: Answered): Promise<void> {
  const requestId = requestIdOf(answer);
  const told = await records.where(({ requestID }) => requestID === requestId);
  const record = present(told.find(({ recipientAccountId }) => recipientAccountId === ACCOUNT));
  const { Timestamp, ...use } = present(await lastUse(keyId));
  assert.deepEqual(use, { Operation: operation, CloudTrailEventId: record.eventID, KmsRequestId: requestId });
  assert.equal(Math.floor(present(Timestamp).getTime() / 1000) * 1000, Date.parse(record.eventTime));
}

describe("GetKeyLastUsage", () => {
  it("is empty for a key that was never used, with the day it was made", async () => {
    const { KeyId, Arn, CreationDate } = await newKey(kms);
    await kms.describeKey({ KeyId });
    await kms.getKeyLastUsage({ KeyId });
    assert.deepEqual(membersOf(await kms.getKeyLastUsage({ KeyId: Arn })), {
      KeyId,
      KeyLastUsage: {},
      TrackingStartDate: CreationDate,
      KeyCreationDate: CreationDate,
    });
  });

  it("names the last operation, its time, its request and its record", async () => {
    const { KeyId } = await newKey(kms);
    const encrypted = await kms.encrypt({ KeyId, Plaintext: bytes(4) });
    await assertLast(KeyId, "Encrypt", encrypted);
    const { CiphertextBlob } = encrypted;
    await assertLast(KeyId, "Decrypt", await kms.decrypt({ CiphertextBlob }));
    await assertLast(KeyId, "GenerateDataKey", await kms.generateDataKey({ KeyId, KeySpec: "AES_256" }));
    const silent = await kms.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: "AES_256" });
    await assertLast(KeyId, "GenerateDataKeyWithoutPlaintext", silent);
  });

  it("counts Sign and Verify of a key pair, and not the reading of its public key", async () => {
    const { KeyId } = await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
    const input = { KeyId, Message: bytes(4), SigningAlgorithm: "ECDSA_SHA_256" } as const;
    const signed = await kms.sign(input);
    await kms.getPublicKey({ KeyId });
    await assertLast(KeyId, "Sign", signed);
    await assertLast(KeyId, "Verify", await kms.verify({ ...input, Signature: signed.Signature }));
  });

  it("counts Encapsulate and Decapsulate, which may have been given a foreign blob", async () => {
    const { KeyId } = await newKey(kms, { KeySpec: "ML_KEM_512", KeyUsage: "ENCAPSULATE_DECAPSULATE" });
    const input = { KeyId, EncapsulationAlgorithm: "ML_KEM" } as const;
    await assertLast(KeyId, "Encapsulate", await kms.encapsulate(input));
    const SharedSecretCiphertextBlob = bytes(768);
    await assertLast(KeyId, "Decapsulate", await kms.decapsulate({ ...input, SharedSecretCiphertextBlob }));
  });

  it("counts ReEncrypt for both keys", async () => {
    const [source, destination] = [await newKey(kms), await newKey(kms)];
    const { CiphertextBlob } = await kms.encrypt({ KeyId: source.KeyId, Plaintext: bytes(4) });
    const moved = await kms.reEncrypt({ CiphertextBlob, DestinationKeyId: destination.KeyId });
    for (const { KeyId } of [source, destination]) await assertLast(KeyId, "ReEncrypt", moved);
  });

  it("does not count what was refused, a dry run, or management", async () => {
    const { KeyId } = await newKey(kms);
    const encrypted = await kms.encrypt({ KeyId, Plaintext: bytes(4) });
    await refusalOf(kms.decrypt({ CiphertextBlob: encrypted.CiphertextBlob, EncryptionContext: { another: "one" } }));
    await refusalOf(kms.encrypt({ KeyId, Plaintext: bytes(4), DryRun: true }));
    await kms.rotateKeyOnDemand({ KeyId });
    await kms.scheduleKeyDeletion({ KeyId });
    await refusalOf(kms.encrypt({ KeyId, Plaintext: bytes(4) }));
    await assertLast(KeyId, "Encrypt", encrypted);
  });

  it("names, for a use by another account, the record in the account of the key", async () => {
    const Policy = policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT));
    const { KeyId, Arn } = await newKey(kms, { Policy });
    await assertLast(KeyId, "Encrypt", await other.encrypt({ KeyId: Arn, Plaintext: bytes(4) }));
    await assertRefused(other.getKeyLastUsage({ KeyId: Arn }), "AccessDeniedException");
  });

  it("is the same after a restart, and gone with the key", async () => {
    using directory = new TemporaryDirectory();
    const args = ["--data", directory.path];
    let KeyId: string;
    let use: Awaited<ReturnType<typeof lastUse>>;
    {
      await using server = await startDevServer({ args });
      using mine = clientOf(server);
      ({ KeyId } = await newKey(mine.kms));
      await mine.kms.encrypt({ KeyId, Plaintext: bytes(4) });
      use = await lastUse(KeyId, mine.kms);
      assert.equal(use?.Operation, "Encrypt");
    }
    await using server = await startDevServer({ args });
    using mine = clientOf(server);
    assert.deepEqual(await lastUse(KeyId, mine.kms), use);
    await mine.kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await server.clock.advance("P8D");
    await assertRefused(lastUse(KeyId, mine.kms), "NotFoundException");
  });
});

describe("kms:TrailingDaysWithoutKeyUsage", () => {
  const ROOT = `arn:aws:iam::${ACCOUNT}:root`;
  const statement = { Principal: { AWS: ROOT }, Action: "kms:*", Resource: "*" };
  const allowed = { ...statement, Effect: "Allow" };

  it("is how many whole days ago the key was used, or made where it was not, of DisableKey and ScheduleKeyDeletion", async () => {
    await using server = await startDevServer();
    using mine = clientOf(server);
    const Condition = { NumericLessThanEquals: { "kms:TrailingDaysWithoutKeyUsage": "2" } };
    const Action = ["kms:ScheduleKeyDeletion", "kms:DisableKey"];
    const Policy = policyOf(allowed, { ...statement, Effect: "Deny", Action, Condition });
    const { KeyId, Arn } = await newKey(mine.kms, { Policy });
    const used = async (): Promise<void> => {
      for (const name of [KeyId, Arn]) {
        await assertRefused(mine.kms.disableKey({ KeyId: name }), "AccessDeniedException", /explicit deny/);
        await assertRefused(mine.kms.scheduleKeyDeletion({ KeyId: name }), "AccessDeniedException", /explicit deny/);
      }
    };
    await used();
    await server.clock.advance("P2DT23H");
    await used();
    await server.clock.advance("PT1H");
    await mine.kms.disableKey({ KeyId });
    await mine.kms.enableKey({ KeyId });
    await mine.kms.encrypt({ KeyId, Plaintext: bytes(4) });
    await used();
    await server.clock.advance("P3D");
    await mine.kms.disableKey({ KeyId: Arn });
    await mine.kms.scheduleKeyDeletion({ KeyId });
  });

  it("is not in other requests, and hides no error in the name of a key", async () => {
    const Condition = { Null: { "kms:TrailingDaysWithoutKeyUsage": "true" } };
    const Policy = policyOf(allowed, { ...statement, Effect: "Deny", Action: "kms:D*", Condition });
    const { KeyId } = await newKey(kms, { Policy });
    await kms.disableKey({ KeyId });
    await assertRefused(kms.describeKey({ KeyId }), "AccessDeniedException");
    await assertRefused(kms.disableKey({ KeyId: "none" }), "NotFoundException", "Invalid keyId 'none'");
    await assertRefused(kms.disableKey({ KeyId: "alias/none" }), "InvalidArnException");
  });
});
