/** CreatePolicy, UpdatePolicy, DeletePolicy, DescribePolicy and ListPolicies. */

import { FULL_AWS_ACCESS } from "../../../identity/aws-managed-policies.ts";
import { PolicySyntaxError, parsePolicy } from "../../../policy/document.ts";
import { compilePolicy } from "../../../policy/policy.ts";
import {
  countScps,
  deleteScp,
  findScpByName,
  insertScp,
  listScps,
  listTargets,
  updateScp,
} from "../../../storage/organizations.ts";
import {
  ConstraintViolationException,
  DuplicatePolicyException,
  InvalidInputException,
  MalformedScpException,
  PolicyInUseException,
} from "../errors.ts";
import { newScpId } from "../ids.ts";
import { change, page, read, tagsOf } from "../operation.ts";
import { SCP_CHARACTERS_MAX, SCPS_MAX } from "../quotas.ts";
import { managedOrganization, scp } from "../resources.ts";
import { describeScp, SCP } from "../shapes.ts";
import { freeId } from "./free-id.ts";
import { requireScp } from "./organization.ts";

/** Makes a service control policy; attached to nothing, it decides nothing. */
export const createPolicy = change("CreatePolicy", {
  on: { own: managedOrganization },
  async run({ Name = "", Description = "", Content = "", Type, Tags }, { call, tx, own: { organization } }) {
    requireScp(organization, Type);
    requireContent(Content);
    if ((await findScpByName(tx.db, organization.id, Name)) !== undefined || Name === FULL_AWS_ACCESS.name) {
      throw new DuplicatePolicyException();
    }
    if ((await countScps(tx.db, organization.id)) >= SCPS_MAX) {
      throw new ConstraintViolationException(
        "POLICY_NUMBER_LIMIT_EXCEEDED",
        "You attempted to exceed the number of policies that you can have in an organization.",
      );
    }
    const id = await freeId(tx, newScpId, (reader, free) => reader.find("organizationPolicy", free));
    const row = { id, organization: organization.id, name: Name, description: Description, content: Content };
    await insertScp(tx, row, tagsOf(Tags));
    return { Policy: { PolicySummary: describeScp(call.partition, organization, row), Content } };
  },
});

const policy = scp("PolicyId");

/** Changes a policy; what it says decides from the next request on. */
export const updatePolicy = change("UpdatePolicy", {
  on: { policy },
  async run(input, { call, tx, policy: { organization, scp: before } }) {
    requireMutable(before.id);
    const { Name = before.name, Description = before.description, Content = before.document } = input;
    requireContent(Content);
    const named = await findScpByName(tx.db, organization.id, Name);
    if ((named !== undefined && named !== before.id) || Name === FULL_AWS_ACCESS.name) {
      throw new DuplicatePolicyException();
    }
    await updateScp(tx, before.id, { name: Name, description: Description, content: Content });
    const after = { id: before.id, name: Name, description: Description };
    return { Policy: { PolicySummary: describeScp(call.partition, organization, after), Content } };
  },
});

/** Removes a policy that is attached to nothing. */
export const deletePolicy = change("DeletePolicy", {
  on: { policy },
  async run(_input, { tx, policy: { organization, scp: found } }) {
    requireMutable(found.id);
    const ofPolicy = { organization: organization.id, policyId: found.id };
    const [attached] = await listTargets(tx.db, ofPolicy, { after: undefined, count: 1 });
    if (attached !== undefined) throw new PolicyInUseException();
    await deleteScp(tx, found.id);
    return {};
  },
});

/** Describes a policy, with its content. */
export const describePolicy = read("DescribePolicy", {
  on: { policy },
  run: (_input, { call, policy: { organization, scp: found } }) => ({
    Policy: { PolicySummary: describeScp(call.partition, organization, found), Content: found.document },
  }),
});

/** Lists the policies of a type; of other types than service control policies there are none. */
export const listPolicies = read("ListPolicies", {
  on: { own: managedOrganization },
  async run(input, context) {
    const { call, store, own } = context;
    const { organization } = own;
    const { Filter } = input;
    const { items, next } = await page(input, context, {
      of: Filter ?? "",
      async list(after, count) {
        if (Filter !== SCP || organization.feature_set !== "ALL") return [];
        const own = after === undefined || after < FULL_AWS_ACCESS.id ? [FULL_AWS_ACCESS] : [];
        const all = [...own, ...(await listScps(store.db, organization.id, { after, count }))];
        return all.sort((left, right) => (left.id < right.id ? -1 : 1)).slice(0, count);
      },
      nameOf: ({ id }) => id,
    });
    return { Policies: items.map((each) => describeScp(call.partition, organization, each)), NextToken: next };
  },
});

/** @throws InvalidInputException the policy is AWS's */
function requireMutable(id: string): void {
  if (id !== FULL_AWS_ACCESS.id) return;
  throw new InvalidInputException(
    "IMMUTABLE_POLICY",
    "You specified a policy that is managed by AWS and can't be modified.",
  );
}

/**
 * Since 19 September 2025 service control policies take all of IAM's language (AWS Security Blog, "AWS Organizations service
 * control policy now supports full IAM language"): NotAction, NotResource, Condition and single resources with Allow too, and
 * wildcards anywhere in an action. The version must be 2012-10-17 (Organizations user guide, SCP syntax), and there are no
 * principals.
 *
 * @throws ConstraintViolationException too long
 * @throws MalformedPolicyDocumentException
 */
function requireContent(text: string): void {
  if ([...text].length > SCP_CHARACTERS_MAX) {
    throw new ConstraintViolationException(
      "POLICY_CONTENT_LIMIT_EXCEEDED",
      "You have exceeded the maximum policy size.",
    );
  }
  try {
    compilePolicy(text, "control");
    if (parsePolicy(text, "control").version === "2012-10-17") return;
  } catch (cause) {
    if (!(cause instanceof PolicySyntaxError)) throw cause;
  }
  throw new MalformedScpException();
}
