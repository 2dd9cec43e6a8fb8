/** The audit log as lines of text. */

import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type LineIo, LineSink, lineIo } from "../../src/audit/line-sink.ts";
import { Folder } from "./folder.ts";

const record = (n: number) => ({ json: JSON.stringify({ n, text: "é" }), sequence: n });

/** Writes up to `roomBytes`, then fails with `code`; counts pauses. */
class LimitedIo implements LineIo {
  roomBytes = Number.POSITIVE_INFINITY;
  code = "ENOSPC";
  pauses = 0;
  /** What happens in a pause, such as a reader that makes room. */
  onPause: () => void = () => undefined;
  /** Where bytes go instead of the file. */
  elsewhere: ((bytes: Uint8Array) => void) | undefined;

  write(fd: number, bytes: Uint8Array, offset: number): number {
    const step = Math.min(bytes.length - offset, this.roomBytes);
    if (step === 0) throw Object.assign(new Error(this.code), { code: this.code });
    this.roomBytes -= step;
    const part = bytes.subarray(offset, offset + step);
    if (this.elsewhere === undefined) return writeSync(fd, part);
    this.elsewhere(part);
    return step;
  }
  pause(): void {
    this.pauses += 1;
    this.onPause();
  }
}

describe("the audit log in a file", () => {
  it("has one record a line, is its owner's alone, and is appended to", async () => {
    using folder = new Folder();
    const file = join(folder.path, "audit.log");
    for (const n of [1, 2]) {
      const sink = new LineSink(file, { io: lineIo });
      sink.write([record(n), record(n + 10)]);
      await sink.sync();
      await sink.close();
    }
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).n),
      [1, 11, 2, 12],
    );
  });

  it("has whole lines of several processes, and ends the piece of a line that one of them left", () => {
    using folder = new Folder();
    const file = join(folder.path, "audit.log");
    const io = new LimitedIo();
    const [left, right] = [new LineSink(file, { io, shared: true }), new LineSink(file, { shared: true })];
    left.write([record(1)]);
    right.write([record(2)]);
    io.roomBytes = 3;
    assert.throws(() => left.write([record(3)]), { code: "ENOSPC" });
    right.write([record(4)]);
    io.roomBytes = Number.POSITIVE_INFINITY;
    left.write([record(5)]);
    const piece = record(3).json.slice(0, 3);
    const lines = [record(1).json, record(2).json, piece, record(4).json, record(5).json];
    assert.equal(readFileSync(file, "utf8"), lines.map((line) => `${line}\n`).join(""));
  });

  it("holds nothing of a write that failed at any byte, and goes on when there is room", async () => {
    const bytes = Buffer.byteLength(`${record(2).json}\n${record(3).json}\n`);
    for (let roomBytes = 0; roomBytes < bytes; roomBytes++) {
      using folder = new Folder();
      const file = join(folder.path, "audit.log");
      writeFileSync(file, `${record(1).json}\n`);
      const io = new LimitedIo();
      const sink = new LineSink(file, { io });
      io.roomBytes = roomBytes;
      assert.throws(() => sink.write([record(2), record(3)]), { code: "ENOSPC" });
      assert.equal(sink.highest, 0);
      io.roomBytes = Number.POSITIVE_INFINITY;
      sink.write([record(4)]);
      await sink.close();
      assert.equal(readFileSync(file, "utf8"), `${record(1).json}\n${record(4).json}\n`);
    }
  });

  it("can't be opened where there is no folder", () => {
    using folder = new Folder();
    assert.throws(() => new LineSink(join(folder.path, "none", "audit.log")), { code: "ENOENT" });
  });
});

describe("the audit log on a full pipe", () => {
  const onPipe = () => {
    const io = new LimitedIo();
    const parts: Uint8Array[] = [];
    io.elsewhere = (bytes) => parts.push(bytes);
    io.code = "EAGAIN";
    // A device, so nothing can be taken back: as with a pipe.
    return { io, sink: new LineSink("/dev/null", { io }), text: () => Buffer.concat(parts).toString("utf8") };
  };

  it("waits for its reader", async () => {
    const { io, sink, text } = onPipe();
    io.roomBytes = 5;
    io.onPause = () => {
      io.roomBytes = 5;
    };
    sink.write([record(1)]);
    assert.equal(text(), `${record(1).json}\n`);
    assert.ok(io.pauses > 0);
    await sink.close();
  });

  it("fails when the reader does not keep up for a second, and begins a new line afterwards", async () => {
    const { io, sink, text } = onPipe();
    io.roomBytes = 5;
    assert.throws(() => sink.write([record(1)]), /does not keep up/);
    assert.equal(io.pauses, 1_000);
    io.roomBytes = Number.POSITIVE_INFINITY;
    sink.write([record(2)]);
    assert.equal(text(), `${record(1).json.slice(0, 5)}\n${record(2).json}\n`);
    await sink.close();
  });
});
