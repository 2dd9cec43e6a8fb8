/** How many requests are under way, whose, and in which order they begin: no caller's flood becomes the others' waiting. */

import { FairQueue } from "../base/fair-queue.ts";
import { onceRead } from "../base/loop-turn.ts";

/** Bounds of `Admission`. */
export interface AdmissionLimits {
  /** Requests under way, those that wait included; several callers share them. */
  readonly requestsMax: number;
  /** What a caller may always have under way. */
  readonly shareMin: number;
  /** What begins in one turn of the event loop: some milliseconds of work. What comes beyond waits for the next turns. */
  readonly turnMax: number;
}

const LIMITS: AdmissionLimits = { requestsMax: 2_048, shareMin: 16, turnMax: 32 };

/** So many bytes of a body to be hashed and read weigh as much as a request. */
const BYTES_OF_WEIGHT = 16_384;

interface Waiting {
  readonly weight: number;
  readonly begin: () => void;
}

/**
 * The door to everything that costs more than reading a request.
 *
 * A caller is a name: the account that a connection has proved to be of, or what is known of one that has proved nothing. Each may
 * have an equal share of all requests under way, or all of them while it is alone.
 *
 * A bounded number of requests begins in each turn of the event loop, all together once everything has been read. The others wait,
 * and callers are served in turn. So one request of a quiet caller waits for the turn that is running and for one request of each
 * other caller.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  /** Requests under way by caller. */
  readonly #underWay = new Map<string, number>();
  readonly #waiting = new FairQueue<Waiting>({ itemsMax: Infinity, itemsOfOwnerMax: Infinity }); // `enter` has the bounds
  #total = 0;
  #isTurnPlanned = false;

  constructor(limits: AdmissionLimits = LIMITS) {
    this.#limits = limits;
  }

  /** How many requests are under way. */
  get size(): number {
    return this.#total;
  }

  /**
   * @param bodyBytes the length of the request's body
   * @returns false when the caller has its share under way; else what resolves when the request may begin, and `leave` must follow
   */
  enter(caller: string, bodyBytes: number): false | Promise<void> {
    const own = this.#underWay.get(caller) ?? 0;
    if (own >= this.#limits.shareMin && !this.#isWithinShare(own)) return false;
    this.#underWay.set(caller, own + 1);
    this.#total += 1;
    const weight = 1 + Math.floor(bodyBytes / BYTES_OF_WEIGHT);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(caller, { weight, begin: resolve });
    this.#planTurn();
    return promise;
  }

  /** A request of that caller is over. */
  leave(caller: string): void {
    const left = (this.#underWay.get(caller) ?? 0) - 1;
    if (left > 0) this.#underWay.set(caller, left);
    else this.#underWay.delete(caller);
    this.#total -= 1;
  }

  #isWithinShare(own: number): boolean {
    const callers = this.#underWay.size + (own === 0 ? 1 : 0);
    return own < Math.floor(this.#limits.requestsMax / callers);
  }

  #planTurn(): void {
    if (this.#isTurnPlanned) return;
    this.#isTurnPlanned = true;
    onceRead(() => this.#turn());
  }

  #turn(): void {
    this.#isTurnPlanned = false;
    let begun = 0;
    while (begun < this.#limits.turnMax) {
      const next = this.#waiting.take();
      if (next === undefined) return;
      begun += next.weight;
      next.begin();
    }
    if (this.#waiting.size > 0) this.#planTurn();
  }
}

/** So many refusals in a second cost a twentieth of a core. */
const REFUSALS_PER_SECOND = 400;
/** Refusals that come together are answered at once up to so many. */
const REFUSALS_AT_ONCE = 100;
const HOLD_MS_MAX = 1_000;

/**
 * When refusals of callers who have proved nothing, or who have their share, are answered: at once while they are few, else at a steady
 * rate, so that a client that asks again as soon as it is refused takes no more of the server than that. None is held for more
 * than a second.
 */
export class RefusalPace {
  #next = Number.NEGATIVE_INFINITY;

  /**
   * @param now milliseconds by a clock that only goes on
   * @returns for how many milliseconds the next refusal is to be held
   */
  hold(now: number): number {
    const interval = 1_000 / REFUSALS_PER_SECOND;
    const earliest = now - interval * REFUSALS_AT_ONCE;
    const at = Math.min(Math.max(this.#next, earliest), now + HOLD_MS_MAX);
    this.#next = at + interval;
    return Math.max(0, at - now);
  }
}
