/** Conditional requests and ranges (RFC 9110, 13 and 14, as S3 has them). */

import type { S3ObjectRow } from "../../storage/service-schema.ts";
import { InvalidRange, NoSuchKey, NotImplemented, NotModified, PreconditionFailed } from "./errors.ts";

/** What a read asks of the object before it wants it. */
export interface ReadConditions {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
  readonly IfModifiedSince?: Date;
  readonly IfUnmodifiedSince?: Date;
}

const FAILED = "At least one of the pre-conditions you specified did not hold";

/**
 * @throws PreconditionFailed, NotModified the object is not one that the reader wants; a matching ETag outweighs an earlier time, one that is
 *   excluded outweighs a later one
 */
export function requireWanted(
  { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince }: ReadConditions,
  { etag, modified_at }: Pick<S3ObjectRow, "etag" | "modified_at">,
): void {
  const modified = Math.floor(modified_at / 1000);
  const isAfter = (date: Date): boolean => modified > Math.floor(date.getTime() / 1000);
  if (IfMatch !== undefined) {
    if (!matches(IfMatch, etag)) throw new PreconditionFailed(FAILED);
  } else if (IfUnmodifiedSince !== undefined && isAfter(IfUnmodifiedSince)) throw new PreconditionFailed(FAILED);
  if (IfNoneMatch !== undefined) {
    if (matches(IfNoneMatch, etag)) throw new NotModified();
  } else if (IfModifiedSince !== undefined && !isAfter(IfModifiedSince)) throw new NotModified();
}

/** Whether one of some ETags is this one. */
export function matches(list: string, etag: string): boolean {
  return list.split(",").some((each) => {
    const text = each.trim().replace(/^W\//, "");
    return text === "*" || text.replace(/^"(.*)"$/, "$1") === etag;
  });
}

/**
 * @throws PreconditionFailed, NoSuchKey the object in whose place a new one is put is there, or not the one that is meant
 * @throws NotImplemented a condition that writes don't have
 */
export function requireReplaceable(
  { IfMatch, IfNoneMatch }: Pick<ReadConditions, "IfMatch" | "IfNoneMatch">,
  before: S3ObjectRow | undefined,
  key: string,
): void {
  if (IfNoneMatch !== undefined && IfNoneMatch !== "*") {
    throw new NotImplemented("A header you provided implies functionality that is not implemented");
  }
  if (IfNoneMatch !== undefined && before !== undefined) throw new PreconditionFailed(FAILED);
  if (IfMatch === undefined) return;
  if (before === undefined) throw new NoSuchKey(key);
  if (!matches(IfMatch, before.etag)) throw new PreconditionFailed(FAILED);
}

/** Bytes of an object, the first and the one after the last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const RANGE = /^bytes=(\d*)-(\d*)$/;

/**
 * The one range of bytes that a header means, or undefined for the whole: of what can't be read, and of several, S3 takes no notice.
 *
 * @throws InvalidRange it begins after the end
 */
export function parseRange(header: string | undefined, size: number): Span | undefined {
  const [, first = "", last = ""] = RANGE.exec(header?.replaceAll(" ", "") ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const from = Math.max(size - Number(last), 0);
    if (Number(last) === 0 || size === 0) throw new InvalidRange("The requested range is not satisfiable");
    return { from, to: size };
  }
  const [from, end] = [Number(first), last === "" ? size : Number(last) + 1];
  if (from >= end && last !== "") return undefined;
  if (from >= size) throw new InvalidRange("The requested range is not satisfiable");
  return { from, to: Math.min(end, size) };
}
