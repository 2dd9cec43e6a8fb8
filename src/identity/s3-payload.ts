/** Payloads as S3 has them signed: whole, unsigned, or in chunks that are signed one by one (S3 API reference, SigV4). */

import { createHash, hash, timingSafeEqual } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { homeRegion } from "../base/arn.ts";
import { coded, IncompleteSignatureException, InvalidSignatureException, ServiceError } from "../base/errors.ts";
import type { SigningKey } from "../custody/custody.ts";
import { hmac } from "../custody/hmac.ts";
import type { WireRequest } from "../wire/protocol.ts";
import {
  EXPIRES_SECONDS_MAX,
  freshness,
  HeadersNotSigned,
  type PayloadScheme,
  type SignedRequest,
  SKEW_SECONDS,
} from "./sigv4.ts";

class MissingSecurityHeader extends coded("MissingSecurityHeader") {}
class InvalidRequest extends coded("InvalidRequest") {}
class IncompleteBody extends coded("IncompleteBody") {}
class MissingContentLength extends coded("MissingContentLength", 411) {}
class AuthorizationQueryParametersError extends coded("AuthorizationQueryParametersError") {}

/** A refusal with elements that say what is wrong with the signature. */
class Unacceptable extends ServiceError {
  readonly code: string;
  override readonly status: number = 403;
  override readonly details: Readonly<Record<string, string>>;

  constructor(code: string, message: string, details: Readonly<Record<string, string>>) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** Clients sign again for the Region that it names: s3cmd, which signs for `US` unless it is told, and minio-go. */
class WrongScope extends Unacceptable {
  override readonly status = 400;

  constructor({ region, presigned }: SignedRequest, Region: string) {
    const [code, what] = presigned
      ? ["AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter"]
      : ["AuthorizationHeaderMalformed", "The authorization header is malformed"];
    super(code, `${what}; the region '${region}' is wrong; expecting '${Region}'`, { Region });
  }
}

class XAmzContentSHA256Mismatch extends coded("XAmzContentSHA256Mismatch") {}

const MISMATCH =
  "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
const UNSIGNED = "UNSIGNED-PAYLOAD";
const HEADER = "x-amz-content-sha256";
const SHA256_HEX = /^[0-9a-f]{64}$/;
const EMPTY_HASH = hash("sha256", "", "hex");
/** What is hashed before other requests have their turn. */
const SLICE_BYTES = 1_048_576;
/** Lines before a chunk, and trailers. */
const LINE_BYTES_MAX = 1_024;

interface Streaming {
  readonly signed: boolean;
  readonly trailer: boolean;
}

const STREAMING: ReadonlyMap<string, Streaming> = new Map([
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", { signed: true, trailer: false }],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", { signed: true, trailer: true }],
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", { signed: false, trailer: true }],
]);

