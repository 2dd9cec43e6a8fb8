/** The rows of a store as a stream of lines that is the same for every engine (docs/backup-format.md). */

import { createHash } from "node:crypto";
import type { Snapshot, SnapshotTable, Value } from "./snapshot.ts";

/** A line holds one row: its policies and blobs have limits far below this. */
const LINE_CHARACTERS_MAX = 16 * 1024 * 1024;
const ROWS_PER_STEP = 200;
const LINE_END = 0x0a;

/** The stream was cut, altered, or is none. The message holds no values. */
export class DamagedStreamError extends Error {
  override readonly name = "DamagedStreamError";
}

/** Rows of each table, by its name. */
export type RowCounts = Readonly<Record<string, number>>;

/** Writes the rows of a snapshot; counts and digest come last. */
export async function* encodeRows(snapshot: Snapshot): AsyncGenerator<Uint8Array, RowCounts, void> {
  const digest = createHash("sha256");
  const counts = new Map<string, number>();
  for (const table of snapshot.tables) {
    const head = line({ table: table.name, columns: table.columns });
    digest.update(head);
    yield head;
    counts.set(table.name, 0);
    for await (const rows of snapshot.rows(table)) {
      const bytes = Buffer.from(rows.map((row) => `${JSON.stringify(row.map(encodeValue))}\n`).join(""));
      digest.update(bytes);
      yield bytes;
      count(counts, table, rows);
    }
  }
  const rows = Object.fromEntries(counts);
  yield line({ end: { rows, sha256: digest.digest("hex") } });
  return rows;
}

/** Some rows of one table. */
export interface RowBatch {
  readonly table: SnapshotTable;
  readonly rows: readonly (readonly Value[])[];
}

/**
 * Reads what `encodeRows` wrote. Only when it has come to its end is it known to be whole: what was made of its rows before
 * that must not be kept if it throws.
 *
 * @throws DamagedStreamError it was cut or altered, or something follows it
 */
export async function* decodeRows(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<RowBatch, RowCounts, void> {
  const digest = createHash("sha256");
  const counts = new Map<string, number>();
  let table: SnapshotTable | undefined;
  let rows: (readonly Value[])[] = [];
  let ended = false;
  for await (const text of linesOf(bytes)) {
    if (ended) throw new DamagedStreamError("Something follows the end of the rows.");
    const parsed = parse(text);
    if (Array.isArray(parsed)) {
      if (table === undefined) throw new DamagedStreamError("A row has no table.");
      rows.push(decodeRow(parsed, table));
      if (rows.length >= ROWS_PER_STEP) {
        count(counts, table, rows);
        yield { table, rows };
        rows = [];
      }
    } else {
      if (table !== undefined) {
        count(counts, table, rows);
        yield { table, rows };
        rows = [];
      }
      ended = "end" in parsed;
      if (ended) requireSame(parsed["end"], counts, digest.digest("hex"));
      else table = decodeTable(parsed, counts);
    }
    if (!ended) digest.update(text).update("\n");
  }
  if (!ended) throw new DamagedStreamError("The end of the rows is missing.");
  return Object.fromEntries(counts);
}

function line(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

function encodeValue(value: Value): unknown {
  return value instanceof Uint8Array ? { bytes: value.toBase64() } : value;
}

function count(counts: Map<string, number>, { name }: SnapshotTable, rows: readonly unknown[]): void {
  counts.set(name, (counts.get(name) ?? 0) + rows.length);
}

/** Whole lines; what a piece ends with in the middle of a line is put before the next one. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  let parts: Uint8Array[] = [];
  let lengthBytes = 0;
  for await (const piece of bytes) {
    let from = 0;
    for (let at = piece.indexOf(LINE_END); at >= 0; at = piece.indexOf(LINE_END, from)) {
      parts.push(piece.subarray(from, at));
      yield utf8.decode(Buffer.concat(parts));
      parts = [];
      lengthBytes = 0;
      from = at + 1;
    }
    parts.push(piece.subarray(from));
    lengthBytes += piece.length - from;
    if (lengthBytes > LINE_CHARACTERS_MAX) throw new DamagedStreamError("A line of the rows is too long.");
  }
  if (lengthBytes > 0) throw new DamagedStreamError("The last line of the rows is not whole.");
}

function parse(text: string): unknown[] | Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new DamagedStreamError("A line of the rows can't be read.", { cause });
  }
  if (typeof parsed !== "object" || parsed === null)
    throw new DamagedStreamError("A line of the rows is neither row nor table.");
  return parsed as unknown[] | Record<string, unknown>;
}

function decodeTable({ table, columns }: Record<string, unknown>, counts: Map<string, number>): SnapshotTable {
  const isList = Array.isArray(columns) && columns.every((column) => typeof column === "string");
  if (typeof table !== "string" || !isList || columns.length === 0 || counts.has(table)) {
    throw new DamagedStreamError("A table of the rows is named wrongly.");
  }
  counts.set(table, 0);
  return { name: table, columns };
}

function decodeRow(values: readonly unknown[], { name, columns }: SnapshotTable): readonly Value[] {
  if (values.length !== columns.length) throw new DamagedStreamError(`A row of ${name} has not its columns.`);
  return values.map((value) => {
    if (value === null || typeof value === "string" || Number.isSafeInteger(value)) return value as Value;
    const { bytes } = (typeof value === "object" ? value : {}) as { readonly bytes?: unknown };
    if (typeof bytes !== "string") throw new DamagedStreamError(`A row of ${name} has a value of another type.`);
    return Uint8Array.fromBase64(bytes, { lastChunkHandling: "strict" });
  });
}

function requireSame(end: unknown, counts: ReadonlyMap<string, number>, digest: string): void {
  const { rows, sha256 } = (end ?? {}) as { readonly rows?: unknown; readonly sha256?: unknown };
  const said = new Map(Object.entries((rows ?? {}) as Record<string, unknown>));
  const same = said.size === counts.size && [...counts].every(([name, found]) => said.get(name) === found);
  if (!same || sha256 !== digest) throw new DamagedStreamError("The rows are not those that were written.");
}
