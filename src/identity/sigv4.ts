/** AWS Signature Version 4: what a signed request claims, and whether its signature bears it out. */

import { hash, timingSafeEqual } from "node:crypto";
import {
  IncompleteSignatureException,
  InvalidSignatureException,
  MissingAuthenticationTokenException,
  type ServiceError,
} from "../base/errors.ts";
import { Memo } from "../base/memo.ts";
import type { SigningKey } from "../custody/custody.ts";
import { hmac } from "../custody/hmac.ts";
import type { WireRequest } from "../wire/protocol.ts";
import { canonicalRequest, parseQuery, signedHeaderNames } from "./canonical-request.ts";
import { asHttpTimestamp, asTimestamp, type Timestamp, timestampOf } from "./timestamp.ts";

/** What a credential says it is for. */
export interface CredentialScope {
  readonly accessKeyId: string;
  /** `YYYYMMDD` */
  readonly date: string;
  readonly region: string;
  /** The signing name, such as `kms`. */
  readonly service: string;
}

/** What a request claims of itself; true only once `verifySignature` has passed. */
export interface SignedRequest extends CredentialScope {
  readonly signedAt: Timestamp;
  /** For how long it may be used. */
  readonly lifeSeconds: number;
  /** Lower-case names with semicolons between them, as they came. */
  readonly signedHeaders: string;
  readonly signature: string;
  /** Signed in its query instead of the Authorization header. */
  readonly presigned: boolean;
  /** Of temporary credentials. Whoever looks the key up must verify it, or refuse the request when it can't. */
  readonly securityToken: string | undefined;
}

/** How a service's payloads are signed and sent, where they are not just the body and its hash, and how it refuses signatures. */
export interface PayloadScheme {
  /** What it says of a signature that is not the request's; absent: what most services say. */
  readonly mismatch?: string;
  /** A refusal of what a request says of its signature, in the service's words. */
  refusal?(error: ServiceError, request: WireRequest): ServiceError;
  /** What it says of a scope whose Region there is none of; absent: what most services say. */
  unknownRegion?(signed: SignedRequest): ServiceError;
  /** @throws ServiceError it is too old or too new, as `verifySignature` would find it */
  requireFresh?(signed: SignedRequest, nowMs: number): void;
  /**
   * What is signed in the place of the payload's hash.
   *
   * @throws ServiceError the request doesn't say it, or in a way that nobody knows
   */
  hashOf(signed: SignedRequest, request: WireRequest): string;
  /**
   * The request with the payload as its body, once its signature has held.
   *
   * @throws ServiceError the payload is not the one that was signed, or can't be read
   */
  read(signed: SignedRequest, request: WireRequest, signingKey: SigningKey): Promise<WireRequest>;
}

/** A request may be this much older or newer than the machine's clock. */
export const SKEW_SECONDS = 300;
/** A presigned request lives for a week at most (IAM guide, Elements of an AWS API request signature). */
export const EXPIRES_SECONDS_MAX = 604_800;

const ALGORITHM = "AWS4-HMAC-SHA256";
const TERMINATOR = "aws4_request";

const MISMATCH =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/**
 * Reads what a request claims, and checks of it what needs neither clock nor key. Whether the service and the Region are
 * ours is for the caller to see.
 *
 * The signature has to cover the host, the date and every `x-amz-*` header that came, the security token excepted: with
 * its target unsigned, a captured DescribeKey would become a ScheduleKeyDeletion.
 *
 * @throws MissingAuthenticationTokenException the request is not signed
 * @throws IncompleteSignatureException a part is missing or can't be read
 * @throws InvalidSignatureException a header that must be signed is not, or the credential is of another day
 */
