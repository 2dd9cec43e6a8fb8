/** The CBOR reader against an encoder that is not ours, and against bytes that mean harm. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { byteStringHead, CborError, decodeCbor } from "../../src/base/cbor.ts";
import { cbor } from "../attestation.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

const leaf = fc.oneof(
  fc.integer(),
  fc.string({ unit: "grapheme" }),
  fc.uint8Array({ maxLength: 300 }),
  fc.constant(null),
);
const key = fc.oneof(fc.integer(), fc.string());

/** Arrays and maps of what `inner` makes. */
function around(inner: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const map = fc.array(fc.tuple(key, inner), { maxLength: 30 }).map((entries) => new Map(entries));
  return fc.oneof(leaf, fc.array(inner, { maxLength: 30 }), map);
}

describe("decoded CBOR", () => {
  it("is what an independent encoder encoded", () => {
    const value = around(around(around(leaf)));
    fc.assert(fc.property(value, (expected) => assert.deepEqual(decodeCbor(cbor(expected)), expected)));
  });

  it("is a value or a CborError, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeCbor(bytes);
        } catch (error) {
          assert.ok(error instanceof CborError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  // RFC 8949, appendix A
  for (const [encoded, expected] of [
    ["00", 0],
    ["17", 23],
    ["1818", 24],
    ["1903e8", 1000],
    ["1a000f4240", 1_000_000],
    ["1b000000e8d4a51000", 1_000_000_000_000],
    ["20", -1],
    ["3903e7", -1000],
    ["40", new Uint8Array(0)],
    ["4401020304", hex("01020304")],
    ["62c3bc", "ü"],
    ["826161a161626163", ["a", new Map([["b", "c"]])]],
    ["f6", null],
    ["9fff", []],
    ["9f018202039f0405ffff", [1, [2, 3], [4, 5]]],
    ["83018202039f0405ff", [1, [2, 3], [4, 5]]],
    [
      "bf61610161629f0203ffff",
      new Map<string, unknown>([
        ["a", 1],
        ["b", [2, 3]],
      ]),
    ],
  ] as const) {
    it(`reads ${encoded}`, () => assert.deepEqual(decodeCbor(hex(encoded)), expected));
  }

  for (const { title, bytes } of [
    { title: "nothing", bytes: "" },
    { title: "a byte too many", bytes: "0000" },
    { title: "a head without its argument", bytes: "18" },
    { title: "bytes that are missing", bytes: "4401" },
    { title: "an item that is missing", bytes: "8201" },
    { title: "a value that is missing", bytes: "a101" },
    { title: "a reserved argument", bytes: "1c" },
    { title: "an indefinite byte string", bytes: "5f4100ff" },
    { title: "indefinite text", bytes: "7f6161ff" },
    { title: "an indefinite array without its end", bytes: "9f01" },
    { title: "an indefinite map without its end", bytes: "bf0102" },
    { title: "an indefinite map that ends after a key", bytes: "bf01ff" },
    { title: "an indefinite integer", bytes: "1fff" },
    { title: "a break among what is counted", bytes: "8201ff" },
    { title: "a break alone", bytes: "ff" },
    { title: "a tag", bytes: "c100" },
    { title: "a float", bytes: "fb3ff199999999999a" },
    { title: "true", bytes: "f5" },
    { title: "undefined", bytes: "f7" },
    { title: "an integer that isn't safe", bytes: "1b0020000000000000" },
    { title: "text that is no UTF-8", bytes: "61ff" },
    { title: "a key twice", bytes: "a201020103" },
    { title: "a key twice in an indefinite map", bytes: "bf01020103ff" },
    { title: "a key of bytes", bytes: "a1410102" },
    { title: "more elements than there are bytes", bytes: "9a7fffffff" },
    { title: "more bytes than there are", bytes: "5b000fffffffffffff" },
    { title: "more entries than there are bytes", bytes: "bb000fffffffffffff" },
    { title: "deep nesting", bytes: `${"81".repeat(5)}00` },
    { title: "nesting as deep as the input is long", bytes: "81".repeat(262_144) },
    { title: "indefinite arrays inside each other", bytes: "9f".repeat(50_000) },
    { title: "maps inside maps", bytes: "a100".repeat(50_000) },
  ]) {
    it(`is not made of ${title}`, () => assert.throws(() => decodeCbor(hex(bytes)), CborError));
  }
});

describe("the head of a byte string", () => {
  it("is the encoder's", () => {
    for (const length of [0, 1, 23, 24, 255, 256, 16_384, 65_535]) {
      const encoded = cbor(new Uint8Array(length));
      assert.deepEqual(byteStringHead(length), encoded.subarray(0, encoded.length - length));
    }
  });

  it("has no longer form", () => assert.throws(() => byteStringHead(65_536), RangeError));
});
