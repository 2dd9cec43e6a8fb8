/**
 * The request quotas of KMS, requests for each second (KMS guide, Request quotas; spec 07). Where the guide of today adds what
 * that edition has no value for, its value stands here. Codes are those that public tools read from Service Quotas.
 */

import type { Quota } from "../../pipeline/quotas.ts";
import { derivedCode } from "./codes.ts";

type RequestQuota = Pick<Quota, "name" | "value"> & Partial<Quota>;

const quota = (declared: RequestQuota): Quota => ({
  service: "kms",
  code: derivedCode(declared.name),
  description: `Maximum number of requests per second for ${declared.name.replace(" request rate", "")}.`,
  kind: "request",
  adjustable: true,
  listed: true,
  ...declared,
});

const allAt = (value: number, regions: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries(regions.map((region) => [region, value]));

/** What keys of a kind are used for, all operations together. */
const cryptographic = (kind: string, value: number, more: Partial<Quota> = {}): Quota =>
  quota({ name: `Cryptographic operations (${kind}) request rate`, value, ...more });

/** The shared quotas of cryptographic operations, by the kind of key. Symmetric encryption and HMAC keys are one kind. */
export const cryptographicQuotas = {
  symmetric: cryptographic("symmetric", 5_500, {
    code: "L-6E3AF000",
    regions: {
      ...allAt(10_000, [
        "us-east-2",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "eu-central-1",
        "eu-west-2",
      ]),
      ...allAt(50_000, ["us-east-1", "us-west-2", "eu-west-1"]),
    },
  }),
  RSA: cryptographic("RSA", 1_000, { code: "L-2AC98190" }),
  ECC: cryptographic("ECC", 1_000, { code: "L-DC14942D" }),
  SM: cryptographic("SM", 1_000),
  "ML-DSA": cryptographic("ML-DSA", 1_000),
  "ML-KEM": cryptographic("ML-KEM", 1_000),
} as const;

/** Operations that share the quotas by the kind of key. */
export const cryptographicOperations: ReadonlySet<string> = new Set([
  "Decapsulate",
  "Decrypt",
  "DeriveSharedSecret",
  "Encapsulate",
  "Encrypt",
  "GenerateDataKey",
  "GenerateDataKeyWithoutPlaintext",
  "GenerateMac",
  "GenerateRandom",
  "ReEncrypt",
  "Sign",
  "Verify",
  "VerifyMac",
]);

const pair = (spec: string, value: number, code?: string): readonly [string, Quota] => [
  spec.replace(/ .*/, ""),
  quota({ name: `GenerateDataKeyPair (${spec}) request rate`, value, ...(code !== undefined && { code }) }),
];

/** Operations that share one quota for each spec of the pair. */
export const pairOperations: ReadonlySet<string> = new Set([
  "GenerateDataKeyPair",
  "GenerateDataKeyPairWithoutPlaintext",
]);

/** By `KeyPairSpec`. */
export const pairQuotas: ReadonlyMap<string, Quota> = new Map([
  pair("ECC_NIST_P256", 100, "L-D2EEB5E0"),
  pair("ECC_NIST_P384", 100, "L-16B46EF0"),
  pair("ECC_NIST_P521", 100, "L-1D966DA0"),
  pair("ECC_SECG_P256K1", 100),
  pair("ECC_NIST_EDWARDS25519", 100),
  pair("ML_KEM_512", 100),
  pair("ML_KEM_768", 100),
  pair("ML_KEM_1024", 100),
  pair("RSA_2048", 1),
  pair("RSA_3072", 0.5),
  pair("RSA_4096", 0.1),
  pair("SM2 — China Regions only", 25),
]);

const own = (operation: string, value: number, code?: string): readonly [string, Quota] => [
  operation,
  quota({ name: `${operation} request rate`, value, ...(code !== undefined && { code }) }),
];

/** Operations that have a quota of their own. */
export const operationQuotas: ReadonlyMap<string, Quota> = new Map([
  own("CancelKeyDeletion", 5, "L-635264CC"),
  own("ConnectCustomKeyStore", 5, "L-705B9E79"),
  own("CreateAlias", 5, "L-F7504F73"),
  own("CreateCustomKeyStore", 5, "L-08932E37"),
  own("CreateGrant", 50, "L-0428A42E"),
  own("CreateKey", 5, "L-32B67F4A"),
  own("DeleteAlias", 15, "L-1F75ADD1"),
  own("DeleteCustomKeyStore", 5, "L-E99520CB"),
  own("DeleteImportedKeyMaterial", 5, "L-1233BF9B"),
  own("DescribeCustomKeyStores", 5, "L-E20AA94C"),
  own("DescribeKey", 2_000, "L-FAE8F084"),
  own("DisableKey", 5, "L-6B8C93BD"),
  own("DisableKeyRotation", 5, "L-CE1DB614"),
  own("DisconnectCustomKeyStore", 5, "L-9F1FCF6D"),
  own("EnableKey", 5, "L-BD96F100"),
  own("EnableKeyRotation", 15, "L-BE799B67"),
  own("GetKeyLastUsage", 5),
  own("GetKeyPolicy", 1_000),
  own("GetKeyRotationStatus", 1_000),
  own("GetParametersForImport", 0.25),
  own("GetPublicKey", 2_000),
  own("ImportKeyMaterial", 5),
  own("ListAliases", 500),
  own("ListGrants", 100),
  own("ListKeyPolicies", 100),
  own("ListKeyRotations", 100),
  own("ListKeys", 500),
  own("ListResourceTags", 2_000),
  own("ListRetirableGrants", 100),
  own("PutKeyPolicy", 15),
  own("ReplicateKey", 5),
  own("RetireGrant", 30),
  own("RevokeGrant", 30),
  own("RotateKeyOnDemand", 5),
  own("ScheduleKeyDeletion", 15),
  own("TagResource", 10),
  own("UntagResource", 5),
  own("UpdateAlias", 5),
  own("UpdateCustomKeyStore", 5),
  own("UpdateKeyDescription", 5),
  own("UpdatePrimaryRegion", 5),
]);

/**
 * Of each custom key store, for the cryptographic operations on its keys by all accounts together; Service Quotas does not
 * have them (KMS guide, Custom key store request quotas).
 */
export const keyStoreQuotas = {
  AWS_CLOUDHSM: quota({
    name: "AWS CloudHSM key store request quota",
    value: 1_800,
    adjustable: false,
    listed: false,
  }),
  EXTERNAL_KEY_STORE: quota({ name: "External key store request quota", value: 1_800, listed: false }),
} as const;

/**
 * Changes of the state of one key together, whichever they are: KMS throttles a burst of them below the quotas of the
 * operations (KMS guide, Throttling). It tells no number; this one is ours, and Service Quotas does not have it.
 */
export const stateChangesQuota = quota({
  name: "State changes per KMS key request rate",
  value: 5,
  listed: false,
});

/** Operations that change the state of a key. */
export const stateChanges: ReadonlySet<string> = new Set([
  "CancelKeyDeletion",
  "DisableKey",
  "EnableKey",
  "ScheduleKeyDeletion",
]);

export const requestQuotas: readonly Quota[] = [
  ...Object.values(cryptographicQuotas),
  ...pairQuotas.values(),
  ...operationQuotas.values(),
  ...Object.values(keyStoreQuotas),
  stateChangesQuota,
];
