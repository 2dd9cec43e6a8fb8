/** Messages of the AWS Encryption SDK: what was written opens, what was changed does not, and anything else is none. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { openMessage, parseMessage, sealMessage } from "../../src/custody/encrypted-message.ts";

const dataKey = new Uint8Array(randomBytes(32));
const header = {
  context: { PARAMETER_ARN: "arn:aws:ssm:us-east-1:111122223333:parameter/a", b: "é" },
  dataKey: { keyArn: "arn:aws:kms:us-east-1:111122223333:key/k", ciphertext: new Uint8Array(randomBytes(40)) },
};
const bytes = fc.uint8Array({ maxLength: 300 });

describe("a message", () => {
  it("opens with its data key, and says its context and its encrypted data key before that", () => {
    fc.assert(
      fc.property(bytes, (plaintext) => {
        const message = sealMessage(dataKey, plaintext, header);
        const parsed = parseMessage(message);
        assert.deepEqual({ ...parsed?.context }, header.context);
        assert.deepEqual(parsed?.dataKey, header.dataKey);
        assert.deepEqual(openMessage(dataKey, message), plaintext);
      }),
    );
  });

  it("does not open with any bit changed, cut anywhere, or followed by anything", () => {
    const message = sealMessage(dataKey, new Uint8Array(20), header);
    for (let index = 0; index < message.length; index += 1) {
      const changed = message.slice();
      changed[index] = (changed[index] ?? 0) ^ (1 << (index % 8));
      assert.equal(openMessage(dataKey, changed), undefined, `byte ${index}`);
      assert.equal(openMessage(dataKey, message.slice(0, index)), undefined, `cut at ${index}`);
    }
    assert.equal(openMessage(dataKey, Uint8Array.of(...message, 0)), undefined);
    assert.equal(openMessage(new Uint8Array(32), message), undefined);
  });

  it("is none where the bytes are others", () => {
    fc.assert(fc.property(bytes, (other) => assert.equal(parseMessage(other), undefined)));
    fc.assert(
      fc.property(bytes, (rest) => {
        const parsed = parseMessage(Uint8Array.of(1, 0x80, 0x01, 0x78, ...rest));
        assert.equal(parsed, undefined);
      }),
    );
  });
});
