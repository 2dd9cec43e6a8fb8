/** Conditional requests and ranges (RFC 9110, 13 and 14, as S3 has them). */

import type { S3ObjectRow } from "../../storage/service-schema.ts";
import {
  ConditionalRequestConflict,
  InvalidRange,
  NoSuchKey,
  NotImplemented,
  NotModified,
  PreconditionFailed,
} from "./errors.ts";

/** What a read asks of the object before it wants it. */
export interface ReadConditions {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
  readonly IfModifiedSince?: Date;
  readonly IfUnmodifiedSince?: Date;
}

type Dated = Pick<S3ObjectRow, "etag" | "modified_at">;

/**
 * The header by which an object is not one that a reader wants, or undefined. A matching ETag outweighs an earlier time, one that is excluded
 * outweighs a later one, and a time that is still to come counts for nothing.
 */
export function failedCondition(
  { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince }: ReadConditions,
  { etag, modified_at }: Dated,
  now: number,
) {
  const modified = Math.floor(modified_at / 1000);
  const isAfter = (date: Date): boolean => modified > Math.floor(date.getTime() / 1000);
  if (IfMatch !== undefined) {
    if (!matches(IfMatch, etag)) return "If-Match";
  } else if (IfUnmodifiedSince !== undefined && isAfter(IfUnmodifiedSince)) return "If-Unmodified-Since";
  if (IfNoneMatch !== undefined) {
    if (matches(IfNoneMatch, etag)) return "If-None-Match";
  } else if (IfModifiedSince !== undefined && !isAfter(IfModifiedSince) && IfModifiedSince.getTime() < now) {
    return "If-Modified-Since";
  }
  return undefined;
}

/** @throws PreconditionFailed, NotModified the object is not one that the reader wants */
export function requireWanted(conditions: ReadConditions, object: Dated, now: number): void {
  const failed = failedCondition(conditions, object, now);
  if (failed === undefined) return;
  if (failed === "If-None-Match" || failed === "If-Modified-Since") {
    const { etag, modified_at } = object;
    throw new NotModified({ ETag: `"${etag}"`, "Last-Modified": new Date(modified_at).toUTCString() });
  }
  throw new PreconditionFailed(failed);
}

/** Whether one of some ETags is this one. */
export function matches(list: string, etag: string): boolean {
  return list.split(",").some((each) => {
    const text = each.trim().replace(/^W\//, "");
    return text === "*" || text.replace(/^"(.*)"$/, "$1") === etag;
  });
}

type WriteConditions = Pick<ReadConditions, "IfMatch" | "IfNoneMatch">;

/** @throws NotImplemented conditions that writes don't have: any ETag that is excluded, any object that is to be there, or both at once */
export function requireWriteConditions({ IfMatch, IfNoneMatch }: WriteConditions): void {
  if (IfMatch !== undefined && IfNoneMatch !== undefined) {
    throw conditionRefused("If-Match,If-None-Match", "Multiple conditional request headers present in the request");
  }
  const refused = IfMatch === "*" ? "If-Match" : (IfNoneMatch ?? "*") !== "*" ? "If-None-Match" : undefined;
  if (refused === undefined) return;
  throw conditionRefused(refused, `We don't accept the provided value of ${refused} header for this API`);
}

function conditionRefused(Header: string, additionalMessage: string): NotImplemented {
  const details = { Header, additionalMessage };
  return new NotImplemented("A header you provided implies functionality that is not implemented", details);
}

/**
 * @param begunAt when the writing began that ends now
 * @throws PreconditionFailed, NoSuchKey the object in whose place a new one is put is there, or not the one that is meant
 * @throws ConditionalRequestConflict it is the one that is meant, and was put there since the writing began
 */
export function requireReplaceable(
  { IfMatch, IfNoneMatch }: WriteConditions,
  before: S3ObjectRow | undefined,
  { key, begunAt }: { readonly key: string; readonly begunAt?: number },
): void {
  if (IfNoneMatch !== undefined && before !== undefined) throw new PreconditionFailed("If-None-Match");
  if (IfMatch === undefined) return;
  if (before === undefined) throw new NoSuchKey(key);
  if (!matches(IfMatch, before.etag)) throw new PreconditionFailed("If-Match");
  if (begunAt !== undefined && before.modified_at > begunAt) throw new ConditionalRequestConflict("If-Match", key);
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
    if (Number(last) === 0 || size === 0) throw notSatisfiable(header, size);
    return { from, to: size };
  }
  const [from, end] = [Number(first), last === "" ? size : Number(last) + 1];
  if (from >= end && last !== "") return undefined;
  if (from >= size) throw notSatisfiable(header, size);
  return { from, to: Math.min(end, size) };
}

function notSatisfiable(RangeRequested = "", size: number): InvalidRange {
  return new InvalidRange("The requested range is not satisfiable", { RangeRequested, ActualObjectSize: String(size) });
}
