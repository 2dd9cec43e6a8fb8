/** SSE-KMS and policies of buckets: what S3 asks of KMS in its callers' names, and who may do what. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { PutObjectCommandInput, ServerSideEncryptionByDefault } from "@aws-sdk/client-s3";
import { allow, deny } from "../iam-world.ts";
import {
  ACCOUNT,
  allowing,
  managedKey,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
  refusalOf,
  requestIdOf,
} from "../kms-client.ts";
import { startS3World } from "../s3-client.ts";

const world = await startS3World();
const { s3, kms, records } = world;
after(() => world.stop());

const Bucket = "under-keys";
await s3.createBucket({ Bucket });
const key = await newKey(kms);
const arnOf = (Key: string) => `arn:aws:s3:::${Bucket}/${Key}`;
const KMS = { ServerSideEncryption: "aws:kms" } as const;

const put = (Key: string, more: Partial<PutObjectCommandInput> = {}, by = s3) =>
  by.putObject({ Bucket, Key, Body: `the text of ${Key}`, ...more });
const get = async (Key: string, by = s3): Promise<string> =>
  await present((await by.getObject({ Bucket, Key })).Body).transformToString();

/** What KMS recorded of S3's requests about an ARN so far. */
const asked = (arn: string, by?: string) =>
  records.all().filter(({ eventSource, requestParameters, userIdentity }) => {
    const context = requestParameters?.["encryptionContext"] as Record<string, string> | undefined;
    const isBy = by === undefined || userIdentity["arn"] === by;
    return eventSource === "kms.amazonaws.com" && context?.["aws:s3:arn"] === arn && isBy;
  });
const names = (arn: string, by?: string) => asked(arn, by).map(({ eventName }) => eventName);

async function assertFails(call: Promise<unknown>, name: string, status: number, message?: RegExp): Promise<void> {
  const refusal = await refusalOf(call);
  assert.deepEqual([refusal.name, refusal.status], [name, status], refusal.message);
  if (message !== undefined) assert.match(refusal.message, message);
}

const setDefault = (byDefault: ServerSideEncryptionByDefault, BucketKeyEnabled = false) =>
  s3.putBucketEncryption({
    Bucket,
    ServerSideEncryptionConfiguration: {
      Rules: [{ ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled }],
    },
  });

