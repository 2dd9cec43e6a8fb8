/** Amazon Resource Names, partitions and Regions. */

export interface Arn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly account: string;
  /** Everything after the fifth colon, such as `key/1234…` or `alias/mine`. */
  readonly resource: string;
}

/** Splits `text` as an ARN, or gives undefined when it is none: six parts, the first `arn`, no empty partition or service. */
export function asArn(text: string): Arn | undefined {
  const parts = text.split(":");
  const [prefix, partition, service, region, account] = parts;
  if (parts.length < 6 || prefix !== "arn" || !partition || !service || region === undefined || account === undefined) {
    return undefined;
  }
  return { partition, service, region, account, resource: parts.slice(5).join(":") };
}

export function formatArn({ partition, service, region, account, resource }: Arn): string {
  return `arn:${partition}:${service}:${region}:${account}:${resource}`;
}

/** The partitions Keystead serves, with their Regions (AWS general reference, KMS endpoints). */
export const regionsOfPartition: Readonly<Record<string, readonly string[]>> = {
  aws: [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
  ],
  "aws-cn": ["cn-north-1", "cn-northwest-1"],
  "aws-us-gov": ["us-gov-east-1", "us-gov-west-1"],
};

const partitionOfRegion: ReadonlyMap<string, string> = new Map(
  Object.entries(regionsOfPartition).flatMap(([partition, regions]) => regions.map((region) => [region, partition])),
);

/** The partition of a Region, or undefined for a Region that AWS does not have. */
export function findPartition(region: string): string | undefined {
  return partitionOfRegion.get(region);
}

/** The Region in which the services run that a partition has once, IAM among them (AWS general reference, IAM endpoints). */
export function homeRegion(partition: string): string {
  if (partition === "aws-cn") return "cn-north-1";
  return partition === "aws-us-gov" ? "us-gov-west-1" : "us-east-1";
}
