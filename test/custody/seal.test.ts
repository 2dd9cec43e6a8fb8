/** The seal by itself: what it says of itself is checked, too. */

import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Nonces } from "../../src/custody/nonces.ts";
import { findSealVersion, openRow, sealRow } from "../../src/custody/seal.ts";
import { ascii, flipped } from "./fixtures.ts";

const key = createSecretKey(new Uint8Array(32).fill(4));
const name = { purpose: "material", version: 258 };
const fields = ["a", "bc"];
const sealed = sealRow(key, name, { fields, plaintext: ascii("secret"), nonces: new Nonces() });

describe("a sealed row", () => {
  it("opens to what was sealed and names its domain key version", () => {
    assert.deepEqual(openRow(key, name, { fields, sealed }), ascii("secret"));
    assert.equal(findSealVersion(sealed), 258);
    assert.equal(sealed.length, 33 + 6);
  });

  it("does not open with any byte changed, the version it names included", () => {
    for (let index = 0; index < sealed.length; index += 1) {
      assert.equal(openRow(key, name, { fields, sealed: flipped(sealed, index) }), undefined, `byte ${index}`);
    }
  });

  const others: readonly { title: string; purpose?: string; version?: number; fields?: readonly string[] }[] = [
    { title: "another purpose", purpose: "credential" },
    { title: "another version", version: 2 },
    { title: "fields that join to the same text", fields: ["ab", "c"] },
    { title: "a field more", fields: ["a", "bc", ""] },
    { title: "a field less", fields: ["a"] },
  ];
  for (const { title, purpose = name.purpose, version = name.version, fields: given = fields } of others) {
    it(`does not open under ${title}`, () => {
      const renamed = sealed.slice();
      new DataView(renamed.buffer).setUint32(1, version);
      assert.equal(openRow(key, { purpose, version }, { fields: given, sealed: renamed }), undefined);
    });
  }

  it("is undefined for any other bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        assert.equal(openRow(key, name, { fields, sealed: bytes }), undefined);
      }),
    );
  });
});
