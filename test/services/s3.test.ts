/** S3, driven by AWS's own client and by requests that it never sends: buckets, objects, listing, parts and copies. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { after, describe, it } from "node:test";
import type { PutObjectCommandInput, PutObjectCommandOutput } from "@aws-sdk/client-s3";
import { present, refusalOf } from "../kms-client.ts";
import { localAgent, startS3World } from "../s3-client.ts";

const world = await startS3World();
const { s3 } = world;
after(() => world.stop());

const Bucket = "the-objects";
await s3.createBucket({ Bucket });
const MEGABYTE = 1_048_576;

type Sent = NonNullable<PutObjectCommandInput["Body"]>;
const put = (Key: string, Body: Sent, more: Partial<PutObjectCommandInput> = {}): Promise<PutObjectCommandOutput> =>
  s3.putObject({ Bucket, Key, Body, ...more });
const read = async (Key: string): Promise<Buffer> =>
  Buffer.from(await present((await s3.getObject({ Bucket, Key })).Body).transformToByteArray());
const textOf = async (Key: string): Promise<string> => (await read(Key)).toString();

/** Bytes that differ from place to place. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index += 1) bytes[index] = index * 31 + (index >> 8);
  return bytes;
}

async function assertFails(call: Promise<unknown>, name: string, status: number, message?: RegExp): Promise<void> {
  const refusal = await refusalOf(call);
  assert.deepEqual([refusal.name, refusal.status], [name, status], refusal.message);
  if (message !== undefined) assert.match(refusal.message, message);
}

describe("a bucket", () => {
  it("is made once under its name, by whoever comes first", async () => {
    assert.equal((await s3.createBucket({ Bucket })).Location, `/${Bucket}`);
    const other = world.s3Client(world.otherCredentials);
    await assertFails(other.createBucket({ Bucket }), "BucketAlreadyExists", 409);
    const west = world.s3Client(world.server.credentials, { region: "eu-west-1" });
    const configuration = { LocationConstraint: "eu-west-1" as const };
    await west.createBucket({ Bucket: "in-the-west", CreateBucketConfiguration: configuration });
    const again = west.createBucket({ Bucket: "in-the-west", CreateBucketConfiguration: configuration });
    await assertFails(again, "BucketAlreadyOwnedByYou", 409);
    const elsewhere = s3.createBucket({ Bucket: "no-place", CreateBucketConfiguration: configuration });
    await assertFails(elsewhere, "IllegalLocationConstraintException", 400, /^The eu-west-1 location constraint is/);
    assert.equal((await s3.getBucketLocation({ Bucket: "in-the-west" })).LocationConstraint, "eu-west-1");
    assert.equal((await west.headBucket({ Bucket: "in-the-west" })).BucketRegion, "eu-west-1");
    await assertFails(
      s3.listObjectsV2({ Bucket: "in-the-west" }),
      "AuthorizationHeaderMalformed",
      400,
      /expecting 'eu-west-1'/,
    );
    const { Buckets = [] } = await s3.listBuckets({});
    assert.deepEqual(
      Buckets.map(({ Name }) => Name),
      ["in-the-west", Bucket],
    );
    await west.deleteBucket({ Bucket: "in-the-west" });
  });

  for (const name of ["ab", "Upper", "two..dots", "192.168.0.1", "xn--a-name", "healthz", "ends-"]) {
    it(`has no such name as ${name}`, () => assertFails(s3.createBucket({ Bucket: name }), "InvalidBucketName", 400));
  }

  it("that is not there is told to everybody", async () => {
    await assertFails(s3.getObject({ Bucket: "not-there", Key: "x" }), "NoSuchBucket", 404);
    const { name, status } = await refusalOf(s3.headBucket({ Bucket: "not-there" }));
    assert.deepEqual([name, status], ["NotFound", 404]);
  });

  it("is found by its Host as by the path", async () => {
    const { port } = new URL(world.server.endpoint);
    for (const host of ["localhost", "s3.us-east-1.amazonaws.com", "s3.example.com"]) {
      const hosted = world.s3Client(world.server.credentials, {
        endpoint: `http://${host}:${port}`,
        forcePathStyle: false,
        requestHandler: { httpAgent: localAgent() },
      });
      await hosted.putObject({ Bucket, Key: `by/${host}`, Body: host });
      assert.equal(await textOf(`by/${host}`), host);
    }
  });

  it("is removed only empty", async () => {
    await s3.createBucket({ Bucket: "to-be-removed" });
    await s3.putObject({ Bucket: "to-be-removed", Key: "x", Body: "x" });
    await assertFails(s3.deleteBucket({ Bucket: "to-be-removed" }), "BucketNotEmpty", 409);
    await s3.deleteObject({ Bucket: "to-be-removed", Key: "x" });
    await s3.createMultipartUpload({ Bucket: "to-be-removed", Key: "x" });
    await s3.deleteBucket({ Bucket: "to-be-removed" });
    await assertFails(s3.getBucketLocation({ Bucket: "to-be-removed" }), "NoSuchBucket", 404);
  });
});

describe("an object", () => {
  it("comes back as it was put, with its headers and metadata", async () => {
    const Key = "a folder/ü+&<>//.. /%41\u{1f511}";
    const headers = {
      ContentType: "text/plain",
      CacheControl: "no-cache",
      ContentEncoding: "gzip",
      ContentLanguage: "de",
    };
    const { ETag } = await put(Key, "hello", { ...headers, Metadata: { one: "1", "Two-Words": "2" } });
    assert.equal(ETag, `"${createHash("md5").update("hello").digest("hex")}"`);
    const got = await s3.getObject({ Bucket, Key, ChecksumMode: "ENABLED" });
    assert.equal(await present(got.Body).transformToString(), "hello");
    const { ContentType, CacheControl, ContentEncoding, ContentLanguage } = got;
    assert.deepEqual({ ContentType, CacheControl, ContentEncoding, ContentLanguage }, headers);
    assert.deepEqual(
      [got.ContentLength, got.ETag, got.AcceptRanges, got.ServerSideEncryption],
      [5, ETag, "bytes", "AES256"],
    );
    assert.deepEqual(got.Metadata, { one: "1", "two-words": "2" });
    assert.deepEqual([got.ChecksumCRC32, got.ChecksumType], ["NhCmhg==", "FULL_OBJECT"]);
    const head = await s3.headObject({ Bucket, Key });
    assert.deepEqual([head.ContentLength, head.ETag, head.Metadata], [5, ETag, got.Metadata]);
    const told = await s3.getObject({ Bucket, Key, ResponseContentType: "a/b", ResponseContentDisposition: "inline" });
    assert.deepEqual([told.ContentType, told.ContentDisposition], ["a/b", "inline"]);
  });

  for (const length of [0, 1, 65_535, 65_536, 65_537, 3 * MEGABYTE + 5]) {
    it(`of ${length} bytes is read whole and in ranges`, async () => {
      const Key = `length/${length}`;
      const body = pattern(length);
      await put(Key, body);
      assert.deepEqual(await read(Key), body);
      for (const [from, to] of [
        [0, 1],
        [65_530, 65_540],
        [length - 3, length],
      ] as const) {
        if (from < 0 || from >= length) continue;
        const got = await s3.getObject({ Bucket, Key, Range: `bytes=${from}-${to - 1}` });
        const wanted = body.subarray(from, to);
        assert.deepEqual(Buffer.from(await present(got.Body).transformToByteArray()), wanted);
        assert.equal(got.ContentRange, `bytes ${from}-${from + wanted.length - 1}/${length}`);
      }
    });
  }

  it("is not read where its range begins after its end", async () => {
    await put("range", "0123456789");
    await assertFails(s3.getObject({ Bucket, Key: "range", Range: "bytes=10-" }), "InvalidRange", 416);
    const last = await s3.getObject({ Bucket, Key: "range", Range: "bytes=-3" });
    assert.equal(await present(last.Body).transformToString(), "789");
  });

  it("that is not there is told to those who may list", async () => {
    await assertFails(
      s3.getObject({ Bucket, Key: "not there" }),
      "NoSuchKey",
      404,
      /^The specified key does not exist\.$/,
    );
  });

  it("comes in chunks with a checksum behind them, as streams are sent", async () => {
    for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"] as const) {
      const body = pattern(200_000);
      const stream = Readable.from([body.subarray(0, 70_000), body.subarray(70_000)]);
      const sent = await put("streamed", stream, {
        ContentLength: body.length,
        ChecksumAlgorithm,
        ContentEncoding: "br",
      });
      const got = await s3.getObject({ Bucket, Key: "streamed", ChecksumMode: "ENABLED" });
      assert.deepEqual(Buffer.from(await present(got.Body).transformToByteArray()), body);
      assert.equal(got[`Checksum${ChecksumAlgorithm}`], sent[`Checksum${ChecksumAlgorithm}`]);
      assert.deepEqual([got.ChecksumType, got.ContentEncoding], ["FULL_OBJECT", "br"]);
    }
  });

  it("is refused where it is not what its checksums say", async () => {
    const wrong = (more: Partial<PutObjectCommandInput>) => put("wrong", "hello", more);
    await assertFails(wrong({ ContentMD5: "1B2M2Y8AsgTpgAmY7PhCfg==" }), "BadDigest", 400, /Content-MD5/);
    await assertFails(wrong({ ContentMD5: "abc" }), "InvalidDigest", 400);
    await assertFails(wrong({ ChecksumCRC32: "AAAAAA==" }), "BadDigest", 400, /^The CRC32 you specified did not match/);
    await assertFails(
      wrong({ ChecksumCRC32: "AAAA" }),
      "InvalidRequest",
      400,
      /x-amz-checksum-crc32 header is invalid/,
    );
    await assertFails(
      wrong({ ChecksumCRC32: "NhCmhg==", ChecksumSHA1: "qvTGHdzF6KLavt4PO0gs2a6pQ00=" }),
      "InvalidRequest",
      400,
    );
    await put("right", "hello", {
      ContentMD5: "XUFAKrxLKna5cZ2REBfFkg==",
      ChecksumSHA1: "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
    });
  });

  it("is put and read under conditions", async () => {
    const { ETag = "" } = await put("state", "1", { IfNoneMatch: "*" });
    await assertFails(put("state", "2", { IfNoneMatch: "*" }), "PreconditionFailed", 412);
    await assertFails(put("state", "2", { IfMatch: '"another"' }), "PreconditionFailed", 412);
    await assertFails(put("no state", "2", { IfMatch: ETag }), "NoSuchKey", 404);
    await put("state", "2", { IfMatch: ETag });
    const get = (more: object) => s3.getObject({ Bucket, Key: "state", ...more });
    await assertFails(get({ IfMatch: ETag }), "PreconditionFailed", 412);
    const { ETag: now = "", LastModified } = await get({});
    assert.equal((await refusalOf(get({ IfNoneMatch: now }))).status, 304);
    assert.equal((await refusalOf(get({ IfModifiedSince: LastModified }))).status, 304);
    assert.equal((await get({ IfModifiedSince: new Date(Date.now() + 60_000) })).ETag, now);
    await assertFails(get({ IfUnmodifiedSince: new Date(0) }), "PreconditionFailed", 412);
    assert.equal((await get({ IfMatch: now, IfUnmodifiedSince: new Date(0) })).ETag, now);
  });

  it("of which something is asked that is not here is refused, not taken for something else", async () => {
    await put("plain", "x");
    for (const [method, target] of [
      ["PUT", `/${Bucket}/plain?acl`],
      ["PUT", `/${Bucket}/plain?tagging=`],
      ["PUT", `/${Bucket}?versioning`],
      ["DELETE", `/${Bucket}?lifecycle`],
      ["GET", `/${Bucket}/plain?torrent`],
      ["GET", `/${Bucket}?policyStatus`],
    ] as const) {
      const { status, text } = await world.rawS3({ method, target });
      assert.deepEqual([status, /<Code>(\w+)/.exec(text)?.[1]], [501, "NotImplemented"], target);
    }
    assert.equal(await textOf("plain"), "x");
    await assertFails(put("plain", "x", { Tagging: "a=b" }), "NotImplemented", 501);
    await assertFails(put("plain", "x", { StorageClass: "GLACIER" }), "NotImplemented", 501);
    await assertFails(put("plain", "x", { ACL: "public-read" }), "AccessControlListNotSupported", 400);
    await assertFails(put("k".repeat(1025), "x"), "KeyTooLongError", 400);
    await assertFails(put("plain", "x", { Metadata: { a: "x".repeat(2048) } }), "MetadataTooLarge", 400);
    await assertFails(put("plain", Buffer.alloc(32 * MEGABYTE + 1)), "EntityTooLarge", 400);
  });

  it("goes, alone or with others", async () => {
    for (const key of ["d/1", "d/2", "d/3"]) await put(key, key);
    await s3.deleteObject({ Bucket, Key: "d/1" });
    await s3.deleteObject({ Bucket, Key: "d/1" });
    const { Deleted = [] } = await s3.deleteObjects({
      Bucket,
      Delete: { Objects: [{ Key: "d/2" }, { Key: "d/none" }] },
    });
    assert.deepEqual(
      Deleted.map(({ Key }) => Key),
      ["d/2", "d/none"],
    );
    const { Contents = [] } = await s3.listObjectsV2({ Bucket, Prefix: "d/" });
    assert.deepEqual(
      Contents.map(({ Key }) => Key),
      ["d/3"],
    );
    const { status } = await world.rawS3({ method: "POST", target: `/${Bucket}?delete`, body: "<Delete><Object>" });
    assert.equal(status, 400);
  });
});

describe("a list", () => {
  it("has keys in the order of their bytes, folded at the delimiter, page by page", async () => {
    const List = "the-list";
    await s3.createBucket({ Bucket: List });
    const keys = ["a", "b/1", "b/2", "b/\u{1f600}", "b/\uffee", "c", "d/x/1", "d/y", "\uffee", "\u{1f600}"];
    for (const Key of keys.toReversed()) await s3.putObject({ Bucket: List, Key, Body: Key });
    const bytes = (left: string, right: string) => Buffer.compare(Buffer.from(left), Buffer.from(right));
    for (const delimiter of [undefined, "/"]) {
      for (const size of [1, 2, 3, 1000]) {
        const seen: string[] = [];
        const older: string[] = [];
        let token: string | undefined;
        let marker: string | undefined;
        do {
          const page = await s3.listObjectsV2({
            Bucket: List,
            MaxKeys: size,
            ...(delimiter && { Delimiter: delimiter }),
            ...(token && { ContinuationToken: token }),
          });
          assert.ok((page.KeyCount ?? 0) <= size);
          seen.push(
            ...(page.Contents ?? []).map(({ Key = "" }) => Key),
            ...(page.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix),
          );
          token = page.NextContinuationToken;
        } while (token !== undefined);
        do {
          const page = await s3.listObjects({
            Bucket: List,
            MaxKeys: size,
            EncodingType: "url",
            ...(delimiter && { Delimiter: delimiter }),
            ...(marker && { Marker: marker }),
          });
          const names = [
            ...(page.Contents ?? []).map(({ Key = "" }) => Key),
            ...(page.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix),
          ];
          older.push(...names.map(decodeURIComponent));
          marker = page.IsTruncated === true ? decodeURIComponent(page.NextMarker ?? names.at(-1) ?? "") : undefined;
        } while (marker !== undefined);
        const wanted = delimiter === undefined ? keys : ["a", "b/", "c", "d/", "\uffee", "\u{1f600}"];
        assert.deepEqual(seen.toSorted(bytes), wanted.toSorted(bytes), `${delimiter} ${size}`);
        assert.deepEqual(older.toSorted(bytes), wanted.toSorted(bytes), `${delimiter} ${size}`);
      }
    }
    const { Contents = [] } = await s3.listObjectsV2({ Bucket: List, Prefix: "b/", StartAfter: "b/1" });
    assert.deepEqual(
      Contents.map(({ Key }) => Key),
      ["b/2", "b/\uffee", "b/\u{1f600}"],
    );
    await assertFails(s3.listObjectsV2({ Bucket: List, ContinuationToken: "bm9uc2Vuc2U" }), "InvalidArgument", 400);
  });
});

describe("an upload in parts", () => {
  it("makes one object of the parts that it names, and forgets the others", async () => {
    const Key = "in parts";
    const sizes = [5 * MEGABYTE, 5 * MEGABYTE + 70_001, 9];
    const bodies = sizes.map((size, index) => pattern(size).map((byte) => byte ^ index));
    const { UploadId = "" } = await s3.createMultipartUpload({
      Bucket,
      Key,
      ContentType: "a/b",
      ChecksumAlgorithm: "SHA256",
    });
    const upload = { Bucket, Key, UploadId };
    const Parts: { PartNumber: number; ETag: string; ChecksumSHA256: string }[] = [];
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index * 2 + 1;
      await s3.uploadPart({ ...upload, PartNumber, Body: "replaced", ChecksumAlgorithm: "SHA256" });
      const part = await s3.uploadPart({ ...upload, PartNumber, Body, ChecksumAlgorithm: "SHA256" });
      Parts.push({ PartNumber, ETag: part.ETag ?? "", ChecksumSHA256: part.ChecksumSHA256 ?? "" });
    }
    await s3.uploadPart({ ...upload, PartNumber: 9, Body: "not wanted", ChecksumAlgorithm: "SHA256" });
    const listed = await s3.listParts({ ...upload, MaxParts: 2 });
    assert.deepEqual([listed.Parts?.map(({ PartNumber }) => PartNumber), listed.IsTruncated], [[1, 3], true]);
    const { Uploads = [] } = await s3.listMultipartUploads({ Bucket });
    assert.deepEqual(
      Uploads.map((each) => [each.Key, each.UploadId]),
      [[Key, UploadId]],
    );
    const complete = (parts: typeof Parts) =>
      s3.completeMultipartUpload({ ...upload, MultipartUpload: { Parts: parts } });
    await assertFails(complete(Parts.toReversed()), "InvalidPartOrder", 400);
    await assertFails(complete(Parts.map((part) => ({ ...part, ETag: '"x"' }))), "InvalidPart", 400);
    await assertFails(complete([...Parts, { PartNumber: 10, ETag: '"x"', ChecksumSHA256: "x" }]), "InvalidPart", 400);
    const done = await complete(Parts);
    const md5 = createHash("md5").update(Buffer.concat(bodies.map((body) => createHash("md5").update(body).digest())));
    const sha256 = createHash("sha256").update(
      Buffer.concat(bodies.map((body) => createHash("sha256").update(body).digest())),
    );
    assert.equal(done.ETag, `"${md5.digest("hex")}-3"`);
    assert.deepEqual([done.ChecksumSHA256, done.ChecksumType], [`${sha256.digest("base64")}-3`, "COMPOSITE"]);
    const whole = Buffer.concat(bodies);
    assert.ok((await read(Key)).equals(whole));
    const across = await s3.getObject({ Bucket, Key, Range: `bytes=${5 * MEGABYTE - 4}-${5 * MEGABYTE + 3}` });
    const wanted = whole.subarray(5 * MEGABYTE - 4, 5 * MEGABYTE + 4);
    assert.deepEqual(Buffer.from(await present(across.Body).transformToByteArray()), wanted);
    const second = await s3.headObject({ Bucket, Key, PartNumber: 2 });
    assert.deepEqual([second.PartsCount, second.ContentLength, second.ContentType], [3, sizes[1], "a/b"]);
    await assertFails(complete(Parts), "NoSuchUpload", 404);
  });

  it("takes no small parts but the last, and can be given up", async () => {
    const { UploadId = "" } = await s3.createMultipartUpload({ Bucket, Key: "small" });
    const upload = { Bucket, Key: "small", UploadId };
    const etags = await Promise.all(
      [1, 2].map(async (PartNumber) => ({
        PartNumber,
        ...(await s3.uploadPart({ ...upload, PartNumber, Body: "x" })),
      })),
    );
    const Parts = etags.map(({ PartNumber, ETag = "" }) => ({ PartNumber, ETag }));
    await assertFails(s3.completeMultipartUpload({ ...upload, MultipartUpload: { Parts } }), "EntityTooSmall", 400);
    await assertFails(s3.uploadPart({ ...upload, PartNumber: 0, Body: "x" }), "InvalidArgument", 400);
    await s3.abortMultipartUpload(upload);
    await assertFails(s3.uploadPart({ ...upload, PartNumber: 1, Body: "x" }), "NoSuchUpload", 404);
  });
});

describe("a copy", () => {
  it("has the source's bytes and metadata, or metadata of its own", async () => {
    await put("a b+c", "spaced");
    await s3.copyObject({ Bucket, Key: "spaced", CopySource: `${Bucket}%2Fa+b%2Bc` });
    assert.equal(await textOf("spaced"), "spaced");
    await put("from/ü", "copied", { Metadata: { a: "1" }, ContentType: "a/b" });
    const CopySource = `${Bucket}/from/%C3%BC`;
    const { CopyObjectResult } = await s3.copyObject({ Bucket, Key: "to", CopySource });
    assert.equal(CopyObjectResult?.ETag, `"${createHash("md5").update("copied").digest("hex")}"`);
    assert.deepEqual((await s3.headObject({ Bucket, Key: "to" })).Metadata, { a: "1" });
    await s3.copyObject({ Bucket, Key: "to", CopySource, MetadataDirective: "REPLACE", Metadata: { b: "2" } });
    assert.deepEqual((await s3.headObject({ Bucket, Key: "to" })).Metadata, { b: "2" });
    assert.equal(await textOf("to"), "copied");
    await assertFails(s3.copyObject({ Bucket, Key: "from/ü", CopySource }), "InvalidRequest", 400, /to itself/);
    await assertFails(s3.copyObject({ Bucket, Key: "to", CopySource: `${Bucket}/none` }), "NoSuchKey", 404);
    await assertFails(
      s3.copyObject({ Bucket, Key: "to", CopySource, CopySourceIfMatch: '"x"' }),
      "PreconditionFailed",
      412,
    );
  });
});

describe("a signature", () => {
  it("in a link lets whoever has it read and write, until its time is over", async () => {
    await put("shared", "for all who have the link");
    const link = await world.presignS3({ target: `/${Bucket}/shared?response-content-type=text%2Fx` }, 60);
    const answer = await fetch(link);
    assert.deepEqual(
      [await answer.text(), answer.headers.get("content-type")],
      ["for all who have the link", "text/x"],
    );
    const upload = await world.presignS3({ method: "PUT", target: `/${Bucket}/uploaded` }, 60);
    assert.equal((await fetch(upload, { method: "PUT", body: "by link" })).status, 200);
    assert.equal(await textOf("uploaded"), "by link");
    assert.equal((await fetch(link.replace("shared", "uploaded"))).status, 403);
  });

  it("of another time is refused with the times", async () => {
    const url = new URL(await world.presignS3({ target: `/${Bucket}/shared` }, 60));
    const at = async (name: string, value: string | undefined) => {
      const changed = new URL(url);
      if (value === undefined) changed.searchParams.delete(name);
      else changed.searchParams.set(name, value);
      const answer = await fetch(changed);
      return [answer.status, await answer.text()] as const;
    };
    const on = async (day: string) => {
      const [key, , ...scope] = (url.searchParams.get("X-Amz-Credential") ?? "").split("/");
      const changed = new URL(url);
      changed.searchParams.set("X-Amz-Date", `${day}T000000Z`);
      changed.searchParams.set("X-Amz-Credential", [key, day, ...scope].join("/"));
      const answer = await fetch(changed);
      return [answer.status, await answer.text()] as const;
    };
    const more = await fetch(url, {
      headers: { "x-amz-checksum-mode": "ENABLED", "x-amz-request-payer": "requester" },
    });
    assert.equal(more.status, 403);
    assert.match(
      await more.text(),
      /<Code>AccessDenied<.* which were not signed<\/Message><HeadersNotSigned>x-amz-checksum-mode, x-amz-request-payer</,
    );
    const [late, expired] = await on("20200101");
    assert.equal(late, 403);
    assert.match(
      expired,
      /<Code>AccessDenied<\/Code><Message>Request has expired<\/Message><X-Amz-Expires>60<\/X-Amz-Expires><Expires>2020-01-01T00:01:00Z<\/Expires><ServerTime>/,
    );
    const [early, skewed] = await on("20990101");
    assert.equal(early, 403);
    assert.match(skewed, /<Code>RequestTimeTooSkewed<.*<MaxAllowedSkewMilliseconds>300000</);
    for (const [name, value, message] of [
      ["X-Amz-Signature", undefined, /^Query-string authentication version 4 requires the X-Amz-Algorithm/],
      ["X-Amz-Expires", "604801", /^X-Amz-Expires must be less than a week/],
      ["X-Amz-Expires", "-1", /^X-Amz-Expires must be non-negative$/],
    ] as const) {
      const [status, text] = await at(name, value);
      const [, code, told = ""] = /<Code>(\w+)<\/Code><Message>([^<]+)/.exec(text) ?? [];
      assert.deepEqual([status, code], [400, "AuthorizationQueryParametersError"]);
      assert.match(told, message);
    }
  });

  it("covers the payload as the header says", async () => {
    const target = `/${Bucket}/signed`;
    const said = (hash: string, more: Record<string, string> = {}) =>
      world.rawS3({ method: "PUT", target, body: "payload", headers: { "x-amz-content-sha256": hash, ...more } });
    assert.equal((await said("UNSIGNED-PAYLOAD")).status, 200);
    assert.match((await said("0".repeat(64))).text, /<Code>XAmzContentSHA256Mismatch</);
    assert.match((await said("nonsense")).text, /<Code>InvalidRequest</);
    assert.match((await said("STREAMING-UNSIGNED-PAYLOAD-TRAILER")).text, /<Code>MissingContentLength</);
    const streaming = { "x-amz-decoded-content-length": "7", "content-encoding": "aws-chunked" };
    assert.match((await said("STREAMING-UNSIGNED-PAYLOAD-TRAILER", streaming)).text, /<Code>IncompleteBody</);
  });

  it("is refused in S3's words where there is none, or nobody's", async () => {
    const unsigned = await fetch(`${world.server.endpoint}/${Bucket}/signed`, { headers: { host: "s3.localhost" } });
    assert.equal(unsigned.status, 400); // fetch sends its own Host: nothing says that this is for S3
    const url = `${world.server.endpoint}/${Bucket}/signed`;
    const older = [
      await fetch(`${url}?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=x&Expires=1`),
      await fetch(url, { headers: { authorization: "AWS AKIAIOSFODNN7EXAMPLE:x" } }),
    ];
    for (const answer of older) {
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), /<Code>InvalidRequest<.*is not supported\. Please use AWS4-HMAC-SHA256\.</);
    }
    const nobody = world.s3Client({ accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "x" });
    await assertFails(nobody.listBuckets({}), "InvalidAccessKeyId", 403);
    const wrong = world.s3Client({ ...world.server.credentials, secretAccessKey: "x" });
    await assertFails(wrong.listBuckets({}), "SignatureDoesNotMatch", 403, /Check your key and signing method\.$/);
  });
});
