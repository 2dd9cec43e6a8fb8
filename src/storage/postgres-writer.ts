/** The writer on PostgreSQL: one connection of this process, and one lock that lets one process write at a time. */

import type { PostgresConnection } from "./postgres-connection.ts";
import type { Answer } from "./statements.ts";
import type { Step, WriterPort } from "./writer.ts";

/** What has to be so before a commit is told to anyone. */
export interface Barrier {
  /** The last position of the feed that this process has applied. */
  readonly position: number;
  /** Resolves when no node decides on what was before this position any more. `connection` is free for questions. */
  passed(position: number, connection: PostgresConnection): Promise<void>;
  /** A commit was sent and its answer never came: what it was is to be looked for at once. */
  unknown(): Promise<void>;
}

const NOTHING: Answer = { rows: [] };

/** The row that whoever writes holds locked, from before it reads anything until its commit is visible. */
const BEGIN = "BEGIN; SELECT only_row FROM keystead_writer FOR UPDATE; SAVEPOINT tx";
const HEAD = "SELECT coalesce(max(position), 0)::bigint AS position FROM changes";

/** How long the next attempt waits after one that failed. */
const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 1_000;

/**
 * Performs the steps of the queue.
 *
 * The lock comes first, so a transaction sees everything that was committed before it and nothing changes under it: what
 * is checked inside (absent rows, counts) is as safe as on SQLite. Positions of the feed are handed out under the lock, so
 * they are in commit order, and the transactions of one batch share the lock and the commit.
 *
 * A connection that breaks takes its batch with it: nothing is sent again, since what a lost commit came to is not known.
 */
export class PostgresWriter implements WriterPort {
  readonly #connect: () => Promise<PostgresConnection>;
  readonly #barrier: () => Barrier;
  #connection: PostgresConnection | undefined;
  /** The commit that is being filled, once it has the lock. */
  #batch: Promise<PostgresConnection> | undefined;
  #released = 0;
  #failures = 0;
  #retryAt = 0;

  constructor({ connect, barrier }: { connect: () => Promise<PostgresConnection>; barrier: () => Barrier }) {
    this.#connect = connect;
    this.#barrier = barrier;
  }

  async run(steps: readonly Step[]): Promise<Answer> {
    const begins = this.#batch === undefined;
    const first = steps[0];
    if (begins && first?.do === "truncate") return TRUNCATED;
    if (begins && first?.do !== "open") throw new Error("No transaction is open.");
    this.#batch ??= this.#begin();
    const isLast = steps.at(-1)?.do === "commit" || steps.at(-1)?.do === "abandon";
    try {
      const connection = await this.#batch;
      return await lastOf((begins ? steps.slice(1) : steps).map((step) => this.#send(connection, step)));
    } finally {
      if (isLast) this.#batch = undefined;
    }
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  /** Forgets the connection: the database is another server now. What is under way fails. */
  drop(): void {
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  async #begin(): Promise<PostgresConnection> {
    this.#released = 0;
    const connection = await this.#connected();
    try {
      await connection.script(BEGIN);
    } catch (cause) {
      this.drop(); // whatever state the session is in, nobody goes on in it
      throw cause;
    }
    return connection;
  }

  async #connected(): Promise<PostgresConnection> {
    if (this.#connection?.isLost === false) return this.#connection;
    const waitMs = this.#retryAt - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    try {
      this.#connection = await this.#connect();
      this.#failures = 0;
      return this.#connection;
    } catch (cause) {
      const backoffMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** this.#failures);
      this.#failures += 1;
      this.#retryAt = performance.now() + backoffMs;
      throw cause;
    }
  }

  /** Sends one step at once, behind those before it. */
  #send(connection: PostgresConnection, step: Step): Promise<Answer> {
    switch (step.do) {
      case "execute":
        return connection.run(step.sql, step.parameters);
      case "open":
        return scripted(connection, "SAVEPOINT tx");
      case "release":
        this.#released += 1;
        return scripted(connection, "RELEASE SAVEPOINT tx");
      case "rollback":
        return scripted(connection, "ROLLBACK TO SAVEPOINT tx; RELEASE SAVEPOINT tx");
      case "commit":
        return this.#commit(connection, step.transactions);
      case "abandon":
        return scripted(connection, "ROLLBACK");
      case "truncate":
        return Promise.reject(new Error("A transaction is open."));
    }
  }

  /**
   * Without a time limit of the server's: one that ran out while the commit waits for a synchronous standby would make it a
   * commit that no standby has, with no more than a warning.
   */
  async #commit(connection: PostgresConnection, transactions: number): Promise<Answer> {
    if (this.#released !== transactions) {
      this.drop();
      throw new Error("The transactions of this commit are not those that were released.");
    }
    const { warnings } = connection;
    // What this commit has written lies behind it: nobody could see it yet. Once the commit is sent, our own look at the feed may be
    // quicker than its answer, and what this process has applied says nothing of the others.
    const applied = this.#barrier().position;
    const head = connection.run(HEAD);
    const unlimited = connection.script("SET LOCAL statement_timeout = 0");
    const committed = connection.script("COMMIT");
    const word = await Promise.all([committed, head, unlimited]).then(
      ([text]) => text,
      async (cause: unknown) => {
        await this.#lost(connection, committed);
        throw cause;
      },
    );
    if (word !== "COMMIT") throw new Error("The transactions of this commit were undone by the database.");
    if (connection.warnings !== warnings) {
      await this.#barrier().unknown();
      throw new Error("The database warned of a commit: a standby may not have it.");
    }
    const position = Number((await head).rows[0]?.["position"]);
    if (position > applied) await this.#barrier().passed(position, connection);
    return NOTHING;
  }

  /** The answers of a commit never came, or it failed: the session is not used again, and the feed tells what it was. */
  async #lost(connection: PostgresConnection, committed: Promise<string>): Promise<void> {
    await committed.catch(() => undefined);
    if (this.#connection === connection) this.drop();
    await this.#barrier().unknown();
  }
}

const TRUNCATED: Answer = { rows: [{ busy: 0 }] };

async function scripted(connection: PostgresConnection, sql: string): Promise<Answer> {
  await connection.script(sql);
  return NOTHING;
}

/** The answer of the last step, or the error of the first that failed; those after it failed with it. */
async function lastOf(answers: readonly Promise<Answer>[]): Promise<Answer> {
  const results = await Promise.allSettled(answers);
  let last = NOTHING;
  for (const result of results) {
    if (result.status === "rejected") throw result.reason;
    last = result.value;
  }
  return last;
}
