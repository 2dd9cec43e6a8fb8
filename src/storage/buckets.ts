/** Rows of S3 buckets. */

import type { Kysely } from "kysely";
import type { Slice } from "./keys.ts";
import type { Schema } from "./schema.ts";
import type { S3BucketRow } from "./service-schema.ts";
import type { Tx } from "./store.ts";

/** Names a bucket. */
export type BucketName = Pick<S3BucketRow, "partition" | "name">;

export async function insertBucket(tx: Tx, row: S3BucketRow): Promise<void> {
  await tx.db.insertInto("s3_bucket").values(row).execute();
  await tx.changed("bucket", row.partition, row.name);
}

/** Changes what an owner may change of a bucket that exists. */
export async function updateBucket(
  tx: Tx,
  { partition, name }: BucketName,
  columns: Partial<Pick<S3BucketRow, "policy" | "policy_principals" | "encryption">>,
): Promise<void> {
  const update = tx.db.updateTable("s3_bucket").set(columns).where("partition", "=", partition);
  await update.where("name", "=", name).execute();
  await tx.changed("bucket", partition, name);
}

export async function deleteBucket(tx: Tx, { partition, name }: BucketName): Promise<void> {
  await tx.db.deleteFrom("s3_bucket").where("partition", "=", partition).where("name", "=", name).execute();
  await tx.changed("bucket", partition, name);
}

/** Buckets of an account in a partition, in the order of their names. */
export function listBuckets(
  db: Kysely<Schema>,
  {
    account,
    partition,
    prefix,
    region,
  }: Pick<S3BucketRow, "account" | "partition"> & {
    readonly prefix: string;
    /** Of one Region only. */
    readonly region: string | undefined;
  },
  { after = "", count }: Slice,
): Promise<S3BucketRow[]> {
  let query = db.selectFrom("s3_bucket").selectAll().where("account", "=", account).where("partition", "=", partition);
  query = query.where("name", ">", after);
  if (prefix !== "") query = query.where("name", ">=", prefix).where("name", "<", `${prefix}\u{10ffff}`);
  if (region !== undefined) query = query.where("region", "=", region);
  return query.orderBy("name").limit(count).execute();
}

export async function countBuckets(tx: Tx, account: string): Promise<number> {
  const { count } = await tx.db
    .selectFrom("s3_bucket")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("account", "=", account)
    .executeTakeFirstOrThrow();
  return Number(count);
}
