/** Something that there is so much of (connections, memory), of which no owner takes more than is left for the others. */

/** One owner may hold as much as is still free: half of it while it is alone, less for each that comes. */
export class Shares {
  readonly #max: number;
  readonly #held = new Map<string, number>();
  #total = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** What all hold together. */
  get total(): number {
    return this.#total;
  }

  /** Takes so much, or false with nothing taken where it would be more than the owner's share. */
  take(owner: string, amount: number): boolean {
    const held = (this.#held.get(owner) ?? 0) + amount;
    if (held > this.#max - this.#total) return false;
    this.#held.set(owner, held);
    this.#total += amount;
    return true;
  }

  /** Gives back what was taken. */
  release(owner: string, amount: number): void {
    const held = (this.#held.get(owner) ?? 0) - amount;
    if (held > 0) this.#held.set(owner, held);
    else this.#held.delete(owner);
    this.#total -= amount;
  }
}
