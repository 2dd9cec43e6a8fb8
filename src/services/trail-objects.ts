/** This server's own S3 as a place for trails: CloudTrail puts objects by its service principal, and bucket policies decide. */

import { randomUUID } from "node:crypto";
import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import type { TrailBuckets, TrailObject } from "../audit/trails/buckets.ts";
import type { TrailIdentity } from "../audit/trails/kms.ts";
import { ServiceError } from "../base/errors.ts";
import { ownCall } from "../pipeline/forwarding.ts";
import type { Store } from "../storage/store.ts";
import { COMMON_ERRORS } from "../wire/s3-dialect.ts";
import type { ServiceCaller } from "./service-caller.ts";
import { callOfTrail } from "./trail-caller.ts";

/** What CloudTrail's bucket policies ask for by `s3:x-amz-acl` (CloudTrail user guide, Amazon S3 bucket policy for CloudTrail). */
const ACL = "bucket-owner-full-control";
/** The folder that CloudTrail makes when a trail is set up, an object without content. */
const FIRST_FOLDER = "CloudTrail/";
/** S3 puts the ARN of the object into the encryption context by itself. */
const OBJECT_ARN = "aws:s3:arn";

/** Buckets of S3. */
export class ObjectBuckets implements TrailBuckets {
  readonly #s3: ServiceCaller;
  readonly #store: Pick<Store, "settle">;

  constructor(s3: ServiceCaller, store: Pick<Store, "settle">) {
    this.#s3 = s3;
    this.#store = store;
  }

  async has(bucket: string, partition: string): Promise<boolean> {
    return (await this.#regionOf(bucket, partition)) !== undefined;
  }

  async isOpen(trail: TrailIdentity, bucket: string, folder: string): Promise<boolean> {
    try {
      await this.#put(trail, { Bucket: bucket, Key: `${folder}${FIRST_FOLDER}`, Body: new Uint8Array(0) });
      return true;
    } catch (cause) {
      if (cause instanceof ServiceError) return false;
      throw cause;
    }
  }

  async put({ trail, bucket, key, bytes, metadata, encryption }: TrailObject): Promise<void> {
    const { [OBJECT_ARN]: _own, ...context } = encryption?.context ?? {};
    try {
      await this.#put(trail, {
        Bucket: bucket,
        Key: key,
        Body: bytes,
        ContentType: "application/json",
        ContentEncoding: "gzip",
        Metadata: metadata,
        ...(encryption && {
          ServerSideEncryption: "aws:kms",
          SSEKMSKeyId: encryption.keyArn,
          SSEKMSEncryptionContext: Buffer.from(JSON.stringify(context), "utf8").toString("base64"),
        }),
      });
    } catch (cause) {
      throw cause instanceof ServiceError
        ? new Error(COMMON_ERRORS.get(cause.code)?.code ?? cause.code, { cause })
        : cause;
    }
  }

  async #put(trail: TrailIdentity, input: PutObjectCommandInput & { readonly Bucket: string }): Promise<void> {
    const region = await this.#regionOf(input.Bucket, trail.partition);
    if (region === undefined) throw new Error("NoSuchBucket");
    const call = callOfTrail(trail, region);
    await this.#s3.perform("PutObject", { ...input, ACL }, randomUUID(), (to) =>
      ownCall(call.principal, call, { ...to, region }),
    );
  }

  async #regionOf(bucket: string, partition: string): Promise<string | undefined> {
    return await this.#store.settle((reader) => reader.find("bucket", partition, bucket)?.region);
  }
}
