/** The condition keys of S3 (service authorization reference, Amazon S3), as far as requests here can have them. */

import type { Call } from "../../pipeline/operation.ts";

type Members = Readonly<Record<string, unknown>>;

/** Keys that are what a member of the input says, in lower case. */
const OF_MEMBERS: Readonly<Record<string, string>> = {
  "s3:prefix": "Prefix",
  "s3:delimiter": "Delimiter",
  "s3:max-keys": "MaxKeys",
  "s3:x-amz-acl": "ACL",
  "s3:x-amz-copy-source": "CopySource",
  "s3:x-amz-metadata-directive": "MetadataDirective",
  "s3:x-amz-server-side-encryption": "ServerSideEncryption",
  "s3:x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
  "s3:x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
  "s3:x-amz-storage-class": "StorageClass",
  "s3:x-amz-website-redirect-location": "WebsiteRedirectLocation",
  "s3:object-lock-mode": "ObjectLockMode",
  "s3:if-none-match": "IfNoneMatch",
  "s3:if-match": "IfMatch",
};

/** The values of a key of S3, by its name in lower case; undefined when the request has no such key. */
export function s3Condition(key: string, input: Members, call: Call, account: string): readonly string[] | undefined {
  const member = OF_MEMBERS[key];
  if (member !== undefined) return input[member] === undefined ? undefined : [String(input[member])];
  switch (key) {
    case "s3:resourceaccount":
      return [account];
    case "s3:signatureversion":
      return ["AWS4-HMAC-SHA256"];
    case "s3:tlsversion":
      return call.client.tls && [call.client.tls.version.replace(/^TLSv/, "")];
    case "s3:locationconstraint":
      return locationOf(input);
    default:
      return undefined;
  }
}

function locationOf({ CreateBucketConfiguration }: Members): readonly string[] | undefined {
  const location = (CreateBucketConfiguration as Members | undefined)?.["LocationConstraint"];
  return location === undefined ? undefined : [String(location)];
}
