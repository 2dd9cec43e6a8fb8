/** KMS's service-linked roles: made with what they serve, once, and kept while something uses them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { operations } from "../../src/iam/operations/index.ts";
import { ensureLinkedRole } from "../../src/iam/service-linked-roles.ts";
import type { Call } from "../../src/pipeline/operation.ts";
import type { Identity } from "../../src/storage/identity-rows.ts";
import { insertKey } from "../../src/storage/keys.ts";
import { openMemoryStore } from "../../src/storage/open.ts";
import { findRoleDeletion } from "../../src/storage/role-deletions.ts";
import type { SqliteStore } from "../../src/storage/sqlite-store.ts";
import type { Reader } from "../../src/storage/store.ts";
import { clock, key } from "../storage/stores.ts";

const ACCOUNT = "111122223333";
const MRK = "mrk.kms.amazonaws.com";
const NAME = "AWSServiceRoleForKeyManagementServiceMultiRegionKeys";
const call = { now: 1, partition: "aws", principal: { account: ACCOUNT } } as Call;

const roleOf =
  (name: string) =>
  (reader: Reader): Identity | undefined => {
    const entry = reader.find("identityName", ACCOUNT, "role", name.toLowerCase());
    return entry && reader.find("identity", entry.unique_id);
  };

/** What DeleteServiceLinkedRole leaves as its task, as it runs in a transaction. */
async function deleted(store: SqliteStore): Promise<readonly [state: unknown, usage: unknown]> {
  const taskId = await store.transaction(async (tx) => {
    const role = { identity: await tx.settle(roleOf(NAME)) };
    const output = await operations.get("DeleteServiceLinkedRole")?.run({ RoleName: NAME }, { role, call, tx });
    return (output as { readonly DeletionTaskId: string }).DeletionTaskId;
  });
  const task = await findRoleDeletion(store.db, taskId);
  return [task?.state, JSON.parse(task?.usage ?? "null")];
}

describe("the service-linked role of multi-Region keys", () => {
  it("is made once, trusts KMS's service alone, and lies under its path", async () => {
    await using store = await openMemoryStore({ kind: "dev", clock });
    const ensure = () => store.transaction((tx) => ensureLinkedRole(tx, { account: ACCOUNT, service: MRK, now: 1 }));
    await ensure();
    const first = await store.settle(roleOf(NAME));
    await ensure();
    const role = await store.settle(roleOf(NAME));
    assert.equal(role?.unique_id, first?.unique_id);
    assert.deepEqual([role?.path, role?.linked_service], [`/aws-service-role/${MRK}/`, MRK]);
    const { Statement } = JSON.parse(role?.trust_policy ?? "{}") as { readonly Statement: unknown };
    assert.deepEqual(Statement, [{ Effect: "Allow", Principal: { Service: MRK }, Action: "sts:AssumeRole" }]);
  });

  it("stays while the account has a multi-Region key in any Region, and the task names the keys", async () => {
    await using store = await openMemoryStore({ kind: "dev", clock });
    const mine = { account: ACCOUNT, multi_region: 1, region: "eu-west-1", key_id: `mrk-${"a".repeat(32)}` };
    await store.transaction(async (tx) => {
      await ensureLinkedRole(tx, { account: ACCOUNT, service: MRK, now: 1 });
      await insertKey(tx, key(mine));
      await insertKey(tx, key({ ...mine, key_id: "single", multi_region: 0 }));
      await insertKey(tx, key({ ...mine, key_id: "another's", account: "444455556666" }));
    });
    const Resources = [`arn:aws:kms:eu-west-1:${ACCOUNT}:key/mrk-${"a".repeat(32)}`];
    assert.deepEqual(await deleted(store), ["FAILED", [{ Region: "eu-west-1", Resources }]]);
    assert.ok((await store.settle(roleOf(NAME))) !== undefined);
    await store.transaction(async (tx) => {
      await tx.db.deleteFrom("key").where("key_id", "=", mine.key_id).execute();
    });
    assert.deepEqual(await deleted(store), ["SUCCEEDED", []]);
    assert.equal(await store.settle(roleOf(NAME)), undefined);
  });
});