export function parseSignature(request: WireRequest): SignedRequest {
  const { authorization } = request.headers;
  const parameters = presignedParameters(request.target);
  if (parameters !== undefined && authorization !== undefined) {
    throw new InvalidSignatureException(
      "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
  }
  if (parameters !== undefined) return parsePresigned(request, parameters);
  if (authorization === undefined || authorization === "") {
    throw new MissingAuthenticationTokenException("Missing Authentication Token");
  }
  return parseHeader(request, authorization);
}

/**
 * Computes the signature of the request as it was received and compares it in constant time. The payload's hash is always
 * computed from the body, unless `payloadHash` is given: unsigned and streaming payloads exist for S3 alone (s3-payload.ts).
 *
 * @param signed what `parseSignature` read from the same request
 * @param signingKey the key of the day, Region and service
 * @param nowMs milliseconds since the epoch, by the machine's clock
 * @throws InvalidSignatureException too old or too new, or not the signature of this request under this key
 */
export function verifySignature(
  signed: SignedRequest,
  request: WireRequest,
  {
    signingKey,
    nowMs,
    payloadHash: givenHash,
    mismatch = MISMATCH,
  }: {
    readonly signingKey: SigningKey;
    readonly nowMs: number;
    readonly payloadHash?: string | undefined;
    readonly mismatch?: string | undefined;
  },
): void {
  requireFresh(signed, nowMs);
  const { signedAt, date, region, service, signedHeaders, presigned } = signed;
  const isPathAsSent = givenHash !== undefined;
  const payloadHash = givenHash ?? hash("sha256", request.body, "hex");
  const claimedHash = isPathAsSent ? undefined : request.headers["x-amz-content-sha256"];
  const canonical = canonicalRequest(request, { signedHeaders, payloadHash, presigned, isPathAsSent });
  if (canonical === undefined || (claimedHash !== undefined && claimedHash !== payloadHash)) {
    throw new InvalidSignatureException(mismatch);
  }
  const canonicalHash = hash("sha256", bytesOf(canonical), "hex");
  const stringToSign = `${ALGORITHM}\n${signedAt.basic}\n${date}/${region}/${service}/${TERMINATOR}\n${canonicalHash}`;
  hmac("sha256", signingKey, stringToSign, mac);
  const wanted = Buffer.from(mac.toHex(), "latin1");
  const given = Buffer.from(signed.signature, "latin1");
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new InvalidSignatureException(mismatch);
}

/** The signature that is wanted, outside V8's heap. */
const mac = Buffer.alloc(32);

/** The bytes of a text that has a character for each: the text itself where UTF-8 says the same, which is faster. */
function bytesOf(text: string): string | Uint8Array {
  return Buffer.byteLength(text, "utf8") === text.length ? text : Buffer.from(text, "latin1");
}

/** The parts of a signature before anything of them is believed. */
interface Claim {
  readonly algorithm: string;
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
  readonly signedAt: Timestamp;
  readonly lifeSeconds: number;
  readonly presigned: boolean;
  readonly securityToken: string | undefined;
}

function check(request: WireRequest, claim: Claim): SignedRequest {
  requireSignedHeaders(request.headers, claim);
  if (claim.algorithm !== ALGORITHM) {
    throw new IncompleteSignatureException(`Unsupported AWS 'algorithm': '${claim.algorithm}'.`);
  }
  const scope = requireScope(claim);
  const { signedHeaders, signature, signedAt, lifeSeconds, presigned, securityToken } = claim;
  return { ...scope, signedAt, lifeSeconds, signedHeaders, signature, presigned, securityToken };
}

function parseHeader(request: WireRequest, authorization: string): SignedRequest {
  const { algorithm, credential, signedHeaders, signature } = readAuthorization(authorization);
  const amzDate = request.headers["x-amz-date"];
  const date = amzDate ?? request.headers["date"];
  if (!credential || !signature || !signedHeaders || !date) {
    const missing = [
      ...(credential ? [] : ["Authorization header requires 'Credential' parameter."]),
      ...(signature ? [] : ["Authorization header requires 'Signature' parameter."]),
      ...(signedHeaders ? [] : ["Authorization header requires 'SignedHeaders' parameter."]),
      ...(date ? [] : ["Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."]),
    ];
    throw new IncompleteSignatureException(
      `${missing.join(" ")} (Hashed with SHA-256 and encoded with Base64) Authorization=${digestOf(authorization)}`,
    );
  }
  const signedAt = requireTimestamp(date, amzDate === undefined ? asHttpTimestamp(date) : asTimestamp(date));
  const securityToken = request.headers["x-amz-security-token"];
  const claim = { algorithm, credential, signature, signedHeaders, signedAt, securityToken };
  return check(request, { ...claim, lifeSeconds: SKEW_SECONDS, presigned: false });
}

/** The parts of an Authorization header, those that are there. */
interface Authorization {
  readonly algorithm: string;
  readonly credential: string | undefined;
  readonly signedHeaders: string | undefined;
  readonly signature: string | undefined;
}

const SIGNATURE_PART = "Signature=";
const SIGNATURE_CHARACTERS = 64;

/** What stands before the signature is the same in all requests of one caller and day, and so is read once. */
const heads = new Memo<Authorization>(1_000, parseAuthorization);

function readAuthorization(text: string): Authorization {
  const signatureAt = text.length - SIGNATURE_CHARACTERS;
  const isLast = text.startsWith(SIGNATURE_PART, signatureAt - SIGNATURE_PART.length);
  const signature = text.slice(signatureAt);
  if (!isLast || !HEX.test(signature)) return parseAuthorization(text);
  const head = heads.of(text.slice(0, signatureAt));
  return head.signature === "" ? { ...head, signature } : parseAuthorization(text);
}

const HEX = /^[0-9a-f]+$/;

function parseAuthorization(authorization: string): Authorization {
  const space = authorization.indexOf(" ");
  const algorithm = space < 0 ? authorization : authorization.slice(0, space);
  const parts = authorizationParts(authorization, space < 0 ? "" : authorization.slice(space + 1));
  return {
    algorithm,
    credential: parts.get("Credential"),
    signedHeaders: parts.get("SignedHeaders"),
    signature: parts.get("Signature"),
  };
}

/** `name=value` pairs; those that nobody knows are no harm. */
function authorizationParts(authorization: string, text: string): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  for (const pair of text.split(/[, \t]+/)) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = pair.slice(0, equals);
    if (equals < 0) {
      throw new IncompleteSignatureException(
        `Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '${digestOf(authorization)}'.`,
      );
    }
    if (parts.has(name)) throw new InvalidSignatureException(MISMATCH);
    parts.set(name, pair.slice(equals + 1));
  }
  return parts;
}

