/** Parameter Store, driven by AWS's own client: parameters, and what it asks of KMS in its callers' names. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  buildClient,
  CommitmentPolicy,
  KMS as EncryptionSdkKms,
  getClient,
  KmsKeyringNode,
} from "@aws-crypto/client-node";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { ResourceGroupsTaggingAPI } from "@aws-sdk/client-resource-groups-tagging-api";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { type PutParameterCommandInput, SSM } from "@aws-sdk/client-ssm";
import { allow, type Person, startIamWorld } from "../iam-world.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  managedKey,
  newKey,
  policyOf,
  present,
  REGION,
  refusalOf,
  requestIdOf,
} from "../kms-client.ts";
import { startReceiver } from "../signals/receiver.ts";

const receiver = await startReceiver();
const EVENT_TARGET = `arn:aws:sqs:${REGION}:${ACCOUNT}:parameters`;
const world = await startIamWorld(["--event-target", `${EVENT_TARGET}=${receiver.url}/parameters`]);
const { endpoint, credentials } = world.server;
const clients: { destroy(): void }[] = [];
after(async () => {
  for (const client of clients) client.destroy();
  await world.stop();
  await receiver[Symbol.asyncDispose]();
});

function client(key = credentials, region: string = REGION): SSM {
  const made = new SSM({ endpoint, region, credentials: key, maxAttempts: 1 });
  clients.push(made);
  return made;
}

const ssm = client();
const arnOf = (path: string, region: string = REGION) => `arn:aws:ssm:${region}:${ACCOUNT}:parameter${path}`;
const secure = (Name: string, Value: string, more: Partial<PutParameterCommandInput> = {}) =>
  ssm.putParameter({ Name, Value, Type: "SecureString", ...more });

const TEAM = { Key: "team", Value: "red" };
const EXPIRATION = '[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2100-01-01T00:00:00.000Z"}}]';
const policies = (Policies: string) => ({ Policies, Tier: "Advanced" as const });

/** A user with a client of SSM. */
async function reader(
  name: string,
  statements: readonly object[],
  region: string = REGION,
): Promise<Person & { readonly ssm: SSM }> {
  const person = await world.person(name, { allow: statements });
  const { AccessKey } = await world.iam.createAccessKey({ UserName: name });
  const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "" } = present(AccessKey);
  return { ...person, ssm: client({ accessKeyId, secretAccessKey }, region) };
}

/** The records of KMS about one parameter. */
const kmsRecords = (path: string, eventName: string) =>
  world.records.where(
    ({ eventSource, eventName: name, requestParameters }) =>
      eventSource === "kms.amazonaws.com" &&
      name === eventName &&
      JSON.stringify(requestParameters).includes(`"${arnOf(path)}"`),
  );

