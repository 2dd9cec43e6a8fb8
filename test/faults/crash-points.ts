/** `npm run crash-points`: cuts a store that is being changed off at random points, and checks that what was answered is there. */

import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { parseArgs } from "node:util";
import { CrashClient } from "./crash-clients.ts";
import { CrashLedger } from "./crash-ledger.ts";
import { type Checked, verifyCopy } from "./crash-verification.ts";
import { initStore, type RunningProcess, startServe, TemporaryDirectory } from "./processes.ts";
import { RandomChoices } from "./random-choices.ts";
import { type AccessKey, keyArnOf, mustCallKms } from "./signed-requests.ts";
import { copyStore, tearCopy } from "./torn-copies.ts";
import { LogWatch } from "./write-ahead-log.ts";

const HELP = `npm run crash-points -- [options]

  --points N    points to cut at (1000)
  --seed N      of the random choices; a failure names it (the time of day)
`;

const CLIENTS = 8;
/** Points that are tried on one frozen moment. */
const POINTS_PER_MOMENT = 40;
/** One point in so many is also served from, by a real server. */
const SERVED_EVERY = 50;
/** Answered changes between two frozen moments. */
const CHANGES = { min: 40, max: 160 };

/** How a run is done. */
export interface CrashSettings {
  readonly points: number;
  readonly seed: number;
  readonly pointsPerMoment?: number;
}

/** A store as it was at a moment, and all that was answered, before and after. */
export interface Recording {
  /** The copies, oldest first. */
  readonly moments: readonly string[];
  /** How many changes had been answered at each. */
  readonly changesBefore: readonly number[];
  readonly ledger: CrashLedger;
  readonly credentials: AccessKey;
}

export interface CrashReport {
  readonly seed: number;
  readonly points: number;
  readonly moments: number;
  readonly served: number;
  /** Answered changes of the recording. */
  readonly changes: number;
  /** Checks of all points together. */
  readonly checked: Checked;
  readonly seconds: number;
}

/** Records a storm of changes and cuts it off at points. @throws Error see `cutOff` */
export async function runCrashPoints(
  settings: CrashSettings,
  onPoint: (point: number) => void = () => {},
): Promise<CrashReport> {
  const { points, seed, pointsPerMoment = POINTS_PER_MOMENT } = settings;
  using scratch = new TemporaryDirectory();
  const recording = await record(scratch, Math.ceil(points / pointsPerMoment), new RandomChoices(seed));
  return await cutOff(scratch, recording, settings, onPoint);
}

/**
 * Cuts a recorded store off at points, and checks each.
 *
 * @throws Error naming seed and point, when something that was answered is not there
 */
export async function cutOff(
  scratch: TemporaryDirectory,
  recording: Recording,
  { points, seed, pointsPerMoment = POINTS_PER_MOMENT }: CrashSettings,
  onPoint: (point: number) => void = () => {},
): Promise<CrashReport> {
  const startedAt = performance.now();
  const choices = new RandomChoices(seed);
  const { ledger, moments } = recording;
  const checked = { values: 0, ciphertexts: 0, records: 0 };
  let served = 0;
  for (let point = 0; point < points; point += 1) {
    const copy = scratch.at("copy");
    copyStore(moments[Math.floor(point / pointsPerMoment)] ?? "", copy);
    const { place, story } = tearCopy(copy, choices, { synced: (from) => ledger.firstMarkFrom(from) });
    try {
      if (point % SERVED_EVERY === SERVED_EVERY - 1) {
        await serveOnce(copy, recording);
        served += 1;
      }
      const found = await verifyCopy(copy, place, ledger);
      checked.values += found.values;
      checked.ciphertexts += found.ciphertexts;
      checked.records += found.records;
    } catch (cause) {
      throw new Error(`Point ${point} of seed ${seed}: ${story}`, { cause });
    }
    rmSync(copy, { recursive: true });
    onPoint(point + 1);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const { length: changes } = ledger.changes;
  return { seed, points, moments: moments.length, served, changes, checked, seconds };
}

/** Changes a store through a real server, and freezes it again and again for as long as a copy of its files takes. */
export async function record(scratch: TemporaryDirectory, count: number, choices: RandomChoices): Promise<Recording> {
  const data = scratch.at("store");
  const { credentials, account } = await initStore(data);
  await using process = await startServe(data);
  const server = { endpoint: process.endpoint, credentials };
  await mustCallKms(server, "CreateKey", {}); // the log and the segments are there from now on
  const ledger = new CrashLedger();
  const watch = new LogWatch(data);
  const moments: string[] = [];
  const changesBefore: number[] = [];
  let isOver = false;
  const clients = Array.from({ length: CLIENTS }, () =>
    new CrashClient({ server, account, ledger, watch, choices }).run(() => isOver),
  );
  const freeze = async (): Promise<void> => {
    for (let moment = 0; moment < count; moment += 1) {
      const enough = ledger.changes.length + choices.integer(CHANGES.min, CHANGES.max);
      while (ledger.changes.length < enough) await after(choices.integer(1, 20));
      moments.push(scratch.at(`moment-${moment}`));
      changesBefore.push(ledger.changes.length);
      freezeAndCopy(process, data, moments.at(-1) ?? "");
    }
  };
  try {
    await Promise.race([freeze(), Promise.all(clients)]);
  } finally {
    isOver = true;
    await Promise.allSettled(clients);
    watch.close();
  }
  await Promise.all(clients);
  return { moments, changesBefore, ledger, credentials };
}

/** What `kill -9` would leave: every thread stands still between two system calls while the files are copied. */
function freezeAndCopy({ child }: RunningProcess, data: string, target: string): void {
  child.kill("SIGSTOP");
  try {
    while (!isStopped(child.pid ?? 0)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    copyStore(data, target);
  } finally {
    child.kill("SIGCONT");
  }
}

/** Whether all threads of a process are stopped (proc_pid_stat(5)). */
function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).every((task) => {
    const stat = readFileSync(join(tasks, task, "stat"), "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
  });
}

/** Has a real server recover the copy and go on with it: what it adds is checked for like everything else. */
async function serveOnce(copy: string, { credentials }: Recording): Promise<void> {
  const process = await startServe(copy);
  const server = { endpoint: process.endpoint, credentials };
  const { output } = await mustCallKms(server, "CreateKey", { Description: "after the crash" });
  await mustCallKms(server, "Encrypt", { KeyId: keyArnOf(output), Plaintext: "AAAA" });
  const code = await process.stop();
  if (code !== 0) throw new Error(`The server on a recovered store ended with ${code}.`);
}

/** The report as a table of text. */
export function formatReport({ seed, points, moments, served, changes, checked, seconds }: CrashReport): string {
  const rows: readonly (readonly [string, string])[] = [
    ["Seed", String(seed)],
    ["Points, each with its own damage", String(points)],
    ["Moments at which the server was frozen", String(moments)],
    ["Points that a real server recovered, too", String(served)],
    ["Changes answered in the storm", String(changes)],
    ["Values there, over all points", String(checked.values)],
    ["Ciphertexts decrypted, over all points", String(checked.ciphertexts)],
    ["Answered changes with exactly one record", String(checked.records)],
    ["Took", `${seconds.toFixed(1)} s`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return `${rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n")}\n`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      points: { type: "string", default: "1000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) process.stdout.write(HELP);
  else {
    process.stderr.write(`seed ${values.seed}\n`);
    const report = await runCrashPoints({ points: Number(values.points), seed: Number(values.seed) }, (point) => {
      if (point % 100 === 0) process.stderr.write(`${point} points passed\n`);
    });
    process.stdout.write(formatReport(report));
  }
}
