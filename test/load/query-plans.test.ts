/** No statement that a server prepares reads a table from end to end, or sorts what an index could hand it in order. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { parseKeyStores } from "../../src/cli/key-stores-file.ts";
import { FeedPruner } from "../../src/storage/feed-pruning.ts";
import { migrate } from "../../src/storage/migrations.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import { useEveryOperation } from "../faults/every-operation.ts";
import { type HeldServer, startHeld } from "../held-server.ts";
import { ACCOUNT, OTHER_ACCOUNT, policyOf, present, REGION } from "../kms-client.ts";
import { IDLE_KEY_STORES } from "../xks-proxy.ts";

const DAY_MS = 86_400_000;

/** Tables of a handful of rows, whatever the store holds, and the rows that a statement brings. */
const SMALL_TABLES =
  /^SCAN (?:(?:store|recipient|recipient_set|key_usage_start|sqlite_master)\b|\d+-ROW VALUES CLAUSE)/;
/** The first or last few rows of what is numbered as it comes: the table is its own index. */
const ENDS_OF_A_QUEUE = /\border by "?(?:position|sequence)"?(?: asc| desc)? limit\b/i;
/** First slices of walks over a whole table by its key, of which the others are looked up: alarms, once a minute of a run. */
const WALK = /^select \* from "metric_alarm" order by "account", "region", "name" limit \?$/;

/**
 * Sorts that are bounded: of one thing's own rows, never of a table's. They are named by what they select, so that a new one
 * is looked at.
 */
const BOUNDED_SORTS: readonly RegExp[] = [
  /from "grant" where "region" = \? and "key_id" = \? and "grantee" = \? order by "created_at"/,
  /from "grant" where "region" = \? and "key_id" = \? and "name" = \? order by "created_at"/,
  // Recipients times versions of one domain key; users, groups and roles of one account, which quotas bound.
  /from "domain_key_copy" where "region" = \? and "purpose" = \? order by "recipient"/,
  /from "attached_policy" inner join "identity" .* where "attached_policy"\."arn" = \?/,
  /from "group_member" inner join "identity" .* where "group_member"\."group_id" = \?/,
];

const statements = new Set<string>();
let restore: () => void;
let plans: DatabaseSync;

/** Notes every statement that this process prepares. A store in memory has its writer in this thread. */
function listen(): () => void {
  const { prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql, ...rest) {
    if (!/^\s*(?:PRAGMA|EXPLAIN)/i.test(sql)) statements.add(sql);
    return prepare.call(this, sql, ...rest);
  };
  return () => {
    DatabaseSync.prototype.prepare = prepare;
  };
}

before(async () => {
  plans = new DatabaseSync(":memory:");
  migrate(plans, { kind: "dev", now: 0 });
  restore = listen();
  {
    const keyStores = parseKeyStores(IDLE_KEY_STORES, { kind: "dev", readFile: () => assert.fail("it names no file") });
    await using server = await startHeld({ config: { keyStores } });
    await useKms(server);
    await useIam(server);
  }
  await useFeed();
  restore();
});
after(() => plans.close());

async function useKms(server: HeldServer): Promise<void> {
  const kms = server.client(REGION);
  const keyId = present((await kms.createKey({})).KeyMetadata?.KeyId);
  const multiRegionKeyId = present((await kms.createKey({ MultiRegion: true })).KeyMetadata?.KeyId);
  await kms.replicateKey({ KeyId: multiRegionKeyId, ReplicaRegion: "us-west-2" });
  await server.advance(DAY_MS);
  await useEveryOperation(server.address, { keyId, multiRegionKeyId, imported: new Uint8Array(randomBytes(32)) });
  for (let page = await kms.listKeys({ Limit: 1 }); page.NextMarker !== undefined; ) {
    page = await kms.listKeys({ Limit: 100, Marker: page.NextMarker });
  }
  await kms.listAliases({ KeyId: keyId });
  await kms.listRetirableGrants({ RetiringPrincipal: `arn:aws:iam::${ACCOUNT}:root` });
  await server.advance(400 * DAY_MS); // deletions, rotations, expiries
}

