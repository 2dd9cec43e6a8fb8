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
    const { Parameters, InvalidParameters } = await ssm.getParameters({ Names: ["/tree/b", "nothing", "/tree/a"] });
    assert.deepEqual([Parameters?.map(({ Name }) => Name), InvalidParameters], [["/tree/a", "/tree/b"], ["nothing"]]);
    const deleted = await ssm.deleteParameters({ Names: ["/tree/b", "nothing"] });
    assert.deepEqual([deleted.DeletedParameters, deleted.InvalidParameters], [["/tree/b"], ["nothing"]]);
  });

  for (const { title, input, code, message } of [
    { title: "no type", input: { Type: undefined }, code: "ValidationException", message: /^A parameter type is req/ },
    { title: "a name of AWS's", input: { Name: "/aws/x" }, code: "AccessDeniedException", message: /: \/aws\/x\.$/ },
    { title: "a name of SSM's", input: { Name: "ssmx" }, code: "ValidationException", message: /prefixed with "ssm"/ },
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
    assert.ok(!JSON.stringify(world.records.all()).includes('"hidden"'));
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
