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
 * Finds the first read that is older than a change that was answered before it began, or newer than any that had begun when it
 * ended: what holds of every deployment. Reads beside a write, or after one that was never answered, may see either.
 */
export function findStaleRead(writes: readonly Write[], reads: readonly Read[]): Anomaly | undefined {
  for (const read of reads) {
    const { oldest, newest } = boundsOf(read, writes);
    if (firstFitting(read, oldest, newest) === undefined) return { read, oldest, newest };
  }
  return undefined;
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
    const bounds = boundsOf(read, writes);
    const before = seen.filter(({ end }) => end < read.begin);
    const oldest = Math.max(bounds.oldest, ...before.map(({ version }) => version));
    const { newest } = bounds;
    const version = firstFitting(read, oldest, newest);
    if (version === undefined) return { read, oldest, newest };
    seen.push({ end: read.end, version });
  }
  return undefined;
}

/** The newest version that was answered before a read began, and the newest that had begun when it ended. */
function boundsOf(
  { begin, end }: Read,
  writes: readonly Write[],
): { readonly oldest: number; readonly newest: number } {
  const answered = writes.filter((write) => write.end !== undefined && write.end < begin);
  const begun = writes.filter((write) => write.begin <= end);
  return {
    oldest: Math.max(0, ...answered.map(({ version }) => version)),
    newest: Math.max(0, ...begun.map(({ version }) => version)),
  };
}

function firstFitting({ fits }: Read, oldest: number, newest: number): number | undefined {
  for (let version = oldest; version <= newest; version += 1) if (fits(version)) return version;
  return undefined;
}
