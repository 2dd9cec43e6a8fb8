/** What holds between the rows of a whole store, each as the question for the rows that break it. */

import { CompiledQuery, type Kysely } from "kysely";
import type { Engine } from "./kysely.ts";
import type { Schema } from "./schema.ts";

/** Offenders of one kind that are named; there may be more. */
export const NAMED_MAX = 20;

/** A rule of the rows. */
export interface Invariant {
  /** What is wrong with a row that breaks it. */
  readonly broken: string;
  /** Rows that break it, each with a `name` for people. In the SQL that both engines know. */
  readonly sql: string;
  /** The one engine on which it holds, where it doesn't on both. */
  readonly engine?: Engine;
}

const keyOf = (alias: string): string => `${alias}.region || ' ' || ${alias}.key_id`;
const sameKey = (left: string, right: string): string =>
  `${left}.region = ${right}.region AND ${left}.key_id = ${right}.key_id`;

/** A row of a table of keys' belongings whose key is not there. */
const orphan = (table: string, what: string, name = keyOf("t")): Invariant => ({
  broken: `${what} of a key that is not there`,
  sql: `SELECT ${name} AS name FROM ${table} t LEFT JOIN "key" k ON ${sameKey("t", "k")} WHERE k.key_id IS NULL`,
});

/** A row that names a row of another table by one column. */
const dangling = (
  broken: string,
  from: string,
  column: string,
  to: string,
  id: string,
  except = "1 = 1",
): Invariant => ({
  broken,
  sql: `SELECT t.${column} AS name FROM ${from} t LEFT JOIN ${to} o ON o.${id} = t.${column}
    WHERE t.${column} IS NOT NULL AND o.${id} IS NULL AND ${except}`,
});

const ENTRIES = `((length(k.replica_regions) - length(replace(k.replica_regions, '"', ''))) / 2)`;
const AWS_POLICY = "t.arn NOT LIKE 'arn:%:iam::aws:policy/%'";

/** The rules that hold of stores on an engine. */
export function invariantsOf(engine: Engine): readonly Invariant[] {
  return invariants.filter((invariant) => (invariant.engine ?? engine) === engine);
}