describe("parameters", () => {
  it("are written, read, overwritten and removed, with versions and their history", async () => {
    const Name = "/app/test/url";
    const first = await ssm.putParameter({ Name, Value: "one", Type: "String", Description: "where" });
    assert.deepEqual([first.Version, first.Tier], [1, "Standard"]);
    await assertRefused(
      ssm.putParameter({ Name, Value: "two", Type: "String" }),
      "ParameterAlreadyExists",
      "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
    );
    assert.equal((await ssm.putParameter({ Name, Value: "two", Overwrite: true })).Version, 2);
    const { Parameter } = await ssm.getParameter({ Name });
    assert.deepEqual(
      { ...Parameter, LastModifiedDate: undefined },
      {
        Name,
        Type: "String",
        Value: "two",
        Version: 2,
        ARN: arnOf(Name),
        DataType: "text",
        LastModifiedDate: undefined,
      },
    );
    const old = (await ssm.getParameter({ Name: `${Name}:1` })).Parameter;
    assert.deepEqual([old?.Value, old?.Selector], ["one", ":1"]);
    assert.equal((await ssm.getParameter({ Name: arnOf(Name) })).Parameter?.Value, "two");
    await assertRefused(ssm.getParameter({ Name: `${Name}:3` }), "ParameterVersionNotFound", /version 3 of \/app/);
    const { Parameters } = await ssm.getParameterHistory({ Name });
    assert.deepEqual(
      Parameters?.map(({ Version, Value, Description, Tier }) => [Version, Value, Description, Tier]),
      [
        [1, "one", "where", "Standard"],
        [2, "two", "where", "Standard"],
      ],
    );
    await ssm.deleteParameter({ Name });
    await assertRefused(ssm.getParameter({ Name }), "ParameterNotFound");
    await assertRefused(ssm.deleteParameter({ Name }), "ParameterNotFound");
    await assertRefused(ssm.getParameterHistory({ Name }), "ParameterNotFound");
  });

  it("keep a hundred versions", async () => {
    const Name = "often";
    for (let version = 1; version <= 102; version += 1) {
      await ssm.putParameter({ Name, Value: String(version), Type: "StringList", Overwrite: true });
    }
    await assertRefused(ssm.getParameter({ Name: "often:2" }), "ParameterVersionNotFound");
    const seen: number[] = [];
    let NextToken: string | undefined;
    do {
      const page = await ssm.getParameterHistory({ Name, ...(NextToken !== undefined && { NextToken }) });
      seen.push(...present(page.Parameters).map(({ Version }) => present(Version)));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    assert.deepEqual([seen.length, seen.at(0), seen.at(-1)], [100, 3, 102]);
  });

  it("are found by path and by filter, page by page", async () => {
    for (const Name of ["/tree/a", "/tree/b", "/tree/sub/c", "/tree/sub/deeper/d", "/treehouse"]) {
      await ssm.putParameter({ Name, Value: "v", Type: "String" });
    }
    await secure("/tree/sub/secret", "s");
    const below = async (Path: string, Recursive: boolean) =>
      (await ssm.getParametersByPath({ Path, Recursive })).Parameters?.map(({ Name }) => Name);
    assert.deepEqual(await below("/tree", false), ["/tree/a", "/tree/b"]);
    assert.deepEqual(await below("/tree/", true), [
      "/tree/a",
      "/tree/b",
      "/tree/sub/c",
      "/tree/sub/deeper/d",
      "/tree/sub/secret",
    ]);
    const first = await ssm.getParametersByPath({ Path: "/tree", Recursive: true, MaxResults: 3 });
    assert.equal(first.Parameters?.length, 3);
    const NextToken = present(first.NextToken);
    const second = await ssm.getParametersByPath({ Path: "/tree", Recursive: true, MaxResults: 3, NextToken });
    assert.deepEqual([second.Parameters?.length, second.NextToken], [2, undefined]);
    await assertRefused(ssm.getParametersByPath({ Path: "/tree", NextToken }), "InvalidNextToken");
    const described = async (filter: { Key: string; Option?: string; Values: string[] }) =>
      (await ssm.describeParameters({ ParameterFilters: [filter] })).Parameters?.map(({ Name }) => Name);
    assert.deepEqual(await described({ Key: "Name", Option: "BeginsWith", Values: ["/tree/sub/d", "/treeh"] }), [
      "/tree/sub/deeper/d",
      "/treehouse",
    ]);
    assert.deepEqual(await described({ Key: "KeyId", Values: ["alias/aws/ssm"] }), ["/tree/sub/secret"]);
    assert.deepEqual(await described({ Key: "Path", Option: "OneLevel", Values: ["/tree/sub"] }), [
      "/tree/sub/c",
      "/tree/sub/secret",
    ]);
    await assertRefused(described({ Key: "Type", Option: "Contains", Values: ["S"] }), "InvalidFilterOption");
    const older = await ssm.describeParameters({ Filters: [{ Key: "Name", Values: ["/tree/sub/"] }] });
    assert.equal(older.Parameters?.length, 3);
    const { Parameters, InvalidParameters } = await ssm.getParameters({ Names: ["/tree/b", "nothing", "/tree/a"] });
    assert.deepEqual([Parameters?.map(({ Name }) => Name), InvalidParameters], [["/tree/a", "/tree/b"], ["nothing"]]);
    const deleted = await ssm.deleteParameters({ Names: ["/tree/b", "nothing"] });
    assert.deepEqual([deleted.DeletedParameters, deleted.InvalidParameters], [["/tree/b"], ["nothing"]]);
  });

  for (const { title, input, code, message } of [
    { title: "no type", input: { Type: undefined }, code: "ValidationException", message: /^A parameter type is req/ },
    { title: "a name of AWS's", input: { Name: "/aws/x" }, code: "AccessDeniedException", message: /: \/aws\/x\.$/ },
    {
      title: "a name of AWS's at the root",
      input: { Name: "Awsx" },
      code: "ValidationException",
      message: /^Parameter name: can't be prefixed with "aws" or "ssm" \(case-insensitive\)\.$/,
    },
    {
      title: "a path of SSM's",
      input: { Name: "/ssm/x" },
      code: "ValidationException",
      message: /prefixed with "ssm"/,
    },
    {
      title: "no value",
      input: { Value: "" },
      code: "ValidationException",
      message:
        /^1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1$/,
    },
    { title: "other characters", input: { Name: "/a b" }, code: "ValidationException" },
    { title: "a path without its slash", input: { Name: "a/b" }, code: "ValidationException", message: /fully qual/ },
    {
      title: "sixteen levels",
      input: { Name: "/a".repeat(16) },
      code: "HierarchyLevelLimitExceededException",
    },
    { title: "a key for a String", input: { KeyId: "alias/x" }, code: "ValidationException", message: /SecureString/ },
    {
      title: "4,097 bytes",
      input: { Value: "é".repeat(2049) },
      code: "ValidationException",
      message: /maximum .* 4096/,
    },
    {
      title: "8,193 bytes",
      input: { Value: "v".repeat(8193), Tier: "Advanced" as const },
      code: "ValidationException",
    },
    {
      title: "another type",
      input: { Type: "str" as never },
      code: "ValidationException",
      message: /'str' at 'type' .* enum value set: \[SecureString, StringList, String\]$/,
    },
    { title: "another data type", input: { DataType: "aws:ec2:image" }, code: "ValidationException" },
    { title: "a broken pattern", input: { AllowedPattern: "^(a+$" }, code: "InvalidAllowedPatternException" },
    {
      title: "a value that the pattern doesn't allow",
      input: { Value: "12345", AllowedPattern: "\\d{1,4}" },
      code: "ParameterPatternMismatchException",
      message: /^Parameter value, cannot be validated against allowedPattern: \\d\{1,4\}$/,
    },
    { title: "a tag twice", input: { Tags: [TEAM, TEAM] }, code: "ValidationException" },
    { title: "policies that are no JSON", input: policies("["), code: "ValidationException" },
    { title: "policies in the standard tier", input: { Policies: EXPIRATION }, code: "ValidationException" },
    { title: "another policy", input: policies('[{"Type":"X","Version":"1.0"}]'), code: "InvalidPolicyTypeException" },
    {
      title: "a policy without its time",
      input: policies('[{"Type":"Expiration","Version":"1.0","Attributes":{}}]'),
      code: "InvalidPolicyAttributeException",
    },
    {
      title: "two expirations",
      input: policies(`[${EXPIRATION.slice(1, -1)},${EXPIRATION.slice(1)}`),
      code: "IncompatiblePolicyException",
    },
    {
      title: "eleven policies",
      input: policies(JSON.stringify(new Array(11).fill({}))),
      code: "PoliciesLimitExceededException",
    },
  ] satisfies { title: string; input: Partial<PutParameterCommandInput>; code: string; message?: RegExp }[]) {
    it(`are not written with ${title}`, async () => {
      await assertRefused(ssm.putParameter({ Name: "refused", Value: "v", Type: "String", ...input }), code, message);
    });
  }

  it("become advanced by their size where that is left to Parameter Store, and never go back", async () => {
    const put = (Value: string, Tier: "Standard" | "Advanced" | "Intelligent-Tiering") =>
      ssm.putParameter({ Name: "growing", Value, Type: "String", Tier, Overwrite: true });
    assert.equal((await put("small", "Intelligent-Tiering")).Tier, "Standard");
    assert.equal((await put("v".repeat(8192), "Intelligent-Tiering")).Tier, "Advanced");
    await assertRefused(put("small", "Standard"), "ValidationException", /can't downgrade/);
    assert.equal((await put("small", "Intelligent-Tiering")).Tier, "Advanced");
    await assertRefused(secure("growing", "v", { Overwrite: true }), "HierarchyTypeMismatchException");
  });
});

describe("a parameter at the root of the hierarchy", () => {
  it("is the same with a slash in front and without", async () => {
    await ssm.putParameter({ Name: "rooted", Value: "one", Type: "String", Tags: [TEAM] });
    const again = { Name: "/rooted", Value: "two", Type: "String" as const };
    await assertRefused(ssm.putParameter(again), "ParameterAlreadyExists");
    assert.equal((await ssm.putParameter({ ...again, Overwrite: true })).Version, 2);
    for (const Name of ["rooted", "/rooted"]) {
      assert.equal((await ssm.getParameter({ Name })).Parameter?.Name, Name);
      const { Parameters } = await ssm.getParameters({ Names: [Name] });
      assert.deepEqual([Parameters?.[0]?.Name, Parameters?.[0]?.Value], [Name, "two"]);
      const { Parameters: described } = await ssm.describeParameters({
        ParameterFilters: [{ Key: "Name", Values: [Name] }],
      });
      assert.deepEqual(described?.[0]?.Name, "rooted");
    }
    assert.equal((await ssm.getParameter({ Name: arnOf("/rooted") })).Parameter?.Name, "rooted");
    const { Parameters } = await ssm.getParametersByPath({ Path: "/", MaxResults: 10 });
    assert.ok(Parameters?.some(({ Name }) => Name === "rooted"));
    const Condition = { StringEquals: { "ssm:ResourceTag/team": "red" } };
    const member = await reader("root-member", [{ ...allow("ssm:GetParameter"), Condition }]);
    assert.equal((await member.ssm.getParameter({ Name: "/rooted" })).Parameter?.Value, "two");
    await ssm.deleteParameter({ Name: "/rooted" });
    await assertRefused(ssm.getParameter({ Name: "rooted" }), "ParameterNotFound");
  });

  it("is not read under what can't be a name", async () => {
    for (const Name of ["/p//b//c", "p/b/c", "p b", "/p/"]) {
      await assertRefused(
        ssm.getParameter({ Name }),
        "ValidationException",
        /sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols \.-_$/,
      );
    }
    await ssm.putParameter({ Name: "coloned", Value: "v", Type: "String" });
    await assertRefused(ssm.getParameter({ Name: "coloned:1:1" }), "ParameterNotFound");
  });
});

describe("conditions of Parameter Store", () => {
  it("keep callers from overwriting, from policies of parameters, and from reading below a level", async () => {
    const deny = (Action: string, key: string) => ({
      Effect: "Deny",
      Action,
      Resource: "*",
      Condition: { StringEquals: { [key]: "true" } },
    });
    const careful = await reader("careful-writer", [
      allow("ssm:*"),
      deny("ssm:PutParameter", "ssm:Overwrite"),
      deny("ssm:PutParameter", "ssm:Policies"),
      deny("ssm:GetParametersByPath", "ssm:Recursive"),
    ]);
    const put = { Name: "/careful/one", Value: "v", Type: "String" } as const;
    await careful.ssm.putParameter(put);
    await assertRefused(careful.ssm.putParameter({ ...put, Overwrite: true }), "AccessDeniedException");
    const expiring = { ...put, Name: "/careful/two", ...policies(EXPIRATION) };
    await assertRefused(careful.ssm.putParameter(expiring), "AccessDeniedException");
    assert.equal((await careful.ssm.getParametersByPath({ Path: "/careful" })).Parameters?.length, 1);
    const below = { Path: "/careful", Recursive: true };
    await assertRefused(careful.ssm.getParametersByPath(below), "AccessDeniedException");
  });
});

describe("filters of parameters", () => {
  for (const [filters, code, message] of [
    [
      [{ Key: "Label", Values: ["x"] }],
      "InvalidFilterKey",
      "The following filter key is not valid: Label. Valid filter keys include: [Path, Name, Type, KeyId, Tier].",
    ],
    [[{ Key: "Name" }], "InvalidFilterValue", "The following filter values are missing : null for filter key Name."],
    [
      [
        { Key: "Name", Values: ["a"] },
        { Key: "Name", Values: ["b"] },
      ],
      "InvalidFilterKey",
      "The following filter is duplicated in the request: Name. A request can contain only one occurrence of a specific filter.",
    ],
    [
      [{ Key: "Path", Values: ["/AWS"] }],
      "ValidationException",
      'Filters for common parameters can\'t be prefixed with "aws" or "ssm" (case-insensitive). When using global parameters, please specify within a global namespace.',
    ],
    [
      [{ Key: "Path", Option: "Equals", Values: ["/a"] }],
      "InvalidFilterOption",
      "The following filter option is not valid: Equals. Valid options include: [Recursive, OneLevel].",
    ],
    [
      [{ Key: "Tier", Values: ["test"] }],
      "InvalidFilterOption",
      "The following filter value is not valid: test. Valid values include: [Standard, Advanced, Intelligent-Tiering].",
    ],
    [
      [{ Key: "Name", Option: "option", Values: ["test"] }],
      "InvalidFilterOption",
      "The following filter option is not valid: option. Valid options include: [BeginsWith, Equals].",
    ],
    [
      [{ Key: "Path", Values: ["test"] }],
      "ValidationException",
      /Valid example: \/get\/parameters2-\/by1\.\/path0_\.$/,
    ],
  ] as const) {
    it(`are refused in the words that were recorded: ${JSON.stringify(filters)}`, async () => {
      const ParameterFilters = structuredClone(filters) as never;
      await assertRefused(ssm.describeParameters({ ParameterFilters }), code, message);
    });
  }

  it("are fewer below a path", async () => {
    for (const Key of ["Name", "Path", "Tier", "tag:a"]) {
      const message = `The following filter key is not valid: ${Key}. Valid filter keys include: [Type, KeyId].`;
      const ParameterFilters = [{ Key, Values: ["/x"] }];
      await assertRefused(ssm.getParametersByPath({ Path: "/", ParameterFilters }), "InvalidFilterKey", message);
    }
  });
});

describe("labels of parameters", () => {
  it("name versions, one each, until they move, are taken away, or the version would go", async () => {
    const Name = "/labelled/one";
    const put = (Value: string) => ssm.putParameter({ Name, Value, Type: "String", Overwrite: true });
    for (const value of ["1", "2", "3"]) await put(value);
    const label = (Labels: string[], ParameterVersion?: number) =>
      ssm.labelParameterVersion({ Name, Labels, ...(ParameterVersion !== undefined && { ParameterVersion }) });
    const bad = ["awsabc", "SSMabc", "9abc", "abc/123"];
    const first = await label(["prod", "Old.est-_", ...bad], 1);
    assert.deepEqual([first.InvalidLabels, first.ParameterVersion], [bad, 1]);
    assert.equal((await label(["prod"])).ParameterVersion, 3);
    const { Parameters: history } = await ssm.getParameterHistory({ Name });
    assert.deepEqual(
      history?.map(({ Labels }) => Labels),
      [["Old.est-_"], [], ["prod"]],
    );
    await put("4");
    const { Parameter } = await ssm.getParameter({ Name: `${Name}:prod` });
    assert.deepEqual([Parameter?.Name, Parameter?.Value, Parameter?.Selector], [Name, "3", ":prod"]);
    const { Parameters, InvalidParameters } = await ssm.getParameters({ Names: [`${Name}:prod`, `${Name}:none`] });
    assert.deepEqual([Parameters?.length, InvalidParameters], [1, [`${Name}:none`]]);
    const ParameterFilters = [{ Key: "Label", Values: ["prod", "Old.est-_"] }];
    const found = [];
    for (let NextToken: string | undefined; found.length < 3; ) {
      const input = { Path: "/labelled", ParameterFilters, MaxResults: 1, ...(NextToken && { NextToken }) };
      const page = await ssm.getParametersByPath(input);
      found.push(...present(page.Parameters).map(({ Value }) => Value));
      NextToken = page.NextToken;
      if (NextToken === undefined) break;
    }
    assert.deepEqual(found, ["1", "3"]);
    await assertRefused(
      ssm.getParameter({ Name: `${Name}:none` }),
      "ParameterVersionNotFound",
      `Systems Manager could not find version none of ${Name}. Verify the version and try again.`,
    );
    await assertRefused(label(["x"], 9), "ParameterVersionNotFound", /find version 9 of/);
    await assertRefused(ssm.labelParameterVersion({ Name: "/labelled/no", Labels: ["x"] }), "ParameterNotFound");
    await label(Array.from({ length: 9 }, (_, index) => `l${index}`));
    await assertRefused(
      label(["a", "b"]),
      "ParameterVersionLabelLimitExceeded",
      "A parameter version can have maximum 10 labels.Move one or more labels to another version and try again.",
    );
    const taken = await ssm.unlabelParameterVersion({ Name, ParameterVersion: 3, Labels: ["prod", "x"] });
    assert.deepEqual([taken.RemovedLabels, taken.InvalidLabels], [["prod"], ["x"]]);
    for (let version = 5; version <= 100; version += 1) await put("v");
    await assertRefused(
      put("101"),
      "ParameterMaxVersionLimitExceeded",
      `You attempted to create a new version of ${Name} by calling the PutParameter API with the overwrite flag. Version 1, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.`,
    );
    await label(["Old.est-_"], 2);
    assert.equal((await put("101")).Version, 101);
  });
});

describe("SecureString parameters", () => {
  it("S07-047 ask for Encrypt when they are written and for Decrypt when they are read in clear; the ciphertext is there without", async () => {
    const Name = "/secret/standard";
    const key = await newKey(world.kms);
    await secure(Name, "the value", { KeyId: key.Arn });
    const poor = await reader("no-decrypt", [allow("ssm:GetParameter*")]);
    const { Parameter } = await poor.ssm.getParameter({ Name });
    assert.match(present(Parameter?.Value), /^[A-Za-z0-9+/]{100,}=*$/);
    await assertRefused(
      poor.ssm.getParameter({ Name, WithDecryption: true }),
      "AccessDeniedException",
      /Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: [0-9a-f-]{36}; Proxy: null\)$/,
    );
    assert.equal((await ssm.getParameter({ Name, WithDecryption: true })).Parameter?.Value, "the value");
    const [encrypt] = await kmsRecords(Name, "Encrypt");
    assert.deepEqual(encrypt?.requestParameters?.["encryptionContext"], { PARAMETER_ARN: arnOf(Name) });
    const decrypts = await kmsRecords(Name, "Decrypt");
    assert.deepEqual(
      decrypts.map(({ errorCode }) => errorCode),
      ["AccessDenied", undefined],
    );
  });

  it("S07-047 of the advanced tier ask for GenerateDataKey, and are messages that the AWS Encryption SDK opens", async () => {
    const Name = "/secret/advanced";
    const key = await newKey(world.kms);
    const Value = "é".repeat(4096);
    assert.equal((await secure(Name, Value, { KeyId: key.Arn, Tier: "Advanced" })).Tier, "Advanced");
    const [generate] = await kmsRecords(Name, "GenerateDataKey");
    assert.deepEqual(generate?.requestParameters, {
      keyId: key.Arn,
      keySpec: "AES_256",
      encryptionContext: { PARAMETER_ARN: arnOf(Name) },
    });
    const message = Uint8Array.fromBase64(present((await ssm.getParameter({ Name })).Parameter?.Value));
    const clientProvider = getClient(EncryptionSdkKms as never, { endpoint, credentials, maxAttempts: 1 });
    const keyring = new KmsKeyringNode({ keyIds: [key.Arn], clientProvider: clientProvider as never });
    const { decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT);
    const { plaintext, messageHeader } = await decrypt(keyring, message);
    assert.equal(plaintext.toString("utf8"), Value);
    assert.deepEqual({ ...messageHeader.encryptionContext }, { PARAMETER_ARN: arnOf(Name) });
    assert.equal((await ssm.getParameter({ Name, WithDecryption: true })).Parameter?.Value, Value);
    const poor = await reader("no-data-key", [allow("ssm:*"), allow(["kms:Encrypt", "kms:Decrypt"])]);
    const put = { Name: "/secret/poor", Value: "v", Type: "SecureString", KeyId: key.Arn, Tier: "Advanced" } as const;
    await assertRefused(poor.ssm.putParameter(put), "AccessDeniedException", /kms:GenerateDataKey/);
  });

  it("become advanced when they are overwritten so, then under the AWS managed key where none is named", async () => {
    const Name = "/secret/converted";
    const key = await newKey(world.kms);
    await secure(Name, "standard", { KeyId: key.Arn });
    await secure(Name, "advanced", { Overwrite: true, Tier: "Advanced" });
    const { Parameters } = await ssm.getParameterHistory({ Name, WithDecryption: true });
    assert.deepEqual(
      Parameters?.map(({ Value, KeyId, Tier }) => [Value, KeyId, Tier]),
      [
        ["standard", key.Arn, "Standard"],
        ["advanced", "alias/aws/ssm", "Advanced"],
      ],
    );
  });

  it("S07-049 have a ciphertext that KMS itself opens with the context PARAMETER_ARN, and not without", async () => {
    const Name = "/secret/by/hand";
    const key = await newKey(world.kms);
    await secure(Name, "opened by hand", { KeyId: key.KeyId });
    const { Parameter } = await ssm.getParameter({ Name });
    const CiphertextBlob = Uint8Array.fromBase64(present(Parameter?.Value));
    const EncryptionContext = { PARAMETER_ARN: arnOf(Name) };
    const { Plaintext } = await world.kms.decrypt({ CiphertextBlob, EncryptionContext });
    assert.equal(Buffer.from(present(Plaintext)).toString(), "opened by hand");
    await assertRefused(world.kms.decrypt({ CiphertextBlob }), "InvalidCiphertextException");
  });

  it("S07-048 answer InvalidKeyId with KMS's message for a key that is disabled, pending import or pending deletion", async () => {
    const disabled = await newKey(world.kms);
    const pending = await newKey(world.kms);
    const imported = await newKey(world.kms, { Origin: "EXTERNAL" });
    await secure("/states/read", "v", { KeyId: disabled.Arn });
    await world.kms.disableKey({ KeyId: disabled.KeyId });
    await world.kms.scheduleKeyDeletion({ KeyId: pending.KeyId });
    for (const { key, message, code } of [
      { key: disabled, message: "is disabled.", code: "DisabledException" },
      { key: pending, message: "is pending deletion.", code: "KMSInvalidStateException" },
      { key: imported, message: "is pending import.", code: "KMSInvalidStateException" },
    ]) {
      const { message: told } = await assertRefused(secure("/states/w", "v", { KeyId: key.Arn }), "InvalidKeyId");
      assert.ok(
        told.startsWith(`${key.Arn} ${message} (Service: AWSKMS; Status Code: 400; Error Code: ${code};`),
        told,
      );
    }
    await assertRefused(
      ssm.getParameter({ Name: "/states/read", WithDecryption: true }),
      "InvalidKeyId",
      /is disabled/,
    );
    await assertRefused(secure("/states/w", "v", { KeyId: "alias/nothing" }), "InvalidKeyId", /NotFoundException/);
    await assertRefused(ssm.getParameter({ Name: "/states/w" }), "ParameterNotFound");
  });

  it("S07-034 take symmetric encryption keys alone", async () => {
    for (const input of [
      { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
      { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" },
      { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" },
    ] as const) {
      const key = await newKey(world.kms, input);
      await assertRefused(secure("/specs/w", "v", { KeyId: key.Arn }), "InvalidKeyId");
    }
  });

  it("S02-024 leave KMS records that say who called and which service called for them, from where", async () => {
    const writer = await reader("writer", [allow(["ssm:*", "kms:*"])]);
    const Name = "/secret/records";
    const output = await writer.ssm.putParameter({ Name, Value: "hidden", Type: "SecureString" });
    const [record] = await kmsRecords(Name, "Encrypt");
    const { userIdentity, sourceIPAddress, userAgent, recipientAccountId, resources } = present(record) as never as {
      readonly [member: string]: unknown;
      readonly userIdentity: Readonly<Record<string, unknown>>;
    };
    assert.deepEqual(
      [userIdentity["arn"], userIdentity["invokedBy"], sourceIPAddress, userAgent, recipientAccountId],
      [writer.arn, "ssm.amazonaws.com", "ssm.amazonaws.com", "ssm.amazonaws.com", ACCOUNT],
    );
    assert.match(JSON.stringify(resources), /:key\//);
    const own = await world.records.of(requestIdOf(output));
    assert.deepEqual(
      [own.eventSource, own.requestParameters?.["value"], own.responseElements],
      ["ssm.amazonaws.com", "HIDDEN_DUE_TO_SECURITY_REASONS", { version: 1, tier: "Standard" }],
    );
    assert.equal(own.userIdentity["invokedBy"], undefined);
    const deleted = await world.records.of(requestIdOf(await writer.ssm.deleteParameter({ Name })));
    assert.deepEqual([deleted.requestParameters, deleted.responseElements], [{ name: Name }, null]);
    assert.ok(!JSON.stringify(world.records.all()).includes('"hidden"'));
  });
});

describe("the AWS managed key of a service", () => {
  it("is made with the first use where a request names it, too", async () => {
    const region = "eu-north-1";
    const fresh = client(credentials, region);
    const KeyId = "alias/aws/ssm";
    await fresh.putParameter({ Name: "named-default", Value: "v", Type: "SecureString", KeyId });
    assert.equal((await fresh.getParameter({ Name: "named-default", WithDecryption: true })).Parameter?.Value, "v");
    const { Parameters } = await fresh.describeParameters({});
    assert.equal(Parameters?.[0]?.KeyId, KeyId);
    const other = { Name: "other-default", Value: "v", Type: "SecureString", KeyId: "alias/aws/s3" } as const;
    await assertRefused(fresh.putParameter(other), "InvalidKeyId");
  });
});

describe("kms:ViaService and its kin", () => {
  /** A user whom one condition alone lets use a key. */
  async function conditioned(name: string, condition: object, region: string = REGION) {
    const key = await newKey(world.client(region));
    const statement = { ...allow("kms:*"), Condition: condition };
    const person = await world.person(name, { allow: [statement, allow("ssm:*")] });
    const { AccessKey } = await world.iam.createAccessKey({ UserName: name });
    const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "" } = present(AccessKey);
    const own = { accessKeyId, secretAccessKey };
    return { key, ssm: client(own, region), kms: world.clients(own, region).kms, arn: person.arn };
  }
  const direct = ({ kms, key }: Awaited<ReturnType<typeof conditioned>>) =>
    kms.encrypt({ KeyId: key.KeyId, Plaintext: bytes(3) });
  const through = ({ ssm, key }: Awaited<ReturnType<typeof conditioned>>, Name = `/via/${key.KeyId}`) =>
    ssm.putParameter({ Name, Value: "v", Type: "SecureString", KeyId: key.KeyId });

  const viaSsm = { StringEquals: { "kms:ViaService": `ssm.${REGION}.amazonaws.com` } };

  it("S04-021 kms:ViaService is set on requests that a service makes, and on no other", async () => {
    const user = await conditioned("via", viaSsm);
    await assertRefused(direct(user), "AccessDeniedException");
    await through(user);
    const denied = await conditioned("not-via", { Null: { "kms:ViaService": "true" } });
    await direct(denied);
    await assertRefused(through(denied), "AccessDeniedException", /AWSKMS/);
  });

  it("S04-021 a value of another Region, or of another service, does not hold", async () => {
    const elsewhere = await conditioned("elsewhere", viaSsm, "eu-west-1");
    await assertRefused(through(elsewhere), "AccessDeniedException");
    const other = { StringEquals: { "kms:ViaService": `secretsmanager.${REGION}.amazonaws.com` } };
    await assertRefused(through(await conditioned("other-service", other)), "AccessDeniedException");
  });

  it("S04-021 is what the policies of AWS managed keys ask for", async () => {
    const user = await reader("managed", [allow(["ssm:*", "kms:Encrypt", "kms:Decrypt", "kms:CreateKey"])]);
    await user.ssm.putParameter({ Name: "/managed", Value: "v", Type: "SecureString" });
    const key = await managedKey(world.kms, "ssm");
    assert.equal(key.KeyManager, "AWS");
    const { Policy = "" } = await world.kms.getKeyPolicy({ KeyId: key.KeyId, PolicyName: "default" });
    const [statement] = (JSON.parse(Policy) as { Statement: { Sid: string; Condition: object }[] }).Statement;
    assert.deepEqual(
      [statement?.Sid, statement?.Condition],
      [
        "Allow access through SSM for all principals in the account that are authorized to use SSM",
        { StringEquals: { "kms:CallerAccount": ACCOUNT, "kms:ViaService": `ssm.${REGION}.amazonaws.com` } },
      ],
    );
    await assertRefused(
      user.kms.encrypt({ KeyId: key.KeyId, Plaintext: bytes(3) }),
      "AccessDeniedException",
      /because no resource-based policy allows/,
    );
    assert.equal((await user.ssm.getParameter({ Name: "/managed", WithDecryption: true })).Parameter?.Value, "v");
  });

  it("makes the AWS managed key for somebody who may use the service and nothing of KMS", async () => {
    const { ssm: there } = await reader("newcomer", [allow("ssm:*")], "ap-south-1");
    await there.putParameter({ Name: "first", Value: "v", Type: "SecureString" });
    assert.equal((await there.getParameter({ Name: "first", WithDecryption: true })).Parameter?.Value, "v");
  });

  for (const { title, condition, isDirect } of [
    { title: "aws:ViaAWSService true", condition: { Bool: { "aws:ViaAWSService": "true" } }, isDirect: false },
    { title: "aws:ViaAWSService false", condition: { Bool: { "aws:ViaAWSService": "false" } }, isDirect: true },
    {
      title: "aws:CalledVia",
      condition: { "ForAnyValue:StringEquals": { "aws:CalledVia": "ssm.amazonaws.com" } },
      isDirect: false,
    },
    {
      title: "aws:CalledViaFirst and aws:CalledViaLast",
      condition: {
        StringEquals: { "aws:CalledViaFirst": "ssm.amazonaws.com", "aws:CalledViaLast": "ssm.amazonaws.com" },
      },
      isDirect: false,
    },
    { title: "aws:SourceIp", condition: { IpAddress: { "aws:SourceIp": "127.0.0.0/8" } }, isDirect: true },
    {
      title: "kms:EncryptionContext:PARAMETER_ARN",
      condition: { StringLike: { "kms:EncryptionContext:PARAMETER_ARN": arnOf("/via/*") } },
      isDirect: false,
    },
    { title: "kms:CallerAccount", condition: { StringEquals: { "kms:CallerAccount": ACCOUNT } }, isDirect: undefined },
  ]) {
    it(`${title} tells calls by services from direct ones`, async () => {
      const user = await conditioned(title.replace(/[^a-z]/gi, ""), condition);
      if (isDirect === false) await assertRefused(direct(user), "AccessDeniedException");
      else await direct(user);
      if (isDirect === true) await assertRefused(through(user), "AccessDeniedException");
      else await through(user);
    });
  }

  it("S04-021 no header of a direct request can set one of them", async () => {
    const user = await conditioned("liar", viaSsm);
    const headers = {
      "x-amz-via-service": `ssm.${REGION}.amazonaws.com`,
      "kms:viaservice": "ssm",
      "x-amz-source-arn": arnOf("/x"),
      via: "ssm.amazonaws.com",
      host: `ssm.${REGION}.amazonaws.com`,
    };
    for (const [name, value] of Object.entries(headers)) {
      if (name.includes(":")) continue;
      user.kms.middlewareStack.add(
        (next) => (args) => {
          const request = args.request as { headers: Record<string, string> };
          request.headers[name] = value;
          return next(args);
        },
        { step: "build", name: `set ${name}` },
      );
    }
    const refusal = await refusalOf(direct(user));
    assert.equal(refusal.name, "AccessDeniedException");
  });

  it("a key policy lets another account in through the service alone", async () => {
    const Policy = policyOf(allowing(ACCOUNT), {
      Effect: "Allow",
      Principal: "*",
      Action: ["kms:Encrypt", "kms:Decrypt"],
      Resource: "*",
      Condition: viaSsm,
    });
    const key = await newKey(world.kms, { Policy });
    await assertRefused(world.other.encrypt({ KeyId: key.Arn, Plaintext: bytes(3) }), "AccessDeniedException");
    const other = client(world.otherCredentials);
    await other.putParameter({ Name: "/theirs", Value: "v", Type: "SecureString", KeyId: key.Arn });
    assert.equal((await other.getParameter({ Name: "/theirs", WithDecryption: true })).Parameter?.Value, "v");
    await assertRefused(ssm.getParameter({ Name: "/theirs" }), "ParameterNotFound");
  });
});

describe("tags of parameters", () => {
  it("decide, filter and are listed until the parameter goes", async () => {
    const [Name, other] = ["/tagged/red", "/tagged/none"];
    await ssm.putParameter({ Name, Value: "v", Type: "String", Tags: [TEAM] });
    await ssm.putParameter({ Name: other, Value: "v", Type: "String", Tags: [{ Key: "color", Value: "red" }] });
    const Condition = { StringEquals: { "aws:ResourceTag/team": "red" } };
    const member = await reader("tag-member", [{ ...allow("ssm:GetParameter"), Condition }]);
    assert.equal((await member.ssm.getParameter({ Name })).Parameter?.Value, "v");
    await assertRefused(member.ssm.getParameter({ Name: other }), "AccessDeniedException");
    const filtered = async (Key: string, Values?: string[]) => {
      const { Parameters = [] } = await ssm.describeParameters({
        ParameterFilters: [{ Key, ...(Values && { Values }) }],
      });
      return Parameters.map((parameter) => parameter.Name);
    };
    assert.deepEqual(await filtered("tag:team", ["red"]), [Name]);
    assert.deepEqual(await filtered("tag:team"), [Name]);
    assert.deepEqual(await filtered("tag:team", ["blue"]), []);
    const tagging = new ResourceGroupsTaggingAPI({ endpoint, region: REGION, credentials, maxAttempts: 1 });
    clients.push(tagging);
    const listed = async () => {
      const { ResourceTagMappingList = [] } = await tagging.getResources({
        ResourceTypeFilters: ["ssm:parameter"],
        TagFilters: [{ Key: "team" }],
      });
      return ResourceTagMappingList.map(({ ResourceARN, Tags }) => [ResourceARN, Tags]);
    };
    assert.deepEqual(await listed(), [[arnOf(Name), [TEAM]]]);
    await ssm.deleteParameter({ Name });
    await ssm.putParameter({ Name, Value: "v", Type: "String" });
    assert.deepEqual(await listed(), []);
    await assertRefused(member.ssm.getParameter({ Name }), "AccessDeniedException");
  });
});

describe("AddTagsToResource and its kin", () => {
  const on = (ResourceId: string) => ({ ResourceType: "Parameter", ResourceId }) as const;
  const listed = async (name: string) => (await ssm.listTagsForResource(on(name))).TagList;

  it("change the tags of a parameter and tell them, as policies ask of them", async () => {
    const Name = "/tags/added";
    await ssm.putParameter({ Name, Value: "v", Type: "String" });
    assert.deepEqual(await listed(Name), []);
    const Condition = { "ForAllValues:StringEquals": { "aws:TagKeys": ["team", "color"] } };
    const member = await reader("tagger", [
      { ...allow("ssm:AddTagsToResource"), Condition },
      { ...allow("ssm:RemoveTagsFromResource"), Condition },
    ]);
    await member.ssm.addTagsToResource({ ...on(Name), Tags: [TEAM, { Key: "color", Value: "" }] });
    await member.ssm.addTagsToResource({ ...on(Name), Tags: [{ Key: "color", Value: "blue" }] });
    assert.deepEqual(await listed(Name), [{ Key: "color", Value: "blue" }, TEAM]);
    await assertRefused(
      member.ssm.addTagsToResource({ ...on(Name), Tags: [{ Key: "x", Value: "" }] }),
      "AccessDeniedException",
    );
    await assertRefused(member.ssm.removeTagsFromResource({ ...on(Name), TagKeys: ["x"] }), "AccessDeniedException");
    await assertRefused(member.ssm.listTagsForResource(on(Name)), "AccessDeniedException");
    await member.ssm.removeTagsFromResource({ ...on(Name), TagKeys: ["color"] });
    await ssm.putParameter({ Name, Value: "w", Overwrite: true });
    assert.deepEqual(await listed(Name), [TEAM]);
    const most = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
    await assertRefused(ssm.addTagsToResource({ ...on(Name), Tags: most }), "TooManyTagsError");
  });

  it("find no other resource", async () => {
    const none = { Tags: [TEAM], ...on("/tags/none") };
    await assertRefused(ssm.listTagsForResource(on("/tags/none")), "InvalidResourceId");
    await assertRefused(ssm.addTagsToResource(none), "InvalidResourceId");
    await assertRefused(ssm.addTagsToResource({ ...none, ResourceType: "Document" }), "InvalidResourceId");
    await assertRefused(ssm.removeTagsFromResource({ ...on("/tags/none"), TagKeys: ["a"] }), "InvalidResourceId");
  });
});

describe("AllowedPattern", () => {
  it("holds for the values that follow, and is told", async () => {
    const Name = "patterned";
    const put = (Value: string, more: Partial<PutParameterCommandInput> = {}) =>
      ssm.putParameter({ Name, Value, Type: "String", Overwrite: true, ...more });
    await put("1", { AllowedPattern: "\\d{1,4}" });
    await assertRefused(put("x"), "ParameterPatternMismatchException");
    await put("1234");
    const { Parameters } = await ssm.getParameterHistory({ Name });
    assert.deepEqual(
      Parameters?.map(({ AllowedPattern }) => AllowedPattern),
      ["\\d{1,4}", "\\d{1,4}"],
    );
    await put("x", { AllowedPattern: "" });
  });
});

describe("policies of parameters", () => {
  it("tell of an expiration before it comes, of a value that stays, and delete the parameter", async () => {
    const events = new EventBridge({ endpoint, credentials, region: REGION, maxAttempts: 1 });
    clients.push(events);
    await events.putRule({ Name: "policies", EventPattern: JSON.stringify({ source: ["aws.ssm"] }) });
    await events.putTargets({ Rule: "policies", Targets: [{ Id: "policies", Arn: EVENT_TARGET }] });
    const Name = "/expiring";
    const now = (await world.server.clock.now()).getTime();
    const Timestamp = new Date(now + 20 * 86_400_000).toISOString();
    const list = [
      { Type: "Expiration", Version: "1.0", Attributes: { Timestamp } },
      { Type: "ExpirationNotification", Version: "1.0", Attributes: { Before: "15", Unit: "Days" } },
      { Type: "NoChangeNotification", Version: "1.0", Attributes: { After: "24", Unit: "Hours" } },
    ];
    const input = { Name, Value: "v", Type: "String" as const, Tier: "Intelligent-Tiering" as const };
    assert.equal((await ssm.putParameter({ ...input, Policies: JSON.stringify(list) })).Tier, "Advanced");
    const statuses = async () => {
      const { Parameters = [] } = await ssm.getParameterHistory({ Name });
      return (Parameters[0]?.Policies ?? []).map(({ PolicyType, PolicyStatus }) => [PolicyType, PolicyStatus]);
    };
    const [first, second, third] = ["NoChangeNotification", "ExpirationNotification", "Expiration"];
    assert.deepEqual(await statuses(), [
      [first, "Pending"],
      [second, "Pending"],
      [third, "Pending"],
    ]);
    await world.server.clock.advance("P6D");
    assert.deepEqual(await statuses(), [
      [first, "Finished"],
      [second, "Finished"],
      [third, "Pending"],
    ]);
    await world.server.clock.advance("P15D");
    await assertRefused(ssm.getParameter({ Name }), "ParameterNotFound");
    const told = await receiver.events(
      "/parameters",
      3,
      (event) => event["detail-type"] === "Parameter Store Policy Action",
    );
    assert.deepEqual(
      told.map(({ resources, detail }) => [resources, detail["policy-type"], detail["parameter-name"]]),
      [first, second, third].map((type) => [[arnOf(Name)], type, Name]),
    );
    const [record] = await world.records.where(
      ({ eventName, eventType }) => eventName === "DeleteParameter" && eventType === "AwsServiceEvent",
    );
    assert.deepEqual(record?.serviceEventDetails, { name: Name });
  });
});

describe("references to secrets", () => {
  const path = (name: string) => `/aws/reference/secretsmanager/${name}`;
  const secrets = new SecretsManager({ endpoint, region: REGION, credentials, maxAttempts: 1 });
  clients.push(secrets);

  it("read a secret in the caller's name, and tell it as AWS was recorded to", async () => {
    const { ARN = "", VersionId } = await secrets.createSecret({ Name: "referred/one", SecretString: "mine" });
    await ssm.putParameter({ Name: "beside", Value: "v", Type: "String" });
    const Name = path("referred/one");
    const { Parameter } = await ssm.getParameter({ Name, WithDecryption: true });
    const { SourceResult = "", LastModifiedDate, ...told } = present(Parameter);
    assert.deepEqual(told, { Name, ARN, Type: "SecureString", Value: "mine", Version: 0 });
    const { createdDate, ...source } = JSON.parse(SourceResult) as Record<string, unknown>;
    const known = { ARN, name: "referred/one", versionId: VersionId, secretString: "mine" };
    assert.deepEqual(source, { ...known, versionStages: ["AWSCURRENT"] });
    assert.match(String(createdDate), /^[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d:\d\d [AP]M$/);
    assert.ok(LastModifiedDate instanceof Date);
    await secrets.putSecretValue({ SecretId: ARN, SecretString: "newer" });
    for (const [selector, value] of [
      ["", "newer"],
      [":AWSPREVIOUS", "mine"],
      [`:${VersionId}`, "mine"],
    ]) {
      const read = await ssm.getParameter({ Name: `${Name}${selector}`, WithDecryption: true });
      assert.equal(read.Parameter?.Value, value);
    }
    const Names = ["beside", Name, "absent", path("referred/absent")];
    const { Parameters, InvalidParameters } = await ssm.getParameters({ Names, WithDecryption: true });
    assert.deepEqual(
      [Parameters?.map(({ Value }) => Value), InvalidParameters],
      [
        ["newer", "v"],
        ["absent", path("referred/absent")],
      ],
    );
    const [record] = await world.records.where(
      ({ eventName, requestParameters }) =>
        eventName === "GetSecretValue" && requestParameters?.["secretId"] === "referred/one",
    );
    assert.equal(record?.userIdentity?.["invokedBy"], "ssm.amazonaws.com");
  });

  it("take decryption, a secret that is there, and the permission to read it", async () => {
    await secrets.createSecret({ Name: "referred/two", SecretString: "s" });
    const Name = path("referred/two");
    await assertRefused(
      ssm.getParameter({ Name }),
      "ValidationException",
      "WithDecryption flag must be True for retrieving a Secret Manager secret.",
    );
    await assertRefused(
      ssm.getParameter({ Name: path("none"), WithDecryption: true }),
      "ParameterNotFound",
      `An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret ${path("none")} not found.`,
    );
    const member = await reader("referrer", [allow("ssm:GetParameter")]);
    await assertRefused(
      member.ssm.getParameter({ Name, WithDecryption: true }),
      "AccessDeniedException",
      /secretsmanager:GetSecretValue on resource: referred\/two because no identity-based policy/,
    );
    const other = await reader("reader-of-secrets", [allow("secretsmanager:GetSecretValue")]);
    await assertRefused(
      other.ssm.getParameter({ Name, WithDecryption: true }),
      "AccessDeniedException",
      /ssm:GetParameter/,
    );
  });
});
