/** What a store of many keys changes (`--population N`): servers on a small and on a large store under the same load, in turns. */

import type { ChildProcess } from "node:child_process";
import { KMS } from "@aws-sdk/client-kms";
import { type RunningProcess, startServe, TemporaryDirectory } from "../test/faults/processes.ts";
import { type Loaded, loadScale, scaleKeyId } from "../test/load/scale-data.ts";
import { type Contestant, median, type Run, runOnce, type Settings } from "./duel.ts";
import type { LoadRequests } from "./load.ts";
import { descendantsOf, LOAD_CORE, pin, residentBytes, SERVER_CORE, startPinned } from "./processes.ts";
import { BenchSigner, CONTEXT, callOf, newPlaintext, OPERATIONS } from "./requests.ts";

const REGION = "us-east-1";
const SMALL_KEYS = 10;
const DISTINCT_REQUESTS = 500;
const BLOBS = 50;
const MEBIBYTE = 2 ** 20;
/** How long a server is left alone before its memory is read. */
const IDLE_MS = 2000;

/** One figure on both stores: medians, and the median of the ratios of each round. */
export interface PopulationOutcome {
  readonly figure: string;
  readonly small: number;
  readonly large: number;
  readonly ratio: number;
}

interface Subject extends Contestant {
  readonly server: RunningProcess;
  readonly loaded: Loaded;
}

/** Starts and idle memory first, then requests a second and CPU of each operation. One worker each, pinned to one core. */
export async function measurePopulation(
  keys: number,
  starts: number,
  settings: Settings,
  print: (text: string) => void,
): Promise<readonly PopulationOutcome[]> {
  using scratch = new TemporaryDirectory();
  const size = { accounts: 2, grants: 0 };
  const small = await loadScale(scratch.at("small"), { ...size, keys: SMALL_KEYS }, () => {});
  const large = await loadScale(scratch.at("large"), { ...size, keys, grants: 10 * keys }, print);
  const outcomes = await measureStarts(small, large, starts);
  await using stack = new AsyncDisposableStack();
  const load = stack.adopt(startPinned("load.ts", LOAD_CORE), (child) => child.disconnect());
  const subjects: Subject[] = [];
  for (const loaded of [small, large]) {
    const subject = await startSubject(loaded);
    stack.use(subject.server);
    subjects.push(subject);
  }
  for (const operation of OPERATIONS) outcomes.push(...(await measureOperation(operation, subjects, load, settings)));
  print(`\n${outcomes.map(lineOf).join("\n")}\n`);
  return outcomes;
}

interface Start {
  readonly ms: number;
  readonly megabytes: number;
}

async function measureStarts(small: Loaded, large: Loaded, starts: number): Promise<PopulationOutcome[]> {
  const rounds: (readonly [Start, Start])[] = [];
  while (rounds.length < starts) rounds.push([await startOnce(small), await startOnce(large)]);
  const of = (figure: keyof Start) => rounds.map(([one, other]) => [one[figure], other[figure]] as const);
  return [compared("ready after, ms", of("ms")), compared("idle, MB", of("megabytes"))];
}

async function startOnce({ directory }: Loaded): Promise<Start> {
  const begin = performance.now();
  const server = await startServe(directory, ["--workers", "1"]);
  const ms = performance.now() - begin;
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const megabytes = residentBytes(server.child.pid ?? 0) / MEBIBYTE;
  await server.stop();
  return { ms, megabytes };
}

async function startSubject(loaded: Loaded): Promise<Subject> {
  const others = new Set(descendantsOf(process.pid));
  const server = await startServe(loaded.directory, ["--workers", "1"]);
  const pids = descendantsOf(process.pid).filter((pid) => !others.has(pid));
  pin(pids, SERVER_CORE);
  return { server, loaded, pids, port: Number(new URL(server.endpoint).port) };
}

async function measureOperation(
  operation: (typeof OPERATIONS)[number],
  subjects: readonly Subject[],
  load: ChildProcess,
  { rounds, seconds, warmupSeconds, connections }: Settings,
): Promise<PopulationOutcome[]> {
  const prepared = await Promise.all(subjects.map((subject) => requestsOf(operation, subject)));
  const drive = (index: number, runSeconds: number): Promise<Run> => {
    load.send(prepared[index] as LoadRequests);
    return runOnce(subjects[index] as Subject, load, { connections, durationMs: runSeconds * 1000 });
  };
  for (const index of [0, 1]) await drive(index, warmupSeconds);
  const pairs: [Run, Run][] = [];
  for (let round = 0; round < rounds; round += 1) {
    const first = await drive(round % 2, seconds);
    const second = await drive(1 - (round % 2), seconds);
    pairs.push(round % 2 === 0 ? [first, second] : [second, first]);
  }
  return [
    compared(
      `${operation}, a second`,
      pairs.map(([one, other]) => [one.perSecond, other.perSecond]),
    ),
    compared(
      `${operation}, CPU µs`,
      pairs.map(([one, other]) => [one.cpuMicroseconds, other.cpuMicroseconds]),
    ),
  ];
}

/** Signed requests on one key of the store. */
async function requestsOf(operation: (typeof OPERATIONS)[number], { server, loaded }: Subject): Promise<LoadRequests> {
  const { endpoint } = server;
  const { credentials } = loaded;
  const KeyId = scaleKeyId(0, loaded.size.keys);
  const kms = new KMS({ endpoint, region: REGION, credentials });
  const blobs: string[] = [];
  while (blobs.length < BLOBS) {
    const Plaintext = Buffer.from(newPlaintext(), "base64");
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext, EncryptionContext: CONTEXT });
    blobs.push(Buffer.from(CiphertextBlob ?? []).toString("base64"));
  }
  kms.destroy();
  const signer = new BenchSigner(endpoint, REGION, credentials);
  const requests: string[] = [];
  for (let at = 0; at < DISTINCT_REQUESTS; at += 1) {
    requests.push((await signer.sign(callOf(operation, KeyId, blobs[at % BLOBS] ?? ""))).toString("base64"));
  }
  return { kind: "requests", requests };
}

/** @param pairs a round's figure on the small store and on the large one */
function compared(figure: string, pairs: readonly (readonly [number, number])[]): PopulationOutcome {
  return {
    figure,
    small: median(pairs.map(([small]) => small)),
    large: median(pairs.map(([, large]) => large)),
    ratio: median(pairs.map(([small, large]) => large / small)),
  };
}

function lineOf({ figure, small, large, ratio }: PopulationOutcome): string {
  return `${figure.padEnd(28)} ${small.toFixed(0).padStart(8)} ${large.toFixed(0).padStart(8)}   × ${ratio.toFixed(3)}`;
}
