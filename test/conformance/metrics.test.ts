/** CloudWatch: the metrics of KMS, and alarms on them, by the SDK (RPC v2 CBOR), JSON and the query protocol. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { CloudWatch, type PutMetricAlarmCommandInput } from "@aws-sdk/client-cloudwatch";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { send, sign } from "../faults/signed-requests.ts";
import { importInto, newExternalKey, randomMaterial } from "../key-material.ts";
import {
  ACCOUNT,
  assertRefused,
  bytes,
  type Metadata,
  newKey,
  present,
  REGION,
  refusalOf,
  startWorld,
} from "../kms-client.ts";
import { startReceiver } from "../signals/receiver.ts";

const receiver = await startReceiver();
const topic = `arn:aws:sns:${REGION}:${ACCOUNT}:operators`;
const queue = `arn:aws:sqs:${REGION}:${ACCOUNT}:alarms`;
const world = await startWorld([
  ...["--event-target", `${topic}=${receiver.url}/topic`],
  ...["--event-target", `${queue}=${receiver.url}/queue`],
]);
const settings = {
  endpoint: world.server.endpoint,
  region: REGION,
  credentials: world.server.credentials,
  maxAttempts: 1,
};
const watch = new CloudWatch(settings);
const events = new EventBridge(settings);
after(async () => {
  watch.destroy();
  events.destroy();
  await world.stop();
  await receiver[Symbol.asyncDispose]();
});
const { kms } = world;
const { clock } = world.server;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const EXPIRATION = "SecondsUntilKeyMaterialExpiration";
const metric = (MetricName: string, dimensions: Readonly<Record<string, string>>) => ({
  Namespace: "AWS/KMS",
  MetricName,
  Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
});

/** A key whose imported material expires in so many hours. */
async function expiringKey(hours: number): Promise<Metadata & { readonly validTo: number }> {
  const key = await newExternalKey(kms);
  const ValidTo = new Date(Math.floor((await clock.now()).getTime() / 1000) * 1000 + hours * HOUR_MS);
  await importInto(kms, key.KeyId, randomMaterial(32), { ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo });
  return { ...key, validTo: ValidTo.getTime() };
}

/** The minimum in each period since so many hours ago, the oldest first. */
async function minimums(keyId: string, { hours = 24, Period = 60, MetricName = EXPIRATION } = {}) {
  const now = (await clock.now()).getTime();
  const { Datapoints = [] } = await watch.getMetricStatistics({
    ...metric(MetricName, { KeyId: keyId }),
    StartTime: new Date(now - hours * HOUR_MS),
    EndTime: new Date(now + 1),
    Period,
    Statistics: ["Minimum"],
  });
  return Datapoints.map(({ Timestamp, Minimum, Unit }) => {
    assert.equal(Unit, "Seconds");
    return { at: present(Timestamp).getTime(), value: present(Minimum) };
  });
}

/** Moves the clock to where a minute begins, so that no other begins soon. */
async function nextMinute(): Promise<void> {
  await clock.set(new Date(Math.ceil((await clock.now()).getTime() / MINUTE_MS) * MINUTE_MS));
}

async function listed(filter: Parameters<typeof watch.listMetrics>[0] = {}) {
  return present((await watch.listMetrics({ Namespace: "AWS/KMS", ...filter })).Metrics);
}

