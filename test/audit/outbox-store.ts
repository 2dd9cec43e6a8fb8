/** A store with nothing but an outbox, in memory, for tests of the recorder. */

import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { Kysely, SqliteDialect } from "kysely";
import { MIGRATIONS } from "../../src/storage/migrations.ts";
import type { Schema } from "../../src/storage/schema.ts";
import type { Store, Tx } from "../../src/storage/store.ts";

function unused(): never {
  throw new Error("The audit room does not read rows by name.");
}

/** Transactions one after another, as a store's are. */
export class OutboxStore implements Pick<Store, "transaction"> {
  readonly #database = new DatabaseSync(":memory:");
  readonly #db: Kysely<Schema>;
  #last: Promise<unknown> = Promise.resolve();
  /** Called with each statement's text; what it throws fails the statement. */
  onStatement: (sql: string) => void = () => undefined;

  constructor() {
    for (const { sqlite } of MIGRATIONS) this.#database.exec(sqlite);
    this.#db = new Kysely<Schema>({
      dialect: new SqliteDialect({
        database: {
          close: () => this.#database.close(),
          prepare: (sql) => {
            this.onStatement(sql);
            const statement = this.#database.prepare(sql);
            return {
              reader: statement.columns().length > 0,
              all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
              run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
              iterate: (parameters) =>
                statement.iterate(...(parameters as SQLInputValue[])) as IterableIterator<unknown>,
            };
          },
        },
      }),
    });
  }

  transaction<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    const run = () =>
      this.#db
        .transaction()
        .execute((db) => body({ db, settle: () => unused(), changed: () => unused(), changedAll: () => unused() }));
    const result = this.#last.then(run);
    this.#last = result.catch(() => undefined);
    return result;
  }

  outboxRows(): number {
    return Number(this.#database.prepare("SELECT count(*) AS rows FROM outbox").get()?.["rows"]);
  }
}
