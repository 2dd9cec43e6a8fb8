/** One question: may this principal do this to that? AWS's order of evaluation, and its words for a refusal. */

import { AccessDeniedException } from "../base/errors.ts";
import { type ControlPolicyType, RCP, SCP } from "../identity/control-policies.ts";
import type { Principal } from "../identity/principal.ts";
import type { ConditionContext } from "../policy/context.ts";
import { type CompiledPolicy, evaluate, type PolicyRequest, type Reach } from "../policy/policy.ts";
import type { Reader } from "../storage/store.ts";
import {
  controlPolicyArn,
  organizationOf,
  resourceControl,
  type SourcedPolicy,
  type Sources,
  sourcesOf,
} from "./sources.ts";

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
    /** Whether the identity policies of its own account allow whatever its policy does not deny (S3; keys are otherwise). */
    readonly ownedByAccount?: boolean;
    /** Whether no resource control policy limits it (AWS managed keys). */
    readonly exempt?: boolean;
  };
  /** Nothing is there under that ARN. */
  readonly absent: boolean;
  /** What conditions ask of the request. */
  readonly context: ConditionContext;
  /** The policy of the VPC endpoint through which the request came. */
  readonly endpointPolicy?: CompiledPolicy;
  /**
   * The policies that hang on the caller; those of today unless a simulation says otherwise, in which resource control policies
   * take no part (IAM guide, policy simulator).
   */
  readonly sources?: Sources;
  /** The grant on the resource, if any, that lets a grantee of one of these names (ARNs) do the action. */
  granted?(granteeNames: readonly string[]): GrantMatch | undefined;
}

/** The kinds of policies, as AWS's refusals name them. */
export type PolicyType =
  | "identity-based policy"
  | "resource-based policy"
  | "permissions boundary"
  | "session policy"
  | "service control policy"
  | "resource control policy"
  | "VPC endpoint policy";

/** Those that have ARNs, or names, of their own. */
type NamedPolicyType = Exclude<PolicyType, "resource-based policy" | "VPC endpoint policy">;

const CONTROL_TYPES: Readonly<Partial<Record<PolicyType, ControlPolicyType>>> = {
  "service control policy": SCP,
  "resource control policy": RCP,
};

export type Decision = { readonly allowed: true; readonly grant?: GrantMatch } | Denial;

export interface Denial {
  readonly allowed: false;
  /** Whether a statement denies, or none allows; of another account's resource nothing is told. */
  readonly why: "explicit" | "implicit" | "another account's";
  /** The type of policy that denies, or that does not allow. */
  readonly by: PolicyType;
  /** The ARN of the policy that denies, where it has one and may be told. */
  readonly policyArn?: string;
  /** The resource is of neither the caller's account nor its organization. */
  readonly isFar?: true;
}

const ALLOWED: Decision = { allowed: true };

/**
 * Decides (KMS guide, Troubleshooting key access; IAM guide, Policy evaluation logic; spec 03 and 04):
 *
 * - an explicit deny anywhere outweighs all else;
 * - resource control policies at every level above the resource's account, service control policies at every level above the
 *   caller's, and the policy of the VPC endpoint, must allow;
 * - in the own account, a resource policy allows whom it names, or leaves it to the identity policies by naming the account;
 *   a resource without a policy leaves it to them, and so does one that is its account's (`ownedByAccount`); permissions boundary and session policy limit what identity policies and
 *   statements for the base of a session (its role) give, not what is given to the user or the session itself;
 * - on another account's resource, its policy and the caller's identity policies must both allow;
 * - a grant allows its grantee, in any account; a grant to an account leaves it to the identity policies.
 */
export function decide(request: AccessRequest, reader: Reader): Decision {
  const decision = judge(request, reader);
  if (decision.allowed || !isFar(request, reader)) return decision;
  const { policyArn: _untold, ...denial } = decision;
  return { ...denial, isFar: true };
}

