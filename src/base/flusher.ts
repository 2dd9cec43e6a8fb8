/** Writes what is kept in memory from time to time, one write after another. */

/** A timer that keeps no process alive, and the writes that it or somebody else asks for. */
export class Flusher {
  readonly #write: () => Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #flushing: Promise<void> = Promise.resolve();

  /** @param write writes what there is; it tells of failures itself and never rejects */
  constructor(intervalMs: number, write: () => Promise<void>) {
    this.#write = write;
    this.#timer = setInterval(() => void this.flush(), intervalMs).unref();
  }

  /** Writes what was kept before the call, after the write that is under way. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(this.#write);
    return this.#flushing;
  }

  /** Writes what there is, for the last time. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}
