/** Key identifiers of spec 01 and 08: which forms each operation takes, and whose they are. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  ABSENT_KEY_ID,
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  describedKey,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms, other } = world;

const ALIAS = "alias/identified";
const ALIAS_ARN = `arn:aws:kms:us-east-1:${ACCOUNT}:${ALIAS}`;
const key = await newKey(kms);
await kms.createAlias({ AliasName: ALIAS, TargetKeyId: key.KeyId });
const { CiphertextBlob } = await kms.encrypt({ KeyId: key.KeyId, Plaintext: bytes(10) });

/** Errors that an identifier of a form that is not taken may get (spec 08, key identifiers of the samples). */
const NOT_TAKEN = /^(?:NotFoundException|InvalidArnException)$/;

type Calls = Readonly<Record<string, (name: string) => Promise<unknown>>>;

/** Operations that take a key id or a key ARN, and no alias. */
const keyOnly: Calls = {
  CancelKeyDeletion: (KeyId) => kms.cancelKeyDeletion({ KeyId }),
  DisableKey: (KeyId) => kms.disableKey({ KeyId }),
  DisableKeyRotation: (KeyId) => kms.disableKeyRotation({ KeyId }),
  EnableKey: (KeyId) => kms.enableKey({ KeyId }),
  EnableKeyRotation: (KeyId) => kms.enableKeyRotation({ KeyId }),
  GetKeyLastUsage: (KeyId) => kms.getKeyLastUsage({ KeyId }),
  GetKeyPolicy: (KeyId) => kms.getKeyPolicy({ KeyId }),
  GetKeyRotationStatus: (KeyId) => kms.getKeyRotationStatus({ KeyId }),
  ListAliases: (KeyId) => kms.listAliases({ KeyId }),
  ListKeyPolicies: (KeyId) => kms.listKeyPolicies({ KeyId }),
  ListKeyRotations: (KeyId) => kms.listKeyRotations({ KeyId }),
  ListResourceTags: (KeyId) => kms.listResourceTags({ KeyId }),
  RotateKeyOnDemand: (KeyId) => kms.rotateKeyOnDemand({ KeyId }),
  PutKeyPolicy: (KeyId) => kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) }),
  ScheduleKeyDeletion: (KeyId) => kms.scheduleKeyDeletion({ KeyId }),
  TagResource: (KeyId) => kms.tagResource({ KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] }),
  UntagResource: (KeyId) => kms.untagResource({ KeyId, TagKeys: ["a"] }),
  UpdateKeyDescription: (KeyId) => kms.updateKeyDescription({ KeyId, Description: "by alias" }),
};

/** Members that name the target of an alias. */
const aliasTargets: Calls = {
  CreateAlias: (TargetKeyId) => kms.createAlias({ AliasName: "alias/of-an-alias", TargetKeyId }),
  UpdateAlias: (TargetKeyId) => kms.updateAlias({ AliasName: ALIAS, TargetKeyId }),
};

/** Operations that take all four forms, with the member of the answer that names the key. */
const anyForm: Readonly<Record<string, (name: string) => Promise<string | undefined>>> = {
  DescribeKey: async (KeyId) => (await kms.describeKey({ KeyId })).KeyMetadata?.Arn,
  Encrypt: async (KeyId) => (await kms.encrypt({ KeyId, Plaintext: bytes(10) })).KeyId,
  Decrypt: async (KeyId) => (await kms.decrypt({ KeyId, CiphertextBlob })).KeyId,
  GenerateDataKey: async (KeyId) => (await kms.generateDataKey({ KeyId, NumberOfBytes: 20 })).KeyId,
  GenerateDataKeyWithoutPlaintext: async (KeyId) =>
    (await kms.generateDataKeyWithoutPlaintext({ KeyId, NumberOfBytes: 20 })).KeyId,
  "ReEncrypt (source)": async (SourceKeyId) =>
    (await kms.reEncrypt({ SourceKeyId, CiphertextBlob, DestinationKeyId: key.KeyId })).SourceKeyId,
  "ReEncrypt (destination)": async (DestinationKeyId) =>
    (await kms.reEncrypt({ CiphertextBlob, DestinationKeyId })).KeyId,
};

const forms = { "a key id": key.KeyId, "a key ARN": key.Arn, "an alias name": ALIAS, "an alias ARN": ALIAS_ARN };

