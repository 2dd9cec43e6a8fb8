/** CreateGroup, GetGroup, ListGroups, UpdateGroup, DeleteGroup, and who is in them. */

import { DeleteConflictException, EntityAlreadyExistsException } from "../../base/errors.ts";
import { newUniqueId } from "../../identity/credentials.ts";
import {
  addMember,
  countIdentities,
  deleteIdentity,
  insertIdentity,
  listIdentities,
  listMembers,
  nameKeyOf,
  removeMember,
  renameIdentity,
} from "../../storage/identities.ts";
import { describeGroup, describeUser } from "../descriptions.ts";
import { change, read } from "../operation.ts";
import { page, pageOfAll } from "../pages.ts";
import { requireNoPolicies } from "../policy-documents.ts";
import { requireQuota } from "../quotas.ts";
import { identity, newIdentity, renamed, under } from "../resources.ts";

/** @throws EntityAlreadyExistsException the account has a group of that name, in whatever case */
export const createGroup = change("CreateGroup", {
  targets: [{ as: "group", action: "iam:CreateGroup", resource: newIdentity("group") }],
  async run({ GroupName, Path = "/" }, { call, tx }) {
    const { account } = call.principal;
    const row = {
      unique_id: newUniqueId("AGPA"),
      account,
      kind: "group" as const,
      name: GroupName,
      name_key: nameKeyOf(GroupName),
      path: Path,
      created_at: call.now,
      boundary: null,
      trust_policy: null,
      trust_principals: "{}",
      description: null,
      max_session_seconds: null,
      linked_service: null,
    };
    if (!(await insertIdentity(tx, row))) throw alreadyThere(GroupName);
    requireQuota("GroupsPerAccount", await countIdentities(tx.db, account, "group"));
    return { Group: describeGroup(row, call.partition) };
  },
});

function alreadyThere(name: string): EntityAlreadyExistsException {
  return new EntityAlreadyExistsException(`Group with name ${name} already exists.`);
}

/** A group and a page of its users. */
export const getGroup = read("GetGroup", {
  targets: [{ as: "group", action: "iam:GetGroup", resource: identity("group") }],
  async run(input, context) {
    const { call, store, group } = context;
    const id = group.identity.unique_id;
    const { items, end } = await page(input, context, {
      filter: [id],
      list: (after, count) => listMembers(store.db, id, { after, count }),
      nameOf: (row) => row.name_key,
    });
    const Users = items.map((row) => describeUser(row, call.partition));
    return { Group: describeGroup(group.identity, call.partition), Users, ...end };
  },
});

export const listGroups = read("ListGroups", {
  targets: [{ as: "groups", action: "iam:ListGroups", resource: under("group") }],
  async run(input, context) {
    const { call, store } = context;
    const { account } = call.principal;
    const { PathPrefix } = input;
    const { items, end } = await page(input, context, {
      filter: [PathPrefix],
      list: (after, count) =>
        listIdentities(
          store.db,
          { account, kind: "group", ...(PathPrefix !== undefined && { pathPrefix: PathPrefix }) },
          { after, count },
        ),
      nameOf: (row) => row.name_key,
    });
    return { Groups: items.map((row) => describeGroup(row, call.partition)), ...end };
  },
});

/**
 * Gives a group another name or path; who is in it and its policies stay (API reference, UpdateGroup). Both what it is and what
 * it becomes are authorized.
 *
 * @throws EntityAlreadyExistsException another group has that name
 */
export const updateGroup = change("UpdateGroup", {
  targets: [
    { as: "group", action: "iam:UpdateGroup", resource: identity("group") },
    { as: "renamed", action: "iam:UpdateGroup", resource: renamed("group") },
  ],
  async run({ NewGroupName, NewPath }, { group: { identity }, tx }) {
    const name = NewGroupName ?? identity.name;
    const path = NewPath ?? identity.path;
    if (!(await renameIdentity(tx, identity, { name, path }))) throw alreadyThere(name);
    return {};
  },
});

/** @throws DeleteConflictException users or policies are left */
export const deleteGroup = change("DeleteGroup", {
  targets: [{ as: "group", action: "iam:DeleteGroup", resource: identity("group") }],
  async run(_input, { group: { identity }, tx }) {
    const [member] = await listMembers(tx.db, identity.unique_id, { after: undefined, count: 1 });
    if (member !== undefined) {
      throw new DeleteConflictException("Cannot delete entity, must remove users from group first.");
    }
    requireNoPolicies(identity);
    await deleteIdentity(tx, identity);
    return {};
  },
});

/** Puts a user into a group; one that is in it already stays. */
export const addUserToGroup = change("AddUserToGroup", {
  targets: [
    { as: "user", action: undefined, resource: identity("user") },
    { as: "group", action: "iam:AddUserToGroup", resource: identity("group") },
  ],
  async run(_input, { user, group, tx }) {
    const { groups, unique_id: userId } = user.identity;
    const groupId = group.identity.unique_id;
    if (groups.includes(groupId)) return {};
    requireQuota("GroupsPerUser", groups.length + 1);
    await addMember(tx, groupId, userId);
    return {};
  },
});

/** Takes a user out of a group; one that is not in it is passed over. */
export const removeUserFromGroup = change("RemoveUserFromGroup", {
  targets: [
    { as: "user", action: undefined, resource: identity("user") },
    { as: "group", action: "iam:RemoveUserFromGroup", resource: identity("group") },
  ],
  async run(_input, { user, group, tx }) {
    await removeMember(tx, group.identity.unique_id, user.identity.unique_id);
    return {};
  },
});

export const listGroupsForUser = read("ListGroupsForUser", {
  targets: [{ as: "user", action: "iam:ListGroupsForUser", resource: identity("user") }],
  async run(input, context) {
    const { call, store, user } = context;
    const { groups, unique_id: id } = user.identity;
    const all = await store.settle((reader) => groups.flatMap((group) => reader.find("identity", group) ?? []));
    all.sort((left, right) => (left.name_key < right.name_key ? -1 : 1));
    const { items, end } = await pageOfAll(input, context, { filter: [id], all });
    return { Groups: items.map((row) => describeGroup(row, call.partition)), ...end };
  },
});
