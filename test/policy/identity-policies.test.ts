/** Which policies of users, groups and roles the parser takes, and what it says of the others. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PolicySyntaxError } from "../../src/policy/document.ts";
import { type IdentityPolicyForm, requireIdentityPolicy } from "../../src/policy/identity-policies.ts";
import { document, LEGACY, list, OLD, REFUSED, SYNTAX, TAKEN, VERSION } from "./identity-policy-documents.ts";

/** What IAM says of a policy; undefined when it takes it. */
function refusal(text: string, form: IdentityPolicyForm = "managed"): string | undefined {
  try {
    requireIdentityPolicy(text, form);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof PolicySyntaxError, String(error));
    return error.message;
  }
}

describe("a policy of an identity", () => {
  const refused = [...Object.entries(REFUSED), [VERSION, OLD] as const];
  for (const [text, message] of refused.flatMap(([message, texts]) => texts.map((text) => [text, message] as const))) {
    it(`is refused: ${text}`, () => assert.equal(refusal(text), message));
  }

  for (const text of TAKEN) {
    it(`is taken: ${text}`, () => assert.equal(refusal(text), undefined));
  }

  it("has the version that it likes where it is inline", () => {
    assert.equal(refusal(JSON.stringify({ Statement: list }), "inline"), undefined);
    assert.equal(refusal(JSON.stringify({ Version: "2008-10-17", Statement: list }), "inline"), undefined);
    assert.equal(refusal(JSON.stringify({ Version: "2013-10-17", Statement: list }), "inline"), SYNTAX);
  });

  it("begins without a space where it is kept", () => {
    const text = ` ${document(list)}`;
    assert.deepEqual([refusal(text), refusal(text, "inline"), refusal(text, "session")], [LEGACY, LEGACY, undefined]);
    assert.equal(refusal(`\n${text}`), undefined);
  });

  it("is a session's in STS's words where it is no JSON", () => {
    assert.equal(refusal("no json", "session"), "The policy is not in the valid JSON format.");
    assert.equal(refusal(JSON.stringify({ Statement: [] }), "session"), SYNTAX);
  });
});
