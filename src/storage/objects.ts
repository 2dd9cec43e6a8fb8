/** Rows of S3 objects and of the parts that their bodies are in. */

import type { Kysely } from "kysely";
import { setDue } from "./due.ts";
import type { Schema } from "./schema.ts";
import type { S3ObjectRow, S3PartRow } from "./service-schema.ts";
import type { Tx } from "./store.ts";

/** Due work that erases a file of a body that is nobody's any more; the subject is the file. */
export const ERASE_OBJECT_FILE = "erase-object-file";

/** For how long a file stays that somebody may be reading. */
const READERS_MS = 60_000;

/** Names an object. */
export type ObjectName = Pick<S3ObjectRow, "bucket" | "key">;

export async function findObject(db: Kysely<Schema>, { bucket, key }: ObjectName): Promise<S3ObjectRow | undefined> {
  const query = db.selectFrom("s3_object").selectAll().where("bucket", "=", bucket);
  return await query.where("key", "=", key).executeTakeFirst();
}

/** Puts an object in the place of the one that has its name, whose body goes. Its parts are there already or in `parts`. */
export async function putObject(tx: Tx, row: S3ObjectRow, parts: readonly S3PartRow[]): Promise<void> {
  await deleteObject(tx, row, row.modified_at);
  await tx.db.insertInto("s3_object").values(row).execute();
  if (parts.length > 0)
    await tx.db
      .insertInto("s3_part")
      .values([...parts])
      .execute();
}

/** Removes an object and its body. @returns whether it was there */
export async function deleteObject(tx: Tx, name: ObjectName, now: number): Promise<boolean> {
  const before = await findObject(tx.db, name);
  if (before === undefined) return false;
  await tx.db.deleteFrom("s3_object").where("bucket", "=", name.bucket).where("key", "=", name.key).execute();
  await deleteParts(tx, await listParts(tx.db, before.body), now);
  return true;
}

/** Removes parts, and sees to it that their files go. */
export async function deleteParts(tx: Tx, parts: readonly S3PartRow[], now: number): Promise<void> {
  for (const { body, number, file } of parts) {
    await tx.db.deleteFrom("s3_part").where("body", "=", body).where("number", "=", number).execute();
    await setDue(tx, { kind: ERASE_OBJECT_FILE, region: "", subject: file, due_at: now + READERS_MS });
  }
}

/** The parts of a body in their order. */
export async function listParts(db: Kysely<Schema>, body: string): Promise<S3PartRow[]> {
  return await db.selectFrom("s3_part").selectAll().where("body", "=", body).orderBy("number").execute();
}

/** What lists tell of an object. */
export type ListedObject = Pick<S3ObjectRow, "key" | "size" | "etag" | "modified_at" | "checksum">;

/** Objects whose keys begin with a prefix, in the order of the bytes of their keys, after one. */
export async function listObjects(
  db: Kysely<Schema>,
  { bucket, prefix, after, count }: { bucket: string; prefix: string; after: string; count: number },
): Promise<ListedObject[]> {
  let query = db
    .selectFrom("s3_object")
    .select(["key", "size", "etag", "modified_at", "checksum"])
    .where("bucket", "=", bucket)
    .where("key", ">", after);
  if (prefix !== "") query = query.where("key", ">=", prefix).where("key", "<", `${prefix}\u{10ffff}`);
  return await query.orderBy("key").limit(count).execute();
}

/** Whether anything is in a bucket: objects or uploads under way. */
export async function isEmptyBucket(tx: Tx, bucket: string): Promise<boolean> {
  const object = await tx.db
    .selectFrom("s3_object")
    .select("key")
    .where("bucket", "=", bucket)
    .limit(1)
    .executeTakeFirst();
  return object === undefined;
}

/** A data key that custody has sealed, and what it is sealed for. */
export interface SealedContent {
  readonly account: string;
  readonly bucket: string;
  readonly body: string;
  readonly data_key: Uint8Array;
}

/** Sealed data keys of objects or of uploads under way, in the order of their bodies. */
export async function listSealedContents(
  db: Kysely<Schema>,
  kind: "object" | "upload",
  { after, count }: { readonly after: string; readonly count: number },
): Promise<readonly SealedContent[]> {
  if (kind === "object") {
    const objects = db.selectFrom("s3_object").innerJoin("s3_bucket", "s3_bucket.id", "s3_object.bucket");
    const sealed = objects.select(["account", "bucket", "body", "data_key"]).where("algorithm", "=", "AES256");
    return await sealed.where("body", ">", after).orderBy("body").limit(count).execute();
  }
  const uploads = db.selectFrom("s3_upload").innerJoin("s3_bucket", "s3_bucket.id", "s3_upload.bucket");
  const sealed = uploads
    .select(["account", "bucket", "s3_upload.id as body", "data_key"])
    .where("algorithm", "=", "AES256");
  return await sealed.where("s3_upload.id", ">", after).orderBy("s3_upload.id").limit(count).execute();
}

/** Puts newly sealed data keys in the place of the old. */
export async function replaceSealedContents(
  { db }: Tx,
  kind: "object" | "upload",
  rows: readonly Pick<SealedContent, "body" | "data_key">[],
): Promise<void> {
  for (const { body, data_key } of rows) {
    if (kind === "object") await db.updateTable("s3_object").set({ data_key }).where("body", "=", body).execute();
    else await db.updateTable("s3_upload").set({ data_key }).where("id", "=", body).execute();
  }
}
