/** CloudTrail records of spec 01 and 02 for the operations that are built, as they reach the audit log. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { operations } from "../../src/kms/operations/index.ts";
import { importInto, newExternalKey, OAEP } from "../key-material.ts";
import {
  ABSENT_KEY_ID,
  ACCOUNT,
  type AuditRecord,
  allowing,
  bytes,
  managedKey,
  membersOf,
  newKey,
  newPendingKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  refusalOf,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";
import { IDLE_KEY_STORES, IDLE_STORE } from "../xks-proxy.ts";

const folder = mkdtempSync(join(tmpdir(), "keystead-records-"));
const keyStores = join(folder, "key-stores.yaml");
writeFileSync(keyStores, IDLE_KEY_STORES);
const world = await startWorld(["--key-stores", keyStores]);
after(() => rmSync(folder, { recursive: true }));
after(() => world.stop());
const { kms, other, records } = world;

type Answered = { readonly $metadata: { readonly requestId?: string | undefined } };

/** The record of a call that succeeds. */
async function recordOf(call: Promise<Answered>): Promise<AuditRecord> {
  return records.of(requestIdOf(await call));
}

/** The record of a call that is refused. */
async function recordOfRefused(call: Promise<unknown>): Promise<AuditRecord> {
  return records.of((await refusalOf(call)).requestId);
}

const arnsOf = ({ resources = [] }: AuditRecord): string[] => resources.map(({ ARN }) => ARN);
const aliasArn = (name: string): string => `arn:aws:kms:us-east-1:${ACCOUNT}:${name}`;

/** `Feb 3, 2031, 4:05:06 AM` of a moment. */
function englishDate(date: Date): string {
  const [, month, day, year, hour, rest] = present(
    /^(\w+) (\d+), (\d+), (\d+)(:\d+:\d+)/.exec(
      new Intl.DateTimeFormat("en-US", {
        dateStyle: "medium",
        timeStyle: "medium",
        timeZone: "UTC",
        hour12: false,
        hourCycle: "h23",
      }).format(date),
    ) ?? undefined,
  );
  const hours = Number(hour);
  return `${month} ${day}, ${year}, ${hours % 12 || 12}${rest} ${hours < 12 ? "AM" : "PM"}`;
}

/** Deletes a key store once it is disconnected, which takes a moment of the server's clock. */
async function deleteIdle(CustomKeyStoreId: string | undefined): Promise<Answered> {
  await world.server.clock.advance("PT5S");
  return await kms.deleteCustomKeyStore({ CustomKeyStoreId });
}

