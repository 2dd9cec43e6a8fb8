/** Keeps a wrong clock from destroying keys: destructive due work waits after a start and after a leap (DESIGN §7, Time). */

import type { Clock } from "../base/clock.ts";

const HOUR_MS = 3_600_000;
/** How far the wall clock may lead elapsed monotonic time. */
const LEAP_MS_MAX = 300_000;

export class DestructionGuard {
  readonly #clock: Clock;
  readonly #monotonicMs: () => number;
  #startedAt: number;
  #startedMonotonicMs: number;

  /** @param monotonicMs elapsed milliseconds that no clock setting moves, such as `performance.now` */
  constructor(clock: Clock, monotonicMs: () => number) {
    this.#clock = clock;
    this.#monotonicMs = monotonicMs;
    this.#startedAt = clock.now();
    this.#startedMonotonicMs = monotonicMs();
  }

  /** For how much longer destructive work waits, in ms; 0 where it doesn't. */
  waitsMs(): number {
    return this.mayDestroy() ? 0 : Math.max(0, HOUR_MS - (this.#monotonicMs() - this.#startedMonotonicMs));
  }

  /** Whether destructive work may run: one hour has passed since the start, and since the last leap of the wall clock. */
  mayDestroy(): boolean {
    const elapsedMs = this.#monotonicMs() - this.#startedMonotonicMs;
    const wallMs = this.#clock.now() - this.#startedAt;
    if (wallMs - elapsedMs > LEAP_MS_MAX) {
      this.#startedAt = this.#clock.now();
      this.#startedMonotonicMs = this.#monotonicMs();
      return false;
    }
    return elapsedMs >= HOUR_MS;
  }
}
