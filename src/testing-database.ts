/** Databases for servers of tests: with `KEYSTEAD_TEST_DATABASE` each gets one of its own in a PostgreSQL server. */

import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The variable with the address (`postgres://…`) of a PostgreSQL server in which databases may be made. */
export const TEST_DATABASE_VARIABLE = "KEYSTEAD_TEST_DATABASE";

/** Where one server keeps its store. */
export interface TestPlace {
  /** Further arguments of `keystead dev`. */
  readonly args: readonly string[];
  /** Removes what was made for this server alone. */
  remove(): Promise<void>;
}

const MEMORY: TestPlace = { args: [], async remove() {} };

/**
 * A place for a server that is started with these arguments: in memory, or a new database. Servers with the same `--data`
 * come back to the same database, which then stays.
 */
export async function testPlace(args: readonly string[]): Promise<TestPlace> {
  const server = process.env[TEST_DATABASE_VARIABLE];
  if (server === undefined || server === "" || args.includes("--database")) return MEMORY;
  const directory = args[args.indexOf("--data") + 1];
  if (args.includes("--data") && directory !== undefined) {
    const name = `keystead_${createHash("sha256").update(resolve(directory)).digest("hex").slice(0, 32)}`;
    await execute(server, `CREATE DATABASE ${name}`, ["42P04", "23505"]);
    return { args: ["--database", addressOf(server, name)], async remove() {} };
  }
  const name = `keystead_${randomUUID().replaceAll("-", "")}`;
  const folder = mkdtempSync(join(tmpdir(), "keystead-node-"));
  await execute(server, `CREATE DATABASE ${name}`);
  return {
    args: ["--database", addressOf(server, name), "--data", folder],
    async remove() {
      rmSync(folder, { recursive: true, force: true });
      await execute(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

function addressOf(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** @param passed codes of failures that leave what was wanted */
async function execute(server: string, sql: string, passed: readonly string[] = []): Promise<void> {
  const { Client } = (await import("pg")).default;
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(sql);
  } catch (cause) {
    if (!passed.includes(String((cause as { readonly code?: unknown }).code))) throw cause;
  } finally {
    await client.end();
  }
}
