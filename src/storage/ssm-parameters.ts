/** Rows of SSM parameters. */

import type { Kysely } from "kysely";
import { findPartition, formatArn } from "../base/arn.ts";
import { insertIamTags, listIamTags } from "./identity-policies.ts";
import type { Slice } from "./keys.ts";
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

/** The ARN of a parameter, which names it among tags; the slash in front of a path is the one after `parameter`. */
export function parameterArnOf({ region, account, name }: ParameterName): string {
  const resource = `parameter${name.startsWith("/") ? name : `/${name}`}`;
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
  await tx.changed("parameterTags", name.region, name.account, name.name);
}

function versionsOf(db: Db, { region, account, name }: ParameterName) {
  return db
    .selectFrom("ssm_parameter")
    .selectAll()
    .where("region", "=", region)
    .where("account", "=", account)
    .where("name", "=", name);
}

/** The newest version, or the one that is asked for; undefined when there is none. */
export async function findParameter(
  db: Db,
  name: ParameterName,
  version?: number,
): Promise<SsmParameterRow | undefined> {
  const versions = versionsOf(db, name);
  const wanted = version === undefined ? versions.where("latest", "=", 1) : versions.where("version", "=", version);
  return await wanted.executeTakeFirst();
}

/** Versions in order, after one. */
export async function listVersions(
  db: Db,
  name: ParameterName,
  { after, count }: { readonly after: number; readonly count: number },
): Promise<SsmParameterRow[]> {
  return await versionsOf(db, name).where("version", ">", after).orderBy("version").limit(count).execute();
}

/** The newest versions of parameters whose names begin with a prefix, in the order of their names. */
export async function listParameters(
  db: Db,
  { region, account, prefix }: ParameterOwner & { readonly prefix: string },
  { after = "", count }: Slice,
): Promise<SsmParameterRow[]> {
  let query = db
    .selectFrom("ssm_parameter")
    .selectAll()
    .where("region", "=", region)
    .where("account", "=", account)
    .where("latest", "=", 1)
    .where("name", ">", after);
  if (prefix !== "") query = query.where("name", ">=", prefix).where("name", "<", `${prefix}\u{10ffff}`);
  return await query.orderBy("name").limit(count).execute();
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
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
  await tx.db.deleteFrom("iam_tag").where("owner", "=", parameterArnOf({ region, account, name })).execute();
  await tx.changed("parameterTags", region, account, name);
  return numDeletedRows > 0n;
}