/** One successful call of each operation that is built, on keys of its own. */
async function successes(): Promise<ReadonlyMap<string, Answered>> {
  const AliasName = "alias/every-operation";
  const created = await kms.createKey({ Description: "each once" });
  const KeyId = present(created.KeyMetadata?.KeyId);
  const { KeyId: second } = await newKey(kms);
  const encrypted = await kms.encrypt({ KeyId, Plaintext: bytes(10) });
  const { CiphertextBlob } = encrypted;
  const madeStore = await kms.createCustomKeyStore(IDLE_STORE);
  const { CustomKeyStoreId } = madeStore;
  const pair = { KeyId, KeyPairSpec: "ECC_NIST_P256" } as const;
  const ecc = { KeySpec: "ECC_NIST_P256" } as const;
  const agreeing = await newKey(kms, { ...ecc, KeyUsage: "KEY_AGREEMENT" });
  const publicKey = await kms.getPublicKey({ KeyId: agreeing.KeyId });
  const { PublicKey } = publicKey;
  const agreement = { KeyId: agreeing.KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey } as const;
  const signer = await newKey(kms, { ...ecc, KeyUsage: "SIGN_VERIFY" });
  const signing = { KeyId: signer.KeyId, Message: bytes(3), SigningAlgorithm: "ECDSA_SHA_256" } as const;
  const signed = await kms.sign(signing);
  const macKey = await newKey(kms, { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
  const authenticating = { KeyId: macKey.KeyId, Message: bytes(3), MacAlgorithm: "HMAC_SHA_256" } as const;
  const authenticated = await kms.generateMac(authenticating);
  const external = await newExternalKey(kms);
  const parameters = await kms.getParametersForImport({ KeyId: external.KeyId, ...OAEP });
  const imported = await importInto(kms, external.KeyId, bytes(32));
  const grant = { KeyId, GranteePrincipal: `arn:aws:iam::${ACCOUNT}:root`, Operations: ["DescribeKey" as const] };
  const [granted, another] = [await kms.createGrant(grant), await kms.createGrant(grant)];
  const RetiringPrincipal = grant.GranteePrincipal;
  const kemKey = await newKey(kms, { KeySpec: "ML_KEM_512", KeyUsage: "ENCAPSULATE_DECAPSULATE" });
  const encapsulating = { KeyId: kemKey.KeyId, EncapsulationAlgorithm: "ML_KEM" } as const;
  const encapsulated = await kms.encapsulate(encapsulating);
  const { SharedSecretCiphertextBlob } = encapsulated;
  return new Map<string, Answered>([
    ["CreateKey", created],
    ["CreateCustomKeyStore", madeStore],
    ["DescribeCustomKeyStores", await kms.describeCustomKeyStores({})],
    ["UpdateCustomKeyStore", await kms.updateCustomKeyStore({ CustomKeyStoreId, NewCustomKeyStoreName: "renamed" })],
    ["ConnectCustomKeyStore", await kms.connectCustomKeyStore({ CustomKeyStoreId })],
    ["DisconnectCustomKeyStore", await kms.disconnectCustomKeyStore({ CustomKeyStoreId })],
    ["DeleteCustomKeyStore", await deleteIdle(CustomKeyStoreId)],
    ["GetParametersForImport", parameters],
    ["ImportKeyMaterial", imported],
    ["DeleteImportedKeyMaterial", await kms.deleteImportedKeyMaterial({ KeyId: external.KeyId })],
    ["CreateGrant", granted],
    ["ListGrants", await kms.listGrants({ KeyId })],
    ["ListRetirableGrants", await kms.listRetirableGrants({ RetiringPrincipal })],
    ["RetireGrant", await kms.retireGrant({ GrantToken: granted.GrantToken })],
    ["RevokeGrant", await kms.revokeGrant({ KeyId, GrantId: another.GrantId })],
    ["Encrypt", encrypted],
    ["Decrypt", await kms.decrypt({ CiphertextBlob })],
    ["ReEncrypt", await kms.reEncrypt({ CiphertextBlob, DestinationKeyId: second })],
    ["GenerateDataKey", await kms.generateDataKey({ KeyId, KeySpec: "AES_256" })],
    ["GenerateDataKeyWithoutPlaintext", await kms.generateDataKeyWithoutPlaintext({ KeyId, NumberOfBytes: 64 })],
    ["GenerateDataKeyPair", await kms.generateDataKeyPair(pair)],
    ["GenerateDataKeyPairWithoutPlaintext", await kms.generateDataKeyPairWithoutPlaintext(pair)],
    ["GetPublicKey", publicKey],
    ["DeriveSharedSecret", await kms.deriveSharedSecret(agreement)],
    ["Encapsulate", encapsulated],
    ["Decapsulate", await kms.decapsulate({ ...encapsulating, SharedSecretCiphertextBlob })],
    ["Sign", signed],
    ["Verify", await kms.verify({ ...signing, Signature: signed.Signature })],
    ["GenerateMac", authenticated],
    ["VerifyMac", await kms.verifyMac({ ...authenticating, Mac: authenticated.Mac })],
    ["GenerateRandom", await kms.generateRandom({ NumberOfBytes: 16 })],
    ["DescribeKey", await kms.describeKey({ KeyId })],
    ["ListKeys", await kms.listKeys({})],
    ["CreateAlias", await kms.createAlias({ AliasName, TargetKeyId: KeyId })],
    ["ListAliases", await kms.listAliases({ Limit: 10 })],
    ["UpdateAlias", await kms.updateAlias({ AliasName, TargetKeyId: second })],
    ["DeleteAlias", await kms.deleteAlias({ AliasName })],
    ["UpdateKeyDescription", await kms.updateKeyDescription({ KeyId, Description: "new" })],
    ["TagResource", await kms.tagResource({ KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] })],
    ["ListResourceTags", await kms.listResourceTags({ KeyId })],
    ["UntagResource", await kms.untagResource({ KeyId, TagKeys: ["a"] })],
    ["GetKeyPolicy", await kms.getKeyPolicy({ KeyId })],
    ["PutKeyPolicy", await kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) })],
    ["ListKeyPolicies", await kms.listKeyPolicies({ KeyId })],
    ["EnableKeyRotation", await kms.enableKeyRotation({ KeyId })],
    ["RotateKeyOnDemand", await kms.rotateKeyOnDemand({ KeyId })],
    ["ListKeyRotations", await kms.listKeyRotations({ KeyId, IncludeKeyMaterial: "ALL_KEY_MATERIAL" })],
    ["GetKeyLastUsage", await kms.getKeyLastUsage({ KeyId })],
    ["GetKeyRotationStatus", await kms.getKeyRotationStatus({ KeyId })],
    ["DisableKeyRotation", await kms.disableKeyRotation({ KeyId })],
    ["DisableKey", await kms.disableKey({ KeyId })],
    ["EnableKey", await kms.enableKey({ KeyId })],
    ["ScheduleKeyDeletion", await kms.scheduleKeyDeletion({ KeyId })],
    ["CancelKeyDeletion", await kms.cancelKeyDeletion({ KeyId })],
  ]);
}

