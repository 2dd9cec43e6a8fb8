/** Keys of spec 01 and 08: creating, describing, listing and describing anew; AWS managed keys. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { CreateKeyCommandInput, KeySpec, KMS } from "@aws-sdk/client-kms";
import { kmsModel } from "../../src/wire/models.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  describedKey,
  type Metadata,
  managedKey,
  newKey,
  newPendingKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  startWorld,
} from "../kms-client.ts";

const world = await startWorld();
after(() => world.stop());
const { kms, other } = world;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MATERIAL_ID = /^[0-9a-f]{64}$/;

/** Members of KeyMetadata that every symmetric encryption key with our own material has (spec 01, presence table). */
const ALWAYS = [
  "AWSAccountId",
  "Arn",
  "CreationDate",
  "CurrentKeyMaterialId",
  "CustomerMasterKeySpec",
  "Description",
  "Enabled",
  "EncryptionAlgorithms",
  "KeyId",
  "KeyManager",
  "KeySpec",
  "KeyState",
  "KeyUsage",
  "MultiRegion",
  "Origin",
];

const namesOf = (value: object): string[] => Object.keys(value).sort();

async function keyIdsIn(client: KMS): Promise<string[]> {
  const { Keys = [] } = await client.listKeys({});
  return Keys.map(({ KeyId }) => present(KeyId));
}

async function tagsOf(client: KMS, keyId: string): Promise<unknown> {
  return (await client.listResourceTags({ KeyId: keyId })).Tags;
}

