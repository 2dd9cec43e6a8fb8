/** Backups and restores as an operator does them: under load, elsewhere, after losses, and never with what was destroyed since. */

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { runKeystead, TemporaryDirectory } from "../faults/processes.ts";
import { wrapFor } from "../key-material.ts";
import { ACCOUNT, newKey, present } from "../kms-client.ts";
import { deleteServiceData, listServiceData, makeServiceData } from "./service-data.ts";
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

const source = directory.at("source");
const log = directory.at("copy.jsonl");
const file = directory.at("backup.keystead");

/** What was there at the backup, what was made while it was written, and what was made after it. */
interface Story extends Awaited<ReturnType<typeof setUp>> {
  readonly earlier: readonly Buffer[];
  readonly meanwhile: number;
  readonly lost: string;
}
let story: Story;

before(async () => {
  await using world = await serveStore(source, ["--audit-log", log]);
  const earlier: Uint8Array[] = [];
  for (let count = 0; count < 5; count += 1) earlier.push(present((await keyInUse(world)).CiphertextBlob));
  const set = await setUp(world);
  await nextSecond();
  const meanwhile = await backUpUnderLoad(world);
  await destroy(world, set);
  const lost = await keyInUse(world);
  await world.server.clock.advance("P8D");
  assert.equal(await named(world.kms.describeKey({ KeyId: set.deleted.KeyId })), "NotFoundException");
  story = { ...set, earlier: earlier.map((blob) => Buffer.from(blob)), meanwhile, lost: lost.Arn };
});

/** Records tell seconds: what happened in a backup's own may be of after it, so a restore lists it. */
async function nextSecond(): Promise<void> {
  const SECOND_MS = 1_000;
  await wait(SECOND_MS - (Date.now() % SECOND_MS));
}

/** Keys, users, a grant and a session, all of which work. */
async function setUp(world: StoreWorld) {
  const { kms, iam, sts } = world;
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

  const managed = present((await kms.describeKey({ KeyId: "alias/aws/ebs" })).KeyMetadata?.KeyId);
  const goingBlocks = await makeServiceData(world);
  return {
    managed,
    goingBlocks,
    kept,
    deleted,
    saved,
    disabled,
    imported,
    alice,
    bob,
    carol,
    dave,
    eveKeys,
    grantId: present(grant.GrantId),
    sessionKeys,
  };
}

/** Runs `backup` while keys are made and used. @returns how many were */
async function backUpUnderLoad(world: StoreWorld): Promise<number> {
  let made = 0;
  let isBackingUp = true;
  const load = Array.from({ length: 4 }, async () => {
    while (isBackingUp) {
      await keyInUse(world);
      made += 1;
    }
  });
  const printed = await run("backup", "--data", source, "--to", file);
  isBackingUp = false;
  await Promise.all(load);
  assert.match(printed, /It was read back and is whole\.$/m);
  assert.equal((statSync(file).mode & 0o777).toString(8), "600");
  return made;
}

/** Takes away, after the backup, most of what `setUp` made. */
async function destroy(world: StoreWorld, set: Awaited<ReturnType<typeof setUp>>): Promise<void> {
  const { kms, iam } = world;
  await deleteServiceData(world, set.goingBlocks);
  const { kept, deleted, saved, disabled, imported, alice, bob, carol, grantId } = set;
  await kms.scheduleKeyDeletion({ KeyId: deleted.KeyId, PendingWindowInDays: 7 });
  await kms.cancelKeyDeletion({ KeyId: saved.KeyId });
  await kms.enableKey({ KeyId: saved.KeyId });
  await kms.disableKey({ KeyId: disabled.KeyId });
  await kms.deleteImportedKeyMaterial({ KeyId: imported });
  await kms.revokeGrant({ KeyId: kept.KeyId, GrantId: grantId });
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
}

