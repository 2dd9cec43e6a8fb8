/** What S3 answers where outside suites recorded it: elements of errors, subresources that nobody can configure, full checksums, copied parts. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import type { S3 } from "@aws-sdk/client-s3";
import { Crc64Nvme } from "../../src/services/s3/crc.ts";
import { present, refusalOf } from "../kms-client.ts";
import { startS3World } from "../s3-client.ts";

const world = await startS3World();
const { s3 } = world;
after(() => world.stop());

const Bucket = "the-answers";
const MEGABYTE = 1_048_576;
await s3.createBucket({ Bucket });
const { ETag: KEPT = "" } = await s3.putObject({ Bucket, Key: "kept", Body: "0123456789" });

/** The elements of an error: its status first, those of every answer left out. */
async function errorOf(call: Promise<unknown>): Promise<Record<string, unknown>> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof Error, "the call was not refused");
  const { $metadata, $fault, $response, name, message, RequestId, HostId, Code, ...more } = thrown as Error &
    Record<string, unknown> & { $metadata: { httpStatusCode: number } };
  const own = Object.fromEntries(Object.entries(more).filter(([element]) => /^[A-Z][A-Za-z0-9-]+$/i.test(element)));
  return { status: $metadata.httpStatusCode, code: name, message, ...own };
}

type Body = Uint8Array | string;
const partsOf = async (upload: { Bucket: string; Key: string; UploadId: string }, bodies: readonly Body[]) =>
  await Promise.all(
    bodies.map(async (each, index) => {
      const { ETag = "" } = await s3.uploadPart({ ...upload, PartNumber: index + 1, Body: each });
      return { ETag, PartNumber: index + 1 };
    }),
  );
async function begin(Key: string, more: Partial<Parameters<S3["createMultipartUpload"]>[0]> = {}) {
  const { UploadId = "" } = await s3.createMultipartUpload({ Bucket, Key, ...more });
  return { Bucket, Key, UploadId };
}

