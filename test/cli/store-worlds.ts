/** What tests of backups share: a development server on a folder, its clients, and all rows of a store. */

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { STS } from "@aws-sdk/client-sts";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { type Ended, runKeystead } from "../faults/processes.ts";
import { REGION } from "../kms-client.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A development server on a folder, with clients of its APIs. */
export interface StoreWorld extends AsyncDisposable {
  readonly server: DevServer;
  readonly kms: KMS;
  readonly iam: IAM;
  readonly sts: STS;
  /** A client of the KMS API for other credentials. */
  kmsOf(credentials: Credentials): KMS;
}

/** Serves a folder. */
export async function serveStore(directory: string, args: readonly string[] = []): Promise<StoreWorld> {
  const server = await startDevServer({ args: ["--data", directory, ...args] });
  const { endpoint, credentials } = server;
  const clients: { destroy(): void }[] = [];
  const kept = <T extends { destroy(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };
  const kmsOf = (own: Credentials): KMS =>
    kept(new KMS({ endpoint, region: REGION, credentials: own, maxAttempts: 1 }));
  return {
    server,
    kms: kmsOf(credentials),
    iam: kept(new IAM({ endpoint, region: REGION, credentials, maxAttempts: 1 })),
    sts: kept(new STS({ endpoint, region: REGION, credentials, maxAttempts: 1 })),
    kmsOf,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await server.stop();
    },
  };
}

/** Makes a place for a store with the root key of another one. */
export function placeFor(directory: string, source: string): string {
  mkdirSync(directory, { mode: 0o700 });
  copyFileSync(join(source, "root.key"), join(directory, "root.key"));
  return directory;
}

/** Runs a command, which has to succeed, and returns what it printed. */
export async function run(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runKeystead(args);
  assert.equal(code, 0, `${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

/** The one line of a command that refused and printed nothing else. */
export function refusal({ code, stdout, stderr }: Ended): string {
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" }, stderr);
  assert.match(stderr, /^keystead: [^\n]+\n$/);
  return stderr;
}

/** A digest of the rows of every table, without what a copy has of its own. */
export function rowsOf(directory: string, except: readonly string[] = []): Readonly<Record<string, string>> {
  using database = new DatabaseSync(join(directory, "keystead.db"), { readOnly: true });
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    .all();
  const names = tables.map(({ name }) => String(name)).filter((name) => name !== "changes" && !except.includes(name));
  return Object.fromEntries(
    names.map((name) => {
      const rows = database.prepare(`SELECT * FROM "${name}"`).all();
      const texts = rows.map((row) => JSON.stringify({ ...row, ...(name === "store" && { incarnation: "" }) }));
      return [name, `${rows.length} rows: ${hash("sha256", texts.toSorted().join("\n"))}`];
    }),
  );
}
