/** Attach, detach and list the managed policies of users, groups and roles. */

import { NoSuchEntityException } from "../../base/errors.ts";
import type { Operation } from "../../pipeline/operation.ts";
import { attachPolicy, detachPolicy } from "../../storage/identity-policies.ts";
import type { IdentityKind } from "../../storage/identity-schema.ts";
import { boundaryCondition, policyCondition } from "../conditions.ts";
import { describeAttached } from "../descriptions.ts";
import { change, read } from "../operation.ts";
import { pageOfAll } from "../pages.ts";
import { requireQuota } from "../quotas.ts";
import { findPolicy, identity, modifiable, notAttachable, requirePolicyArn } from "../resources.ts";

const NOUNS = { user: "User", group: "Group", role: "Role" } as const;

/** The three operations of one kind; they differ in nothing but the member that names it, so one kind's types do for all. */
function attachments(kind: IdentityKind): readonly Operation[] {
  const noun = NOUNS[kind];
  const conditions = { ...policyCondition, ...(kind !== "group" && boundaryCondition) };

  const attach = change(`Attach${noun}Policy` as "AttachUserPolicy", {
    targets: [{ as: "owner", action: `iam:Attach${noun}Policy`, resource: modifiable(kind) }],
    conditions,
    validate: ({ PolicyArn }, call) => requirePolicyArn(PolicyArn, call),
    async run({ PolicyArn }, { owner: { identity: owner }, call, tx }) {
      const policy = await tx.settle((reader) => findPolicy(PolicyArn, call.principal.account, reader));
      if (policy === undefined) throw new NoSuchEntityException(notAttachable(PolicyArn));
      if (owner.attached.includes(PolicyArn)) return {};
      requireQuota(`PoliciesPer${noun}`, owner.attached.length + 1);
      await attachPolicy(tx, owner.unique_id, PolicyArn);
      return {};
    },
  });

  const detach = change(`Detach${noun}Policy` as "DetachUserPolicy", {
    targets: [{ as: "owner", action: `iam:Detach${noun}Policy`, resource: modifiable(kind) }],
    conditions,
    validate: ({ PolicyArn }, call) => requirePolicyArn(PolicyArn, call),
    async run({ PolicyArn }, { owner: { identity: owner }, tx }) {
      if (!owner.attached.includes(PolicyArn)) {
        throw new NoSuchEntityException(`Policy ${PolicyArn} was not found.`);
      }
      await detachPolicy(tx, owner.unique_id, PolicyArn);
      return {};
    },
  });

  const list = read(`ListAttached${noun}Policies` as "ListAttachedUserPolicies", {
    targets: [{ as: "owner", action: `iam:ListAttached${noun}Policies`, resource: identity(kind) }],
    async run(input, context) {
      const { attached, unique_id } = context.owner.identity;
      const { PathPrefix = "/" } = input;
      const all = describeAttached(attached.filter((arn) => pathOf(arn).startsWith(PathPrefix)));
      const { items, end } = await pageOfAll(input, context, { filter: [unique_id, PathPrefix], all });
      return { AttachedPolicies: [...items], ...end };
    },
  });

  return [attach, detach, list];
}

/** The path in the ARN of a managed policy, with a slash at both ends. */
function pathOf(arn: string): string {
  return arn.slice(arn.indexOf(":policy/") + ":policy".length, arn.lastIndexOf("/") + 1);
}

/** AttachUserPolicy, DetachGroupPolicy, … of all three kinds. */
export const attachmentOperations: readonly Operation[] = [
  ...attachments("user"),
  ...attachments("group"),
  ...attachments("role"),
];
