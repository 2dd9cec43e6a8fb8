/** What the replay transcript leaves out, with the AWS CLI: tags, rotation, deletion, random bytes, pages, and who is asking. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { type DevServer, startDevServer } from "../dev-server.ts";
import type { AccessKey } from "../faults/signed-requests.ts";
import { allow } from "../iam-world.ts";
import { clientOf, policyOf } from "../kms-client.ts";
import { AwsCli, type Json } from "./aws-cli.ts";

const REGION = "us-west-2";
/** A Region in which nothing but the keys of the page test is made. */
const PAGES_REGION = "ap-southeast-2";
const ACCOUNT = "111122223333";
const DAY_MS = 86_400_000;
/** Of a role that the account may assume. */
const TRUST_POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: "sts:AssumeRole" }],
});

let server: DevServer;
let cli: AwsCli;
before(async () => {
  server = await startDevServer();
  cli = new AwsCli({ endpoint: server.endpoint, region: REGION, credentials: server.credentials });
});
after(async () => {
  await server.stop();
  cli[Symbol.dispose]();
});

/** A user with an access key, allowed an action on all keys. */
async function newUser(UserName: string, action: string): Promise<AccessKey> {
  const iam = new IAM({ endpoint: server.endpoint, region: REGION, credentials: server.credentials });
  await iam.createUser({ UserName });
  await iam.putUserPolicy({ UserName, PolicyName: "allowed", PolicyDocument: policyOf(allow(action)) });
  const { AccessKey: { AccessKeyId = "", SecretAccessKey = "" } = {} } = await iam.createAccessKey({ UserName });
  iam.destroy();
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };
}

/** Makes keys without the CLI, which takes a second for each. */
async function newKeyIds(region: string, count: number): Promise<readonly string[]> {
  using client = clientOf(server, region);
  const made = await Promise.all(Array.from({ length: count }, () => client.kms.createKey({})));
  return made.map(({ KeyMetadata }) => KeyMetadata?.KeyId ?? "");
}

async function newKeyId(): Promise<string> {
  const [keyId] = await newKeyIds(REGION, 1);
  assert.ok(keyId);
  return keyId;
}

const arnOf = (keyId: string): string => `arn:aws:kms:${REGION}:${ACCOUNT}:key/${keyId}`;

