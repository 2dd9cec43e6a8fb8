/** Custody's threads for dear jobs, with a bounded queue that serves accounts in turn, so that no event loop is held up. */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { entryPoint } from "../base/entry-point.ts";
import { ThrottlingException } from "../base/errors.ts";
import { FairQueue, type QueueLimits } from "../base/fair-queue.ts";
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

/** Jobs that a thread has at a time: the second is there when the first is done, however busy our event loop is. */
const JOBS_OF_THREAD_MAX = 2;

/** The id of the answer by which a thread says that it takes jobs. */
export const READY = 0;

/** A job as a thread gets it. */
export interface KeyRequest {
  readonly id: number;
  readonly job: keyof KeyJobs;
  readonly args: Parameters<KeyJobs[keyof KeyJobs]>;
}

/** What a thread answers. */
export type KeyReply =
  | { readonly id: number; readonly value: ReturnType<KeyJobs[keyof KeyJobs]> }
  | { readonly id: number; readonly error: string };

interface Waiting extends KeyRequest {
  readonly resolve: (value: ReturnType<KeyJobs[keyof KeyJobs]>) => void;
  readonly reject: (cause: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly jobs: Map<number, Waiting>;
  ready: boolean;
}

/** Threads start when there is work for them, and do not keep the process alive while they have none. */
export class KeyWorkers {
  readonly #limits: WorkerLimits;
  readonly #queue: FairQueue<Waiting>;
  readonly #idleJobs: Waiting[] = [];
  readonly #threads = new Set<Thread>();
  #lastId = 0;
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
    account: string,
    job: K,
    ...args: Parameters<KeyJobs[K]>
  ): Promise<ReturnType<KeyJobs[K]>> {
    return this.#enqueue(job, args, (waiting) => this.#queue.push(account, waiting));
  }

  /** Does a job once no account's job waits; rejects when too many of them wait already. */
  runWhenIdle<K extends keyof KeyJobs>(job: K, ...args: Parameters<KeyJobs[K]>): Promise<ReturnType<KeyJobs[K]>> {
    return this.#enqueue(job, args, (waiting) => {
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
    job: K,
    args: Parameters<KeyJobs[K]>,
    push: (waiting: Waiting) => boolean,
  ): Promise<ReturnType<KeyJobs[K]>> {
    const { promise, resolve, reject } = Promise.withResolvers<ReturnType<KeyJobs[K]>>();
    this.#lastId += 1;
    // A thread answers a job with that job's result.
    const waiting: Waiting = { id: this.#lastId, job, args, resolve: resolve as Waiting["resolve"], reject };
    if (this.#closed) reject(new Error("Custody is closed"));
    else if (push(waiting)) this.#assign();
    else reject(new ThrottlingException(TOO_MANY));
    return promise;
  }

  /** Gives waiting jobs to threads that can take them, and starts a thread when none can. */
  #assign(): void {
    for (;;) {
      const thread = this.#findFree();
      const waiting = thread === undefined ? undefined : this.#take();
      if (thread === undefined || waiting === undefined) break;
      thread.jobs.set(waiting.id, waiting);
      thread.worker.ref();
      const { id, job, args } = waiting;
      thread.worker.postMessage({ id, job, args } satisfies KeyRequest);
    }
    const isStarting = [...this.#threads].some(({ ready }) => !ready);
    const isWaiting = this.#queue.size + this.#idleJobs.length > 0;
    if (isWaiting && !isStarting && this.#threads.size < this.#limits.threadsMax) this.#start();
  }

  /** The thread with the fewest jobs that can take one more. */
  #findFree(): Thread | undefined {
    return [...this.#threads]
      .filter((thread) => thread.ready && thread.jobs.size < JOBS_OF_THREAD_MAX && !isSearching(thread))
      .sort((left, right) => left.jobs.size - right.jobs.size)[0];
  }

  /** The next job; all threads but one, or the only one, may search primes at a time, which takes seconds. */
  #take(): Waiting | undefined {
    const searching = [...this.#threads].filter(isSearching).length;
    const mayTake = (waiting: Waiting): boolean =>
      !isSearch(waiting) || searching < Math.max(1, this.#limits.threadsMax - 1);
    const waiting = this.#queue.take(mayTake);
    const [idle] = this.#idleJobs;
    if (waiting !== undefined || this.#queue.size > 0 || idle === undefined || !mayTake(idle)) return waiting;
    return this.#idleJobs.shift();
  }

  #start(): void {
    // A thread's own flags are not ours: this one must be handed on.
    const execArgv = process.execArgv.filter((argument) => argument === "--no-experimental-ffi");
    const worker = new Worker(entryPoint("custody/key-worker.ts"), { execArgv });
    const thread: Thread = { worker, jobs: new Map(), ready: false };
    this.#threads.add(thread);
    worker.on("message", (reply: KeyReply) => this.#receive(thread, reply));
    worker.once("error", (cause: Error) => this.#drop(thread, new Error("A thread of custody failed", { cause })));
    worker.once("exit", () => this.#drop(thread, new Error("A thread of custody has ended")));
  }

  #receive(thread: Thread, reply: KeyReply): void {
    if (reply.id === READY) thread.ready = true;
    const waiting = thread.jobs.get(reply.id);
    thread.jobs.delete(reply.id);
    if (thread.jobs.size === 0) thread.worker.unref();
    this.#assign();
    if ("error" in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply.value);
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
