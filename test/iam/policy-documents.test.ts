/** Policy documents as IAM counts and shows them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { countedCharacters, encodeDocument } from "../../src/iam/policy-documents.ts";

describe("an encoded policy document", () => {
  it("has RFC 3986's unreserved characters and escapes alone, and decodes to itself", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const encoded = encodeDocument(text);
        assert.match(encoded, /^(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*$/);
        assert.equal(decodeURIComponent(encoded), text);
      }),
    );
  });

  it("escapes what JavaScript leaves as it is", () => assert.equal(encodeDocument("!'()* ~"), "%21%27%28%29%2A%20~"));
});

describe("the size of a policy document", () => {
  for (const { text, size } of [
    { text: "", size: 0 },
    { text: '{ "a":\n\t"b c" }\r\n', size: 10 },
    { text: "\u00a0é", size: 2 },
  ]) {
    it(`of ${JSON.stringify(text)} is ${size}`, () => assert.equal(countedCharacters(text), size));
  }
});
