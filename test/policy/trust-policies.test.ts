/** Which trust policies IAM takes, and what it says of the others. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PolicySyntaxError } from "../../src/policy/document.ts";
import { requireTrustDocument } from "../../src/policy/trust-policies.ts";

/** What IAM says of a trust policy; undefined when it takes it. */
function refusal(policy: unknown): string | undefined {
  try {
    requireTrustDocument(typeof policy === "string" ? policy : JSON.stringify(policy));
    return undefined;
  } catch (error) {
    assert.ok(error instanceof PolicySyntaxError, String(error));
    return error.message;
  }
}

const ROOT = "arn:aws:iam::111122223333:root";
const allow = { Effect: "Allow", Principal: { AWS: ROOT }, Action: "sts:AssumeRole" };
const { Effect: _effect, ...noEffect } = allow;
const { Principal: _principal, ...noPrincipal } = allow;
const { Action: _action, ...noAction } = allow;
const policy = (...statements: unknown[]) => ({ Version: "2012-10-17", Statement: statements });
const one = (members: object) => policy({ ...allow, ...members });

const STS = "AssumeRole policy may only specify STS AssumeRole actions.";

describe("a trust policy", () => {
  // As users quote it and public tools that follow IAM expect it.
  const refused: readonly (readonly [policy: unknown, message: string])[] = [
    ["{", "This policy contains invalid Json"],
    [` ${JSON.stringify(policy(allow))}`, "JSON strings must not have leading spaces"],
    [{ ...policy(allow), Version: "2013-10-17" }, "The policy must contain a valid version string"],
    [{ Version: "2012-10-17" }, "Missing required field Statement"],
    [policy(), "Could not parse the policy: Statement is empty!"],
    [policy({ ...allow, Sid: "a" }, { ...allow, Sid: "a" }), "The Statement Ids in the policy are not unique"],
    [policy(noEffect), "Missing required field Effect"],
    [one({ Effect: "allow" }), "Invalid effect: allow"],
    [policy(noPrincipal), "Missing required field Principal"],
    [one({ Principal: {} }), "Missing required field Principal cannot be empty!"],
    [one({ Principal: ROOT }), "Principal must be a JSON object."],
    [one({ Principal: "*" }), 'AssumeRolepolicy contained an invalid principal: "STAR":"*".'],
    [
      one({ Principal: { AWS: [] } }),
      "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a statement with no principals!",
    ],
    [one({ Principal: { Aws: ROOT } }), 'Invalid principal in policy: "Aws"'],
    [one({ Principal: { AWS: "me" } }), 'Invalid principal in policy: "AWS":"me"'],
    [one({ Principal: { Service: ["ec2.amazonaws.com", "x"] } }), 'Invalid principal in policy: "SERVICE":"x"'],
    [policy({ ...noPrincipal, NotPrincipal: { AWS: ROOT } }), "Allow with NotPrincipal is not allowed."],
    [
      policy({ ...noPrincipal, Effect: "Deny", NotPrincipal: { AWS: ROOT } }),
      "AssumeRole policy must not contain NotPrincipal field.",
    ],
    [policy(noAction), "Missing required field Action"],
    [one({ Action: "*" }), STS],
    [one({ Action: "AssumeRole" }), STS],
    [one({ Action: ["sts:AssumeRole", "kms:Decrypt"] }), STS],
    [policy({ ...noAction, NotAction: "kms:*" }), STS],
    [one({ Resource: "*" }), "Has prohibited field Resource"],
    [one({ NotResource: "*" }), "AssumeRole policy must not contain resources."],
  ];
  for (const [document, message] of refused) {
    it(`is not ${typeof document === "string" ? document : JSON.stringify(document)}`, () => {
      assert.equal(refusal(document), message);
    });
  }

  for (const document of [
    policy(allow),
    { Statement: allow },
    `\n  ${JSON.stringify(policy(allow))}\n`,
    one({ Principal: { AWS: "*" }, Condition: { StringEquals: { "sts:ExternalId": "x" } } }),
    one({ Principal: { AWS: [ROOT, "111122223333"], Service: "ec2.amazonaws.com" } }),
    one({ Principal: { Federated: "accounts.google.com" }, Action: "sts:AssumeRoleWithWebIdentity" }),
    one({ Action: ["STS:AssumeRole", "sts:TagSession"] }),
    policy({ ...noAction, NotAction: "sts:TagSession" }),
    policy({ ...allow, Sid: "" }, { ...allow, Sid: "" }),
  ]) {
    it(`may be ${typeof document === "string" ? document : JSON.stringify(document)}`, () => {
      assert.equal(refusal(document), undefined);
    });
  }
});
