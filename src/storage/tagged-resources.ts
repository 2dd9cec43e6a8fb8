/** Resources by their tags, of every kind that carries some. */

import { type AliasedExpression, type Kysely, sql } from "kysely";
import { unreachable } from "../base/unreachable.ts";
import type { Slice } from "./keys.ts";
import type { Schema } from "./schema.ts";
import type { Tag } from "./tags.ts";

/** Kinds of resources whose tags are listed. IAM users and roles, whose tags are their own service's alone, are none of them. */
export type TaggedKind =
  | "key"
  | "vpcEndpoint"
  | "volume"
  | "snapshot"
  | "managedPolicy"
  | "oidcProvider"
  | "secret"
  | "parameter";

/** Whose resources, and where; what IAM has is in no Region. */
export interface TagOwner {
  readonly account: string;
  readonly region: string;
  /** With what the ids of the kind begin; empty for those that are no ARNs. */
  readonly idPrefix: string;
}

/** A tag that resources are to have; any of the values will do, and with none of them any value. */
export interface TagCondition {
  readonly key: string;
  readonly values: readonly string[];
}

/** One tag of one resource. */
interface Tagging {
  readonly id: string;
  readonly tag_key: string;
  readonly tag_value: string;
}

/** A resource with all its tags, in the order of their keys. */
export interface TaggedResource {
  readonly id: string;
  readonly tags: readonly Tag[];
}

/** Tagged resources of one kind that meet all conditions, in the order of their ids. */
export async function listTaggedResources(
  db: Kysely<Schema>,
  kind: TaggedKind,
  owner: TagOwner,
  options: { readonly conditions: readonly TagCondition[]; readonly ids?: readonly string[] } & Slice,
): Promise<TaggedResource[]> {
  const { conditions, ids, after = "", count } = options;
  let query = db
    .selectFrom(taggings(db, kind, owner))
    .select("tagging.id")
    .where("id", ">", after);
  if (ids !== undefined) query = query.where("id", "in", ids);
  query = query.groupBy("id");
  for (const { key, values } of conditions) {
    query = query.having(({ eb, fn, and }) => {
      const meets = and([eb("tag_key", "=", key), ...(values.length === 0 ? [] : [eb("tag_value", "in", values)])]);
      return eb(fn.max(eb.case().when(meets).then(sql.lit(1)).else(sql.lit(0)).end()), "=", sql.lit(1));
    });
  }
  const found = (await query.orderBy("id").limit(count).execute()).map(({ id }) => id);
  if (found.length === 0) return [];
  const tags = new Map<string, Tag[]>(found.map((id) => [id, []]));
  const rows = await db
    .selectFrom(taggings(db, kind, owner))
    .selectAll()
    .where("id", "in", found)
    .orderBy("tag_key")
    .execute();
  for (const { id, tag_key: key, tag_value: value } of rows) tags.get(id)?.push({ key, value });
  return [...tags].map(([id, tags]) => ({ id, tags }));
}

/** The keys of the tags of one kind of resources, or the values under one of them, each once and in order. */
export async function listTagTexts(
  db: Kysely<Schema>,
  kind: TaggedKind,
  owner: TagOwner,
  { key, after = null, count }: { readonly key?: string; readonly after?: string | null; readonly count: number },
): Promise<string[]> {
  const column = key === undefined ? "tag_key" : "tag_value";
  let query = db
    .selectFrom(taggings(db, kind, owner))
    .select(`tagging.${column} as text`)
    .distinct();
  if (key !== undefined) query = query.where("tag_key", "=", key);
  if (after !== null) query = query.where(column, ">", after);
  return (await query.orderBy("text").limit(count).execute()).map(({ text }) => text);
}

/** All taggings of one kind, as a table of a query. */
function taggings(
  db: Kysely<Schema>,
  kind: TaggedKind,
  { account, region, idPrefix }: TagOwner,
): AliasedExpression<Tagging, "tagging"> {
  switch (kind) {
    case "key":
      return db
        .selectFrom("key")
        .innerJoin("tag", (join) => join.onRef("tag.region", "=", "key.region").onRef("tag.key_id", "=", "key.key_id"))
        .where("key.region", "=", region)
        .where("key.account", "=", account)
        .select(["key.key_id as id", "tag.tag_key", "tag.tag_value"])
        .as("tagging");
    case "vpcEndpoint":
      return db
        .selectFrom("vpc_endpoint")
        .innerJoin("iam_tag", "iam_tag.owner", "vpc_endpoint.id")
        .where("vpc_endpoint.account", "=", account)
        .where("vpc_endpoint.region", "=", region)
        .select(["vpc_endpoint.id as id", "iam_tag.tag_key", "iam_tag.tag_value"])
        .as("tagging");
    case "volume":
      return db
        .selectFrom("ebs_volume")
        .innerJoin("iam_tag", "iam_tag.owner", "ebs_volume.id")
        .where("ebs_volume.account", "=", account)
        .where("ebs_volume.region", "=", region)
        .select(["ebs_volume.id as id", "iam_tag.tag_key", "iam_tag.tag_value"])
        .as("tagging");
    case "snapshot":
      return db
        .selectFrom("ebs_snapshot")
        .innerJoin("iam_tag", "iam_tag.owner", "ebs_snapshot.id")
        .where("ebs_snapshot.account", "=", account)
        .where("ebs_snapshot.region", "=", region)
        .select(["ebs_snapshot.id as id", "iam_tag.tag_key", "iam_tag.tag_value"])
        .as("tagging");
    case "managedPolicy":
      return db
        .selectFrom("managed_policy")
        .innerJoin("iam_tag", "iam_tag.owner", "managed_policy.arn")
        .where("managed_policy.account", "=", account)
        .where("managed_policy.arn", ">", idPrefix)
        .where("managed_policy.arn", "<", afterPrefix(idPrefix))
        .select(["managed_policy.arn as id", "iam_tag.tag_key", "iam_tag.tag_value"])
        .as("tagging");
    case "oidcProvider":
      return db
        .selectFrom("oidc_provider")
        .innerJoin("iam_tag", "iam_tag.owner", "oidc_provider.arn")
        .where("oidc_provider.account", "=", account)
        .where("oidc_provider.arn", ">", idPrefix)
        .where("oidc_provider.arn", "<", afterPrefix(idPrefix))
        .select(["oidc_provider.arn as id", "iam_tag.tag_key", "iam_tag.tag_value"])
        .as("tagging");
    case "secret":
      return db
        .selectFrom("secret")
        .innerJoin("iam_tag", "iam_tag.owner", "secret.arn")
        .where("secret.region", "=", region)
        .where("secret.account", "=", account)
        .select(["secret.arn as id", "iam_tag.tag_key", "iam_tag.tag_value"])
        .as("tagging");
    case "parameter":
      return db
        .selectFrom("iam_tag")
        .where("owner", ">", idPrefix)
        .where("owner", "<", afterPrefix(idPrefix))
        .select(["owner as id", "tag_key", "tag_value"])
        .as("tagging");
    default:
      return unreachable(kind);
  }
}

/** The first text after all that begin with a prefix. */
function afterPrefix(prefix: string): string {
  return `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
}
