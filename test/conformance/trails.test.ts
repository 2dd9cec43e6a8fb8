/** Trails, driven by AWS's own client: log files, digest files, event selectors, and what they ask of KMS. */

import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { after, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import {
  buildClient,
  CommitmentPolicy,
  KMS as EncryptionSdkKms,
  getClient,
  KmsKeyringNode,
} from "@aws-crypto/client-node";
import { CloudTrail, type CreateTrailCommandInput, type EventSelector } from "@aws-sdk/client-cloudtrail";
import { Organizations } from "@aws-sdk/client-organizations";
import { TemporaryDirectory } from "../faults/processes.ts";
import {
  ACCOUNT,
  type AuditRecord,
  allowing,
  assertRefused,
  membersOf,
  newKey,
  policyOf,
  present,
  REGION,
  requestIdOf,
  startWorld,
} from "../kms-client.ts";

const folder = new TemporaryDirectory();
const BUCKET = "audit-logs";
mkdirSync(join(folder.path, BUCKET));
const world = await startWorld(["--trail-directory", folder.path]);
const { endpoint, credentials, clock } = world.server;
const clients: CloudTrail[] = [];
after(async () => {
  for (const client of clients) client.destroy();
  await world.stop();
  folder[Symbol.dispose]();
});

function client(region: string = REGION, key = credentials): CloudTrail {
  const made = new CloudTrail({ endpoint, region, credentials: key, maxAttempts: 1 });
  clients.push(made);
  return made;
}

const cloudtrail = client();
const { kms } = world;
const arnOf = (name: string, region: string = REGION) => `arn:aws:cloudtrail:${region}:${ACCOUNT}:trail/${name}`;

/** A trail of its own folder that logs. */
async function newTrail(Name: string, more: Partial<CreateTrailCommandInput> = {}, by = cloudtrail): Promise<void> {
  await by.createTrail({ Name, S3BucketName: BUCKET, S3KeyPrefix: Name, ...more });
  await by.startLogging({ Name });
}

/** Moves to where log files are delivered. */
const deliver = () => clock.advance("PT5M");

/** The log files of a trail, by the names of their objects. */
function files(name: string, region = "*"): readonly string[] {
  return globSync(`${BUCKET}/${name}/AWSLogs/${ACCOUNT}/CloudTrail/${region}/**/*.json.gz`, {
    cwd: folder.path,
  }).sort();
}

function parsed(path: string): { readonly Records: readonly AuditRecord[] } {
  return JSON.parse(gunzipSync(readFileSync(join(folder.path, path))).toString("utf8"));
}

/** The records of a trail, from all its files. */
function delivered(name: string): readonly AuditRecord[] {
  return files(name).flatMap((path) => parsed(path).Records);
}

const namesIn = (records: readonly AuditRecord[]) => records.map(({ eventName }) => eventName);

describe("a trail", () => {
  it("is made, shown, changed and removed", async () => {
    const settings = { Name: "shown", S3BucketName: BUCKET, S3KeyPrefix: "some/prefix" };
    const common = { IsOrganizationTrail: false, TrailARN: arnOf("shown"), ...settings };
    const made = {
      ...common,
      IncludeGlobalServiceEvents: true,
      IsMultiRegionTrail: false,
      LogFileValidationEnabled: false,
    };
    assert.deepEqual(membersOf(await cloudtrail.createTrail(settings)), made);
    await assertRefused(
      cloudtrail.createTrail(settings),
      "TrailAlreadyExistsException",
      `Trail shown already exists for customer: ${ACCOUNT}`,
    );
    const described = { ...made, HomeRegion: REGION, HasCustomEventSelectors: false, HasInsightSelectors: false };
    for (const name of ["shown", arnOf("shown")])
      assert.deepEqual((await cloudtrail.getTrail({ Name: name })).Trail, described);
    assert.deepEqual((await cloudtrail.describeTrails({ trailNameList: ["shown"] })).trailList, [described]);
    assert.deepEqual((await cloudtrail.listTrails({})).Trails, [
      { TrailARN: arnOf("shown"), Name: "shown", HomeRegion: REGION },
    ]);
    const updated = await cloudtrail.updateTrail({
      Name: "shown",
      EnableLogFileValidation: true,
      IsMultiRegionTrail: true,
      S3KeyPrefix: "",
    });
    assert.deepEqual(
      [updated.LogFileValidationEnabled, updated.IsMultiRegionTrail, updated.S3KeyPrefix, updated.S3BucketName],
      [true, true, undefined, BUCKET],
    );
    const elsewhere = client("eu-west-1");
    assert.equal((await elsewhere.getTrail({ Name: "shown" })).Trail?.HomeRegion, REGION);
    assert.equal((await elsewhere.describeTrails({ includeShadowTrails: false })).trailList?.length, 0);
    for (const [name, count] of [
      ["shown", 0],
      [arnOf("shown"), 1],
    ] as const) {
      assert.equal((await elsewhere.describeTrails({ trailNameList: [name] })).trailList?.length, count);
    }
    await assertRefused(
      elsewhere.getTrailStatus({ Name: "shown" }),
      "TrailNotFoundException",
      `Unknown trail: ${arnOf("shown").replace(REGION, "eu-west-1")} for the user: ${ACCOUNT}`,
    );
    await assertRefused(elsewhere.deleteTrail({ Name: arnOf("shown") }), "InvalidHomeRegionException");
    await cloudtrail.deleteTrail({ Name: "shown" });
    await assertRefused(
      cloudtrail.getTrail({ Name: "shown" }),
      "TrailNotFoundException",
      `Unknown trail: shown for the user: ${ACCOUNT}`,
    );
  });

  it("have no tags and no insights, which clients ask for", async () => {
    await cloudtrail.createTrail({ Name: "plain", S3BucketName: BUCKET });
    const ResourceId = arnOf("plain");
    const { ResourceTagList } = await cloudtrail.listTags({ ResourceIdList: [ResourceId] });
    assert.deepEqual(ResourceTagList, [{ ResourceId, TagsList: [] }]);
    await assertRefused(
      cloudtrail.getInsightSelectors({ TrailName: "plain" }),
      "InsightNotEnabledException",
      `Trail ${ResourceId} does not have Insights enabled. Edit the trail settings to enable Insights, and then try the operation again.`,
    );
    await cloudtrail.deleteTrail({ Name: "plain" });
    await assertRefused(cloudtrail.listTags({ ResourceIdList: [ResourceId] }), "ResourceNotFoundException");
  });

  for (const { title, input, error } of [
    { title: "a short name", input: { Name: "ab" }, error: "InvalidTrailNameException" },
    { title: "a name with two periods", input: { Name: "a..b" }, error: "InvalidTrailNameException" },
    { title: "a name like an address", input: { Name: "192.168.5.4" }, error: "InvalidTrailNameException" },
    {
      title: "a bucket that is not there",
      input: { S3BucketName: "nobodys-bucket" },
      error: "S3BucketDoesNotExistException",
    },
    { title: "a bucket that is a path", input: { S3BucketName: "../etc" }, error: "InvalidS3BucketNameException" },
    { title: "a prefix that leads out", input: { S3KeyPrefix: "a/../../b" }, error: "InvalidS3PrefixException" },
    {
      title: "all Regions without global services",
      input: { IsMultiRegionTrail: true, IncludeGlobalServiceEvents: false },
      error: "InvalidParameterCombinationException",
    },
    { title: "a topic", input: { SnsTopicName: "topic" }, error: "UnsupportedOperationException" },
    { title: "an organization", input: { IsOrganizationTrail: true }, error: "UnsupportedOperationException" },
    {
      title: "a key that is not there",
      input: { KmsKeyId: "00000000-0000-4000-8000-000000000000" },
      error: "KmsKeyNotFoundException",
    },
  ]) {
    it(`is not made with ${title}`, async () => {
      await assertRefused(cloudtrail.createTrail({ Name: "refused", S3BucketName: BUCKET, ...input }), error);
    });
  }

  it("is one of five in a Region at most", async () => {
    const far = client("ap-south-2");
    for (let number = 1; number <= 5; number += 1)
      await far.createTrail({ Name: `trail${number}`, S3BucketName: BUCKET });
    await assertRefused(
      far.createTrail({ Name: "trail6", S3BucketName: BUCKET }),
      "MaximumNumberOfTrailsExceededException",
      `User: ${ACCOUNT} already has 5 trails in ap-south-2.`,
    );
  });

  it("gets what is recorded while it logs, in files named as AWS names them, of one Region each", async () => {
    const before = await newKey(kms);
    await clock.advance("PT1S");
    await newTrail("logs", { IsMultiRegionTrail: true });
    const key = await newKey(world.client("eu-west-1"));
    const used = await kms.encrypt({ KeyId: before.KeyId, Plaintext: new Uint8Array(1) });
    assert.equal(files("logs").length, 0);
    await deliver();
    assert.equal(files("logs").length, 2);
    for (const path of files("logs")) {
      const region = path.includes("/eu-west-1/") ? "eu-west-1" : REGION;
      assert.match(
        path,
        new RegExp(
          `/${region}/[0-9]{4}/[0-9]{2}/[0-9]{2}/${ACCOUNT}_CloudTrail_${region}_[0-9]{8}T[0-9]{4}Z_[A-Za-z0-9]{16}[.]json[.]gz$`,
        ),
      );
      for (const record of parsed(path).Records)
        assert.equal((record as unknown as { awsRegion: string }).awsRegion, region);
    }
    const records = delivered("logs");
    assert.deepEqual(
      records.find(({ requestID }) => requestID === requestIdOf(used)),
      await world.records.of(requestIdOf(used)),
    );
    assert.ok(records.some(({ resources = [] }) => resources[0]?.ARN === key.Arn));
    assert.ok(
      !records.some(({ eventName, resources = [] }) => eventName === "CreateKey" && resources[0]?.ARN === before.Arn),
    );
    const status = await cloudtrail.getTrailStatus({ Name: "logs" });
    assert.equal(status.IsLogging, true);
    assert.ok(present(status.LatestDeliveryTime) > present(status.StartLoggingTime));
    assert.equal(new Set(records.map(({ eventID }) => eventID)).size, records.length);
    await deliver();
    const all = delivered("logs");
    assert.equal(new Set(all.map(({ eventID }) => eventID)).size, all.length, "nothing is delivered twice");
    await cloudtrail.stopLogging({ Name: "logs" });
    await clock.advance("PT1S");
    await kms.listKeys({});
    await deliver();
    const last = delivered("logs");
    assert.ok(namesIn(last).includes("StopLogging"));
    assert.ok(!namesIn(last).includes("ListKeys"));
    assert.equal((await cloudtrail.getTrailStatus({ Name: "logs" })).IsLogging, false);
    await cloudtrail.deleteTrail({ Name: "logs" });
  });

  it("S02-023: whose selectors exclude kms.amazonaws.com gets no entry of KMS, another one does, and what was excluded does not come later", async () => {
    await newTrail("excluding");
    await newTrail("including");
    const excluding: EventSelector = {
      ReadWriteType: "All",
      IncludeManagementEvents: true,
      ExcludeManagementEventSources: ["kms.amazonaws.com"],
    };
    const put = await cloudtrail.putEventSelectors({ TrailName: "excluding", EventSelectors: [excluding] });
    assert.deepEqual(put.EventSelectors, [{ ...excluding, DataResources: [] }]);
    const lost = await newKey(kms);
    await clock.advance("PT1S");
    await deliver();
    assert.deepEqual(
      delivered("excluding").filter(({ eventSource }) => eventSource === "kms.amazonaws.com"),
      [],
    );
    assert.ok(
      delivered("excluding").some(
        ({ eventName, requestParameters }) =>
          eventName === "PutEventSelectors" && JSON.stringify(requestParameters).includes("kms.amazonaws.com"),
      ),
    );
    const isOf =
      (arn: string) =>
      ({ resources = [] }: AuditRecord) =>
        resources[0]?.ARN === arn;
    assert.ok(delivered("including").some(isOf(lost.Arn)));
    await cloudtrail.putEventSelectors({
      TrailName: "excluding",
      EventSelectors: [{ ...excluding, ExcludeManagementEventSources: [] }],
    });
    assert.equal((await cloudtrail.getTrail({ Name: "excluding" })).Trail?.HasCustomEventSelectors, false);
    const found = await newKey(kms);
    await deliver();
    assert.ok(delivered("excluding").some(isOf(found.Arn)));
    assert.ok(!delivered("excluding").some(isOf(lost.Arn)));
    for (const Name of ["excluding", "including"]) await cloudtrail.deleteTrail({ Name });
  });

  it("logs what its selectors say: only reads, or what advanced selectors name", async () => {
    await newTrail("reads");
    await newTrail("named");
    await cloudtrail.putEventSelectors({ TrailName: "reads", EventSelectors: [{ ReadWriteType: "ReadOnly" }] });
    const FieldSelectors = [
      { Field: "eventCategory", Equals: ["Management"] },
      { Field: "eventSource", NotEquals: ["cloudtrail.amazonaws.com"] },
      { Field: "eventName", StartsWith: ["Create", "List"] },
    ];
    await cloudtrail.putEventSelectors({
      TrailName: "named",
      AdvancedEventSelectors: [{ Name: "some", FieldSelectors }],
    });
    assert.deepEqual((await cloudtrail.getEventSelectors({ TrailName: "named" })).AdvancedEventSelectors, [
      { Name: "some", FieldSelectors },
    ]);
    await clock.advance("PT1S");
    await newKey(kms);
    await kms.listAliases({});
    await deliver();
    assert.ok(delivered("reads").every(({ readOnly }) => readOnly));
    assert.ok(namesIn(delivered("reads")).includes("ListAliases"));
    assert.deepEqual([...new Set(namesIn(delivered("named")))].sort(), ["CreateKey", "ListAliases"]);
    const refused: readonly EventSelector[][] = [
      [],
      [{ ExcludeManagementEventSources: ["s3.amazonaws.com"] }],
      [{ DataResources: [{ Type: "AWS::KMS::Key", Values: [] }] }],
    ];
    for (const EventSelectors of refused) {
      const put = cloudtrail.putEventSelectors({ TrailName: "reads", EventSelectors });
      await assertRefused(put, "InvalidEventSelectorsException");
    }
    for (const Name of ["reads", "named"]) await cloudtrail.deleteTrail({ Name });
  });

  it("gets later what its bucket could not take, and says so meanwhile", async () => {
    const bucket = "missing-for-a-while";
    const path = join(folder.path, bucket);
    mkdirSync(path);
    await newTrail("patient", { S3BucketName: bucket });
    const key = await newKey(kms);
    rmSync(path, { recursive: true });
    await deliver();
    const failed = await cloudtrail.getTrailStatus({ Name: "patient" });
    assert.deepEqual([failed.LatestDeliveryError, failed.LatestDeliveryTime], ["NoSuchBucket", undefined]);
    mkdirSync(path);
    await deliver();
    const texts = globSync(`${bucket}/**/*.json.gz`, { cwd: folder.path }).flatMap((file) => parsed(file).Records);
    assert.equal(
      texts.filter(({ eventName, resources = [] }) => eventName === "CreateKey" && resources[0]?.ARN === key.Arn)
        .length,
      1,
    );
    assert.equal((await cloudtrail.getTrailStatus({ Name: "patient" })).LatestDeliveryError, undefined);
    await cloudtrail.deleteTrail({ Name: "patient" });
  });
});

interface Digest {
  readonly digestStartTime: string;
  readonly digestEndTime: string;
  readonly digestS3Bucket: string;
  readonly digestS3Object: string;
  readonly digestPublicKeyFingerprint: string;
  readonly previousDigestS3Object: string | null;
  readonly previousDigestHashValue: string | null;
  readonly previousDigestSignature: string | null;
  readonly logFiles: readonly { readonly s3Bucket: string; readonly s3Object: string; readonly hashValue: string }[];
}

/** Verifies a digest file and its log files as AWS's user guide says (Custom implementations of log file integrity validation). */
async function verified(path: string): Promise<{ readonly digest: Digest; readonly text: Buffer }> {
  const text = gunzipSync(readFileSync(join(folder.path, path)));
  const digest = JSON.parse(text.toString("utf8")) as Digest;
  assert.equal(`${digest.digestS3Bucket}/${digest.digestS3Object}`, path);
  const metadata = JSON.parse(readFileSync(join(folder.path, `${path}.metadata.json`), "utf8")) as Record<
    string,
    string
  >;
  assert.equal(metadata["signature-algorithm"], "SHA256withRSA");
  const EndTime = new Date(digest.digestEndTime);
  const { PublicKeyList = [] } = await cloudtrail.listPublicKeys({
    StartTime: new Date(digest.digestStartTime),
    EndTime,
  });
  const key = PublicKeyList.find(({ Fingerprint }) => Fingerprint === digest.digestPublicKeyFingerprint);
  const publicKey = createPublicKey({ key: Buffer.from(present(key?.Value)), format: "der", type: "pkcs1" });
  const hash = createHash("sha256").update(text).digest("hex");
  const signed = `${digest.digestEndTime}\n${path}\n${hash}\n${digest.previousDigestSignature}`;
  const signature = Buffer.from(present(metadata["signature"]), "hex");
  assert.ok(verify("sha256", Buffer.from(signed), publicKey, signature), "the signature holds");
  assert.ok(!verify("sha256", Buffer.from(`${signed}0`), publicKey, signature));
  for (const { s3Bucket, s3Object, hashValue } of digest.logFiles) {
    const content = gunzipSync(readFileSync(join(folder.path, s3Bucket, s3Object)));
    assert.equal(createHash("sha256").update(content).digest("hex"), hashValue);
  }
  return { digest, text };
}

describe("digest files", () => {
  it("come every hour, name the log files since, and are a chain that AWS's rules verify", async () => {
    await newTrail("proved", { EnableLogFileValidation: true });
    await newKey(kms);
    await deliver();
    await clock.advance("PT1H");
    await newKey(kms);
    await deliver();
    await clock.advance("PT1H");
    const paths = globSync(`${BUCKET}/proved/AWSLogs/${ACCOUNT}/CloudTrail-Digest/**/*.json.gz`, {
      cwd: folder.path,
    }).sort();
    assert.equal(paths.length, 2);
    const [first, second] = await Promise.all(paths.map(verified));
    assert.ok(first !== undefined && second !== undefined);
    assert.match(
      basename(paths[0] ?? ""),
      new RegExp(`^${ACCOUNT}_CloudTrail-Digest_${REGION}_proved_${REGION}_[0-9]{8}T[0-9]{6}Z[.]json[.]gz$`),
    );
    assert.equal(first.digest.previousDigestS3Object, null);
    assert.equal(first.digest.previousDigestSignature, null);
    assert.equal(second.digest.previousDigestS3Object, first.digest.digestS3Object);
    assert.equal(second.digest.previousDigestHashValue, createHash("sha256").update(first.text).digest("hex"));
    assert.equal(second.digest.digestStartTime, first.digest.digestEndTime);
    const named = [first, second].flatMap(({ digest }) =>
      digest.logFiles.map(({ s3Object }) => `${BUCKET}/${s3Object}`),
    );
    assert.deepEqual(named.sort(), files("proved").slice(0, named.length));
    assert.ok(named.length >= 2);
    assert.ok((await cloudtrail.getTrailStatus({ Name: "proved" })).LatestDigestDeliveryTime !== undefined);
    await cloudtrail.deleteTrail({ Name: "proved" });
  });

  it("stop with the trail's logging, and begin a new chain with it", async () => {
    await newTrail("broken", { EnableLogFileValidation: true });
    const digests = () => globSync(`${BUCKET}/broken/**/CloudTrail-Digest/**/*.json.gz`, { cwd: folder.path }).sort();
    await cloudtrail.stopLogging({ Name: "broken" });
    await clock.advance("PT1H");
    assert.equal(digests().length, 1);
    await clock.advance("PT3H");
    assert.equal(digests().length, 1);
    await cloudtrail.startLogging({ Name: "broken" });
    await clock.advance("PT1H");
    const [, second = ""] = digests();
    assert.equal((await verified(second)).digest.previousDigestS3Object, null);
    await cloudtrail.deleteTrail({ Name: "broken" });
  });
});

describe("a trail with a KMS key", () => {
  const encryptable = (name: string) => ({
    Sid: "CloudTrail",
    Effect: "Allow",
    Principal: { Service: "cloudtrail.amazonaws.com" },
    Action: "kms:GenerateDataKey",
    Resource: "*",
    Condition: {
      StringEquals: { "aws:SourceArn": arnOf(name), "aws:SourceAccount": ACCOUNT },
      StringLike: { "kms:EncryptionContext:aws:cloudtrail:arn": `arn:aws:cloudtrail:*:${ACCOUNT}:trail/*` },
    },
  });

  it("is refused where the key's policy does not let CloudTrail in for this trail", async () => {
    const Condition = { Bool: { "aws:PrincipalIsAWSService": "true" } };
    const denial = { Effect: "Deny", Principal: "*", Action: "kms:GenerateDataKey", Resource: "*", Condition };
    const noServices = policyOf(allowing(ACCOUNT), encryptable("sealed"), denial);
    for (const Policy of [
      policyOf(allowing(ACCOUNT)),
      policyOf(allowing(ACCOUNT), encryptable("another")),
      noServices,
    ]) {
      const key = await newKey(kms, { Policy });
      await assertRefused(
        cloudtrail.createTrail({ Name: "sealed", S3BucketName: BUCKET, KmsKeyId: key.KeyId }),
        "InsufficientEncryptionPolicyException",
        `Insufficient permissions to access S3 bucket ${BUCKET} or KMS key ${key.Arn}.`,
      );
    }
  });

  it("is let in where a policy keeps out all services but it by the list of their names", async () => {
    const only = (...names: string[]) => ({
      Effect: "Deny",
      Principal: "*",
      Action: "kms:GenerateDataKey",
      Resource: "*",
      Condition: {
        Bool: { "aws:PrincipalIsAWSService": "true" },
        "ForAllValues:StringNotEquals": { "aws:PrincipalServiceNamesList": names },
      },
    });
    const trail = (KmsKeyId: string) => cloudtrail.createTrail({ Name: "listed", S3BucketName: BUCKET, KmsKeyId });
    const keyFor = async (...names: string[]) =>
      (await newKey(kms, { Policy: policyOf(allowing(ACCOUNT), encryptable("listed"), only(...names)) })).KeyId;
    await assertRefused(trail(await keyFor("logs.amazonaws.com")), "InsufficientEncryptionPolicyException");
    await trail(await keyFor("logs.amazonaws.com", "cloudtrail.amazonaws.com"));
    await cloudtrail.deleteTrail({ Name: "listed" });
  });

  it("is let in by its organization where its account is in one", async () => {
    const organizations = new Organizations({ endpoint, region: REGION, credentials, maxAttempts: 1 });
    const organization = present((await organizations.createOrganization({})).Organization?.Id);
    const account = encryptable("of-organization");
    const by = (id: string) => ({ ...account, Condition: { StringEquals: { "aws:SourceOrgID": id } } });
    const [ours, others] = await Promise.all(
      [organization, "o-a1b2c3d4e5"].map((id) => newKey(kms, { Policy: policyOf(allowing(ACCOUNT), by(id)) })),
    );
    const trail = { Name: "of-organization", S3BucketName: BUCKET };
    const strange = cloudtrail.createTrail({ ...trail, KmsKeyId: present(others).KeyId });
    await assertRefused(strange, "InsufficientEncryptionPolicyException");
    await cloudtrail.createTrail({ ...trail, KmsKeyId: present(ours).KeyId });
    await cloudtrail.deleteTrail({ Name: trail.Name });
    organizations.destroy();
  });

  it("S07-035, S07-036: asks for a data key when it is set up and for each file, as a service event, and encrypts under it", async () => {
    const key = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT), encryptable("sealed")) });
    await kms.createAlias({ AliasName: "alias/trail", TargetKeyId: key.KeyId });
    const alias = `arn:aws:kms:${REGION}:${ACCOUNT}:alias/trail`;
    await newTrail("sealed");
    const updated = await cloudtrail.updateTrail({ Name: "sealed", KmsKeyId: alias });
    assert.equal(updated.KmsKeyId, key.Arn);
    const isAsked = ({ eventName, resources = [] }: AuditRecord) =>
      eventName === "GenerateDataKey" && resources[0]?.ARN === key.Arn;
    const [asked, ...more] = await world.records.where(isAsked);
    assert.deepEqual(more, []);
    const service = { type: "AWSService", invokedBy: "cloudtrail.amazonaws.com" };
    const context = (place: string) => ({
      "aws:cloudtrail:arn": arnOf("sealed"),
      "aws:s3:arn": `arn:aws:s3:::${BUCKET}/${place}`,
    });
    assert.equal(asked?.eventType, "AwsServiceEvent");
    assert.equal(asked?.readOnly, true);
    assert.equal(asked?.responseElements, null);
    assert.deepEqual(asked?.userIdentity, service);
    assert.deepEqual(asked?.requestParameters, {
      keyId: alias,
      keySpec: "AES_256",
      encryptionContext: context(`sealed/AWSLogs/${ACCOUNT}/`),
    });
    await newKey(kms);
    await deliver();
    const [file = ""] = files("sealed");
    const [, forFile] = await world.records.where((record) => isAsked(record) && files("sealed").length > 0);
    assert.equal(forFile?.eventType, "AwsServiceEvent");
    assert.deepEqual(forFile?.userIdentity, service);
    assert.equal(forFile?.recipientAccountId, ACCOUNT);
    const encryptionContext = context(file.slice(`${BUCKET}/`.length));
    assert.deepEqual(forFile?.requestParameters, { keyId: key.Arn, keySpec: "AES_256", encryptionContext });
    const message = readFileSync(join(folder.path, file));
    assert.throws(() => gunzipSync(message));
    const { decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT);
    const clientProvider = getClient(EncryptionSdkKms as never, { endpoint, credentials } as never);
    const keyring = new KmsKeyringNode({ clientProvider: clientProvider as never, keyIds: [key.Arn] });
    const opened = await decrypt(keyring, message);
    assert.equal(opened.messageHeader.encryptionContext["aws:s3:arn"], encryptionContext["aws:s3:arn"]);
    const { Records } = JSON.parse(gunzipSync(opened.plaintext).toString("utf8")) as {
      Records: readonly AuditRecord[];
    };
    assert.ok(namesIn(Records).includes("CreateKey"));
    const isRead = ({ eventName, resources = [] }: AuditRecord) =>
      eventName === "Decrypt" && resources[0]?.ARN === key.Arn;
    const [read] = await world.records.where(isRead);
    assert.deepEqual(read?.requestParameters?.["encryptionContext"], encryptionContext);
    await kms.disableKey({ KeyId: key.KeyId });
    await deliver();
    const status = await cloudtrail.getTrailStatus({ Name: "sealed" });
    assert.match(present(status.LatestDeliveryError), /is disabled/);
    await kms.enableKey({ KeyId: key.KeyId });
    await deliver();
    assert.equal((await cloudtrail.getTrailStatus({ Name: "sealed" })).LatestDeliveryError, undefined);
    assert.equal((await cloudtrail.updateTrail({ Name: "sealed", KmsKeyId: "" })).KmsKeyId, undefined);
    await cloudtrail.deleteTrail({ Name: "sealed" });
    assert.ok(existsSync(join(folder.path, file)));
  });
});
