/** The metrics of external key stores, as CloudWatch has them of what a meter is told. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { credentialAges, KeyStoreMetrics } from "../../src/kms/key-stores/metrics.ts";
import { MetricReader } from "../../src/signals/metrics/reader.ts";
import { MetricRecorder, type Series } from "../../src/signals/metrics/recorder.ts";
import type { KeyStoreRow } from "../../src/storage/key-store-schema.ts";
import { insertKeyStore, updateKeyStore } from "../../src/storage/key-stores.ts";
import { openMemoryStore } from "../../src/storage/open.ts";

const DAY_MS = 86_400_000;
const OWNER = { account: "111122223333", region: "us-east-1" };
const ID = "cks-0123456789abcdef0";

const ROW: KeyStoreRow = {
  ...OWNER,
  id: ID,
  partition: "aws",
  name: "outside",
  type: "EXTERNAL_KEY_STORE",
  connection_state: "CONNECTED",
  connection_error: null,
  connection_request: null,
  revision: "r",
  secret: new Uint8Array(1),
  secret_at: 0,
  created_at: 0,
  connectivity: "PUBLIC_ENDPOINT",
  endpoint: "https://proxy.example.com",
  path: "/kms/xks/v1",
  access_key_id: "ABCDEFGHIJKLMNOPQRST",
  vpc_service: null,
  vpc_owner: null,
  cluster_id: null,
  trust_anchor: null,
};

/** A store with one external key store, a meter over it, and what CloudWatch would show of it. */
async function openMeter() {
  let now = 30 * DAY_MS;
  const clock = { now: () => now };
  const store = await openMemoryStore({ kind: "serve", clock });
  await store.transaction((tx) => insertKeyStore(tx, { ...ROW, secret_at: now }));
  const recorder = new MetricRecorder({ store, clock, onError: assert.ifError });
  const meter = new KeyStoreMetrics({ store, recorder, machineClock: clock, onError: assert.ifError });
  const reader = new MetricReader({ store, clock, recorder, gauges: [credentialAges] });
  const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  return {
    meter,
    /** Samples and sum of a series in the last minute, once what was told has been counted. */
    async shown(metric: Series["metric"], dimensions: Series["dimensions"]) {
      await settled();
      await reader.refresh();
      const span = { from: now, until: now + 1, periodMs: 60_000 };
      const [point] = await reader.points(
        { ...OWNER, metric, dimensions: { CustomKeyStoreId: ID, ...dimensions } },
        span,
      );
      return point && [point.samples, point.sum];
    },
    async list() {
      await settled();
      await reader.refresh();
      return (await reader.list(OWNER, 0)).map(({ metric, dimensions }) => [metric, ...Object.values(dimensions)]);
    },
    async pass(ms: number) {
      now += ms;
    },
    renew: () => store.transaction((tx) => updateKeyStore(tx, ROW, { secret_at: now })),
    async close() {
      await recorder.close();
      await store.close();
    },
  };
}

describe("the metrics of an external key store", () => {
  it("S02-027, S07-032: count requests over its quota by operation and key spec", async () => {
    const { meter, shown, close } = await openMeter();
    meter.throttled(ID, "Decrypt", "EXTERNAL_KEY_STORE");
    meter.throttled(ID, "Decrypt", "EXTERNAL_KEY_STORE");
    const dimensions = { KmsOperation: "Decrypt", KeySpec: "SYMMETRIC_DEFAULT" };
    assert.deepEqual(await shown("ExternalKeyStoreThrottle", dimensions), [2, 2]);
    assert.equal(await shown("ExternalKeyStoreThrottle", { ...dimensions, KmsOperation: "Encrypt" }), undefined);
    meter.throttled(ID, "Decrypt", "AWS_CLOUDHSM");
    assert.deepEqual(await shown("CloudHSMKeyStoreThrottle", dimensions), [1, 1]);
    await close();
  });

  it("S02-028, S06b-035: have 250 milliseconds for a proxy that was late, a retryable error, and N/A for a success", async () => {
    const { meter, shown, close } = await openMeter();
    const exchange = { keyStoreId: ID, kmsOperation: "Encrypt", xksOperation: "Encrypt" } as const;
    meter.exchanged({
      ...exchange,
      errorType: "Retryable errors",
      exceptionName: "XksProxyUnreachableException",
      latencyMs: 500,
    });
    meter.exchanged({ ...exchange, errorType: "N/A", exceptionName: "None", latencyMs: 12 });
    const dimensions = { KmsOperation: "Encrypt", XksOperation: "Encrypt", KeySpec: "SYMMETRIC_DEFAULT" };
    assert.deepEqual(await shown("XksProxyLatency", dimensions), [2, 262]);
    for (const error of [
      { ErrorType: "Retryable errors", ExceptionName: "XksProxyUnreachableException" },
      { ErrorType: "N/A", ExceptionName: "None" },
    ]) {
      assert.deepEqual(await shown("XksProxyErrors", { ...dimensions, ...error }), [1, 1]);
    }
    await close();
  });

  it("S02-029, S06a-036: have the age of its proxy's credential in days, 0 once it is another one", async () => {
    const { shown, pass, renew, list, close } = await openMeter();
    assert.deepEqual(await shown("XksProxyCredentialAge", {}), [1, 0]);
    await pass(3 * DAY_MS);
    assert.deepEqual(await shown("XksProxyCredentialAge", {}), [1, 3]);
    await renew();
    assert.deepEqual(await shown("XksProxyCredentialAge", {}), [1, 0]);
    assert.deepEqual(await list(), [["XksProxyCredentialAge", ID]]);
    await close();
  });

  it("S02-030: have how many instances of the external key manager are in each state, and when its certificate expires", async () => {
    const { meter, shown, list, close } = await openMeter();
    meter.health(ID, { ACTIVE: 2, DEGRADED: 1, UNAVAILABLE: 0 });
    meter.certificate(ID, { name: "proxy.example.com", validTo: 39.5 * DAY_MS });
    meter.certificate("cks-00000000000000000", { name: "of nobody", validTo: 0 });
    for (const [XksExternalKeyManagerState, count] of [
      ["Active", 2],
      ["Degraded", 1],
      ["Unavailable", 0],
    ] as const) {
      assert.deepEqual(await shown("XksExternalKeyManagerStates", { XksExternalKeyManagerState }), [1, count]);
    }
    const certificate = { CertificateName: "proxy.example.com" };
    assert.deepEqual(await shown("XksProxyCertificateDaysToExpire", certificate), [1, 9]);
    assert.equal((await list()).length, 5);
    await close();
  });
});
