/** Regions as the console names them. */

import { findPartition, regionNames, regionsOfPartition } from "../../../src/base/arn.ts";

export const DEFAULT_REGION = "us-east-1";

export interface RegionOption {
  readonly value: string;
  readonly label: string;
}

/** A Region with its name, as menus show it. */
export function regionOption(region: string): RegionOption {
  return { value: region, label: regionNames[region] === undefined ? region : `${regionNames[region]} ${region}` };
}

export const allRegions: readonly string[] = Object.values(regionsOfPartition).flat();

/** The Regions of a Region's own partition. */
export function regionsBeside(region: string): readonly string[] {
  return regionsOfPartition[findPartition(region) ?? ""] ?? [];
}

/** The Regions to which a key can be replicated, and those that have it already, which can't be chosen. */
export function replicaRegions(
  region: string,
  taken: readonly string[],
): readonly (RegionOption & { readonly disabled: boolean })[] {
  return regionsBeside(region).map((one) => ({ ...regionOption(one), disabled: taken.includes(one) }));
}
