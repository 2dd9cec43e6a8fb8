/** A bounded cache of which every owner has a share: one that goes through a million names pushes out its own. */

/** How a value is kept. */
export interface Keeping {
  /** Whose it is; what is nobody's (names that lead to nothing) has a quarter of the cache together. */
  readonly owner: string | undefined;
  /** What it counts as, 1 when not given. One alone must be far below the bound of the cache. */
  readonly weight?: number;
}

interface Entry<V> {
  readonly value: V;
  readonly weight: number;
  readonly holder: Holder<V>;
  /** Found since the eviction last came by: what nobody asks for again goes first. */
  used: boolean;
}

interface Holder<V> {
  readonly owner: string | undefined;
  readonly entries: Map<string, Entry<V>>;
  weight: number;
}

const OWNERLESS_PART = 0.25;
/** Owners that are looked at for one with more than its share before whoever is next gives way. */
const LOOKS_MAX = 1_024;

/** Values by name. While there is room an owner may have more than its share; when there is none, those that do give way. */
export class FairCache<V> {
  readonly #weightMax: number;
  readonly #dropped: (value: V) => void;
  readonly #entries = new Map<string, Entry<V>>();
  /** Those that have entries; who is looked at next comes first. */
  readonly #holders = new Map<string | undefined, Holder<V>>();
  #weight = 0;

  /** @param dropped called with each value that leaves to make room */
  constructor(weightMax: number, dropped: (value: V) => void = () => {}) {
    this.#weightMax = weightMax;
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(name: string): V | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.value;
  }

  /** Puts a value in, in place of one of the same name, and makes room for it. */
  put(name: string, value: V, { owner, weight = 1 }: Keeping): void {
    this.delete(name);
    const holder = this.#holders.get(owner) ?? { owner, entries: new Map(), weight: 0 };
    this.#holders.set(owner, holder);
    const entry = { value, weight, holder, used: false };
    holder.entries.set(name, entry);
    this.#entries.set(name, entry);
    holder.weight += weight;
    this.#weight += weight;
    while (this.#weight > this.#weightMax && this.#entries.size > 1) this.#evict(entry);
  }

  /** Removes a value and returns it, if there is one of that name. */
  delete(name: string): V | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    const { holder, weight } = entry;
    this.#entries.delete(name);
    holder.entries.delete(name);
    holder.weight -= weight;
    this.#weight -= weight;
    if (holder.entries.size === 0) this.#holders.delete(holder.owner);
    return entry.value;
  }

  clear(): void {
    this.#entries.clear();
    this.#holders.clear();
    this.#weight = 0;
  }

  *[Symbol.iterator](): Generator<readonly [name: string, value: V]> {
    for (const [name, { value }] of this.#entries) yield [name, value];
  }

  /** Takes one out, or a second chance from those that were used. What has just come stays. */
  #evict(newest: Entry<V>): void {
    const holder = this.#whoGivesWay(newest);
    for (const [name, entry] of holder.entries) {
      if (entry !== newest && !entry.used) {
        this.delete(name);
        this.#dropped(entry.value);
        return;
      }
      entry.used = false;
      holder.entries.delete(name);
      holder.entries.set(name, entry);
      if (holder.entries.size > 1) continue; // the map's iterator comes to those that were moved, too
      this.#moveLast(holder);
      return;
    }
  }

  #whoGivesWay(newest: Entry<V>): Holder<V> {
    const canGive = ({ entries }: Holder<V>): boolean => entries.size > 1 || entries !== newest.holder.entries;
    if (this.#isOverShare(newest.holder) && canGive(newest.holder)) return newest.holder;
    let looks = 0;
    for (const holder of this.#holders.values()) {
      if (canGive(holder) && (this.#isOverShare(holder) || looks >= LOOKS_MAX)) return holder;
      if (looks >= this.#holders.size && canGive(holder)) return holder;
      looks += 1;
      this.#moveLast(holder);
    }
    return newest.holder;
  }

  #isOverShare({ owner, weight }: Holder<V>): boolean {
    if (owner === undefined) return weight > this.#weightMax * OWNERLESS_PART;
    const owners = this.#holders.size - (this.#holders.has(undefined) ? 1 : 0);
    return weight > Math.max(1, (this.#weightMax * (1 - OWNERLESS_PART)) / owners);
  }

  #moveLast(holder: Holder<V>): void {
    this.#holders.delete(holder.owner);
    this.#holders.set(holder.owner, holder);
  }
}
