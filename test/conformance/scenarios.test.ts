/** Scenarios of keys, from end to end: what their users do with them and see of them, over Regions, materials and their whole life. */

import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { after, describe, it } from "node:test";
import { CloudTrail } from "@aws-sdk/client-cloudtrail";
import { allow, startIamWorld } from "../iam-world.ts";
import { importInto, newExternalKey, randomMaterial } from "../key-material.ts";
import {
  ACCOUNT,
  type AuditRecord,
  allowing,
  assertRefused,
  bytes,
  describedKey,
  managedKey,
  membersOf,
  newKey,
  policyOf,
  present,
  REGION,
  requestIdOf,
} from "../kms-client.ts";

const THERE = "eu-central-1";
const world = await startIamWorld();
const { endpoint, credentials, clock } = world.server;
const trail = new CloudTrail({ endpoint, region: REGION, credentials, maxAttempts: 1 });
after(async () => {
  trail.destroy();
  await world.stop();
});
const { kms, other: theirs } = world;
const kmsThere = world.client(THERE);
const DAY_MS = 86_400_000;

/** The records that name a key among their resources, once these changes, which come after their answers, are there. */
async function recordsOf(arn: string, changes: readonly string[] = []): Promise<readonly AuditRecord[]> {
  const isOf = ({ resources }: AuditRecord): boolean => resources?.some(({ ARN }) => ARN === arn) === true;
  for (const change of changes) {
    await world.records.where((record) => record.eventName === change && isOf(record));
  }
  return world.records.all().filter(isOf);
}

/** The member names of an answer. */
const namesOf = (output: object): readonly string[] => Object.keys(membersOf(output)).toSorted();