function judge(request: AccessRequest, reader: Reader): Decision {
  const { principal, resource, absent, endpointPolicy } = request;
  // A service has no identity policies in any account: a resource policy that names it is all that it needs.
  const own = resource.account === principal.account || principal.kind === "service";
  const asked = askedOf(request);
  const sources = request.sources ?? sourcesOf(principal, reader);
  const onResource = absent || resource.policy === undefined ? undefined : evaluateOnResource(resource.policy, asked);
  const verdicts = verdictsOf(sources, asked);
  const atEndpoint = endpointPolicy && evaluate(endpointPolicy, asked).verdict;
  const aboveResource = aboveResourceOf(request, reader);
  const outer = evaluateLevels(aboveResource, asked);

  if (outer === "deny") return denied("resource control policy", aboveResource.flat(), request, reader);
  if (verdicts.control === "deny") return denied("service control policy", sources.control.flat(), request, reader);
  if (atEndpoint === "deny") return explicit("VPC endpoint policy");
  if (onResource === "deny") return own ? explicit("resource-based policy") : anothers;
  if (verdicts.boundary === "deny") return denied("permissions boundary", sources.boundary, request, reader);
  if (verdicts.session === "deny") return denied("session policy", sources.session, request, reader);
  if (verdicts.identity === "deny") return denied("identity-based policy", sources.identity, request, reader);
  if (outer === "none") return implicit("resource control policy");
  if (verdicts.control === "none") return implicit("service control policy");
  if (atEndpoint === "none") return implicit("VPC endpoint policy");

  const hasPolicy = !absent && resource.policy !== undefined;
  const isLeftToAccount = own && (!hasPolicy || resource.ownedByAccount === true);
  const reach = (hasPolicy ? onResource : undefined) ?? (isLeftToAccount ? "account" : undefined);
  const missing = reach === undefined ? undefined : missingOf(own ? reach : "account", verdicts);
  if (reach !== undefined && missing === undefined) return ALLOWED;
  const grant = absent ? undefined : grantOf(request, verdicts);
  if (grant !== undefined) return { allowed: true, grant };
  if (missing !== undefined) return implicit(missing);
  return own ? implicit("resource-based policy") : anothers;
}

/** The grant that allows: to the caller itself, to the role or user on which its session rests, or to its account. */
function grantOf({ principal, granted }: AccessRequest, verdicts: Verdicts): GrantMatch | undefined {
  if (granted === undefined) return undefined;
  const { baseArn } = principal;
  return (
    granted([principal.arn]) ??
    (baseArn !== undefined && missingOf("base", verdicts) === undefined ? granted([baseArn]) : undefined) ??
    (missingOf("account", verdicts) === undefined ? granted([principal.accountArn]) : undefined)
  );
}

const anothers: Decision = { allowed: false, why: "another account's", by: "resource-based policy" };
const explicit = (by: PolicyType): Denial => ({ allowed: false, why: "explicit", by });
const implicit = (by: PolicyType): Decision => ({ allowed: false, why: "implicit", by });

type Outcome = "allow" | "deny" | "none";

/** What each type of policy of the caller says; undefined where there is none of that type and nothing is limited by it. */
interface Verdicts {
  readonly identity: Outcome;
  readonly boundary: Outcome | undefined;
  readonly session: Outcome | undefined;
  readonly control: Outcome | undefined;
}

function verdictsOf({ identity, boundary, session, control }: Sources, asked: PolicyRequest): Verdicts {
  return {
    identity: identity === undefined ? "allow" : evaluateAll(identity, asked),
    boundary: boundary && evaluateAll(boundary, asked),
    session: session && evaluateAll(session, asked),
    control: evaluateLevels(control, asked),
  };
}

/** The control policies above the resource's account that take part, a list for each level. */
export function aboveResourceOf(request: AccessRequest, reader: Reader): Sources["control"] {
  return request.sources === undefined ? resourceControl(request, reader) : [];
}

function askedOf({ principal, action, resource, context }: AccessRequest): PolicyRequest {
  return { principal, action, resourceArn: resource.arn, context };
}

/**
 * A denial by a policy of the caller's or of an organization, which is named by its ARN where it has one (AWS Security Blog,
 * Enhanced access denied error messages with policy ARNs).
 */
