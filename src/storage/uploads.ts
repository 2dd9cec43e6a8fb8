/** Rows of multipart uploads under way. */

import type { Kysely } from "kysely";
import { deleteParts, listParts } from "./objects.ts";
import type { Schema } from "./schema.ts";
import type { S3PartRow, S3UploadRow } from "./service-schema.ts";
import type { Tx } from "./store.ts";

export async function insertUpload(tx: Tx, row: S3UploadRow): Promise<void> {
  await tx.db.insertInto("s3_upload").values(row).execute();
}

export async function findUpload(db: Kysely<Schema>, id: string): Promise<S3UploadRow | undefined> {
  return await db.selectFrom("s3_upload").selectAll().where("id", "=", id).executeTakeFirst();
}

/** Uploads to a bucket in the order of keys and ids, after one. */
export async function listUploads(
  db: Kysely<Schema>,
  {
    bucket,
    prefix,
    afterKey,
    afterId,
    count,
  }: {
    readonly bucket: string;
    readonly prefix: string;
    readonly afterKey: string;
    /** Empty: all uploads of that key are before. */
    readonly afterId: string;
    readonly count: number;
  },
): Promise<S3UploadRow[]> {
  let query = db.selectFrom("s3_upload").selectAll().where("bucket", "=", bucket);
  query = query.where(({ and, eb, or }) =>
    or([
      eb("key", ">", afterKey),
      ...(afterId === "" ? [] : [and([eb("key", "=", afterKey), eb("id", ">", afterId)])]),
    ]),
  );
  if (prefix !== "") query = query.where("key", ">=", prefix).where("key", "<", `${prefix}\u{10ffff}`);
  return await query.orderBy("key").orderBy("id").limit(count).execute();
}

/** Puts a part in the place of the one that has its number. */
export async function putPart(tx: Tx, row: S3PartRow): Promise<void> {
  const before = await tx.db
    .selectFrom("s3_part")
    .selectAll()
    .where("body", "=", row.body)
    .where("number", "=", row.number)
    .execute();
  await deleteParts(tx, before, row.modified_at);
  await tx.db.insertInto("s3_part").values(row).execute();
}

/** Ends an upload whose parts are an object's by now. */
export async function endUpload(tx: Tx, id: string): Promise<void> {
  await tx.db.deleteFrom("s3_upload").where("id", "=", id).execute();
}

/** Removes an upload with its parts. */
export async function abortUpload(tx: Tx, id: string, now: number): Promise<void> {
  await endUpload(tx, id);
  await deleteParts(tx, await listParts(tx.db, id), now);
}

/** Removes all uploads to a bucket. */
export async function deleteUploads(tx: Tx, bucket: string, now: number): Promise<void> {
  const uploads = await tx.db.selectFrom("s3_upload").select("id").where("bucket", "=", bucket).execute();
  for (const { id } of uploads) await abortUpload(tx, id, now);
}
