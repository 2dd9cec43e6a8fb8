/** Kysely over our own connections: a compiler for each engine, and no connection or transaction of Kysely's making. */

import {
  type CompiledQuery,
  type ConnectionProvider,
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type DialectAdapter,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
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

/** The engines, by the dialect that they speak. */
export type Engine = "sqlite" | "postgres";

/** Queries outside transactions; `transaction()` and `connection()` of the result are refused. */
export function kyselyOver(execute: Execute, engine: Engine): Kysely<Schema> {
  return new Kysely<Schema>(propsOver(execute, engine));
}

/** Queries inside one transaction, which whoever made `execute` begins and ends. */
export function transactionOver(execute: Execute, engine: Engine): Transaction<Schema> {
  return new Transaction<Schema>(propsOver(execute, engine));
}

function propsOver(execute: Execute, engine: Engine) {
  const connection = new Connection(execute);
  const provider: ConnectionProvider = { provideConnection: (consumer) => consumer(connection) };
  const { adapter, compiler, dialect } = dialects[engine];
  return { config: { dialect }, dialect, driver, executor: new DefaultQueryExecutor(compiler, adapter, provider) };
}

class Connection implements DatabaseConnection {
  readonly #execute: Execute;

  constructor(execute: Execute) {
    this.#execute = execute;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, affected, insertId } = await this.#execute(sql, parameters);
    return {
      rows: rows as unknown as R[], // the schema's types are what the tables hold
      ...(affected !== undefined && { numAffectedRows: BigInt(affected) }),
      ...(insertId !== undefined && { insertId: BigInt(insertId) }),
    };
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

interface DialectParts {
  readonly adapter: DialectAdapter;
  readonly compiler: QueryCompiler;
  readonly dialect: Dialect;
}

const dialects: Readonly<Record<Engine, DialectParts>> = {
  sqlite: partsOf(new SqliteAdapter(), new SqliteQueryCompiler(), (db) => new SqliteIntrospector(db)),
  postgres: partsOf(new PostgresAdapter(), new PostgresQueryCompiler(), (db) => new PostgresIntrospector(db)),
};

function partsOf(
  adapter: DialectAdapter,
  compiler: QueryCompiler,
  createIntrospector: Dialect["createIntrospector"],
): DialectParts {
  const dialect: Dialect = {
    createAdapter: () => adapter,
    createQueryCompiler: () => compiler,
    createDriver: () => driver,
    createIntrospector,
  };
  return { adapter, compiler, dialect };
}
