/** One question: may this principal do this to that? */

import { AccessDeniedException } from "../base/errors.ts";
import type { Principal } from "../identity/principal.ts";
import type { ConditionContext } from "../policy/context.ts";
import { type CompiledPolicy, evaluate } from "../policy/policy.ts";

/** A grant that lets a caller do what was asked. */
export interface GrantMatch {
  readonly grantId: string;
}

export interface AccessRequest {
  readonly principal: Principal;
  /** Such as `kms:Encrypt`. */
  readonly action: string;
  readonly resource: {
    readonly arn: string;
    /** Whose it is. */
    readonly account: string;
    /** Its resource policy; absent for kinds that have none. */
    readonly policy?: CompiledPolicy;
  };
  /** Nothing is there under that ARN. */
  readonly absent: boolean;
  /** What conditions ask of the request. */
  readonly context: ConditionContext;
}

export type Decision =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      readonly why: "explicit deny" | "no resource policy allows" | "another account's";
      /** Whether a policy denies, so that no grant can allow; the caller is not always told. */
      readonly explicitly: boolean;
    };

const ALLOWED: Decision = { allowed: true };

/**
 * Decides for account roots, the only principals so far; anything else is denied.
 *
 * A resource with a policy must admit the account through it, the caller's own account and others alike (KMS guide, Key
 * policies: no principal has any permission unless it is explicitly given). Without one (the account itself, aliases), or
 * when nothing is there, it must be the caller's own.
 */
export function decide({ principal, action, resource, absent, context }: AccessRequest): Decision {
  const own = resource.account === principal.account;
  if (principal.kind !== "root") return { allowed: false, why: "no resource policy allows", explicitly: false };
  if (resource.policy === undefined || absent) {
    return own ? ALLOWED : { allowed: false, why: "another account's", explicitly: false };
  }
  const { verdict } = evaluate(resource.policy, { principal, action, resourceArn: resource.arn, context });
  if (verdict === "allow") return ALLOWED;
  const explicitly = verdict === "deny";
  if (!own) return { allowed: false, why: "another account's", explicitly };
  return { allowed: false, why: explicitly ? "explicit deny" : "no resource policy allows", explicitly };
}

/**
 * The error of a denied request, as AWS words it today. Of another account's resource it does not say whether it exists.
 */
export function accessDenied(
  { principal, action, resource }: AccessRequest,
  { why }: Decision & { readonly allowed: false },
): AccessDeniedException {
  const who = `User: ${principal.arn} is not authorized to perform: ${action}`;
  switch (why) {
    case "explicit deny":
      return new AccessDeniedException(
        `${who} on resource: ${resource.arn} with an explicit deny in a resource-based policy`,
      );
    case "no resource policy allows":
      return new AccessDeniedException(
        `${who} on resource: ${resource.arn} because no resource-based policy allows the ${action} action`,
      );
    case "another account's":
      return new AccessDeniedException(
        `${who} on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
      );
  }
}
