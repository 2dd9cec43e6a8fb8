/** Loads a data directory with as many keys, aliases and grants as asked for, as rows in large transactions. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { systemClock } from "../../src/base/clock.ts";
import { accountId, newAccount } from "../../src/cli/accounts.ts";
import { withStore } from "../../src/cli/with-store.ts";
import type { SealedMaterial } from "../../src/custody/custody.ts";
import type { SoftwareCustody } from "../../src/custody/software.ts";
import { defaultKeyPolicy } from "../../src/kms/key-policies.ts";
import { materialColumns, materialOwner, newKeyRow } from "../../src/kms/keys.ts";
import type { KeyRow } from "../../src/storage/schema.ts";
import { initStore } from "../faults/processes.ts";
import { type AccessKey, REGION } from "../faults/signed-requests.ts";

/** The account that has every second key, so that its lists are long. */
export const ACCOUNT = "111122223333";
/** The grants that an eager service leaves on one key: KMS's quota. */
const HUB_GRANTS = 50_000;
/** What each key has at the least, where there are enough. */
const GRANTS_OF_A_KEY = 3;
const KEYS_PER_COMMIT = 10_000;
const GRANTS_PER_COMMIT = 100_000;
/** The page cache of the loading connection, in KiB. */
const CACHE_KIB = 1_000_000;

/** How much there is to be. */
export interface ScaleSize {
  readonly keys: number;
  readonly grants: number;
  /** Accounts beside the first one, each with a root access key. */
  readonly accounts: number;
}

/** What was loaded, and what it cost. Sizes are those of the database file. */
export interface Loaded {
  readonly size: ScaleSize;
  readonly directory: string;
  readonly credentials: AccessKey;
  readonly fileBytes: number;
  readonly bytesPerKey: number;
  readonly bytesPerAlias: number;
  readonly bytesPerGrant: number;
  readonly keySeconds: number;
  readonly grantSeconds: number;
}

/** The id of the n-th key of `keys`: in the order of n, and otherwise without one. */
export function scaleKeyId(n: number, keys: number): string {
  const front = Math.floor((n * 2 ** 32) / keys)
    .toString(16)
    .padStart(8, "0");
  const rest = digest(`key ${n}`);
  return `${front}-${rest.slice(0, 4)}-4${rest.slice(4, 7)}-8${rest.slice(7, 10)}-${rest.slice(10, 22)}`;
}

/** The name of the n-th key's alias. */
export function scaleAlias(n: number): string {
  return `alias/app-${String(n).padStart(9, "0")}`;
}

/** The key, as n of `scaleKeyId`, that has 50,000 grants, or all that there are. */
export const HUB = 0;

/** Makes a store in an empty directory and fills it. Keys, materials and their seals are as the server would make them. */
export async function loadScale(directory: string, size: ScaleSize, progress: (text: string) => void): Promise<Loaded> {
  const { credentials } = await initStore(directory, ACCOUNT);
  const path = join(directory, "keystead.db");
  return await withStore({ data: directory }, async ({ store, custody }) => {
    const accounts = [ACCOUNT];
    for (let n = 0; n < size.accounts; n += 1) {
      const id = accountId(String(200_000_000_000 + n));
      await newAccount({ store, custody }, { id, name: `account ${n}` }, systemClock.now());
      accounts.push(id);
    }
    using loader = new Loader(path, size, accounts);
    const keys = await measured(loader, () => loader.loadKeys(custody, progress));
    const aliases = await measured(loader, async () => loader.loadAliases());
    const grants = await measured(loader, async () => loader.loadGrants(progress));
    const per = (bytes: number, count: number): number => (count === 0 ? 0 : bytes / count);
    return {
      size,
      directory,
      credentials,
      fileBytes: loader.bytes,
      bytesPerKey: per(keys.bytes, size.keys),
      bytesPerAlias: per(aliases.bytes, size.keys),
      bytesPerGrant: per(grants.bytes, size.grants),
      keySeconds: keys.seconds,
      grantSeconds: grants.seconds,
    };
  });
}

async function measured(loader: Loader, body: () => Promise<void>): Promise<{ seconds: number; bytes: number }> {
  const [startedAt, before] = [performance.now(), loader.bytes];
  await body();
  return { seconds: (performance.now() - startedAt) / 1000, bytes: loader.bytes - before };
}

class Loader implements Disposable {
  readonly #database: DatabaseSync;
  readonly #size: ScaleSize;
  readonly #accounts: readonly string[];
  readonly #inserts = new Map<string, StatementSync>();

  constructor(path: string, size: ScaleSize, accounts: readonly string[]) {
    this.#database = new DatabaseSync(path, { timeout: 10_000 });
    this.#database.exec(`PRAGMA synchronous = OFF; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`);
    this.#size = size;
    this.#accounts = accounts;
  }

