/** The rows of the key tables: what is known of each key, how it is written, sorted and found. */

import type { AliasListEntry, KeyListEntry, KeyMetadata } from "@aws-sdk/client-kms";
import { keyTypeOf, originLabels, regionalityOf, stateLabels, usageLabels } from "./key-kinds.ts";

export interface KeyRow {
  readonly id: string;
  readonly arn: string;
  /** Without `alias/`, sorted. */
  readonly aliases: readonly string[];
  /** Undefined until DescribeKey has answered, and where it refused. */
  readonly metadata?: KeyMetadata;
  /** Why the key can't be shown. */
  readonly problem?: string;
  /** The name of the key's custom key store, once it is known. */
  readonly keyStoreName?: string;
  /** Undefined where tags can't be listed. */
  readonly tags?: Readonly<Record<string, string>>;
}

const AWS_ALIAS = "aws/";
/** What a cell shows of what a key doesn't have. */
export const NONE = "-";

/** Joins what ListKeys, ListAliases and GetResources answered. Aliases without a key are those of keys that are yet to be made. */
export function keyRows(
  keys: readonly KeyListEntry[],
  aliases: readonly AliasListEntry[],
  tagsOfArn: ReadonlyMap<string, Readonly<Record<string, string>>> | undefined,
): readonly KeyRow[] {
  const namesOfKey = new Map<string, string[]>();
  for (const { TargetKeyId, AliasName } of aliases) {
    if (TargetKeyId === undefined || AliasName === undefined) continue;
    const names = namesOfKey.get(TargetKeyId) ?? [];
    names.push(aliasLabel(AliasName));
    namesOfKey.set(TargetKeyId, names);
  }
  return keys.map(({ KeyId = "", KeyArn = "" }) => ({
    id: KeyId,
    arn: KeyArn,
    aliases: (namesOfKey.get(KeyId) ?? []).sort(),
    ...(tagsOfArn !== undefined && { tags: tagsOfArn.get(KeyArn) ?? {} }),
  }));
}

/** An alias as the console writes it: without `alias/`. */
export function aliasLabel(aliasName: string): string {
  return aliasName.replace(/^alias\//, "");
}

/** Whether a key stands among the AWS managed keys: by its alias. One that has lost it stands among the customer's. */
export function isAwsManaged({ aliases }: KeyRow): boolean {
  return aliases.some((alias) => alias.startsWith(AWS_ALIAS));
}

/** The columns, by their ids. */
export const COLUMNS = {
  aliases: { header: "Aliases", sortable: true },
  keyId: { header: "Key ID", sortable: true },
  status: { header: "Status", sortable: false },
  creationDate: { header: "Creation date", sortable: false },
  keyType: { header: "Key type", sortable: true },
  keySpec: { header: "Key spec", sortable: false },
  keyUsage: { header: "Key usage", sortable: false },
  origin: { header: "Origin", sortable: false },
  expirationDate: { header: "Expiration date", sortable: false },
  customKeyStoreId: { header: "Custom key store ID", sortable: false },
  customKeyStoreName: { header: "Custom key store name", sortable: false },
  regionality: { header: "Regionality", sortable: false },
} as const;

export type ColumnId = keyof typeof COLUMNS;

export const DEFAULT_COLUMNS: Readonly<Record<"customer" | "aws", readonly ColumnId[]>> = {
  customer: ["aliases", "keyId", "status", "keyType"],
  aws: ["aliases", "keyId", "status"],
};

/** The text of a cell. Before a key is described, what only DescribeKey tells is empty. */
export function cellText(row: KeyRow, column: ColumnId): string {
  const { metadata } = row;
  switch (column) {
    case "aliases":
      return row.aliases.join(", ") || NONE;
    case "keyId":
      return row.id;
    case "status":
      return metadata?.KeyState === undefined ? "" : stateLabels[metadata.KeyState];
    case "creationDate":
      return dateText(metadata?.CreationDate);
    case "keyType":
      return metadata?.KeySpec === undefined ? "" : keyTypeOf(metadata.KeySpec);
    case "keySpec":
      return metadata?.KeySpec ?? "";
    case "keyUsage":
      return metadata?.KeyUsage === undefined ? "" : usageLabels[metadata.KeyUsage];
    case "origin":
      return metadata?.Origin === undefined ? "" : originLabels[metadata.Origin];
    case "expirationDate":
      return metadata === undefined ? "" : dateText(metadata.ValidTo);
    case "customKeyStoreId":
      return metadata === undefined ? "" : (metadata.CustomKeyStoreId ?? NONE);
    case "customKeyStoreName":
      return metadata === undefined ? "" : (row.keyStoreName ?? NONE);
    case "regionality":
      return metadata === undefined ? "" : regionalityOf(metadata);
  }
}

/** A moment in the time of whoever looks, with its zone. */
export function dateText(date: Date | undefined): string {
  if (date === undefined) return NONE;
  return date.toLocaleString("en-US", {
    year: "numeric",
    month: "short",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  });
}

/** All rows in the order of a column; rows without what it shows come last, whatever the direction. */
export function sortRows(rows: readonly KeyRow[], column: ColumnId, descending: boolean): readonly KeyRow[] {
  const isBlank = (text: string): boolean => text === "" || text === NONE;
  const direction = descending ? -1 : 1;
  return [...rows].sort((left, right) => {
    const [one, other] = [cellText(left, column), cellText(right, column)];
    if (isBlank(one) !== isBlank(other)) return isBlank(one) ? 1 : -1;
    return direction * one.localeCompare(other, "en") || left.id.localeCompare(right.id, "en");
  });
}
