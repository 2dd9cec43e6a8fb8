/** A whole story with `aws iam` and `aws kms`: a user comes, may not, may, is limited, and goes. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import type { AccessKey } from "../faults/signed-requests.ts";
import { ACCOUNT, policyOf, present } from "../kms-client.ts";
import { AwsCli, type Json } from "./aws-cli.ts";

describe("the AWS CLI and IAM", () => {
  let server: DevServer;
  let cli: AwsCli;
  let user: AccessKey;
  before(async () => {
    server = await startDevServer();
    cli = new AwsCli({ endpoint: server.endpoint, region: "eu-west-1", credentials: server.credentials });
  });
  after(async () => {
    cli[Symbol.dispose]();
    await server.stop();
  });

  /** A call of IAM by the root user that has to succeed; returns what it printed. */
  async function iam(...args: readonly string[]): Promise<Json> {
    const { code, stdout, stderr } = await cli.run("iam", args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
    return stdout === "" ? {} : (JSON.parse(stdout) as Json);
  }

  /** What the user's attempt to encrypt comes to. */
  async function encrypt(keyId: string): Promise<{ readonly code: number | null; readonly stderr: string }> {
    const args = ["encrypt", "--key-id", keyId, "--plaintext", "aGVsbG8="];
    const { code, stderr } = await cli.run("kms", args, { credentials: user });
    return { code, stderr };
  }

  it("tell the story of a user", async () => {
    const { KeyMetadata } = (await cli.kms("create-key")) as { readonly KeyMetadata: { readonly KeyId: string } };
    const { KeyId } = KeyMetadata;

    await iam("create-user", "--user-name", "carla", "--path", "/team/", "--tags", "Key=team,Value=a");
    const { AccessKey: key } = (await iam("create-access-key", "--user-name", "carla")) as {
      readonly AccessKey: { readonly AccessKeyId: string; readonly SecretAccessKey: string };
    };
    user = { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey };
    const who = await cli.run("sts", ["get-caller-identity"], { credentials: user });
    assert.equal((JSON.parse(who.stdout) as Json)["Arn"], `arn:aws:iam::${ACCOUNT}:user/team/carla`);
    assert.match(
      (await encrypt(KeyId)).stderr,
      /AccessDeniedException.*no identity-based policy allows the kms:Encrypt/,
    );

    const document = cli.file("policy.json", policyOf({ Effect: "Allow", Action: "kms:*", Resource: "*" }));
    const { Policy } = (await iam(
      ...["create-policy", "--policy-name", "uses-keys", "--policy-document", `file://${document}`],
    )) as { readonly Policy: { readonly Arn: string } };
    await iam("attach-user-policy", "--user-name", "carla", "--policy-arn", Policy.Arn);
    assert.equal((await encrypt(KeyId)).code, 0);
    const shown = await iam("get-policy-version", "--policy-arn", Policy.Arn, "--version-id", "v1");
    assert.deepEqual((shown["PolicyVersion"] as Json)["Document"], {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "kms:*", Resource: "*" }],
    });

    const boundary = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser";
    await iam("put-user-permissions-boundary", "--user-name", "carla", "--permissions-boundary", boundary);
    assert.match((await encrypt(KeyId)).stderr, /no permissions boundary allows the kms:Encrypt action/);
    await iam("delete-user-permissions-boundary", "--user-name", "carla");
    assert.equal((await encrypt(KeyId)).code, 0);

    await iam("update-access-key", "--user-name", "carla", "--access-key-id", user.accessKeyId, "--status", "Inactive");
    assert.match((await encrypt(KeyId)).stderr, /UnrecognizedClientException/);
    const used = (await iam("get-access-key-last-used", "--access-key-id", user.accessKeyId))["AccessKeyLastUsed"];
    assert.deepEqual([(used as Json)["Region"], (used as Json)["ServiceName"]], ["eu-west-1", "kms"]);

    const refused = await cli.run("iam", ["delete-user", "--user-name", "carla"]);
    assert.equal(
      refused.stderr,
      "\nAn error occurred (DeleteConflict) when calling the DeleteUser operation: Cannot delete entity, must detach all policies first.\n",
    );
    await iam("detach-user-policy", "--user-name", "carla", "--policy-arn", Policy.Arn);
    await iam("delete-access-key", "--user-name", "carla", "--access-key-id", user.accessKeyId);
    await iam("delete-user", "--user-name", "carla");
    assert.deepEqual(present((await iam("list-users"))["Users"]), []);
  });

  it("make, show and list roles, groups and the whole account", async () => {
    const trust = policyOf({ Effect: "Allow", Principal: { AWS: ACCOUNT }, Action: "sts:AssumeRole" });
    const made = await iam("create-role", "--role-name", "reader", "--assume-role-policy-document", trust);
    assert.deepEqual((made["Role"] as Json)["AssumeRolePolicyDocument"], JSON.parse(trust));
    await iam("create-group", "--group-name", "readers");
    await iam(
      "put-group-policy",
      "--group-name",
      "readers",
      "--policy-name",
      "p",
      "--policy-document",
      policyOf({ Effect: "Allow", Action: "kms:Describe*", Resource: "*" }),
    );
    const pages = await iam("list-policies", "--page-size", "1", "--scope", "AWS");
    assert.equal((pages["Policies"] as readonly unknown[]).length, 2);
    const all = await iam("get-account-authorization-details");
    const [group] = all["GroupDetailList"] as readonly { readonly GroupPolicyList: readonly Json[] }[];
    assert.equal(group?.GroupPolicyList[0]?.["PolicyName"], "p");
    const refused = await cli.run("iam", ["get-role", "--role-name", "nobody"]);
    assert.deepEqual(
      [refused.code, refused.stderr],
      [
        254,
        "\nAn error occurred (NoSuchEntity) when calling the GetRole operation: The role with name nobody cannot be found.\n",
      ],
    );
  });
});