describe("an alias where only a key is taken", () => {
  for (const [operation, call] of Object.entries(keyOnly)) {
    it(`S01-020, S08-008: ${operation} refuses an alias name and an alias ARN`, async () => {
      const before = await describedKey(kms, key.KeyId);
      await assertRefused(call(ALIAS), NOT_TAKEN);
      await assertRefused(call(ALIAS_ARN), NOT_TAKEN);
      assert.deepEqual(await describedKey(kms, key.KeyId), before);
    });
  }

  for (const [operation, call] of Object.entries(aliasTargets)) {
    it(`S01-021, S08-008: ${operation} refuses an alias as TargetKeyId`, async () => {
      for (const target of [ALIAS, ALIAS_ARN, "alias/absent"]) {
        await assertRefused(call(target), "ValidationException", "Aliases must refer to keys. Not aliases");
      }
      const { Aliases = [] } = await kms.listAliases({ KeyId: key.KeyId });
      assert.deepEqual(
        Aliases.map(({ AliasName }) => AliasName),
        [ALIAS],
      );
    });
  }
});

describe("an operation that takes every identifier", () => {
  for (const [operation, call] of Object.entries(anyForm)) {
    for (const [form, name] of Object.entries(forms)) {
      it(`S08-008, S08-009, S08-030: SC-20 ${operation} takes ${form} and answers with the key's ARN`, async () => {
        assert.equal(await call(name), key.Arn);
      });
    }
  }
});

describe("an identifier that leads nowhere", () => {
  for (const [operation, call] of Object.entries({ ...keyOnly, ...aliasTargets, ...anyForm })) {
    it(`is NotFoundException for ${operation}`, async () => {
      await assertRefused(call(ABSENT_KEY_ID), "NotFoundException");
      await assertRefused(call(`arn:aws:kms:us-east-1:${ACCOUNT}:key/${ABSENT_KEY_ID}`), "NotFoundException");
      await assertRefused(call("no-key-id"), "NotFoundException");
    });

    it(`is refused by ${operation} when it is an ARN of another Region`, async () => {
      const elsewhere = key.Arn.replace("us-east-1", "eu-west-1");
      await assertRefused(call(elsewhere), NOT_TAKEN);
    });
  }

  for (const [operation, call] of Object.entries(anyForm)) {
    it(`names the alias that ${operation} did not find`, async () => {
      const message = `Alias arn:aws:kms:us-east-1:${ACCOUNT}:alias/absent is not found.`;
      await assertRefused(call("alias/absent"), "NotFoundException", message);
    });
  }
});

describe("a bare name", () => {
  it("S01-022: a key id of another account is not found, even where its ARN may be used", async () => {
    const shared = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT)) });
    const calls: Calls = {
      DescribeKey: (KeyId) => other.describeKey({ KeyId }),
      Encrypt: (KeyId) => other.encrypt({ KeyId, Plaintext: bytes(4) }),
      GenerateDataKey: (KeyId) => other.generateDataKey({ KeyId, KeySpec: "AES_128" }),
      GenerateDataKeyWithoutPlaintext: (KeyId) => other.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: "AES_128" }),
      GetKeyRotationStatus: (KeyId) => other.getKeyRotationStatus({ KeyId }),
    };
    for (const [operation, call] of Object.entries(calls)) {
      await call(shared.Arn);
      await assertRefused(call(shared.KeyId), "NotFoundException", undefined);
      assert.ok(operation);
    }
  });

  it("S01-022: an alias name means the caller's own alias, or none", async () => {
    const AliasName = "alias/in-both-accounts";
    const [mine, theirs] = [
      await newKey(kms, { Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT)) }),
      await newKey(other),
    ];
    await kms.createAlias({ AliasName, TargetKeyId: mine.KeyId });
    await assertRefused(other.encrypt({ KeyId: AliasName, Plaintext: bytes(4) }), "NotFoundException");
    await other.createAlias({ AliasName, TargetKeyId: theirs.KeyId });
    assert.equal((await other.encrypt({ KeyId: AliasName, Plaintext: bytes(4) })).KeyId, theirs.Arn);
    assert.equal((await kms.encrypt({ KeyId: AliasName, Plaintext: bytes(4) })).KeyId, mine.Arn);
    const abroad = `arn:aws:kms:us-east-1:${ACCOUNT}:${AliasName}`;
    assert.equal((await other.encrypt({ KeyId: abroad, Plaintext: bytes(4) })).KeyId, mine.Arn);
  });
});
