/** EBS through the EC2 API, driven by AWS's own client: what volumes and snapshots ask of KMS, in whose name and by which grants. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { EC2, type Snapshot } from "@aws-sdk/client-ec2";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import type { KMS } from "@aws-sdk/client-kms";
import { allow, startIamWorld } from "../iam-world.ts";
import {
  ACCOUNT,
  type AuditRecord,
  allowing,
  assertRefused,
  managedKey,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
  refusalOf,
} from "../kms-client.ts";
import { startReceiver } from "../signals/receiver.ts";

const receiver = await startReceiver();
const EVENT_TARGET = `arn:aws:sqs:${REGION}:${ACCOUNT}:ebs`;
const world = await startIamWorld(["--event-target", `${EVENT_TARGET}=${receiver.url}/ebs`]);
const { endpoint, credentials } = world.server;
const clients: EC2[] = [];
after(async () => {
  for (const client of clients) client.destroy();
  await world.stop();
  await receiver[Symbol.asyncDispose]();
});

function client(key = credentials, region: string = REGION): EC2 {
  const made = new EC2({ endpoint, region, credentials: key, maxAttempts: 1 });
  clients.push(made);
  return made;
}

const ec2 = client();
const AvailabilityZone = `${REGION}a`;
const INSTANCE = "i-0123456789abcdef0";
const Device = "/dev/sdf";

async function newVolume(api: EC2, input: Partial<Parameters<EC2["createVolume"]>[0]> = {}): Promise<string> {
  return present((await api.createVolume({ AvailabilityZone, Size: 8, ...input })).VolumeId);
}

/** A user with clients of its own. */
async function user(name: string, statements: readonly object[]): Promise<{ ec2: EC2; kms: KMS; arn: string }> {
  const person = await world.person(name, { allow: statements });
  const { AccessKey } = await world.iam.createAccessKey({ UserName: name });
  const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "" } = present(AccessKey);
  return { ec2: client({ accessKeyId, secretAccessKey }), kms: person.kms, arn: person.arn };
}

/** The first record of KMS with this name about an encryption context or a grant for an id. */
async function kmsRecord(eventName: string, id: string): Promise<AuditRecord & Readonly<Record<string, unknown>>> {
  const [record] = await world.records.where(
    ({ eventSource, eventName: name, requestParameters, recipientAccountId, userIdentity }) =>
      eventSource === "kms.amazonaws.com" &&
      name === eventName &&
      recipientAccountId === (userIdentity["accountId"] ?? ACCOUNT) &&
      JSON.stringify(requestParameters).includes(id),
  );
  return present(record) as never;
}

async function refusedWith(call: Promise<unknown>, code: string, message?: RegExp): Promise<void> {
  const refusal = await refusalOf(call);
  assert.equal(refusal.name, code, refusal.message);
  if (message !== undefined) assert.match(refusal.message, message);
}

