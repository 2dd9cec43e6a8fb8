/** Kysely over our own connections: one compiler, and no connection or transaction of Kysely's making. */

import {
  type CompiledQuery,
  type ConnectionProvider,
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  Transaction,
} from "kysely";
import type { Schema } from "./schema.ts";
import type { Answer } from "./statements.ts";

/** Runs one compiled statement. */
export type Execute = (sql: string, parameters: readonly unknown[]) => Promise<Answer>;

const adapter = new SqliteAdapter();
const compiler = new SqliteQueryCompiler();

/** Queries outside transactions; `transaction()` and `connection()` of the result are refused. */
export function kyselyOver(execute: Execute): Kysely<Schema> {
  return new Kysely<Schema>(propsOver(execute));
}

/** Queries inside one transaction, which whoever made `execute` begins and ends. */
export function transactionOver(execute: Execute): Transaction<Schema> {
  return new Transaction<Schema>(propsOver(execute));
}

function propsOver(execute: Execute) {
  const connection = new Connection(execute);
  const provider: ConnectionProvider = { provideConnection: (consumer) => consumer(connection) };
  return { config: { dialect }, dialect, driver, executor: new DefaultQueryExecutor(compiler, adapter, provider) };
}

class Connection implements DatabaseConnection {
  readonly #execute: Execute;

  constructor(execute: Execute) {
    this.#execute = execute;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, affected, insertId } = await this.#execute(sql, parameters);
    const result = { rows: rows as unknown as R[] }; // the schema's types are what the STRICT tables hold
    if (affected === undefined || insertId === undefined) return result;
    return { ...result, numAffectedRows: BigInt(affected), insertId: BigInt(insertId) };
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw refused(); // an unfinished read would be a transaction that holds the log
  }
}

function refused(): Error {
  return new Error("Transactions, connections and streams of the store are not Kysely's.");
}

/** Kysely wants a driver; ours is never asked, since the executor has its connection already. */
const driver: Driver = {
  init: async () => {},
  destroy: async () => {},
  acquireConnection: async () => Promise.reject(refused()),
  releaseConnection: async () => {},
  beginTransaction: async () => Promise.reject(refused()),
  commitTransaction: async () => Promise.reject(refused()),
  rollbackTransaction: async () => Promise.reject(refused()),
};

const dialect: Dialect = {
  createAdapter: () => adapter,
  createQueryCompiler: () => compiler,
  createDriver: () => driver,
  createIntrospector: (db) => new SqliteIntrospector(db),
};
