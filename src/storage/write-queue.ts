/** What a store asks of whoever carries its write transactions out: a queue in this process, or in another one. */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Answer } from "./statements.ts";

/** Runs statements of one transaction; refuses them when it is over. */
export interface TransactionConnection {
  execute(sql: string, parameters: readonly unknown[]): Promise<Answer>;
}

/** Write transactions, one after another in the order of the calls. */
export interface WriteQueue {
  /** Transactions of this process that were committed. */
  readonly transactions: number;
  /** Commits that they took, where this process knows. */
  readonly commits: number;
  /** Resolves with what `body` returned, once it is committed; rejects with what it threw, or why the commit failed. */
  transaction<T>(body: (connection: TransactionConnection) => Promise<T>): Promise<T>;
  /**
   * @throws Error when the caller is inside a transaction of this store: it would wait for itself for ever, or would read
   *   what was before its transaction
   */
  requireOutside(): void;
  /** Runs `work` while no transaction is open (readers that share the writer's connection do). */
  between<T>(work: () => T | Promise<T>): Promise<T>;
  /** Empties the write-ahead log, between two commits. Returns false when a reader of another process held it. */
  truncateLog(): Promise<boolean>;
  /** Refuses what comes after, and resolves when everything that is queued is done. */
  finish(): Promise<void>;
  /** Finishes, and closes the writer. */
  close(): Promise<void>;
}

/** Makes a queue that calls `committed` after each commit of this process, before anyone is told of it. */
export type OpenQueue = (committed: () => void) => WriteQueue;

/** Knows which code runs inside a transaction. */
export class TransactionScope {
  readonly #inside = new AsyncLocalStorage<{ isOver: boolean }>();

  /** Runs the body of a transaction. */
  async run<T>(body: () => Promise<T>): Promise<T> {
    const scope = { isOver: false };
    try {
      return await this.#inside.run(scope, body);
    } finally {
      scope.isOver = true;
    }
  }

  /** As `WriteQueue.requireOutside`. */
  requireOutside(): void {
    if (this.#inside.getStore()?.isOver === false) {
      throw new Error("Inside a transaction, the store is reached through the transaction only.");
    }
  }
}
