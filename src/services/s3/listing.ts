/** ListObjects, ListObjectsV2 and ListObjectVersions. */

import type { EncodingType } from "@aws-sdk/client-s3";
import type { Kysely } from "kysely";
import { pageOf } from "../../pipeline/pages.ts";
import { listObjects as listRows, type ListedObject as Row } from "../../storage/objects.ts";
import type { Schema } from "../../storage/schema.ts";
import { parseChecksum } from "./checksums.ts";
import { NULL_VERSION } from "./contents.ts";
import { InvalidArgument } from "./errors.ts";
import { onBucket, read } from "./operation.ts";
import { ownerId } from "./owners.ts";
import { wholeSecond } from "./times.ts";

/** Keys and common prefixes of one answer (API reference, ListObjectsV2). */
export const KEYS_MAX = 1_000;
/** After every text that begins with what is before it: no key holds the last character of Unicode. */
const AFTER_ALL = "\u{10ffff}";

interface Keyed {
  readonly key: string;
}

/** A key, or the keys that have a prefix up to the delimiter in common. */
type Item<R extends Keyed = Row> =
  | { readonly name: string; readonly row: R }
  | { readonly name: string; readonly row?: undefined };

/** What is listed. */
interface Folding {
  readonly prefix: string;
  /** Empty: nothing is folded. */
  readonly delimiter: string;
}

interface Listing extends Folding {
  readonly bucket: string;
}

/** After a key with all that it has, or after one of several things that have a key. */
type Place<R extends Keyed> = string | Pick<R, Extract<keyof R, "id" | "key">>;

/**
 * Up to `count` items in the order of their bytes, after a key, a common prefix or a row.
 *
 * @param list rows in the order of their keys, after a place
 */
export async function foldedItems<R extends Keyed>(
  list: (after: Place<R>, count: number) => Promise<readonly R[]>,
  { prefix, delimiter }: Folding,
  { after, count }: { readonly after: Place<R>; readonly count: number },
): Promise<readonly Item<R>[]> {
  const items: Item<R>[] = [];
  const key = typeof after === "string" ? after : "";
  const isFolded = delimiter !== "" && key.startsWith(prefix) && key.slice(prefix.length).endsWith(delimiter);
  let folded = isFolded ? key : undefined;
  let from: Place<R> = isFolded ? key + AFTER_ALL : after;
  for (;;) {
    const rows = await list(from, KEYS_MAX);
    for (const row of rows) {
      if (folded !== undefined && row.key.startsWith(folded)) continue;
      if (items.length >= count) return items;
      const end = delimiter === "" ? -1 : row.key.indexOf(delimiter, prefix.length);
      folded = end < 0 ? undefined : row.key.slice(0, end + delimiter.length);
      items.push(folded === undefined ? { name: row.key, row } : { name: folded });
    }
    if (rows.length < KEYS_MAX || items.length >= count) return items;
    from = folded === undefined ? (rows.at(-1) ?? from) : folded + AFTER_ALL;
  }
}

/** Items of a bucket's objects. */
export async function listItems(
  db: Kysely<Schema>,
  { bucket, ...folding }: Listing,
  slice: { readonly after: string; readonly count: number },
): Promise<readonly Item[]> {
  const list = (after: Place<Row>, count: number) =>
    listRows(db, { bucket, prefix: folding.prefix, after: typeof after === "string" ? after : after.key, count });
  return await foldedItems<Row>(list, folding, slice);
}

/**
 * How keys are written where the client asks for an encoding, since XML can't have all characters: as forms are, with slashes left alone
 * (public clients decode a plus as a space).
 */
