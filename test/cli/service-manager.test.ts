/** What systemd is told of `serve`: that it is ready and that it stops, in datagrams to the socket that it names. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { type ServiceState, tellServiceManager } from "../../src/cli/service-manager.ts";
import { findFfi } from "../../src/custody/ffi.ts";
import { initStore, startProcess, TemporaryDirectory } from "../faults/processes.ts";

const directory = new TemporaryDirectory();
after(() => directory[Symbol.dispose]());

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const ffi = findFfi();
assert.ok(ffi);
const { socket, bind, recv, close } = ffi.dlopen(null, {
  socket: { return: "i32", arguments: ["i32", "i32", "i32"] },
  bind: { return: "i32", arguments: ["i32", "pointer", "u32"] },
  recv: { return: "i64", arguments: ["i32", "pointer", "u64", "i32"] },
  close: { return: "i32", arguments: ["i32"] },
}).functions;

/** A service manager's end of such a socket. */
class Listener implements Disposable {
  readonly #descriptor = socket(AF_UNIX, SOCK_DGRAM, 0);

  /** @param name as sockaddr_un has it: a path, or a zero byte and an abstract name */
  constructor(name: string) {
    const address = Buffer.concat([Uint16Array.of(AF_UNIX), Buffer.from(name)].map((part) => bytesOf(part)));
    assert.equal(bind(this.#descriptor, address, address.length), 0, name);
  }

  /** What has come so far, each datagram once. */
  heard(): readonly string[] {
    const datagrams: string[] = [];
    for (;;) {
      const text = new Uint8Array(64);
      const length = Number(recv(this.#descriptor, text, BigInt(text.length), MSG_DONTWAIT));
      if (length < 0) return datagrams;
      datagrams.push(Buffer.from(text.subarray(0, length)).toString());
    }
  }

  [Symbol.dispose](): void {
    close(this.#descriptor);
  }
}

function bytesOf(part: Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
}

/** Tells, and returns what the log then has. */
function tell(path: string | undefined, state: ServiceState): readonly string[] {
  const warned: string[] = [];
  const log = { error: assert.ifError, warn: (_facts: object, message: string) => void warned.push(message) };
  tellServiceManager(path, state, log);
  return warned;
}

describe("a service manager", () => {
  for (const workers of ["1", "2"]) {
    it(`hears that serve with ${workers} worker(s) is ready, and that it stops`, async () => {
      const path = directory.at(`notify-${workers}`);
      using listener = new Listener(path);
      await initStore(directory.at(workers));
      const args = ["serve", "--data", directory.at(workers), "--port", "0", "--workers", workers];
      await using server = await startProcess(args, { env: { NOTIFY_SOCKET: path } });
      assert.deepEqual(listener.heard(), ["READY=1"]);
      assert.equal(await server.stop(), 0);
      assert.deepEqual(listener.heard(), ["STOPPING=1"]);
    });
  }

  it("may have a socket with an abstract name", () => {
    const name = `keystead-test-${process.pid}`;
    using listener = new Listener(`\0${name}`);
    assert.deepEqual(tell(`@${name}`, "READY=1"), []);
    assert.deepEqual(listener.heard(), ["READY=1"]);
  });

  it("that can't be told is named in the log, and stops nothing", () => {
    const gone = directory.at("gone");
    assert.deepEqual(tell(gone, "READY=1"), [`The service manager at ${gone} could not be told READY=1.`]);
    const long = `/${"n".repeat(200)}`;
    assert.deepEqual(tell(long, "STOPPING=1"), [`The service manager at ${long} could not be told STOPPING=1.`]);
  });

  it("is not looked for where there is none", () => {
    assert.deepEqual(tell(undefined, "READY=1"), []);
    assert.deepEqual(tell("", "READY=1"), []);
  });
});
