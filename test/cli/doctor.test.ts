/** `keystead doctor`: nothing to say of a store that is well, and a line for each thing that is not. */

import assert from "node:assert/strict";
import { chmodSync, cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { examine } from "../../src/cli/doctor.ts";
import { SETTLE_KEY } from "../../src/kms/transient-states.ts";
import { runKeystead, TemporaryDirectory } from "../faults/processes.ts";
import { wrapFor } from "../key-material.ts";
import { ACCOUNT, newKey, present } from "../kms-client.ts";
import { rowsOf, serveStore } from "./store-worlds.ts";

const directory = new TemporaryDirectory();
const source = directory.at("well");
after(() => directory[Symbol.dispose]());

const USE = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "kms:*", Resource: "*" }] });
const TRUST = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: "sts:AssumeRole" }],
});

/** A store with something of nearly everything. */
before(async () => {
  await using world = await serveStore(source);
  const { kms, iam } = world;
  const { KeyId } = await newKey(kms, { MultiRegion: true, Tags: [{ TagKey: "team", TagValue: "blue" }] });
  await kms.replicateKey({ KeyId, ReplicaRegion: "eu-west-1" });
  await kms.enableKeyRotation({ KeyId });
  await kms.createAlias({ AliasName: "alias/app", TargetKeyId: KeyId });
  await newKey(kms, { KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" });
  const pending = await newKey(kms);
  await kms.scheduleKeyDeletion({ KeyId: pending.KeyId });
  const imported = present((await kms.createKey({ Origin: "EXTERNAL" })).KeyMetadata?.KeyId);
  const wrapped = await wrapFor(kms, imported, new Uint8Array(32).fill(7));
  const expiring = { ValidTo: new Date(Date.now() + 86_400_000), ExpirationModel: "KEY_MATERIAL_EXPIRES" } as const;
  await kms.importKeyMaterial({ KeyId: imported, ...wrapped, ...expiring });
  await iam.createUser({ UserName: "alice" });
  await iam.createAccessKey({ UserName: "alice" });
  await iam.putUserPolicy({ UserName: "alice", PolicyName: "use", PolicyDocument: USE });
  const { Policy } = await iam.createPolicy({ PolicyName: "use", PolicyDocument: USE });
  await iam.createRole({ RoleName: "app", AssumeRolePolicyDocument: TRUST });
  await iam.attachRolePolicy({ RoleName: "app", PolicyArn: present(Policy?.Arn) });
  await kms.createGrant({ KeyId, GranteePrincipal: `arn:aws:iam::${ACCOUNT}:user/alice`, Operations: ["Decrypt"] });

  while (settling(source) > 0); // keys that are being made or changed come to rest by themselves
  const moving = ["outbox"]; // the server moves its records meanwhile
  const rows = rowsOf(source, moving);
  const { code, stdout, stderr } = await runKeystead(["doctor", "--data", source]);
  assert.equal(code, 0, stdout + stderr);
  assert.match(
    stdout,
    /^warning {2}recipients: There is one root key only[^\n]*\nExamined [^\n]*5 materials, 2 access keys[^\n]*: 0 errors, 1 warnings\.\n$/,
  );
  assert.deepEqual(rowsOf(source, moving), rows, "nothing was changed, beside a server");
});

/** How many keys of a store are in a state that ends by itself. */
function settling(data: string): number {
  using database = new DatabaseSync(join(data, "keystead.db"), { readOnly: true });
  return Number(database.prepare("SELECT count(*) AS keys FROM due WHERE kind = ?").get(SETTLE_KEY)?.["keys"]);
}

let copies = 0;

/** A copy of the store that is well, with something done to it. */
function copyWith(damage: (copy: string) => void): string {
  copies += 1;
  const copy = directory.at(`copy-${copies}`);
  cpSync(source, copy, { recursive: true });
  damage(copy);
  return copy;
}

function sql(statements: string): (copy: string) => void {
  return (copy) => {
    using database = new DatabaseSync(join(copy, "keystead.db"));
    database.exec(statements);
  };
}

async function errorsOf(copy: string): Promise<readonly string[]> {
  const { findings } = await examine({ data: copy });
  return findings.flatMap(({ severity, message }) => (severity === "error" ? [message] : []));
}

describe("doctor", () => {
  it("says nothing is wrong with a store that nobody serves", async () => {
    assert.deepEqual(await errorsOf(copyWith(() => {})), []);
  });

  for (const { title, damage, says } of [
    {
      title: "material that was altered",
      damage: "UPDATE material SET sealed = zeroblob(length(sealed)) WHERE rowid = 1",
      says: /material/i,
    },
    {
      title: "material of another key",
      damage: `UPDATE material SET key_id = (SELECT key_id FROM "key" WHERE state = 'PendingDeletion') WHERE spec LIKE 'ECC%'`,
      says: /other things of its key/,
    },
    {
      title: "a key without its material",
      damage: "DELETE FROM material WHERE spec LIKE 'ECC%'",
      says: /current material is not there/,
    },
    {
      title: "material of no key",
      damage: `DELETE FROM "key" WHERE spec LIKE 'ECC%'`,
      says: /a material of a key that is not there/,
    },
    {
      title: "an unknown state",
      damage: `UPDATE "key" SET state = 'Lost' WHERE spec LIKE 'ECC%'`,
      says: /a state that no key has: us-east-1 \S+ Lost/,
    },
    {
      title: "a deletion that nobody does",
      damage: "DELETE FROM due WHERE kind = 'kms:DeleteKey'",
      says: /nothing that deletes it then/,
    },
    {
      title: "a deletion of a key in use",
      damage: `UPDATE "key" SET state = 'Enabled' WHERE state = 'PendingDeletion'`,
      says: /not pending deletion/,
    },
    {
      title: "a key in use that is not charged",
      damage: `INSERT INTO charge_end SELECT region, key_id, account, created_at, '[]', 0 FROM "key" WHERE spec LIKE 'ECC%'`,
      says: /not on its way to be deleted, and is not charged any more/,
    },
    {
      title: "a rotation that nobody does",
      damage: "DELETE FROM due WHERE kind = 'kms:RotateKey'",
      says: /nothing that rotates it/,
    },
    {
      title: "an expiry that nobody does",
      damage: "DELETE FROM due WHERE kind = 'kms:ExpireKeyMaterial'",
      says: /nothing that makes it/,
    },
    {
      title: "replicas that disagree",
      damage: `UPDATE "key" SET replica_regions = '[]' WHERE region = 'eu-west-1'`,
      says: /primary does not know/,
    },
    {
      title: "a replica that is gone",
      damage: `DELETE FROM "key" WHERE region = 'eu-west-1'; DELETE FROM material WHERE region = 'eu-west-1'; DELETE FROM tag WHERE region = 'eu-west-1'`,
      says: /replicas which are not there/,
    },
    {
      title: "an alias of no key",
      damage: `UPDATE alias SET key_id = 'none'`,
      says: /an alias of a key that is not there: us-east-1 \S+ alias\/app/,
    },
    { title: "grants that are not counted", damage: "DELETE FROM grant_count", says: /a count of grants/ },
    {
      title: "a deleted key that is back",
      damage: `INSERT INTO tombstone SELECT 'key', region, key_id, '', account, 1 FROM "key" WHERE spec LIKE 'ECC%'`,
      says: /was deleted, and is there/,
    },
    {
      title: "a key policy that can't be read",
      damage: `UPDATE "key" SET policy = '{' WHERE spec LIKE 'ECC%'`,
      says: /The policy of key us-east-1 \S+ can't be read/,
    },
    {
      title: "a trust policy that can't be read",
      damage: "UPDATE identity SET trust_policy = '{}' WHERE kind = 'role'",
      says: /The trust_policy of identity \d+ role app can't be read/,
    },
    {
      title: "an access key that was altered",
      damage: "UPDATE credential SET account = '444455556666' WHERE user_id IS NOT NULL",
      says: /A sealed credential row does not open/,
    },
    {
      title: "an access key of nobody",
      damage: "DELETE FROM identity WHERE kind = 'user'",
      says: /an access key of a user who is not there/,
    },
    {
      title: "a domain key with no copy",
      damage: "DELETE FROM domain_key_copy WHERE purpose = 'credential'",
      says: /domain key that a root recipient can't open: credential/,
    },
    {
      title: "a domain key that was altered",
      damage: "UPDATE domain_key_copy SET sealed = zeroblob(61) WHERE purpose = 'credential'",
      says: /credential domain key.*does not open/,
    },
    {
      title: "a policy without its version",
      damage: "DELETE FROM policy_version",
      says: /default version is not there/,
    },
    { title: "a feed with a gap", damage: "DELETE FROM changes WHERE position = 3", says: /feed with a gap/ },
    {
      title: "a record that is none",
      damage: "INSERT INTO outbox (record) VALUES ('{')",
      says: /of the outbox is no JSON text/,
    },
  ]) {
    it(`tells of ${title}`, async () => {
      const errors = await errorsOf(copyWith(sql(damage)));
      assert.ok(
        errors.some((message) => says.test(message)),
        errors.join("\n"),
      );
    });
  }

  it("tells of files that others can reach, and of audit records that were altered", async () => {
    const copy = copyWith((place) => {
      chmodSync(join(place, "keystead.db"), 0o644);
      const folder = join(place, "audit", "0");
      const segment = join(folder, present(readdirSync(folder)[0]));
      const bytes = readFileSync(segment);
      bytes[400] = (bytes[400] ?? 0) ^ 1;
      writeFileSync(segment, bytes);
    });
    const errors = await errorsOf(copy);
    assert.ok(
      errors.some((message) => /Others can reach .*keystead\.db/.test(message)),
      errors.join("\n"),
    );
    assert.ok(
      errors.some((message) => /bytes from byte \d+ are no record/.test(message)),
      errors.join("\n"),
    );
  });

  it("fails with a report as JSON where something is wrong", async () => {
    const { code, stdout } = await runKeystead([
      "doctor",
      "--json",
      "--data",
      copyWith(sql("DELETE FROM grant_count")),
    ]);
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: { severity: string; area: string }[] };
    assert.deepEqual({ code, ok }, { code: 1, ok: false });
    assert.ok(findings.some(({ severity, area }) => severity === "error" && area === "rows"));
  });
});
