/** The quotas of Organizations that are too large to be reached by calls: rows are put into the store between two starts. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Organizations } from "@aws-sdk/client-organizations";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { TemporaryDirectory } from "../faults/processes.ts";
import { alterStore, runSql } from "../held-server.ts";
import { present, REGION } from "../kms-client.ts";
import { newScp, refused, rootOf, SCP, scpText } from "./organization-world.ts";

const directory = new TemporaryDirectory();
const data = ["--data", directory.at("store")];
const denying = { Effect: "Deny", Action: "kms:Encrypt", Resource: "*" };

let server: DevServer;
let organizations: Organizations;
let root: string;

async function start(): Promise<void> {
  server = await startDevServer({ args: data });
  const { endpoint, credentials } = server;
  organizations = new Organizations({ endpoint, credentials, region: REGION, maxAttempts: 1 });
}

async function stop(): Promise<void> {
  organizations.destroy();
  await server.stop();
}

/** Numbers from 1 to `count` for an INSERT … SELECT. */
const numbers = (count: number): string =>
  `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})`;

before(async () => {
  await start();
  const id = present((await organizations.createOrganization({})).Organization?.Id);
  root = await rootOf(organizations);
  await stop();
  const node = `INSERT INTO organization_node (id, organization, kind, parent, name, joined_at)`;
  const digits = (width: number): string => `substr(CAST(${10 ** width} + n AS TEXT), 2)`;
  const name = "CAST(n AS TEXT)";
  const policy = `'p-' || ${digits(8)}, '${id}', ${name}, '', '${scpText(denying)}'`;
  const ofPolicy = "INSERT INTO organization_policy (id, organization, name, description, content)";
  // One less than each quota allows; the management account is an account, too.
  const statements = [
    `${numbers(49_998)} ${node} SELECT '9' || ${digits(11)}, '${id}', 'account', '${root}', ${name}, 0 FROM numbers`,
    `${numbers(1_999)} ${node} SELECT 'ou-${root.slice(2)}-' || ${digits(8)}, '${id}', 'unit', '${root}', ${name}, 0 FROM numbers`,
    `${numbers(9_999)} ${ofPolicy} SELECT ${policy} FROM numbers`,
  ];
  await alterStore(directory.at("store"), async (db) => {
    for (const statement of statements) await runSql(db, statement);
  });
  await start();
});

after(async () => {
  await stop();
  directory[Symbol.dispose]();
});

describe("an organization has at most", () => {
  it("50,000 accounts", async () => {
    const made = { AccountName: "last", Email: "last@example.com" };
    assert.equal((await organizations.createAccount(made)).CreateAccountStatus?.State, "IN_PROGRESS");
    await refused(
      organizations.createAccount({ AccountName: "more", Email: "more@example.com" }),
      "ConstraintViolationException",
      { reason: "ACCOUNT_NUMBER_LIMIT_EXCEEDED" },
    );
  });

  it("2,000 organizational units", async () => {
    await organizations.createOrganizationalUnit({ ParentId: root, Name: "last" });
    await refused(
      organizations.createOrganizationalUnit({ ParentId: root, Name: "more" }),
      "ConstraintViolationException",
      { reason: "OU_NUMBER_LIMIT_EXCEEDED" },
    );
  });

  it("10,000 service control policies", async () => {
    await newScp(organizations, "last", denying);
    await refused(
      organizations.createPolicy({ Name: "more", Description: "", Content: scpText(denying), Type: SCP }),
      "ConstraintViolationException",
      { reason: "POLICY_NUMBER_LIMIT_EXCEEDED" },
    );
  });
});
