/** Policies compiled, and what they say to one request. */

import { type Document, type Patterns, type Principals, parseResourcePolicy, type Statement } from "./document.ts";
import { matchesGlob } from "./glob.ts";

/** A policy document ready to decide. */
export interface CompiledPolicy {
  readonly statements: readonly CompiledStatement[];
}

interface CompiledStatement {
  readonly effect: Statement["effect"];
  readonly concerns: (request: PolicyRequest) => boolean;
  /** Whether the statement has conditions, none of which can be decided yet. */
  readonly conditional: boolean;
}

/** What a policy is asked. */
export interface PolicyRequest {
  readonly principal: { readonly arn: string; readonly account: string };
  /** Such as `kms:Encrypt`. */
  readonly action: string;
  readonly resourceArn: string;
}

/** What a policy says: an explicit deny outweighs every allow. */
export type Verdict = "allow" | "deny" | "none";

/**
 * Parses and compiles a resource policy.
 *
 * @throws PolicySyntaxError (document.ts)
 */
export function compilePolicy(text: string): CompiledPolicy {
  return { statements: parseResourcePolicy(text).statements.map(compileStatement) };
}

/**
 * What a policy says to a request.
 *
 * Conditions can't be decided yet, and what can't be decided is denied: an Allow with conditions does not allow, a Deny with
 * conditions denies.
 */
export function evaluate({ statements }: CompiledPolicy, request: PolicyRequest): Verdict {
  let verdict: Verdict = "none";
  for (const { effect, concerns, conditional } of statements) {
    if (effect === "Allow" && (conditional || verdict === "allow")) continue;
    if (!concerns(request)) continue;
    if (effect === "Deny") return "deny";
    verdict = "allow";
  }
  return verdict;
}

function compileStatement({ effect, principals, actions, resources, conditions }: Document["statements"][number]) {
  const isPrincipal = compilePrincipals(principals);
  const isAction = compilePatterns(actions, (text) => text.toLowerCase());
  const isResource = compilePatterns(resources, (text) => text);
  return {
    effect,
    conditional: conditions.size > 0,
    concerns: ({ principal, action, resourceArn }: PolicyRequest): boolean =>
      isAction(action) && isPrincipal(principal) && isResource(resourceArn),
  };
}

/** A statement without the element concerns nothing; negated or not, it has no effect. */
function compilePatterns(patterns: Patterns | undefined, fold: (text: string) => string): (text: string) => boolean {
  if (patterns === undefined) return () => false;
  const { negated, values } = patterns;
  if (values.includes("*")) return () => !negated;
  const folded = values.map(fold);
  return (text) => {
    const wanted = fold(text);
    return folded.some((pattern) => matchesGlob(pattern, wanted)) !== negated;
  };
}

/** An account is meant by its root ARN or its bare id; both are delegation to the account, its root user included. */
function compilePrincipals({ negated, everyone, aws }: Principals): (principal: PolicyRequest["principal"]) => boolean {
  return ({ arn, account }) => (everyone || aws.has(arn) || aws.has(account)) !== negated;
}
