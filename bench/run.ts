/** `npm run bench`: throughput, latency and CPU of Keystead, each as a ratio to a bare `node:http` floor of the same run. */

import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CreateKeyCommand, EncryptCommand, KMSClient } from "@aws-sdk/client-kms";
import { type Contestant, duel, median, type Outcome, type Settings, startFloor } from "./duel.ts";
import type { FloorAnswer } from "./floor.ts";
import { descendantsOf, LOAD_CORE, pin, SERVER_CORE, startPinned, whyNotPinned } from "./processes.ts";
import {
  type BenchCaller,
  type BenchOperation,
  BenchSigner,
  CONTEXT,
  callOf,
  newPlaintext,
  OPERATIONS,
} from "./requests.ts";
import { measureStarts } from "./start.ts";

const HELP = `npm run bench -- [options]

  --rounds N          rounds of each operation, a run of the floor and one of the server each (10)
  --seconds S         of one run (1.5)
  --warmup S          of both, before the first round (8)
  --connections N     keep-alive connections (32)
  --operations A,B    of ${OPERATIONS.join(", ")}
  --session           each operation a second time as a role session, on a key with 20 statements and 50 grants
  --starts N          starts to measure (5)
  --keys              instead: Sign, Verify, GenerateMac and GenerateDataKeyPair beside their bare primitives, unpinned
  --bundle            instead: how soon the bundle of npm run build is ready, --starts times, and its idle memory
  --workers           instead: Encrypt on servers of 1, 2 and as many workers as there are cores, unpinned; 64 connections
                      at the least
  --population N      instead: starts, memory and requests on a store of N keys with ten grants each, beside one of ten keys
  --null              drive the floor against a second floor: the ratios show what the method itself does to them
`;

const REGION = "us-east-1";
const DISTINCT_REQUESTS = 1000;
const CALLS_AT_ONCE = 16;
/** Signatures are good for five minutes; one is kept as a margin. */
const OPERATION_SECONDS_MAX = 240;
/** Connections are shared out by chance: with few of them one worker would get most. */
const WORKER_CONNECTIONS_MIN = 64;
const RESULTS = new URL("results/", import.meta.url);

/** What is driven: a real server, or for `--null` a stand-in. */
interface Subject extends Contestant, BenchCaller {
  answerTo(request: Buffer): Promise<FloorAnswer>;
  stop(): Promise<void>;
}

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    seconds: { type: "string", default: "1.5" },
    warmup: { type: "string", default: "8" },
    connections: { type: "string", default: "32" },
    operations: { type: "string", default: OPERATIONS.join(",") },
    starts: { type: "string", default: "5" },
    keys: { type: "boolean", default: false },
    bundle: { type: "boolean", default: false },
    session: { type: "boolean", default: false },
    workers: { type: "boolean", default: false },
    population: { type: "string" },
    null: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (options.help) print(HELP);
else if (options.keys) await keys();
else if (options.bundle) await bundle();
else if (options.workers) await workers();
else if (options.population !== undefined) await population();
else await main();

/** @throws Error one operation would outlast its signatures */
function requireSettings(): Settings {
  const settings: Settings = {
    rounds: requireNumber("rounds"),
    seconds: requireNumber("seconds"),
    warmupSeconds: requireNumber("warmup"),
    connections: requireNumber("connections"),
  };
  if (2 * (settings.rounds * settings.seconds + settings.warmupSeconds) > OPERATION_SECONDS_MAX) {
    throw new Error(`One operation would take longer than its signatures are good for (${OPERATION_SECONDS_MAX} s).`);
  }
  return settings;
}

async function bundle(): Promise<void> {
  const { measureBundle } = await import("./bundle.ts");
  for (const { command, readyMs, cpuMs, idleMegabytes } of await measureBundle(requireNumber("starts"))) {
    const ready = `ready after ${median(readyMs).toFixed(0)} ms`;
    const starts = `median of ${readyMs.map((ms) => ms.toFixed(0)).join(", ")}`;
    print(
      `${command}: ${ready} (${starts}), ${median(cpuMs).toFixed(0)} ms of CPU; ${idleMegabytes.toFixed(0)} MB idle\n`,
    );
  }
}

