/** How the row of each kind of name is read. */

import type { Kysely } from "kysely";
import { loadIdentity, loadKeyLabels, loadManagedPolicy, loadOrganizationNode } from "./identity-rows.ts";
import type { IdentityKind } from "./identity-schema.ts";
import { loadQuotaValues } from "./quotas.ts";
import type { ChangeKind, Schema } from "./schema.ts";
import { loadSecret } from "./secrets.ts";
import { loadParameterTags } from "./ssm-parameters.ts";
import type { Rows } from "./store.ts";

type Load<K extends ChangeKind> = (db: Kysely<Schema>, parts: readonly string[]) => Promise<Rows[K] | undefined>;

const loaders: { readonly [K in ChangeKind]: Load<K> } = {
  account: (db, [id = ""]) => db.selectFrom("account").selectAll().where("id", "=", id).executeTakeFirst(),
  credential: (db, [accessKeyId = ""]) =>
    db.selectFrom("credential").selectAll().where("access_key_id", "=", accessKeyId).executeTakeFirst(),
  identity: (db, [uniqueId = ""]) => loadIdentity(db, uniqueId),
  identityName: (db, [account = "", kind = "", nameKey = ""]) =>
    db
      .selectFrom("identity")
      .select("unique_id")
      .where("account", "=", account)
      .where("kind", "=", kind as IdentityKind)
      .where("name_key", "=", nameKey)
      .executeTakeFirst(),
  managedPolicy: (db, [arn = ""]) => loadManagedPolicy(db, arn),
  organization: (db, [id = ""]) => db.selectFrom("organization").selectAll().where("id", "=", id).executeTakeFirst(),
  organizationNode: (db, [id = ""]) => loadOrganizationNode(db, id),
  organizationPolicy: (db, [id = ""]) =>
    db
      .selectFrom("organization_policy")
      .select(["id", "organization", "type", "name", "description", "content as document"])
      .where("id", "=", id)
      .executeTakeFirst(),
  vpcEndpoint: (db, [id = ""]) => db.selectFrom("vpc_endpoint").selectAll().where("id", "=", id).executeTakeFirst(),
  bucket: (db, [partition = "", name = ""]) =>
    db
      .selectFrom("s3_bucket")
      .selectAll()
      .where("partition", "=", partition)
      .where("name", "=", name)
      .executeTakeFirst(),
  keyLabels: (db, [region = "", keyId = ""]) => loadKeyLabels(db, region, keyId),
  key: (db, [region = "", keyId = ""]) =>
    db.selectFrom("key").selectAll().where("region", "=", region).where("key_id", "=", keyId).executeTakeFirst(),
  keyStore: (db, [region = "", id = ""]) =>
    db.selectFrom("key_store").selectAll().where("region", "=", region).where("id", "=", id).executeTakeFirst(),
  material: (db, [region = "", keyId = "", materialId = ""]) =>
    db
      .selectFrom("material")
      .selectAll()
      .where("region", "=", region)
      .where("key_id", "=", keyId)
      .where("material_id", "=", materialId)
      .executeTakeFirst(),
  alias: (db, [region = "", account = "", name = ""]) =>
    db
      .selectFrom("alias")
      .selectAll()
      .where("region", "=", region)
      .where("account", "=", account)
      .where("name", "=", name)
      .executeTakeFirst(),
  grant: (db, [region = "", grantId = ""]) =>
    db.selectFrom("grant").selectAll().where("region", "=", region).where("grant_id", "=", grantId).executeTakeFirst(),
  async granted(db, [region = "", keyId = "", grantee = ""]) {
    const query = db.selectFrom("grant").selectAll().where("region", "=", region).where("key_id", "=", keyId);
    const grants = await query.where("grantee", "=", grantee).orderBy("created_at").orderBy("grant_id").execute();
    return grants.length === 0 ? undefined : { grants };
  },
  quotas: (db, [region = "", account = ""]) => loadQuotaValues(db, { region, account }),
  secret: (db, [region = "", account = "", name = ""]) => loadSecret(db, { region, account, name }),
  parameterTags: (db, [region = "", account = "", name = ""]) => loadParameterTags(db, { region, account, name }),
};

/** Reads the row that a name leads to, or undefined when there is none. */
export function loadRow(
  db: Kysely<Schema>,
  kind: ChangeKind,
  parts: readonly string[],
): Promise<Rows[ChangeKind] | undefined> {
  return loaders[kind](db, parts);
}
