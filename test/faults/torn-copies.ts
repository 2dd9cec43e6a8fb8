/** Copies of a data directory as a power cut may leave them: what was synced is whole, everything after it is anything. */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { endianness } from "node:os";
import { join } from "node:path";
import type { RandomChoices } from "./random-choices.ts";
import { type Log, type Mark, readLog } from "./write-ahead-log.ts";

const BLOCK_BYTES = 4096;
const SECTOR_BYTES = 512;
const DATABASE = "keystead.db";
const WAL = "keystead.db-wal";
/** The log's index, which no power cut leaves; it says how far a checkpoint has come. */
const INDEX = "keystead.db-shm";
/** Where that is in it: frames that a checkpoint may have written to the database file (sqlite.org, WAL-mode File Format, nBackfillAttempted). */
const ATTEMPTED_AT = 128;

/** Where a copy is cut off: commits that end at or before it are synced. */
export interface Place {
  readonly generation: number;
  readonly end: number;
}

/** What was done to a copy. */
export interface Torn {
  readonly place: Place;
  /** In words, for a failure's message. */
  readonly story: string;
}

/** Copies the files of a store that nobody writes to at the moment. */
export function copyStore(source: string, target: string): void {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  for (const name of [DATABASE, WAL, INDEX, "root.key", "audit"]) {
    if (existsSync(join(source, name))) cpSync(join(source, name), join(target, name), { recursive: true });
  }
}

/** How the bytes behind the place may lie. */
const WRECKS: readonly { readonly name: string; wreck(tail: Buffer, choices: RandomChoices): Buffer }[] = [
  { name: "cut", wreck: () => Buffer.alloc(0) },
  { name: "whole", wreck: (tail) => tail },
  { name: "zeros", wreck: (tail) => Buffer.alloc(tail.length) },
  { name: "noise", wreck: (tail, choices) => Buffer.from(choices.bytes(tail.length)) },
  {
    name: "one byte altered",
    wreck(tail, choices) {
      if (tail.length === 0) return tail;
      const at = choices.integer(0, tail.length - 1);
      tail[at] = (tail[at] ?? 0) ^ choices.integer(1, 255);
      return tail;
    },
  },
  { name: "torn block", wreck: (tail, choices) => tail.subarray(0, choices.integer(0, tail.length)) },
  {
    // Blocks reach a disk in any order, so that those behind may be there and those before not.
    name: "blocks missing",
    wreck(tail, choices) {
      for (let at = 0; at < tail.length; at += BLOCK_BYTES) {
        if (choices.integer(0, 2) === 0) tail.subarray(at, at + BLOCK_BYTES).fill(0);
      }
      return tail;
    },
  },
];

/**
 * Spoils a copy of a store: its log from some place on, pages of the database file that a checkpoint may have been writing, and
 * its audit segments from where they were synced.
 *
 * @param options.synced tells how long the segments were when the store had been written so far
 */
export function tearCopy(
  directory: string,
  choices: RandomChoices,
  { synced }: { synced: (place: Place) => Mark | undefined },
): Torn {
  const bytes = readFileSync(join(directory, WAL));
  const log = readLog(bytes);
  const at = Math.max(choosePlace(log, bytes.length, choices), takeCheckpointed(directory, log));
  const { name, wreck } = choices.pick(WRECKS);
  const torn = Buffer.concat([bytes.subarray(0, at), wreck(Buffer.from(bytes.subarray(at)), choices)]);
  writeFileSync(join(directory, WAL), torn);
  // A log is read as far as its checksums hold: commits before the first byte that differs are there.
  const kept = lengthInCommon(bytes, torn);
  const end = log.frames.findLast((frame) => frame.isCommit && frame.end <= kept)?.end ?? 0;
  const place = { generation: log.generation, end };
  const pages = choices.integer(0, 1) === 0 ? 0 : tearPages(directory, bytes, { log, end, choices });
  const segments = tearSegments(directory, synced(place), choices);
  const story = `log of ${bytes.length} bytes, generation ${log.generation}, from byte ${at} (commit at ${end}): ${name}; ${pages} torn pages; ${segments}`;
  return { place, story };
}

