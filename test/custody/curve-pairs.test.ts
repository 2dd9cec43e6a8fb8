/** Key pairs of curves: what is filled into a form is what OpenSSL would have written. */

import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { describe, it } from "node:test";
import { newCurvePair } from "../../src/custody/curve-pairs.ts";

/** With so many pairs one in 256 of which has a scalar that begins with a zero byte, some have. */
const PAIRS = 1_500;

describe("a new pair of a curve", () => {
  for (const { curve, pairs } of [
    { curve: "prime256v1", pairs: PAIRS },
    { curve: "secp384r1", pairs: 10 },
    { curve: "secp521r1", pairs: 10 },
    { curve: "secp256k1", pairs: 10 },
    { curve: "ed25519", pairs: 10 },
  ]) {
    it(`of ${curve} is encoded as OpenSSL encodes it, whatever its scalar begins with`, () => {
      const seen = new Set<string>();
      for (let index = 0; index < pairs; index += 1) {
        const pair = newCurvePair(curve);
        const privateKey = createPrivateKey({ key: Buffer.from(pair.privateKey), format: "der", type: "pkcs8" });
        const publicKey = createPublicKey(privateKey);
        assert.ok(privateKey.export({ type: "pkcs8", format: "der" }).equals(pair.privateKey));
        assert.ok(publicKey.export({ type: "spki", format: "der" }).equals(pair.publicKey));
        seen.add(Buffer.from(pair.publicKey).toString("hex"));
      }
      assert.equal(seen.size, pairs);
    });
  }
});
