/** Results of a pure function of a text, remembered for texts that come again and again. */

/**
 * Remembers up to `entriesMax` results and forgets all of them when there would be more: who sends new texts all the time is
 * served as if nothing were remembered, and takes no memory beyond that bound. What throws is not remembered.
 *
 * Not for secrets: results and texts stay in memory.
 */
export class Memo<V extends object> {
  readonly #known = new Map<string, V>();
  readonly #entriesMax: number;
  readonly #compute: (text: string) => V;

  constructor(entriesMax: number, compute: (text: string) => V) {
    this.#entriesMax = entriesMax;
    this.#compute = compute;
  }

  /** @throws Error whatever the function throws */
  of(text: string): V {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const result = this.#compute(text);
    if (this.#known.size >= this.#entriesMax) this.#known.clear();
    this.#known.set(text, result);
    return result;
  }
}
