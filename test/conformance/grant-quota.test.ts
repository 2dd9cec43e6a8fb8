/** The quota of grants on a key, on a store that has been filled up to it beforehand. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { startDevServer } from "../dev-server.ts";
import { alterStore, runSql } from "../held-server.ts";
import { ACCOUNT, allowing, assertRefused, bytes, clientOf, newKey, policyOf, present } from "../kms-client.ts";
import { TemporaryDirectory } from "../storage/stores.ts";

const GRANTS_MAX = 50_000;
const GranteePrincipal = `arn:aws:iam::${ACCOUNT}:root`;
const Operations = ["Encrypt" as const];

/** Gives a key all the grants that it may have but one, to one role; another, which becomes AWS's, has as many by its count. */
async function fill(directory: string, keyId: string, managedId: string): Promise<void> {
  const count = GRANTS_MAX - 1;
  const id = `'${"0".repeat(57)}' || CAST(1000000 + n AS TEXT)`;
  const filler = `arn:aws:iam::${ACCOUNT}:role/filler`;
  const statements = [
    `WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${count})
      INSERT INTO "grant" SELECT 'us-east-1', ${id}, '${keyId}', '${ACCOUNT}', 'aws', '${ACCOUNT}', '${filler}',
        NULL, 0, NULL, NULL, 0, '["Encrypt"]', NULL, '', 1 FROM number`,
    ...[keyId, managedId].map((key) => `INSERT INTO grant_count VALUES ('us-east-1', '${key}', ${count})`),
    `UPDATE key SET manager = 'AWS' WHERE key_id = '${managedId}'`,
  ];
  await alterStore(directory, async (db) => {
    for (const statement of statements) await runSql(db, statement);
  });
}

it("S03-025, S07-018: a key takes 50,000 grants and no more; after one is gone, one more; an AWS managed key has no limit", async () => {
  using directory = new TemporaryDirectory();
  const args = ["--data", directory.path];
  let keyId = "";
  let managedId = "";
  {
    await using server = await startDevServer({ args });
    using client = clientOf(server);
    const Policy = policyOf(
      allowing(ACCOUNT, ["kms:CreateGrant", "kms:RevokeGrant", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"]),
    );
    keyId = (await newKey(client.kms, { Policy })).KeyId;
    managedId = (await newKey(client.kms, { Policy })).KeyId;
  }
  await fill(directory.path, keyId, managedId);
  await using server = await startDevServer({ args });
  using client = clientOf(server);
  const { kms } = client;
  const create = (Name?: string) => kms.createGrant({ KeyId: keyId, GranteePrincipal, Operations, Name });
  await assertRefused(kms.encrypt({ KeyId: keyId, Plaintext: bytes(1) }), "AccessDeniedException");
  const last = await create("the-last");
  await kms.encrypt({ KeyId: keyId, Plaintext: bytes(1) });
  const message = "A KMS key can have at most 50000 grants.";
  await assertRefused(create(), "LimitExceededException", message);
  await assertRefused(create("another"), "LimitExceededException", message);
  assert.equal((await create("the-last")).GrantId, last.GrantId);
  await kms.revokeGrant({ KeyId: keyId, GrantId: present(last.GrantId) });
  const again = await create();
  await kms.retireGrant({ GrantToken: again.GrantToken });
  await create();
  await assertRefused(create(), "LimitExceededException", message);
  for (let count = 0; count < 3; count += 1) {
    await kms.createGrant({ KeyId: managedId, GranteePrincipal, Operations });
  }
  await kms.scheduleKeyDeletion({ KeyId: keyId, PendingWindowInDays: 7 });
  await server.clock.advance("P8D");
  await server.stop();
  const grants = `DELETE FROM "grant" WHERE key_id = '${keyId}'`;
  assert.equal(await alterStore(directory.path, (db) => runSql(db, grants)), 0);
});