async function useIam({ address }: HeldServer): Promise<void> {
  const iam = new IAM({ ...address, region: REGION, maxAttempts: 1 });
  const [UserName, GroupName, RoleName, PolicyName] = ["u", "g", "r", "p"];
  const PolicyDocument = policyOf({ Effect: "Allow", Action: "kms:*", Resource: "*" });
  const trust = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: "sts:AssumeRole" }],
  });
  await iam.createUser({ UserName });
  await iam.createGroup({ GroupName });
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: trust });
  const { Policy } = await iam.createPolicy({ PolicyName, PolicyDocument });
  const PolicyArn = present(Policy?.Arn);
  await iam.createPolicyVersion({ PolicyArn, PolicyDocument, SetAsDefault: true });
  await iam.addUserToGroup({ UserName, GroupName });
  await iam.attachUserPolicy({ UserName, PolicyArn });
  await iam.putUserPermissionsBoundary({ UserName, PermissionsBoundary: PolicyArn });
  await iam.putUserPolicy({ UserName, PolicyName, PolicyDocument });
  await iam.tagUser({ UserName, Tags: [{ Key: "a", Value: "b" }] });
  const { AccessKey } = await iam.createAccessKey({ UserName });
  const AccessKeyId = present(AccessKey?.AccessKeyId);
  await Promise.all([
    iam.listUsers(),
    iam.listGroups(),
    iam.listRoles(),
    iam.listPolicies(),
    iam.listAccessKeys({ UserName }),
    iam.listAttachedUserPolicies({ UserName }),
    iam.listEntitiesForPolicy({ PolicyArn }),
    iam.listGroupsForUser({ UserName }),
    iam.getGroup({ GroupName }),
    iam.listUserPolicies({ UserName }),
    iam.listUserTags({ UserName }),
    iam.listPolicyVersions({ PolicyArn }),
    iam.listOpenIDConnectProviders(),
    iam.listAccountAliases(),
    iam.getAccessKeyLastUsed({ AccessKeyId }),
    iam.getAccountSummary(),
    iam.getAccountAuthorizationDetails(),
  ]);
  await iam.deleteAccessKey({ UserName, AccessKeyId });
  await iam.removeUserFromGroup({ UserName, GroupName });
  await iam.updateUser({ UserName, NewUserName: "renamed" });
  iam.destroy();
}

/** What runs once an hour. */
async function useFeed(): Promise<void> {
  await using store = await openMemoryStore({ kind: "serve", clock: { now: () => 0 } });
  const pruner = new FeedPruner({ store, entriesKept: 1, onError: (cause) => assert.fail(String(cause)) });
  for (let round = 0; round < 2; round += 1) {
    await store.transaction((tx) => tx.changedAll("account", [[ACCOUNT], [OTHER_ACCOUNT]]));
    await pruner.prune();
  }
}

/** The steps of a statement's plan, in SQLite's words (sqlite.org, EXPLAIN QUERY PLAN). */
function planOf(sql: string): readonly string[] {
  return plans
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail));
}

describe("the statements of a server that has run the whole API", () => {
  it("are many, and those of the hot path among them", () => {
    const all = [...statements].join("\n");
    assert.ok(statements.size > 100, `${statements.size} statements`);
    for (const table of ["key", "material", "alias", "grant", "credential", "changes", "outbox", "due", "tag"]) {
      assert.match(all, new RegExp(`from "?${table}"?\\b`, "i"), table);
    }
  });

  it("look their rows up by an index, whatever they do", () => {
    const scans = [...statements].flatMap((sql) =>
      planOf(sql)
        .filter((step) => /^SCAN\b/.test(step) && !SMALL_TABLES.test(step))
        .filter(() => !ENDS_OF_A_QUEUE.test(sql) && !WALK.test(sql))
        .map((step) => `${step}: ${sql}`),
    );
    assert.deepEqual(scans, []);
  });

  it("take their order from an index", () => {
    const sorts = [...statements].filter(
      (sql) => planOf(sql).some((step) => /TEMP B-TREE/.test(step)) && !BOUNDED_SORTS.some((known) => known.test(sql)),
    );
    assert.deepEqual(sorts, []);
  });

  it("would be found out if they did not", () => {
    assert.match(planOf('SELECT * FROM "key" WHERE description = ?').join(), /SCAN key/);
    assert.match(planOf('SELECT * FROM "key" WHERE region = ? ORDER BY created_at').join(), /TEMP B-TREE/);
  });
});
