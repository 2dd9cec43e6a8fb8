/** The files of an audit segment directory: their names, what a crash left in them, and reading them back. */

import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { HEADER_KIND, RECORD_KIND, readPieces } from "./frames.ts";

const NAME = /^([0-9]{8})\.seg$/;
const FORMAT = 1;

export interface SegmentFile {
  readonly fd: number;
  readonly number: number;
  /** Where the next frame goes. */
  readonly sizeBytes: number;
}

export interface Recovered {
  /** The last segment, cut back to its last whole record; undefined when a new one has to begin. */
  readonly file?: SegmentFile;
  readonly lastNumber: number;
  /** The highest outbox sequence of this epoch in all segments. */
  readonly highest: number;
}

export function segmentPath(directory: string, number: number): string {
  return join(directory, `${String(number).padStart(8, "0")}.seg`);
}

/** The payload of a header frame. */
export function headerText(epoch: string): string {
  return JSON.stringify({ format: FORMAT, epoch });
}

/**
 * Makes a directory writable again after a crash: cuts the last segment back to its last whole record and reads how far
 * the outbox had been moved.
 *
 * Only what follows the last whole record is cut; damage before it stays for whoever investigates, and readers pass over
 * it. Sequences of another epoch, of segments whose header is lost, and behind damage don't count (a disk may have written
 * the blocks behind before the one that is missing): a record that is written twice is known by its `eventID`, a lost one
 * can't be mended.
 *
 * @throws Error for a segment of a newer format
 */
export function recover(directory: string, epoch: string): Recovered {
  let lastNumber = 0;
  for (const number of segmentNumbers(directory).toReversed()) {
    const path = segmentPath(directory, number);
    const fd = openSync(path, "r+");
    const { wholeEnd, header, highest } = survey(fd);
    if (wholeEnd === 0) {
      closeSync(fd);
      unlinkSync(path); // not even its header was written whole
      continue;
    }
    if (lastNumber === 0) {
      lastNumber = number;
      ftruncateSync(fd, wholeEnd);
      fdatasyncSync(fd);
      if (header?.epoch === epoch) return { file: { fd, number, sizeBytes: wholeEnd }, lastNumber, highest };
    }
    closeSync(fd);
    if (header !== undefined) return { lastNumber, highest: header.epoch === epoch ? highest : 0 };
  }
  return { lastNumber, highest: 0 };
}

interface Survey {
  readonly wholeEnd: number;
  readonly header: { readonly epoch: string } | undefined;
  readonly highest: number;
}

function survey(fd: number): Survey {
  const sizeBytes = fstatSync(fd).size;
  let wholeEnd = 0;
  let header: Survey["header"];
  let highest = 0;
  let hasGap = false;
  for (const piece of readPieces(fd, sizeBytes)) {
    hasGap ||= piece.kind === "gap";
    if (piece.kind === "gap") continue;
    const { kind, sequence, payload } = piece.frame;
    if (kind === HEADER_KIND) header = parseHeader(payload);
    if (!hasGap) highest = Math.max(highest, sequence);
    wholeEnd = piece.end;
  }
  return { wholeEnd, header, highest };
}

function parseHeader(payload: Buffer): { readonly epoch: string } {
  const { format, epoch } = JSON.parse(payload.toString("utf8")) as { format: number; epoch: string };
  if (format !== FORMAT) throw new Error(`The audit segments have format ${format}, which this version does not know.`);
  return { epoch };
}

function segmentNumbers(directory: string): readonly number[] {
  return readdirSync(directory)
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((left, right) => left - right);
}

export interface StoredRecord {
  readonly eventID: string;
  /** Which store wrote it, as it was since its last restore (its incarnation). */
  readonly epoch: string;
  /** The row of the outbox it came from; 0 when it was appended. */
  readonly sequence: number;
  readonly record: Readonly<Record<string, unknown>>;
}

export interface Damage {
  readonly path: string;
  readonly offset: number;
  readonly lengthBytes: number;
}

