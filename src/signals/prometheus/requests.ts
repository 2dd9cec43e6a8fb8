/** Requests counted by service, operation and outcome, and how long they took; what one costs is two look-ups and a few additions. */

/** Upper bounds of the buckets in milliseconds; the last bucket has none. */
export const BUCKETS_MS: readonly number[] = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1_000, 5_000];

/** What is counted of one operation; it passes between processes. */
export interface OperationCounts {
  readonly service: string;
  /** Empty where a request named none of ours, or was refused before anybody looked. */
  readonly operation: string;
  /** By error code; an empty code is a success. */
  readonly codes: readonly (readonly [code: string, count: number])[];
  /** One count for each of `BUCKETS_MS`, and one for what took longer; not cumulative. */
  readonly buckets: readonly number[];
  readonly sumMs: number;
}

interface Counting {
  succeeded: number;
  readonly failed: Map<string, number>;
  readonly buckets: Float64Array;
  sumMs: number;
}

/** Error codes that are told apart for an operation: more than any operation has. */
const CODES_MAX = 64;
const OTHER = "Other";

export class RequestCounters {
  readonly #services = new Map<string, Map<string, Counting>>();

  /**
   * Counts one request.
   *
   * @param operation a name of the service's model, or empty: names that callers made up would never end
   * @param code the error's, undefined for a success
   */
  observe(service: string, operation: string, code: string | undefined, milliseconds: number): void {
    const counting = this.#of(service, operation);
    if (code === undefined) counting.succeeded += 1;
    else countCode(counting.failed, code);
    let index = 0;
    while (index < BUCKETS_MS.length && milliseconds > (BUCKETS_MS[index] ?? Infinity)) index += 1;
    counting.buckets[index] = (counting.buckets[index] ?? 0) + 1;
    counting.sumMs += milliseconds;
  }

  #of(service: string, operation: string): Counting {
    const known = this.#services.get(service)?.get(operation);
    if (known !== undefined) return known;
    const made = { succeeded: 0, failed: new Map(), buckets: new Float64Array(BUCKETS_MS.length + 1), sumMs: 0 };
    const operations = this.#services.get(service) ?? new Map<string, Counting>();
    this.#services.set(service, operations.set(operation, made));
    return made;
  }

  /** What was counted so far. */
  counts(): OperationCounts[] {
    return [...this.#services].flatMap(([service, operations]) =>
      [...operations].map(([operation, { succeeded, failed, buckets, sumMs }]) => ({
        service,
        operation,
        codes: [...(succeeded > 0 ? [["", succeeded] as const] : []), ...failed],
        buckets: [...buckets],
        sumMs,
      })),
    );
  }
}

function countCode(failed: Map<string, number>, code: string): void {
  const name = failed.has(code) || failed.size < CODES_MAX ? code : OTHER;
  failed.set(name, (failed.get(name) ?? 0) + 1);
}

/** The counts of several processes as one. */
export function mergeCounts(all: readonly (readonly OperationCounts[])[]): readonly OperationCounts[] {
  const merged = new Map<string, OperationCounts>();
  for (const counts of all.flat()) {
    const key = `${counts.service} ${counts.operation}`;
    const known = merged.get(key);
    merged.set(key, known === undefined ? counts : sumOf(known, counts));
  }
  return [...merged.values()];
}

function sumOf(left: OperationCounts, right: OperationCounts): OperationCounts {
  const codes = new Map(left.codes);
  for (const [code, count] of right.codes) codes.set(code, (codes.get(code) ?? 0) + count);
  const buckets = left.buckets.map((count, index) => count + (right.buckets[index] ?? 0));
  return { ...left, codes: [...codes], buckets, sumMs: left.sumMs + right.sumMs };
}
