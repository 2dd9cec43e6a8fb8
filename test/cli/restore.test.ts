/** Backups and restores as an operator does them: under load, elsewhere, after losses, and never with what was destroyed since. */

import assert from "node:assert/strict";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { runKeystead, TemporaryDirectory } from "../faults/processes.ts";
import { wrapFor } from "../key-material.ts";
import { ACCOUNT, newKey, present } from "../kms-client.ts";
import { placeFor, refusal, rowsOf, run, type StoreWorld, serveStore } from "./store-worlds.ts";

const directory = new TemporaryDirectory();
after(() => directory[Symbol.dispose]());

const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "kms:*", Resource: "*" }],
});

/** One key with a ciphertext under it. */
async function keyInUse({ kms }: StoreWorld) {
  const { KeyId, Arn } = await newKey(kms);
  const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: Buffer.from("before") });
  return { KeyId, Arn, CiphertextBlob };
}

async function named(error: Promise<unknown>): Promise<string> {
  return await error.then(
    () => "none",
    (cause: Error) => cause.name,
  );
}

/** A user with a policy and an access key. */
async function newUser({ iam }: StoreWorld, UserName: string) {
  await iam.createUser({ UserName });
  await iam.putUserPolicy({ UserName, PolicyName: "use", PolicyDocument: POLICY });
  const { AccessKey } = await iam.createAccessKey({ UserName });
  const { AccessKeyId, SecretAccessKey } = present(AccessKey);
  return { accessKeyId: present(AccessKeyId), secretAccessKey: present(SecretAccessKey) };
}

describe("a backup under load", () => {
  it("is restored elsewhere with every ciphertext of before, and a second one at rest with the same rows", async () => {
    const source = directory.at("load");
    const file = directory.at("load.keystead");
    const made: Awaited<ReturnType<typeof keyInUse>>[] = [];
    {
      await using world = await serveStore(source);
      for (let count = 0; count < 5; count += 1) made.push(await keyInUse(world));
      const before = [...made];
      let backingUp = true;
      const load = Array.from({ length: 4 }, async () => {
        while (backingUp) made.push(await keyInUse(world));
      });
      const printed = await run("backup", "--data", source, "--to", file);
      backingUp = false;
      await Promise.all(load);
      assert.match(printed, /It was read back and is whole\.$/m);
      assert.ok(made.length > before.length, "keys were made meanwhile");
      assert.equal((statSync(file).mode & 0o777).toString(8), "600");
      assert.match(refusal(await runKeystead(["backup", "--data", source, "--to", file])), /exists already/);

      const place = placeFor(directory.at("load-restored"), source);
      await run("restore", "--from", file, "--data", place, "--audit", source);
      await using restored = await serveStore(place);
      for (const { CiphertextBlob } of before) {
        const { Plaintext } = await restored.kms.decrypt({ CiphertextBlob });
        assert.equal(Buffer.from(present(Plaintext)).toString(), "before");
      }
    }
    const atRest = directory.at("rest.keystead");
    await run("backup", "--data", source, "--to", atRest);
    const place = placeFor(directory.at("rest-restored"), source);
    await run("restore", "--from", atRest, "--data", place, "--audit", source);
    assert.deepEqual(rowsOf(place), rowsOf(source));
    await using restored = await serveStore(place);
    for (const { CiphertextBlob } of made) await restored.kms.decrypt({ CiphertextBlob });
    assert.deepEqual(
      readdirSync(directory.path).filter((name) => name.includes("partial")),
      [],
    );
  });
});

