/** Records as lines of text, in a file or on standard output (`--audit-log`). */

import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { type AuditRecord, highestOf, type Sink } from "./sink.ts";

const STANDARD_OUTPUT = 1;
/** How long a write waits for the reader of a full pipe before it fails its requests. */
const FULL_PIPE_WAIT_MS = 1_000;

/** The file operations that tests replace. */
export interface LineIo {
  write(fd: number, bytes: Uint8Array, offset: number): number;
  /** Blocks the thread. */
  pause(milliseconds: number): void;
}

/** Node's own. */
export const lineIo: LineIo = {
  write: (fd, bytes, offset) => writeSync(fd, bytes, offset),
  pause: (milliseconds) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds),
};

/** How a `LineSink` writes. */
export interface LineSinkOptions {
  readonly io?: LineIo;
  /**
   * Whether other processes append to the same file. Each write is whole lines in one call, so lines don't mix; but what a
   * full disk has cut off can't be taken back, since others may have written behind it: whoever writes next ends its line.
   */
  readonly shared?: boolean;
}

const LINE_END = 0x0a;

/**
 * Appends each record as one line. Its reader may see a record twice, with the same `eventID`, after a crash: unlike a
 * segment it doesn't know what it holds.
 */
export class LineSink implements Sink {
  readonly #fd: number;
  readonly #io: LineIo;
  readonly #isFile: boolean;
  readonly #isShared: boolean;
  #highest = 0;
  /** A failed write left a piece of a line that could not be taken back. */
  #isMidLine = false;

  /**
   * @param target a file that is made with mode 0600 or appended to, or `-` for standard output
   * @throws Error when the file can't be opened
   */
  constructor(target: string, { io = lineIo, shared = false }: LineSinkOptions = {}) {
    this.#fd = target === "-" ? STANDARD_OUTPUT : openSync(target, shared ? "a+" : "a", 0o600);
    this.#io = io;
    this.#isFile = fstatSync(this.#fd).isFile();
    this.#isShared = shared && this.#isFile;
  }

  get highest(): number {
    return this.#highest;
  }

  write(records: readonly AuditRecord[]): void {
    let text = (this.#isShared ? this.#endsMidLine() : this.#isMidLine) ? "\n" : "";
    for (const { json } of records) text += `${json}\n`;
    const bytes = Buffer.from(text, "utf8");
    let written = 0;
    try {
      for (let waitedMs = 0; written < bytes.length; ) {
        const step = this.#writeSome(bytes, written);
        written += step;
        if (step > 0) continue;
        if (waitedMs >= FULL_PIPE_WAIT_MS) throw new Error("The reader of the audit log does not keep up.");
        this.#io.pause(1);
        waitedMs += 1;
      }
    } catch (cause) {
      if (written > 0) this.#takeBack(written);
      throw cause;
    }
    this.#isMidLine = false;
    this.#highest = highestOf(records, this.#highest);
  }

  async sync(): Promise<void> {
    if (this.#isFile) await promisify(fdatasync)(this.#fd);
  }

  async close(): Promise<void> {
    if (this.#fd !== STANDARD_OUTPUT) closeSync(this.#fd);
  }

  /** Returns 0 while the pipe is full: standard output may be in non-blocking mode. */
  #writeSome(bytes: Uint8Array, offset: number): number {
    try {
      return this.#io.write(this.#fd, bytes, offset);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EAGAIN") return 0;
      throw cause;
    }
  }

  /** Whether the file ends with a piece of a line, this process's or another one's. */
  #endsMidLine(): boolean {
    const { size } = fstatSync(this.#fd);
    const last = new Uint8Array(1);
    return size > 0 && readSync(this.#fd, last, 0, 1, size - 1) === 1 && last[0] !== LINE_END;
  }

  #takeBack(written: number): void {
    this.#isMidLine = true;
    if (!this.#isFile || this.#isShared) return;
    try {
      ftruncateSync(this.#fd, fstatSync(this.#fd).size - written);
      this.#isMidLine = false;
    } catch {
      // The piece stays and the next write ends its line.
    }
  }
}
