/** The store's end of the writer thread. */

import { Worker } from "node:worker_threads";
import { entryPoint } from "../base/entry-point.ts";
import type { Answer } from "./statements.ts";
import type { Step, WriterPort } from "./writer.ts";
import type { WriterReply, WriterRequest } from "./writer-worker.ts";

/** A failure of the database, as it came from the writer thread. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  /** SQLite's extended result code, where it was SQLite that failed. */
  readonly errcode: number | undefined;

  constructor(message: string, errcode: number | undefined) {
    super(message);
    this.errcode = errcode;
  }
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: Error) => void;
}

/** Sends steps to the writer thread. Once that thread has stopped, for whatever reason, everything fails. */
export class ThreadPort implements WriterPort {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #stopped: Error | undefined;
  #lastId = 0;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (reply: WriterReply) => this.#receive(reply));
    worker.on("error", (cause: Error) => this.#stop(cause));
    this.#exited = new Promise((resolve) => {
      worker.once("exit", () => {
        this.#stop(undefined);
        resolve();
      });
    });
  }

  /**
   * Starts the thread and waits until its connection is open.
   *
   * @throws Error when the database can't be opened for writing
   */
  static async open(path: string): Promise<ThreadPort> {
    const worker = new Worker(entryPoint("storage/writer-worker.ts"), { workerData: { path }, execArgv: [] });
    const port = new ThreadPort(worker);
    await port.#request(0);
    return port;
  }

  run(steps: readonly Step[]): Promise<Answer> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = this.#request(id);
    if (this.#stopped === undefined) this.#post({ kind: "run", id, steps });
    return answer;
  }

  async close(): Promise<void> {
    this.#worker.ref();
    if (this.#stopped === undefined) this.#post({ kind: "close" });
    await this.#exited;
  }

  #post(request: WriterRequest): void {
    this.#worker.postMessage(request);
  }

  #request(id: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== undefined) return reject(this.#stopped);
      this.#worker.ref();
      this.#waiting.set(id, { resolve, reject });
    });
  }

  #receive(reply: WriterReply): void {
    const id = reply.kind === "ready" ? 0 : reply.id;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref(); // an idle writer does not keep a process alive
    if (reply.kind === "error") waiting?.reject(new DatabaseError(reply.message, reply.errcode));
    else waiting?.resolve(reply.kind === "answer" ? reply.answer : { rows: [] });
  }

  #stop(cause: Error | undefined): void {
    this.#stopped ??= new Error("The writer of the store has stopped.", { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#stopped);
    this.#waiting.clear();
  }
}