describe("a restore with the audit records of after the backup", () => {
  it("brings back nothing that was destroyed or revoked, lists what it can't make again, and accepts no session of before", async () => {
    const source = directory.at("audit");
    const log = directory.at("audit.jsonl");
    const file = directory.at("audit.keystead");
    await using world = await serveStore(source, ["--audit-log", log]);
    const { kms, iam, sts, server } = world;
    const kept = await keyInUse(world);
    const deleted = await keyInUse(world);
    const saved = await keyInUse(world);
    await kms.scheduleKeyDeletion({ KeyId: saved.KeyId, PendingWindowInDays: 30 });
    const disabled = await keyInUse(world);
    const imported = present((await kms.createKey({ Origin: "EXTERNAL" })).KeyMetadata?.KeyId);
    const material = { ...(await wrapFor(kms, imported, new Uint8Array(32).fill(7))) };
    await kms.importKeyMaterial({ KeyId: imported, ...material, ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" });
    const alice = await newUser(world, "alice");
    const bob = await newUser(world, "bob");
    const carol = await newUser(world, "carol");
    const dave = await newUser(world, "dave");
    await iam.createUser({ UserName: "eve" });
    const eve = present((await iam.createAccessKey({ UserName: "eve" })).AccessKey);
    const eveKeys = { accessKeyId: present(eve.AccessKeyId), secretAccessKey: present(eve.SecretAccessKey) };
    const grant = await kms.createGrant({
      KeyId: kept.KeyId,
      GranteePrincipal: `arn:aws:iam::${ACCOUNT}:user/eve`,
      Operations: ["Decrypt"],
    });
    const session = present((await sts.getSessionToken({ DurationSeconds: 900 })).Credentials);
    const sessionKeys = {
      accessKeyId: present(session.AccessKeyId),
      secretAccessKey: present(session.SecretAccessKey),
      sessionToken: present(session.SessionToken),
    };
    await world.kmsOf(sessionKeys).listAliases({});
    assert.equal(await named(world.kmsOf(eveKeys).decrypt({ CiphertextBlob: kept.CiphertextBlob })), "none");

    await run("backup", "--data", source, "--to", file);

    await kms.scheduleKeyDeletion({ KeyId: deleted.KeyId, PendingWindowInDays: 7 });
    await kms.cancelKeyDeletion({ KeyId: saved.KeyId });
    await kms.enableKey({ KeyId: saved.KeyId });
    await kms.disableKey({ KeyId: disabled.KeyId });
    await kms.deleteImportedKeyMaterial({ KeyId: imported });
    await kms.revokeGrant({ KeyId: kept.KeyId, GrantId: present(grant.GrantId) });
    await iam.deleteAccessKey({ UserName: "alice", AccessKeyId: alice.accessKeyId });
    await iam.updateAccessKey({ UserName: "bob", AccessKeyId: bob.accessKeyId, Status: "Inactive" });
    await iam.updateUser({ UserName: "carol", NewUserName: "caroline" });
    await iam.deleteAccessKey({ UserName: "caroline", AccessKeyId: carol.accessKeyId });
    await iam.deleteUserPolicy({ UserName: "caroline", PolicyName: "use" });
    await iam.deleteUser({ UserName: "caroline" });
    await iam.deleteUserPolicy({ UserName: "dave", PolicyName: "use" });
    await kms.putKeyPolicy({
      KeyId: kept.KeyId,
      Policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: "kms:*", Resource: "*" },
        ],
      }),
    });
    const lost = await keyInUse(world);
    await server.clock.advance("P8D");
    assert.equal(await named(kms.describeKey({ KeyId: deleted.KeyId })), "NotFoundException");
    await server.stop();

    for (const { from, records } of [
      { from: "segments", records: source },
      { from: "a copy", records: log },
    ]) {
      const place = placeFor(directory.at(`audit-${from}`), source);
      const printed = await run("restore", "--from", file, "--data", place, "--audit", records);
      assert.match(
        printed,
        new RegExp(`NOT made again[^\\n]*: 1\\n  \\S+ kms:PutKeyPolicy ${ACCOUNT} us-east-1 ${kept.Arn}`),
        from,
      );
      assert.match(
        printed,
        new RegExp(`not in it: [0-9]+\\n(?:  [^\\n]*\\n)*  \\S+ kms:CreateKey [^\\n]*${lost.Arn}`),
        from,
      );
      await using restored = await serveStore(place);
      const state = async (KeyId: string) => (await restored.kms.describeKey({ KeyId })).KeyMetadata?.KeyState;
      assert.equal(await named(restored.kms.describeKey({ KeyId: deleted.KeyId })), "NotFoundException", from);
      assert.equal(
        await named(restored.kms.decrypt({ CiphertextBlob: deleted.CiphertextBlob })),
        "AccessDeniedException",
        from,
      );
      assert.equal(await state(saved.KeyId), "Enabled", from);
      assert.equal(await state(disabled.KeyId), "Disabled", from);
      assert.equal(await state(imported), "PendingImport", from);
      assert.deepEqual((await restored.kms.listGrants({ KeyId: kept.KeyId })).Grants, [], from);
      for (const gone of [alice, carol, bob]) {
        assert.equal(await named(restored.kmsOf(gone).listKeys({})), "UnrecognizedClientException", from);
      }
      assert.equal(await named(restored.kmsOf(dave).listKeys({})), "AccessDeniedException", from);
      assert.equal(
        await named(restored.kmsOf(eveKeys).decrypt({ CiphertextBlob: kept.CiphertextBlob })),
        "AccessDeniedException",
        from,
      );
      const users = (await restored.iam.listUsers({})).Users?.map(({ UserName }) => UserName);
      assert.deepEqual(users, ["alice", "bob", "dave", "eve"], from);
      assert.match(
        await named(restored.kmsOf(sessionKeys).listAliases({})),
        /UnrecognizedClient|InvalidClientToken/,
        from,
      );
      const { Plaintext } = await restored.kms.decrypt({ CiphertextBlob: kept.CiphertextBlob });
      assert.equal(Buffer.from(present(Plaintext)).toString(), "before", from);
    }
  });

  it("is refused where records of after the backup are missing, or are another store's", async () => {
    const source = directory.at("gap");
    const other = directory.at("gap-other");
    const file = directory.at("gap.keystead");
    await using world = await serveStore(source);
    await run("backup", "--data", source, "--to", file);
    await world.server.stop();
    {
      await using stranger = await serveStore(other);
      await newKey(stranger.kms);
    }
    const restore = ["restore", "--from", file, "--data", placeFor(directory.at("gap-place"), source)];
    assert.match(
      refusal(await runKeystead([...restore, "--audit", other])),
      /another store's, or begin after the backup/,
    );
    assert.match(refusal(await runKeystead([...restore, "--audit", directory.at("nowhere")])), /can't be read: ENOENT/);
    const late = directory.at("late.jsonl");
    writeFileSync(late, `${JSON.stringify({ eventID: "1", eventTime: "2099-01-01T00:00:00Z", readOnly: true })}\n`);
    assert.match(refusal(await runKeystead([...restore, "--audit", late])), /begin after the backup/);
    writeFileSync(late, "no record\n");
    assert.match(refusal(await runKeystead([...restore, "--audit", late])), /line 1 is no JSON text/);
  });
});

