/** Reads request bodies, up to a limit. */

import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Reads the whole body.
 *
 * @returns undefined when there is nobody to answer any more, or the body was too large and has been refused: with 413 and a
 *   closed connection, so that what is still on its way is not read
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) {
    refuse(response);
    return Promise.resolve(undefined);
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > bytesMax) {
        request.removeAllListeners("data");
        refuse(response);
        resolve(undefined);
        return;
      }
      chunks.push(chunk);
    });
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", () => resolve(undefined));
    request.on("close", () => resolve(undefined));
  });
}

function refuse(response: ServerResponse): void {
  const body = '{"__type":"RequestEntityTooLargeException"}';
  response.writeHead(413, {
    "Content-Type": "application/x-amz-json-1.1",
    "Content-Length": body.length,
    Connection: "close",
  });
  response.end(body, () => response.socket?.destroySoon());
}
