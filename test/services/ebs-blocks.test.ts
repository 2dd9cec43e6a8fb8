/** The EBS direct APIs, driven by AWS's own client: blocks of snapshots, what they ask of KMS, and their way through copies. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, it } from "node:test";
import { EBS } from "@aws-sdk/client-ebs";
import { EC2 } from "@aws-sdk/client-ec2";
import { send, sign } from "../faults/signed-requests.ts";
import { allow, deny, startIamWorld } from "../iam-world.ts";
import {
  ACCOUNT,
  type AuditRecord,
  allowing,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
  refusalOf,
  requestIdOf,
} from "../kms-client.ts";

const world = await startIamWorld();
const { endpoint, credentials } = world.server;
const clients: { destroy(): void }[] = [];
after(async () => {
  for (const client of clients) client.destroy();
  await world.stop();
});

/** Clients of both parts of EBS. */
function clientsOf(key = credentials, region: string = REGION) {
  const options = { endpoint, region, credentials: key, maxAttempts: 1 };
  const made = { ebs: new EBS(options), ec2: new EC2(options) };
  clients.push(made.ebs, made.ec2);
  return made;
}

type Api = ReturnType<typeof clientsOf>;

const api = clientsOf();
const BLOCK_BYTES = 524_288;
const block = (value: number) => new Uint8Array(BLOCK_BYTES).fill(value);
const checksumOf = (data: Uint8Array) => createHash("sha256").update(data).digest("base64");

function put({ ebs }: Api, SnapshotId: string, BlockIndex: number, BlockData: Uint8Array, Checksum?: string) {
  return ebs.putSnapshotBlock({
    SnapshotId,
    BlockIndex,
    BlockData,
    DataLength: BlockData.length,
    Checksum: Checksum ?? checksumOf(BlockData),
    ChecksumAlgorithm: "SHA256",
  });
}

/** Writes a snapshot of 1 GiB with blocks by index. */
async function written(
  from: Api,
  blocks: Readonly<Record<number, number>>,
  input: Partial<Parameters<EBS["startSnapshot"]>[0]> = {},
): Promise<string> {
  const { SnapshotId = "" } = await from.ebs.startSnapshot({ VolumeSize: 1, ...input });
  for (const [index, value] of Object.entries(blocks)) await put(from, SnapshotId, Number(index), block(value));
  const ChangedBlocksCount = Object.keys(blocks).length;
  await from.ebs.completeSnapshot({ SnapshotId, ChangedBlocksCount });
  return SnapshotId;
}

/** What a snapshot's blocks are filled with, by index. */
async function content({ ebs }: Api, SnapshotId: string): Promise<Readonly<Record<number, number>>> {
  const found: Record<number, number> = {};
  const { Blocks = [] } = await ebs.listSnapshotBlocks({ SnapshotId });
  for (const { BlockIndex = 0, BlockToken } of Blocks) {
    const answer = await ebs.getSnapshotBlock({ SnapshotId, BlockIndex, BlockToken });
    const data = await present(answer.BlockData).transformToByteArray();
    assert.deepEqual([data.length, answer.DataLength, answer.Checksum], [BLOCK_BYTES, BLOCK_BYTES, checksumOf(data)]);
    found[BlockIndex] = data[0] ?? 0;
  }
  return found;
}

async function refusedWith(call: Promise<unknown>, code: string, status: number, reason?: string): Promise<void> {
  const refusal = await refusalOf(call);
  assert.deepEqual([refusal.name, refusal.status], [code, status], refusal.message);
  if (reason === undefined) return;
  await assert.rejects(call, ({ Reason }: { readonly Reason?: string }) => Reason === reason);
}

type Rendered = AuditRecord & Readonly<Record<string, unknown>>;

/** The records of KMS with an id in them, as Region, account, operation and encryption context. */
async function kmsRecords(id: string, eventName: string): Promise<readonly (readonly unknown[])[]> {
  const records = (await world.records.where(
    ({ eventSource, eventName: name, requestParameters, errorCode }) =>
      eventSource === "kms.amazonaws.com" &&
      name === eventName &&
      errorCode === undefined &&
      JSON.stringify(requestParameters).includes(`"${id}"`),
  )) as readonly Rendered[];
  return records.map((record) => [record["awsRegion"], record.recipientAccountId, record.resources?.[0]?.ARN]);
}

