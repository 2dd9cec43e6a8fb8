/** Starts that are refused: each with exit code 1, one line that says why, and nothing listening. */

import assert from "node:assert/strict";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startDevServer } from "../dev-server.ts";
import { initStore, type ProcessOptions, runKeystead, startServe, TemporaryDirectory } from "../faults/processes.ts";

const directory = new TemporaryDirectory();
const serveStore = directory.at("serve");
const devStore = directory.at("dev");
const SERVE = ["serve", "--data", serveStore, "--port", "0"];

before(async () => {
  await initStore(serveStore);
  await using dev = await startDevServer({ args: ["--data", devStore] });
  assert.ok(dev.endpoint);
  writeFileSync(directory.at("cert.pem"), "no certificate");
  writeFileSync(directory.at("seed.yaml"), "accounts: [{ id: 7 }]");
});
after(() => directory[Symbol.dispose]());

/** Runs a command that has to refuse, and returns what it said. */
async function refusal(args: readonly string[], options: ProcessOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runKeystead(args, options);
  assert.doesNotMatch(stdout, /ready/, "it started");
  assert.equal(code, 1, stderr);
  assert.doesNotMatch(stderr, /^\s+at /m, "a stack is for our bugs");
  return stderr;
}

describe("serve", () => {
  const cases: readonly { title: string; args: readonly string[]; says: RegExp; options?: ProcessOptions }[] = [
    { title: "without a data directory", args: ["serve"], says: /--data/ },
    { title: "on a directory without a store", args: ["serve", "--data", directory.at("none")], says: /init/ },
    { title: "on a store of dev", args: ["serve", "--data", devStore, "--port", "0"], says: /dev/ },
    {
      title: "with a certificate and no key",
      args: [...SERVE, "--tls-cert", directory.at("cert.pem")],
      says: /--tls-key/,
    },
    {
      title: "with a key and no certificate",
      args: [...SERVE, "--tls-key", directory.at("cert.pem")],
      says: /--tls-cert/,
    },
    {
      title: "with a certificate that is none",
      args: [...SERVE, "--tls-cert", directory.at("cert.pem"), "--tls-key", directory.at("cert.pem")],
      says: /certificate|key|PEM/i,
    },
    {
      title: "with a certificate that is not there",
      args: [...SERVE, "--tls-cert", directory.at("no.pem"), "--tls-key", directory.at("no.pem")],
      says: /no\.pem/,
    },
    { title: "on every address without TLS", args: [...SERVE, "--host", "0.0.0.0"], says: /--insecure-http/ },
    { title: "on every IPv6 address without TLS", args: [...SERVE, "--host", "::"], says: /--insecure-http/ },
    { title: "with a port that is none", args: ["serve", "--data", serveStore, "--port", "70000"], says: /--port/ },
    { title: "with no workers", args: [...SERVE, "--workers", "0"], says: /--workers takes 1 to/ },
    {
      title: "with several workers and one pipe for their records",
      args: [...SERVE, "--workers", "2", "--audit-log", "-"],
      says: /--workers 1/,
    },
    { title: "with an option that does not exist", args: [...SERVE, "--verbose"], says: /unknown option/ },
    {
      title: "with NODE_OPTIONS set",
      args: SERVE,
      says: /NODE_OPTIONS/,
      options: { env: { NODE_OPTIONS: "--no-warnings" } },
    },
    { title: "with a debugger's port", args: SERVE, says: /--inspect/, options: { nodeArgs: ["--inspect=0"] } },
    {
      title: "with a bad port in the environment",
      args: ["serve", "--data", serveStore],
      says: /port/i,
      options: { env: { KEYSTEAD_PORT: "many" } },
    },
    {
      title: "for a command with a root key from two places",
      args: [
        "account",
        "create",
        "--data",
        serveStore,
        "--root-key",
        join(serveStore, "root.key"),
        "--root-key-credential",
        "root",
      ],
      says: /--root-key/,
    },
    {
      title: "with a credential that systemd did not give",
      args: [...SERVE, "--root-key-credential", "root"],
      says: /CREDENTIALS_DIRECTORY|credential/i,
    },
    {
      title: "with a root key file that is not there",
      args: [...SERVE, "--root-key", directory.at("no.key")],
      says: /no\.key/,
    },
    {
      title: "with a root key file that holds none",
      args: [...SERVE, "--root-key", directory.at("cert.pem")],
      says: /root key|cert\.pem/i,
    },
  ];
  for (const { title, args, says, options } of cases) {
    it(`refuses to start ${title}`, async () => assert.match(await refusal(args, options), says));
  }

  it("refuses to start with a root key that others may read", async () => {
    const path = join(serveStore, "root.key");
    chmodSync(path, 0o644);
    assert.match(await refusal(SERVE), /0600|mode|others/i);
    chmodSync(path, 0o600);
  });

  it("refuses to start beside another server on the same directory, which goes on", async () => {
    await using first = await startServe(serveStore);
    assert.match(await refusal(SERVE), /in use/);
    assert.equal((await fetch(`${first.endpoint}/readyz`)).status, 200);
  });

  it("refuses to start on a port that is taken", async () => {
    await using other = await startDevServer();
    const { port } = new URL(other.endpoint);
    const said = await refusal(["serve", "--data", serveStore, "--port", port]);
    assert.match(said, new RegExp(port));
    assert.match(said, /in use|taken/i);
  });

  it("takes all of it when it is right", async () => {
    await using server = await startServe(serveStore, ["--host", "0.0.0.0", "--insecure-http", "--audit-sync"]);
    assert.equal((await fetch(`${server.endpoint.replace("0.0.0.0", "127.0.0.1")}/readyz`)).status, 200);
  });
});

