/** The metrics of external key stores that CloudWatch shows (KMS guide, Monitoring external key stores; spec 02). */

import type { Clock } from "../../base/clock.ts";
import type { GaugeSource } from "../../signals/metrics/reader.ts";
import type { Measured, MetricRecorder, Series } from "../../signals/metrics/recorder.ts";
import type { KeyStoreType } from "../../storage/key-store-schema.ts";
import { findKeyStoreOwner, listKeyStores } from "../../storage/key-stores.ts";
import type { MetricOwner } from "../../storage/metrics.ts";
import type { Store } from "../../storage/store.ts";
import type { Exchange, KeyStoreMeter } from "./meter.ts";
import type { KeyManagerStates } from "./xks-answers.ts";

/** All keys of external key stores are of this spec. */
const KeySpec = "SYMMETRIC_DEFAULT";
/** What takes longer counts as so long: AWS waits no longer. */
const LATENCY_MS_MAX = 250;
const DAY_MS = 86_400_000;
/** Key stores whose owner is remembered. */
const OWNERS_MAX = 10_000;
/** Key stores that ListMetrics tells of. */
const LISTED_MAX = 1_000;

const THROTTLES = { AWS_CLOUDHSM: "CloudHSMKeyStoreThrottle", EXTERNAL_KEY_STORE: "ExternalKeyStoreThrottle" } as const;

export interface KeyStoreMetricsOptions {
  readonly store: Pick<Store, "db">;
  readonly recorder: Pick<MetricRecorder, "record">;
  /** What certificates expire by. */
  readonly machineClock: Clock;
  readonly onError: (cause: unknown) => void;
}

/** Counts as CloudWatch has it. Ids of key stores are random and not given twice, so an owner is looked up once. */
export class KeyStoreMetrics implements KeyStoreMeter {
  readonly #options: KeyStoreMetricsOptions;
  readonly #owners = new Map<string, MetricOwner>();

  constructor(options: KeyStoreMetricsOptions) {
    this.#options = options;
  }

  throttled(keyStoreId: string, kmsOperation: string, type: KeyStoreType): void {
    const dimensions = { CustomKeyStoreId: keyStoreId, KmsOperation: kmsOperation, KeySpec };
    this.#tell(keyStoreId, { metric: THROTTLES[type], dimensions }, { value: 1 });
  }

  exchanged({ keyStoreId, kmsOperation, xksOperation, errorType, exceptionName, latencyMs }: Exchange): void {
    const dimensions = {
      CustomKeyStoreId: keyStoreId,
      KmsOperation: kmsOperation,
      XksOperation: xksOperation,
      KeySpec,
    };
    const errors = { ...dimensions, ErrorType: errorType, ExceptionName: exceptionName };
    this.#tell(keyStoreId, { metric: "XksProxyErrors", dimensions: errors }, { value: 1 });
    const value = Math.min(latencyMs, LATENCY_MS_MAX);
    this.#tell(keyStoreId, { metric: "XksProxyLatency", dimensions }, { value });
  }

  health(keyStoreId: string, { ACTIVE, DEGRADED, UNAVAILABLE }: KeyManagerStates): void {
    for (const [state, value] of Object.entries({ Active: ACTIVE, Degraded: DEGRADED, Unavailable: UNAVAILABLE })) {
      const dimensions = { CustomKeyStoreId: keyStoreId, XksExternalKeyManagerState: state };
      this.#tell(keyStoreId, { metric: "XksExternalKeyManagerStates", dimensions }, { value });
    }
  }

  certificate(keyStoreId: string, { name, validTo }: { readonly name: string; readonly validTo: number }): void {
    const dimensions = { CustomKeyStoreId: keyStoreId, CertificateName: name };
    const value = Math.floor((validTo - this.#options.machineClock.now()) / DAY_MS);
    this.#tell(keyStoreId, { metric: "XksProxyCertificateDaysToExpire", dimensions }, { value });
  }

  #tell(keyStoreId: string, series: Pick<Series, "dimensions" | "metric">, measured: Measured): void {
    const { recorder, onError } = this.#options;
    const owner = this.#owners.get(keyStoreId);
    if (owner === undefined) {
      void this.#ownerOf(keyStoreId).then((found) => {
        if (found !== undefined) recorder.record({ ...found, ...series }, measured);
      }, onError);
    } else recorder.record({ ...owner, ...series }, measured);
  }

  async #ownerOf(keyStoreId: string): Promise<MetricOwner | undefined> {
    const owner = await findKeyStoreOwner(this.#options.store.db, keyStoreId);
    if (this.#owners.size >= OWNERS_MAX) this.#owners.clear();
    if (owner !== undefined) this.#owners.set(keyStoreId, owner);
    return owner;
  }
}

/** XksProxyCredentialAge: days since the credential of an external key store's proxy was given. */
export const credentialAges: GaugeSource = {
  metric: "XksProxyCredentialAge",
  async list(db, owner) {
    const rows = await listKeyStores(db, owner, { after: undefined, count: LISTED_MAX });
    return rows.filter(({ type }) => type === "EXTERNAL_KEY_STORE").map(({ id }) => ({ CustomKeyStoreId: id }));
  },
  async find(db, owner, { CustomKeyStoreId, ...others }) {
    if (Object.keys(others).length > 0) return undefined;
    const rows = await listKeyStores(db, owner, { after: undefined, count: LISTED_MAX });
    const row = rows.find(({ id, type }) => id === CustomKeyStoreId && type === "EXTERNAL_KEY_STORE");
    if (row === undefined) return undefined;
    const from = row.secret_at;
    return { from, until: Infinity, valueAt: (time) => Math.floor((time - from) / DAY_MS) };
  },
};