describe("a restore with the audit records of after the backup", () => {
  it("brings back nothing that was destroyed or revoked, lists what it can't make again, and accepts no session of before", async () => {
    const { kept, deleted, saved, disabled, imported, alice, bob, carol, dave, eveKeys, sessionKeys, lost } = story;
    assert.ok(story.meanwhile > 0, "keys were made while it was backed up");
    const places: string[] = [];
    for (const { from, records } of [
      { from: "segments", records: source },
      { from: "a copy", records: log },
    ]) {
      const place = placeFor(directory.at(`audit-${from}`), source);
      places.push(place);
      const printed = await run("restore", "--from", file, "--data", place, "--audit", records);
      assert.match(
        printed,
        new RegExp(`NOT made again[^\\n]*: 1\\n  \\S+ kms:PutKeyPolicy ${ACCOUNT} us-east-1 ${kept.Arn}`),
        from,
      );
      assert.match(
        printed,
        new RegExp(`not in it: [0-9]+\\n(?:  [^\\n]*\\n)*  \\S+ kms:CreateKey [^\\n]*${lost}`),
        from,
      );
    }
    const [place = "", copied = ""] = places;
    const ownIds = ["outbox", "credential"]; // new event ids and revisions
    assert.deepEqual(rowsOf(copied, ownIds), rowsOf(place, ownIds), "segments and a copy come to the same");
    await using restored = await serveStore(place);
    const state = async (KeyId: string) => (await restored.kms.describeKey({ KeyId })).KeyMetadata?.KeyState;
    assert.equal(await named(restored.kms.describeKey({ KeyId: deleted.KeyId })), "NotFoundException");
    assert.equal(
      await named(restored.kms.decrypt({ CiphertextBlob: deleted.CiphertextBlob })),
      "AccessDeniedException",
    );
    assert.equal(await state(saved.KeyId), "Enabled");
    assert.equal(await state(disabled.KeyId), "Disabled");
    assert.equal(await state(imported), "PendingImport");
    assert.deepEqual((await restored.kms.listGrants({ KeyId: kept.KeyId })).Grants, []);
    for (const gone of [alice, carol, bob]) {
      assert.equal(await named(restored.kmsOf(gone).listKeys({})), "UnrecognizedClientException");
    }
    assert.equal(await named(restored.kmsOf(dave).listKeys({})), "AccessDeniedException");
    assert.equal(
      await named(restored.kmsOf(eveKeys).decrypt({ CiphertextBlob: kept.CiphertextBlob })),
      "AccessDeniedException",
    );
    const { secrets, parameters, blocks } = await listServiceData(restored);
    assert.deepEqual(secrets, ["called-off", "kept"]);
    assert.deepEqual(parameters, ["/kept"]);
    assert.equal(blocks.length, 2, "one volume and one snapshot");
    for (const gone of Object.values(story.goingBlocks)) assert.ok(!blocks.includes(gone), gone);
    const users = (await restored.iam.listUsers({})).Users?.map(({ UserName }) => UserName);
    assert.deepEqual(users, ["alice", "bob", "dave", "eve"]);
    assert.match(await named(restored.kmsOf(sessionKeys).listAliases({})), /UnrecognizedClient|InvalidClientToken/);
    const { Plaintext } = await restored.kms.decrypt({ CiphertextBlob: kept.CiphertextBlob });
    assert.equal(Buffer.from(present(Plaintext)).toString(), "before");
    for (const CiphertextBlob of story.earlier) {
      const { Plaintext: text } = await restored.kms.decrypt({ CiphertextBlob });
      assert.equal(Buffer.from(present(text)).toString(), "before");
    }
  });
});

describe("a restore without audit records", () => {
  it("has to be asked for, leaves every customer key disabled, and calls off deletions", async () => {
    const place = placeFor(directory.at("blind"), source);
    const restore = ["restore", "--from", file, "--data", place];
    assert.match(refusal(await runKeystead(restore)), /--audit, or --accept-resurrection/);
    assert.match(await run(...restore, "--accept-resurrection"), /^[0-9]+ customer keys were left disabled/);
    await using restored = await serveStore(place);
    const state = async (KeyId: string) => (await restored.kms.describeKey({ KeyId })).KeyMetadata?.KeyState;
    const { kept, deleted, saved, managed } = story;
    assert.equal(await named(restored.kms.decrypt({ CiphertextBlob: kept.CiphertextBlob })), "DisabledException");
    assert.deepEqual(await Promise.all([kept.KeyId, deleted.KeyId, saved.KeyId, managed].map(state)), [
      "Disabled",
      "Disabled",
      "Disabled",
      "Enabled",
    ]);
    await restored.server.clock.advance("P31D");
    assert.equal(await state(saved.KeyId), "Disabled", "its deletion was called off");
    await restored.kms.enableKey({ KeyId: kept.KeyId });
    await restored.kms.decrypt({ CiphertextBlob: kept.CiphertextBlob });
  });
});

describe("a backup of a store at rest", () => {
  it("S08-030: SC-19 is restored with the same rows", async () => {
    const atRest = directory.at("rest.keystead");
    await run("backup", "--data", source, "--to", atRest);
    const place = placeFor(directory.at("rest"), source);
    await run("restore", "--from", atRest, "--data", place, "--audit", source);
    assert.deepEqual(rowsOf(place), rowsOf(source));
  });
});
