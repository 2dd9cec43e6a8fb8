/** What processes of tests cost in processor time: the runner loads this module into each of them, which writes it as they end. */

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

/** The variable with the path of the file that costs are written to. */
export const COSTS_VARIABLE = "KEYSTEAD_TEST_COSTS";

/** Processor time of one process and of what it started and waited for. */
export interface Cost {
  readonly file: string;
  readonly seconds: number;
}

/** Linux counts processor time of processes in hundredths of a second (`getconf CLK_TCK`, everywhere 100). */
const TICKS_PER_SECOND = 100;
/** Files of tests, and what runs commands for them; not what these start with node's arguments of their own. */
const COUNTED_FILES = /(?:\.test|[/\\]host)\.ts$/;
const COSTS_FILE = process.env[COSTS_VARIABLE];

const [, file = ""] = process.argv;

if (isMainThread && COSTS_FILE !== undefined && COUNTED_FILES.test(file)) {
  process.on("exit", () => appendFileSync(COSTS_FILE, `${JSON.stringify({ file, seconds: secondsSpent() })}\n`));
}

/** The costs that were written, the dearest first. */
export function loadCosts(path: string): readonly Cost[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Cost).sort((left, right) => right.seconds - left.seconds);
}

function secondsSpent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + secondsOfChildren();
}

/** Fields 16 and 17 of proc_pid_stat(5), counted behind the name of the program, which may hold anything; elsewhere 0. */
function secondsOfChildren(): number {
  if (!existsSync("/proc/self/stat")) return 0;
  const text = readFileSync("/proc/self/stat", "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}