describe("a key", () => {
  it("S08-030: SC-01 is made, named, used, switched off and on, and saved from deletion, and nobody handles its material", async () => {
    const { KeyId } = await newKey(kms, { Description: "managed" });
    const AliasName = "alias/managed";
    assert.deepEqual(namesOf(await kms.createAlias({ AliasName, TargetKeyId: KeyId })), []);
    const encrypted = await kms.encrypt({ KeyId: AliasName, Plaintext: bytes(20) });
    assert.deepEqual(namesOf(encrypted), ["CiphertextBlob", "EncryptionAlgorithm", "KeyId"]);
    const { CiphertextBlob } = encrypted;
    const decrypted = await kms.decrypt({ KeyId: AliasName, CiphertextBlob });
    assert.deepEqual(
      [namesOf(decrypted), decrypted.Plaintext],
      [["EncryptionAlgorithm", "KeyId", "KeyMaterialId", "Plaintext"], bytes(20)],
    );
    assert.deepEqual(namesOf(await kms.disableKey({ KeyId })), []);
    await assertRefused(kms.decrypt({ CiphertextBlob }), "DisabledException");
    assert.deepEqual(namesOf(await kms.enableKey({ KeyId })), []);
    const scheduled = await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    assert.deepEqual(namesOf(scheduled), ["DeletionDate", "KeyId", "KeyState", "PendingWindowInDays"]);
    assert.deepEqual(namesOf(await kms.cancelKeyDeletion({ KeyId })), ["KeyId"]);
    await kms.enableKey({ KeyId });
    assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, bytes(20));
  });

  it("S08-030: SC-03 leaves one record for each call, denied ones too: who, what, when, of which key, and no content", async () => {
    const person = await world.person("audited", { allow: [allow("kms:*")] });
    const stranger = await world.person("stranger");
    const from = Date.now();
    const { KeyId, Arn } = await newKey(person.kms);
    const Plaintext = new TextEncoder().encode("a password of twenty");
    const { CiphertextBlob } = await person.kms.encrypt({ KeyId, Plaintext });
    await person.kms.decrypt({ CiphertextBlob });
    await assertRefused(stranger.kms.decrypt({ CiphertextBlob }), "AccessDeniedException");
    await person.kms.disableKey({ KeyId });
    await person.kms.scheduleKeyDeletion({ KeyId });
    const records = await recordsOf(Arn, ["CreateKey", "DisableKey", "ScheduleKeyDeletion"]);
    assert.deepEqual(
      records.map(({ eventName, userIdentity, errorCode }) => [eventName, userIdentity["arn"], errorCode]).toSorted(),
      [
        ["CreateKey", person.arn, undefined],
        ["Decrypt", person.arn, undefined],
        ["Decrypt", stranger.arn, "AccessDenied"],
        ["DisableKey", person.arn, undefined],
        ["Encrypt", person.arn, undefined],
        ["ScheduleKeyDeletion", person.arn, undefined],
      ],
    );
    for (const { eventSource, eventTime } of records) {
      assert.equal(eventSource, "kms.amazonaws.com");
      const time = Date.parse(eventTime);
      assert.ok(time >= from - 1000 && time <= Date.now() + 1000, eventTime);
    }
    const text = JSON.stringify(records);
    for (const content of [Plaintext, present(CiphertextBlob)]) assert.ok(!text.includes(content.toBase64()));
  });

  it("S08-030: SC-12 is in one Region alone, unless it was made for several", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const other = await newKey(kmsThere);
    await assertRefused(kmsThere.describeKey({ KeyId }), "NotFoundException");
    await assertRefused(kmsThere.describeKey({ KeyId: Arn }), "NotFoundException");
    const { Keys = [] } = await kmsThere.listKeys({});
    assert.deepEqual(
      Keys.map((each) => each.KeyId),
      [other.KeyId],
    );
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    await assertRefused(kms.reEncrypt({ CiphertextBlob, DestinationKeyId: other.Arn }), "NotFoundException");
    const fromHere = kmsThere.reEncrypt({ CiphertextBlob, DestinationKeyId: other.Arn });
    await assertRefused(fromHere, "AccessDeniedException", /does not exist in this Region/);

    const related = await newKey(kms, { MultiRegion: true });
    await kms.replicateKey({ KeyId: related.KeyId, ReplicaRegion: THERE });
    await clock.advance("PT5S");
    const replica = await describedKey(kmsThere, related.KeyId);
    assert.equal(replica.KeyId, related.KeyId);
    assert.equal(replica.Arn, related.Arn.replace(REGION, THERE));
    const sealed = await kms.encrypt({ KeyId: related.KeyId, Plaintext: bytes(3) });
    assert.deepEqual((await kmsThere.decrypt({ CiphertextBlob: sealed.CiphertextBlob })).Plaintext, bytes(3));
    await kms.createAlias({ AliasName: "alias/here", TargetKeyId: related.KeyId });
    await kms.putKeyPolicy({ KeyId: related.KeyId, Policy: policyOf(allowing(ACCOUNT)) });
    await kms.disableKey({ KeyId: related.KeyId });
    await assertRefused(kmsThere.describeKey({ KeyId: "alias/here" }), "NotFoundException");
    assert.notEqual(
      (await kmsThere.getKeyPolicy({ KeyId: related.KeyId })).Policy,
      (await kms.getKeyPolicy({ KeyId: related.KeyId })).Policy,
    );
    assert.equal((await describedKey(kmsThere, related.KeyId)).KeyState, "Enabled");
  });

  it("S08-030: SC-22 is nobody else's: not by another key, not by another account, and again itself with the same material", async () => {
    const [first, second] = [await newKey(kms), await newKey(kms)];
    const { CiphertextBlob } = await kms.encrypt({ KeyId: first.KeyId, Plaintext: bytes(1) });
    await assertRefused(kms.decrypt({ KeyId: second.KeyId, CiphertextBlob }), "IncorrectKeyException");
    await assertRefused(theirs.describeKey({ KeyId: first.KeyId }), "NotFoundException");
    await assertRefused(theirs.encrypt({ KeyId: first.KeyId, Plaintext: bytes(1) }), "NotFoundException");
    await assertRefused(theirs.encrypt({ KeyId: first.Arn, Plaintext: bytes(1) }), "AccessDeniedException");
    await assertRefused(theirs.decrypt({ CiphertextBlob }), "AccessDeniedException");

    const own = await newExternalKey(kms);
    const material = randomMaterial(32);
    await importInto(kms, own.KeyId, material);
    const sealed = await kms.encrypt({ KeyId: own.KeyId, Plaintext: bytes(2) });
    await kms.deleteImportedKeyMaterial({ KeyId: own.KeyId });
    await assertRefused(kms.decrypt({ CiphertextBlob: sealed.CiphertextBlob }), "KMSInvalidStateException");
    await importInto(kms, own.KeyId, material);
    assert.deepEqual((await kms.decrypt({ CiphertextBlob: sealed.CiphertextBlob })).Plaintext, bytes(2));
  });
});

