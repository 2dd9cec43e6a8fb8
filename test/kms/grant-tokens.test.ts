/** Grant tokens: what they hold, and what is none. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { newGrantId } from "../../src/base/ids.ts";
import { newGrantToken, parseGrantToken } from "../../src/kms/grant-tokens.ts";
import { operations } from "../../src/kms/operations/index.ts";
import type { Call } from "../../src/pipeline/operation.ts";
import type { Reader } from "../../src/storage/store.ts";
import kmsJson from "../../src/wire/models/kms.json" with { type: "json" };

describe("a grant token", () => {
  it("stands for its grant, and is another each time", () => {
    const grantId = newGrantId();
    const tokens = Array.from({ length: 100 }, () => newGrantToken(grantId));
    assert.equal(new Set(tokens).size, tokens.length);
    for (const token of tokens) {
      assert.equal(parseGrantToken(token), grantId);
      assert.match(token, /^[A-Za-z0-9+/]+={0,2}$/);
      assert.ok(!token.includes(grantId));
    }
  });

  it("is none once any of its bytes is changed, and none of any other length", () => {
    const bytes = Buffer.from(newGrantToken(newGrantId()), "base64");
    for (const [at, byte] of bytes.entries()) {
      for (const bit of [1, 128]) {
        const changed = Buffer.from(bytes);
        changed[at] = byte ^ bit;
        assert.equal(parseGrantToken(changed.toString("base64")), undefined, `byte ${at}`);
      }
      assert.equal(parseGrantToken(bytes.subarray(0, at).toString("base64")), undefined);
    }
    assert.equal(parseGrantToken(Buffer.concat([bytes, Buffer.of(0)]).toString("base64")), undefined);
  });

  it("has one spelling", () => {
    const token = newGrantToken(newGrantId());
    for (const other of [` ${token}`, `${token}=`, `${token}\n`, token.replaceAll("=", "")]) {
      if (other !== token) assert.equal(parseGrantToken(other), undefined, JSON.stringify(other));
    }
  });

  it("is no text that nobody made", () => {
    fc.assert(fc.property(fc.string(), (text) => parseGrantToken(text) === undefined));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 60, maxLength: 70 }), (bytes) => {
        assert.equal(parseGrantToken(Buffer.from(bytes).toString("base64")), undefined);
      }),
    );
  });
});

describe("every operation whose input has GrantTokens in the model", () => {
  const { operations: declared, shapes } = kmsJson as unknown as {
    operations: Record<string, { input?: { shape: string } }>;
    shapes: Record<string, { members?: object }>;
  };
  const names = Object.keys(declared).filter((name) =>
    Object.hasOwn(shapes[declared[name]?.input?.shape ?? ""]?.members ?? {}, "GrantTokens"),
  );
  const call = { region: "us-east-1" } as Call; // a token is looked up in the Region alone
  const nothing: Reader = { find: () => undefined };

  for (const name of names.filter((operation) => operations.has(operation))) {
    it(`refuses in ${name} what is no token, and a token of a grant that is not there`, () => {
      for (const token of ["no token", newGrantToken(newGrantId())]) {
        const input = { GrantTokens: [token] };
        const resolve = () => operations.get(name)?.targets[0]?.resolve(input, call, nothing);
        assert.throws(resolve, { code: "InvalidGrantTokenException", status: 400 });
      }
    });
  }

  it("is one of 17", () => assert.equal(names.length, 17));
});
