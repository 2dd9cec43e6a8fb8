/** What is counted of custom key stores (KMS guide, Monitoring with CloudWatch; spec 02): metrics are made of it elsewhere. */

import type { KeyStoreType } from "../../storage/key-store-schema.ts";
import type { KeyManagerStates } from "./xks-answers.ts";

/** One request to a proxy. */
export interface Exchange {
  readonly keyStoreId: string;
  /** Such as `Encrypt`, or `KmsHealthCheck`. */
  readonly kmsOperation: string;
  readonly xksOperation: "Decrypt" | "Encrypt" | "GetHealthStatus" | "GetKeyMetadata";
  readonly errorType: "N/A" | "Non-retryable errors" | "Retryable errors";
  /** `None` for a success. */
  readonly exceptionName: string;
  readonly latencyMs: number;
}

/** Where what is counted goes. */
export interface KeyStoreMeter {
  /** A request that was over the store's own quota: `ExternalKeyStoreThrottle` or `CloudHSMKeyStoreThrottle`. */
  throttled(keyStoreId: string, kmsOperation: string, type: KeyStoreType): void;
  /** `XksProxyErrors`, of successes too, and `XksProxyLatency`. */
  exchanged(exchange: Exchange): void;
  /** `XksExternalKeyManagerStates`. */
  health(keyStoreId: string, states: KeyManagerStates): void;
  /** `XksProxyCertificateDaysToExpire`: the certificate that a proxy showed. */
  certificate(keyStoreId: string, certificate: { readonly name: string; readonly validTo: number }): void;
}

/** Counts nothing. */
export const noMeter: KeyStoreMeter = {
  throttled() {},
  exchanged() {},
  health() {},
  certificate() {},
};
