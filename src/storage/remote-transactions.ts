/** The other end of workers' write queues, in the process that holds the writer. */

import { Watchdog } from "../base/watchdog.ts";
import { type FromWorker, faultOf, type PrimaryChannel } from "./remote-messages.ts";
import type { TransactionConnection, WriteQueue } from "./write-queue.ts";

/** How the process that holds the writer learns of its workers' transactions. */
export interface WorkerHandlers {
  /** A worker's transaction was committed. */
  readonly committed: () => void;
  /** The worker holds up everybody: it stopped in the middle of a transaction, which was undone. */
  readonly stuck: () => void;
}

/** A worker that says nothing for 5 seconds inside a transaction doesn't go on. */
const SILENCE = { tickMs: 500, ticksMax: 10 };

interface Running {
  readonly ended: PromiseWithResolvers<void>;
  connection?: TransactionConnection;
  watchdog?: Watchdog;
  /** Statements that the worker waits for: meanwhile it has nothing to say. */
  unanswered: number;
  isUsed: boolean;
}

/**
 * Carries out the transactions of one worker in the common queue, each in its turn. When the worker dies inside one, that is
 * undone at once and the others go on.
 */
export class RemoteTransactions {
  readonly #queue: Pick<WriteQueue, "transaction" | "truncateLog">;
  readonly #channel: PrimaryChannel;
  readonly #handlers: WorkerHandlers;
  readonly #running = new Map<number, Running>();
  #hasEnded = false;

  constructor(options: {
    readonly queue: Pick<WriteQueue, "transaction" | "truncateLog">;
    readonly channel: PrimaryChannel;
    readonly handlers: WorkerHandlers;
  }) {
    this.#queue = options.queue;
    this.#channel = options.channel;
    this.#handlers = options.handlers;
    this.#channel.onMessage((message) => this.#receive(message));
    this.#channel.onEnd(() => this.#end());
  }

  #receive(message: FromWorker): void {
    switch (message.do) {
      case "begin":
        void this.#begin(message.id);
        return;
      case "truncate":
        void this.#truncate(message.id);
        return;
      case "execute":
        void this.#execute(message);
        return;
      case "end": {
        const ended = this.#running.get(message.id)?.ended;
        if (message.failed) ended?.reject(new Error("The worker undid its transaction."));
        else ended?.resolve();
      }
    }
  }

  async #begin(id: number): Promise<void> {
    const running: Running = { ended: Promise.withResolvers(), unanswered: 0, isUsed: false };
    running.ended.promise.catch(() => undefined); // it may end before its turn
    this.#running.set(id, running);
    try {
      await this.#queue.transaction((connection) => this.#turn(id, running, connection));
      if (running.isUsed) this.#handlers.committed();
      this.#channel.send({ do: "outcome", id });
    } catch (cause) {
      this.#channel.send({ do: "outcome", id, fault: faultOf(cause) });
    } finally {
      this.#running.delete(id);
    }
  }

  async #turn(id: number, running: Running, connection: TransactionConnection): Promise<void> {
    if (this.#hasEnded) throw gone();
    running.connection = connection;
    running.watchdog = new Watchdog({
      ...SILENCE,
      onSilence: () => this.#silent(running),
      expects: () => running.unanswered === 0,
    });
    this.#channel.send({ do: "granted", id });
    try {
      await running.ended.promise;
    } finally {
      running.watchdog.stop();
    }
  }

  #silent(running: Running): void {
    running.ended.reject(new Error("The worker did not go on with its transaction."));
    this.#handlers.stuck();
  }

  async #execute({ id, statement, sql, parameters }: Extract<FromWorker, { do: "execute" }>): Promise<void> {
    const running = this.#running.get(id);
    if (running?.connection === undefined) return; // undone meanwhile
    running.isUsed = true;
    running.unanswered += 1;
    running.watchdog?.heard();
    try {
      const answer = await running.connection.execute(sql, parameters);
      this.#channel.send({ do: "answer", id, statement, answer });
    } catch (cause) {
      this.#channel.send({ do: "failure", id, statement, fault: faultOf(cause) });
    } finally {
      running.unanswered -= 1;
    }
  }

  async #truncate(id: number): Promise<void> {
    try {
      this.#channel.send({ do: "truncated", id, done: await this.#queue.truncateLog() });
    } catch (cause) {
      this.#channel.send({ do: "truncated", id, done: false, fault: faultOf(cause) });
    }
  }

  #end(): void {
    this.#hasEnded = true;
    for (const { ended } of this.#running.values()) ended.reject(gone());
  }
}

function gone(): Error {
  return new Error("The worker has gone.");
}
