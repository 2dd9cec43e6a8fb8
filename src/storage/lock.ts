/** A lock inside one process. */

/** Lets one in at a time, in the order of the calls. */
export class Lock {
  #last: Promise<void> = Promise.resolve();

  /** Resolves, when everyone before has let go, with the function that lets the next one in. */
  async acquire(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = promise;
    await before;
    return resolve;
  }
}
