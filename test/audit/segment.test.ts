/** Segments: what they hold after crashes, damage, a full disk and failed syncs. */

import assert from "node:assert/strict";
import { ftruncateSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type SegmentIo, type SegmentOptions, SegmentSink, segmentIo } from "../../src/audit/segment.ts";
import { type Damage, readSegments, type StoredRecord } from "../../src/audit/segment-files.ts";
import { Folder } from "./folder.ts";

const EPOCH = "store-1";
const record = (eventID: string, sequence = 0) => ({ json: JSON.stringify({ eventID, text: "é€😀" }), sequence });
const open = (directory: string, options: Partial<SegmentOptions> = {}) =>
  new SegmentSink({ directory, epoch: EPOCH, ...options });
const read = (directory: string, onDamage?: (damage: Damage) => void): Promise<StoredRecord[]> =>
  Array.fromAsync(readSegments(directory, onDamage === undefined ? {} : { onDamage }));
const idsIn = async (directory: string): Promise<string[]> => (await read(directory)).map(({ eventID }) => eventID);

/** A directory with one segment of these records, and where each of its frames ends, the header's first. */
async function fill(directory: string, records: readonly ReturnType<typeof record>[]) {
  const file = join(directory, "00000001.seg");
  const sink = open(directory);
  const ends = [statSync(file).size];
  for (const one of records) {
    sink.write([one]);
    ends.push(statSync(file).size);
  }
  await sink.close();
  return { file, ends };
}

