/** Secrets Manager, driven by AWS's own client: secrets, their versions and labels, and what it asks of KMS in its callers' names. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { ResourceGroupsTaggingAPI } from "@aws-sdk/client-resource-groups-tagging-api";
import { type CreateSecretCommandInput, SecretsManager } from "@aws-sdk/client-secrets-manager";
import fc from "fast-check";
import {
  attach,
  CURRENT,
  findLabelled,
  PENDING,
  PREVIOUS,
  type Stages,
} from "../../src/services/secretsmanager/stages.ts";
import { send, sign } from "../faults/signed-requests.ts";
import { allow, startIamWorld } from "../iam-world.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  managedKey,
  membersOf,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
  requestIdOf,
} from "../kms-client.ts";

const world = await startIamWorld();
const { endpoint, credentials } = world.server;
const clients: { destroy(): void }[] = [];
after(async () => {
  for (const client of clients) client.destroy();
  await world.stop();
});

function client(key = credentials): SecretsManager {
  const made = new SecretsManager({ endpoint, region: REGION, credentials: key, maxAttempts: 1 });
  clients.push(made);
  return made;
}

const secrets = client();
const NOT_FOUND = "Secrets Manager can't find the specified secret.";
const DELETED = "You can't perform this operation on the secret because it was marked for deletion.";

/** A user with a client of Secrets Manager. */
async function user(name: string, statements: readonly object[]): Promise<SecretsManager> {
  await world.person(name, { allow: statements });
  const { AccessKey } = await world.iam.createAccessKey({ UserName: name });
  const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "" } = present(AccessKey);
  return client({ accessKeyId, secretAccessKey });
}

async function newSecret(Name: string, more: Partial<CreateSecretCommandInput> = {}): Promise<string> {
  return present((await secrets.createSecret({ Name, SecretString: "open sesame", ...more })).ARN);
}

/** The labels of a secret's versions, the oldest version first. */
async function labels(SecretId: string, IncludeDeprecated = false): Promise<readonly (readonly string[])[]> {
  const { Versions } = await secrets.listSecretVersionIds({ SecretId, IncludeDeprecated });
  return present(Versions).map(({ VersionStages = [] }) => VersionStages);
}

/** What KMS has recorded of one secret, as operation, version in the encryption context, and how the key was named. */
async function kmsCalls(arn: string): Promise<readonly (readonly unknown[])[]> {
  const records = await world.records.where(
    ({ eventSource, requestParameters }) =>
      eventSource === "kms.amazonaws.com" && JSON.stringify(requestParameters).includes(`"${arn}"`),
  );
  return records.map(({ eventName, requestParameters }) => {
    const { encryptionContext, keyId } = present(requestParameters ?? undefined) as {
      readonly encryptionContext: Readonly<Record<string, string>>;
      readonly keyId?: string;
    };
    return [eventName, encryptionContext["SecretVersionId"], keyId];
  });
}

