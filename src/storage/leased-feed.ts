/**
 * The feed on PostgreSQL, followed under a lease: a node answers only while every writer would wait for it.
 *
 * A node renews its lease and, after that has committed, reads the feed. A writer, after its commit, waits until every
 * lease that has not expired by the database's clock has confirmed its position. So whoever renewed before the writer looked
 * is waited for, and whoever renewed after it reads a feed that has the change. NOTIFY hurries both ways; nothing rests on it.
 */

import { FEED_HEAD, FeedCursor, type Follower, feedFrom } from "./feed.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import type { Barrier } from "./postgres-writer.ts";

/** The node can't tell at the moment what others have changed, and answers nothing. */
export class LeaseLapsedError extends Error {
  override readonly name = "LeaseLapsedError";
}

/** How long a lease lasts by the node's own clock, from before its renewal was sent. */
export const LEASE_MS = 1_000;
/** How long by the database's clock, from when the renewal reached it: clocks don't run alike. */
const LEASE_MS_AT_DATABASE = 1_100;
/** How often it is renewed. */
const RENEWAL_MS = 250;
/** After a failure, at first and at last. */
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 1_000;
/** A writer that nobody's NOTIFY wakes looks again after this. */
const CONFIRMATION_POLL_MS = 50;
/** No lease lasts so long; whoever still waits has a database that is not in order. */
const BARRIER_MS_MAX = 5_000;

const CHANGED_CHANNEL = "keystead_changed";
const CONFIRMED_CHANNEL = "keystead_confirmed";

/** The database's clock in milliseconds since the epoch. */
const DATABASE_NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

const RENEW = `INSERT INTO node_lease (node, slot, schema_version, confirmed, expires_at)
  VALUES ($1, $2, $3, $4, ${DATABASE_NOW} + ${LEASE_MS_AT_DATABASE})
  ON CONFLICT (node) DO UPDATE SET confirmed = excluded.confirmed, expires_at = excluded.expires_at
  RETURNING (SELECT incarnation FROM store) AS incarnation, (SELECT minimum_reader FROM store) AS minimum_reader`;

const UNCONFIRMED = `SELECT count(*) AS leases FROM node_lease
  WHERE node <> $1 AND confirmed < $2 AND expires_at > ${DATABASE_NOW}`;

/** Which server this is, for as long as it runs: rows seen there can't be gone while it is the same. */
const SERVER = `SELECT concat_ws(' ', pg_postmaster_start_time(), inet_server_addr(), inet_server_port()) AS server,
  pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only`;

export interface LeasedFeedOptions {
  /** A random UUID, new in each process. */
  readonly node: string;
  /** Whose audit segments this node writes. */
  readonly slot: string;
  readonly incarnation: string;
  readonly schemaVersion: number;
  readonly follower: Follower;
  connect(): Promise<PostgresConnection>;
  /** The database is another server than before: other connections are to be made anew. */
  serverChanged(): void;
  readonly onError: (cause: unknown) => void;
}

/** What the next look at the database is to do; those who ask while one is under way share it. */
interface Turn {
  renews: boolean;
  readonly done: Promise<void>;
}

