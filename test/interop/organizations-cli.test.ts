/** A whole story of an organization with the AWS CLI: accounts, units, a policy that denies, and its end. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { AwsCli, type Json } from "./aws-cli.ts";

const POLICY = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Action: "kms:ScheduleKeyDeletion", Resource: "*" }],
};

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

/** A call that has to succeed; returns what it printed, an empty object when that is nothing. */
async function organizations(...args: readonly string[]): Promise<Json> {
  const { code, stdout, stderr } = await cli.run("organizations", args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
  return stdout === "" ? {} : (JSON.parse(stdout) as Json);
}

/** A member of what was printed, by its path. */
function at(output: Json, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Readonly<Record<string | number, unknown>>)[name], output);
}

const textAt = (output: Json, ...path: readonly (string | number)[]): string => {
  const value = at(output, ...path);
  assert.equal(typeof value, "string", path.join("."));
  return value as string;
};

const SCP = "SERVICE_CONTROL_POLICY";

describe("aws organizations", () => {
  it("tells the whole story", async () => {
    const { code, stderr } = await cli.run("organizations", ["describe-organization"]);
    assert.equal(code, 254);
    assert.equal(
      stderr,
      "\nAn error occurred (AWSOrganizationsNotInUseException) when calling the DescribeOrganization operation: Your account is not a member of an organization.\n",
    );
    const organization = textAt(await organizations("create-organization"), "Organization", "Id");
    assert.equal(textAt(await organizations("describe-organization"), "Organization", "Id"), organization);
    const root = textAt(await organizations("list-roots"), "Roots", 0, "Id");
    await organizations("enable-policy-type", "--root-id", root, "--policy-type", SCP);

    const creation = await organizations("create-account", "--account-name", "dev", "--email", "dev@example.com");
    const request = textAt(creation, "CreateAccountStatus", "Id");
    const status = await organizations("describe-create-account-status", "--create-account-request-id", request);
    assert.equal(at(status, "CreateAccountStatus", "State"), "SUCCEEDED");
    const account = textAt(status, "CreateAccountStatus", "AccountId");
    const ids = (at(await organizations("list-accounts"), "Accounts") as Json[]).map(({ Id }) => Id);
    assert.deepEqual([...ids].sort(), ["111122223333", account].sort());
    assert.equal(textAt(await organizations("describe-account", "--account-id", account), "Account", "Name"), "dev");

    const made = await organizations("create-organizational-unit", "--parent-id", root, "--name", "Workloads");
    const unit = textAt(made, "OrganizationalUnit", "Id");
    await organizations("describe-organizational-unit", "--organizational-unit-id", unit);
    const [source, destination] = [`--source-parent-id=${root}`, `--destination-parent-id=${unit}`];
    await organizations("move-account", "--account-id", account, source, destination);
    assert.deepEqual(await organizations("list-parents", "--child-id", account), {
      Parents: [{ Id: unit, Type: "ORGANIZATIONAL_UNIT" }],
    });
    assert.deepEqual(await organizations("list-children", "--parent-id", unit, "--child-type", "ACCOUNT"), {
      Children: [{ Id: account, Type: "ACCOUNT" }],
    });
    const below = await organizations("list-accounts-for-parent", "--parent-id", unit);
    assert.equal(textAt(below, "Accounts", 0, "Id"), account);
    const units = await organizations("list-organizational-units-for-parent", "--parent-id", root);
    assert.equal(textAt(units, "OrganizationalUnits", 0, "Name"), "Workloads");

    const content = cli.file("policy.json", JSON.stringify(POLICY));
    const named = ["--name", "KeepKeys", "--description", "No key is deleted", "--type", SCP];
    const created = await organizations("create-policy", "--content", `file://${content}`, ...named);
    const policy = textAt(created, "Policy", "PolicySummary", "Id");
    await organizations("attach-policy", "--policy-id", policy, "--target-id", unit);
    await organizations("update-policy", "--policy-id", policy, "--description", "No key is ever deleted");
    const described = await organizations("describe-policy", "--policy-id", policy);
    assert.deepEqual(JSON.parse(textAt(described, "Policy", "Content")), POLICY);
    const onUnit = await organizations("list-policies-for-target", "--target-id", unit, "--filter", SCP);
    assert.deepEqual((at(onUnit, "Policies") as Json[]).map(({ Name }) => Name).sort(), ["FullAWSAccess", "KeepKeys"]);
    const targets = await organizations("list-targets-for-policy", "--policy-id", policy);
    assert.equal(textAt(targets, "Targets", 0, "Name"), "Workloads");
    const policies = await organizations("list-policies", "--filter", SCP);
    assert.equal((at(policies, "Policies") as Json[]).length, 2);

    const inUse = await cli.run("organizations", ["delete-policy", "--policy-id", policy]);
    assert.match(inUse.stderr, /\(PolicyInUseException\) when calling the DeletePolicy operation/);
    await organizations("detach-policy", "--policy-id", policy, "--target-id", unit);
    await organizations("delete-policy", "--policy-id", policy);
    const last = ["detach-policy", "--policy-id", "p-FullAWSAccess", "--target-id", unit];
    assert.match(
      (await cli.run("organizations", last)).stderr,
      /\(ConstraintViolationException\).*: You cannot remove the last policy attached to the specified target\./,
    );
    await organizations("disable-policy-type", "--root-id", root, "--policy-type", SCP);
    assert.deepEqual(at(await organizations("list-roots"), "Roots", 0, "PolicyTypes"), []);
  });
});
