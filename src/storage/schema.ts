/** The tables, as Kysely types. Times are milliseconds since the epoch; booleans are 0 or 1; names, never positions. */

import type { Generated, Selectable } from "kysely";

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

/** Access keys: for now those of account roots. `secret` is sealed by custody under the credential domain key. */
export interface CredentialTable {
  access_key_id: string;
  account: string;
  /** The ARN of the principal that signs with it, such as `arn:aws:iam::111122223333:root`. */
  principal_arn: string;
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
  current_material_id: string;
  deletion_at: number | null;
  /** The waiting period of a primary key that is pending the deletion of its replicas; else null. */
  pending_window_days: number | null;
  rotation_enabled: number;
  rotation_period_days: number;
  /** When it was turned on last; when it is next is a row of `due`. */
  rotation_enabled_at: number | null;
}

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
}

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
export type ChangeKind = "account" | "credential" | "key" | "material" | "alias";

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

export interface Schema {
  store: StoreTable;
  account: AccountTable;
  credential: CredentialTable;
  key: KeyTable;
  material: MaterialTable;
  key_usage: KeyUsageTable;
  key_usage_start: KeyUsageStartTable;
  alias: AliasTable;
  tag: TagTable;
  domain_key: DomainKeyTable;
  domain_key_copy: DomainKeyCopyTable;
  recipient: RecipientTable;
  due: DueTable;
  outbox: OutboxTable;
  changes: ChangesTable;
  tombstone: TombstoneTable;
}

export type AccountRow = Readonly<Selectable<AccountTable>>;
export type CredentialRow = Readonly<Selectable<CredentialTable>>;
export type KeyRow = Readonly<Selectable<KeyTable>>;
export type MaterialRow = Readonly<Selectable<MaterialTable>>;
export type KeyUsageRow = Readonly<Selectable<KeyUsageTable>>;
export type AliasRow = Readonly<Selectable<AliasTable>>;
export type TagRow = Readonly<Selectable<TagTable>>;
export type DueRow = Readonly<Selectable<DueTable>>;
export type OutboxRow = Readonly<Selectable<OutboxTable>>;
export type TombstoneRow = Readonly<Selectable<TombstoneTable>>;
export type RecipientRow = Readonly<Selectable<RecipientTable>>;
