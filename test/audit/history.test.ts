/** Event history: what the index of segments finds, after restarts and damage too, and that records in memory are found alike. */

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { EventHistory, EventPlace, EventQuery } from "../../src/audit/history/history.ts";
import { Indexer, indexPath } from "../../src/audit/history/indexer.ts";
import { RingHistory } from "../../src/audit/history/ring-history.ts";
import { SegmentHistory } from "../../src/audit/history/segment-history.ts";
import { MemorySink } from "../../src/audit/memory-sink.ts";
import { SegmentSink } from "../../src/audit/segment.ts";
import { Folder } from "./folder.ts";

const ACCOUNT = "111122223333";
const REGION = "eu-west-1";
const KEY = "arn:aws:kms:eu-west-1:111122223333:key/77aa0000-0000-4000-8000-000000000077";
const START = Date.UTC(2031, 0, 1);
const DAY_MS = 86_400_000;

interface Sketch {
  readonly id: string;
  readonly name: string;
  readonly second: number;
  readonly account?: string;
  readonly readOnly?: boolean;
}

function json({ id, name, second, account = ACCOUNT, readOnly = false }: Sketch): string {
  return JSON.stringify({
    eventID: id,
    eventName: name,
    eventSource: "kms.amazonaws.com",
    awsRegion: REGION,
    eventTime: new Date(START + second * 1000).toISOString(),
    recipientAccountId: account,
    readOnly,
    userIdentity: { type: "IAMUser", userName: "alice", accessKeyId: "AKIA1" },
    requestParameters: { keyId: KEY },
    resources: [{ type: "AWS::KMS::Key", ARN: KEY }],
  });
}

const query = (more: Partial<EventQuery> = {}): EventQuery => ({
  account: ACCOUNT,
  region: REGION,
  from: 0,
  to: Number.MAX_SAFE_INTEGER,
  count: 100,
  ...more,
});

async function idsOf(history: EventHistory, asked: EventQuery): Promise<readonly string[]> {
  return (await history.find(asked)).map((found) => (JSON.parse(found.json) as { eventID: string }).eventID);
}

/** An index over a folder, and a history that brings it up to date. */
function openHistory(directory: string, now = START) {
  const indexer = new Indexer({ directory, clock: { now: () => now }, uptime: () => 0 });
  const history = new SegmentHistory({ directory, index: () => indexer.index, catchUp: () => indexer.catchUp() });
  return { indexer, history };
}

function openSink(directory: string, slot = "0"): SegmentSink {
  return new SegmentSink({ directory: join(directory, "audit", slot), epoch: "e", segmentBytesMax: 2_000 });
}

const write = (sink: SegmentSink | MemorySink, ...sketches: readonly Sketch[]) =>
  sink.write(sketches.map((sketch) => ({ json: json(sketch), sequence: 0 })));

