/** The commands of Keystead as child processes: run to their end, or served from until they are stopped or killed. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NODE_FLAGS } from "../../src/cli/guarded-process.ts";
import { MAIN } from "../../src/testing-main.ts";
import { hasHost, runHosted } from "../hosting/hosted.ts";
import { childrenOf, untilGone } from "./process-tree.ts";
import type { AccessKey } from "./signed-requests.ts";

const READY = /^keystead is ready on (\S+)$/m;
const START_MS_MAX = 120_000;
const STOP_MS_MAX = 60_000;

/** A directory of its own below the system's temporary one, removed when disposed of. */
export class TemporaryDirectory implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "keystead-test-"));

  /** The path of a name in it. */
  at(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What a command that has ended left. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command gets beside its arguments. */
export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of node itself; by default those with which `serve` would otherwise start itself anew, which takes its time. */
  readonly nodeArgs?: readonly string[];
  /** The module with the command, where it has to be another than the tests'. */
  readonly main?: string;
}

/** Runs a command of Keystead to its end; one that does not end by itself is killed and then has no code. */
export async function runKeystead(args: readonly string[], options: ProcessOptions = {}): Promise<Ended> {
  if (hasHost() && isHostable(options)) return await runInHost(args, options);
  const child = start(args, options);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (READY.test(stdout)) child.kill("SIGKILL"); // a server that should have refused
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), START_MS_MAX);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return { code, stdout, stderr };
}

/** Whether a host can run a command as a process of its own would: nothing is asked of node itself. */
function isHostable({ env = {}, nodeArgs, main }: ProcessOptions): boolean {
  return nodeArgs === undefined && main === undefined && env["NODE_OPTIONS"] === undefined;
}

async function runInHost(args: readonly string[], { env }: ProcessOptions): Promise<Ended> {
  const run = await runHosted(args, { ...ownEnvironment(), ...env });
  if (!run.isServing) return run.ended;
  await run.stop(); // a server that should have refused
  return { ...run.ended, code: null };
}

/** A store for `serve` with one account. */
export interface MadeStore {
  readonly account: string;
  readonly credentials: AccessKey;
}

/** Makes a store with `keystead init` and reads the access key that it shows. */
export async function initStore(
  directory: string,
  account = "111122223333",
  args: readonly string[] = [],
): Promise<MadeStore> {
  const { code, stdout, stderr } = await runKeystead([
    "init",
    "--data",
    directory,
    "--account",
    account,
    "--single-root-key",
    ...args,
  ]);
  if (code !== 0) throw new Error(`init ended with ${code}: ${stderr}`);
  return { account, credentials: accessKeyIn(stdout) };
}

/** The access key that `init` and `account` print. */
export function accessKeyIn(printed: string): AccessKey {
  const accessKeyId = /AWS_ACCESS_KEY_ID=(\S+)/.exec(printed)?.[1];
  const secretAccessKey = /AWS_SECRET_ACCESS_KEY=(\S+)/.exec(printed)?.[1];
  if (accessKeyId === undefined || secretAccessKey === undefined) throw new Error("No access key was printed.");
  return { accessKeyId, secretAccessKey };
}

/** A server process. */
export interface RunningProcess extends AsyncDisposable {
  readonly endpoint: string;
  readonly child: ChildProcess;
  /** What it has written to standard error so far. */
  log(): string;
  /** What it has written to standard output so far. */
  printed(): string;
  /** Sends SIGTERM and returns the exit code. */
  stop(): Promise<number | null>;
  /** Sends SIGKILL and waits until the process is gone, and its workers with it. */
  kill(): Promise<void>;
}

/** Starts `serve` or `dev` and waits for its ready line. */
export async function startProcess(args: readonly string[], options: ProcessOptions = {}): Promise<RunningProcess> {
  const child = start(args, options);
  let stderr = "";
  let stdout = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${args.join(" ")}: ${why}\n${stdout}${stderr}`));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail("it took too long to be ready");
    }, START_MS_MAX);
    exited.catch(reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      fail(`it ended with ${code}`); // by then all that it wrote is read
    });
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (!READY.test(stdout)) return;
      clearTimeout(timer);
      resolve();
    });
  });
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    const code = await exited;
    clearTimeout(timer);
    return code;
  };
  return {
    endpoint: READY.exec(stdout)?.[1] ?? "",
    child,
    log: () => stderr,
    printed: () => stdout,
    stop: () => end("SIGTERM"),
    async kill() {
      const workers = childrenOf(child.pid);
      await end("SIGKILL");
      await untilGone(workers);
    },
    [Symbol.asyncDispose]: async () => void (await end("SIGTERM")),
  };
}

/** Runs a command and kills it some time after its output has matched; it may have ended by then. */
export async function startKilledAfter(args: readonly string[], pattern: RegExp, milliseconds: number): Promise<void> {
  const child = start(args, {});
  let stdout = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    const matched = pattern.test(stdout);
    stdout += text;
    if (!matched && pattern.test(stdout)) setTimeout(() => child.kill("SIGKILL"), milliseconds);
  });
  await once(child, "close");
}

/** Starts `keystead serve` on a free port, as one process unless `args` say otherwise. */
export function startServe(directory: string, args: readonly string[] = []): Promise<RunningProcess> {
  return startProcess(["serve", "--data", directory, "--port", "0", "--workers", "1", ...args]);
}

function start(
  args: readonly string[],
  { env = {}, nodeArgs = NODE_FLAGS, main = MAIN }: ProcessOptions,
): ChildProcess {
  return spawn(process.execPath, [...nodeArgs, main, ...args], {
    env: { ...ownEnvironment(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** This process's environment without what would change how Keystead starts; and no two seconds of work for each start of `serve`. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => name !== "NODE_OPTIONS" && !name.startsWith("KEYSTEAD_"));
  return { ...Object.fromEntries(kept), KEYSTEAD_NO_READY_PAIRS: "true" };
}
