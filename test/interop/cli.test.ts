/** The guide's examples replayed with the AWS CLI (spec 08, Replay transcript, steps 1 to 24), in its account and Region. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { AwsCli, type Json } from "./aws-cli.ts";

const ACCOUNT = "111111111111";
const REGION = "eu-west-2";
const CREDENTIALS = { accessKeyId: "AKIAREPLAYACCOUNT001", secretAccessKey: "a/secret/of/the/replay" };
/** The ten bytes of the guide's Encrypt examples. */
const PLAINTEXT = "AQIDBAUGBwgJAA==";

/** The guide's key policy for Node.js, with line breaks and a tab: one Sid twice, and actions with wildcards. */
const NODE_JS_POLICY = `{
\t"Version": "2012-10-17",
  "Id": "custom-policy-2016-12-07",
  "Statement": [
    {
      "Sid": "Enable IAM User Permissions",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::${ACCOUNT}:root" },
      "Action": "kms:*",
      "Resource": "*"
    },
    {
      "Sid": "Enable IAM User Permissions",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::${ACCOUNT}:role/Worker" },
      "Action": ["kms:Encrypt*", "kms:GenerateDataKey*", "kms:Decrypt*", "kms:DescribeKey*", "kms:ReEncrypt*"],
      "Resource": "*"
    }
  ]
}
`;

