/** A development server in the test's own process, whose clock stands still until the test moves it. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { KMS } from "@aws-sdk/client-kms";
import { sql, type Transaction } from "kysely";
import type { Clock } from "../src/base/clock.ts";
import { MovableClock } from "../src/base/clock.ts";
import { DEV_ACCOUNT, ensureAccount } from "../src/cli/accounts.ts";
import { openStore } from "../src/cli/open-store.ts";
import type { ServerConfig, ServerParts } from "../src/cli/parts.ts";
import { startServer } from "../src/cli/server.ts";
import { ephemeralRootKey, type RootKey } from "../src/custody/root-key.ts";
import type { Schema } from "../src/storage/schema.ts";
import type { Store } from "../src/storage/store.ts";
import { testPlace } from "../src/testing-database.ts";
import { TemporaryDirectory } from "./faults/processes.ts";
import type { ServerAddress } from "./faults/signed-requests.ts";
import { Records } from "./kms-client.ts";

/** A running server, clients of its first account in any Region, and its time. */
export interface HeldServer extends AsyncDisposable {
  readonly address: ServerAddress;
  readonly records: Records;
  /** What it is made of. */
  readonly parts: ServerParts;
  /** One client for each Region. */
  client(region: string): KMS;
  /** The server's time, in ms since the epoch. */
  now(): number;
  /** Moves the clock by so many ms, through what becomes due on the way. */
  advance(ms: number): Promise<void>;
  /** Does what is due at this moment, as after a start. */
  runDue(): Promise<void>;
  stop(): Promise<void>;
}

/** What tests of one store over several runs keep. */
export interface HeldOptions {
  /** The store's directory; in memory when not given. */
  readonly directory?: string;
  readonly rootKey?: RootKey;
  /** Where the clock stands, in ms since the epoch. */
  readonly now?: number;
  /** What else the server is told. */
  readonly config?: Partial<ServerConfig>;
}

/** Opens the store of a server with this directory beside it. */
export async function openBeside(directory: string, clock: Clock): Promise<Store> {
  const { remove: _stays, ...place } = await testPlace(directory);
  return await openStore({ kind: "dev", create: false, ...place }, { lock: "tool", clock });
}

/** Changes a store, in one transaction, as somebody does who can reach its database, while no server runs. */
export async function alterStore<T>(directory: string, change: (db: Transaction<Schema>) => Promise<T>): Promise<T> {
  const store = await openBeside(directory, new MovableClock());
  try {
    return await store.transaction(({ db }) => change(db));
  } finally {
    await store.close();
  }
}

/** Runs a statement that both engines take, and returns how many rows it has changed. */
export async function runSql(db: Transaction<Schema>, statement: string): Promise<number> {
  const { numAffectedRows = 0n } = await sql.raw(statement).execute(db);
  return Number(numAffectedRows);
}

/** What the server logs of a fault that its client is told of. */
const ANSWERED = "A request failed for a fault of ours.";

/** Starts a server with its clock held. `stop` rejects when something failed that no client was told of. */
export async function startHeld({
  directory,
  rootKey = ephemeralRootKey(),
  now = Date.now(),
  config = {},
}: HeldOptions = {}): Promise<HeldServer> {
  const scratch = new TemporaryDirectory();
  const { remove, ...place } = await testPlace(directory);
  const auditLog = join(scratch.path, "audit.jsonl");
  const failures: string[] = [];
  const clock = new MovableClock();
  clock.hold(now);
  const server = await startServer({
    kind: "dev",
    ...place,
    create: true,
    host: "127.0.0.1",
    port: 0,
    rootKeys: [rootKey],
    clock,
    auditLog,
    auditSync: false,
    readyPairs: false,
    log: {
      error({ err }, message) {
        if (message !== ANSWERED) failures.push(`${message} ${err}`); // to throw would leave a request without an answer
      },
      warn() {},
    },
    prepare: (parts) => ensureAccount(parts, DEV_ACCOUNT, clock.now()),
    ...config,
  });
  const address = { endpoint: server.endpoint, credentials: DEV_ACCOUNT.credential };
  const clients = new Map<string, KMS>();
  const stop = async (): Promise<void> => {
    for (const client of clients.values()) client.destroy();
    await server.close();
    scratch[Symbol.dispose]();
    await remove();
    assert.deepEqual(failures, []);
  };
  return {
    address,
    records: new Records(auditLog),
    parts: server,
    client(region) {
      const client = clients.get(region) ?? new KMS({ ...address, region, maxAttempts: 1 });
      clients.set(region, client);
      return client;
    },
    now: () => clock.now(),
    async advance(ms) {
      const target = clock.now() + ms;
      await server.dueWork.moveClock(clock, target);
      clock.hold(target);
    },
    runDue: () => server.dueWork.runDue(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
