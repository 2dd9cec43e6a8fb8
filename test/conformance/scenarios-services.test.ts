/** Scenarios of AWS services that use KMS, from end to end: what they ask for, under which keys, and what stops them. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { EC2 } from "@aws-sdk/client-ec2";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { SSM } from "@aws-sdk/client-ssm";
import { allow } from "../iam-world.ts";
import {
  ACCOUNT,
  type AuditRecord,
  allowing,
  assertRefused,
  bytes,
  managedKey,
  membersOf,
  newKey,
  policyOf,
  present,
  REGION,
  refusalOf,
} from "../kms-client.ts";
import { startS3World } from "../s3-client.ts";

const world = await startS3World();
const { s3, kms } = world;
const { endpoint, credentials } = world.server;
const settings = { endpoint, region: REGION, credentials, maxAttempts: 1 };
const ssm = new SSM(settings);
const secrets = new SecretsManager(settings);
const ec2 = new EC2(settings);
after(async () => {
  for (const client of [ssm, secrets, ec2]) client.destroy();
  await world.stop();
});

const Bucket = "scenarios";
await s3.createBucket({ Bucket });
const CONTENT = "what nobody else may read";

/** Something that a service keeps under a key. */
interface Kept {
  /** What the encryption context names it by. */
  readonly context: Readonly<Record<string, string>>;
  /** Needs the key. */
  open(): Promise<unknown>;
}

/** The services with what they ask of KMS when something is kept, and how they call a key that they can't use. */
const SERVICES: readonly {
  readonly service: string;
  readonly asks: readonly string[];
  readonly refusal: RegExp;
  keep(KmsKeyId: string): Promise<Kept>;
}[] = [
  {
    service: "s3",
    asks: ["GenerateDataKey"],
    refusal: /^KMS\./,
    async keep(SSEKMSKeyId) {
      const Key = `kept-${SSEKMSKeyId.slice(-12)}`;
      await s3.putObject({ Bucket, Key, Body: CONTENT, ServerSideEncryption: "aws:kms", SSEKMSKeyId });
      return { context: { "aws:s3:arn": `arn:aws:s3:::${Bucket}/${Key}` }, open: () => s3.getObject({ Bucket, Key }) };
    },
  },
  {
    service: "ssm",
    asks: ["Encrypt"],
    refusal: /^InvalidKeyId$/,
    async keep(KeyId) {
      const Name = `/kept/${KeyId.slice(-12)}`;
      await ssm.putParameter({ Name, Value: CONTENT, Type: "SecureString", KeyId });
      const PARAMETER_ARN = `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter${Name}`;
      return { context: { PARAMETER_ARN }, open: () => ssm.getParameter({ Name, WithDecryption: true }) };
    },
  },
  {
    service: "secretsmanager",
    asks: ["GenerateDataKey"],
    refusal: /^(?:En|De)cryptionFailure$/,
    async keep(KmsKeyId) {
      const Name = `kept-${KmsKeyId.slice(-12)}`;
      const { ARN: SecretARN = "", VersionId: SecretVersionId = "" } = await secrets.createSecret({
        Name,
        SecretString: CONTENT,
        KmsKeyId,
      });
      return { context: { SecretARN, SecretVersionId }, open: () => secrets.getSecretValue({ SecretId: Name }) };
    },
  },
  {
    service: "ec2",
    asks: ["GenerateDataKeyWithoutPlaintext", "CreateGrant"],
    refusal: /^InvalidKmsKey\./,
    async keep(KmsKeyId) {
      const AvailabilityZone = `${REGION}a`;
      const { VolumeId = "" } = await ec2.createVolume({ AvailabilityZone, Size: 1, Encrypted: true, KmsKeyId });
      const attachment = { VolumeId, InstanceId: "i-0123456789abcdef0" };
      const attach = async () => {
        await ec2.attachVolume({ ...attachment, Device: "/dev/sdf" });
        await ec2.detachVolume(attachment);
      };
      await attach();
      return { context: { "aws:ebs:id": VolumeId }, open: attach };
    },
  },
];

/** Whether a record is of a call for something, by its encryption context or by the constraint of a grant. */
function isAbout(context: Kept["context"], { requestParameters }: AuditRecord): boolean {
  const { encryptionContext, constraints } = (requestParameters ?? {}) as {
    readonly encryptionContext?: object;
    readonly constraints?: { readonly encryptionContextSubset?: object };
  };
  const found = (encryptionContext ?? constraints?.encryptionContextSubset ?? {}) as Readonly<Record<string, string>>;
  return Object.entries(context).every(([name, value]) => found[name] === value);
}