describe("a restore without audit records", () => {
  it("has to be asked for, leaves every customer key disabled, and calls off deletions", async () => {
    const source = directory.at("blind");
    const file = directory.at("blind.keystead");
    await using world = await serveStore(source);
    const used = await keyInUse(world);
    const pending = await keyInUse(world);
    await world.kms.scheduleKeyDeletion({ KeyId: pending.KeyId, PendingWindowInDays: 7 });
    const managed = present((await world.kms.describeKey({ KeyId: "alias/aws/ebs" })).KeyMetadata?.KeyId);
    await run("backup", "--data", source, "--to", file);
    await world.server.stop();
    const place = placeFor(directory.at("blind-restored"), source);
    const restore = ["restore", "--from", file, "--data", place];
    assert.match(refusal(await runKeystead(restore)), /--audit, or --accept-resurrection/);
    assert.match(
      refusal(await runKeystead([...restore, "--audit", source, "--accept-resurrection"])),
      /--accept-resurrection/,
    );
    assert.match(await run(...restore, "--accept-resurrection"), /^2 customer keys were left disabled/);
    assert.match(refusal(await runKeystead([...restore, "--accept-resurrection"])), /is not empty \(keystead\.db\)/);

    await using restored = await serveStore(place);
    const state = async (KeyId: string) => (await restored.kms.describeKey({ KeyId })).KeyMetadata?.KeyState;
    assert.equal(await named(restored.kms.decrypt({ CiphertextBlob: used.CiphertextBlob })), "DisabledException");
    assert.deepEqual(
      [await state(used.KeyId), await state(pending.KeyId), await state(managed)],
      ["Disabled", "Disabled", "Enabled"],
    );
    await restored.server.clock.advance("P8D");
    assert.equal(await state(pending.KeyId), "Disabled");
    await restored.kms.enableKey({ KeyId: used.KeyId });
    await restored.kms.decrypt({ CiphertextBlob: used.CiphertextBlob });
  });
});
