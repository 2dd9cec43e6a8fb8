/** ListSecrets: the secrets of an account, by filters and in an order. */

import { listSecrets as listRows, type SecretOrder, type SecretPlace, stagesOfSecrets } from "../../storage/secrets.ts";
import type { SecretRow } from "../../storage/service-schema.ts";
import type { Tag } from "../../storage/tags.ts";
import { tagsOfVpcEndpoints as tagsOfOwners } from "../../storage/vpc-endpoints.ts";
import { InvalidParameterException } from "./errors.ts";
import { type Context, type Input, onAccount, read } from "./operation.ts";
import { page } from "./pages.ts";
import { shown } from "./secrets.ts";

type ListInput = Input<"ListSecrets">;

/** Rows that are read at once while filters look for those that they want. */
const BATCH = 200;

const ORDERS: Readonly<Record<NonNullable<ListInput["SortBy"]>, SecretOrder>> = {
  "created-date": "created_at",
  "last-changed-date": "changed_at",
  "last-accessed-date": "accessed_on",
  name: "name",
};

interface Tagged {
  readonly row: SecretRow;
  readonly tags: readonly Tag[];
}

type Test = (secret: Tagged) => boolean;

/** A page of the account's secrets, the newest first; those that are to be deleted only on request. */
export async function pageOfSecrets(input: ListInput, context: Context) {
  const { Filters = [], SortBy = "created-date", SortOrder = "desc", IncludePlannedDeletion = false } = input;
  const by = ORDERS[SortBy];
  const tests = Filters.map(testOf);
  return await page(input, context, {
    filter: JSON.stringify([Filters, SortBy, SortOrder, IncludePlannedDeletion]),
    list: (after, count) =>
      listPassing(context, {
        by,
        descending: SortOrder === "desc",
        after: after === undefined ? undefined : (JSON.parse(after) as SecretPlace),
        count,
        passes: (secret) =>
          (IncludePlannedDeletion || secret.row.deletion_at === null) && tests.every((test) => test(secret)),
      }),
    nameOf: ({ row }) => JSON.stringify(placeOf(row, by)),
  });
}

/** Lists secrets with what is known of them beside their values. */
export const listSecrets = read<"ListSecrets", Context>("ListSecrets", {
  targets: [onAccount("ListSecrets")],
  async run(input, context) {
    const { items, ...rest } = await pageOfSecrets(input, context);
    const stages = await stagesOfSecrets(
      context.store.db,
      items.map(({ row }) => row.arn),
    );
    const SecretList = items.map(({ row, tags }) => {
      const versions = [...(stages.get(row.arn) ?? [])].map(([id, labels]): [string, string[]] => [id, [...labels]]);
      return {
        ...shown(row, tags),
        ...(versions.length > 0 && { SecretVersionsToStages: Object.fromEntries(versions) }),
      };
    });
    return { SecretList, ...rest };
  },
});

function placeOf(row: SecretRow, by: SecretOrder): SecretPlace {
  return { value: row[by] ?? 0, name: row.name };
}

async function listPassing(
  { store, call }: Context,
  {
    passes,
    ...slice
  }: Parameters<typeof listRows>[2] & {
    readonly passes: Test;
  },
): Promise<Tagged[]> {
  const owner = { account: call.principal.account, region: call.region };
  const found: Tagged[] = [];
  for (let { after } = slice; ; ) {
    const rows = await listRows(store.db, owner, { ...slice, after, count: BATCH });
    const tags = await tagsOfOwners(
      store.db,
      rows.map(({ arn }) => arn),
    );
    found.push(...rows.map((row) => ({ row, tags: tags.get(row.arn) ?? [] })).filter(passes));
    const last = rows.at(-1);
    if (rows.length < BATCH || found.length >= slice.count || last === undefined) return found.slice(0, slice.count);
    after = placeOf(last, slice.by);
  }
}

/** The texts of a secret that a filter looks at, by its key; secrets here have no primary Region and no owning service. */
const TEXTS: Readonly<Record<string, (secret: Tagged) => readonly string[]>> = {
  name: ({ row }) => [row.name],
  description: ({ row }) => [row.description ?? ""],
  "tag-key": ({ tags }) => tags.map(({ key }) => key),
  "tag-value": ({ tags }) => tags.map(({ value }) => value),
};

/**
 * What a filter wants: any of its values, each of which may be negated (API reference, Filter). Texts begin with a value; of a
 * description, words begin with the words of a value, in whatever case; with `all`, each word of a value is somewhere in some text, in
 * whatever case. What is not in the reference was recorded by public test suites.
 *
 * @throws InvalidParameterException no key
 */
function testOf({ Key, Values = [] }: NonNullable<ListInput["Filters"]>[number]): Test {
  if (Key === undefined) throw new InvalidParameterException("Invalid filter key");
  return (secret) =>
    Values.some((value) => {
      const isNegated = value.startsWith("!");
      return isMatch(secret, Key, isNegated ? value.slice(1) : value) !== isNegated;
    });
}

function isMatch(secret: Tagged, key: string, value: string): boolean {
  if (key === "all") {
    const texts = Object.values(TEXTS).flatMap((textsOf) => textsOf(secret).map((text) => text.toLowerCase()));
    return wordsOf(value).every((word) => texts.some((text) => text.includes(word)));
  }
  const texts = TEXTS[key]?.(secret) ?? [];
  if (key !== "description") return texts.some((text) => text.startsWith(value));
  const words = texts.flatMap(wordsOf);
  return wordsOf(value).every((word) => words.some((each) => each.startsWith(word)));
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().split(/\s+/);
}
