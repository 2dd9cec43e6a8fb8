/** Who may call IAM at all. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { operations } from "../../src/iam/operations/index.ts";
import type { SessionClaims } from "../../src/identity/session.ts";
import type { Call } from "../../src/pipeline/operation.ts";

const getUser = operations.get("GetUser");

/** A call with temporary credentials of a kind, with or without a multi-factor device. */
function call(kind: SessionClaims["kind"] | undefined, mfaAt?: number): Call {
  const session = kind === undefined ? undefined : { kind, ...(mfaAt !== undefined && { mfaAt }) };
  return { principal: { session } } as unknown as Call;
}

describe("IAM", () => {
  for (const { title, kind, mfaAt } of [
    { title: "an access key of its own", kind: undefined },
    { title: "a session of a role", kind: "assumed-role" },
    { title: "a session of GetSessionToken with a multi-factor device", kind: "session-token", mfaAt: 1 },
  ] as const) {
    it(`is called with ${title}`, () => getUser?.validate?.({}, call(kind, mfaAt)));
  }

  for (const { title, kind } of [
    { title: "a session of GetSessionToken without a multi-factor device", kind: "session-token" },
    { title: "a session of GetFederationToken", kind: "federated-user" },
  ] as const) {
    it(`is not called with ${title}`, () => {
      assert.ok(getUser?.validate !== undefined);
      assert.throws(() => getUser.validate?.({}, call(kind)), {
        name: "UnrecognizedClientException",
        message: "The security token included in the request is invalid",
      });
    });
  }

  it("has 78 operations: those of its model but for the simulations", () => assert.equal(operations.size, 78));
});
