/** The tables, as Kysely types. Times are milliseconds since the epoch; booleans are 0 or 1; names, never positions. */

import type { Generated, Selectable } from "kysely";
import type {
  AccountAliasTable,
  AccountCreationTable,
  AttachedPolicyTable,
  CredentialUsageTable,
  GroupMemberTable,
  IamTagTable,
  IdentityTable,
  InlinePolicyTable,
  ManagedPolicyTable,
  OidcProviderTable,
  OrganizationAttachmentTable,
  OrganizationNodeTable,
  OrganizationPolicyTable,
  OrganizationTable,
  PolicyVersionTable,
  RoleDeletionTable,
  VpcEndpointTable,
} from "./identity-schema.ts";
import type { BackingKeyTable, KeyStoreTable } from "./key-store-schema.ts";
import type { MeterTables } from "./meter-schema.ts";
import type {
  EbsBlockPlaceTable,
  EbsBlockTable,
  EbsSettingTable,
  EbsSnapshotTable,
  EbsVolumeTable,
  S3BucketTable,
  S3ObjectTable,
  S3PartTable,
  S3UploadTable,
  SecretTable,
  SecretVersionTable,
  SsmParameterTable,
} from "./service-schema.ts";
import type { SignalTables } from "./signal-schema.ts";
import type { TrailTables } from "./trail-schema.ts";

/** One row: what this store is and who may open it. */
export interface StoreTable {
  id: string;
  /** Random, new after each restore. */
  incarnation: string;
  /** `dev` and `serve` stores don't mix. */
  kind: "dev" | "serve";
  schema_version: number;
  /** The oldest schema version whose code may read this store. */
  minimum_reader: number;
  created_at: number;
}

export interface AccountTable {
  id: string;
  name: string;
  created_at: number;
}

/** Access keys of account roots and IAM users. `secret` is sealed by custody under the credential domain key. */
export interface CredentialTable {
  access_key_id: string;
  account: string;
  /** The ARN of the principal that signs with it, such as `arn:aws:iam::111122223333:root`. */
  principal_arn: string;
  /** The unique id of the IAM user whose key it is; null: the account root's. */
  user_id: string | null;
  secret: Uint8Array;
  status: "Active" | "Inactive";
  /** Changes with every change of the row; part of the signing-key cache's key. */
  revision: string;
  created_at: number;
}

export type KeyState =
  | "Creating"
  | "Enabled"
  | "Disabled"
  | "PendingDeletion"
  | "PendingImport"
  | "PendingReplicaDeletion"
  | "Unavailable"
  | "Updating";

export interface KeyTable {
  region: string;
  key_id: string;
  account: string;
  partition: string;
  spec: string;
  usage: string;
  origin: string;
  manager: "CUSTOMER" | "AWS";
  /** For AWS managed keys the service, such as `ebs`; else null. */
  service: string | null;
  description: string;
  state: KeyState;
  multi_region: number;
  /** Where the primary key of this multi-Region key is; null for single-Region keys. All related rows say the same. */
  primary_region: string | null;
  /** The Regions of its replicas, oldest first, as a JSON list; null for single-Region keys. All related rows say the same. */
  replica_regions: string | null;
  created_at: number;
  /** The key policy exactly as it was sent. */
  policy: string;
  /** JSON: the unique id of each user and role that the policy names, by ARN, as of when it was put. */
  policy_principals: Generated<string>;
  current_material_id: string;
  deletion_at: number | null;
  /** The waiting period of a primary key that is pending the deletion of its replicas; else null. */
  pending_window_days: number | null;
  rotation_enabled: number;
  rotation_period_days: number;
  /** When it was turned on last; when it is next is a row of `due`. */
  rotation_enabled_at: number | null;
  /** Of imported material that is there or has expired: whether any of it expires. Else null. */
  expiration_model: ExpirationModel | null;
  /** When the first of the materials that the key can't do without expires; null where none does. */
  valid_to: number | null;
  /** The custom key store that it is in; null where it is in none. */
  key_store_id: string | null;
  /** In an external key store: by what its proxy knows the external key. */
  xks_key_id: string | null;
}

