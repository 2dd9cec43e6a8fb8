/** Has records indexed in the background, in a thread: what an index waits for, such as a slow disk, holds up no request. */

import { Worker } from "node:worker_threads";
import type { Clock } from "../../base/clock.ts";
import { entryPoint } from "../../base/entry-point.ts";
import { type EventIndex, openEventIndex } from "./event-index.ts";
import { indexPath } from "./indexer.ts";

/** How often it is looked for records. */
const PAUSE_MS = 1_000;
/** A failure, such as a full disk, is not repeated sooner. */
const RETRY_MS = 30_000;

/** What the thread is asked; `now` in milliseconds since the epoch. Each request but the last has its reply, in their order. */
export type IndexRequest = { readonly kind: "pass" | "catchUp"; readonly now: number } | { readonly kind: "stop" };

export interface IndexReply {
  /** Why it could not be done. */
  readonly error?: string;
}

export interface BackgroundIndexerOptions {
  /** The data directory. */
  readonly directory: string;
  readonly clock: Clock;
  /** Is told when it failed; it goes on later. */
  readonly onError: (cause: unknown) => void;
}

/** The thread starts with the first work. */
export class BackgroundIndexer {
  /** To look things up. */
  readonly index: EventIndex;
  readonly #options: BackgroundIndexerOptions;
  readonly #asked: PromiseWithResolvers<void>[] = [];
  #thread: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @throws Error the index of the data directory can't be written */
  constructor(options: BackgroundIndexerOptions) {
    this.#options = options;
    this.index = openEventIndex(indexPath(options.directory));
  }

  start(): void {
    this.#schedule(PAUSE_MS);
  }

  /** Resolves when all records that are in segments at the call are in the index. */
  catchUp(): Promise<void> {
    return this.#ask("catchUp");
  }

  /** Ends after the step that is under way, and closes the index. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    const thread = this.#thread;
    if (thread !== undefined) {
      const ended = new Promise((resolve) => thread.once("exit", resolve));
      thread.ref();
      thread.postMessage({ kind: "stop" } satisfies IndexRequest);
      await ended;
    }
    this.index.close();
  }

  #schedule(pauseMs: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#ask("pass").then(
        () => this.#schedule(PAUSE_MS),
        (cause: unknown) => {
          if (!this.#isStopped) this.#options.onError(cause);
          this.#schedule(RETRY_MS);
        },
      );
    }, pauseMs).unref();
  }

  #ask(kind: "pass" | "catchUp"): Promise<void> {
    if (this.#isStopped) return Promise.reject(new Error("The indexer has ended"));
    this.#thread ??= this.#startThread();
    const asked = Promise.withResolvers<void>();
    this.#asked.push(asked);
    this.#thread.ref();
    this.#thread.postMessage({ kind, now: this.#options.clock.now() } satisfies IndexRequest);
    return asked.promise;
  }

  #startThread(): Worker {
    const thread = new Worker(entryPoint("audit/history/index-worker.ts"), {
      workerData: this.#options.directory,
      execArgv: [],
    });
    thread.on("message", ({ error }: IndexReply) => {
      const asked = this.#asked.shift();
      if (this.#asked.length === 0) thread.unref();
      if (error === undefined) asked?.resolve();
      else asked?.reject(new Error(error));
    });
    thread.once("error", (cause: Error) => this.#drop(thread, cause));
    thread.once("exit", () => this.#drop(thread, new Error("The thread that indexes has ended")));
    return thread;
  }

  #drop(thread: Worker, cause: Error): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    for (const { reject } of this.#asked.splice(0)) reject(cause);
  }
}