export function encoderOf(encoding: EncodingType | undefined): (text: string) => string {
  if (encoding === undefined) return (text) => text;
  return (text) =>
    encodeURIComponent(text)
      .replaceAll("%2F", "/")
      .replaceAll("%20", "+")
      .replace(/[!'()~]/g, escaped);
}

function escaped(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** The common prefixes among items. */
export function shownPrefixes(items: readonly Item<Keyed>[], encode: (text: string) => string) {
  const CommonPrefixes = items.flatMap(({ name, row }) => (row === undefined ? [{ Prefix: encode(name) }] : []));
  return CommonPrefixes.length === 0 ? {} : { CommonPrefixes };
}

/** The members of both lists. */
function shown(items: readonly Item[], encode: (text: string) => string, owner: string | undefined) {
  const Contents = items.flatMap(({ row }) => (row === undefined ? [] : [shownRow(row, encode, owner)]));
  return { ...(Contents.length > 0 && { Contents }), ...shownPrefixes(items, encode) };
}

/** An object as lists have it. @param owner the account, where it is told */
export function shownRow(row: Row, encode: (text: string) => string, owner: string | undefined) {
  const checksum = parseChecksum(row.checksum);
  return {
    Key: encode(row.key),
    LastModified: wholeSecond(row.modified_at),
    ETag: `"${row.etag}"`,
    ...(checksum && { ChecksumAlgorithm: [checksum.algorithm], ChecksumType: checksum.type }),
    Size: row.size,
    StorageClass: "STANDARD" as const,
    ...(owner !== undefined && { Owner: { ID: ownerId(owner) } }),
  };
}

/** How many are wanted. @throws InvalidArgument */
export function limitOf(asked: number | undefined, name: string): number {
  if (asked !== undefined && (asked < 0 || asked > 2 ** 31 - 1)) {
    throw InvalidArgument.of(`Argument ${name} must be an integer between 0 and 2147483647`, name, String(asked));
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
              invalidMarker: () =>
                InvalidArgument.of("The continuation token provided is incorrect", "continuation-token"),
            },
            context,
          );
    const encode = encoderOf(EncodingType);
    return {
      BucketRegion: bucket.row.region,
      Name: bucket.row.name,
      Prefix: encode(prefix),
      ...(delimiter !== "" && { Delimiter: encode(delimiter) }),
      ...(StartAfter !== "" && ContinuationToken === undefined && { StartAfter: encode(StartAfter) }),
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
      BucketRegion: bucket.row.region,
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

const VERSION_MARKER = "version-id-marker";

/** The objects as the only versions of themselves. */
export const listObjectVersions = read("ListObjectVersions", {
  targets: [onBucket("s3:ListBucketVersions")],
  validate({ MaxKeys, KeyMarker = "", VersionIdMarker = "" }) {
    limitOf(MaxKeys, "maxKeys");
    if (VersionIdMarker === "") return;
    const isAlone = KeyMarker === "";
    if (!isAlone && VersionIdMarker === NULL_VERSION) return;
    const message = isAlone
      ? "A version-id marker cannot be specified without a key marker."
      : "Invalid version id specified";
    throw InvalidArgument.of(message, VERSION_MARKER, VersionIdMarker);
  },
  async run(input, { store, bucket }) {
    const { Prefix: prefix = "", Delimiter: delimiter = "", KeyMarker: after = "", VersionIdMarker = "" } = input;
    const limit = limitOf(input.MaxKeys, "maxKeys");
    const listing = { bucket: bucket.row.id, prefix, delimiter };
    const found = limit === 0 ? [] : await listItems(store.db, listing, { after, count: limit + 1 });
    const items = found.slice(0, limit);
    const encode = encoderOf(input.EncodingType);
    const last = found.length > limit ? items.at(-1) : undefined;
    return {
      Name: bucket.row.name,
      Prefix: encode(prefix),
      KeyMarker: encode(after),
      VersionIdMarker,
      ...(delimiter !== "" && { Delimiter: encode(delimiter) }),
      ...(last !== undefined && { NextKeyMarker: encode(last.name) }),
      ...(last?.row !== undefined && { NextVersionIdMarker: NULL_VERSION }),
      ...(input.EncodingType !== undefined && { EncodingType: input.EncodingType }),
      MaxKeys: limit,
      IsTruncated: last !== undefined,
      Versions: items.flatMap(({ row }) =>
        row === undefined
          ? []
          : [{ ...shownRow(row, encode, bucket.account), VersionId: NULL_VERSION, IsLatest: true }],
      ),
      ...shownPrefixes(items, encode),
    };
  },
});
