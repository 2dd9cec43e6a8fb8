/** What IAM has, and whose calls it takes. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { operations } from "../../src/iam/operations/index.ts";
import { mayCallIam } from "../../src/iam/session-limits.ts";
import type { Principal } from "../../src/identity/principal.ts";
import type { SessionClaims } from "../../src/identity/session.ts";

/** A caller with temporary credentials of a kind, with or without a multi-factor device. */
function caller(kind: SessionClaims["kind"] | undefined, mfaAt?: number): Principal {
  const session = kind === undefined ? undefined : { kind, ...(mfaAt !== undefined && { mfaAt }) };
  return { session } as unknown as Principal;
}

describe("IAM", () => {
  for (const { title, kind, mfaAt, admitted } of [
    { title: "an access key of its own", kind: undefined, admitted: true },
    { title: "a session of a role", kind: "assumed-role", admitted: true },
    {
      title: "a session of GetSessionToken with a multi-factor device",
      kind: "session-token",
      mfaAt: 1,
      admitted: true,
    },
    { title: "a session of GetSessionToken without a multi-factor device", kind: "session-token", admitted: false },
    { title: "a session of GetFederationToken", kind: "federated-user", admitted: false },
  ] as const) {
    it(`${admitted ? "takes" : "does not take"} calls with ${title}`, () => {
      assert.equal(mayCallIam(caller(kind, mfaAt)), admitted);
    });
  }

  it("has the 100 operations of its model", () => assert.equal(operations.size, 100));
});
