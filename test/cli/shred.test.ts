/** `keystead shred`: old copies of a store open with nothing that is left, nothing living is lost, whenever it is cut off. */

import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { type ShredOptions, shredStore } from "../../src/cli/shred.ts";
import { readRootKeyFile } from "../../src/custody/root-key-file.ts";
import { openCustody } from "../../src/custody/software.ts";
import { domainKeyStore } from "../../src/storage/domain-keys.ts";
import { openFileStore } from "../../src/storage/open.ts";
import type { Store } from "../../src/storage/store.ts";
import { checkFilled, clientsOf, type FilledStore, fillStore } from "../faults/filled-store.ts";
import { runKeystead, startKilledAfter, startServe, TemporaryDirectory } from "../faults/processes.ts";

const folder = new TemporaryDirectory();
let filled: FilledStore;
/** A copy of the store and its root key before anything was shredded. */
const backup = folder.at("backup");

before(async () => {
  filled = await fillStore(folder.at("store"));
  cpSync(filled.directory, backup, { recursive: true });
});
after(() => folder[Symbol.dispose]());

/** A fresh copy of the store as it was before, with its old root key beside it. */
function copyOfStore(name: string): ShredOptions & { readonly data: string } {
  const data = folder.at(name);
  rmSync(data, { recursive: true, force: true });
  rmSync(`${data}.key`, { force: true });
  cpSync(backup, data, { recursive: true });
  return { data, newRootKey: `${data}.key` };
}

/** Opens a store with a root key and opens everything in it; returns the material ids. */
async function openAll(data: string, rootKey: string): Promise<readonly string[]> {
  const clock = systemClock;
  await using store = await openFileStore({ directory: data, kind: "serve", create: false, lock: "tool", clock });
  const custody = await openCustody({
    store: domainKeyStore(store, clock),
    rootKeys: [await readRootKeyFile(rootKey)],
    clock,
  });
  await custody.recipients.verify();
  const rows = await store.db.selectFrom("material").selectAll().where("import_state", "is", null).execute();
  for (const { key_id: keyId, material_id: materialId, domain_version: domainVersion, ...row } of rows) {
    const copy = await custody.resealMaterial({ ...row, keyId, materialId, domainVersion }, row.region);
    assert.equal(copy.materialId, materialId);
  }
  custody.close();
  return rows.map(({ material_id }) => material_id).sort();
}

/** What a command that has to refuse says. */
async function refusal(args: readonly string[]): Promise<string> {
  const { code, stderr } = await runKeystead(args);
  assert.equal(code, 1, stderr);
  return stderr;
}

describe("a shred", () => {
  it("leaves all that lives as it was, and nothing with which an older copy opens", async () => {
    const materials = await openAll(backup, join(backup, "root.key"));
    const oldCopies = sealedCopies(filled.directory);
    const newRootKey = folder.at("new.key");
    const args = ["shred", "--data", filled.directory, "--new-root-key", newRootKey];
    const { code, stdout, stderr } = await runKeystead(args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /root\.key was overwritten and removed/);
    assert.ok(!existsSync(join(filled.directory, "root.key")));
    const recovery = folder.at("new-recovery.key");
    writeFileSync(recovery, /^keystead-root-1-.+$/m.exec(stdout)?.[0] ?? "", { mode: 0o600 });

    // The old copy opens with its own root keys, which is why they have to be destroyed, and not with those that are left.
    assert.deepEqual(await openAll(backup, filled.recovery), materials);
    for (const left of [newRootKey, recovery]) {
      assert.match(await refusal(serving(backup, left)), /does not open this store, which is sealed to/);
    }
    for (const old of [join(backup, "root.key"), filled.recovery]) {
      assert.match(await refusal(serving(filled.directory, old)), /does not open this store, which is sealed to/);
    }
    for (const left of [newRootKey, recovery]) assert.deepEqual(await openAll(filled.directory, left), materials);
    const bytes = readFileSync(join(filled.directory, "keystead.db"));
    for (const copy of oldCopies) assert.ok(!bytes.includes(copy), "a copy of an old domain key is in the file");

    await using server = await startServe(filled.directory, ["--root-key", newRootKey]);
    await checkFilled(filled, server.endpoint);
    const session = clientsOf(server.endpoint, filled.session)("us-east-1");
    await assert.rejects(session.listKeys({}), { name: "InvalidClientTokenId" });
    const { keyId, token } = filled.importing;
    const kms = clientsOf(server.endpoint, filled.credentials)("us-east-1");
    await assert.rejects(
      kms.importKeyMaterial({
        KeyId: keyId,
        ImportToken: token,
        EncryptedKeyMaterial: new Uint8Array(256),
        ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE",
      }),
      { name: "InvalidImportTokenException" },
    );
    const running = await refusal([
      "shred",
      "--data",
      filled.directory,
      "--root-key",
      newRootKey,
      "--new-root-key",
      "x",
    ]);
    assert.match(running, /in use by another Keystead server/);
  });

  it("says that it is done when it is asked for again, and can be done again under a new name", async () => {
    const options = copyOfStore("again");
    const run = (): Promise<{ code: number | null; stdout: string }> =>
      runKeystead(["shred", "--data", options.data, "--new-root-key", options.newRootKey, "--single-root-key"]);
    assert.equal((await run()).code, 0);
    const { code, stdout } = await run();
    assert.equal(code, 0);
    assert.match(stdout, /has been shredded/);
    const materials = await openAll(backup, join(backup, "root.key"));
    const third = { data: options.data, rootKey: options.newRootKey, newRootKey: folder.at("third.key") };
    await shredOnce(third);
    assert.deepEqual(await openAll(options.data, third.newRootKey), materials);
    assert.ok(!existsSync(options.newRootKey));
  });

  it("refuses a new root key that is the old one, or opens the store already", async () => {
    const { data } = copyOfStore("refused");
    const root = join(data, "root.key");
    assert.match(await refusal(["shred", "--data", data, "--new-root-key", root]), /needs a file of its own/);
    cpSync(root, folder.at("same.key"));
    const same = await refusal(["shred", "--data", data, "--new-root-key", folder.at("same.key")]);
    assert.match(same, /opens this store already/);
    assert.deepEqual(await openAll(data, root), await openAll(backup, root));
  });
});

