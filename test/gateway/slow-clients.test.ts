/** Slow and silent clients: they hold their own connections up and nobody else's, and not for long. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { callKms } from "../faults/signed-requests.ts";

const SLOW_CLIENTS = 300;
const REQUESTS = 50;
/** More than any of the fast client's requests may take beside them; alone one takes a few. */
const ANSWER_MS_MAX = 1_000;
/** The server's limit for a request's headers is 10 s, and it looks every 2 s. */
const CLOSED_MS_MAX = 14_000;

describe("a server with hundreds of clients that send half a request, and then a byte at a time or nothing", () => {
  let server: DevServer;
  let slow: readonly Socket[];
  let drip: NodeJS.Timeout;
  let startedAt: number;
  before(async () => {
    server = await startDevServer();
    const { hostname, port } = new URL(server.endpoint);
    startedAt = performance.now();
    slow = await Promise.all(
      Array.from({ length: SLOW_CLIENTS }, async () => {
        const socket = connect({ host: hostname, port: Number(port) });
        await once(socket, "connect");
        socket.on("error", () => {}).resume();
        socket.write("POST / HTTP/1.1\r\nHost: slow\r\nX-Slow: ");
        return socket;
      }),
    );
    drip = setInterval(() => {
      for (const [at, socket] of slow.entries()) if (at % 2 === 0 && socket.writable) socket.write("a");
    }, 200);
  });
  after(async () => {
    clearInterval(drip);
    for (const socket of slow) socket.destroy();
    await server.stop();
  });

  it("answers another client meanwhile, soon", async () => {
    for (let at = 0; at < REQUESTS; at += 1) {
      const sentAt = performance.now();
      assert.equal((await callKms(server, "ListKeys", {})).status, 200);
      assert.ok(performance.now() - sentAt < ANSWER_MS_MAX);
    }
    assert.ok(
      slow.every(({ closed }) => !closed),
      "they were there all the while",
    );
  });

  it("closes every one of them in time, those too that were never silent", async () => {
    await Promise.all(slow.map((socket) => (socket.closed ? undefined : once(socket, "close"))));
    assert.ok(performance.now() - startedAt < CLOSED_MS_MAX + 2_000);
    assert.equal((await callKms(server, "ListKeys", {})).status, 200);
  });
});
