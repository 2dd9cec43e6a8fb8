/** The quotas of IAM, and its words for what exceeds them (IAM guide, IAM and STS quotas). */

import { LimitExceededException } from "../base/errors.ts";
import type { IdentityKind } from "../storage/identity-schema.ts";

/** By the names that IAM's errors have for them. */
export const quotas = {
  UsersPerAccount: 5000,
  GroupsPerAccount: 300,
  RolesPerAccount: 1000,
  PoliciesPerAccount: 1500,
  OpenIdConnectProvidersPerAccount: 100,
  AccessKeysPerUser: 2,
  GroupsPerUser: 10,
  PoliciesPerUser: 10,
  PoliciesPerGroup: 10,
  PoliciesPerRole: 10,
  PolicySize: 6144,
  ACLSizePerRole: 2048,
  ClientIdsPerOpenIdConnectProvider: 100,
} as const;

/** Versions of one managed policy. */
export const VERSIONS_MAX = 5;
/** Tags of one resource. */
export const TAGS_MAX = 50;

/** All inline policies of one user, group or role together, in characters without white space. */
export const inlinePolicyCharactersMax: Readonly<Record<IdentityKind, number>> = {
  user: 2048,
  group: 5120,
  role: 10240,
};

/** @throws LimitExceededException there would be more than the quota allows */
export function requireQuota(name: keyof typeof quotas, count: number): void {
  if (count > quotas[name]) throw new LimitExceededException(`Cannot exceed quota for ${name}: ${quotas[name]}`);
}

/** @throws LimitExceededException a resource would have more than 50 tags */
export function requireTagCount(count: number): void {
  if (count > TAGS_MAX) throw new LimitExceededException("The number of tags has reached the maximum limit.");
}
