/**
 * Whether a recorded history of a register is linearizable, where one client at a time writes it and anybody reads it.
 *
 * A register takes the versions 0, 1, 2, …, each written once. A read says which versions it may have seen: one where the
 * answer names it, several where it tells less (a key that is enabled was so in every other version). An order that keeps
 * real time exists exactly when versions can be given to the reads so that none is older than what was acknowledged before
 * the read began, none newer than what had begun when it ended, and none older than what an earlier read saw; and since
 * giving each read the oldest version that it may have hurts no later one, the search is greedy.
 */

/** A write of the next version. Times are of one monotonic clock; a write without an answer may be done at any later time. */
export interface Write {
  readonly version: number;
  readonly begin: number;
  /** When it was answered as done; undefined where its outcome is unknown. */
  readonly end: number | undefined;
}

/** A read that was answered. */
export interface Read {
  readonly begin: number;
  readonly end: number;
  /** Whether the answer fits a version. */
  readonly fits: (version: number) => boolean;
  /** Who answered what, for the report. */
  readonly label: string;
}

/** Why a history has no order, in words. */
export interface Anomaly {
  readonly read: Read;
  /** The versions between which the read had to be. */
  readonly oldest: number;
  readonly newest: number;
}

/**
 * Finds the first read that no order explains.
 *
 * @param writes version 1 and those after it, in the order in which they were begun, each begun after the one before it was
 *   answered or given up
 */
export function findAnomaly(writes: readonly Write[], reads: readonly Read[]): Anomaly | undefined {
  const seen: { readonly end: number; readonly version: number }[] = [];
  for (const read of reads.toSorted((left, right) => left.begin - right.begin)) {
    const acknowledged = writes.filter(({ end }) => end !== undefined && end < read.begin);
    const before = seen.filter(({ end }) => end < read.begin);
    const oldest = Math.max(0, ...acknowledged.map(({ version }) => version), ...before.map(({ version }) => version));
    const newest = Math.max(0, ...writes.filter(({ begin }) => begin <= read.end).map(({ version }) => version));
    const version = firstFitting(read, oldest, newest);
    if (version === undefined) return { read, oldest, newest };
    seen.push({ end: read.end, version });
  }
  return undefined;
}

function firstFitting({ fits }: Read, oldest: number, newest: number): number | undefined {
  for (let version = oldest; version <= newest; version += 1) if (fits(version)) return version;
  return undefined;
}
