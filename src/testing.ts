/** Keystead for tests: a development server as a child process. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { testPlace } from "./testing-database.ts";
import { MAIN } from "./testing-main.ts";

/** How long a server may take to be ready, and to stop. */
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 30_000;

/** Options of `startKeystead`. */
export interface StartOptions {
  /** Further arguments of `keystead dev`, such as `["--seed", "seed.yaml"]`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A server for tests; `await using` stops it. */
export interface Keystead extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`: what SDK clients take as `endpoint`. */
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly clock: TestClock;
  readonly process: ChildProcess;
  /** What the server has written to standard error so far. */
  log(): string;
  stop(): Promise<void>;
}

/** The server's clock: it runs with the machine's and can be moved forward. */
export interface TestClock {
  now(): Promise<Date>;
  set(now: Date): Promise<Date>;
  /** @param duration ISO 8601, such as `P30D` */
  advance(duration: string): Promise<Date>;
}

/** Starts `keystead dev` on a free port, in memory unless `testPlace` says otherwise. Rejects, with what it wrote, when it does not become ready. */
export async function startKeystead({ args = [], env = {} }: StartOptions = {}): Promise<Keystead> {
  const { args: devArgs, remove } = await devCommand(args);
  const command = ["--max-semi-space-size=16", "--min-semi-space-size=4", MAIN, ...devArgs];
  const child = spawn(process.execPath, command, {
    env: { ...withoutOptions(process.env), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const printed = await untilReady(child, () => errors);
  const stop = async (): Promise<void> => {
    await stopChild(child);
    await remove();
  };
  return {
    ...serverPrinting(printed),
    process: child,
    log: () => errors,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The arguments with which `startKeystead` starts a server, which gets a place for its store; `remove` is for when it has ended. */
export async function devCommand(
  args: readonly string[],
): Promise<{ readonly args: readonly string[]; remove(): Promise<void> }> {
  const { database, directory, remove } = await testPlace(argumentOf("--data", args));
  const place = database === undefined ? [] : ["--database", database, "--data", directory ?? ""];
  return { args: ["dev", "--port", "0", ...args, ...place], remove };
}

/** The server that has printed this when it was ready. */
export function serverPrinting(printed: string): Pick<Keystead, "endpoint" | "credentials" | "clock"> {
  const endpoint = /^keystead is ready on (\S+)$/m.exec(printed)?.[1] ?? "";
  const exported = (name: string): string => new RegExp(`^export ${name}=(\\S+)$`, "m").exec(printed)?.[1] ?? "";
  return {
    endpoint,
    credentials: {
      accessKeyId: exported("AWS_ACCESS_KEY_ID"),
      secretAccessKey: exported("AWS_SECRET_ACCESS_KEY"),
    },
    clock: clockOf(endpoint),
  };
}

function argumentOf(name: string, args: readonly string[]): string | undefined {
  const index = args.indexOf(name);
  return index < 0 ? undefined : args[index + 1];
}

/** The caller's own `KEYSTEAD_…` options are for another server. */
export function withoutOptions(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("KEYSTEAD_")));
}

function untilReady(child: ChildProcess, errors: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new Error(`Keystead did not start: ${why}\n${printed}${errors()}`));
    };
    const timer = setTimeout(() => fail("it took too long"), START_MS_MAX);
    child.once("error", (error) => fail(error.message));
    child.once("close", (code) => fail(`it ended with ${code}`)); // when all that it wrote is read
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      if (!/^keystead is ready on \S+$/m.test(printed)) return;
      clearTimeout(timer);
      child.removeAllListeners("close");
      child.stdout?.removeAllListeners("data").resume();
      resolve(printed);
    });
  });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await ended;
  clearTimeout(timer);
}

function clockOf(endpoint: string): TestClock {
  const ask = async (init?: RequestInit): Promise<Date> => {
    const response = await fetch(`${endpoint}/_keystead/clock`, init);
    const body = (await response.json()) as { now?: string; error?: string };
    if (body.now === undefined) throw new Error(`The clock refused: ${body.error}`);
    return new Date(body.now);
  };
  const put = (body: unknown): Promise<Date> => ask({ method: "PUT", body: JSON.stringify(body) });
  return {
    now: () => ask(),
    set: (now) => put({ now: now.toISOString() }),
    advance: (duration) => put({ advance: duration }),
  };
}
