/** The audit segments of a data directory: append-only files of framed records, the one place that records may not leave. */

import { closeSync, fdatasync, fsync, ftruncateSync, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { frameBytesMax, HEADER_KIND, putFrame, RECORD_KIND } from "./frames.ts";
import { headerText, recover, type SegmentFile, segmentPath } from "./segment-files.ts";
import { type AuditRecord, highestOf, type Sink } from "./sink.ts";

/** A start reads the last segment: about 4 ms for each MiB. */
const SEGMENT_BYTES_MAX = 32 * 1024 * 1024;
/** Kept for the writes to come; a larger write gets a buffer of its own. */
const BUFFER_BYTES = 1024 * 1024;
/** No frame: as a length these bytes are longer than any. */
const PROBE = new Uint8Array(4096).fill(0xff);

/** The file operations that tests replace. */
export interface SegmentIo {
  write(fd: number, bytes: Uint8Array, offset: number, lengthBytes: number, position: number): number;
  truncate(fd: number, lengthBytes: number): void;
  datasync(fd: number): Promise<void>;
}

/** Node's own. */
export const segmentIo: SegmentIo = { write: writeSync, truncate: ftruncateSync, datasync: promisify(fdatasync) };

export interface SegmentOptions {
  /** Such as `DIR/audit/<slot>`; made with mode 0700. One process at a time may write there. */
  readonly directory: string;
  /** What the outbox's sequences belong to: another store, or a restored one, numbers its rows anew. */
  readonly epoch: string;
  /** A new segment begins with the first write after this size. */
  readonly segmentBytesMax?: number;
  readonly io?: SegmentIo;
}

/**
 * Writes segments.
 *
 * Each segment's header carries the highest outbox sequence of all before it, so that a start reads the last one only.
 * That number must be on the disk before its header is, or rows could be taken for moved that a power cut has undone: a
 * new segment begins only while no moved row waits for its sync. The mover's sync comes right after its write, so that
 * is nearly always, and no write has to wait for the disk.
 */
export class SegmentSink implements Sink {
  readonly #directory: string;
  readonly #epoch: string;
  readonly #segmentBytesMax: number;
  readonly #io: SegmentIo;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #file: SegmentFile;
  #highest: number;
  /** The highest sequence that is on the disk. */
  #synced: number;
  /** Bytes of a failed write lie behind the last whole record. */
  #isTorn = false;
  /** The pages of the current file can't be trusted after a failed sync. */
  #isSuspect = false;
  #hasNewFile = false;
  /** Full segments that the next sync writes to the disk and closes. */
  #full: number[] = [];
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /**
   * Opens a directory, after a crash too.
   *
   * @throws Error when it can't be read or written, or was written by a newer version
   */
  constructor({ directory, epoch, segmentBytesMax = SEGMENT_BYTES_MAX, io = segmentIo }: SegmentOptions) {
    this.#directory = directory;
    this.#epoch = epoch;
    this.#segmentBytesMax = segmentBytesMax;
    this.#io = io;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { file, lastNumber, highest } = recover(directory, epoch);
    this.#highest = highest;
    this.#synced = highest;
    this.#file = file ?? this.#create(lastNumber + 1);
  }

  get highest(): number {
    return this.#highest;
  }

  write(records: readonly AuditRecord[]): void {
    if (this.#isTorn) this.#cutBack();
    this.#rotateWhenDue();
    const buffer = this.#bufferFor(records);
    let lengthBytes = 0;
    for (const { json, sequence } of records) {
      lengthBytes = putFrame(buffer, lengthBytes, { kind: RECORD_KIND, sequence, text: json });
    }
    try {
      this.#writeAll(this.#file, buffer, lengthBytes);
    } catch (cause) {
      this.#isTorn = true;
      this.#tryCutBack();
      throw cause;
    }
    this.#file = { ...this.#file, sizeBytes: this.#file.sizeBytes + lengthBytes };
    this.#highest = highestOf(records, this.#highest);
  }

  /** Writes some bytes that are no record and takes them back; what a crash leaves of them is cut like any torn record. */
  probe(): void {
    if (this.#isTorn) this.#cutBack();
    this.#isTorn = true;
    try {
      this.#writeAll(this.#file, PROBE, PROBE.length);
    } catch (cause) {
      this.#tryCutBack();
      throw cause;
    }
    this.#cutBack();
  }

  /** Syncs that are asked for while one is running share the one after it. */
  sync(): Promise<void> {
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#running = this.#next ?? Promise.resolve();
        this.#next = undefined;
        return this.#syncNow();
      });
    return this.#next;
  }

  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      closeSync(this.#file.fd);
    }
  }

  async #syncNow(): Promise<void> {
    const highest = this.#highest;
    const full = this.#full.splice(0);
    try {
      for (const fd of [...full, this.#file.fd]) await this.#io.datasync(fd);
      if (this.#hasNewFile) await this.#syncDirectory();
    } catch (cause) {
      this.#distrust();
      throw cause;
    } finally {
      for (const fd of full) closeSync(fd);
    }
    this.#synced = Math.max(this.#synced, highest);
  }

  async #syncDirectory(): Promise<void> {
    this.#hasNewFile = false;
    const fd = openSync(this.#directory, "r");
    try {
      await promisify(fsync)(fd);
    } finally {
      closeSync(fd);
    }
  }

  /**
   * After a failed fdatasync the kernel may have dropped the pages and a second call would succeed for nothing: rows that
   * were not on the disk before are written again, to a new file.
   */
  #distrust(): void {
    this.#isSuspect = true;
    this.#hasNewFile = true;
    this.#highest = this.#synced;
  }

  #rotateWhenDue(): void {
    const isFull = this.#file.sizeBytes >= this.#segmentBytesMax && this.#highest === this.#synced;
    if (!isFull && !this.#isSuspect) return;
    const full = this.#file;
    this.#file = this.#create(full.number + 1);
    this.#full.push(full.fd);
    this.#isSuspect = false;
  }

  #create(number: number): SegmentFile {
    const path = segmentPath(this.#directory, number);
    const fd = openSync(path, "wx+", 0o600);
    try {
      const text = headerText(this.#epoch);
      const header = Buffer.alloc(frameBytesMax(text));
      const sizeBytes = putFrame(header, 0, { kind: HEADER_KIND, sequence: this.#highest, text });
      this.#writeAll({ fd, number, sizeBytes: 0 }, header, sizeBytes);
      this.#hasNewFile = true;
      return { fd, number, sizeBytes };
    } catch (cause) {
      closeSync(fd);
      unlinkSync(path);
      throw cause;
    }
  }

  #writeAll({ fd, sizeBytes }: SegmentFile, bytes: Uint8Array, lengthBytes: number): void {
    for (let done = 0; done < lengthBytes; ) {
      const step = this.#io.write(fd, bytes, done, lengthBytes - done, sizeBytes + done);
      if (step === 0) throw new Error("The audit segment takes no more bytes.");
      done += step;
    }
  }

  #cutBack(): void {
    this.#io.truncate(this.#file.fd, this.#file.sizeBytes);
    this.#isTorn = false;
  }

  #tryCutBack(): void {
    try {
      this.#cutBack();
    } catch {
      // The write's own error is told; the next write cuts back first, or fails.
    }
  }

  #bufferFor(records: readonly AuditRecord[]): Buffer {
    let bytesMax = 0;
    for (const { json } of records) bytesMax += frameBytesMax(json);
    return bytesMax <= BUFFER_BYTES ? this.#buffer : Buffer.alloc(bytesMax);
  }
}
