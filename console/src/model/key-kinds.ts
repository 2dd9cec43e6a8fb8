/** What kinds of keys there are, and what the console calls their properties (KMS guide, Viewing keys; Creating keys). */

import type { CustomKeyStoreType, KeyMetadata, KeySpec, KeyState, KeyUsageType, OriginType } from "@aws-sdk/client-kms";

export type KeyType = "Symmetric" | "Asymmetric";

/** What of a key decides which fields, tabs and permissions it has. */
export interface KeyKind {
  readonly spec: KeySpec;
  readonly usage: KeyUsageType;
  readonly origin: OriginType;
  readonly multiRegion: boolean;
}

/** The kind of a key that DescribeKey described. */
export function kindOf({ KeySpec, KeyUsage, Origin, MultiRegion }: KeyMetadata): KeyKind {
  return {
    spec: KeySpec ?? "SYMMETRIC_DEFAULT",
    usage: KeyUsage ?? "ENCRYPT_DECRYPT",
    origin: Origin ?? "AWS_KMS",
    multiRegion: MultiRegion === true,
  };
}

/** HMAC keys are symmetric, too. */
export function keyTypeOf(spec: string): KeyType {
  return spec === "SYMMETRIC_DEFAULT" || spec.startsWith("HMAC_") ? "Symmetric" : "Asymmetric";
}

export const usageLabels: Readonly<Record<KeyUsageType, string>> = {
  ENCRYPT_DECRYPT: "Encrypt and decrypt",
  SIGN_VERIFY: "Sign and verify",
  GENERATE_VERIFY_MAC: "Generate and verify MAC",
  KEY_AGREEMENT: "Key agreement",
  ENCAPSULATE_DECAPSULATE: "Encapsulate and decapsulate",
};

export const originLabels: Readonly<Record<OriginType, string>> = {
  AWS_KMS: "AWS KMS",
  EXTERNAL: "External (Import key material)",
  AWS_CLOUDHSM: "AWS CloudHSM",
  EXTERNAL_KEY_STORE: "External key store",
};

/** The kind of the custom key store in which keys of an origin are; undefined of keys that are in none. */
export function storeKindOf(origin: OriginType): CustomKeyStoreType | undefined {
  return origin === "AWS_CLOUDHSM" || origin === "EXTERNAL_KEY_STORE" ? origin : undefined;
}

export const stateLabels: Readonly<Record<KeyState, string>> = {
  Creating: "Creating",
  Enabled: "Enabled",
  Disabled: "Disabled",
  PendingDeletion: "Pending deletion",
  PendingImport: "Pending import",
  PendingReplicaDeletion: "Pending replica deletion",
  Unavailable: "Unavailable",
  Updating: "Updating",
};

/** Whether a key is of one Region, or what it is among its related keys. */
export function regionalityOf({ MultiRegion, MultiRegionConfiguration }: KeyMetadata): string {
  if (MultiRegion !== true) return "Single Region";
  return MultiRegionConfiguration?.MultiRegionKeyType === "REPLICA" ? "Multi-Region replica" : "Multi-Region primary";
}

/** The usages that the wizard offers for a type of key, the preselected one first. */
export const usagesOfType: Readonly<Record<KeyType, readonly KeyUsageType[]>> = {
  Symmetric: ["ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC"],
  Asymmetric: ["ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE"],
};

const RSA: readonly KeySpec[] = ["RSA_2048", "RSA_3072", "RSA_4096"];
const NIST_CURVES: readonly KeySpec[] = ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"];

const asymmetricSpecs: Readonly<Partial<Record<KeyUsageType, readonly KeySpec[]>>> = {
  ENCRYPT_DECRYPT: [...RSA, "SM2"],
  SIGN_VERIFY: [
    ...RSA,
    ...NIST_CURVES,
    "ECC_SECG_P256K1",
    "ECC_NIST_EDWARDS25519",
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
    "SM2",
  ],
  KEY_AGREEMENT: [...NIST_CURVES, "SM2"],
  ENCAPSULATE_DECAPSULATE: ["ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"],
};

/**
 * The key specs that the wizard offers; SM2 keys are made in China Regions alone, ML-KEM keys everywhere else, ML-DSA keys not
 * for imported material.
 */
export function specsOf(
  type: KeyType,
  usage: KeyUsageType,
  partition: string,
  origin?: OriginType,
): readonly KeySpec[] {
  if (type === "Symmetric") {
    return usage === "GENERATE_VERIFY_MAC" ? ["HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512"] : ["SYMMETRIC_DEFAULT"];
  }
  const isOffered = (spec: KeySpec): boolean => (partition === "aws-cn" ? !spec.startsWith("ML_KEM_") : spec !== "SM2");
  const fits = (spec: KeySpec): boolean => origin !== "EXTERNAL" || !spec.startsWith("ML_DSA_");
  return (asymmetricSpecs[usage] ?? []).filter((spec) => isOffered(spec) && fits(spec));
}

/** Multi-Region keys are not made in China Regions (KMS guide, Multi-Region keys). */
export function hasMultiRegionKeys(partition: string): boolean {
  return partition !== "aws-cn";
}

/** Whether a key has a private half, and so a public key to show. */
export function hasPublicKey({ spec }: KeyKind): boolean {
  return keyTypeOf(spec) === "Asymmetric";
}

/** Whether new material can be made for a key: symmetric encryption keys whose material KMS makes. */
export function canRotate({ spec, origin }: KeyKind): boolean {
  return spec === "SYMMETRIC_DEFAULT" && origin === "AWS_KMS";
}
