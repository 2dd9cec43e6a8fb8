/** The store over PostgreSQL: reads through a pool, a writer under the cluster's lock, a view under a lease. */

import pg from "pg";
import { LeasedFeed } from "./leased-feed.ts";
import { asPostgresError, clientConfig, PostgresConnection, runOn, waitForDisk } from "./postgres-connection.ts";
import { PostgresWriter } from "./postgres-writer.ts";
import type { Answer } from "./statements.ts";
import { ViewStore } from "./view-store.ts";
import { WriterQueue } from "./writer-queue.ts";

/** What a store on PostgreSQL is made of. */
export interface PostgresStoreOptions {
  readonly url: string;
  readonly id: string;
  readonly incarnation: string;
  readonly kind: "dev" | "serve";
  /** A random UUID, new in each process. */
  readonly node: string;
  /** Whose audit segments this node writes. */
  readonly slot: string;
  readonly schemaVersion: number;
  readonly viewEntriesMax?: number;
  /** Connections that read. */
  readonly readersMax?: number;
  /** Is told of every failure that is tried again. */
  readonly onError: (cause: unknown) => void;
  /** Lets go of what else belongs to the store, last of all. */
  release(): void;
}

const READERS_MAX = 8;
const READ_MS_MAX = 10_000;
const WRITE_MS_MAX = 10_000;
/** A client gives up a little after the server should have. */
const ANSWER_MARGIN_MS = 5_000;
/** A renewal that takes longer is worth nothing. */
const RENEWAL_MS_MAX = 2_000;
const IDLE_READER_MS = 60_000;

/** Opened by `openPostgresStore`. */
export class PostgresStore extends ViewStore {
  readonly #options: PostgresStoreOptions;
  readonly #feed: LeasedFeed;
  readonly #writer: PostgresWriter;
  #pool: pg.Pool;

  private constructor(options: PostgresStoreOptions) {
    let feed: LeasedFeed | undefined;
    const barrier = (): LeasedFeed => {
      if (feed === undefined) throw new Error("The store is not open yet.");
      return feed;
    };
    const writer = new PostgresWriter({ connect: () => connectWriter(options), barrier });
    super({ ...options, openQueue: (committed) => new WriterQueue({ port: writer, committed }) }, "postgres");
    this.#options = options;
    this.#writer = writer;
    this.#pool = this.#newPool();
    feed = new LeasedFeed({
      node: options.node,
      slot: options.slot,
      incarnation: options.incarnation,
      schemaVersion: options.schemaVersion,
      follower: this.follower(),
      connect: () => connectFollower(options),
      serverChanged: () => this.#serverChanged(),
      onError: options.onError,
    });
    this.#feed = feed;
  }

  /** Opens a store whose schema is up to date and takes the first lease. @throws PostgresError */
  static async open(options: PostgresStoreOptions): Promise<PostgresStore> {
    const store = new PostgresStore(options);
    try {
      await store.#feed.start();
      return store;
    } catch (cause) {
      await store.close();
      throw cause;
    }
  }

  /** Nothing to be done here: pages and logs of a database server are its own. */
  async truncateLog(): Promise<boolean> {
    return true;
  }

  /** The barrier lies before this: the port resolves when the commit is in the view. */
  protected override committed(): void {}

  protected override isCurrent(): boolean {
    return this.#feed.isValid;
  }

  protected override current(): Promise<void> {
    return this.#feed.valid();
  }

  /** A server that others have left behind answers, too: what it gave counts only under a lease, or is asked again. */
  protected override async read(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    for (;;) {
      await this.#feed.valid();
      const answer = await runOn(this.#pool, sql, parameters);
      if (this.#feed.isValid) return answer;
    }
  }

  protected override async release(): Promise<void> {
    try {
      await this.queue.finish();
      await this.#feed.close();
      await this.#pool.end();
      await this.queue.close();
    } finally {
      this.#options.release();
    }
  }

  #newPool(): pg.Pool {
    const { url, readersMax = READERS_MAX, onError } = this.#options;
    const answerMs = READ_MS_MAX + ANSWER_MARGIN_MS;
    const session = { url, purpose: "reader", statementMs: READ_MS_MAX, answerMs, readOnly: true };
    const pool = new pg.Pool({ ...clientConfig(session), max: readersMax, idleTimeoutMillis: IDLE_READER_MS });
    pool.on("error", (cause) => onError(asPostgresError(cause))); // a connection that breaks while nobody uses it
    return pool;
  }

  #serverChanged(): void {
    this.#pool.end().catch((cause: unknown) => this.#options.onError(cause));
    this.#pool = this.#newPool();
    this.#writer.drop();
  }
}

/** With a session that waits for the disk, whatever the server's default is: an answered change is never lost. */
async function connectWriter({ url }: PostgresStoreOptions): Promise<PostgresConnection> {
  const answerMs = WRITE_MS_MAX + ANSWER_MARGIN_MS;
  const connection = await PostgresConnection.open({
    url,
    purpose: "writer",
    statementMs: WRITE_MS_MAX,
    answerMs,
    pipeline: true,
  });
  await waitForDisk(connection);
  return connection;
}

async function connectFollower({ url }: PostgresStoreOptions): Promise<PostgresConnection> {
  const answerMs = RENEWAL_MS_MAX;
  const connection = await PostgresConnection.open({ url, purpose: "follower", statementMs: answerMs, answerMs });
  await waitForDisk(connection);
  return connection;
}
