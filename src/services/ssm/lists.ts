/** GetParametersByPath and DescribeParameters: lists of parameters, by place in the hierarchy and by filters. */

import { ValidationException } from "../../base/errors.ts";
import type { SsmParameterRow } from "../../storage/service-schema.ts";
import { listParameters, type ParameterPlace, parameterArnOf } from "../../storage/ssm-parameters.ts";
import { tagsOfVpcEndpoints as tagsOfOwners } from "../../storage/vpc-endpoints.ts";
import { below, olderFilter, requireFilters, type Test, testOf } from "./filters.ts";
import { ownerOf, parameterArn, requirePath } from "./names.ts";
import { type Context, type Input, onParameter, read } from "./operation.ts";
import { page } from "./pages.ts";
import { describe, metadata } from "./parameters.ts";

/** Rows that are read at once while a filter looks for those that it wants. */
const BATCH = 200;

/** Parameters that pass all tests, after a place: their newest versions, or those with labels. */
async function listPassing(
  { store, call }: Context,
  {
    prefix,
    labelled,
    tests,
    after,
    count,
  }: {
    readonly prefix: string;
    readonly labelled: boolean;
    readonly tests: readonly Test[];
    readonly after: string | undefined;
    readonly count: number;
  },
): Promise<SsmParameterRow[]> {
  const owner = { ...ownerOf(call), prefix, labelled };
  const found: SsmParameterRow[] = [];
  let last = after === undefined ? undefined : (JSON.parse(after) as ParameterPlace);
  for (;;) {
    const rows = await listParameters(store.db, owner, { after: last, count: BATCH });
    const tags = await tagsOfOwners(store.db, rows.map(parameterArnOf));
    found.push(...rows.filter((row) => tests.every((test) => test(row, tags.get(parameterArnOf(row)) ?? []))));
    last = rows.at(-1);
    if (rows.length < BATCH || found.length >= count) return found.slice(0, count);
  }
}

const placeOf = ({ name, version }: SsmParameterRow): string =>
  JSON.stringify({ name, version } satisfies ParameterPlace);

/** The parameters below a path: those right under it, or all (API reference, GetParametersByPath). */
export const getParametersByPath = read("GetParametersByPath", {
  targets: [onParameter("ssm:GetParametersByPath", ({ Path }: Input<"GetParametersByPath">) => Path)],
  validate({ Path, ParameterFilters = [] }) {
    requirePath(Path);
    requireFilters(ParameterFilters, ["Type", "KeyId"], ["Label"]);
  },
  async run(input, context) {
    const { Path, Recursive = false, ParameterFilters = [], WithDecryption: withDecryption } = input;
    const tests = [below(Path, Recursive), ...ParameterFilters.map(testOf)];
    const labelled = ParameterFilters.some(({ Key }) => Key === "Label");
    const prefix = Path === "/" ? "" : Path.replace(/\/?$/, "/");
    const { items, ...rest } = await page(input, context, {
      initial: 10,
      filter: JSON.stringify([Path, Recursive, ParameterFilters]),
      list: (after, count) => listPassing(context, { prefix, labelled, tests, after, count }),
      nameOf: placeOf,
    });
    return { Parameters: await Promise.all(items.map((row) => describe(row, { withDecryption }, context))), ...rest };
  },
});

/** What is known of the account's parameters, their values aside. */
export const describeParameters = read("DescribeParameters", {
  targets: [
    {
      as: "account",
      action: "ssm:DescribeParameters",
      resolve(_input, call) {
        const arn = parameterArn(call, "").replace(/parameter\/$/, "*");
        return { kind: "found", resource: { arn, account: call.principal.account } };
      },
    },
  ],
  validate({ Filters = [], ParameterFilters = [] }) {
    if (Filters.length > 0 && ParameterFilters.length > 0) {
      throw new ValidationException("You can use either Filters or ParameterFilters in a single request.");
    }
    requireFilters(ParameterFilters, ["Path", "Name", "Type", "KeyId", "Tier"], ["DataType"]);
  },
  async run(input, context) {
    const { Filters = [], ParameterFilters = [], Shared = false } = input;
    const tests = [...Filters.map(olderFilter), ...ParameterFilters].map(testOf);
    const { items, ...rest } = await page(input, context, {
      initial: 50,
      filter: JSON.stringify([Filters, ParameterFilters, Shared]),
      list: async (after, count) =>
        Shared ? [] : listPassing(context, { prefix: "", labelled: false, tests, after, count }),
      nameOf: placeOf,
    });
    const Parameters = items.map((row) => ({
      Name: row.name,
      ARN: parameterArn(context.call, row.name),
      Type: row.type,
      LastModifiedDate: new Date(row.modified_at),
      Version: row.version,
      DataType: "text",
      ...metadata(row, context.call.now),
    }));
    return { Parameters, ...rest };
  },
});
