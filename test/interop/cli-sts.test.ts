/** `aws sts`, and `aws kms` with what it answers, as a person would use them. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Issuer } from "../iam/issuer.ts";
import { allow, type IamWorld, policy, seededKey, startIamWorld, trusts } from "../iam/world.ts";
import { ACCOUNT, REGION } from "../kms-client.ts";
import { AwsCli, type CliCaller, type Json } from "./aws-cli.ts";

const IAM = `arn:aws:iam::${ACCOUNT}`;

describe("the AWS CLI", () => {
  let issuer: Issuer;
  let world: IamWorld;
  let cli: AwsCli;
  before(async () => {
    issuer = await new Issuer().listen();
    const provider = `${IAM}:oidc-provider/${issuer.url()}`;
    const roles = [
      { name: "keys", trust: policy(trusts({ AWS: ACCOUNT })), inline: { kms: policy(allow("kms:*")) } },
      {
        name: "pod",
        trust: policy(trusts({ Federated: provider }, { Action: "sts:AssumeRoleWithWebIdentity" })),
        inline: { kms: policy(allow("kms:ListKeys")) },
      },
    ];
    const users = [{ name: "alice", accessKeys: [seededKey("alice")], inline: { sts: policy(allow("sts:*")) } }];
    const identityProviders = [{ url: `https://${issuer.url()}`, clientIds: ["client"] }];
    const seed = { accounts: [{ id: ACCOUNT, users, roles, identityProviders }] };
    world = await startIamWorld(seed, ["--outbound-allow", `127.0.0.1:${issuer.port}`]);
    cli = new AwsCli({ endpoint: world.server.endpoint, region: REGION, credentials: seededKey("alice") });
  });
  after(async () => {
    cli[Symbol.dispose]();
    await world.stop();
    await issuer.close();
  });

  async function run(service: string, args: readonly string[], changes: Partial<CliCaller> = {}): Promise<Json> {
    const { code, stdout, stderr } = await cli.run(service, args, changes);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
    return JSON.parse(stdout) as Json;
  }

  function credentialsIn(answer: Json) {
    const { AccessKeyId, SecretAccessKey, SessionToken } = answer["Credentials"] as Record<string, string>;
    return {
      accessKeyId: AccessKeyId ?? "",
      secretAccessKey: SecretAccessKey ?? "",
      sessionToken: SessionToken ?? "",
    };
  }

  it("assumes a role, makes a key with it, and is told no once a session policy forbids it", async () => {
    const assume = ["assume-role", "--role-arn", `${IAM}:role/keys`, "--role-session-name", "cli"];
    const credentials = credentialsIn(await run("sts", assume));
    const { Arn } = await run("sts", ["get-caller-identity"], { credentials });
    assert.equal(Arn, `arn:aws:sts::${ACCOUNT}:assumed-role/keys/cli`);
    await run("kms", ["create-key"], { credentials });
    const Policy = JSON.stringify(policy(allow("kms:List*")));
    const narrow = credentialsIn(await run("sts", [...assume, "--policy", Policy]));
    await run("kms", ["list-keys"], { credentials: narrow });
    const { code, stderr } = await cli.run("kms", ["create-key"], { credentials: narrow });
    assert.equal(code, 254);
    assert.match(stderr, /\(AccessDeniedException\).*because no session policy allows the kms:CreateKey action/);
  });

  it("assumes a role with a web identity, without credentials", async () => {
    const token = await issuer.token();
    const role = ["--role-arn", `${IAM}:role/pod`, "--role-session-name", "pod"];
    const args = ["assume-role-with-web-identity", ...role, "--web-identity-token", token];
    const { code, stdout, stderr } = await cli.run("sts", args, { credentials: undefined as never });
    assert.equal(code, 0, stderr);
    const answer = JSON.parse(stdout) as Json;
    assert.equal(answer["SubjectFromWebIdentityToken"], "visitor");
    await run("kms", ["list-keys"], { credentials: credentialsIn(answer) });
    const bad = await cli.run("sts", [...args.slice(0, -1), await issuer.token({ aud: "other" })]);
    assert.equal(
      bad.stderr,
      "\nAn error occurred (InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: Incorrect token audience\n",
    );
  });

  it("gets session and federation tokens, and the account of an access key", async () => {
    const own = credentialsIn(await run("sts", ["get-session-token"]));
    assert.equal((await run("sts", ["get-caller-identity"], { credentials: own }))["Arn"], `${IAM}:user/alice`);
    const { FederatedUser } = await run("sts", ["get-federation-token", "--name", "visitor"]);
    assert.deepEqual(FederatedUser, {
      FederatedUserId: `${ACCOUNT}:visitor`,
      Arn: `arn:aws:sts::${ACCOUNT}:federated-user/visitor`,
    });
    const info = await run("sts", ["get-access-key-info", "--access-key-id", own.accessKeyId]);
    assert.deepEqual(info, { Account: ACCOUNT });
  });
});
