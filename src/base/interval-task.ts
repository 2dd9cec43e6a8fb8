/** Something that is done once in each interval of the injected clock, such as once a minute. */

import type { Clock } from "./clock.ts";

/** How often it is looked whether an interval has begun. */
const POLL_MS = 5_000;

export interface IntervalTaskOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** Whether it is done in the interval in which it is made, too. */
  readonly inFirst: boolean;
  /** Does it, at a time of the clock; where it rejects, the next look tries again. */
  perform(now: number): Promise<void>;
  /** Is told of failures of what the timer began. */
  readonly onError: (cause: unknown) => void;
}

/** Runs one after another. The timer keeps no process alive. */
export class IntervalTask {
  readonly #options: IntervalTaskOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #done: number | undefined;
  #isStopped = false;

  constructor(options: IntervalTaskOptions) {
    this.#options = options;
    if (!options.inFirst) this.#done = this.#interval();
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  start(): void {
    this.#timer = setInterval(() => void this.run().catch(this.#options.onError), POLL_MS).unref();
  }

  /** Ends after what is under way, which may look at `isStopped` to end early. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#running.catch(() => undefined);
  }

  /** Does it, if an interval has begun since it was done last. */
  run(): Promise<void> {
    this.#running = this.#running.catch(() => undefined).then(() => this.#runIfDue());
    return this.#running;
  }

  async #runIfDue(): Promise<void> {
    const interval = this.#interval();
    if (this.#isStopped || interval === this.#done) return;
    await this.#options.perform(this.#options.clock.now());
    this.#done = interval;
  }

  #interval(): number {
    return Math.floor(this.#options.clock.now() / this.#options.intervalMs);
  }
}
