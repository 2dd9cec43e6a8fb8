/** Who calls. */

import type { ProviderKeys, SessionClaims } from "./session.ts";

/** What every caller has; also what policies ask of it (`PolicyPrincipal`). */
interface Caller {
  readonly account: string;
  readonly partition: string;
  /** `arn:<partition>:iam::<account>:root` */
  readonly accountArn: string;
  /** The caller's own ARN, as GetCallerIdentity answers it. */
  readonly arn: string;
  /** CloudTrail `principalId`, STS `UserId`, `aws:userid`. */
  readonly uniqueId: string;
  readonly accessKeyId: string;
  /** Of a session of a role or of a federated user: the ARN of what it rests on. */
  readonly baseArn?: string;
  /** With temporary credentials. */
  readonly session?: SessionClaims;
}

/** The account root user; its unique id is the account id. */
export interface RootPrincipal extends Caller {
  readonly kind: "root";
}

/** An IAM user, with an access key of its own or a session of GetSessionToken. */
export interface UserPrincipal extends Caller {
  readonly kind: "user";
  readonly name: string;
  /** `AIDA…` */
  readonly identityId: string;
}

/** A session of a role; the unique id is `AROA…:<session name>`. */
export interface RoleSessionPrincipal extends Caller {
  readonly kind: "assumed-role";
  readonly roleName: string;
  /** `arn:<partition>:iam::<account>:role/<path><name>` */
  readonly baseArn: string;
  /** `AROA…` */
  readonly identityId: string;
  readonly session: SessionClaims;
}

/** A federated user (GetFederationToken); what it may do rests on the user, or root user, who made the session. */
export interface FederatedUserPrincipal extends Caller {
  readonly kind: "federated-user";
  readonly name: string;
  /** The ARN of the user, or of the account's root. */
  readonly baseArn: string;
  /** `AIDA…`; absent when the root user made the session. */
  readonly identityId?: string;
  readonly session: SessionClaims;
}

/**
 * Somebody who holds no credentials of ours but a token of an identity provider (AssumeRoleWithWebIdentity): a caller of the
 * role's account, for as long as the call.
 */
export interface WebIdentityPrincipal extends Caller {
  readonly kind: "web-identity";
  /** The provider's ARN, by which trust policies name it. */
  readonly federated: string;
  /** The token's subject. */
  readonly subject: string;
  /** By which the account knows the provider's client. */
  readonly audience: string;
  readonly providerKeys: ProviderKeys;
  readonly identityId?: never;
  readonly session?: never;
}

/**
 * A service that calls by itself, for a resource of an account's (a trail): policies name it as `Service`. Its account is that of the
 * resource, which gives it nothing: resource policies alone let it in.
 */
export interface ServicePrincipal extends Caller {
  readonly kind: "service";
  /** Such as `cloudtrail.amazonaws.com`; also its ARN and unique id. */
  readonly service: string;
  /** The resource: `aws:SourceArn`. */
  readonly sourceArn: string;
  readonly identityId?: never;
  readonly session?: never;
}

/** The principal of a service that calls for a resource of an account. */
export function servicePrincipal(
  service: string,
  { account, partition, sourceArn }: Pick<ServicePrincipal, "account" | "partition" | "sourceArn">,
): ServicePrincipal {
  const accountArn = `arn:${partition}:iam::${account}:root`;
  const common = { arn: service, uniqueId: service, accessKeyId: "", service, sourceArn };
  return { kind: "service", account, partition, accountArn, ...common };
}

export type Principal =
  | RootPrincipal
  | UserPrincipal
  | RoleSessionPrincipal
  | FederatedUserPrincipal
  | WebIdentityPrincipal
  | ServicePrincipal;
