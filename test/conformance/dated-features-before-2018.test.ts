/** The features that the guide's document history dates before 2018, each shown shortly. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { IAM } from "@aws-sdk/client-iam";
import { ServiceQuotas } from "@aws-sdk/client-service-quotas";
import { billOf } from "../../src/kms/metering/bill.ts";
import { monthOf } from "../../src/kms/metering/month.ts";
import { DEFAULT_TARIFF } from "../../src/kms/metering/tariff.ts";
import { KmsRefusal } from "../../src/services/forwarding.ts";
import { allow } from "../iam-world.ts";
import { importInto, newExternalKey, randomMaterial } from "../key-material.ts";
import {
  ACCOUNT,
  allowing,
  assertRefused,
  bytes,
  describedKey,
  managedKey,
  newKey,
  OTHER_ACCOUNT,
  policyOf,
  present,
  REGION,
} from "../kms-client.ts";
import type { SimulatedService } from "../services/simulated-service.ts";
import { type DatedFeature, startDatedWorld } from "./dated-world.ts";

/** Each in a Region of its own; the clock stands, so what is taken does not come back. */
const QUOTAS = `
quotas:
  - region: eu-central-1
    values: { DescribeKey request rate: { requests: 1, seconds: 3600 } }
  - region: eu-west-1
    values: { Cryptographic operations (symmetric) request rate: { requests: 1, seconds: 3600 } }
`;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const Plaintext = bytes(20);

const world = await startDatedWorld(QUOTAS);
after(() => world[Symbol.asyncDispose]());
const { kms, held } = world;
const { records } = held;

const encrypted = async (KeyId: string, from = kms): Promise<Uint8Array> =>
  present((await from.encrypt({ KeyId, Plaintext })).CiphertextBlob);
const stateOf = async (KeyId: string) => (await describedKey(kms, KeyId)).KeyState;

/** Shows that a service makes a data key under a key of the customer's, bound to a context of its own, and opens it again. */
async function envelopes(service: SimulatedService, KeyId: string, EncryptionContext: Record<string, string>) {
  const input = { KeyId, KeySpec: "AES_256" as const, EncryptionContext };
  const { CiphertextBlob, Plaintext: dataKey } = await service.perform("GenerateDataKey", input);
  const sealed = { CiphertextBlob: present(CiphertextBlob) };
  assert.deepEqual((await service.perform("Decrypt", { ...sealed, EncryptionContext })).Plaintext, dataKey);
  const other = { ...sealed, EncryptionContext: { another: "context" } };
  assert.equal(await codeOf(service.perform("Decrypt", other)), "InvalidCiphertextException");
}

/** The code of what KMS refused to a simulated service. */
async function codeOf(call: Promise<unknown>): Promise<string> {
  const cause: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(cause instanceof KmsRefusal, "the call was not refused");
  return cause.cause.code;
}

/** AWS's value of a quota. */
async function defaultQuota(QuotaCode: string): Promise<number | undefined> {
  const asked = { ServiceCode: "kms", QuotaCode };
  return (await world.clientFor(ServiceQuotas).getAWSDefaultServiceQuota(asked)).Quota?.Value;
}

