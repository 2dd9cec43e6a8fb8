/** What the body of a write transaction gets. */

import type { Transaction } from "kysely";
import { appendChange, appendChanges } from "./feed.ts";
import { type Engine, transactionOver } from "./kysely.ts";
import { loadRow } from "./rows.ts";
import type { ChangeKind, Schema } from "./schema.ts";
import type { Names, Reader, Rows, Tx } from "./store.ts";
import { type Missing, MissingReader, type Run, runReading, settleMissing, viewName } from "./view.ts";
import type { TransactionConnection } from "./write-queue.ts";

type RowsByKey = Map<string, { readonly row: Rows[ChangeKind] | undefined }>;

/** One transaction over the writer's connection. */
export class StoreTransaction implements Tx {
  readonly db: Transaction<Schema>;

  constructor(connection: TransactionConnection, engine: Engine) {
    this.db = transactionOver((sql, parameters) => connection.execute(sql, parameters), engine);
  }

  async settle<T>(reading: (reader: Reader) => T): Promise<T> {
    const rows: RowsByKey = new Map();
    const run = (): Run<T> => runReading(reading, new MissingReader((key) => rows.get(key)));
    const first = run();
    if (first.missing === undefined) return first.value;
    return settleMissing({ missing: first.missing, load: (missing) => this.#load(missing, rows), run });
  }

  async changed<K extends ChangeKind>(kind: K, ...name: Names[K]): Promise<void> {
    await appendChange(this.db, kind, viewName(kind, ...name));
  }

  async changedAll<K extends ChangeKind>(kind: K, names: readonly Names[K][]): Promise<void> {
    await appendChanges(
      this.db,
      kind,
      names.map((name) => viewName(kind, ...name)),
    );
  }

  async #load(missing: readonly Missing[], rows: RowsByKey): Promise<void> {
    const load = async ({ key, kind, parts }: Missing): Promise<void> => {
      rows.set(key, { row: await loadRow(this.db, kind, parts) });
    };
    await Promise.all(missing.map(load));
  }
}
