/** What the AWS CLI says, and the code it ends with, when a call is refused: scripts match both. */

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { KMS } from "@aws-sdk/client-kms";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { AwsCli, type CliCaller } from "./aws-cli.ts";

const REGION = "us-east-1";
const ACCOUNT = "111122223333";
const ABSENT = "1234abcd-12ab-34cd-56ef-1234567890ab";
const arnOf = (keyId: string, region = REGION): string => `arn:aws:kms:${region}:${ACCOUNT}:key/${keyId}`;

let server: DevServer;
let cli: AwsCli;
let keyId: string;
let disabledKeyId: string;
before(async () => {
  server = await startDevServer();
  const { endpoint, credentials } = server;
  cli = new AwsCli({ endpoint, region: REGION, credentials });
  const kms = new KMS({ endpoint, region: REGION, credentials });
  const newKeyId = async (): Promise<string> => (await kms.createKey({})).KeyMetadata?.KeyId ?? "";
  keyId = await newKeyId();
  disabledKeyId = await newKeyId();
  await kms.disableKey({ KeyId: disabledKeyId });
  kms.destroy();
});
after(async () => {
  await server.stop();
  cli[Symbol.dispose]();
});

interface Case {
  readonly title: string;
  args(): readonly string[];
  readonly code: string;
  readonly operation: string;
  message(): string;
  changes?(): Partial<CliCaller>;
}

const CASES: readonly Case[] = [
  {
    title: "a secret that is not the access key's",
    args: () => ["list-keys"],
    code: "InvalidSignatureException",
    operation: "ListKeys",
    message: () =>
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    changes: () => ({ credentials: { ...server.credentials, secretAccessKey: "another/secret/than/the/right/one" } }),
  },
  {
    title: "an access key that nobody has",
    args: () => ["list-keys"],
    code: "UnrecognizedClientException",
    operation: "ListKeys",
    message: () => "The security token included in the request is invalid.",
    changes: () => ({ credentials: { ...server.credentials, accessKeyId: "AKIANOBODYHASTHISONE" } }),
  },
  {
    title: "a Region that AWS does not have",
    args: () => ["list-keys"],
    code: "InvalidSignatureException",
    operation: "ListKeys",
    message: () => "Credential should be scoped to a valid region. ",
    changes: () => ({ region: "nowhere-1" }),
  },
  {
    title: "a key id that no key has",
    args: () => ["describe-key", "--key-id", ABSENT],
    code: "NotFoundException",
    operation: "DescribeKey",
    message: () => `Key '${arnOf(ABSENT)}' does not exist`,
  },
  {
    title: "an alias that there is not",
    args: () => ["describe-key", "--key-id", "alias/absent"],
    code: "NotFoundException",
    operation: "DescribeKey",
    message: () => `Alias arn:aws:kms:${REGION}:${ACCOUNT}:alias/absent is not found.`,
  },
  {
    title: "an alias where only a key is taken",
    args: () => ["disable-key", "--key-id", "alias/absent"],
    code: "InvalidArnException",
    operation: "DisableKey",
    message: () => "Key Aliases are not supported for this operation.",
  },
  {
    title: "a key ARN of another Region",
    args: () => ["describe-key", "--key-id", arnOf(keyId, "eu-west-2")],
    code: "NotFoundException",
    operation: "DescribeKey",
    message: () => "Invalid arn eu-west-2",
  },
  {
    title: "the use of a disabled key",
    args: () => ["generate-data-key", "--key-id", disabledKeyId, "--key-spec", "AES_128"],
    code: "DisabledException",
    operation: "GenerateDataKey",
    message: () => `${arnOf(disabledKeyId)} is disabled.`,
  },
  {
    title: "an alias without its prefix",
    args: () => ["create-alias", "--alias-name", "app", "--target-key-id", keyId],
    code: "ValidationException",
    operation: "CreateAlias",
    message: () =>
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
  },
  {
    title: "a value outside of its enum, which the CLI does not check",
    args: () => ["generate-data-key", "--key-id", keyId, "--key-spec", "AES_512"],
    code: "ValidationException",
    operation: "GenerateDataKey",
    message: () =>
      "1 validation error detected: Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, AES_128]",
  },
  {
    title: "a ciphertext that is none",
    args: () => ["decrypt", "--ciphertext-blob", "AQIDBAUGBwgJAA=="],
    code: "InvalidCiphertextException",
    operation: "Decrypt",
    message: () => "",
  },
];

describe("the AWS CLI, refused for", () => {
  for (const { title, args, changes, code, operation, message } of CASES) {
    it(`${title}, says ${code} and ends with 254`, () =>
      cli.kmsRefused(args(), { code, operation, message: message() }, changes?.()));
  }
});

describe("the AWS CLI", () => {
  it("names the operation that is not there, its own or the server's", async () => {
    const { code, stdout, stderr } = await cli.run("kms", ["rotate-key-on-demand", "--key-id", keyId]);
    // Its own model is older than the operation: the CLI knows none of that name and sends nothing.
    assert.deepEqual({ code, stdout }, { code: 252, stdout: "" });
    assert.match(stderr, /Invalid choice/);
    const refused = await cli.run("organizations", ["list-handshakes-for-account"]);
    assert.equal(refused.code, 254);
    assert.match(
      refused.stderr,
      /^\nAn error occurred \(UnknownOperationException\) when calling the ListHandshakesForAccount /,
    );
  });

  it("answers in the tests' host as it does by itself", async () => {
    for (const args of [
      ["describe-key", "--key-id", keyId],
      ["describe-key", "--key-id", keyId, "--output", "text", "--query", "KeyMetadata.Arn"],
      ["describe-key", "--key-id", ABSENT],
      ["describe-key"],
    ]) {
      const [hosted, alone] = await Promise.all([cli.run("kms", args), cli.runAlone("kms", args)]);
      assert.deepEqual(hosted, alone, args.join(" "));
    }
  });

  it("ends with 255 where nobody listens", async () => {
    const closed = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => closed.once("listening", resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    const endpoint = `http://127.0.0.1:${port}`;
    const { code, stderr } = await cli.run("kms", ["list-keys", "--cli-connect-timeout", "2"], { endpoint });
    assert.equal(code, 255);
    assert.equal(stderr, `\nCould not connect to the endpoint URL: "${endpoint}/"\n`);
  });
});
