/** Names of buckets and keys, and the ARNs by which policies mean them. */

import { InvalidArgument, InvalidBucketName, KeyTooLong } from "./errors.ts";

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const ADDRESS = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const RESERVED = /^(?:xn--|sthree-|amzn-s3-demo-)|(?:-s3alias|--ol-s3|--x-s3|--table-s3|\.mrap)$/;
/** What this server answers itself under such a path, and the names that a Host can't tell from the service's own. */
const OWN = new Set(["healthz", "readyz", "metrics", "console", "_keystead"]);
const KEY_BYTES_MAX = 1024;

/** @throws InvalidBucketName it breaks the rules (S3 user guide, Bucket naming rules), or is a path of this server's own */
export function requireBucketName(name: string): void {
  const isValid = BUCKET.test(name) && !name.includes("..") && !ADDRESS.test(name) && !RESERVED.test(name);
  if (isValid && !OWN.has(name)) return;
  throw new InvalidBucketName("The specified bucket is not valid.", { BucketName: name });
}

/** @throws KeyTooLong a key has 1,024 bytes at most; InvalidArgument one of its characters is none that a store can keep */
export function requireKey(key: string): void {
  if (key.includes("\0")) throw new InvalidArgument("A key may not hold the character U+0000.");
  const bytes = Buffer.byteLength(key);
  if (bytes <= KEY_BYTES_MAX) return;
  throw new KeyTooLong("Your key is too long", { Size: String(bytes), MaxSizeAllowed: String(KEY_BYTES_MAX) });
}

/** The ARN of a bucket, or of an object in it. */
export function s3Arn(partition: string, bucket: string, key?: string): string {
  return `arn:${partition}:s3:::${bucket}${key === undefined ? "" : `/${key}`}`;
}
