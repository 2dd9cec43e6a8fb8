/** Keeps the workers of a server running: starts them, has them listen, replaces those that end, stops them all. */

import { setTimeout as after } from "node:timers/promises";
import { OperatorError } from "../base/errors.ts";
import type { Log } from "../gateway/gateway.ts";
import type { Place } from "./process-messages.ts";
import { type WorkerEnd, WorkerProcess } from "./worker-process.ts";

export interface SupervisorOptions<Options> {
  /** How many workers there are to be; they have the slots 1 and up. */
  readonly workers: number;
  /** What each of them is told of the command. */
  readonly options: Options;
  readonly log: Log;
  /** Is told, once everything has run, that no worker comes up any more. */
  readonly onFailure: (cause: OperatorError) => void;
}

/** So many ends in a row, none of them after a while of service, are no accident. */
const FAILURES_MAX = 3;
/** A worker that has served for so long had a good start. */
const SERVED_MS = 10_000;
const PAUSE_MS = { first: 100, max: 5_000 };
/** How long workers may take to finish: the grace of their requests and what is left to write. */
const CLOSE_MS_MAX = 15_000;

/** Is given each worker before it opens its store, replacements too. */
export type Attach<Options> = (worker: WorkerProcess<Options>) => void;

/** A slot and the worker that has it. */
interface Slot<Options> {
  readonly number: number;
  /** Waits for its order. */
  prepared?: WorkerProcess<Options>;
  readonly opened: PromiseWithResolvers<void>;
  readonly ready: PromiseWithResolvers<void>;
  worker?: WorkerProcess<Options>;
}

export class Supervisor<Options> {
  readonly #options: SupervisorOptions<Options>;
  readonly #slots: readonly Slot<Options>[];
  readonly #runs: Promise<void>[] = [];
  /** Rejects when workers can't be brought up. */
  readonly #failed = Promise.withResolvers<never>();
  readonly #stop = new AbortController();
  #places: readonly Place[] | undefined;
  #isServing = false;

  constructor(options: SupervisorOptions<Options>) {
    this.#options = options;
    this.#failed.promise.catch(() => undefined); // told to whoever waits then
    this.#slots = Array.from({ length: options.workers }, (_, index) => ({
      number: index + 1,
      opened: Promise.withResolvers<void>(),
      ready: Promise.withResolvers<void>(),
    }));
  }

  /** Starts the processes of the workers: they load their modules while this one has other things to do. */
  prepare(): void {
    for (const slot of this.#slots) slot.prepared = new WorkerProcess();
  }

  /**
   * Starts the workers; resolves when all have opened their store.
   *
   * @throws OperatorError one of them refuses to start, or they end again and again
   */
  async open(attach: Attach<Options>): Promise<void> {
    for (const slot of this.#slots) this.#runs.push(this.#run(slot, attach));
    await Promise.race([Promise.all(this.#slots.map(({ opened }) => opened.promise)), this.#failed.promise]);
  }

  /**
   * Has all workers listen; resolves when they do.
   *
   * @throws OperatorError as `open`
   */
  async listen(places: readonly Place[]): Promise<void> {
    this.#places = places;
    for (const { worker } of this.#slots) worker?.listen(places);
    await Promise.race([Promise.all(this.#slots.map(({ ready }) => ready.promise)), this.#failed.promise]);
    this.#isServing = true;
  }

  /** Has all workers finish and end; those that take too long are ended. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const { worker } of this.#slots) worker?.close();
    const late = setTimeout(() => this.kill(), CLOSE_MS_MAX);
    await Promise.all(this.#runs);
    clearTimeout(late);
  }

  /** Has all workers read their root keys again. */
  reload(): void {
    for (const { worker } of this.#slots) worker?.reload();
  }

  /** Ends all workers at once. */
  kill(): void {
    this.#stop.abort();
    for (const { prepared, worker } of this.#slots) (worker ?? prepared)?.kill();
  }

  /** One worker after the other in the same slot. The next one starts when the last one is gone: its segments are free then. */
  async #run(slot: Slot<Options>, attach: Attach<Options>): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      const startedAt = performance.now();
      const end = await this.#serve(slot, attach);
      if (this.#stop.signal.aborted) return;
      failures = end.wasReady && performance.now() - startedAt >= SERVED_MS ? 0 : failures + 1;
      this.#report(slot, end);
      if (this.#isHopeless(end, failures)) return this.#fail(slot, end);
      const pauseMs = failures === 0 ? 0 : Math.min(PAUSE_MS.first * 2 ** (failures - 1), PAUSE_MS.max);
      await after(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #serve(slot: Slot<Options>, attach: Attach<Options>): Promise<WorkerEnd> {
    const { options, workers } = this.#options;
    const worker = slot.prepared ?? new WorkerProcess<Options>();
    delete slot.prepared;
    slot.worker = worker;
    attach(worker);
    worker.start({ options, slot: slot.number, workers });
    void worker.opened.then(() => {
      slot.opened.resolve();
      if (this.#places !== undefined) worker.listen(this.#places);
    });
    void worker.ready.then(slot.ready.resolve);
    const end = await worker.ended;
    delete slot.worker;
    return end;
  }

  /** While others serve, a slot is tried for ever; a start that is refused is not tried again. */
  #isHopeless({ refusal }: WorkerEnd, failures: number): boolean {
    if (!this.#isServing && refusal !== undefined) return true;
    return failures >= FAILURES_MAX && !this.#slots.some(({ worker }) => worker?.isReady === true);
  }

  #fail({ number }: Slot<Options>, { refusal, code, signal }: WorkerEnd): void {
    const how = `worker ${number} ended again and again, the last time with ${signal ?? `exit code ${code}`}`;
    const cause = new OperatorError(refusal ?? `No worker can serve: ${how}.`);
    this.#failed.reject(cause);
    if (this.#isServing) this.#options.onFailure(cause);
  }

  #report({ number }: Slot<Options>, { code, signal, refusal }: WorkerEnd): void {
    if (!this.#isServing && refusal !== undefined) return; // told as the command's own
    this.#options.log.error({ worker: number, code, signal, refusal }, "A worker ended; another one takes its place.");
  }
}
