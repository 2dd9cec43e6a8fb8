/** Trails that deliver into this server's own S3: bucket policies and KMS keys decide, as between CloudTrail and S3. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { CloudTrail } from "@aws-sdk/client-cloudtrail";
import type { S3 } from "@aws-sdk/client-s3";
import {
  ACCOUNT,
  type AuditRecord,
  allowing,
  assertRefused,
  newKey,
  policyOf,
  present,
  REGION,
} from "../kms-client.ts";
import { startS3World } from "../s3-client.ts";

const world = await startS3World();
const { s3 } = world;
const { endpoint, credentials, clock } = world.server;
const cloudtrail = new CloudTrail({ endpoint, region: REGION, credentials, maxAttempts: 1 });
after(async () => {
  cloudtrail.destroy();
  await world.stop();
});

const arnOf = (name: string) => `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/${name}`;
const Principal = { Service: "cloudtrail.amazonaws.com" };

/** The bucket policy of CloudTrail's user guide, for one trail. */
function bucketPolicy(bucket: string, trail: string, source = arnOf(trail)): string {
  const StringEquals = { "s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceArn": source };
  const Resource = `arn:aws:s3:::${bucket}/${trail}/AWSLogs/${ACCOUNT}/*`;
  return policyOf({ Effect: "Allow", Principal, Action: "s3:PutObject", Resource, Condition: { StringEquals } });
}

/** The objects of a bucket below a prefix that have content, as they are there, the oldest first. */
async function objects(Bucket: string, Prefix: string, from: S3 = s3) {
  const { Contents = [] } = await from.listObjectsV2({ Bucket, Prefix });
  const keys = Contents.filter(({ Size }) => Size !== 0).map(({ Key = "" }) => Key);
  return await Promise.all(
    keys.toSorted().map(async (Key) => {
      const { Body, ...rest } = await from.getObject({ Bucket, Key });
      const text = gunzipSync(await present(Body).transformToByteArray()).toString("utf8");
      return { Key, ...rest, content: JSON.parse(text) as { readonly Records?: readonly AuditRecord[] } };
    }),
  );
}

describe("a trail to a bucket of S3", () => {
  it("is made where the bucket's policy lets CloudTrail write for that trail", async () => {
    const Bucket = "closed-at-first";
    const trail = { Name: "guarded", S3BucketName: Bucket, S3KeyPrefix: "guarded" };
    await assertRefused(cloudtrail.createTrail(trail), "S3BucketDoesNotExistException");
    await s3.createBucket({ Bucket });
    const refusal = `Incorrect S3 bucket policy is detected for bucket: ${Bucket}`;
    for (const Policy of [
      undefined,
      bucketPolicy(Bucket, "guarded", arnOf("another")),
      bucketPolicy(Bucket, "other"),
    ]) {
      if (Policy !== undefined) await s3.putBucketPolicy({ Bucket, Policy });
      await assertRefused(cloudtrail.createTrail(trail), "InsufficientS3BucketPolicyException", refusal);
    }
    await s3.putBucketPolicy({ Bucket, Policy: bucketPolicy(Bucket, "guarded") });
    assert.equal((await cloudtrail.createTrail(trail)).S3BucketName, Bucket);
  });

  it("gets log files and signed digest files there, also where the bucket is another account's", async () => {
    const theirs = world.s3Client(world.otherCredentials, { region: "eu-west-1" });
    const Bucket = "audit-of-others";
    const name = "far";
    await theirs.createBucket({ Bucket, CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } });
    await theirs.putBucketPolicy({ Bucket, Policy: bucketPolicy(Bucket, name) });
    await cloudtrail.createTrail({
      Name: name,
      S3BucketName: Bucket,
      S3KeyPrefix: name,
      EnableLogFileValidation: true,
    });
    await cloudtrail.startLogging({ Name: name });
    await world.kms.listKeys({});
    await clock.advance("PT5M");
    const [log] = await objects(Bucket, `${name}/AWSLogs/${ACCOUNT}/CloudTrail/${REGION}/`, theirs);
    assert.deepEqual([log?.ContentType, log?.ContentEncoding], ["application/json", "gzip"]);
    assert.ok(log?.content.Records?.some(({ eventName }) => eventName === "ListKeys"));
    await clock.advance("PT1H");
    const [digest] = await objects(Bucket, `${name}/AWSLogs/${ACCOUNT}/CloudTrail-Digest/${REGION}/`, theirs);
    assert.match(String(digest?.Metadata?.["signature"]), /^[0-9a-f]{512}$/);
    assert.equal(digest?.Metadata?.["signature-algorithm"], "SHA256withRSA");
  });

  it("S07-035: has its files encrypted under its KMS key in CloudTrail's name, and tells when it can't deliver", async () => {
    const [Bucket, name] = ["audit-sealed", "sealed"];
    const key = await newKey(world.kms, {
      Policy: policyOf(allowing(ACCOUNT), {
        Effect: "Allow",
        Principal,
        Action: "kms:GenerateDataKey*",
        Resource: "*",
        Condition: {
          StringEquals: { "aws:SourceArn": arnOf(name), "kms:EncryptionContext:aws:cloudtrail:arn": arnOf(name) },
        },
      }),
    });
    await s3.createBucket({ Bucket });
    await s3.putBucketPolicy({ Bucket, Policy: bucketPolicy(Bucket, name) });
    await cloudtrail.createTrail({ Name: name, S3BucketName: Bucket, S3KeyPrefix: name, KmsKeyId: key.Arn });
    await cloudtrail.startLogging({ Name: name });
    await world.kms.listAliases({});
    await clock.advance("PT5M");
    const [log] = await objects(Bucket, `${name}/AWSLogs/`);
    assert.deepEqual([log?.ServerSideEncryption, log?.SSEKMSKeyId], ["aws:kms", key.Arn]);
    assert.ok(log?.content.Records?.some(({ eventName }) => eventName === "ListAliases"));
    const object = `arn:aws:s3:::${Bucket}/${log?.Key}`;
    const [record] = await world.records.where(
      ({ eventName, requestParameters }) =>
        eventName === "GenerateDataKey" &&
        (requestParameters?.["encryptionContext"] as Record<string, string> | undefined)?.["aws:s3:arn"] === object,
    );
    assert.deepEqual(
      [record?.userIdentity, record?.eventType, record?.sourceIPAddress],
      [{ type: "AWSService", invokedBy: "cloudtrail.amazonaws.com" }, "AwsServiceEvent", "cloudtrail.amazonaws.com"],
    );

    await s3.deleteBucketPolicy({ Bucket });
    await world.kms.listAliases({});
    await clock.advance("PT5M");
    assert.equal((await cloudtrail.getTrailStatus({ Name: name })).LatestDeliveryError, "AccessDenied");
    await s3.putBucketPolicy({ Bucket, Policy: bucketPolicy(Bucket, name) });
    await world.kms.disableKey({ KeyId: key.KeyId });
    await clock.advance("PT5M");
    assert.equal((await cloudtrail.getTrailStatus({ Name: name })).LatestDeliveryError, "KMS.DisabledException");
    await world.kms.enableKey({ KeyId: key.KeyId });
    await clock.advance("PT5M");
    assert.equal((await cloudtrail.getTrailStatus({ Name: name })).LatestDeliveryError, undefined);
  });
});
