/** One logged-in session with a token, in a process of its own that is started when it is needed and again when it has died. */

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { entryPoint } from "../../base/entry-point.ts";
import type { Secret } from "../secret.ts";
import {
  passwordsIn,
  type TokenReply,
  type TokenRequest,
  type TokenRequestName,
  type TokenRequests,
} from "./requests.ts";
import { CKR } from "./return-values.ts";
import { faultOf, LOGIN_FAULTS, TokenError } from "./token-errors.ts";

/** Where a token is and how it is spoken to, as the operator says. */
export interface TokenPlace {
  /** The path of the PKCS #11 library. */
  readonly library: string;
  readonly token: string;
  /** What the library finds in its environment; of ours it has nothing but PATH, HOME, LANG and the place of node's cache. */
  readonly environment: Readonly<Record<string, string>>;
  /** What stands before the password where the token's users have names, such as `kmsuser:`. */
  readonly userPrefix: string;
  /** Who makes the initialization vectors of AES-GCM. */
  readonly vectorsBy: "caller" | "token";
  /** Whether the user's password is changed with each connection; not every library can. */
  readonly changesPassword: boolean;
  /** How many processes, each with a session, there may be. */
  readonly sessions: number;
  readonly timeoutMs: number;
}

/** Bounds of a session. */
export interface SessionLimits {
  /** Requests that wait for the token. */
  readonly waitingMax: number;
  /** Of loading the library and logging in. */
  readonly openMsMax: number;
  readonly pauseMs: { readonly first: number; readonly max: number };
}

export const SESSION_LIMITS: SessionLimits = {
  waitingMax: 512,
  openMsMax: 20_000,
  pauseMs: { first: 100, max: 30_000 },
};

/** Return values after which a session is of no use: the next request gets a new process. */
const LOST: readonly number[] = [
  CKR.DEVICE_ERROR,
  CKR.DEVICE_REMOVED,
  CKR.SESSION_HANDLE_INVALID,
  CKR.TOKEN_NOT_PRESENT,
];

/** The guards of processes that hold secrets (cli/guarded-process.ts). */
const NODE_FLAGS = ["--disable-sigusr1", "--report-exclude-env"];

interface Waiting {
  readonly name: TokenRequestName;
  resolve(value: unknown): void;
  reject(cause: Error): void;
  readonly late: NodeJS.Timeout;
}

interface Running {
  readonly child: ChildProcess;
  readonly waiting: Map<number, Waiting>;
  /** Resolves with which of the passwords was the right one. */
  opened: Promise<number>;
  /** Whether it has answered anything after the login. */
  isWell: boolean;
}

/** Requests to one token as one user, each with a deadline. */
export class TokenSession {
  readonly #place: TokenPlace;
  readonly #pins: () => Promise<readonly Secret[]>;
  readonly #limits: SessionLimits;
  readonly #module: string;
  #running: Running | undefined;
  #lastId = 0;
  #load = 0;
  /** Starts that came to nothing, one after the other. */
  #failures = 0;
  #retryAt = 0;
  #refusal: TokenError | undefined;
  #closed = false;

  /**
   * @param options.pins the passwords that may be the user's, most likely first; wiped by the session
   * @param options.module the process's program (tests)
   */
  constructor(options: {
    readonly place: TokenPlace;
    pins(): Promise<readonly Secret[]>;
    readonly limits?: SessionLimits;
    readonly module?: string;
  }) {
    this.#place = options.place;
    this.#pins = () => options.pins();
    this.#limits = options.limits ?? SESSION_LIMITS;
    this.#module = options.module ?? fileURLToPath(entryPoint("custody/pkcs11/token-process.ts"));
  }

  /** How many requests it has not answered yet. */
  get load(): number {
    return this.#load;
  }

  /** The process that has the library, while there is one. */
  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /** Logs in, unless that is done; says which of the passwords it was. */
  async open(): Promise<number> {
    return await this.#start().opened;
  }

  /**
   * Asks the token.
   *
   * @throws TokenError
   */
  async ask<N extends TokenRequestName>(name: N, args: TokenRequests[N]["args"]): Promise<TokenRequests[N]["value"]> {
    if (this.#load >= this.#limits.waitingMax) {
      throw new TokenError("sessions", "Too many requests wait for the token.");
    }
    this.#load += 1;
    try {
      const running = this.#start();
      await running.opened;
      return await this.#send(running, name, args, this.#place.timeoutMs);
    } finally {
      this.#load -= 1;
    }
  }

