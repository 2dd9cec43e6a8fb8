/** Related multi-Region keys: one row in each Region; what they share is in all of the rows, written in one transaction. */

import type { MultiRegionConfiguration } from "@aws-sdk/client-kms";
import { UnsupportedOperationException } from "../base/errors.ts";
import { newRequestId } from "../base/ids.ts";
import type { Custody, SealedMaterial } from "../custody/custody.ts";
import type { Recorder } from "../pipeline/operation.ts";
import { updateKey } from "../storage/keys.ts";
import type { KeyRow } from "../storage/schema.ts";
import type { Tx } from "../storage/store.ts";
import { keyArn } from "./identifiers.ts";

/** The columns of a row that say which keys are related to it. */
type Relations = Pick<KeyRow, "region" | "primary_region" | "replica_regions">;

/** Which of the two a multi-Region key is; undefined for single-Region keys. */
export function multiRegionKeyType({ region, primary_region }: Relations): "PRIMARY" | "REPLICA" | undefined {
  if (primary_region === null) return undefined;
  return primary_region === region ? "PRIMARY" : "REPLICA";
}

/** The Region that decides what related keys share: the primary's, or a single-Region key's own. */
export function primaryRegionOf({ region, primary_region }: Relations): string {
  return primary_region ?? region;
}

/** The Regions of the replicas of a primary key, or of a replica and its siblings; none for single-Region keys. */
export function replicaRegionsOf({ replica_regions }: Relations): readonly string[] {
  return replica_regions === null ? [] : (JSON.parse(replica_regions) as string[]);
}

/** A list of Regions as the rows have it. */
export function replicaRegionsColumn(regions: readonly string[]): string {
  return JSON.stringify(regions);
}

/** The Regions of a key and all keys related to it, the primary's first. */
export function relatedRegionsOf(row: Relations): readonly string[] {
  return [primaryRegionOf(row), ...replicaRegionsOf(row)];
}

/** MultiRegionConfiguration, as KeyMetadata has it: equal for related keys, but for the type of each (spec 05, view). */
export function multiRegionConfiguration(row: KeyRow): { MultiRegionConfiguration?: MultiRegionConfiguration } {
  const type = multiRegionKeyType(row);
  if (type === undefined) return {};
  const keyIn = (region: string) => ({ Arn: keyArn({ ...row, region, keyId: row.key_id }), Region: region });
  return {
    MultiRegionConfiguration: {
      MultiRegionKeyType: type,
      PrimaryKey: keyIn(primaryRegionOf(row)),
      ReplicaKeys: replicaRegionsOf(row).map(keyIn),
    },
  };
}

/** Changes what related keys share, in every Region; a single-Region key's own row. */
export async function updateRelatedKeys(tx: Tx, row: KeyRow, columns: Parameters<typeof updateKey>[2]): Promise<void> {
  for (const region of relatedRegionsOf(row)) await updateKey(tx, { region, key_id: row.key_id }, columns);
}

/** One material, sealed for the rows of related keys: the primary's, then its replicas'. */
export async function sealForReplicas(
  custody: Custody,
  row: KeyRow,
  material: SealedMaterial,
): Promise<readonly SealedMaterial[]> {
  const copies = replicaRegionsOf(row).map((region) => custody.resealMaterial(material, region));
  return [material, ...(await Promise.all(copies))];
}

/** Whether material is sealed for exactly the Regions that related keys are in now. */
export function isSealedForAll(materials: readonly SealedMaterial[], row: KeyRow): boolean {
  const regions = new Set(relatedRegionsOf(row));
  return materials.length === regions.size && materials.every(({ region }) => regions.has(region));
}

/**
 * Writes the record of what replicas took over from their primary; without replicas there is none. It is the primary's, in its
 * Region, and doesn't name the replicas (KMS guide, SynchronizeMultiRegionKey).
 */
export async function recordSynchronization(
  tx: Tx,
  row: KeyRow,
  { now, recorder }: { now: number; recorder: Recorder },
): Promise<void> {
  if (replicaRegionsOf(row).length === 0) return;
  const { account } = row;
  const region = primaryRegionOf(row);
  const arn = keyArn({ ...row, region, keyId: row.key_id });
  await recorder.enlist(tx, {
    service: "kms",
    event: "SynchronizeMultiRegionKey",
    account,
    region,
    now,
    requestId: newRequestId(),
    response: { KeyId: arn },
    resources: [{ arn, account }],
  });
}

/** @throws UnsupportedOperationException the key is a replica, and what is asked for is its primary's to decide */
export function requireNoReplica({ arn, row }: { readonly arn: string; readonly row: KeyRow }): void {
  if (multiRegionKeyType(row) === "REPLICA") throw notPrimary(arn, row);
}

/** @throws UnsupportedOperationException the key is no multi-Region primary key */
export function requirePrimary({ arn, row }: { readonly arn: string; readonly row: KeyRow }): void {
  if (multiRegionKeyType(row) !== "PRIMARY") throw notPrimary(arn, row);
}

/**
 * What an operation of primary keys answers for any other key: for one that is of one Region in AWS's words (cdk-preflight,
 * rules/kms/pf-kms-replica-primary-arn), for a replica in ours.
 */
export function notPrimary(arn: string, row: KeyRow): UnsupportedOperationException {
  const what = multiRegionKeyType(row) === undefined ? "multi-region" : "multi-Region primary";
  return new UnsupportedOperationException(`${arn} is not a ${what} key.`);
}
