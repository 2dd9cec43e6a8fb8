/** Two different lists of fields never share bytes. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { lengthsFirst, splitLengthsFirst, u32be } from "../../src/custody/lengths-first.ts";

describe("fields written lengths first", () => {
  it("follow their lengths as four bytes, big-endian", () => {
    assert.equal(lengthsFirst(["é", u32be(258), ""]).toHex(), "00000002c3a9000000040000010200000000");
  });

  it("are the same bytes only for the same fields", () => {
    const fields = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\0"), maxLength: 3 }), { maxLength: 3 });
    fc.assert(
      fc.property(fields, fields, (left, right) => {
        assert.equal(lengthsFirst(left).toHex() === lengthsFirst(right).toHex(), isDeepStrictEqual(left, right));
      }),
    );
  });

  it("are found again, and what was cut or goes on is refused", () => {
    const fields = fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 4 });
    fc.assert(
      fc.property(fields, (given) => {
        const encoded = lengthsFirst(given);
        const split = splitLengthsFirst(encoded);
        assert.deepEqual(
          split.map((field) => [...field]),
          given.map((field) => [...field]),
        );
        if (encoded.length > 0) assert.throws(() => splitLengthsFirst(encoded.subarray(0, -1)), RangeError);
        assert.throws(() => splitLengthsFirst(new Uint8Array([...encoded, 0, 0, 0])), RangeError);
      }),
    );
  });
});
