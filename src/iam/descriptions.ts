/** Users, groups, roles and policies as answers describe them. */

import type {
  AttachedPermissionsBoundary,
  AttachedPolicy,
  Group,
  Policy,
  PolicyVersion,
  Role,
  Tag,
  User,
} from "@aws-sdk/client-iam";
import { parsePrincipalIds, shownPolicy } from "../access/principals.ts";
import { identityArn } from "../identity/credentials.ts";
import type { IdentityRow, ManagedPolicyRow, PolicyVersionRow } from "../storage/identity-schema.ts";
import type { PolicyUses } from "../storage/managed-policies.ts";
import type { Reader } from "../storage/store.ts";
import type { Tag as TagOfRow } from "../storage/tags.ts";
import { encodeDocument } from "./policy-documents.ts";
import type { PolicyResource } from "./resources.ts";

/** IAM's times are whole seconds. */
export function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}

export function describeTags(tags: readonly TagOfRow[]): Tag[] {
  return tags.map(({ key, value }) => ({ Key: key, Value: value }));
}

/** The tags of a policy or provider as IAM lists them: the shortest keys come first (recorded on IAM). */
export function shortestFirst(tags: readonly TagOfRow[]): TagOfRow[] {
  return tags.toSorted((left, right) => left.key.length - right.key.length || compare(left.key, right.key));
}

export function describeUser(row: IdentityRow, partition: string): User {
  return {
    Path: row.path,
    UserName: row.name,
    UserId: row.unique_id,
    Arn: identityArn(row, partition),
    CreateDate: wholeSeconds(row.created_at),
  };
}

export function describeGroup(row: IdentityRow, partition: string): Group {
  return {
    Path: row.path,
    GroupName: row.name,
    GroupId: row.unique_id,
    Arn: identityArn(row, partition),
    CreateDate: wholeSeconds(row.created_at),
  };
}

/** The members that every answer about a role has; principals of its trust policy are named as they are now. */
export function describeRole(row: IdentityRow, partition: string, reader: Reader): Role {
  return {
    Path: row.path,
    RoleName: row.name,
    RoleId: row.unique_id,
    Arn: identityArn(row, partition),
    CreateDate: wholeSeconds(row.created_at),
    AssumeRolePolicyDocument: encodeDocument(
      shownPolicy(row.trust_policy ?? "", parsePrincipalIds(row.trust_principals), reader),
    ),
  };
}

/** What GetRole and ListRoles say beside. */
export function describeRoleSettings({
  description,
  max_session_seconds,
}: IdentityRow): Pick<Role, "Description" | "MaxSessionDuration"> {
  return {
    ...(description !== null && { Description: description }),
    MaxSessionDuration: max_session_seconds ?? 3600,
  };
}

/** What IAM says, as recorded, and as the API reference's sentence has it; the model's enum has another word. */
const BOUNDARY_TYPE = "Policy" as "PermissionsBoundaryPolicy";

/** Tags and boundary of a user or role: members that are absent where there is nothing to say. */
export function describeExtras(
  boundary: string | null,
  tags: readonly TagOfRow[],
): { readonly PermissionsBoundary?: AttachedPermissionsBoundary; readonly Tags?: Tag[] } {
  return {
    ...(boundary !== null && {
      PermissionsBoundary: { PermissionsBoundaryType: BOUNDARY_TYPE, PermissionsBoundaryArn: boundary },
    }),
    ...(tags.length > 0 && { Tags: describeTags(tags) }),
  };
}

/** Attached policies in the order of their names. */
export function describeAttached(arns: readonly string[]): AttachedPolicy[] {
  const all = arns.map((arn) => ({ PolicyName: arn.slice(arn.lastIndexOf("/") + 1), PolicyArn: arn }));
  return all.sort((left, right) => compare(left.PolicyName + left.PolicyArn, right.PolicyName + right.PolicyArn));
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

/** A managed policy as lists have it: without description and tags. */
export function describePolicy(
  { arn, aws, own }: Pick<PolicyResource, "arn" | "aws"> & { readonly own?: ManagedPolicyRow },
  { attachments, boundaries }: PolicyUses,
): Policy {
  const facts = own ?? {
    name: aws?.name ?? "",
    policy_id: aws?.policyId ?? "",
    path: aws?.path ?? "/",
    default_version: aws?.version ?? 1,
    created_at: aws?.createdAt ?? 0,
    updated_at: aws?.updatedAt ?? 0,
  };
  return {
    PolicyName: facts.name,
    PolicyId: facts.policy_id,
    Arn: arn,
    Path: facts.path,
    DefaultVersionId: `v${facts.default_version}`,
    AttachmentCount: attachments,
    PermissionsBoundaryUsageCount: boundaries,
    IsAttachable: true,
    CreateDate: wholeSeconds(facts.created_at),
    UpdateDate: wholeSeconds(facts.updated_at),
  };
}

/** A version without its document. */
export function describeVersion(
  { version, created_at }: Pick<PolicyVersionRow, "version" | "created_at">,
  defaultVersion: number,
): PolicyVersion {
  return {
    VersionId: `v${version}`,
    IsDefaultVersion: version === defaultVersion,
    CreateDate: wholeSeconds(created_at),
  };
}