describe("an object under a KMS key", () => {
  it("takes one GenerateDataKey to write and one Decrypt to read, with its ARN in the context, in the caller's name", async () => {
    const sent = await put("one", { ...KMS, SSEKMSKeyId: key.KeyId });
    assert.deepEqual([sent.ServerSideEncryption, sent.SSEKMSKeyId], ["aws:kms", key.Arn]);
    assert.doesNotMatch(present(sent.ETag), /"[0-9a-f]{32}-/);
    const got = await s3.getObject({ Bucket, Key: "one" });
    assert.equal(await present(got.Body).transformToString(), "the text of one");
    assert.deepEqual([got.ServerSideEncryption, got.SSEKMSKeyId, got.ETag], ["aws:kms", key.Arn, sent.ETag]);
    await s3.headObject({ Bucket, Key: "one" });
    const [generated, decrypted, ...more] = asked(arnOf("one"));
    assert.deepEqual(more, []);
    const context = { "aws:s3:arn": arnOf("one") };
    assert.deepEqual(generated?.requestParameters, { keyId: key.Arn, keySpec: "AES_256", encryptionContext: context });
    const { encryptionAlgorithm, ...asDecrypted } = decrypted?.requestParameters ?? {};
    assert.deepEqual([encryptionAlgorithm, asDecrypted], ["SYMMETRIC_DEFAULT", { encryptionContext: context }]);
    for (const record of [generated, decrypted]) {
      assert.equal(record?.userIdentity["arn"], `arn:aws:iam::${ACCOUNT}:root`);
      assert.equal(record?.userIdentity["invokedBy"], "s3.amazonaws.com");
      assert.deepEqual(
        record?.resources?.map(({ ARN }) => ARN),
        [key.Arn],
      );
    }
  });

  it("has the AWS managed key of S3 where nothing names another", async () => {
    const { SSEKMSKeyId } = await put("managed", KMS);
    const managed = await managedKey(kms, "s3");
    assert.equal(SSEKMSKeyId, managed.Arn);
    assert.equal(managed.KeyManager, "AWS");
    assert.equal(await get("managed"), "the text of managed");
    const [generated] = asked(arnOf("managed"));
    assert.equal(generated?.requestParameters?.["keyId"], `arn:aws:kms:${REGION}:${ACCOUNT}:alias/aws/s3`);
  });

  it("has the caller's pairs in its encryption context, and conditions see them", async () => {
    const SSEKMSEncryptionContext = Buffer.from('{"team":"blue"}').toString("base64");
    const sent = await put("in context", { ...KMS, SSEKMSKeyId: key.KeyId, SSEKMSEncryptionContext });
    assert.equal(sent.SSEKMSEncryptionContext, SSEKMSEncryptionContext);
    assert.equal(await get("in context"), "the text of in context");
    const wanted = { "aws:s3:arn": arnOf("in context"), team: "blue" };
    assert.deepEqual(
      asked(arnOf("in context")).map(({ requestParameters }) => requestParameters?.["encryptionContext"]),
      [wanted, wanted],
    );
    for (const text of ["{}x", "[1]", '{"a":1}']) {
      const broken = { SSEKMSEncryptionContext: Buffer.from(text).toString("base64") };
      await assertFails(put("in context", { ...KMS, ...broken }), "InvalidArgument", 400, /context/);
    }
  });

  it("can't be read once its key can't be used, and can again", async () => {
    const own = await newKey(kms);
    await put("switched", { ...KMS, SSEKMSKeyId: own.KeyId });
    await kms.disableKey({ KeyId: own.KeyId });
    await assertFails(get("switched"), "KMS.DisabledException", 400, new RegExp(`^${own.Arn} is disabled\\.$`));
    await assertFails(put("switched", { ...KMS, SSEKMSKeyId: own.KeyId }), "KMS.DisabledException", 400);
    await kms.enableKey({ KeyId: own.KeyId });
    assert.equal(await get("switched"), "the text of switched");
    await kms.scheduleKeyDeletion({ KeyId: own.KeyId });
    await assertFails(get("switched"), "KMS.KMSInvalidStateException", 400, /pending deletion/);
    await s3.deleteObject({ Bucket, Key: "switched" });
  });

  it("S07-034 is under no asymmetric and no HMAC key, and under none that is not there", async () => {
    for (const KeySpec of ["RSA_2048", "HMAC_256"] as const) {
      const KeyUsage = KeySpec === "RSA_2048" ? "ENCRYPT_DECRYPT" : "GENERATE_VERIFY_MAC";
      const other = await newKey(kms, { KeySpec, KeyUsage });
      await assertFails(put("none", { ...KMS, SSEKMSKeyId: other.KeyId }), "KMS.InvalidKeyUsageException", 400);
    }
    const SSEKMSKeyId = "00000000-0000-4000-8000-000000000000";
    await assertFails(put("none", { ...KMS, SSEKMSKeyId }), "KMS.NotFoundException", 400);
    await assertFails(get("none"), "NoSuchKey", 404);
  });

  for (const [title, more, code] of [
    ["a key and no algorithm", { SSEKMSKeyId: key.KeyId }, "InvalidArgument"],
    ["a key and another algorithm", { SSEKMSKeyId: key.KeyId, ServerSideEncryption: "AES256" }, "InvalidArgument"],
    ["two layers", { ServerSideEncryption: "aws:kms:dsse" }, "NotImplemented"],
    [
      "a key of the customer's",
      { SSECustomerAlgorithm: "AES256", SSECustomerKey: "k", SSECustomerKeyMD5: "m" },
      "NotImplemented",
    ],
    ["an algorithm that there is not", { ServerSideEncryption: "rot13" as "AES256" }, "InvalidArgument"],
  ] as const) {
    it(`is not written where a request names ${title}`, async () => {
      assert.equal((await refusalOf(put("none", more))).name, code);
    });
  }

  it("is copied by decrypting the one and encrypting the other", async () => {
    const other = await newKey(kms);
    await put("source", { ...KMS, SSEKMSKeyId: key.KeyId });
    const to = { Bucket, CopySource: `${Bucket}/source` };
    const copied = await s3.copyObject({ ...to, Key: "copied", ...KMS, SSEKMSKeyId: other.KeyId });
    assert.equal(copied.SSEKMSKeyId, other.Arn);
    assert.equal(await get("copied"), "the text of source");
    assert.deepEqual(names(arnOf("source")), ["GenerateDataKey", "Decrypt"]);
    assert.deepEqual(names(arnOf("copied")), ["GenerateDataKey", "Decrypt"]);
    const plain = await s3.copyObject({ ...to, Key: "plain" });
    assert.equal(plain.ServerSideEncryption, "AES256");
  });

  it("in parts asks KMS once to begin, and once more for each part and to complete", async () => {
    const of = { Bucket, Key: "in parts" };
    const { UploadId = "" } = await s3.createMultipartUpload({ ...of, ...KMS, SSEKMSKeyId: key.KeyId });
    const { ETag = "" } = await s3.uploadPart({ ...of, UploadId, PartNumber: 1, Body: "the text of in parts" });
    assert.deepEqual(names(arnOf("in parts")), ["GenerateDataKey", "Decrypt"]);
    const done = await s3.completeMultipartUpload({
      ...of,
      UploadId,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    });
    assert.equal(done.SSEKMSKeyId, key.Arn);
    assert.equal(await get("in parts"), "the text of in parts");
    assert.deepEqual(names(arnOf("in parts")), ["GenerateDataKey", "Decrypt", "Decrypt", "Decrypt"]);
  });
});

describe("the default encryption of a bucket", () => {
  it("is S3's own until another one is set, and again afterwards", async () => {
    const configured = async () => {
      const { ServerSideEncryptionConfiguration: configuration } = await s3.getBucketEncryption({ Bucket });
      return configuration?.Rules?.[0];
    };
    assert.deepEqual(await configured(), {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" },
      BucketKeyEnabled: false,
    });
    const byDefault = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: key.Arn } as const;
    await setDefault(byDefault);
    assert.deepEqual(await configured(), { ApplyServerSideEncryptionByDefault: byDefault, BucketKeyEnabled: false });
    assert.equal((await put("by default")).SSEKMSKeyId, key.Arn);
    assert.equal((await put("asked", KMS)).SSEKMSKeyId, (await managedKey(kms, "s3")).Arn);
    assert.equal((await put("asked", { ServerSideEncryption: "AES256" })).SSEKMSKeyId, undefined);
    await s3.deleteBucketEncryption({ Bucket });
    assert.equal((await put("as before")).ServerSideEncryption, "AES256");
    await assertFails(setDefault({ SSEAlgorithm: "AES256", KMSMasterKeyID: key.Arn }), "InvalidArgument", 400);
    await assertFails(setDefault({ SSEAlgorithm: "aws:kms:dsse" }), "NotImplemented", 501);
  });

  it("with a bucket key asks KMS once for each caller, with the bucket's ARN in the context", async () => {
    const arn = `arn:aws:s3:::${Bucket}`;
    await setDefault({ SSEAlgorithm: "aws:kms", KMSMasterKeyID: key.Arn }, true);
    for (const name of ["bk/1", "bk/2", "bk/3"]) assert.equal((await put(name)).BucketKeyEnabled, true);
    for (const name of ["bk/1", "bk/2", "bk/3"]) assert.equal(await get(name), `the text of ${name}`);
    assert.deepEqual(names(arn), ["GenerateDataKey", "Decrypt"]);
    const reader = await world.s3Person("bucket-key-reader", [allow(["s3:GetObject", "kms:Decrypt"])]);
    assert.equal(await get("bk/1", reader.s3), "the text of bk/1");
    assert.equal(await get("bk/2", reader.s3), "the text of bk/2");
    assert.deepEqual(names(arn, reader.arn), ["Decrypt"]);
    const stranger = await world.s3Person("bucket-key-stranger", [allow("s3:GetObject")]);
    await assertFails(get("bk/1", stranger.s3), "AccessDenied", 403, /kms:Decrypt/);
    assert.equal(
      (await put("bk/own", { ...KMS, SSEKMSKeyId: key.KeyId, BucketKeyEnabled: false })).BucketKeyEnabled,
      undefined,
    );
    assert.deepEqual(names(arnOf("bk/own")), ["GenerateDataKey"]);
    await s3.deleteBucketEncryption({ Bucket });
  });
});

