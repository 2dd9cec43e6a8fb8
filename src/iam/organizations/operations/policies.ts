/** CreatePolicy, UpdatePolicy, DeletePolicy, DescribePolicy and ListPolicies. */

import {
  CONTROL_POLICY_TYPES,
  type ControlPolicyType,
  FULL_ACCESS,
  findFullAccess,
} from "../../../identity/control-policies.ts";
import { PolicySyntaxError, parsePolicy } from "../../../policy/document.ts";
import { compileDocument } from "../../../policy/policy.ts";
import {
  countControlPolicies,
  deleteControlPolicy,
  findControlPolicyByName,
  insertControlPolicy,
  listControlPolicies,
  listTargets,
  updateControlPolicy,
} from "../../../storage/organizations.ts";
import {
  ConstraintViolationException,
  DuplicatePolicyException,
  InvalidInputException,
  MalformedControlPolicyException,
  PolicyInUseException,
} from "../errors.ts";
import { newPolicyId } from "../ids.ts";
import { change, page, read, tagsOf } from "../operation.ts";
import { CONTROL_POLICY_QUOTAS } from "../quotas.ts";
import { controlPolicy, managedOrganization } from "../resources.ts";
import { summaryOf } from "../shapes.ts";
import { freeId } from "./free-id.ts";
import { requirePolicyType } from "./organization.ts";

/** Makes a control policy; attached to nothing, it decides nothing. */
export const createPolicy = change("CreatePolicy", {
  on: { own: managedOrganization },
  async run({ Name = "", Description = "", Content = "", Type, Tags }, { call, tx, own: { organization } }) {
    const type = requirePolicyType(organization, Type);
    requireContent(Content, type);
    const ofType = { organization: organization.id, type };
    if ((await findControlPolicyByName(tx.db, ofType, Name)) !== undefined || Name === FULL_ACCESS[type].name) {
      throw new DuplicatePolicyException();
    }
    if ((await countControlPolicies(tx.db, ofType)) >= CONTROL_POLICY_QUOTAS[type].inOrganization) {
      throw new ConstraintViolationException(
        "POLICY_NUMBER_LIMIT_EXCEEDED",
        "You attempted to exceed the number of policies that you can have in an organization.",
      );
    }
    const id = await freeId(tx, newPolicyId, (reader, free) => reader.find("organizationPolicy", free));
    const row = { id, ...ofType, name: Name, description: Description, content: Content };
    await insertControlPolicy(tx, row, tagsOf(Tags));
    return { Policy: { PolicySummary: summaryOf(call.partition, organization, row), Content } };
  },
});

const DOCUMENT_KINDS = { SERVICE_CONTROL_POLICY: "control", RESOURCE_CONTROL_POLICY: "resource-control" } as const;

const policy = controlPolicy("PolicyId");

/** Changes a policy; what it says decides from the next request on. */
export const updatePolicy = change("UpdatePolicy", {
  on: { policy },
  async run(input, { call, tx, policy: { organization, control: before } }) {
    requireMutable(before.id);
    const { Name = before.name, Description = before.description, Content = before.document } = input;
    const { id, type } = before;
    requireContent(Content, type);
    const named = await findControlPolicyByName(tx.db, { organization: organization.id, type }, Name);
    if ((named !== undefined && named !== id) || Name === FULL_ACCESS[type].name) {
      throw new DuplicatePolicyException();
    }
    await updateControlPolicy(tx, id, { name: Name, description: Description, content: Content });
    const after = { id, type, name: Name, description: Description };
    return { Policy: { PolicySummary: summaryOf(call.partition, organization, after), Content } };
  },
});

/** Removes a policy that is attached to nothing. */
export const deletePolicy = change("DeletePolicy", {
  on: { policy },
  async run(_input, { tx, policy: { organization, control: found } }) {
    requireMutable(found.id);
    const ofPolicy = { organization: organization.id, policyId: found.id };
    const [attached] = await listTargets(tx.db, ofPolicy, { after: undefined, count: 1 });
    if (attached !== undefined) throw new PolicyInUseException();
    await deleteControlPolicy(tx, found.id);
    return {};
  },
});

/** Describes a policy, with its content. */
export const describePolicy = read("DescribePolicy", {
  on: { policy },
  run: (_input, { call, policy: { organization, control: found } }) => ({
    Policy: { PolicySummary: summaryOf(call.partition, organization, found), Content: found.document },
  }),
});

/** Lists the policies of a type; of types that are not here there are none. */
export const listPolicies = read("ListPolicies", {
  on: { own: managedOrganization },
  async run(input, context) {
    const { call, store, own } = context;
    const { organization } = own;
    const { Filter } = input;
    const { items, next } = await page(input, context, {
      of: Filter ?? "",
      async list(after, count) {
        const type = CONTROL_POLICY_TYPES.find((each) => each === Filter);
        if (type === undefined || organization.feature_set !== "ALL") return [];
        const full = FULL_ACCESS[type];
        const own = after === undefined || after < full.id ? [full] : [];
        const ofType = { organization: organization.id, type };
        const all = [...own, ...(await listControlPolicies(store.db, ofType, { after, count }))];
        return all.sort((left, right) => (left.id < right.id ? -1 : 1)).slice(0, count);
      },
      nameOf: ({ id }) => id,
    });
    return { Policies: items.map((each) => summaryOf(call.partition, organization, each)), NextToken: next };
  },
});

/** @throws InvalidInputException the policy is AWS's */
function requireMutable(id: string): void {
  if (findFullAccess(id) === undefined) return;
  throw new InvalidInputException(
    "IMMUTABLE_POLICY",
    "You specified a policy that is managed by AWS and can't be modified.",
  );
}

/**
 * Since 19 September 2025 service control policies take all of IAM's language (AWS Security Blog, "AWS Organizations service
 * control policy now supports full IAM language"): NotAction, NotResource, Condition and single resources with Allow too, and
 * wildcards anywhere in an action; there are no principals. Resource control policies deny, to everybody, named actions of named
 * services. The version must be 2012-10-17 (Organizations user guide, SCP syntax, RCP syntax).
 *
 * @throws ConstraintViolationException too long
 * @throws MalformedPolicyDocumentException
 */
function requireContent(text: string, type: ControlPolicyType): void {
  if ([...text].length > CONTROL_POLICY_QUOTAS[type].characters) {
    throw new ConstraintViolationException(
      "POLICY_CONTENT_LIMIT_EXCEEDED",
      "You have exceeded the maximum policy size.",
    );
  }
  try {
    const document = parsePolicy(text, DOCUMENT_KINDS[type]);
    compileDocument(document);
    if (document.version === "2012-10-17") return;
  } catch (cause) {
    if (!(cause instanceof PolicySyntaxError)) throw cause;
  }
  throw new MalformedControlPolicyException();
}
