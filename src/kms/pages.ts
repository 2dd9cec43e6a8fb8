/** Pages of lists as KMS has them: its limits, markers and errors. */

import { InvalidMarkerException, ValidationException } from "../base/errors.ts";
import type { Custody } from "../custody/custody.ts";
import type { Call } from "../pipeline/operation.ts";
import { pageOf } from "../pipeline/pages.ts";

/** The page sizes of one operation; the shape `Limit` allows 1,000 for all (spec 08, Pagination). */
export interface PageSizes {
  readonly initial: number;
  readonly max: number;
}

interface PageInput {
  readonly Limit?: number;
  readonly Marker?: string;
}

/** @throws ValidationException the limit is above the operation's own */
export function requireLimit({ Limit }: PageInput, { max }: PageSizes): void {
  if (Limit === undefined || Limit <= max) return;
  throw new ValidationException(
    `1 validation error detected: Value '${Limit}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to ${max}`,
  );
}

/**
 * Lists one page.
 *
 * @param list up to `count` items in order, those after `after`; it is asked for one more than the page has
 * @param nameOf what a marker remembers of the last item
 * @throws InvalidMarkerException the marker was not made for this list of this caller, or was altered
 */
export async function page<T>(
  input: PageInput,
  context: { readonly call: Call; readonly custody: Custody },
  {
    sizes,
    filter = "",
    list,
    nameOf,
  }: {
    readonly sizes: PageSizes;
    /** What else identifies the list, such as the key whose aliases are listed. */
    readonly filter?: string;
    list(after: string | undefined, count: number): Promise<readonly T[]>;
    nameOf(item: T): string;
  },
): Promise<{ items: readonly T[]; NextMarker?: string; Truncated: boolean }> {
  const { items, next } = await pageOf(
    {
      marker: input.Marker,
      limit: input.Limit ?? sizes.initial,
      filter,
      list,
      nameOf,
      invalidMarker: () => new InvalidMarkerException(),
    },
    context,
  );
  return next === undefined ? { items, Truncated: false } : { items, NextMarker: next, Truncated: true };
}