describe("the metric of material that expires", () => {
  it("S05-058, S02-026: is there for keys whose material expires and no others, and falls as time passes", async () => {
    const expiring = await expiringKey(100);
    const lasting = await newExternalKey(kms);
    await importInto(kms, lasting.KeyId, randomMaterial(32));
    const plain = await newKey(kms);
    await clock.advance("PT3H");
    const names = (await listed({ MetricName: EXPIRATION })).map(({ Dimensions }) => Dimensions);
    assert.deepEqual(names, [[{ Name: "KeyId", Value: expiring.KeyId }]]);
    const points = await minimums(expiring.KeyId, { Period: 3600 });
    assert.ok(points.length >= 3, String(points.length));
    for (const { at, value } of await minimums(expiring.KeyId)) assert.equal(value, (expiring.validTo - at) / 1000);
    const values = points.map(({ value }) => value);
    assert.deepEqual(
      values,
      values.toSorted((left, right) => right - left),
    );
    for (const { KeyId } of [lasting, plain]) assert.deepEqual(await minimums(KeyId), []);
    assert.deepEqual(
      await minimums(expiring.KeyId, { MetricName: "SecondsUntilKeyMaterialExpires" }),
      await minimums(expiring.KeyId),
    );
    await kms.deleteImportedKeyMaterial({ KeyId: expiring.KeyId });
    assert.deepEqual(await listed({ MetricName: EXPIRATION }), []);
  });

  it("S05-058: can be watched by an alarm, whose change is an event, an action and history", async () => {
    await events.putRule({ Name: "alarms", EventPattern: '{"source":["aws.cloudwatch"]}' });
    await events.putTargets({ Rule: "alarms", Targets: [{ Id: "q", Arn: queue }] });
    const { KeyId } = await expiringKey(10);
    const alarm = {
      ...metric(EXPIRATION, { KeyId }),
      AlarmName: "expiry",
      AlarmDescription: "soon",
      AlarmActions: [topic],
      Statistic: "Minimum",
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 5 * 3600,
      ComparisonOperator: "LessThanThreshold",
    } as const satisfies PutMetricAlarmCommandInput;
    await watch.putMetricAlarm(alarm);
    const state = async () => present((await watch.describeAlarms({ AlarmNames: ["expiry"] })).MetricAlarms?.[0]);
    const { StateValue, AlarmArn } = await state();
    assert.deepEqual(
      [StateValue, AlarmArn],
      ["INSUFFICIENT_DATA", `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:expiry`],
    );
    await clock.advance("PT1H");
    assert.equal((await state()).StateValue, "OK");
    await clock.advance("PT5H");
    const { StateReason, StateReasonData, ...shown } = await state();
    assert.equal(shown.StateValue, "ALARM");
    assert.match(
      String(StateReason),
      /^Threshold Crossed: 1 datapoint \[\d+\.0 \(\d\d\/\d\d\/\d\d \d\d:\d\d:\d\d\)\] was less than the threshold \(18000\.0\)\.$/,
    );
    const { queryDate, startDate, recentDatapoints, evaluatedDatapoints, ...data } = JSON.parse(
      String(StateReasonData),
    );
    assert.deepEqual(data, { version: "1.0", statistic: "Minimum", period: 60, threshold: 18_000 });
    const point = { timestamp: startDate, sampleCount: 1, value: recentDatapoints[0] };
    assert.deepEqual([evaluatedDatapoints, queryDate > startDate], [[point], true]);
    for (const [name, value] of Object.entries(alarm)) assert.deepEqual(shown[name as keyof typeof shown], value, name);

    const changes = await receiver.events("/queue", 2);
    assert.deepEqual(
      changes.map(({ detail }) =>
        [detail["previousState"], detail["state"]].map((each) => (each as { value: string }).value),
      ),
      [
        ["INSUFFICIENT_DATA", "OK"],
        ["OK", "ALARM"],
      ],
    );
    assert.equal(changes[1]?.["detail-type"], "CloudWatch Alarm State Change");
    assert.deepEqual(changes[1]?.resources, [AlarmArn]);
    await receiver.events("/topic", 1);
    const message = JSON.parse(present(receiver.taken("/topic")[0])) as Record<string, unknown>;
    assert.deepEqual(
      [message["AlarmName"], message["OldStateValue"], message["NewStateValue"], message["Region"]],
      ["expiry", "OK", "ALARM", "US East (N. Virginia)"],
    );
    assert.deepEqual(message["Trigger"], {
      MetricName: EXPIRATION,
      Namespace: "AWS/KMS",
      StatisticType: "Statistic",
      Statistic: "MINIMUM",
      Unit: null,
      Dimensions: [{ name: "KeyId", value: KeyId }],
      Period: 60,
      EvaluationPeriods: 1,
      ComparisonOperator: "LessThanThreshold",
      Threshold: 18_000,
      TreatMissingData: "",
      EvaluateLowSampleCountPercentile: "",
    });

    await clock.advance("PT5H");
    const { StateValue: last, StateReasonData: unknown } = await state();
    const { startDate: none, evaluatedDatapoints: periods } = JSON.parse(String(unknown));
    assert.deepEqual([last, none, Object.keys(periods[0])], ["INSUFFICIENT_DATA", undefined, ["timestamp"]]);
    const { AlarmHistoryItems = [] } = await watch.describeAlarmHistory({ AlarmName: "expiry" });
    assert.deepEqual(
      AlarmHistoryItems.map(({ HistorySummary }) => HistorySummary),
      [
        "Alarm updated from ALARM to INSUFFICIENT_DATA",
        "Alarm updated from OK to ALARM",
        "Alarm updated from INSUFFICIENT_DATA to OK",
        'Alarm "expiry" created',
      ],
    );
  });
});

