/** The list of the operations of the IAM API, by name. */

import type { Operation } from "../../pipeline/operation.ts";
import { absentOperations } from "./absent.ts";
import {
  createAccessKey,
  deleteAccessKey,
  getAccessKeyLastUsed,
  listAccessKeys,
  updateAccessKey,
} from "./access-keys.ts";
import { createAccountAlias, deleteAccountAlias, getAccountSummary, listAccountAliases } from "./account.ts";
import { attachmentOperations } from "./attachments.ts";
import { getAccountAuthorizationDetails } from "./authorization-details.ts";
import { boundaryOperations } from "./boundaries.ts";
import { getContextKeysForCustomPolicy, getContextKeysForPrincipalPolicy } from "./context-keys.ts";
import {
  addUserToGroup,
  createGroup,
  deleteGroup,
  getGroup,
  listGroups,
  listGroupsForUser,
  removeUserFromGroup,
  updateGroup,
} from "./groups.ts";
import { inlinePolicyOperations } from "./inline-policies.ts";
import { createPolicy, deletePolicy, getPolicy, listEntitiesForPolicy, listPolicies } from "./managed-policies.ts";
import {
  addClientIDToOpenIDConnectProvider,
  createOpenIDConnectProvider,
  deleteOpenIDConnectProvider,
  getOpenIDConnectProvider,
  listOpenIDConnectProviders,
  removeClientIDFromOpenIDConnectProvider,
  updateOpenIDConnectProviderThumbprint,
} from "./oidc-providers.ts";
import {
  createPolicyVersion,
  deletePolicyVersion,
  getPolicyVersion,
  listPolicyVersions,
  setDefaultPolicyVersion,
} from "./policy-versions.ts";
import {
  createRole,
  deleteRole,
  getRole,
  listRoles,
  updateAssumeRolePolicy,
  updateRole,
  updateRoleDescription,
} from "./roles.ts";
import {
  createServiceLinkedRole,
  deleteServiceLinkedRole,
  getServiceLinkedRoleDeletionStatus,
} from "./service-linked-roles.ts";
import { simulateCustomPolicy, simulatePrincipalPolicy } from "./simulations.ts";
import { tagOperations } from "./tags.ts";
import { createUser, deleteUser, getUser, listUsers, updateUser } from "./users.ts";

const all: readonly Operation[] = [
  createUser,
  getUser,
  listUsers,
  updateUser,
  deleteUser,
  createGroup,
  getGroup,
  listGroups,
  updateGroup,
  deleteGroup,
  addUserToGroup,
  removeUserFromGroup,
  listGroupsForUser,
  createRole,
  getRole,
  listRoles,
  updateRole,
  updateRoleDescription,
  updateAssumeRolePolicy,
  deleteRole,
  createServiceLinkedRole,
  deleteServiceLinkedRole,
  getServiceLinkedRoleDeletionStatus,
  ...tagOperations,
  ...boundaryOperations,
  ...inlinePolicyOperations,
  ...attachmentOperations,
  createPolicy,
  getPolicy,
  listPolicies,
  listEntitiesForPolicy,
  deletePolicy,
  createPolicyVersion,
  getPolicyVersion,
  listPolicyVersions,
  setDefaultPolicyVersion,
  deletePolicyVersion,
  createAccessKey,
  updateAccessKey,
  deleteAccessKey,
  listAccessKeys,
  getAccessKeyLastUsed,
  createOpenIDConnectProvider,
  getOpenIDConnectProvider,
  listOpenIDConnectProviders,
  updateOpenIDConnectProviderThumbprint,
  addClientIDToOpenIDConnectProvider,
  removeClientIDFromOpenIDConnectProvider,
  deleteOpenIDConnectProvider,
  createAccountAlias,
  deleteAccountAlias,
  listAccountAliases,
  getAccountSummary,
  getAccountAuthorizationDetails,
  getContextKeysForCustomPolicy,
  getContextKeysForPrincipalPolicy,
  simulatePrincipalPolicy,
  simulateCustomPolicy,
  ...absentOperations,
];

/** Every operation that is built, by its name on the wire. */
export const operations: ReadonlyMap<string, Operation> = new Map(all.map((operation) => [operation.name, operation]));
