/** The command line: help with examples, options from arguments and environment, and starts that are refused in one line. */

import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type Ended, initStore, runKeystead, startProcess, TemporaryDirectory } from "../faults/processes.ts";
import { callKms } from "../faults/signed-requests.ts";

const directory = new TemporaryDirectory();
const serveStore = directory.at("serve");
before(() => initStore(serveStore));
after(() => directory[Symbol.dispose]());

const COMMANDS: readonly (readonly string[])[] = [
  [],
  ["dev"],
  ["init"],
  ["serve"],
  ["account"],
  ["account", "create"],
  ["account", "reset-credentials"],
];

describe("help", () => {
  const helpOf = new Map<string, Ended>();
  before(async () => {
    for (const command of COMMANDS) {
      helpOf.set(["keystead", ...command].join(" "), await runKeystead([...command, "--help"]));
    }
  });

  for (const command of COMMANDS) {
    const name = ["keystead", ...command].join(" ");
    it(`of \`${name}\` says what it is for, with an example`, () => {
      const { code, stdout, stderr } = helpOf.get(name) ?? {};
      assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
      assert.match(stdout ?? "", new RegExp(`^Usage: ${name} .*\\n\\n[A-Z][^\\n]+`));
      assert.match(stdout ?? "", new RegExp(`\\nExamples?:\\n  \\$ ${name} ?`));
    });
  }

  it("of each command names the variable of each option", () => {
    let options = 0;
    for (const [name, { stdout }] of helpOf) {
      for (const [, option = ""] of stdout.matchAll(/^ {2}--([a-z-]+)/gm)) {
        options += 1;
        const variable = `KEYSTEAD_${option.replaceAll("-", "_").toUpperCase()}`;
        assert.ok(stdout.includes(variable), `${name} --${option}`);
      }
    }
    assert.ok(options >= 25, String(options));
  });

  it("is what a call without a command gets, as an error", async () => {
    const { code, stdout, stderr } = await runKeystead([]);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    assert.match(stderr, /^Usage: keystead /);
  });

  it("leaves the version to --version", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    assert.deepEqual(await runKeystead(["--version"]), { code: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("the environment", () => {
  it("sets every option of dev", async () => {
    writeFileSync(
      directory.at("seed.yaml"),
      JSON.stringify({ accounts: [{ id: "444455556666", credentials: [TEST_CREDENTIALS] }] }),
    );
    await using server = await startProcess(["dev"], {
      env: {
        KEYSTEAD_HOST: "127.0.0.2",
        KEYSTEAD_PORT: "0",
        KEYSTEAD_DATA: directory.at("dev"),
        KEYSTEAD_SEED: directory.at("seed.yaml"),
        KEYSTEAD_AUDIT_LOG: directory.at("records"),
      },
    });
    assert.match(server.endpoint, /^http:\/\/127\.0\.0\.2:[1-9][0-9]*$/);
    const { status } = await callKms({ endpoint: server.endpoint, credentials: TEST_CREDENTIALS }, "ListKeys", {});
    assert.equal(status, 200);
    assert.ok(statSync(directory.at("dev/keystead.db")).size > 0);
    assert.match(readFileSync(directory.at("records"), "utf8"), /"eventName":"ListKeys"/);
  });

  it("sets TLS", async () => {
    await using server = await startProcess(["dev", "--port", "0"], { env: { KEYSTEAD_TLS: "self-signed" } });
    assert.match(server.endpoint, /^https:/);
  });

  it("gives way to arguments", async () => {
    const env = { KEYSTEAD_HOST: "127.0.0.3", KEYSTEAD_PORT: "1" };
    await using server = await startProcess(["dev", "--port", "0", "--host", "127.0.0.1"], { env });
    assert.match(server.endpoint, /^http:\/\/127\.0\.0\.1:/);
  });

  it("names the data directory and the account of the commands that work on a store", async () => {
    const env = { KEYSTEAD_DATA: serveStore, KEYSTEAD_ACCOUNT: "777788889999" };
    const { code, stdout, stderr } = await runKeystead(["account", "create"], { env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Account 777788889999; /);
  });

  it("switches on what has no value, by true", async () => {
    const env = { KEYSTEAD_INSECURE_HTTP: "true" };
    await using server = await startProcess(
      ["serve", "--data", serveStore, "--host", "0.0.0.0", "--port", "0", "--workers", "1"],
      {
        env,
      },
    );
    assert.match(server.endpoint, /^http:\/\/0\.0\.0\.0:/);
  });
});

const TEST_CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };
const DEV = ["dev", "--port", "0"];

describe("a start is refused in one clear line", () => {
  const cases: readonly {
    title: string;
    args: readonly string[];
    env?: Readonly<Record<string, string>>;
    says: RegExp;
  }[] = [
    { title: "for a command that there is not", args: ["run"], says: /unknown command 'run'/ },
    { title: "for an argument too many", args: ["dev", "4600"], says: /too many arguments/ },
    { title: "for an option without its value", args: ["dev", "--port"], says: /--port .* missing/ },
    { title: "for a port that is a word", args: ["dev", "--port", "http"], says: /--port .*'http'/ },
    { title: "for a negative port", args: ["dev", "--port", "-1"], says: /--port .*'-1'/ },
    { title: "for a port with a fraction", args: ["dev", "--port", "80.5"], says: /--port .*'80\.5'/ },
    { title: "for a port of the environment that is none", args: ["dev"], env: { KEYSTEAD_PORT: "" }, says: /--port/ },
    { title: "for a kind of TLS that is none", args: ["dev"], env: { KEYSTEAD_TLS: "yes" }, says: /KEYSTEAD_TLS/ },
    { title: "for a host that has no address", args: [...DEV, "--host", "nowhere.invalid"], says: /nowhere\.invalid/ },
    { title: "for an address that is not here", args: [...DEV, "--host", "192.0.2.1"], says: /192\.0\.2\.1/ },
    { title: "for a host without a name", args: DEV, env: { KEYSTEAD_HOST: "" }, says: /host/i },
    {
      title: "for an audit log in a folder that is not there",
      args: [...DEV, "--audit-log", directory.at("absent/records")],
      says: /absent\/records/,
    },
    { title: "for an audit log without a name", args: DEV, env: { KEYSTEAD_AUDIT_LOG: "" }, says: /audit.log/i },
    { title: "for a data directory without a name", args: DEV, env: { KEYSTEAD_DATA: "" }, says: /data/i },
    {
      title: "for a data directory that is a file",
      args: [...DEV, "--data", new URL("../../package.json", import.meta.url).pathname],
      says: /package\.json/,
    },
    {
      title: "for an attestation root that is not there",
      args: [...DEV, "--attestation-root", directory.at("absent.pem")],
      says: /absent\.pem/,
    },
    {
      title: "for quotas that are neither a word nor a file",
      args: [...DEV, "--quotas", directory.at("absent.yaml")],
      says: /absent\.yaml can't be read/,
    },
    {
      title: "of serve, for quotas of the environment that are neither",
      args: ["serve", "--data", serveStore, "--port", "0"],
      env: { KEYSTEAD_QUOTAS: directory.at("absent.yaml") },
      says: /absent\.yaml can't be read/,
    },
    {
      title: "of serve, for an attestation root of the environment that is no certificate",
      args: ["serve", "--data", serveStore, "--port", "0"],
      env: { KEYSTEAD_ATTESTATION_ROOT: new URL("../../package.json", import.meta.url).pathname },
      says: /--attestation-root .*package\.json/,
    },
    {
      title: "for an attestation root without a name",
      args: [...DEV, "--attestation-root", ""],
      says: /attestation-root/,
    },
    {
      title: "of serve, for a switch of the environment that is off",
      args: ["serve", "--data", serveStore, "--host", "0.0.0.0", "--port", "0"],
      env: { KEYSTEAD_INSECURE_HTTP: "false" },
      says: /--insecure-http|KEYSTEAD_INSECURE_HTTP/i,
    },
    {
      title: "of serve, for --insecure-http that changes nothing",
      args: ["serve", "--data", serveStore, "--port", "0", "--insecure-http"],
      says: /--insecure-http/,
    },
  ];
  for (const { title, args, env = {}, says } of cases) {
    it(title, async () => {
      const ended = await runKeystead(args, { env });
      assert.match(clearLine(ended), says);
    });
  }
});

/** The one line that a refusal says, beside the command line parser's pointer to --help. */
function clearLine({ code, stdout, stderr }: Ended): string {
  assert.equal(code, 1, stderr);
  assert.equal(stdout, "");
  const lines = stderr.split("\n").filter((line) => line !== "" && line !== "(add --help for the options)");
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0] ?? "", /^(?:keystead|error): /);
  return lines[0] ?? "";
}
