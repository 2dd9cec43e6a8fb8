/** Clients that take connections and memory: idle ones, large bodies that never end, requests without end, answers never read. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { type Keystead, startKeystead } from "../../src/testing.ts";
import { bytesOf, callKms, kmsDraft, sign } from "../faults/signed-requests.ts";

/** They, and what else is open, are below the 1,024 files that some systems let a process have. */
const IDLE = 700;
/** An address alone may hold half of 256 MiB for bodies. */
const BODIES = 200;
const BODY_BYTES = 900_000;
const READERS = 20;
/** Half a share of bodies, and what the server itself grows by. */
const GROWTH_BYTES_MAX = 400 * 1_048_576;

describe("a server with greedy clients", () => {
  let server: Keystead;
  const sockets: Socket[] = [];
  before(async () => {
    server = await startKeystead();
    assert.equal((await callKms(server, "ListKeys", {})).status, 200);
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await server.stop();
  });

  async function open(): Promise<Socket> {
    const { hostname, port } = new URL(server.endpoint);
    const socket = connect({ host: hostname, port: Number(port) });
    sockets.push(socket.on("error", () => {}));
    await once(socket, "connect");
    return socket;
  }
  const openMany = (count: number): Promise<Socket[]> => Promise.all(Array.from({ length: count }, open));
  /** A reset closes, too: `once` would reject for it. */
  const closed = (socket: Socket): Promise<void> =>
    new Promise((resolve) => (socket.closed ? resolve() : socket.once("close", () => resolve())));
  async function othersGoOn(): Promise<void> {
    for (let at = 0; at < 20; at += 1) assert.equal((await callKms(server, "ListKeys", {})).status, 200);
  }

  it("closes a connection with more requests under way than any SDK has", async () => {
    const request = bytesOf(await sign(server, kmsDraft("CreateKey", {})));
    const socket = (await open()).resume();
    socket.write(Buffer.concat(Array.from({ length: 200 }, () => request)));
    await closed(socket);
    await othersGoOn();
  });

  it("refuses large bodies beyond an address's share of memory, and small ones never", async () => {
    const before = residentBytes(server);
    const clients = await openMany(BODIES);
    const head = `POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: TrentService.Encrypt\r\nContent-Length: ${BODY_BYTES + 1}\r\n\r\n`;
    const refused = clients.map(async (socket) => {
      let text = "";
      socket.setEncoding("latin1").on("data", (chunk: string) => {
        text += chunk;
      });
      socket.write(head);
      socket.write(Buffer.alloc(BODY_BYTES));
      await closed(socket);
      return text;
    });
    const first = await Promise.any(refused);
    assert.match(first, /^HTTP\/1\.1 400 [\s\S]*"__type":"ThrottlingException"/);
    await othersGoOn();
    assert.ok(residentBytes(server) - before < GROWTH_BYTES_MAX);
    for (const socket of clients) socket.destroy();
  });

  it("goes on beside idle connections and answers that nobody reads, and closes both in time", async () => {
    const before = residentBytes(server);
    const idle = await openMany(IDLE);
    const request = bytesOf(await sign(server, kmsDraft("ListKeys", {})));
    const silent = await openMany(READERS);
    const burst = Buffer.concat(Array.from({ length: 50 }, () => request));
    for (const socket of silent) {
      socket.pause();
      socket.write(burst);
      socket.on("drain", () => socket.write(burst)); // goes on for as long as the server takes it
    }
    await othersGoOn();
    for (const socket of idle) socket.resume();
    await Promise.all(idle.map(closed));
    await othersGoOn();
    assert.ok(residentBytes(server) - before < GROWTH_BYTES_MAX);
  });
});

/** What the process has in memory. */
function residentBytes({ process: { pid } }: Keystead): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1_024;
}
