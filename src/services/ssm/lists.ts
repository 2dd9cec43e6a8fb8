/** GetParametersByPath and DescribeParameters: lists of parameters, by place in the hierarchy and by filters. */

import type { ParameterStringFilter } from "@aws-sdk/client-ssm";
import { ValidationException } from "../../base/errors.ts";
import type { SsmParameterRow } from "../../storage/service-schema.ts";
import { listParameters, parameterArnOf } from "../../storage/ssm-parameters.ts";
import type { Tag } from "../../storage/tags.ts";
import { tagsOfVpcEndpoints as tagsOfOwners } from "../../storage/vpc-endpoints.ts";
import { InvalidFilterKey, InvalidFilterOption } from "./errors.ts";
import { parameterArn, requirePath } from "./names.ts";
import { type Context, type Input, onParameter, read } from "./operation.ts";
import { page } from "./pages.ts";
import { describe, metadata } from "./parameters.ts";

type Test = (row: SsmParameterRow, tags: readonly Tag[]) => boolean;

/** Rows that are read at once while a filter looks for those that it wants. */
const BATCH = 200;

/** Parameters that pass all tests, after a name. */
async function listPassing(
  { store, call }: Context,
  {
    prefix,
    tests,
    after,
    count,
  }: {
    readonly prefix: string;
    readonly tests: readonly Test[];
    readonly after: string | undefined;
    readonly count: number;
  },
): Promise<SsmParameterRow[]> {
  const owner = { account: call.principal.account, region: call.region, prefix };
  const found: SsmParameterRow[] = [];
  for (let last = after; ; ) {
    const rows = await listParameters(store.db, owner, { after: last, count: BATCH });
    const tags = await tagsOfOwners(store.db, rows.map(parameterArnOf));
    found.push(...rows.filter((row) => tests.every((test) => test(row, tags.get(parameterArnOf(row)) ?? []))));
    last = rows.at(-1)?.name;
    if (rows.length < BATCH || found.length >= count) return found.slice(0, count);
  }
}

/** The parameters below a path: those right under it, or all (API reference, GetParametersByPath). */
export const getParametersByPath = read("GetParametersByPath", {
  targets: [onParameter("ssm:GetParametersByPath", ({ Path }: Input<"GetParametersByPath">) => Path)],
  validate({ Path, ParameterFilters = [] }) {
    requirePath(Path);
    for (const { Key } of ParameterFilters) if (!["Type", "KeyId"].includes(Key ?? "")) throw new InvalidFilterKey();
  },
  async run(input, context) {
    const { Path, Recursive = false, ParameterFilters = [], WithDecryption: withDecryption } = input;
    const tests = [below(Path, Recursive), ...ParameterFilters.map(testOf)];
    const { items, ...rest } = await page(input, context, {
      initial: 10,
      filter: JSON.stringify([Path, Recursive, ParameterFilters]),
      list: (after, count) => listPassing(context, { prefix: Path.replace(/\/?$/, "/"), tests, after, count }),
      nameOf: ({ name }) => name,
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
    if (Filters.length === 0 || ParameterFilters.length === 0) return;
    throw new ValidationException("You can use either Filters or ParameterFilters in a single request.");
  },
  async run(input, context) {
    const { Filters = [], ParameterFilters = [], Shared = false } = input;
    const tests = [...Filters, ...ParameterFilters].map(testOf);
    const { items, ...rest } = await page(input, context, {
      initial: 50,
      filter: JSON.stringify([Filters, ParameterFilters, Shared]),
      list: async (after, count) => (Shared ? [] : listPassing(context, { prefix: "", tests, after, count })),
      nameOf: ({ name }) => name,
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

function below(path: string, recursive: boolean): Test {
  const prefix = path.replace(/\/?$/, "/");
  return ({ name }) => name.startsWith(prefix) && (recursive || !name.slice(prefix.length).includes("/"));
}

const PROPERTIES: Readonly<Record<string, (row: SsmParameterRow) => string>> = {
  Name: ({ name }) => name,
  Type: ({ type }) => type,
  KeyId: ({ key_id }) => key_id ?? "",
  Tier: ({ tier }) => tier,
  DataType: () => "text",
};

/**
 * What a filter wants (API reference, ParameterStringFilter).
 *
 * @throws InvalidFilterKey nothing here has that property
 * @throws InvalidFilterOption the property is not compared in that way
 */
function testOf({ Key = "", Option = "Equals", Values = [] }: Partial<ParameterStringFilter>): Test {
  if (Key === "Path") {
    if (Option !== "Recursive" && Option !== "OneLevel" && Option !== "Equals") throw invalidOption(Option);
    for (const path of Values) requirePath(path);
    const tests = Values.map((path) => below(path, Option === "Recursive"));
    return (row, tags) => tests.some((test) => test(row, tags));
  }
  if (Key === "Label") return () => false;
  if (Key.startsWith("tag:")) return tagTest(Key.slice("tag:".length), Option, Values);
  const property = PROPERTIES[Key];
  if (property === undefined) throw new InvalidFilterKey();
  if (Option === "Equals") return (row) => Values.includes(property(row));
  if (Option === "BeginsWith") return (row) => Values.some((value) => property(row).startsWith(value));
  if (Option === "Contains" && Key === "Name") return (row) => Values.some((value) => row.name.includes(value));
  throw invalidOption(Option);
}

/** What has a tag, with one of some values where there are some. */
function tagTest(name: string, option: string, values: readonly string[]): Test {
  if (option !== "Equals" && option !== "BeginsWith") throw invalidOption(option);
  const fits = (value: string): boolean =>
    values.length === 0 || values.some((each) => (option === "Equals" ? value === each : value.startsWith(each)));
  return (_row, tags) => tags.some(({ key, value }) => key === name && fits(value));
}

function invalidOption(option: string): InvalidFilterOption {
  return new InvalidFilterOption(
    `The following filter option is not valid: ${option}. Valid options include: [BeginsWith, Equals].`,
  );
}
