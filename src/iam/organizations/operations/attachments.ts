/** AttachPolicy, DetachPolicy, ListPoliciesForTarget and ListTargetsForPolicy. */

import { type ControlPolicy, FULL_ACCESS, isEnabled, RCP } from "../../../identity/control-policies.ts";
import { attachControlPolicy, detachControlPolicy, listTargets } from "../../../storage/organizations.ts";
import type { Reader } from "../../../storage/store.ts";
import {
  ConstraintViolationException,
  DuplicatePolicyAttachmentException,
  PolicyNotAttachedException,
  PolicyTypeNotEnabledException,
  TargetNotFoundException,
} from "../errors.ts";
import { change, page, read } from "../operation.ts";
import { CONTROL_POLICY_QUOTAS } from "../quotas.ts";
import { controlPolicy, findControlPolicy, type NodeResource, node } from "../resources.ts";
import { describeTarget, summaryOf } from "../shapes.ts";

const policy = controlPolicy("PolicyId");
const target = node("TargetId", ["root", "unit", "account"], () => new TargetNotFoundException());

/** Attaches a policy to a root, unit or account; it decides from the next request on. */
export const attachPolicy = change("AttachPolicy", {
  on: { policy, target },
  async run(_input, { tx, policy: { control, organization }, target: { node: on } }) {
    const { id, type } = control;
    if (!isEnabled(organization, type)) throw new PolicyTypeNotEnabledException();
    if (on.policies.includes(id)) throw new DuplicatePolicyAttachmentException();
    const ofType = await tx.settle((reader) => attachedOf({ organization, node: on }, type, reader));
    if (ofType.length >= CONTROL_POLICY_QUOTAS[type].onTarget) {
      throw new ConstraintViolationException(
        "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        "You have attached the maximum number of policies to the specified target.",
      );
    }
    await attachControlPolicy(tx, id, on.id);
    return {};
  },
});

/** Detaches a policy, but never the last service control policy, nor the resource control policy of AWS's own. */
export const detachPolicy = change("DetachPolicy", {
  on: { policy, target },
  async run(_input, { tx, policy: { control, organization }, target: { node: from } }) {
    const { id, type } = control;
    if (!from.policies.includes(id)) throw new PolicyNotAttachedException();
    const ofType = await tx.settle((reader) => attachedOf({ organization, node: from }, type, reader));
    if (ofType.length === 1 || id === FULL_ACCESS[RCP].id) {
      throw new ConstraintViolationException(
        "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED",
        "You cannot remove the last policy attached to the specified target. You must have at least one attached at all times.",
      );
    }
    await detachControlPolicy(tx, id, from.id);
    return {};
  },
});

/** Lists what is attached right to a root, unit or account, not what it inherits. */
export const listPoliciesForTarget = read("ListPoliciesForTarget", {
  on: { target },
  async run(input, context) {
    const { call, store, target: on } = context;
    const { organization } = on;
    const attached = await store.settle((reader) => attachedOf(on, input.Filter, reader));
    const { items, next } = await page(input, context, {
      of: `${input.Filter} of ${on.node.id}`,
      list: (after = "", count) => attached.filter(({ id }) => id > after).slice(0, count),
      nameOf: ({ id }) => id,
    });
    return { Policies: items.map((each) => summaryOf(call.partition, organization, each)), NextToken: next };
  },
});

/** The policies of a type right on a node, in the order of their ids. */
function attachedOf(
  { organization, node: on }: Pick<NodeResource, "organization" | "node">,
  type: string | undefined,
  reader: Reader,
): readonly ControlPolicy[] {
  return on.policies
    .flatMap((id) => findControlPolicy(organization, id, reader) ?? [])
    .filter((each) => each.type === type);
}

/** Lists the roots, units and accounts that a policy is attached to. */
export const listTargetsForPolicy = read("ListTargetsForPolicy", {
  on: { policy },
  async run(input, context) {
    const { call, store, policy: attached } = context;
    const { organization, control: found } = attached;
    const { items, next } = await page(input, context, {
      of: found.id,
      list: (after, count) =>
        listTargets(store.db, { organization: organization.id, policyId: found.id }, { after, count }),
      nameOf: ({ id }) => id,
    });
    return { Targets: items.map((each) => describeTarget(call.partition, organization, each)), NextToken: next };
  },
});
