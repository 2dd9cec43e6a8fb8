/** Policies compiled, and what they say to one request. */

import { type Condition, type ConditionTest, compileCondition, needsKey } from "./conditions.ts";
import type { ConditionContext } from "./context.ts";
import {
  type Document,
  type Patterns,
  type PolicyKind,
  PolicySyntaxError,
  type Principals,
  parsePolicy,
  type Statement,
} from "./document.ts";
import { compileGlob, compilePattern } from "./glob.ts";
import { compileTemplate, isVariable, parseTemplate, type Template, VariableError } from "./variables.ts";

/** A policy document ready to decide. */
export interface CompiledPolicy {
  readonly statements: readonly CompiledStatement[];
}

/**
 * How a statement means the caller: by name or as one of everybody (`direct`), by the role or user on which its session rests
 * (`base`), or by its account. What an account is given, its identity policies decide; what the base of a session is given,
 * boundaries and session policies limit.
 */
export type Reach = "direct" | "base" | "account";

/** One statement, ready to decide, in the parts that an explanation tells of. */
export interface CompiledStatement {
  readonly sid: string | undefined;
  readonly effect: Statement["effect"];
  /** Of policies without principals always `direct`. */
  readonly reachOf: (principal: PolicyPrincipal) => Reach | undefined;
  /** The action comes in lower case. */
  readonly isAction: (action: string) => boolean;
  readonly isResource: (arn: string, context: ConditionContext) => boolean;
  /** All of them must hold. */
  readonly conditions: readonly CompiledCondition[];
  /** A key without which one of its conditions doesn't hold, if there is one. */
  readonly needs: string | undefined;
}

export interface CompiledCondition extends Condition {
  readonly holds: ConditionTest;
}

/** Who asks, as policies name principals. */
export interface PolicyPrincipal {
  /** Of the root user, the IAM user, the role session or the federated user. */
  readonly arn: string;
  readonly account: string;
  /** `arn:<partition>:iam::<account>:root` */
  readonly accountArn: string;
  /** Of a session of a role or of a federated user: the ARN of the role or user on which it rests. */
  readonly baseArn?: string;
  /** The unique id of the user or role, or of the one on which the session rests. */
  readonly identityId?: string;
  /** Of a service that calls by itself, such as `cloudtrail.amazonaws.com`. */
  readonly service?: string;
  /** Of somebody who comes with a token of an identity provider: the provider's ARN or name. */
  readonly federated?: string;
}

/** What a policy is asked. */
export interface PolicyRequest {
  readonly principal: PolicyPrincipal;
  /** Such as `kms:Encrypt`. */
  readonly action: string;
  readonly resourceArn: string;
  readonly context: ConditionContext;
}

/** What a policy says, and the statement that decided: an explicit deny outweighs every allow. */
export type Verdict =
  | { readonly verdict: "allow"; readonly statement: CompiledStatement; readonly reach: Reach }
  | { readonly verdict: "deny"; readonly statement: CompiledStatement }
  | { readonly verdict: "none" };

const NONE: Verdict = { verdict: "none" };

/** How much each way of being meant gives. */
const RANK: Readonly<Record<Reach, number>> = { account: 1, base: 2, direct: 3 };

/** The unique id of each user and role that a policy names, by ARN: another one of the same name is not meant. */
export type PrincipalIds = ReadonlyMap<string, string>;

/**
 * Parses and compiles a policy.
 *
 * @throws PolicySyntaxError (document.ts)
 */
export function compilePolicy(text: string, kind: PolicyKind = "resource", ids?: PrincipalIds): CompiledPolicy {
  return compileDocument(parsePolicy(text, kind), ids);
}

/**
 * Compiles a document that was parsed.
 *
 * @throws PolicySyntaxError a policy variable can't be read, or stands where none may
 */
export function compileDocument({ version, statements }: Document, ids: PrincipalIds = new Map()): CompiledPolicy {
  const variables = version === "2012-10-17";
  try {
    return { statements: statements.map((statement) => compileStatement(statement, { variables, ids })) };
  } catch (cause) {
    if (cause instanceof VariableError) throw new PolicySyntaxError(cause.message);
    throw cause;
  }
}

/** What a policy says to a request. */
export function evaluate(policy: CompiledPolicy, request: PolicyRequest): Verdict {
  let absent: string | undefined; // the key that was last found absent: long policies ask for the same ones again and again
  let best: { readonly verdict: "allow"; readonly statement: CompiledStatement; readonly reach: Reach } | undefined;
  for (const statement of statementsOn(policy, request.action)) {
    const isAllow = statement.effect === "Allow";
    if (isAllow && best?.reach === "direct") continue;
    const { needs, conditions } = statement;
    if (needs !== undefined && needs === absent) continue;
    const reach = reachOf(statement, request);
    if (reach === undefined) continue;
    if (needs !== undefined && isAbsent(needs, request.context)) {
      absent = needs;
      continue;
    }
    if (!doHold(conditions, request.context)) continue;
    if (!isAllow) return { verdict: "deny", statement };
    if (best === undefined || RANK[reach] > RANK[best.reach]) best = { verdict: "allow", statement, reach };
  }
  return best ?? NONE;
}

function isAbsent(key: string, context: ConditionContext): boolean {
  return (context(key)?.length ?? 0) === 0;
}

/** Of the actions that a policy is asked about, so many are remembered: no key's users need more. */
const ACTIONS_MAX = 64;
const statementsByAction = new WeakMap<CompiledPolicy, Map<string, readonly CompiledStatement[]>>();