/** Whether imported material expires; the words are the API's. */
export type ExpirationModel = "KEY_MATERIAL_EXPIRES" | "KEY_MATERIAL_DOES_NOT_EXPIRE";

/** Key material as custody sealed it. The seal authenticates the columns down to `domain_version`. */
export interface MaterialTable {
  region: string;
  key_id: string;
  material_id: string;
  account: string;
  spec: string;
  usage: string;
  origin: string;
  /** Version of the material domain key that sealed the row. */
  domain_version: number;
  sealed: Uint8Array;
  created_at: number;
  /** When it took the place of the material before it; null for a key's first. */
  rotated_at: number | null;
  /** What put it there; null for a key's first. */
  rotation_type: RotationType | null;
  /**
   * Of imported material: whether it is here. Where it is not, `sealed` is empty, and the row stays as the fingerprint by
   * which the same material is known when it comes again. Null for material of our own.
   */
  import_state: ImportState | null;
  /** As the last import had it; null once somebody deleted the material, and for material of our own. */
  expiration_model: ExpirationModel | null;
  /** When it expires, or did. */
  expires_at: number | null;
  /** What the importer calls it. */
  description: string | null;
  /** What it waits for before it becomes current; until then the key can lose it for good. Null: it is the key's for ever. */
  pending: PendingMaterial | null;
}

/** Whether imported material is here; the words are the API's. */
export type ImportState = "IMPORTED" | "PENDING_IMPORT";

/** What keeps imported material from being the key's current one; the words are the API's (KeyMaterialState). */
export type PendingMaterial = "PENDING_ROTATION" | "PENDING_MULTI_REGION_IMPORT_AND_ROTATION";

/** Whether a rotation was due or was asked for. */
export type RotationType = "AUTOMATIC" | "ON_DEMAND";

/** The last successful cryptographic use of each key, some seconds late; never in the feed. */
export interface KeyUsageTable {
  region: string;
  key_id: string;
  operation: string;
  used_at: number;
  /** The `eventID` of its record in the account of the key. */
  event_id: string;
  request_id: string;
}

/** One row: since when uses are tracked. */
export interface KeyUsageStartTable {
  only_row: 1;
  started_at: number;
}

export interface AliasTable {
  region: string;
  account: string;
  /** With its prefix `alias/`. */
  name: string;
  key_id: string;
  created_at: number;
  updated_at: number;
}

export interface TagTable {
  region: string;
  key_id: string;
  tag_key: string;
  tag_value: string;
}

/** A grant on a key. Its text columns hold what the API says, as JSON where it is not a text. */
export interface GrantTable {
  region: string;
  /** 64 hex digits. */
  grant_id: string;
  key_id: string;
  /** Whose key it is on. */
  key_account: string;
  partition: string;
  /** The account of whoever made it. */
  issuing_account: string;
  /** The ARN of a principal, or the name of a service principal. */
  grantee: string;
  /** The unique id of the user or role that is the grantee. */
  grantee_id: string | null;
  /** Whether it was given as `GranteeServicePrincipal`. */
  grantee_is_service: number;
  /** Who may retire it; null when nobody is named. */
  retirer: string | null;
  retirer_id: string | null;
  retirer_is_service: number;
  /** A JSON list of grant operations. */
  operations: string;
  /** A JSON object, the API's GrantConstraints; null for none. */
  constraints: string | null;
  /** Empty for none. */
  name: string;
  created_at: number;
}

/** How many grants a key has, so that nobody has to count them. */
export interface GrantCountTable {
  region: string;
  key_id: string;
  grants: number;
}

/** How many customer managed keys an account has in a Region, so that nobody has to count them. */
export interface KeyCountTable {
  account: string;
  region: string;
  keys: number;
}

/** What an account asked for at Service Quotas. */
export interface QuotaRequestTable {
  id: string;
  account: string;
  region: string;
  /** The service whose quota it is, such as `kms`. */
  service: string;
  code: string;
  desired: number;
  /** The words are the API's. */
  status: "APPROVED" | "CASE_OPENED";
  /** The ARN of whoever asked. */
  requester: string;
  created_at: number;
}

