/** Whether an object is there, told only to those who may list the bucket (S3 API reference, GetObject, Permissions). */

import { findObject } from "../../storage/objects.ts";
import type { S3ObjectRow } from "../../storage/service-schema.ts";
import { NoSuchKey } from "./errors.ts";
import { type BucketResource, type Context, deniedAs, mayAlso, resourceOf } from "./operation.ts";

/**
 * The object of a key.
 *
 * @param of the bucket in which it is, if that is not the request's
 * @throws NoSuchKey it is not there; AccessDeniedException it is not there, and the caller may not list the bucket
 */
export async function requireObject(
  key: string,
  input: object,
  { call, store, bucket }: Pick<Context, "call" | "store" | "bucket">,
  of: BucketResource = bucket,
): Promise<S3ObjectRow> {
  const found = await findObject(store.db, { bucket: of.row.id, key });
  if (found !== undefined) return found;
  const settle = { call, input: input as Readonly<Record<string, unknown>>, settle: store.settle.bind(store) };
  const action = "s3:ListBucket";
  const whole = resourceOf(of.row, call);
  const denial = await mayAlso(action, whole, settle);
  throw denial === undefined ? new NoSuchKey(key) : deniedAs({ call, action, arn: whole.arn }, denial);
}