const NOT_HELD = "At least one of the pre-conditions you specified did not hold";
const NOT_HERE = "A header you provided implies functionality that is not implemented";
const NOT_WELL_FORMED = "The XML you provided was not well-formed or did not validate against our published schema";
const copy = (more: object) => s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/kept`, ...more });
const put = (more: object) => s3.putObject({ Bucket, Key: "put", Body: "x", ...more });

describe("a refusal tells", () => {
  for (const [title, call, wanted] of [
    [
      "which range was asked for, and of how much",
      () => s3.getObject({ Bucket, Key: "kept", Range: "bytes=100-200" }),
      { status: 416, code: "InvalidRange", RangeRequested: "bytes=100-200", ActualObjectSize: "10" },
    ],
    [
      "how many parts there are",
      () => s3.getObject({ Bucket, Key: "kept", PartNumber: 2 }),
      { status: 416, code: "InvalidPartNumber", PartNumberRequested: "2", ActualPartCount: "1" },
    ],
    [
      "which condition of a read did not hold",
      () => s3.getObject({ Bucket, Key: "kept", IfUnmodifiedSince: new Date(0) }),
      { status: 412, code: "PreconditionFailed", message: NOT_HELD, Condition: "If-Unmodified-Since" },
    ],
    [
      "which condition of a copy did not hold",
      () => copy({ CopySourceIfNoneMatch: KEPT }),
      { status: 412, message: NOT_HELD, Condition: "x-amz-copy-source-If-None-Match" },
    ],
    [
      "which condition of a write did not hold",
      () => s3.putObject({ Bucket, Key: "kept", Body: "x", IfNoneMatch: "*" }),
      { status: 412, message: NOT_HELD, Condition: "If-None-Match" },
    ],
    [
      "that a write takes no such condition",
      () => put({ IfMatch: "*" }),
      {
        status: 501,
        code: "NotImplemented",
        message: NOT_HERE,
        Header: "If-Match",
        additionalMessage: "We don't accept the provided value of If-Match header for this API",
      },
    ],
    [
      "that a write takes one condition",
      () => put({ IfMatch: KEPT, IfNoneMatch: "*" }),
      {
        status: 501,
        message: NOT_HERE,
        Header: "If-Match,If-None-Match",
        additionalMessage: "Multiple conditional request headers present in the request",
      },
    ],
    [
      "which version there can't be",
      () => s3.getObject({ Bucket, Key: "kept", VersionId: "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD" }),
      {
        status: 400,
        code: "InvalidArgument",
        message: "Invalid version id specified",
        ArgumentName: "versionId",
        ArgumentValue: "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD",
      },
    ],
    [
      "which list has no such encoding",
      () => s3.listObjectsV2({ Bucket, EncodingType: "value" as "url" }),
      {
        message: "Invalid Encoding Method specified in Request",
        ArgumentName: "encoding-type",
        ArgumentValue: "value",
      },
    ],
    [
      "which encryption there is not",
      () => put({ ServerSideEncryption: "aes:kms" }),
      {
        message: "The encryption method specified is not supported",
        ArgumentName: "x-amz-server-side-encryption",
        ArgumentValue: "aes:kms",
      },
    ],
    [
      "what a copy has as its source",
      () => copy({ CopySource: "nothing" }),
      {
        message: "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
        ArgumentName: "x-amz-copy-source",
        ArgumentValue: "nothing",
      },
    ],
    [
      "which storage class there is not",
      () => put({ StorageClass: "OUTPOSTS" }),
      { status: 400, code: "InvalidStorageClass", StorageClassRequested: "OUTPOSTS" },
    ],
    [
      "which key of KMS there can't be",
      () => put({ ServerSideEncryption: "aws:kms", SSEKMSKeyId: "fake-key-id" }),
      { status: 400, code: "KMS.NotFoundException", message: "Invalid keyId 'fake-key-id'" },
    ],
    [
      "which MD5 is none",
      () => put({ ContentMD5: "MTIz" }),
      { status: 400, code: "InvalidDigest", "Content-MD5": "MTIz" },
    ],
    [
      "how long a key may be",
      () => put({ Key: "k".repeat(1025) }),
      { status: 400, code: "KeyTooLongError", Size: "1025", MaxSizeAllowed: "1024" },
    ],
    [
      "that nothing is locked which could be deleted all the same",
      () => s3.deleteObject({ Bucket, Key: "kept", BypassGovernanceRetention: true }),
      { status: 400, code: "InvalidArgument", ArgumentName: "x-amz-bypass-governance-retention" },
    ],
    [
      "which location there is not",
      () =>
        s3.createBucket({
          Bucket: "elsewhere",
          CreateBucketConfiguration: { LocationConstraint: "us-east-1" as "EU" },
        }),
      { status: 400, code: "InvalidLocationConstraint", LocationConstraint: "us-east-1" },
    ],
    [
      "which Region lists no buckets",
      () => s3.listBuckets({ BucketRegion: "eu-east-1" }),
      { message: "Argument value eu-east-1 is not a valid AWS Region", ArgumentName: "bucket-region" },
    ],
    [
      "that a bucket of one owner has no ACL",
      () => s3.createBucket({ Bucket: "elsewhere", ACL: "public-read" }),
      { status: 400, code: "InvalidBucketAclWithObjectOwnership" },
    ],
    [
      "which bucket is not empty",
      () => s3.deleteBucket({ Bucket }),
      { status: 409, code: "BucketNotEmpty", BucketName: Bucket },
    ],
    [
      "which bucket has no policy",
      () => s3.getBucketPolicy({ Bucket }),
      { status: 404, code: "NoSuchBucketPolicy", message: "The bucket policy does not exist", BucketName: Bucket },
    ],
    [
      "that a policy is no JSON",
      () => s3.putBucketPolicy({ Bucket, Policy: "nonsense" }),
      { code: "MalformedPolicy", message: "Policies must be valid JSON and the first byte must be '{'" },
    ],
    [
      "what a policy lacks",
      () => s3.putBucketPolicy({ Bucket, Policy: "{}" }),
      { code: "MalformedPolicy", message: "Missing required field Statement" },
    ],
    [
      "that a document is not as the model has it",
      () => s3.putBucketEncryption({ Bucket, ServerSideEncryptionConfiguration: { Rules: [] } }),
      { status: 400, code: "MalformedXML", message: NOT_WELL_FORMED },
    ],
    [
      "which upload there is not",
      () => s3.listParts({ Bucket, Key: "kept", UploadId: "none" }),
      { status: 404, code: "NoSuchUpload", UploadId: "none" },
    ],
    [
      "that reads don't choose an encryption",
      () =>
        world.rawS3({ target: `/${Bucket}/kept`, headers: { "x-amz-server-side-encryption": "AES256" } }).then(refused),
      { status: 400, code: "InvalidArgument", ArgumentName: "x-amz-server-side-encryption" },
    ],
  ] as const) {
    it(title, async () => {
      const found = await errorOf(call());
      const compared = Object.fromEntries(Object.keys(wanted).map((name) => [name, found[name]]));
      assert.deepEqual(compared, wanted);
    });
  }

  /** A raw answer as the SDK would throw it. */
  function refused({ status, text }: { readonly status: number; readonly text: string }): never {
    const [, name = ""] = /<Code>(\w+)/.exec(text) ?? [];
    const [, ArgumentName] = /<ArgumentName>([^<]+)/.exec(text) ?? [];
    throw Object.assign(new Error(), { name, ArgumentName, $metadata: { httpStatusCode: status } });
  }

  it("what is wrong with the parts of an upload", async () => {
    const upload = await begin("wrong parts");
    const Parts = await partsOf(upload, ["small", "last"]);
    const { UploadId } = upload;
    const complete = (list: typeof Parts) =>
      errorOf(s3.completeMultipartUpload({ ...upload, MultipartUpload: { Parts: list } }));
    const { message: _order, ...order } = await complete(Parts.toReversed());
    assert.deepEqual(order, { status: 400, code: "InvalidPartOrder", UploadId });
    const { message: _part, ...part } = await complete([{ ETag: '"900150983cd24fb0d6963f7d28e17f72"', PartNumber: 2 }]);
    const unknown = { ETag: "900150983cd24fb0d6963f7d28e17f72", PartNumber: "2", UploadId };
    assert.deepEqual(part, { status: 400, code: "InvalidPart", ...unknown });
    const { message: _small, ...small } = await complete(Parts);
    const ETag = Parts[0]?.ETag.replaceAll('"', "");
    const sizes = { ProposedSize: "5", MinSizeAllowed: "5242880" };
    assert.deepEqual(small, { status: 400, code: "EntityTooSmall", ETag, PartNumber: "1", ...sizes });
  });

  it("which Region to sign for where there is none of the scope's, as s3cmd and minio-go need to know", async () => {
    const header = await world.rawS3({ target: `/${Bucket}/kept`, region: "US" });
    const link = await fetch(await world.presignS3({ target: `/${Bucket}/kept`, region: "US" }, 60));
    const refusals = [
      [header.status, header.text],
      [link.status, await link.text()],
    ].map(([status, text]) => [status, String(text).replace(/^.*<Error>|<RequestId>.*$/gs, "")]);
    const wrong = "the region &apos;US&apos; is wrong; expecting &apos;us-east-1&apos;";
    const elements = (code: string, what: string) =>
      `<Code>${code}</Code><Message>${what}; ${wrong}</Message><Region>us-east-1</Region>`;
    assert.deepEqual(refusals, [
      [400, elements("AuthorizationHeaderMalformed", "The authorization header is malformed")],
      [400, elements("AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter")],
    ]);
  });

  it("that what an upload was to replace was replaced meanwhile", async () => {
    const upload = await begin("replaced");
    const MultipartUpload = { Parts: await partsOf(upload, ["new"]) };
    const { ETag: IfMatch = "" } = await s3.putObject({ Bucket, Key: "replaced", Body: "meanwhile" });
    const { status, code, Condition, Key } = await errorOf(
      s3.completeMultipartUpload({ ...upload, MultipartUpload, IfMatch }),
    );
    assert.deepEqual([status, code, Condition, Key], [409, "ConditionalRequestConflict", "If-Match", "replaced"]);
  });
});

describe("a subresource that nobody can configure", () => {
  const on = { Bucket };
  for (const [name, call, code, message] of [
    ["cors", () => s3.getBucketCors(on), "NoSuchCORSConfiguration", "The CORS configuration does not exist"],
    [
      "lifecycle",
      () => s3.getBucketLifecycleConfiguration(on),
      "NoSuchLifecycleConfiguration",
      "The lifecycle configuration does not exist",
    ],
    [
      "replication",
      () => s3.getBucketReplication(on),
      "ReplicationConfigurationNotFoundError",
      "The replication configuration was not found",
    ],
    ["tagging", () => s3.getBucketTagging(on), "NoSuchTagSet", "The TagSet does not exist"],
    [
      "website",
      () => s3.getBucketWebsite(on),
      "NoSuchWebsiteConfiguration",
      "The specified bucket does not have a website configuration",
    ],
    [
      "object-lock",
      () => s3.getObjectLockConfiguration(on),
      "ObjectLockConfigurationNotFoundError",
      "Object Lock configuration does not exist for this bucket",
    ],
    [
      "publicAccessBlock",
      () => s3.getPublicAccessBlock(on),
      "NoSuchPublicAccessBlockConfiguration",
      "The public access block configuration was not found",
    ],
  ] as const) {
    it(`${name} is told to be missing`, async () => {
      assert.deepEqual(await errorOf(call()), { status: 404, code, message, BucketName: Bucket });
    });
  }

  it("is as in new buckets where every bucket has one", async () => {
    const bodies = await Promise.all([
      s3.getBucketVersioning(on),
      s3.getBucketAccelerateConfiguration(on),
      s3.getBucketLogging(on),
      s3.getBucketNotificationConfiguration(on),
      s3.getBucketRequestPayment(on),
      s3.getBucketOwnershipControls(on),
      s3.getObjectTagging({ Bucket, Key: "kept" }),
    ]);
    assert.deepEqual(
      bodies.map(({ $metadata: _metadata, ...body }) => body),
      [
        {},
        {},
        {},
        {},
        { Payer: "BucketOwner" },
        { OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] } },
        { TagSet: [] },
      ],
    );
    const { Owner, Grants } = await s3.getBucketAcl(on);
    const Grantee = { ID: Owner?.ID, Type: "CanonicalUser" };
    assert.deepEqual(Grants, [{ Grantee, Permission: "FULL_CONTROL" }]);
    assert.deepEqual((await s3.getObjectAcl({ Bucket, Key: "kept" })).Grants, Grants);
    const { status, code } = await errorOf(s3.getObjectTagging({ Bucket, Key: "none" }));
    assert.deepEqual([status, code], [404, "NoSuchKey"]);
    const { text } = await world.rawS3({ target: `/${Bucket}?versioning` });
    assert.match(text, /<VersioningConfiguration xmlns="http:\/\/s3.amazonaws.com\/doc\/2006-03-01\/"\/>$/);
  });

  it("takes a permission of its own", async () => {
    const allowed = [{ Effect: "Allow", Action: "s3:GetBucketVersioning", Resource: "*" }];
    const { s3: reader } = await world.s3Person("reader", allowed);
    await reader.getBucketVersioning(on);
    const { name, status } = await refusalOf(reader.getBucketCors(on));
    assert.deepEqual([name, status], ["AccessDenied", 403]);
  });
});

describe("the only version of an object", () => {
  it("is named null, and is read and deleted by that name", async () => {
    const In = "the-versions";
    await s3.createBucket({ Bucket: In });
    for (const Key of ["a/1", "a/2", "b"]) await s3.putObject({ Bucket: In, Key, Body: Key });
    const first = await s3.listObjectVersions({ Bucket: In, Delimiter: "/", MaxKeys: 1 });
    assert.deepEqual([first.CommonPrefixes, first.NextKeyMarker], [[{ Prefix: "a/" }], "a/"]);
    const { Versions = [], IsTruncated } = await s3.listObjectVersions({ Bucket: In, KeyMarker: "a/1" });
    assert.deepEqual(
      [Versions.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest]), IsTruncated],
      [
        [
          ["a/2", "null", true],
          ["b", "null", true],
        ],
        false,
      ],
    );
    const { Body: read } = await s3.getObject({ Bucket: In, Key: "b", VersionId: "null" });
    assert.equal(await present(read).transformToString(), "b");
    const Objects = ["a/1", "a/2", "b"].map((Key) => ({ Key, VersionId: Key === "b" ? "other" : "null" }));
    const { Deleted = [], Errors } = await s3.deleteObjects({ Bucket: In, Delete: { Objects } });
    const Message = "The specified version does not exist.";
    assert.equal(Deleted.length, 2);
    assert.deepEqual(Errors, [{ Key: "b", VersionId: "other", Code: "NoSuchVersion", Message }]);
  });
});

describe("a checksum of a full object in parts", () => {
  const bodies = [Buffer.alloc(5 * MEGABYTE, "first"), Buffer.alloc(5 * MEGABYTE + 3, "second"), Buffer.from("third")];
  const whole = Buffer.concat(bodies);
  const check = new Crc64Nvme();
  check.update(whole);
  const ofCrc32 = Buffer.alloc(4);
  ofCrc32.writeUInt32BE(crc32(whole));
  for (const [algorithm, value] of [
    ["CRC64NVME", check.digest().toBase64()],
    ["CRC32", ofCrc32.toString("base64")],
  ] as const) {
    it(`follows from ${algorithm} of its parts, whether or not they came with it`, async () => {
      const ChecksumType = "FULL_OBJECT" as const;
      const { UploadId = "", ...begun } = await s3.createMultipartUpload({
        Bucket,
        Key: algorithm,
        ChecksumAlgorithm: algorithm,
        ChecksumType,
      });
      assert.deepEqual([begun.ChecksumAlgorithm, begun.ChecksumType], [algorithm, ChecksumType]);
      const upload = { Bucket, Key: algorithm, UploadId };
      const plain = world.s3Client(world.server.credentials, { requestChecksumCalculation: "WHEN_REQUIRED" });
      const Parts = await Promise.all(
        bodies.map(async (each, index) => {
          const named = { ...upload, PartNumber: index + 1, Body: each };
          const part =
            index === 1 ? plain.uploadPart(named) : s3.uploadPart({ ...named, ChecksumAlgorithm: algorithm });
          return { ETag: (await part).ETag ?? "", PartNumber: index + 1 };
        }),
      );
      const MultipartUpload = { Parts };
      const complete = (more: object) => errorOf(s3.completeMultipartUpload({ ...upload, MultipartUpload, ...more }));
      assert.equal((await complete({ [`Checksum${algorithm}`]: "AAAA" }))["code"], "BadDigest");
      assert.equal((await complete({ ChecksumType: "COMPOSITE" }))["code"], "InvalidRequest");
      assert.match(String((await complete({ MpuObjectSize: 1 }))["message"]), /what was computed: 10485768$/);
      const done = await s3.completeMultipartUpload({
        ...upload,
        MultipartUpload,
        ChecksumType,
        [`Checksum${algorithm}`]: value,
        MpuObjectSize: whole.length,
      });
      assert.deepEqual([done[`Checksum${algorithm}`], done.ChecksumType], [value, ChecksumType]);
      const head = await s3.headObject({ Bucket, Key: algorithm, ChecksumMode: "ENABLED" });
      assert.deepEqual([head[`Checksum${algorithm}`], head.ChecksumType], [value, ChecksumType]);
    });
  }

  it("is not every algorithm's, and a composite one takes its parts'", async () => {
    const { code, message } = await errorOf(begin("none", { ChecksumAlgorithm: "SHA1", ChecksumType: "FULL_OBJECT" }));
    assert.equal(code, "InvalidRequest");
    assert.equal(message, "The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm.");
    const upload = await begin("composite", { ChecksumAlgorithm: "SHA256" });
    const plain = world.s3Client(world.server.credentials, { requestChecksumCalculation: "WHEN_REQUIRED" });
    const part = await errorOf(plain.uploadPart({ ...upload, PartNumber: 1, Body: "x" }));
    assert.match(String(part["message"]), /expected checksum Type: sha256, actual checksum Type: null$/);
    const { ETag } = await s3.uploadPart({ ...upload, PartNumber: 1, Body: "x", ChecksumAlgorithm: "SHA256" });
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    const completed = await errorOf(s3.completeMultipartUpload({ ...upload, MultipartUpload }));
    assert.match(String(completed["message"]), /^The upload was created using a sha256 checksum.* for part 1 in the/);
  });
});

describe("a checksum that nobody chose", () => {
  const plain = () => world.s3Client(world.server.credentials, { requestChecksumCalculation: "WHEN_REQUIRED" });
  const crc64 = (bytes: Uint8Array) => {
    const check = new Crc64Nvme();
    check.update(bytes);
    return check.digest().toBase64();
  };
  const digits = Buffer.from("123456789");

  it("is CRC-64/NVME, of an object and of its copy", async () => {
    const put = await plain().putObject({ Bucket, Key: "unchosen", Body: digits });
    assert.deepEqual([put.ChecksumCRC64NVME, put.ChecksumType], ["rosUhgp5mIg=", "FULL_OBJECT"]);
    const { CopyObjectResult } = await s3.copyObject({ Bucket, Key: "copied", CopySource: `${Bucket}/unchosen` });
    assert.deepEqual(
      [CopyObjectResult?.ChecksumCRC64NVME, CopyObjectResult?.ChecksumType],
      ["rosUhgp5mIg=", "FULL_OBJECT"],
    );
    const got = await s3.getObject({ Bucket, Key: "copied", ChecksumMode: "ENABLED" });
    assert.equal(await present(got.Body).transformToString(), "123456789");
    assert.equal(got.ChecksumCRC64NVME, "rosUhgp5mIg=");
  });

  it("is a whole upload's alone: its parts show only what they were sent with", async () => {
    const upload = await begin("unchosen parts");
    const body = Buffer.alloc(5 * MEGABYTE, "unchosen");
    const CopySource = `${Bucket}/unchosen`;
    const first = await s3.uploadPart({ ...upload, PartNumber: 1, Body: body, ChecksumAlgorithm: "CRC32" });
    assert.match(String(first.ChecksumCRC32), /^.{6}==$/);
    const copied = (await s3.uploadPartCopy({ ...upload, PartNumber: 2, CopySource })).CopyPartResult;
    const listed = await s3.listParts(upload);
    assert.deepEqual([listed.ChecksumAlgorithm, listed.ChecksumType], [undefined, undefined]);
    const shown = [first, copied, ...(listed.Parts ?? [])].map((part) => part?.ChecksumCRC64NVME);
    assert.deepEqual([...shown, listed.Parts?.[0]?.ChecksumCRC32], Array(5).fill(undefined));
    const Parts = [first, copied].map((part, at) => ({ PartNumber: at + 1, ETag: part?.ETag }));
    const complete = (more: object) => s3.completeMultipartUpload({ ...upload, MultipartUpload: { Parts }, ...more });
    const { message } = await errorOf(complete({ ChecksumType: "COMPOSITE" }));
    assert.match(String(message), /^The upload was created using the null checksum mode/);
    const done = await complete({});
    const value = crc64(Buffer.concat([body, digits]));
    assert.deepEqual([done.ChecksumCRC64NVME, done.ChecksumType], [value, "FULL_OBJECT"]);
  });
});

describe("a part that is copied", () => {
  it("has the bytes of its source, all of them or a range, and its upload's encryption", async () => {
    const upload = await begin("of copies", { ServerSideEncryption: "aws:kms" });
    const CopySource = `${Bucket}/kept`;
    const part = (PartNumber: number, more: object = {}) =>
      s3.uploadPartCopy({ ...upload, PartNumber, CopySource, ...more });
    const { CopyPartResult, ServerSideEncryption } = await part(1, { CopySourceRange: "bytes=2-4" });
    assert.equal(ServerSideEncryption, "aws:kms");
    const Parts = [{ PartNumber: 1, ETag: CopyPartResult?.ETag }];
    for (const [range, message] of [
      ["0-8", /must be of the form bytes=first-last/],
      ["bytes=1-0", /must be of the form bytes=first-last/],
      ["bytes=0-100", /^Range specified is not valid for source object of size: 10$/],
      ["bytes=100-200", /^The specified copy range is invalid for the source object size$/],
    ] as const) {
      assert.match(String((await errorOf(part(2, { CopySourceRange: range })))["message"]), message);
    }
    const { Condition } = await errorOf(part(2, { CopySourceIfMatch: '"other"' }));
    assert.equal(Condition, "x-amz-copy-source-If-Match");
    await s3.completeMultipartUpload({ ...upload, MultipartUpload: { Parts } });
    const { Body: read } = await s3.getObject({ Bucket, Key: "of copies" });
    assert.equal(await present(read).transformToString(), "234");
  });
});

describe("an object of more than a request carries", () => {
  it("is copied with the ETag and the checksum of its bytes, as one part", async () => {
    const upload = await begin("long", { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" });
    const bodies = ["one", "two", "three"].map((text) => Buffer.alloc(6 * MEGABYTE, text));
    const MultipartUpload = { Parts: await partsOf(upload, bodies) };
    const { ChecksumCRC32 } = await s3.completeMultipartUpload({ ...upload, MultipartUpload });
    const { CopyObjectResult } = await s3.copyObject({ Bucket, Key: "long copy", CopySource: `${Bucket}/long` });
    const md5 = createHash("md5").update(Buffer.concat(bodies)).digest("hex");
    assert.deepEqual([CopyObjectResult?.ETag, CopyObjectResult?.ChecksumCRC32], [`"${md5}"`, ChecksumCRC32]);
    const part = await s3.headObject({ Bucket, Key: "long copy", PartNumber: 1 });
    assert.deepEqual([part.ContentLength, part.PartsCount], [18 * MEGABYTE, undefined]);
  });
});

describe("an object that is copied to itself", () => {
  it("must change, which it does where the bucket's encryption is set or another one", async () => {
    const In = "the-copies";
    await s3.createBucket({ Bucket: In });
    const itself = () => s3.copyObject({ Bucket: In, Key: "x", CopySource: `${In}/x` });
    await s3.putObject({ Bucket: In, Key: "x", Body: "x", ServerSideEncryption: "aws:kms" });
    assert.equal((await itself()).ServerSideEncryption, "AES256");
    assert.match(String((await errorOf(itself()))["message"]), /^This copy request is illegal/);
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" as const } }];
    await s3.putBucketEncryption({ Bucket: In, ServerSideEncryptionConfiguration: { Rules } });
    await itself();
  });

  it("redirects where the request says, not where it did", async () => {
    const named = { Bucket, Key: "redirect" };
    await s3.putObject({ ...named, Body: "x", WebsiteRedirectLocation: "/one", ContentType: "a/b" });
    const copied = (more: object) => s3.copyObject({ ...named, CopySource: `${Bucket}/redirect`, ...more });
    await copied({ WebsiteRedirectLocation: "/two" });
    const head = await s3.headObject(named);
    assert.deepEqual([head.WebsiteRedirectLocation, head.ContentType], ["/two", "a/b"]);
    await copied({ StorageClass: "STANDARD" });
    assert.equal((await s3.headObject(named)).WebsiteRedirectLocation, undefined);
  });
});

describe("a list", () => {
  it("of uploads is folded, in the order in which they began, and tells where the last one is", async () => {
    const In = "the-uploads";
    await s3.createBucket({ Bucket: In });
    const ids: string[] = [];
    for (const Key of ["a/1", "b", "b", "b"]) {
      ids.push((await s3.createMultipartUpload({ Bucket: In, Key })).UploadId ?? "");
    }
    const folded = await s3.listMultipartUploads({ Bucket: In, Delimiter: "/" });
    assert.deepEqual(folded.CommonPrefixes, [{ Prefix: "a/" }]);
    assert.deepEqual([folded.NextKeyMarker, folded.NextUploadIdMarker], ["b", ids[3]]);
    const seen: unknown[] = [];
    let page = await s3.listMultipartUploads({ Bucket: In, MaxUploads: 1 });
    for (;;) {
      seen.push(...(page.Uploads ?? []).map(({ UploadId }) => UploadId));
      if (page.IsTruncated !== true) break;
      const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
      page = await s3.listMultipartUploads({ Bucket: In, MaxUploads: 1, KeyMarker, UploadIdMarker });
    }
    assert.deepEqual(seen, [ids[0], ...ids.slice(1).toSorted()]);
    const times = ids.map((id) => id.slice(0, 12));
    assert.deepEqual(times, times.toSorted());
    const wrong = s3.listMultipartUploads({ Bucket: In, KeyMarker: "a/1", UploadIdMarker: ids[2] });
    assert.equal((await errorOf(wrong))["message"], "Invalid uploadId marker");
    assert.equal((await s3.listMultipartUploads({ Bucket: In, Prefix: "none" })).NextKeyMarker, "");
  });

  it("has whole seconds, the bucket's Region in a header, and keys encoded as forms are", async () => {
    await s3.putObject({ Bucket, Key: "form (1)*~ü", Body: "x" });
    const target = `/${Bucket}?list-type=2&encoding-type=url&prefix=form`;
    const { text, headers } = await world.rawS3({ target });
    assert.match(text, /<Key>form\+%281%29\*%7E%C3%BC<\/Key>/);
    assert.match(text, /<LastModified>[-\d]+T[:\d]+\.000Z</);
    assert.equal(headers["x-amz-bucket-region"], "us-east-1");
  });

  it("of buckets tells their Regions where anything is asked", async () => {
    const { Buckets: all = [] } = await s3.listBuckets({});
    const { Buckets: some = [] } = await s3.listBuckets({ Prefix: Bucket });
    assert.deepEqual([all[0]?.BucketRegion, some[0]?.BucketRegion], [undefined, "us-east-1"]);
  });
});

describe("a bucket policy that was put", () => {
  it("is answered with 204, without which MinIO's client fails", async () => {
    const policy = {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource: `arn:aws:s3:::${Bucket}/none/*` },
      ],
    };
    const { $metadata } = await s3.putBucketPolicy({ Bucket, Policy: JSON.stringify(policy) });
    await s3.deleteBucketPolicy({ Bucket });
    assert.equal($metadata.httpStatusCode, 204);
  });
});

describe("an object that the reader has", () => {
  it("is known to caches by its headers, and has no body", async () => {
    const { status, headers, text } = await world.rawS3({
      target: `/${Bucket}/kept`,
      headers: { "if-none-match": KEPT },
    });
    const { LastModified } = await s3.headObject({ Bucket, Key: "kept" });
    assert.deepEqual([status, headers["etag"], text], [304, KEPT, ""]);
    assert.equal(headers["last-modified"], present(LastModified).toUTCString());
  });
});

describe("a condition whose time is none", () => {
  it("counts for nothing", async () => {
    const headers = { "if-modified-since": "nonsense" };
    assert.equal((await world.rawS3({ target: `/${Bucket}/kept`, headers })).status, 200);
  });
});

describe("types of encryption that a bucket blocks", () => {
  it("are told as they were set, and stay when the default is set alone", async () => {
    const set = (Rule: object) =>
      s3.putBucketEncryption({ Bucket, ServerSideEncryptionConfiguration: { Rules: [Rule] } });
    const byDefault = { SSEAlgorithm: "AES256" };
    await set({ ApplyServerSideEncryptionByDefault: byDefault, BlockedEncryptionTypes: { EncryptionType: ["SSE-C"] } });
    await set({ ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled: true });
    const { ServerSideEncryptionConfiguration: told } = await s3.getBucketEncryption({ Bucket });
    const blocked = { EncryptionType: ["SSE-C"] };
    assert.deepEqual(told?.Rules, [
      { ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled: true, BlockedEncryptionTypes: blocked },
    ]);
    await s3.deleteBucketEncryption({ Bucket });
  });
});

describe("a range of all bytes", () => {
  it("comes with their checksum, and one of some without", async () => {
    const read = (Range: string) => s3.getObject({ Bucket, Key: "kept", Range, ChecksumMode: "ENABLED" });
    assert.deepEqual((await read("bytes=0-100")).ChecksumCRC32, "poTHxg==");
    assert.deepEqual((await read("bytes=0-8")).ChecksumCRC32, undefined);
  });
});
