/** How changes lag where a development server is told to let them (KMS guide, Eventual consistency). */

interface Earlier {
  /** When it was changed, in ms since the epoch. */
  readonly changedAt: number;
  readonly value: unknown;
}

/** For how long changes are not known to decisions, and what these go by meanwhile. It lives as long as its process. */
export class Propagation {
  readonly ms: number;
  readonly #earlier = new Map<string, Earlier[]>();

  /** @param ms from a change until requests are decided by it */
  constructor(ms: number) {
    this.ms = ms;
  }

  /** Whether what was made or changed at `since` is known at `now`. */
  reaches(since: number, now: number): boolean {
    return since + this.ms <= now;
  }

  /** Keeps what `name` has, in the transaction that changes it. One that fails does no harm: the value stays what it is. */
  hold(name: string, value: unknown, now: number): void {
    this.#forget(now);
    const earlier = this.#earlier.get(name) ?? [];
    earlier.push({ changedAt: now, value });
    this.#earlier.set(name, earlier);
  }

  /** What `name` had before the first of its changes that is not known yet; undefined when all are known. */
  earlier(name: string, now: number): Earlier | undefined {
    return this.#earlier.get(name)?.find(({ changedAt }) => !this.reaches(changedAt, now));
  }

  #forget(now: number): void {
    for (const [name, earlier] of this.#earlier) {
      const rest = earlier.filter(({ changedAt }) => !this.reaches(changedAt, now));
      if (rest.length === 0) this.#earlier.delete(name);
      else this.#earlier.set(name, rest);
    }
  }
}
