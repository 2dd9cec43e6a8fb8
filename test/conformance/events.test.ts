/** EventBridge: what KMS sends of itself, the calls that change something, rules, targets and their deliveries. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as nextPoll } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { TemporaryDirectory } from "../faults/processes.ts";
import { importInto, newExternalKey, randomMaterial } from "../key-material.ts";
import {
  ACCOUNT,
  assertRefused,
  describedKey,
  type Metadata,
  managedKey,
  membersOf,
  newKey,
  present,
  REGION,
  startWorld,
} from "../kms-client.ts";
import { type ReceivedEvent, startReceiver } from "../signals/receiver.ts";

const receiver = await startReceiver();
const folder = new TemporaryDirectory();
const log = join(folder.path, "events.jsonl");
const arnOf = (name: string): string => `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`;
const world = await startWorld([
  ...["--event-target", `${arnOf("*")}=${receiver.url}/prefix`],
  ...["--event-target", `${arnOf("kms")}=${receiver.url}/kms`],
  ...["--event-target", `${arnOf("calls")}=${receiver.url}/calls`],
  ...["--event-target", `${arnOf("log")}=${pathToFileURL(log).href}`],
]);
const events = new EventBridge({
  endpoint: world.server.endpoint,
  region: REGION,
  credentials: world.server.credentials,
  maxAttempts: 1,
});
after(async () => {
  events.destroy();
  await world.stop();
  await receiver[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});
const { kms } = world;
const { clock } = world.server;

async function rule(Name: string, pattern: object, ...Arns: readonly string[]): Promise<void> {
  await events.putRule({ Name, EventPattern: JSON.stringify(pattern) });
  const Targets = Arns.map((Arn, index) => ({ Id: `t${index}`, Arn }));
  assert.equal((await events.putTargets({ Rule: Name, Targets })).FailedEntryCount, 0);
}

await rule("kms", { source: ["aws.kms"], "detail-type": [{ prefix: "KMS " }] }, arnOf("kms"), arnOf("log"));
await rule(
  "calls",
  { "detail-type": ["AWS API Call via CloudTrail"], detail: { eventName: ["DisableKey"] } },
  arnOf("calls"),
);

const ofKey = ({ Arn }: Metadata, count = 1) => receiver.events("/kms", count, ({ resources }) => resources[0] === Arn);

/** The event of a key in the file that is a target, too: targets are served each for itself. */
async function loggedOf({ Arn }: Metadata): Promise<ReceivedEvent> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await nextPoll(10)) {
    const whole = existsSync(log) ? readFileSync(log, "utf8").split("\n").slice(0, -1) : [];
    const event = whole.map((line) => JSON.parse(line) as ReceivedEvent).find(({ resources }) => resources[0] === Arn);
    if (event !== undefined) return event;
  }
  throw new Error(`The file has no event of ${Arn}.`);
}

function assertEvent(
  event: ReceivedEvent | undefined,
  { Arn, KeyId }: Metadata,
  type: string,
  detail: object = {},
): void {
  const { id, time, ...rest } = present(event);
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual(rest, {
    version: "0",
    "detail-type": type,
    source: "aws.kms",
    account: ACCOUNT,
    region: REGION,
    resources: [Arn],
    detail: { "key-id": KeyId, ...detail },
  });
}