describe("CreateKey", () => {
  it("S01-001: CreateKey with no parameters makes an enabled symmetric encryption key with exactly the default members", async () => {
    const { status, json } = await world.raw("CreateKey", {});
    const { KeyId, Arn, CreationDate, CurrentKeyMaterialId, ...rest } = json["KeyMetadata"] as Record<string, unknown>;
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(json), ["KeyMetadata"]);
    assert.match(String(KeyId), UUID);
    assert.equal(Arn, `arn:aws:kms:us-east-1:${ACCOUNT}:key/${KeyId}`);
    assert.equal(typeof CreationDate, "number");
    assert.ok(Math.abs(Number(CreationDate) - Date.now() / 1000) < 3600);
    assert.match(String(CurrentKeyMaterialId), MATERIAL_ID);
    assert.deepEqual(rest, {
      AWSAccountId: ACCOUNT,
      Enabled: true,
      Description: "",
      KeyUsage: "ENCRYPT_DECRYPT",
      KeyState: "Enabled",
      Origin: "AWS_KMS",
      KeyManager: "CUSTOMER",
      CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
      KeySpec: "SYMMETRIC_DEFAULT",
      EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
      MultiRegion: false,
    });
  });

  for (const input of [{ KeySpec: "SYMMETRIC_DEFAULT" }, { CustomerMasterKeySpec: "SYMMETRIC_DEFAULT" }] as const) {
    it(`S01-002: CreateKey takes ${Object.keys(input)[0]}, and both members come back with the same value`, async () => {
      const made = await newKey(kms, input);
      const described = await describedKey(kms, made.KeyId);
      for (const { KeySpec, CustomerMasterKeySpec } of [made, described]) {
        assert.deepEqual([KeySpec, CustomerMasterKeySpec], ["SYMMETRIC_DEFAULT", "SYMMETRIC_DEFAULT"]);
      }
    });
  }

  it("S01-003: tags of CreateKey are listed by ListResourceTags and are no part of KeyMetadata", async () => {
    const Tags = [
      { TagKey: "Cost center", TagValue: "42" },
      { TagKey: "team", TagValue: "" },
    ];
    const made = await newKey(kms, { Tags });
    assert.deepEqual(namesOf(made), ALWAYS);
    assert.deepEqual(namesOf(await describedKey(kms, made.KeyId)), ALWAYS);
    assert.deepEqual(await tagsOf(kms, made.KeyId), Tags);
  });

  it("S01-006: CreateKey makes no alias", async () => {
    const before = await kms.listAliases({ Limit: 100 });
    const { KeyId } = await newKey(kms, { Description: "without a name" });
    const after = await kms.listAliases({ Limit: 100 });
    assert.deepEqual(after.Aliases, before.Aliases);
    assert.deepEqual((await kms.listAliases({ KeyId })).Aliases, []);
  });

  it("is not idempotent: the same request makes a second key", async () => {
    const [first, second] = [await newKey(kms, { Description: "twice" }), await newKey(kms, { Description: "twice" })];
    assert.notEqual(first.KeyId, second.KeyId);
  });

  it("S01-009: who created a key may not use it when its policy does not say so", async () => {
    const { Arn } = await newKey(kms, {
      Policy: policyOf(allowing(OTHER_ACCOUNT)),
      BypassPolicyLockoutSafetyCheck: true,
    });
    await assertRefused(
      kms.describeKey({ KeyId: Arn }),
      "AccessDeniedException",
      /is not authorized to perform: kms:DescribeKey/,
    );
    await assertRefused(kms.encrypt({ KeyId: Arn, Plaintext: bytes(1) }), "AccessDeniedException");
    await assertRefused(kms.getKeyPolicy({ KeyId: Arn }), "AccessDeniedException");
    await assertRefused(kms.scheduleKeyDeletion({ KeyId: Arn }), "AccessDeniedException");
  });

  for (const KeySpec of [
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "ECC_NIST_EDWARDS25519",
    "HMAC_224",
    "HMAC_256",
    "HMAC_384",
    "HMAC_512",
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
    "ML_KEM_512",
    "ML_KEM_768",
    "ML_KEM_1024",
    "SM2",
  ] as const satisfies readonly KeySpec[]) {
    it(`S01-010: a ${KeySpec} key without KeyUsage is refused`, async () => {
      await assertRefused(kms.createKey({ KeySpec }), "ValidationException");
    });
  }

  for (const { KeySpec, KeyUsage } of [
    { KeySpec: "RSA_2048", KeyUsage: "KEY_AGREEMENT" },
    { KeySpec: "RSA_2048", KeyUsage: "GENERATE_VERIFY_MAC" },
    { KeySpec: "ECC_SECG_P256K1", KeyUsage: "KEY_AGREEMENT" },
    { KeySpec: "ECC_NIST_P256", KeyUsage: "ENCRYPT_DECRYPT" },
    { KeySpec: "HMAC_256", KeyUsage: "SIGN_VERIFY" },
    { KeySpec: "SYMMETRIC_DEFAULT", KeyUsage: "SIGN_VERIFY" },
  ] as const) {
    it(`refuses the usage ${KeyUsage} for ${KeySpec} in AWS's words`, async () => {
      const message = `KeyUsage ${KeyUsage} is not compatible with KeySpec ${KeySpec}`;
      await assertRefused(kms.createKey({ KeySpec, KeyUsage }), "ValidationException", message);
    });
  }

  for (const { what, input, code, message } of [
    {
      what: "SM2 keys outside China",
      input: { KeySpec: "SM2", KeyUsage: "SIGN_VERIFY" },
      code: "UnsupportedOperationException",
      message: /SM2/,
    },
    {
      what: "ML-DSA keys with imported material, as AWS does",
      input: { KeySpec: "ML_DSA_44", KeyUsage: "SIGN_VERIFY", Origin: "EXTERNAL" },
      code: "ValidationException",
      message: /^KeySpec ML_DSA_44 is not supported for Origin EXTERNAL$/,
    },
    {
      what: "a custom key store without the origin of its keys",
      input: { CustomKeyStoreId: "cks-1234567890abcdef0" },
      code: "ValidationException",
      message: /CustomKeyStoreId can be specified only when Origin is/,
    },
  ] satisfies readonly { what: string; input: CreateKeyCommandInput; code: string; message: RegExp }[]) {
    it(`refuses ${what}, and makes none`, async () => {
      const client = world.client("eu-west-3");
      await assertRefused(client.createKey(input), code, message);
      assert.deepEqual(await keyIdsIn(client), []);
    });
  }
});