describe("the AWS CLI", () => {
  it("tags a key, lists its tags and takes one off", async () => {
    const key = ["--key-id", await newKeyId()];
    await cli.kmsSilently("tag-resource", ...key, "--tags", "TagKey=Team,TagValue=Blue", "TagKey=Cost,TagValue=");
    assert.deepEqual(await cli.kms("list-resource-tags", ...key), {
      Tags: [
        { TagKey: "Cost", TagValue: "" },
        { TagKey: "Team", TagValue: "Blue" },
      ],
    });
    await cli.kmsSilently("untag-resource", ...key, "--tag-keys", "Team", "Absent");
    const left = await cli.kms("list-resource-tags", ...key);
    assert.deepEqual(left["Tags"], [{ TagKey: "Cost", TagValue: "" }]);
  });

  it("turns rotation on and off and reads its status", async () => {
    const key = ["--key-id", await newKeyId()];
    await cli.kmsSilently("enable-key-rotation", ...key);
    assert.equal((await cli.kms("get-key-rotation-status", ...key))["KeyRotationEnabled"], true);
    await cli.kmsSilently("disable-key-rotation", ...key);
    assert.equal((await cli.kms("get-key-rotation-status", ...key))["KeyRotationEnabled"], false);
  });

  it("makes a grant, lists it, retires it by its token, and revokes another", async () => {
    const keyId = await newKeyId();
    const key = ["--key-id", keyId];
    const role = ["create-role", "--role-name", "keyUserRole", "--assume-role-policy-document", TRUST_POLICY];
    assert.equal((await cli.run("iam", role)).code, 0);
    const grantee = ["--grantee-principal", `arn:aws:iam::${ACCOUNT}:role/keyUserRole`];
    const operations = ["--operations", "Decrypt", "RetireGrant"];
    const constraints = ["--constraints", "EncryptionContextSubset={Department=IT}"];
    const made = await cli.kms("create-grant", ...key, ...grantee, ...operations, ...constraints);
    assert.deepEqual(Object.keys(made).sort(), ["GrantId", "GrantToken"]);
    const idsOf = async (): Promise<readonly string[]> => {
      const { Grants } = (await cli.kms("list-grants", ...key)) as { Grants: readonly { GrantId: string }[] };
      return Grants.map(({ GrantId }) => GrantId);
    };
    assert.deepEqual(await idsOf(), [made["GrantId"]]);
    await cli.kmsSilently("retire-grant", "--grant-token", String(made["GrantToken"]));
    assert.deepEqual(await idsOf(), []);
    const another = await cli.kms("create-grant", ...key, ...grantee, ...operations);
    await cli.kmsSilently("revoke-grant", ...key, "--grant-id", String(another["GrantId"]));
    assert.deepEqual(await idsOf(), []);
  });

  it("S08-030: SC-01 schedules a key's deletion, which shows, and takes that back, which leaves it disabled", async () => {
    const keyId = await newKeyId();
    const key = ["--key-id", keyId];
    const scheduled = await cli.kms("schedule-key-deletion", ...key, "--pending-window-in-days", "7");
    const { DeletionDate, ...rest } = scheduled;
    assert.deepEqual(rest, { KeyId: arnOf(keyId), KeyState: "PendingDeletion", PendingWindowInDays: 7 });
    const days = (Date.parse(String(DeletionDate)) - Date.now()) / DAY_MS;
    assert.ok(days > 6.99 && days <= 7, String(days));
    const pending = (await cli.kms("describe-key", ...key))["KeyMetadata"] as Json;
    assert.equal(pending["DeletionDate"], DeletionDate);
    assert.equal(pending["Enabled"], false);
    assert.deepEqual(await cli.kms("cancel-key-deletion", ...key), { KeyId: arnOf(keyId) });
    const { KeyState } = (await cli.kms("describe-key", ...key))["KeyMetadata"] as Json;
    assert.equal(KeyState, "Disabled");
  });

  it("writes a key's description anew", async () => {
    const key = ["--key-id", await newKeyId()];
    await cli.kmsSilently("update-key-description", ...key, "--description", "für später");
    const { Description } = (await cli.kms("describe-key", ...key))["KeyMetadata"] as Json;
    assert.equal(Description, "für später");
  });

  it("gets random bytes, and a data key without its plaintext that opens under its context alone", async () => {
    const { Plaintext, ...noMore } = await cli.kms("generate-random", "--number-of-bytes", "24");
    assert.equal(Uint8Array.fromBase64(String(Plaintext)).length, 24);
    assert.deepEqual(noMore, {});
    const keyId = await newKeyId();
    const context = ["--encryption-context", "purpose=backup,volume=7"];
    const args = ["--key-id", keyId, "--number-of-bytes", "48", ...context];
    const { CiphertextBlob, ...rest } = await cli.kms("generate-data-key-without-plaintext", ...args);
    assert.deepEqual(rest, { KeyId: arnOf(keyId) });
    const opened = await cli.kms("decrypt", "--ciphertext-blob", String(CiphertextBlob), ...context);
    assert.equal(Uint8Array.fromBase64(String(opened["Plaintext"])).length, 48);
    await cli.kmsRefused(["decrypt", "--ciphertext-blob", String(CiphertextBlob)], {
      code: "InvalidCiphertextException",
      operation: "Decrypt",
      message: "",
    });
  });

  it("S08-030: SC-05 keeps a password in an environment variable, for who may decrypt it and knows its context", async () => {
    const keyId = await newKeyId();
    const context = ["--encryption-context", "app=billing"];
    const password = Buffer.from("a password of twenty").toString("base64");
    const encrypted = await cli.kms("encrypt", "--key-id", keyId, "--plaintext", password, ...context);
    const environment = { PASSWORD: String(encrypted["CiphertextBlob"]) };
    assert.match(environment.PASSWORD, /^[A-Za-z0-9+/]+=*$/);

    const decrypt = ["decrypt", "--ciphertext-blob", environment.PASSWORD];
    const reader = { credentials: await newUser("reader", "kms:Decrypt") };
    const { code, stdout } = await cli.run("kms", [...decrypt, ...context], reader);
    assert.deepEqual([code, (JSON.parse(stdout) as Json)["Plaintext"]], [0, password]);
    const refused = { code: "InvalidCiphertextException", operation: "Decrypt", message: "" };
    await cli.kmsRefused(decrypt, refused, reader);
    const stranger = await cli.run("kms", [...decrypt, ...context], {
      credentials: await newUser("stranger", "kms:List*"),
    });
    assert.match(stranger.stderr, /\(AccessDeniedException\)/);
    const long = `fileb://${cli.file("long.txt", "a".repeat(4097))}`;
    const tooLong = await cli.run("kms", ["encrypt", "--key-id", keyId, "--plaintext", long]);
    assert.match(tooLong.stderr, /\(ValidationException\)/);
  });

  it("S08-030: SC-26 makes the same key as the SDK, symmetric or not", async () => {
    using client = clientOf(server, REGION);
    for (const { args, input } of [
      { args: [], input: {} },
      {
        args: ["--key-spec", "ECC_NIST_P256", "--key-usage", "SIGN_VERIFY"],
        input: { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" } as const,
      },
    ]) {
      const made = (await cli.kms("create-key", ...args))["KeyMetadata"] as Json;
      const { KeyMetadata } = await client.kms.createKey(input);
      const described = (await cli.kms("describe-key", "--key-id", String(KeyMetadata?.KeyId)))["KeyMetadata"] as Json;
      const { KeyId: _id, Arn: _arn, CreationDate: _date, ...common } = described;
      const { KeyId, Arn, CreationDate, ...rest } = made;
      assert.deepEqual(rest, common);
      assert.ok(KeyId && Arn && CreationDate);
    }
  });

  it("follows the pages of a list to their end, and stops and goes on where it is told to", async () => {
    const made = [...(await newKeyIds(PAGES_REGION, 25))].sort();
    const list = async (...args: readonly string[]): Promise<{ ids: readonly string[]; next: unknown }> => {
      const { code, stdout, stderr } = await cli.run("kms", ["list-keys", ...args], { region: PAGES_REGION });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      const { Keys, NextToken } = JSON.parse(stdout) as { Keys: { KeyId: string }[]; NextToken?: unknown };
      return { ids: Keys.map(({ KeyId }) => KeyId), next: NextToken };
    };
    const all = await list("--page-size", "10");
    assert.deepEqual([...all.ids].sort(), made);
    assert.equal(all.next, undefined);
    const some = await list("--max-items", "13", "--page-size", "10");
    assert.equal(some.ids.length, 13);
    const others = await list("--starting-token", String(some.next));
    assert.deepEqual([...some.ids, ...others.ids].sort(), made);
  });

  it("asks who it is", async () => {
    const { code, stdout, stderr } = await cli.run("sts", ["get-caller-identity"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.deepEqual(JSON.parse(stdout), {
      UserId: ACCOUNT,
      Account: ACCOUNT,
      Arn: `arn:aws:iam::${ACCOUNT}:root`,
    });
  });
});
