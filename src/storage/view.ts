/** What hot requests need, in memory: a bounded read-through cache of rows by name, absent ones included. */

import { FairCache } from "../base/fair-cache.ts";
import type { ChangeKind } from "./schema.ts";
import type { Names, Reader, Rows } from "./store.ts";

/** A control character that no name of AWS may hold, so that joined names stay apart. */
const SEPARATOR = "\u001f";

type AnyRow = Rows[ChangeKind];

const PARTS: Readonly<Record<ChangeKind, number>> = {
  account: 1,
  credential: 1,
  identity: 1,
  identityName: 3,
  managedPolicy: 1,
  organization: 1,
  organizationNode: 1,
  organizationPolicy: 1,
  vpcEndpoint: 1,
  bucket: 2,
  key: 2,
  keyLabels: 2,
  keyStore: 2,
  material: 3,
  alias: 3,
  grant: 2,
  granted: 3,
  quotas: 2,
  secret: 3,
  parameterTags: 3,
};

/** A name as text, for `changes.name`: its parts, joined. */
export function viewName<K extends ChangeKind>(_kind: K, ...parts: Names[K]): string {
  return parts.join(SEPARATOR);
}

/**
 * The parts of a name that `viewName` joined.
 *
 * @throws Error when the kind is unknown or has another number of parts: the feed was written by code newer than this
 */
export function partsOfViewName(kind: ChangeKind, name: string): readonly string[] {
  const parts = name.split(SEPARATOR);
  if (parts.length !== PARTS[kind]) throw new Error("The change feed has an entry that this version does not know.");
  return parts;
}

/** Reads one row, or undefined when there is none. */
export type LoadRow = (kind: ChangeKind, parts: readonly string[]) => Promise<AnyRow | undefined>;

/** A name that a reading asked for and that was not in memory. */
export interface Missing {
  readonly key: string;
  readonly kind: ChangeKind;
  readonly parts: readonly string[];
}

const ENTRIES_MIN = 16;
/** Two keys (ReEncrypt), and the names of the caller: its session, its role or user, its account. */
const LISTS_PER_READING_MAX = 8;

interface Entry {
  readonly row: AnyRow | undefined;
}

/** A row on its way from the database. */
interface Fill {
  /** The row changed meanwhile: what arrives may be older than that and is not kept. */
  stale: boolean;
  readonly done: Promise<void>;
}

export class View {
  readonly #load: LoadRow;
  readonly #entriesMax: number;
  readonly #entries: FairCache<Entry>;
  readonly #filling = new Map<string, Fill>();

