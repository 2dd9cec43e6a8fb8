/** What nobody can configure here of buckets and objects: reads answer as S3 does where nobody did, so that clients which look at it go on. */

import { ServiceError } from "../../base/errors.ts";
import type { Operation } from "../../pipeline/operation.ts";
import { requireBuilt } from "./contents.ts";
import { InvalidRequest } from "./errors.ts";
import { type Input, type OperationName, type Output, onBucket, onObject, read } from "./operation.ts";
import { ownerId } from "./owners.ts";
import { requireObject } from "./visibility.ts";

class NotConfigured extends ServiceError {
  readonly code: string;
  override readonly status = 404;
  override readonly details: Readonly<Record<string, string>>;

  constructor(code: string, message: string, BucketName: string) {
    super(message);
    this.code = code;
    this.details = { BucketName };
  }
}

interface Absence {
  readonly action: string;
  readonly code: string;
  readonly message: string;
}

/** A configuration that a bucket has not. */
function absent(name: OperationName, { action, code, message }: Absence): Operation {
  return read(name, {
    targets: [onBucket(action)],
    async run(_input, { bucket }) {
      throw new NotConfigured(code, message, bucket.row.name);
    },
  });
}

/** A configuration of a bucket that is what it is in new ones. */
function usual<N extends OperationName>(name: N, action: string, output: Output<N>): Operation {
  return read(name, { targets: [onBucket(action)], run: async () => output });
}

const LOCKS = "Bucket is missing Object Lock Configuration";

/** What Object Lock would have of an object. */
function unlocked(name: "GetObjectLegalHold" | "GetObjectRetention"): Operation {
  return read(name, {
    targets: [onObject(`s3:${name}`)],
    async run() {
      throw new InvalidRequest(LOCKS);
    },
  });
}

/** The owner of a bucket has all that is in it. */
function ownersAcl(account: string) {
  const ID = ownerId(account);
  return {
    Owner: { ID },
    Grants: [{ Grantee: { ID, Type: "CanonicalUser" as const }, Permission: "FULL_CONTROL" as const }],
  };
}

/** Codes and messages as public test suites recorded them on S3. */
export const unconfiguredOperations: readonly Operation[] = [
  absent("GetBucketCors", {
    action: "s3:GetBucketCORS",
    code: "NoSuchCORSConfiguration",
    message: "The CORS configuration does not exist",
  }),
  absent("GetBucketLifecycleConfiguration", {
    action: "s3:GetLifecycleConfiguration",
    code: "NoSuchLifecycleConfiguration",
    message: "The lifecycle configuration does not exist",
  }),
  absent("GetBucketReplication", {
    action: "s3:GetReplicationConfiguration",
    code: "ReplicationConfigurationNotFoundError",
    message: "The replication configuration was not found",
  }),
  absent("GetBucketTagging", {
    action: "s3:GetBucketTagging",
    code: "NoSuchTagSet",
    message: "The TagSet does not exist",
  }),
  absent("GetBucketWebsite", {
    action: "s3:GetBucketWebsite",
    code: "NoSuchWebsiteConfiguration",
    message: "The specified bucket does not have a website configuration",
  }),
  absent("GetObjectLockConfiguration", {
    action: "s3:GetBucketObjectLockConfiguration",
    code: "ObjectLockConfigurationNotFoundError",
    message: "Object Lock configuration does not exist for this bucket",
  }),
  absent("GetPublicAccessBlock", {
    action: "s3:GetBucketPublicAccessBlock",
    code: "NoSuchPublicAccessBlockConfiguration",
    message: "The public access block configuration was not found",
  }),
  usual("GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration", {}),
  usual("GetBucketLogging", "s3:GetBucketLogging", {}),
  usual("GetBucketNotificationConfiguration", "s3:GetBucketNotification", {}),
  usual("GetBucketOwnershipControls", "s3:GetBucketOwnershipControls", {
    OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
  }),
  usual("GetBucketRequestPayment", "s3:GetBucketRequestPayment", { Payer: "BucketOwner" }),
  usual("GetBucketVersioning", "s3:GetBucketVersioning", {}),
  unlocked("GetObjectLegalHold"),
  unlocked("GetObjectRetention"),
  read("GetBucketAcl", {
    targets: [onBucket("s3:GetBucketAcl")],
    run: async (_input, { bucket }) => ownersAcl(bucket.account),
  }),
  read("GetObjectAcl", {
    targets: [onObject("s3:GetObjectAcl")],
    validate: requireBuilt,
    async run(input: Input<"GetObjectAcl">, context) {
      await requireObject(input.Key, input, context);
      return ownersAcl(context.bucket.account);
    },
  }),
  read("GetObjectTagging", {
    targets: [onObject("s3:GetObjectTagging")],
    validate: requireBuilt,
    async run(input: Input<"GetObjectTagging">, context) {
      await requireObject(input.Key, input, context);
      return { TagSet: [] };
    },
  }),
];