describe("a snapshot that is written block by block", () => {
  it("has its blocks under the caller's key, and tells them for their tokens", async () => {
    const key = await newKey(world.kms);
    const input = { VolumeSize: 1, Encrypted: true, KmsKeyArn: key.Arn, Description: "mine", Timeout: 10 };
    const started = await api.ebs.startSnapshot({ ...input, Tags: [{ Key: "a", Value: "b" }] });
    const SnapshotId = present(started.SnapshotId);
    assert.deepEqual(
      [started.Status, started.BlockSize, started.VolumeSize, started.KmsKeyArn, started.SseType, started.OwnerId],
      ["pending", BLOCK_BYTES, 1, key.Arn, "sse-kms", ACCOUNT],
    );
    assert.deepEqual((await put(api, SnapshotId, 3, block(3))).Checksum, checksumOf(block(3)));
    await put(api, SnapshotId, 0, block(9));
    await put(api, SnapshotId, 0, block(1));
    await refusedWith(api.ebs.listSnapshotBlocks({ SnapshotId }), "ValidationException", 400, "INVALID_SNAPSHOT_ID");
    await refusedWith(api.ebs.completeSnapshot({ SnapshotId, ChangedBlocksCount: 3 }), "ValidationException", 400);
    const linear = createHash("sha256");
    for (const value of [1, 3]) linear.update(createHash("sha256").update(block(value)).digest());
    const complete = (Checksum: string) =>
      api.ebs.completeSnapshot({
        SnapshotId,
        ChangedBlocksCount: 2,
        Checksum,
        ChecksumAlgorithm: "SHA256",
        ChecksumAggregationMethod: "LINEAR",
      });
    await refusedWith(complete(checksumOf(block(1))), "ValidationException", 400);
    assert.equal((await complete(linear.digest("base64"))).Status, "completed");
    assert.deepEqual(await content(api, SnapshotId), { 0: 1, 3: 3 });
    const [shown] = present((await api.ec2.describeSnapshots({ SnapshotIds: [SnapshotId] })).Snapshots);
    assert.deepEqual([shown?.State, shown?.KmsKeyId, shown?.Tags], ["completed", key.Arn, [{ Key: "a", Value: "b" }]]);
    const made = await kmsRecords(SnapshotId, "GenerateDataKeyWithoutPlaintext");
    assert.deepEqual(made, [[REGION, ACCOUNT, key.Arn]]);
    assert.equal((await kmsRecords(SnapshotId, "Decrypt")).length, 5); // three blocks written, two read
    await refusedWith(put(api, SnapshotId, 1, block(1)), "ValidationException", 400, "INVALID_SNAPSHOT_ID");
    await world.kms.disableKey({ KeyId: key.KeyId });
    await refusedWith(content(api, SnapshotId), "ValidationException", 400, "INVALID_CUSTOMER_KEY");
  });

  it("goes on from a parent, and differs from it by what was written", async () => {
    const parent = await written(api, { 0: 1, 1: 2, 2: 3 });
    const child = await written(api, { 1: 7, 5: 8 }, { ParentSnapshotId: parent });
    assert.deepEqual(await content(api, child), { 0: 1, 1: 7, 2: 3, 5: 8 });
    const changed = { FirstSnapshotId: parent, SecondSnapshotId: child };
    const { ChangedBlocks = [], VolumeSize } = await api.ebs.listChangedBlocks(changed);
    const sides = ChangedBlocks.map(({ BlockIndex, FirstBlockToken, SecondBlockToken }) => [
      BlockIndex,
      FirstBlockToken !== undefined,
      SecondBlockToken !== undefined,
    ]);
    assert.deepEqual(
      [sides, VolumeSize],
      [
        [
          [1, true, true],
          [5, false, true],
        ],
        1,
      ],
    );
    const { ChangedBlocks: all = [] } = await api.ebs.listChangedBlocks({ SecondSnapshotId: child });
    assert.deepEqual(
      all.map(({ BlockIndex }) => BlockIndex),
      [0, 1, 2, 5],
    );
    const { Blocks = [] } = await api.ebs.listSnapshotBlocks({ SnapshotId: child, StartingBlockIndex: 2 });
    assert.deepEqual(
      Blocks.map(({ BlockIndex }) => BlockIndex),
      [2, 5],
    );
    await api.ec2.deleteSnapshot({ SnapshotId: parent });
    assert.deepEqual(await content(api, child), { 0: 1, 1: 7, 2: 3, 5: 8 });
  });

  it("is one for one token, and given up when nothing comes", async () => {
    const start = (VolumeSize: number) => api.ebs.startSnapshot({ VolumeSize, ClientToken: "once", Timeout: 10 });
    const { SnapshotId = "" } = await start(1);
    assert.equal((await start(1)).SnapshotId, SnapshotId);
    await refusedWith(start(2), "ConflictException", 409);
    await world.server.clock.advance("PT11M");
    await refusedWith(put(api, SnapshotId, 0, block(1)), "ValidationException", 400, "WRITE_REQUEST_TIMEOUT");
  });

  it("refuses tags that have one key twice, or none", async () => {
    for (const Tags of [
      [{ Key: "a" }, { Key: "a", Value: "b" }],
      [{ Value: "b" }, { Key: "c" }],
    ]) {
      await refusedWith(api.ebs.startSnapshot({ VolumeSize: 1, Tags }), "ValidationException", 400, "INVALID_TAG");
    }
  });

  it("takes whole blocks with their checksum, in the volume, and tells them to nobody else", async () => {
    const { SnapshotId = "" } = await api.ebs.startSnapshot({ VolumeSize: 1 });
    for (const call of [
      () => put(api, SnapshotId, 0, new Uint8Array(512)),
      () => put(api, SnapshotId, 2048, block(1)),
      () => put(api, SnapshotId, 0, block(1), checksumOf(block(2))),
    ]) {
      await refusedWith(call(), "ValidationException", 400, "INVALID_BLOCK");
    }
    await refusedWith(put(api, "snap-0", 0, block(1)), "ResourceNotFoundException", 404, "SNAPSHOT_NOT_FOUND");
    const own = await written(api, { 0: 1, 1: 1 });
    const { Blocks = [] } = await api.ebs.listSnapshotBlocks({ SnapshotId: own });
    const [first = {}, second = {}] = Blocks;
    const wrong = { SnapshotId: own, BlockIndex: 0, BlockToken: second.BlockToken };
    await refusedWith(api.ebs.getSnapshotBlock(wrong), "ValidationException", 400, "INVALID_BLOCK_TOKEN");
    const theirs = clientsOf(world.otherCredentials);
    await refusedWith(content(theirs, own), "ResourceNotFoundException", 404);
    await refusedWith(put(theirs, SnapshotId, 0, block(1)), "ResourceNotFoundException", 404);
    await world.server.clock.advance("P8D");
    const stale = { SnapshotId: own, BlockIndex: 0, BlockToken: first.BlockToken };
    await refusedWith(api.ebs.getSnapshotBlock(stale), "ValidationException", 400, "INVALID_BLOCK_TOKEN");
    await refusedWith(
      api.ebs.listSnapshotBlocks({ SnapshotId: own, NextToken: "AAAA" }),
      "ValidationException",
      400,
      "INVALID_PAGE_TOKEN",
    );
  });

  it("takes ebs:… permissions on the snapshot", async () => {
    await world.person("block-reader", { allow: [allow("ebs:ListSnapshotBlocks")] });
    const { AccessKey } = await world.iam.createAccessKey({ UserName: "block-reader" });
    const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "" } = present(AccessKey);
    const reader = clientsOf({ accessKeyId, secretAccessKey });
    const SnapshotId = await written(api, { 0: 1 });
    const { Blocks = [] } = await reader.ebs.listSnapshotBlocks({ SnapshotId });
    const { BlockToken } = present(Blocks[0]);
    const get = reader.ebs.getSnapshotBlock({ SnapshotId, BlockIndex: 0, BlockToken });
    await refusedWith(get, "AccessDeniedException", 403);
    await refusedWith(reader.ebs.startSnapshot({ VolumeSize: 1 }), "AccessDeniedException", 403);
  });
});

