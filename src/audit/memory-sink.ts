/** The last records in memory, for development and tests. */

import { type AuditRecord, highestOf, type Sink } from "./sink.ts";

/** The records of one write, a line each: bytes live outside the collector's heap, where old texts are dear to keep. */
interface Batch {
  readonly lines: Uint8Array;
  readonly records: number;
}

/** Keeps the last `capacity` records, and as many older ones as came in one write with the oldest of them. */
export class MemorySink implements Sink {
  readonly #capacity: number;
  #batches: Batch[] = [];
  /** Where the kept batches begin; the list is cut when most of it is behind. */
  #first = 0;
  #kept = 0;
  #highest = 0;

  /** @param options.capacity at least 1 */
  constructor({ capacity = 10_000 }: { capacity?: number } = {}) {
    this.#capacity = capacity;
  }

  get highest(): number {
    return this.#highest;
  }

  write(records: readonly AuditRecord[]): void {
    if (records.length === 0) return;
    const lines = Buffer.from(records.map(({ json }) => json).join("\n"), "utf8");
    this.#batches.push({ lines, records: records.length });
    this.#kept += records.length;
    this.#highest = highestOf(records, this.#highest);
    this.#forgetOldest();
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {}

  /** The records kept, oldest first. Those of changes arrive with the recorder's next `flush`. */
  records(): readonly Readonly<Record<string, unknown>>[] {
    const texts = this.#batches
      .slice(this.#first)
      .flatMap(({ lines }) => Buffer.from(lines).toString("utf8").split("\n"));
    return texts.slice(-this.#capacity).map((text) => JSON.parse(text) as Record<string, unknown>);
  }

  #forgetOldest(): void {
    for (let oldest = this.#batches[this.#first]; oldest !== undefined; oldest = this.#batches[this.#first]) {
      if (this.#kept - oldest.records < this.#capacity) break;
      this.#kept -= oldest.records;
      this.#first += 1;
    }
    if (this.#first * 2 <= this.#batches.length) return;
    this.#batches = this.#batches.slice(this.#first);
    this.#first = 0;
  }
}
