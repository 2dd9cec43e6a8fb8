/** The store over SQLite, whichever way its connections are held: view, feed and writer queue joined. */

import type { DatabaseSync } from "node:sqlite";
import type { Kysely } from "kysely";
import { Feed, type Follower } from "./feed.ts";
import { kyselyOver } from "./kysely.ts";
import type { PrimaryChannel } from "./remote-messages.ts";
import { RemoteTransactions, type WorkerHandlers } from "./remote-transactions.ts";
import { loadRow } from "./rows.ts";
import type { ChangeKind, Schema } from "./schema.ts";
import { OwnReader, SharedReader, type SqliteReader } from "./sqlite-reader.ts";
import type { Answer } from "./statements.ts";
import type { Reader, Store, Tx } from "./store.ts";
import { StoreTransaction } from "./transaction.ts";
import { MissingReader, partsOfViewName, type Run, runReading, settleMissing, View } from "./view.ts";
import type { OpenQueue, WriteQueue } from "./write-queue.ts";

/** Rows that a view holds when nothing else is said. */
export const VIEW_ENTRIES_MAX = 100_000;

/** The connections of a store, and what else it is made of. */
export interface SqliteStoreOptions {
  readonly id: string;
  readonly incarnation: string;
  readonly kind: "dev" | "serve";
  /** What carries write transactions out. */
  readonly openQueue: OpenQueue;
  /** The connection that reads. */
  readonly reader: DatabaseSync;
  /** Whether `reader` is the writer's own connection: reads then wait while a transaction is open. */
  readonly shared: boolean;
  /** Lets go of the directory, last of all. */
  release(): void;
  /** Rows held by the view, 100,000 when not given. */
  readonly viewEntriesMax?: number;
}

type ChangeListener = (kind: ChangeKind, name: readonly string[]) => void;

export class SqliteStore implements Store {
  readonly id: string;
  readonly incarnation: string;
  readonly kind: "dev" | "serve";
  readonly db: Kysely<Schema>;
  readonly #reader: SqliteReader;
  readonly #queue: WriteQueue;
  readonly #view: View;
  readonly #feed: Feed;
  readonly #findEntry = (key: string) => this.#view.find(key);
  readonly #changeListeners: ChangeListener[] = [];
  readonly #resetListeners: (() => void)[] = [];
  readonly #release: () => void;
  /** Something was committed that the view may not know. */
  #isBehind = false;
  #closing: Promise<void> | undefined;

  constructor(options: SqliteStoreOptions) {
    const { id, incarnation, kind, openQueue, reader, shared, viewEntriesMax = VIEW_ENTRIES_MAX } = options;
    this.id = id;
    this.incarnation = incarnation;
    this.kind = kind;
    this.#release = () => options.release();
    this.#reader = shared ? new SharedReader(reader) : new OwnReader(reader);
    this.#queue = openQueue(() => this.#follow(true));
    this.db = kyselyOver((sql, parameters) => this.#read(sql, parameters));
    this.#view = new View({ load: (kind, parts) => loadRow(this.db, kind, parts), entriesMax: viewEntriesMax });
    this.#feed = new Feed((sql, parameters) => this.#reader.run(sql, parameters), this.#follower());
  }

  settle<T>(reading: (reader: Reader) => T): T | Promise<T> {
    const first = this.#run(reading);
    if (first.missing === undefined) return first.value;
    return settleMissing({
      missing: first.missing,
      load: (missing) => this.#view.fill(missing),
      run: () => this.#run(reading),
    });
  }

  transaction<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#queue.transaction((connection) => body(new StoreTransaction(connection)));
  }

  hostWorker(channel: PrimaryChannel, handlers: WorkerHandlers): void {
    new RemoteTransactions({ queue: this.#queue, channel, handlers });
  }

  onChange(listener: ChangeListener): void {
    this.#changeListeners.push(listener);
  }

  onReset(listener: () => void): void {
    this.#resetListeners.push(listener);
  }

  truncateLog(): Promise<boolean> {
    return this.#queue.truncateLog();
  }

  statistics(): { transactions: number; commits: number; viewEntries: number } {
    return { transactions: this.#queue.transactions, commits: this.#queue.commits, viewEntries: this.#view.size };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The reader goes first: the last connection to close folds the log into the database, and it may not write. */
  async #close(): Promise<void> {
    try {
      await this.#queue.finish();
      this.#reader.close();
      await this.#queue.close();
    } finally {
      this.#release();
    }
  }

  #run<T>(reading: (reader: Reader) => T): Run<T> {
    this.#follow(this.#reader.hasNews());
    return runReading(reading, new MissingReader(this.#findEntry));
  }

  /** Brings the view up to date, in the tick in which a reading decides. While that fails, nothing is answered. */
  #follow(news: boolean): void {
    if (news) this.#isBehind = true;
    if (!this.#isBehind) return;
    this.#feed.follow();
    this.#isBehind = false;
  }

  async #read(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    this.#queue.requireOutside();
    if (!this.#reader.isShared) return this.#reader.run(sql, parameters);
    return this.#queue.between(() => this.#reader.run(sql, parameters));
  }

  #follower(): Follower {
    return {
      changed: (changes) => {
        const names = changes.map(({ kind, name }) => ({ kind, name, parts: partsOfViewName(kind, name) }));
        for (const { kind, name } of names) this.#view.drop(kind, name);
        for (const { kind, parts } of names) for (const listener of this.#changeListeners) listener(kind, parts);
      },
      reset: () => {
        this.#view.clear();
        for (const listener of this.#resetListeners) listener();
      },
    };
  }
}
