/** What is published: built, packed, installed where nothing else is, and used as its README says. */

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { KMS } from "@aws-sdk/client-kms";
import { TemporaryDirectory } from "../faults/processes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const project = new TemporaryDirectory();
/** This node comes first, as on a machine where it is the installed one. */
const environment = {
  HOME: project.path,
  PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
  NODE_COMPILE_CACHE: project.at("cache"),
};
const keystead = project.at("node_modules/.bin/keystead");

before(() => {
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd: project.path, env: environment, encoding: "utf8", stdio: "pipe" });
  run(process.execPath, join(ROOT, "build/bundle.ts"), project.at("package"));
  run("npm", "pack", "--silent", project.at("package"));
  run("npm", "install", "--silent", "--offline", "--prefix", project.path, ...globSync(project.at("keystead-*.tgz")));
});
after(() => project[Symbol.dispose]());

describe("the published package", () => {
  it("brings its documents and needs nothing beside it", () => {
    const installed = project.at("node_modules/keystead");
    for (const name of [
      "README.md",
      "LICENSE",
      "CHANGELOG.md",
      "SECURITY.md",
      "deploy/systemd/keystead.service",
      "deploy/helm/keystead/Chart.yaml",
      "dist/main.js",
      "dist/console/index.html",
      "dist/console/licenses.md",
    ]) {
      assert.ok(existsSync(join(installed, name)), name);
    }
    assert.ok(!existsSync(join(installed, "src")));
    assert.deepEqual(globSync(project.at("node_modules/*")), [installed]);
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    assert.deepEqual([dependencies, optionalDependencies], [undefined, undefined]);
  });

  it("runs npx keystead dev, whose keys encrypt, sign and are made in threads", async () => {
    await using server = await start("npx", ["--offline", "keystead", "dev", "--port", "0"]);
    const credentials = {
      accessKeyId: "AKIAKEYSTEADDEVELOPR",
      secretAccessKey: "keystead/dev/secret/not/for/production/0",
    };
    await useKeys(new KMS({ endpoint: server.endpoint, region: "us-east-1", credentials, maxAttempts: 1 }));
    assert.match(await consoleOf(server.endpoint), /Keystead console/);
  });

  it("makes a store with init and serves it", async () => {
    const data = project.at("data");
    const printed = execFileSync(keystead, ["init", "--data", data], { env: environment, encoding: "utf8" });
    const exported = (name: string): string => new RegExp(`${name}=(\\S+)`).exec(printed)?.[1] ?? "";
    const credentials = {
      accessKeyId: exported("AWS_ACCESS_KEY_ID"),
      secretAccessKey: exported("AWS_SECRET_ACCESS_KEY"),
    };
    await using server = await start(keystead, ["serve", "--data", data, "--port", "0", "--console"]);
    await useKeys(new KMS({ endpoint: server.endpoint, region: "us-east-1", credentials, maxAttempts: 1 }));
    assert.match(await consoleOf(server.endpoint), /Keystead console/);
  });
});

/** What is at the console's address. */
async function consoleOf(endpoint: string): Promise<string> {
  return await (await fetch(`${endpoint}/console/`)).text();
}

async function useKeys(kms: KMS): Promise<void> {
  const symmetric = (await kms.createKey({})).KeyMetadata?.KeyId;
  const Plaintext = Buffer.from("a secret");
  const { CiphertextBlob } = await kms.encrypt({ KeyId: symmetric, Plaintext });
  assert.deepEqual(Buffer.from((await kms.decrypt({ CiphertextBlob })).Plaintext ?? []), Plaintext);
  const signing = await kms.createKey({ KeySpec: "RSA_2048", KeyUsage: "SIGN_VERIFY" });
  const signed = {
    KeyId: signing.KeyMetadata?.KeyId,
    Message: Plaintext,
    SigningAlgorithm: "RSASSA_PSS_SHA_256",
  } as const;
  const { Signature } = await kms.sign(signed);
  assert.equal((await kms.verify({ ...signed, Signature })).SignatureValid, true);
  kms.destroy();
}

/** Starts a server and waits until it is ready; disposing stops it and waits for its end. */
async function start(command: string, args: readonly string[]): Promise<{ endpoint: string } & AsyncDisposable> {
  // A group of its own: npx does not hand every signal on.
  const child = spawn(command, args, { cwd: project.path, env: environment, detached: true, stdio: "pipe" });
  const endpoint = await untilReady(child);
  return {
    endpoint,
    async [Symbol.asyncDispose]() {
      const ended = once(child, "close");
      process.kill(-(child.pid ?? Number.NaN), "SIGTERM");
      await ended;
    },
  };
}

function untilReady(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const hear = (text: Buffer): void => {
      printed += text.toString();
      const ready = /keystead is ready on (\S+)/.exec(printed)?.[1];
      if (ready !== undefined) resolve(ready);
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`keystead ended with ${code}: ${printed}`)));
  });
}
