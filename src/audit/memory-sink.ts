/** The last records in memory, for development and tests. */

import { type AuditRecord, highestOf, type Sink } from "./sink.ts";

/** Bytes of UTF-8 for one UTF-16 unit, at most. */
const UTF8_BYTES_MAX = 3;
/** Room for the longest record there can be. */
const RING_BYTES = 16 * 1024 * 1024;

/** How much a `MemorySink` keeps. */
export interface MemorySinkOptions {
  /** Records; at least 1. */
  readonly capacity?: number;
  /** Of all of them, in UTF-8; a longer record is not kept. */
  readonly bytes?: number;
}

/**
 * Keeps the last records, as many as there is room for. They lie in one ring of bytes: texts or buffers of their own that
 * die of old age would be moved by the collector again and again.
 */
export class MemorySink implements Sink {
  readonly #ring: Buffer;
  /** Where each record that is kept starts and ends in the ring, oldest first from `#first` on. */
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  #first = 0;
  #kept = 0;
  /** Where the next record starts. */
  #at = 0;
  #highest = 0;
  /** How many records are no longer kept. */
  #forgotten = 0;

  constructor({ capacity = 10_000, bytes = RING_BYTES }: MemorySinkOptions = {}) {
    this.#ring = Buffer.alloc(bytes);
    this.#starts = new Uint32Array(capacity);
    this.#ends = new Uint32Array(capacity);
  }

  get highest(): number {
    return this.#highest;
  }

  write(records: readonly AuditRecord[]): void {
    for (const { json } of records) this.#keep(json);
    this.#highest = highestOf(records, this.#highest);
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {}

  /** The records kept, oldest first. Those of changes arrive with the recorder's next `flush`. */
  records(): readonly Readonly<Record<string, unknown>>[] {
    return this.texts().map(({ json }) => JSON.parse(json) as Record<string, unknown>);
  }

  /** The same as JSON texts, each with its number among all that ever came, of those from number `from` on. */
  texts(from = 0): readonly { readonly sequence: number; readonly json: string }[] {
    const skipped = Math.min(Math.max(from - this.#forgotten, 0), this.#kept);
    return Array.from({ length: this.#kept - skipped }, (_, position) => {
      const age = skipped + position;
      const index = (this.#first + age) % this.#starts.length;
      const json = this.#ring.toString("utf8", this.#starts[index], this.#ends[index]);
      return { sequence: this.#forgotten + age, json };
    });
  }

  #keep(json: string): void {
    let bytes = json.length * UTF8_BYTES_MAX;
    if (this.#at + bytes > this.#ring.length) {
      bytes = Buffer.byteLength(json);
      if (bytes > this.#ring.length) return;
      if (this.#at + bytes > this.#ring.length) {
        this.#forgetBetween(this.#at, this.#ring.length);
        this.#at = 0;
      }
    }
    this.#forgetBetween(this.#at, this.#at + bytes);
    if (this.#kept === this.#starts.length) this.#forgetOldest();
    const index = (this.#first + this.#kept) % this.#starts.length;
    this.#starts[index] = this.#at;
    this.#at += this.#ring.write(json, this.#at);
    this.#ends[index] = this.#at;
    this.#kept += 1;
  }

  /** The oldest records are those that lie ahead in the ring. */
  #forgetBetween(start: number, end: number): void {
    while (this.#kept > 0) {
      const oldest = this.#starts[this.#first] ?? 0;
      if (oldest < start || oldest >= end) return;
      this.#forgetOldest();
    }
  }

  #forgetOldest(): void {
    this.#first = (this.#first + 1) % this.#starts.length;
    this.#kept -= 1;
    this.#forgotten += 1;
  }
}
