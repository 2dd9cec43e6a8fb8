/** S3 as far as buckets and objects under KMS keys go. */

import type { ValidationException } from "../../base/errors.ts";
import { s3Payloads } from "../../identity/s3-payload.ts";
import type { Service } from "../../pipeline/operation.ts";
import { s3Model } from "../../wire/models.ts";
import { deleteBucketPolicy, getBucketPolicy, putBucketPolicy } from "./bucket-policies.ts";
import {
  createBucket,
  deleteBucket,
  deleteBucketEncryption,
  getBucketEncryption,
  getBucketLocation,
  headBucket,
  listBuckets,
  putBucketEncryption,
} from "./buckets.ts";
import { copyObject } from "./copy.ts";
import { InternalError, InvalidArgument, NotImplemented } from "./errors.ts";
import { listObjects, listObjectsV2, listObjectVersions } from "./listing.ts";
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
} from "./multipart.ts";
import { deleteObject, deleteObjects, getObject, headObject, PART_BYTES_MAX, putObject } from "./objects.ts";
import type { Environment } from "./operation.ts";
import { uploadPartCopy } from "./part-copy.ts";
import { unconfiguredOperations } from "./unconfigured.ts";

/** What `aws-chunked` adds to a part: a line of some hundred bytes for each chunk, of which the smallest has 8 KiB. */
const BODY_BYTES_MAX = PART_BYTES_MAX + PART_BYTES_MAX / 16;

/** The S3 API over KMS. */
export function s3Service(environment: Environment): Service {
  const operations = [
    ...unconfiguredOperations,
    abortMultipartUpload,
    completeMultipartUpload,
    copyObject,
    createBucket,
    createMultipartUpload,
    deleteBucket,
    deleteBucketEncryption,
    deleteBucketPolicy,
    deleteObject,
    deleteObjects,
    getBucketEncryption,
    getBucketLocation,
    getBucketPolicy,
    getObject,
    headBucket,
    headObject,
    listBuckets,
    listMultipartUploads,
    listObjects,
    listObjectsV2,
    listObjectVersions,
    listParts,
    putBucketEncryption,
    putBucketPolicy,
    putObject,
    uploadPart,
    uploadPartCopy,
  ];
  return {
    model: s3Model(),
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    payloads: s3Payloads,
    invalid: ({ message, details }: ValidationException) => new InvalidArgument(message, details),
    unsupported: (name) => new NotImplemented(`Keystead does not support ${name}.`),
    internal: (cause) => new InternalError("We encountered an internal error. Please try again.", { cause }),
  };
}
