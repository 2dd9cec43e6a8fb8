/** AttachPolicy, DetachPolicy, ListPoliciesForTarget and ListTargetsForPolicy. */

import { attachScp, detachScp, listTargets } from "../../../storage/organizations.ts";
import {
  ConstraintViolationException,
  DuplicatePolicyAttachmentException,
  PolicyNotAttachedException,
  PolicyTypeNotEnabledException,
  TargetNotFoundException,
} from "../errors.ts";
import { change, page, read } from "../operation.ts";
import { SCPS_PER_TARGET_MAX } from "../quotas.ts";
import { findScp, node, scp } from "../resources.ts";
import { describeScp, describeTarget, SCP } from "../shapes.ts";

const policy = scp("PolicyId");
const target = node("TargetId", ["root", "unit", "account"], () => new TargetNotFoundException());

/** Attaches a policy to a root, unit or account; it decides from the next request on. */
export const attachPolicy = change("AttachPolicy", {
  on: { policy, target },
  async run(_input, { tx, policy: { scp: attached, organization }, target: { node: on } }) {
    if (organization.scp_enabled === 0) throw new PolicyTypeNotEnabledException();
    if (on.policies.includes(attached.id)) throw new DuplicatePolicyAttachmentException();
    if (on.policies.length >= SCPS_PER_TARGET_MAX) {
      throw new ConstraintViolationException(
        "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        "You have attached the maximum number of policies to the specified target.",
      );
    }
    await attachScp(tx, attached.id, on.id);
    return {};
  },
});

/** Detaches a policy, but never the last one. */
export const detachPolicy = change("DetachPolicy", {
  on: { policy, target },
  async run(_input, { tx, policy: { scp: detached }, target: { node: from } }) {
    if (!from.policies.includes(detached.id)) throw new PolicyNotAttachedException();
    if (from.policies.length === 1) {
      throw new ConstraintViolationException(
        "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        "You cannot remove the last policy attached to the specified target. You must have at least one attached at all times.",
      );
    }
    await detachScp(tx, detached.id, from.id);
    return {};
  },
});

/** Lists what is attached right to a root, unit or account, not what it inherits. */
export const listPoliciesForTarget = read("ListPoliciesForTarget", {
  on: { target },
  async run(input, context) {
    const { call, store, target: on } = context;
    const { organization } = on;
    const attached = input.Filter === SCP ? on.node.policies : [];
    const { items, next } = await page(input, context, {
      of: `${input.Filter} of ${on.node.id}`,
      list: (after = "", count) => attached.filter((id) => id > after).slice(0, count),
      nameOf: (id) => id,
    });
    const found = await store.settle((reader) => items.flatMap((id) => findScp(organization, id, reader) ?? []));
    return { Policies: found.map((each) => describeScp(call.partition, organization, each)), NextToken: next };
  },
});

/** Lists the roots, units and accounts that a policy is attached to. */
export const listTargetsForPolicy = read("ListTargetsForPolicy", {
  on: { policy },
  async run(input, context) {
    const { call, store, policy: attached } = context;
    const { organization, scp: found } = attached;
    const { items, next } = await page(input, context, {
      of: found.id,
      list: (after, count) =>
        listTargets(store.db, { organization: organization.id, policyId: found.id }, { after, count }),
      nameOf: ({ id }) => id,
    });
    return { Targets: items.map((each) => describeTarget(call.partition, organization, each)), NextToken: next };
  },
});