async function keys(): Promise<void> {
  const settings = requireSettings();
  const pinning = "nothing is pinned";
  print(`${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections; ${pinning}\n\n`);
  const startedAt = new Date().toISOString();
  const { measureKeys } = await import("./keys.ts");
  writeResults({ startedAt, machine: machineOf(pinning), settings, keys: await measureKeys(settings, print) });
}

async function workers(): Promise<void> {
  const asked = requireSettings();
  const settings = { ...asked, connections: Math.max(asked.connections, WORKER_CONNECTIONS_MIN) };
  const pinning = "nothing is pinned";
  print(`${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections; ${pinning}\n`);
  const startedAt = new Date().toISOString();
  const { measureWorkers } = await import("./workers.ts");
  writeResults({ startedAt, machine: machineOf(pinning), settings, workers: await measureWorkers(settings, print) });
}

async function population(): Promise<void> {
  const settings = requireSettings();
  const [keys, starts] = [requireNumber("population"), requireNumber("starts")];
  const pinning = whyNotPinned() ?? `servers pinned to core ${SERVER_CORE}, load to core ${LOAD_CORE}`;
  print(
    `${keys} keys; ${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections; ${pinning}\n`,
  );
  const startedAt = new Date().toISOString();
  const { measurePopulation } = await import("./population.ts");
  const figures = await measurePopulation(keys, starts, settings, print);
  writeResults({ startedAt, machine: machineOf(pinning), settings, population: figures });
}

function machineOf(pinning: string) {
  return { node: process.version, cpu: cpus()[0]?.model ?? "", cores: availableParallelism(), pinning };
}

function writeResults(results: { readonly startedAt: string; readonly [part: string]: unknown }): void {
  const file = new URL(`${results.startedAt.replaceAll(":", "").slice(0, 17)}Z.json`, RESULTS);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
  print(`\nWritten to ${fileURLToPath(file)}\n`);
}

async function main(): Promise<void> {
  const settings = requireSettings();
  const times = requireNumber("starts");
  const operations = OPERATIONS.filter((operation) => options.operations.split(",").includes(operation));
  const pinning = whyNotPinned() ?? `server and floor pinned to core ${SERVER_CORE}, load to core ${LOAD_CORE}`;
  print(`${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections; ${pinning}\n`);

  const startedAt = new Date().toISOString();
  const load = startPinned("load.ts", LOAD_CORE);
  const subject = options.null ? await startStandIn() : await startServer();
  const outcomes: Outcome[] = [];
  try {
    const callers = options.session ? [subject, await (await import("./session.ts")).asSession(subject)] : [subject];
    for (const [operation, caller] of operations.flatMap((each) => callers.map((who) => [each, who] as const))) {
      const requests = await signRequests(operation, caller);
      const floor = await startFloor(await subject.answerTo(requests[0] ?? Buffer.alloc(0)));
      const name = caller === subject ? operation : `${operation}, as a session`;
      try {
        outcomes.push(await duel({ operation: name, server: subject, floor }, { load, requests }, settings));
      } finally {
        floor.stop();
      }
    }
  } finally {
    load.disconnect();
    await subject.stop();
  }
  const starts = options.null ? [] : await measureStarts(times);

  print(tableOf(outcomes));
  if (starts.length > 0) {
    print(
      `\nReady after ${median(starts).toFixed(0)} ms (median of ${starts.map((ms) => ms.toFixed(0)).join(", ")}).\n`,
    );
  }
  if (options.null) return;
  writeResults({ startedAt, machine: machineOf(pinning), settings, outcomes, starts });
}

/** Starts Keystead, moves it to its core, and makes the key and the ciphertexts that the requests need. */
async function startServer(): Promise<Subject> {
  const { startKeystead } = await import("../src/testing.ts");
  const others = new Set(descendantsOf(process.pid));
  const keystead = await startKeystead();
  const pids = descendantsOf(process.pid).filter((pid) => !others.has(pid));
  pin(pids, SERVER_CORE);
  const { endpoint, credentials } = keystead;
  const kms = new KMSClient({ endpoint, region: REGION, credentials });
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  const keyId = KeyMetadata?.KeyId ?? "";
  const blobs = await inParallel(DISTINCT_REQUESTS, async () => {
    const Plaintext = Buffer.from(newPlaintext(), "base64");
    const { CiphertextBlob } = await kms.send(
      new EncryptCommand({ KeyId: keyId, Plaintext, EncryptionContext: CONTEXT }),
    );
    return Buffer.from(CiphertextBlob ?? []).toString("base64");
  });
  kms.destroy();
  const port = Number(new URL(endpoint).port);
  return {
    port,
    pids,
    endpoint,
    credentials,
    keyId,
    blobs,
    answerTo: (request) => exchange(port, request),
    stop: () => keystead.stop(),
  };
}