/** The payloads of S3: a header says which kind. Presigned requests leave them unsigned. */
export const s3Payloads: PayloadScheme = {
  mismatch: MISMATCH,

  refusal(error, { target, headers }) {
    const query = new URLSearchParams(target.slice(target.indexOf("?") + 1));
    if (query.has("AWSAccessKeyId") || headers["authorization"]?.startsWith("AWS ") === true) {
      return new InvalidRequest(OLDER_SIGNATURE);
    }
    if (error instanceof HeadersNotSigned) {
      const details = { HeadersNotSigned: error.names.join(", ") };
      return new Unacceptable("AccessDenied", UNSIGNED_HEADERS, details);
    }
    if (!(error instanceof IncompleteSignatureException) || !query.has("X-Amz-Algorithm")) return error;
    return new AuthorizationQueryParametersError(messageOfExpires(query.get("X-Amz-Expires")) ?? PARAMETERS);
  },

  unknownRegion: (signed) => new WrongScope(signed, homeRegion("aws")),

  requireFresh(signed, nowMs) {
    const { signedAt, lifeSeconds, presigned } = signed;
    const { now, earliest, latest } = freshness(signed, nowMs);
    if (signedAt.seconds >= earliest && signedAt.seconds <= latest) return;
    const ServerTime = secondsAsText(now);
    if (presigned && signedAt.seconds < earliest) {
      const Expires = secondsAsText(signedAt.seconds + lifeSeconds);
      const details = { "X-Amz-Expires": String(lifeSeconds), Expires, ServerTime };
      throw new Unacceptable("AccessDenied", "Request has expired", details);
    }
    throw new Unacceptable(
      "RequestTimeTooSkewed",
      "The difference between the request time and the current time is too large.",
      { RequestTime: signedAt.basic, ServerTime, MaxAllowedSkewMilliseconds: String(SKEW_SECONDS * 1000) },
    );
  },

  hashOf({ presigned }, { headers }) {
    const said = headers[HEADER];
    if (said === undefined && presigned) return UNSIGNED;
    if (said === undefined) {
      throw new MissingSecurityHeader("Your request was missing a required header: x-amz-content-sha256");
    }
    if (said === UNSIGNED || SHA256_HEX.test(said) || STREAMING.has(said)) return said;
    throw new InvalidRequest(
      "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, or a valid sha256 value.",
    );
  },

  async read(signed, request, signingKey) {
    const said = request.headers[HEADER] ?? UNSIGNED;
    const streaming = STREAMING.get(said);
    if (streaming !== undefined) return await new Chunks(signed, request, { ...streaming, signingKey }).read();
    if (said !== UNSIGNED && (await hashOf(request.body)) !== said) {
      throw new XAmzContentSHA256Mismatch(
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      );
    }
    return request;
  },
};

/** What Regions say that have SigV4 alone. */
const OLDER_SIGNATURE = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
const UNSIGNED_HEADERS = "There were headers present in the request which were not signed";
const PARAMETERS =
  "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";

/** What is wrong with a time to live, or undefined. */
function messageOfExpires(expires: string | null): string | undefined {
  if (expires === null) return undefined;
  if (!/^-?\d+$/.test(expires)) return "X-Amz-Expires should be a number";
  if (expires.startsWith("-")) return "X-Amz-Expires must be non-negative";
  if (Number(expires) <= EXPIRES_SECONDS_MAX) return undefined;
  return `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${EXPIRES_SECONDS_MAX} seconds`;
}

function secondsAsText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

async function hashOf(body: Uint8Array): Promise<string> {
  if (body.length <= SLICE_BYTES) return hash("sha256", body, "hex");
  const digest = createHash("sha256");
  for (let at = 0; at < body.length; at += SLICE_BYTES) {
    digest.update(body.subarray(at, at + SLICE_BYTES));
    await nextTurn();
  }
  return digest.digest("hex");
}

/**
 * A body in the encoding `aws-chunked`: for each chunk its length in hex, its signature where chunks are signed, and its bytes; an empty one
 * ends them, and trailers may follow, of which checksums become headers. Every signature covers the one before it, the first that of the
 * request.
 */
class Chunks {
  readonly #signed: SignedRequest;
  readonly #request: WireRequest;
  readonly #kind: Streaming & { readonly signingKey: SigningKey };
  #previous: string;
  #at = 0;

  constructor(signed: SignedRequest, request: WireRequest, kind: Streaming & { readonly signingKey: SigningKey }) {
    this.#signed = signed;
    this.#request = request;
    this.#kind = kind;
    this.#previous = signed.signature;
  }

