/** The schema, as numbered migrations that only expand, and the one place that runs them. */

import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

export interface Migration {
  readonly version: number;
  /** The oldest schema version whose code may read a store that has this one. */
  readonly minimumReader: number;
  /** In SQLite's dialect, of which `postgresDdl` knows what is used here. */
  readonly sqlite: string;
}

/** All migrations, oldest first. One that was released is never edited. */
export const MIGRATIONS: readonly Migration[] = [
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
  {
    // Code of version 10 would use keys of a key store that is disconnected, and encrypt under them once instead of twice.
    version: 11,
    minimumReader: 11,
    sqlite: `
      CREATE TABLE key_store (
        region TEXT NOT NULL, id TEXT NOT NULL, account TEXT NOT NULL, partition TEXT NOT NULL, name TEXT NOT NULL,
        type TEXT NOT NULL, connection_state TEXT NOT NULL, connection_error TEXT, connection_request TEXT, revision TEXT NOT NULL,
        secret BLOB NOT NULL, secret_at INTEGER NOT NULL, created_at INTEGER NOT NULL, connectivity TEXT NOT NULL,
        endpoint TEXT NOT NULL, path TEXT NOT NULL, access_key_id TEXT NOT NULL, vpc_service TEXT, vpc_owner TEXT,
        PRIMARY KEY (region, id)
      ) STRICT;
      CREATE UNIQUE INDEX key_store_by_name ON key_store (region, account, name);
      CREATE INDEX key_store_by_id ON key_store (id);
      ALTER TABLE "key" ADD COLUMN key_store_id TEXT;
      ALTER TABLE "key" ADD COLUMN xks_key_id TEXT;
      CREATE UNIQUE INDEX key_by_key_store ON "key" (region, key_store_id, xks_key_id) WHERE key_store_id IS NOT NULL;
    `,
  },
  {
    version: 12,
    minimumReader: 11,
    sqlite: `
      CREATE TABLE ssm_parameter (
        region TEXT NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, latest INTEGER NOT NULL,
        type TEXT NOT NULL, tier TEXT NOT NULL, value TEXT NOT NULL, key_id TEXT, description TEXT,
        modified_at INTEGER NOT NULL, modified_by TEXT NOT NULL,
        PRIMARY KEY (region, account, name, version)
      ) STRICT;
      CREATE UNIQUE INDEX ssm_parameter_latest ON ssm_parameter (region, account, name) WHERE latest = 1;
      CREATE TABLE ebs_volume (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, zone TEXT NOT NULL, gigabytes INTEGER NOT NULL,
        type TEXT NOT NULL, iops INTEGER, throughput INTEGER, snapshot TEXT, key_arn TEXT, data_key BLOB, context_id TEXT,
        created_at INTEGER NOT NULL, instance TEXT, device TEXT, attached_at INTEGER, grant_id TEXT
      ) STRICT;
      CREATE INDEX ebs_volume_by_account ON ebs_volume (account, region, id);
      CREATE TABLE ebs_snapshot (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, volume TEXT NOT NULL, gigabytes INTEGER NOT NULL,
        description TEXT NOT NULL, key_arn TEXT, data_key BLOB, context_id TEXT, shared_with TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX ebs_snapshot_by_account ON ebs_snapshot (account, region, id);
      CREATE TABLE ebs_setting (
        account TEXT NOT NULL, region TEXT NOT NULL, encrypted INTEGER NOT NULL, key_arn TEXT,
        PRIMARY KEY (account, region)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // Code of version 12 would make changes whose events are lost.
    version: 13,
    minimumReader: 13,
    sqlite: `
      CREATE TABLE event_rule (
        account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, pattern TEXT NOT NULL, state TEXT NOT NULL,
        description TEXT, role_arn TEXT, created_by TEXT NOT NULL,
        PRIMARY KEY (account, region, name)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE event_target (
        account TEXT NOT NULL, region TEXT NOT NULL, rule TEXT NOT NULL, id TEXT NOT NULL, arn TEXT NOT NULL,
        definition TEXT NOT NULL,
        PRIMARY KEY (account, region, rule, id)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE event_delivery (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, rule TEXT NOT NULL, target TEXT NOT NULL,
        arn TEXT NOT NULL, body TEXT NOT NULL, dead_letter_arn TEXT, attempts INTEGER NOT NULL,
        attempts_max INTEGER NOT NULL, next_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX event_delivery_by_time ON event_delivery (next_at, id);
      CREATE TABLE event_failure (
        account TEXT NOT NULL, region TEXT NOT NULL, rule TEXT NOT NULL, target TEXT NOT NULL, failures INTEGER NOT NULL,
        reason TEXT NOT NULL, failed_at INTEGER NOT NULL,
        PRIMARY KEY (account, region, rule, target)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE metric_hour (
        account TEXT NOT NULL, region TEXT NOT NULL, metric TEXT NOT NULL, dimensions TEXT NOT NULL, hour INTEGER NOT NULL,
        points TEXT NOT NULL,
        PRIMARY KEY (account, region, metric, dimensions, hour)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX metric_hour_by_time ON metric_hour (hour);
      CREATE TABLE metric_alarm (
        account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, partition TEXT NOT NULL, definition TEXT NOT NULL,
        state TEXT NOT NULL, reason TEXT NOT NULL, reason_data TEXT, updated_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL, configured_at INTEGER NOT NULL,
        PRIMARY KEY (account, region, name)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE alarm_history (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
        summary TEXT NOT NULL, data TEXT NOT NULL, happened_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX alarm_history_by_alarm ON alarm_history (account, region, happened_at, id);
      CREATE INDEX alarm_history_by_time ON alarm_history (happened_at);
      CREATE INDEX key_by_expiry ON "key" (region, account, key_id) WHERE valid_to IS NOT NULL;
    `,
  },
  {
    version: 14,
    minimumReader: 14,
    sqlite: `
      ALTER TABLE key_store ADD COLUMN cluster_id TEXT;
      ALTER TABLE key_store ADD COLUMN trust_anchor TEXT;
      CREATE TABLE backing_key (
        region TEXT NOT NULL, key_id TEXT NOT NULL, account TEXT NOT NULL, partition TEXT NOT NULL,
        key_store_id TEXT NOT NULL, cluster_id TEXT NOT NULL, handle TEXT, created_at INTEGER NOT NULL,
        PRIMARY KEY (region, key_id)
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

/** The newest schema version that this code writes. */
export const SCHEMA_VERSION = newest(MIGRATIONS).version;

/** Marks the file as Keystead's (SQLite's `application_id`): "KSTD". */
const APPLICATION_ID = 0x4b535444;

/** What a database says of itself before anything is read from it. */
export type Found =
  | { readonly kind: "empty" }
  | { readonly kind: "foreign" }
  | { readonly kind: "store"; readonly id: string; readonly command: string; version: number; minimumReader: number };

/** Tells an empty database, somebody else's and a Keystead store apart. Changes nothing. */
export function inspect(database: DatabaseSync): Found {
  const mark = database.prepare("PRAGMA application_id").get()?.["application_id"];
  if (mark !== APPLICATION_ID) {
    const objects = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.["count"];
    return mark === 0 && objects === 0 ? { kind: "empty" } : { kind: "foreign" };
  }
  const row = database.prepare("SELECT id, kind, schema_version, minimum_reader FROM store").get();
  if (row === undefined) return { kind: "foreign" };
  return {
    kind: "store",
    id: String(row["id"]),
    command: String(row["kind"]),
    version: Number(row["schema_version"]),
    minimumReader: Number(row["minimum_reader"]),
  };
}

/**
 * Brings a database to the newest schema, in one transaction; an empty one becomes a new store of the given kind. A store
 * that has the newest schema already, or a newer one, is left as it is.
 *
 * @param options.now milliseconds since the epoch
 * @param options.migrations all of them, oldest first (tests pass their own)
 */
export function migrate(
  database: DatabaseSync,
  { kind, now, migrations = MIGRATIONS }: { kind: "dev" | "serve"; now: number; migrations?: readonly Migration[] },
): void {
  const before = inspect(database);
  if (before.kind === "store" && before.version >= newest(migrations).version) return; // waits for no writer
  database.exec("BEGIN IMMEDIATE");
  try {
    const found = inspect(database);
    if (found.kind === "foreign") throw new Error("The database is not a Keystead store.");
    const from = found.kind === "store" ? found.version : 0;
    for (const { version, sqlite } of migrations) if (version > from) database.exec(sqlite);
    const { version, minimumReader } = newest(migrations);
    if (found.kind === "empty") {
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      database
        .prepare("INSERT INTO store VALUES (?, ?, ?, ?, ?, ?)")
        .run(randomUUID(), randomUUID(), kind, version, minimumReader, now);
    } else if (version > from) {
      database.prepare("UPDATE store SET schema_version = ?, minimum_reader = ?").run(version, minimumReader);
    }
    database.exec("COMMIT");
  } catch (cause) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw cause;
  }
}

/** The last of some migrations. */
export function newest(migrations: readonly Migration[]): Migration {
  const last = migrations.at(-1);
  if (last === undefined) throw new Error("There are no migrations.");
  return last;
}
