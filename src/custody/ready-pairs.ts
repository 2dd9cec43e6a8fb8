/** RSA pairs made ahead of time, so that whoever asks for one does not wait for the search for primes. */

import type { PairBytes } from "./curve-pairs.ts";

/** How many pairs of each spec wait at most. */
export type ReadySizes = Readonly<Record<string, number>>;

/** Some seconds of one core's work, done when there is nothing else to do. */
export const READY_SIZES: ReadySizes = { RSA_2048: 6, RSA_3072: 3, RSA_4096: 2 };

/** The share of one of several processes of a server: together they make about as many. */
export function readySizes(processes: number): ReadySizes {
  return Object.fromEntries(Object.entries(READY_SIZES).map(([spec, size]) => [spec, Math.ceil(size / processes)]));
}

/** Pairs that nobody has yet, each given away once. */
export class ReadyPairs {
  readonly #make: (spec: string) => Promise<PairBytes>;
  readonly #sizes: ReadySizes;
  readonly #pairs = new Map<string, PairBytes[]>();
  readonly #making = new Set<string>();
  #closed = false;

  /** @param make makes a pair of a spec when there is time; it may reject, and is then asked again at the next need */
  constructor(make: (spec: string) => Promise<PairBytes>, sizes: ReadySizes = READY_SIZES) {
    this.#make = make;
    this.#sizes = sizes;
  }

  /** How many pairs of a spec are ready. */
  count(spec: string): number {
    return this.#pairs.get(spec)?.length ?? 0;
  }

  /** A ready pair, which is the caller's to wipe, or undefined; the next one is begun. */
  take(spec: string): PairBytes | undefined {
    const pair = this.#pairs.get(spec)?.shift();
    void this.#fill(spec);
    return pair;
  }

  /** Begins to make pairs of every spec. */
  fill(): void {
    for (const spec of Object.keys(this.#sizes)) void this.#fill(spec);
  }

  /** Wipes what nobody has taken. */
  close(): void {
    this.#closed = true;
    for (const { privateKey } of [...this.#pairs.values()].flat()) privateKey.fill(0);
    this.#pairs.clear();
  }

  /** One pair of a spec after the other, until there are enough. */
  async #fill(spec: string): Promise<void> {
    if (this.#making.has(spec)) return;
    this.#making.add(spec);
    try {
      while (!this.#closed && this.count(spec) < (this.#sizes[spec] ?? 0)) this.#keep(spec, await this.#make(spec));
    } catch {
      // Whoever needs a pair meanwhile makes one and is told what is wrong.
    } finally {
      this.#making.delete(spec);
    }
  }

  #keep(spec: string, pair: PairBytes): void {
    if (this.#closed) pair.privateKey.fill(0);
    else this.#pairs.set(spec, [...(this.#pairs.get(spec) ?? []), pair]);
  }
}