  /** Logs out and ends the process. What is under way is rejected. */
  close(): void {
    this.#closed = true;
    if (this.#running !== undefined) this.#end(this.#running, new TokenError("unreachable", "The session is closed."));
  }

  #start(): Running {
    if (this.#closed) throw new TokenError("unreachable", "The session is closed.");
    if (this.#refusal !== undefined) throw this.#refusal;
    if (this.#running !== undefined) return this.#running;
    if (performance.now() < this.#retryAt) throw new TokenError("unreachable", "The token's process failed just now.");
    const child = fork(this.#module, [], {
      execArgv: NODE_FLAGS,
      env: { ...inherited(), ...this.#place.environment },
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.unref();
    child.channel?.unref();
    const running: Running = { child, waiting: new Map(), opened: Promise.resolve(0), isWell: false };
    this.#running = running;
    child.on("message", (reply: TokenReply) => this.#receive(running, reply));
    child.once("error", (cause) => this.#end(running, unreachable("could not be started", cause)));
    child.once("exit", (code, signal) => this.#end(running, unreachable(`ended with ${signal ?? `code ${code}`}`)));
    running.opened = this.#logIn(running);
    running.opened.catch(() => undefined); // told to whoever asks
    return running;
  }

  async #logIn(running: Running): Promise<number> {
    const { library, token, userPrefix } = this.#place;
    const secrets = await this.#pins();
    const pins = secrets.map(({ bytes }) => withPrefix(userPrefix, bytes));
    for (const secret of secrets) secret[Symbol.dispose]();
    try {
      return await this.#send(running, "open", { library, token, pins }, this.#limits.openMsMax);
    } catch (cause) {
      const failed = cause instanceof TokenError ? cause : unreachable("failed", cause);
      if (LOGIN_FAULTS.includes(failed.fault)) this.#refusal = failed;
      this.#end(running, failed);
      throw failed;
    }
  }

  #send<N extends TokenRequestName>(
    running: Running,
    name: N,
    args: TokenRequests[N]["args"],
    timeoutMs: number,
  ): Promise<TokenRequests[N]["value"]> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#running !== running) {
      reject(new TokenError("unreachable", "The token's process has ended."));
      return promise as Promise<TokenRequests[N]["value"]>;
    }
    this.#lastId += 1;
    const id = this.#lastId;
    // A library that hangs can't be called back: its process has to go.
    const late = setTimeout(() => this.#end(running, unreachable("did not answer in time")), timeoutMs);
    running.waiting.set(id, { name, resolve, reject, late: late.unref() });
    running.child.send({ id, name, args } satisfies TokenRequest, (cause) => {
      if (cause !== null) this.#end(running, unreachable("could not be asked", cause));
    });
    // What was sent is a copy already.
    for (const pin of passwordsIn(args)) pin.fill(0);
    return promise as Promise<TokenRequests[N]["value"]>; // a request's answer is typed with it (requests.ts)
  }

  #receive(running: Running, reply: TokenReply): void {
    const waiting = running.waiting.get(reply.id);
    if (waiting === undefined) return;
    running.waiting.delete(reply.id);
    clearTimeout(waiting.late);
    if ("value" in reply) {
      if (waiting.name !== "open") running.isWell = true;
      if (running.isWell) this.#failures = 0;
      waiting.resolve(reply.value);
      return;
    }
    const fault = reply.missing === true ? "missing" : faultOf(reply.code);
    waiting.reject(new TokenError(fault, reply.error));
    if (reply.code !== undefined && LOST.includes(reply.code)) this.#end(running, unreachable("lost its session"));
  }

  #end(running: Running, cause: TokenError): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    if (!running.isWell) {
      const { first, max } = this.#limits.pauseMs;
      this.#retryAt = performance.now() + Math.min(max, first * 2 ** this.#failures);
      this.#failures += 1;
    }
    for (const { reject, late } of running.waiting.values()) {
      clearTimeout(late);
      reject(cause);
    }
    running.waiting.clear();
    // One that is idle says goodbye to its token; one that hangs does not hear.
    if (running.child.connected) running.child.disconnect();
    setTimeout(() => running.child.kill("SIGKILL"), KILL_AFTER_MS).unref();
  }
}

/** How long a process may take to say goodbye. */
const KILL_AFTER_MS = 1_000;

function unreachable(what: string, cause?: unknown): TokenError {
  return new TokenError("unreachable", `The token's process ${what}.`, cause === undefined ? {} : { cause });
}

function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "LANG", "NODE_COMPILE_CACHE"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function withPrefix(prefix: string, password: Uint8Array): Uint8Array {
  const before = new TextEncoder().encode(prefix);
  const pin = new Uint8Array(before.length + password.length);
  pin.set(before);
  pin.set(password, before.length);
  return pin;
}
