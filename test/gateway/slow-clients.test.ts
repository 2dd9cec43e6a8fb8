/** Slow and silent clients: they hold their own connections up and nobody else's, and not for long. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { type DevServer, startDevServer } from "../dev-server.ts";
import { callKms } from "../faults/signed-requests.ts";

const SLOW_CLIENTS = 300;
/** While the slow ones are there. */
const REQUESTS = 50;
/** Half of the fast client's requests take less beside them, on the slowest machine; alone one takes a few. */
const ANSWER_MS_MAX = 1_000;
/** The server's limit for a request's headers is 10 s, and it looks every 2 s; its limit for a whole request is 30 s. */
const CLOSED_MS_MAX = 28_000;

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
    const took: number[] = [];
    while (took.length < REQUESTS && slow.every(({ closed }) => !closed)) {
      const sentAt = performance.now();
      assert.equal((await callKms(server, "ListKeys", {})).status, 200);
      took.push(performance.now() - sentAt);
    }
    const [median = Number.POSITIVE_INFINITY] = took.toSorted((left, right) => left - right).slice(took.length >> 1);
    assert.ok(median < ANSWER_MS_MAX, `${took.length} answers, half of them in ${median} ms`);
  });

  it("closes every one of them in time, those too that were never silent", async () => {
    await Promise.all(slow.map((socket) => (socket.closed ? undefined : once(socket, "close"))));
    assert.ok(performance.now() - startedAt < CLOSED_MS_MAX);
    assert.equal((await callKms(server, "ListKeys", {})).status, 200);
  });
});