describe("an encrypted volume", () => {
  it("S07-037 has a data key that EC2 asks for in the caller's name, with the volume's id as encryption context", async () => {
    const key = await newKey(world.kms);
    const maker = await user("maker", [allow(["ec2:*", "kms:*"])]);
    const VolumeId = await newVolume(maker.ec2, { Encrypted: true, KmsKeyId: key.Arn });
    const { Volumes } = await ec2.describeVolumes({ VolumeIds: [VolumeId] });
    assert.deepEqual(
      Volumes?.map(({ Encrypted, KmsKeyId, State, Size, Iops }) => [Encrypted, KmsKeyId, State, Size, Iops]),
      [[true, key.Arn, "available", 8, 100]],
    );
    const record = await kmsRecord("GenerateDataKeyWithoutPlaintext", VolumeId);
    assert.deepEqual(
      [
        record.requestParameters,
        record.responseElements,
        record.readOnly,
        record["sourceIPAddress"],
        record["userAgent"],
      ],
      [
        { keyId: key.Arn, numberOfBytes: 64, encryptionContext: { "aws:ebs:id": VolumeId } },
        null,
        true,
        "ec2.amazonaws.com",
        "ec2.amazonaws.com",
      ],
    );
    assert.deepEqual(
      [record.userIdentity["arn"], record.userIdentity["invokedBy"], record.resources?.[0]?.ARN],
      [maker.arn, "ec2.amazonaws.com", key.Arn],
    );
    assert.deepEqual((await world.kms.listGrants({ KeyId: key.KeyId })).Grants, []);
  });

  it("is under the key of aws/ebs where none is named, whose policy lets EC2 alone use it", async () => {
    const plain = await user("plain", [allow("ec2:*")]);
    const VolumeId = await newVolume(plain.ec2, { Encrypted: true });
    const key = await managedKey(world.kms, "ebs");
    const record = await kmsRecord("GenerateDataKeyWithoutPlaintext", VolumeId);
    assert.deepEqual([record.requestParameters?.["keyId"], record.resources?.[0]?.ARN], ["alias/aws/ebs", key.Arn]);
    await plain.ec2.attachVolume({ VolumeId, InstanceId: INSTANCE, Device });
    const { Policy = "" } = await world.kms.getKeyPolicy({ KeyId: key.KeyId, PolicyName: "default" });
    const [statement] = (JSON.parse(Policy) as { Statement: { Sid: string; Condition: object }[] }).Statement;
    assert.deepEqual(
      [statement?.Sid, statement?.Condition],
      [
        "Allow access through EBS for all principals in the account that are authorized to use EBS",
        { StringEquals: { "kms:CallerAccount": ACCOUNT, "kms:ViaService": `ec2.${REGION}.amazonaws.com` } },
      ],
    );
  });

  it("S07-037 takes a grant for its attachment to EC2's infrastructure at the instance, which opens the data key with it", async () => {
    const key = await newKey(world.kms);
    const VolumeId = await newVolume(ec2, { Encrypted: true, KmsKeyId: key.KeyId });
    await ec2.attachVolume({ VolumeId, InstanceId: INSTANCE, Device });
    const grantee = `arn:aws:sts::${ACCOUNT}:assumed-role/aws:ec2-infrastructure/${INSTANCE}`;
    const [grant, ...more] = present((await world.kms.listGrants({ KeyId: key.KeyId })).Grants);
    assert.deepEqual(
      [grant?.GranteePrincipal, grant?.RetiringPrincipal, grant?.Operations, grant?.Constraints, more],
      [grantee, grantee, ["Decrypt"], { EncryptionContextSubset: { "aws:ebs:id": VolumeId } }, []],
    );
    const created = await kmsRecord("CreateGrant", VolumeId);
    assert.deepEqual(
      [created.userIdentity["type"], created.userIdentity["invokedBy"], created["sourceIPAddress"]],
      ["Root", "ec2.amazonaws.com", "ec2.amazonaws.com"],
    );
    const opened = await kmsRecord("Decrypt", VolumeId);
    const { type, principalId, arn, accountId, invokedBy, sessionContext } = opened.userIdentity as {
      readonly [member: string]: unknown;
      readonly sessionContext: { readonly sessionIssuer: { readonly userName: string } };
    };
    assert.deepEqual(
      [type, principalId, arn, accountId, invokedBy, sessionContext.sessionIssuer.userName, opened["userAgent"]],
      [
        "AssumedRole",
        `${ACCOUNT}:aws:ec2-infrastructure:${INSTANCE}`,
        grantee,
        ACCOUNT,
        undefined,
        "aws:ec2-infrastructure",
        undefined,
      ],
    );
    await refusedWith(ec2.deleteVolume({ VolumeId }), "VolumeInUse");
    await refusedWith(
      ec2.describeVolumeStatus({}),
      "InvalidAction",
      /^The action DescribeVolumeStatus is not valid for/,
    );
    await refusedWith(ec2.attachVolume({ VolumeId, InstanceId: INSTANCE, Device }), "VolumeInUse");
    assert.equal((await ec2.detachVolume({ VolumeId })).InstanceId, INSTANCE);
    assert.deepEqual((await world.kms.listGrants({ KeyId: key.KeyId })).Grants, []);
    await refusedWith(ec2.detachVolume({ VolumeId }), "IncorrectState");
    await ec2.deleteVolume({ VolumeId });
    await refusedWith(ec2.describeVolumes({ VolumeIds: [VolumeId] }), "InvalidVolume.NotFound");
  });

  it("S07-037, S08-030: SC-13 is neither made nor attached while its key can't be used, and an event of EventBridge tells why", async () => {
    const events = new EventBridge({ endpoint, credentials, region: REGION, maxAttempts: 1 });
    const EventPattern = JSON.stringify({ source: ["aws.ec2"], "detail-type": ["EBS Volume Notification"] });
    await events.putRule({ Name: "ebs", EventPattern });
    await events.putTargets({ Rule: "ebs", Targets: [{ Id: "ebs", Arn: EVENT_TARGET }] });
    events.destroy();
    const key = await newKey(world.kms);
    const VolumeId = await newVolume(ec2, { Encrypted: true, KmsKeyId: key.Arn });
    await world.kms.disableKey({ KeyId: key.KeyId });
    await refusedWith(newVolume(ec2, { Encrypted: true, KmsKeyId: key.Arn }), "InvalidKmsKey.InvalidState", /disabled/);
    await refusedWith(ec2.attachVolume({ VolumeId, InstanceId: INSTANCE, Device }), "InvalidKmsKey.InvalidState");
    const told = await receiver.events("/ebs", 2);
    const [created, attached] = ["createVolume", "attachVolume"].map((event) =>
      told.find(({ detail }) => detail["event"] === event),
    );
    assert.deepEqual(
      [
        created?.["detail-type"],
        created?.account,
        created?.region,
        created?.detail["event"],
        attached?.detail["event"],
      ],
      ["EBS Volume Notification", ACCOUNT, REGION, "createVolume", "attachVolume"],
    );
    for (const event of [created, attached]) {
      assert.deepEqual([event?.detail["result"], event?.detail["cause"]], ["failed", `${key.Arn} is disabled.`]);
    }
    assert.deepEqual(attached?.resources, [`arn:aws:ec2:${REGION}:${ACCOUNT}:volume/${VolumeId}`, key.Arn]);
    const [volume] = present((await ec2.describeVolumes({ VolumeIds: [VolumeId] })).Volumes);
    assert.equal(volume?.State, "available");
    await world.kms.enableKey({ KeyId: key.KeyId });
    await ec2.attachVolume({ VolumeId, InstanceId: INSTANCE, Device });
    await world.kms.disableKey({ KeyId: key.KeyId });
    await ec2.detachVolume({ VolumeId });
    await refusedWith(
      newVolume(ec2, { Encrypted: true, KmsKeyId: "alias/nothing" }),
      "InvalidKmsKey.NotFound",
      /NotFoundException/,
    );
  });

  it("S07-034 takes symmetric encryption keys alone", async () => {
    for (const input of [
      { KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" },
      { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" },
    ] as const) {
      const key = await newKey(world.kms, input);
      await refusedWith(newVolume(ec2, { Encrypted: true, KmsKeyId: key.Arn }), "InvalidKmsKey.InvalidState");
      await refusedWith(ec2.modifyEbsDefaultKmsKeyId({ KmsKeyId: key.Arn }), "InvalidKmsKey.InvalidState");
    }
  });
});

describe("kms:GrantIsForAWSResource", () => {
  for (const { id, written } of [
    { id: "S03-015", written: true },
    { id: "S03-015", written: "true" },
  ]) {
    it(`${id} as ${JSON.stringify(written)} of ${typeof written} lets EC2 make a grant for a user, and not the user`, async () => {
      const who = await user(`grants-${typeof written}`, [allow("ec2:*")]);
      const Policy = policyOf(
        allowing(ACCOUNT),
        {
          Effect: "Allow",
          Principal: { AWS: who.arn },
          Action: ["kms:DescribeKey", "kms:GenerateDataKey*"],
          Resource: "*",
        },
        {
          Sid: "Allow attachment of persistent resources",
          Effect: "Allow",
          Principal: { AWS: who.arn },
          Action: ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
          Resource: "*",
          Condition: { Bool: { "kms:GrantIsForAWSResource": written } },
        },
      );
      const key = await newKey(world.kms, { Policy });
      const VolumeId = await newVolume(who.ec2, { Encrypted: true, KmsKeyId: key.Arn });
      await assertRefused(
        who.kms.createGrant({ KeyId: key.KeyId, GranteePrincipal: who.arn, Operations: ["Decrypt"] }),
        "AccessDeniedException",
      );
      await assertRefused(who.kms.listGrants({ KeyId: key.KeyId }), "AccessDeniedException");
      await who.ec2.attachVolume({ VolumeId, InstanceId: INSTANCE, Device });
      assert.equal((await world.kms.listGrants({ KeyId: key.KeyId })).Grants?.length, 1);
    });
  }

  it("S04-008 true in a Deny for false, of all but one who may do everything, stops the user's CreateGrant and not EC2's", async () => {
    const who = await user("denied-direct", [
      allow(["ec2:*", "kms:*"]),
      {
        Effect: "Deny",
        Action: "kms:CreateGrant",
        Resource: "*",
        Condition: { Bool: { "kms:GrantIsForAWSResource": "false" } },
      },
    ]);
    const key = await newKey(world.kms);
    await assertRefused(
      who.kms.createGrant({ KeyId: key.KeyId, GranteePrincipal: who.arn, Operations: ["Decrypt"] }),
      "AccessDeniedException",
      /explicit deny/,
    );
    const VolumeId = await newVolume(who.ec2, { Encrypted: true, KmsKeyId: key.Arn });
    await who.ec2.attachVolume({ VolumeId, InstanceId: INSTANCE, Device });
  });

  it("S04-008 a user without kms:CreateGrant can't attach, though EC2 would make the grant", async () => {
    const who = await user("no-grant", [allow(["ec2:*", "kms:DescribeKey", "kms:GenerateDataKey*"])]);
    const key = await newKey(world.kms);
    const VolumeId = await newVolume(who.ec2, { Encrypted: true, KmsKeyId: key.Arn });
    await refusedWith(
      who.ec2.attachVolume({ VolumeId, InstanceId: INSTANCE, Device }),
      "UnauthorizedOperation",
      /kms:CreateGrant/,
    );
    assert.deepEqual((await world.kms.listGrants({ KeyId: key.KeyId })).Grants, []);
  });
});

describe("snapshots", () => {
  async function snapshotOf(id: string, api = ec2): Promise<Snapshot> {
    const [snapshot] = present((await api.describeSnapshots({ SnapshotIds: [id] })).Snapshots);
    return present(snapshot);
  }

  it("S07-038, S08-030: SC-13 of a volume keep its context vol-…, and copies have snap-… for theirs, across Regions", async () => {
    const [here, there] = [client(), client(credentials, "eu-west-1")];
    const source = await newKey(world.kms);
    const target = await newKey(world.client("eu-west-1"));
    const VolumeId = await newVolume(here, { Encrypted: true, KmsKeyId: source.Arn });
    const made = await here.createSnapshot({ VolumeId });
    assert.deepEqual([made.State, made.Encrypted, made.KmsKeyId], ["pending", true, source.Arn]);
    const SnapshotId = present(made.SnapshotId);
    const copy = { SourceRegion: REGION, SourceSnapshotId: SnapshotId };
    await refusedWith(there.copySnapshot({ ...copy, KmsKeyId: source.Arn }), "InvalidParameterValue");
    const { SnapshotId: copied = "" } = await there.copySnapshot({ ...copy, KmsKeyId: target.Arn });
    assert.equal((await snapshotOf(copied, there)).KmsKeyId, target.Arn);
    const made2 = await kmsRecord("GenerateDataKeyWithoutPlaintext", copied);
    assert.deepEqual(
      [(made2 as never as { awsRegion: string }).awsRegion, made2.requestParameters?.["encryptionContext"]],
      ["eu-west-1", { "aws:ebs:id": copied }],
    );
    const opened = await kmsRecord("Decrypt", VolumeId);
    assert.equal((opened as never as { awsRegion: string }).awsRegion, REGION);
    assert.deepEqual((await world.kms.listGrants({ KeyId: source.KeyId })).Grants, []);
    await world.kms.disableKey({ KeyId: source.KeyId });
    const Zone = { AvailabilityZone: "eu-west-1b" };
    const restored = present((await there.createVolume({ ...Zone, SnapshotId: copied })).VolumeId);
    await there.attachVolume({ VolumeId: restored, InstanceId: INSTANCE, Device });
    await kmsRecord("Decrypt", copied);
    await refusedWith(here.attachVolume({ VolumeId, InstanceId: INSTANCE, Device }), "InvalidKmsKey.InvalidState");
    await refusedWith(there.copySnapshot({ ...copy, KmsKeyId: target.Arn }), "InvalidKmsKey.InvalidState");
  });

  it("S08-030: SC-17 go to another account that the key policy lets in, which copies them under a key of its own", async () => {
    const partner = `arn:aws:iam::${OTHER_ACCOUNT}:root`;
    const theirs = client(world.otherCredentials);
    const Policy = policyOf(allowing(ACCOUNT), allowing(OTHER_ACCOUNT, ["kms:Decrypt", "kms:DescribeKey"]), {
      Effect: "Allow",
      Principal: { AWS: partner },
      Action: "kms:CreateGrant",
      Resource: "*",
      Condition: { Bool: { "kms:GrantIsForAWSResource": true } },
    });
    const closed = await newKey(world.kms);
    const open = await newKey(world.kms, { Policy });
    const own = await newKey(world.other);
    const share = async (KmsKeyId: string): Promise<string> => {
      const VolumeId = await newVolume(ec2, { Encrypted: true, KmsKeyId });
      const { SnapshotId = "" } = await ec2.createSnapshot({ VolumeId });
      const copy = { SourceRegion: REGION, SourceSnapshotId: SnapshotId, KmsKeyId: own.Arn };
      await refusedWith(theirs.copySnapshot(copy), "InvalidSnapshot.NotFound");
      await ec2.modifySnapshotAttribute({ SnapshotId, CreateVolumePermission: { Add: [{ UserId: OTHER_ACCOUNT }] } });
      return SnapshotId;
    };
    const SourceRegion = REGION;
    const locked = await share(closed.Arn);
    await refusedWith(
      theirs.copySnapshot({ SourceRegion, SourceSnapshotId: locked, KmsKeyId: own.Arn }),
      "UnauthorizedOperation",
    );
    const shared = await share(open.Arn);
    const { CreateVolumePermissions } = await ec2.describeSnapshotAttribute({
      SnapshotId: shared,
      Attribute: "createVolumePermission",
    });
    assert.deepEqual(CreateVolumePermissions, [{ UserId: OTHER_ACCOUNT }]);
    const { SnapshotId: copied = "" } = await theirs.copySnapshot({
      SourceRegion,
      SourceSnapshotId: shared,
      KmsKeyId: own.Arn,
    });
    await world.kms.disableKey({ KeyId: open.KeyId });
    assert.deepEqual(
      [(await snapshotOf(copied, theirs)).KmsKeyId, (await snapshotOf(copied, theirs)).OwnerId],
      [own.Arn, OTHER_ACCOUNT],
    );
    await newVolume(theirs, { SnapshotId: copied });
    const grants = await world.records.where(
      ({ eventName, recipientAccountId, resources, errorCode }) =>
        eventName === "CreateGrant" &&
        recipientAccountId === ACCOUNT &&
        resources?.[0]?.ARN === open.Arn &&
        errorCode === undefined,
    );
    assert.equal(grants.length, 1);
  });

  it("S08-030: SC-17 under aws/ebs are not shared, and encrypted ones not with everybody", async () => {
    const managed = await ec2.createSnapshot({ VolumeId: await newVolume(ec2, { Encrypted: true }) });
    const key = await newKey(world.kms);
    const other = await ec2.createSnapshot({ VolumeId: await newVolume(ec2, { Encrypted: true, KmsKeyId: key.Arn }) });
    const plain = await ec2.createSnapshot({ VolumeId: await newVolume(ec2) });
    const share = (SnapshotId: string | undefined, who: { UserIds: string[] } | { GroupNames: string[] }) =>
      ec2.modifySnapshotAttribute({ SnapshotId, OperationType: "add", ...who });
    await refusedWith(share(managed.SnapshotId, { UserIds: [OTHER_ACCOUNT] }), "OperationNotPermitted", /default key/);
    await refusedWith(share(other.SnapshotId, { GroupNames: ["all"] }), "OperationNotPermitted");
    const everyone = share(plain.SnapshotId, { GroupNames: ["everyone"] });
    await refusedWith(everyone, "InvalidAMIAttributeItemValue", /"everyone" for userGroup item type/);
    await share(plain.SnapshotId, { GroupNames: ["all"] });
    const theirs = client(world.otherCredentials);
    assert.equal((await snapshotOf(present(plain.SnapshotId), theirs)).OwnerId, ACCOUNT);
    await ec2.deleteSnapshot({ SnapshotId: plain.SnapshotId });
    await refusedWith(snapshotOf(present(plain.SnapshotId)), "InvalidSnapshot.NotFound");
  });

  it("are listed by owner, filter and page", async () => {
    const api = client(credentials, "ca-central-1");
    const Zone = { AvailabilityZone: "ca-central-1a" };
    const VolumeId = await newVolume(api, Zone);
    for (const Description of ["one", "two", "three"]) await api.createSnapshot({ VolumeId, Description });
    const { Snapshots } = await api.describeSnapshots({ Filters: [{ Name: "description", Values: ["two"] }] });
    assert.deepEqual(
      Snapshots?.map(({ Description }) => Description),
      ["two"],
    );
    const first = await api.describeSnapshots({ OwnerIds: ["self"], MaxResults: 2 });
    const NextToken = present(first.NextToken);
    const second = await api.describeSnapshots({ OwnerIds: ["self"], MaxResults: 2, NextToken });
    assert.deepEqual([first.Snapshots?.length, second.Snapshots?.length, second.NextToken], [2, 1, undefined]);
    await refusedWith(api.describeSnapshots({ NextToken: "x" }), "InvalidNextToken");
  });
});

describe("encryption by default", () => {
  it("encrypts what names no key under the account's default, and is a Region's own", async () => {
    const region = "ap-northeast-1";
    const [api, zone] = [client(credentials, region), { AvailabilityZone: `${region}a` }];
    const key = await newKey(world.client(region));
    assert.equal((await api.getEbsEncryptionByDefault({})).EbsEncryptionByDefault, false);
    assert.equal((await api.getEbsDefaultKmsKeyId({})).KmsKeyId, "alias/aws/ebs");
    assert.equal((await api.enableEbsEncryptionByDefault({})).EbsEncryptionByDefault, true);
    assert.equal((await api.modifyEbsDefaultKmsKeyId({ KmsKeyId: key.KeyId })).KmsKeyId, key.Arn);
    const keyOf = async () => (await api.createVolume({ ...zone, Size: 1 })).KmsKeyId;
    assert.equal(await keyOf(), key.Arn);
    await api.resetEbsDefaultKmsKeyId({});
    assert.equal(await keyOf(), (await managedKey(world.client(region), "ebs")).Arn);
    await api.disableEbsEncryptionByDefault({});
    assert.equal(await keyOf(), undefined);
    assert.equal((await ec2.getEbsEncryptionByDefault({})).EbsEncryptionByDefault, false);
  });
});

describe("volumes", () => {
  for (const { title, input, code } of [
    { title: "without size or snapshot", input: { Size: undefined }, code: "MissingParameter" },
    { title: "in a zone of another Region", input: { AvailabilityZone: "eu-west-1a" }, code: "InvalidZone.NotFound" },
    { title: "too large", input: { Size: 16_385 }, code: "InvalidParameterValue" },
    { title: "with a key and unencrypted", input: { KmsKeyId: "alias/x" }, code: "InvalidParameterDependency" },
    { title: "of a snapshot that is not there", input: { SnapshotId: "snap-0" }, code: "InvalidSnapshot.NotFound" },
    { title: "in a dry run", input: { DryRun: true, Encrypted: true }, code: "DryRunOperation" },
    { title: "of a type that there is not", input: { VolumeType: "gp9" as "gp2" }, code: "UnknownVolumeType" },
    { title: "of gp2 with operations a second", input: { Iops: 3000 }, code: "InvalidParameterCombination" },
    { title: "of gp2 with a throughput", input: { Throughput: 125 }, code: "InvalidParameterCombination" },
  ] satisfies { title: string; input: Partial<Parameters<EC2["createVolume"]>[0]>; code: string }[]) {
    it(`are not made ${title}`, () => refusedWith(newVolume(ec2, input), code));
  }

  it("are described by tags and other filters, to those who may", async () => {
    const VolumeId = await newVolume(ec2, {
      VolumeType: "gp3",
      TagSpecifications: [{ ResourceType: "volume", Tags: [{ Key: "Name", Value: "data" }] }],
    });
    const { Volumes } = await ec2.describeVolumes({
      Filters: [
        { Name: "tag:Name", Values: ["data"] },
        { Name: "encrypted", Values: ["false"] },
      ],
    });
    assert.deepEqual(
      Volumes?.map(({ VolumeId, VolumeType, Iops, Throughput, Tags }) => ({
        VolumeId,
        VolumeType,
        Iops,
        Throughput,
        Tags,
      })),
      [{ VolumeId, VolumeType: "gp3", Iops: 3000, Throughput: 125, Tags: [{ Key: "Name", Value: "data" }] }],
    );
    await ec2.attachVolume({ VolumeId, InstanceId: "i-0123456789abcdef0", Device: "/dev/sdz" });
    const { Volumes: [volume] = [] } = await ec2.describeVolumes({ VolumeIds: [VolumeId] });
    for (const [Name = "", ...Values] of [
      ["tag-key", "Na*"],
      ["tag-value", "nothing", "dat?"],
      ["tag:Name", "*"],
      ["create-time", present(volume?.CreateTime).toISOString()],
      ["attachment.attach-time", `${new Date().getUTCFullYear()}-*`],
      ["attachment.device", "/dev/sdz"],
      ["attachment.status", "attached"],
      ["attachment.delete-on-termination", "false"],
    ]) {
      const finds = async (values: readonly string[]) => {
        const { Volumes: found = [] } = await ec2.describeVolumes({ Filters: [{ Name, Values: [...values] }] });
        return found.some((each) => each.VolumeId === VolumeId);
      };
      assert.deepEqual([await finds(Values), await finds(["nothing?"])], [true, false], Name);
    }
    const plain = await newVolume(ec2);
    const { Volumes: [untagged] = [] } = await ec2.describeVolumes({ VolumeIds: [plain] });
    assert.equal(untagged?.Tags, undefined);
    await refusedWith(ec2.describeVolumes({ Filters: [{ Name: "colour", Values: ["x"] }] }), "InvalidParameterValue");
    const nobody = await user("nobody", [allow("kms:*")]);
    const message = `You are not authorized to perform this operation. User: ${nobody.arn} is not authorized to perform: ec2:DescribeVolumes because no identity-based policy allows the ec2:DescribeVolumes action`;
    await refusedWith(nobody.ec2.describeVolumes({}), "UnauthorizedOperation", new RegExp(`^${message}$`));
    const [refusal] = await world.records.where(
      ({ eventName, errorCode }) => eventName === "DescribeVolumes" && errorCode === "Client.UnauthorizedOperation",
    );
    assert.equal(refusal?.errorMessage, message);
    const theirs = client(world.otherCredentials);
    await refusedWith(theirs.describeVolumes({ VolumeIds: [VolumeId] }), "InvalidVolume.NotFound");
    await refusedWith(theirs.deleteVolume({ VolumeId }), "InvalidVolume.NotFound");
  });

  it("can be made in the Regions of the partition", async () => {
    const { Regions } = await ec2.describeRegions({ RegionNames: [REGION] });
    assert.deepEqual(
      Regions?.map(({ RegionName }) => RegionName),
      [REGION],
    );
  });
});

describe("a tag key that is there twice", () => {
  it("is refused by whatever takes tags, and nothing is made", async () => {
    const VolumeId = await newVolume(ec2);
    const { SnapshotId: SourceSnapshotId } = await ec2.createSnapshot({ VolumeId });
    const made = async () => [
      (await ec2.describeVolumes({})).Volumes?.length,
      (await ec2.describeSnapshots({ OwnerIds: ["self"] })).Snapshots?.length,
      (await ec2.describeVpcEndpoints({})).VpcEndpoints?.length,
    ];
    const before = await made();
    const Tags = [
      { Key: "Name", Value: "one" },
      { Key: "name", Value: "another key" },
      { Key: "Name", Value: "two" },
    ];
    const specified = (ResourceType: "volume" | "snapshot" | "vpc-endpoint") => ({
      TagSpecifications: [{ ResourceType, Tags }],
    });
    const ServiceName = `com.amazonaws.${REGION}.kms`;
    for (const call of [
      () => ec2.createVolume({ AvailabilityZone, Size: 1, ...specified("volume") }),
      () => ec2.createSnapshot({ VolumeId, ...specified("snapshot") }),
      () => ec2.copySnapshot({ SourceRegion: REGION, SourceSnapshotId, ...specified("snapshot") }),
      () => ec2.createVpcEndpoint({ VpcId: "vpc-1", ServiceName, ...specified("vpc-endpoint") }),
    ]) {
      await refusedWith(call(), "InvalidParameterValue", /^Duplicate tag key 'Name' specified\.$/);
    }
    assert.deepEqual(await made(), before);
  });
});
