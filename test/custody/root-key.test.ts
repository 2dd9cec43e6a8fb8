/** Root keys: what their id reveals, and the recovery key that people type. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import {
  createRecoveryKey,
  ephemeralRootKey,
  RootKey,
  readEnvironmentRootKey,
  readRecoveryKey,
} from "../../src/custody/root-key.ts";
import { decodeRootSecret, encodeRootSecret, RootKeyFormatError } from "../../src/custody/root-key-text.ts";
import { Secret } from "../../src/custody/secret.ts";
import { ascii } from "./fixtures.ts";

const secretBytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
const printed = (): string => {
  const { text } = createRecoveryKey();
  return new TextDecoder().decode(text.bytes);
};

describe("a root key", () => {
  it("has an id of 32 hex digits, the same for the same secret and another for another", () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => index);
    const left = new RootKey("file", new Secret(bytes.slice()));
    const right = new RootKey("recovery", new Secret(bytes.slice()));
    assert.equal(left.id, "b053bb6ed06ad2521cf4a09ecb472ca2");
    assert.equal(right.id, left.id);
    assert.notEqual(ephemeralRootKey().id, ephemeralRootKey().id);
  });

  it("wipes its secret and shows no key", () => {
    const bytes = new Uint8Array(32).fill(0x5a);
    const rootKey = new RootKey("file", new Secret(bytes));
    assert.ok(bytes.every((byte) => byte === 0));
    const shown = inspect(rootKey, { depth: null, showHidden: true }) + JSON.stringify(rootKey);
    assert.ok(!shown.includes(rootKey.sealing.export().toString("hex")));
    assert.deepEqual(Object.keys(rootKey).sort(), ["id", "kind"]);
  });

  it("refuses a secret of another length, and wipes it all the same", () => {
    const bytes = new Uint8Array(31).fill(1);
    assert.throws(() => new RootKey("file", new Secret(bytes)), /32 bytes/);
    assert.ok(bytes.every((byte) => byte === 0));
  });

  it("comes from an environment variable in the same text form", () => {
    const { rootKey, text } = createRecoveryKey();
    const read = readEnvironmentRootKey(new TextDecoder().decode(text.bytes));
    assert.equal(read.id, rootKey.id);
    assert.equal(read.kind, "environment");
  });
});

describe("a recovery key", () => {
  it("is printed in eight groups of eight and read back", () => {
    const { rootKey, text } = createRecoveryKey();
    assert.match(new TextDecoder().decode(text.bytes), /^keystead-root-1(?:-[0-9a-hjkmnp-tv-z]{8}){8}$/);
    assert.equal(readRecoveryKey(text.bytes).id, rootKey.id);
    assert.equal(rootKey.kind, "recovery");
    assert.equal(inspect(text), "[secret]");
  });

  const typed: readonly { title: string; change: (text: string) => string }[] = [
    { title: "in capitals", change: (text) => text.toUpperCase() },
    { title: "with spaces instead of hyphens", change: (text) => text.replace(/(?<=1-.*)-/g, " ") },
    { title: "with line ends", change: (text) => `${text.slice(0, 42)}\r\n${text.slice(42)}\n` },
    {
      title: "with O for 0 and l for 1",
      change: (text) => text.replace(/(?<=1-.*)0/g, "O").replace(/(?<=1-.*)1/g, "l"),
    },
  ];
  for (const { title, change } of typed) {
    it(`may be typed ${title}`, () => {
      const text = printed();
      assert.equal(readRecoveryKey(ascii(change(text))).id, readRecoveryKey(ascii(text)).id);
    });
  }

  const refused: readonly { title: string; change: (text: string) => string; message: RegExp }[] = [
    { title: "nothing", change: () => "", message: /not a root key/ },
    { title: "another version", change: (text) => text.replace("root-1", "root-2"), message: /not a root key/ },
    { title: "one with its end cut off", change: (text) => text.slice(0, -1), message: /63 characters instead of 64/ },
    { title: "one with a character too many", change: (text) => `${text}0`, message: /more than 64/ },
    { title: "one with a character that none has", change: (text) => `${text.slice(0, -1)}u`, message: /Character 64/ },
  ];
  for (const { title, change, message } of refused) {
    it(`is not ${title}`, () => {
      assert.throws(
        () => readRecoveryKey(ascii(change(printed()))),
        (error) => {
          assert.ok(error instanceof RootKeyFormatError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it("is refused with any one character exchanged, and the message shows nothing of it", () => {
    const text = printed();
    const digits = "0123456789abcdefghjkmnpqrstvwxyz";
    for (let at = "keystead-root-1-".length; at < text.length; at += 1) {
      const character = text[at] ?? "";
      if (character === "-") continue;
      const other = digits[(digits.indexOf(character) + 1) % 32] ?? "";
      const changed = text.slice(0, at) + other + text.slice(at + 1);
      assert.throws(() => readRecoveryKey(ascii(changed)), /checksum does not fit: a character of it is wrong$/);
    }
  });
});

describe("the text form of a root secret", () => {
  it("is read back as it was written", () => {
    fc.assert(
      fc.property(secretBytes, (bytes) => {
        using text = encodeRootSecret(new Secret(bytes.slice()));
        assert.deepEqual(decodeRootSecret(text.bytes).bytes, bytes);
      }),
    );
  });

  it("makes any other bytes an error of ours", () => {
    const prefixed = fc
      .uint8Array({ maxLength: 80 })
      .map((bytes) => Uint8Array.from([...ascii("keystead-root-1-"), ...bytes]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), prefixed), (bytes) => {
        assert.throws(() => decodeRootSecret(bytes), RootKeyFormatError);
      }),
    );
  });
});
