/** Pages of lists as IAM has them. */

import { ValidationException } from "../base/errors.ts";
import type { Custody } from "../custody/custody.ts";
import type { Call } from "../pipeline/operation.ts";
import { pageOf } from "../pipeline/pages.ts";

/** How many items a page has when it is not told (API reference, MaxItems). */
const MAX_ITEMS = 100;

interface PageInput {
  readonly MaxItems?: number;
  readonly Marker?: string;
}

/** The members with which an answer says whether there is more. */
export interface PageEnd {
  readonly IsTruncated: boolean;
  readonly Marker?: string;
}

interface ListOf<T> {
  /** What else identifies the list: whose it is, and what is left out. */
  readonly filter?: readonly (string | boolean | undefined)[];
  /** Up to `count` items in order, those after `after`. */
  list(after: string | undefined, count: number): readonly T[] | Promise<readonly T[]>;
  /** At most 200 bytes, so that a marker stays under 320 characters. */
  nameOf(item: T): string;
}

/** Lists one page. */
export async function page<T>(
  { MaxItems, Marker }: PageInput,
  context: { readonly call: Call; readonly custody: Custody },
  { filter = [], list, nameOf }: ListOf<T>,
): Promise<{ readonly items: readonly T[]; readonly end: PageEnd }> {
  const { items, next } = await pageOf<T>(
    {
      marker: Marker,
      limit: MaxItems ?? MAX_ITEMS,
      filter: JSON.stringify(filter),
      list,
      nameOf,
      invalidMarker: () => new ValidationException("Invalid Marker."),
    },
    context,
  );
  return { items, end: next === undefined ? { IsTruncated: false } : { IsTruncated: true, Marker: next } };
}

/** Lists one page of what is in memory, in its order; markers remember positions. */
export async function pageOfAll<T>(
  input: PageInput,
  context: { readonly call: Call; readonly custody: Custody },
  { filter, all }: { readonly filter: ListOf<T>["filter"]; readonly all: readonly T[] },
): Promise<{ readonly items: readonly T[]; readonly end: PageEnd }> {
  const numbered = all.map((item, index) => ({ item, index }));
  const { items, end } = await page(input, context, {
    ...(filter && { filter }),
    list: (after, count) => {
      const start = after === undefined ? 0 : Number(after) + 1;
      return numbered.slice(start, start + count);
    },
    nameOf: ({ index }) => String(index),
  });
  return { items: items.map(({ item }) => item), end };
}