describe("rotation", () => {
  it("S08-030: SC-11 of AWS managed keys is nobody's to set, of customer managed keys their own, of imported ones by hand", async () => {
    const managed = await managedKey(kms, "rds");
    assert.equal((await kms.getKeyRotationStatus({ KeyId: managed.KeyId })).KeyRotationEnabled, true);
    await assertRefused(kms.enableKeyRotation({ KeyId: managed.KeyId }), "AccessDeniedException");

    const { KeyId } = await newKey(kms);
    for (const RotationPeriodInDays of [89, 2561]) {
      await assertRefused(kms.enableKeyRotation({ KeyId, RotationPeriodInDays }), "ValidationException");
    }
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 180 });
    const { RotationPeriodInDays, NextRotationDate } = await kms.getKeyRotationStatus({ KeyId });
    const days = (present(NextRotationDate).getTime() - (await clock.now()).getTime()) / DAY_MS;
    assert.deepEqual([RotationPeriodInDays, Math.round(days)], [180, 180]);
    const old = await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    await clock.advance("P181D");
    const opened = await kms.decrypt({ CiphertextBlob: old.CiphertextBlob });
    assert.deepEqual(opened.Plaintext, bytes(1));
    const fresh = await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    const { CurrentKeyMaterialId } = await describedKey(kms, KeyId);
    const { KeyMaterialId } = await kms.decrypt({ CiphertextBlob: fresh.CiphertextBlob });
    assert.equal(KeyMaterialId, CurrentKeyMaterialId);
    assert.notEqual(opened.KeyMaterialId, CurrentKeyMaterialId);

    const imported = await newExternalKey(kms);
    await importInto(kms, imported.KeyId, randomMaterial(32));
    await assertRefused(kms.enableKeyRotation({ KeyId: imported.KeyId }), "UnsupportedOperationException");
  });

  it("S08-030: SC-11 by hand is a new key under the old alias, by which old ciphertexts no longer open", async () => {
    const AliasName = "alias/by-hand";
    const [first, second] = [await newKey(kms), await newKey(kms)];
    await kms.createAlias({ AliasName, TargetKeyId: first.KeyId });
    const old = await kms.encrypt({ KeyId: AliasName, Plaintext: bytes(1) });
    await kms.updateAlias({ AliasName, TargetKeyId: second.KeyId });
    assert.equal((await kms.encrypt({ KeyId: AliasName, Plaintext: bytes(1) })).KeyId, second.Arn);
    const { CiphertextBlob } = old;
    const { KeyId, Plaintext } = await kms.decrypt({ CiphertextBlob });
    assert.deepEqual([KeyId, Plaintext], [first.Arn, bytes(1)]);
    await assertRefused(kms.decrypt({ KeyId: AliasName, CiphertextBlob }), "IncorrectKeyException");
  });
});

