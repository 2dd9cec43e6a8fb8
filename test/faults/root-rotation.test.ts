/** Root keys are rotated under load, by commands that are killed at any moment and in the end with the server: nothing is lost. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, renameSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { KMS } from "@aws-sdk/client-kms";
import { readRootKeyFile } from "../../src/custody/root-key-file.ts";
import { clientsOf } from "./filled-store.ts";
import { accessKeyIn, type RunningProcess, runKeystead, startServe, TemporaryDirectory } from "./processes.ts";
import type { AccessKey } from "./signed-requests.ts";

const ROTATE = fileURLToPath(new URL("rotate-roots.ts", import.meta.url));
const REGIONS = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1", "sa-east-1", "ca-central-1"];
const KILLS = 3;
const PACE_MS = 50;

const folder = new TemporaryDirectory();
const data = folder.at("store");
const rootKey = folder.at("root.key");
let credentials: AccessKey;

before(async () => {
  const { code, stdout, stderr } = await runKeystead(["init", "--data", data, "--root-key", rootKey]);
  assert.equal(code, 0, stderr);
  credentials = accessKeyIn(stdout);
});
after(() => folder[Symbol.dispose]());

/** A key with a ciphertext under it. */
interface Made {
  readonly region: string;
  readonly blob: Uint8Array;
}

/** Makes keys in ever other Regions, so that domain keys are made too, and uses all of them, until it is told to stop. */
class Load implements AsyncDisposable {
  readonly made: Made[] = [];
  readonly #kms: (region: string) => KMS;
  #stopped = false;
  readonly ended: Promise<void>;

  constructor(endpoint: string) {
    this.#kms = clientsOf(endpoint, credentials);
    this.ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.ended;
  }