const answers = await successes();

describe("the records", () => {
  it("are tried for every operation that is built", () => {
    const inTwoRegions = ["ReplicateKey", "UpdatePrimaryRegion"]; // two records each: multi-region*.test.ts
    assert.deepEqual([...answers.keys(), ...inTwoRegions].sort(), [...operations.keys()].sort());
  });

  it("S02-001: are one for each request, in its caller's account and of its operation", async () => {
    for (const [operation, answer] of answers) {
      const record = await records.of(requestIdOf(answer));
      assert.equal(record.eventName, operation);
      assert.equal(record.eventSource, "kms.amazonaws.com");
      assert.equal(record.eventType, "AwsApiCall");
      assert.equal(record.recipientAccountId, ACCOUNT);
      assert.deepEqual(record.userIdentity, {
        type: "Root",
        principalId: ACCOUNT,
        arn: `arn:aws:iam::${ACCOUNT}:root`,
        accountId: ACCOUNT,
        accessKeyId: world.server.credentials.accessKeyId,
      });
      assert.equal("errorCode" in record, false);
    }
    const all = records.all();
    assert.equal(new Set(all.map(({ eventID }) => eventID)).size, all.length);
    const told = all.flatMap(({ requestID, recipientAccountId }) =>
      requestID ? [`${requestID} ${recipientAccountId}`] : [],
    );
    assert.equal(new Set(told).size, told.length);
  });

  it("S02-001: are one for each request that is refused, for whatever reason", async () => {
    const disabled = await newKey(kms);
    await kms.disableKey({ KeyId: disabled.KeyId });
    const foreign = await newKey(other);
    for (const { call, eventName, errorCode } of [
      {
        call: () => kms.describeKey({ KeyId: ABSENT_KEY_ID }),
        eventName: "DescribeKey",
        errorCode: "NotFoundException",
      },
      { call: () => kms.describeKey({ KeyId: undefined }), eventName: "DescribeKey", errorCode: "ValidationException" },
      {
        call: () => kms.describeKey({ KeyId: foreign.Arn }),
        eventName: "DescribeKey",
        errorCode: "AccessDenied",
      },
      {
        call: () => kms.encrypt({ KeyId: disabled.KeyId, Plaintext: bytes(1) }),
        eventName: "Encrypt",
        errorCode: "DisabledException",
      },
      {
        call: () => kms.decrypt({ CiphertextBlob: bytes(9) }),
        eventName: "Decrypt",
        errorCode: "InvalidCiphertextException",
      },
      {
        call: () => kms.scheduleKeyDeletion({ KeyId: disabled.KeyId, PendingWindowInDays: 6 }),
        eventName: "ScheduleKeyDeletion",
        errorCode: "ValidationException",
      },
      { call: () => kms.listKeys({ Marker: "garbage" }), eventName: "ListKeys", errorCode: "InvalidMarkerException" },
      {
        call: () => kms.describeCustomKeyStores({ CustomKeyStoreId: "cks-absent" }),
        eventName: "DescribeCustomKeyStores",
        errorCode: "CustomKeyStoreNotFoundException",
      },
    ]) {
      const record = await recordOfRefused(call());
      assert.equal(record.eventName, eventName);
      assert.equal(record.errorCode, errorCode);
      assert.equal(record.responseElements, null);
    }
    const { status, requestId } = await world.raw("DescribeKey", "{");
    assert.equal(status, 400);
    assert.equal((await records.of(requestId)).errorCode, "SerializationException");
  });

  it("S02-002: of a failure have the bare exception name, the message that was answered, and no response", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const refused = await recordOfRefused(kms.cancelKeyDeletion({ KeyId }));
    assert.equal(refused.errorCode, "KMSInvalidStateException");
    assert.equal(refused.errorMessage, `${Arn} is not pending deletion.`);
    assert.equal(refused.responseElements, null);
    assert.deepEqual(refused.requestParameters, { keyId: KeyId });
    assert.deepEqual(arnsOf(refused), [Arn]);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    const wrong = await newKey(kms);
    const incorrect = await recordOfRefused(kms.decrypt({ CiphertextBlob, KeyId: wrong.Arn }));
    assert.equal(incorrect.errorCode, "IncorrectKeyException");
    assert.equal(
      incorrect.errorMessage,
      "The key ID in the request does not identify a CMK that can perform this operation.",
    );
    assert.equal(incorrect.responseElements, null);
  });

  it("S02-003: of another account's key are in both accounts after a success, and in the caller's alone after a denial", async () => {
    const { Arn } = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT, "kms:Encrypt")) });
    const success = requestIdOf(await other.encrypt({ KeyId: Arn, Plaintext: bytes(1) }));
    const both = await records.where(({ requestID }) => requestID === success);
    assert.deepEqual(both.map(({ recipientAccountId }) => recipientAccountId).sort(), [ACCOUNT, OTHER_ACCOUNT].sort());
    for (const record of both)
      assert.deepEqual(record.resources, [{ accountId: ACCOUNT, type: "AWS::KMS::Key", ARN: Arn }]);
    const denied = await recordOfRefused(other.generateDataKey({ KeyId: Arn, KeySpec: "AES_256" }));
    assert.equal(denied.recipientAccountId, OTHER_ACCOUNT);
    assert.equal(denied.errorCode, "AccessDenied");
  });

  it("S02-004: hold no plaintext, ciphertext or policy that was read", async () => {
    const { KeyId } = await newKey(kms);
    const plaintext = crypto.getRandomValues(new Uint8Array(48));
    const encrypted = await kms.encrypt({ KeyId, Plaintext: plaintext, EncryptionContext: { seen: "in the record" } });
    const decrypted = await kms.decrypt({
      CiphertextBlob: encrypted.CiphertextBlob,
      EncryptionContext: { seen: "in the record" },
    });
    const dataKey = await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
    const random = await kms.generateRandom({ NumberOfBytes: 48 });
    const read = await kms.getKeyPolicy({ KeyId });
    const secrets = [
      plaintext,
      present(encrypted.CiphertextBlob),
      present(dataKey.Plaintext),
      present(dataKey.CiphertextBlob),
      present(random.Plaintext),
    ].flatMap((secret) => [secret.toBase64(), secret.toHex()]);
    for (const answer of [encrypted, decrypted, dataKey, random, read]) {
      const record = await records.of(requestIdOf(answer));
      const text = JSON.stringify(record);
      assert.equal(
        secrets.some((secret) => text.includes(secret)),
        false,
        record.eventName,
      );
      assert.equal(/"(?:plaintext|ciphertextBlob|policy)"/.test(text), false, record.eventName);
      assert.equal(record.responseElements, null);
    }
    const { requestParameters } = await records.of(requestIdOf(encrypted));
    assert.deepEqual(requestParameters?.["encryptionContext"], { seen: "in the record" });
  });

  it("S02-005: of Decrypt show the algorithm though the request left it out", async () => {
    const { requestParameters } = await records.of(requestIdOf(present(answers.get("Decrypt"))));
    assert.equal(requestParameters?.["encryptionAlgorithm"], "SYMMETRIC_DEFAULT");
  });

  for (const operation of [
    "DisableKey",
    "EnableKey",
    "EnableKeyRotation",
    "CreateAlias",
    "UpdateAlias",
    "DeleteAlias",
    "TagResource",
    "UntagResource",
  ]) {
    it(`S02-006: of ${operation} name the key's ARN in responseElements, which the answer does not`, async () => {
      const answer = present(answers.get(operation));
      assert.deepEqual(membersOf(answer), {});
      const { responseElements } = await records.of(requestIdOf(answer));
      assert.deepEqual(Object.keys(responseElements ?? {}), ["keyId"]);
      assert.match(String(responseElements?.["keyId"]), /^arn:aws:kms:us-east-1:111122223333:key\/[0-9a-f-]{36}$/);
    });
  }

  for (const operation of ["DisableKeyRotation", "PutKeyPolicy", "UpdateKeyDescription"]) {
    it(`S02-007: of ${operation} have no responseElements`, async () => {
      assert.equal((await records.of(requestIdOf(present(answers.get(operation))))).responseElements, null);
    });
  }

  const READ_ONLY = [
    "Decrypt",
    "DescribeCustomKeyStores",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GetPublicKey",
    "DeriveSharedSecret",
    "Encapsulate",
    "Decapsulate",
    "Sign",
    "Verify",
    "GenerateMac",
    "VerifyMac",
    "GenerateRandom",
    "GetKeyLastUsage",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListKeys",
    "ListResourceTags",
    "ListRetirableGrants",
    "ReEncrypt",
  ];

  for (const operation of answers.keys()) {
    const isReadOnly = READ_ONLY.includes(operation);
    it(`S02-008: of ${operation} are ${isReadOnly ? "readOnly and have no responseElements" : "not readOnly"}`, async () => {
      const { readOnly, responseElements } = await records.of(requestIdOf(present(answers.get(operation))));
      assert.equal(readOnly, isReadOnly);
      if (isReadOnly) assert.equal(responseElements, null);
    });
  }

  it("S02-008: of operations that only read say so when they are refused, too", async () => {
    assert.equal((await recordOfRefused(kms.describeKey({ KeyId: ABSENT_KEY_ID }))).readOnly, true);
    assert.equal((await recordOfRefused(kms.decrypt({ CiphertextBlob: bytes(0) }))).readOnly, true);
    assert.equal((await recordOfRefused(kms.enableKey({ KeyId: ABSENT_KEY_ID }))).readOnly, false);
  });

  it("S02-009: list key then alias for CreateAlias, alias then key for UpdateAlias and DeleteAlias, source then destination for ReEncrypt", async () => {
    const [first, second] = [await newKey(kms), await newKey(kms)];
    const AliasName = "alias/ordered";
    const alias = aliasArn(AliasName);
    assert.deepEqual(arnsOf(await recordOf(kms.createAlias({ AliasName, TargetKeyId: first.KeyId }))), [
      first.Arn,
      alias,
    ]);
    const updated = await recordOf(kms.updateAlias({ AliasName, TargetKeyId: second.KeyId }));
    assert.deepEqual(arnsOf(updated), [alias, second.Arn]);
    assert.deepEqual(updated.responseElements, { keyId: second.Arn });
    const deleted = await recordOf(kms.deleteAlias({ AliasName }));
    assert.deepEqual(arnsOf(deleted), [alias, second.Arn]);
    assert.deepEqual(deleted.responseElements, { keyId: second.Arn });
    for (const { type } of deleted.resources ?? []) assert.equal(type, "AWS::KMS::Key");
    const { CiphertextBlob } = await kms.encrypt({ KeyId: first.KeyId, Plaintext: bytes(1) });
    const moved = await recordOf(kms.reEncrypt({ CiphertextBlob, DestinationKeyId: second.KeyId }));
    assert.deepEqual(arnsOf(moved), [first.Arn, second.Arn]);
  });

  it("S02-010: of GenerateRandom have neither parameters nor resources, and of ListAliases no resources", async () => {
    const random = await records.of(requestIdOf(present(answers.get("GenerateRandom"))));
    assert.deepEqual([random.requestParameters, random.resources], [null, []]);
    const listed = await records.of(requestIdOf(present(answers.get("ListAliases"))));
    assert.deepEqual([listed.requestParameters, listed.resources], [{ limit: 10 }, []]);
  });

  it("S02-017: write dates as English text in UTC", async () => {
    const created = await kms.createKey({});
    const KeyId = present(created.KeyMetadata?.KeyId);
    const { responseElements } = await records.of(requestIdOf(created));
    const metadata = responseElements?.["keyMetadata"] as Record<string, unknown>;
    assert.equal(metadata["creationDate"], englishDate(present(created.KeyMetadata?.CreationDate)));
    const scheduled = await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    const record = await records.of(requestIdOf(scheduled));
    const date = englishDate(present(scheduled.DeletionDate));
    assert.match(date, /^[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d{2}:\d{2} [AP]M$/);
    assert.equal(record.responseElements?.["deletionDate"], date);
    assert.equal(record.responseElements?.["keyState"], "PendingDeletion");
    assert.deepEqual(record.requestParameters, { keyId: KeyId, pendingWindowInDays: 7 });
  });

  it("S02-033: of an attempt to use a key pending deletion match the published alarm filter, those of permitted calls do not", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(1) });
    await kms.scheduleKeyDeletion({ KeyId });
    // { $.eventSource = kms* && $.errorMessage = "* is pending deletion."}
    const alarms = ({ eventSource, errorMessage = "" }: AuditRecord): boolean =>
      eventSource.startsWith("kms") && errorMessage.endsWith(" is pending deletion.");
    for (const call of [
      () => kms.encrypt({ KeyId, Plaintext: bytes(1) }),
      () => kms.decrypt({ CiphertextBlob }),
      () => kms.generateDataKey({ KeyId, KeySpec: "AES_256" }),
    ]) {
      const record = await recordOfRefused(call());
      assert.ok(alarms(record), record.eventName);
      assert.deepEqual(arnsOf(record), [Arn]);
    }
    for (const call of [
      () => kms.listKeys({}),
      () => kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) }),
      () => kms.cancelKeyDeletion({ KeyId }),
    ]) {
      const record = await recordOf(call());
      assert.equal(alarms(record), false, record.eventName);
    }
    assert.equal(alarms(await recordOfRefused(kms.cancelKeyDeletion({ KeyId }))), false);
  });

  it("S01-036: of a call by alias have the alias as it was sent, and the key's ARN as the resource", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const AliasName = "alias/recorded";
    await kms.createAlias({ AliasName, TargetKeyId: KeyId });
    for (const name of [AliasName, aliasArn(AliasName)]) {
      for (const call of [
        () => kms.generateDataKey({ KeyId: name, KeySpec: "AES_256" }),
        () => kms.encrypt({ KeyId: name, Plaintext: bytes(1) }),
        () => kms.describeKey({ KeyId: name }),
      ]) {
        const { eventName, requestParameters, resources } = await recordOf(call());
        assert.equal(requestParameters?.["keyId"], name, eventName);
        assert.deepEqual(resources, [{ accountId: ACCOUNT, type: "AWS::KMS::Key", ARN: Arn }], eventName);
      }
    }
    const managed = await managedKey(kms, "xray");
    const described = await recordOf(kms.describeKey({ KeyId: "alias/aws/xray" }));
    assert.equal(described.requestParameters?.["keyId"], "alias/aws/xray");
    assert.deepEqual(arnsOf(described), [managed.Arn]);
  });

  it("of GenerateDataKey and CreateKey have the documented members", async () => {
    const { KeyId } = await newPendingKey(kms);
    const dry = await recordOfRefused(
      kms.generateDataKey({ KeyId, KeySpec: "AES_128", EncryptionContext: { a: "1" } }),
    );
    assert.deepEqual(dry.requestParameters, { keyId: KeyId, keySpec: "AES_128", encryptionContext: { a: "1" } });
    const { requestParameters, responseElements, resources } = await records.of(
      requestIdOf(present(answers.get("CreateKey"))),
    );
    assert.deepEqual(requestParameters, {
      description: "each once",
      keyUsage: "ENCRYPT_DECRYPT",
      customerMasterKeySpec: "SYMMETRIC_DEFAULT",
      keySpec: "SYMMETRIC_DEFAULT",
      origin: "AWS_KMS",
      multiRegion: false,
      bypassPolicyLockoutSafetyCheck: false,
      tags: [],
    });
    const metadata = responseElements?.["keyMetadata"] as Record<string, unknown>;
    assert.equal(metadata["aWSAccountId"], ACCOUNT);
    assert.equal(metadata["arn"], resources?.[0]?.ARN);
  });
});