/**
 * Where the frames end that a checkpoint may have written to the database file already, 0 without one: before it writes, the log
 * is synced, so that no power cut takes these. What tells it is removed, as it is in memory.
 */
function takeCheckpointed(directory: string, { frames }: Log): number {
  const path = join(directory, INDEX);
  if (!existsSync(path)) return 0;
  const index = readFileSync(path);
  rmSync(path);
  if (index.length < ATTEMPTED_AT + 4) return 0;
  const attempted = endianness() === "LE" ? index.readUInt32LE(ATTEMPTED_AT) : index.readUInt32BE(ATTEMPTED_AT);
  return frames[attempted - 1]?.end ?? 0;
}

function lengthInCommon(left: Buffer, right: Buffer): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) if (left[at] !== right[at]) return at;
  return length;
}

/** Mostly anywhere in the last commits, where the power was on last; sometimes anywhere, or right at the end of a commit. */
function choosePlace({ frames }: Log, lengthBytes: number, choices: RandomChoices): number {
  const commits = frames.filter(({ isCommit }) => isCommit);
  const last = frames.at(-1)?.end ?? 0;
  switch (choices.integer(0, 2)) {
    case 0:
      return Math.min(choices.integer(0, last), lengthBytes);
    case 1:
      return commits.length === 0 ? 0 : choices.pick(commits).end;
    default:
      return Math.min(choices.integer(commits.at(-3)?.end ?? 0, last), lengthBytes);
  }
}

/** Pages of synced commits may be half in the database file, or be noise: whoever recovers takes them from the log. */
function tearPages(
  directory: string,
  bytes: Buffer,
  { log, end, choices }: { log: Log; end: number; choices: RandomChoices },
): number {
  const path = join(directory, DATABASE);
  const file = readFileSync(path);
  const { pageBytes } = log;
  const latest = new Map<number, number>();
  for (const frame of log.frames) if (frame.end <= end) latest.set(frame.page, frame.end - pageBytes);
  let torn = 0;
  for (const [page, at] of latest) {
    const start = (page - 1) * pageBytes;
    if (start + pageBytes > file.length || choices.integer(0, 2) > 0) continue;
    torn += 1;
    // The first page says that there is a log: a disk leaves each of its sectors old or new.
    if (page !== 1 && choices.integer(0, 1) === 0) {
      file.set(choices.bytes(pageBytes), start);
      continue;
    }
    for (let sector = 0; sector < pageBytes; sector += SECTOR_BYTES) {
      if (choices.integer(0, 1) === 0) bytes.copy(file, start + sector, at + sector, at + sector + SECTOR_BYTES);
    }
  }
  writeFileSync(path, file);
  return torn;
}

function tearSegments(directory: string, mark: Mark | undefined, choices: RandomChoices): string {
  if (mark === undefined) return "segments whole";
  const stories: string[] = [];
  for (const [name, synced] of mark.segments) {
    const path = join(directory, name);
    const bytes = readFileSync(path);
    if (bytes.length <= synced) continue;
    const at = choices.integer(synced, bytes.length);
    const { name: how, wreck } = choices.pick(WRECKS);
    writeFileSync(path, Buffer.concat([bytes.subarray(0, at), wreck(Buffer.from(bytes.subarray(at)), choices)]));
    stories.push(`segment of ${bytes.length} bytes from ${at}: ${how}`);
  }
  return stories.join(", ") || "segments whole";
}

/** Takes away what had been synced: a copy of which the checks must say that something is lost. */
export function cutBelow(directory: string, place: Place): void {
  const path = join(directory, WAL);
  rmSync(join(directory, INDEX), { force: true });
  const { frames } = readLog(readFileSync(path));
  const before = frames.findLast((frame) => frame.isCommit && frame.end < place.end)?.end ?? 0;
  truncateSync(path, before);
}