/** AWS names a header that it can't read by its hash: it may hold a signature. */
function digestOf(authorization: string): string {
  return hash("sha256", bytesOf(authorization), "base64");
}

type Parameters = NonNullable<ReturnType<typeof parseQuery>>;

/** The query's parameters when they sign the request; undefined for a query without `X-Amz-Algorithm`. */
function presignedParameters(target: string): Parameters | undefined {
  const mark = target.indexOf("?");
  if (mark < 0) return undefined;
  const parameters = parseQuery(target.slice(mark + 1));
  return parameters?.some(({ name }) => name === "X-Amz-Algorithm") === true ? parameters : undefined;
}

function parsePresigned(request: WireRequest, parameters: Parameters): SignedRequest {
  const values = new Map<string, string>();
  for (const { name, value } of parameters) {
    if (name.startsWith("X-Amz-") && values.has(name)) throw new InvalidSignatureException(MISMATCH);
    values.set(name, value);
  }
  const [algorithm, credential, signature, signedHeaders, date] = PRESIGNED_PARAMETERS.map((name) => values.get(name));
  if (!algorithm || !credential || !signature || !signedHeaders || !date) {
    const missing = PRESIGNED_PARAMETERS.filter((name) => !values.get(name));
    const texts = missing.map((name) => `AWS query-string parameters must include '${name}'.`);
    throw new IncompleteSignatureException(`${texts.join(" ")} Re-examine the query-string parameters.`);
  }
  const signedAt = requireTimestamp(date, asTimestamp(date));
  const lifeSeconds = requireLife(values.get("X-Amz-Expires"));
  const securityToken = values.get("X-Amz-Security-Token") ?? request.headers["x-amz-security-token"];
  const claim = { algorithm, credential, signature, signedHeaders, signedAt, securityToken };
  return check(request, { ...claim, lifeSeconds, presigned: true });
}

/** In the order in which AWS names those that are missing. */
const PRESIGNED_PARAMETERS = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Signature",
  "X-Amz-SignedHeaders",
  "X-Amz-Date",
] as const;

