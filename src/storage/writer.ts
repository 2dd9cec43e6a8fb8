/** The one connection that writes: transactions as savepoints inside shared commits, step by step. */

import type { DatabaseSync } from "node:sqlite";
import { type Answer, Statements } from "./statements.ts";

/**
 * What the writer can be told to do.
 *
 * - `open` begins a transaction: a savepoint, inside BEGIN IMMEDIATE if it is the first of its commit;
 * - `release` and `rollback` end it; its changes are on the disk only after `commit`;
 * - `commit` commits all that were released since the last one, `transactions` in number, or none;
 * - `abandon` ends a commit in which nothing was released;
 * - `truncate` empties the write-ahead log.
 */
export type Step =
  | { readonly do: "open" | "release" | "rollback" | "abandon" | "truncate" }
  | { readonly do: "execute"; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly do: "commit"; readonly transactions: number };

/** Takes steps to wherever the writer lives: the same thread, a worker thread, another process. */
export interface WriterPort {
  /** Runs steps in order, up to the first that fails, and gives the answer of the last. Calls run in their order. */
  run(steps: readonly Step[]): Promise<Answer>;
  /** Finishes what was sent and closes the connection. */
  close(): Promise<void>;
}

const TRUNCATE_WAIT_MS = 250;

const NOTHING: Answer = { rows: [] };

/** Performs steps on a connection that belongs to it alone. */
export class Writer {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  #isOpen = false;
  /** Transactions released since BEGIN. SQLite undoes them all by itself when a disk is full or fails. */
  #released = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = new Statements(database);
  }

  /** @throws Error of the first step that failed; those after it were not run */
  run(steps: readonly Step[]): Answer {
    let answer = NOTHING;
    for (const step of steps) answer = this.#run(step);
    return answer;
  }

  #run(step: Step): Answer {
    switch (step.do) {
      case "execute":
        if (!this.#isOpen || !this.#database.isTransaction) throw new Error("No transaction is open.");
        return this.#statements.run(step.sql, step.parameters);
      case "open":
        this.#open();
        return NOTHING;
      case "release":
        this.#isOpen = false;
        this.#database.exec("RELEASE tx");
        this.#released += 1;
        return NOTHING;
      case "rollback":
        if (this.#isOpen && this.#database.isTransaction) this.#database.exec("ROLLBACK TO tx; RELEASE tx");
        this.#isOpen = false;
        return NOTHING;
      case "commit":
        this.#commit(step.transactions);
        return NOTHING;
      case "abandon":
        this.#abandon();
        return NOTHING;
      case "truncate":
        return this.#truncate();
    }
  }

  /** Waits for readers of other processes only briefly: meanwhile nobody's transaction goes on. */
  #truncate(): Answer {
    const timeout = this.#database.prepare("PRAGMA busy_timeout").get()?.["timeout"];
    this.#database.exec(`PRAGMA busy_timeout = ${TRUNCATE_WAIT_MS}`);
    try {
      return this.#statements.run("PRAGMA wal_checkpoint(TRUNCATE)", []);
    } finally {
      this.#database.exec(`PRAGMA busy_timeout = ${Number(timeout)}`);
    }
  }

  #open(): void {
    if (!this.#database.isTransaction) {
      this.#released = 0;
      this.#database.exec("BEGIN IMMEDIATE");
    }
    this.#database.exec("SAVEPOINT tx");
    this.#isOpen = true;
  }

  #commit(transactions: number): void {
    const isWhole = this.#database.isTransaction && this.#released === transactions;
    try {
      if (!isWhole) throw new Error("The transactions of this commit were undone by the database.");
      this.#database.exec("COMMIT");
    } finally {
      this.#abandon();
    }
  }

  #abandon(): void {
    this.#isOpen = false;
    if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
  }
}

/** A writer in the thread of its caller (in-memory stores). */
export class LocalPort implements WriterPort {
  readonly #writer: Writer;
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#writer = new Writer(database);
    this.#database = database;
  }

  async run(steps: readonly Step[]): Promise<Answer> {
    return this.#writer.run(steps);
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}
