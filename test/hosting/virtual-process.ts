/**
 * A `process` for each of several programs in one Node process: arguments, environment, output, exit code and signals.
 *
 * Which program runs follows its asynchronous calls. Code outside of programs keeps the real process.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { Writable } from "node:stream";

/** How a program has ended, and what it has written. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const programs = new AsyncLocalStorage<Program>();
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"];

/** One program: a module that does its work while it is evaluated, as `keystead` does. */
export class Program {
  readonly #argv: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #listeners = new Map<string | symbol, () => void>();
  readonly #exited = Promise.withResolvers<void>();
  #stdout = "";
  #stderr = "";
  /** What `process.exitCode` is within the program. */
  exitCode: number | undefined;

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv) {
    this.#argv = argv;
    this.#env = env;
  }

  /** Evaluates the module; what it leaves running stays a part of the program. */
  async run(evaluate: () => Promise<unknown>): Promise<void> {
    try {
      await programs.run(this, evaluate);
    } catch (cause) {
      this.exitCode = 1;
      this.#stderr += `${cause instanceof Error ? cause.stack : String(cause)}\n`;
    }
  }

  /** Whether it waits for signals, as servers do. */
  get isServing(): boolean {
    return this.#listeners.has("SIGTERM");
  }

  /** Tells it to end, and resolves when it has. */
  async terminate(): Promise<void> {
    programs.run(this, () => this.#listeners.get("SIGTERM")?.());
    await this.#exited.promise;
  }

  get ended(): Ended {
    return { code: this.exitCode ?? 0, stdout: this.#stdout, stderr: this.#stderr };
  }

  get argv(): readonly string[] {
    return this.#argv;
  }

  get env(): NodeJS.ProcessEnv {
    return this.#env;
  }

  /** What programs write to. */
  readonly stdout = collector((text) => {
    this.#stdout += text;
  });
  readonly stderr = collector((text) => {
    this.#stderr += text;
  });

  /** What `process.exit` does: nothing comes after it in Keystead. */
  exit(code: number | undefined): void {
    this.exitCode = code ?? this.exitCode;
    this.#exited.resolve();
  }

  /** Keeps the listener of a signal. */
  listen(signal: string | symbol, listener: () => void): void {
    this.#listeners.set(signal, listener);
  }
}

/** A stream that hands on every text in the call that writes it. */
function collector(collect: (text: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string | Uint8Array, _encoding, done) {
      collect(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8"));
      done();
    },
  });
}

/** Makes `process` each program's own within that program. */
export function shareProcess(): void {
  const real = process;
  for (const name of ["argv", "env", "stdout", "stderr"] as const) {
    const own = real[name];
    Object.defineProperty(real, name, { configurable: true, get: () => programs.getStore()?.[name] ?? own });
  }
  const exit = real.exit.bind(real);
  real.exit = ((code?: number) => {
    const program = programs.getStore();
    if (program === undefined) exit(code);
    else program.exit(code);
  }) as typeof real.exit;
  const on = real.on.bind(real) as (event: string | symbol, listener: () => void) => NodeJS.Process;
  real.on = (event: string | symbol, listener: () => void) => {
    const program = programs.getStore();
    if (program === undefined || !SIGNALS.includes(String(event))) return on(event, listener);
    program.listen(event, listener);
    return real;
  };
  shareExitCode(real);
}

/** The exit code alone can't be defined anew on the process itself. */
function shareExitCode(real: NodeJS.Process): void {
  const shared = new Proxy(real, {
    get(_, name) {
      const program = programs.getStore();
      return name === "exitCode" && program !== undefined ? program.exitCode : Reflect.get(real, name, real);
    },
    set(_, name, value) {
      const program = programs.getStore();
      if (name !== "exitCode" || program === undefined) return Reflect.set(real, name, value, real);
      program.exitCode = value;
      return true;
    },
  });
  Object.defineProperty(globalThis, "process", { configurable: true, value: shared });
}
