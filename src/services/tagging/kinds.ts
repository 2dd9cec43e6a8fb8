/** The kinds of resources whose tags the Resource Groups Tagging API tells of, and how their ids become ARNs. */

import { formatArn, homeRegion } from "../../base/arn.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { TaggedKind, TagOwner } from "../../storage/tagged-resources.ts";

/** One kind of tagged resources. */
export interface ResourceKind {
  readonly kind: TaggedKind;
  /** Such as `kms:key`: what ResourceTypeFilters name. */
  readonly type: string;
  /** Whether its rows are named by their ARNs. */
  readonly namedByArn?: boolean;
}

/** In the order in which they are listed. */
const KINDS: readonly ResourceKind[] = [
  { kind: "snapshot", type: "ec2:snapshot" },
  { kind: "volume", type: "ec2:volume" },
  { kind: "vpcEndpoint", type: "ec2:vpc-endpoint" },
  { kind: "oidcProvider", type: "iam:oidc-provider", namedByArn: true },
  { kind: "managedPolicy", type: "iam:policy", namedByArn: true },
  { kind: "key", type: "kms:key" },
  { kind: "secret", type: "secretsmanager:secret", namedByArn: true },
  { kind: "parameter", type: "ssm:parameter", namedByArn: true },
];

/** The kinds that are listed in the Region of a call: those of IAM in its home Region alone (tagging guide, Supported resources). */
export function kindsIn({ partition, region }: Call): readonly ResourceKind[] {
  return KINDS.filter(({ type }) => !type.startsWith("iam:") || region === homeRegion(partition));
}

/** With what the ARNs of a kind begin for the caller of a call, such as `arn:aws:kms:us-east-1:111122223333:key/`. */
export function arnPrefix({ type }: ResourceKind, { partition, region, principal }: Call): string {
  const [service = "", resource = ""] = type.split(":");
  const where = service === "iam" ? "" : region;
  const account = resource === "snapshot" ? "" : principal.account; // ARNs of snapshots name none
  const separator = service === "secretsmanager" ? ":" : "/";
  return formatArn({ partition, service, region: where, account, resource: resource + separator });
}

/** Whose rows of a kind a caller may see. */
export function ownerOf(kind: ResourceKind, call: Call): TagOwner {
  return { account: call.principal.account, region: call.region, idPrefix: arnPrefix(kind, call) };
}

/** The ARN of a row. */
export function arnOf(kind: ResourceKind, id: string, call: Call): string {
  return kind.namedByArn === true ? id : arnPrefix(kind, call) + id;
}

/** The row that an ARN means among those of a kind, or undefined. */
export function idOf(kind: ResourceKind, arn: string, call: Call): string | undefined {
  const prefix = arnPrefix(kind, call);
  if (!arn.startsWith(prefix)) return undefined;
  return kind.namedByArn === true ? arn : arn.slice(prefix.length);
}
