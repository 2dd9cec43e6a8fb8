/** Reads what a key table shows, by the public APIs: keys, their aliases, their tags, and each key's properties. */

import {
  type AliasListEntry,
  DescribeKeyCommand,
  type KeyListEntry,
  type KMSClient,
  ListAliasesCommand,
  ListKeysCommand,
} from "@aws-sdk/client-kms";
import { GetResourcesCommand, type ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { type Failure, failureOf } from "../model/failures.ts";
import { type KeyRow, keyRows } from "../model/key-rows.ts";
import { listKeyStores } from "./list-key-stores.ts";

/** The most that one page of each list has. */
const KEYS_PAGE = 1000;
const ALIASES_PAGE = 100;
const RESOURCES_PAGE = 100;
/** Keys that are described at the same time: as many as a browser opens connections to one server. */
const AT_ONCE = 6;
/** How often the table takes up what was learned. */
const ROWS_PER_UPDATE = 60;

export interface KeyList {
  readonly rows: readonly KeyRow[];
  /** One for each list that the caller may not see. */
  readonly failures: readonly Failure[];
}

interface Apis {
  readonly kms: KMSClient;
  readonly tagging: ResourceGroupsTaggingAPIClient;
}

/** All keys of the account in this Region, before they are described. What can't be listed is told and left out. */
export async function listKeys({ kms, tagging }: Apis): Promise<KeyList> {
  const [keys, aliases, tags] = await Promise.all([
    attempt("kms:ListKeys", () => allKeys(kms)),
    attempt("kms:ListAliases", () => allAliases(kms)),
    attempt("tag:GetResources", () => allTags(tagging)),
  ]);
  return {
    rows: keyRows(keys.value ?? [], aliases.value ?? [], tags.value),
    failures: [keys, aliases, tags].flatMap(({ failure }) => failure ?? []),
  };
}

/** Describes rows one after another, and gives all of them again whenever some more are known. */
export async function describeRows(
  kms: KMSClient,
  rows: readonly KeyRow[],
  update: (rows: readonly KeyRow[]) => boolean,
): Promise<void> {
  const described = [...rows];
  let next = 0;
  let isWanted = true;
  let known = 0;
  const work = async (): Promise<void> => {
    while (isWanted && next < rows.length) {
      const index = next++;
      const row = rows[index];
      if (row === undefined) return;
      described[index] = await describeRow(kms, row);
      known += 1;
      if (known % ROWS_PER_UPDATE === 0) isWanted = update([...described]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  update([...described]);
}

/** The rows with the names of the custom key stores that their keys are in. */
export async function withStoreNames(kms: KMSClient, rows: readonly KeyRow[]): Promise<KeyList> {
  const { value = [], failure } = await attempt("kms:DescribeCustomKeyStores", () => listKeyStores(kms));
  const names = new Map(
    value.map(({ CustomKeyStoreId, CustomKeyStoreName }) => [CustomKeyStoreId, CustomKeyStoreName]),
  );
  return {
    rows: rows.map((row) => {
      const { CustomKeyStoreId: id } = row.metadata ?? {};
      const name = id === undefined ? undefined : names.get(id);
      return name === undefined ? row : { ...row, keyStoreName: name };
    }),
    failures: failure === undefined ? [] : [failure],
  };
}

async function describeRow(kms: KMSClient, row: KeyRow): Promise<KeyRow> {
  try {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: row.id }));
    return KeyMetadata === undefined ? row : { ...row, metadata: KeyMetadata };
  } catch (cause) {
    return { ...row, problem: failureOf(cause, "kms:DescribeKey").message };
  }
}

async function attempt<T>(action: string, load: () => Promise<T>): Promise<{ value?: T; failure?: Failure }> {
  try {
    return { value: await load() };
  } catch (cause) {
    return { failure: failureOf(cause, action) };
  }
}

async function allKeys(kms: KMSClient): Promise<readonly KeyListEntry[]> {
  const keys: KeyListEntry[] = [];
  let marker: string | undefined;
  do {
    const page = await kms.send(new ListKeysCommand({ Limit: KEYS_PAGE, Marker: marker }));
    keys.push(...(page.Keys ?? []));
    marker = page.NextMarker;
  } while (marker !== undefined);
  return keys;
}

/** All aliases of the account in this Region, or of one key. */
export async function allAliases(kms: KMSClient, keyId?: string): Promise<readonly AliasListEntry[]> {
  const aliases: AliasListEntry[] = [];
  let marker: string | undefined;
  do {
    const page = await kms.send(new ListAliasesCommand({ Limit: ALIASES_PAGE, Marker: marker, KeyId: keyId }));
    aliases.push(...(page.Aliases ?? []));
    marker = page.NextMarker;
  } while (marker !== undefined);
  return aliases;
}

/** The tags of all keys that have some, by the keys' ARNs. */
async function allTags(
  tagging: ResourceGroupsTaggingAPIClient,
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const tags = new Map<string, Readonly<Record<string, string>>>();
  let token: string | undefined;
  do {
    const page = await tagging.send(
      new GetResourcesCommand({
        ResourceTypeFilters: ["kms:key"],
        ResourcesPerPage: RESOURCES_PAGE,
        PaginationToken: token,
      }),
    );
    for (const { ResourceARN = "", Tags = [] } of page.ResourceTagMappingList ?? []) {
      tags.set(ResourceARN, Object.fromEntries(Tags.map(({ Key = "", Value = "" }) => [Key, Value])));
    }
    token = page.PaginationToken === "" ? undefined : page.PaginationToken;
  } while (token !== undefined);
  return tags;
}