describe("requests of restJson", () => {
  const raw = async (method: string, path: string, body = "", headers: Readonly<Record<string, string>> = {}) => {
    const draft = { method, path, body, headers };
    const answer = await send(endpoint, await sign(world.server, draft, { service: "ebs" }));
    return [answer.status, answer.headers["x-amzn-errortype"]];
  };

  it("are refused where a part can't be read, and where their payload is another one than was signed", async () => {
    for (const [method, path, body, error] of [
      ["POST", "/snapshots", "{", "SerializationException"],
      ["POST", "/snapshots", '{"VolumeSize":"1"}', "SerializationException"],
      ["POST", "/snapshots", '{"VolumeSize":0}', "ValidationException"],
      ["GET", "/snapshots/snap-0/blocks?maxResults=many", "", "SerializationException"],
      ["GET", "/snapshots/snap-0/blocks/-1?blockToken=AAAA", "", "ValidationException"],
      ["GET", "/snapshots/snap-0/blocks/", "", "UnknownOperationException"],
      ["DELETE", "/snapshots/snap-0/blocks", "", "UnknownOperationException"],
    ] as const) {
      assert.deepEqual((await raw(method, path, body))[1], error, `${method} ${path}`);
    }
    const signed = await sign(
      world.server,
      { method: "POST", path: "/snapshots", body: '{"VolumeSize":1}' },
      { service: "ebs" },
    );
    const swapped = await send(endpoint, { ...signed, body: Buffer.from('{"VolumeSize":2}') });
    assert.equal(swapped.headers["x-amzn-errortype"], "InvalidSignatureException");
    const unsigned = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
    assert.equal((await raw("POST", "/snapshots", '{"VolumeSize":1}', unsigned))[1], "InvalidSignatureException");
  });
});