describe("permissions", () => {
  it("of S3 and of KMS are both needed, from the next request on", async () => {
    await put("guarded", { ...KMS, SSEKMSKeyId: key.KeyId });
    const reader = await world.s3Person("guarded-reader", [allow("s3:GetObject", arnOf("*"))]);
    const message =
      /^User: arn:aws:iam::111122223333:user\/guarded-reader is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:/;
    await assertFails(get("guarded", reader.s3), "AccessDenied", 403, message);
    await world.iam.putUserPolicy({
      UserName: reader.name,
      PolicyName: "kms",
      PolicyDocument: policyOf({
        ...allow("kms:Decrypt", key.Arn),
        Condition: { StringEquals: { "kms:ViaService": `s3.${REGION}.amazonaws.com` } },
      }),
    });
    assert.equal(await get("guarded", reader.s3), "the text of guarded");
    await world.iam.deleteUserPolicy({ UserName: reader.name, PolicyName: "kms" });
    await assertFails(get("guarded", reader.s3), "AccessDenied", 403);
    const said =
      'is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::under-keys/guarded" because no identity-based policy allows the s3:PutObject action';
    await assertFails(put("guarded", {}, reader.s3), "AccessDenied", 403, new RegExp(said));
  });

  it("hide what is not there from those who may not list", async () => {
    const reader = await world.s3Person("blind-reader", [allow("s3:GetObject")]);
    await assertFails(
      get("nowhere", reader.s3),
      "AccessDenied",
      403,
      /s3:ListBucket on resource: "arn:aws:s3:::under-keys"/,
    );
    await world.iam.putUserPolicy({
      UserName: reader.name,
      PolicyName: "list",
      PolicyDocument: policyOf(allow("s3:ListBucket")),
    });
    await assertFails(get("nowhere", reader.s3), "NoSuchKey", 404);
  });

  it("can depend on the encryption that a request asks for, as bucket policies have it", async () => {
    const statement = {
      Sid: "DenyUnEncryptedObjectUploads",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:PutObject",
      Resource: arnOf("strict/*"),
    };
    const Policy = policyOf(
      { ...statement, Condition: { StringNotEquals: { "s3:x-amz-server-side-encryption": "aws:kms" } } },
      { ...statement, Condition: { StringNotEquals: { "s3:x-amz-server-side-encryption-aws-kms-key-id": key.Arn } } },
      { ...statement, Resource: arnOf("tls/*"), Condition: { Bool: { "aws:SecureTransport": "false" } } },
    );
    await s3.putBucketPolicy({ Bucket, Policy });
    assert.equal((await s3.getBucketPolicy({ Bucket })).Policy, Policy);
    await put("strict/x", { ...KMS, SSEKMSKeyId: key.Arn });
    const denied = /with an explicit deny in a resource-based policy$/;
    await assertFails(put("strict/x"), "AccessDenied", 403, denied);
    await assertFails(put("strict/x", KMS), "AccessDenied", 403, denied);
    await assertFails(put("tls/x"), "AccessDenied", 403, denied);
    await put("free/x");
  });

  it("of another account take its policies and the bucket's, and the key's", async () => {
    const shared = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT, "kms:Decrypt")) });
    await put("shared", { ...KMS, SSEKMSKeyId: shared.KeyId });
    const person = await world.s3Person("from-elsewhere", [allow(["s3:GetObject", "kms:Decrypt"])], OTHER_ACCOUNT);
    const without = await world.s3Person("from-elsewhere-without", [], OTHER_ACCOUNT);
    await assertFails(get("shared", person.s3), "AccessDenied", 403, /^Access Denied$/);
    const Policy = policyOf({
      Effect: "Allow",
      Principal: { AWS: [person.arn, without.arn] },
      Action: "s3:GetObject",
      Resource: arnOf("*"),
    });
    await s3.putBucketPolicy({ Bucket, Policy });
    assert.equal(await get("shared", person.s3), "the text of shared");
    await assertFails(get("shared", without.s3), "AccessDenied", 403, /^Access Denied$/);
    await s3.deleteBucketPolicy({ Bucket });
    await assertFails(get("shared", person.s3), "AccessDenied", 403, /^Access Denied$/);
    await assertFails(s3.getBucketPolicy({ Bucket }), "NoSuchBucketPolicy", 404);
    const expected = s3.getObject({ Bucket, Key: "shared", ExpectedBucketOwner: OTHER_ACCOUNT });
    await assertFails(expected, "AccessDenied", 403);
  });

  it("of a user who is named by the bucket's policy need no other", async () => {
    const named = await world.s3Person("named-by-bucket", []);
    await put("for one", {});
    await assertFails(get("for one", named.s3), "AccessDenied", 403);
    const Policy = policyOf({
      Effect: "Allow",
      Principal: { AWS: named.arn },
      Action: "s3:GetObject",
      Resource: arnOf("*"),
    });
    await s3.putBucketPolicy({ Bucket, Policy });
    assert.equal(await get("for one", named.s3), "the text of for one");
    await s3.deleteBucketPolicy({ Bucket });
  });

  it("of the root user on the policy outlast every policy", async () => {
    const Policy = policyOf({
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [`arn:aws:s3:::${Bucket}`, arnOf("*")],
    });
    await s3.putBucketPolicy({ Bucket, Policy });
    await assertFails(put("locked"), "AccessDenied", 403);
    await s3.deleteBucketPolicy({ Bucket });
    await put("locked");
  });

  it("are not given by a bucket policy that S3 refuses, in its words", async () => {
    const statement = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: arnOf("*") };
    const but = (change: object) => policyOf({ ...statement, ...change });
    const mismatch = "Action does not apply to any resource(s) in statement";
    const nobody = { AWS: `arn:aws:iam::${ACCOUNT}:user/none` };
    for (const [Policy, message] of [
      ["null", "Policies must be valid JSON and the first byte must be '{'"],
      ["{", "Policies must be valid JSON and the first byte must be '{'"],
      ["{}", "Missing required field Statement"],
      [policyOf(), "Could not parse the policy: Statement is empty!"],
      [but({ Effect: undefined }), "Missing required field Effect"],
      [but({ Principal: undefined }), "Missing required field Principal"],
      [but({ Principal: {} }), "Missing required field Principal cannot be empty!"],
      [but({ Principal: nobody }), "Invalid principal in policy"],
      [but({ Principal: { AWS: `arn:aws-cn:iam::${ACCOUNT}:root` } }), "Invalid principal in policy"],
      [but({ Principal: { AWS: "nobody" } }), "Invalid principal in policy"],
      [but({ Action: undefined }), "Missing required field Action"],
      [but({ Action: "kms:Decrypt" }), "Policy has invalid action"],
      [but({ Resource: undefined }), "Missing required field Resource"],
      [but({ Resource: "arn:aws:s3:::another/*" }), "Policy has invalid resource"],
      [but({ Action: ["s3:GetObject", "s3:ListBucket"] }), mismatch],
      [but({ Resource: `arn:aws:s3:::${Bucket}` }), mismatch],
    ] as const) {
      const refusal = await refusalOf(s3.putBucketPolicy({ Bucket, Policy }));
      assert.deepEqual([refusal.name, refusal.status, refusal.message], ["MalformedPolicy", 400, message], Policy);
    }
  });

  it("to remove objects are asked for each of them", async () => {
    for (const name of ["mine/1", "theirs/1"]) await put(name);
    const cleaner = await world.s3Person("cleaner", [
      allow("s3:DeleteObject"),
      deny("s3:DeleteObject", arnOf("theirs/*")),
    ]);
    const Objects = [{ Key: "mine/1" }, { Key: "theirs/1" }];
    const { Deleted, Errors } = await cleaner.s3.deleteObjects({ Bucket, Delete: { Objects } });
    assert.deepEqual(Deleted, [{ Key: "mine/1" }]);
    assert.deepEqual(
      Errors?.map(({ Key, Code }) => [Key, Code]),
      [["theirs/1", "AccessDenied"]],
    );
    assert.equal(await get("theirs/1"), "the text of theirs/1");
  });
});

