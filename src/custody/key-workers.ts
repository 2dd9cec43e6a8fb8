/** Custody's threads for dear jobs, with a bounded queue that serves accounts in turn, so that no event loop is held up. */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { entryPoint } from "../base/entry-point.ts";
import { ThrottlingException } from "../base/errors.ts";
import { FairQueue, type QueueLimits } from "../base/fair-queue.ts";
import { onceBegun } from "../base/loop-turn.ts";
import type { KeyJobs } from "./key-jobs.ts";

/** Bounds of `KeyWorkers`. */
export interface WorkerLimits extends QueueLimits {
  readonly threadsMax: number;
  /** Jobs that wait for idle threads. */
  readonly idleJobsMax: number;
}

/** A thousand RSA_2048 signatures are about half a second of work for one core. */
const LIMITS = { itemsMax: 4_096, itemsOfOwnerMax: 1_024, idleJobsMax: 16 };

/** The bounds of one of several processes that share the machine, so that their threads together are about its cores. */
export function workerLimits(processes: number): WorkerLimits {
  const cores = availableParallelism();
  return { ...LIMITS, threadsMax: processes === 1 ? Math.max(2, cores) : Math.ceil(cores / processes) };
}

/**
 * Jobs pass to a thread and back in batches, since a message costs some 0.03 ms whatever is in it. So much work makes a batch: what comes
 * after it, another account's job perhaps, waits no longer than that.
 */
const BATCH_MS = 2;
/** The second batch is there when the first is done, however busy our event loop is. */
const BATCHES_OF_THREAD_MAX = 2;

/** Whose turn a job is done in, and about how long it takes. */
export interface JobTurn {
  readonly account: string;
  readonly ms: number;
}

/** A job as a thread gets it, in batches. A thread says that it takes jobs by an answer to none. */
export interface KeyRequest {
  readonly id: number;
  readonly job: keyof KeyJobs;
  readonly args: Parameters<KeyJobs[keyof KeyJobs]>;
}

/** What a thread answers to each job of a batch. */
export type KeyReply =
  | { readonly id: number; readonly value: ReturnType<KeyJobs[keyof KeyJobs]> }
  | { readonly id: number; readonly error: string };

interface Waiting extends KeyRequest {
  readonly ms: number;
  readonly resolve: (value: ReturnType<KeyJobs[keyof KeyJobs]>) => void;
  readonly reject: (cause: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Waiting>;
  batches: number;
  ready: boolean;
}

/** Threads start when there is work for them, and do not keep the process alive while they have none. */
export class KeyWorkers {
  readonly #limits: WorkerLimits;
  readonly #queue: FairQueue<Waiting>;
  readonly #idleJobs: Waiting[] = [];
  readonly #threads = new Set<Thread>();
  #lastId = 0;
  #isAssigning = false;
  #closed = false;

  constructor(limits: WorkerLimits = workerLimits(1)) {
    this.#limits = limits;
    this.#queue = new FairQueue(limits);
  }

  /** How many threads take jobs. */
  get threads(): number {
    return [...this.#threads].filter(({ ready }) => ready).length;
  }

  /**
   * Does a job in a thread, in the account's turn.
   *
   * @throws ThrottlingException too many jobs are waiting, of this account or in all
   * @throws Error the job failed, or its thread died
   */
  run<K extends keyof KeyJobs>(
    { account, ms }: JobTurn,
    job: K,
    ...args: Parameters<KeyJobs[K]>
  ): Promise<ReturnType<KeyJobs[K]>> {
    return this.#enqueue(ms, job, args, (waiting) => this.#queue.push(account, waiting));
  }

  /** Does a job once no account's job waits; rejects when too many of them wait already. */
  runWhenIdle<K extends keyof KeyJobs>(job: K, ...args: Parameters<KeyJobs[K]>): Promise<ReturnType<KeyJobs[K]>> {
    return this.#enqueue(BATCH_MS, job, args, (waiting) => {
      if (this.#idleJobs.length >= this.#limits.idleJobsMax) return false;
      this.#idleJobs.push(waiting);
      return true;
    });
  }