/** The value of a quota that an account was given in a Region. */
export interface QuotaValueTable {
  account: string;
  region: string;
  code: string;
  value: number;
}

/** What domain keys are for (DESIGN §6). */
export type DomainKeyPurpose = "material" | "credential" | "session" | "import" | "store" | "audit" | "backup";

/** Domain keys: one row for each (Region, purpose, version); the key itself is in `domain_key_copy`. */
export interface DomainKeyTable {
  region: string;
  purpose: DomainKeyPurpose;
  version: number;
  /** Seals handed out so far, in reserved blocks: never fewer than were made. */
  seals: number;
  created_at: number;
}

/** One copy of a domain key, sealed to one root recipient. */
export interface DomainKeyCopyTable {
  region: string;
  purpose: DomainKeyPurpose;
  version: number;
  recipient: string;
  sealed: Uint8Array;
}

/** A root key that opens this store's domain keys. The root key itself is never here. */
export interface RecipientTable {
  /** Custody's identifier of the root key: a hash that tells one root key from another and nothing more. */
  id: string;
  kind: "ephemeral" | "file" | "systemd" | "environment" | "recovery";
  /** The key that seals this recipient's copies, itself sealed by custody. */
  sealed_key: Uint8Array;
  created_at: number;
}

/** One row, which whoever rests on the set of recipients or on a shred locks first by changing it. */
export interface RecipientSetTable {
  only_row: 1;
  revision: number;
}

export type ProcessKind = "serve" | "command" | "shred";

/** Which recipients' root keys each live process has opened the store with. */
export interface ProcessRootTable {
  /** Random, for each start. */
  process: string;
  /** Empty for a command: it is there, but no root key stays for its sake, since it can be run again with another. */
  recipient: string;
  kind: ProcessKind;
  /** Which process that is, for people. */
  label: string;
  /** The process is taken for dead from here on; it moves this time while it lives. */
  expires_at: number;
}

/** Secrets of the deployment that no domain key derives. */
export interface DeploymentSecretTable {
  name: string;
  /** Sealed by custody under the `store` domain key. */
  sealed: Uint8Array;
}

/** The last `keystead shred`, one row at most. */
export interface ShredTable {
  only_row: 1;
  /** `sealing`: rows may still be sealed under old domain keys. `sealed`: the old root key may still be there. */
  state: "sealing" | "sealed" | "done";
  /** JSON list of ids. */
  new_recipients: string;
  old_recipients: string;
  /** JSON list: of each domain key, the first version that is not old. */
  versions: string;
  begun_at: number;
  finished_at: number | null;
}

/** What becomes due. One row for each (kind, region, subject). */
export interface DueTable {
  kind: string;
  region: string;
  subject: string;
  due_at: number;
}

/** Records of changes, written in the change's own transaction, until they are in a segment. */
export interface OutboxTable {
  sequence: Generated<number>;
  record: string;
  /** Of whose process it is to be moved: empty where there is one alone. */
  slot: Generated<string>;
}

/** A node's promise to know of every change; its writers wait for those that are unexpired. PostgreSQL alone has rows here. */
export interface NodeLeaseTable {
  /** A UUID, new in each process. */
  node: string;
  slot: string;
  schema_version: number;
  /** The last position of the feed that it has applied. */
  confirmed: number;
  /** By the database's clock. */
  expires_at: number;
}

/** The change feed. */
export interface ChangesTable {
  position: Generated<number>;
  kind: ChangeKind;
  /** The name that changed, in the form of `viewName` (view.ts). */
  name: string;
  /** Random: a reader that finds another tag at a position it has applied knows that the tail was lost. */
  tag: string;
}

/** The kinds of rows that the view holds. */
export type ChangeKind =
  | "account"
  | "credential"
  | "identity"
  | "identityName"
  | "managedPolicy"
  | "organization"
  | "organizationNode"
  | "organizationPolicy"
  | "vpcEndpoint"
  | "bucket"
  | "key"
  | "keyLabels"
  | "keyStore"
  | "material"
  | "alias"
  | "grant"
  | "granted"
  | "quotas"
  | "secret"
  | "parameterTags";

