/** What CloudWatch shows of external key stores, and the alarms on it that the guide recommends (spec 06, Monitoring). */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { CloudWatch, type PutMetricAlarmCommandInput } from "@aws-sdk/client-cloudwatch";
import { assertRefused, bytes, present, REGION } from "../kms-client.ts";
import { PROXY_CREDENTIAL } from "../xks-proxy.ts";
import { startKeyStoreWorld } from "./key-store-world.ts";

const world = await startKeyStoreWorld({ countsForCloudWatch: true });
const { kms, proxy, held } = world;
const meter = held.parts.signals.keyStoreMeter;
const watch = new CloudWatch({ ...held.address, region: REGION, maxAttempts: 1 });
after(async () => {
  watch.destroy();
  await world[Symbol.asyncDispose]();
});

const Namespace = "AWS/KMS";
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const CustomKeyStoreId = await world.newConnected(kms, { name: "watched" });
const KeyId = await world.newKey(kms, CustomKeyStoreId, "key-1");
const encrypt = () => kms.encrypt({ KeyId, Plaintext: bytes(1) });

/** Encrypts while the proxy answers an error, so many times. */
async function failing(errorName: string, status: number, times: number): Promise<void> {
  proxy.disturb = () => ({ status, body: { errorName } });
  for (let time = 0; time < times; time += 1) await assertRefused(encrypt(), "KMSInvalidStateException");
  proxy.disturb = undefined;
}

/** The sum, or another statistic, of each series of a metric in the last hour, by the values of dimensions. */
async function shown(MetricName: string, names: readonly string[], Stat: "Sum" | "SampleCount" = "Sum") {
  const { Metrics = [] } = await watch.listMetrics({ Namespace, MetricName });
  const found: Record<string, number> = {};
  for (const Metric of Metrics) {
    const dimensions = new Map(present(Metric.Dimensions).map(({ Name, Value }) => [Name, Value]));
    const { MetricDataResults = [] } = await watch.getMetricData({
      MetricDataQueries: [{ Id: "m", MetricStat: { Metric, Period: 3600, Stat } }],
      StartTime: new Date(held.now() - 3_600_000),
      EndTime: new Date(held.now() + MINUTE_MS),
    });
    const values = MetricDataResults[0]?.Values ?? [];
    found[names.map((name) => dimensions.get(name)).join(" ")] = values.reduce((sum, value) => sum + value, 0);
  }
  return found;
}

describe("the metrics of an external key store", () => {
  it("S06b-035: count each request to its proxy by error and latency; only what may be tried again lowers reliability", async () => {
    await encrypt();
    await failing("AuthenticationFailedException", 401, 1);
    await failing("ThrottlingException", 429, 2);
    const errors = await shown("XksProxyErrors", ["KmsOperation", "XksOperation", "ErrorType", "ExceptionName"]);
    const ofEncrypt = Object.entries(errors).filter(([name]) => name.startsWith("Encrypt "));
    assert.deepEqual(Object.fromEntries(ofEncrypt), {
      "Encrypt Encrypt N/A None": 1,
      "Encrypt Encrypt Non-retryable errors AuthenticationFailedException": 1,
      "Encrypt Encrypt Retryable errors ThrottlingException": 2,
    });
    const latencies = await shown("XksProxyLatency", ["KmsOperation", "XksOperation"], "SampleCount");
    assert.equal(latencies["Encrypt Encrypt"], 4);
    assert.deepEqual(
      Object.values(latencies).reduce((sum, count) => sum + count),
      Object.values(errors).reduce((sum, count) => sum + count),
    );
    const retryable = ofEncrypt.find(([name]) => name.includes(" Retryable "))?.[1] ?? 0;
    assert.equal(1 - retryable / 4, 0.5);
  });

  it("S06a-036, S02-029: tell how many days ago the proxy's credential was given, from 0 again once it is another one", async () => {
    const age = async () => {
      const { Datapoints } = await watch.getMetricStatistics({
        ...{ Namespace, MetricName: "XksProxyCredentialAge" },
        Dimensions: [{ Name: "CustomKeyStoreId", Value: CustomKeyStoreId }],
        StartTime: new Date(held.now() - MINUTE_MS),
        EndTime: new Date(held.now() + 1),
        Period: 60,
        Statistics: ["Maximum"],
      });
      return Datapoints?.at(-1)?.Maximum;
    };
    await held.advance(3 * DAY_MS + MINUTE_MS);
    assert.equal(await age(), 3);
    const XksProxyAuthenticationCredential = { ...PROXY_CREDENTIAL, AccessKeyId: `${PROXY_CREDENTIAL.AccessKeyId}2` };
    proxy.credentials.set(XksProxyAuthenticationCredential.AccessKeyId, PROXY_CREDENTIAL.RawSecretAccessKey);
    await kms.updateCustomKeyStore({ CustomKeyStoreId, XksProxyAuthenticationCredential });
    await held.advance(MINUTE_MS);
    assert.equal(await age(), 0);
    const { CustomKeyStores } = await kms.describeCustomKeyStores({ CustomKeyStoreId });
    assert.ok(!JSON.stringify(CustomKeyStores).includes(PROXY_CREDENTIAL.RawSecretAccessKey));
  });
});