describe("event history of segments", () => {
  it("goes on where it was after a restart, and has each event once however often it was written", async () => {
    using folder = new Folder();
    const first = openSink(folder.path);
    const second = openSink(folder.path, "1");
    write(first, { id: "a", name: "CreateKey", second: 1 });
    const before = openHistory(folder.path);
    assert.deepEqual(await idsOf(before.history, query()), ["a"]);
    await before.indexer.stop();
    for (let number = 0; number < 20; number += 1) write(first, { id: `f${number}`, name: "Encrypt", second: 2 });
    write(second, { id: "a", name: "CreateKey", second: 1 }, { id: "b", name: "CreateKey", second: 3 });
    const { indexer, history } = openHistory(folder.path);
    assert.deepEqual(await idsOf(history, query({ attribute: { key: "EventName", value: "CreateKey" } })), ["b", "a"]);
    assert.equal((await idsOf(history, query())).length, 22);
    await indexer.stop();
    await Promise.all([first.close(), second.close()]);
  });

  it("shows nobody another account's event, whose id is all that is asked for", async () => {
    using folder = new Folder();
    const sink = openSink(folder.path);
    write(sink, { id: "theirs", name: "CreateKey", second: 1, account: "444455556666" });
    const { indexer, history } = openHistory(folder.path);
    const attribute = { key: "EventId", value: "theirs" } as const;
    assert.deepEqual(await idsOf(history, query({ attribute })), []);
    assert.deepEqual(await idsOf(history, query({ attribute, account: "444455556666" })), ["theirs"]);
    assert.deepEqual(await idsOf(history, query({ attribute, account: "444455556666", region: "us-east-1" })), []);
    await indexer.stop();
    await sink.close();
  });

  it("is made anew from the segments where the index is gone, damaged or of another format", async () => {
    using folder = new Folder();
    const sink = openSink(folder.path);
    write(sink, { id: "a", name: "CreateKey", second: 1 });
    for (const harm of [
      () => {},
      () => rmSync(indexPath(folder.path)),
      () => writeFileSync(indexPath(folder.path), "no database at all, but long enough to be looked at".repeat(40)),
    ]) {
      harm();
      const { indexer, history } = openHistory(folder.path);
      assert.deepEqual(await idsOf(history, query()), ["a"]);
      await indexer.stop();
    }
    await sink.close();
  });

  it("forgets what is older than 90 days, and finds nothing where segments were taken away", async () => {
    using folder = new Folder();
    const sink = openSink(folder.path);
    write(sink, { id: "old", name: "CreateKey", second: 0 }, { id: "new", name: "CreateKey", second: 10 * 86_400 });
    const { indexer, history } = openHistory(folder.path, START + 95 * DAY_MS);
    await indexer.catchUp();
    assert.deepEqual(await idsOf(history, query()), ["new"]);
    assert.deepEqual(await idsOf(history, query({ attribute: { key: "EventId", value: "old" } })), []);
    await sink.close();
    rmSync(join(folder.path, "audit", "0", "00000001.seg"));
    assert.deepEqual(await idsOf(history, query()), []);
    await indexer.stop();
  });
});

describe("event history in memory and in segments", () => {
  const sketch = fc.record({
    id: fc.constantFrom("a", "b", "c", "d", "e", "f"),
    name: fc.constantFrom("CreateKey", "Encrypt"),
    second: fc.integer({ min: 0, max: 3 }),
    account: fc.constantFrom(ACCOUNT, "444455556666"),
    readOnly: fc.boolean(),
  });
  const attribute = fc.constantFrom(
    ...(["CreateKey", "none"] as const).map((value) => ({ key: "EventName", value }) as const),
    ...(["a", "f"] as const).map((value) => ({ key: "EventId", value }) as const),
    { key: "ReadOnly", value: "true" } as const,
    { key: "Username", value: "alice" } as const,
    { key: "AccessKeyId", value: "AKIA1" } as const,
    { key: "ResourceName", value: KEY } as const,
    { key: "ResourceName", value: "77aa0000-0000-4000-8000-000000000077" } as const,
    { key: "ResourceType", value: "AWS::KMS::Key" } as const,
    { key: "EventSource", value: "sts.amazonaws.com" } as const,
    undefined,
  );
  const asked = fc.record({ attribute, from: fc.integer({ min: 0, max: 3 }), to: fc.integer({ min: 0, max: 3 }) });

  /** All pages, two events each. */
  async function pages(history: EventHistory, of: EventQuery): Promise<readonly string[]> {
    const all: string[] = [];
    let after: EventPlace | undefined;
    for (;;) {
      const found = await history.find({ ...of, count: 2, ...(after !== undefined && { after }) });
      all.push(...found.map((each) => each.json));
      after = found.at(-1);
      if (found.length < 2 || after === undefined) return all;
    }
  }

  it("is the same, for every attribute and time, page by page", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(sketch, { selector: ({ id }) => id }),
        fc.array(asked, { maxLength: 6 }),
        async (sketches, queries) => {
          using folder = new Folder();
          const sink = openSink(folder.path);
          const memory = new MemorySink({ capacity: 10, bytes: 100_000 });
          write(sink, ...sketches);
          write(memory, ...sketches);
          const { indexer, history } = openHistory(folder.path);
          const ring = new RingHistory(memory);
          for (const { attribute: wanted, from, to } of queries) {
            const times = { from: START + from * 1000, to: START + to * 1000 };
            const of = query({ ...times, ...(wanted !== undefined && { attribute: wanted }) });
            assert.deepEqual(await pages(history, of), await pages(ring, of));
          }
          await indexer.stop();
          await sink.close();
        },
      ),
      { numRuns: 12 },
    );
  });
});