describe("what a key is", () => {
  const FIXED = {
    KeySpec: "RSA_2048",
    CustomerMasterKeySpec: "RSA_2048",
    KeyUsage: "SIGN_VERIFY",
    Origin: "EXTERNAL",
    MultiRegion: true,
  };

  it("S01-011: no operation but CreateKey takes a key's spec, usage, origin or regionality", () => {
    const takers = [...kmsModel().operations.values()].flatMap(({ name, input }) =>
      input.members.filter((member) => member.name in FIXED).map((member) => `${name}.${member.name}`),
    );
    assert.deepEqual(
      takers.sort(),
      [
        ...Object.keys(FIXED).map((member) => `CreateKey.${member}`),
        "GenerateDataKey.KeySpec", // the spec of the data key
        "GenerateDataKeyWithoutPlaintext.KeySpec",
      ].sort(),
    );
  });

  it("S01-011: no operation changes a key's spec, usage, origin or regionality, whatever else it is sent", async () => {
    const { KeyId, ...made } = await newKey(kms);
    const second = await newKey(kms);
    const changes: readonly [string, object][] = [
      ["UpdateKeyDescription", { KeyId, Description: "changed" }],
      ["DisableKey", { KeyId }],
      ["EnableKey", { KeyId }],
      ["TagResource", { KeyId, Tags: [{ TagKey: "KeySpec", TagValue: "RSA_2048" }] }],
      ["UntagResource", { KeyId, TagKeys: ["KeySpec"] }],
      ["EnableKeyRotation", { KeyId }],
      ["DisableKeyRotation", { KeyId }],
      ["RotateKeyOnDemand", { KeyId }],
      ["PutKeyPolicy", { KeyId, Policy: policyOf(allowing(ACCOUNT)) }],
      ["CreateAlias", { AliasName: "alias/immutable", TargetKeyId: KeyId }],
      ["UpdateAlias", { AliasName: "alias/immutable", TargetKeyId: second.KeyId }],
      ["DeleteAlias", { AliasName: "alias/immutable" }],
      ["ScheduleKeyDeletion", { KeyId }],
      ["CancelKeyDeletion", { KeyId }],
    ];
    const fixedOf = ({
      KeySpec,
      CustomerMasterKeySpec,
      KeyUsage,
      Origin,
      MultiRegion,
      Arn,
    }: Omit<Metadata, "KeyId">) => ({
      KeySpec,
      CustomerMasterKeySpec,
      KeyUsage,
      Origin,
      MultiRegion,
      Arn,
    });
    for (const [operation, input] of changes) {
      const { status } = await world.raw(operation, { ...FIXED, ...input });
      assert.equal(status, 200, operation);
      assert.deepEqual(fixedOf(await describedKey(kms, KeyId)), fixedOf(made), operation);
    }
  });

  for (const { title, make, state, more } of [
    { title: "an enabled key", make: newKey, state: "Enabled", more: [] },
    {
      title: "a disabled key",
      async make(client: KMS) {
        const key = await newKey(client);
        await client.disableKey({ KeyId: key.KeyId });
        return key;
      },
      state: "Disabled",
      more: [],
    },
    { title: "a key pending deletion", make: newPendingKey, state: "PendingDeletion", more: ["DeletionDate"] },
    { title: "an AWS managed key", make: (client: KMS) => managedKey(client, "sqs"), state: "Enabled", more: [] },
  ]) {
    it(`S01-012: DescribeKey shows exactly the members of ${title}`, async () => {
      const { KeyId } = await make(kms);
      const described = await describedKey(kms, KeyId);
      assert.deepEqual(namesOf(described), [...ALWAYS, ...more].sort());
      assert.equal(described.KeyState, state);
      assert.equal(described.Enabled, state === "Enabled");
      assert.deepEqual(described.EncryptionAlgorithms, ["SYMMETRIC_DEFAULT"]);
    });
  }

  it("S01-013: DescribeKey takes key id, key ARN, alias name and alias ARN, with one answer", async () => {
    const { KeyId, Arn } = await newKey(kms, { Description: "four names" });
    const alias = "alias/described";
    await kms.createAlias({ AliasName: alias, TargetKeyId: KeyId });
    const expected = await describedKey(kms, KeyId);
    for (const name of [Arn, alias, `arn:aws:kms:us-east-1:${ACCOUNT}:${alias}`]) {
      assert.deepEqual(await describedKey(kms, name), expected, name);
    }
  });

  it("S01-013: another account describes a key by its ARNs alone, and only when the key policy lets it", async () => {
    const { KeyId, Arn } = await newKey(kms, {
      Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT, "kms:DescribeKey")),
    });
    const alias = "alias/described-abroad";
    await kms.createAlias({ AliasName: alias, TargetKeyId: KeyId });
    const expected = await describedKey(kms, KeyId);
    assert.deepEqual(await describedKey(other, Arn), expected);
    assert.deepEqual(await describedKey(other, `arn:aws:kms:us-east-1:${ACCOUNT}:${alias}`), expected);
    await assertRefused(other.describeKey({ KeyId }), "NotFoundException");
    await assertRefused(other.describeKey({ KeyId: alias }), "NotFoundException");
    const unshared = await newKey(kms);
    await assertRefused(other.describeKey({ KeyId: unshared.Arn }), "AccessDeniedException");
  });

  it("S01-015: ListKeys answers ids and ARNs only, 100 a page, and never another account's keys", async () => {
    const [mine, theirs] = [world.client("eu-south-1"), world.client("eu-south-1", OTHER_ACCOUNT)];
    const made: Metadata[] = [];
    for (let count = 0; count < 101; count += 1)
      made.push(await newKey(mine, { Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT)) }));
    const foreign = await newKey(theirs);
    const first = await mine.listKeys({});
    assert.equal(present(first.Keys).length, 100);
    assert.equal(first.Truncated, true);
    const second = await mine.listKeys({ Marker: first.NextMarker });
    assert.equal(second.Truncated, false);
    assert.equal(second.NextMarker, undefined);
    const listed = [...present(first.Keys), ...present(second.Keys)];
    for (const entry of listed) assert.deepEqual(namesOf(entry), ["KeyArn", "KeyId"]);
    assert.deepEqual(listed.map(({ KeyArn }) => KeyArn).sort(), made.map(({ Arn }) => Arn).sort());
    assert.deepEqual(await keyIdsIn(theirs), [foreign.KeyId]);
  });

  it("ListKeys lists keys in every state, and AWS managed ones", async () => {
    const client = world.client("eu-south-2");
    const keys = [
      await newKey(client),
      await newPendingKey(client),
      await managedKey(client, "ebs"),
      await newKey(client),
    ];
    await client.disableKey({ KeyId: present(keys[3]).KeyId });
    assert.deepEqual((await keyIdsIn(client)).sort(), keys.map(({ KeyId }) => KeyId).sort());
  });

  it("S01-016: UpdateKeyDescription changes the description of a key in use and refuses one pending deletion", async () => {
    const key = await newKey(kms, { Description: "old" });
    await kms.updateKeyDescription({ KeyId: key.KeyId, Description: "new" });
    assert.equal((await describedKey(kms, key.KeyId)).Description, "new");
    await kms.updateKeyDescription({ KeyId: key.KeyId, Description: "" });
    assert.equal((await describedKey(kms, key.KeyId)).Description, "");
    await kms.scheduleKeyDeletion({ KeyId: key.KeyId });
    await assertRefused(
      kms.updateKeyDescription({ KeyId: key.KeyId, Description: "late" }),
      "KMSInvalidStateException",
      `${key.Arn} is pending deletion.`,
    );
    assert.equal((await describedKey(kms, key.KeyId)).Description, "");
  });
});