describe("metrics", () => {
  it("S02-025: are listed with the dimensions of the guide, and counted by key and operation", async () => {
    const { KeyId, Arn } = await newKey(kms);
    const { Arn: other } = await newKey(kms);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes(8) });
    await kms.encrypt({ KeyId, Plaintext: bytes(8) });
    await kms.reEncrypt({ CiphertextBlob, DestinationKeyId: other });
    await assertRefused(kms.encrypt({ KeyId, Plaintext: bytes(5000) }), "ValidationException");
    await kms.describeKey({ KeyId });
    const names = (await listed({ MetricName: "SuccessfulRequest" })).map(({ Dimensions }) => Dimensions);
    const byKey = [
      { Name: "KeyArn", Value: Arn },
      { Name: "Operation", Value: "Encrypt" },
    ];
    const pair = [
      { Name: "SourceKeyArn", Value: Arn },
      { Name: "DestinationKeyArn", Value: other },
      { Name: "Operation", Value: "ReEncrypt" },
    ];
    assert.deepEqual(
      new Set(names.map((each) => JSON.stringify(each))),
      new Set([byKey, pair].map((each) => JSON.stringify(each))),
    );
    const now = (await clock.now()).getTime();
    const { MetricDataResults = [] } = await watch.getMetricData({
      StartTime: new Date(now - HOUR_MS),
      EndTime: new Date(now + 60_000),
      MetricDataQueries: [
        {
          Id: "uses",
          MetricStat: {
            Metric: metric("SuccessfulRequest", { Operation: "Encrypt", KeyArn: Arn }),
            Period: 86_400,
            Stat: "Sum",
          },
        },
        {
          Id: "none",
          MetricStat: { Metric: metric("XksProxyErrors", { CustomKeyStoreId: "x" }), Period: 60, Stat: "Sum" },
        },
      ],
    });
    assert.deepEqual(
      MetricDataResults.map(({ Id, Values, StatusCode, Label }) => ({ Id, Values, StatusCode, Label })),
      [
        { Id: "uses", Values: [2], StatusCode: "Complete", Label: "SuccessfulRequest" },
        { Id: "none", Values: [], StatusCode: "Complete", Label: "XksProxyErrors" },
      ],
    );
    const one = { Metric: metric("SuccessfulRequest", { KeyArn: Arn }), Period: 60, Stat: "Sum" };
    const queries = [one, { ...one, Stat: "Minimum", Period: 30 }];
    const { MetricDataResults: same = [] } = await watch.getMetricData({
      StartTime: new Date(0),
      EndTime: new Date(HOUR_MS),
      MetricDataQueries: queries.map((MetricStat, index) => ({ Id: `q${index}`, MetricStat })),
    });
    assert.deepEqual(
      same.map(({ Label }) => Label),
      ["SuccessfulRequest Sum 60", "SuccessfulRequest Minimum 30"],
    );
    assert.deepEqual(await listed({ Namespace: "AWS/EC2" }), []);
    assert.deepEqual(await listed({ Dimensions: [{ Name: "KeyArn", Value: other }] }), []);
  });

  it("are refused in ranges and statistics that are none", async () => {
    const ask = {
      ...metric(EXPIRATION, { KeyId: "k" }),
      StartTime: new Date(0),
      EndTime: new Date(HOUR_MS),
      Period: 60,
    };
    const query = { Id: "a", MetricStat: { Metric: metric(EXPIRATION, {}), Period: 60, Stat: "Sum" } };
    const span = { StartTime: new Date(0), EndTime: new Date(HOUR_MS) };
    for (const { call, code, message } of [
      { call: () => watch.getMetricStatistics(ask), code: "MissingRequiredParameterException" },
      {
        call: () => watch.getMetricStatistics({ ...ask, ExtendedStatistics: ["p99"] }),
        code: "UnsupportedOperationException",
      },
      {
        call: () => watch.getMetricStatistics({ ...ask, Statistics: ["Sum"], Period: 61 }),
        code: "InvalidParameterValueException",
      },
      {
        call: () => watch.getMetricStatistics({ ...ask, Statistics: ["Sum"], EndTime: new Date(0) }),
        code: "InvalidParameterCombinationException",
      },
      {
        call: () => watch.getMetricStatistics({ ...ask, Statistics: ["Sum"], EndTime: new Date(1e9) }),
        code: "InvalidParameterCombinationException",
        message:
          "You have requested up to 16666 datapoints, which exceeds the limit of 1440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
      },
      { call: () => watch.getMetricData({ ...span, MetricDataQueries: [query, query] }), code: "ValidationException" },
      {
        call: () => watch.getMetricData({ ...span, EndTime: new Date(999), MetricDataQueries: [query] }),
        code: "ValidationException",
        message: "The parameter StartTime must not equal parameter EndTime.",
      },
      {
        call: () => watch.getMetricData({ StartTime: span.EndTime, EndTime: new Date(0), MetricDataQueries: [query] }),
        code: "ValidationException",
        message: "The parameter EndTime must be greater than StartTime.",
      },
      {
        call: () => watch.getMetricData({ ...span, MetricDataQueries: [{ Id: "a", Expression: "1" }] }),
        code: "UnsupportedOperationException",
      },
      { call: () => watch.listMetrics({ NextToken: "forged" }), code: "InvalidNextToken" },
    ]) {
      await assertRefused(call(), code, message);
    }
  });
});

