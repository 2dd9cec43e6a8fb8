/** Pages of SSM's lists. */

import { pageOf } from "../../pipeline/pages.ts";
import { InvalidNextToken } from "./errors.ts";
import type { Context } from "./operation.ts";

interface Paged {
  readonly MaxResults?: number;
  readonly NextToken?: string;
}

/**
 * Lists one page.
 *
 * @throws InvalidNextToken the token was not made for this list of this caller
 */
export async function page<T>(
  { MaxResults, NextToken }: Paged,
  context: Context,
  {
    initial,
    ...list
  }: {
    readonly initial: number;
    readonly filter: string;
    list(after: string | undefined, count: number): Promise<readonly T[]>;
    nameOf(item: T): string;
  },
): Promise<{ readonly items: readonly T[]; readonly NextToken?: string }> {
  const invalidMarker = () => new InvalidNextToken("The specified token is not valid.");
  const { items, next } = await pageOf(
    { ...list, marker: NextToken, limit: MaxResults ?? initial, invalidMarker },
    context,
  );
  return next === undefined ? { items } : { items, NextToken: next };
}