  /** Ends the threads; what is under way or waits is rejected. */
  close(): void {
    this.#closed = true;
    const cause = new Error("Custody is closed");
    for (const { reject } of this.#removeWaiting()) reject(cause);
    for (const thread of this.#threads) this.#drop(thread, cause);
  }

  #enqueue<K extends keyof KeyJobs>(
    ms: number,
    job: K,
    args: Parameters<KeyJobs[K]>,
    push: (waiting: Waiting) => boolean,
  ): Promise<ReturnType<KeyJobs[K]>> {
    const { promise, resolve, reject } = Promise.withResolvers<ReturnType<KeyJobs[K]>>();
    this.#lastId += 1;
    // A thread answers a job with that job's result.
    const waiting: Waiting = { id: this.#lastId, job, args, ms, resolve: resolve as Waiting["resolve"], reject };
    if (this.#closed) reject(new Error("Custody is closed"));
    else if (push(waiting)) this.#assignSoon();
    else reject(new ThrottlingException(TOO_MANY));
    return promise;
  }

  /** The jobs of all requests that begin in this turn of the event loop share batches. */
  #assignSoon(): void {
    if (this.#isAssigning) return;
    this.#isAssigning = true;
    onceBegun(() => {
      this.#isAssigning = false;
      this.#assign();
    });
  }

  /** Gives waiting jobs to threads that can take them, and starts a thread when none can. */
  #assign(): void {
    for (;;) {
      const free = this.#findFree();
      const [thread] = free;
      const batch = thread === undefined ? [] : this.#takeBatch(Math.ceil(this.#queue.size / free.length));
      if (thread === undefined || batch.length === 0) break;
      for (const waiting of batch) thread.jobs.set(waiting.id, waiting);
      thread.batches += 1;
      thread.worker.ref();
      thread.worker.postMessage(batch.map(({ id, job, args }): KeyRequest => ({ id, job, args })));
    }
    const isStarting = [...this.#threads].some(({ ready }) => !ready);
    const isWaiting = this.#queue.size + this.#idleJobs.length > 0;
    if (isWaiting && !isStarting && this.#threads.size < this.#limits.threadsMax) this.#start();
  }

  /** The threads that can take a batch and have the fewest. */
  #findFree(): readonly Thread[] {
    const able = [...this.#threads].filter(
      (thread) => thread.ready && thread.batches < BATCHES_OF_THREAD_MAX && !isSearching(thread),
    );
    const fewest = Math.min(...able.map(({ batches }) => batches));
    return able.filter(({ batches }) => batches === fewest);
  }

  /** The next jobs, so many at the most. A search for primes, which takes seconds, is a batch of its own. */
  #takeBatch(jobsMax: number): readonly Waiting[] {
    const batch: Waiting[] = [];
    for (let ms = 0; batch.length === 0 || (batch.length < jobsMax && ms < BATCH_MS); ) {
      const waiting = this.#take(batch.length === 0);
      if (waiting === undefined) break;
      batch.push(waiting);
      ms += isSearch(waiting) ? Infinity : waiting.ms;
    }
    return batch;
  }

  /** The next job; all threads but one, or the only one, may search primes at a time. */
  #take(isFirst: boolean): Waiting | undefined {
    const searching = [...this.#threads].filter(isSearching).length;
    const maySearch = isFirst && searching < Math.max(1, this.#limits.threadsMax - 1);
    const mayTake = (waiting: Waiting): boolean => maySearch || !isSearch(waiting);
    const waiting = this.#queue.take(mayTake);
    const [idle] = this.#idleJobs;
    const mayIdle = isFirst && this.#queue.size === 0 && idle !== undefined && mayTake(idle);
    return waiting ?? (mayIdle ? this.#idleJobs.shift() : undefined);
  }

  #start(): void {
    // A thread's own flags are not ours: this one must be handed on.
    const execArgv = process.execArgv.filter((argument) => argument === "--no-experimental-ffi");
    const worker = new Worker(entryPoint("custody/key-worker.ts"), { execArgv });
    const thread: Thread = { worker, jobs: new Map(), batches: 0, ready: false };
    this.#threads.add(thread);
    worker.on("message", (replies: readonly KeyReply[]) => this.#receive(thread, replies));
    worker.once("error", (cause: Error) => this.#drop(thread, new Error("A thread of custody failed", { cause })));
    worker.once("exit", () => this.#drop(thread, new Error("A thread of custody has ended")));
  }

  #receive(thread: Thread, replies: readonly KeyReply[]): void {
    if (thread.ready) thread.batches -= 1;
    thread.ready = true;
    const answered = replies.map((reply) => ({ reply, waiting: thread.jobs.get(reply.id) }));
    for (const { id } of replies) thread.jobs.delete(id);
    if (thread.jobs.size === 0) thread.worker.unref();
    this.#assign();
    for (const { reply, waiting } of answered) {
      if ("error" in reply) waiting?.reject(new Error(reply.error));
      else waiting?.resolve(reply.value);
    }
  }

  #removeWaiting(): readonly Waiting[] {
    return [...this.#queue.drain(), ...this.#idleJobs.splice(0)];
  }

  #drop(thread: Thread, cause: Error): void {
    if (!this.#threads.delete(thread)) return;
    // A thread that never came to be would be started again and again.
    const lost = thread.ready ? [] : this.#removeWaiting();
    for (const { reject } of [...thread.jobs.values(), ...lost]) reject(cause);
    thread.jobs.clear();
    void thread.worker.terminate();
    if (!this.#closed) this.#assign();
  }
}

/** AWS's text for requests over a quota. */
const TOO_MANY = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";

function isSearch({ job, args: [spec] }: Waiting): boolean {
  return job === "newPair" && typeof spec === "string" && spec.startsWith("RSA_");
}

function isSearching({ jobs }: Thread): boolean {
  return [...jobs.values()].some(isSearch);
}