  /**
   * @param options.entriesMax the most rows held, 16 at least: a reading's own must fit. Those not used of late leave, of accounts
   *   with more than their share
   */
  constructor({ load, entriesMax }: { load: LoadRow; entriesMax: number }) {
    this.#load = load;
    this.#entriesMax = Math.max(entriesMax, ENTRIES_MIN);
    this.#entries = new FairCache(this.#entriesMax);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The entry under a key of `keyOf`, or undefined when it is not in memory. */
  find(key: string): Entry | undefined {
    return this.#entries.find(key);
  }

  /** Loads rows into the view. One that changes meanwhile may be missing afterwards. */
  async fill(missing: readonly Missing[]): Promise<void> {
    await Promise.all(missing.map((name) => (this.#filling.get(name.key) ?? this.#begin(name)).done));
  }

  /** Forgets the row under a name: it has changed. */
  drop(kind: ChangeKind, name: string): void {
    const key = kind + SEPARATOR + name;
    this.#entries.delete(key);
    const fill = this.#filling.get(key);
    if (fill === undefined) return;
    fill.stale = true;
    this.#filling.delete(key);
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
    for (const fill of this.#filling.values()) fill.stale = true;
    this.#filling.clear();
  }

  #begin(name: Missing): Fill {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fill: Fill = { stale: false, done: promise };
    this.#filling.set(name.key, fill);
    this.#finish(name, fill).then(resolve, reject);
    return fill;
  }

  async #finish({ key, kind, parts }: Missing, fill: Fill): Promise<void> {
    try {
      const row = await this.#load(kind, parts);
      if (!fill.stale) this.#put(key, row);
    } finally {
      if (!fill.stale) this.#filling.delete(key);
    }
  }

  #put(key: string, row: AnyRow | undefined): void {
    const entry = { row: row && Object.freeze(row) };
    this.#entries.put(key, entry, { owner: ownerOf(row), weight: this.#weigh(row) });
  }

  /** A list counts as its rows, but never as so many that those of one reading would not fit. */
  #weigh(row: AnyRow | undefined): number {
    if (row === undefined || !("grants" in row)) return 1;
    const share = Math.floor((this.#entriesMax - ENTRIES_MIN) / LISTS_PER_READING_MAX);
    return Math.max(1, Math.min(row.grants.length, share));
  }
}

/**
 * The account that an entry counts for. An absent row is nobody's, whichever account its name
 * has in it: to ask for names in another's account must not push out that account's rows. Grants are those of the key's account.
 */
function ownerOf(row: AnyRow | undefined): string | undefined {
  if (row === undefined) return undefined;
  if ("account" in row) return row.account;
  const grant = "grants" in row ? row.grants[0] : "key_account" in row ? row : undefined;
  return grant?.key_account;
}

/** Rows in memory by `keyOf`; undefined for those that are not there, which may exist all the same. */
type FindEntry = (key: string) => { readonly row: AnyRow | undefined } | undefined;

/** One run of a reading over rows in memory, noting what is not there. */
export class MissingReader implements Reader {
  readonly #find: FindEntry;
  missing: Missing[] | undefined;

  constructor(find: FindEntry) {
    this.#find = find;
  }

  find<K extends ChangeKind>(kind: K, ...parts: Names[K]): Rows[K] | undefined {
    const [first, second, third] = parts;
    const key = keyOf(kind, first, second, third);
    const entry = this.#find(key);
    if (entry !== undefined) return entry.row as Rows[K] | undefined; // the key begins with the kind
    this.missing ??= [];
    this.missing.push({ key, kind, parts });
    return undefined;
  }
}

/** The key of a name among rows of all kinds. */
export function keyOf(kind: ChangeKind, first: string, second?: string, third?: string): string {
  const start = kind + SEPARATOR + first;
  if (second === undefined) return start;
  if (third === undefined) return start + SEPARATOR + second;
  return start + SEPARATOR + second + SEPARATOR + third;
}

/** Readings follow names from row to row (alias, key, material), and rows may change between rounds. */
const ROUNDS_MAX = 20;

/** What one run of a reading came to: its value, or the names that have to be loaded before it means anything. */
export type Run<T> = { readonly value: T; readonly missing?: undefined } | { readonly missing: readonly Missing[] };

/**
 * Runs a reading once. What it throws counts only when nothing was missing: an unread row looks like an absent one.
 *
 * @throws Error whatever the reading threw on complete rows
 */
export function runReading<T>(reading: (reader: Reader) => T, reader: MissingReader): Run<T> {
  try {
    const value = reading(reader);
    return reader.missing === undefined ? { value } : { missing: reader.missing };
  } catch (cause) {
    if (reader.missing === undefined) throw cause;
    return { missing: reader.missing };
  }
}

/**
 * Loads and runs again until nothing is missing.
 *
 * @param options.missing what the first run missed
 * @throws Error when it does not come to an end: the reading asks for other names each time, or its rows keep changing
 */
export async function settleMissing<T>(options: {
  readonly missing: readonly Missing[];
  readonly load: (missing: readonly Missing[]) => Promise<void>;
  readonly run: () => Run<T>;
}): Promise<T> {
  let { missing } = options;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    await options.load(missing);
    const result = options.run();
    if (result.missing === undefined) return result.value;
    missing = result.missing;
  }
  throw new Error("A reading of the store did not settle.");
}
