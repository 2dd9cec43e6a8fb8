/** Processes of a benchmark: pinned to a core, spoken to, and their CPU time read. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

/** The core of the server and the floor, and the core of the load. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

/** Why nothing can be pinned on this machine, or undefined where it can. */
export function whyNotPinned(): string | undefined {
  if (process.platform !== "linux") return "not pinned: this is no Linux";
  if (availableParallelism() < 2) return "not pinned: there is one core only, so the load takes from the server's";
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "not pinned: there is no taskset (Debian package util-linux)";
  }
}

/** Starts a script of this folder on a core, with a channel for messages. */
export function startPinned(script: string, core: number): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const [command, ...first] =
    whyNotPinned() === undefined ? ["taskset", "-c", String(core), process.execPath] : [process.execPath];
  return spawn(command ?? process.execPath, [...first, path], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

/** Starts a script of this folder on whatever core, with a channel for messages. */
export function start(script: string): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return spawn(process.execPath, [path], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

/** Moves running processes, all their threads, to a core. */
export function pin(pids: readonly number[], core: number): void {
  if (whyNotPinned() !== undefined) return;
  for (const pid of pids) execFileSync("taskset", ["-a", "-p", "-c", String(core), String(pid)], { stdio: "ignore" });
}

/** The next message of a child. Rejects when it ends first. */
export function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`A process of the benchmark ended with ${code}.`));
    child.once("exit", onExit);
    child.once("error", reject);
    child.once("message", (message) => {
      child.off("exit", onExit);
      child.off("error", reject);
      resolve(message as T);
    });
  });
}

/** All processes below `pid`, from /proc; empty where there is none. */
export function descendantsOf(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of processNames()) {
    const fields = statFields(Number(name));
    const parent = Number(fields?.[1]);
    if (fields === undefined) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [Number(name)]);
    else siblings.push(Number(name));
  }
  const found: number[] = [];
  const queue = [pid];
  for (let parent = queue.pop(); parent !== undefined; parent = queue.pop()) {
    const below = children.get(parent) ?? [];
    found.push(...below);
    queue.push(...below);
  }
  return found;
}

/** CPU seconds, user and system, that processes have used so far with all their threads (proc_pid_stat(5)); NaN without /proc. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = statFields(pid);
    if (fields === undefined) return Number.NaN;
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Resident memory of a process (proc_pid_status(5)). @throws Error the process is gone, or there is no /proc */
export function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  return Number(kilobytes) * 1024;
}

/** USER_HZ, which is 100 on every architecture that node runs on. */
const TICKS_PER_SECOND = 100;

function processNames(): readonly string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** The fields of /proc/<pid>/stat from the state on, which is field 3; undefined when the process is gone. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name before it may hold spaces
  } catch {
    return undefined;
  }
}