export class LeasedFeed implements Barrier {
  readonly #options: LeasedFeedOptions;
  readonly #cursor: FeedCursor;
  #connection: PostgresConnection | undefined;
  #server: string | undefined;
  /** By the monotonic clock of this process. */
  #validUntil = 0;
  #running: Promise<void> = Promise.resolve();
  #next: Turn | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isClosed = false;
  /** What can't be got over: the database is another store, or written by code newer than this. */
  #stopped: Error | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(options: LeasedFeedOptions) {
    this.#options = options;
    this.#cursor = new FeedCursor(options.follower);
  }

  get position(): number {
    return this.#cursor.position;
  }

  /** @throws LeaseLapsedError when the view may be older than what a writer has answered */
  requireValid(): void {
    if (performance.now() < this.#validUntil) return;
    throw new LeaseLapsedError("This node's lease has lapsed: it can't tell what other nodes have changed.", {
      cause: this.#stopped,
    });
  }

  /** Takes the first lease and keeps renewing it. @throws PostgresError when the database can't be reached */
  async start(): Promise<void> {
    await this.#look(true);
    this.#plan();
  }

  /** Gives the lease back, so that nobody waits for it. From the call on nothing is valid. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#validUntil = 0;
    clearTimeout(this.#timer);
    await this.#running.catch(() => undefined);
    const connection = this.#connection;
    if (connection === undefined) return;
    await connection.run("DELETE FROM node_lease WHERE node = $1", [this.#options.node]).catch(() => undefined);
    await connection.close();
  }

  async passed(position: number, connection: PostgresConnection): Promise<void> {
    const told = connection.script(
      `BEGIN; SET LOCAL synchronous_commit TO OFF; NOTIFY ${CHANGED_CHANNEL}, '${this.#options.node}'; COMMIT`,
    );
    const others = this.#othersHave(position, connection);
    await Promise.all([told, others, this.#catchUp(position)]);
  }

  async unknown(): Promise<void> {
    await this.#look(true).catch(() => undefined);
  }

  async #catchUp(position: number): Promise<void> {
    while (this.#cursor.position < position) await this.#look(false);
  }

  async #othersHave(position: number, connection: PostgresConnection): Promise<void> {
    const startedAt = performance.now();
    while (performance.now() - startedAt < BARRIER_MS_MAX) {
      const confirmed = this.#nextConfirmation();
      const { rows } = await connection.run(UNCONFIRMED, [this.#options.node, position]);
      if (rows[0]?.["leases"] === 0) return;
      await confirmed;
    }
    throw new Error("A node holds a lease for longer than leases last.");
  }

  /** Resolves when any node has told that it confirmed something, or after a while. */
  #nextConfirmation(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, CONFIRMATION_POLL_MS);
      this.#waiting.add(wake);
    });
  }

  #plan(): void {
    if (this.#isClosed || this.#stopped !== undefined) return;
    const retryMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (this.#failures - 1));
    const delayMs = this.#failures === 0 ? RENEWAL_MS : retryMs;
    this.#timer = setTimeout(() => {
      this.#look(true)
        .catch((cause: unknown) => this.#options.onError(cause))
        .finally(() => this.#plan());
    }, delayMs);
    this.#timer.unref();
  }

  /** Looks at the feed after the look that is under way, and renews the lease before it where anybody asked for that. */
  #look(renews: boolean): Promise<void> {
    if (this.#next === undefined) {
      const done = this.#running
        .catch(() => undefined)
        .then(() => {
          const isRenewal = this.#next?.renews === true;
          this.#next = undefined;
          this.#running = this.#turn(isRenewal);
          return this.#running;
        });
      this.#next = { renews, done };
    }
    this.#next.renews ||= renews;
    return this.#next.done;
  }

  async #turn(renews: boolean): Promise<void> {
    if (this.#isClosed) throw new LeaseLapsedError("The store is closed.");
    if (this.#stopped !== undefined) throw this.#stopped;
    try {
      const isNew = this.#connection === undefined || this.#connection.isLost;
      const connection = isNew ? await this.#reconnect() : this.#connection;
      if (connection === undefined) return;
      const confirmed = this.#cursor.position;
      const sentAt = performance.now();
      if (renews) await this.#renew(connection);
      await this.#follow(connection);
      if (renews && !this.#isClosed) this.#validUntil = sentAt + LEASE_MS;
      if (this.#cursor.position !== confirmed) await this.#confirm(connection);
      this.#failures = 0;
    } catch (cause) {
      this.#failures += 1;
      this.#connection?.destroy();
      this.#connection = undefined;
      throw cause;
    }
  }

  async #renew(connection: PostgresConnection): Promise<void> {
    const { node, slot, schemaVersion, incarnation } = this.#options;
    const { rows } = await connection.run(RENEW, [node, slot, schemaVersion, this.#cursor.position]);
    const [store] = rows;
    if (store?.["incarnation"] !== incarnation) this.#stop("The store was restored or replaced under this node.");
    if (Number(store?.["minimum_reader"]) > schemaVersion) {
      this.#stop("The store was migrated to a schema that this version does not know.");
    }
  }

  async #follow(connection: PostgresConnection): Promise<void> {
    const { rows } = await connection.run(feedFrom("$1"), [this.#cursor.position]);
    let continues: boolean;
    try {
      continues = this.#cursor.apply(rows);
    } catch (cause) {
      this.#stop("The change feed can't be followed.", cause);
    }
    if (!continues) await this.#reset(connection);
  }

  /** Starts again from the head, which is read first: a row that is loaded from then on is no older than it. */
  async #reset(connection: PostgresConnection): Promise<void> {
    this.#validUntil = 0;
    const { rows } = await connection.run(FEED_HEAD);
    this.#cursor.jump(rows[0]);
    this.#options.follower.reset();
  }

  /** What a node has in memory is gone with it: its word needs no disk, and waits for no standby. */
  async #confirm(connection: PostgresConnection): Promise<void> {
    await connection.script(
      `BEGIN; SET LOCAL synchronous_commit TO OFF;
       UPDATE node_lease SET confirmed = ${this.#cursor.position} WHERE node = '${this.#options.node}';
       NOTIFY ${CONFIRMED_CHANNEL}; COMMIT`,
    );
  }

  async #reconnect(): Promise<PostgresConnection> {
    const { node, connect, serverChanged } = this.#options;
    const connection = await connect();
    this.#connection = connection;
    const { rows } = await connection.run(SERVER);
    const server = String(rows[0]?.["server"]);
    if (rows[0]?.["read_only"] === true) throw new Error("The database is read-only: it is a standby.");
    await connection.listen(CHANGED_CHANNEL, (payload) => {
      if (payload !== node) this.#look(false).catch((cause: unknown) => this.#options.onError(cause));
    });
    await connection.listen(CONFIRMED_CHANNEL, () => {
      for (const wake of this.#waiting) wake();
    });
    if (server !== this.#server) {
      this.#validUntil = 0;
      serverChanged();
      await this.#reset(connection);
      this.#server = server;
    }
    return connection;
  }

  #stop(why: string, cause?: unknown): never {
    this.#validUntil = 0;
    this.#stopped = new Error(why, { cause });
    throw this.#stopped;
  }
}