describe("a shred that is cut off", () => {
  it("before or after any of its transactions is finished by the same command, and loses nothing", async () => {
    const materials = await openAll(backup, join(backup, "root.key"));
    let points = 0;
    for (const when of ["before", "after"] as const) {
      for (let number = 1; ; number += 1) {
        const options = copyOfStore("cut");
        if (!(await isCutOff(options, { when, number }))) break;
        points += 1;
        const opening = existsSync(options.newRootKey) ? [options.newRootKey] : [];
        const openers = [join(options.data, "root.key"), ...opening].filter((path) => existsSync(path));
        const opened = await Promise.allSettled(openers.map((path) => openAll(options.data, path)));
        assert.ok(
          opened.some((result) => result.status === "fulfilled" && result.value.join() === materials.join()),
          `nothing opens the store cut off ${when} transaction ${number}`,
        );
        await shredOnce(options);
        assert.deepEqual(await openAll(options.data, options.newRootKey), materials);
        assert.ok(!existsSync(join(options.data, "root.key")));
      }
    }
    assert.ok(points >= 30, `${points} points`);
  });

  it("by SIGKILL at any moment is finished by the same command, and no server starts on it before", async () => {
    const materials = await openAll(backup, join(backup, "root.key"));
    const states = new Set<string | undefined>();
    for (let kills = 0; kills < 5; kills += 1) {
      const options = copyOfStore("killed");
      const args = ["shred", "--data", options.data, "--new-root-key", options.newRootKey];
      await startKilledAfter(args, /./, kills * 15);
      const state = shredState(options.data);
      states.add(state);
      if (state === "sealing" && kills < 2) {
        assert.match(await refusal(serving(options.data, options.newRootKey)), /run `keystead shred` again/);
      }
      const { code, stderr } = await runKeystead(args);
      assert.equal(code, 0, stderr);
      assert.deepEqual(await openAll(options.data, options.newRootKey), materials);
    }
    assert.ok(states.has("sealing") || states.has(undefined), [...states].join());
  });
});

const serving = (data: string, rootKey: string) => ["serve", "--data", data, "--port", "0", "--root-key", rootKey];

/** Shreds in this process. */
async function shredOnce(options: ShredOptions, wrap = (store: Store): Store => store): Promise<void> {
  const clock = systemClock;
  await using store = await openFileStore({
    directory: options.data,
    kind: "serve",
    create: false,
    lock: "server",
    clock,
  });
  await shredStore({ store: wrap(store), clock, options, isLocked: true, print() {} });
}

/** Shreds until one of the transactions, which is the last thing that happens; false when there is no such transaction. */
async function isCutOff(
  options: ShredOptions,
  { when, number }: { readonly when: "before" | "after"; readonly number: number },
): Promise<boolean> {
  const cut = new Error("cut off");
  let transactions = 0;
  const wrap = (store: Store): Store =>
    new Proxy(store, {
      get(target, name) {
        if (name !== "transaction") {
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        }
        return async (body: Parameters<Store["transaction"]>[0]) => {
          transactions += 1;
          if (transactions > number || (transactions === number && when === "before")) throw cut;
          const result = await target.transaction(body);
          if (transactions === number) throw cut;
          return result;
        };
      },
    });
  try {
    await shredOnce(options, wrap);
    return false;
  } catch (error) {
    if (error !== cut) throw error;
    return true;
  }
}

function sealedCopies(data: string): readonly Uint8Array[] {
  using database = new DatabaseSync(join(data, "keystead.db"), { readOnly: true });
  const rows = database.prepare("SELECT sealed FROM domain_key_copy").all();
  return rows.map(({ sealed }) => sealed as Uint8Array);
}

function shredState(data: string): string | undefined {
  using database = new DatabaseSync(join(data, "keystead.db"), { readOnly: true });
  return database.prepare("SELECT state FROM shred").get()?.["state"] as string | undefined;
}
