/** Limits that keep slow, broken and greedy clients from hurting others. */

import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { systemClock } from "../base/clock.ts";

/** Sizes in bytes, times in milliseconds. */
export const LIMITS = {
  http: {
    /** SDKs send under 2 KiB of headers; a session token adds a few. */
    maxHeaderSize: 16_384,
    headersTimeout: 10_000,
    /** For a whole request, body included. */
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 2_000,
    /** A header that comes twice has both values, as the signature's rules have it; node would pass over the second. */
    joinDuplicateHeaders: true,
  },
  /** Until a TLS connection is ready for requests. */
  handshakeTimeout: 10_000,
  /** For a client to read its answer. */
  answerTimeout: 10_000,
  connections: 10_000,
  /** Of one connection, waiting for their answers: SDKs send one after another. */
  requestsOfConnection: 64,
  /** A body up to this length is always read: nearly every request's is shorter. */
  smallBodyBytes: 16_384,
  /** Of larger bodies that are being read or used. */
  bodyBytes: 256 * 1_048_576,
} as const;

/** Answers bytes that are no HTTP request, too many headers, or a request that took too long, and closes. */
export function refuseBrokenRequest(
  error: Error & { code?: string },
  socket: Pick<Socket, "writable" | "end" | "destroy">,
): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const head = [
    `HTTP/1.1 ${statusLineOf(error.code)}`,
    `x-amzn-RequestId: ${randomUUID()}`,
    `Date: ${new Date(systemClock.now()).toUTCString()}`,
    "Connection: close",
    "Content-Length: 0",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n`);
}

function statusLineOf(code: string | undefined): string {
  if (code === "HPE_HEADER_OVERFLOW") return "431 Request Header Fields Too Large";
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "408 Request Timeout";
  return "400 Bad Request";
}
