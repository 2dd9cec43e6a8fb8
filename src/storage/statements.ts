/** Runs SQL on one SQLite connection, with its statements prepared once. */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** What one statement did. */
export interface Answer {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Rows inserted, updated or deleted; absent for statements that return rows. */
  readonly affected?: number;
  /** The rowid of the last insert on this connection, of SQLite alone; absent likewise. */
  readonly insertId?: number;
}

/** Statements kept for one connection; lists of values make SQL of many lengths. */
const STATEMENTS_MAX = 500;

interface Prepared {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

/** Must not be shared between connections. */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Runs one statement to its end: no read transaction stays open behind it.
   *
   * @throws Error as node:sqlite makes it; its message holds no values
   */
  run(sql: string, parameters: readonly unknown[]): Answer {
    const { statement, returnsRows } = this.#prepared.get(sql) ?? this.#prepare(sql);
    const values = parameters as readonly SQLInputValue[]; // node:sqlite checks each and throws for other types
    if (returnsRows) return { rows: statement.all(...values).map((row) => ({ ...row })) };
    const { changes, lastInsertRowid } = statement.run(...values);
    return { rows: [], affected: Number(changes), insertId: Number(lastInsertRowid) };
  }

  #prepare(sql: string): Prepared {
    const statement = this.#database.prepare(sql);
    const prepared = { statement, returnsRows: statement.columns().length > 0 };
    for (const [oldest] of this.#prepared) {
      if (this.#prepared.size < STATEMENTS_MAX) break;
      this.#prepared.delete(oldest);
    }
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}
