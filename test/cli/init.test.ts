/** `keystead init` and what it leaves: files and their modes, two root keys that each open the store, and the first account. */

import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import {
  accessKeyIn,
  type Ended,
  type ProcessOptions,
  runKeystead,
  startProcess,
  startServe,
  TemporaryDirectory,
} from "../faults/processes.ts";
import { callKms } from "../faults/signed-requests.ts";

const directory = new TemporaryDirectory();
after(() => directory[Symbol.dispose]());

/** Runs `init`, which has to succeed, and returns what it printed. */
async function init(args: readonly string[], options: ProcessOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runKeystead(["init", ...args], options);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

/** Every file and folder below a path, with its mode in octal. */
function modesBelow(path: string): Readonly<Record<string, string>> {
  const names = readdirSync(path, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(names.map((name) => [name, (statSync(join(path, name)).mode & 0o777).toString(8)]));
}

function recoveryKeyIn(printed: string): string {
  const key = /^keystead-root-1-.+$/m.exec(printed)?.[0];
  assert.ok(key, "no recovery key was printed");
  return key;
}

/** Writes a file that its owner alone may read. */
function privateFile(path: string, text: string): string {
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe("init", () => {
  it("makes a store of two root keys, shows the recovery key and the access key, and serve opens it by either", async () => {
    const store = directory.at("store");
    const printed = await init(["--data", store, "--account", "444455556666", "--account-name", "Blue team"]);
    assert.match(printed, new RegExp(`^Store made in ${store}\\.$`, "m"));
    assert.match(printed, new RegExp(`^Root key: ${store}/root\\.key$`, "m"));
    assert.match(printed, /^Recovery key \(shown once; keep it offline, it opens everything\):$/m);
    assert.match(printed, /^Account 444455556666; its root access key \(shown once\):$/m);
    assert.equal((statSync(store).mode & 0o777).toString(8), "700");
    assert.deepEqual(modesBelow(store), { "keystead.db": "600", "lock.db": "600", "root.key": "600" });
    using database = new DatabaseSync(join(store, "keystead.db"), { readOnly: true });
    assert.deepEqual(
      database
        .prepare("SELECT id, name FROM account")
        .all()
        .map((row) => ({ ...row })),
      [{ id: "444455556666", name: "Blue team" }],
    );

    const credentials = accessKeyIn(printed);
    {
      await using server = await startServe(store);
      assert.equal((await callKms({ endpoint: server.endpoint, credentials }, "CreateKey", {})).status, 200);
      const modes = modesBelow(store);
      assert.deepEqual(
        Object.keys(modes).filter((name) => !/-(?:wal|shm|journal)$/.test(name)),
        ["audit", "audit/0", "audit/0/00000001.seg", "audit/index.db", "keystead.db", "lock.db", "root.key"],
      );
      for (const [name, mode] of Object.entries(modes)) {
        assert.equal(mode, /^audit(?:\/0)?$/.test(name) ? "700" : "600", name);
      }
    }
    // As somebody would type it from paper.
    const typed = `${recoveryKeyIn(printed).toUpperCase().replace("KEYSTEAD-ROOT-1-", "$&  ")}\n`;
    const recovery = privateFile(directory.at("recovery"), typed);
    await using recovered = await startServe(store, ["--root-key", recovery]);
    const { output } = await callKms({ endpoint: recovered.endpoint, credentials }, "ListKeys", {});
    assert.equal((output["Keys"] as unknown[]).length, 1);
  });

  it("makes one root key, and no recovery key, when it is told to", async () => {
    const printed = await init(["--data", directory.at("single"), "--single-root-key"]);
    assert.doesNotMatch(printed, /recovery|keystead-root/i);
    assert.match(printed, /^Account [1-9][0-9]{11}; /m);
  });

  it("puts the root key where it is told to, for every command after it", async () => {
    const store = directory.at("apart");
    const key = directory.at("elsewhere.key");
    const printed = await init(["--data", store, "--root-key", key]);
    assert.match(printed, new RegExp(`^Root key: ${key}$`, "m"));
    assert.equal((statSync(key).mode & 0o777).toString(8), "600");
    assert.deepEqual(Object.keys(modesBelow(store)), ["keystead.db", "lock.db"]);
    const without = await runKeystead(["account", "create", "--data", store]);
    assert.match(refusal(without), /root\.key does not exist/);
    const named = await runKeystead(["account", "create", "--data", store, "--root-key", key]);
    assert.equal(named.code, 0, named.stderr);
  });

  it("takes a root key that systemd hands over, and serve and account take it likewise", async () => {
    await init(["--data", directory.at("donor"), "--single-root-key"]);
    mkdirSync(directory.at("credentials"));
    copyFileSync(directory.at("donor/root.key"), directory.at("credentials/root"));
    const env = { CREDENTIALS_DIRECTORY: directory.at("credentials") };
    const store = directory.at("systemd");
    const byCredential = ["--data", store, "--root-key-credential", "root"];
    const printed = await init(byCredential, { env });
    assert.doesNotMatch(printed, /^Root key:/m);
    assert.deepEqual(Object.keys(modesBelow(store)), ["keystead.db", "lock.db"]);
    const account = await runKeystead(["account", "create", ...byCredential], { env });
    assert.equal(account.code, 0, account.stderr);
    await using server = await startProcess(["serve", ...byCredential, "--port", "0", "--workers", "1"], { env });
    const credentials = accessKeyIn(account.stdout);
    assert.equal((await callKms({ endpoint: server.endpoint, credentials }, "ListKeys", {})).status, 200);
    const page = await fetch(`${server.endpoint}/console/`);
    assert.notEqual(page.status, 200, "serve has no console unless it is told to");
  });

  it("leaves a root key file that is there as it is", async () => {
    const key = privateFile(directory.at("kept.key"), "of something else\n");
    const said = refusal(await runKeystead(["init", "--data", directory.at("kept"), "--root-key", key]));
    assert.match(said, /kept\.key exists already and is left as it is/);
    assert.equal(readFileSync(key, "utf8"), "of something else\n");
  });

  it("refuses a root key of two kinds, before it makes anything", async () => {
    const both = ["--root-key", directory.at("two.key"), "--root-key-credential", "root"];
    assert.match(refusal(await runKeystead(["init", "--data", directory.at("two"), ...both])), /not both/);
    assert.ok(!readdirSync(directory.path).includes("two.key"));
  });

  it("refuses a folder that others may write to", async () => {
    const open = directory.at("open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    const said = refusal(await runKeystead(["init", "--data", open]));
    assert.match(said, /Others may write to .*chmod go-w/);
    assert.deepEqual(readdirSync(open), [], "nothing is left that would stop the next try");
  });

  it("leaves a store that another root key does not open", async () => {
    await init(["--data", directory.at("other"), "--single-root-key"]);
    const store = directory.at("mine");
    await init(["--data", store, "--single-root-key"]);
    const other = directory.at("other/root.key");
    const said = refusal(await runKeystead(["serve", "--data", store, "--port", "0", "--root-key", other]));
    assert.match(said, /does not open this store/);
  });
});

/** The one line of a command that refused. */
function refusal({ code, stdout, stderr }: Ended): string {
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" }, stderr);
  assert.match(stderr, /^keystead: [^\n]+\n$/);
  return stderr;
}
