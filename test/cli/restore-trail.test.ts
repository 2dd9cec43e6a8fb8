/** Which audit records count as of after a backup, and which trails are not enough to restore by. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { SegmentSink } from "../../src/audit/segment.ts";
import { readChanges } from "../../src/cli/restore-trail.ts";
import { TemporaryDirectory } from "../faults/processes.ts";

const directory = new TemporaryDirectory();
after(() => directory[Symbol.dispose]());

const INCARNATION = "11111111-1111-4111-8111-111111111111";
const store = {
  id: "store",
  incarnation: INCARNATION,
  kind: "serve",
  schemaVersion: 7,
  minimumReader: 7,
  feedPosition: 0,
  auditPosition: 10,
} as const;
const header = { store, madeAt: "2030-01-01T12:00:00.700Z" };

const NOON = "2030-01-01T12:00:00Z";
const LATER = "2030-01-01T13:00:00Z";

/** The record of a change, as far as a restore reads it. */
function record(eventID: string, eventTime: string, rest: object = {}): string {
  const userIdentity = { accountId: "111122223333" };
  const event = { eventSource: "kms.amazonaws.com", eventName: "DisableKey", awsRegion: "us-east-1", readOnly: false };
  return JSON.stringify({ eventID, eventTime, userIdentity, ...event, ...rest });
}

/** Segments of one writer, by their incarnation. */
async function segments(name: string, epoch: string, rows: readonly (readonly [sequence: number, json: string])[]) {
  const folder = directory.at(name);
  mkdirSync(folder, { recursive: true });
  const sink = new SegmentSink({ directory: `${folder}/audit/0`, epoch });
  sink.write(rows.map(([sequence, json]) => ({ sequence, json })));
  await sink.close();
  return folder;
}

function copy(name: string, ...lines: readonly string[]): string {
  const path = directory.at(name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  return path;
}

async function idsAfter(...paths: readonly string[]): Promise<readonly string[]> {
  return (await readChanges(paths, header)).map(({ eventId }) => eventId);
}

describe("changes after a backup", () => {
  it("are those of later outbox rows in the store's own segments, in the order of their commits, whatever their time", async () => {
    const path = await segments("own", INCARNATION, [
      [10, record("before", LATER)],
      [12, record("second", NOON)],
      [11, record("first", LATER)],
      [0, record("no change", LATER)],
    ]);
    assert.deepEqual(await idsAfter(path), ["first", "second"]);
    assert.deepEqual(await idsAfter(`${path}/audit`), ["first", "second"]);
    assert.deepEqual(await idsAfter(`${path}/audit/0`), ["first", "second"]);
  });

  it("are by time in a copy, with the whole second of the backup, and in segments of later incarnations", async () => {
    const lines = copy(
      "copy",
      record("old", "2030-01-01T11:59:59Z"),
      record("same second", NOON),
      record("new", LATER),
    );
    assert.deepEqual(await idsAfter(lines), ["same second", "new"]);
    const own = await segments("two", INCARNATION, [[11, record("own", LATER)]]);
    await segments("two", "22222222-2222-4222-8222-222222222222", [
      [1, record("of before", "2030-01-01T11:00:00Z")],
      [2, record("restored", LATER)],
    ]);
    assert.deepEqual(await idsAfter(own), ["own", "restored"]);
  });

  it("leave out reads and failures, and count once what several trails or accounts have", async () => {
    const lines = copy(
      "mixed",
      record("start", NOON, { readOnly: true }),
      record("read", LATER, { readOnly: true }),
      record("failed", LATER, { errorCode: "AccessDenied" }),
      record("caller", LATER, { sharedEventID: "shared" }),
      record("owner", LATER, { sharedEventID: "shared" }),
      "",
    );
    assert.deepEqual(await idsAfter(lines, lines), ["caller"]);
  });

  for (const { title, path, says } of [
    {
      title: "lacks records right after the backup",
      path: () => segments("gap", INCARNATION, [[12, record("a", LATER)]]),
      says: /missing: 11 to 11 of the outbox/,
    },
    {
      title: "lacks records in between",
      path: () =>
        segments("hole", INCARNATION, [
          [11, record("a", LATER)],
          [15, record("b", LATER)],
        ]),
      says: /missing: 12 to 14/,
    },
    {
      title: "is another store's",
      path: () => segments("other", "33333333-3333-4333-8333-333333333333", [[11, record("a", LATER)]]),
      says: /another store's, or begin after the backup/,
    },
    { title: "begins after the backup", path: () => copy("late", record("a", LATER)), says: /begin after the backup/ },
    { title: "is not there", path: () => directory.at("nowhere"), says: /can't be read: ENOENT/ },
    { title: "has no segments", path: () => directory.path, says: /no audit segments|can't be read/ },
    { title: "has a line that is no JSON", path: () => copy("text", "no record"), says: /line 1 is no JSON text/ },
    { title: "has a line that is no record", path: () => copy("json", "{}"), says: /line 1 is no record/ },
    { title: "has a record without a time", path: () => copy("time", record("a", "noon")), says: /a has no time/ },
  ]) {
    it(`are not taken from a trail that ${title}`, async () => {
      await assert.rejects(readChanges([await path()], header), says);
    });
  }
});