const INSTANCE = { InstanceId: "i-0123456789abcdef0", Device: "/dev/sdf" };

/** Clients of a user of either account. */
async function userOf(name: string, statements: readonly object[], account = ACCOUNT): Promise<Api> {
  await world.person(name, { allow: statements, account });
  const { AccessKey } = await (account === ACCOUNT ? world.iam : world.otherIam).createAccessKey({ UserName: name });
  const { AccessKeyId: accessKeyId = "", SecretAccessKey: secretAccessKey = "" } = present(AccessKey);
  return clientsOf({ accessKeyId, secretAccessKey });
}

async function snapshotOf({ ec2 }: Api, id: string) {
  return present((await ec2.describeSnapshots({ SnapshotIds: [id] })).Snapshots?.[0]);
}

describe("an encrypted volume in another Region", () => {
  const R2 = "eu-west-1";
  const there = clientsOf(credentials, R2);
  const kmsThere = world.client(R2);

  it("S08-030: SC-13 has the same content, under another key, made by the service with the contexts of volume and copy", async () => {
    const [keyA, keyB] = [await newKey(world.kms), await newKey(kmsThere)];
    const known = { 0: 17, 2000: 42 };
    const origin = await written(api, known, { Encrypted: true, KmsKeyArn: keyA.Arn });
    const zone = { AvailabilityZone: `${REGION}a` };
    const volumeA = present((await api.ec2.createVolume({ ...zone, SnapshotId: origin })).VolumeId);
    const made = await api.ec2.createSnapshot({ VolumeId: volumeA });
    const snapA = present(made.SnapshotId);
    assert.deepEqual([made.Encrypted, made.KmsKeyId], [true, keyA.Arn]);
    await world.records.of(requestIdOf(made)); // those of the calls that it made are before it
    const ofKms = world.records.all().filter(({ eventSource }) => eventSource === "kms.amazonaws.com");
    assert.ok(!JSON.stringify(ofKms).includes(snapA), "KMS was asked for a snapshot of a volume");
    assert.deepEqual(await content(api, snapA), known);
    const copy = { SourceRegion: REGION, SourceSnapshotId: snapA };
    const { SnapshotId: snapB = "" } = await there.ec2.copySnapshot({ ...copy, KmsKeyId: keyB.Arn });
    assert.equal((await snapshotOf(there, snapB)).KmsKeyId, keyB.Arn);
    assert.deepEqual(await content(there, snapB), known);
    assert.deepEqual(await kmsRecords(snapB, "GenerateDataKeyWithoutPlaintext"), [[R2, ACCOUNT, keyB.Arn]]);
    const opened = await kmsRecords(origin, "Decrypt");
    assert.ok(opened.every(([region, , arn]) => region === REGION && arn === keyA.Arn));
    for (const { kms, KeyId } of [
      { kms: world.kms, KeyId: keyA.KeyId },
      { kms: kmsThere, KeyId: keyB.KeyId },
    ]) {
      assert.deepEqual((await kms.listGrants({ KeyId })).Grants, []);
    }
    await world.kms.disableKey({ KeyId: keyA.KeyId });
    const volumeB = await there.ec2.createVolume({ AvailabilityZone: `${R2}a`, SnapshotId: snapB });
    assert.equal(volumeB.KmsKeyId, keyB.Arn);
    await there.ec2.attachVolume({ VolumeId: volumeB.VolumeId, ...INSTANCE });
    assert.ok((await kmsRecords(snapB, "Decrypt")).every(([region, , arn]) => region === R2 && arn === keyB.Arn));
    const { SnapshotId: again = "" } = await there.ec2.createSnapshot({ VolumeId: volumeB.VolumeId });
    assert.deepEqual(await content(there, again), known);
    await refusedWith(content(api, snapA), "ValidationException", 400, "INVALID_CUSTOMER_KEY");
    for (const call of [
      () => api.ec2.attachVolume({ VolumeId: volumeA, ...INSTANCE }),
      () => there.ec2.copySnapshot({ ...copy, KmsKeyId: keyB.Arn }),
    ]) {
      assert.equal((await refusalOf(call())).name, "InvalidKmsKey.InvalidState");
    }
    const names = world.records.all().filter(({ resources }) => resources?.some(({ ARN }) => ARN === keyA.Arn));
    assert.ok(!names.some(({ eventName }) => eventName === "ReEncrypt"));
  });

  it("S08-030: SC-13 is under the Region's own key of EBS where no key is named, and never in clear", async () => {
    const { Arn } = await newKey(world.kms);
    const source = await written(api, { 3: 3 }, { Encrypted: true, KmsKeyArn: Arn });
    const copy = { SourceRegion: REGION, SourceSnapshotId: source };
    const ofEbs = async () =>
      (await kmsThere.listAliases({})).Aliases?.find(({ AliasName }) => AliasName === "alias/aws/ebs")?.TargetKeyId;
    assert.equal(await ofEbs(), undefined);
    const { SnapshotId: copied = "" } = await there.ec2.copySnapshot(copy);
    const managed = `arn:aws:kms:${R2}:${ACCOUNT}:key/${await ofEbs()}`;
    assert.equal((await snapshotOf(there, copied)).KmsKeyId, managed);
    const { SnapshotId: plain = "" } = await there.ec2.copySnapshot({ ...copy, Encrypted: false });
    assert.deepEqual(
      [(await snapshotOf(there, plain)).Encrypted, (await snapshotOf(there, plain)).KmsKeyId],
      [true, managed],
    );
    assert.equal((await refusalOf(there.ec2.copySnapshot({ ...copy, KmsKeyId: Arn }))).name, "InvalidParameterValue");
  });

  it("S08-030: SC-13 is not made for somebody who may not grant or decrypt with the key of the first", async () => {
    const [keyA, keyB] = [await newKey(world.kms), await newKey(world.kms)];
    const source = await written(api, { 1: 1 }, { Encrypted: true, KmsKeyArn: keyA.Arn });
    const copy = { SourceRegion: REGION, SourceSnapshotId: source, KmsKeyId: keyB.Arn };
    const count = async () => (await api.ec2.describeSnapshots({ OwnerIds: ["self"] })).Snapshots?.length;
    const before = await count();
    for (const missing of ["kms:CreateGrant", "kms:Decrypt"]) {
      const user = await userOf(`without-${missing.slice(4)}`, [allow(["ec2:*", "kms:*"]), deny(missing, keyA.Arn)]);
      const refusal = await refusalOf(user.ec2.copySnapshot(copy));
      assert.equal(refusal.name, "UnauthorizedOperation", missing);
    }
    assert.equal(await count(), before);
  });
});