  /** Ends before its server does, so that a failure of the test is told and not what comes of it here. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.ended.catch(() => undefined);
  }

  async #run(): Promise<void> {
    for (let number = 0; !this.#stopped; number += 1) {
      await wait(PACE_MS); // the commands that are tested need the processor as well
      const region = REGIONS[Math.floor(number / 4) % REGIONS.length] ?? "us-east-1";
      const { KeyMetadata } = await this.#kms(region).createKey({});
      const Plaintext = Buffer.from(region);
      const { CiphertextBlob } = await this.#kms(region).encrypt({ KeyId: KeyMetadata?.KeyId, Plaintext });
      this.made.push({ region, blob: CiphertextBlob ?? new Uint8Array() });
      const some = this.made[(number * 7) % this.made.length];
      if (some !== undefined) await checkOpens(this.#kms, some);
    }
  }
}

async function checkOpens(kms: (region: string) => KMS, { region, blob }: Made): Promise<void> {
  const { Plaintext } = await kms(region).decrypt({ CiphertextBlob: blob });
  assert.equal(Buffer.from(Plaintext ?? []).toString(), region);
}

async function checkAll(endpoint: string, made: readonly Made[]): Promise<void> {
  const kms = clientsOf(endpoint, credentials);
  for (const one of made) await checkOpens(kms, one);
}

/** Waits until a process has printed something. */
async function printed(server: RunningProcess, pattern: RegExp): Promise<void> {
  while (!pattern.test(server.printed())) {
    assert.equal(server.child.exitCode, null, server.log());
    await Promise.race([once(server.child.stdout ?? server.child, "data"), wait(100)]);
  }
}

async function list(): Promise<readonly { readonly id: string; readonly kind: string; readonly holders: string }[]> {
  const { stdout } = await runKeystead(["recipients", "list", "--data", data]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.split(/ {2,}/))
    .map(([id = "", kind = "", , holders = ""]) => ({ id, kind, holders }));
}

describe("root keys of a store that is served", () => {
  it("are added, proven and removed step by step, and each step that would lock somebody out is refused", async () => {
    await using server = await startServe(data, ["--root-key", rootKey]);
    await using load = new Load(server.endpoint);
    const old = await readRootKeyFile(rootKey);
    const recovery = (await list()).find(({ kind }) => kind === "recovery");
    const remove = (id: string, key: string, ...more: string[]) =>
      runKeystead(["recipients", "remove", id, "--data", data, "--root-key", key, "--wait", "0", ...more]);

    const own = await remove(old.id, rootKey);
    assert.match(own.stderr, /is the one that this command was given/);
    const few = await remove(recovery?.id ?? "", rootKey);
    assert.match(few.stderr, /One root key would be left/);
    const next = folder.at("next.key");
    const added = await runKeystead([
      ...["recipients", "add", "--data", data, "--root-key", rootKey, "--new-root-key", next],
    ]);
    assert.equal(added.code, 0, added.stderr);
    const used = await remove(old.id, next);
    assert.match(
      used.stderr,
      /is the only one that these processes have opened the store with: serve, process \d+ on /,
    );
    assert.match((await remove("0".repeat(32), next)).stderr, /There is no root key 0{32}/);

    renameSync(rootKey, folder.at("old.key"));
    copyFileSync(next, rootKey);
    server.child.kill("SIGHUP");
    const { id } = await readRootKeyFile(next);
    await printed(server, new RegExp(`holds root key ${id}`));
    const removed = await remove(old.id, next);
    assert.equal(removed.code, 0, removed.stderr);
    assert.deepEqual(
      (await list()).map(({ kind, holders }) => [kind, holders.replace(/\d+ on .*/, "")]),
      [
        ["recovery", "-"],
        ["file", "serve, process "],
      ],
    );
    const before = load.made.length;
    while (load.made.length < before + 5) await wait(PACE_MS);
    await load.stop();
    await checkAll(server.endpoint, load.made);

    const refused = await runKeystead(["account", "create", "--data", data, "--root-key", folder.at("old.key")]);
    assert.match(refused.stderr, new RegExp(`${old.id} \\(file\\) does not open this store, which is sealed to: `));
    // A server whose file no longer opens the store keeps the root key that does.
    copyFileSync(folder.at("old.key"), rootKey);
    server.child.kill("SIGHUP");
    while (!server.log().includes("the root keys stay as they were")) await wait(20);
    await checkAll(server.endpoint, load.made.slice(0, 3));
    copyFileSync(next, rootKey);
  });

  it("rotate under load while the rotation is killed at any moment, and with the server: every key is there", async () => {
    let made: readonly Made[];
    {
      await using server = await startServe(data, ["--root-key", rootKey]);
      await using load = new Load(server.endpoint);
      for (let kill = 0; kill < KILLS; kill += 1) {
        await rotateAndKill(server, kill);
        const there = (await list()).length;
        assert.ok(
          there <= 2 + kill + 1,
          `${there} root keys: each kill leaves one that was being added or removed at most`,
        );
      }
      const before = load.made.length;
      while (load.made.length < before + 5) await wait(PACE_MS);
      const ended = assert.rejects(load.ended);
      made = [...load.made];
      await server.kill();
      await ended;
    }
    await using server = await startServe(data, ["--root-key", rootKey]);
    await checkAll(server.endpoint, made);
    assert.ok(made.length > 10, `${made.length} keys`);
  });
});

/** Lets the root key rotate by itself and kills that a moment after the first rotation is done. */
async function rotateAndKill(server: RunningProcess, kill: number): Promise<void> {
  const args = [ROTATE, data, rootKey, String(server.child.pid), String(kill * 1000)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  let removals = 0;
  let timer: NodeJS.Timeout | undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    removals += text.split("does not open this store any more").length - 1;
    if (removals > 0) timer ??= setTimeout(() => child.kill("SIGKILL"), Math.random() * 300);
  });
  const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  assert.deepEqual({ code, signal }, { code: null, signal: "SIGKILL" }, "the rotation ended by itself");
}
