/** A bounded cache of opened secrets, of which every owner has a share, and in which none outlives its age. */

import type { Clock } from "../base/clock.ts";
import { FairCache } from "../base/fair-cache.ts";

/** How many entries a cache holds and for how long. */
export interface CacheLimits {
  readonly entriesMax: number;
  readonly ageMsMax: number;
}

/**
 * Values by name, dropped when they are too many or too old.
 *
 * There is no timer: age is checked at each use, and each use that comes a quarter of the age limit after the last sweep
 * sweeps the whole cache. A clock that has run backwards makes entries old, too.
 */
export class AgedCache<V> {
  readonly #entries: FairCache<{ readonly value: V; readonly since: number }>;
  readonly #limits: CacheLimits;
  readonly #clock: Clock;
  readonly #drop: (value: V) => void;
  #sweptAt: number;

  /** @param drop called with each value that leaves: wipe what can be wiped */
  constructor(limits: CacheLimits, clock: Clock, drop: (value: V) => void) {
    this.#entries = new FairCache(limits.entriesMax, ({ value }) => drop(value));
    this.#limits = limits;
    this.#clock = clock;
    this.#drop = drop;
    this.#sweptAt = clock.now();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value of that name, or undefined when there is none or it is too old. */
  find(name: string): V | undefined {
    const now = this.#clock.now();
    this.#sweepIfDue(now);
    const entry = this.#entries.find(name);
    if (entry === undefined) return undefined;
    if (this.#isOld(entry.since, now)) {
      this.#remove(name, entry.value);
      return undefined;
    }
    return entry.value;
  }

  /** Puts a value in, in place of one of the same name. Where there is no room, owners with more than their share give way. */
  put(name: string, value: V, owner: string): void {
    const now = this.#clock.now();
    this.#sweepIfDue(now);
    const earlier = this.#entries.delete(name);
    if (earlier !== undefined) this.#drop(earlier.value);
    this.#entries.put(name, { value, since: now }, { owner });
  }

  /** Drops every value that `matches`. */
  dropWhere(matches: (value: V) => boolean): void {
    for (const [name, { value }] of this.#entries) if (matches(value)) this.#remove(name, value);
  }

  #sweepIfDue(now: number): void {
    if (now >= this.#sweptAt && now - this.#sweptAt < this.#limits.ageMsMax / 4) return;
    this.#sweptAt = now;
    for (const [name, { value, since }] of this.#entries) if (this.#isOld(since, now)) this.#remove(name, value);
  }

  #isOld(since: number, now: number): boolean {
    return now < since || now - since >= this.#limits.ageMsMax;
  }

  #remove(name: string, value: V): void {
    this.#entries.delete(name);
    this.#drop(value);
  }
}