describe("events of KMS", () => {
  it("S01-052, S02-031: each rotation, also of AWS managed keys, has its RotateKey record and its KMS CMK Rotation event", async () => {
    const own = await newKey(kms);
    await kms.enableKeyRotation({ KeyId: own.KeyId });
    const managed = await managedKey(kms, "ebs");
    await clock.advance("P366D");
    for (const [key, type] of [
      [own, "AUTOMATIC"],
      [managed, "AUTOMATIC"],
    ] as const) {
      const [event] = await ofKey(key);
      const details = {
        "key-origin": "AWS_KMS",
        "rotation-type": type,
        "previous-key-material-id": key.CurrentKeyMaterialId,
        "current-key-material-id": (await describedKey(kms, key.KeyId)).CurrentKeyMaterialId,
      };
      assertEvent(event, key, "KMS CMK Rotation", details);
      const records = await world.records.where(
        ({ eventName, resources }) => eventName === "RotateKey" && resources?.[0]?.ARN === key.Arn,
      );
      assert.deepEqual(
        records.map(({ eventTime }) => eventTime),
        [present(event).time],
      );
    }
    await kms.rotateKeyOnDemand({ KeyId: own.KeyId });
    const [, onDemand] = await ofKey(own, 2);
    assert.equal(onDemand?.detail["rotation-type"], "ON_DEMAND");
  });

  it("S02-031: the expiry of imported material and the deletion of a key have theirs", async () => {
    const imported = await newExternalKey(kms);
    const ValidTo = new Date((await clock.now()).getTime() + 3_600_000);
    const material = randomMaterial(32);
    await importInto(kms, imported.KeyId, material, { ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo });
    const deleted = await newKey(kms);
    await kms.scheduleKeyDeletion({ KeyId: deleted.KeyId, PendingWindowInDays: 7 });
    await clock.advance("P8D");
    assertEvent((await ofKey(imported))[0], imported, "KMS Imported Key Material Expiration");
    assertEvent((await ofKey(deleted))[0], deleted, "KMS CMK Deletion");
    assertEvent(await loggedOf(deleted), deleted, "KMS CMK Deletion");
  });

  it("S02-032: an event whose target failed after its work comes again under the same id", async () => {
    const key = await newKey(kms);
    await kms.scheduleKeyDeletion({ KeyId: key.KeyId, PendingWindowInDays: 7 });
    receiver.failNext(1);
    await clock.advance("P8D");
    const [first, second] = await ofKey(key, 2);
    assert.deepEqual(first, second);
  });

  it("are sent for calls that change something, each with its record, and not for those that were refused", async () => {
    const { KeyId } = await newKey(kms);
    await assertRefused(kms.disableKey({ KeyId: "absent" }), "NotFoundException");
    await kms.disableKey({ KeyId });
    const [event] = await receiver.events("/calls", 1);
    assert.equal(event?.source, "aws.kms");
    const [record, ...more] = await world.records.where(
      ({ eventName, requestParameters }) => eventName === "DisableKey" && requestParameters?.["keyId"] === KeyId,
    );
    assert.deepEqual(more, []);
    assert.deepEqual(event?.detail, JSON.parse(JSON.stringify(record)));
  });
});

