/** Filters of lists of parameters: which a request may have, and what passes them (API reference, ParameterStringFilter). */

import type { ParameterStringFilter } from "@aws-sdk/client-ssm";
import { ValidationException } from "../../base/errors.ts";
import type { SsmParameterRow } from "../../storage/service-schema.ts";
import { parameterPath } from "../../storage/ssm-parameters.ts";
import type { Tag } from "../../storage/tags.ts";
import { InvalidFilterKey, InvalidFilterOption, InvalidFilterValue } from "./errors.ts";
import { labelsOf } from "./labels.ts";
import { requirePath } from "./names.ts";

/** Whether a version, whose parameter has these tags, passes a filter. */
export type Test = (row: SsmParameterRow, tags: readonly Tag[]) => boolean;

type Filter = Partial<ParameterStringFilter>;

/** Values that a property can have. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  Tier: ["Standard", "Advanced", "Intelligent-Tiering"],
  Type: ["String", "StringList", "SecureString"],
};

/**
 * Requires filters that a list takes; the texts were recorded by public test suites.
 *
 * @param keys the keys that AWS's error names
 * @param more keys that it takes beside them; tags go where paths do
 * @throws InvalidFilterKey, InvalidFilterOption, InvalidFilterValue, ValidationException
 */
export function requireFilters(filters: readonly Filter[], keys: readonly string[], more: readonly string[]): void {
  for (const [index, { Key = "", Option, Values = [] }] of filters.entries()) {
    const isTag = Key.startsWith("tag:");
    if (isTag ? !keys.includes("Path") : ![...keys, ...more].includes(Key)) {
      throw new InvalidFilterKey(
        `The following filter key is not valid: ${Key}. Valid filter keys include: [${keys.join(", ")}].`,
      );
    }
    if (!isTag && Values.length === 0) {
      throw new InvalidFilterValue(`The following filter values are missing : null for filter key ${Key}.`);
    }
    if (filters.findIndex((filter) => filter.Key === Key) < index) {
      throw new InvalidFilterKey(
        `The following filter is duplicated in the request: ${Key}. A request can contain only one occurrence of a specific filter.`,
      );
    }
    requireOption(Key, Option);
    if (Key === "Path") for (const path of Values) requireOwnPath(path);
    const wrong = Values.find((value) => VALUES[Key]?.includes(value) === false);
    if (wrong === undefined) continue;
    throw new InvalidFilterOption(
      `The following filter value is not valid: ${wrong}. Valid values include: [${VALUES[Key]?.join(", ")}].`,
    );
  }
}

function requireOption(key: string, option: string | undefined): void {
  const valid = key === "Path" ? ["Recursive", "OneLevel"] : ["BeginsWith", "Equals"];
  if (option === undefined || valid.includes(option) || (key === "Name" && option === "Contains")) return;
  throw new InvalidFilterOption(
    `The following filter option is not valid: ${option}. Valid options include: [${valid.join(", ")}].`,
  );
}

function requireOwnPath(path: string): void {
  if (/^\/(?:aws|ssm)/i.test(path)) {
    throw new ValidationException(
      'Filters for common parameters can\'t be prefixed with "aws" or "ssm" (case-insensitive). When using global parameters, please specify within a global namespace.',
    );
  }
  requirePath(path);
}

/** What is right below a path, or all that is below it. */
export function below(path: string, recursive: boolean): Test {
  const prefix = path.replace(/\/?$/, "/");
  return ({ name }) => {
    const place = parameterPath(name);
    return place.startsWith(prefix) && (recursive || !place.slice(prefix.length).includes("/"));
  };
}

const PROPERTIES: Readonly<Record<string, (row: SsmParameterRow) => readonly string[]>> = {
  Name: ({ name }) => [parameterPath(name)],
  Type: ({ type }) => [type],
  KeyId: ({ key_id }) => [key_id ?? ""],
  Tier: ({ tier }) => [tier],
  DataType: () => ["text"],
  Label: labelsOf,
};

/** A filter of the older kind, whose names are beginnings of names, as its clients use them (chamber lists a service by `service.`). */
export function olderFilter({ Key = "", Values = [] }: Filter): Filter {
  return { Key, Values, Option: Key === "Name" ? "BeginsWith" : "Equals" };
}

/** What passes a filter that `requireFilters` let through. */
export function testOf({ Key = "", Option = "Equals", Values = [] }: Filter): Test {
  if (Key === "Path") {
    const tests = Values.map((path) => below(path, Option === "Recursive"));
    return (row, tags) => tests.some((test) => test(row, tags));
  }
  const fits = fitting(Option, Key === "Name" && Option !== "Contains" ? Values.map(parameterPath) : Values);
  if (Key.startsWith("tag:")) {
    const name = Key.slice("tag:".length);
    return (_row, tags) => tags.some(({ key, value }) => key === name && (Values.length === 0 || fits(value)));
  }
  return (row) => PROPERTIES[Key]?.(row).some(fits) ?? false;
}

function fitting(option: string, values: readonly string[]): (text: string) => boolean {
  if (option === "BeginsWith") return (text) => values.some((value) => text.startsWith(value));
  if (option === "Contains") return (text) => values.some((value) => text.includes(value));
  return (text) => values.includes(text);
}