describe("alarms", () => {
  const alarm = {
    ...metric("SuccessfulRequest", { KeyArn: "a" }),
    Statistic: "Sum",
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: "GreaterThanThreshold",
    TreatMissingData: "notBreaching",
  } as const;

  it("are set by hand until they are evaluated next, and removed", async () => {
    await watch.putMetricAlarm({ ...alarm, AlarmName: "by-hand", ActionsEnabled: false, OKActions: [topic] });
    await nextMinute(); // they are evaluated once in each
    await watch.setAlarmState({ AlarmName: "by-hand", StateValue: "ALARM", StateReason: "a test" });
    const state = async () => (await watch.describeAlarms({ AlarmNamePrefix: "by-" })).MetricAlarms?.[0]?.StateValue;
    assert.equal(await state(), "ALARM");
    assert.equal((await watch.describeAlarms({ StateValue: "ALARM" })).MetricAlarms?.length, 1);
    await clock.advance("PT2M");
    assert.equal(await state(), "OK");
    assert.equal(receiver.taken("/topic").length, 1);
    await watch.deleteAlarms({ AlarmNames: ["by-hand", "absent"] });
    assert.equal(await state(), undefined);
    const absent = { AlarmName: "absent", StateValue: "OK", StateReason: "" } as const;
    const { name, status } = await refusalOf(watch.setAlarmState(absent));
    assert.deepEqual([name, status], ["ResourceNotFound", 404]);
  });

  const query = {
    Id: "q1",
    Label: "uses",
    Expression: `SELECT SUM(SuccessfulRequest) FROM "AWS/KMS" WHERE Operation != 'Decrypt'`,
    Period: 60,
  };
  const onQuery = {
    ...{ Namespace: undefined, MetricName: undefined, Dimensions: undefined, Statistic: undefined, Period: undefined },
    Metrics: [query],
  };

  it("watch what a query of Metrics Insights comes to, and tell of it as such", async () => {
    const AlarmName = "queried";
    await events.putRule({ Name: AlarmName, EventPattern: '{"detail":{"alarmName":["queried"]}}' });
    await events.putTargets({ Rule: AlarmName, Targets: [{ Id: "q", Arn: queue }] });
    await watch.putMetricAlarm({ ...alarm, ...onQuery, AlarmName, AlarmActions: [topic] });
    const Metrics = [{ ...query, ReturnData: true }];
    const [shown] = present((await watch.describeAlarms({ AlarmNames: [AlarmName] })).MetricAlarms);
    assert.deepEqual([shown?.Metrics, shown?.MetricName, shown?.Dimensions], [Metrics, undefined, []]);
    await watch.setAlarmState({ AlarmName, StateValue: "ALARM", StateReason: "a test" });
    const [change] = await receiver.events("/queue", 1, ({ detail }) => detail["alarmName"] === AlarmName);
    const { Id: id, Label: label, Expression: expression, Period: period } = query;
    const metrics = [{ id, label, expression, period, returnData: true }];
    assert.deepEqual(change?.detail["configuration"], { metrics });
    const isOf = (message: object) => "AlarmName" in message && message.AlarmName === AlarmName;
    const [told] = (await receiver.events("/topic", 1, isOf)) as unknown as readonly { readonly Trigger: object }[];
    assert.deepEqual(told?.Trigger, {
      ...{ Period: 60, Metrics, EvaluationPeriods: 1, ComparisonOperator: "GreaterThanThreshold", Threshold: 1 },
      ...{ TreatMissingData: "notBreaching", EvaluateLowSampleCountPercentile: "" },
    });
    await watch.deleteAlarms({ AlarmNames: [AlarmName] });
  });

  it("watch 200 queries in a Region, and may be put again then", async () => {
    const there = new CloudWatch({ ...settings, region: "eu-west-3" });
    const put = (number: number) => there.putMetricAlarm({ ...alarm, ...onQuery, AlarmName: `queried-${number}` });
    await Promise.all(Array.from({ length: 200 }, (_, number) => put(number)));
    await put(0);
    assert.equal((await refusalOf(put(200))).name, "LimitExceededFault");
    await there.putMetricAlarm({ ...alarm, AlarmName: "on a metric" });
    there.destroy();
  });

  it("may have one of the short periods", async () => {
    for (const Period of [10, 20, 30]) {
      await watch.putMetricAlarm({ ...alarm, AlarmName: "short", Namespace: "mine", MetricName: "own", Period });
      assert.equal((await watch.describeAlarms({ AlarmNames: ["short"] })).MetricAlarms?.[0]?.Period, Period);
    }
    const ResourceARN = `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:short`;
    assert.deepEqual((await watch.listTagsForResource({ ResourceARN })).Tags, []);
    await watch.deleteAlarms({ AlarmNames: ["short"] });
    const { name, status } = await refusalOf(watch.listTagsForResource({ ResourceARN }));
    assert.deepEqual([name, status], ["ResourceNotFoundException", 404]);
  });

  it("are refused where they contradict themselves or would not take effect", async () => {
    const AlarmName = "refused";
    const across = "Metrics cannot be checked across more than";
    const option = "Option perhaps is not supported. Supported options for parameter";
    for (const { change, code, message } of [
      { change: { Period: 61 }, code: "ValidationException" },
      ...[
        {
          change: { EvaluationPeriods: 1441 },
          message: `${across} a day (EvaluationPeriods * Period must be <= 86400) for alarms using period < 3600`,
        },
        {
          change: { EvaluationPeriods: 8, Period: 86_400 },
          message: `${across} a week (EvaluationPeriods * Period must be <= 604800) for alarms using period >= 3600`,
        },
        {
          change: { DatapointsToAlarm: 2 },
          message: "DatapointsToAlarm must be less than or equal to EvaluationPeriods",
        },
        {
          change: { EvaluateLowSampleCountPercentile: "perhaps" },
          message: `${option} EvaluateLowSampleCountPercentile are evaluate and ignore.`,
        },
        {
          change: { TreatMissingData: "perhaps" },
          message: `${option} TreatMissingData are breaching, notBreaching, ignore and missing.`,
        },
      ].map((one) => ({ ...one, code: "ValidationException" })),
      { change: { Statistic: undefined }, code: "ValidationException" },
      { change: { ComparisonOperator: "LessThanLowerThreshold" }, code: "UnsupportedOperationException" },
      { change: { AlarmActions: [topic.replace(ACCOUNT, "444455556666")] }, code: "UnsupportedOperationException" },
      { change: { ExtendedStatistic: "p99" }, code: "UnsupportedOperationException" },
      { change: { Metrics: [query] }, code: "ValidationException" },
      { change: { ...onQuery, Metrics: [{ ...query, Id: "Q" }] }, code: "ValidationException" },
      { change: { ...onQuery, Metrics: [{ ...query, Period: undefined }] }, code: "ValidationException" },
      { change: { ...onQuery, Metrics: [{ ...query, Period: 90 }] }, code: "ValidationException" },
      { change: { ...onQuery, Metrics: [{ ...query, ReturnData: false }] }, code: "ValidationException" },
      { change: { ...onQuery, Metrics: [{ ...query, Expression: "SELECT 1" }] }, code: "ValidationException" },
      { change: { ...onQuery, Metrics: [{ ...query, Expression: "m1 + m2" }] }, code: "UnsupportedOperationException" },
      {
        change: { ...onQuery, Metrics: [query, { ...query, Id: "q2" }] },
        code: "UnsupportedOperationException",
      },
    ]) {
      const input = { ...alarm, AlarmName, ...change } as PutMetricAlarmCommandInput;
      await assertRefused(watch.putMetricAlarm(input), code, message);
    }
    assert.deepEqual((await watch.describeAlarms({ AlarmNames: [AlarmName] })).MetricAlarms, []);
  });

  it("are for those who may touch them", async () => {
    const iam = new IAM(settings);
    await iam.createUser({ UserName: "watcher" });
    const Resource = `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:w-*`;
    const Statement = [{ Effect: "Allow", Action: "cloudwatch:PutMetricAlarm", Resource }];
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    await iam.putUserPolicy({ UserName: "watcher", PolicyName: "p", PolicyDocument });
    const { AccessKeyId = "", SecretAccessKey = "" } = present(
      (await iam.createAccessKey({ UserName: "watcher" })).AccessKey,
    );
    const watcher = new CloudWatch({
      ...settings,
      credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey },
    });
    await watcher.putMetricAlarm({ ...alarm, AlarmName: "w-1" });
    for (const call of [
      () => watcher.putMetricAlarm({ ...alarm, AlarmName: "x" }),
      () => watcher.describeAlarms({}),
      () => watcher.listMetrics({}),
    ]) {
      await assertRefused(call(), "AccessDenied");
    }
    watcher.destroy();
    iam.destroy();
  });
});