  /** Of all pages. */
  get bytes(): number {
    const pragma = (name: string): number => Number(this.#database.prepare(`PRAGMA ${name}`).get()?.[name]);
    return pragma("page_count") * pragma("page_size");
  }

  async loadKeys(custody: SoftwareCustody, progress: (text: string) => void): Promise<void> {
    const { keys } = this.#size;
    for (let first = 0; first < keys; first += KEYS_PER_COMMIT) {
      const numbers = Array.from({ length: Math.min(KEYS_PER_COMMIT, keys - first) }, (_, index) => first + index);
      const rows = numbers.map((n) => this.#keyRow(n));
      const materials: SealedMaterial[] = [];
      for (const row of rows) materials.push(await custody.createMaterial(materialOwner(row)));
      this.#commit(() => {
        for (const [index, row] of rows.entries()) this.#insertKey(row, materials[index]);
      });
      if ((first / KEYS_PER_COMMIT) % 10 === 9) progress(`${first + KEYS_PER_COMMIT} keys`);
    }
  }

  loadAliases(): void {
    const now = systemClock.now();
    const { keys } = this.#size;
    for (let first = 0; first < keys; first += KEYS_PER_COMMIT) {
      this.#commit(() => {
        for (let n = first; n < Math.min(keys, first + KEYS_PER_COMMIT); n += 1) {
          const row = { region: REGION, account: this.#accountOf(n), name: scaleAlias(n), key_id: scaleKeyId(n, keys) };
          this.#insert("alias", { ...row, created_at: now, updated_at: now });
        }
      });
    }
  }

  loadGrants(progress: (text: string) => void): void {
    const counts = grantCounts(this.#size);
    let made = 0;
    let key = 0;
    while (key < counts.length) {
      const begun = made;
      this.#commit(() => {
        for (; key < counts.length && made - begun < GRANTS_PER_COMMIT; key += 1) {
          const count = counts[key] ?? 0;
          if (count === 0) continue;
          for (let n = 0; n < count; n += 1) this.#insertGrant(key, n, made + n);
          const key_id = scaleKeyId(key, this.#size.keys);
          this.#insert("grant_count", { region: REGION, key_id, grants: count });
          made += count;
        }
      });
      if (Math.floor(made / 1e6) > Math.floor(begun / 1e6)) progress(`${made} grants`);
    }
  }

  [Symbol.dispose](): void {
    this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    this.#database.close();
  }

  #accountOf(key: number): string {
    return (key % 2 === 0 ? ACCOUNT : this.#accounts[key % this.#accounts.length]) ?? ACCOUNT;
  }

  #keyRow(n: number): KeyRow {
    const account = this.#accountOf(n);
    const keyId = scaleKeyId(n, this.#size.keys);
    const policy = defaultKeyPolicy({ partition: "aws", account });
    const now = systemClock.now();
    return newKeyRow({ partition: "aws", region: REGION, account, keyId, description: `key ${n}`, policy, now });
  }

  #insertKey(row: KeyRow, material: SealedMaterial | undefined): void {
    if (material === undefined) throw new Error("A key has no material.");
    this.#insert("key", { ...row, current_material_id: material.materialId });
    this.#insert("material", { ...materialColumns(material), created_at: row.created_at });
  }

  #insertGrant(key: number, n: number, made: number): void {
    const account = this.#accountOf(key);
    const front = Math.floor((made * 2 ** 32) / Math.max(1, this.#size.grants)).toString(16);
    this.#insert("grant", {
      region: REGION,
      grant_id: front.padStart(8, "0") + digest(`grant ${made}`).slice(0, 56),
      key_id: scaleKeyId(key, this.#size.keys),
      key_account: account,
      partition: "aws",
      issuing_account: account,
      grantee: `arn:aws:iam::${this.#accounts[made % this.#accounts.length]}:role/service-${n % 100}`,
      grantee_id: null,
      grantee_is_service: 0,
      retirer: n % 4 === 0 ? `arn:aws:iam::${account}:root` : null,
      retirer_id: null,
      retirer_is_service: 0,
      operations: '["Decrypt","GenerateDataKey"]',
      constraints: n % 2 === 0 ? `{"EncryptionContextSubset":{"volume":"vol-${made}"}}` : null,
      name: "",
      created_at: systemClock.now(),
    });
  }

  #insert(table: string, row: Readonly<Record<string, unknown>>): void {
    const columns = Object.keys(row);
    let statement = this.#inserts.get(table);
    if (statement === undefined) {
      const marks = columns.map(() => "?").join(", ");
      statement = this.#database.prepare(`INSERT INTO "${table}" (${columns.join(", ")}) VALUES (${marks})`);
      this.#inserts.set(table, statement);
    }
    statement.run(...(Object.values(row) as SQLInputValue[]));
  }

  #commit(body: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    body();
    this.#database.exec("COMMIT");
  }
}

/** How many grants each key has: a hub as many as a key may have, then a few each, further hubs for what is left. */
function grantCounts({ keys, grants }: ScaleSize): readonly number[] {
  const counts = new Array<number>(keys).fill(0);
  let left = grants;
  const give = (key: number, count: number): void => {
    const given = Math.min(count, left);
    counts[key] = (counts[key] ?? 0) + given;
    left -= given;
  };
  give(HUB, HUB_GRANTS);
  const few = Math.max(GRANTS_OF_A_KEY, Math.floor((grants * 0.8) / keys));
  for (let key = 1; key < keys && left > 0; key += 1) give(key, few);
  for (let key = 7; key < keys && left > 0; key += 1_009) give(key, HUB_GRANTS - few);
  if (left > 0) throw new Error(`${keys} keys can't have ${grants} grants.`);
  return counts;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
