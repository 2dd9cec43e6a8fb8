/** Finding keys in a table: by alias, key ID, key type, Regionality, tag, or words in any of them (KMS guide, Viewing keys). */

import { cellText, type KeyRow } from "./key-rows.ts";

/** One condition; without a property it is free text. */
export interface FilterToken {
  readonly propertyKey?: string;
  readonly operator: string;
  readonly value: string;
}

export interface FilterQuery {
  readonly operation: "and" | "or";
  readonly tokens: readonly FilterToken[];
}

export interface FilterProperty {
  readonly key: string;
  readonly propertyLabel: string;
  readonly groupValuesLabel: string;
  readonly operators: readonly string[];
  readonly group?: string;
}

export const NO_FILTER: FilterQuery = { operation: "and", tokens: [] };

const TAG_PREFIX = "tag:";
const OPERATORS = [":", "!:", "=", "!="];

const plain = (key: string, propertyLabel: string, values: string): FilterProperty => ({
  key,
  propertyLabel,
  groupValuesLabel: values,
  operators: OPERATORS,
});

/** By what a table can be filtered; tags are known of what is in it. */
export function filterProperties(table: "customer" | "aws", rows: readonly KeyRow[]): readonly FilterProperty[] {
  const both = [plain("aliases", "Alias", "Aliases"), plain("keyId", "Key ID", "Key IDs")];
  if (table === "aws") return both;
  const tagKeys = new Set(rows.flatMap(({ tags = {} }) => Object.keys(tags)));
  return [
    ...both,
    plain("keyType", "Key type", "Key types"),
    plain("regionality", "Regionality", "Regionality"),
    plain("origin", "Origin", "Origins"),
    plain("customKeyStoreId", "Custom key store ID", "Custom key store IDs"),
    ...[...tagKeys].sort().map((tagKey) => ({
      ...plain(TAG_PREFIX + tagKey, tagKey, `Values of tag ${tagKey}`),
      group: "tags",
    })),
  ];
}

/** The values to choose from: those that are in the table, each once. */
export function filterOptions(
  properties: readonly FilterProperty[],
  rows: readonly KeyRow[],
): readonly { readonly propertyKey: string; readonly value: string }[] {
  return properties.flatMap(({ key }) => {
    const values = new Set(rows.flatMap((row) => valuesOf(row, key)).filter((value) => value !== ""));
    return [...values].sort().map((value) => ({ propertyKey: key, value }));
  });
}

/** The rows that a query finds among all. */
export function filterRows(rows: readonly KeyRow[], { operation, tokens }: FilterQuery): readonly KeyRow[] {
  if (tokens.length === 0) return rows;
  return rows.filter((row) =>
    operation === "or" ? tokens.some((token) => finds(row, token)) : tokens.every((token) => finds(row, token)),
  );
}

/** Upper and lower case are the same; a tag is found by its key together with a part of its value. */
function finds(row: KeyRow, { propertyKey, operator, value }: FilterToken): boolean {
  const sought = value.toLowerCase();
  const texts = (propertyKey === undefined ? wordsOf(row) : valuesOf(row, propertyKey)).map((text) =>
    text.toLowerCase(),
  );
  switch (operator) {
    case "=":
      return texts.includes(sought);
    case "!=":
      return !texts.includes(sought);
    case "!:":
      return !texts.some((text) => text.includes(sought));
    default:
      return texts.some((text) => text.includes(sought));
  }
}

function valuesOf(row: KeyRow, key: string): readonly string[] {
  if (key.startsWith(TAG_PREFIX)) {
    const tagKey = key.slice(TAG_PREFIX.length);
    return Object.hasOwn(row.tags ?? {}, tagKey) ? [row.tags?.[tagKey] ?? ""] : [];
  }
  if (key === "aliases") return row.aliases;
  return isFiltered(key) ? [cellText(row, key)] : [];
}

/** The columns by whose texts a table can be filtered. */
const FILTERED = ["keyId", "keyType", "regionality", "origin", "customKeyStoreId"] as const;

function isFiltered(key: string): key is (typeof FILTERED)[number] {
  return FILTERED.some((column) => column === key);
}

/** What free text is sought in: never the values of tags. */
function wordsOf(row: KeyRow): readonly string[] {
  return [...row.aliases, row.id, cellText(row, "keyType"), ...Object.keys(row.tags ?? {})];
}