const FEATURES: readonly DatedFeature[] = [
  {
    date: "2017-02-15",
    feature: "tags of keys",
    async show() {
      const { KeyId } = await newKey(kms, { Tags: [{ TagKey: "team", TagValue: "blue" }] });
      await kms.tagResource({ KeyId, Tags: [{ TagKey: "team", TagValue: "red" }] });
      assert.deepEqual((await kms.listResourceTags({ KeyId })).Tags, [{ TagKey: "team", TagValue: "red" }]);
      await kms.untagResource({ KeyId, TagKeys: ["team"] });
      assert.deepEqual((await kms.listResourceTags({ KeyId })).Tags, []);
    },
  },
  {
    date: "2016-08-31",
    feature: "monitoring: an alarm tells that imported material expires soon",
    async show() {
      const { KeyId } = await newExternalKey(kms);
      await importInto(kms, KeyId, randomMaterial(32), { ValidTo: new Date(held.now() + 10 * HOUR_MS) });
      const watch = world.clientFor(CloudWatch);
      await watch.putMetricAlarm({
        AlarmName: "dated",
        Namespace: "AWS/KMS",
        MetricName: "SecondsUntilKeyMaterialExpiration",
        Dimensions: [{ Name: "KeyId", Value: KeyId }],
        Statistic: "Minimum",
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 5 * 3_600,
        ComparisonOperator: "LessThanThreshold",
      });
      const states: (string | undefined)[] = [];
      for (const hours of [1, 5]) {
        await held.advance(hours * HOUR_MS);
        await held.parts.signals.alarms.run();
        states.push((await watch.describeAlarms({ AlarmNames: ["dated"] })).MetricAlarms?.[0]?.StateValue);
      }
      assert.deepEqual(states, ["OK", "ALARM"]);
    },
  },
  {
    date: "2016-08-11",
    feature: "imported key material, which may expire",
    async show() {
      const { KeyId } = await newExternalKey(kms);
      assert.equal(await stateOf(KeyId), "PendingImport");
      const material = randomMaterial(32);
      await importInto(kms, KeyId, material, { ValidTo: new Date(held.now() + DAY_MS) });
      const CiphertextBlob = await encrypted(KeyId);
      await held.advance(2 * DAY_MS);
      assert.equal(await stateOf(KeyId), "PendingImport");
      await assertRefused(kms.decrypt({ CiphertextBlob }), "KMSInvalidStateException");
      await importInto(kms, KeyId, material);
      assert.deepEqual((await kms.decrypt({ CiphertextBlob })).Plaintext, Plaintext);
    },
  },
  {
    date: "2016-07-05",
    feature: "IAM policies, with permissions of each operation and condition keys",
    async show() {
      const { KeyId, Arn } = await newKey(kms);
      const condition = { StringEquals: { "kms:EncryptionContext:stage": "beta" } };
      const person = await world.person("conditions", [
        { Effect: "Allow", Action: "kms:Encrypt", Resource: Arn, Condition: condition },
      ]);
      const input = { KeyId, Plaintext };
      await person.kms.encrypt({ ...input, EncryptionContext: { stage: "beta" } });
      await assertRefused(person.kms.encrypt(input), "AccessDeniedException");
      const described = person.kms.describeKey({ KeyId });
      await assertRefused(described, "AccessDeniedException", /not authorized to perform: kms:DescribeKey/);
    },
  },
  {
    date: "2016-05-31",
    feature: "new default quotas",
    async show() {
      assert.equal(await defaultQuota("L-C2F1777E"), 100_000);
      assert.equal(await defaultQuota("L-340F62FB"), 50);
    },
  },
  {
    date: "2016-04-11",
    feature: "new default quotas, and grant tokens, with which a grant can be used at once",
    async show() {
      assert.equal(await defaultQuota("L-D594A657"), 50_000);
      const { KeyId } = await newKey(kms);
      const person = await world.person("grantee");
      const grant = { KeyId, GranteePrincipal: person.arn, Operations: ["Encrypt" as const] };
      await assertRefused(person.kms.encrypt({ KeyId, Plaintext }), "AccessDeniedException");
      const { GrantToken } = await kms.createGrant(grant);
      await person.kms.encrypt({ KeyId, Plaintext, GrantTokens: [present(GrantToken)] });
      const foreign = person.kms.encrypt({ KeyId, Plaintext, GrantTokens: ["no token"] });
      await assertRefused(foreign, "InvalidGrantTokenException");
    },
  },
  {
    date: "2016-02-17",
    feature: "several principals in a key policy, and conditions on their addresses",
    async show() {
      const [one, two, three] = [
        await world.person("first"),
        await world.person("second"),
        await world.person("third", [allow("kms:Encrypt")]),
      ];
      const address = (range: string) => ({ IpAddress: { "aws:SourceIp": range } });
      const users = { Effect: "Allow", Principal: { AWS: [one.arn, two.arn] }, Action: "kms:Encrypt", Resource: "*" };
      const administration = allowing(ACCOUNT, ["kms:DescribeKey", "kms:PutKeyPolicy", "kms:GetKeyPolicy"]);
      const Policy = policyOf(administration, { ...users, Condition: address("127.0.0.0/8") });
      const { KeyId } = await newKey(kms, { Policy });
      for (const person of [one, two]) await encrypted(KeyId, person.kms);
      await assertRefused(three.kms.encrypt({ KeyId, Plaintext }), "AccessDeniedException");
      const elsewhere = { ...users, Condition: address("192.0.2.0/24") };
      await kms.putKeyPolicy({ KeyId, Policy: policyOf(administration, elsewhere) });
      await assertRefused(one.kms.encrypt({ KeyId, Plaintext }), "AccessDeniedException");
    },
  },
  {
    date: "2016-01-05",
    feature: "managing keys: they are listed, described, edited, disabled and enabled",
    async show() {
      const { KeyId, Arn } = await newKey(kms, { Description: "before" });
      await kms.updateKeyDescription({ KeyId, Description: "after" });
      await kms.disableKey({ KeyId });
      const { Description, Enabled, KeyState } = await describedKey(kms, KeyId);
      assert.deepEqual([Description, Enabled, KeyState], ["after", false, "Disabled"]);
      await assertRefused(kms.encrypt({ KeyId, Plaintext }), "DisabledException");
      await kms.enableKey({ KeyId });
      await encrypted(KeyId);
      const { Keys = [] } = await kms.listKeys({ Limit: 1_000 });
      assert.ok(Keys.some(({ KeyArn }) => KeyArn === Arn));
    },
  },
  {
    date: "2015-11-18",
    feature: "CloudTrail encrypts log files under a KMS key whose policy lets it",
    async show() {
      const cloudtrail = world.service("cloudtrail");
      const trail = `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/dated`;
      const { KeyId, Arn } = await newKey(kms);
      const input = { KeyId: Arn, KeySpec: "AES_256" as const, EncryptionContext: { "aws:cloudtrail:arn": trail } };
      const alone = { sourceArn: trail };
      assert.equal(await codeOf(cloudtrail.performAlone("GenerateDataKey", input, alone)), "AccessDeniedException");
      const statement = {
        Effect: "Allow",
        Principal: { Service: "cloudtrail.amazonaws.com" },
        Action: "kms:GenerateDataKey*",
        Resource: "*",
        Condition: { StringEquals: { "aws:SourceArn": trail } },
      };
      await kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT), statement) });
      const { CiphertextBlob } = await cloudtrail.performAlone("GenerateDataKey", input, alone);
      const { EncryptionContext } = input;
      assert.equal((await kms.decrypt({ CiphertextBlob, EncryptionContext })).Plaintext?.length, 32);
    },
  },
  {
    date: "2015-11-06",
    feature: "WorkSpaces",
    async show() {
      const { Arn } = await newKey(kms);
      const directory = "[S-1-5-21-277731876-1789304096-451871588-1107]@[d-1234abcd01]";
      const context = { "aws:workspaces:sid-directoryid": directory, "aws:ebs:id": "vol-1234abcd" };
      await envelopes(world.service("workspaces"), Arn, context);
    },
  },
  {
    date: "2015-10-22",
    feature: "key policies: the default one, and none that would lock everybody out",
    async show() {
      const { KeyId } = await newKey(kms);
      const { Policy } = await kms.getKeyPolicy({ KeyId, PolicyName: "default" });
      const { Statement } = JSON.parse(present(Policy)) as {
        Statement: readonly { Sid: string; Principal: unknown }[];
      };
      assert.deepEqual(
        Statement.map(({ Sid, Principal }) => [Sid, Principal]),
        [["Enable IAM User Permissions", { AWS: `arn:aws:iam::${ACCOUNT}:root` }]],
      );
      const lockout = kms.putKeyPolicy({ KeyId, Policy: policyOf(allowing(ACCOUNT, "kms:DescribeKey")) });
      await assertRefused(lockout, "MalformedPolicyDocumentException");
    },
  },
  {
    date: "2015-10-15",
    feature: "deleting keys after a waiting period, with their past uses and who may use them",
    async show() {
      const { KeyId, Arn } = await newKey(kms);
      const CiphertextBlob = await encrypted(KeyId);
      const { KeyLastUsage } = await kms.getKeyLastUsage({ KeyId });
      assert.equal(KeyLastUsage?.Operation, "Encrypt");
      const used = records.all().filter(({ resources }) => resources?.[0]?.ARN === Arn);
      assert.equal(used.find(({ eventName }) => eventName === "Encrypt")?.eventID, KeyLastUsage?.CloudTrailEventId);
      const { EvaluationResults } = await world.clientFor(IAM).simulatePrincipalPolicy({
        PolicySourceArn: (await world.person("uses-none")).arn,
        ActionNames: ["kms:Decrypt"],
        ResourceArns: [Arn],
      });
      assert.equal(EvaluationResults?.[0]?.EvalDecision, "implicitDeny");
      for (const PendingWindowInDays of [6, 31]) {
        await assertRefused(kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays }), "ValidationException");
      }
      await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
      await assertRefused(kms.decrypt({ CiphertextBlob }), "KMSInvalidStateException");
      await held.advance(7 * DAY_MS);
      await assertRefused(kms.describeKey({ KeyId }), "NotFoundException");
    },
  },
  {
    date: "2015-10-01",
    feature: "SES",
    async show() {
      const statement = {
        Effect: "Allow",
        Principal: { Service: "ses.amazonaws.com" },
        Action: ["kms:Encrypt", "kms:GenerateDataKey*"],
        Resource: "*",
        Condition: { StringEquals: { "kms:EncryptionContext:aws:ses:source-account": ACCOUNT } },
      };
      const { Arn: KeyId } = await newKey(kms, { Policy: policyOf(allowing(ACCOUNT), statement) });
      const of = (account: string) => ({ "aws:ses:source-account": account, "aws:ses:rule-name": "inbound" });
      const ask = (account: string) =>
        world
          .service("ses")
          .performAlone("GenerateDataKey", { KeyId, KeySpec: "AES_256", EncryptionContext: of(account) });
      const { CiphertextBlob, Plaintext: dataKey } = await ask(ACCOUNT);
      const opened = await kms.decrypt({ CiphertextBlob, EncryptionContext: of(ACCOUNT) });
      assert.deepEqual(opened.Plaintext, dataKey);
      assert.equal(await codeOf(ask(OTHER_ACCOUNT)), "AccessDeniedException");
    },
  },
  {
    date: "2015-08-31",
    feature: "request quotas of single operations",
    async show() {
      const there = held.client("eu-central-1");
      const { KeyId } = await newKey(there);
      await there.describeKey({ KeyId });
      const refusal = await assertRefused(there.describeKey({ KeyId }), "ThrottlingException", /exceeded the rate/);
      assert.equal(refusal.status, 400);
      await there.getKeyPolicy({ KeyId });
    },
  },
  {
    date: "2015-08-14",
    feature: "pricing: keys by the hour, requests by the ten thousand",
    async show() {
      const there = world.client(OTHER_ACCOUNT);
      await newKey(there);
      const month = monthOf(held.now());
      await held.parts.requestMeter.flush();
      const question = { month, account: OTHER_ACCOUNT, tariff: { ...DEFAULT_TARIFF, freeRequests: 0 } };
      const bill = () => billOf(held.parts.store.db, { ...question, now: held.now() });
      const before = present((await bill()).accounts[0]);
      assert.deepEqual(
        before.lines.find(({ item }) => item === "requests"),
        { item: "requests", unit: "requests", quantity: 1, free: 0, amount: "0.00", exact: "0.000003" },
      );
      const end = month.until - held.now();
      await held.advance(end);
      const keys = present((await bill()).accounts[0]?.lines.find(({ item }) => item === "keys"));
      assert.equal(keys.quantity, Math.floor(end / HOUR_MS));
    },
  },
  {
    date: "2015-06-11",
    feature: "request quotas",
    async show() {
      const there = held.client("eu-west-1");
      const { KeyId } = await newKey(there);
      await encrypted(KeyId, there);
      await assertRefused(there.encrypt({ KeyId, Plaintext }), "ThrottlingException");
      await held.advance(HOUR_MS);
      await encrypted(KeyId, there);
    },
  },
  {
    date: "2015-06-01",
    feature: "UpdateAlias",
    async show() {
      const [first, second] = [await newKey(kms), await newKey(kms)];
      const AliasName = "alias/dated";
      await kms.createAlias({ AliasName, TargetKeyId: first.KeyId });
      await kms.updateAlias({ AliasName, TargetKeyId: second.KeyId });
      assert.equal((await kms.encrypt({ KeyId: AliasName, Plaintext })).KeyId, second.Arn);
    },
  },
  {
    date: "2015-05-29",
    feature: "Regions: each has keys of its own, and the names of AWS",
    async show() {
      const { KeyId } = await newKey(kms);
      for (const region of ["eu-west-2", "sa-east-1"]) {
        await assertRefused(held.client(region).describeKey({ KeyId }), "NotFoundException");
        assert.match((await newKey(held.client(region))).Arn, new RegExp(`^arn:aws:kms:${region}:`));
      }
      await assert.rejects(held.client("eu-nowhere-1").listKeys({}));
    },
  },
  {
    date: "2015-01-28",
    feature: "EMR and WorkMail",
    async show() {
      const { Arn } = await newKey(kms);
      await envelopes(world.service("elasticmapreduce"), Arn, { kms_cmk_id: Arn });
      const organization = `arn:aws:workmail:${REGION}:${ACCOUNT}:organization/m-0f00`;
      const workmail = world.service("workmail");
      await envelopes(workmail, await workmail.managedKey(), { "aws:workmail:arn": organization });
      const { KeyId } = await managedKey(kms, "workmail");
      await assertRefused(kms.encrypt({ KeyId, Plaintext }), "AccessDeniedException");
    },
  },
  {
    date: "2015-01-06",
    feature: "RDS",
    async show() {
      const rds = world.service("rds");
      await envelopes(rds, await rds.managedKey(), { "aws:rds:db-id": "db-1234" });
      const uses = await records.where(
        ({ requestParameters }) =>
          JSON.stringify(requestParameters?.["encryptionContext"]) === '{"aws:rds:db-id":"db-1234"}',
      );
      const services = uses.map(({ userIdentity }) => userIdentity["invokedBy"]);
      assert.deepEqual(services, ["rds.amazonaws.com", "rds.amazonaws.com"]);
    },
  },
  {
    date: "2014-11-24",
    feature: "Elastic Transcoder",
    async show() {
      const { KeyId } = await newKey(kms);
      const EncryptionContext = { service: "elastictranscoder.amazonaws.com" };
      const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext, EncryptionContext });
      const input = { CiphertextBlob: present(CiphertextBlob), EncryptionContext };
      const opened = await world.service("elastictranscoder").perform("Decrypt", input);
      assert.deepEqual(opened.Plaintext, Plaintext);
    },
  },
  {
    date: "2014-11-12",
    feature: "KMS: keys that never leave it, and data keys under them",
    async show() {
      const { KeyId, Arn } = await newKey(kms);
      const made = await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
      assert.deepEqual([made.KeyId, made.Plaintext?.length], [Arn, 32]);
      assert.deepEqual((await kms.decrypt({ CiphertextBlob: made.CiphertextBlob })).Plaintext, made.Plaintext);
      const moved = await kms.reEncrypt({
        CiphertextBlob: made.CiphertextBlob,
        DestinationKeyId: (await newKey(kms)).KeyId,
      });
      assert.deepEqual((await kms.decrypt({ CiphertextBlob: moved.CiphertextBlob })).Plaintext, made.Plaintext);
    },
  },
];

describe("the document history of the guide, before 2018", () => {
  for (const { date, feature, show } of FEATURES) it(`S08-029: ${date} ${feature}`, show);
});
