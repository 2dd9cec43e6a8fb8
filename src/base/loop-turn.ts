/** One turn of the event loop in stages: what is read, what begins, what ends. Work of one kind for many requests stands together. */

/**
 * Calls back once all that the loop has ready has been read.
 *
 * Requests that begin together, rather than each between the reads of two sockets, find code and tables in the processor's
 * caches: docs/performance.md has what it saves.
 */
export function onceRead(callback: () => void): void {
  beginning.add(callback);
  ending.plan();
}

/** Calls back once all that began in this turn has come as far as it can without waiting for anything outside the process. */
export function onceBegun(callback: () => void): void {
  ending.add(callback);
}

/** Callbacks that the check phase of the loop runs one after another. */
class Stage {
  #callbacks: (() => void)[] = [];
  #isPlanned = false;

  add(callback: () => void): void {
    this.#callbacks.push(callback);
    this.plan();
  }

  /** Takes this stage's place in the check phase, so that it comes after those that have taken theirs. */
  plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => this.#run());
  }

  /** A callback that throws is an uncaught exception, as it would be from a callback of the loop itself. */
  #run(): void {
    this.#isPlanned = false;
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    for (const callback of callbacks) callback();
  }
}

const beginning = new Stage();
const ending = new Stage();
