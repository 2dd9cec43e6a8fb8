/** CreateBucket, DeleteBucket, HeadBucket, GetBucketLocation, ListBuckets, and the default encryption of buckets. */

import { randomBytes } from "node:crypto";
import type { BucketLocationConstraint } from "@aws-sdk/client-s3";
import { findPartition } from "../../base/arn.ts";
import { coded } from "../../base/errors.ts";
import type { Target } from "../../pipeline/operation.ts";
import { pageOf } from "../../pipeline/pages.ts";
import {
  countBuckets,
  deleteBucket as deleteBucketRow,
  insertBucket,
  listBuckets as listRows,
  updateBucket,
} from "../../storage/buckets.ts";
import { isEmptyBucket } from "../../storage/objects.ts";
import { deleteUploads } from "../../storage/uploads.ts";
import { s3Condition } from "./conditions.ts";
import { asksForAcl } from "./contents.ts";
import { defaultOf, parseConfiguration, shownConfiguration } from "./encryption.ts";
import {
  BucketAlreadyExists,
  BucketAlreadyOwnedByYou,
  BucketNotEmpty,
  IllegalLocationConstraint,
  InvalidArgument,
  InvalidLocationConstraint,
  MalformedXML,
  NotImplemented,
  TooManyBuckets,
} from "./errors.ts";
import { requireBucketName, s3Arn } from "./names.ts";
import { change, deniedAs, type Input, onBucket, read } from "./operation.ts";
import { ownerId } from "./owners.ts";
import { wholeSecond } from "./times.ts";

class InvalidBucketAclWithObjectOwnership extends coded("InvalidBucketAclWithObjectOwnership") {}

/** Buckets of an account (S3 user guide, Bucket quotas). */
const BUCKETS_MAX = 10_000;
/** Where buckets are whose location is null. */
const NO_LOCATION = "us-east-1";

/** A permission on a name, or on all of the caller's buckets. */
function onName(action: string, as: string): Target<never> {
  const nameOf = ({ Bucket }: { readonly Bucket?: string }): string => Bucket ?? "*";
  const target: Target<{ readonly Bucket?: string }> = {
    as,
    action,
    resolve(input, { partition, principal }) {
      return { kind: "found", resource: { arn: s3Arn(partition, nameOf(input)), account: principal.account } };
    },
    denied: (call, input, denial) => deniedAs({ call, action, arn: s3Arn(call.partition, nameOf(input)) }, denial),
    conditions: (key, { input, call }) => s3Condition(key, input, call, call.principal.account),
  };
  return target as unknown as Target<never>;
}

/** Makes a bucket; its name is everybody's in the partition. */
export const createBucket = change("CreateBucket", {
  targets: [onName("s3:CreateBucket", "bucket")],
  validate(input, call) {
    requireBucketName(input.Bucket);
    if (input.ObjectLockEnabledForBucket === true) throw new NotImplemented("Keystead does not support Object Lock.");
    if (input.ObjectOwnership !== undefined && input.ObjectOwnership !== "BucketOwnerEnforced") {
      throw new NotImplemented("Keystead does not support access control lists.");
    }
    if (asksForAcl(input)) {
      throw new InvalidBucketAclWithObjectOwnership(
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
      );
    }
    const { LocationConstraint, Location, Bucket, Tags } = input.CreateBucketConfiguration ?? {};
    if (Location !== undefined || Bucket !== undefined || (Tags ?? []).length > 0) {
      throw new NotImplemented("Keystead does not support directory buckets and tags of buckets.");
    }
    requireLocation(LocationConstraint, call.region);
  },
  async run({ Bucket: name }, { tx, call }) {
    const { account } = call.principal;
    const before = await tx.settle((reader) => reader.find("bucket", call.partition, name));
    if (before !== undefined) {
      if (before.account !== account) {
        throw new BucketAlreadyExists(
          "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
          { BucketName: name },
        );
      }
      if (call.region === NO_LOCATION && before.region === NO_LOCATION) return { Location: `/${name}` };
      throw new BucketAlreadyOwnedByYou(
        "Your previous request to create the named bucket succeeded and you already own it.",
        { BucketName: name },
      );
    }
    if ((await countBuckets(tx, account)) >= BUCKETS_MAX) {
      throw new TooManyBuckets("You have attempted to create more buckets than allowed");
    }
    const { partition, region, now } = call;
    const id = randomBytes(16).toString("hex");
    const ours = { policy: null, policy_principals: "{}", encryption: null };
    await insertBucket(tx, { partition, name, id, account, region, created_at: now, ...ours });
    return { Location: region === NO_LOCATION ? `/${name}` : `http://${name}.s3.amazonaws.com/` };
  },
});

/**
 * @throws MalformedXML, InvalidLocationConstraint the location is no Region, or the one that has no name as a location
 * @throws IllegalLocationConstraint it is not the Region that the request is for
 */