/** Without `X-Amz-Expires` a presigned request lives as long as any other. */
function requireLife(expires: string | undefined): number {
  if (expires === undefined) return SKEW_SECONDS;
  if (!/^[0-9]{1,9}$/.test(expires)) throw new IncompleteSignatureException("X-Amz-Expires should be a number.");
  const seconds = Number(expires);
  if (seconds < 1 || seconds > EXPIRES_SECONDS_MAX) {
    throw new IncompleteSignatureException(`X-Amz-Expires must be between 1 and ${EXPIRES_SECONDS_MAX} seconds.`);
  }
  return seconds;
}

function requireTimestamp(text: string, timestamp: Timestamp | undefined): Timestamp {
  if (timestamp !== undefined) return timestamp;
  throw new IncompleteSignatureException(
    `Date must be in ISO-8601 'basic format'. Got '${text}'. See http://en.wikipedia.org/wiki/ISO_8601`,
  );
}

/** The first and the last second in which what is presented now may have been signed. */
export function freshness({ lifeSeconds }: Pick<SignedRequest, "lifeSeconds">, nowMs: number) {
  const now = Math.floor(nowMs / 1000);
  return { now, earliest: now - lifeSeconds, latest: now + SKEW_SECONDS };
}

function requireFresh(signed: SignedRequest, nowMs: number): void {
  const { signedAt, lifeSeconds } = signed;
  const { now, earliest, latest } = freshness(signed, nowMs);
  if (signedAt.seconds < earliest) {
    const life = lifeSeconds % 60 === 0 ? `${lifeSeconds / 60} min.` : `${lifeSeconds} sec.`;
    throw new InvalidSignatureException(
      `Signature expired: ${signedAt.basic} is now earlier than ${timestampOf(earliest).basic} (${timestampOf(now).basic} - ${life})`,
    );
  }
  if (signedAt.seconds > latest) {
    throw new InvalidSignatureException(
      `Signature not yet current: ${signedAt.basic} is still later than ${timestampOf(latest).basic} (${timestampOf(now).basic} + ${SKEW_SECONDS / 60} min.)`,
    );
  }
}

/** A presigned date is signed with the query; else it is in the header that was read, which `x-amz-date` comes before. */
function requireSignedHeaders(headers: WireRequest["headers"], { signedHeaders, presigned }: Claim): void {
  const signed = signedHeaderNames(signedHeaders);
  if (!signed.includes("host")) throw new HeadersNotSigned("'Host' or ':authority'", ["host"]);
  if (!presigned && headers["x-amz-date"] === undefined && !signed.includes("date")) {
    throw new HeadersNotSigned("'Date'", ["date"]);
  }
  const names = Object.keys(headers).filter(
    (name) => name.startsWith("x-amz-") && name !== "x-amz-security-token" && !signed.includes(name),
  );
  if (names.length > 0) throw new HeadersNotSigned(`'${names[0]}'`, names);
}

/** Headers that a signature has to cover, and doesn't. */
export class HeadersNotSigned extends InvalidSignatureException {
  readonly names: readonly string[];

  constructor(first: string, names: readonly string[]) {
    super(`${first} must be a 'SignedHeader' in the AWS Authorization.`);
    this.names = names;
  }
}

const credentialParts = new Memo<readonly string[]>(1_000, (credential) => credential.split("/"));

function requireScope({ credential, signedAt }: Claim): CredentialScope {
  const [accessKeyId, date, region, service, terminator, ...more] = credentialParts.of(credential);
  if (!accessKeyId || !date || !region || !service || !terminator || more.length > 0) {
    throw new IncompleteSignatureException(
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
    );
  }
  const day = signedAt.basic.slice(0, 8);
  const wrong: string[] = [];
  if (terminator !== TERMINATOR) {
    wrong.push(`Credential should be scoped with a valid terminator: '${TERMINATOR}', not '${terminator}'.`);
  }
  if (date !== day) {
    wrong.push(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${date}' != '${day}', from '${signedAt.basic}'.`,
    );
  }
  if (wrong.length > 0) throw new InvalidSignatureException(wrong.join(" "));
  return { accessKeyId, date, region, service };
}
