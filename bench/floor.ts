/**
 * The floor: what a bare `node:http` server does in the same run. It reads the whole body and sends an answer with the
 * headers and the size of the server's own, and does nothing else.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Sent by the parent before anything is asked: the answer to give. `Date` and connection headers are node's own. */
export interface FloorAnswer {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly bodyBytes: number;
}

/** Sent to the parent when the floor listens. */
export interface FloorReady {
  readonly port: number;
}

process.once("message", ({ headers, bodyBytes }: FloorAnswer) => {
  const flat = headers.flat();
  const body = Buffer.alloc(bodyBytes, 0x20);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      Buffer.concat(chunks);
      response.writeHead(200, flat);
      response.end(body);
    });
  });
  server.listen(0, "127.0.0.1", () => {
    const ready: FloorReady = { port: (server.address() as AddressInfo).port };
    process.send?.(ready);
  });
});
process.once("disconnect", () => process.exit(0));
