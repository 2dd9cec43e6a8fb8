/** `npm run soak`: mixed load for as long as asked, with memory, errors, records and due work held to what they should be. */

import { parseArgs } from "node:util";
import { descendantsOf, residentBytes } from "../../bench/processes.ts";
import { readSegments } from "../../src/audit/segment-files.ts";
import { segmentFolders } from "../faults/audit-trail.ts";
import { initStore, type RunningProcess, startProcess, TemporaryDirectory } from "../faults/processes.ts";
import { RandomChoices } from "../faults/random-choices.ts";
import { type AccessKey, callKms, send } from "../faults/signed-requests.ts";
import { SoakClient, type SoakShared } from "./soak-client.ts";
import { makeWorld, type SoakWorld, STEPS } from "./soak-work.ts";

const HELP = `npm run soak -- [options]

  --minutes N      how long (10)
  --clients N      clients, each with one request at a time (12)
  --workers N      drive \`serve\` with so many workers, instead of \`dev\` on a data directory, whose clock is moved by a
                   month again and again so that keys are deleted and rotated
  --database URL   drive \`serve\` on a PostgreSQL database that is empty
  --seed N         of the random choices
`;

const ACCOUNT = "111122223333";
const SAMPLES = 120;
/** The clock is moved so often, each time by a month. */
const MOVES = 8;
/** What comes before this part of the time is warming up. */
const WARM_UP = 0.4;
/** How much more memory a run may have at its end than after the warm-up, by a line through all samples. */
const GROWTH_MAX = 0.1;
const GROWTH_BYTES_MIN = 32e6;
/** A run that is shorter has not filled its caches, so that its memory says nothing. */
const FLAT_SECONDS_MIN = 240;

/** How a run is done. */
export interface SoakSettings {
  readonly seconds: number;
  readonly clients: number;
  readonly seed: number;
  readonly workers?: number;
  readonly database?: string;
}

/** A line through samples after the warm-up: bytes at its beginning and its end. */
interface Trend {
  readonly from: number;
  readonly to: number;
}

export interface SoakReport {
  readonly seconds: number;
  readonly answered: number;
  /** Answered requests with exactly one record: all of them, or the run would have failed. */
  readonly recorded: number;
  readonly byStep: ReadonlyMap<string, number>;
  readonly deleted: number;
  /** Of all processes of the server together. */
  readonly rss: Trend;
  /** Of what a full collection left; undefined where none ran, and with workers. */
  readonly heap: Trend | undefined;
}

/**
 * Runs the load.
 *
 * @throws Error an answer that nobody asked for, an answered request without its one record, or memory that grows
 */
export async function runSoak(settings: SoakSettings): Promise<SoakReport> {
  using directory = new TemporaryDirectory();
  const data = directory.at("store");
  const { server, root } = await startSubject(data, settings);
  try {
    const run = new SoakRun(server, root, settings);
    await run.load();
    const code = await server.stop();
    if (code !== 0) throw new Error(`The server ended with ${code}: ${server.log().slice(-2_000)}`);
    const report = run.report(await countRecords(data, run.answered));
    if (settings.seconds >= FLAT_SECONDS_MIN) requireFlat(report);
    return report;
  } finally {
    await server.kill();
  }
}

/** `dev` on files, or `serve` where something is asked for that only it has. */
async function startSubject(data: string, { workers, database }: SoakSettings) {
  if (workers === undefined && database === undefined) {
    const nodeArgs = ["--max-semi-space-size=16", "--min-semi-space-size=4", "--trace-gc"];
    const server = await startProcess(["dev", "--port", "0", "--data", data], { nodeArgs });
    const exported = (name: string): string =>
      new RegExp(`^export ${name}=(\\S+)$`, "m").exec(server.printed())?.[1] ?? "";
    const root = {
      accessKeyId: exported("AWS_ACCESS_KEY_ID"),
      secretAccessKey: exported("AWS_SECRET_ACCESS_KEY"),
    };
    return { server, root };
  }
  const where = database === undefined ? [] : ["--database", database];
  const { credentials: root } = await initStore(data, ACCOUNT, where);
  const more = workers === undefined ? [] : ["--workers", String(workers)];
  return { server: await startProcess(["serve", "--data", data, "--port", "0", ...where, ...more]), root };
}