describe("the other protocols of CloudWatch", () => {
  const ask = async (headers: Readonly<Record<string, string>>, body: string) => {
    const draft = { headers, body };
    const signed = await sign(world.server, draft, { region: REGION, service: "monitoring" });
    const answer = await send(world.server.endpoint, signed);
    return { ...answer, text: answer.body.toString("utf8") };
  };
  const json = (operation: string, input: object) =>
    ask(
      { "content-type": "application/x-amz-json-1.0", "x-amz-target": `GraniteServiceVersion20100801.${operation}` },
      JSON.stringify(input),
    );
  const query = (parameters: Readonly<Record<string, string>>) =>
    ask(
      { "content-type": "application/x-www-form-urlencoded" },
      new URLSearchParams({ Version: "2010-08-01", ...parameters }).toString(),
    );

  it("answer the same in JSON and XML, errors too", async () => {
    const { text } = await json("ListMetrics", { MetricName: "SuccessfulRequest" });
    assert.equal((JSON.parse(text) as { Metrics: object[] }).Metrics.length, 2);
    const xml = (await query({ Action: "ListMetrics", MetricName: "SuccessfulRequest" })).text;
    assert.equal(xml.match(/<MetricName>SuccessfulRequest<\/MetricName>/g)?.length, 2);
    assert.match(
      xml,
      /^<ListMetricsResponse xmlns="http:\/\/monitoring\.amazonaws\.com\/doc\/2010-08-01\/"><ListMetricsResult>/,
    );

    const absent = { AlarmName: "absent", StateValue: "OK", StateReason: "r" };
    const refusedJson = await json("SetAlarmState", absent);
    assert.deepEqual([refusedJson.status, JSON.parse(refusedJson.text)], [404, { __type: "ResourceNotFound" }]);
    assert.equal(refusedJson.headers["x-amzn-query-error"], "ResourceNotFound;Sender");
    const refusedXml = await query({ Action: "SetAlarmState", ...absent });
    assert.equal(refusedXml.status, 404);
    assert.match(refusedXml.text, /<Code>ResourceNotFound<\/Code>/);
    const invalid = await query({ Action: "SetAlarmState", ...absent, StateValue: "GOOD" });
    assert.match(invalid.text, /<Code>ValidationError<\/Code>/);
    assert.match(invalid.text, /enum value set: \[INSUFFICIENT_DATA, ALARM, OK\]/);
  });
});

