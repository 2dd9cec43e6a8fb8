/** Rows of SSM parameters. */

import type { Kysely } from "kysely";
import { findPartition, formatArn } from "../base/arn.ts";
import { insertIamTags, listIamTags } from "./identity-policies.ts";
import type { Schema } from "./schema.ts";
import type { SsmParameterRow } from "./service-schema.ts";
import type { ParameterTags, Tx } from "./store.ts";
import type { Tag } from "./tags.ts";

/** Whose parameters, and where. */
export interface ParameterOwner {
  readonly region: string;
  readonly account: string;
}

/** Names a parameter. */
export interface ParameterName extends ParameterOwner {
  readonly name: string;
}

type Db = Kysely<Schema>;

/** The place of a parameter in the hierarchy; at its root, the slash in front makes no other name. */
export function parameterPath(name: string): string {
  return name.startsWith("/") ? name : `/${name}`;
}

/** The ARN of a parameter, which names it among tags; the slash in front of a path is the one after `parameter`. */
export function parameterArnOf({ region, account, name }: ParameterName): string {
  const resource = `parameter${parameterPath(name)}`;
  return formatArn({ partition: findPartition(region) ?? "aws", service: "ssm", region, account, resource });
}

/** Reads the tags of a parameter, if it has any. */
export async function loadParameterTags(db: Db, name: ParameterName): Promise<ParameterTags | undefined> {
  const tags = await listIamTags(db, parameterArnOf(name));
  return tags.length === 0 ? undefined : { account: name.account, tags };
}

/** Adds the tags of a parameter that is new. */
export async function insertParameterTags(tx: Tx, name: ParameterName, tags: readonly Tag[]): Promise<void> {
  await insertIamTags(tx, parameterArnOf(name), tags);
  await tx.changed("parameterTags", name.region, name.account, parameterPath(name.name));
}

/** Replaces the tags of a parameter. */
export async function putParameterTags(tx: Tx, name: ParameterName, tags: readonly Tag[]): Promise<void> {
  await tx.db.deleteFrom("iam_tag").where("owner", "=", parameterArnOf(name)).execute();
  await insertParameterTags(tx, name, tags);
}

/** The names under which a parameter may be kept: at the root of the hierarchy as it was given, with a slash in front or without. */
function spellingsOf(name: string): readonly string[] {
  const path = parameterPath(name);
  return path.lastIndexOf("/") === 0 ? [path, path.slice(1)] : [name];
}

function versionsOf(db: Db, { region, account, name }: ParameterName) {
  return db
    .selectFrom("ssm_parameter")
    .selectAll()
    .where("region", "=", region)
    .where("account", "=", account)
    .where("name", "in", spellingsOf(name));
}

/** A version of a parameter: the newest, or the one of a number or with a label. */
export type ParameterVersion = "newest" | { readonly number: number } | { readonly label: string };

/** The newest version, or the one that is asked for; undefined when there is none. */
export async function findParameter(
  db: Db,
  name: ParameterName,
  version: ParameterVersion = "newest",
): Promise<SsmParameterRow | undefined> {
  const versions = versionsOf(db, name);
  if (version === "newest") return await versions.where("latest", "=", 1).executeTakeFirst();
  if ("number" in version) return await versions.where("version", "=", version.number).executeTakeFirst();
  const labelled = await listLabelled(db, name);
  return labelled.find(({ labels }) => (JSON.parse(labels) as string[]).includes(version.label));
}

/** Versions of a parameter that have labels. */
export async function listLabelled(db: Db, name: ParameterName): Promise<SsmParameterRow[]> {
  return await versionsOf(db, name).where("labels", "<>", "[]").execute();
}

/** Puts the labels of a version in the place of those that it has. */
export async function putLabels(
  tx: Tx,
  { region, account, name, version }: Pick<SsmParameterRow, "region" | "account" | "name" | "version">,
  labels: readonly string[],
): Promise<void> {
  await tx.db
    .updateTable("ssm_parameter")
    .set({ labels: JSON.stringify(labels) })
    .where("region", "=", region)
    .where("account", "=", account)
    .where("name", "=", name)
    .where("version", "=", version)
    .execute();
}

/** Versions in order, after one. */
export async function listVersions(
  db: Db,
  name: ParameterName,
  { after, count }: { readonly after: number; readonly count: number },
): Promise<SsmParameterRow[]> {
  return await versionsOf(db, name).where("version", ">", after).orderBy("version").limit(count).execute();
}

/** Where a list of parameters goes on: after that version of that parameter. */
export type ParameterPlace = Pick<SsmParameterRow, "name" | "version">;

/**
 * The newest versions of parameters whose names begin with a prefix, or those of their versions that have labels, in the order of
 * their names.
 */
export async function listParameters(
  db: Db,
  { region, account, prefix, labelled }: ParameterOwner & { readonly prefix: string; readonly labelled: boolean },
  { after, count }: { readonly after: ParameterPlace | undefined; readonly count: number },
): Promise<SsmParameterRow[]> {
  let query = db.selectFrom("ssm_parameter").selectAll().where("region", "=", region).where("account", "=", account);
  query = labelled ? query.where("labels", "<>", "[]") : query.where("latest", "=", 1);
  if (prefix !== "") query = query.where("name", ">=", prefix).where("name", "<", `${prefix}\u{10ffff}`);
  if (after !== undefined) {
    const { name, version } = after;
    query = query.where(({ eb, or, and }) =>
      or([eb("name", ">", name), ...(labelled ? [and([eb("name", "=", name), eb("version", ">", version)])] : [])]),
    );
  }
  return await query.orderBy("name").orderBy("version").limit(count).execute();
}

export async function countParameters(
  tx: Tx,
  { region, account }: ParameterOwner,
  tier: SsmParameterRow["tier"],
): Promise<number> {
  const { count } = await tx.db
    .selectFrom("ssm_parameter")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("region", "=", region)
    .where("account", "=", account)
    .where("latest", "=", 1)
    .where("tier", "=", tier)
    .executeTakeFirstOrThrow();
  return count;
}

/** Adds the newest version of a parameter; of the older ones, those before `oldest` go. */
export async function insertParameter(
  tx: Tx,
  row: Omit<SsmParameterRow, "latest">,
  { oldest }: { readonly oldest: number },
): Promise<void> {
  const { region, account, name } = row;
  await tx.db
    .updateTable("ssm_parameter")
    .set({ latest: 0 })
    .where("region", "=", region)
    .where("account", "=", account)
    .where("name", "=", name)
    .where("latest", "=", 1)
    .execute();
  await tx.db
    .insertInto("ssm_parameter")
    .values({ ...row, latest: 1 })
    .execute();
  await tx.db
    .deleteFrom("ssm_parameter")
    .where("region", "=", region)
    .where("account", "=", account)
    .where("name", "=", name)
    .where("version", "<", oldest)
    .execute();
}

/** Removes all versions of a parameter. @returns whether there were any */
export async function deleteParameter(tx: Tx, { region, account, name }: ParameterName): Promise<boolean> {
  const { numDeletedRows } = await tx.db
    .deleteFrom("ssm_parameter")
    .where("region", "=", region)
    .where("account", "=", account)
    .where("name", "in", spellingsOf(name))
    .executeTakeFirstOrThrow();
  await putParameterTags(tx, { region, account, name }, []);
  return numDeletedRows > 0n;
}
