/** The schema of versions 1 to 10: keys, identities, records, leases. */

export interface Migration {
  readonly version: number;
  /** The oldest schema version whose code may read a store that has this one. */
  readonly minimumReader: number;
  /** In SQLite's dialect, of which `postgresDdl` knows what is used here. */
  readonly sqlite: string;
}

/** Oldest first. One that was released is never edited. */
export const FIRST_MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    minimumReader: 1,
    sqlite: `
      CREATE TABLE store (
        id TEXT PRIMARY KEY, incarnation TEXT NOT NULL, kind TEXT NOT NULL, schema_version INTEGER NOT NULL,
        minimum_reader INTEGER NOT NULL, created_at INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE account (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
      CREATE TABLE credential (
        access_key_id TEXT PRIMARY KEY, account TEXT NOT NULL, principal_arn TEXT NOT NULL, secret BLOB NOT NULL,
        status TEXT NOT NULL, revision TEXT NOT NULL, created_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX credential_by_account ON credential (account, access_key_id);
      CREATE TABLE "key" (
        region TEXT NOT NULL, key_id TEXT NOT NULL, account TEXT NOT NULL, partition TEXT NOT NULL, spec TEXT NOT NULL,
        usage TEXT NOT NULL, origin TEXT NOT NULL, manager TEXT NOT NULL, service TEXT, description TEXT NOT NULL,
        state TEXT NOT NULL, multi_region INTEGER NOT NULL, created_at INTEGER NOT NULL, policy TEXT NOT NULL,
        current_material_id TEXT NOT NULL, deletion_at INTEGER, rotation_enabled INTEGER NOT NULL,
        rotation_period_days INTEGER NOT NULL, rotation_enabled_at INTEGER,
        PRIMARY KEY (region, key_id)
      ) STRICT;
      CREATE INDEX key_by_account ON "key" (region, account, key_id);
      CREATE TABLE material (
        region TEXT NOT NULL, key_id TEXT NOT NULL, material_id TEXT NOT NULL, account TEXT NOT NULL,
        spec TEXT NOT NULL, usage TEXT NOT NULL, origin TEXT NOT NULL, domain_version INTEGER NOT NULL,
        sealed BLOB NOT NULL, created_at INTEGER NOT NULL,
        PRIMARY KEY (region, key_id, material_id)
      ) STRICT;
      CREATE TABLE alias (
        region TEXT NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL, key_id TEXT NOT NULL,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
        PRIMARY KEY (region, account, name)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX alias_by_key ON alias (region, key_id, name);
      CREATE TABLE tag (
        region TEXT NOT NULL, key_id TEXT NOT NULL, tag_key TEXT NOT NULL, tag_value TEXT NOT NULL,
        PRIMARY KEY (region, key_id, tag_key)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE domain_key (
        region TEXT NOT NULL, purpose TEXT NOT NULL, version INTEGER NOT NULL, seals INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (region, purpose, version)
      ) STRICT;
      CREATE TABLE domain_key_copy (
        region TEXT NOT NULL, purpose TEXT NOT NULL, version INTEGER NOT NULL, recipient TEXT NOT NULL,
        sealed BLOB NOT NULL,
        PRIMARY KEY (region, purpose, version, recipient)
      ) STRICT;
      CREATE TABLE recipient (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, sealed_key BLOB NOT NULL, created_at INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE due (
        kind TEXT NOT NULL, region TEXT NOT NULL, subject TEXT NOT NULL, due_at INTEGER NOT NULL,
        PRIMARY KEY (kind, region, subject)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX due_by_time ON due (kind, due_at, region, subject);
      CREATE TABLE outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL) STRICT;
      CREATE TABLE changes (
        position INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, name TEXT NOT NULL, tag TEXT NOT NULL
      ) STRICT;
      CREATE TABLE tombstone (
        kind TEXT NOT NULL, region TEXT NOT NULL, key_id TEXT NOT NULL, material_id TEXT NOT NULL,
        account TEXT NOT NULL, deleted_at INTEGER NOT NULL,
        PRIMARY KEY (kind, region, key_id, material_id)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // Code of version 1 turns rotation on without making it due.
    version: 2,
    minimumReader: 2,
    sqlite: `
      ALTER TABLE material ADD COLUMN rotated_at INTEGER;
      ALTER TABLE material ADD COLUMN rotation_type TEXT;
      CREATE INDEX material_by_age ON material (region, key_id, created_at, material_id);
      CREATE TABLE key_usage (
        region TEXT NOT NULL, key_id TEXT NOT NULL, operation TEXT NOT NULL, used_at INTEGER NOT NULL,
        event_id TEXT NOT NULL, request_id TEXT NOT NULL,
        PRIMARY KEY (region, key_id)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE key_usage_start (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1), started_at INTEGER NOT NULL
      ) STRICT;
      INSERT INTO due (kind, region, subject, due_at)
        SELECT 'kms:RotateKey', region, key_id, rotation_enabled_at + rotation_period_days * 86400000
        FROM "key" WHERE rotation_enabled = 1 AND rotation_enabled_at IS NOT NULL;
    `,
  },
  {
    version: 3,
    minimumReader: 3,
    sqlite: `
      ALTER TABLE credential ADD COLUMN user_id TEXT;
      ALTER TABLE "key" ADD COLUMN policy_principals TEXT NOT NULL DEFAULT '{}';
      CREATE INDEX credential_by_user ON credential (user_id, access_key_id) WHERE user_id IS NOT NULL;
      CREATE TABLE credential_usage (
        access_key_id TEXT PRIMARY KEY, used_at INTEGER NOT NULL, region TEXT NOT NULL, service TEXT NOT NULL
      ) STRICT;
      CREATE TABLE identity (
        unique_id TEXT PRIMARY KEY, account TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL,
        path TEXT NOT NULL, created_at INTEGER NOT NULL, boundary TEXT, trust_policy TEXT,
        trust_principals TEXT NOT NULL DEFAULT '{}', description TEXT, max_session_seconds INTEGER, linked_service TEXT
      ) STRICT;
      CREATE UNIQUE INDEX identity_by_name ON identity (account, kind, name_key);
      CREATE INDEX identity_by_boundary ON identity (boundary, unique_id) WHERE boundary IS NOT NULL;
      CREATE TABLE group_member (
        group_id TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (group_id, user_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX group_member_by_user ON group_member (user_id, group_id);
      CREATE TABLE inline_policy (
        unique_id TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (unique_id, name)
      ) STRICT;
      CREATE TABLE managed_policy (
        arn TEXT PRIMARY KEY, account TEXT NOT NULL, policy_id TEXT NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL,
        path TEXT NOT NULL, description TEXT, default_version INTEGER NOT NULL, newest_version INTEGER NOT NULL,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX managed_policy_by_name ON managed_policy (account, name_key);
      CREATE TABLE policy_version (
        arn TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL, created_at INTEGER NOT NULL,
        PRIMARY KEY (arn, version)
      ) STRICT;
      CREATE TABLE attached_policy (
        unique_id TEXT NOT NULL, arn TEXT NOT NULL, PRIMARY KEY (unique_id, arn)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX attached_policy_by_arn ON attached_policy (arn, unique_id);
      CREATE TABLE iam_tag (
        owner TEXT NOT NULL, tag_key TEXT NOT NULL, tag_value TEXT NOT NULL, PRIMARY KEY (owner, tag_key)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE oidc_provider (
        arn TEXT PRIMARY KEY, account TEXT NOT NULL, url TEXT NOT NULL, client_ids TEXT NOT NULL, thumbprints TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX oidc_provider_by_account ON oidc_provider (account, arn);
      CREATE TABLE account_alias (account TEXT PRIMARY KEY, alias TEXT NOT NULL UNIQUE) STRICT;
      CREATE TABLE organization (
        id TEXT PRIMARY KEY, management_account TEXT NOT NULL, root_id TEXT NOT NULL, feature_set TEXT NOT NULL,
        scp_enabled INTEGER NOT NULL, created_at INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE organization_node (
        id TEXT PRIMARY KEY, organization TEXT NOT NULL, kind TEXT NOT NULL, parent TEXT, name TEXT NOT NULL, email TEXT,
        joined_at INTEGER NOT NULL, joined_method TEXT
      ) STRICT;
      CREATE INDEX organization_node_by_parent ON organization_node (organization, parent, kind, id);
      CREATE TABLE organization_policy (
        id TEXT PRIMARY KEY, organization TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
        content TEXT NOT NULL
      ) STRICT;
      CREATE UNIQUE INDEX organization_policy_by_name ON organization_policy (organization, name);
      CREATE TABLE organization_attachment (
        policy_id TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (policy_id, target)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX organization_attachment_by_target ON organization_attachment (target, policy_id);
      CREATE TABLE account_creation (
        id TEXT PRIMARY KEY, organization TEXT NOT NULL, account TEXT, name TEXT NOT NULL, email TEXT NOT NULL,
        state TEXT NOT NULL, failure TEXT, requested_at INTEGER NOT NULL, completed_at INTEGER
      ) STRICT;
      CREATE TABLE vpc_endpoint (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, vpc_id TEXT NOT NULL,
        service_name TEXT NOT NULL, policy TEXT NOT NULL, private_dns INTEGER NOT NULL, subnet_ids TEXT NOT NULL,
        security_group_ids TEXT NOT NULL, created_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX vpc_endpoint_by_account ON vpc_endpoint (account, region, id);
    `,
  },
  {
    // Code of version 3 takes the row of imported material that is gone for material.
    version: 4,
    minimumReader: 4,
    sqlite: `
      ALTER TABLE "key" ADD COLUMN expiration_model TEXT;
      ALTER TABLE "key" ADD COLUMN valid_to INTEGER;
      ALTER TABLE material ADD COLUMN import_state TEXT;
      ALTER TABLE material ADD COLUMN expiration_model TEXT;
      ALTER TABLE material ADD COLUMN expires_at INTEGER;
      ALTER TABLE material ADD COLUMN description TEXT;
      ALTER TABLE material ADD COLUMN pending TEXT;
    `,
  },
  {
    // Code of version 4 leaves grants behind when it deletes a key.
    version: 5,
    minimumReader: 5,
    sqlite: `
      CREATE TABLE "grant" (
        region TEXT NOT NULL, grant_id TEXT NOT NULL, key_id TEXT NOT NULL, key_account TEXT NOT NULL,
        partition TEXT NOT NULL, issuing_account TEXT NOT NULL, grantee TEXT NOT NULL,
        grantee_id TEXT, grantee_is_service INTEGER NOT NULL, retirer TEXT, retirer_id TEXT,
        retirer_is_service INTEGER NOT NULL,
        operations TEXT NOT NULL, constraints TEXT, name TEXT NOT NULL, created_at INTEGER NOT NULL,
        PRIMARY KEY (region, grant_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX grant_by_key ON "grant" (region, key_id, grant_id);
      CREATE INDEX grant_by_grantee ON "grant" (region, key_id, grantee, grant_id);
      CREATE INDEX grant_by_retirer ON "grant" (region, retirer, grant_id);
      CREATE INDEX grant_by_name ON "grant" (region, key_id, name);
      CREATE TABLE grant_count (
        region TEXT NOT NULL, key_id TEXT NOT NULL, grants INTEGER NOT NULL,
        PRIMARY KEY (region, key_id)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 6,
    minimumReader: 5,
    sqlite: `
      CREATE TABLE role_deletion (
        task_id TEXT PRIMARY KEY, account TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, usage TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT;
    `,
  },
  {
    // Code of version 6 would delete a primary key before its replicas, and rotate it alone.
    version: 7,
    minimumReader: 7,
    sqlite: `
      ALTER TABLE "key" ADD COLUMN primary_region TEXT;
      ALTER TABLE "key" ADD COLUMN replica_regions TEXT;
      ALTER TABLE "key" ADD COLUMN pending_window_days INTEGER;
    `,
  },
  {
    // Leases of nodes are PostgreSQL's; with SQLite the table stays empty.
    version: 8,
    minimumReader: 7,
    sqlite: `
      CREATE TABLE node_lease (
        node TEXT PRIMARY KEY, slot TEXT NOT NULL, schema_version INTEGER NOT NULL, confirmed INTEGER NOT NULL,
        expires_at INTEGER NOT NULL
      ) STRICT;
      ALTER TABLE outbox ADD COLUMN slot TEXT NOT NULL DEFAULT '';
    `,
  },
  {
    // Code of version 8 would not count the keys that it makes and deletes.
    version: 9,
    minimumReader: 9,
    sqlite: `
      CREATE TABLE key_count (
        account TEXT NOT NULL, region TEXT NOT NULL, keys INTEGER NOT NULL,
        PRIMARY KEY (account, region)
      ) STRICT, WITHOUT ROWID;
      INSERT INTO key_count SELECT account, region, count(*) FROM "key" WHERE manager = 'CUSTOMER' GROUP BY account, region;
      CREATE TABLE quota_request (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, service TEXT NOT NULL, code TEXT NOT NULL,
        desired REAL NOT NULL, status TEXT NOT NULL, requester TEXT NOT NULL, created_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX quota_request_by_account ON quota_request (account, region, created_at);
      CREATE TABLE quota_value (
        account TEXT NOT NULL, region TEXT NOT NULL, code TEXT NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (account, region, code)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // Code of version 9 derives the fingerprint key from a domain key that may be gone, and seals to recipients of another moment.
    version: 10,
    minimumReader: 10,
    sqlite: `
      CREATE TABLE recipient_set (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1), revision INTEGER NOT NULL
      ) STRICT;
      INSERT INTO recipient_set VALUES (1, 0);
      CREATE TABLE process_root (
        process TEXT NOT NULL, recipient TEXT NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        PRIMARY KEY (process, recipient)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE deployment_secret (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
      CREATE TABLE shred (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1), state TEXT NOT NULL, new_recipients TEXT NOT NULL,
        old_recipients TEXT NOT NULL, versions TEXT NOT NULL, begun_at INTEGER NOT NULL, finished_at INTEGER
      ) STRICT;
    `,
  },
];
