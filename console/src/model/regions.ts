/** Regions as the console names them. */

import { findPartition, regionsOfPartition } from "../../../src/base/arn.ts";

/** AWS's names of Regions (AWS general reference). */
const NAMES: Readonly<Record<string, string>> = {
  "af-south-1": "Africa (Cape Town)",
  "ap-east-1": "Asia Pacific (Hong Kong)",
  "ap-east-2": "Asia Pacific (Taipei)",
  "ap-northeast-1": "Asia Pacific (Tokyo)",
  "ap-northeast-2": "Asia Pacific (Seoul)",
  "ap-northeast-3": "Asia Pacific (Osaka)",
  "ap-south-1": "Asia Pacific (Mumbai)",
  "ap-south-2": "Asia Pacific (Hyderabad)",
  "ap-southeast-1": "Asia Pacific (Singapore)",
  "ap-southeast-2": "Asia Pacific (Sydney)",
  "ap-southeast-3": "Asia Pacific (Jakarta)",
  "ap-southeast-4": "Asia Pacific (Melbourne)",
  "ap-southeast-5": "Asia Pacific (Malaysia)",
  "ap-southeast-6": "Asia Pacific (New Zealand)",
  "ap-southeast-7": "Asia Pacific (Thailand)",
  "ca-central-1": "Canada (Central)",
  "ca-west-1": "Canada West (Calgary)",
  "eu-central-1": "Europe (Frankfurt)",
  "eu-central-2": "Europe (Zurich)",
  "eu-north-1": "Europe (Stockholm)",
  "eu-south-1": "Europe (Milan)",
  "eu-south-2": "Europe (Spain)",
  "eu-west-1": "Europe (Ireland)",
  "eu-west-2": "Europe (London)",
  "eu-west-3": "Europe (Paris)",
  "il-central-1": "Israel (Tel Aviv)",
  "me-central-1": "Middle East (UAE)",
  "me-south-1": "Middle East (Bahrain)",
  "mx-central-1": "Mexico (Central)",
  "sa-east-1": "South America (Sao Paulo)",
  "us-east-1": "US East (N. Virginia)",
  "us-east-2": "US East (Ohio)",
  "us-west-1": "US West (N. California)",
  "us-west-2": "US West (Oregon)",
  "cn-north-1": "China (Beijing)",
  "cn-northwest-1": "China (Ningxia)",
  "us-gov-east-1": "AWS GovCloud (US-East)",
  "us-gov-west-1": "AWS GovCloud (US-West)",
};

export const DEFAULT_REGION = "us-east-1";

export interface RegionOption {
  readonly value: string;
  readonly label: string;
}

/** A Region with its name, as menus show it. */
export function regionOption(region: string): RegionOption {
  return { value: region, label: NAMES[region] === undefined ? region : `${NAMES[region]} ${region}` };
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