describe("dev", () => {
  const cases: readonly { title: string; args: readonly string[]; says: RegExp }[] = [
    { title: "on a store of serve", args: ["dev", "--data", serveStore, "--port", "0"], says: /serve/ },
    {
      title: "with a seed that is not right",
      args: ["dev", "--port", "0", "--seed", directory.at("seed.yaml")],
      says: /accounts/,
    },
    {
      title: "with a seed that is not there",
      args: ["dev", "--port", "0", "--seed", directory.at("no.yaml")],
      says: /no\.yaml/,
    },
    { title: "with another kind of TLS", args: ["dev", "--port", "0", "--tls", "real"], says: /self-signed/ },
  ];
  for (const { title, args, says } of cases) {
    it(`refuses to start ${title}`, async () => assert.match(await refusal(args), says));
  }

  it("refuses to start on a port that is taken", async () => {
    await using other = await startDevServer();
    const { port } = new URL(other.endpoint);
    assert.match(await refusal(["dev", "--port", port]), /in use|taken/i);
  });
});

describe("init", () => {
  it("refuses a directory that holds a store", async () => {
    assert.match(await refusal(["init", "--data", serveStore]), /already/);
  });

  it("refuses an account id that is none, and leaves nothing", async () => {
    const said = await refusal(["init", "--data", directory.at("new"), "--account", "12"]);
    assert.match(said, /12 digits/);
    rmSync(directory.at("new"), { recursive: true, force: true });
  });
});

describe("account", () => {
  for (const { title, args, says } of [
    {
      title: "an account that exists",
      args: ["create", "--data", serveStore, "--account", "111122223333"],
      says: /exists/,
    },
    { title: "an id that is none", args: ["create", "--data", serveStore, "--account", "x"], says: /12 digits/ },
    { title: "a store of dev", args: ["create", "--data", devStore], says: /dev/ },
    {
      title: "no such account",
      args: ["reset-credentials", "--data", serveStore, "--account", "999988887777"],
      says: /no account/,
    },
  ]) {
    it(`refuses ${title}`, async () => assert.match(await refusal(["account", ...args]), says));
  }
});
