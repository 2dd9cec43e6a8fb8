/** Base64 as strictly as it is written. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeBase64 } from "../../src/wire/scalars.ts";
import { refusal } from "./requests.ts";

describe("base64", () => {
  for (const { title, text } of [
    { title: "of a broken length", text: "AAA" },
    { title: "of padding alone", text: "====" },
    { title: "with too much padding", text: "A===" },
    { title: "with padding after a full group", text: "AAAA====" },
    { title: "with padding inside", text: "AA==AAAA" },
    { title: "with bits that no byte takes, one byte long", text: "AB==" },
    { title: "with bits that no byte takes, two bytes long", text: "AAB=" },
    { title: "of the URL alphabet", text: "-_-_" },
    { title: "with a blank inside", text: "AA AAAAA" },
    { title: "of blanks", text: "    " },
    { title: "with a line end and blanks", text: "AAAA   \n" },
    { title: "with a letter beyond ASCII", text: "AAÄA" },
  ]) {
    it(`${title} is refused without repeating it`, () => {
      assert.deepEqual(
        refusal(() => decodeBase64(text)),
        { code: "SerializationException", message: "" },
      );
    });
  }

  it("decodes to the bytes that it stands for", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(decodeBase64(bytes.toBase64()), bytes)));
  });

  it("is taken only as it would be written", () => {
    const near = fc.string({ unit: fc.constantFrom("A", "B", "Q", "g", "=", "+", "-", " ", "\n"), maxLength: 12 });
    fc.assert(
      fc.property(near, (text) => {
        const canonical = Buffer.from(text, "base64").toString("base64") === text;
        if (canonical) assert.equal(decodeBase64(text).toBase64(), text);
        else assert.equal(refusal(() => decodeBase64(text)).code, "SerializationException");
      }),
      { numRuns: 2000 },
    );
  });
});
