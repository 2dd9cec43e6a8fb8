/** SQLite's write-ahead log as bytes: how far it was written at a moment, and where its commits end (sqlite.org, WAL-mode File Format). */

import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const PAGE_SIZE_AT = 8;
const CHECKPOINT_AT = 12;
const SALTS_AT = 16;
const SALTS_BYTES = 8;

/** How far a store had been written when somebody looked. */
export interface Mark {
  /** How often the log had begun anew: what was committed before is in the database file. */
  readonly generation: number;
  /** Where the last commit in the log ends, in bytes. */
  readonly end: number;
  /** The sizes of the audit segments, read after the log. */
  readonly segments: ReadonlyMap<string, number>;
}

/** Whether what was committed at a mark is before or at a place in the log. */
export function isAtMost(mark: Pick<Mark, "generation" | "end">, place: Pick<Mark, "generation" | "end">): boolean {
  return mark.generation < place.generation || (mark.generation === place.generation && mark.end <= place.end);
}

/** One frame: a page as a commit left it. */
export interface Frame {
  readonly page: number;
  readonly end: number;
  /** Whether a commit ends with it. */
  readonly isCommit: boolean;
}

/** The log as it is: its generation and its frames, those of earlier generations behind them left out. */
export interface Log {
  readonly generation: number;
  readonly pageBytes: number;
  readonly frames: readonly Frame[];
}

/** Reads a log. An empty one is of no generation, 0. */
export function readLog(bytes: Uint8Array): Log {
  if (bytes.length < HEADER_BYTES) return { generation: 0, pageBytes: 4096, frames: [] };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pageBytes = view.getUint32(PAGE_SIZE_AT);
  const salts = Buffer.from(bytes.subarray(SALTS_AT, SALTS_AT + SALTS_BYTES));
  const frames: Frame[] = [];
  for (let at = HEADER_BYTES; at + FRAME_HEADER_BYTES + pageBytes <= bytes.length; ) {
    if (!salts.equals(bytes.subarray(at + 8, at + 8 + SALTS_BYTES))) break;
    const end = at + FRAME_HEADER_BYTES + pageBytes;
    frames.push({ page: view.getUint32(at), end, isCommit: view.getUint32(at + 4) !== 0 });
    at = end;
  }
  return { generation: view.getUint32(CHECKPOINT_AT), pageBytes, frames };
}

/** Looks at a store that a server writes to, as often as an answer comes. */
export class LogWatch {
  readonly #directory: string;
  readonly #log: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #salts = Buffer.alloc(SALTS_BYTES);
  /** Where the next frame is looked for. */
  #next = HEADER_BYTES;
  #end = 0;

  /** @param directory of a store that a server has open: its log is there, and stays the same file */
  constructor(directory: string) {
    this.#directory = directory;
    this.#log = openSync(join(directory, "keystead.db-wal"), "r");
  }

  /** How far the store has been written by now. What was answered before the call is in it. */
  mark(): Mark {
    for (;;) {
      const generation = this.#readHeader();
      this.#readFrames();
      if (generation === this.#readHeader()) {
        return { generation, end: this.#end, segments: segmentSizes(this.#directory) };
      }
    }
  }

  close(): void {
    closeSync(this.#log);
  }

  #readHeader(): number {
    this.#header.fill(0);
    readSync(this.#log, this.#header, 0, HEADER_BYTES, 0);
    const salts = this.#header.subarray(SALTS_AT, SALTS_AT + SALTS_BYTES);
    if (!this.#salts.equals(salts)) {
      this.#salts = Buffer.from(salts);
      this.#next = HEADER_BYTES;
      this.#end = 0;
    }
    return this.#header.readUInt32BE(CHECKPOINT_AT);
  }

  #readFrames(): void {
    const pageBytes = this.#header.readUInt32BE(PAGE_SIZE_AT);
    const frame = Buffer.alloc(FRAME_HEADER_BYTES);
    for (;;) {
      const read = readSync(this.#log, frame, 0, FRAME_HEADER_BYTES, this.#next);
      if (read < FRAME_HEADER_BYTES || !this.#salts.equals(frame.subarray(8, 8 + SALTS_BYTES))) return;
      this.#next += FRAME_HEADER_BYTES + pageBytes;
      if (frame.readUInt32BE(4) !== 0) this.#end = this.#next;
    }
  }
}

/** The sizes of a store's audit segments by their paths below the data directory. */
export function segmentSizes(directory: string): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const name of readdirSync(join(directory, "audit"), { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(".seg")) sizes.set(join("audit", name), statSync(join(directory, "audit", name)).size);
  }
  return sizes;
}
