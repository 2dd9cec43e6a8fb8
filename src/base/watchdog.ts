/** Notices that somebody has been silent for long. */

export interface WatchdogOptions {
  readonly tickMs: number;
  /** So many ticks without a word are too many. */
  readonly ticksMax: number;
  readonly onSilence: () => void;
  /** Whether a word is due; always when not given. */
  readonly expects?: () => boolean;
}

/**
 * Counts ticks rather than time: a pause of this process itself is one tick, after which it first hears what was said
 * meanwhile.
 */
export class Watchdog {
  readonly #timer: NodeJS.Timeout;
  #silentTicks = 0;

  constructor({ tickMs, ticksMax, onSilence, expects = () => true }: WatchdogOptions) {
    this.#timer = setInterval(() => {
      if (!expects()) return;
      this.#silentTicks += 1;
      if (this.#silentTicks < ticksMax) return;
      this.stop();
      onSilence();
    }, tickMs);
    this.#timer.unref();
  }

  /** There was a word. */
  heard(): void {
    this.#silentTicks = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
