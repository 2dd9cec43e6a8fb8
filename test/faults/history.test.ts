/** The checker of histories finds what no order explains, and nothing else. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { findAnomaly, findStaleRead, type Read, type Write } from "./history.ts";

const write = (version: number, begin: number, end?: number): Write => ({ version, begin, end });
const exactly = (version: number, begin: number, end: number): Read => ({
  begin,
  end,
  fits: (candidate) => candidate === version,
  label: `version ${version}`,
});
const ofParity = (parity: number, begin: number, end: number): Read => ({
  begin,
  end,
  fits: (candidate) => candidate % 2 === parity,
  label: `parity ${parity}`,
});

const cases: readonly { name: string; writes: Write[]; reads: Read[]; isLinearizable: boolean }[] = [
  {
    name: "a read after a write's answer sees it",
    writes: [write(1, 0, 1)],
    reads: [exactly(1, 2, 3)],
    isLinearizable: true,
  },
  {
    name: "a read after a write's answer is stale",
    writes: [write(1, 0, 1)],
    reads: [exactly(0, 2, 3)],
    isLinearizable: false,
  },
  {
    name: "a read beside a write may see either",
    writes: [write(1, 0, 9)],
    reads: [exactly(1, 1, 2), exactly(1, 3, 4)],
    isLinearizable: true,
  },
  {
    name: "what one read saw, a later one can't miss",
    writes: [write(1, 0, 9)],
    reads: [exactly(1, 1, 2), exactly(0, 3, 4)],
    isLinearizable: false,
  },
  {
    name: "reads beside each other may differ",
    writes: [write(1, 0, 9)],
    reads: [exactly(1, 1, 4), exactly(0, 2, 5)],
    isLinearizable: true,
  },
  {
    name: "nobody sees what has not begun",
    writes: [write(1, 5, 6)],
    reads: [exactly(1, 1, 2)],
    isLinearizable: false,
  },
  {
    name: "a write without an answer may be done late",
    writes: [write(1, 0)],
    reads: [exactly(0, 5, 6), exactly(1, 7, 8)],
    isLinearizable: true,
  },
  {
    name: "a write without an answer is done once",
    writes: [write(1, 0)],
    reads: [exactly(1, 5, 6), exactly(0, 7, 8)],
    isLinearizable: false,
  },
  {
    name: "an answer that tells little fits any such version",
    writes: [write(1, 0, 1), write(2, 2, 3)],
    reads: [ofParity(0, 4, 5)],
    isLinearizable: true,
  },
  {
    name: "an answer that tells little can be wrong as well",
    writes: [write(1, 0, 1), write(2, 2, 3)],
    reads: [ofParity(1, 4, 5)],
    isLinearizable: false,
  },
];

describe("the check of a history", () => {
  for (const { name, writes, reads, isLinearizable } of cases) {
    it(name, () => {
      assert.equal(findAnomaly(writes, reads) === undefined, isLinearizable);
    });
  }

  it("tells a read that missed an answered change from one that missed what was only seen", () => {
    const writes = [write(1, 0, 1), write(2, 2)];
    assert.equal(findStaleRead(writes, [exactly(2, 3, 4), exactly(1, 5, 6)]), undefined);
    assert.ok(findAnomaly(writes, [exactly(2, 3, 4), exactly(1, 5, 6)]));
    assert.ok(findStaleRead(writes, [exactly(0, 3, 4)]));
    assert.ok(findStaleRead(writes, [exactly(3, 3, 4)]));
  });

  it("accepts every history of a real register, and none in which a read went back", () => {
    // Writes take effect at 10, 20, …; reads at any point; each begins before and ends after its point.
    const spans = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }));
    const reading = fc.record({
      at: fc.integer({ min: 0, max: 99 }),
      span: fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 15 })),
    });
    fc.assert(
      fc.property(
        fc.array(spans, { minLength: 9, maxLength: 9 }),
        fc.array(reading, { minLength: 1, maxLength: 30 }),
        (writeSpans, readings) => {
          const writes = writeSpans.map(([before, after], index) => {
            const at = 10 * (index + 1);
            return write(index + 1, at - before, at + after);
          });
          const reads = readings.map(({ at, span: [before, after] }) =>
            exactly(Math.floor(at / 10), at - before, at + after + 0.5),
          );
          assert.equal(findAnomaly(writes, reads), undefined);
          assert.ok(findAnomaly(writes, [...reads, exactly(8, 95, 96), exactly(7, 97, 98)]));
        },
      ),
    );
  });
});