/**
 * Reads every record of a segment directory in the order of writing.
 *
 * @param options.onDamage is told of bytes that are no frame, which are then passed over. A torn end of the last segment
 *   is no damage: its writer may be in the middle of a record
 * @throws Error at the first damage when nobody is told of it
 */
export async function* readSegments(
  directory: string,
  { onDamage = refuseDamage }: { onDamage?: (damage: Damage) => void } = {},
): AsyncGenerator<StoredRecord, void, void> {
  const numbers = segmentNumbers(directory);
  for (const number of numbers) {
    const path = segmentPath(directory, number);
    const fd = openSync(path, "r");
    try {
      const sizeBytes = fstatSync(fd).size;
      let epoch = "";
      for (const piece of readPieces(fd, sizeBytes)) {
        if (piece.kind === "frame") {
          if (piece.frame.kind === HEADER_KIND) epoch = parseHeader(piece.frame.payload).epoch;
          if (piece.frame.kind === RECORD_KIND) yield storedRecord(piece.frame, epoch);
        } else if (piece.end < sizeBytes || number !== numbers.at(-1)) {
          onDamage({ path, offset: piece.offset, lengthBytes: piece.end - piece.offset });
        }
      }
    } finally {
      closeSync(fd);
    }
  }
}

/** Where a frame lies in a directory of segments. */
export interface SegmentPlace {
  readonly number: number;
  readonly offset: number;
}

/** A record and where it lies. */
export interface PlacedRecord extends SegmentPlace {
  /** Where the next frame begins. */
  readonly end: number;
  readonly json: string;
}

/**
 * Reads up to `count` records from a place on; damage is passed over. A torn end of the last segment is left for the next
 * call: its writer may be in the middle of a record.
 *
 * @returns the records, and from where to go on
 */
export function readRecordsFrom(
  directory: string,
  place: SegmentPlace,
  count: number,
): { readonly records: readonly PlacedRecord[]; readonly next: SegmentPlace } {
  const records: PlacedRecord[] = [];
  let next = place;
  const numbers = segmentNumbers(directory).filter((number) => number >= place.number);
  for (const number of numbers) {
    if (number > next.number) next = { number, offset: 0 };
    const fd = openSync(segmentPath(directory, number), "r");
    try {
      const sizeBytes = fstatSync(fd).size;
      for (const piece of readPieces(fd, sizeBytes, next.offset)) {
        if (piece.kind === "gap" && piece.end === sizeBytes && number === numbers.at(-1)) return { records, next };
        if (piece.kind === "frame" && piece.frame.kind === RECORD_KIND) {
          const json = piece.frame.payload.toString("utf8");
          records.push({ number, offset: next.offset, end: piece.end, json });
        }
        next = { number, offset: piece.end };
        if (records.length === count) return { records, next };
      }
    } finally {
      closeSync(fd);
    }
  }
  return { records, next };
}

/** The record that lies at a place and ends before `end`; undefined when none does. */
export function readRecordAt(
  directory: string,
  { number, offset, end }: SegmentPlace & { readonly end: number },
): string | undefined {
  const path = segmentPath(directory, number);
  if (!existsSync(path)) return undefined;
  const fd = openSync(path, "r");
  try {
    for (const piece of readPieces(fd, Math.min(fstatSync(fd).size, end), offset)) {
      if (piece.kind === "gap" || piece.frame.kind !== RECORD_KIND) return undefined;
      return piece.frame.payload.toString("utf8");
    }
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function refuseDamage({ path, offset, lengthBytes }: Damage): never {
  throw new Error(`${path} is damaged: ${lengthBytes} bytes from byte ${offset} are no record.`);
}

function storedRecord({ sequence, payload }: { sequence: number; payload: Buffer }, epoch: string): StoredRecord {
  const record = JSON.parse(payload.toString("utf8")) as Readonly<Record<string, unknown>>;
  return { eventID: String(record["eventID"]), epoch, sequence, record };
}
