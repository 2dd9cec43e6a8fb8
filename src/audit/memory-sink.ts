/** The last records in memory, for development and tests. */

import { type AuditRecord, highestOf, type Sink } from "./sink.ts";

/** Keeps the last `capacity` records and forgets older ones. */
export class MemorySink implements Sink {
  /** Bytes, which live outside the collector's heap: texts that outlive a collection or two are dear to move. */
  readonly #ring: Uint8Array[] = [];
  readonly #capacity: number;
  #written = 0;
  #highest = 0;

  /** @param options.capacity at least 1 */
  constructor({ capacity = 10_000 }: { capacity?: number } = {}) {
    this.#capacity = capacity;
  }

  get highest(): number {
    return this.#highest;
  }

  write(records: readonly AuditRecord[]): void {
    for (const { json } of records) this.#ring[this.#written++ % this.#capacity] = Buffer.from(json, "utf8");
    this.#highest = highestOf(records, this.#highest);
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {}

  /** The records kept, oldest first. Those of changes arrive with the recorder's next `flush`. */
  records(): readonly Readonly<Record<string, unknown>>[] {
    const oldest = this.#written > this.#capacity ? this.#written % this.#capacity : 0;
    const texts = [...this.#ring.slice(oldest), ...this.#ring.slice(0, oldest)];
    return texts.map((bytes) => JSON.parse(Buffer.from(bytes).toString("utf8")) as Record<string, unknown>);
  }
}
