/** Pages of the lists of Secrets Manager. */

import { pageOf } from "../../pipeline/pages.ts";
import { InvalidNextTokenException } from "./errors.ts";
import type { Context } from "./operation.ts";

/** Results of a page where a request names no number; the model's MaxResultsType has no more. */
const PAGE = 100;

/**
 * Lists one page.
 *
 * @throws InvalidNextTokenException the token was not made for this list of this caller
 */
export async function page<T>(
  { MaxResults = PAGE, NextToken }: { readonly MaxResults?: number; readonly NextToken?: string },
  context: Context,
  list: {
    readonly filter: string;
    list(after: string | undefined, count: number): readonly T[] | Promise<readonly T[]>;
    nameOf(item: T): string;
  },
): Promise<{ readonly items: readonly T[]; readonly NextToken?: string }> {
  const invalidMarker = () => new InvalidNextTokenException("The NextToken value is invalid.");
  const { items, next } = await pageOf({ ...list, marker: NextToken, limit: MaxResults, invalidMarker }, context);
  return next === undefined ? { items } : { items, NextToken: next };
}