  /** @throws ServiceError a chunk is broken, its signature is wrong, or their lengths are not what the request says */
  async read(): Promise<WireRequest> {
    const { body, headers } = this.#request;
    const length = headers["x-amz-decoded-content-length"];
    if (length === undefined || !/^\d{1,12}$/.test(length)) {
      throw new MissingContentLength("You must provide the Content-Length HTTP header.");
    }
    if (Number(length) > body.length) throw incomplete();
    const payload = new Uint8Array(Number(length));
    let written = 0;
    let sliced = 0;
    for (;;) {
      const chunk = this.#chunk();
      if (written + chunk.length > payload.length) throw incomplete();
      payload.set(chunk, written);
      written += chunk.length;
      if (chunk.length === 0) break;
      if (written - sliced < SLICE_BYTES) continue;
      sliced = written;
      await nextTurn();
    }
    const trailers = this.#kind.trailer ? this.#trailers() : {};
    if (!this.#kind.trailer) this.#expectLine("");
    if (written !== payload.length || this.#at !== body.length) throw incomplete();
    return { ...this.#request, body: payload, headers: { ...decodedHeaders(headers, payload.length), ...trailers } };
  }

  #chunk(): Uint8Array {
    const [size = "", extension] = this.#line().split(";");
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) throw incomplete();
    const length = Number.parseInt(size, 16);
    const chunk = this.#request.body.subarray(this.#at, this.#at + length);
    if (chunk.length !== length) throw incomplete();
    this.#at += length;
    if (length > 0) this.#expectLine("");
    if (this.#kind.signed) {
      const given =
        extension?.startsWith("chunk-signature=") === true ? extension.slice("chunk-signature=".length) : "";
      this.#verify(`AWS4-HMAC-SHA256-PAYLOAD`, `${EMPTY_HASH}\n${hash("sha256", chunk, "hex")}`, given);
    }
    return chunk;
  }

  /** Of the trailers that the request announced, the checksums. */
  #trailers(): Record<string, string> {
    const announced = new Set(
      (this.#request.headers["x-amz-trailer"] ?? "")
        .toLowerCase()
        .split(",")
        .map((name) => name.trim()),
    );
    const trailers: Record<string, string> = {};
    let canonical = "";
    let signature: string | undefined;
    while (this.#at < this.#request.body.length) {
      const line = this.#line();
      if (line === "") continue; // clients differ in how many they send, and nothing but the end may follow
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase().trim();
      const value = line.slice(colon + 1).trim();
      const isSignature = name === "x-amz-trailer-signature" && this.#kind.signed;
      if (isSignature) signature = value;
      else if (colon < 0 || !announced.has(name) || !name.startsWith("x-amz-checksum-") || signature !== undefined) {
        throw new InvalidRequest("A trailer of the request is not one that it announced.");
      } else {
        trailers[name] = value;
        canonical += `${name}:${value}\n`;
      }
    }
    if (this.#kind.signed) this.#verify("AWS4-HMAC-SHA256-TRAILER", hash("sha256", canonical, "hex"), signature ?? "");
    return trailers;
  }

  #verify(algorithm: string, hashes: string, given: string): void {
    const { signedAt, date, region, service } = this.#signed;
    const scope = `${date}/${region}/${service}/aws4_request`;
    const text = `${algorithm}\n${signedAt.basic}\n${scope}\n${this.#previous}\n${hashes}`;
    const mac = new Uint8Array(32);
    hmac("sha256", this.#kind.signingKey, text, mac);
    const wanted = mac.toHex();
    const [left, right] = [Buffer.from(wanted, "latin1"), Buffer.from(given, "latin1")];
    if (left.length !== right.length || !timingSafeEqual(left, right)) {
      throw new InvalidSignatureException(MISMATCH);
    }
    this.#previous = wanted;
  }

  #expectLine(text: string): void {
    if (this.#line() !== text) throw incomplete();
  }

  #line(): string {
    const { body } = this.#request;
    const end = body.subarray(this.#at, this.#at + LINE_BYTES_MAX).indexOf(0x0a);
    if (end < 0) throw incomplete();
    const line = Buffer.from(body.subarray(this.#at, this.#at + end)).toString("latin1");
    this.#at += end + 1;
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}

/** What the payload's own headers would have been. */
function decodedHeaders(headers: WireRequest["headers"], lengthBytes: number): Record<string, string | undefined> {
  const encodings = (headers["content-encoding"] ?? "").split(",").map((name) => name.trim());
  const others = encodings.filter((name) => name !== "aws-chunked" && name !== "");
  const { "content-encoding": _encoding, ...rest } = headers;
  return {
    ...rest,
    "content-length": String(lengthBytes),
    ...(others.length > 0 && { "content-encoding": others.join(",") }),
  };
}

function incomplete(): IncompleteBody {
  return new IncompleteBody("The request body terminated unexpectedly");
}
