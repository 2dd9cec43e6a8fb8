/** Who calls. */

/**
 * The account root user. IAM users, role sessions and services are further kinds (`kind` tells them apart).
 */
export interface RootPrincipal {
  readonly kind: "root";
  readonly account: string;
  readonly partition: string;
  /** `arn:<partition>:iam::<account>:root` */
  readonly arn: string;
  /** The unique id, which for a root user is the account id (CloudTrail `principalId`, STS `UserId`). */
  readonly uniqueId: string;
  readonly accessKeyId: string;
}

export type Principal = RootPrincipal;