/** The statements of a policy that are on an action: its other ones are looked at once. */
function statementsOn(policy: CompiledPolicy, action: string): readonly CompiledStatement[] {
  let byAction = statementsByAction.get(policy);
  if (byAction === undefined) {
    byAction = new Map();
    statementsByAction.set(policy, byAction);
  }
  let statements = byAction.get(action);
  if (statements === undefined) {
    const lower = action.toLowerCase();
    statements = policy.statements.filter(({ isAction }) => isAction(lower));
    if (byAction.size < ACTIONS_MAX) byAction.set(action, statements);
  }
  return statements;
}

/** How a statement on the action means the caller of a request, its conditions aside; undefined when it says nothing to it. */
function reachOf(statement: CompiledStatement, { principal, resourceArn, context }: PolicyRequest): Reach | undefined {
  const reach = statement.reachOf(principal);
  return reach !== undefined && statement.isResource(resourceArn, context) ? reach : undefined;
}

function doHold(conditions: readonly CompiledCondition[], context: ConditionContext): boolean {
  for (const { holds } of conditions) if (!holds(context)) return false;
  return true;
}

function compileStatement(
  statement: Statement,
  { variables, ids }: { readonly variables: boolean; readonly ids: PrincipalIds },
): CompiledStatement {
  const { sid, effect, principals, actions, resources, conditions } = statement;
  return {
    sid,
    effect,
    reachOf: principals === undefined ? () => "direct" : compilePrincipals(principals, effect, ids),
    isAction: compileActions(actions),
    isResource: resources === "implied" ? () => true : compileResources(resources, variables),
    conditions: conditions.map((condition) => ({ ...condition, holds: compileCondition(condition, variables) })),
    needs: conditions.find(needsKey)?.key,
  };
}

/** A statement without the element concerns nothing; negated or not, it has no effect. The same goes for resources. */
function compileActions(patterns: Patterns | undefined): (action: string) => boolean {
  if (patterns === undefined) return () => false;
  const { negated, values } = patterns;
  const matchers = values.map((pattern) => compileGlob(pattern.toLowerCase()));
  return (action) => matchers.some((matches) => matches(action)) !== negated;
}

function compileResources(
  patterns: Patterns | undefined,
  variables: boolean,
): (arn: string, context: ConditionContext) => boolean {
  if (patterns === undefined) return () => false;
  const { negated, values } = patterns;
  const matchers = values.map((pattern) => {
    const template = parseTemplate(pattern, { variables, wildcards: true });
    requireVariablesInResource(template);
    return compileTemplate(template, compilePattern);
  });
  if (values.includes("*")) return () => !negated;
  return (arn, context) => matchers.some((matches) => matches(arn, context)) !== negated;
}

/** A variable may stand for parts of an ARN after the fifth colon alone (IAM guide, Where you can use policy variables). */
function requireVariablesInResource(template: Template): void {
  let colons = 0;
  for (const part of template) {
    if (typeof part === "string") colons += part.split(":").length - 1;
    else if (isVariable(part) && colons < 5) {
      throw new VariableError("Policy contains a variable before the fifth colon of a resource.");
    }
  }
}

/**
 * An account is meant by its root ARN or its bare id; both are delegation to the account, its root user included. Users and
 * roles that `ids` has are meant by their unique ids, whatever they are called by now.
 *
 * `NotPrincipal` of a Deny leaves out whom it names in every way that the caller goes by: the session, its role and the account, or the
 * user and the account (IAM guide, NotPrincipal). That of an Allow leaves out whom it names in one of them, since it is for all others.
 */
function compilePrincipals(
  principals: Principals,
  effect: Statement["effect"],
  ids: PrincipalIds,
): (principal: PolicyPrincipal) => Reach | undefined {
  const { negated, everyone, services, federated } = principals;
  const named = [...principals.aws];
  const texts = new Set(named.filter((name) => !ids.has(name)));
  const uniqueIds = new Set(named.map((name) => ids.get(name)));
  const namesSelf = ({ arn, baseArn, identityId }: PolicyPrincipal): boolean =>
    texts.has(arn) || (baseArn === undefined && identityId !== undefined && uniqueIds.has(identityId));
  const namesBase = ({ baseArn, identityId }: PolicyPrincipal): boolean =>
    baseArn !== undefined && (texts.has(baseArn) || (identityId !== undefined && uniqueIds.has(identityId)));
  const namesAccount = ({ account, accountArn }: PolicyPrincipal): boolean =>
    texts.has(accountArn) || texts.has(account);
  const reachOf = (principal: PolicyPrincipal): Reach | undefined => {
    const { service, federated: provider } = principal;
    if (everyone) return "direct";
    if (service !== undefined) return services.has(service) ? "direct" : undefined;
    if (provider !== undefined) return federated.has(provider) ? "direct" : undefined;
    if (namesSelf(principal)) return "direct";
    if (namesBase(principal)) return "base";
    return namesAccount(principal) ? "account" : undefined;
  };
  if (!negated) return reachOf;
  const isLeftOut = (principal: PolicyPrincipal): boolean => {
    const { arn, baseArn, accountArn, service, federated: provider } = principal;
    if (effect === "Allow" || everyone || service !== undefined || provider !== undefined) {
      return reachOf(principal) !== undefined;
    }
    return (
      namesAccount(principal) &&
      (arn === accountArn || namesSelf(principal)) &&
      (baseArn === undefined || namesBase(principal))
    );
  };
  return (principal) => (isLeftOut(principal) ? undefined : "direct");
}
