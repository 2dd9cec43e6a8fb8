/** The orderly end: what is under way is finished, what is new is refused, and the process ends well. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";
import { initStore, type RunningProcess, startProcess, startServe, TemporaryDirectory } from "../faults/processes.ts";
import { bytesOf, callKms, keyArnOf, kmsDraft, mustCallKms, sign } from "../faults/signed-requests.ts";

const DEV = { accessKeyId: "AKIAKEYSTEADDEVELOPR", secretAccessKey: "keystead/dev/secret/not/for/production/0" };

/** A request whose head the server has, and whose body it waits for. */
interface RequestUnderWay {
  readonly socket: Socket;
  /** Sends the body and returns all that came back. */
  finish(): Promise<string>;
}

/** The server answers `100 Continue` once it has the head: from then on the request is under way. */
async function beginRequest(server: RunningProcess): Promise<RequestUnderWay> {
  const address = { endpoint: server.endpoint, credentials: DEV };
  const signed = await sign(address, kmsDraft("CreateKey", { Description: "under way" }));
  const withExpect = { ...signed, headers: { ...signed.headers, expect: "100-continue" } };
  const socket = open(server.endpoint);
  let received = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text;
  });
  socket.write(bytesOf({ ...withExpect, body: new Uint8Array() }));
  while (!received.includes("100 Continue")) await once(socket, "data");
  return {
    socket,
    async finish() {
      const closed = once(socket, "close");
      socket.write(signed.body);
      await closed;
      return received;
    },
  };
}

function open(endpoint: string): Socket {
  const { hostname, port } = new URL(endpoint);
  return connect({ host: hostname, port: Number(port) });
}

/** Connects until it is refused: the listener is closed then. */
async function untilRefused(endpoint: string): Promise<string> {
  for (;;) {
    const socket = open(endpoint);
    const code = await new Promise<string | undefined>((resolve) => {
      socket.once("connect", () => resolve(undefined));
      socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    socket.destroy();
    if (code !== undefined) return code;
  }
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  describe(`a server that gets ${signal}`, () => {
    it("finishes the request under way, refuses new ones, and exits with 0", async () => {
      await using server = await startProcess(["dev", "--port", "0"]);
      const exited = once(server.child, "exit");
      const underWay = await beginRequest(server);
      server.child.kill(signal);
      assert.match(await untilRefused(server.endpoint), /ECONNREFUSED|ECONNRESET/);
      assert.equal(server.child.exitCode, null, "it waits for the request");
      const received = await underWay.finish();
      assert.match(received, /HTTP\/1\.1 200 OK\r\n/);
      assert.match(received, /\r\nconnection: close\r\n/i);
      assert.match(received, /"Description":"under way"/);
      assert.deepEqual(await exited, [0, null]);
      assert.doesNotMatch(server.log(), /error|failed/i);
    });

    it("closes connections that are idle and exits with 0 at once", async () => {
      await using server = await startProcess(["dev", "--port", "0"]);
      const idle = open(server.endpoint);
      idle.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await once(idle, "data");
      const exited = once(server.child, "exit");
      const closed = once(idle.resume(), "close");
      server.child.kill(signal);
      await closed;
      assert.deepEqual(await exited, [0, null]);
    });
  });
}

describe("a server that is told twice to stop", () => {
  it("ends at once, with another exit code", async () => {
    await using server = await startProcess(["dev", "--port", "0"]);
    const exited = once(server.child, "exit");
    const underWay = await beginRequest(server);
    underWay.socket.on("error", () => {});
    server.child.kill("SIGTERM");
    await untilRefused(server.endpoint);
    server.child.kill("SIGTERM");
    assert.deepEqual(await exited, [1, null]);
  });
});

describe("a store that was closed in good order", () => {
  it("holds everything when it is served again", async () => {
    using directory = new TemporaryDirectory();
    const { credentials } = await initStore(directory.at("store"));
    const first = await startServe(directory.at("store"));
    const arn = keyArnOf((await mustCallKms({ endpoint: first.endpoint, credentials }, "CreateKey", {})).output);
    assert.equal(await first.stop(), 0);
    await using second = await startServe(directory.at("store"));
    assert.equal(
      (await callKms({ endpoint: second.endpoint, credentials }, "DescribeKey", { KeyId: arn })).status,
      200,
    );
  });
});
