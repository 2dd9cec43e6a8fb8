/** The frames of audit segments: how records lie in a file, and how whole ones are told from torn and damaged ones. */

import { readSync } from "node:fs";
import { crc32 } from "node:zlib";

/** Never part of UTF-8, so a record can't imitate the beginning of a frame. */
const MAGIC = Uint8Array.of(0xff, 0x4b, 0x53, 0x41);
const CHECKSUM_AT = 4;
/** What the checksum covers begins here and ends with the frame. */
const LENGTH_AT = 8;
const KIND_AT = 12;
const SEQUENCE_AT = 13;
/** magic(4) ‖ CRC-32 of the rest(4) ‖ payload length(4) ‖ kind(1) ‖ sequence(8), integers big-endian; then the payload. */
const FRAME_HEADER_BYTES = 21;
/** A length beyond this is damage. */
const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** The first frame of every segment; its sequence is the highest of all segments before it. */
export const HEADER_KIND = 0;
/** One record; its sequence is its row in the outbox, or 0. */
export const RECORD_KIND = 1;

/** @returns the most bytes that a frame around `text` can take */
export function frameBytesMax(text: string): number {
  return FRAME_HEADER_BYTES + 3 * text.length; // a UTF-16 unit is at most three bytes of UTF-8
}

/**
 * Writes a frame at `offset`, where `frameBytesMax` bytes are free.
 *
 * @returns where the frame ends
 */
export function putFrame(
  buffer: Buffer,
  offset: number,
  { kind, sequence, text }: { kind: number; sequence: number; text: string },
): number {
  const length = buffer.write(text, offset + FRAME_HEADER_BYTES, "utf8");
  const end = offset + FRAME_HEADER_BYTES + length;
  buffer.set(MAGIC, offset);
  buffer.writeUInt32BE(length, offset + LENGTH_AT);
  buffer.writeUInt8(kind, offset + KIND_AT);
  buffer.writeUInt32BE(Math.floor(sequence / 2 ** 32), offset + SEQUENCE_AT);
  buffer.writeUInt32BE(sequence % 2 ** 32, offset + SEQUENCE_AT + 4);
  buffer.writeUInt32BE(crc32(buffer.subarray(offset + LENGTH_AT, end)), offset + CHECKSUM_AT);
  return end;
}

/** A whole frame, or bytes that are none: up to the next whole frame or the end of the file. */
export type Piece =
  | { readonly kind: "frame"; readonly end: number; readonly frame: Frame }
  | { readonly kind: "gap"; readonly offset: number; readonly end: number };

export interface Frame {
  readonly kind: number;
  readonly sequence: number;
  /** Borrowed: valid until the next piece is asked for. */
  readonly payload: Buffer;
}

/** Reads a file of frames from its beginning, or from where a frame begins. */
export function* readPieces(fd: number, sizeBytes: number, from = 0): Generator<Piece> {
  const window = new FileWindow(fd, sizeBytes);
  for (let offset = from; offset < sizeBytes; ) {
    const frame = frameAt(window, offset);
    if (frame !== undefined) {
      offset += FRAME_HEADER_BYTES + frame.payload.length;
      yield { kind: "frame", end: offset, frame };
    } else {
      const end = findFrame(window, offset + 1, sizeBytes);
      yield { kind: "gap", offset, end };
      offset = end;
    }
  }
}

function frameAt(window: FileWindow, offset: number): Frame | undefined {
  const header = window.bytes(offset, FRAME_HEADER_BYTES);
  if (header === undefined || MAGIC.some((byte, index) => header[index] !== byte)) return undefined;
  const length = header.readUInt32BE(LENGTH_AT);
  if (length > PAYLOAD_BYTES_MAX) return undefined;
  const whole = window.bytes(offset, FRAME_HEADER_BYTES + length);
  if (whole === undefined || crc32(whole.subarray(LENGTH_AT)) !== whole.readUInt32BE(CHECKSUM_AT)) return undefined;
  return {
    kind: whole.readUInt8(KIND_AT),
    sequence: whole.readUInt32BE(SEQUENCE_AT) * 2 ** 32 + whole.readUInt32BE(SEQUENCE_AT + 4),
    payload: whole.subarray(FRAME_HEADER_BYTES),
  };
}

/** Where the next whole frame begins, or the end of the file. */
function findFrame(window: FileWindow, from: number, sizeBytes: number): number {
  for (let offset = from; offset < sizeBytes; ) {
    const lengthBytes = Math.min(CHUNK_BYTES, sizeBytes - offset);
    const found = window.bytes(offset, lengthBytes)?.indexOf(MAGIC) ?? -1;
    if (found < 0) {
      if (offset + lengthBytes >= sizeBytes) return sizeBytes;
      offset += lengthBytes - MAGIC.length + 1; // a magic may lie across two chunks
    } else if (frameAt(window, offset + found) !== undefined) {
      return offset + found;
    } else {
      offset += found + 1;
    }
  }
  return sizeBytes;
}

/** A part of a file in memory, moved along as it is read. */
class FileWindow {
  readonly #fd: number;
  readonly #sizeBytes: number;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(fd: number, sizeBytes: number) {
    this.#fd = fd;
    this.#sizeBytes = sizeBytes;
  }

  /** The bytes there, or undefined when the file ends before them. */
  bytes(offset: number, lengthBytes: number): Buffer | undefined {
    if (offset + lengthBytes > this.#sizeBytes) return undefined;
    if (offset < this.#start || offset + lengthBytes > this.#start + this.#bytes.length)
      this.#load(offset, lengthBytes);
    const at = offset - this.#start;
    return at + lengthBytes > this.#bytes.length ? undefined : this.#bytes.subarray(at, at + lengthBytes);
  }

  #load(offset: number, lengthBytes: number): void {
    const bytes = Buffer.alloc(Math.min(Math.max(lengthBytes, CHUNK_BYTES), this.#sizeBytes - offset));
    let filled = 0;
    while (filled < bytes.length) {
      const step = readSync(this.#fd, bytes, filled, bytes.length - filled, offset + filled);
      if (step === 0) break; // the file has become shorter
      filled += step;
    }
    this.#start = offset;
    this.#bytes = bytes.subarray(0, filled);
  }
}