/** A floor in the server's place, with an answer of about an Encrypt's size. */
async function startStandIn(): Promise<Subject> {
  const answer: FloorAnswer = {
    headers: [
      ["Content-Type", "application/x-amz-json-1.1"],
      ["Content-Length", "420"],
      ["x-amzn-RequestId", "11111111-2222-3333-4444-555555555555"],
    ],
    bodyBytes: 420,
  };
  const floor = await startFloor(answer);
  return {
    port: floor.port,
    pids: floor.pids,
    endpoint: `http://127.0.0.1:${floor.port}`,
    credentials: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "example" },
    keyId: "11111111-2222-3333-4444-555555555555",
    blobs: [newPlaintext()],
    answerTo: (request) => exchange(floor.port, request),
    stop: async () => floor.stop(),
  };
}

async function signRequests(operation: BenchOperation, subject: BenchCaller): Promise<readonly Buffer[]> {
  const signer = new BenchSigner(subject.endpoint, REGION, subject.credentials);
  const blobAt = (index: number) => subject.blobs[index % subject.blobs.length] ?? "";
  return inParallel(DISTINCT_REQUESTS, (index) => signer.sign(callOf(operation, subject.keyId, blobAt(index))));
}

/** Sends one request and takes its answer as the floor's model. */
function exchange(port: number, request: Buffer): Promise<FloorAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write(request));
    let received = "";
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      const headEnd = received.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const [status = "", ...lines] = received.slice(0, headEnd).split("\r\n");
      const headers = lines.map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      });
      const bodyBytes = Number(headers.find(([name]) => name.toLowerCase() === "content-length")?.[1]);
      if (received.length < headEnd + 4 + bodyBytes) return;
      socket.destroy();
      if (status.includes(" 200 ")) resolve({ headers: headers.filter(([name]) => !isOfNode(name)), bodyBytes });
      else reject(new Error(`Not one 200: ${received}`));
    });
  });
}

/** Headers that node:http writes by itself, for the floor too. */
function isOfNode(name: string): boolean {
  return ["date", "connection", "keep-alive"].includes(name.toLowerCase());
}

/** Makes `count` values, a few at once. */
async function inParallel<T>(count: number, make: (index: number) => Promise<T>): Promise<readonly T[]> {
  const made: T[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) made[index] = await make(index);
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, worker));
  return made;
}

function tableOf(outcomes: readonly Outcome[]): string {
  const head = [
    "operation",
    "server/s",
    "floor/s",
    "ratio",
    "(min–max)",
    "p50 ms",
    "× floor",
    "p99 ms",
    "× floor",
    "CPU µs",
    "floor µs",
    "load CPU",
    "half: p50 ms",
    "p99 ms",
    "floor's",
  ];
  const rows = outcomes.map(({ operation, server, floor, ratio, ratioMin, ratioMax, p50Ratio, p99Ratio, half }) => [
    operation,
    server.perSecond.toFixed(0),
    floor.perSecond.toFixed(0),
    ratio.toFixed(3),
    `${ratioMin.toFixed(2)}–${ratioMax.toFixed(2)}`,
    server.p50.toFixed(2),
    p50Ratio.toFixed(2),
    server.p99.toFixed(2),
    p99Ratio.toFixed(2),
    server.cpuMicroseconds.toFixed(0),
    floor.cpuMicroseconds.toFixed(0),
    Math.max(server.loadCpu, floor.loadCpu).toFixed(2),
    half.server.p50.toFixed(2),
    half.server.p99.toFixed(2),
    half.floor.p99.toFixed(2),
  ]);
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ");
  return `\n${[head, ...rows].map(line).join("\n")}\n`;
}

function requireNumber(name: "rounds" | "seconds" | "warmup" | "connections" | "starts" | "population"): number {
  const value = Number(options[name]);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0.`);
  return value;
}

function print(text: string): void {
  process.stdout.write(text);
}