/** The guide's key policy for Java, which locks its caller out. */
const JAVA_POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    {
      Sid: "Allow access for ExampleRole",
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/Worker` },
      Action: ["kms:Encrypt", "kms:GenerateDataKey*", "kms:Decrypt", "kms:DescribeKey", "kms:ReEncrypt*"],
      Resource: "*",
    },
  ],
});

const DEFAULT_POLICY = {
  Version: "2012-10-17",
  Id: "key-default-1",
  Statement: [
    {
      Sid: "Enable IAM User Permissions",
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
      Action: "kms:*",
      Resource: "*",
    },
  ],
};

const directory = new TemporaryDirectory();
let server: DevServer;
let cli: AwsCli;
let first: Metadata;
let second: Metadata;

interface Metadata extends Json {
  readonly KeyId: string;
  readonly Arn: string;
}

const metadataOf = (output: Json): Metadata => output["KeyMetadata"] as Metadata;
const text = (output: Json, member: string): string => {
  const value = output[member];
  assert.equal(typeof value, "string", member);
  return value as string;
};
const decoded = (base64: string): Uint8Array => Uint8Array.fromBase64(base64);

before(async () => {
  const seed = directory.at("seed.yaml");
  writeFileSync(seed, JSON.stringify({ accounts: [{ id: ACCOUNT, credentials: [CREDENTIALS] }] }));
  server = await startDevServer({ args: ["--seed", seed, "--unknown-principals", "allow"] });
  cli = new AwsCli({ endpoint: server.endpoint, region: REGION, credentials: CREDENTIALS });
  first = metadataOf(await cli.kms("create-key", "--description", "replay one")); // step 1
  second = metadataOf(await cli.kms("create-key", "--description", "replay two")); // step 2
});
after(async () => {
  await server.stop();
  cli[Symbol.dispose]();
  directory[Symbol.dispose]();
});

describe("the replay transcript with the AWS CLI", () => {
  it("S08-030: SC-01 makes keys, describes and lists them (steps 1 to 4)", async () => {
    const { KeyId, Arn, CreationDate, ...rest } = first;
    assert.match(KeyId, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal(Arn, `arn:aws:kms:${REGION}:${ACCOUNT}:key/${KeyId}`);
    assert.ok(Math.abs(Date.parse(String(CreationDate)) - Date.now()) < 300_000, String(CreationDate));
    assert.deepEqual(rest, {
      AWSAccountId: ACCOUNT,
      Enabled: true,
      Description: "replay one",
      KeyUsage: "ENCRYPT_DECRYPT",
      KeyState: "Enabled",
      Origin: "AWS_KMS",
      KeyManager: "CUSTOMER",
      CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
      KeySpec: "SYMMETRIC_DEFAULT",
      EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
      MultiRegion: false,
    });
    assert.notEqual(second.KeyId, KeyId);
    assert.deepEqual(metadataOf(await cli.kms("describe-key", "--key-id", KeyId)), first);
    const { Keys } = (await cli.kms("list-keys", "--limit", "10")) as { Keys: readonly Json[] };
    for (const key of [first, second]) {
      assert.deepEqual(
        Keys.filter((entry) => entry["KeyId"] === key.KeyId),
        [{ KeyId: key.KeyId, KeyArn: key.Arn }],
      );
    }
  });

  it("S08-030: SC-01 encrypts and decrypts data keys and small texts, and re-encrypts them (steps 5 to 11)", async () => {
    const dataKey = await cli.kms("generate-data-key", "--key-id", first.Arn, "--key-spec", "AES_256");
    assert.deepEqual(Object.keys(dataKey).sort(), ["CiphertextBlob", "KeyId", "Plaintext"]);
    assert.equal(dataKey["KeyId"], first.Arn);
    assert.equal(decoded(text(dataKey, "Plaintext")).length, 32);
    const dataKeyFile = cli.file("data-key.bin", decoded(text(dataKey, "CiphertextBlob")));
    assert.deepEqual(await cli.kms("decrypt", "--ciphertext-blob", `fileb://${dataKeyFile}`, "--key-id", first.Arn), {
      KeyId: first.Arn,
      Plaintext: dataKey["Plaintext"],
      EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    });

    const plain = `fileb://${cli.file("p.bin", decoded(PLAINTEXT))}`;
    const encrypted = await cli.kms("encrypt", "--key-id", first.Arn, "--plaintext", plain);
    const { CiphertextBlob, ...named } = encrypted;
    assert.deepEqual(named, { KeyId: first.Arn, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" });
    const blob = `fileb://${cli.file("c.bin", decoded(String(CiphertextBlob)))}`;
    assert.deepEqual(await cli.kms("decrypt", "--ciphertext-blob", blob), {
      KeyId: first.Arn,
      Plaintext: PLAINTEXT,
      EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    });
    await cli.kmsRefused(["decrypt", "--ciphertext-blob", blob, "--key-id", second.Arn], {
      code: "IncorrectKeyException",
      operation: "Decrypt",
      message: "The key ID in the request does not identify a CMK that can perform this operation.",
    });

    const keys = ["--source-key-id", first.Arn, "--destination-key-id", second.Arn];
    const moved = await cli.kms("re-encrypt", "--ciphertext-blob", blob, ...keys);
    const { CiphertextBlob: movedBlob, ...movedNames } = moved;
    assert.deepEqual(movedNames, {
      SourceKeyId: first.Arn,
      KeyId: second.Arn,
      SourceEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
      DestinationEncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    });
    const opened = await cli.kms("decrypt", "--ciphertext-blob", String(movedBlob), "--key-id", second.Arn);
    assert.equal(opened["Plaintext"], PLAINTEXT);
  });

  it("S08-030: SC-01 disables and enables a key (steps 12 and 13)", async () => {
    const { KeyId, Arn } = metadataOf(await cli.kms("create-key"));
    const blob = text(await cli.kms("encrypt", "--key-id", KeyId, "--plaintext", PLAINTEXT), "CiphertextBlob");
    await cli.kmsSilently("disable-key", "--key-id", Arn);
    await cli.kmsRefused(["decrypt", "--ciphertext-blob", blob], {
      code: "DisabledException",
      operation: "Decrypt",
      message: `${Arn} is disabled.`,
    });
    const { KeyState, Enabled } = metadataOf(await cli.kms("describe-key", "--key-id", Arn));
    assert.deepEqual({ KeyState, Enabled }, { KeyState: "Disabled", Enabled: false });
    await cli.kmsSilently("enable-key", "--key-id", KeyId);
    assert.equal((await cli.kms("decrypt", "--ciphertext-blob", blob))["Plaintext"], PLAINTEXT);
  });

  it("S08-030: SC-01 names a key, renames it and forgets the name (steps 14 to 19)", async () => {
    const alias = ["--alias-name", "alias/replayKey1"];
    const create = ["create-alias", ...alias, "--target-key-id", first.Arn];
    const aliasArn = `arn:aws:kms:${REGION}:${ACCOUNT}:alias/replayKey1`;
    const aliasesOf = async (key: Metadata): Promise<readonly Json[]> =>
      (await cli.kms("list-aliases", "--key-id", key.Arn))["Aliases"] as readonly Json[];

    await cli.kmsSilently(...create);
    await cli.kmsRefused(create, {
      code: "AlreadyExistsException",
      operation: "CreateAlias",
      message: `An alias with the name ${aliasArn} already exists`,
    });
    const { Aliases } = (await cli.kms("list-aliases", "--limit", "10")) as { Aliases: readonly Json[] };
    assert.equal(Aliases.length, 10);
    const [entry, ...more] = await aliasesOf(first);
    assert.deepEqual(more, []);
    const { CreationDate, LastUpdatedDate, ...names } = entry ?? {};
    assert.deepEqual(names, { AliasName: "alias/replayKey1", AliasArn: aliasArn, TargetKeyId: first.KeyId });
    assert.equal(CreationDate, LastUpdatedDate);
    await cli.kmsRefused(["list-aliases", "--key-id", "alias/replayKey1"], {
      code: "InvalidArnException",
      operation: "ListAliases",
      message: "Key Aliases are not supported for this operation.",
    });
    const encrypted = await cli.kms("encrypt", "--key-id", "alias/replayKey1", "--plaintext", PLAINTEXT);
    assert.equal(encrypted["KeyId"], first.Arn);

    await cli.kmsSilently("update-alias", ...alias, "--target-key-id", second.Arn);
    assert.deepEqual(await aliasesOf(first), []);
    assert.deepEqual(
      (await aliasesOf(second)).map(({ AliasName, TargetKeyId }) => ({ AliasName, TargetKeyId })),
      [{ AliasName: "alias/replayKey1", TargetKeyId: second.KeyId }],
    );
    await cli.kmsRefused(["update-alias", "--alias-name", "alias/ReplayKey1", "--target-key-id", second.Arn], {
      code: "NotFoundException",
      operation: "UpdateAlias",
      message: `Alias arn:aws:kms:${REGION}:${ACCOUNT}:alias/ReplayKey1 is not found.`,
    });

    await cli.kmsSilently("delete-alias", ...alias);
    assert.deepEqual(metadataOf(await cli.kms("describe-key", "--key-id", second.Arn)), second);
    await cli.kmsRefused(["delete-alias", ...alias], {
      code: "NotFoundException",
      operation: "DeleteAlias",
      message: `Alias ${aliasArn} is not found.`,
    });
  });

  it("reads and replaces a key policy (steps 20 to 24)", async () => {
    const policy = ["--key-id", first.Arn, "--policy-name", "default"];
    assert.deepEqual(await cli.kms("list-key-policies", "--key-id", first.Arn), { PolicyNames: ["default"] });
    const original = text(await cli.kms("get-key-policy", ...policy), "Policy");
    assert.deepEqual(JSON.parse(original), DEFAULT_POLICY);

    const nodeJs = cli.file("node.json", NODE_JS_POLICY);
    await cli.kmsSilently("put-key-policy", ...policy, "--policy", `file://${nodeJs}`);
    const java = `file://${cli.file("java.json", JAVA_POLICY)}`;
    await cli.kmsRefused(["put-key-policy", ...policy, "--policy", java], {
      code: "MalformedPolicyDocumentException",
      operation: "PutKeyPolicy",
      message: "The new key policy will not allow you to update the key policy in the future.",
    });
    assert.equal(text(await cli.kms("get-key-policy", ...policy), "Policy"), NODE_JS_POLICY);
    await cli.kmsSilently("put-key-policy", ...policy, "--policy", original);
    assert.equal(text(await cli.kms("get-key-policy", ...policy), "Policy"), original);
  });
});