describe("rules and targets", () => {
  it("are described, listed, switched and removed", async () => {
    const EventPattern = '{"source":["mine"]}';
    const { RuleArn } = await events.putRule({ Name: "life", EventPattern, Description: "d", State: "DISABLED" });
    assert.equal(RuleArn, `arn:aws:events:${REGION}:${ACCOUNT}:rule/life`);
    const described = { Name: "life", Arn: RuleArn, EventPattern, Description: "d", EventBusName: "default" };
    const shown = membersOf(await events.describeRule({ Name: "life" }));
    assert.deepEqual(shown, { ...described, State: "DISABLED", CreatedBy: ACCOUNT });
    await events.enableRule({ Name: "life" });
    assert.deepEqual((await events.listRules({ NamePrefix: "li" })).Rules, [{ ...described, State: "ENABLED" }]);
    const page = await events.listRules({ Limit: 1 });
    const rest = await events.listRules({ NextToken: page.NextToken });
    assert.deepEqual(
      [...present(page.Rules), ...present(rest.Rules)].map(({ Name }) => Name),
      ["calls", "kms", "life"],
    );

    assert.deepEqual((await events.listTagsForResource({ ResourceARN: RuleArn })).Tags, []);
    const bus = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default`;
    assert.deepEqual(membersOf(await events.describeEventBus({})), { Name: "default", Arn: bus });
    assert.deepEqual((await events.listTagsForResource({ ResourceARN: bus })).Tags, []);
    const target = { Id: "a", Arn: arnOf("x"), InputPath: "$.detail" };
    await events.putTargets({ Rule: "life", Targets: [target] });
    assert.deepEqual((await events.listTargetsByRule({ Rule: "life" })).Targets, [target]);
    await assertRefused(
      events.deleteRule({ Name: "life" }),
      "ValidationException",
      "Rule can't be deleted since it has targets.",
    );
    await events.removeTargets({ Rule: "life", Ids: ["a", "absent"] });
    await events.deleteRule({ Name: "life" });
    await assertRefused(
      events.describeRule({ Name: "life" }),
      "ResourceNotFoundException",
      "Rule life does not exist on EventBus default.",
    );
    await assertRefused(
      events.listTagsForResource({ ResourceARN: RuleArn }),
      "ResourceNotFoundException",
      "Rule life does not exist on EventBus default.",
    );
  });

  it("take what callers send, as their inputs say, while they are on", async () => {
    await events.putRule({ Name: "own", EventPattern: '{"source":["mine"]}' });
    const Targets = [
      { Id: "whole", Arn: arnOf("a") },
      { Id: "part", Arn: arnOf("b"), InputPath: "$.detail.n" },
      { Id: "constant", Arn: arnOf("c"), Input: '{"c":1}' },
      {
        Id: "made",
        Arn: arnOf("d"),
        InputTransformer: {
          InputPathsMap: { n: "$.detail.n", s: "$.source" },
          InputTemplate: '{"n":<n>,"t":"<s>!","r":<aws.events.rule-name>}',
        },
      },
      { Id: "envelope", Arn: arnOf("e"), InputTransformer: { InputTemplate: "<aws.events.event>" } },
    ];
    await events.putTargets({ Rule: "own", Targets });
    const entry = { Source: "mine", DetailType: "Mine", Detail: '{"n": 7}', Resources: ["r"] };
    const { Entries: [sent, ...failed] = [], FailedEntryCount } = await events.putEvents({
      Entries: [entry, { ...entry, Source: "aws.kms" }, { ...entry, Detail: "7" }, { Source: "mine", Detail: "{}" }],
    });
    assert.equal(FailedEntryCount, 3);
    assert.deepEqual(
      failed.map(({ ErrorCode }) => ErrorCode),
      ["NotAuthorizedForSourceException", "MalformedDetail", "InvalidArgument"],
    );
    await receiver.events("/prefix", 5);
    const [whole, envelope, ...bodies] = receiver
      .taken("/prefix")
      .toSorted((left, right) => right.length - left.length);
    assert.deepEqual(bodies.toSorted(), ["7", '{"c":1}', '{"n":7,"t":"mine!","r":"own"}']);
    const { id, detail, "detail-type": detailType, ...others } = JSON.parse(present(whole)) as ReceivedEvent;
    assert.deepEqual([id, detail], [sent?.EventId, { n: 7 }]);
    assert.deepEqual(JSON.parse(present(envelope)), { id, detailType, ...others });

    await events.disableRule({ Name: "own" });
    await events.putEvents({ Entries: [{ ...entry, Detail: '{"n": "off"}' }] });
    await events.enableRule({ Name: "own" });
    await events.putEvents({ Entries: [{ ...entry, Detail: '{"n": "on"}' }] });
    await receiver.events("/prefix", 10);
    assert.ok(!receiver.taken("/prefix").includes('"off"'));
  });

  it("are refused where they could not take effect", async () => {
    const EventPattern = "{}";
    for (const { call, code, message } of [
      { call: () => events.putRule({ Name: "x" }), code: "ValidationException" },
      { call: () => events.putRule({ Name: "x", EventPattern }), code: "InvalidEventPatternException" },
      {
        call: () => events.putRule({ Name: "x", ScheduleExpression: "rate(1 day)" }),
        code: "UnsupportedOperationException",
      },
      { call: () => events.describeRule({ Name: "x", EventBusName: "other" }), code: "ResourceNotFoundException" },
      {
        call: () => events.describeEventBus({ Name: "other" }),
        code: "ResourceNotFoundException",
        message: "Event bus other does not exist.",
      },
      { call: () => events.enableRule({ Name: "absent" }), code: "ResourceNotFoundException" },
      {
        call: () => events.putEvents({ Entries: [] }),
        code: "ValidationException",
        message:
          "1 validation error detected: Value '[]' at 'entries' failed to satisfy constraint: Member must have length greater than or equal to 1",
      },
      {
        call: () => events.putTargets({ Rule: "absent", Targets: [{ Id: "a", Arn: arnOf("a") }] }),
        code: "ResourceNotFoundException",
      },
      {
        call: () => events.putTargets({ Rule: "kms", Targets: [{ Id: "a", Arn: "nowhere" }] }),
        code: "ValidationException",
      },
      ...[
        {
          input: { Input: "env:dev" },
          message: 'JSON syntax error in input for target a: [Source: (String)"env:dev"; line: 1, column: 4]',
        },
        {
          input: { Input: "{}", InputPath: "$.detail" },
          message: "Only one of Input, InputPath, or InputTransformer must be provided for target a.",
        },
        {
          input: {
            InputTransformer: { InputPathsMap: { a: "$.id" }, InputTemplate: '"<a> <aws.events.rule-name> <b>"' },
          },
          message: "InputTemplate for target a contains invalid placeholder b.",
        },
      ].map(({ input, message }) => ({
        call: () => events.putTargets({ Rule: "kms", Targets: [{ Id: "a", Arn: arnOf("a"), ...input }] }),
        code: "ValidationException",
        message,
      })),
      {
        call: () =>
          events.putTargets({ Rule: "kms", Targets: [{ Id: "a", Arn: arnOf("a").replace(ACCOUNT, "444455556666") }] }),
        code: "UnsupportedOperationException",
      },
      {
        call: () =>
          events.putTargets({
            Rule: "kms",
            Targets: Array.from({ length: 6 }, (_, n) => ({ Id: `${n}`, Arn: arnOf("a") })),
          }),
        code: "LimitExceededException",
      },
    ] as readonly { call(): Promise<object>; code: string; message?: string }[]) {
      await assertRefused(call(), code, message);
    }
    const event = {
      id: "1",
      account: ACCOUNT,
      source: "s",
      time: "2031-01-01T00:00:00Z",
      region: REGION,
      "detail-type": "t",
    };
    const asked = { EventPattern: '{"source":["s"]}', Event: JSON.stringify(event) };
    assert.equal((await events.testEventPattern(asked)).Result, true);
    assert.equal((await events.testEventPattern({ ...asked, EventPattern: '{"source":["t"]}' })).Result, false);
    await assertRefused(events.testEventPattern({ ...asked, Event: "{}" }), "ValidationException");
  });

  it("are the account's own, and who may not touch them is refused", async () => {
    const { otherCredentials, server } = world;
    const settings = { endpoint: server.endpoint, region: REGION, maxAttempts: 1 };
    const stranger = new EventBridge({ ...settings, credentials: otherCredentials });
    assert.deepEqual((await stranger.listRules({})).Rules, []);
    const bus = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default`;
    const entry = { Source: "mine", DetailType: "t", Detail: "{}" };
    await assertRefused(stranger.putEvents({ Entries: [{ ...entry, EventBusName: bus }] }), "AccessDeniedException");
    const { Entries } = await events.putEvents({ Entries: [{ ...entry, EventBusName: "none" }] });
    assert.equal(Entries?.[0]?.ErrorCode, "ResourceNotFoundException");

    const iam = new IAM({ ...settings, credentials: server.credentials });
    await iam.createUser({ UserName: "ruler" });
    const rules = `arn:aws:events:${REGION}:${ACCOUNT}:rule/own*`;
    const Statement = [{ Effect: "Allow", Action: "events:DescribeRule", Resource: rules }];
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    await iam.putUserPolicy({ UserName: "ruler", PolicyName: "p", PolicyDocument });
    const { AccessKey } = await iam.createAccessKey({ UserName: "ruler" });
    const { AccessKeyId = "", SecretAccessKey = "" } = present(AccessKey);
    const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };
    const ruler = new EventBridge({ ...settings, credentials });
    assert.equal((await ruler.describeRule({ Name: "own" })).Name, "own");
    for (const call of [
      () => ruler.describeRule({ Name: "kms" }),
      () => ruler.disableRule({ Name: "own" }),
      () => ruler.listRules({}),
    ]) {
      await assertRefused(call(), "AccessDeniedException");
    }
    for (const client of [stranger, ruler, iam]) client.destroy();
  });
});
