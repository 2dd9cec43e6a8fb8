/** How PostgreSQL connections are opened: the values they give and the limits of their sessions. */

import pg from "pg";
import { OperatorError } from "../base/errors.ts";
import type { Answer } from "./statements.ts";

/** A failure of the database or of the way to it. Its message and members hold no values of rows and no password. */
export class PostgresError extends OperatorError {
  override readonly name = "PostgresError";
  /** SQLSTATE where the server spoke, else the code of the network's error. */
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

/** What tells one use of the database from another in `pg_stat_activity`, and how long it may hold others up. */
export interface SessionOptions {
  readonly url: string;
  /** Such as `writer`; the session's `application_name` is `keystead` with it. */
  readonly purpose: string;
  readonly statementMs: number;
  /** Statements are sent without waiting for the answers before them. */
  readonly pipeline?: boolean;
  /** After this the client gives up on an answer and closes the connection: the server may be gone without a word. */
  readonly answerMs: number;
  /** How long it waits for a lock; 10 seconds when not given. */
  readonly lockMs?: number;
  /** Whether the session can do nothing but read. */
  readonly readOnly?: boolean;
  /** How long it may stop inside a transaction, 0 for ever; 1.5 seconds when not given, since it may hold the writers' lock. */
  readonly idleMs?: number;
}

const CONNECT_MS_MAX = 5_000;
/** A process that stops inside a transaction holds the writers of all nodes up for this long and no longer. */
const IDLE_IN_TRANSACTION_MS_MAX = 1_500;
const LOCK_MS_MAX = 10_000;

/** What `pg` needs to connect for one purpose. */
export function clientConfig(options: SessionOptions): pg.ClientConfig {
  const { url, purpose, statementMs, pipeline = false, answerMs, lockMs = LOCK_MS_MAX, readOnly = false } = options;
  const { idleMs = IDLE_IN_TRANSACTION_MS_MAX } = options;
  return {
    connectionString: readOnly ? withSetting(url, "default_transaction_read_only=on") : url,
    application_name: `keystead ${purpose}`,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    statement_timeout: statementMs,
    query_timeout: answerMs,
    lock_timeout: lockMs,
    idle_in_transaction_session_timeout: idleMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: CONNECT_MS_MAX,
    types: { getTypeParser: parserOf as typeof pg.types.getTypeParser },
    ...(pipeline && { pipeline }),
  };
}

/** The address of a database whose sessions begin with a setting, such as `search_path=x`; those it has come first. */
export function withSetting(url: string, setting: string): string {
  const address = new URL(url);
  const given = address.searchParams.get("options");
  address.searchParams.set("options", given === null ? `-c ${setting}` : `${given} -c ${setting}`);
  return address.href;
}

/** One connection, ready for statements. */
export class PostgresConnection {
  readonly #client: pg.Client;
  #isLost = false;
  #warnings = 0;

  private constructor(client: pg.Client, lost: () => void) {
    this.#client = client;
    const lose = (): void => {
      if (this.#isLost) return;
      this.#isLost = true;
      lost();
    };
    client.on("error", lose);
    client.on("end", lose);
    client.on("notice", ({ severity }) => {
      if (severity === "WARNING") this.#warnings += 1;
    });
  }

  /**
   * Connects.
   *
   * @param lost is told, once, when the connection has ended for whatever reason
   * @throws PostgresError
   */
  static async open(options: SessionOptions, lost: () => void = () => {}): Promise<PostgresConnection> {
    const client = new pg.Client(clientConfig(options));
    const connection = new PostgresConnection(client, lost);
    try {
      await client.connect();
    } catch (cause) {
      client.end().catch(() => undefined);
      throw asPostgresError(cause);
    }
    return connection;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Warnings that the server has sent so far. */
  get warnings(): number {
    return this.#warnings;
  }

  /** Runs one statement. @throws PostgresError */
  async run(sql: string, parameters: readonly unknown[] = []): Promise<Answer> {
    return await runOn(this.#client, sql, parameters);
  }

  /** Runs statements without parameters in one message. Gives the word of the last: `COMMIT`, or `ROLLBACK` for a failed one. */
  async script(sql: string): Promise<string> {
    try {
      const results: unknown = await this.#client.query(sql);
      const last = Array.isArray(results) ? results.at(-1) : results;
      return String((last as { readonly command?: unknown } | undefined)?.command);
    } catch (cause) {
      throw asPostgresError(cause);
    }
  }

  /** Listens to a channel; each notification tells its payload. */
  async listen(channel: string, heard: (payload: string) => void): Promise<void> {
    this.#client.on("notification", (message) => {
      if (message.channel === channel) heard(message.payload ?? "");
    });
    await this.script(`LISTEN ${channel}`);
  }

  /** Closes the connection. Never throws: it may be gone already. */
  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }

  /** Drops the connection without a word to the server, which may not answer. */
  destroy(): void {
    const { connection } = this.#client as unknown as {
      readonly connection?: { readonly stream?: { destroy(): void } };
    };
    connection?.stream?.destroy();
  }
}

/** Lets the commits of a session wait for the disk, whatever the server's default is. */
export async function waitForDisk(connection: PostgresConnection): Promise<void> {
  await connection.run(
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
  );
}

/** Runs one statement on a client or a pool. @throws PostgresError */
export async function runOn(
  queryable: Pick<pg.Client | pg.Pool, "query">,
  sql: string,
  parameters: readonly unknown[],
): Promise<Answer> {
  try {
    const { rows, rowCount, command } = await queryable.query(sql, parameters as unknown[]);
    return { rows: rows as Answer["rows"], ...(command !== "SELECT" && { affected: rowCount ?? 0 }) };
  } catch (cause) {
    throw asPostgresError(cause);
  }
}

/** Leaves out what the server tells of values (`detail`, `where`). */
export function asPostgresError(cause: unknown): PostgresError {
  if (cause instanceof PostgresError) return cause;
  const { message, code } = cause as { readonly message?: string; readonly code?: string };
  return new PostgresError(`The database failed: ${message === undefined || message === "" ? code : message}`, code);
}

const INT8_OID = 20;
const BYTEA_OID = 17;

/** Numbers and bytes as SQLite gives them; everything else as `pg` does. */
function parserOf(oid: number, format: "text" | "binary" = "text"): (text: string) => unknown {
  if (oid === INT8_OID) return asSafeNumber;
  if (oid === BYTEA_OID) return asBytes;
  return pg.types.getTypeParser(oid, format as "text");
}

/** @throws Error for a number that JavaScript can't hold: rounded, it would be another */
export function asSafeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error("The database holds a number that is too large.");
  return value;
}

/** The server's hexadecimal form (`bytea_output`, its default), in memory of its own. */
function asBytes(text: string): Uint8Array {
  if (!text.startsWith("\\x")) throw new Error("The database gives bytes in another form than hexadecimal.");
  return Uint8Array.fromHex(text.slice(2));
}
