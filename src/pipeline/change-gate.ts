/** Lets accounts' changes to the store in turn: its own queue is served in order, and one account could fill it for minutes. */

import { FairQueue, type QueueLimits } from "../base/fair-queue.ts";

/** Bounds of a `ChangeGate`. */
export interface ChangeLimits extends QueueLimits {
  /** Changes in the store's queue at a time: two shared commits, one that is being made and one that fills meanwhile. */
  readonly runningMax: number;
}

/** The last of a thousand changes of one account waits about a second on a disk that takes a millisecond for a commit. */
const LIMITS: ChangeLimits = { runningMax: 128, itemsMax: 4_096, itemsOfOwnerMax: 1_024 };

/** What the server does by itself (due work, the outbox) does not come this way and is never refused. */
export class ChangeGate {
  readonly #limits: ChangeLimits;
  readonly #waiting: FairQueue<() => void>;
  #running = 0;

  constructor(limits: ChangeLimits = LIMITS) {
    this.#limits = limits;
    this.#waiting = new FairQueue(limits);
  }

  /** @returns whether the change may go on, once it is its turn: then `leave` must follow; false at once when too many wait */
  enter(account: string): boolean | Promise<boolean> {
    if (this.#running < this.#limits.runningMax) {
      this.#running += 1;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    return this.#waiting.push(account, () => resolve(true)) && promise;
  }

  /** The change is over, whatever came of it; its place goes to the next. */
  leave(): void {
    const next = this.#waiting.take();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
