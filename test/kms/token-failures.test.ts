/** What goes wrong with a cluster's HSMs, and what callers are told of it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ServiceError } from "../../src/base/errors.ts";
import { TokenError, type TokenFault } from "../../src/custody/pkcs11/token-errors.ts";
import { asCreating, asUsing, connectionErrorOf } from "../../src/kms/key-stores/token-failures.ts";

const [INVALID, CREATING] = ["KMSInvalidStateException", "CustomKeyStoreInvalidStateException"];

describe("a fault of a token", () => {
  for (const [fault, connecting, using = INVALID, creating = CREATING] of [
    ["credentials", "INVALID_CREDENTIALS"],
    ["locked", "USER_LOCKED_OUT"],
    ["loggedIn", "USER_LOGGED_IN"],
    ["missing", "INTERNAL_ERROR"],
    ["noUser", "USER_NOT_FOUND"],
    ["sessions", "INTERNAL_ERROR", "KMSInternalException", "KMSInternalException"],
    ["unreachable", "NETWORK_ERRORS"],
  ] as const satisfies readonly (readonly [TokenFault, string, string?, string?])[]) {
    it(`S06a-010, S06a-022, S07-032: "${fault}" ends a connection with ${connecting}, and a use with ${using}`, () => {
      const cause = new TokenError(fault, "C_Something returned 0xff.");
      assert.equal(connectionErrorOf(cause), connecting);
      for (const [told, code] of [
        [asUsing(cause), using],
        [asCreating(cause), creating],
      ] as const) {
        assert.ok(told instanceof ServiceError);
        assert.deepEqual([told.code, told.status], [code, code === "KMSInternalException" ? 500 : 400]);
        assert.doesNotMatch(told.message, /C_Something/);
        assert.equal(/PKCS #11 session/.test(told.message), fault === "sessions");
      }
    });
  }

  it("is the only thing that is told so: another error stays what it is", () => {
    const bug = new Error("a bug");
    assert.equal(asUsing(bug), bug);
    assert.equal(connectionErrorOf(bug), "INTERNAL_ERROR");
  });
});
