/** What keys and requests cost (AWS KMS pricing; spec 08, SC-21), and which price a request has. */

import { type Money, money } from "./money.ts";

/** Kinds of requests that have a price each. */
export const REQUEST_KINDS = ["requests", "rsa2048", "asymmetric", "eccDataKeyPair", "rsaDataKeyPair"] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

export interface Tariff {
  readonly currency: string;
  /** Of a customer managed key for a month, whatever its type; each replica is one. */
  readonly keyMonth: Money;
  /** Of each version beside the first that a rotated key retains. */
  readonly rotatedVersionMonth: Money;
  /** So many of those are charged for each key. */
  readonly rotatedVersionsMax: number;
  /** Requests of the kind `requests` that an account has for nothing in a month, over all Regions. */
  readonly freeRequests: number;
  /** Of `REQUESTS_PER_PRICE` requests. */
  readonly requests: Readonly<Record<RequestKind, Money>>;
}

/** Prices of requests are for so many. */
export const REQUESTS_PER_PRICE = 10_000;

/** AWS's in US dollars, of most Regions. */
export const DEFAULT_TARIFF: Tariff = {
  currency: "USD",
  keyMonth: money("1"),
  rotatedVersionMonth: money("1"),
  rotatedVersionsMax: 2,
  freeRequests: 20_000,
  requests: {
    requests: money("0.03"),
    rsa2048: money("0.03"),
    asymmetric: money("0.15"),
    eccDataKeyPair: money("0.10"),
    rsaDataKeyPair: money("12"),
  },
};

/** Operations whose price is that of the pair which they make. */
export const pairOperations: ReadonlySet<string> = new Set([
  "GenerateDataKeyPair",
  "GenerateDataKeyPairWithoutPlaintext",
]);

/** Operations whose price is that of the key. */
export const keyOperations: ReadonlySet<string> = new Set([
  "Decapsulate",
  "Decrypt",
  "DeriveSharedSecret",
  "Encapsulate",
  "Encrypt",
  "GetPublicKey",
  "ReEncrypt",
  "Sign",
  "Verify",
]);

/** Whether a key is a pair, by its spec. */
export function isAsymmetric(spec: string): boolean {
  return spec !== "SYMMETRIC_DEFAULT" && !spec.startsWith("HMAC_");
}

/** The kind of a counted request. */
export function requestKind({ operation, spec }: { readonly operation: string; readonly spec: string }): RequestKind {
  if (pairOperations.has(operation)) return spec.startsWith("RSA_") ? "rsaDataKeyPair" : "eccDataKeyPair";
  if (spec === "" || !isAsymmetric(spec)) return "requests";
  return spec === "RSA_2048" ? "rsa2048" : "asymmetric";
}
