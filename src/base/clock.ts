/** Time: everything but signature freshness reads it from an injected clock. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() };

/** Milliseconds that pass evenly, whatever anybody sets. */
export function uptime(): number {
  return performance.now();
}

/** A clock that runs with the machine's and can be moved forward: `keystead dev` only. */
export class MovableClock implements Clock {
  #offsetMs = 0;
  /** While due work is stepped through, the moment that it sees; undefined when the clock runs freely. */
  #heldAt: number | undefined;

  now(): number {
    return this.#heldAt ?? Date.now() + this.#offsetMs;
  }

  /** Moves the clock to `time` (ms since the epoch), from where it runs on. */
  set(time: number): void {
    this.#heldAt = undefined;
    this.#offsetMs = time - Date.now();
  }

  /** Stops the clock at `time` until `set` lets it run again. */
  hold(time: number): void {
    this.#heldAt = time;
  }
}