describe("the alarms that the guide recommends", () => {
  const store = { Name: "CustomKeyStoreId", Value: CustomKeyStoreId };
  const KeySpec = { Name: "KeySpec", Value: "SYMMETRIC_DEFAULT" };
  const query = (errorType: string) => ({
    EvaluationPeriods: 1,
    ComparisonOperator: "GreaterThanThreshold" as const,
    Threshold: 5,
    Metrics: [
      {
        Id: "q1",
        Label: errorType,
        Expression: `SELECT SUM(XksProxyErrors) FROM "AWS/KMS" WHERE ErrorType = '${errorType}' AND CustomKeyStoreId = '${CustomKeyStoreId}'`,
        Period: 60,
        ReturnData: true,
      },
    ],
  });
  const exchange = { keyStoreId: CustomKeyStoreId, kmsOperation: "Decrypt", xksOperation: "Decrypt" } as const;
  const took = (latencyMs: number) =>
    meter.exchanged({ ...exchange, errorType: "N/A", exceptionName: "None", latencyMs });
  const expires = (days: number) =>
    meter.certificate(CustomKeyStoreId, { name: "proxy.example.net", validTo: Date.now() + (days + 0.5) * DAY_MS });

  for (const { title, alarm, quiet, loud } of [
    {
      title: "less than 10 days to the certificate's end",
      alarm: {
        ...{ Namespace, MetricName: "XksProxyCertificateDaysToExpire", Statistic: "Minimum", Period: 300 },
        Dimensions: [store, { Name: "CertificateName", Value: "proxy.example.net" }],
        ...{ EvaluationPeriods: 1, ComparisonOperator: "LessThanThreshold", Threshold: 10 },
      },
      quiet: async () => expires(10),
      loud: async () => expires(9),
    },
    {
      title: "more than 200 milliseconds on average",
      alarm: {
        ...{ Namespace, MetricName: "XksProxyLatency", Statistic: "Average", Period: 300 },
        Dimensions: [
          store,
          ...[KeySpec, { Name: "KmsOperation", Value: "Decrypt" }, { Name: "XksOperation", Value: "Decrypt" }],
        ],
        ...{ EvaluationPeriods: 1, ComparisonOperator: "GreaterThanThreshold", Threshold: 200 },
      },
      quiet: async () => took(200),
      loud: async () => took(240),
    },
    {
      title: "more than 5 retryable errors in a minute",
      alarm: query("Retryable errors"),
      quiet: () => failing("ThrottlingException", 429, 5),
      async loud() {
        await failing("ThrottlingException", 429, 3);
        await failing("InternalException", 500, 3);
      },
    },
    {
      title: "more than 5 other errors in a minute",
      alarm: query("Non-retryable errors"),
      async quiet() {
        await failing("ThrottlingException", 429, 6);
        await failing("AccessDeniedException", 403, 5);
      },
      loud: () => failing("AccessDeniedException", 403, 6),
    },
  ] satisfies {
    title: string;
    alarm: Omit<PutMetricAlarmCommandInput, "AlarmName">;
    quiet(): Promise<void>;
    loud(): Promise<void>;
  }[]) {
    it(`S06b-037: go off at ${title}, and not before`, async () => {
      await watch.putMetricAlarm({ AlarmName: title, ...alarm } as PutMetricAlarmCommandInput);
      const described = async () => present((await watch.describeAlarms({ AlarmNames: [title] })).MetricAlarms?.[0]);
      const stateAfter = async (happens: () => Promise<void>) => {
        await held.advance(10 * MINUTE_MS - (held.now() % (5 * MINUTE_MS))); // where a period begins
        await happens();
        const periodSeconds = "Period" in alarm ? alarm.Period : 60;
        await held.advance(periodSeconds * 1_000 + MINUTE_MS);
        await held.parts.signals.alarms.run();
        return (await described()).StateValue;
      };
      assert.equal(await stateAfter(quiet), "OK");
      assert.equal(await stateAfter(loud), "ALARM");
      const { Metrics } = await described();
      assert.deepEqual(Metrics, "Metrics" in alarm ? alarm.Metrics : undefined);
    });
  }
});