describe("/metrics", () => {
  it("tells Prometheus of requests by operation and outcome, of what waits, and of no account or key", async () => {
    const { KeyId } = await newKey(kms);
    await assertRefused(kms.enableKeyRotation({ KeyId: `${KeyId}0` }), "NotFoundException");
    await assert.rejects(
      new CloudWatch({ ...settings, credentials: { accessKeyId: "AKIANOBODY", secretAccessKey: "x" } }).listMetrics({}),
    );
    const response = await fetch(`${world.server.endpoint}/metrics`);
    assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const text = await response.text();
    for (const expected of [
      /^keystead_requests_total\{service="kms",operation="CreateKey",code="OK"\} \d+$/m,
      /^keystead_requests_total\{service="kms",operation="EnableKeyRotation",code="NotFoundException"\} 1$/m,
      /^keystead_requests_total\{service="monitoring",operation="ListMetrics",code="UnrecognizedClientException"\} 1$/m,
      /^keystead_request_duration_seconds_bucket\{service="kms",operation="CreateKey",le="\+Inf"\} \d+$/m,
      /^keystead_keys [1-9]\d*$/m,
      /^keystead_audit_outbox_records \d+$/m,
      /^keystead_due_work_overdue_seconds [\d.]+$/m,
      /^keystead_destructive_work_wait_seconds 0$/m,
      /^keystead_event_deliveries_waiting \d+$/m,
    ]) {
      assert.match(text, expected);
    }
    assert.ok(!text.includes(ACCOUNT) && !text.includes(KeyId));
  });
});

describe("the record that the guide's alarm on keys pending deletion matches", () => {
  it("S02-033: comes of an attempt to use such a key, and not of what is allowed in that state", async () => {
    const { KeyId } = await newKey(kms);
    await kms.scheduleKeyDeletion({ KeyId });
    const { requestId } = await refusalOf(kms.encrypt({ KeyId, Plaintext: bytes(1) }));
    await kms.listKeys({});
    const { Policy } = await kms.getKeyPolicy({ KeyId });
    await kms.putKeyPolicy({ KeyId, Policy });
    await kms.cancelKeyDeletion({ KeyId });
    // { $.eventSource = kms* && $.errorMessage = "* is pending deletion."}
    const matched = await world.records.where(
      ({ eventSource, errorMessage = "" }) =>
        eventSource.startsWith("kms") && errorMessage.endsWith(" is pending deletion."),
    );
    assert.deepEqual(
      matched.map(({ eventName, requestID }) => ({ eventName, requestID })),
      [{ eventName: "Encrypt", requestID: requestId }],
    );
  });
});
