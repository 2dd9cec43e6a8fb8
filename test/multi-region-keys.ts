/** Sets of related multi-Region keys for tests. */

import type { CreateKeyCommandInput, KMS, MultiRegionConfiguration } from "@aws-sdk/client-kms";
import type { HeldServer } from "./held-server.ts";
import { describedKey, newKey } from "./kms-client.ts";

/** The Region of primary keys. */
export const HOME = "us-east-1";

/** Long enough for a replica to be there, or a primary Region to be changed. */
export const MOMENT_MS = 3_000;

/** Makes a primary key in us-east-1 and replicas in other Regions, and lets their states settle. @returns their id */
export async function newSet(
  server: HeldServer,
  regions: readonly string[],
  input: CreateKeyCommandInput = {},
): Promise<string> {
  const home = server.client(HOME);
  const { KeyId } = await newKey(home, { ...input, MultiRegion: true });
  for (const ReplicaRegion of regions) await home.replicateKey({ KeyId, ReplicaRegion });
  if (regions.length > 0) await server.advance(MOMENT_MS);
  return KeyId;
}

/** What a key says of its relations, in short. */
export async function relationsOf(
  kms: KMS,
  keyId: string,
): Promise<{ type: string | undefined; primary: string | undefined; replicas: (string | undefined)[] }> {
  const { MultiRegionConfiguration: relations = {} } = await describedKey(kms, keyId);
  return inShort(relations);
}

function inShort({ MultiRegionKeyType, PrimaryKey, ReplicaKeys = [] }: MultiRegionConfiguration) {
  return { type: MultiRegionKeyType, primary: PrimaryKey?.Region, replicas: ReplicaKeys.map(({ Region }) => Region) };
}

/** The ARN of a key of the first account in a Region of the partition `aws`. */
export function arnIn(region: string, keyId: string): string {
  return `arn:aws:kms:${region}:111122223333:key/${keyId}`;
}