/** Every rule that SQL can ask for. */
const invariants: readonly Invariant[] = [
  orphan("material", "a material"),
  orphan("alias", "an alias", "t.region || ' ' || t.account || ' ' || t.name"),
  orphan("tag", "a tag"),
  orphan('"grant"', "a grant", "t.region || ' ' || t.grant_id"),
  orphan("key_usage", "a last use"),
  {
    broken: "a key of a custom key store that is not there, or is another account's or another kind's",
    sql: `SELECT ${keyOf("k")} AS name FROM "key" k LEFT JOIN key_store s ON s.region = k.region AND s.id = k.key_store_id
      WHERE k.key_store_id IS NOT NULL AND (s.id IS NULL OR s.account <> k.account OR s.type <> k.origin)`,
  },
  {
    broken: "a key that is in an external key store by one column and not by another",
    sql: `SELECT ${keyOf("k")} AS name FROM "key" k WHERE (k.origin = 'EXTERNAL_KEY_STORE') <> (k.key_store_id IS NOT NULL
      AND k.xks_key_id IS NOT NULL)`,
  },
  {
    broken: "a key in a CloudHSM key store without its key in the cluster",
    sql: `SELECT ${keyOf("k")} AS name FROM "key" k LEFT JOIN backing_key b ON ${sameKey("b", "k")}
      WHERE k.origin = 'AWS_CLOUDHSM' AND (b.handle IS NULL OR b.key_store_id <> k.key_store_id)`,
  },
  {
    broken: "a key in a cluster that no KMS key has, and nothing that ends it",
    sql: `SELECT ${keyOf("b")} AS name FROM backing_key b LEFT JOIN "key" k ON ${sameKey("k", "b")}
      LEFT JOIN due d ON d.kind = 'kms:SettleBackingKey' AND d.region = b.region AND d.subject = b.key_id
      WHERE k.key_id IS NULL AND d.due_at IS NULL`,
  },
  {
    broken: "a CloudHSM key store without a cluster, or another one with one",
    sql: `SELECT s.region || ' ' || s.id AS name FROM key_store s
      WHERE (s.type = 'AWS_CLOUDHSM') <> (s.cluster_id IS NOT NULL AND s.trust_anchor IS NOT NULL)`,
  },
  {
    broken: "a custom key store that is on its way into a connection or out of it, and nothing that brings it there",
    sql: `SELECT s.region || ' ' || s.id AS name FROM key_store s LEFT JOIN due d
      ON d.kind = 'kms:SettleKeyStore' AND d.region = s.region AND d.subject = s.id
      WHERE s.connection_state IN ('CONNECTING', 'DISCONNECTING') AND d.due_at IS NULL`,
  },
  {
    broken: "a key whose current material is not there",
    sql: `SELECT ${keyOf("k")} AS name FROM "key" k LEFT JOIN material m
      ON ${sameKey("m", "k")} AND m.material_id = k.current_material_id
      WHERE k.current_material_id <> '' AND m.material_id IS NULL`,
  },
  {
    broken: "an enabled key without material",
    sql: `SELECT ${keyOf("k")} AS name FROM "key" k LEFT JOIN material m
      ON ${sameKey("m", "k")} AND m.material_id = k.current_material_id
      WHERE k.state IN ('Enabled', 'Updating') AND (m.material_id IS NULL OR m.import_state = 'PENDING_IMPORT')`,
  },
  {
    broken: "a key that is not on its way to be deleted, and is not charged any more",
    sql: `SELECT ${keyOf("k")} AS name FROM charge_end e JOIN "key" k ON ${sameKey("k", "e")}
      WHERE k.state NOT IN ('PendingDeletion', 'PendingReplicaDeletion')`,
  },
  {
    broken: "a key in a state that no key has",
    sql: `SELECT ${keyOf("k")} || ' ' || k.state AS name FROM "key" k WHERE k.state NOT IN ('Creating', 'Enabled', 'Disabled',
      'PendingDeletion', 'PendingImport', 'PendingReplicaDeletion', 'Unavailable', 'Updating')`,
  },
  {
    broken: "a material that says other things of its key than the key does",
    sql: `SELECT ${keyOf("m")} || ' ' || m.material_id AS name FROM material m JOIN "key" k ON ${sameKey("m", "k")}
      WHERE m.account <> k.account OR m.spec <> k.spec OR m.usage <> k.usage OR m.origin <> k.origin`,
  },
  {
    broken: "a material whose domain key is not there",
    sql: `SELECT ${keyOf("m")} || ' ' || m.material_id AS name FROM material m LEFT JOIN domain_key d
      ON d.region = m.region AND d.purpose = 'material' AND d.version = m.domain_version
      WHERE length(m.sealed) > 0 AND d.version IS NULL`,
  },
  {
    broken: "a material that is empty though it is here, or here though it is gone",
    sql: `SELECT ${keyOf("m")} || ' ' || m.material_id AS name FROM material m
      WHERE (length(m.sealed) = 0) <> (coalesce(m.import_state, 'IMPORTED') = 'PENDING_IMPORT')`,
  },
  {
    broken: "imported material that expires, and nothing that makes it",
    sql: `SELECT ${keyOf("m")} || ' ' || m.material_id AS name FROM material m LEFT JOIN due d
      ON d.kind = 'kms:ExpireKeyMaterial' AND d.region = m.region AND d.subject = m.key_id || ' ' || m.material_id
      WHERE m.import_state = 'IMPORTED' AND m.expires_at IS NOT NULL AND d.due_at IS NULL`,
  },
  {
    broken: "a key that is pending deletion, and nothing that deletes it then",
    sql: `SELECT ${keyOf("k")} AS name FROM "key" k LEFT JOIN due d
      ON d.kind = 'kms:DeleteKey' AND d.region = k.region AND d.subject = k.key_id AND d.due_at = k.deletion_at
      WHERE k.state = 'PendingDeletion' AND d.due_at IS NULL`,
  },
  {
    broken: "a deletion that is due for a key that is not pending deletion",
    sql: `SELECT d.region || ' ' || d.subject AS name FROM due d LEFT JOIN "key" k
      ON k.region = d.region AND k.key_id = d.subject AND k.state = 'PendingDeletion'
      WHERE d.kind = 'kms:DeleteKey' AND k.key_id IS NULL`,
  },
  {
    broken: "a key that is pending the deletion of its replicas, without a waiting period",
    sql: `SELECT ${keyOf("k")} AS name FROM "key" k WHERE k.state = 'PendingReplicaDeletion' AND k.pending_window_days IS NULL`,
  },
  {
    broken: "a key that rotates by itself, and nothing that rotates it",
    sql: `SELECT ${keyOf("k")} AS name FROM "key" k LEFT JOIN due d
      ON d.kind = 'kms:RotateKey' AND d.region = k.region AND d.subject = k.key_id
      WHERE k.rotation_enabled = 1 AND coalesce(k.primary_region, k.region) = k.region AND d.due_at IS NULL`,
  },
  {
    broken: "an alias of another account's key",
    sql: `SELECT a.region || ' ' || a.account || ' ' || a.name AS name FROM alias a JOIN "key" k ON ${sameKey("a", "k")}
      WHERE a.account <> k.account`,
  },
  {
    broken: "a grant that says another account of its key",
    sql: `SELECT g.region || ' ' || g.grant_id AS name FROM "grant" g JOIN "key" k ON ${sameKey("g", "k")}
      WHERE g.key_account <> k.account`,
  },
  {
    broken: "a count of grants that is not their number",
    sql: `SELECT ${keyOf("c")} AS name FROM grant_count c LEFT JOIN
      (SELECT region, key_id, count(*) AS grants FROM "grant" GROUP BY region, key_id) g ON ${sameKey("g", "c")}
      WHERE c.grants <> coalesce(g.grants, 0)
      UNION ALL SELECT ${keyOf("g")} FROM (SELECT DISTINCT region, key_id FROM "grant") g
      LEFT JOIN grant_count c ON ${sameKey("g", "c")} WHERE c.grants IS NULL`,
  },
  {
    broken: "a target of a rule that is not there",
    sql: `SELECT t.account || ' ' || t.region || ' ' || t.rule || ' ' || t.id AS name FROM event_target t LEFT JOIN event_rule r
      ON r.account = t.account AND r.region = t.region AND r.name = t.rule WHERE r.name IS NULL`,
  },
  {
    broken: "a key that was deleted, and is there",
    sql: `SELECT ${keyOf("t")} AS name FROM tombstone t JOIN "key" k ON ${sameKey("t", "k")} WHERE t.kind = 'key'`,
  },
  {
    broken: "a multi-Region key that its primary does not know, or says other things of the set",
    sql: `SELECT ${keyOf("k")} AS name FROM "key" k LEFT JOIN "key" p ON p.region = k.primary_region AND p.key_id = k.key_id
      WHERE k.primary_region IS NOT NULL AND (p.key_id IS NULL OR p.primary_region <> k.primary_region
      OR p.replica_regions <> k.replica_regions OR p.account <> k.account OR p.spec <> k.spec OR p.usage <> k.usage
      OR (p.origin <> 'EXTERNAL' AND p.current_material_id <> k.current_material_id)
      OR (k.region <> p.region AND p.replica_regions NOT LIKE '%"' || k.region || '"%'))`,
  },
  {
    broken: "a multi-Region key that has replicas which are not there",
    sql: `SELECT ${keyOf("k")} AS name FROM "key" k JOIN
      (SELECT key_id, count(*) AS related FROM "key" WHERE primary_region IS NOT NULL GROUP BY key_id) r ON r.key_id = k.key_id
      WHERE k.primary_region = k.region AND ${ENTRIES} + 1 <> r.related`,
  },
  {
    broken: "a key that is a multi-Region key in one column and not in another",
    sql: `SELECT ${keyOf("k")} AS name FROM "key" k WHERE (k.multi_region = 1) <> (k.primary_region IS NOT NULL)
      OR (k.primary_region IS NULL) <> (k.replica_regions IS NULL)`,
  },
  {
    broken: "a domain key that a root recipient can't open",
    sql: `SELECT d.purpose || ' ' || d.region || ' ' || d.version || ' for ' || r.id AS name FROM domain_key d
      CROSS JOIN recipient r LEFT JOIN domain_key_copy c ON c.region = d.region AND c.purpose = d.purpose
      AND c.version = d.version AND c.recipient = r.id WHERE c.recipient IS NULL`,
  },
  {
    broken: "a copy of a domain key that is not there, or for nobody",
    sql: `SELECT c.purpose || ' ' || c.region || ' ' || c.version || ' for ' || c.recipient AS name FROM domain_key_copy c
      LEFT JOIN domain_key d ON d.region = c.region AND d.purpose = c.purpose AND d.version = c.version
      LEFT JOIN recipient r ON r.id = c.recipient WHERE d.version IS NULL OR r.id IS NULL`,
  },
  {
    broken: "a change feed with a gap",
    engine: "sqlite", // a transaction that is undone leaves one in PostgreSQL's sequences
    sql: `SELECT 'at ' || min(position) || ' to ' || max(position) AS name FROM changes
      HAVING count(*) <> max(position) - min(position) + 1`,
  },
  dangling("a key of an account that is not there", '"key"', "account", "account", "id"),
  dangling("a custom key store of an account that is not there", "key_store", "account", "account", "id"),
  dangling("an access key of an account that is not there", "credential", "account", "account", "id"),
  dangling("an access key of a user who is not there", "credential", "user_id", "identity", "unique_id"),
  dangling("a user, group or role of an account that is not there", "identity", "account", "account", "id"),
  dangling("a member of a group that is not there", "group_member", "group_id", "identity", "unique_id"),
  dangling("a member who is not there", "group_member", "user_id", "identity", "unique_id"),
  dangling("an inline policy of nobody", "inline_policy", "unique_id", "identity", "unique_id"),
  dangling("an attached policy of nobody", "attached_policy", "unique_id", "identity", "unique_id"),
  dangling("an attached policy that is not there", "attached_policy", "arn", "managed_policy", "arn", AWS_POLICY),
  dangling("a version of a policy that is not there", "policy_version", "arn", "managed_policy", "arn"),
  {
    broken: "a policy whose default version is not there",
    sql: `SELECT p.arn AS name FROM managed_policy p LEFT JOIN policy_version v
      ON v.arn = p.arn AND v.version = p.default_version WHERE v.version IS NULL`,
  },
  dangling("a node of an organization that is not there", "organization_node", "organization", "organization", "id"),
  dangling("a node whose parent is not there", "organization_node", "parent", "organization_node", "id"),
  dangling(
    "a control policy on a node that is not there",
    "organization_attachment",
    "target",
    "organization_node",
    "id",
  ),
  dangling(
    "a control policy that is attached and not there",
    "organization_attachment",
    "policy_id",
    "organization_policy",
    "id",
    "t.policy_id NOT IN ('p-FullAWSAccess', 'p-RCPFullAWSAccess')",
  ),
  dangling("a parameter of an account that is not there", "ssm_parameter", "account", "account", "id"),
  dangling("a volume of an account that is not there", "ebs_volume", "account", "account", "id"),
  dangling("a snapshot of an account that is not there", "ebs_snapshot", "account", "account", "id"),
  {
    broken: "a parameter without a newest version, or with another one than the last",
    sql: `SELECT p.region || ' ' || p.account || ' ' || p.name AS name FROM ssm_parameter p
      GROUP BY p.region, p.account, p.name
      HAVING sum(p.latest) <> 1 OR max(p.version) <> max(CASE WHEN p.latest = 1 THEN p.version ELSE 0 END)`,
  },
  {
    broken: "a volume or snapshot that is encrypted by halves",
    sql: `SELECT v.id AS name FROM ebs_volume v WHERE (v.key_arn IS NULL) <> (v.data_key IS NULL)
      OR (v.key_arn IS NULL) <> (v.context_id IS NULL) UNION ALL SELECT s.id FROM ebs_snapshot s
      WHERE (s.key_arn IS NULL) <> (s.data_key IS NULL) OR (s.key_arn IS NULL) <> (s.context_id IS NULL)`,
  },
  dangling("a bucket of an account that is not there", "s3_bucket", "account", "account", "id"),
  dangling("an object of a bucket that is not there", "s3_object", "bucket", "s3_bucket", "id"),
  dangling("an upload to a bucket that is not there", "s3_upload", "bucket", "s3_bucket", "id"),
  {
    broken: "a part of an object or upload that is not there",
    sql: `SELECT p.body AS name FROM s3_part p WHERE NOT EXISTS (SELECT 1 FROM s3_object o WHERE o.body = p.body)
      AND NOT EXISTS (SELECT 1 FROM s3_upload u WHERE u.id = p.body)`,
  },
  {
    broken: "an object whose parts are not as long as it",
    sql: `SELECT o.bucket || ' ' || o.key AS name FROM s3_object o
      WHERE o.size <> (SELECT coalesce(sum(p.size), 0) FROM s3_part p WHERE p.body = o.body)`,
  },
  dangling("a place of a block that is not there", "ebs_block_place", "block", "ebs_block", "id"),
  dangling("a block that is nowhere", "ebs_block", "id", "ebs_block_place", "block"),
  {
    broken: "a block of a snapshot or volume that is not there",
    sql: `SELECT p.owner AS name FROM ebs_block_place p LEFT JOIN ebs_snapshot s ON s.id = p.owner
      LEFT JOIN ebs_volume v ON v.id = p.owner WHERE s.id IS NULL AND v.id IS NULL`,
  },
  dangling("a secret of an account that is not there", "secret", "account", "account", "id"),
  dangling("a version of a secret that is not there", "secret_version", "arn", "secret", "arn"),
  {
    broken: "a secret that is to be deleted, and nothing that deletes it",
    sql: `SELECT s.arn AS name FROM secret s LEFT JOIN due d
      ON d.kind = 'secretsmanager:DeleteSecret' AND d.region = s.region AND d.subject = s.account || '/' || s.name
      WHERE s.deletion_at IS NOT NULL AND d.due_at IS NULL`,
  },
  dangling("a trail of an account that is not there", "trail", "account", "account", "id"),
  {
    broken: "a trail that logs and never began to",
    sql: `SELECT t.account || ' ' || t.region || ' ' || t.name AS name FROM trail t
      WHERE t.logging = 1 AND t.started_at IS NULL`,
  },
  {
    broken: "a chain of digests of a trail that is not there",
    sql: `SELECT c.account || ' ' || c.region || ' ' || c.name AS name FROM trail_chain c LEFT JOIN trail t
      ON t.account = c.account AND t.region = c.region AND t.name = c.name WHERE t.name IS NULL`,
  },
  dangling("a VPC endpoint of an account that is not there", "vpc_endpoint", "account", "account", "id"),
];

/** Names the rows that break a rule, at most `NAMED_MAX` and one more. */
export async function findOffenders(db: Kysely<Schema>, { sql }: Invariant): Promise<readonly string[]> {
  const query = CompiledQuery.raw(`SELECT name FROM (${sql}) offenders LIMIT ${NAMED_MAX + 1}`);
  const { rows } = await db.executeQuery<{ name: unknown }>(query);
  return rows.map(({ name }) => String(name));
}
