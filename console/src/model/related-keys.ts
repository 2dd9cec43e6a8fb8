/** The keys that are related to a multi-Region key. */

import type { KeyMetadata } from "@aws-sdk/client-kms";

export interface RelatedKey {
  readonly arn: string;
  readonly region: string;
  readonly role: "Multi-Region primary" | "Multi-Region replica";
}

/** All related keys but the key itself, the primary first. */
export function relatedKeys({ Arn, MultiRegionConfiguration }: KeyMetadata): readonly RelatedKey[] {
  const { PrimaryKey, ReplicaKeys = [] } = MultiRegionConfiguration ?? {};
  const all = [
    { ...PrimaryKey, role: "Multi-Region primary" as const },
    ...ReplicaKeys.map((key) => ({ ...key, role: "Multi-Region replica" as const })),
  ];
  return all.flatMap(({ Arn: arn, Region: region, role }) =>
    arn === undefined || region === undefined || arn === Arn ? [] : [{ arn, region, role }],
  );
}

/** Every Region that has a key of the set. */
export function regionsOfSet({ MultiRegionConfiguration }: KeyMetadata): readonly string[] {
  const { PrimaryKey, ReplicaKeys = [] } = MultiRegionConfiguration ?? {};
  return [PrimaryKey, ...ReplicaKeys].flatMap((key) => key?.Region ?? []);
}
