/** The last use of each of many things: kept in memory by the requests, written behind them (DESIGN §8). */

import { Flusher } from "../base/flusher.ts";
import type { Store, Tx } from "./store.ts";

/** How old a use may become before it is written: what a crash can lose. */
const FLUSH_MS = 60_000;

/** So many things used since the last flush bring the next one forward. */
const USES_MAX = 10_000;

/** So many rows go in one transaction, so that other writers get their turn. */
const ROWS_MAX = 500;

export interface LatestUsesOptions<Row> {
  readonly store: Pick<Store, "transaction">;
  /** Writes one row, unless a later one is there. */
  readonly write: (tx: Tx, row: Row) => Promise<void>;
  /** Is told when a flush failed; its uses are tried again. */
  readonly onError: (cause: unknown) => void;
}

/** Uses by the name of what was used, each of them the latest of its time. `used_at` is in milliseconds since the epoch. */
export class LatestUses<Row extends { readonly used_at: number }> {
  readonly #options: LatestUsesOptions<Row>;
  readonly #flusher = new Flusher(FLUSH_MS, () => this.#write());
  #fresh = new Map<string, Row>();
  /** Those that a flush is writing. */
  #writing = new Map<string, Row>();

  constructor(options: LatestUsesOptions<Row>) {
    this.#options = options;
  }

  note(name: string, use: Row): void {
    this.#keep(name, use);
    if (this.#fresh.size >= USES_MAX && this.#writing.size === 0) void this.flush();
  }

  /** The later of this process's last use and the `written` one. */
  latest(name: string, written: Row | undefined): Row | undefined {
    const own = this.#fresh.get(name) ?? this.#writing.get(name);
    return own === undefined || (written !== undefined && written.used_at > own.used_at) ? written : own;
  }

  /** Writes what was noted before the call. Never rejects: what could not be written stays for the next flush. */
  flush(): Promise<void> {
    return this.#flusher.flush();
  }

  /** Writes what there is; call it after the last request. */
  close(): Promise<void> {
    return this.#flusher.close();
  }

  #keep(name: string, use: Row): void {
    const known = this.#fresh.get(name);
    if (known === undefined || known.used_at <= use.used_at) this.#fresh.set(name, use);
  }

  async #write(): Promise<void> {
    const { store, write, onError } = this.#options;
    this.#writing = this.#fresh;
    this.#fresh = new Map();
    try {
      const rows = [...this.#writing.values()];
      for (let start = 0; start < rows.length; start += ROWS_MAX) {
        await store.transaction(async (tx) => {
          for (const row of rows.slice(start, start + ROWS_MAX)) await write(tx, row);
        });
      }
    } catch (cause) {
      for (const [name, use] of this.#writing) this.#keep(name, use);
      onError(cause);
    }
    this.#writing = new Map();
  }
}