describe("a data key", () => {
  it("S08-030: SC-06 encrypts 10 MB outside of KMS, and lies beside them encrypted itself", async () => {
    const { KeyId } = await newKey(kms);
    const content = randomBytes(10_000_000);
    const { Plaintext, CiphertextBlob } = await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
    const dataKey = present(Plaintext);
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", dataKey, iv, { authTagLength: 16 });
    const body = Buffer.concat([cipher.update(content), cipher.final()]);
    const stored = Buffer.concat([present(CiphertextBlob), iv, body, cipher.getAuthTag()]);
    assert.ok(!stored.includes(dataKey) && !stored.includes(content.subarray(0, 32)));
    dataKey.fill(0);

    const opened = await kms.decrypt({ CiphertextBlob: stored.subarray(0, present(CiphertextBlob).length) });
    const decipher = createDecipheriv("aes-256-gcm", present(opened.Plaintext), iv, { authTagLength: 16 });
    decipher.setAuthTag(stored.subarray(-16));
    const restored = decipher.update(stored.subarray(-16 - content.length, -16));
    decipher.final();
    assert.ok(restored.equals(content));
  });

  it("S08-030: SC-27 goes to another Region by Encrypt, and needs nothing of the first one there", async () => {
    const [keyA, keyB] = [await newKey(kms), await newKey(kmsThere)];
    const { Plaintext, CiphertextBlob } = await kms.generateDataKey({ KeyId: keyA.KeyId, KeySpec: "AES_256" });
    const decrypted = await kms.decrypt({ CiphertextBlob });
    assert.deepEqual(decrypted.Plaintext, Plaintext);
    const moved = await kmsThere.encrypt({ KeyId: keyB.KeyId, Plaintext: decrypted.Plaintext });
    await kms.disableKey({ KeyId: keyA.KeyId });
    const opened = await kmsThere.decrypt({ CiphertextBlob: moved.CiphertextBlob });
    assert.deepEqual([opened.Plaintext, opened.KeyId], [Plaintext, keyB.Arn]);
  });
});

