/** GetKeyPolicy, PutKeyPolicy and ListKeyPolicies. */

import { NotFoundException } from "../../base/errors.ts";
import { updateKey } from "../../storage/keys.ts";
import { bypassCondition, contextOfKey } from "../conditions.ts";
import { keyIdOrArn } from "../identifiers.ts";
import { POLICY_NAME, requireKeyPolicy } from "../key-policies.ts";
import { anyState } from "../key-states.ts";
import { change, read } from "../operation.ts";
import { key } from "../resources.ts";

/** The text of the key policy exactly as it was put; the only policy name is `default`. */
export const getKeyPolicy = read("GetKeyPolicy", {
  targets: [{ as: "key", action: "kms:GetKeyPolicy", resource: key("KeyId", keyIdOrArn), states: anyState }],
  record: {
    readOnly: true,
    request: ({ KeyId, PolicyName = POLICY_NAME }) => ({ KeyId, PolicyName }),
    resources: ["key"],
  },
  check: ({ PolicyName }) => requirePolicyName(PolicyName),
  run: (_input, { key }) => ({ Policy: key.row.policy, PolicyName: POLICY_NAME }),
});

/** Replaces the key policy (API reference, PutKeyPolicy); for its errors see key-policies.ts. */
export const putKeyPolicy = change("PutKeyPolicy", {
  targets: [{ as: "key", action: "kms:PutKeyPolicy", resource: key("KeyId", keyIdOrArn), states: anyState }],
  conditions: bypassCondition,
  record: {
    readOnly: false,
    request: ({ KeyId, PolicyName = POLICY_NAME, Policy, BypassPolicyLockoutSafetyCheck = false }) => ({
      KeyId,
      PolicyName,
      Policy,
      BypassPolicyLockoutSafetyCheck,
    }),
    resources: ["key"],
  },
  check: ({ PolicyName }) => requirePolicyName(PolicyName),
  async run({ Policy, BypassPolicyLockoutSafetyCheck }, { call, key, tx }) {
    const bypassLockout = BypassPolicyLockoutSafetyCheck === true;
    requireKeyPolicy(Policy, { call, keyArn: key.arn, bypassLockout, context: contextOfKey(call, key) });
    await updateKey(tx, key.row, { policy: Policy });
    return {};
  },
});

/** Always the one name `default`. */
export const listKeyPolicies = read("ListKeyPolicies", {
  targets: [{ as: "key", action: "kms:ListKeyPolicies", resource: key("KeyId", keyIdOrArn), states: anyState }],
  record: { readOnly: true, request: ["KeyId", "Limit", "Marker"], resources: ["key"] },
  run: () => ({ PolicyNames: [POLICY_NAME], Truncated: false }),
});

function requirePolicyName(name: string | undefined): void {
  if (name !== undefined && name !== POLICY_NAME) throw new NotFoundException("No such policy exists");
}