function denied(
  by: NamedPolicyType,
  policies: readonly SourcedPolicy[] | undefined,
  request: AccessRequest,
  reader: Reader,
): Denial {
  const name = policies?.find(({ policy }) => evaluate(policy, askedOf(request)).verdict === "deny")?.name;
  if (name?.startsWith("arn:")) return { ...explicit(by), policyArn: name };
  const type = CONTROL_TYPES[by];
  const { principal, resource } = request;
  const organization = organizationOf(type === RCP ? resource.account : principal.account, reader);
  if (type === undefined || name === undefined || organization === undefined) return explicit(by);
  const { partition } = principal;
  return { ...explicit(by), policyArn: controlPolicyArn({ id: name, type }, { partition, organization }) };
}

/** Whether the resource is of neither the caller's account nor its organization: of policies there, less is told. */
function isFar({ principal: { account }, resource }: AccessRequest, reader: Reader): boolean {
  if (resource.account === account) return false;
  const organization = organizationOf(account, reader);
  return organization === undefined || organizationOf(resource.account, reader)?.id !== organization.id;
}

/** One deny denies, else one allow allows. */
function evaluateAll(policies: readonly SourcedPolicy[], asked: PolicyRequest): Outcome {
  let outcome: Outcome = "none";
  for (const { policy } of policies) {
    const { verdict } = evaluate(policy, asked);
    if (verdict === "deny") return "deny";
    if (verdict === "allow") outcome = "allow";
  }
  return outcome;
}

/** One deny anywhere denies, else every level must allow. */
function evaluateLevels(levels: Sources["control"], asked: PolicyRequest): Outcome | undefined {
  if (levels.length === 0) return undefined;
  const outcomes = levels.map((policies) => evaluateAll(policies, asked));
  if (outcomes.includes("deny")) return "deny";
  return outcomes.every((outcome) => outcome === "allow") ? "allow" : "none";
}

/** A resource policy has nothing to say about callers of another partition, whom no principal in it can mean. */
function evaluateOnResource(policy: CompiledPolicy, asked: PolicyRequest): Reach | "deny" | undefined {
  const { accountArn } = asked.principal;
  const partition = accountArn.slice(0, accountArn.indexOf(":", "arn:".length) + 1);
  if (!asked.resourceArn.startsWith(partition)) return undefined;
  const verdict = evaluate(policy, asked);
  if (verdict.verdict === "allow") return verdict.reach;
  return verdict.verdict === "deny" ? "deny" : undefined;
}

/** The first type of the caller's own policies that a permission of this reach needs and that does not allow; undefined: none. */
function missingOf(reach: Reach, { identity, boundary, session }: Verdicts): PolicyType | undefined {
  if (reach === "direct") return undefined;
  if (reach === "account" && identity !== "allow") return "identity-based policy";
  if (boundary === "none") return "permissions boundary";
  return session === "none" ? "session policy" : undefined;
}

/** Services that name no resource where an action has none; others name `*` (recorded refusals). */
const WITHOUT_STAR = new Set(["cloudtrail", "cloudwatch", "ec2", "s3", "secretsmanager", "tag"]);

/**
 * The error of a denied request, as AWS words it today. Of another account's resource it does not say whether it exists.
 */
export function accessDenied(
  { principal, action, resource }: Pick<AccessRequest, "principal" | "action" | "resource">,
  denial: Denial,
): AccessDeniedException {
  const who = `User: ${principal.arn} is not authorized to perform: ${action}`;
  if (denial.why === "another account's") {
    return new AccessDeniedException(
      `${who} on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
    );
  }
  const isNamed = resource.arn !== "*" || !WITHOUT_STAR.has(action.slice(0, action.indexOf(":")));
  return new AccessDeniedException(
    `${who} ${isNamed ? `on resource: ${resource.arn} ` : ""}${reasonOf(action, denial)}`,
  );
}

/** How a refusal ends: which type of policy, or which policy, denies or does not allow. */
function reasonOf(action: string, { why, by, policyArn }: Denial): string {
  if (why === "implicit") return `because no ${by} allows the ${action} action`;
  const named = policyArn === undefined ? "" : `: ${policyArn}`;
  return `with an explicit deny in ${by.startsWith("i") ? "an" : "a"} ${by}${named}`;
}
