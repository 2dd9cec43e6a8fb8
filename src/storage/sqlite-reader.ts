/** How rows are read outside transactions: on a connection of its own, or on the writer's. */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Answer, Statements } from "./statements.ts";

export interface SqliteReader {
  /** Whether it may not run while a transaction is open. */
  readonly isShared: boolean;
  /** Runs one statement, at once. */
  run(sql: string, parameters: readonly unknown[]): Answer;
  /** Whether anyone else has committed since the last call; cheap. */
  hasNews(): boolean;
  close(): void;
}

/** A connection that does nothing but read. */
export class OwnReader implements SqliteReader {
  readonly isShared = false;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #dataVersion: StatementSync;
  #known: unknown;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = new Statements(database);
    this.#dataVersion = database.prepare("PRAGMA data_version");
    this.#dataVersion.setReturnArrays(true);
  }

  run(sql: string, parameters: readonly unknown[]): Answer {
    return this.#statements.run(sql, parameters);
  }

  /** SQLite changes the number when any other connection, in whatever process, has committed. */
  hasNews(): boolean {
    const [version] = this.#dataVersion.get() as unknown as readonly unknown[]; // an array: see the constructor
    if (version === this.#known) return false;
    this.#known = version;
    return true;
  }

  close(): void {
    this.#database.close();
  }
}

/** The writer's connection, which is closed by the writer; nobody else can reach its database. */
export class SharedReader implements SqliteReader {
  readonly isShared = true;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#statements = new Statements(database);
  }

  run(sql: string, parameters: readonly unknown[]): Answer {
    this.#database.exec("PRAGMA query_only = ON");
    try {
      return this.#statements.run(sql, parameters);
    } finally {
      this.#database.exec("PRAGMA query_only = OFF");
    }
  }

  hasNews(): boolean {
    return false;
  }

  close(): void {}
}
