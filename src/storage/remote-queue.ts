/** The write queue of a worker: its transactions take their turns in the queue of another process, which holds the writer. */

import type { Fault, ToWorker, WorkerChannel } from "./remote-messages.ts";
import type { Answer } from "./statements.ts";
import { type TransactionConnection, TransactionScope, type WriteQueue } from "./write-queue.ts";
import { DatabaseError } from "./writer-thread.ts";

interface RemoteQueueOptions {
  readonly channel: WorkerChannel;
  /** Called after each commit of this worker, before anyone is told of it. */
  readonly committed: () => void;
}

export class RemoteQueue implements WriteQueue {
  readonly #channel: WorkerChannel;
  readonly #committed: () => void;
  readonly #scope = new TransactionScope();
  readonly #open = new Map<number, RemoteTransaction>();
  readonly #truncating = new Map<number, PromiseWithResolvers<boolean>>();
  #ended: Error | undefined;
  #idle: PromiseWithResolvers<void> | undefined;
  #isClosed = false;
  #lastId = 0;
  #transactions = 0;

  constructor({ channel, committed }: RemoteQueueOptions) {
    this.#channel = channel;
    this.#committed = committed;
    channel.onMessage((message) => this.#receive(message));
    channel.onEnd(() => this.#end());
  }

  get transactions(): number {
    return this.#transactions;
  }

  /** Which of them shared a commit is known to the writer alone. */
  get commits(): number {
    return this.#transactions;
  }

  async transaction<T>(body: (connection: TransactionConnection) => Promise<T>): Promise<T> {
    this.requireOutside();
    if (this.#isClosed) throw new Error("The store is closed.");
    if (this.#ended !== undefined) throw this.#ended;
    this.#lastId += 1;
    const transaction = new RemoteTransaction(this.#lastId, this.#channel);
    this.#open.set(this.#lastId, transaction);
    try {
      return await transaction.perform((connection) => this.#scope.run(() => body(connection)));
    } finally {
      this.#open.delete(transaction.id);
      if (this.#open.size === 0) this.#idle?.resolve();
    }
  }

  requireOutside(): void {
    this.#scope.requireOutside();
  }

  /** The reader of a worker has a connection of its own, which is in nobody's way. */
  async between<T>(work: () => T | Promise<T>): Promise<T> {
    return await work();
  }

  truncateLog(): Promise<boolean> {
    this.requireOutside();
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const truncating = Promise.withResolvers<boolean>();
    this.#lastId += 1;
    this.#truncating.set(this.#lastId, truncating);
    this.#channel.send({ do: "truncate", id: this.#lastId });
    return truncating.promise;
  }

  async finish(): Promise<void> {
    this.#isClosed = true;
    if (this.#open.size === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  close(): Promise<void> {
    return this.finish();
  }

  #receive(message: ToWorker): void {
    if (message.do === "truncated") {
      const truncating = this.#truncating.get(message.id);
      this.#truncating.delete(message.id);
      if (message.fault === undefined) truncating?.resolve(message.done);
      else truncating?.reject(errorOf(message.fault));
      return;
    }
    const transaction = this.#open.get(message.id);
    if (transaction === undefined) return;
    if (message.do === "outcome" && message.fault === undefined) this.#keep(transaction);
    else transaction.receive(message);
  }

  /** The view hears of it first; where it can't, nobody is told that it went well. */
  #keep(transaction: RemoteTransaction): void {
    try {
      if (transaction.isUsed) {
        this.#transactions += 1;
        this.#committed();
      }
      transaction.receive({ do: "outcome", id: transaction.id });
    } catch (cause) {
      transaction.abandon(cause);
    }
  }

  #end(): void {
    this.#ended = new Error("The process that writes the store has gone.");
    for (const transaction of this.#open.values()) transaction.abandon(this.#ended);
    for (const { reject } of this.#truncating.values()) reject(this.#ended);
    this.#truncating.clear();
  }
}

/** One transaction of a worker. */
class RemoteTransaction implements TransactionConnection {
  readonly id: number;
  readonly #channel: WorkerChannel;
  readonly #granted = Promise.withResolvers<void>();
  readonly #outcome = Promise.withResolvers<void>();
  readonly #statements = new Map<number, PromiseWithResolvers<Answer>>();
  #lastStatement = 0;
  #isOver = false;

  constructor(id: number, channel: WorkerChannel) {
    this.id = id;
    this.#channel = channel;
    // Whoever waits hears of a failure; before and after, nobody waits for these.
    this.#granted.promise.catch(() => undefined);
    this.#outcome.promise.catch(() => undefined);
  }

  get isUsed(): boolean {
    return this.#lastStatement > 0;
  }

  /** Waits for its turn, runs the body and has the outcome told after the commit, as `WriteQueue.transaction`. */
  async perform<T>(body: (connection: TransactionConnection) => Promise<T>): Promise<T> {
    this.#channel.send({ do: "begin", id: this.id });
    await this.#granted.promise;
    let value: T;
    try {
      value = await body(this);
      if (this.#statements.size > 0) throw new Error("A transaction ended before its statements.");
    } catch (cause) {
      await this.#end(true).catch(() => undefined);
      throw cause;
    }
    await this.#end(false);
    return value;
  }

  async execute(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    if (this.#isOver) throw new Error("The transaction is over.");
    this.#lastStatement += 1;
    const answer = Promise.withResolvers<Answer>();
    answer.promise.catch(() => undefined); // where nobody waits for it, the transaction fails all the same
    this.#statements.set(this.#lastStatement, answer);
    this.#channel.send({ do: "execute", id: this.id, statement: this.#lastStatement, sql, parameters });
    return await answer.promise;
  }

  /** Takes what came from the writer. */
  receive(message: Exclude<ToWorker, { readonly do: "truncated" }>): void {
    switch (message.do) {
      case "granted":
        this.#granted.resolve();
        return;
      case "answer":
        this.#take(message.statement)?.resolve(ownAnswer(message.answer));
        return;
      case "failure":
        this.#take(message.statement)?.reject(errorOf(message.fault));
        return;
      case "outcome":
        if (message.fault === undefined) this.#outcome.resolve();
        else this.abandon(errorOf(message.fault));
    }
  }

  /** Fails whatever waits. */
  abandon(cause: unknown): void {
    this.#isOver = true;
    this.#granted.reject(cause);
    this.#outcome.reject(cause);
    for (const { reject } of this.#statements.values()) reject(cause);
    this.#statements.clear();
  }

  #end(failed: boolean): Promise<void> {
    this.#isOver = true;
    this.#channel.send({ do: "end", id: this.id, failed });
    return this.#outcome.promise;
  }

  #take(statement: number): PromiseWithResolvers<Answer> | undefined {
    const answer = this.#statements.get(statement);
    this.#statements.delete(statement);
    return answer;
  }
}

/** Bytes come as views of the message that brought them; from here on each has memory of its own. */
function ownAnswer(answer: Answer): Answer {
  const own = (value: unknown): unknown => (value instanceof Uint8Array ? new Uint8Array(value) : value);
  const rows = answer.rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, own(value)])),
  );
  return { ...answer, rows };
}

function errorOf({ message, errcode }: Fault): Error {
  return new DatabaseError(message, errcode);
}