function requireLocation(LocationConstraint: string | undefined, region: string): void {
  if (LocationConstraint === "") throw new MalformedXML();
  const wanted = LocationConstraint === "EU" ? "eu-west-1" : (LocationConstraint ?? NO_LOCATION);
  const isRegion = findPartition(wanted) !== undefined;
  if (LocationConstraint !== undefined && (!isRegion || (wanted === NO_LOCATION && region === NO_LOCATION))) {
    throw new InvalidLocationConstraint("The specified location-constraint is not valid", { LocationConstraint });
  }
  if (wanted === region) return;
  throw new IllegalLocationConstraint(
    `The ${LocationConstraint ?? "unspecified"} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  );
}

/** Removes a bucket with nothing in it but uploads that were never completed. */
export const deleteBucket = change("DeleteBucket", {
  targets: [onBucket("s3:DeleteBucket")],
  async run(_input, { tx, bucket: { row }, call }) {
    if (!(await isEmptyBucket(tx, row.id))) {
      throw new BucketNotEmpty("The bucket you tried to delete is not empty", { BucketName: row.name });
    }
    await deleteUploads(tx, row.id, call.now);
    await deleteBucketRow(tx, row);
    return {};
  },
});

/** Whether a bucket is there and the caller may look into it. */
export const headBucket = read("HeadBucket", {
  targets: [onBucket("s3:ListBucket")],
  async run(_input, { bucket: { row, arn } }) {
    return { BucketRegion: row.region, BucketArn: arn, AccessPointAlias: false };
  },
});

/** The Region of a bucket, from any Region; that of the oldest one has no name here. */
export const getBucketLocation = read("GetBucketLocation", {
  targets: [onBucket("s3:GetBucketLocation", { anyRegion: true })],
  async run(_input, { bucket: { row } }) {
    return row.region === NO_LOCATION ? {} : { LocationConstraint: row.region as BucketLocationConstraint };
  },
});

/** The caller's buckets in all Regions; theirs are told where the request has any parameter (API reference, Bucket: BucketRegion). */
export const listBuckets = read("ListBuckets", {
  targets: [onName("s3:ListAllMyBuckets", "buckets")],
  validate({ BucketRegion: region }) {
    if (region === undefined || findPartition(region) !== undefined) return;
    throw InvalidArgument.of(`Argument value ${region} is not a valid AWS Region`, "bucket-region");
  },
  async run(input: Input<"ListBuckets">, context) {
    const { ContinuationToken, MaxBuckets, Prefix = "", BucketRegion: region } = input;
    const { call, store } = context;
    const { account } = call.principal;
    const { items, next } = await pageOf(
      {
        marker: ContinuationToken,
        limit: MaxBuckets ?? BUCKETS_MAX,
        filter: JSON.stringify([Prefix, region]),
        list: (after, count) =>
          listRows(store.db, { account, partition: call.partition, prefix: Prefix, region }, { after, count }),
        nameOf: ({ name }) => name,
        invalidMarker: () =>
          InvalidArgument.of("The continuation token provided is incorrect", "continuation-token", ContinuationToken),
      },
      context,
    );
    const isAskedFor = Object.keys(input).length > 0;
    return {
      Buckets: items.map((row) => ({
        Name: row.name,
        CreationDate: wholeSecond(row.created_at),
        ...(isAskedFor && { BucketRegion: row.region }),
        BucketArn: s3Arn(row.partition, row.name),
      })),
      Owner: { ID: ownerId(account) },
      ...(Prefix !== "" && { Prefix }),
      ...(next !== undefined && { ContinuationToken: next }),
    };
  },
});

/** The default encryption: that of S3 where none was set. */
export const getBucketEncryption = read("GetBucketEncryption", {
  targets: [onBucket("s3:GetEncryptionConfiguration")],
  async run(_input, { bucket: { row } }) {
    return { ServerSideEncryptionConfiguration: shownConfiguration(defaultOf(row)) };
  },
});

/** Sets the default encryption of objects that are written from now on; the KMS key is not looked at before that. */
export const putBucketEncryption = change("PutBucketEncryption", {
  targets: [onBucket("s3:PutEncryptionConfiguration")],
  async run({ ServerSideEncryptionConfiguration: configuration }, { tx, bucket: { row } }) {
    await updateBucket(tx, row, { encryption: JSON.stringify(parseConfiguration(configuration, defaultOf(row))) });
    return {};
  },
});

/** Gives a bucket the default encryption of S3 again. */
export const deleteBucketEncryption = change("DeleteBucketEncryption", {
  targets: [onBucket("s3:PutEncryptionConfiguration")],
  async run(_input, { tx, bucket: { row } }) {
    await updateBucket(tx, row, { encryption: null });
    return {};
  },
});
