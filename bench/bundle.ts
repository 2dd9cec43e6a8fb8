/** How soon the bundle of `npm run build` is ready, and what memory it holds when nobody calls. */

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { residentBytes } from "./processes.ts";

const BUNDLE = fileURLToPath(new URL("../dist/package/bin/keystead.js", import.meta.url));
const START_MS_MAX = 30_000;
const MEBIBYTE = 2 ** 20;
/** How long a server is left alone before its memory is read. */
const IDLE_MS = 5000;

/** What one command of the bundle was seen to take. */
export interface BundleFigures {
  readonly command: string;
  /** From the start of the process to the ready line, each start. */
  readonly readyMs: readonly number[];
  /** Processor time until then, of all threads; what a busy machine doesn't change much. */
  readonly cpuMs: readonly number[];
  /** Resident memory of the last start's process, idle. */
  readonly idleMegabytes: number;
}

/**
 * Starts `dev` and `serve` of the built bundle so many times each, compile cache warm.
 *
 * @throws Error the bundle is not built
 */
export async function measureBundle(times: number): Promise<readonly BundleFigures[]> {
  if (!existsSync(BUNDLE)) throw new Error("There is no bundle: npm run build makes it.");
  const scratch = mkdtempSync(join(tmpdir(), "keystead-bench-"));
  try {
    const data = join(scratch, "data");
    execFileSync(process.execPath, [BUNDLE, "init", "--data", data], { stdio: "pipe" });
    return [
      await measure("dev", ["dev", "--port", "0"], times),
      await measure("serve", ["serve", "--data", data, "--port", "0"], times),
    ];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function measure(command: string, args: readonly string[], times: number): Promise<BundleFigures> {
  await startOnce(args, 0); // fills the compile cache
  const starts: Start[] = [];
  for (let start = 1; start <= times; start += 1) starts.push(await startOnce(args, start === times ? IDLE_MS : 0));
  return {
    command,
    readyMs: starts.map(({ readyMs }) => readyMs),
    cpuMs: starts.map(({ cpuMs }) => cpuMs),
    idleMegabytes: starts.at(-1)?.megabytes ?? Number.NaN,
  };
}

interface Start {
  readonly readyMs: number;
  readonly cpuMs: number;
  readonly megabytes: number;
}

async function startOnce(args: readonly string[], idleMs: number): Promise<Start> {
  const begin = performance.now();
  const child = spawn(process.execPath, ["--max-semi-space-size=16", "--min-semi-space-size=4", BUNDLE, ...args], {
    stdio: ["ignore", "pipe", "ignore"],
    timeout: START_MS_MAX,
  });
  const ended = once(child, "close");
  let printed = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    printed += String(chunk);
    if (printed.includes("keystead is ready on ")) break;
  }
  const readyMs = performance.now() - begin;
  if (child.pid === undefined || child.exitCode !== null) throw new Error(`The server has ended: ${printed}`);
  const cpuMs = cpuMsOf(child.pid);
  if (idleMs > 0) await delay(idleMs);
  const megabytes = residentBytes(child.pid) / MEBIBYTE;
  child.stdout.resume();
  child.kill("SIGTERM");
  await ended;
  return { readyMs, cpuMs, megabytes };
}

/** User and system time: fields 14 and 15 of /proc/<pid>/stat, in hundredths of a second (proc(5)). */
function cpuMsOf(pid: number): number {
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ");
  const [user, system] = fields.split(" ").slice(11, 13);
  return (Number(user) + Number(system)) * 10;
}