class SoakRun {
  readonly #server: RunningProcess;
  readonly #settings: SoakSettings;
  readonly #shared: SoakShared;
  readonly #byStep = new Map<string, number>();
  readonly #rss: number[] = [];
  #deleted = 0;
  #seconds = 0;

  constructor(server: RunningProcess, root: AccessKey, settings: SoakSettings) {
    this.#server = server;
    this.#settings = settings;
    this.#shared = { endpoint: server.endpoint, root, answered: new Map(), moves: 0 };
  }

  get answered(): ReadonlyMap<string, string> {
    return this.#shared.answered;
  }

  async load(): Promise<void> {
    const { clients, seconds, seed } = this.#settings;
    const world = await this.#prepare(seed);
    const startedAt = performance.now();
    const passed = (): number => (performance.now() - startedAt) / 1000;
    const running = Array.from({ length: clients }, (_, index) => this.#client(seed + index, world, passed));
    await Promise.all([...running, this.#watch(world, passed)]);
    this.#seconds = passed();
    if (this.#movesClock()) await this.#moveClock(world);
    if (passed() < seconds) throw new Error("The load ended early.");
  }

  report(recorded: number): SoakReport {
    return {
      seconds: this.#seconds,
      answered: this.answered.size,
      recorded,
      byStep: this.#byStep,
      deleted: this.#deleted,
      rss: trendOf(this.#rss),
      heap: heapTrend(this.#server.printed()),
    };
  }

  async #prepare(seed: number): Promise<SoakWorld> {
    using client = new SoakClient(this.#shared, new RandomChoices(seed));
    return await makeWorld(client, ACCOUNT);
  }

  async #client(seed: number, world: SoakWorld, passed: () => number): Promise<void> {
    using client = new SoakClient(this.#shared, new RandomChoices(seed));
    const wheel = STEPS.flatMap((step) => Array.from({ length: step.weight }, () => step));
    const first = seed === this.#settings.seed ? [...STEPS] : []; // one client does everything once, however slow it is
    for (;;) {
      const step = first.shift();
      if (step === undefined && passed() >= this.#settings.seconds) return;
      const { name, run } = step ?? client.choices.pick(wheel);
      await run(client, world);
      this.#byStep.set(name, (this.#byStep.get(name) ?? 0) + 1);
    }
  }

  /** Samples memory and moves the clock, each at its times. */
  async #watch(world: SoakWorld, passed: () => number): Promise<void> {
    const { seconds } = this.#settings;
    for (let sample = 1; sample <= SAMPLES; sample += 1) {
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(1, ((sample * seconds) / SAMPLES - passed()) * 1000)),
      );
      this.#rss.push(rssOf(this.#server));
      if (this.#movesClock() && sample % (SAMPLES / MOVES) === 0) await this.#moveClock(world);
    }
  }

  #movesClock(): boolean {
    return this.#settings.workers === undefined && this.#settings.database === undefined;
  }

  /** Moves the clock by a month; what was to be deleted is gone then. */
  async #moveClock(world: SoakWorld): Promise<void> {
    const doomed = world.doomed;
    world.doomed = [];
    this.#shared.moves += 1;
    const body = Buffer.from('{"advance":"P30D"}');
    const moved = await send(this.#shared.endpoint, { method: "PUT", path: "/_keystead/clock", headers: {}, body });
    if (moved.status !== 200) throw new Error(`The clock could not be moved: ${moved.body.toString("utf8")}`);
    this.#shared.moves += 1;
    const server = { endpoint: this.#shared.endpoint, credentials: this.#shared.root };
    for (const KeyId of doomed) {
      const { code, requestId } = await callKms(server, "DescribeKey", { KeyId });
      if (code !== "NotFoundException") throw new Error(`${KeyId} was to be deleted by now: ${code ?? "it is there"}`);
      this.#shared.answered.set(requestId, "DescribeKey");
    }
    this.#deleted += doomed.length;
  }
}

/** Counts the records of answered requests. @throws Error when one has none, or more than one */
async function countRecords(data: string, answered: ReadonlyMap<string, string>): Promise<number> {
  const counts = new Map<string, number>();
  for (const folder of segmentFolders(data)) {
    for await (const { record } of readSegments(folder)) {
      const id = String(record["requestID"]);
      if (answered.has(id)) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  const wrong = [...answered].filter(([id]) => counts.get(id) !== 1);
  if (wrong.length === 0) return counts.size;
  const told = wrong.slice(0, 5).map(([id, operation]) => `${operation} ${id}: ${counts.get(id) ?? 0}`);
  throw new Error(`Of ${answered.size} answered requests, ${wrong.length} have not one record: ${told.join("; ")}`);
}

/** Resident memory of the server's processes (proc_pid_status(5)). */
function rssOf({ child }: RunningProcess): number {
  const pid = child.pid ?? 0;
  return [pid, ...descendantsOf(pid)].reduce((total, each) => total + residentBytes(each), 0);
}

/** What each full collection left (node --trace-gc: `Mark-Compact … 80.1 (102.3) -> 60.2 (101.0) MB`). */
function heapTrend(printed: string): Trend | undefined {
  const left = [...printed.matchAll(/Mark-Compact[^>]*-> ([\d.]+) \(/g)].map((match) => Number(match[1]) * 1e6);
  return left.length < 5 ? undefined : trendOf(left);
}

/** Least squares over the samples after the warm-up. */
function trendOf(samples: readonly number[]): Trend {
  const kept = samples.slice(Math.floor(samples.length * WARM_UP));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(kept.map((_, index) => index)), mean(kept)];
  const rise = kept.reduce((sum, value, index) => sum + (index - x) * (value - y), 0);
  const run = kept.reduce((sum, _, index) => sum + (index - x) ** 2, 0);
  const slope = run === 0 ? 0 : rise / run;
  return { from: y - slope * x, to: y + slope * (kept.length - 1 - x) };
}

/** @throws Error memory grows for as long as there is load */
export function requireFlat({ rss, heap }: Pick<SoakReport, "rss" | "heap">): void {
  for (const [name, trend] of [["RSS", rss] as const, ["the heap", heap] as const]) {
    if (trend === undefined) continue;
    const growth = trend.to - trend.from;
    if (growth > Math.max(trend.from * GROWTH_MAX, GROWTH_BYTES_MIN)) {
      throw new Error(`Memory is not flat: ${name} grew from ${trend.from / 1e6} to ${trend.to / 1e6} MB.`);
    }
  }
}

/** The report as a table of text. */
export function formatReport({ seconds, answered, recorded, byStep, deleted, rss, heap }: SoakReport): string {
  const trend = ({ from, to }: Trend): string => `${(from / 1e6).toFixed(0)} MB to ${(to / 1e6).toFixed(0)} MB`;
  const rows: readonly (readonly [string, string])[] = [
    ["Seconds", seconds.toFixed(0)],
    ["Answered requests, none otherwise than asked", `${answered} (${(answered / seconds).toFixed(0)} a second)`],
    ["With exactly one record", String(recorded)],
    ["Keys deleted when due", String(deleted)],
    ["RSS after the warm-up, by its trend", trend(rss)],
    ["Heap after collections, by its trend", heap === undefined ? "not seen" : trend(heap)],
    ...[...byStep].sort().map(([name, count]) => [`  ${name}`, String(count)] as const),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return `${rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")}\n`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      clients: { type: "string", default: "12" },
      workers: { type: "string" },
      database: { type: "string" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) process.stdout.write(HELP);
  else {
    const report = await runSoak({
      seconds: Number(values.minutes) * 60,
      clients: Number(values.clients),
      seed: Number(values.seed),
      ...(values.workers !== undefined && { workers: Number(values.workers) }),
      ...(values.database !== undefined && { database: values.database }),
    });
    process.stdout.write(formatReport(report));
  }
}
