/** Data points: what rooms tell, how it is kept and read, and when it goes. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Dimensions, MetricName } from "../../src/signals/metrics/catalog.ts";
import { MetricReader } from "../../src/signals/metrics/reader.ts";
import { MetricRecorder, RETENTION_MS } from "../../src/signals/metrics/recorder.ts";
import { engines } from "../storage/stores.ts";

const MINUTE_MS = 60_000;
const OWNER = { account: "111122223333", region: "us-east-1" };
const PROXY = {
  KeySpec: "SYMMETRIC_DEFAULT",
  XksOperation: "Decrypt",
  KmsOperation: "Decrypt",
  CustomKeyStoreId: "cks-1",
};

/** Each metric of key stores, with its dimensions in the order of the guide's table. */
const TABLE: readonly { readonly metric: MetricName; readonly told: Dimensions; readonly shown: readonly string[] }[] =
  [
    {
      metric: "CloudHSMKeyStoreThrottle",
      told: { KeySpec: "SYMMETRIC_DEFAULT", KmsOperation: "Decrypt", CustomKeyStoreId: "cks-1" },
      shown: ["CustomKeyStoreId", "KmsOperation", "KeySpec"],
    },
    {
      metric: "ExternalKeyStoreThrottle",
      told: { KeySpec: "SYMMETRIC_DEFAULT", KmsOperation: "Decrypt", CustomKeyStoreId: "cks-1" },
      shown: ["CustomKeyStoreId", "KmsOperation", "KeySpec"],
    },
    {
      metric: "XksExternalKeyManagerStates",
      told: { XksExternalKeyManagerState: "Active", CustomKeyStoreId: "cks-1" },
      shown: ["CustomKeyStoreId", "XksExternalKeyManagerState"],
    },
    {
      metric: "XksProxyCertificateDaysToExpire",
      told: { CertificateName: "proxy", CustomKeyStoreId: "cks-1" },
      shown: ["CustomKeyStoreId", "CertificateName"],
    },
    { metric: "XksProxyCredentialAge", told: { CustomKeyStoreId: "cks-1" }, shown: ["CustomKeyStoreId"] },
    {
      metric: "XksProxyErrors",
      told: { ...PROXY, ExceptionName: "None", ErrorType: "N/A" },
      shown: ["CustomKeyStoreId", "KmsOperation", "XksOperation", "KeySpec", "ErrorType", "ExceptionName"],
    },
    {
      metric: "XksProxyLatency",
      told: PROXY,
      shown: ["CustomKeyStoreId", "KmsOperation", "XksOperation", "KeySpec"],
    },
  ];

for (const { engine, withStore } of engines) {
  describe(`data points, on ${engine}`, () => {
    it("S02-025: are listed as the guide's table has them, counted together by minute, and gone after two weeks", async () => {
      let now = 1_700_000_040_000;
      const clock = { now: () => now };
      const failures: unknown[] = [];
      await withStore(async (store) => {
        const recorder = new MetricRecorder({ store, clock, onError: (cause) => failures.push(cause) });
        const reader = new MetricReader({ store, clock, recorder, gauges: [] });
        for (const { metric, told } of TABLE) recorder.record({ ...OWNER, metric, dimensions: told }, { value: 1 });
        const latency = { ...OWNER, metric: "XksProxyLatency", dimensions: PROXY } as const;
        recorder.record(latency, { value: 250, samples: 2 });
        await reader.refresh();
        recorder.record(latency, { value: 40 });
        now += MINUTE_MS;
        recorder.record(latency, { value: 60 });
        await reader.refresh();
        const listed = await reader.list(OWNER, 0);
        assert.deepEqual(
          listed.map(({ metric, dimensions }) => [metric, Object.keys(dimensions)]),
          TABLE.map(({ metric, shown }) => [metric, shown]),
        );
        const start = Math.floor(now / MINUTE_MS) * MINUTE_MS - MINUTE_MS;
        const span = { from: start, until: now + 1 };
        assert.deepEqual(await reader.points(latency, { ...span, periodMs: MINUTE_MS }), [
          { start, samples: 4, sum: 541, minimum: 1, maximum: 250 },
          { start: start + MINUTE_MS, samples: 1, sum: 60, minimum: 60, maximum: 60 },
        ]);
        assert.deepEqual(await reader.points(latency, { ...span, periodMs: 60 * MINUTE_MS }), [
          { start, samples: 5, sum: 601, minimum: 1, maximum: 250 },
        ]);
        assert.deepEqual(await reader.list({ ...OWNER, account: "444455556666" }, 0), []);

        now += RETENTION_MS + 60 * MINUTE_MS;
        await recorder.flush();
        const left = await store.db.selectFrom("metric_hour").selectAll().execute();
        assert.deepEqual(left, []);
        await recorder.close();
      });
      assert.deepEqual(failures, []);
    });
  });
}

describe("data points of too many series", () => {
  it("are dropped, and counted", () => {
    const store = { transaction: () => Promise.reject(new Error("Nothing is written here.")) };
    const recorder = new MetricRecorder({ store, clock: { now: () => 0 }, onError: assert.ifError });
    for (let index = 0; index < 1_010; index += 1) {
      const dimensions = { CustomKeyStoreId: `cks-${index}` };
      recorder.record({ ...OWNER, metric: "XksProxyCredentialAge", dimensions }, { value: index });
    }
    assert.equal(recorder.dropped, 10);
  });
});
