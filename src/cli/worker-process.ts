/** One worker as the primary process sees it: started, listened to, pinged, ended. */

import { type ChildProcess, fork } from "node:child_process";
import { Watchdog } from "../base/watchdog.ts";
import type { Channel, FromWorker, PrimaryChannel, ToWorker } from "../storage/remote-messages.ts";
import type { MetricsFromWorker, MetricsToWorker } from "./metrics-exchange.ts";
import {
  type FromWorkerProcess,
  messagesWith,
  metricsChannel,
  type Place,
  storeChannel,
  type ToWorkerProcess,
} from "./process-messages.ts";

const PING_MS = 1_000;
/** A worker that answers no ping for so many seconds is frozen; the kernel would go on giving it connections. */
const SILENT_PINGS_MAX = 15;
/** Before it serves a worker loads its modules and opens its store, in which it answers nothing. */
const START_PINGS_MAX = 60;

/** How a worker ended. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it had begun to serve. */
  readonly wasReady: boolean;
  /** Why it could not start, in words for the operator. */
  readonly refusal?: string;
}

/** What a worker is to be. */
export interface WorkerOrder<Options> {
  readonly options: Options;
  readonly slot: number;
  readonly workers: number;
}

/** A worker process. It is the same program, run as its hidden command `worker`. */
export class WorkerProcess<Options> {
  /** For its transactions. */
  readonly store: PrimaryChannel;
  /** For what it has counted. */
  readonly metrics: Channel<MetricsToWorker, MetricsFromWorker>;
  /** Resolves when its store and keys are open. Never rejects: see `ended`. */
  readonly opened: Promise<void>;
  /** Resolves when it listens. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone, however it ended. */
  readonly ended: Promise<WorkerEnd>;
  readonly #child: ChildProcess;
  readonly #messages: Channel<ToWorkerProcess<Options>, FromWorkerProcess>;
  #refusal: string | undefined;
  #isReady = false;

  /** Starts the process: it loads its modules and waits for its order. */
  constructor() {
    this.#child = fork(process.argv[1] ?? "", ["worker"], {
      execArgv: process.execArgv, // the guards of this process
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#messages = messagesWith(this.#child);
    this.store = storeChannel<ToWorker, FromWorker>(this.#messages);
    this.metrics = metricsChannel<MetricsToWorker, MetricsFromWorker>(this.#messages);
    const opened = Promise.withResolvers<void>();
    const ready = Promise.withResolvers<void>();
    this.opened = opened.promise;
    this.ready = ready.promise;
    let watchdog = this.#watch(START_PINGS_MAX);
    this.#messages.onMessage((message) => {
      watchdog.heard();
      if (message.kind === "opened") opened.resolve();
      else if (message.kind === "refused") this.#refusal = message.message;
      else if (message.kind === "ready") {
        this.#isReady = true;
        watchdog.stop();
        watchdog = this.#watch(SILENT_PINGS_MAX);
        ready.resolve();
      }
    });
    const pings = setInterval(() => this.#messages.send({ kind: "ping" }), PING_MS).unref();
    this.ended = this.#untilEnd().finally(() => {
      clearInterval(pings);
      watchdog.stop();
    });
  }

  /** Has it open its store. */
  start(order: WorkerOrder<Options>): void {
    this.#messages.send({ kind: "start", ...order });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it has begun to serve. */
  get isReady(): boolean {
    return this.#isReady;
  }

  listen(places: readonly Place[]): void {
    this.#messages.send({ kind: "listen", places });
  }

  /** Has it finish what is under way and end. */
  close(): void {
    this.#messages.send({ kind: "close" });
  }

  /** Has it read its root keys again. */
  reload(): void {
    this.#child.kill("SIGHUP");
  }

  /** Ends it at once, even if it is stopped. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #watch(ticksMax: number): Watchdog {
    return new Watchdog({ tickMs: PING_MS, ticksMax, onSilence: () => this.kill() });
  }

  #untilEnd(): Promise<WorkerEnd> {
    return new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void =>
        resolve({
          code,
          signal,
          wasReady: this.#isReady,
          ...(this.#refusal !== undefined && { refusal: this.#refusal }),
        });
      this.#child.once("exit", end);
      this.#child.once("error", () => end(null, null)); // it could not be started, or not be killed
    });
  }
}
