/** CreatePolicy, GetPolicy, ListPolicies, ListEntitiesForPolicy and DeletePolicy. */

import type { PolicyUsageType } from "@aws-sdk/client-iam";
import { DeleteConflictException, EntityAlreadyExistsException } from "../../base/errors.ts";
import { awsManagedPolicies } from "../../identity/aws-managed-policies.ts";
import { newUniqueId } from "../../identity/credentials.ts";
import { nameKeyOf } from "../../storage/identities.ts";
import type { IdentityKind, IdentityRow } from "../../storage/identity-schema.ts";
import {
  countManagedPolicies,
  countPolicyUses,
  deleteManagedPolicy,
  insertManagedPolicy,
  listManagedPolicies,
  listPolicyUsers,
  listPolicyVersions,
  type PolicyUse,
} from "../../storage/managed-policies.ts";
import { tagConditions } from "../conditions.ts";
import { describePolicy, describeTags, shortestFirst } from "../descriptions.ts";
import { change, read } from "../operation.ts";
import { page, pageOfAll } from "../pages.ts";
import { requireManagedPolicy } from "../policy-documents.ts";
import { requireQuota } from "../quotas.ts";
import {
  fixed,
  managedPolicy,
  newPolicy,
  notAttachable,
  type PolicyResource,
  policyArn,
  requireOwn,
} from "../resources.ts";
import { hasTags, requireTags, tagsOf } from "../tags.ts";

/**
 * Makes a managed policy with its first version (API reference, CreatePolicy).
 *
 * @throws EntityAlreadyExistsException the account has a policy of that name, whatever its path
 */
export const createPolicy = change("CreatePolicy", {
  targets: [
    { as: "policy", action: "iam:CreatePolicy", resource: newPolicy },
    { as: "tagged", action: "iam:TagPolicy", resource: newPolicy, when: hasTags },
  ],
  conditions: tagConditions,
  validate: ({ Tags }) => requireTags(Tags, { ignoreCase: false }),
  async run({ PolicyName, Path = "/", PolicyDocument, Description, Tags }, { call, tx }) {
    requireManagedPolicy(PolicyDocument);
    const { account } = call.principal;
    const own = {
      arn: policyArn({ account, partition: call.partition, path: Path, name: PolicyName }),
      account,
      policy_id: newUniqueId("ANPA"),
      name: PolicyName,
      name_key: nameKeyOf(PolicyName),
      path: Path,
      description: Description ?? null,
      default_version: 1,
      newest_version: 1,
      created_at: call.now,
      updated_at: call.now,
    };
    const tags = tagsOf(Tags);
    if (!(await insertManagedPolicy(tx, own, { document: PolicyDocument, tags }))) {
      throw new EntityAlreadyExistsException(
        `A policy called ${PolicyName} already exists. Duplicate names are not allowed.`,
      );
    }
    requireQuota("PoliciesPerAccount", (await countManagedPolicies(tx.db, account)).policies);
    const Policy = describePolicy({ arn: own.arn, own }, { attachments: 0, boundaries: 0 });
    return { Policy: { ...Policy, ...(tags.length > 0 && { Tags: describeTags(tags) }) } };
  },
});

/** A managed policy without its text. */
export const getPolicy = read("GetPolicy", {
  targets: [{ as: "policy", action: "iam:GetPolicy", resource: managedPolicy() }],
  async run(_input, { policy, call, store }) {
    const { arn, own, aws, tags } = policy;
    const description = own === undefined ? aws?.description : own.description;
    return {
      Policy: {
        ...describePolicy(policy, await countPolicyUses(store.db, call.principal.account, arn)),
        ...(description != null && { Description: description }),
        Tags: describeTags(shortestFirst(tags)),
      },
    };
  },
});

/** How policies must be used to be listed; undefined: in any way or not at all. */
function usageOf(filter: PolicyUsageType | undefined, onlyAttached: boolean): PolicyUse | undefined {
  if (filter === "PermissionsBoundary") return "boundary";
  return filter === "PermissionsPolicy" || onlyAttached ? "attachment" : undefined;
}