describe("an AWS managed key", () => {
  it("S01-014: DescribeKey of a predefined alias without a key makes the key and describes it", async () => {
    const client = world.client("ap-south-1");
    assert.deepEqual(await keyIdsIn(client), []);
    const made = await describedKey(client, "alias/aws/ebs");
    assert.equal(made.KeyManager, "AWS");
    assert.equal(made.AWSAccountId, ACCOUNT);
    assert.equal(made.KeyState, "Enabled");
    assert.deepEqual(await keyIdsIn(client), [made.KeyId]);
    assert.deepEqual(await describedKey(client, "alias/aws/ebs"), made);
    assert.deepEqual(await describedKey(client, made.Arn), made);
    const { Aliases = [] } = await client.listAliases({ KeyId: made.KeyId });
    assert.deepEqual(
      Aliases.map(({ AliasName, TargetKeyId }) => [AliasName, TargetKeyId]),
      [["alias/aws/ebs", made.KeyId]],
    );
  });

  it("S01-014: two first requests at once make one key", async () => {
    const client = world.client("ap-south-2");
    const [left, right] = await Promise.all([managedKey(client, "s3"), managedKey(client, "s3")]);
    assert.equal(left.KeyId, right.KeyId);
    assert.deepEqual(await keyIdsIn(client), [left.KeyId]);
  });

  it("S01-014: an alias that AWS does not predefine makes no key", async () => {
    await assertRefused(kms.describeKey({ KeyId: "alias/aws/no-such-service" }), "NotFoundException");
  });

  for (const [operation, call] of Object.entries({
    PutKeyPolicy: (KeyId) => kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) }),
    "PutKeyPolicy without the lockout check": (KeyId) =>
      kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)), BypassPolicyLockoutSafetyCheck: true }),
    TagResource: (KeyId) => kms.tagResource({ KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] }),
    UntagResource: (KeyId) => kms.untagResource({ KeyId, TagKeys: ["a"] }),
    EnableKey: (KeyId) => kms.enableKey({ KeyId }),
    DisableKey: (KeyId) => kms.disableKey({ KeyId }),
    EnableKeyRotation: (KeyId) => kms.enableKeyRotation({ KeyId }),
    DisableKeyRotation: (KeyId) => kms.disableKeyRotation({ KeyId }),
    RotateKeyOnDemand: (KeyId) => kms.rotateKeyOnDemand({ KeyId }),
    UpdateKeyDescription: (KeyId) => kms.updateKeyDescription({ KeyId, Description: "mine now" }),
    ScheduleKeyDeletion: (KeyId) => kms.scheduleKeyDeletion({ KeyId }),
    CancelKeyDeletion: (KeyId) => kms.cancelKeyDeletion({ KeyId }),
    CreateAlias: (KeyId) => kms.createAlias({ AliasName: "alias/on-managed", TargetKeyId: KeyId }),
    async UpdateAlias(KeyId) {
      const { KeyId: own } = await newKey(kms);
      await kms.createAlias({ AliasName: "alias/to-managed", TargetKeyId: own });
      return kms.updateAlias({ AliasName: "alias/to-managed", TargetKeyId: KeyId });
    },
  } satisfies Record<string, (keyId: string) => Promise<unknown>>)) {
    it(`S01-017: ${operation} is refused on an AWS managed key and changes nothing`, async () => {
      const key = await managedKey(kms, "lambda");
      const { Policy } = await kms.getKeyPolicy({ KeyId: key.KeyId });
      await assertRefused(call(key.KeyId), "AccessDeniedException");
      assert.deepEqual(await describedKey(kms, key.KeyId), key);
      assert.equal((await kms.getKeyPolicy({ KeyId: key.KeyId })).Policy, Policy);
      assert.equal((await kms.listAliases({ KeyId: key.KeyId })).Aliases?.length, 1);
    });
  }

  it("S01-017: DescribeKey, GetKeyPolicy, ListResourceTags and GetKeyRotationStatus show an AWS managed key", async () => {
    const { KeyId } = await managedKey(kms, "rds");
    const { Policy, PolicyName } = await kms.getKeyPolicy({ KeyId });
    assert.equal(PolicyName, "default");
    assert.equal(typeof JSON.parse(present(Policy)).Version, "string");
    assert.deepEqual(await tagsOf(kms, KeyId), []);
    assert.equal((await kms.getKeyRotationStatus({ KeyId })).KeyRotationEnabled, true);
  });

  for (const [operation, call] of Object.entries({
    Encrypt: (KeyId) => kms.encrypt({ KeyId, Plaintext: bytes(8) }),
    GenerateDataKey: (KeyId) => kms.generateDataKey({ KeyId, KeySpec: "AES_256" }),
    GenerateDataKeyWithoutPlaintext: (KeyId) => kms.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: "AES_256" }),
    async "ReEncrypt to it"(KeyId) {
      const own = await newKey(kms);
      const { CiphertextBlob } = await kms.encrypt({ KeyId: own.KeyId, Plaintext: bytes(8) });
      return kms.reEncrypt({ CiphertextBlob, DestinationKeyId: KeyId });
    },
  } satisfies Record<string, (keyId: string) => Promise<unknown>>)) {
    it(`S01-018: an account cannot itself use an AWS managed key: ${operation}`, async () => {
      const { Arn } = await managedKey(kms, "sns");
      await assertRefused(call(Arn), "AccessDeniedException");
      await assertRefused(call("alias/aws/sns"), "AccessDeniedException");
    });
  }
});
