/** Secrets never print, and are zero once their owner is done. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { Secret } from "../../src/custody/secret.ts";
import { ascii } from "./fixtures.ts";

describe("a secret", () => {
  const word = "correct horse";
  const shown: readonly { title: string; print: (secret: Secret) => string }[] = [
    { title: "a template", print: (secret) => `${secret}` },
    { title: "JSON", print: (secret) => JSON.stringify({ secret }) },
    { title: "util.inspect", print: (secret) => inspect({ secret }, { depth: null, showHidden: true }) },
    { title: "an error's cause", print: (secret) => inspect(new Error("x", { cause: secret })) },
    { title: "Object.entries", print: (secret) => JSON.stringify([Object.entries(secret), { ...secret }]) },
  ];
  for (const { title, print } of shown) {
    it(`does not show its bytes in ${title}`, () => {
      using secret = new Secret(ascii(word));
      const text = print(secret);
      for (const form of [word, ascii(word).toHex(), ascii(word).toBase64(), ascii(word).join(","), "63 6f 72"]) {
        assert.ok(!text.includes(form));
      }
    });
  }

  it("prints as [secret]", () => {
    using secret = new Secret(ascii(word));
    assert.equal(`${secret}`, "[secret]");
    assert.equal(inspect(secret), "[secret]");
    assert.equal(JSON.stringify(secret), '"[secret]"');
  });

  it("is wiped at the end of its block and refuses to be used after it", () => {
    const bytes = ascii(word);
    let kept: Secret;
    {
      using secret = new Secret(bytes);
      kept = secret;
      assert.deepEqual(secret.bytes, ascii(word));
    }
    assert.ok(bytes.every((byte) => byte === 0));
    assert.throws(() => kept.bytes, /after it had been wiped/);
  });

  it("is random and in memory of its own when it is made", () => {
    using left = Secret.random(32);
    using right = Secret.random(32);
    assert.notDeepEqual(left.bytes, right.bytes);
    assert.equal(left.bytes.buffer.byteLength, 32);
  });
});
