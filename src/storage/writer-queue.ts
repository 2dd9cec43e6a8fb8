/** Write transactions, one after another in the order of the calls; those that wait share a commit. */

import { Lock } from "./lock.ts";
import type { Answer } from "./statements.ts";
import { type TransactionConnection, TransactionScope, type WriteQueue } from "./write-queue.ts";
import type { Step, WriterPort } from "./writer.ts";

/** The most transactions that share a commit: it bounds how long the first of them waits. */
export const BATCH_MAX = 64;

type Body<T> = (connection: TransactionConnection) => Promise<T>;

/** A call that waits for its turn. `perform` runs its body and says whether it may be kept. */
interface Waiting {
  readonly perform: (connection: TransactionConnection) => Promise<Outcome>;
  readonly reject: (cause: unknown) => void;
}

interface Outcome {
  readonly failed: boolean;
  /** Tells the caller, once the commit is over. */
  readonly tell: () => void;
}

/** The queue before a writer of this process. */
export class WriterQueue implements WriteQueue {
  readonly #port: WriterPort;
  readonly #committed: () => void;
  readonly #lock = new Lock();
  readonly #waiting: Waiting[] = [];
  readonly #scope = new TransactionScope();
  #draining: Promise<void> | undefined;
  #isClosed = false;
  #transactions = 0;
  #commits = 0;

  /**
   * @param options.committed called after each commit, before anyone is told of it
   */
  constructor({ port, committed }: { port: WriterPort; committed: () => void }) {
    this.#port = port;
    this.#committed = committed;
  }

  get transactions(): number {
    return this.#transactions;
  }

  get commits(): number {
    return this.#commits;
  }

  transaction<T>(body: Body<T>): Promise<T> {
    this.requireOutside();
    if (this.#isClosed) return Promise.reject(new Error("The store is closed."));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#waiting.push({
      reject,
      perform: async (connection) => {
        try {
          const value = await this.#scope.run(() => body(connection));
          return { failed: false, tell: () => resolve(value) };
        } catch (cause) {
          return { failed: true, tell: () => reject(cause) };
        }
      },
    });
    this.#start();
    return promise;
  }

  requireOutside(): void {
    this.#scope.requireOutside();
  }

  async between<T>(work: () => T | Promise<T>): Promise<T> {
    const release = await this.#lock.acquire();
    try {
      return await work();
    } finally {
      release();
    }
  }

  async truncateLog(): Promise<boolean> {
    this.requireOutside();
    const { rows } = await this.between(() => this.#port.run([{ do: "truncate" }]));
    return rows[0]?.["busy"] === 0;
  }

  async finish(): Promise<void> {
    this.#isClosed = true;
    while (this.#draining !== undefined) await this.#draining;
    await this.between(() => undefined);
  }

  async close(): Promise<void> {
    await this.finish();
    await this.#port.close();
  }

  #start(): void {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
      if (this.#waiting.length > 0) this.#start();
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.between(() => this.#batch());
  }

  /** One commit: the transactions that wait, and those that come while it is being filled. */
  async #batch(): Promise<void> {
    const batch = new Batch(this.#port);
    const members: { outcome: Outcome; reject: Waiting["reject"] }[] = [];
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#next(members.length)) {
      members.push({ outcome: await batch.add(next.perform, next.reject), reject: next.reject });
    }
    try {
      await batch.end();
      if (batch.released > 0) {
        this.#commits += 1;
        this.#transactions += batch.released;
        this.#committed();
      }
    } catch (cause) {
      for (const { reject } of members) reject(cause);
      return;
    }
    for (const { outcome } of members) outcome.tell();
  }

  #next(taken: number): Waiting | undefined {
    return taken < BATCH_MAX ? this.#waiting.shift() : undefined;
  }
}

/** The transactions of one commit. What needs no answer is sent with the next statement, to save the way to the writer. */
class Batch {
  readonly #port: WriterPort;
  #unsent: Step[] = [];
  #isBegun = false;
  /** Transactions that the commit will make last. */
  released = 0;

  constructor(port: WriterPort) {
    this.#port = port;
  }

  /** Runs one transaction and keeps or undoes what it did. Never throws. */
  async add(perform: Waiting["perform"], reject: Waiting["reject"]): Promise<Outcome> {
    const connection = new BatchConnection((steps) => this.#send(steps));
    let outcome = await perform(connection);
    const fault = connection.end();
    if (!outcome.failed && fault !== undefined) outcome = { failed: true, tell: () => reject(fault) };
    if (!connection.isUsed) return outcome;
    this.#unsent.push({ do: outcome.failed ? "rollback" : "release" });
    if (!outcome.failed) this.released += 1;
    return outcome;
  }

  async end(): Promise<void> {
    if (!this.#isBegun) return;
    await this.#send([this.released > 0 ? { do: "commit", transactions: this.released } : { do: "abandon" }]);
  }

  #send(steps: readonly Step[]): Promise<Answer> {
    this.#isBegun = true;
    const all = [...this.#unsent, ...steps];
    this.#unsent = [];
    return this.#port.run(all);
  }
}

class BatchConnection implements TransactionConnection {
  readonly #send: (steps: readonly Step[]) => Promise<Answer>;
  #isOver = false;
  #unanswered = 0;
  #failure: Error | undefined;
  isUsed = false;

  constructor(send: (steps: readonly Step[]) => Promise<Answer>) {
    this.#send = send;
  }

  async execute(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    if (this.#isOver) throw new Error("The transaction is over.");
    const statement: Step = { do: "execute", sql, parameters };
    const steps: readonly Step[] = this.isUsed ? [statement] : [{ do: "open" }, statement];
    this.isUsed = true;
    this.#unanswered += 1;
    try {
      return await this.#send(steps);
    } catch (cause) {
      this.#failure ??= cause instanceof Error ? cause : new Error("A statement failed.", { cause });
      throw cause;
    } finally {
      this.#unanswered -= 1;
    }
  }

  /** Ends the transaction. Returns why it may not be kept: a statement failed, or its outcome was not waited for. */
  end(): Error | undefined {
    this.#isOver = true;
    if (this.#unanswered > 0) return new Error("A transaction ended before its statements.");
    return this.#failure;
  }
}
