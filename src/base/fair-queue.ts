/** A bounded queue that serves its owners in turn, so that one with many items holds nobody else up. */

/** How many items may wait. */
export interface QueueLimits {
  readonly itemsMax: number;
  readonly itemsOfOwnerMax: number;
}

/** First come, first served within an owner; between owners, one each in turn. */
export class FairQueue<T> {
  readonly #limits: QueueLimits;
  /** Owners with items, the next to be served first. */
  readonly #owners = new Map<string, T[]>();
  #size = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /** How many owners have items. */
  get owners(): number {
    return this.#owners.size;
  }

  /** How many items an owner has. */
  sizeOf(owner: string): number {
    return this.#owners.get(owner)?.length ?? 0;
  }

  /** Adds an item; false, with nothing changed, when the queue or the owner's part of it is full. */
  push(owner: string, item: T): boolean {
    const items = this.#owners.get(owner);
    if (this.#size >= this.#limits.itemsMax || (items?.length ?? 0) >= this.#limits.itemsOfOwnerMax) return false;
    if (items === undefined) this.#owners.set(owner, [item]);
    else items.push(item);
    this.#size += 1;
    return true;
  }

  /** Removes and returns the next item that may be taken; its owner is then the last in turn. */
  take(mayTake: (item: T) => boolean = () => true): T | undefined {
    for (const [owner, items] of this.#owners) {
      const [item] = items;
      if (item === undefined || !mayTake(item)) continue;
      items.shift();
      this.#owners.delete(owner);
      if (items.length > 0) this.#owners.set(owner, items);
      this.#size -= 1;
      return item;
    }
    return undefined;
  }

  /** Removes and returns everything. */
  drain(): readonly T[] {
    const items = [...this.#owners.values()].flat();
    this.#owners.clear();
    this.#size = 0;
    return items;
  }
}
