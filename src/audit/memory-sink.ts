/** The last records in memory, for development and tests. */

import { type AuditRecord, highestOf, type Sink } from "./sink.ts";

/** Keeps the last `capacity` records and forgets older ones. */
export class MemorySink implements Sink {
  readonly #ring: string[] = [];
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
    for (const { json } of records) this.#ring[this.#written++ % this.#capacity] = json;
    this.#highest = highestOf(records, this.#highest);
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {}

  /** The records kept, oldest first. Those of changes arrive with the recorder's next `flush`. */
  records(): readonly Readonly<Record<string, unknown>>[] {
    const oldest = this.#written > this.#capacity ? this.#written % this.#capacity : 0;
    const texts = [...this.#ring.slice(oldest), ...this.#ring.slice(0, oldest)];
    return texts.map((text) => JSON.parse(text) as Record<string, unknown>);
  }
}
