/** CreateUser, GetUser, ListUsers, UpdateUser and DeleteUser. */

import { DeleteConflictException, EntityAlreadyExistsException } from "../../base/errors.ts";
import { identityArn, newUniqueId } from "../../identity/credentials.ts";
import { listCredentials } from "../../storage/credentials.ts";
import { renameParty } from "../../storage/grants.ts";
import {
  countIdentities,
  deleteIdentity,
  insertIdentity,
  listIdentities,
  nameKeyOf,
  renameIdentity,
} from "../../storage/identities.ts";
import { insertIamTags } from "../../storage/identity-policies.ts";
import { requireBoundary } from "../boundaries.ts";
import { boundaryCondition, tagConditions } from "../conditions.ts";
import { describeExtras, describeUser, wholeSeconds } from "../descriptions.ts";
import { change, read } from "../operation.ts";
import { page } from "../pages.ts";
import { requireNoPolicies } from "../policy-documents.ts";
import { requireQuota } from "../quotas.ts";
import { identity, newIdentity, renamed, under, userOrCaller } from "../resources.ts";
import { hasTags, requireTags, tagsOf } from "../tags.ts";

/**
 * Makes a user without any permission (API reference, CreateUser).
 *
 * @throws EntityAlreadyExistsException the account has a user of that name, in whatever case
 */
export const createUser = change("CreateUser", {
  targets: [
    { as: "user", action: "iam:CreateUser", resource: newIdentity("user") },
    { as: "tagged", action: "iam:TagUser", resource: newIdentity("user"), when: hasTags },
  ],
  conditions: { ...boundaryCondition, ...tagConditions },
  validate: ({ Tags }) => requireTags(Tags, { ignoreCase: true }),
  async run({ UserName, Path = "/", PermissionsBoundary, Tags }, { call, tx }) {
    const { account } = call.principal;
    if (PermissionsBoundary !== undefined) await requireBoundary(PermissionsBoundary, call, tx);
    const row = {
      unique_id: newUniqueId("AIDA"),
      account,
      kind: "user" as const,
      name: UserName,
      name_key: nameKeyOf(UserName),
      path: Path,
      created_at: call.now,
      boundary: PermissionsBoundary ?? null,
      trust_policy: null,
      trust_principals: "{}",
      description: null,
      max_session_seconds: null,
      linked_service: null,
    };
    if (!(await insertIdentity(tx, row))) throw alreadyThere(UserName);
    requireQuota("UsersPerAccount", await countIdentities(tx.db, account, "user"));
    const tags = tagsOf(Tags);
    await insertIamTags(tx, row.unique_id, tags);
    return { User: { ...describeUser(row, call.partition), ...describeExtras(row.boundary, tags) } };
  },
});

function alreadyThere(name: string): EntityAlreadyExistsException {
  return new EntityAlreadyExistsException(`User with name ${name} already exists.`);
}

/** A user; without a name whoever calls, which may be the root user. */
export const getUser = read("GetUser", {
  targets: [{ as: "user", action: "iam:GetUser", resource: userOrCaller }],
  async run(_input, { user: { arn, identity }, call, store }) {
    if (identity !== undefined) {
      return {
        User: { ...describeUser(identity, call.partition), ...describeExtras(identity.boundary, identity.tags) },
      };
    }
    const { account } = call.principal;
    const created = await store.settle((reader) => reader.find("account", account)?.created_at ?? 0);
    return {
      User: { UserId: account, Arn: arn, CreateDate: wholeSeconds(created), Path: undefined, UserName: undefined },
    };
  },
});

export const listUsers = read("ListUsers", {
  targets: [{ as: "users", action: "iam:ListUsers", resource: under("user") }],
  async run(input, context) {
    const { call, store } = context;
    const { account } = call.principal;
    const { PathPrefix } = input;
    const { items, end } = await page(input, context, {
      filter: [PathPrefix],
      list: (after, count) =>
        listIdentities(
          store.db,
          { account, kind: "user", ...(PathPrefix !== undefined && { pathPrefix: PathPrefix }) },
          { after, count },
        ),
      nameOf: (row) => row.name_key,
    });
    return { Users: items.map((row) => describeUser(row, call.partition)), ...end };
  },
});

/**
 * Gives a user another name or path; its unique id, and so its permissions and grants, stay (API reference, UpdateUser). Both what it is
 * and what it becomes are authorized.
 *
 * @throws EntityAlreadyExistsException another user has that name
 */
export const updateUser = change("UpdateUser", {
  targets: [
    { as: "user", action: "iam:UpdateUser", resource: identity("user") },
    { as: "renamed", action: "iam:UpdateUser", resource: renamed("user") },
  ],
  async run({ NewUserName, NewPath }, { user: { identity }, tx }) {
    const name = NewUserName ?? identity.name;
    const path = NewPath ?? identity.path;
    if (!(await renameIdentity(tx, identity, { name, path }))) throw alreadyThere(name);
    const { unique_id } = identity;
    await renameParty(tx, unique_id, (partition) => identityArn({ ...identity, name, path }, partition));
    return {};
  },
});

/**
 * Removes a user that nothing hangs on (API reference, DeleteUser).
 *
 * @throws DeleteConflictException policies, access keys or groups are left
 */
export const deleteUser = change("DeleteUser", {
  targets: [{ as: "user", action: "iam:DeleteUser", resource: identity("user") }],
  async run(_input, { user: { identity }, tx }) {
    requireNoPolicies(identity);
    if (identity.groups.length > 0) {
      throw new DeleteConflictException("Cannot delete entity, must remove users from group first.");
    }
    const keys = await listCredentials(tx.db, { account: identity.account, userId: identity.unique_id });
    if (keys.length > 0) {
      throw new DeleteConflictException("Cannot delete entity, must delete access keys first.");
    }
    await deleteIdentity(tx, identity);
    return {};
  },
});
