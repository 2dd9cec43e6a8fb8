/** A whole story of permissions with `aws` and `keystead explain`: a user and a role that may nothing, may, and may no longer, with the reason each time. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { runKeystead } from "../faults/processes.ts";
import type { AccessKey } from "../faults/signed-requests.ts";
import { ACCOUNT, policyOf } from "../kms-client.ts";
import { AwsCli, type Json } from "./aws-cli.ts";

const REGION = "eu-central-1";

let server: DevServer;
let cli: AwsCli;

before(async () => {
  server = await startDevServer();
  cli = new AwsCli({ endpoint: server.endpoint, region: REGION, credentials: server.credentials });
});
after(async () => {
  cli[Symbol.dispose]();
  await server.stop();
});

/** `aws` as the root user, or with other credentials; it has to succeed. */
async function aws(service: string, args: readonly string[], credentials?: AccessKey): Promise<Json> {
  const { code, stdout, stderr } = await cli.run(service, args, credentials && { credentials });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, [service, ...args].join(" "));
  return stdout === "" ? {} : (JSON.parse(stdout) as Json);
}

/** What `aws` prints when it is refused. */
async function refusal(service: string, args: readonly string[], credentials: AccessKey): Promise<string> {
  const { code, stdout, stderr } = await cli.run(service, args, { credentials });
  assert.deepEqual({ code, stdout }, { code: 254, stdout: "" }, stderr);
  return stderr.trim();
}

