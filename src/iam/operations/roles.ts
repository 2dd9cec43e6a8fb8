/** CreateRole, GetRole, ListRoles, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy and DeleteRole. */

import { EntityAlreadyExistsException, InvalidInputException, UnmodifiableEntityException } from "../../base/errors.ts";
import { newUniqueId } from "../../identity/credentials.ts";
import {
  countIdentities,
  deleteIdentity,
  insertIdentity,
  listIdentities,
  nameKeyOf,
  updateIdentity,
} from "../../storage/identities.ts";
import { insertIamTags } from "../../storage/identity-policies.ts";
import { requireBoundary } from "../boundaries.ts";
import { boundaryCondition, tagConditions } from "../conditions.ts";
import { describeExtras, describeRole, describeRoleSettings } from "../descriptions.ts";
import { change, read } from "../operation.ts";
import { page } from "../pages.ts";
import { requireNoPolicies, requireTrustPolicy } from "../policy-documents.ts";
import { requireQuota } from "../quotas.ts";
import { identity, modifiable, newIdentity, under } from "../resources.ts";
import { LINKED_NAME_PREFIX, LINKED_PATH } from "../service-linked-roles.ts";
import { hasTags, requireTags, tagsOf } from "../tags.ts";

/** How long sessions of a role may last when it is not told (API reference, CreateRole). */
const SESSION_SECONDS = 3600;

/**
 * Makes a role that those whom its trust policy names may assume (API reference, CreateRole).
 *
 * @throws EntityAlreadyExistsException the account has a role of that name, in whatever case
 * @throws InvalidInputException a name or path of service-linked roles
 */
export const createRole = change("CreateRole", {
  targets: [
    { as: "role", action: "iam:CreateRole", resource: newIdentity("role") },
    { as: "tagged", action: "iam:TagRole", resource: newIdentity("role"), when: hasTags },
  ],
  conditions: { ...boundaryCondition, ...tagConditions },
  validate({ Path = "/", RoleName, Tags }) {
    requireTags(Tags, { ignoreCase: true });
    if (Path.startsWith(LINKED_PATH) || RoleName.startsWith(LINKED_NAME_PREFIX)) {
      throw new InvalidInputException(
        `The path ${LINKED_PATH} and names that begin with ${LINKED_NAME_PREFIX} are reserved for service-linked roles.`,
      );
    }
  },
  async run(input, { call, tx, unknownPrincipals }) {
    const {
      RoleName,
      Path = "/",
      AssumeRolePolicyDocument,
      Description,
      MaxSessionDuration,
      PermissionsBoundary,
    } = input;
    const { account } = call.principal;
    const principals = await requireTrustPolicy(AssumeRolePolicyDocument, { tx, call, unknownPrincipals });
    if (PermissionsBoundary !== undefined) await requireBoundary(PermissionsBoundary, call, tx);
    const row = {
      unique_id: newUniqueId("AROA"),
      account,
      kind: "role" as const,
      name: RoleName,
      name_key: nameKeyOf(RoleName),
      path: Path,
      created_at: call.now,
      boundary: PermissionsBoundary ?? null,
      trust_policy: AssumeRolePolicyDocument,
      trust_principals: principals,
      description: Description ?? null,
      max_session_seconds: MaxSessionDuration ?? SESSION_SECONDS,
      linked_service: null,
    };
    if (!(await insertIdentity(tx, row))) {
      throw new EntityAlreadyExistsException(`Role with name ${RoleName} already exists.`);
    }
    requireQuota("RolesPerAccount", await countIdentities(tx.db, account, "role"));
    const tags = tagsOf(input.Tags);
    await insertIamTags(tx, row.unique_id, tags);
    const described = await tx.settle((reader) => describeRole(row, call.partition, reader));
    return { Role: { ...described, ...describeExtras(row.boundary, tags) } };
  },
});

/** A role with everything but its policies. When it was last used is not tracked. */
export const getRole = read("GetRole", {
  targets: [{ as: "role", action: "iam:GetRole", resource: identity("role") }],
  async run(_input, { role: { identity }, call, store }) {
    const described = await store.settle((reader) => describeRole(identity, call.partition, reader));
    const extras = describeExtras(identity.boundary, identity.tags);
    return { Role: { ...described, ...describeRoleSettings(identity), ...extras, RoleLastUsed: {} } };
  },
});

export const listRoles = read("ListRoles", {
  targets: [{ as: "roles", action: "iam:ListRoles", resource: under("role") }],
  async run(input, context) {
    const { call, store } = context;
    const { account } = call.principal;
    const { PathPrefix } = input;
    const { items, end } = await page(input, context, {
      filter: [PathPrefix],
      list: (after, count) =>
        listIdentities(
          store.db,
          { account, kind: "role", ...(PathPrefix !== undefined && { pathPrefix: PathPrefix }) },
          { after, count },
        ),
      nameOf: (row) => row.name_key,
    });
    const Roles = await store.settle((reader) =>
      items.map((row) => ({ ...describeRole(row, call.partition, reader), ...describeRoleSettings(row) })),
    );
    return { Roles, ...end };
  },
});

/**
 * Changes what is said of a role, and how long its sessions may last (API reference, UpdateRole).
 *
 * @throws UnmodifiableEntityException the sessions of a service-linked role; its description may be changed
 */
export const updateRole = change("UpdateRole", {
  targets: [{ as: "role", action: "iam:UpdateRole", resource: identity("role") }],
  async run({ Description, MaxSessionDuration }, { role: { identity }, tx }) {
    if (MaxSessionDuration !== undefined && identity.linked_service !== null) {
      throw new UnmodifiableEntityException(
        `Cannot perform the operation on the protected role '${identity.name}' - this role is only modifiable by AWS`,
      );
    }
    await updateIdentity(tx, identity.unique_id, {
      description: Description ?? identity.description,
      max_session_seconds: MaxSessionDuration ?? identity.max_session_seconds,
    });
    return {};
  },
});

/** Changes what is said of a role, and shows it; UpdateRole has taken this operation's place (API reference). */
export const updateRoleDescription = change("UpdateRoleDescription", {
  targets: [{ as: "role", action: "iam:UpdateRoleDescription", resource: identity("role") }],
  async run({ Description }, { role: { identity }, call, tx }) {
    await updateIdentity(tx, identity.unique_id, { description: Description });
    const Role = await tx.settle((reader) => describeRole(identity, call.partition, reader));
    return { Role: { ...Role, Description } };
  },
});

/** Replaces the trust policy of a role; for its errors see policy-documents.ts. */
export const updateAssumeRolePolicy = change("UpdateAssumeRolePolicy", {
  targets: [{ as: "role", action: "iam:UpdateAssumeRolePolicy", resource: modifiable("role") }],
  async run({ PolicyDocument }, { role: { identity }, call, tx, unknownPrincipals }) {
    const principals = await requireTrustPolicy(PolicyDocument, { tx, call, unknownPrincipals });
    await updateIdentity(tx, identity.unique_id, { trust_policy: PolicyDocument, trust_principals: principals });
    return {};
  },
});

/** @throws DeleteConflictException policies are left */
export const deleteRole = change("DeleteRole", {
  targets: [{ as: "role", action: "iam:DeleteRole", resource: modifiable("role") }],
  async run(_input, { role: { identity }, tx }) {
    requireNoPolicies(identity);
    await deleteIdentity(tx, identity);
    return {};
  },
});
