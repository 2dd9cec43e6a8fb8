/** The metrics that there are: their dimensions and units (KMS guide, Monitoring with CloudWatch: metrics and dimensions). */

import type { StandardUnit } from "@aws-sdk/client-cloudwatch";

/** Where all of them are. */
export const NAMESPACE = "AWS/KMS";

interface MetricKind {
  readonly unit: StandardUnit;
  /** Each set of names that a series of it may have. */
  readonly dimensions: readonly (readonly string[])[];
}

const THROTTLE = ["CustomKeyStoreId", "KmsOperation", "KeySpec"];
const PROXY = ["CustomKeyStoreId", "KmsOperation", "XksOperation", "KeySpec"];

const METRICS = {
  CloudHSMKeyStoreThrottle: { unit: "Count", dimensions: [THROTTLE] },
  ExternalKeyStoreThrottle: { unit: "Count", dimensions: [THROTTLE] },
  SecondsUntilKeyMaterialExpiration: { unit: "Seconds", dimensions: [["KeyId"]] },
  SuccessfulRequest: {
    unit: "Count",
    dimensions: [
      ["KeyArn", "Operation"],
      ["SourceKeyArn", "DestinationKeyArn", "Operation"],
    ],
  },
  XksExternalKeyManagerStates: { unit: "Count", dimensions: [["CustomKeyStoreId", "XksExternalKeyManagerState"]] },
  XksProxyCertificateDaysToExpire: { unit: "None", dimensions: [["CustomKeyStoreId", "CertificateName"]] },
  XksProxyCredentialAge: { unit: "None", dimensions: [["CustomKeyStoreId"]] },
  XksProxyErrors: { unit: "Count", dimensions: [[...PROXY, "ErrorType", "ExceptionName"]] },
  XksProxyLatency: { unit: "Milliseconds", dimensions: [PROXY] },
} as const satisfies Readonly<Record<string, MetricKind>>;

/** The name of a metric of ours. */
export type MetricName = keyof typeof METRICS;

/** Names and values, such as `{ KeyId: "1234…" }`. */
export type Dimensions = Readonly<Record<string, string>>;

/** Another spelling, in the KMS guide's chapter on imported material, of the name that its chapter on metrics has. */
const ALIASES: ReadonlyMap<string, MetricName> = new Map([
  ["SecondsUntilKeyMaterialExpires", "SecondsUntilKeyMaterialExpiration"],
]);

/** The metric that a caller means, undefined where there is none of that name. */
export function findMetric(namespace: string, name: string): MetricName | undefined {
  if (namespace !== NAMESPACE) return undefined;
  const canonical = ALIASES.get(name) ?? name;
  return Object.hasOwn(METRICS, canonical) ? (canonical as MetricName) : undefined;
}

/** The unit of a metric's values. */
export function unitOf(metric: MetricName): StandardUnit {
  return METRICS[metric].unit;
}

/** The dimensions as rows name them. */
export function dimensionsText(dimensions: Dimensions): string {
  return JSON.stringify(Object.entries(dimensions).sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** The dimensions that rows name, in the order in which the guide has them. */
export function dimensionsOf(metric: MetricName, text: string): Dimensions {
  const found = Object.fromEntries(JSON.parse(text) as readonly (readonly [string, string])[]);
  const kinds: readonly (readonly string[])[] = METRICS[metric].dimensions;
  const order = kinds.find(
    (names) => names.length === Object.keys(found).length && names.every((name) => name in found),
  );
  return order === undefined ? found : Object.fromEntries(order.map((name) => [name, found[name] ?? ""]));
}
