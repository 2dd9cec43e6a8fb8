/** Policies compiled, and what they say to one request. */

import { compileCondition } from "./conditions.ts";
import type { ConditionContext } from "./context.ts";
import {
  type Document,
  type Patterns,
  PolicySyntaxError,
  type Principals,
  parseResourcePolicy,
  type Statement,
} from "./document.ts";
import { compileGlob, compilePattern } from "./glob.ts";
import { compileTemplate, isVariable, parseTemplate, type Template, VariableError } from "./variables.ts";

/** A policy document ready to decide. */
export interface CompiledPolicy {
  readonly statements: readonly CompiledStatement[];
}

/** One statement, ready to decide. */
export interface CompiledStatement {
  readonly sid: string | undefined;
  readonly effect: Statement["effect"];
  /** Whether principal, action (here in lower case) and resource are among those it is about, and its conditions hold. */
  readonly concerns: (request: PolicyRequest) => boolean;
}

/** What a policy is asked. */
export interface PolicyRequest {
  readonly principal: { readonly arn: string; readonly account: string };
  /** Such as `kms:Encrypt`. */
  readonly action: string;
  readonly resourceArn: string;
  readonly context: ConditionContext;
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
  return compileDocument(parseResourcePolicy(text));
}

/**
 * Compiles a document that was parsed.
 *
 * @throws PolicySyntaxError a policy variable can't be read, or stands where none may
 */
export function compileDocument({ version, statements }: Document): CompiledPolicy {
  const variables = version === "2012-10-17";
  try {
    return { statements: statements.map((statement) => compileStatement(statement, variables)) };
  } catch (cause) {
    if (cause instanceof VariableError) throw new PolicySyntaxError(cause.message);
    throw cause;
  }
}

/**
 * What a policy says to a request. A policy has nothing to say about callers of another partition than its resource's,
 * whom no principal in it can mean.
 */
export function evaluate({ statements }: CompiledPolicy, request: PolicyRequest): Verdict {
  const { principal, action, resourceArn, context } = request;
  if (!isSamePartition(principal.arn, resourceArn)) return NONE;
  const question = { principal, action: action.toLowerCase(), resourceArn, context };
  let allow: CompiledStatement | undefined;
  for (const statement of statements) {
    if ((statement.effect === "Allow" && allow !== undefined) || !statement.concerns(question)) continue;
    if (statement.effect === "Deny") return { verdict: "deny", statement };
    allow = statement;
  }
  return allow === undefined ? NONE : { verdict: "allow", statement: allow };
}

/** Whether both ARNs begin with the same `arn:<partition>:`. */
function isSamePartition(left: string, right: string): boolean {
  return right.startsWith(left.slice(0, left.indexOf(":", "arn:".length) + 1));
}

function compileStatement(statement: Statement, variables: boolean): CompiledStatement {
  const { sid, effect, principals } = statement;
  const isPrincipal = compilePrincipals(principals);
  const isAction = compileActions(statement.actions);
  const isResource = compileResources(statement.resources, variables);
  const conditions = statement.conditions.map((condition) => compileCondition(condition, variables));
  return {
    sid,
    effect,
    concerns({ principal, action, resourceArn, context }) {
      if (!isAction(action) || !isPrincipal(principal) || !isResource(resourceArn, context)) return false;
      for (const holds of conditions) if (!holds(context)) return false;
      return true;
    },
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

/** An account is meant by its root ARN or its bare id; both are delegation to the account, its root user included. */
function compilePrincipals({ negated, everyone, aws }: Principals): (principal: PolicyRequest["principal"]) => boolean {
  return ({ arn, account }) => (everyone || aws.has(arn) || aws.has(account)) !== negated;
}
