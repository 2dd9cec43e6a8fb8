/** Reads request bodies, up to a limit. */

import type { IncomingMessage } from "node:http";

/** What came of reading a body: its bytes, more of them than are read, no memory for it, or nobody left to answer. */
export type Body = Uint8Array | "too large" | "too much" | "gone";

/**
 * Reads the whole body. Of one that is too large or for which there is no memory no more is read, so the connection has to be closed
 * after the answer.
 *
 * @param take asks for memory for so many more bytes of a body that has grown to `length`
 */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  take: (bytes: number, length: number) => boolean,
): Promise<Body> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) return Promise.resolve("too large");
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      const isTaken = length <= bytesMax && take(chunk.length, length);
      if (isTaken) {
        chunks.push(chunk);
        return;
      }
      request.removeAllListeners("data");
      chunks.length = 0;
      resolve(length > bytesMax ? "too large" : "too much");
    });
    request.on("end", () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.on("error", () => resolve("gone"));
    request.on("close", () => resolve("gone"));
  });
}
