/** The recorder: one write a turn, nothing answered without its record, every change's record exactly once. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MemorySink } from "../../src/audit/memory-sink.ts";
import { type AuditRecorder, createRecorder } from "../../src/audit/recorder.ts";
import { SegmentSink } from "../../src/audit/segment.ts";
import { readSegments } from "../../src/audit/segment-files.ts";
import type { AuditRecord, Sink } from "../../src/audit/sink.ts";
import { call, deleteKey, disableKey, numbered, OTHER_ACCOUNT } from "./entries.ts";
import { Folder } from "./folder.ts";
import { OutboxStore } from "./outbox-store.ts";

/** Counts what it is asked for; fails while `failure` is set. */
class CountingSink implements Sink {
  readonly kept: AuditRecord[] = [];
  highest = 0;
  writes = 0;
  isClosed = false;
  failure: Error | undefined;
  syncGate: Promise<void> = Promise.resolve();
  syncFailure: Error | undefined;

  write(records: readonly AuditRecord[]): void {
    this.writes += 1;
    if (this.failure !== undefined) throw this.failure;
    this.kept.push(...records);
    for (const { sequence } of records) this.highest = Math.max(this.highest, sequence);
  }
  sync(): Promise<void> {
    return this.syncFailure === undefined ? this.syncGate : Promise.reject(this.syncFailure);
  }
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

const requestIds = (records: readonly AuditRecord[]): unknown[] =>
  records.map(({ json }) => (JSON.parse(json) as Record<string, unknown>)["requestID"]);

function setUp({
  store = new OutboxStore(),
  syncEveryAppend = false,
  sinks,
}: {
  store?: OutboxStore;
  syncEveryAppend?: boolean;
  sinks?: readonly Sink[];
} = {}) {
  const sink = new CountingSink();
  const errors: unknown[] = [];
  const recorder = createRecorder({
    store,
    sinks: sinks ?? [sink],
    syncEveryAppend,
    onError: (cause) => errors.push(cause),
  });
  return { store, sink, recorder, errors };
}

const enlist = (store: OutboxStore, recorder: AuditRecorder, requestId: string): Promise<void> =>
  store.transaction((tx) => recorder.enlist(tx, numbered(requestId)));

describe("appended records", () => {
  it("of one turn of the event loop share one write, in the order of the calls", async () => {
    const { sink, recorder } = setUp();
    const ids = Array.from({ length: 50 }, (_, index) => `request-${index}`);
    await Promise.all(ids.map((id) => recorder.append(numbered(id))));
    assert.equal(sink.writes, 1);
    assert.deepEqual(requestIds(sink.kept), ids);
    await recorder.close();
  });

  it("are told of, with their ids, once they are written, and not when they can't be", async () => {
    const sink = new CountingSink();
    const told: unknown[] = [];
    const recorder = createRecorder({
      store: new OutboxStore(),
      sinks: [sink],
      onError: () => undefined,
      newId: () => "event",
      appended: ({ call }, records) =>
        told.push([call.requestId, sink.writes, ...records.map((record) => record.eventId)]),
    });
    await recorder.append(numbered("kept"));
    sink.failure = new Error("no room");
    await assert.rejects(recorder.append(numbered("lost")));
    sink.failure = undefined;
    assert.deepEqual(told, [["kept", 1, "event"]]);
    await recorder.close();
  });

  it("are written before the promise resolves, and not before the turn ends", async () => {
    const { sink, recorder } = setUp();
    const appended = recorder.append(disableKey);
    assert.equal(sink.writes, 0);
    await appended;
    assert.equal(sink.kept.length, 1);
    await recorder.append(disableKey);
    assert.equal(sink.writes, 2);
    await recorder.close();
  });

  it("go to every account that is concerned", async () => {
    const { sink, recorder } = setUp();
    await recorder.append({
      ...disableKey,
      resources: [{ arn: "arn:aws:kms:eu-west-1:444455556666:key/x", account: OTHER_ACCOUNT }],
    });
    assert.equal(sink.writes, 1);
    assert.equal(sink.kept.length, 2);
    await recorder.close();
  });

  it("that can't be written fail their requests, and later ones go on when there is room", async () => {
    const { sink, recorder } = setUp();
    sink.failure = new Error("no space left on device");
    const results = await Promise.allSettled([recorder.append(disableKey), recorder.append(disableKey)]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["rejected", "rejected"],
    );
    sink.failure = undefined;
    await recorder.append(disableKey);
    assert.equal(sink.kept.length, 1);
    await recorder.close();
  });

  it("that hold what no record may hold fail their own request alone", async () => {
    const { sink, recorder } = setUp();
    const [bad, good] = await Promise.allSettled([
      recorder.append({ ...disableKey, request: { Plaintext: new Uint8Array(3) } }),
      recorder.append(disableKey),
    ]);
    assert.equal(bad.status, "rejected");
    assert.equal(good.status, "fulfilled");
    assert.equal(sink.kept.length, 1);
    await recorder.close();
  });

  it("that are too long fail their own request alone", async () => {
    const { sink, recorder } = setUp();
    const long = { ...disableKey, request: { Description: "x".repeat(5_000_000) } };
    const [bad, good] = await Promise.allSettled([recorder.append(long), recorder.append(disableKey)]);
    assert.equal(bad.status, "rejected");
    assert.equal(good.status, "fulfilled");
    assert.equal(sink.kept.length, 1);
    await recorder.close();
  });

  it("wait for the disk when told to", async () => {
    const { sink, recorder } = setUp({ syncEveryAppend: true });
    const disk = Promise.withResolvers<void>();
    sink.syncGate = disk.promise;
    let isAnswered = false;
    const appended = recorder.append(disableKey).then(() => {
      isAnswered = true;
    });
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.equal(sink.kept.length, 1);
    assert.equal(isAnswered, false);
    disk.resolve();
    await appended;
    await recorder.close();
  });

  it("fail when the disk fails and it was to be waited for", async () => {
    const { sink, recorder } = setUp({ syncEveryAppend: true });
    sink.syncFailure = new Error("input/output error");
    await assert.rejects(recorder.append(disableKey), /input\/output error/);
    sink.syncFailure = undefined;
    await recorder.close();
  });

  it("are refused once the recorder is closed", async () => {
    const { sink, recorder } = setUp();
    const last = recorder.append(disableKey);
    await recorder.close();
    await last;
    assert.equal(sink.kept.length, 1);
    assert.equal(sink.isClosed, true);
    await assert.rejects(recorder.append(disableKey), /closed/);
  });
});

describe("records of changes", () => {
  it("commit with their change and are moved in order", async () => {
    const { store, sink, recorder } = setUp();
    const ids = Array.from({ length: 300 }, (_, index) => `change-${index}`); // more than one step
    for (const id of ids) await enlist(store, recorder, id);
    await recorder.flush();
    assert.deepEqual(requestIds(sink.kept), ids);
    assert.equal(store.outboxRows(), 0);
    await recorder.close();
  });

  it("are gone when the change is rolled back", async () => {
    const { store, sink, recorder } = setUp();
    await assert.rejects(
      store.transaction(async (tx) => {
        await recorder.enlist(tx, disableKey);
        throw new Error("the change failed");
      }),
      /the change failed/,
    );
    await recorder.flush();
    assert.equal(sink.kept.length, 0);
    await recorder.close();
  });

  it("of transactions still open when the move begins are moved by it", async () => {
    const { store, sink, recorder } = setUp();
    const gate = Promise.withResolvers<void>();
    const change = store.transaction(async (tx) => {
      await recorder.enlist(tx, disableKey);
      await gate.promise;
    });
    const flushed = recorder.flush();
    gate.resolve();
    await Promise.all([change, flushed]);
    assert.equal(sink.kept.length, 1);
    await recorder.close();
  });

  it("of internal operations are records like others", async () => {
    const { store, sink, recorder } = setUp();
    await store.transaction((tx) => recorder.enlist(tx, deleteKey));
    await recorder.flush();
    assert.match(sink.kept[0]?.json ?? "", /"eventType":"AwsServiceEvent"/);
    await recorder.close();
  });

  it("move by themselves soon after the commit", async () => {
    const moved = Promise.withResolvers<void>();
    const sink = new CountingSink();
    sink.sync = () => {
      if (sink.kept.length > 0) moved.resolve();
      return Promise.resolve();
    };
    const { store, recorder } = setUp({ sinks: [sink] });
    await enlist(store, recorder, "change-1");
    const keepAlive = setInterval(() => undefined, 1_000); // the mover's own timer holds no process open
    await moved.promise;
    clearInterval(keepAlive);
    assert.deepEqual(requestIds(sink.kept), ["change-1"]);
    await recorder.close();
  });

  it("stay in the outbox until the disk has them", async () => {
    const { store, sink, recorder } = setUp();
    await enlist(store, recorder, "change-1");
    sink.syncFailure = new Error("input/output error");
    await assert.rejects(recorder.flush(), /input\/output error/);
    assert.equal(store.outboxRows(), 1);
    sink.syncFailure = undefined;
    await recorder.flush();
    assert.equal(store.outboxRows(), 0);
    assert.deepEqual(requestIds(sink.kept), ["change-1"]);
    await recorder.close();
  });

  it("reach a second sink once when it failed after the first had them", async () => {
    const [first, second] = [new CountingSink(), new CountingSink()];
    const { store, recorder } = setUp({ sinks: [first, second] });
    await enlist(store, recorder, "change-1");
    second.failure = new Error("no space left on device");
    await assert.rejects(recorder.flush(), /no space/);
    second.failure = undefined;
    await recorder.flush();
    assert.deepEqual(requestIds(first.kept), ["change-1"]);
    assert.deepEqual(requestIds(second.kept), ["change-1"]);
    await recorder.close();
  });

  it("are moved when the recorder closes; what can't be is told, and the sinks are closed all the same", async () => {
    const { store, sink, recorder } = setUp();
    await enlist(store, recorder, "change-1");
    sink.failure = new Error("no space left on device");
    await assert.rejects(recorder.close(), /no space/);
    assert.equal(sink.isClosed, true);
    assert.equal(store.outboxRows(), 1);
    const next = setUp({ store });
    await next.recorder.close();
    assert.deepEqual(requestIds(next.sink.kept), ["change-1"]);
  });
});

describe("a process that dies between moving records and deleting them from the outbox", () => {
  for (const { title, statement } of [
    { title: "before the deletion", statement: "delete from" },
    { title: "before its commit", statement: "select" },
  ]) {
    it(`${title} leaves each record in the segments exactly once`, async () => {
      using folder = new Folder();
      const store = new OutboxStore();
      const open = () => new SegmentSink({ directory: folder.path, epoch: "store-1" });
      const segment = open();
      const dying = setUp({ store, sinks: [segment] });
      const ids = ["change-1", "change-2", "change-3"];
      for (const id of ids) await enlist(store, dying.recorder, id);
      store.onStatement = (sql) => {
        if (sql.startsWith(statement) && segment.highest > 0) throw new Error("killed");
      };
      await assert.rejects(dying.recorder.flush(), /killed/);
      assert.equal(store.outboxRows(), ids.length);
      assert.equal(segment.highest, ids.length);

      store.onStatement = () => undefined;
      const { recorder } = setUp({ store, sinks: [open()] });
      await enlist(store, recorder, "change-4");
      await recorder.append(numbered("use-5"));
      await recorder.close();
      assert.equal(store.outboxRows(), 0);
      const records = await Array.fromAsync(readSegments(folder.path));
      assert.deepEqual(records.map(({ record }) => record["requestID"]).sort(), [...ids, "change-4", "use-5"]);
      assert.equal(new Set(records.map(({ eventID }) => eventID)).size, 5);
    });
  }
});

describe("the memory sink", () => {
  it("keeps the last records, oldest first", () => {
    const sink = new MemorySink({ capacity: 3 });
    assert.deepEqual(sink.records(), []);
    for (let index = 1; index <= 3; index++) sink.write([{ json: `{"n":${index}}`, sequence: 0 }]);
    assert.deepEqual(sink.records(), [{ n: 1 }, { n: 2 }, { n: 3 }]);
    sink.write([
      { json: '{"n":4}', sequence: 0 },
      { json: '{"n":5}', sequence: 0 },
    ]);
    assert.deepEqual(sink.records(), [{ n: 3 }, { n: 4 }, { n: 5 }]);
  });

  it("holds whole records only, the last ones, however long they are and wherever its room ends", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary", maxLength: 30 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 6 }),
        (texts, capacity) => {
          const bytes = 200;
          const sink = new MemorySink({ capacity, bytes });
          for (const text of texts) sink.write([{ json: JSON.stringify(text), sequence: 0 }]);
          const kept: readonly unknown[] = sink.records();
          const fitting = texts.filter((text) => Buffer.byteLength(JSON.stringify(text)) <= bytes);
          assert.deepEqual(kept, fitting.slice(fitting.length - kept.length));
          // A record that would reach over the end goes to the beginning; what it might need there is at most three times itself.
          if (fitting.length > 0) assert.ok(kept.length > 0);
          if (texts.every((text) => Buffer.byteLength(JSON.stringify(text)) <= 10)) {
            assert.equal(kept.length, Math.min(texts.length, capacity));
          }
        },
      ),
    );
  });

  it("holds ten thousand if not told otherwise", () => {
    const sink = new MemorySink();
    sink.write(Array.from({ length: 10_001 }, (_, n) => ({ json: `{"n":${n}}`, sequence: 0 })));
    assert.equal(sink.records().length, 10_000);
    assert.deepEqual(sink.records()[0], { n: 1 });
  });

  it("gets the records of requests and changes alike", async () => {
    const sink = new MemorySink();
    const { store, recorder } = setUp({ sinks: [sink] });
    await recorder.append({ ...disableKey, call });
    await enlist(store, recorder, "change-1");
    await recorder.flush();
    assert.deepEqual(
      sink.records().map(({ requestID }) => requestID),
      [call.requestId, "change-1"],
    );
    await recorder.close();
  });
});
