/** What the stores of both engines have in common: a view that follows the feed, and a queue of write transactions. */

import type { Kysely } from "kysely";
import type { Follower } from "./feed.ts";
import { type Engine, kyselyOver } from "./kysely.ts";
import { loadRow } from "./rows.ts";
import type { ChangeKind, Schema } from "./schema.ts";
import type { Answer } from "./statements.ts";
import type { Reader, Store, Tx } from "./store.ts";
import { StoreTransaction } from "./transaction.ts";
import { MissingReader, partsOfViewName, type Run, runReading, settleMissing, View } from "./view.ts";
import type { OpenQueue, WriteQueue } from "./write-queue.ts";

/** Rows that a view holds when nothing else is said. */
export const VIEW_ENTRIES_MAX = 100_000;

/** Which store it is, and how much of it is held in memory. */
export interface ViewStoreOptions {
  readonly id: string;
  readonly incarnation: string;
  readonly kind: "dev" | "serve";
  /** What carries write transactions out. */
  readonly openQueue: OpenQueue;
  /** Rows held by the view, 100,000 when not given. */
  readonly viewEntriesMax?: number;
}

type ChangeListener = (kind: ChangeKind, name: readonly string[]) => void;

/** A store but for how it reads and how it learns of what others committed. */
export abstract class ViewStore implements Store {
  readonly id: string;
  readonly incarnation: string;
  readonly kind: "dev" | "serve";
  readonly db: Kysely<Schema>;
  protected readonly queue: WriteQueue;
  protected readonly view: View;
  readonly #engine: Engine;
  readonly #findEntry = (key: string) => this.view.find(key);
  readonly #changeListeners: ChangeListener[] = [];
  readonly #resetListeners: (() => void)[] = [];
  #closing: Promise<void> | undefined;

  constructor(
    { id, incarnation, kind, openQueue, viewEntriesMax = VIEW_ENTRIES_MAX }: ViewStoreOptions,
    engine: Engine,
  ) {
    this.id = id;
    this.incarnation = incarnation;
    this.kind = kind;
    this.#engine = engine;
    this.queue = openQueue(() => this.committed());
    this.db = kyselyOver((sql, parameters) => this.#read(sql, parameters), engine);
    this.view = new View({ load: (kind, parts) => loadRow(this.db, kind, parts), entriesMax: viewEntriesMax });
  }

  /** Called after each commit of this process, before anyone is told of it. */
  protected abstract committed(): void;
  /** Called in the tick in which a reading decides: the view must be right, or nothing may be answered. */
  protected abstract requireCurrent(): void;
  /** Runs one statement outside transactions. */
  protected abstract read(sql: string, parameters: readonly unknown[]): Answer | Promise<Answer>;
  /** Lets go of everything, once the queue takes no more. */
  protected abstract release(): Promise<void>;

  settle<T>(reading: (reader: Reader) => T): T | Promise<T> {
    const first = this.#run(reading);
    if (first.missing === undefined) return first.value;
    return settleMissing({
      missing: first.missing,
      load: (missing) => this.view.fill(missing),
      run: () => this.#run(reading),
    });
  }

  transaction<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    return this.queue.transaction((connection) => body(new StoreTransaction(connection, this.#engine)));
  }

  onChange(listener: ChangeListener): void {
    this.#changeListeners.push(listener);
  }

  onReset(listener: () => void): void {
    this.#resetListeners.push(listener);
  }

  abstract truncateLog(): Promise<boolean>;

  statistics(): { transactions: number; commits: number; viewEntries: number } {
    return { transactions: this.queue.transactions, commits: this.queue.commits, viewEntries: this.view.size };
  }

  close(): Promise<void> {
    this.#closing ??= this.release();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What the feed does to the view and to those who listen. */
  protected follower(): Follower {
    return {
      changed: (changes) => {
        const names = changes.map(({ kind, name }) => ({ kind, name, parts: partsOfViewName(kind, name) }));
        for (const { kind, name } of names) this.view.drop(kind, name);
        for (const { kind, parts } of names) for (const listener of this.#changeListeners) listener(kind, parts);
      },
      reset: () => {
        this.view.clear();
        for (const listener of this.#resetListeners) listener();
      },
    };
  }

  #run<T>(reading: (reader: Reader) => T): Run<T> {
    this.requireCurrent();
    return runReading(reading, new MissingReader(this.#findEntry));
  }

  async #read(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    this.queue.requireOutside();
    return await this.read(sql, parameters);
  }
}
