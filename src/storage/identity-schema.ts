/** The tables of IAM, of organizations and of VPC endpoints, as Kysely types; the same conventions as schema.ts. */

import type { Generated, Selectable } from "kysely";

export type IdentityKind = "user" | "group" | "role";

/** IAM users, groups and roles: one table, since what policies hang on is the same for all. */
export interface IdentityTable {
  /** `AIDA…`, `AGPA…` or `AROA…`; never used again. */
  unique_id: string;
  account: string;
  kind: IdentityKind;
  name: string;
  /** The name in lower case: names that differ in case alone are the same name. */
  name_key: string;
  /** Such as `/` or `/division/team/`. */
  path: string;
  created_at: number;
  /** ARN of the managed policy that is the permissions boundary. */
  boundary: string | null;
  /** Of roles alone: the trust policy as it was sent. */
  trust_policy: string | null;
  /** As `policy_principals` of keys. */
  trust_principals: Generated<string>;
  description: string | null;
  max_session_seconds: number | null;
  /** Of service-linked roles: the service, such as `mrk.kms.amazonaws.com`. */
  linked_service: string | null;
}

export interface GroupMemberTable {
  group_id: string;
  user_id: string;
}

/** Policies that are part of one user, group or role. */
export interface InlinePolicyTable {
  unique_id: string;
  name: string;
  document: string;
}

/** Managed policies of customers; those of AWS are constants of `iam/`. */
export interface ManagedPolicyTable {
  arn: string;
  account: string;
  policy_id: string;
  name: string;
  name_key: string;
  path: string;
  description: string | null;
  default_version: number;
  /** The highest number a version ever had. */
  newest_version: number;
  created_at: number;
  updated_at: number;
}

export interface PolicyVersionTable {
  arn: string;
  version: number;
  document: string;
  created_at: number;
}

/** Managed policies on users, groups and roles. */
export interface AttachedPolicyTable {
  unique_id: string;
  arn: string;
}

/** Tags of IAM resources, by ARN or, for users and roles, by unique id. */
export interface IamTagTable {
  owner: string;
  tag_key: string;
  tag_value: string;
}

export interface OidcProviderTable {
  arn: string;
  account: string;
  /** Without `https://`. */
  url: string;
  /** JSON lists of texts. */
  client_ids: string;
  thumbprints: string;
  created_at: number;
}

export interface AccountAliasTable {
  account: string;
  alias: string;
}

/** The last successful use of each access key; never in the feed. */
export interface CredentialUsageTable {
  access_key_id: string;
  used_at: number;
  region: string;
  service: string;
}

/** How the deletions of service-linked roles went (DeleteServiceLinkedRole is asynchronous in AWS's API). */
export interface RoleDeletionTable {
  task_id: string;
  account: string;
  state: "SUCCEEDED" | "FAILED";
  reason: string | null;
  /** JSON: what uses the role, a list of `{ Region, Resources }`. */
  usage: string;
  created_at: number;
}

export interface OrganizationTable {
  id: string;
  management_account: string;
  root_id: string;
  feature_set: "ALL" | "CONSOLIDATED_BILLING";
  /** Whether service control policies are turned on for the root. */
  scp_enabled: number;
  /** Whether resource control policies are. */
  rcp_enabled: number;
  created_at: number;
}

/** The nodes of organizations' trees: the root, organizational units, and member accounts (their node's id is the account's). */
export interface OrganizationNodeTable {
  id: string;
  organization: string;
  kind: "root" | "unit" | "account";
  /** Null for the root. */
  parent: string | null;
  name: string;
  email: string | null;
  joined_at: number;
  joined_method: "CREATED" | "INVITED" | null;
}

/** Control policies of customers; AWS's own (`p-FullAWSAccess`, `p-RCPFullAWSAccess`) are constants. */
export interface OrganizationPolicyTable {
  id: string;
  organization: string;
  type: "SERVICE_CONTROL_POLICY" | "RESOURCE_CONTROL_POLICY";
  name: string;
  description: string;
  content: string;
}

export interface OrganizationAttachmentTable {
  policy_id: string;
  target: string;
}

/** How the making of an account went (CreateAccount is asynchronous in AWS's API). */
export interface AccountCreationTable {
  id: string;
  organization: string;
  account: string | null;
  name: string;
  email: string;
  state: "IN_PROGRESS" | "SUCCEEDED" | "FAILED";
  failure: string | null;
  requested_at: number;
  completed_at: number | null;
}

/** Interface endpoints of VPCs for services that we serve. */
export interface VpcEndpointTable {
  /** Such as `vpce-0a1b2c3d4e5f60718`. */
  id: string;
  account: string;
  region: string;
  vpc_id: string;
  /** Such as `com.amazonaws.us-east-1.kms`. */
  service_name: string;
  /** The endpoint policy as it was sent. */
  policy: string;
  private_dns: number;
  /** JSON lists of texts. */
  subnet_ids: string;
  security_group_ids: string;
  created_at: number;
}

export type IdentityRow = Readonly<Selectable<IdentityTable>>;
export type ManagedPolicyRow = Readonly<Selectable<ManagedPolicyTable>>;
export type PolicyVersionRow = Readonly<Selectable<PolicyVersionTable>>;
export type OidcProviderRow = Readonly<Selectable<OidcProviderTable>>;
export type RoleDeletionRow = Readonly<Selectable<RoleDeletionTable>>;
export type OrganizationRow = Readonly<Selectable<OrganizationTable>>;
export type OrganizationNodeRow = Readonly<Selectable<OrganizationNodeTable>>;
export type OrganizationPolicyRow = Readonly<Selectable<OrganizationPolicyTable>>;
export type VpcEndpointRow = Readonly<Selectable<VpcEndpointTable>>;
export type AccountCreationRow = Readonly<Selectable<AccountCreationTable>>;
