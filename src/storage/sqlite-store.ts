/** The store over SQLite, whichever way its connections are held: view, feed and writer queue joined. */

import type { DatabaseSync } from "node:sqlite";
import { Feed } from "./feed.ts";
import type { PrimaryChannel } from "./remote-messages.ts";
import { RemoteTransactions, type WorkerHandlers } from "./remote-transactions.ts";
import { OwnReader, SharedReader, type SqliteReader } from "./sqlite-reader.ts";
import type { Answer } from "./statements.ts";
import { ViewStore, type ViewStoreOptions } from "./view-store.ts";

/** The connections of a store, and what else it is made of. */
export interface SqliteStoreOptions extends ViewStoreOptions {
  /** The connection that reads. */
  readonly reader: DatabaseSync;
  /** Whether `reader` is the writer's own connection: reads then wait while a transaction is open. */
  readonly shared: boolean;
  /** Lets go of the directory, last of all. */
  release(): void;
}

export class SqliteStore extends ViewStore {
  readonly #reader: SqliteReader;
  readonly #feed: Feed;
  readonly #release: () => void;
  /** Something was committed that the view may not know. */
  #isBehind = false;

  constructor(options: SqliteStoreOptions) {
    super(options, "sqlite");
    const { reader, shared } = options;
    this.#release = () => options.release();
    this.#reader = shared ? new SharedReader(reader) : new OwnReader(reader);
    this.#feed = new Feed((sql, parameters) => this.#reader.run(sql, parameters), this.follower());
  }

  hostWorker(channel: PrimaryChannel, handlers: WorkerHandlers): void {
    new RemoteTransactions({ queue: this.queue, channel, handlers });
  }

  truncateLog(): Promise<boolean> {
    return this.queue.truncateLog();
  }

  protected override committed(): void {
    this.#follow(true);
  }

  protected override requireCurrent(): void {
    this.#follow(this.#reader.hasNews());
  }

  protected override read(sql: string, parameters: readonly unknown[]): Answer | Promise<Answer> {
    if (!this.#reader.isShared) return this.#reader.run(sql, parameters);
    return this.queue.between(() => this.#reader.run(sql, parameters));
  }

  /** The reader goes first: the last connection to close folds the log into the database, and it may not write. */
  protected override async release(): Promise<void> {
    try {
      await this.queue.finish();
      this.#reader.close();
      await this.queue.close();
    } finally {
      this.#release();
    }
  }

  /** Brings the view up to date, in the tick in which a reading decides. While that fails, nothing is answered. */
  #follow(news: boolean): void {
    if (news) this.#isBehind = true;
    if (!this.#isBehind) return;
    this.#feed.follow();
    this.#isBehind = false;
  }
}
