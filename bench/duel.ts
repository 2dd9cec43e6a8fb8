/** Server and floor, driven in turns with the same requests: what each did in every round, and what that comes to. */

import type { ChildProcess } from "node:child_process";
import type { FloorAnswer, FloorReady } from "./floor.ts";
import type { LoadFailure, LoadRequests, LoadResult, LoadRun } from "./load.ts";
import { cpuSeconds, nextMessage, SERVER_CORE, startPinned } from "./processes.ts";

/** How long and how hard. */
export interface Settings {
  readonly rounds: number;
  /** Of one run; a round has two. */
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly connections: number;
}

/** A server under load: where it listens, and the processes that it is made of. */
export interface Contestant {
  readonly port: number;
  readonly pids: readonly number[];
}

/** One run: throughput, latencies in milliseconds, CPU of the contestant in microseconds for each request. */
export interface Run {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMicroseconds: number;
  /** CPU of the load, as a part of its core. */
  readonly loadCpu: number;
}

/** What one operation came to; `server` and `floor` are the medians over the rounds, ratios are medians of each round's. */
export interface Outcome {
  readonly operation: string;
  readonly server: Run;
  readonly floor: Run;
  readonly ratio: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  readonly p50Ratio: number;
  readonly p99Ratio: number;
  readonly rounds: readonly { readonly server: Run; readonly floor: Run }[];
  /** The server at half of its throughput, requests falling due at an even rate, and the floor at the same rate. */
  readonly half: { readonly server: Run; readonly floor: Run };
}

/** Rounds at half load after the others; the middle one counts. */
const HALF_LOAD_ROUNDS = 5;

/** Starts a floor that answers like `answer`, pinned to the server's core. */
export async function startFloor(answer: FloorAnswer): Promise<Contestant & { stop(): void }> {
  const child = startPinned("floor.ts", SERVER_CORE);
  child.send(answer);
  const { port } = await nextMessage<FloorReady>(child);
  return { port, pids: child.pid === undefined ? [] : [child.pid], stop: () => child.disconnect() };
}

/**
 * Drives both in turns, who goes first changing from round to round.
 *
 * @throws Error when any answer was not 200
 */
export async function duel(
  { operation, server, floor }: { operation: string; server: Contestant; floor: Contestant },
  { load, requests }: { load: ChildProcess; requests: readonly Buffer[] },
  { rounds, seconds, warmupSeconds, connections }: Settings,
): Promise<Outcome> {
  const message: LoadRequests = { kind: "requests", requests: requests.map((bytes) => bytes.toString("base64")) };
  load.send(message);
  const once = (contestant: Contestant, durationMs: number) => runOnce(contestant, load, { connections, durationMs });
  await once(floor, warmupSeconds * 1000);
  await once(server, warmupSeconds * 1000);
  const results: { server: Run; floor: Run }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) {
      const first = await once(floor, seconds * 1000);
      results.push({ floor: first, server: await once(server, seconds * 1000) });
    } else {
      const first = await once(server, seconds * 1000);
      results.push({ server: first, floor: await once(floor, seconds * 1000) });
    }
  }
  const perSecond = median(results.map((round) => round.server.perSecond)) / 2;
  const paced = (contestant: Contestant) =>
    runOnce(contestant, load, { connections, durationMs: seconds * 1000, perSecond });
  const half: { server: Run; floor: Run }[] = [];
  while (half.length < HALF_LOAD_ROUNDS) half.push({ server: await paced(server), floor: await paced(floor) });
  const halfOf = (who: "server" | "floor") => medianRun(half.map((round) => round[who]));
  return { ...outcomeOf(operation, results), half: { server: halfOf("server"), floor: halfOf("floor") } };
}

/** The middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** One run of the load against one contestant. @throws Error when any answer was not 200 */
export async function runOnce(
  { port, pids }: Contestant,
  load: ChildProcess,
  how: Pick<LoadRun, "connections" | "durationMs" | "perSecond">,
): Promise<Run> {
  const run: LoadRun = { kind: "run", port, ...how };
  const cpuBefore = cpuSeconds(pids);
  load.send(run);
  const result = await nextMessage<LoadResult | LoadFailure>(load);
  if (result.kind === "failure") throw new Error(result.message);
  const { answers, seconds, p50, p99, cpu } = result;
  const cpuMicroseconds = ((cpuSeconds(pids) - cpuBefore) / answers) * 1e6;
  return { perSecond: answers / seconds, p50, p99, cpuMicroseconds, loadCpu: cpu };
}

function outcomeOf(operation: string, rounds: Outcome["rounds"]): Omit<Outcome, "half"> {
  const ratios = rounds.map(({ server, floor }) => server.perSecond / floor.perSecond);
  return {
    operation,
    server: medianRun(rounds.map(({ server }) => server)),
    floor: medianRun(rounds.map(({ floor }) => floor)),
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    p50Ratio: median(rounds.map(({ server, floor }) => server.p50 / floor.p50)),
    p99Ratio: median(rounds.map(({ server, floor }) => server.p99 / floor.p99)),
    rounds,
  };
}

function medianRun(runs: readonly Run[]): Run {
  return {
    perSecond: median(runs.map(({ perSecond }) => perSecond)),
    p50: median(runs.map(({ p50 }) => p50)),
    p99: median(runs.map(({ p99 }) => p99)),
    cpuMicroseconds: median(runs.map(({ cpuMicroseconds }) => cpuMicroseconds)),
    loadCpu: median(runs.map(({ loadCpu }) => loadCpu)),
  };
}