describe("the life of a key", () => {
  it("S08-030: SC-23 is changed by its customer's principals, but for rotations, expiries and the end of waiting periods", async () => {
    const [rotating, expiring, leaving] = [await newKey(kms), await newExternalKey(kms), await newKey(kms)];
    await kms.enableKeyRotation({ KeyId: rotating.KeyId, RotationPeriodInDays: 90 });
    const ValidTo = new Date((await clock.now()).getTime() + DAY_MS);
    await importInto(kms, expiring.KeyId, randomMaterial(32), { ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo });
    await kms.disableKey({ KeyId: leaving.KeyId });
    await kms.scheduleKeyDeletion({ KeyId: leaving.KeyId, PendingWindowInDays: 7 });
    await clock.advance("P91D");
    const changes: (readonly AuditRecord[])[] = [];
    for (const [arn, ...names] of [
      [rotating.Arn, "CreateKey", "EnableKeyRotation", "RotateKey"],
      [expiring.Arn, "CreateKey", "ImportKeyMaterial", "DeleteExpiredKeyMaterial"],
      [leaving.Arn, "CreateKey", "DisableKey", "ScheduleKeyDeletion", "DeleteKey"],
    ] as const) {
      changes.push((await recordsOf(arn, names)).filter(({ readOnly }) => !readOnly));
    }
    const byNobody = changes.map((records) =>
      records
        .filter(({ userIdentity }) => userIdentity["arn"] === undefined)
        .map(({ eventName, eventType, userIdentity }) => [eventName, eventType, userIdentity["invokedBy"]]),
    );
    assert.deepEqual(byNobody, [
      [["RotateKey", "AwsServiceEvent", "AWS Internal"]],
      [["DeleteExpiredKeyMaterial", "AwsServiceEvent", "AWS Internal"]],
      [["DeleteKey", "AwsServiceEvent", "AWS Internal"]],
    ]);
    const byCustomer = changes.flat().filter(({ userIdentity }) => userIdentity["arn"] !== undefined);
    assert.ok(byCustomer.every(({ userIdentity }) => userIdentity["accountId"] === ACCOUNT));
    assert.deepEqual(byCustomer.map(({ eventName }) => eventName).toSorted(), [
      ...["CreateKey", "CreateKey", "CreateKey", "DisableKey", "EnableKeyRotation"],
      ...["ImportKeyMaterial", "ScheduleKeyDeletion"],
    ]);
  });

  it("S08-030: SC-25 can be shown to an auditor, from inventory to crypto-shredding", async () => {
    const officer = await world.person("officer", { allow: [allow("kms:*")] });
    const reader = await world.person("reader");
    const start = await clock.now();
    const Policy = policyOf(allowing(ACCOUNT), {
      Effect: "Allow",
      Principal: { AWS: reader.arn },
      Action: "kms:Decrypt",
      Resource: "*",
    });
    const { KeyId, Arn } = await newKey(officer.kms, { Policy });
    await officer.kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    await officer.kms.createGrant({ KeyId, GranteePrincipal: reader.arn, Operations: ["Encrypt"], Name: "reading" });
    const { CiphertextBlob } = await officer.kms.encrypt({ KeyId, Plaintext: bytes(1) });
    const used = await reader.kms.decrypt({ CiphertextBlob });

    const { Keys = [] } = await kms.listKeys({});
    assert.ok(Keys.some(({ KeyArn }) => KeyArn === Arn));
    assert.equal((await describedKey(kms, KeyId)).KeyState, "Enabled");
    assert.deepEqual((await kms.listKeyPolicies({ KeyId })).PolicyNames, ["default"]);
    assert.equal((await kms.getKeyPolicy({ KeyId })).Policy, Policy);
    const { KeyRotationEnabled, NextRotationDate } = await kms.getKeyRotationStatus({ KeyId });
    assert.ok(KeyRotationEnabled && present(NextRotationDate) > start);
    const { KeyLastUsage } = await kms.getKeyLastUsage({ KeyId });
    assert.deepEqual([KeyLastUsage?.Operation, KeyLastUsage?.KmsRequestId], ["Decrypt", requestIdOf(used)]);
    const { Grants = [] } = await kms.listGrants({ KeyId });
    assert.deepEqual(
      Grants.map(({ Name, GranteePrincipal, Operations }) => [Name, GranteePrincipal, Operations]),
      [["reading", reader.arn, ["Encrypt"]]],
    );
    const { EvaluationResults = [] } = await world.iam.simulatePrincipalPolicy({
      PolicySourceArn: officer.arn,
      ActionNames: ["kms:Decrypt"],
      ResourceArns: [Arn],
    });
    assert.deepEqual(
      EvaluationResults.map(({ EvalDecision }) => EvalDecision),
      ["allowed"],
    );

    await officer.kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    await clock.advance("P8D");
    for (const by of [reader.kms, kms]) {
      await assertRefused(by.decrypt({ CiphertextBlob }), "AccessDeniedException", /does not exist/);
    }
    await assertRefused(kms.decrypt({ KeyId, CiphertextBlob }), "NotFoundException");
    await assertRefused(kms.cancelKeyDeletion({ KeyId }), "NotFoundException");
    const { Events = [] } = await trail.lookupEvents({
      LookupAttributes: [{ AttributeKey: "ResourceName", AttributeValue: Arn }],
      StartTime: new Date(start.getTime() - 1000),
      EndTime: await clock.now(),
    });
    assert.deepEqual(
      Events.map(({ EventName, Username }) => [EventName, Username]),
      [
        ["DeleteKey", undefined],
        ["ScheduleKeyDeletion", officer.name],
        ["CreateGrant", officer.name],
        ["EnableKeyRotation", officer.name],
        ["CreateKey", officer.name],
      ],
    );
    const [deleted, scheduled] = Events.map(({ CloudTrailEvent = "" }) => JSON.parse(CloudTrailEvent) as AuditRecord);
    assert.deepEqual(scheduled?.requestParameters, { keyId: KeyId, pendingWindowInDays: 7 });
    assert.equal(scheduled?.userIdentity["arn"], officer.arn);
    assert.equal(deleted?.eventType, "AwsServiceEvent");
    const uses = (await recordsOf(Arn)).filter(({ eventName }) => eventName === "Encrypt" || eventName === "Decrypt");
    assert.deepEqual(
      uses.map(({ eventName, userIdentity }) => [eventName, userIdentity["arn"]]),
      [
        ["Encrypt", officer.arn],
        ["Decrypt", reader.arn],
      ],
    );
  });
});