/** What is left of a deleted key or material; never removed. */
export interface TombstoneTable {
  kind: "key" | "material";
  region: string;
  key_id: string;
  /** Empty for a key. */
  material_id: string;
  account: string;
  deleted_at: number;
}

export interface Schema extends MeterTables, SignalTables, TrailTables {
  store: StoreTable;
  account: AccountTable;
  credential: CredentialTable;
  credential_usage: CredentialUsageTable;
  identity: IdentityTable;
  group_member: GroupMemberTable;
  inline_policy: InlinePolicyTable;
  managed_policy: ManagedPolicyTable;
  policy_version: PolicyVersionTable;
  attached_policy: AttachedPolicyTable;
  iam_tag: IamTagTable;
  oidc_provider: OidcProviderTable;
  account_alias: AccountAliasTable;
  role_deletion: RoleDeletionTable;
  organization: OrganizationTable;
  organization_node: OrganizationNodeTable;
  organization_policy: OrganizationPolicyTable;
  organization_attachment: OrganizationAttachmentTable;
  account_creation: AccountCreationTable;
  vpc_endpoint: VpcEndpointTable;
  ssm_parameter: SsmParameterTable;
  secret: SecretTable;
  secret_version: SecretVersionTable;
  ebs_volume: EbsVolumeTable;
  ebs_snapshot: EbsSnapshotTable;
  ebs_setting: EbsSettingTable;
  s3_bucket: S3BucketTable;
  s3_object: S3ObjectTable;
  s3_upload: S3UploadTable;
  s3_part: S3PartTable;
  ebs_block: EbsBlockTable;
  ebs_block_place: EbsBlockPlaceTable;
  key: KeyTable;
  key_store: KeyStoreTable;
  backing_key: BackingKeyTable;
  material: MaterialTable;
  key_usage: KeyUsageTable;
  key_usage_start: KeyUsageStartTable;
  alias: AliasTable;
  tag: TagTable;
  grant: GrantTable;
  grant_count: GrantCountTable;
  key_count: KeyCountTable;
  quota_request: QuotaRequestTable;
  quota_value: QuotaValueTable;
  domain_key: DomainKeyTable;
  domain_key_copy: DomainKeyCopyTable;
  recipient: RecipientTable;
  recipient_set: RecipientSetTable;
  process_root: ProcessRootTable;
  deployment_secret: DeploymentSecretTable;
  shred: ShredTable;
  due: DueTable;
  outbox: OutboxTable;
  node_lease: NodeLeaseTable;
  changes: ChangesTable;
  tombstone: TombstoneTable;
}

export type AccountRow = Readonly<Selectable<AccountTable>>;
export type CredentialRow = Readonly<Selectable<CredentialTable>>;
export type KeyRow = Readonly<Selectable<KeyTable>>;
export type MaterialRow = Readonly<Selectable<MaterialTable>>;
export type KeyUsageRow = Readonly<Selectable<KeyUsageTable>>;
export type AliasRow = Readonly<Selectable<AliasTable>>;
export type GrantRow = Readonly<Selectable<GrantTable>>;
/** The grants that one grantee has on one key, oldest first; never an empty list. */
export interface GrantedRow {
  readonly grants: readonly GrantRow[];
}
/** The values of quotas that an account was given in a Region, by code. */
export interface QuotaValues {
  readonly values: ReadonlyMap<string, number>;
}
export type QuotaRequestRow = Readonly<Selectable<QuotaRequestTable>>;
export type TagRow = Readonly<Selectable<TagTable>>;
export type DueRow = Readonly<Selectable<DueTable>>;
export type OutboxRow = Readonly<Selectable<OutboxTable>>;
export type TombstoneRow = Readonly<Selectable<TombstoneTable>>;
export type RecipientRow = Readonly<Selectable<RecipientTable>>;
