/** Policies compiled, and what they say to one request. */

import { type Document, type Patterns, type Principals, parseResourcePolicy, type Statement } from "./document.ts";
import { compileGlob } from "./glob.ts";

/** A policy document ready to decide. */
export interface CompiledPolicy {
  readonly statements: readonly CompiledStatement[];
}

/** One statement, ready to decide. */
export interface CompiledStatement {
  readonly sid: string | undefined;
  readonly effect: Statement["effect"];
  /** Whether principal, action (here in lower case) and resource are among those it is about. */
  readonly concerns: (request: PolicyRequest) => boolean;
  /** Whether it rests on conditions or policy variables, none of which can be decided yet. */
  readonly undecided: boolean;
}

/** What a policy is asked. */
export interface PolicyRequest {
  readonly principal: { readonly arn: string; readonly account: string };
  /** Such as `kms:Encrypt`. */
  readonly action: string;
  readonly resourceArn: string;
}

/** What a policy says, and the statement that decided: an explicit deny outweighs every allow. */
export type Verdict =
  | { readonly verdict: "allow" | "deny"; readonly statement: CompiledStatement }
  | { readonly verdict: "none" };

const NONE: Verdict = { verdict: "none" };

/**
 * Parses and compiles a resource policy.
 *
 * @throws PolicySyntaxError (document.ts)
 */
export function compilePolicy(text: string): CompiledPolicy {
  const { version, statements } = parseResourcePolicy(text);
  return { statements: statements.map((statement) => compileStatement(statement, version)) };
}

/**
 * What a policy says to a request.
 *
 * What can't be decided is denied: an undecided Allow does not allow, an undecided Deny denies. A policy has nothing to say
 * about callers of another partition than its resource's, whom no principal in it can mean.
 */
export function evaluate({ statements }: CompiledPolicy, request: PolicyRequest): Verdict {
  const { principal, action, resourceArn } = request;
  if (!isSamePartition(principal.arn, resourceArn)) return NONE;
  const question = { principal, action: action.toLowerCase(), resourceArn };
  let allow: CompiledStatement | undefined;
  for (const statement of statements) {
    const isIdle = statement.effect === "Allow" && (statement.undecided || allow !== undefined);
    if (isIdle || !statement.concerns(question)) continue;
    if (statement.effect === "Deny") return { verdict: "deny", statement };
    allow = statement;
  }
  return allow === undefined ? NONE : { verdict: "allow", statement: allow };
}

/** Whether both ARNs begin with the same `arn:<partition>:`. */
function isSamePartition(left: string, right: string): boolean {
  return right.startsWith(left.slice(0, left.indexOf(":", "arn:".length) + 1));
}

function compileStatement(statement: Statement, version: Document["version"]): CompiledStatement {
  const { sid, effect, principals, actions, resources, conditions } = statement;
  const isPrincipal = compilePrincipals(principals);
  const isAction = compilePatterns(actions, (pattern) => pattern.toLowerCase());
  const hasVariables = version === "2012-10-17" && resources?.values.some((pattern) => pattern.includes("${")) === true;
  // Which resources a variable means can't be told yet, so that it may be any: a Deny must not miss its own.
  const isResource = hasVariables ? () => true : compilePatterns(resources, (pattern) => pattern);
  return {
    sid,
    effect,
    undecided: hasVariables || conditions.size > 0,
    concerns: ({ principal, action, resourceArn }) =>
      isAction(action) && isPrincipal(principal) && isResource(resourceArn),
  };
}

/** A statement without the element concerns nothing; negated or not, it has no effect. */
function compilePatterns(patterns: Patterns | undefined, fold: (text: string) => string): (text: string) => boolean {
  if (patterns === undefined) return () => false;
  const { negated, values } = patterns;
  const matchers = values.map((pattern) => compileGlob(fold(pattern)));
  return (text) => matchers.some((matches) => matches(text)) !== negated;
}

/** An account is meant by its root ARN or its bare id; both are delegation to the account, its root user included. */
function compilePrincipals({ negated, everyone, aws }: Principals): (principal: PolicyRequest["principal"]) => boolean {
  return ({ arn, account }) => (everyone || aws.has(arn) || aws.has(account)) !== negated;
}
