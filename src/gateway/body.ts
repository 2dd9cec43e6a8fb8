/** Reads request bodies, up to a limit. */

import type { IncomingMessage } from "node:http";

/** What came of reading a body: its bytes, more of them than are read, or nobody left to answer. */
export type Body = Uint8Array | "too large" | "gone";

/**
 * Reads the whole body. Of one that is too large no more is read, so the connection has to be closed after the answer.
 */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Body> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) return Promise.resolve("too large");
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= bytesMax) {
        chunks.push(chunk);
        return;
      }
      request.removeAllListeners("data");
      resolve("too large");
    });
    request.on("end", () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.on("error", () => resolve("gone"));
    request.on("close", () => resolve("gone"));
  });
}
