/** Lists of EC2: by ids, by filters, page by page. */

import { coded } from "../../base/errors.ts";
import { pageOf } from "../../pipeline/pages.ts";
import { compileGlob } from "../../policy/glob.ts";
import type { Slice } from "../../storage/keys.ts";
import { type Context, InvalidParameterValue } from "./operation.ts";

class InvalidNextToken extends coded("InvalidNextToken") {}

interface Listing {
  readonly Filters?:
    | readonly { readonly Name?: string | undefined; readonly Values?: readonly string[] | undefined }[]
    | undefined;
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

/** What filters look at; undefined: nothing that a value could be equal to. */
export type Property<T> = (shown: T) => string | readonly string[] | undefined;

interface Shown {
  readonly Tags?: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined;
}

/** Results of one page (EC2 API reference, Pagination). */
const PAGE_MAX = 1000;
/** Rows that are read at once while filters look for those that they want. */
const BATCH = 200;

/**
 * Lists one page of what has the ids, where some are named, and passes all filters, whose values may have wildcards.
 *
 * @throws InvalidParameterValue a filter by what nothing here has
 * @throws InvalidNextToken the token was not made for this list of this caller
 */
export async function listed<R extends { readonly id: string }, T extends Shown>(
  { Filters = [], MaxResults = PAGE_MAX, NextToken }: Listing,
  context: Context,
  source: {
    readonly ids: readonly string[];
    list(slice: Slice): Promise<readonly R[]>;
    describe(rows: readonly R[]): Promise<readonly T[]>;
    readonly properties: Readonly<Record<string, Property<T>>>;
  },
): Promise<{ readonly items: readonly T[]; readonly next?: string }> {
  const tests = Filters.map(({ Name = "", Values = [] }) => {
    const property = propertyOf(Name, source.properties);
    const wanted = Values.map(compileGlob);
    return (shown: T) => {
      const values = [property(shown) ?? []].flat();
      return values.some((value) => wanted.some((matches) => matches(value)));
    };
  });
  const { items, next } = await pageOf<{ readonly id: string; readonly shown: T }>(
    {
      marker: NextToken,
      limit: Math.min(Math.max(MaxResults, 1), PAGE_MAX),
      filter: JSON.stringify([source.ids, Filters]),
      async list(after, count) {
        const found: { readonly id: string; readonly shown: T }[] = [];
        for (let last = after; ; ) {
          const rows = await source.list({ after: last, count: BATCH });
          const wanted = rows.filter(({ id }) => source.ids.length === 0 || source.ids.includes(id));
          const described = await source.describe(wanted);
          for (const [index, { id }] of wanted.entries()) {
            const shown = described[index];
            if (shown !== undefined && tests.every((test) => test(shown))) found.push({ id, shown });
          }
          last = rows.at(-1)?.id;
          if (rows.length < BATCH || found.length >= count) return found.slice(0, count);
        }
      },
      nameOf: ({ id }) => id,
      invalidMarker: () => new InvalidNextToken("The token is not valid."),
    },
    context,
  );
  return { items: items.map(({ shown }) => shown), ...(next !== undefined && { next }) };
}

function propertyOf<T extends Shown>(name: string, properties: Readonly<Record<string, Property<T>>>): Property<T> {
  if (name.startsWith("tag:")) {
    return ({ Tags = [] }) => Tags.find(({ Key }) => Key === name.slice("tag:".length))?.Value;
  }
  if (name === "tag-key") return ({ Tags = [] }) => Tags.flatMap(({ Key }) => Key ?? []);
  if (name === "tag-value") return ({ Tags = [] }) => Tags.flatMap(({ Value }) => Value ?? []);
  const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (property === undefined) throw new InvalidParameterValue(`The filter '${name}' is invalid`);
  return property;
}
