/** PostgreSQL for tests: a server of its own in a temporary directory, and databases in it. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { freePort } from "./free-port.ts";
import { POSTGRES_BIN } from "./tools.ts";

/** The variable with the address of a server that the test runner has started for all files. */
export const POSTGRES_VARIABLE = "KEYSTEAD_TEST_POSTGRES";

const USER = "keystead";

/** A server that tests may stop, kill and start again. */
export class PostgresServer implements AsyncDisposable {
  readonly #directory: string;
  readonly #settings: readonly string[];
  readonly port: number;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, port: number, settings: readonly string[]) {
    this.#directory = directory;
    this.port = port;
    this.#settings = settings;
  }

  /** Starts a new server. Without `durable` a crash of the machine may lose everything, which saves most of the time. */
  static async start({ durable = false }: { readonly durable?: boolean } = {}): Promise<PostgresServer> {
    const directory = mkdtempSync(join(tmpdir(), "keystead-postgres-"));
    const account = unprivileged();
    if (account !== undefined) chownSync(directory, account.uid, account.gid);
    const arguments_ = [
      "-D",
      join(directory, "data"),
      "-U",
      USER,
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C",
      "--no-sync",
    ];
    execFileSync(join(POSTGRES_BIN, "initdb"), arguments_, { ...account, cwd: directory, stdio: "ignore" });
    const settings = [
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "shared_buffers=32MB",
      "max_connections=200",
      ...(durable ? [] : ["fsync=off", "full_page_writes=off"]),
    ];
    const server = new PostgresServer(directory, await freePort(), settings);
    await server.run();
    return server;
  }

  /** Starts a standby that follows `primary` asynchronously: it may lack what the primary has acknowledged last. */
  static async standbyOf(primary: PostgresServer): Promise<PostgresServer> {
    const directory = mkdtempSync(join(tmpdir(), "keystead-standby-"));
    const account = unprivileged();
    if (account !== undefined) chownSync(directory, account.uid, account.gid);
    const source = ["-h", "127.0.0.1", "-p", String(primary.port), "-U", USER];
    const copy = ["-D", join(directory, "data"), "-R", "-X", "stream", "--checkpoint=fast", "--no-sync"];
    execFileSync(join(POSTGRES_BIN, "pg_basebackup"), [...source, ...copy], {
      ...account,
      cwd: directory,
      stdio: "ignore",
    });
    const server = new PostgresServer(directory, await freePort(), primary.#settings);
    await server.run();
    return server;
  }

  /** Makes a standby a server that takes changes; resolves when it does. */
  promote(): void {
    execFileSync(join(POSTGRES_BIN, "pg_ctl"), ["-D", join(this.#directory, "data"), "-w", "promote"], {
      ...unprivileged(),
      cwd: this.#directory,
      stdio: "ignore",
    });
  }

  /** Runs SQL and gives the rows of the last statement. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return execute(this.url, sql);
  }

  /** Starts the server again after `stop` or `kill`. */
  async run(): Promise<void> {
    const settings = this.#settings.flatMap((setting) => ["-c", setting]);
    const child = spawn(
      join(POSTGRES_BIN, "postgres"),
      ["-D", join(this.#directory, "data"), "-p", String(this.port), ...settings],
      { ...unprivileged(), cwd: this.#directory, stdio: ["ignore", "ignore", "pipe"], env: { LC_ALL: "C" } },
    );
    this.#child = child;
    let log = "";
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        log = (log + text).slice(-10_000);
        if (/database system is ready to accept (?:read-only )?connections/.test(log)) resolve();
      });
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`PostgreSQL did not start:\n${log}`)));
    });
  }

  /**
   * Ends the server: at once (`immediate`, as in a crash, without writing anything), or with its sessions ended in order.
   * Resolves when it has ended, whichever call has told it to.
   */
  async stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined && child.exitCode === null) {
      child.removeAllListeners("exit");
      this.#ended = once(child, "exit");
      child.kill(mode === "fast" ? "SIGINT" : "SIGQUIT");
    }
    await this.#ended;
  }

  /** Lets the process end, and the server with it. */
  endWithProcess(): void {
    const child = this.#child;
    child?.unref();
    (child?.stderr as Socket | undefined)?.unref();
    process.once("exit", () => {
      execFileSync(join(POSTGRES_BIN, "pg_ctl"), ["-D", join(this.#directory, "data"), "-m", "immediate", "stop"], {
        ...unprivileged(),
        cwd: this.#directory,
        stdio: "ignore",
      });
      rmSync(this.#directory, { recursive: true, force: true });
    });
  }

  get url(): string {
    return `postgres://${USER}@127.0.0.1:${this.port}/postgres`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("immediate");
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** A database of its own in a server, dropped at the end of the scope. */
export class TestDatabase implements AsyncDisposable {
  readonly url: string;
  readonly #name: string;
  readonly #server: string;

  private constructor(server: string, name: string) {
    this.#server = server;
    this.#name = name;
    const url = new URL(server);
    url.pathname = `/${name}`;
    this.url = url.href;
  }

  /** @param server its address, as `PostgresServer.url` is */
  static async create(server: string): Promise<TestDatabase> {
    const name = `test_${randomUUID().replaceAll("-", "")}`;
    await execute(server, `CREATE DATABASE ${name}`);
    return new TestDatabase(server, name);
  }

  /** Runs SQL beside Keystead and gives the rows of the last statement. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return execute(this.url, sql);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await execute(this.#server, `DROP DATABASE IF EXISTS ${this.#name} WITH (FORCE)`);
  }
}

let shared: Promise<string> | undefined;

/** The address of a server for databases: the test runner's, or one that this process starts and takes with it. */
export function postgresUrl(): Promise<string> {
  const given = process.env[POSTGRES_VARIABLE];
  shared ??= given === undefined ? startShared() : Promise.resolve(given);
  return shared;
}

async function startShared(): Promise<string> {
  const server = await PostgresServer.start();
  server.endWithProcess();
  return server.url;
}

async function execute(url: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result: unknown = await client.query(sql);
    const last: unknown = Array.isArray(result) ? result.at(-1) : result;
    return (last as pg.QueryResult).rows;
  } finally {
    await client.end();
  }
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package has made. */
function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
