/** AWS Signature Version 4: what a request says it is signed with, and whether it is (AWS SigV4 specification). */

import { createHmac, hash, timingSafeEqual } from "node:crypto";
import {
  IncompleteSignatureException,
  InvalidSignatureException,
  MissingAuthenticationTokenException,
} from "../base/errors.ts";
import type { WireRequest } from "../wire/protocol.ts";
import { canonicalPath, canonicalQuery, queryParameters } from "./canonical-url.ts";

const ALGORITHM = "AWS4-HMAC-SHA256";
/** Clocks may differ by this much, either way. */
const SKEW_MS_MAX = 300_000;
/** A presigned request lives a week at most. */
const EXPIRES_SECONDS_MAX = 604_800;

/** What a request says of its signature; nothing of it is proved yet. */
export interface SignedRequest {
  readonly accessKeyId: string;
  /** `20260131` */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** `20260131T235959Z` */
  readonly timestamp: string;
  readonly signedHeaders: readonly string[];
  /** 32 bytes */
  readonly signature: Uint8Array;
  readonly securityToken: string | undefined;
  /** For a presigned request, how long it is valid. */
  readonly expiresSeconds: number | undefined;
}

/**
 * Reads the `Authorization` header, or the query of a presigned request.
 *
 * @throws MissingAuthenticationTokenException there is neither
 * @throws IncompleteSignatureException something is missing or has another form
 */
export function parseSignature(request: WireRequest): SignedRequest {
  const authorization = request.headers["authorization"];
  if (authorization !== undefined) return parseHeader(request, authorization);
  const query = queryParameters(request.target);
  if (query.has("X-Amz-Signature") || query.has("X-Amz-Algorithm")) return parsePresigned(query);
  throw new MissingAuthenticationTokenException("Missing Authentication Token");
}

/**
 * Checks freshness, what must be signed, and the signature itself, in constant time.
 *
 * @param signingKey for the request's access key, date, Region and service
 * @param nowMs the machine's clock, ms since the epoch
 * @throws InvalidSignatureException with AWS's text for what is wrong
 */
export function verifySignature(
  signed: SignedRequest,
  request: WireRequest,
  { signingKey, nowMs }: { readonly signingKey: Uint8Array; readonly nowMs: number },
): void {
  requireFresh(signed, nowMs);
  requireSignedHeaders(signed, request);
  const expected = createHmac("sha256", signingKey).update(stringToSign(signed, request)).digest();
  if (signed.signature.length !== expected.length || !timingSafeEqual(signed.signature, expected)) throw mismatch();
}

function mismatch(): InvalidSignatureException {
  return new InvalidSignatureException(
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
  );
}

