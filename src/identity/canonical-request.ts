/** Requests in the canonical form that AWS Signature Version 4 hashes (IAM guide, Create a signed AWS API request). */

import { Memo } from "../base/memo.ts";
import type { WireRequest } from "../wire/protocol.ts";

/** A parameter of a query, decoded: a character for each byte. */
export interface QueryParameter {
  readonly name: string;
  readonly value: string;
}

/**
 * Method, path, query, signed headers, their names and the payload's hash, a line each.
 *
 * The path is normalized and encoded once more than it came, as for every service but S3 (`isPathAsSent`). Texts are as `node:http` gives
 * them, a character for each byte, and so is the result.
 *
 * @param signedHeaders lower-case names; a repeated header has its values joined by commas
 * @param payloadHash SHA-256 of the body in lower-case hex
 * @returns undefined when no signer can have meant it: a signed header is absent, their names are not in order or come
 *   twice, or the query has a broken escape
 */
export function canonicalRequest(
  { method, target, headers }: WireRequest,
  { signedHeaders, payloadHash, presigned, isPathAsSent = false }: CanonicalRules,
): string | undefined {
  const mark = target.indexOf("?");
  const rawPath = mark < 0 ? target : target.slice(0, mark);
  const path = isPathAsSent ? encodedOnce(rawPath) : canonicalPath(rawPath);
  const query = mark < 0 ? "" : canonicalQuery(target.slice(mark + 1), presigned);
  const lines = canonicalHeaders(headers, signedHeaders);
  if (path === undefined || query === undefined || lines === undefined) return undefined;
  return `${method}\n${path}\n${query}\n${lines}\n${signedHeaders}\n${payloadHash}`;
}

interface CanonicalRules {
  readonly signedHeaders: string;
  readonly payloadHash: string;
  readonly presigned: boolean;
  /** Of S3: keys may have `..` and empty segments, and are encoded once. */
  readonly isPathAsSent?: boolean;
}

/** The parameters of a query in the order in which they came, or undefined when one has a broken escape. */
export function parseQuery(query: string): readonly QueryParameter[] | undefined {
  const parameters: QueryParameter[] = [];
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = decode(equals < 0 ? "" : pair.slice(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    parameters.push({ name, value });
  }
  return parameters;
}

const nameLists = new Memo<readonly string[]>(1_000, (text) => text.split(";"));

/** The names in a list with semicolons between them; callers have few such lists. */
export function signedHeaderNames(text: string): readonly string[] {
  return nameLists.of(text);
}

function canonicalHeaders(headers: WireRequest["headers"], signedHeaders: string): string | undefined {
  let lines = "";
  let previous = "";
  for (const name of signedHeaderNames(signedHeaders)) {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (value === undefined || name <= previous) return undefined;
    lines += `${name}:${canonicalValue(value)}\n`;
    previous = name;
  }
  return lines;
}

/** Blanks trimmed, runs of them as one space. No other white space counts: 0xA0 at an end is another value. */
function canonicalValue(value: string): string {
  return hasOddBlanks(value) ? value.replace(/[ \t]+/g, " ").replace(/^ | $/g, "") : value;
}

function hasOddBlanks(value: string): boolean {
  return value.startsWith(" ") || value.endsWith(" ") || value.includes("  ") || value.includes("\t");
}

/** Without `.`, `..` and empty segments (RFC 3986, 5.2.4), a slash at the end kept, and encoded as it came. */
function canonicalPath(path: string): string {
  if (path === "/" || path === "") return "/";
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(encode(segment));
  }
  if (segments.length === 0) return "/";
  return `${path.startsWith("/") ? "/" : ""}${segments.join("/")}${path.endsWith("/") ? "/" : ""}`;
}

/** Every segment encoded once, however much of it the client had encoded; undefined for a broken escape. */
function encodedOnce(path: string): string | undefined {
  const segments = path.split("/").map(decode);
  return segments.includes(undefined) ? undefined : segments.map((segment = "") => encode(segment)).join("/") || "/";
}

/** Sorted by name, then value. The signature of a presigned request is the one parameter that it can't cover. */
function canonicalQuery(query: string, presigned: boolean): string | undefined {
  if (query === "") return "";
  return parseQuery(query)
    ?.filter(({ name }) => !(presigned && name === "X-Amz-Signature"))
    .map(({ name, value }) => ({ name: encode(name), value: encode(value) }))
    .sort((left, right) => compare(left.name, right.name) || compare(left.value, right.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join("&");
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;
const RESERVED = /[^A-Za-z0-9\-._~]/g;
const ESCAPE = /%([0-9A-Fa-f]{2})/g;
const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/;

/** Every byte but the unreserved ones as `%` and two upper-case hex digits. */
function encode(bytes: string): string {
  if (UNRESERVED.test(bytes)) return bytes;
  return bytes.replace(RESERVED, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** A plus sign stays one: it means a space in forms alone. */
function decode(text: string): string | undefined {
  if (!text.includes("%")) return text;
  if (BROKEN_ESCAPE.test(text)) return undefined;
  return text.replace(ESCAPE, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