/** What `keystead explain` prints of the question whether a principal may encrypt. */
async function explain(principal: string, resource: string): Promise<string> {
  const args = ["explain", "--principal", principal, "--action", "kms:Encrypt", "--resource", resource];
  const where = ["--region", REGION, "--endpoint", server.endpoint];
  const { code, stdout, stderr } = await runKeystead([...args, ...where]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

function textAt(output: Json, ...path: readonly (string | number)[]): string {
  const value = path.reduce<unknown>(
    (each, name) => (each as Readonly<Record<string | number, unknown>>)[name],
    output,
  );
  assert.equal(typeof value, "string", path.join("."));
  return value as string;
}

/** The credentials in an answer of STS or IAM. */
function credentialsIn(answer: Json, member: "AccessKey" | "Credentials"): AccessKey {
  const keys = {
    accessKeyId: textAt(answer, member, "AccessKeyId"),
    secretAccessKey: textAt(answer, member, "SecretAccessKey"),
  };
  return member === "AccessKey" ? keys : { ...keys, sessionToken: textAt(answer, member, "SessionToken") };
}

describe("the AWS CLI and keystead explain", () => {
  it("tell the story of a user, a role and an organization", async () => {
    const organizationArgs = ["enable-policy-type", "--policy-type", "SERVICE_CONTROL_POLICY", "--root-id"];
    await aws("organizations", ["create-organization"]);
    await aws("organizations", [
      ...organizationArgs,
      textAt(await aws("organizations", ["list-roots"]), "Roots", 0, "Id"),
    ]);
    const creation = await aws("organizations", [
      "create-account",
      "--account-name",
      "dev",
      "--email",
      "dev@example.com",
    ]);
    const request = ["--create-account-request-id", textAt(creation, "CreateAccountStatus", "Id")];
    const created = await aws("organizations", ["describe-create-account-status", ...request]);
    const member = textAt(created, "CreateAccountStatus", "AccountId");

    // A user with an access key, who may assume the new account's role as soon as a policy says so.
    await aws("iam", ["create-user", "--user-name", "dora"]);
    const dora = credentialsIn(await aws("iam", ["create-access-key", "--user-name", "dora"]), "AccessKey");
    const adminRole = `arn:aws:iam::${member}:role/OrganizationAccountAccessRole`;
    const visit = ["assume-role", "--role-arn", adminRole, "--role-session-name", "dora"];
    assert.equal(
      await refusal("sts", visit, dora),
      `An error occurred (AccessDenied) when calling the AssumeRole operation: User: arn:aws:iam::${ACCOUNT}:user/dora is not authorized to perform: sts:AssumeRole on resource: ${adminRole}`,
    );
    const mayAssume = policyOf({ Effect: "Allow", Action: "sts:AssumeRole", Resource: "*" });
    await aws("iam", [
      "put-user-policy",
      "--user-name",
      "dora",
      "--policy-name",
      "visit",
      "--policy-document",
      mayAssume,
    ]);
    const admin = credentialsIn(await aws("sts", visit, dora), "Credentials");
    const who = await aws("sts", ["get-caller-identity"], admin);
    assert.equal(textAt(who, "Arn"), `arn:aws:sts::${member}:assumed-role/OrganizationAccountAccessRole/dora`);

    // In the new account a key, and a role that nothing is allowed yet.
    const keyArn = textAt(await aws("kms", ["create-key"], admin), "KeyMetadata", "Arn");
    const trust = policyOf({
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/dora` },
      Action: "sts:AssumeRole",
    });
    const role = await aws("iam", ["create-role", "--role-name", "app", "--assume-role-policy-document", trust], admin);
    const roleArn = textAt(role, "Role", "Arn");
    const assume = ["assume-role", "--role-arn", roleArn, "--role-session-name", "run"];
    const app = credentialsIn(await aws("sts", assume, dora), "Credentials");
    const session = `arn:aws:sts::${member}:assumed-role/app/run`;
    const encrypt = ["encrypt", "--key-id", keyArn, "--plaintext", "aGVsbG8="];
    const because = (reason: string): string =>
      `User: ${session} is not authorized to perform: kms:Encrypt on resource: ${keyArn} ${reason}`;
    const said = (reason: string): string =>
      `An error occurred (AccessDeniedException) when calling the Encrypt operation: ${because(reason)}`;
    const unallowed = "because no identity-based policy allows the kms:Encrypt action";
    assert.equal(await refusal("kms", encrypt, app), said(unallowed));
    const [asked, action, verdict, advice] = (await explain(session, keyArn)).split("\n").map((line) => line.trim());
    assert.deepEqual([asked, action], [session, `kms:Encrypt on ${keyArn}`]);
    assert.equal(verdict, `DENIED: ${because(unallowed)}`);
    assert.match(
      advice ?? "",
      /^To allow it: Allow kms:Encrypt on .* to .*role\/app in an identity-based policy of the caller\.$/,
    );

    // A policy for it, and it may; explain names the statement.
    const document = policyOf({
      Sid: "Use",
      Effect: "Allow",
      Action: ["kms:Encrypt", "kms:Decrypt"],
      Resource: keyArn,
    });
    const made = await aws("iam", ["create-policy", "--policy-name", "use", "--policy-document", document], admin);
    const attachment = ["--role-name", "app", "--policy-arn", textAt(made, "Policy", "Arn")];
    await aws("iam", ["attach-role-policy", ...attachment], admin);
    const { CiphertextBlob } = await aws("kms", encrypt, app);
    const decrypt = ["decrypt", "--ciphertext-blob", String(CiphertextBlob)];
    assert.equal(textAt(await aws("kms", decrypt, app), "Plaintext"), "aGVsbG8=");
    const allowed = await explain(session, keyArn);
    assert.match(allowed, /^ {2}ALLOWED$/m);
    assert.match(
      allowed,
      /^identity-based policy: arn:aws:iam::\d+:policy\/use\n {2}✓ Allow statement 1 "Use": matches$/m,
    );
    const simulate = ["simulate-principal-policy", "--policy-source-arn", roleArn, "--action-names", "kms:Encrypt"];
    const simulated = await aws("iam", [...simulate, "--resource-arns", keyArn], admin);
    assert.equal(textAt(simulated, "EvaluationResults", 0, "EvalDecision"), "allowed");

    // A service control policy denies what the account itself allows, and explain says which.
    const content = policyOf({ Sid: "Freeze", Effect: "Deny", Action: "kms:Encrypt", Resource: "*" });
    const freeze = ["--name", "freeze", "--description", "", "--type", "SERVICE_CONTROL_POLICY", "--content", content];
    const createdPolicy = await aws("organizations", ["create-policy", ...freeze]);
    const scp = textAt(createdPolicy, "Policy", "PolicySummary", "Id");
    const target = ["--policy-id", scp, "--target-id", member];
    await aws("organizations", ["attach-policy", ...target]);
    const frozen = `with an explicit deny in a service control policy: ${textAt(createdPolicy, "Policy", "PolicySummary", "Arn")}`;
    assert.equal(await refusal("kms", encrypt, app), said(frozen));
    const denied = await explain(session, keyArn);
    assert.ok(denied.includes(`DENIED: ${because(frozen)}`), denied);
    assert.match(
      denied,
      new RegExp(`^service control policy: ${scp}.*\\n {2}✓ Deny statement 1 "Freeze": matches`, "m"),
    );
    await aws("organizations", ["detach-policy", ...target]);
    await aws("kms", encrypt, app);

    // What is detached is gone for the session that is open, too.
    await aws("iam", ["detach-role-policy", ...attachment], admin);
    assert.equal(await refusal("kms", encrypt, app), said(unallowed));
  });
});