function parseHeader(request: WireRequest, authorization: string): SignedRequest {
  const space = authorization.indexOf(" ");
  const scheme = space < 0 ? authorization : authorization.slice(0, space);
  if (scheme !== ALGORITHM)
    throw new IncompleteSignatureException(`Unsupported signature algorithm '${ALGORITHM}' expected.`);
  const parameters = new Map<string, string>();
  for (const part of authorization.slice(scheme.length).split(",")) {
    const equals = part.indexOf("=");
    if (equals > 0) parameters.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  const timestamp = request.headers["x-amz-date"] ?? timestampOfDate(request.headers["date"]);
  const missing = ["Credential", "Signature", "SignedHeaders"]
    .filter((name) => !parameters.get(name))
    .map((name) => `Authorization header requires '${name}' parameter.`);
  if (timestamp === undefined) {
    missing.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  if (missing.length > 0 || timestamp === undefined) throw new IncompleteSignatureException(missing.join(" "));
  return signedRequest({
    credential: parameters.get("Credential") ?? "",
    signature: parameters.get("Signature") ?? "",
    signedHeaders: parameters.get("SignedHeaders") ?? "",
    timestamp,
    securityToken: request.headers["x-amz-security-token"],
    expiresSeconds: undefined,
  });
}

function parsePresigned(query: ReadonlyMap<string, string>): SignedRequest {
  const needed = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"];
  const missing = needed
    .filter((name) => !query.get(name))
    .map((name) => `AWS query-string parameters must include '${name}'.`);
  if (missing.length > 0) throw new IncompleteSignatureException(missing.join(" "));
  if (query.get("X-Amz-Algorithm") !== ALGORITHM) {
    throw new IncompleteSignatureException(`Unsupported signature algorithm '${ALGORITHM}' expected.`);
  }
  // AWS's own services but S3 take a missing X-Amz-Expires for the usual five minutes.
  const expires = query.get("X-Amz-Expires") ?? "300";
  if (!/^[0-9]{1,6}$/.test(expires) || Number(expires) > EXPIRES_SECONDS_MAX) {
    throw new IncompleteSignatureException(`X-Amz-Expires must be between 0 and ${EXPIRES_SECONDS_MAX} seconds.`);
  }
  return signedRequest({
    credential: query.get("X-Amz-Credential") ?? "",
    signature: query.get("X-Amz-Signature") ?? "",
    signedHeaders: query.get("X-Amz-SignedHeaders") ?? "",
    timestamp: query.get("X-Amz-Date") ?? "",
    securityToken: query.get("X-Amz-Security-Token"),
    expiresSeconds: Number(expires),
  });
}

function signedRequest(parts: {
  readonly credential: string;
  readonly signature: string;
  readonly signedHeaders: string;
  readonly timestamp: string;
  readonly securityToken: string | undefined;
  readonly expiresSeconds: number | undefined;
}): SignedRequest {
  const { credential, signature, signedHeaders, timestamp, securityToken, expiresSeconds } = parts;
  const [accessKeyId, date, region, service, terminator, ...more] = credential.split("/");
  if (!accessKeyId || !date || !region || !service || terminator !== "aws4_request" || more.length > 0) {
    throw new IncompleteSignatureException(
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request.",
    );
  }
  if (!/^[0-9]{8}T[0-9]{6}Z$/.test(timestamp)) {
    throw new IncompleteSignatureException("Date must be in ISO-8601 'basic format'.");
  }
  if (!/^[0-9a-f]{64}$/.test(signature)) throw mismatch();
  return {
    accessKeyId,
    date,
    region,
    service,
    timestamp,
    signedHeaders: signedHeaders.split(";"),
    signature: Buffer.from(signature, "hex"),
    securityToken,
    expiresSeconds,
  };
}

/** The `Date` header (RFC 9110) in the form of `X-Amz-Date`. */
function timestampOfDate(date: string | undefined): string | undefined {
  const time = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(time) ? undefined : formatTimestamp(time);
}

function formatTimestamp(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}

function timeOf(timestamp: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(timestamp) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function requireFresh({ timestamp, date, expiresSeconds }: SignedRequest, nowMs: number): void {
  if (!timestamp.startsWith(date)) {
    throw new InvalidSignatureException(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${date}' != '${timestamp.slice(0, 8)}', from '${timestamp}'.`,
    );
  }
  const time = timeOf(timestamp);
  if (Number.isNaN(time)) throw mismatch();
  const lifeMs = expiresSeconds === undefined ? SKEW_MS_MAX : expiresSeconds * 1000;
  const life = expiresSeconds === undefined ? "5 min." : `${expiresSeconds} sec.`;
  if (time < nowMs - lifeMs) {
    throw new InvalidSignatureException(
      `Signature expired: ${timestamp} is now earlier than ${formatTimestamp(nowMs - lifeMs)} (${formatTimestamp(nowMs)} - ${life})`,
    );
  }
  if (time > nowMs + SKEW_MS_MAX) {
    throw new InvalidSignatureException(
      `Signature not yet current: ${timestamp} is still later than ${formatTimestamp(nowMs + SKEW_MS_MAX)} (${formatTimestamp(nowMs)} + 5 min.)`,
    );
  }
}

/**
 * Host, date and every `x-amz-*` header received must be signed: with the target unsigned, a captured DescribeKey would become
 * ScheduleKeyDeletion. The security token is bound by the secret that is sealed in it.
 */
function requireSignedHeaders({ signedHeaders, expiresSeconds }: SignedRequest, { headers }: WireRequest): void {
  if (!signedHeaders.includes("host")) {
    throw new InvalidSignatureException("'Host' must be a 'SignedHeader' in the AWS Authorization.");
  }
  if (expiresSeconds === undefined && headers["x-amz-date"] === undefined && !signedHeaders.includes("date")) {
    throw new InvalidSignatureException("'Date' must be a 'SignedHeader' in the AWS Authorization.");
  }
  for (const name in headers) {
    if (name.startsWith("x-amz-") && name !== "x-amz-security-token" && !signedHeaders.includes(name)) {
      throw new InvalidSignatureException("There were headers present in the request which were not signed.");
    }
  }
}

function stringToSign(signed: SignedRequest, request: WireRequest): string {
  const { timestamp, date, region, service } = signed;
  const canonical = hash("sha256", canonicalRequest(signed, request), "hex");
  return `${ALGORITHM}\n${timestamp}\n${date}/${region}/${service}/aws4_request\n${canonical}`;
}

function canonicalRequest(
  { signedHeaders, expiresSeconds }: SignedRequest,
  { method, target, headers, body }: WireRequest,
): string {
  const payload = hash("sha256", body, "hex");
  const claimed = headers["x-amz-content-sha256"];
  if (claimed !== undefined && claimed !== payload) throw mismatch();
  let lines = "";
  for (const name of signedHeaders) {
    const value = headers[name];
    if (value === undefined) throw mismatch();
    lines += `${name}:${value.trim().replaceAll(/ +/g, " ")}\n`;
  }
  const question = target.indexOf("?");
  const path = question < 0 ? target : target.slice(0, question);
  const query = question < 0 ? "" : canonicalQuery(target.slice(question + 1), expiresSeconds !== undefined);
  return `${method}\n${canonicalPath(path)}\n${query}\n${lines}\n${signedHeaders.join(";")}\n${payload}`;
}