describe("records", () => {
  it("tell of buckets, and of objects only by what KMS was asked", async () => {
    const made = await s3.createBucket({ Bucket: "recorded" });
    const record = await records.of(requestIdOf(made));
    assert.deepEqual(
      [record.eventSource, record.eventName, record.readOnly],
      ["s3.amazonaws.com", "CreateBucket", false],
    );
    assert.deepEqual(record.requestParameters, { bucketName: "recorded" });
    assert.deepEqual(record.additionalEventData, { SignatureVersion: "SigV4", AuthenticationMethod: "AuthHeader" });
    assert.deepEqual(record.resources, [{ accountId: ACCOUNT, type: "AWS::S3::Bucket", ARN: "arn:aws:s3:::recorded" }]);
    const policy = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::recorded/*" }],
    };
    const put = await s3.putBucketPolicy({ Bucket: "recorded", Policy: JSON.stringify(policy) });
    assert.deepEqual((await records.of(requestIdOf(put))).requestParameters, {
      bucketName: "recorded",
      bucketPolicy: policy,
    });
    const nobody = await world.s3Person("nobody-at-all", []);
    const { requestId } = await refusalOf(nobody.s3.getBucketEncryption({ Bucket: "recorded" }));
    const refused = await records.of(requestId);
    assert.deepEqual([refused.eventName, refused.errorCode], ["GetBucketEncryption", "AccessDenied"]);
    const events = new Set(
      records
        .all()
        .filter(({ eventSource }) => eventSource === "s3.amazonaws.com")
        .map(({ eventName }) => eventName),
    );
    for (const name of ["PutObject", "GetObject", "DeleteObjects", "ListObjectsV2"]) assert.ok(!events.has(name), name);
  });
});
