/** Stores for tests: both engines under one table, in directories that go away again. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../src/base/clock.ts";
import type { KeyStoreRow } from "../../src/storage/key-store-schema.ts";
import { openFileStore, openMemoryStore } from "../../src/storage/open.ts";
import { openPostgresStore, type PostgresOptions } from "../../src/storage/open-postgres.ts";
import type { PostgresStore } from "../../src/storage/postgres-store.ts";
import type { AccountRow, KeyRow } from "../../src/storage/schema.ts";
import type { SqliteStore } from "../../src/storage/sqlite-store.ts";
import type { Store } from "../../src/storage/store.ts";
import { TEST_DATABASE_VARIABLE } from "../../src/testing-database.ts";
import { postgresUrl, TestDatabase } from "../postgres.ts";

export const clock: Clock = { now: () => 1_700_000_000_000 };

/** A directory of its own, removed at the end of the scope. */
export class TemporaryDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "keystead-storage-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Opens the store of a directory as a server does. */
export function openServer(directory: string, options: { viewEntriesMax?: number } = {}): Promise<SqliteStore> {
  return openFileStore({ directory, kind: "serve", create: true, lock: "server", clock, ...options });
}

/** Opens it as a tool that works beside a server. */
export function openTool(directory: string): Promise<SqliteStore> {
  return openFileStore({ directory, kind: "serve", create: false, lock: "tool", clock });
}

/** Opens the store of a database as a server does. */
export function openNode(url: string, options: Partial<PostgresOptions> = {}): Promise<PostgresStore> {
  return openPostgresStore({ url, kind: "serve", create: true, clock, slot: "", ...options });
}

type WithStore = (work: (store: Store) => Promise<void>, viewEntriesMax?: number) => Promise<void>;

interface EngineOfTest {
  readonly engine: string;
  readonly withStore: WithStore;
}

const postgres: EngineOfTest = {
  engine: "postgres",
  async withStore(work, viewEntriesMax = 1_000) {
    await using database = await TestDatabase.create(await postgresUrl());
    await using store = await openNode(database.url, { viewEntriesMax });
    await work(store);
  },
};

/** Each engine, and how to work on a new store of it; PostgreSQL where tests run on it. */
export const engines: readonly EngineOfTest[] = [
  {
    engine: "memory",
    async withStore(work, viewEntriesMax = 1_000) {
      await using store = await openMemoryStore({ kind: "serve", clock, viewEntriesMax });
      await work(store);
    },
  },
  {
    engine: "file",
    async withStore(work, viewEntriesMax = 1_000) {
      using directory = new TemporaryDirectory();
      await using store = await openServer(directory.path, { viewEntriesMax });
      await work(store);
    },
  },
  ...(process.env[TEST_DATABASE_VARIABLE] === undefined ? [] : [postgres]),
];

export function account(id: string, name = "name"): AccountRow {
  return { id, name, created_at: 1 };
}

/** What a reading of one account comes to. */
export function findAccount(store: Store, id: string): AccountRow | undefined | Promise<AccountRow | undefined> {
  return store.settle((reader) => reader.find("account", id));
}

export function key(columns: Partial<KeyRow> = {}): KeyRow {
  return {
    region: "eu-central-1",
    key_id: "1234abcd-12ab-34cd-56ef-1234567890ab",
    account: "111122223333",
    partition: "aws",
    spec: "SYMMETRIC_DEFAULT",
    usage: "ENCRYPT_DECRYPT",
    origin: "AWS_KMS",
    manager: "CUSTOMER",
    service: null,
    description: "",
    state: "Enabled",
    multi_region: 0,
    primary_region: null,
    replica_regions: null,
    created_at: 1,
    policy_principals: "{}",
    policy: "{}",
    current_material_id: "0".repeat(64),
    deletion_at: null,
    pending_window_days: null,
    rotation_enabled: 0,
    rotation_period_days: 365,
    rotation_enabled_at: null,
    expiration_model: null,
    valid_to: null,
    key_store_id: null,
    xks_key_id: null,
    ...columns,
  };
}

/** The row of an external key store that is disconnected. */
export function keyStore(columns: Partial<KeyStoreRow> = {}): KeyStoreRow {
  return {
    region: "eu-west-1",
    id: "cks-0a5f3c77e2b941d68",
    account: "111122223333",
    partition: "aws",
    name: "orchard",
    type: "EXTERNAL_KEY_STORE",
    connection_state: "DISCONNECTED",
    connection_error: null,
    connection_request: null,
    revision: "r1",
    secret: new Uint8Array(0),
    secret_at: 1,
    created_at: 1,
    connectivity: "PUBLIC_ENDPOINT",
    endpoint: "https://proxy.keys.example.net",
    path: "/kms/xks/v1",
    access_key_id: "QRSTUV234567WXYZABCD",
    vpc_service: null,
    vpc_owner: null,
    cluster_id: null,
    trust_anchor: null,
    ...columns,
  };
}