describe("a secret", () => {
  it("is made, described, read, changed and listed with the members that AWS was recorded to answer", async () => {
    const Name = "app/Valid_+=.@-!Name";
    const made = membersOf(await secrets.createSecret({ Name, SecretString: "one", Description: "why" }));
    const arn = present(made.ARN);
    assert.match(arn, /^arn:aws:secretsmanager:us-east-1:111122223333:secret:app\/Valid_\+=\.@-!Name-[A-Za-z0-9]{6}$/);
    const VersionId = present(made.VersionId);
    assert.deepEqual(made, { ARN: arn, Name, VersionId });
    const { CreatedDate, LastChangedDate, ...described } = membersOf(await secrets.describeSecret({ SecretId: Name }));
    const known = { ARN: arn, Name, Description: "why", VersionIdsToStages: { [VersionId]: [CURRENT] } };
    assert.deepEqual([described, CreatedDate], [known, LastChangedDate]);
    const { CreatedDate: _at, ...value } = membersOf(await secrets.getSecretValue({ SecretId: arn }));
    assert.deepEqual(value, { ARN: arn, Name, VersionId, SecretString: "one", VersionStages: [CURRENT] });
    const day = present((await secrets.describeSecret({ SecretId: arn })).LastAccessedDate);
    assert.equal(day.getTime() % 86_400_000, 0);
    const put = membersOf(await secrets.putSecretValue({ SecretId: Name, SecretBinary: bytes(3) }));
    assert.deepEqual(put, { ARN: arn, Name, VersionId: put.VersionId, VersionStages: [CURRENT] });
    assert.deepEqual((await secrets.getSecretValue({ SecretId: Name })).SecretBinary, bytes(3));
    assert.equal((await secrets.getSecretValue({ SecretId: Name, VersionStage: PREVIOUS })).SecretString, "one");
    const updated = membersOf(await secrets.updateSecret({ SecretId: Name, Description: "because" }));
    assert.deepEqual(updated, { ARN: arn, Name });
    assert.ok((await secrets.updateSecret({ SecretId: Name, SecretString: "three" })).VersionId);
    assert.deepEqual(await labels(arn), [[PREVIOUS], [CURRENT]]);
    assert.deepEqual(await labels(arn, true), [[], [PREVIOUS], [CURRENT]]);
    const { Versions, ...named } = membersOf(await secrets.listSecretVersionIds({ SecretId: Name, MaxResults: 1 }));
    assert.deepEqual([named.ARN, Versions?.[0]?.KmsKeyIds], [arn, ["DefaultEncryptionKey"]]);
    const rest = await secrets.listSecretVersionIds({ SecretId: Name, NextToken: present(named.NextToken) });
    assert.deepEqual([rest.Versions?.[0]?.VersionStages, rest.NextToken], [[CURRENT], undefined]);
  });

  it("may have no value yet, and gets its first version by PutSecretValue", async () => {
    const made = membersOf(await secrets.createSecret({ Name: "empty", Description: "" }));
    assert.deepEqual(made, { ARN: made.ARN, Name: "empty" });
    const described = membersOf(await secrets.describeSecret({ SecretId: "empty" }));
    assert.deepEqual(Object.keys(described).toSorted(), ["ARN", "CreatedDate", "LastChangedDate", "Name"]);
    await assertRefused(
      secrets.getSecretValue({ SecretId: "empty" }),
      "ResourceNotFoundException",
      "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    );
    const first = await secrets.putSecretValue({ SecretId: "empty", SecretString: "x", VersionStages: [PENDING] });
    assert.deepEqual(first.VersionStages, [CURRENT, PENDING]);
  });

  it("is found by its ARN with and without the six characters, and by nothing else", async () => {
    const arn = await newSecret("partial-abcde");
    for (const SecretId of [arn, arn.slice(0, -7), "partial-abcde"]) {
      assert.equal((await secrets.describeSecret({ SecretId })).ARN, arn);
    }
    const six = await newSecret("partial-abcdef"); // whose partial ARN looks like the whole ARN of another
    assert.equal((await secrets.describeSecret({ SecretId: six })).ARN, six);
    for (const SecretId of [
      "partial",
      six.slice(0, -7),
      arn.slice(0, -1),
      `${arn.slice(0, -6)}AAAAA0`,
      arn.replace(REGION, "eu-west-1"),
    ]) {
      await assertRefused(secrets.describeSecret({ SecretId }), "ResourceNotFoundException", NOT_FOUND);
    }
    const foreign = arn.replace(ACCOUNT, OTHER_ACCOUNT);
    const refused = (who: string, resource: string) =>
      `User: arn:aws:iam::${who}:root is not authorized to perform: secretsmanager:GetSecretValue on resource: ${resource} because no resource-based policy allows the secretsmanager:GetSecretValue action`;
    await assertRefused(
      secrets.getSecretValue({ SecretId: foreign }),
      "AccessDeniedException",
      refused(ACCOUNT, foreign),
    );
    const other = client(world.otherCredentials);
    await assertRefused(other.getSecretValue({ SecretId: arn }), "AccessDeniedException", refused(OTHER_ACCOUNT, arn));
  });

  for (const { title, call, code, message } of [
    {
      title: "a name with other characters",
      call: () => secrets.createSecret({ Name: " Inv *?!]Name\\-" }),
      code: "ValidationException",
      message:
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    },
    {
      title: "text and bytes at once",
      call: () => secrets.createSecret({ Name: "both", SecretString: "a", SecretBinary: bytes(1) }),
      code: "InvalidParameterException",
      message: /can't specify both/,
    },
    {
      title: "no value to put",
      call: () => secrets.putSecretValue({ SecretId: "none" }),
      code: "InvalidRequestException",
      message: "You must provide either SecretString or SecretBinary.",
    },
    {
      title: "more than 64 KiB of text",
      call: () => secrets.createSecret({ Name: "large", SecretString: "é".repeat(32_769) }),
      code: "ValidationException",
      message: /65536 bytes/,
    },
    {
      title: "a recovery window of six days",
      call: () => secrets.deleteSecret({ SecretId: "none", RecoveryWindowInDays: 6 }),
      code: "InvalidParameterException",
      message: "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
    },
    {
      title: "a window for what is to go at once",
      call: () => secrets.deleteSecret({ SecretId: "none", RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true }),
      code: "InvalidParameterException",
      message: "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    },
    {
      title: "replicas",
      call: () => secrets.createSecret({ Name: "replicas", AddReplicaRegions: [{ Region: "eu-west-1" }] }),
      code: "UnsupportedOperationException",
      message: /replicate/,
    },
    {
      title: "reserved tags",
      call: () => secrets.createSecret({ Name: "reserved", Tags: [{ Key: "aws:x", Value: "" }] }),
      code: "InvalidParameterException",
      message: /reserved/,
    },
  ]) {
    it(`is not made or changed by ${title}`, async () => {
      await assertRefused(call(), code, message);
    });
  }

  it("needs a token, which makes repeating it harmless and can't be used for another value", async () => {
    const draft = {
      method: "POST",
      path: "/",
      headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager.CreateSecret" },
      body: JSON.stringify({ Name: "untold", SecretString: "x" }),
    };
    const answer = await send(endpoint, await sign(world.server, draft, { service: "secretsmanager" }));
    assert.deepEqual(
      [answer.status, JSON.parse(answer.body.toString("utf8"))],
      [
        400,
        {
          __type: "InvalidRequestException",
          Message: "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        },
      ],
    );
    const ClientRequestToken = "11111111-2222-3333-4444-555555555555";
    const create = (SecretString: string) => secrets.createSecret({ Name: "token", SecretString, ClientRequestToken });
    const { ARN = "" } = await create("a");
    assert.equal((await create("a")).ARN, ARN);
    const taken = `You can't use ClientRequestToken ${ClientRequestToken} because that value is already in use for a version of secret ${ARN}.`;
    await assertRefused(create("b"), "ResourceExistsException", taken);
    const put = (SecretString: string) =>
      secrets.putSecretValue({ SecretId: "token", SecretString, ClientRequestToken });
    assert.deepEqual((await put("a")).VersionStages, [CURRENT]);
    await assertRefused(put("b"), "ResourceExistsException", taken);
    await assertRefused(
      secrets.createSecret({ Name: "token", SecretString: "a" }),
      "ResourceExistsException",
      "The operation failed because the secret token already exists.",
    );
  });

  it("is in the records of its changes by its ARN, in some with the rest of the answer", async () => {
    const Name = "recorded-changes";
    const created = await secrets.createSecret({ Name, SecretString: "x" });
    const [SecretId, arn] = [Name, present(created.ARN)];
    const put = await secrets.putSecretValue({ SecretId, SecretString: "y" });
    const tagged = await secrets.tagResource({ SecretId, Tags: [{ Key: "a", Value: "b" }] });
    const updated = await secrets.updateSecret({ SecretId, Description: "d" });
    const policy = await secrets.deleteResourcePolicy({ SecretId });
    const deleted = await secrets.deleteSecret({ SecretId });
    const answers = [created, put, tagged, updated, policy, deleted];
    const records = await Promise.all(answers.map((answer) => world.records.of(requestIdOf(answer))));
    const elements = records.map(({ responseElements }) => responseElements);
    assert.deepEqual(elements.slice(0, -1), [{ arn }, { arn }, { arn }, { arn }, { arn, name: Name }]);
    assert.deepEqual(Object.keys(elements.at(-1) ?? {}), ["arn", "name", "deletionDate"]);
  });
});

describe("staging labels", () => {
  it("move as AWS was recorded to move them", async () => {
    const SecretId = await newSecret("stages");
    const put = (VersionStages?: string[]) =>
      secrets.putSecretValue({ SecretId, SecretString: "s", ...(VersionStages && { VersionStages }) });
    await put(["PUT1", PENDING, "AWSSOMETHING"]);
    assert.deepEqual(await labels(SecretId), [[CURRENT], [PENDING, "AWSSOMETHING", "PUT1"]]);
    const { VersionIdsToStages = {} } = await secrets.describeSecret({ SecretId });
    const idOf = (label: string) =>
      Object.keys(VersionIdsToStages).find((id) => VersionIdsToStages[id]?.includes(label));
    const [current = "", pending = ""] = [idOf(CURRENT), idOf(PENDING)];
    const move = { SecretId, VersionStage: CURRENT, MoveToVersionId: pending };
    await assertRefused(
      secrets.updateSecretVersionStage(move),
      "InvalidParameterException",
      `The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version ${current}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
    await secrets.updateSecretVersionStage({ ...move, RemoveFromVersionId: current });
    assert.deepEqual(await labels(SecretId), [[PREVIOUS], [CURRENT, PENDING, "AWSSOMETHING", "PUT1"]]);
    await put([PENDING, "PUT2"]);
    assert.deepEqual(await labels(SecretId), [[PREVIOUS], [CURRENT, "AWSSOMETHING", "PUT1"], [PENDING, "PUT2"]]);
    await put();
    assert.deepEqual(await labels(SecretId), [
      [PREVIOUS, "AWSSOMETHING", "PUT1"].toSorted(),
      [PENDING, "PUT2"],
      [CURRENT],
    ]);
    const { VersionId: now } = await secrets.getSecretValue({ SecretId });
    await assertRefused(
      secrets.updateSecretVersionStage({ SecretId, VersionStage: CURRENT, RemoveFromVersionId: now }),
      "InvalidParameterException",
      "You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.",
    );
    for (const [input, code] of [
      [{ VersionStage: CURRENT, RemoveFromVersionId: pending }, "InvalidParameterException"],
      [{ VersionStage: "PUT2", RemoveFromVersionId: pending }, "InvalidParameterException"],
      [
        { VersionStage: "PUT1", MoveToVersionId: "f".repeat(32), RemoveFromVersionId: pending },
        "ResourceNotFoundException",
      ],
    ] as const) {
      await assertRefused(secrets.updateSecretVersionStage({ SecretId, ...input }), code);
    }
    await secrets.updateSecretVersionStage({ SecretId, VersionStage: "PUT1", RemoveFromVersionId: pending });
    await assertRefused(
      secrets.getSecretValue({ SecretId, VersionStage: "PUT1" }),
      "ResourceNotFoundException",
      "Secrets Manager can't find the specified secret value for staging label: PUT1",
    );
    await assertRefused(
      secrets.getSecretValue({ SecretId, VersionId: pending, VersionStage: CURRENT }),
      "InvalidRequestException",
      "You provided a VersionStage that is not associated to the provided VersionId.",
    );
    const many = Array.from({ length: 18 }, (_, index) => `L${index}`);
    await assertRefused(
      put(many),
      "LimitExceededException",
      "You exceeded the maximum number of staging labels allowed on a secret.",
    );
  });

  it("leave no pending version behind that was current", async () => {
    const SecretId = await newSecret("pending");
    const { VersionId: first } = await secrets.getSecretValue({ SecretId });
    const { VersionId: second } = await secrets.putSecretValue({
      SecretId,
      SecretString: "s",
      VersionStages: [PENDING],
    });
    const move = { SecretId, VersionStage: CURRENT, MoveToVersionId: second, RemoveFromVersionId: first };
    await secrets.updateSecretVersionStage(move);
    assert.deepEqual(await labels(SecretId), [[PREVIOUS], [CURRENT, PENDING]]);
    await secrets.putSecretValue({ SecretId, SecretString: "t" });
    assert.deepEqual(await labels(SecretId), [[PREVIOUS], [CURRENT]]);
  });

  it("are each on one version at most, and the version that was current is the previous one", () => {
    const label = fc.constantFrom(CURRENT, PREVIOUS, PENDING, "one", "two");
    const step = fc.tuple(fc.constantFrom("a", "b", "c"), fc.uniqueArray(label, { minLength: 1 }));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        let stages: Stages = new Map([["a", [CURRENT]]]);
        for (const [version, wanted] of steps) {
          const before = findLabelled(stages, CURRENT);
          stages = attach(stages, version, wanted);
          const all = [...stages.values()].flat();
          assert.equal(new Set(all).size, all.length);
          for (const each of wanted) {
            const isTaken = each === PREVIOUS && wanted.includes(CURRENT) && before !== version;
            assert.equal(findLabelled(stages, each), isTaken ? before : version);
          }
          if (findLabelled(stages, CURRENT) !== before) assert.equal(findLabelled(stages, PREVIOUS), before);
        }
      }),
    );
  });
});

describe("the value of a secret", () => {
  it("is under a data key of the caller's key, tried first, with secret and version as encryption context", async () => {
    const key = await newKey(world.kms);
    const ARN = await newSecret("own-key", { KmsKeyId: key.Arn });
    const { VersionId } = await secrets.getSecretValue({ SecretId: ARN });
    assert.deepEqual(await kmsCalls(ARN), [
      ["GenerateDataKey", "RequestToValidateKeyAccess", key.Arn],
      ["Decrypt", "RequestToValidateKeyAccess", undefined],
      ["GenerateDataKey", VersionId, key.Arn],
      ["Decrypt", VersionId, undefined],
    ]);
    const [record] = await world.records.where(
      ({ eventName, requestParameters }) =>
        eventName === "GenerateDataKey" && JSON.stringify(requestParameters).includes(`${VersionId}`),
    );
    assert.deepEqual(
      [record?.requestParameters?.["keySpec"], record?.userIdentity["invokedBy"], record?.resources?.[0]?.ARN],
      ["AES_256", "secretsmanager.amazonaws.com", key.Arn],
    );
    assert.equal((await secrets.describeSecret({ SecretId: ARN })).KmsKeyId, key.Arn);
  });

  it("is under aws/secretsmanager otherwise, whose policy lets Secrets Manager alone use it", async () => {
    const plain = await user("plain", [allow("secretsmanager:*")]);
    const { ARN = "" } = await plain.createSecret({ Name: "plain", SecretString: "x" });
    assert.equal((await plain.getSecretValue({ SecretId: ARN })).SecretString, "x");
    const { KeyId } = await managedKey(world.kms, "secretsmanager");
    const { Policy = "" } = await world.kms.getKeyPolicy({ KeyId, PolicyName: "default" });
    const { Id, Statement } = JSON.parse(Policy) as { Id: string; Statement: { Sid: string; Condition: object }[] };
    assert.deepEqual(
      [Id, Statement[0]?.Sid, Statement[0]?.Condition],
      [
        "auto-secretsmanager-1",
        "Allow access through AWS Secrets Manager for all principals in the account that are authorized to use AWS Secrets Manager",
        {
          StringEquals: { "kms:CallerAccount": ACCOUNT, "kms:ViaService": `secretsmanager.${REGION}.amazonaws.com` },
        },
      ],
    );
  });

  it("is told only to whom the key policy lets, by service and by encryption context", async () => {
    const key = await newKey(world.kms);
    const [open, closed] = [
      await newSecret("open", { KmsKeyId: key.KeyId }),
      await newSecret("closed", { KmsKeyId: key.KeyId }),
    ];
    const reader = await user("context-reader", [allow("secretsmanager:*")]);
    const denied = () => reader.getSecretValue({ SecretId: open });
    await assertRefused(denied(), "AccessDeniedException", "Access to KMS is not allowed");
    const statement = {
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/context-reader` },
      Action: "kms:Decrypt",
      Resource: "*",
      Condition: {
        StringEquals: {
          "kms:ViaService": `secretsmanager.${REGION}.amazonaws.com`,
          "kms:EncryptionContext:SecretARN": open,
        },
      },
    };
    await world.kms.putKeyPolicy({ KeyId: key.KeyId, Policy: policyOf(allowing(ACCOUNT), statement) });
    assert.equal((await denied()).SecretString, "open sesame");
    await assertRefused(reader.getSecretValue({ SecretId: closed }), "AccessDeniedException");
    await assertRefused(reader.putSecretValue({ SecretId: open, SecretString: "y" }), "AccessDeniedException");
    const trial = reader.createSecret({ Name: "trial", KmsKeyId: key.KeyId });
    await assertRefused(trial, "AccessDeniedException", "Access to KMS is not allowed");
  });

  it("can't be read or written while its key can't be used, nor be under a key that is not symmetric", async () => {
    const key = await newKey(world.kms);
    const SecretId = await newSecret("disabled", { KmsKeyId: key.KeyId });
    await world.kms.disableKey({ KeyId: key.KeyId });
    await assertRefused(
      secrets.getSecretValue({ SecretId }),
      "DecryptionFailure",
      "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
    );
    await assertRefused(secrets.putSecretValue({ SecretId, SecretString: "y" }), "EncryptionFailure", /can't encrypt/);
    const mac = await newKey(world.kms, { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
    await assertRefused(secrets.createSecret({ Name: "mac", KmsKeyId: mac.KeyId }), "EncryptionFailure");
  });

  it("goes under a new key with the versions that have AWS's labels, and stays under the one before", async () => {
    const [first, second] = [await newKey(world.kms), await newKey(world.kms)];
    const SecretId = await newSecret("rekeyed", { KmsKeyId: first.Arn });
    await secrets.putSecretValue({ SecretId, SecretString: "two" });
    await secrets.updateSecret({ SecretId, KmsKeyId: second.Arn });
    const { Versions = [] } = await secrets.listSecretVersionIds({ SecretId });
    assert.deepEqual(
      Versions.map(({ KmsKeyIds }) => KmsKeyIds),
      [
        [second.Arn, first.Arn],
        [second.Arn, first.Arn],
      ],
    );
    for (const { KeyId } of [first, second]) {
      await world.kms.disableKey({ KeyId });
      assert.equal((await secrets.getSecretValue({ SecretId })).SecretString, "two");
      await world.kms.enableKey({ KeyId });
    }
    await secrets.updateSecret({ SecretId, KmsKeyId: "" });
    assert.equal((await secrets.describeSecret({ SecretId })).KmsKeyId, undefined);
  });

  it("is in no record", async () => {
    const SecretString = "a-value-that-must-not-be-logged";
    const answer = await secrets.createSecret({ Name: "recorded", SecretString });
    const read = await secrets.getSecretValue({ SecretId: "recorded" });
    const record = await world.records.of(requestIdOf(read));
    assert.deepEqual(
      [record.eventSource, record.requestParameters, record.responseElements, record.readOnly],
      ["secretsmanager.amazonaws.com", { secretId: "recorded" }, null, true],
    );
    const created = await world.records.of(requestIdOf(answer));
    assert.deepEqual(Object.keys(created.requestParameters ?? {}).toSorted(), ["clientRequestToken", "name"]);
    const all = JSON.stringify(world.records.all());
    assert.ok(!all.includes(SecretString) && !all.includes(Buffer.from(SecretString).toString("base64")));
  });
});

describe("permissions on secrets", () => {
  it("follow names, tags of secrets and requests, labels and recovery windows", async () => {
    const Tags = [{ Key: "team", Value: "red" }];
    const red = await newSecret("abac/red", { Tags });
    const blue = await newSecret("abac/blue", { Tags: [{ Key: "color", Value: "red" }] });
    const only = (action: string, condition: object, resource = "*") => ({
      ...allow(action, resource),
      Condition: condition,
    });
    const member = await user("member", [
      only("secretsmanager:GetSecretValue", { StringEquals: { "secretsmanager:ResourceTag/team": "red" } }),
      only("secretsmanager:DescribeSecret", { StringEquals: { "aws:ResourceTag/Team": "red" } }),
      only(
        "secretsmanager:CreateSecret",
        { StringEquals: { "aws:RequestTag/team": "red" } },
        `${blue.slice(0, -11)}new-*`,
      ),
      only("secretsmanager:TagResource", { "ForAllValues:StringEquals": { "aws:TagKeys": ["team"] } }),
      only("secretsmanager:DeleteSecret", { NumericGreaterThanEquals: { "secretsmanager:RecoveryWindowInDays": 20 } }),
    ]);
    assert.equal((await member.getSecretValue({ SecretId: red })).SecretString, "open sesame");
    await member.describeSecret({ SecretId: red });
    const refused = (call: Promise<unknown>) =>
      assertRefused(call, "AccessDeniedException", /is not authorized to perform/);
    await refused(member.getSecretValue({ SecretId: blue }));
    await refused(member.getSecretValue({ SecretId: "abac/absent" }));
    await assertRefused(
      member.createSecret({ Name: "abac/new-1" }),
      "AccessDeniedException",
      /on resource: abac\/new-1 because no identity-based policy allows the secretsmanager:CreateSecret action$/,
    );
    await refused(member.createSecret({ Name: "abac/else", Tags }));
    await refused(member.createSecret({ Name: "abac/new-1", Tags: [...Tags, { Key: "more", Value: "" }] }));
    await member.createSecret({ Name: "abac/new-1", Tags });
    await refused(member.deleteSecret({ SecretId: blue, RecoveryWindowInDays: 7 }));
    await member.deleteSecret({ SecretId: blue, RecoveryWindowInDays: 20 });
    await secrets.untagResource({ SecretId: red, TagKeys: ["team"] });
    assert.deepEqual((await secrets.describeSecret({ SecretId: red })).Tags, []); // recorded: not left out
    await refused(member.getSecretValue({ SecretId: red }));
    await secrets.tagResource({ SecretId: red, Tags });
    assert.equal((await member.getSecretValue({ SecretId: red })).SecretString, "open sesame");
    const tagging = new ResourceGroupsTaggingAPI({ endpoint, region: REGION, credentials, maxAttempts: 1 });
    clients.push(tagging);
    const input = { ResourceTypeFilters: ["secretsmanager:secret"], TagFilters: [{ Key: "team" }] };
    const { ResourceTagMappingList = [] } = await tagging.getResources(input);
    assert.ok(ResourceTagMappingList.some(({ ResourceARN }) => ResourceARN === red));
  });
});

describe("ListSecrets", () => {
  it("filters, sorts and pages", async () => {
    const Tags = [{ Key: "lists", Value: "Yes" }];
    for (const Name of ["lists/a", "lists/b", "lists/c"]) {
      await secrets.createSecret({ Name, Description: `The ${Name} Password`, ...(Name !== "lists/b" && { Tags }) });
    }
    await secrets.deleteSecret({ SecretId: "lists/c" });
    const names = async (input: Parameters<SecretsManager["listSecrets"]>[0]): Promise<(string | undefined)[]> =>
      present((await secrets.listSecrets({ SortBy: "name", SortOrder: "asc", ...input })).SecretList).map(
        ({ Name }) => Name,
      );
    const byName = { Key: "name", Values: ["lists/"] } as const;
    const filtered = (
      ...Filters: { Key: "name" | "description" | "tag-key" | "tag-value" | "all"; Values: string[] }[]
    ) => names({ Filters });
    const [a, b, c] = ["lists/a", "lists/b", "lists/c"];
    assert.deepEqual(await names({ Filters: [{ ...byName, Values: ["lists/"] }] }), [a, b]);
    assert.deepEqual(await names({ Filters: [{ ...byName, Values: ["lists/"] }], IncludePlannedDeletion: true }), [
      a,
      b,
      c,
    ]);
    assert.deepEqual(await filtered({ Key: "name", Values: ["Lists/"] }), []);
    assert.deepEqual(await filtered({ Key: "description", Values: ["the LISTS"] }), [a, b]);
    assert.deepEqual(await filtered({ Key: "description", Values: ["pass th"] }), [a, b]);
    assert.deepEqual(await filtered({ Key: "description", Values: ["lists/a word"] }), []);
    await assertRefused(
      secrets.listSecrets({ Filters: [{ Values: ["lists"] }] }),
      "InvalidParameterException",
      "Invalid filter key",
    );
    assert.deepEqual(await filtered({ Key: "tag-key", Values: ["list"] }), [a]);
    assert.deepEqual(await filtered({ Key: "tag-value", Values: ["yes"] }), []);
    assert.deepEqual(await filtered({ Key: "all", Values: ["password LISTS/B"] }), [b]);
    assert.deepEqual(await filtered({ Key: "name", Values: ["lists/"] }, { Key: "tag-key", Values: ["!lists"] }), [b]);
    for (const SortBy of ["created-date", "last-changed-date", "last-accessed-date", "name"] as const) {
      const paged: (string | undefined)[] = [];
      let NextToken: string | undefined;
      do {
        const page = await secrets.listSecrets({
          SortBy,
          MaxResults: 7,
          ...(NextToken !== undefined && { NextToken }),
        });
        paged.push(...present(page.SecretList).map(({ Name }) => Name));
        ({ NextToken } = page);
      } while (NextToken !== undefined);
      const { SecretList = [] } = await secrets.listSecrets({ SortBy, SortOrder: "asc" });
      assert.deepEqual(
        paged.toReversed(),
        SecretList.map(({ Name }) => Name),
        SortBy,
      );
    }
    await assertRefused(secrets.listSecrets({ NextToken: "wrong" }), "InvalidNextTokenException");
  });
});

describe("GetRandomPassword", () => {
  it("makes passwords of the characters that are asked for, with one of each type", async () => {
    const { RandomPassword = "" } = await secrets.getRandomPassword({});
    assert.equal(RandomPassword.length, 32);
    for (const type of [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9 ]/]) assert.match(RandomPassword, type);
    const digits = await secrets.getRandomPassword({
      PasswordLength: 4096,
      ExcludePunctuation: true,
      ExcludeLowercase: true,
      ExcludeUppercase: true,
      ExcludeCharacters: "0",
    });
    assert.match(present(digits.RandomPassword), /^[1-9]{4096}$/);
    await assertRefused(
      secrets.getRandomPassword({ PasswordLength: 3 }),
      "InvalidParameterException",
      "Password length is too short based on the required types.",
    );
    const none = { ExcludeNumbers: true, ExcludePunctuation: true, ExcludeUppercase: true, ExcludeLowercase: true };
    await assertRefused(secrets.getRandomPassword(none), "InvalidParameterException");
    await assertRefused(secrets.getRandomPassword({ ExcludeCharacters: "0123456789" }), "InvalidParameterException");
  });
});

describe("a secret that is deleted", () => {
  it("can be restored until its recovery window is over, and is gone then", async () => {
    const SecretId = await newSecret("doomed", { Tags: [{ Key: "a", Value: "b" }] });
    const now = await world.server.clock.now();
    const { DeletionDate } = await secrets.deleteSecret({ SecretId });
    const days = (present(DeletionDate).getTime() - now.getTime()) / 86_400_000;
    assert.ok(days >= 30 && days < 30.01, String(days));
    for (const call of [
      () => secrets.getSecretValue({ SecretId }),
      () => secrets.putSecretValue({ SecretId, SecretString: "x" }),
      () => secrets.updateSecret({ SecretId, Description: "x" }),
      () => secrets.tagResource({ SecretId, Tags: [] }),
    ]) {
      await assertRefused(call(), "InvalidRequestException", DELETED);
    }
    await assertRefused(
      newSecret("doomed"),
      "InvalidRequestException",
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
    );
    await assertRefused(
      secrets.deleteSecret({ SecretId }),
      "InvalidRequestException",
      /already scheduled for deletion/,
    );
    assert.deepEqual((await secrets.describeSecret({ SecretId })).DeletedDate, DeletionDate);
    await secrets.restoreSecret({ SecretId });
    assert.equal((await secrets.getSecretValue({ SecretId })).SecretString, "open sesame");
    await secrets.deleteSecret({ SecretId, RecoveryWindowInDays: 7 });
    await world.server.clock.advance("P6DT23H");
    await secrets.describeSecret({ SecretId });
    await world.server.clock.advance("PT1H1M");
    await assertRefused(secrets.describeSecret({ SecretId }), "ResourceNotFoundException", NOT_FOUND);
    const [record] = await world.records.where(({ eventName }) => eventName === "EndSecretVersionDelete");
    assert.deepEqual([record?.eventType, record?.serviceEventDetails], ["AwsServiceEvent", { secretId: SecretId }]);
    assert.notEqual(await newSecret("doomed"), SecretId);
  });

  it("goes at once where that is asked for, and where there is none nothing is told", async () => {
    const SecretId = await newSecret("forced");
    await secrets.deleteSecret({ SecretId: "forced", ForceDeleteWithoutRecovery: true });
    await assertRefused(secrets.getSecretValue({ SecretId }), "ResourceNotFoundException", NOT_FOUND);
    assert.notEqual(await newSecret("forced"), SecretId);
    assert.equal((await secrets.deleteSecret({ SecretId: "nobody", ForceDeleteWithoutRecovery: true })).Name, "nobody");
    await assertRefused(secrets.deleteSecret({ SecretId: "nobody" }), "ResourceNotFoundException", NOT_FOUND);
  });
});

describe("the resource policy of a secret", () => {
  const statement = (Effect: "Allow" | "Deny", Principal: unknown, Action: string, more: object = {}) => ({
    Effect,
    Principal,
    Action: `secretsmanager:${Action}`,
    Resource: "*",
    ...more,
  });
  const everybody = (more: object = {}) => policyOf(statement("Allow", "*", "GetSecretValue", more));

  it("is put, told and removed", async () => {
    const SecretId = "policied/round";
    const ARN = await newSecret(SecretId);
    const named = { ARN, Name: SecretId };
    assert.deepEqual(membersOf(await secrets.getResourcePolicy({ SecretId })), named);
    const ResourcePolicy = everybody();
    assert.deepEqual(membersOf(await secrets.putResourcePolicy({ SecretId: ARN, ResourcePolicy })), named);
    assert.deepEqual(membersOf(await secrets.getResourcePolicy({ SecretId })), { ...named, ResourcePolicy });
    assert.deepEqual(membersOf(await secrets.deleteResourcePolicy({ SecretId })), named);
    assert.deepEqual(membersOf(await secrets.getResourcePolicy({ SecretId })), named);
    await assertRefused(secrets.getResourcePolicy({ SecretId: "policied/no" }), "ResourceNotFoundException", NOT_FOUND);
    await secrets.deleteSecret({ SecretId });
    await assertRefused(secrets.putResourcePolicy({ SecretId, ResourcePolicy }), "InvalidRequestException", DELETED);
  });

  for (const { title, ResourcePolicy, code, message, BlockPublicPolicy = false } of [
    { title: "that is no JSON", ResourcePolicy: "some policy" },
    { title: "with another effect", ResourcePolicy: policyOf({ ...statement("Allow", "*", "*"), Effect: "Maybe" }) },
    { title: "of no principal", ResourcePolicy: policyOf({ Effect: "Allow", Action: "*", Resource: "*" }) },
    {
      title: "of somebody who is not here",
      ResourcePolicy: policyOf(statement("Allow", { AWS: `arn:aws:iam::${ACCOUNT}:user/nobody` }, "GetSecretValue")),
      message: "This resource policy contains an unsupported principal.",
    },
    {
      title: "of an account in another partition",
      ResourcePolicy: policyOf(statement("Allow", { AWS: `arn:aws-cn:iam::${ACCOUNT}:root` }, "GetSecretValue")),
      message: "This resource policy contains an unsupported principal.",
    },
    {
      title: "of a group",
      ResourcePolicy: policyOf(statement("Allow", { AWS: `arn:aws:iam::${ACCOUNT}:group/g` }, "GetSecretValue")),
      message: "This resource policy contains an unsupported principal.",
    },
    {
      title: "that keeps its author from it",
      ResourcePolicy: policyOf(statement("Deny", "*", "*")),
      message: "Your requested changes will not allow you to manage this secret in the future.",
    },
    ...[{}, { Condition: { StringLike: { "aws:SourceAccount": "1*" } } }].map((more) => ({
      title: `for everybody where that is blocked, ${JSON.stringify(more)}`,
      ResourcePolicy: everybody(more),
      BlockPublicPolicy: true,
      code: "PublicPolicyException",
      message: "You can't attach a resource-based policy that allows broad access to the secret.",
    })),
  ] as { title: string; ResourcePolicy: string; code?: string; message?: string; BlockPublicPolicy?: boolean }[]) {
    it(`is not one ${title}`, async () => {
      const SecretId = present(
        (await secrets.createSecret({ Name: `policied/${title.length}-${title.charCodeAt(9)}` })).ARN,
      );
      await assertRefused(
        secrets.putResourcePolicy({ SecretId, ResourcePolicy, BlockPublicPolicy }),
        code ?? "MalformedPolicyDocumentException",
        message ?? "This resource policy contains a syntax error.",
      );
      assert.equal((await secrets.getResourcePolicy({ SecretId })).ResourcePolicy, undefined);
    });
  }

  it("may be for everybody of one account where broad ones are blocked, and is validated without a secret", async () => {
    await newSecret("policied/confined");
    const confined = everybody({ Condition: { StringEquals: { "aws:PrincipalAccount": ACCOUNT } } });
    const input = { SecretId: "policied/confined", ResourcePolicy: confined, BlockPublicPolicy: true };
    await secrets.putResourcePolicy(input);
    const passed = { PolicyValidationPassed: true, ValidationErrors: [] };
    assert.deepEqual(membersOf(await secrets.validateResourcePolicy({ ResourcePolicy: confined })), passed);
    const { SecretId } = input;
    const broad = await secrets.validateResourcePolicy({ SecretId, ResourcePolicy: everybody() });
    assert.deepEqual([broad.PolicyValidationPassed, broad.ValidationErrors?.length], [false, 1]);
    const none = { SecretId: "policied/no", ResourcePolicy: confined };
    await assertRefused(secrets.validateResourcePolicy(none), "ResourceNotFoundException", NOT_FOUND);
    await assertRefused(
      secrets.validateResourcePolicy({ ResourcePolicy: "{" }),
      "MalformedPolicyDocumentException",
      "This resource policy contains a syntax error.",
    );
  });

  it("lets in a user of the account whom no other policy does, keeps out one whom others let in, and may block public ones", async () => {
    const SecretId = await newSecret("policied/own");
    const invited = await user("invited", []);
    const barred = await user("barred", [allow("secretsmanager:*")]);
    await assertRefused(invited.getSecretValue({ SecretId }), "AccessDeniedException");
    await barred.getSecretValue({ SecretId });
    const arnOf = (name: string) => `arn:aws:iam::${ACCOUNT}:user/${name}`;
    const ResourcePolicy = policyOf(
      statement("Allow", { AWS: arnOf("invited") }, "GetSecretValue", {
        Condition: {
          StringEquals: { "secretsmanager:VersionStage": CURRENT, "secretsmanager:SecretPrimaryRegion": REGION },
        },
      }),
      statement("Deny", { AWS: arnOf("barred") }, "GetSecretValue"),
    );
    await secrets.putResourcePolicy({ SecretId, ResourcePolicy });
    const read = { SecretId, VersionStage: CURRENT };
    assert.equal((await invited.getSecretValue(read)).SecretString, "open sesame");
    await assertRefused(invited.getSecretValue({ SecretId }), "AccessDeniedException");
    await assertRefused(
      barred.getSecretValue({ SecretId }),
      "AccessDeniedException",
      `User: ${arnOf("barred")} is not authorized to perform: secretsmanager:GetSecretValue on resource: ${SecretId} with an explicit deny in a resource-based policy`,
    );
    const only = { Bool: { "secretsmanager:BlockPublicPolicy": "true" } };
    const careful = await user("careful", [{ ...allow("secretsmanager:PutResourcePolicy"), Condition: only }]);
    await assertRefused(careful.putResourcePolicy({ SecretId, ResourcePolicy }), "AccessDeniedException");
  });

  it("lets in another account, but not to what is under the AWS managed key", async () => {
    const other = client(world.otherCredentials);
    const SecretId = await newSecret("policied/other");
    const ResourcePolicy = policyOf(statement("Allow", { AWS: OTHER_ACCOUNT }, "*"));
    await secrets.putResourcePolicy({ SecretId, ResourcePolicy });
    assert.equal((await other.describeSecret({ SecretId })).ARN, SecretId);
    const foreign =
      "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.";
    await assertRefused(other.getSecretValue({ SecretId }), "InvalidRequestException", foreign);
    const put = { SecretId, SecretString: "theirs" };
    await assertRefused(other.putSecretValue(put), "InvalidRequestException", foreign);
    await other.tagResource({ SecretId, Tags: [{ Key: "theirs", Value: "" }] });
    assert.deepEqual((await secrets.describeSecret({ SecretId })).Tags, [{ Key: "theirs", Value: "" }]);
    assert.deepEqual((await other.listSecrets()).SecretList, []);
    const via = { StringEquals: { "kms:ViaService": `secretsmanager.${REGION}.amazonaws.com` } };
    const Policy = policyOf(
      { Effect: "Allow", Principal: { AWS: ACCOUNT }, Action: "kms:*", Resource: "*" },
      { Effect: "Allow", Principal: { AWS: OTHER_ACCOUNT }, Action: "kms:*", Resource: "*", Condition: via },
    );
    const { KeyId } = await newKey(world.kms, { Policy });
    await secrets.updateSecret({ SecretId, KmsKeyId: KeyId });
    assert.equal((await other.getSecretValue({ SecretId })).SecretString, "open sesame");
    await other.putSecretValue(put);
    assert.equal((await secrets.getSecretValue({ SecretId })).SecretString, "theirs");
    await other.deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true });
    await assertRefused(secrets.describeSecret({ SecretId }), "ResourceNotFoundException", NOT_FOUND);
  });
});

describe("BatchGetSecretValue", () => {
  it("reads several secrets as requests of their own would, and tells what it could not read", async () => {
    const [one, two] = [await newSecret("batch/one"), await newSecret("batch/two", { SecretString: "2" })];
    await newSecret("batch/deleted");
    await secrets.deleteSecret({ SecretId: "batch/deleted" });
    const SecretIdList = ["batch/one", two, "batch/absent", "batch/deleted"];
    const { SecretValues, Errors } = await secrets.batchGetSecretValue({ SecretIdList });
    const values = (list: typeof SecretValues) => list?.map(({ ARN, SecretString }) => [ARN, SecretString]);
    assert.deepEqual(values(SecretValues), [
      [one, "open sesame"],
      [two, "2"],
    ]);
    assert.deepEqual(Object.keys(SecretValues?.[0] ?? {}).toSorted(), [
      "ARN",
      "CreatedDate",
      "Name",
      "SecretString",
      "VersionId",
      "VersionStages",
    ]);
    assert.deepEqual(Errors, [
      { SecretId: "batch/absent", ErrorCode: "ResourceNotFoundException", Message: NOT_FOUND },
      { SecretId: "batch/deleted", ErrorCode: "InvalidRequestException", Message: DELETED },
    ]);
    const member = await user("batch-member", [
      allow("secretsmanager:BatchGetSecretValue"),
      { ...allow("secretsmanager:GetSecretValue"), Resource: two },
    ]);
    const seen = await member.batchGetSecretValue({ SecretIdList: ["batch/one", "batch/two"] });
    assert.deepEqual(values(seen.SecretValues), [[two, "2"]]);
    assert.deepEqual(
      seen.Errors?.map(({ SecretId, ErrorCode }) => [SecretId, ErrorCode]),
      [["batch/one", "AccessDeniedException"]],
    );
    const Filters = [{ Key: "name" as const, Values: ["batch/"] }];
    await assertRefused(member.batchGetSecretValue({ Filters }), "AccessDeniedException", /secretsmanager:ListSecrets/);
    const page = await secrets.batchGetSecretValue({ Filters, MaxResults: 1 });
    const next = await secrets.batchGetSecretValue({ Filters, MaxResults: 1, NextToken: present(page.NextToken) });
    assert.deepEqual(
      [values(page.SecretValues), values(next.SecretValues), next.NextToken],
      [[[two, "2"]], [[one, "open sesame"]], undefined],
    );
    const records = await world.records.where(
      ({ eventName, requestParameters, errorCode }) =>
        eventName === "GetSecretValue" && requestParameters?.["secretId"] === two && errorCode === undefined,
    );
    assert.equal(records.length, 2);
  });

  for (const [input, message] of [
    [{}, "Either 'SecretIdList' or 'Filters' must be provided, but not both."],
    [
      { SecretIdList: ["a"], Filters: [{ Key: "name", Values: ["a"] }] },
      "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
    ],
    [
      { SecretIdList: ["a"], MaxResults: 1 },
      "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
    ],
  ] as const) {
    it(`takes names or filters: ${JSON.stringify(input)}`, async () => {
      const batch = secrets.batchGetSecretValue(structuredClone(input) as never);
      await assertRefused(batch, "InvalidParameterException", message);
    });
  }
});