describe("a service", () => {
  for (const { service, asks, refusal, keep } of SERVICES) {
    it(`S08-030: SC-04 is told a key, asks KMS with its context, and waits while the key is disabled: ${service}`, async () => {
      const { KeyId, Arn } = await newKey(kms);
      const { context, open } = await keep(Arn);
      for (const name of asks) {
        const [record] = await world.records.where(
          (each) => each.eventName === name && isAbout(context, each) && each.resources?.[0]?.ARN === Arn,
        );
        assert.equal(record?.userIdentity["invokedBy"], `${service}.amazonaws.com`, name);
      }
      await open();
      await kms.disableKey({ KeyId });
      assert.match((await refusalOf(open())).name, refusal);
      await kms.enableKey({ KeyId });
      await open();
    });
  }

  it("S08-030: SC-07 takes symmetric keys alone, which nobody can get at", async () => {
    const { KeyId } = await newKey(kms);
    await assertRefused(kms.getPublicKey({ KeyId }), "UnsupportedOperationException");
    const asymmetric = await newKey(kms, { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" });
    for (const { keep, refusal } of SERVICES) assert.match((await refusalOf(keep(asymmetric.Arn))).name, refusal);
  });

  it("S08-030: SC-24 sees a data key and never the key, asks for each object in its caller's name, and sends KMS no content", async () => {
    const Key = "trusted";
    const Body = new TextEncoder().encode(CONTENT.repeat(40_000)); // a million bytes
    const { Arn } = await newKey(kms);
    const arn = `arn:aws:s3:::${Bucket}/*`;
    const reader = await world.s3Person("zero-trust", [allow(["s3:PutObject", "s3:GetObject"], arn)]);
    const put = () => reader.s3.putObject({ Bucket, Key, Body, ServerSideEncryption: "aws:kms", SSEKMSKeyId: Arn });
    const get = async () => await present((await reader.s3.getObject({ Bucket, Key })).Body).transformToByteArray();
    assert.equal((await refusalOf(put())).name, "AccessDenied");
    const own = { UserName: reader.name, PolicyName: "keys" };
    const PolicyDocument = policyOf(allow(["kms:GenerateDataKey", "kms:Decrypt"], Arn));
    await world.iam.putUserPolicy({ ...own, PolicyDocument });
    await put();
    assert.deepEqual(await get(), Body);
    await world.iam.deleteUserPolicy(own);
    assert.equal((await refusalOf(get())).name, "AccessDenied");

    const context = { "aws:s3:arn": `arn:aws:s3:::${Bucket}/${Key}` };
    const records = world.records.all().filter((record) => isAbout(context, record));
    assert.deepEqual(
      records.map(({ eventName, errorCode }) => [eventName, errorCode]),
      [
        ["GenerateDataKey", "AccessDenied"],
        ["GenerateDataKey", undefined],
        ["Decrypt", undefined],
        ["Decrypt", "AccessDenied"],
      ],
    );
    for (const record of records) {
      assert.deepEqual(
        [record.userIdentity["arn"], record.userIdentity["invokedBy"]],
        [reader.arn, "s3.amazonaws.com"],
      );
      const text = JSON.stringify(record);
      assert.ok(text.length < 8192 && !text.includes(CONTENT));
    }
  });
});

describe("the owner of a key", () => {
  it("S08-030: SC-09 is AWS, AWS in the account, or the customer, and decides who may do what", async () => {
    const listed = async () => present((await kms.listKeys({ Limit: 1000 })).Keys).map(({ KeyId }) => KeyId);
    const targetOf = async (name: string) => {
      const { Aliases = [] } = await kms.listAliases({});
      return Aliases.find(({ AliasName }) => AliasName === name)?.TargetKeyId;
    };
    const before = await listed();
    await s3.putObject({ Bucket, Key: "owned by aws", Body: CONTENT, ServerSideEncryption: "AES256" });
    assert.deepEqual(await listed(), before);
    assert.equal(await targetOf("alias/aws/ebs"), undefined);
    await ec2.createVolume({ AvailabilityZone: `${REGION}a`, Size: 1, Encrypted: true });
    const KeyId = present(await targetOf("alias/aws/ebs"));
    const managed = await managedKey(kms, "ebs");
    assert.deepEqual([managed.KeyId, managed.KeyManager], [KeyId, "AWS"]);
    assert.ok((await listed()).includes(KeyId));
    await assertRefused(managedKey(kms, "EBS"), "NotFoundException");

    const by = (await world.person("owner", { allow: [allow("kms:*")] })).kms;
    for (const call of [
      () => by.encrypt({ KeyId, Plaintext: bytes(1) }),
      () => by.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT)) }),
      () => by.scheduleKeyDeletion({ KeyId }),
      () => by.disableKey({ KeyId }),
      () => by.tagResource({ KeyId, Tags: [{ TagKey: "a", TagValue: "b" }] }),
    ]) {
      await assertRefused(call(), "AccessDeniedException");
    }
    await by.describeKey({ KeyId });
    await by.getKeyPolicy({ KeyId });
    assert.deepEqual(membersOf(await by.listResourceTags({ KeyId })), { Tags: [], Truncated: false });
  });
});
