/** `keystead shred`: old copies of a store open with nothing that is left, and nothing living is lost, whenever it is cut off. */

import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { verifyBackup } from "../../src/cli/backup-file.ts";
import { readRootKeyFile } from "../../src/custody/root-key-file.ts";
import { openCustody } from "../../src/custody/software.ts";
import { domainKeyStore } from "../../src/storage/domain-keys.ts";
import { openFileStore } from "../../src/storage/open.ts";
import { checkFilled, clientsOf, type FilledStore, fillStore } from "../faults/filled-store.ts";
import { runKeystead, startKilledAfter, startServe, TemporaryDirectory } from "../faults/processes.ts";

const folder = new TemporaryDirectory();
let filled: FilledStore;
/** A copy of the store and its root key before anything was shredded. */
const backup = folder.at("backup");
let materials: readonly string[];

before(async () => {
  filled = await fillStore(folder.at("store"));
  cpSync(filled.directory, backup, { recursive: true });
  materials = await openAll(backup, join(backup, "root.key"));
});
after(() => folder[Symbol.dispose]());

/** Opens a store with a root key, and every material in it; returns the ids of these. */
async function openAll(data: string, rootKey: string): Promise<readonly string[]> {
  const clock = systemClock;
  await using store = await openFileStore({ directory: data, kind: "serve", create: false, lock: "tool", clock });
  const rootKeys = [await readRootKeyFile(rootKey)];
  const custody = await openCustody({ store: domainKeyStore(store, clock), rootKeys, clock });
  await custody.recipients.verify();
  const rows = await store.db.selectFrom("material").selectAll().execute();
  for (const { key_id: keyId, material_id: materialId, domain_version: domainVersion, ...row } of rows) {
    await custody.resealMaterial({ ...row, keyId, materialId, domainVersion }, row.region);
  }
  custody.close();
  return rows.map(({ material_id }) => material_id).sort();
}

describe("a shred", () => {
  it("leaves all that lives as it was, and nothing with which an older copy opens", async () => {
    const oldCopies = sealedCopies(filled.directory);
    const newRootKey = folder.at("new.key");
    const shred = ["shred", "--data", filled.directory, "--new-root-key", newRootKey];
    assert.match((await runKeystead(shred)).stderr, /Give --backup-to FILE .* or --no-backup/);
    const taken = [...shred, "--backup-to", filled.recovery];
    assert.match((await runKeystead(taken)).stderr, /exists already and is left as it is/);
    const file = folder.at("fresh.keystead");
    const shredding = await runKeystead([...shred, "--backup-to", file]);
    assert.deepEqual({ ...shredding, stdout: "" }, { code: 0, stdout: "", stderr: "" });
    assert.match(shredding.stdout, /root\.key was overwritten and removed/);
    assert.ok(!existsSync(join(filled.directory, "root.key")));
    const recovery = folder.at("new-recovery.key");
    writeFileSync(recovery, /^keystead-root-1-.+$/m.exec(shredding.stdout)?.[0] ?? "", { mode: 0o600 });

    // The old copy opens with its own root keys, which is why they have to be destroyed, and not with those that are left.
    assert.deepEqual(await openAll(backup, filled.recovery), materials);
    const refused = { name: "WrongRootKeyError", message: /does not open this store, which is sealed to: / };
    for (const left of [newRootKey, recovery]) await assert.rejects(openAll(backup, left), refused);
    for (const old of [join(backup, "root.key"), filled.recovery]) {
      await assert.rejects(openAll(filled.directory, old), refused);
    }
    for (const left of [newRootKey, recovery]) assert.deepEqual(await openAll(filled.directory, left), materials);
    const bytes = readFileSync(join(filled.directory, "keystead.db"));
    for (const copy of oldCopies) assert.ok(!bytes.includes(copy), "a copy of an old domain key is in the file");

    const restored = folder.at("restored");
    const restore = ["restore", "--from", file, "--data", restored, "--root-key", recovery, "--accept-resurrection"];
    assert.equal((await runKeystead(restore)).code, 0);
    assert.deepEqual(await openAll(restored, newRootKey), materials);

    await using server = await startServe(filled.directory, ["--root-key", newRootKey]);
    await checkFilled(filled, server.endpoint);
    const session = clientsOf(server.endpoint, filled.session)("us-east-1");
    await assert.rejects(session.listKeys({}), { name: "UnrecognizedClientException" });
    const kms = clientsOf(server.endpoint, filled.credentials)("us-east-1");
    const imported = kms.importKeyMaterial({
      KeyId: filled.importing.keyId,
      ImportToken: filled.importing.token,
      EncryptedKeyMaterial: new Uint8Array(256),
      ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
    });
    await assert.rejects(imported, { name: "InvalidImportTokenException" });
    const next = ["--root-key", newRootKey, "--new-root-key", folder.at("x"), "--no-backup"];
    const again = ["shred", "--data", filled.directory, ...next];
    assert.match((await runKeystead(again)).stderr, /in use by another Keystead server/);
  });

  it("that is killed at any moment is finished by the same command, and no server starts on it before", async () => {
    const states: unknown[] = [];
    for (const milliseconds of [0, 30]) {
      const data = folder.at(`killed-${milliseconds}`);
      cpSync(backup, data, { recursive: true });
      const newRootKey = `${data}.key`;
      const args = ["shred", "--data", data, "--new-root-key", newRootKey, "--backup-to", `${data}.file`];
      await startKilledAfter(args, /^keystead-root/m, milliseconds);
      states.push(shredState(data));
      if (milliseconds === 0 && states.at(-1) === "sealing") {
        const serving = await runKeystead(["serve", "--data", data, "--port", "0", "--root-key", newRootKey]);
        assert.match(serving.stderr, /run `keystead shred` again/);
      }
      const { code, stderr } = await runKeystead(args);
      assert.equal(code, 0, stderr);
      assert.deepEqual(await openAll(data, newRootKey), materials);
      assert.ok(!existsSync(join(data, "root.key")));
      await verifyBackup(`${data}.file`, await readRootKeyFile(newRootKey));
    }
    assert.ok(
      states.some((state) => state !== "done"),
      `${states}`,
    );
  });
});

function sealedCopies(data: string): readonly Uint8Array[] {
  using database = new DatabaseSync(join(data, "keystead.db"), { readOnly: true });
  const rows = database.prepare("SELECT sealed FROM domain_key_copy").all();
  return rows.map(({ sealed }) => sealed as Uint8Array);
}

function shredState(data: string): unknown {
  using database = new DatabaseSync(join(data, "keystead.db"), { readOnly: true });
  return database.prepare("SELECT state FROM shred").get()?.["state"];
}
