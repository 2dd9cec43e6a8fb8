/** ListObjects and ListObjectsV2. */

import type { CommonPrefix, EncodingType, _Object as ListedObject } from "@aws-sdk/client-s3";
import type { Kysely } from "kysely";
import { pageOf } from "../../pipeline/pages.ts";
import { listObjects as listRows, type ListedObject as Row } from "../../storage/objects.ts";
import type { Schema } from "../../storage/schema.ts";
import { parseChecksum } from "./checksums.ts";
import { InvalidArgument } from "./errors.ts";
import { onBucket, read } from "./operation.ts";
import { ownerId } from "./owners.ts";

/** Keys and common prefixes of one answer (API reference, ListObjectsV2). */
export const KEYS_MAX = 1_000;
/** After every text that begins with what is before it: no key holds the last character of Unicode. */
const AFTER_ALL = "\u{10ffff}";

/** A key, or the keys that have a prefix up to the delimiter in common. */
type Item = { readonly name: string; readonly row: Row } | { readonly name: string; readonly row?: undefined };

/** What is listed of a bucket. */
interface Listing {
  readonly bucket: string;
  readonly prefix: string;
  /** Empty: nothing is folded. */
  readonly delimiter: string;
}

/** Up to `count` items in the order of their bytes, after a key or a common prefix. */
export async function listItems(
  db: Kysely<Schema>,
  { bucket, prefix, delimiter }: Listing,
  { after, count }: { readonly after: string; readonly count: number },
): Promise<readonly Item[]> {
  const items: Item[] = [];
  const isFolded = delimiter !== "" && after.startsWith(prefix) && after.slice(prefix.length).endsWith(delimiter);
  let folded = isFolded ? after : undefined;
  let from = isFolded ? after + AFTER_ALL : after;
  for (;;) {
    const rows = await listRows(db, { bucket, prefix, after: from, count: KEYS_MAX });
    for (const row of rows) {
      if (folded !== undefined && row.key.startsWith(folded)) continue;
      if (items.length >= count) return items;
      const end = delimiter === "" ? -1 : row.key.indexOf(delimiter, prefix.length);
      folded = end < 0 ? undefined : row.key.slice(0, end + delimiter.length);
      items.push(folded === undefined ? { name: row.key, row } : { name: folded });
    }
    if (rows.length < KEYS_MAX || items.length >= count) return items;
    from = folded === undefined ? (rows.at(-1)?.key ?? from) : folded + AFTER_ALL;
  }
}

/** How keys are written where the client asks for an encoding: XML can't have all characters. */
export function encoderOf(encoding: EncodingType | undefined): (text: string) => string {
  if (encoding === undefined) return (text) => text;
  return (text) =>
    encodeURIComponent(text)
      .replaceAll("%2F", "/")
      .replace(/[!'()*]/g, escaped);
}

function escaped(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** The members of both lists. */
function shown(items: readonly Item[], encode: (text: string) => string, owner: string | undefined) {
  const Contents: ListedObject[] = [];
  const CommonPrefixes: CommonPrefix[] = [];
  for (const { name, row } of items) {
    if (row === undefined) {
      CommonPrefixes.push({ Prefix: encode(name) });
      continue;
    }
    const checksum = parseChecksum(row.checksum);
    Contents.push({
      Key: encode(row.key),
      LastModified: new Date(row.modified_at),
      ETag: `"${row.etag}"`,
      ...(checksum && { ChecksumAlgorithm: [checksum.algorithm], ChecksumType: checksum.type }),
      Size: row.size,
      StorageClass: "STANDARD",
      ...(owner !== undefined && { Owner: { ID: ownerId(owner) } }),
    });
  }
  return { ...(Contents.length > 0 && { Contents }), ...(CommonPrefixes.length > 0 && { CommonPrefixes }) };
}

/** How many are wanted. @throws InvalidArgument */
export function limitOf(asked: number | undefined, name: string): number {
  if (asked !== undefined && (asked < 0 || asked > 2 ** 31 - 1)) {
    throw new InvalidArgument(`Argument ${name} must be an integer between 0 and 2147483647`);
  }
  return Math.min(asked ?? KEYS_MAX, KEYS_MAX);
}

/** Keys that begin with a prefix; those with the delimiter further on are folded. The next page begins at an opaque token. */
export const listObjectsV2 = read("ListObjectsV2", {
  targets: [onBucket("s3:ListBucket")],
  validate: ({ MaxKeys }) => void limitOf(MaxKeys, "maxKeys"),
  async run(input, context) {
    const { store, bucket } = context;
    const { Prefix: prefix = "", Delimiter: delimiter = "", StartAfter = "", ContinuationToken, EncodingType } = input;
    const limit = limitOf(input.MaxKeys, "maxKeys");
    const listing = { bucket: bucket.row.id, prefix, delimiter };
    const { items, next } =
      limit === 0
        ? { items: [], next: undefined }
        : await pageOf(
            {
              marker: ContinuationToken,
              limit,
              filter: JSON.stringify(listing),
              list: (after = StartAfter, count) => listItems(store.db, listing, { after, count }),
              nameOf: ({ name }) => name,
              invalidMarker: () => new InvalidArgument("The continuation token provided is incorrect"),
            },
            context,
          );
    const encode = encoderOf(EncodingType);
    return {
      Name: bucket.row.name,
      Prefix: encode(prefix),
      ...(delimiter !== "" && { Delimiter: encode(delimiter) }),
      ...(StartAfter !== "" && { StartAfter: encode(StartAfter) }),
      ...(ContinuationToken !== undefined && { ContinuationToken }),
      ...(next !== undefined && { NextContinuationToken: next }),
      ...(EncodingType !== undefined && { EncodingType }),
      KeyCount: items.length,
      MaxKeys: limit,
      IsTruncated: next !== undefined,
      ...shown(items, encode, input.FetchOwner === true ? bucket.account : undefined),
    };
  },
});

/** The older list, whose next page begins after a key. */
export const listObjects = read("ListObjects", {
  targets: [onBucket("s3:ListBucket")],
  validate: ({ MaxKeys }) => void limitOf(MaxKeys, "maxKeys"),
  async run(input, { store, bucket }) {
    const { Prefix: prefix = "", Delimiter: delimiter = "", Marker: after = "", EncodingType } = input;
    const limit = limitOf(input.MaxKeys, "maxKeys");
    const listing = { bucket: bucket.row.id, prefix, delimiter };
    const found = limit === 0 ? [] : await listItems(store.db, listing, { after, count: limit + 1 });
    const items = found.slice(0, limit);
    const encode = encoderOf(EncodingType);
    const isTruncated = found.length > limit;
    return {
      Name: bucket.row.name,
      Prefix: encode(prefix),
      Marker: encode(after),
      ...(delimiter !== "" && { Delimiter: encode(delimiter) }),
      ...(isTruncated && delimiter !== "" && { NextMarker: encode(items.at(-1)?.name ?? "") }),
      ...(EncodingType !== undefined && { EncodingType }),
      MaxKeys: limit,
      IsTruncated: isTruncated,
      ...shown(items, encode, bucket.account),
    };
  },
});
