/** `aws s3`, `aws ssm`, `aws ec2` and `aws resourcegroupstaggingapi`, as somebody keeps files and a secret, makes an encrypted volume and finds it again. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { AwsCli } from "./aws-cli.ts";

describe("the AWS CLI with the services beside KMS", () => {
  let server: DevServer;
  let cli: AwsCli;

  before(async () => {
    server = await startDevServer();
    cli = new AwsCli({ endpoint: server.endpoint, region: "eu-west-2", credentials: server.credentials });
  });

  after(async () => {
    cli[Symbol.dispose]();
    await server.stop();
  });

  async function answered(service: string, ...args: readonly string[]): Promise<unknown> {
    const { code, stdout, stderr } = await cli.run(service, args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
    return JSON.parse(stdout);
  }

  it("keeps a SecureString and reads it back in clear", async () => {
    const name = ["--name", "/app/password"];
    await answered("ssm", "put-parameter", ...name, "--type", "SecureString", "--value", "open sesame");
    const query = ["--query", "Parameter.[Type,Value,Version]"];
    const read = await answered("ssm", "get-parameter", ...name, "--with-decryption", ...query);
    assert.deepEqual(read, ["SecureString", "open sesame", 1]);
    const path = ["--path", "/app", "--recursive", "--query", "Parameters[].Name"];
    assert.deepEqual(await answered("ssm", "get-parameters-by-path", ...path), ["/app/password"]);
  });

  it("copies a file into a bucket under the AWS managed key, in parts, and back", async () => {
    const content = randomBytes(9 * 1_048_576);
    const from = cli.file("from", content);
    const to = cli.file("to", "");
    for (const args of [
      ["mb", "s3://the-files"],
      ["cp", from, "s3://the-files/a folder/ü", "--sse", "aws:kms", "--only-show-errors"],
      ["cp", "s3://the-files/a folder/ü", to, "--only-show-errors"],
    ]) {
      const { code, stderr } = await cli.run("s3", args);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
    }
    assert.ok(readFileSync(to).equals(content));
    const query = ["--query", "[ServerSideEncryption,PartsCount,ContentLength]"];
    const head = ["head-object", "--bucket", "the-files", "--key", "a folder/ü", "--part-number", "2"];
    assert.deepEqual(await answered("s3api", ...head, ...query), ["aws:kms", 2, 1_048_576]);
  });

  it("makes an encrypted volume, attaches it, and finds it by its tag", async () => {
    const tags = "ResourceType=volume,Tags=[{Key=Stage,Value=test}]";
    const made = ["--availability-zone", "eu-west-2a", "--size", "4", "--encrypted", "--tag-specifications", tags];
    const id = await answered("ec2", "create-volume", ...made, "--query", "VolumeId");
    const instance = ["--instance-id", "i-0123456789abcdef0", "--device", "/dev/sdf"];
    const state = await answered("ec2", "attach-volume", "--volume-id", String(id), ...instance, "--query", "State");
    assert.equal(state, "attaching");
    const found = await answered(
      "resourcegroupstaggingapi",
      "get-resources",
      "--tag-filters",
      "Key=Stage,Values=test",
      "--query",
      "ResourceTagMappingList[].ResourceARN",
    );
    assert.deepEqual(found, [`arn:aws:ec2:eu-west-2:111122223333:volume/${String(id)}`]);
  });
});
