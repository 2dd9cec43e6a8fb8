/** Keys as rows and as KeyMetadata. */

import type { KeyMetadata } from "@aws-sdk/client-kms";
import type { MaterialOwner, SealedMaterial } from "../custody/custody.ts";
import type { KeyStoreRow } from "../storage/key-store-schema.ts";
import { insertKey } from "../storage/keys.ts";
import { insertMaterial } from "../storage/materials.ts";
import type { KeyRow } from "../storage/schema.ts";
import type { Tx } from "../storage/store.ts";
import { keyArn } from "./identifiers.ts";
import { findAlgorithms } from "./key-specs.ts";
import { multiRegionConfiguration } from "./related-keys.ts";

/** Days between automatic rotations unless the caller says otherwise (API reference, EnableKeyRotation). */
export const ROTATION_PERIOD_DAYS = 365;

const DAY_MS = 86_400_000;

/** The row of a new key, enabled, for symmetric encryption unless `spec` and `usage` say otherwise; `current_material_id` is filled by `insertKeyWithMaterial`. */
export function newKeyRow(key: {
  partition: string;
  region: string;
  account: string;
  keyId: string;
  description: string;
  policy: string;
  /** JSON: the unique id of each user and role that the policy names, by ARN. */
  policyPrincipals?: string;
  now: number;
  spec?: string;
  usage?: string;
  /** With `EXTERNAL` the key is pending import: its material is yet to come. */
  origin?: "AWS_CLOUDHSM" | "AWS_KMS" | "EXTERNAL" | "EXTERNAL_KEY_STORE";
  /** The custom key store that it is in, and its external key there, where it has one. */
  keyStore?: { readonly id: string; readonly xksKeyId?: string };
  /** For AWS managed keys the service, such as `ebs`. */
  service?: string;
  rotationEnabled?: boolean;
  /** Whether it is the primary of a set of multi-Region keys. */
  multiRegion?: boolean;
}): KeyRow {
  return {
    region: key.region,
    key_id: key.keyId,
    account: key.account,
    partition: key.partition,
    spec: key.spec ?? "SYMMETRIC_DEFAULT",
    usage: key.usage ?? "ENCRYPT_DECRYPT",
    origin: key.origin ?? "AWS_KMS",
    manager: key.service === undefined ? "CUSTOMER" : "AWS",
    service: key.service ?? null,
    description: key.description,
    state: key.origin === "EXTERNAL" ? "PendingImport" : "Enabled",
    multi_region: key.multiRegion === true ? 1 : 0,
    primary_region: key.multiRegion === true ? key.region : null,
    replica_regions: key.multiRegion === true ? "[]" : null,
    created_at: key.now,
    policy: key.policy,
    policy_principals: key.policyPrincipals ?? "{}",
    current_material_id: "",
    deletion_at: null,
    pending_window_days: null,
    rotation_enabled: key.rotationEnabled === true ? 1 : 0,
    rotation_period_days: ROTATION_PERIOD_DAYS,
    rotation_enabled_at: key.rotationEnabled === true ? key.now : null,
    expiration_model: null,
    valid_to: null,
    key_store_id: key.keyStore?.id ?? null,
    xks_key_id: key.keyStore?.xksKeyId ?? null,
  };
}

/** Adds a key with its first material; returns the row as stored. */
export async function insertKeyWithMaterial(
  tx: Tx,
  row: KeyRow,
  material: SealedMaterial,
  now: number,
): Promise<KeyRow> {
  const stored = { ...row, current_material_id: material.materialId };
  await insertKey(tx, stored);
  await insertMaterial(tx, { ...materialColumns(material), created_at: now });
  return stored;
}

/** Whose material a key's material is. */
export function materialOwner({ account, region, key_id, spec, usage, origin }: KeyRow): MaterialOwner {
  return { account, region, keyId: key_id, spec, usage, origin };
}

/** The columns of a sealed material that its seal decides. */
export function materialColumns(material: SealedMaterial) {
  return {
    region: material.region,
    key_id: material.keyId,
    material_id: material.materialId,
    account: material.account,
    spec: material.spec,
    usage: material.usage,
    origin: material.origin,
    domain_version: material.domainVersion,
    sealed: material.sealed,
  };
}

/** KeyMetadata: exactly the members that the key's kind and state have (spec 01, KeyMetadata field presence). */
export function keyMetadata(row: KeyRow, keyStore?: Pick<KeyStoreRow, "cluster_id">): KeyMetadata {
  return {
    AWSAccountId: row.account,
    KeyId: row.key_id,
    Arn: keyArn({ ...row, keyId: row.key_id }),
    CreationDate: new Date(row.created_at),
    Enabled: row.state === "Enabled",
    Description: row.description,
    KeyUsage: row.usage as KeyMetadata["KeyUsage"],
    KeyState: row.state,
    ...(row.state === "PendingDeletion" && row.deletion_at !== null && { DeletionDate: new Date(row.deletion_at) }),
    ...(row.state === "PendingReplicaDeletion" &&
      row.pending_window_days !== null && { PendingDeletionWindowInDays: row.pending_window_days }),
    ...(row.valid_to !== null && { ValidTo: new Date(row.valid_to) }),
    Origin: row.origin as KeyMetadata["Origin"],
    ...(row.expiration_model !== null && { ExpirationModel: row.expiration_model }),
    KeyManager: row.manager,
    CustomerMasterKeySpec: row.spec as KeyMetadata["CustomerMasterKeySpec"],
    KeySpec: row.spec as KeyMetadata["KeySpec"],
    ...findAlgorithms(row.spec, row.usage),
    MultiRegion: row.multi_region === 1,
    ...multiRegionConfiguration(row),
    ...(namesMaterials(row) && row.current_material_id !== "" && { CurrentKeyMaterialId: row.current_material_id }),
    ...(row.key_store_id !== null && { CustomKeyStoreId: row.key_store_id }),
    ...(typeof keyStore?.cluster_id === "string" && { CloudHsmClusterId: keyStore.cluster_id }),
    ...(row.xks_key_id !== null && { XksKeyConfiguration: { Id: row.xks_key_id } }),
  };
}

/**
 * Whether answers and records name the key's materials: those of symmetric encryption keys that are in no custom key store (API
 * reference, KeyMetadata).
 */
export function namesMaterials({ spec, key_store_id }: Pick<KeyRow, "spec" | "key_store_id">): boolean {
  return spec === "SYMMETRIC_DEFAULT" && key_store_id === null;
}

/** The moment `days` after `now`, or before it where they are negative. */
export function daysAfter(now: number, days: number): number {
  return now + days * DAY_MS;
}