/** AWS's managed policies that are here and the account's own, or one of the two. */
export const listPolicies = read("ListPolicies", {
  targets: [{ as: "policies", action: "iam:ListPolicies", resource: fixed("policy path /") }],
  async run(input, context) {
    const { call, store } = context;
    const { Scope = "All", OnlyAttached = false, PathPrefix, PolicyUsageFilter } = input;
    const { account } = call.principal;
    const use = usageOf(PolicyUsageFilter, OnlyAttached);
    const isUsed = async (arn: string): Promise<boolean> => {
      if (use === undefined) return true;
      const { attachments, boundaries } = await countPolicyUses(store.db, account, arn);
      return (use === "attachment" ? attachments : boundaries) > 0;
    };
    const ofAws: PolicyResource[] = [];
    for (const aws of Scope === "Local" ? [] : awsManagedPolicies) {
      const arn = aws.arn.replace("arn:aws:", `arn:${call.partition}:`);
      if (aws.path.startsWith(PathPrefix ?? "/") && (await isUsed(arn))) ofAws.push({ arn, account, tags: [], aws });
    }
    const ownList = { account, ...(PathPrefix && { pathPrefix: PathPrefix }), ...(use && { use }) };
    const { items, end } = await page(input, context, {
      filter: [Scope, OnlyAttached, PathPrefix, PolicyUsageFilter],
      // AWS's come first, in the order of their names; their keys begin with a lower digit.
      async list(after, count) {
        const first = ofAws.filter((policy) => after === undefined || keyOf(policy) > after).slice(0, count);
        if (Scope === "AWS" || first.length === count) return first;
        const afterOwn = after?.startsWith("1:") ? after.slice("1:".length) : undefined;
        const rows = await listManagedPolicies(store.db, ownList, { after: afterOwn, count: count - first.length });
        return [...first, ...rows.map((own) => ({ arn: own.arn, own }))];
      },
      nameOf: keyOf,
    });
    const Policies = await Promise.all(
      items.map(async (policy) => describePolicy(policy, await countPolicyUses(store.db, account, policy.arn))),
    );
    return { Policies, ...end };
  },
});

function keyOf({ aws, own }: Pick<PolicyResource, "aws"> & { readonly own?: { readonly name_key: string } }): string {
  return own === undefined ? `0:${aws?.name.toLowerCase()}` : `1:${own.name_key}`;
}

/** The users, groups and roles that have a managed policy attached or as their boundary. */
export const listEntitiesForPolicy = read("ListEntitiesForPolicy", {
  targets: [{ as: "policy", action: "iam:ListEntitiesForPolicy", resource: managedPolicy(notAttachable) }],
  async run(input, context) {
    const { policy, call, store } = context;
    const { EntityFilter, PathPrefix = "/", PolicyUsageFilter } = input;
    const list = { account: call.principal.account, arn: policy.arn };
    const attached =
      PolicyUsageFilter === "PermissionsBoundary"
        ? []
        : await listPolicyUsers(store.db, { ...list, use: "attachment" });
    const bounded =
      PolicyUsageFilter === "PermissionsPolicy" ? [] : await listPolicyUsers(store.db, { ...list, use: "boundary" });
    const byId = new Map([...attached, ...bounded].map((row) => [row.unique_id, row]));
    const all = [...byId.values()].filter(
      ({ kind, path }) =>
        path.startsWith(PathPrefix) && (EntityFilter === undefined || EntityFilter === ENTITIES[kind]),
    );
    const { items, end } = await pageOfAll(input, context, {
      filter: [policy.arn, EntityFilter, PathPrefix, PolicyUsageFilter],
      all,
    });
    const ofKind = (kind: IdentityKind): readonly IdentityRow[] => items.filter((row) => row.kind === kind);
    return {
      PolicyGroups: ofKind("group").map(({ name, unique_id }) => ({ GroupName: name, GroupId: unique_id })),
      PolicyUsers: ofKind("user").map(({ name, unique_id }) => ({ UserName: name, UserId: unique_id })),
      PolicyRoles: ofKind("role").map(({ name, unique_id }) => ({ RoleName: name, RoleId: unique_id })),
      ...end,
    };
  },
});

const ENTITIES: Readonly<Record<IdentityKind, string>> = { user: "User", group: "Group", role: "Role" };

/**
 * Removes a managed policy that nobody uses and that has its default version alone (API reference, DeletePolicy).
 *
 * @throws DeleteConflictException it is in use, or has other versions
 */
export const deletePolicy = change("DeletePolicy", {
  targets: [{ as: "policy", action: "iam:DeletePolicy", resource: managedPolicy() }],
  async run(_input, { policy, call, tx }) {
    const { arn } = requireOwn(policy);
    const { attachments, boundaries } = await countPolicyUses(tx.db, call.principal.account, arn);
    if (attachments + boundaries > 0) {
      throw new DeleteConflictException("Cannot delete a policy attached to entities.");
    }
    if ((await listPolicyVersions(tx.db, arn)).length > 1) {
      throw new DeleteConflictException(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
      );
    }
    await deleteManagedPolicy(tx, arn);
    return {};
  },
});
