/** What CloudTrail calls data events: they are recorded only where a trail asks for them (S3 user guide, CloudTrail events). */

import type { Entry, InternalEntry } from "../pipeline/operation.ts";

const OPERATIONS: Readonly<Record<string, ReadonlySet<string>>> = {
  s3: new Set([
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "DeleteObject",
    "DeleteObjects",
    "GetObject",
    "GetObjectAcl",
    "GetObjectLegalHold",
    "GetObjectRetention",
    "GetObjectTagging",
    "HeadBucket",
    "HeadObject",
    "ListMultipartUploads",
    "ListObjects",
    "ListObjectsV2",
    "ListObjectVersions",
    "ListParts",
    "PutObject",
    "UploadPart",
    "UploadPartCopy",
  ]),
};

/** Whether an entry is about data, and so has no record of its own. */
export function isDataEvent(entry: Entry | InternalEntry): boolean {
  return "call" in entry && OPERATIONS[entry.call.service]?.has(entry.call.operation) === true;
}
