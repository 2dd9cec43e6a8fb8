/** The KDF against NIST's vectors, and against another implementation for what those leave open. */

import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { describe, it } from "node:test";
import { counterMode, deriveKey } from "../../src/custody/kdf.ts";
import nist from "../vectors/kbkdf-counter-hmac-sha512.json" with { type: "json" };
import laidOut from "../vectors/kbkdf-label-context.json" with { type: "json" };

const key = (hex: string) => createSecretKey(Uint8Array.fromHex(hex));

describe("the counter-mode KDF with HMAC-SHA-512", () => {
  it("has 13 of NIST's 40 vectors here, ten of them as long as a blob's key", () => {
    assert.equal(nist.vectors.length, 13);
    assert.equal(nist.vectors.filter(({ L }) => L === 256).length, 10);
  });

  for (const { count, L, KI, fixedInput, KO } of nist.vectors) {
    it(`gives NIST's key for vector ${count} with L = ${L}`, () => {
      assert.equal(counterMode(key(KI), Uint8Array.fromHex(fixedInput), L / 8).toHex(), KO);
    });
  }

  for (const { key: hex, label, context, lengthBytes, derived } of laidOut.vectors) {
    it(`lays out label, separator, context and length like another implementation (${label}, ${lengthBytes} bytes)`, () => {
      assert.equal(deriveKey(key(hex), label, Uint8Array.fromHex(context), lengthBytes).toHex(), derived);
    });
  }

  it("gives a key in memory of its own", () => {
    assert.equal(deriveKey(key("00"), "x", new Uint8Array(0), 32).buffer.byteLength, 32);
  });

  for (const lengthBytes of [0, -1, 1.5, 1025, Number.NaN]) {
    it(`refuses a length of ${lengthBytes} bytes`, () => {
      assert.throws(() => deriveKey(key("00"), "x", new Uint8Array(0), lengthBytes), RangeError);
    });
  }
});
