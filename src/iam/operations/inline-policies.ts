/** Put, get, delete and list the inline policies of users, groups and roles. */

import { NoSuchEntityException } from "../../base/errors.ts";
import type { Operation } from "../../pipeline/operation.ts";
import { deleteInlinePolicy, putInlinePolicy } from "../../storage/identity-policies.ts";
import type { IdentityKind } from "../../storage/identity-schema.ts";
import { boundaryCondition } from "../conditions.ts";
import { change, read } from "../operation.ts";
import { pageOfAll } from "../pages.ts";
import { encodeDocument, requireInlinePolicy } from "../policy-documents.ts";
import { identity, modifiable } from "../resources.ts";

/** The words of a kind in names of operations and members. */
const NOUNS = { user: "User", group: "Group", role: "Role" } as const;

/** The four operations of one kind; they differ in nothing but the member that names it, so one kind's types do for all. */
function inlinePolicies(kind: IdentityKind): readonly Operation[] {
  const noun = NOUNS[kind];
  const conditions = kind === "group" ? {} : boundaryCondition;

  const put = change(`Put${noun}Policy` as "PutUserPolicy", {
    targets: [{ as: "owner", action: `iam:Put${noun}Policy`, resource: modifiable(kind) }],
    conditions,
    async run({ PolicyName, PolicyDocument }, { owner, tx }) {
      const policy = { name: PolicyName, document: PolicyDocument };
      requireInlinePolicy(owner.identity, policy);
      await putInlinePolicy(tx, owner.identity.unique_id, policy);
      return {};
    },
  });

  const get = read(`Get${noun}Policy` as "GetUserPolicy", {
    targets: [{ as: "owner", action: `iam:Get${noun}Policy`, resource: identity(kind) }],
    run({ PolicyName }, { owner: { identity: owner } }) {
      const policy = owner.inline.find(({ name }) => name === PolicyName);
      if (policy === undefined) throw noSuchPolicy(kind, PolicyName);
      const named = { [`${noun}Name`]: owner.name } as { readonly UserName: string };
      return { ...named, PolicyName, PolicyDocument: encodeDocument(policy.document) };
    },
  });

  const remove = change(`Delete${noun}Policy` as "DeleteUserPolicy", {
    targets: [{ as: "owner", action: `iam:Delete${noun}Policy`, resource: modifiable(kind) }],
    conditions,
    async run({ PolicyName }, { owner: { identity: owner }, tx }) {
      if (!owner.inline.some(({ name }) => name === PolicyName)) throw noSuchPolicy(kind, PolicyName);
      await deleteInlinePolicy(tx, owner.unique_id, PolicyName);
      return {};
    },
  });

  const list = read(`List${noun}Policies` as "ListUserPolicies", {
    targets: [{ as: "owner", action: `iam:List${noun}Policies`, resource: identity(kind) }],
    async run(input, context) {
      const { inline, unique_id } = context.owner.identity;
      const { items, end } = await pageOfAll(input, context, { filter: [unique_id], all: inline });
      return { PolicyNames: items.map(({ name }) => name), ...end };
    },
  });

  return [put, get, remove, list];
}

function noSuchPolicy(kind: IdentityKind, name: string): NoSuchEntityException {
  return new NoSuchEntityException(`The ${kind} policy with name ${name} cannot be found.`);
}

/** PutUserPolicy, GetGroupPolicy, … of all three kinds. */
export const inlinePolicyOperations: readonly Operation[] = [
  ...inlinePolicies("user"),
  ...inlinePolicies("group"),
  ...inlinePolicies("role"),
];
