/** The rows of a store as a stream: what comes out is what went in, and half of it is nothing. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeRows, encodeRows, type RowBatch } from "../../src/storage/row-stream.ts";
import type { Snapshot, SnapshotTable, Value } from "../../src/storage/snapshot.ts";

type Rows = readonly (readonly Value[])[];

const value = fc.oneof(
  fc.constant(null),
  fc.maxSafeInteger(),
  fc.string({ unit: "grapheme" }),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)),
);
const tables = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 8 }),
  fc.array(fc.tuple(value, value), { maxLength: 5 }),
  { maxKeys: 4 },
);

function snapshotOf(contents: Readonly<Record<string, Rows>>): Snapshot {
  const described = Object.keys(contents).map((name): SnapshotTable => ({ name, columns: ["left", "right"] }));
  return {
    tables: described,
    async *rows({ name }: SnapshotTable) {
      yield Object.entries(contents).find(([own]) => own === name)?.[1] ?? [];
    },
  } as unknown as Snapshot;
}

async function encoded(contents: Readonly<Record<string, Rows>>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of encodeRows(snapshotOf(contents))) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function decoded(pieces: Iterable<Uint8Array>): Promise<readonly (readonly [string, Rows])[]> {
  const found = new Map<string, Rows>();
  const batches: AsyncIterable<RowBatch> = decodeRows(
    (async function* () {
      yield* pieces;
    })(),
  );
  for await (const { table, rows } of batches) found.set(table.name, [...(found.get(table.name) ?? []), ...rows]);
  return [...found];
}

describe("a stream of rows", () => {
  it("gives back what it was made of, however it is cut into pieces", async () => {
    await fc.assert(
      fc.asyncProperty(tables, fc.integer({ min: 1, max: 50 }), async (contents, pieceBytes) => {
        const bytes = await encoded(contents);
        const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) =>
          bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
        );
        assert.deepEqual(await decoded(pieces), Object.entries(contents));
      }),
      { numRuns: 60 },
    );
  });

  it("is refused when a part of it is missing or another", async () => {
    const bytes = await encoded({
      account: [
        ["a", 1],
        ["b", 2],
      ],
      key: [["c", new Uint8Array([1, 2])]],
    });
    for (let length = 0; length < bytes.length; length += 1) {
      await assert.rejects(decoded([bytes.subarray(0, length)]), `${length} bytes`);
    }
    const lines = bytes.toString().trimEnd().split("\n");
    for (const [title, others] of [
      ["a row is left out", lines.toSpliced(1, 1)],
      ["rows changed places", [lines[0], lines[2], lines[1], ...lines.slice(3)]],
      ["a value is another", [lines[0], '["a",9]', ...lines.slice(2)]],
      ["a row has too few values", [lines[0], '["a"]', ...lines.slice(2)]],
      ["a value has another type", [lines[0], '["a",true]', ...lines.slice(2)]],
      ["a table comes twice", [...lines.slice(0, 3), lines[0], ...lines.slice(3)]],
      ["something follows", [...lines, lines[0]]],
      ["a line is no JSON", [lines[0], "[", ...lines.slice(2)]],
    ] as const) {
      await assert.rejects(decoded([Buffer.from(`${others.join("\n")}\n`)]), title);
    }
  });
});