describe("an encrypted snapshot of another account", () => {
  /** What an owner adds to a key policy for a partner (spec 08, SC-17). */
  const Policy = policyOf(
    allowing(ACCOUNT),
    allowing(OTHER_ACCOUNT, [
      ...["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*"],
      ...["kms:GenerateDataKey*", "kms:DescribeKey"],
    ]),
    {
      ...allowing(OTHER_ACCOUNT, ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]),
      Condition: { Bool: { "kms:GrantIsForAWSResource": true } },
    },
  );
  const CreateVolumePermission = { Add: [{ UserId: OTHER_ACCOUNT }] };

  it("S08-030: SC-17 is copied under a key of the partner's, whose records the owner sees for the owner's key alone", async () => {
    const [owners, partners] = [await newKey(world.kms, { Policy }), await newKey(world.other)];
    const theirs = await userOf("partner", [allow("ec2:*"), allow("ebs:*"), allow("kms:*")], OTHER_ACCOUNT);
    const unallowed = await userOf("unallowed", [allow("ec2:*"), allow("kms:*", partners.Arn)], OTHER_ACCOUNT);
    const known = { 7: 7 };
    const snapO = await written(api, known, { Encrypted: true, KmsKeyArn: owners.Arn });
    await refusedWith(content(theirs, snapO), "ResourceNotFoundException", 404);
    await api.ec2.modifySnapshotAttribute({ SnapshotId: snapO, CreateVolumePermission });
    assert.deepEqual(await content(theirs, snapO), known);
    const copy = { SourceRegion: REGION, SourceSnapshotId: snapO, KmsKeyId: partners.Arn };
    assert.equal((await refusalOf(unallowed.ec2.copySnapshot(copy))).name, "UnauthorizedOperation");
    await world.kms.putKeyPolicy({ KeyId: owners.KeyId, Policy: policyOf(allowing(ACCOUNT)) });
    assert.equal((await refusalOf(theirs.ec2.copySnapshot(copy))).name, "UnauthorizedOperation");
    await world.kms.putKeyPolicy({ KeyId: owners.KeyId, Policy });
    const { SnapshotId: snapP = "" } = await theirs.ec2.copySnapshot(copy);
    const { OwnerId, KmsKeyId } = await snapshotOf(theirs, snapP);
    assert.deepEqual([OwnerId, KmsKeyId], [OTHER_ACCOUNT, partners.Arn]);
    const ofOwners = await kmsRecords(snapO, "CreateGrant");
    assert.deepEqual(ofOwners.map(([, account]) => account).toSorted(), [ACCOUNT, OTHER_ACCOUNT]);
    const ofPartners = await kmsRecords(snapP, "GenerateDataKeyWithoutPlaintext");
    assert.deepEqual(ofPartners, [[REGION, OTHER_ACCOUNT, partners.Arn]]);

    // A volume of the owner's snapshot is under the owner's key, and lasts as long.
    const volume = { AvailabilityZone: `${REGION}a` };
    const tied = await theirs.ec2.createVolume({ ...volume, SnapshotId: snapO });
    assert.equal(tied.KmsKeyId, owners.Arn);
    const attachment = { VolumeId: tied.VolumeId, ...INSTANCE };
    await theirs.ec2.attachVolume(attachment);
    await theirs.ec2.detachVolume(attachment);
    await world.kms.disableKey({ KeyId: owners.KeyId });
    await api.ec2.modifySnapshotAttribute({
      SnapshotId: snapO,
      CreateVolumePermission: { Remove: [{ UserId: OTHER_ACCOUNT }] },
    });
    assert.equal((await refusalOf(theirs.ec2.attachVolume(attachment))).name, "InvalidKmsKey.InvalidState");
    assert.deepEqual(await content(theirs, snapP), known);
    const { VolumeId } = await theirs.ec2.createVolume({ ...volume, SnapshotId: snapP });
    await theirs.ec2.attachVolume({ VolumeId, ...INSTANCE });
  });
});
