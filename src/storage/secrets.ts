/** Rows of secrets and their versions. */

import { type Kysely, sql, type Updateable } from "kysely";
import { insertIamTags, listIamTags } from "./identity-policies.ts";
import type { Schema } from "./schema.ts";
import type { SecretRow, SecretTable, SecretVersionRow, SecretVersionTable } from "./service-schema.ts";
import type { Secret, Tx } from "./store.ts";
import type { Tag } from "./tags.ts";

/** Whose secrets, and where. */
export interface SecretOwner {
  readonly region: string;
  readonly account: string;
}

/** Names a secret. */
export interface SecretName extends SecretOwner {
  readonly name: string;
}

type Db = Kysely<Schema>;

/** Reads a secret with its tags. */
export async function loadSecret(db: Db, { region, account, name }: SecretName): Promise<Secret | undefined> {
  const query = db.selectFrom("secret").selectAll().where("region", "=", region).where("account", "=", account);
  const row = await query.where("name", "=", name).executeTakeFirst();
  return row && { ...row, tags: await listIamTags(db, row.arn) };
}

export async function insertSecret(tx: Tx, row: SecretRow, tags: readonly Tag[]): Promise<void> {
  await tx.db.insertInto("secret").values(row).execute();
  await insertIamTags(tx, row.arn, tags);
  await tx.changed("secret", row.region, row.account, row.name);
}

/** Changes columns of a secret that exists. */
export async function updateSecret(
  tx: Tx,
  { region, account, name }: SecretName,
  columns: Omit<Updateable<SecretTable>, keyof SecretName | "arn" | "created_at">,
): Promise<void> {
  const update = tx.db.updateTable("secret").set(columns).where("region", "=", region).where("account", "=", account);
  await update.where("name", "=", name).execute();
  await tx.changed("secret", region, account, name);
}

/** Removes a secret with its tags and versions. */
export async function deleteSecret(tx: Tx, { region, account, name, arn }: SecretRow): Promise<void> {
  await tx.db.deleteFrom("secret_version").where("arn", "=", arn).execute();
  await tx.db.deleteFrom("iam_tag").where("owner", "=", arn).execute();
  const removal = tx.db.deleteFrom("secret").where("region", "=", region).where("account", "=", account);
  await removal.where("name", "=", name).execute();
  await tx.changed("secret", region, account, name);
}

/** Replaces the tags of a secret. */
export async function putSecretTags(tx: Tx, row: SecretRow, tags: readonly Tag[]): Promise<void> {
  await tx.db.deleteFrom("iam_tag").where("owner", "=", row.arn).execute();
  await insertIamTags(tx, row.arn, tags);
  await tx.changed("secret", row.region, row.account, row.name);
}

/** Whether an account has so many secrets in a Region. */
export async function hasSecrets(tx: Tx, { region, account }: SecretOwner, count: number): Promise<boolean> {
  const query = tx.db.selectFrom("secret").select("name").where("region", "=", region).where("account", "=", account);
  const row = await query
    .orderBy("name")
    .offset(count - 1)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** What secrets are listed by. */
export type SecretOrder = "created_at" | "changed_at" | "accessed_on" | "name";

/** Where a list of secrets goes on: after the secret of that name, with that value of the column. */
export interface SecretPlace {
  readonly value: string | number;
  readonly name: string;
}

/** Secrets of an account in a Region, in the order of a column and then of their names. */
export async function listSecrets(
  db: Db,
  { region, account }: SecretOwner,
  options: {
    readonly by: SecretOrder;
    readonly descending: boolean;
    readonly after: SecretPlace | undefined;
    readonly count: number;
  },
): Promise<SecretRow[]> {
  const { by, descending, after, count } = options;
  const column = by === "accessed_on" ? sql<number>`coalesce(accessed_on, 0)` : sql<string | number>`${sql.ref(by)}`;
  const direction = descending ? "desc" : "asc";
  const past = descending ? "<" : ">";
  let query = db.selectFrom("secret").selectAll().where("region", "=", region).where("account", "=", account);
  if (after !== undefined) {
    query = query.where(({ eb, or, and }) =>
      or([eb(column, past, after.value), and([eb(column, "=", after.value), eb("name", past, after.name)])]),
    );
  }
  return await query.orderBy(column, direction).orderBy("name", direction).limit(count).execute();
}

/** A version of a secret, whatever its labels. */
export async function findSecretVersion(db: Db, arn: string, versionId: string): Promise<SecretVersionRow | undefined> {
  const query = db.selectFrom("secret_version").selectAll().where("arn", "=", arn);
  return await query.where("version_id", "=", versionId).executeTakeFirst();
}

/** The versions of a secret, the oldest first; there are about a hundred at most. */
export async function listSecretVersions(db: Db, arn: string): Promise<SecretVersionRow[]> {
  const query = db.selectFrom("secret_version").selectAll().where("arn", "=", arn);
  return await query.orderBy("created_at").orderBy("version_id").execute();
}

export async function insertSecretVersion(tx: Tx, row: SecretVersionRow): Promise<void> {
  await tx.db.insertInto("secret_version").values(row).execute();
}

/** Changes columns of a version that exists. */
export async function updateSecretVersion(
  tx: Tx,
  { arn, version_id }: Pick<SecretVersionRow, "arn" | "version_id">,
  columns: Pick<Updateable<SecretVersionTable>, "stages" | "ciphertexts">,
): Promise<void> {
  const update = tx.db.updateTable("secret_version").set(columns).where("arn", "=", arn);
  await update.where("version_id", "=", version_id).execute();
}

export async function deleteSecretVersions(tx: Tx, arn: string, versionIds: readonly string[]): Promise<void> {
  if (versionIds.length === 0) return;
  await tx.db.deleteFrom("secret_version").where("arn", "=", arn).where("version_id", "in", versionIds).execute();
}

/** Notes the day on which a version was read, where that is not noted yet. Decisions don't rest on it, so the feed isn't told. */
export async function noteSecretAccess(
  tx: Tx,
  { region, account, name, arn }: SecretRow,
  { versionId, day }: { readonly versionId: string; readonly day: number },
): Promise<void> {
  const version = tx.db.updateTable("secret_version").set({ accessed_on: day }).where("arn", "=", arn);
  await version.where("version_id", "=", versionId).execute();
  const secret = tx.db.updateTable("secret").set({ accessed_on: day }).where("region", "=", region);
  await secret.where("account", "=", account).where("name", "=", name).execute();
}

/** The labels of versions that have some, by secret and version. */
export async function stagesOfSecrets(
  db: Db,
  arns: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>> {
  const found = new Map(arns.map((arn) => [arn, new Map<string, readonly string[]>()]));
  if (arns.length === 0) return found;
  const query = db.selectFrom("secret_version").select(["arn", "version_id", "stages"]).where("arn", "in", arns);
  for (const { arn, version_id, stages } of await query.where("stages", "<>", "[]").execute()) {
    found.get(arn)?.set(version_id, JSON.parse(stages) as string[]);
  }
  return found;
}
