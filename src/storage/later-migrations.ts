/** The schema from version 11 on: key stores, services, signals, trails, objects, secrets. */

import type { Migration } from "./first-migrations.ts";

/** Oldest first. One that was released is never edited. */
export const LATER_MIGRATIONS: readonly Migration[] = [
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
  {
    version: 15,
    minimumReader: 14,
    sqlite: `
      CREATE TABLE trail (
        account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, partition TEXT NOT NULL, bucket TEXT NOT NULL,
        prefix TEXT, key_arn TEXT, multi_region INTEGER NOT NULL, global_events INTEGER NOT NULL,
        validation INTEGER NOT NULL, selectors TEXT, logging INTEGER NOT NULL, started_at INTEGER, stopped_at INTEGER,
        delivered_at INTEGER, attempted_at INTEGER, delivery_error TEXT, digested_at INTEGER, digest_error TEXT,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (account, region, name)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE trail_progress (
        account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, number INTEGER NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (account, region, name, source)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE trail_file (
        account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, source_region TEXT NOT NULL, bucket TEXT NOT NULL,
        object TEXT NOT NULL, hash TEXT NOT NULL, oldest_at INTEGER NOT NULL, newest_at INTEGER NOT NULL,
        delivered_at INTEGER NOT NULL,
        PRIMARY KEY (account, region, name, source_region, object)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE trail_chain (
        account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, source_region TEXT NOT NULL,
        from_at INTEGER NOT NULL, claimed_until INTEGER NOT NULL, previous TEXT,
        PRIMARY KEY (account, region, name, source_region)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE digest_key (
        region TEXT NOT NULL, id TEXT NOT NULL, material_id TEXT NOT NULL, domain_version INTEGER NOT NULL,
        sealed BLOB NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL,
        PRIMARY KEY (region, id)
      ) STRICT;
    `,
  },
  {
    // Code of before would not know what the feed says of buckets.
    version: 16,
    minimumReader: 16,
    sqlite: `
      CREATE TABLE s3_bucket (
        partition TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL,
        created_at INTEGER NOT NULL, policy TEXT, policy_principals TEXT NOT NULL, encryption TEXT,
        PRIMARY KEY (partition, name)
      ) STRICT, WITHOUT ROWID;
      CREATE UNIQUE INDEX s3_bucket_by_id ON s3_bucket (id);
      CREATE INDEX s3_bucket_by_account ON s3_bucket (account, partition, name);
      CREATE TABLE s3_object (
        bucket TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
        headers TEXT NOT NULL, metadata TEXT NOT NULL, algorithm TEXT NOT NULL, key_arn TEXT, data_key BLOB NOT NULL,
        context TEXT, bucket_key INTEGER NOT NULL, checksum TEXT, parts INTEGER, modified_at INTEGER NOT NULL,
        PRIMARY KEY (bucket, key)
      ) STRICT;
      CREATE INDEX s3_object_by_body ON s3_object (body);
      CREATE TABLE s3_upload (
        id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, initiated_at INTEGER NOT NULL, initiator TEXT NOT NULL,
        headers TEXT NOT NULL, metadata TEXT NOT NULL, algorithm TEXT NOT NULL, key_arn TEXT, data_key BLOB NOT NULL,
        context TEXT, bucket_key INTEGER NOT NULL, checksum_algorithm TEXT
      ) STRICT;
      CREATE INDEX s3_upload_by_bucket ON s3_upload (bucket, key, id);
      CREATE TABLE s3_part (
        body TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, md5 TEXT NOT NULL,
        checksum TEXT, modified_at INTEGER NOT NULL,
        PRIMARY KEY (body, number)
      ) STRICT;
      CREATE UNIQUE INDEX s3_part_by_file ON s3_part (file);
    `,
  },
  {
    // Code of before would not know entries of the feed about secrets.
    version: 17,
    minimumReader: 17,
    sqlite: `
      CREATE TABLE secret (
        region TEXT NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL, arn TEXT NOT NULL, description TEXT, key_id TEXT,
        created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, accessed_on INTEGER, deletion_at INTEGER,
        PRIMARY KEY (region, account, name)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE secret_version (
        arn TEXT NOT NULL, version_id TEXT NOT NULL, stages TEXT NOT NULL, is_binary INTEGER NOT NULL,
        ciphertexts TEXT NOT NULL, created_at INTEGER NOT NULL, accessed_on INTEGER,
        PRIMARY KEY (arn, version_id)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE ebs_block (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, data BLOB NOT NULL
      ) STRICT;
      CREATE INDEX ebs_block_by_account ON ebs_block (account);
      CREATE TABLE ebs_block_place (
        owner TEXT NOT NULL, block_index INTEGER NOT NULL, block TEXT NOT NULL, checksum TEXT NOT NULL,
        PRIMARY KEY (owner, block_index)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX ebs_block_place_by_block ON ebs_block_place (block);
      ALTER TABLE ebs_snapshot ADD COLUMN state TEXT NOT NULL DEFAULT 'completed';
      ALTER TABLE ebs_snapshot ADD COLUMN parent TEXT;
      ALTER TABLE ebs_snapshot ADD COLUMN request TEXT;
      ALTER TABLE ebs_snapshot ADD COLUMN write_until INTEGER;
      ALTER TABLE ssm_parameter ADD COLUMN allowed_pattern TEXT;
      ALTER TABLE ssm_parameter ADD COLUMN policies TEXT;
    `,
  },
  {
    // Code of before would decide without the policies of secrets.
    version: 18,
    minimumReader: 18,
    sqlite: `
      ALTER TABLE secret ADD COLUMN policy TEXT;
      ALTER TABLE secret ADD COLUMN policy_principals TEXT NOT NULL DEFAULT '{}';
      ALTER TABLE secret ADD COLUMN tagged INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE ssm_parameter ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';
    `,
  },
  {
    // Code of before would leave a key whose deletion is called off without its charge. Of keys that wait already it is not
    // known since when: 30 days before their end at the latest.
    version: 19,
    minimumReader: 19,
    sqlite: `
      CREATE TABLE request_count (
        month TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, operation TEXT NOT NULL, spec TEXT NOT NULL,
        requests INTEGER NOT NULL,
        PRIMARY KEY (month, account, region, operation, spec)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE charge_end (
        region TEXT NOT NULL, key_id TEXT NOT NULL, account TEXT NOT NULL, created_at INTEGER NOT NULL,
        rotations TEXT NOT NULL, ended_at INTEGER NOT NULL,
        PRIMARY KEY (region, key_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX charge_end_by_time ON charge_end (ended_at);
      INSERT INTO charge_end (region, key_id, account, created_at, rotations, ended_at)
        SELECT region, key_id, account, created_at, '[]', deletion_at - 2592000000 FROM "key"
        WHERE manager = 'CUSTOMER' AND state = 'PendingDeletion' AND deletion_at IS NOT NULL;
    `,
  },
  {
    // Code of before would take resource control policies for service control policies.
    version: 20,
    minimumReader: 20,
    sqlite: `
      ALTER TABLE organization ADD COLUMN rcp_enabled INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE organization_policy ADD COLUMN type TEXT NOT NULL DEFAULT 'SERVICE_CONTROL_POLICY';
      DROP INDEX organization_policy_by_name;
      CREATE UNIQUE INDEX organization_policy_by_name ON organization_policy (organization, type, name);
      CREATE INDEX grant_by_user ON "grant" (grantee_id) WHERE grantee_id >= 'AIDA' AND grantee_id < 'AIDB';
      CREATE INDEX grant_by_retiring_user ON "grant" (retirer_id) WHERE retirer_id >= 'AIDA' AND retirer_id < 'AIDB';
    `,
  },
];
