/** Servers of one and of several processes under the same load (`--workers`): what more workers bring, the load accounted for. */

import type { ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { KMS } from "@aws-sdk/client-kms";
import { initStore, startServe, TemporaryDirectory } from "../test/faults/processes.ts";
import { type Contestant, median, type Run, runOnce, type Settings } from "./duel.ts";
import type { LoadRequests } from "./load.ts";
import { descendantsOf, start } from "./processes.ts";
import { BenchSigner, callOf } from "./requests.ts";

const REGION = "us-east-1";
const DISTINCT_REQUESTS = 500;

/** What one number of workers came to: medians over the rounds, ratios of each round's to that of one worker. */
export interface WorkerOutcome {
  readonly workers: number;
  readonly run: Run;
  readonly ratio: number;
  /** CPU of a request beside that with one worker: 1 is linear, as far as there are cores. */
  readonly cpuRatio: number;
  /** Cores that all processes of the server used together. */
  readonly serverCores: number;
}

interface Subject extends Contestant, AsyncDisposable {
  readonly workers: number;
  readonly requests: readonly Buffer[];
}

/** Drives servers of 1, 2 and as many workers as there are cores in turns, with Encrypt. Nothing is pinned. */
export async function measureWorkers(
  settings: Settings,
  print: (text: string) => void,
): Promise<readonly WorkerOutcome[]> {
  const counts = [...new Set([1, 2, availableParallelism()])];
  await using stack = new AsyncDisposableStack();
  const load = stack.adopt(start("load.ts"), (child) => child.disconnect());
  const subjects: Subject[] = [];
  for (const workers of counts) subjects.push(stack.use(await startSubject(workers)));
  const rounds: Run[][] = [];
  for (const subject of subjects) await drive(subject, load, settings, settings.warmupSeconds);
  for (let round = 0; round < settings.rounds; round += 1) {
    const runs: Run[] = [];
    const order = round % 2 === 0 ? subjects : subjects.toReversed();
    for (const subject of order) {
      runs[subjects.indexOf(subject)] = await drive(subject, load, settings, settings.seconds);
    }
    rounds.push(runs);
  }
  const outcomes = counts.map((workers, index) => outcomeOf(workers, rounds, index));
  print(tableOf(outcomes));
  return outcomes;
}

async function startSubject(workers: number): Promise<Subject> {
  const directory = new TemporaryDirectory();
  const { credentials } = await initStore(directory.at("store"));
  const others = new Set(descendantsOf(process.pid));
  const server = await startServe(directory.at("store"), ["--workers", String(workers)]);
  const pids = descendantsOf(process.pid).filter((pid) => !others.has(pid));
  const { endpoint } = server;
  const kms = new KMS({ endpoint, region: REGION, credentials });
  const keyId = (await kms.createKey({})).KeyMetadata?.KeyId ?? "";
  kms.destroy();
  const signer = new BenchSigner(endpoint, REGION, credentials);
  const requests: Buffer[] = [];
  while (requests.length < DISTINCT_REQUESTS) requests.push(await signer.sign(callOf("Encrypt", keyId, "")));
  return {
    workers,
    port: Number(new URL(endpoint).port),
    pids,
    requests,
    async [Symbol.asyncDispose]() {
      await server.stop();
      directory[Symbol.dispose]();
    },
  };
}

/** The kernel shares connections out by their ports, so each run's new ones fall differently. */
function drive(subject: Subject, load: ChildProcess, { connections }: Settings, seconds: number): Promise<Run> {
  const requests = subject.requests.map((bytes) => bytes.toString("base64"));
  load.send({ kind: "requests", requests } satisfies LoadRequests);
  return runOnce(subject, load, { connections, durationMs: seconds * 1000 });
}

function outcomeOf(workers: number, rounds: readonly (readonly Run[])[], index: number): WorkerOutcome {
  const middle = (of: (run: Run, one: Run) => number): number =>
    median(rounds.map((runs) => of(runs[index] as Run, runs[0] as Run)));
  return {
    workers,
    run: {
      perSecond: middle((run) => run.perSecond),
      p50: middle((run) => run.p50),
      p99: middle((run) => run.p99),
      cpuMicroseconds: middle((run) => run.cpuMicroseconds),
      loadCpu: middle((run) => run.loadCpu),
    },
    ratio: middle((run, one) => run.perSecond / one.perSecond),
    cpuRatio: middle((run, one) => run.cpuMicroseconds / one.cpuMicroseconds),
    serverCores: middle((run) => (run.cpuMicroseconds * run.perSecond) / 1e6),
  };
}

function tableOf(outcomes: readonly WorkerOutcome[]): string {
  const rows = outcomes.map(({ workers, run, ratio, cpuRatio, serverCores }) => [
    String(workers),
    run.perSecond.toFixed(0),
    ratio.toFixed(2),
    run.cpuMicroseconds.toFixed(0),
    cpuRatio.toFixed(2),
    serverCores.toFixed(2),
    run.loadCpu.toFixed(2),
    run.p50.toFixed(2),
    run.p99.toFixed(2),
  ]);
  const head = ["workers", "server/s", "× one", "CPU µs", "× one", "server cores", "load cores", "p50 ms", "p99 ms"];
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  ");
  return `\n${[head, ...rows].map(line).join("\n")}\n`;
}