describe("a segment directory", () => {
  it("gives back what was written, in order, across openings", async () => {
    using folder = new Folder();
    const first = open(folder.path);
    first.write([record("a"), record("b", 7)]);
    await first.close();
    const second = open(folder.path);
    assert.equal(second.highest, 7);
    second.write([record("c")]);
    await second.close();
    const records = await read(folder.path);
    assert.deepEqual(
      records.map(({ eventID, sequence }) => [eventID, sequence]),
      [
        ["a", 0],
        ["b", 7],
        ["c", 0],
      ],
    );
    assert.deepEqual(records[0]?.record, { eventID: "a", text: "é€😀" });
  });

  it("is its owner's alone to read", async () => {
    using folder = new Folder();
    const directory = join(folder.path, "audit", "1");
    await open(directory).close();
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    assert.equal(statSync(join(directory, "00000001.seg")).mode & 0o777, 0o600);
  });

  it("keeps sequences beyond 32 bits", async () => {
    using folder = new Folder();
    await fill(folder.path, [record("a", 2 ** 40 + 5)]);
    const sink = open(folder.path);
    assert.equal(sink.highest, 2 ** 40 + 5);
    await sink.close();
  });

  it("writes a batch larger than its buffer in one piece", async () => {
    using folder = new Folder();
    let writes = 0;
    const write: SegmentIo["write"] = (...call) => {
      writes++;
      return segmentIo.write(...call);
    };
    const counted = open(folder.path, { io: { ...segmentIo, write } });
    const header = writes;
    counted.write([{ json: JSON.stringify({ eventID: "big", text: "€".repeat(700_000) }), sequence: 0 }, record("b")]);
    assert.equal(writes - header, 1);
    await counted.close();
    assert.deepEqual(await idsIn(folder.path), ["big", "b"]);
  });

  it("cut at any byte keeps every whole record before the cut and takes new ones", async () => {
    using folder = new Folder();
    const { file, ends } = await fill(folder.path, [record("a", 1), record("b"), record("c", 2), record("d", 3)]);
    const whole = readFileSync(file);
    for (let cut = 0; cut <= whole.length; cut++) {
      writeFileSync(file, whole.subarray(0, cut));
      const kept = ["a", "b", "c", "d"].filter((_, index) => (ends[index + 1] ?? Number.NaN) <= cut);
      const sink = open(folder.path);
      assert.equal(sink.highest, [0, 1, 1, 2, 3][kept.length], `highest after a cut at ${cut}`);
      sink.write([{ json: '{"eventID":"new"}', sequence: 9 }]); // shorter than most of what was torn
      await sink.close();
      assert.deepEqual(await idsIn(folder.path), [...kept, "new"], `after a cut at ${cut}`);
      assert.deepEqual(readdirSync(folder.path), ["00000001.seg"]);
      const next = (ends[kept.length] ?? 0) + 21 + '{"eventID":"new"}'.length;
      if (cut >= (ends[0] ?? 0)) assert.equal(statSync(file).size, next, `nothing lies behind after a cut at ${cut}`);
    }
  });

  it("cut off while it was probed has lost nothing, at whatever byte", async () => {
    using pristine = new Folder();
    const { file, ends } = await fill(pristine.path, [record("a", 1)]);
    const whole = readFileSync(file);
    let probe: Buffer | undefined;
    const truncate: SegmentIo["truncate"] = (fd, bytes) => {
      probe ??= readFileSync(file).subarray(bytes);
      segmentIo.truncate(fd, bytes);
    };
    const probed = open(pristine.path, { io: { ...segmentIo, truncate } });
    probed.probe();
    await probed.close();
    assert.deepEqual(readFileSync(file), whole);
    for (const cut of [1, 2, 4, 8, 20, 21, 64, probe?.length ?? 0]) {
      using folder = new Folder();
      writeFileSync(join(folder.path, "00000001.seg"), Buffer.concat([whole, probe?.subarray(0, cut) ?? whole]));
      const sink = open(folder.path);
      sink.write([record("b", 2)]);
      await sink.close();
      assert.deepEqual(await idsIn(folder.path), ["a", "b"]);
      assert.ok(statSync(join(folder.path, "00000001.seg")).size < (ends[1] ?? 0) + 100, "the probe is gone");
    }
  });

  it("with any bit flipped loses at most that record, tells the damage, and takes new records", async () => {
    using pristine = new Folder();
    const ids = ["a", "b", "c"];
    const { file, ends } = await fill(
      pristine.path,
      ids.map((id, index) => record(id, index + 1)),
    );
    const whole = readFileSync(file);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: whole.length - 1 }),
        fc.integer({ min: 0, max: 7 }),
        async (at, bit) => {
          using folder = new Folder();
          const flipped = Buffer.from(whole);
          flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
          writeFileSync(join(folder.path, "00000001.seg"), flipped);
          const hit = ends.findIndex((end) => at < end); // 0 is the header
          const rest = ids.filter((_, index) => index + 1 !== hit);
          const sink = open(folder.path);
          sink.write([record("new", 4)]);
          await sink.close();
          const damages: Damage[] = [];
          const records = await read(folder.path, (damage) => damages.push(damage));
          assert.deepEqual(
            records.map(({ eventID }) => eventID),
            [...rest, "new"],
          );
          if (hit === ids.length) return; // the last record looks torn and is cut
          assert.deepEqual(
            damages.map(({ offset }) => offset),
            [hit === 0 ? 0 : ends[hit - 1]],
          );
          await assert.rejects(read(folder.path), /00000001\.seg is damaged/);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("takes no row for moved that lies behind damage, since those before it may be lost", async () => {
    using folder = new Folder();
    const { file, ends } = await fill(folder.path, [record("a", 1), record("b", 2), record("c", 3)]);
    const bytes = readFileSync(file);
    bytes.fill(0, ends[1], ends[2]); // the disk wrote the block of c, and not that of b
    writeFileSync(file, bytes);
    const sink = open(folder.path);
    assert.equal(sink.highest, 1);
    sink.write([record("b", 2)]);
    await sink.close();
    const records = await read(folder.path, () => {});
    assert.deepEqual(new Set(records.map(({ eventID }) => eventID)), new Set(["a", "b", "c"]));
  });

  it("begins a new segment when one is full and carries the highest sequence on", async () => {
    using folder = new Folder();
    const sink = open(folder.path, { segmentBytesMax: 100 });
    sink.write([record("a", 5)]);
    sink.write([record("b")]);
    sink.write([record("c")]);
    assert.deepEqual(readdirSync(folder.path), ["00000001.seg"], "a moved row waits for its sync");
    await sink.sync();
    sink.write([record("d")]);
    await sink.close();
    assert.deepEqual(readdirSync(folder.path), ["00000001.seg", "00000002.seg"]);
    assert.deepEqual(await idsIn(folder.path), ["a", "b", "c", "d"]);
    truncateSync(join(folder.path, "00000001.seg"), 0); // a start reads the last segment only
    const reopened = open(folder.path);
    assert.equal(reopened.highest, 5);
    await reopened.close();
  });

  it("does not take another store's sequences for its own", async () => {
    using folder = new Folder();
    await fill(folder.path, [record("a", 50)]);
    const sink = open(folder.path, { epoch: "store-1 restored" });
    assert.equal(sink.highest, 0);
    sink.write([record("b", 1)]);
    await sink.close();
    assert.deepEqual(await idsIn(folder.path), ["a", "b"]);
  });

  it("of a newer format is refused", async () => {
    using folder = new Folder();
    const { file } = await fill(folder.path, []);
    const { putFrame, frameBytesMax, HEADER_KIND } = await import("../../src/audit/frames.ts");
    const text = JSON.stringify({ format: 2, epoch: EPOCH });
    const frame = Buffer.alloc(frameBytesMax(text));
    writeFileSync(file, frame.subarray(0, putFrame(frame, 0, { kind: HEADER_KIND, sequence: 0, text })));
    assert.throws(() => open(folder.path), /format 2/);
  });
});

describe("a segment on a disk that fails", () => {
  /** Writes this many more bytes, then fails as a full disk does. */
  class FullDisk implements SegmentIo {
    roomBytes = Number.POSITIVE_INFINITY;
    truncateFails = false;
    syncFails = false;
    write(fd: number, bytes: Uint8Array, offset: number, lengthBytes: number, position: number): number {
      const step = Math.min(lengthBytes, this.roomBytes);
      if (step === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      this.roomBytes -= step;
      return writeSync(fd, bytes, offset, step, position);
    }
    truncate(fd: number, lengthBytes: number): void {
      if (this.truncateFails) throw new Error("input/output error");
      ftruncateSync(fd, lengthBytes);
    }
    async datasync(): Promise<void> {
      if (this.syncFails) throw new Error("input/output error");
    }
  }

  it("holds nothing of a write that failed at any byte, and goes on when there is room", async () => {
    const batch = [record("b", 2), record("c", 3)];
    const { ends } = await (async () => {
      using folder = new Folder();
      return await fill(folder.path, [record("a", 1), ...batch]);
    })();
    const batchBytes = (ends[3] ?? 0) - (ends[1] ?? 0);
    for (let roomBytes = 0; roomBytes < batchBytes; roomBytes++) {
      using folder = new Folder();
      const disk = new FullDisk();
      const sink = open(folder.path, { io: disk });
      sink.write([record("a", 1)]);
      disk.roomBytes = roomBytes;
      assert.throws(() => sink.write(batch), { code: "ENOSPC" });
      assert.equal(sink.highest, 1);
      assert.deepEqual(await idsIn(folder.path), ["a"]);
      disk.roomBytes = Number.POSITIVE_INFINITY;
      sink.write([record("d", 2)]);
      await sink.close();
      assert.deepEqual(await idsIn(folder.path), ["a", "d"]);
    }
  });

  it("writes nothing behind a torn record that it could not cut", async () => {
    using folder = new Folder();
    const disk = new FullDisk();
    const sink = open(folder.path, { io: disk });
    disk.roomBytes = 30;
    disk.truncateFails = true;
    assert.throws(() => sink.write([record("a")]), { code: "ENOSPC" });
    disk.roomBytes = Number.POSITIVE_INFINITY;
    assert.throws(() => sink.write([record("b")]), /input\/output error/);
    disk.truncateFails = false;
    sink.write([record("c")]);
    await sink.close();
    assert.deepEqual(await idsIn(folder.path), ["c"]);
  });

  it("finishes a write that the system takes in pieces", async () => {
    using folder = new Folder();
    const sink = open(folder.path, {
      io: {
        ...segmentIo,
        write: (fd, bytes, offset, length, position) => writeSync(fd, bytes, offset, Math.min(length, 10), position),
      },
    });
    sink.write([record("a"), record("b")]);
    await sink.close();
    assert.deepEqual(await idsIn(folder.path), ["a", "b"]);
  });

  it("leaves no half segment when a new one has no room", async () => {
    using folder = new Folder();
    const disk = new FullDisk();
    const sink = open(folder.path, { segmentBytesMax: 1, io: disk });
    await sink.sync();
    disk.roomBytes = 10;
    assert.throws(() => sink.write([record("a")]), { code: "ENOSPC" });
    assert.deepEqual(readdirSync(folder.path), ["00000001.seg"]);
    disk.roomBytes = Number.POSITIVE_INFINITY;
    sink.write([record("b")]);
    await sink.close();
    assert.deepEqual(await idsIn(folder.path), ["b"]);
  });

  it("does not count rows whose sync failed and writes on in a new segment", async () => {
    using folder = new Folder();
    const disk = new FullDisk();
    const sink = open(folder.path, { io: disk });
    sink.write([record("a", 1)]);
    await sink.sync();
    sink.write([record("b", 2)]);
    disk.syncFails = true;
    await assert.rejects(sink.sync(), /input\/output error/);
    assert.equal(sink.highest, 1);
    disk.syncFails = false;
    sink.write([record("b", 2)]);
    await sink.sync();
    assert.equal(sink.highest, 2);
    await sink.close();
    assert.deepEqual(readdirSync(folder.path), ["00000001.seg", "00000002.seg"]);
  });

  it("shares a sync among those who ask while one is running", async () => {
    using folder = new Folder();
    let syncs = 0;
    const gate = Promise.withResolvers<void>();
    const datasync = (): Promise<void> => {
      syncs++;
      return gate.promise;
    };
    const sink = open(folder.path, { io: { ...segmentIo, datasync } });
    const first = sink.sync();
    await new Promise(setImmediate); // the first is under way
    const others = [sink.sync(), sink.sync(), sink.sync()];
    gate.resolve();
    await Promise.all([first, ...others]);
    assert.equal(syncs, 2);
    await sink.close();
  });
});
