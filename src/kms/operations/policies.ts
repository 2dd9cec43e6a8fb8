/** GetKeyPolicy, PutKeyPolicy and ListKeyPolicies. */

import { parsePrincipalIds, shownPolicy } from "../../access/principals.ts";
import { NotFoundException } from "../../base/errors.ts";
import { updateKey } from "../../storage/keys.ts";
import type { Reader } from "../../storage/store.ts";
import { bypassCondition, contextOfKey } from "../conditions.ts";
import { keyIdOrArn } from "../identifiers.ts";
import { POLICY_NAME, requireKeyPolicy } from "../key-policies.ts";
import { anyState } from "../key-states.ts";
import { change, read } from "../operation.ts";
import { key } from "../resources.ts";

/** The text of the key policy as it was put, principals that are gone by their ids; the only policy name is `default`. */
export const getKeyPolicy = read("GetKeyPolicy", {
  targets: [{ as: "key", action: "kms:GetKeyPolicy", resource: key("KeyId", keyIdOrArn), states: anyState }],
  record: {
    readOnly: true,
    request: ({ KeyId, PolicyName = POLICY_NAME }) => ({ KeyId, PolicyName }),
    resources: ["key"],
  },
  check: ({ PolicyName }) => requirePolicyName(PolicyName),
  async run(_input, { key, store }) {
    const { policy, policy_principals } = key.row;
    const ids = parsePrincipalIds(policy_principals);
    return { Policy: await store.settle((reader) => shownPolicy(policy, ids, reader)), PolicyName: POLICY_NAME };
  },
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
  async run({ Policy, BypassPolicyLockoutSafetyCheck }, { call, key, tx, unknownPrincipals }) {
    const bypassLockout = BypassPolicyLockoutSafetyCheck === true;
    const contextOf = (reader: Reader) => contextOfKey(call, key, reader);
    const asked = { call, keyArn: key.arn, bypassLockout, tx, unknownPrincipals, contextOf };
    const { principals } = await requireKeyPolicy(Policy, asked);
    await updateKey(tx, key.row, { policy: Policy, policy_principals: principals });
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
