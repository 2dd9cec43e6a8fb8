/** Why a request is allowed or denied: every source, every statement, what matched and what did not. */

import type { CompiledCondition, CompiledStatement, PolicyRequest, Reach } from "../policy/policy.ts";
import type { Reader } from "../storage/store.ts";
import {
  type AccessRequest,
  aboveResourceOf,
  type Decision,
  decide,
  type GrantMatch,
  type PolicyType,
} from "./decide.ts";
import { type PolicyOrigin, type SourcedPolicy, type Sources, sourcesOf } from "./sources.ts";

/** What one condition of a statement came to. */
export interface ExplainedCondition {
  /** Such as `ForAllValues:StringLikeIfExists`, in lower case. */
  readonly operator: string;
  /** In lower case. */
  readonly key: string;
  readonly expected: readonly string[];
  /** What the request has; undefined: nothing. */
  readonly actual: readonly string[] | undefined;
  readonly holds: boolean;
}

export interface ExplainedStatement {
  /** Its place in the policy, from 0. */
  readonly index: number;
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  /** How it means the caller, where it is about the request and all its conditions hold. */
  readonly reach: Reach | undefined;
  /** The first part that does not fit; undefined where all of it does. */
  readonly mismatch: "action" | "principal" | "resource" | "condition" | undefined;
  /** Told once action, principal and resource fit. */
  readonly conditions: readonly ExplainedCondition[];
}

export interface ExplainedSource {
  readonly type: PolicyType;
  readonly name: string;
  /** Absent for policies of resources and endpoints. */
  readonly origin?: PolicyOrigin;
  /** Of control policies: how far above the account they are attached, 0 for the account's own. */
  readonly level?: number;
  readonly statements: readonly ExplainedStatement[];
}

export interface Explanation {
  readonly decision: Decision;
  /** In AWS's order of evaluation. */
  readonly sources: readonly ExplainedSource[];
  /** The first grant that fits, whether or not it was needed. */
  readonly grant: GrantMatch | undefined;
}

/** Decides as `decide` does, and tells everything that was looked at. */
export function explain(request: AccessRequest, reader: Reader): Explanation {
  const { principal, action, resource, context, endpointPolicy, granted } = request;
  const asked: PolicyRequest = { principal, action, resourceArn: resource.arn, context };
  const sources = request.sources ?? sourcesOf(principal, reader);
  const names = [principal.arn, principal.baseArn, principal.accountArn].filter((name) => name !== undefined);
  const told = (type: PolicyType, policies: readonly Named[] | undefined): ExplainedSource[] =>
    (policies ?? []).map((policy) => explainSource(type, policy, asked));
  return {
    decision: decide(request, reader),
    sources: [
      ...explainControl("resource control policy", aboveResourceOf(request, reader), asked),
      ...explainControl("service control policy", sources.control, asked),
      ...(endpointPolicy === undefined
        ? []
        : told("VPC endpoint policy", [{ name: "VPC endpoint policy", policy: endpointPolicy }])),
      ...(resource.policy === undefined
        ? []
        : told("resource-based policy", [{ name: resource.arn, policy: resource.policy }])),
      ...told("permissions boundary", sources.boundary),
      ...told("session policy", sources.session),
      ...told("identity-based policy", sources.identity),
    ],
    grant: granted?.(names),
  };
}

function explainControl(type: PolicyType, levels: Sources["control"], asked: PolicyRequest): ExplainedSource[] {
  return levels.flatMap((policies, level) =>
    policies.map((policy) => ({ ...explainSource(type, policy, asked), level })),
  );
}

type Named = Pick<SourcedPolicy, "name" | "policy"> & Partial<Pick<SourcedPolicy, "origin">>;

function explainSource(type: PolicyType, { name, policy, origin }: Named, asked: PolicyRequest): ExplainedSource {
  return {
    type,
    name,
    ...(origin !== undefined && { origin }),
    statements: policy.statements.map((statement, index) => explainStatement(statement, index, asked)),
  };
}

function explainStatement(statement: CompiledStatement, index: number, asked: PolicyRequest): ExplainedStatement {
  const { sid, effect } = statement;
  const { action, principal, resourceArn, context } = asked;
  const told = { index, sid, effect, reach: undefined, conditions: [] };
  if (!statement.isAction(action.toLowerCase())) return { ...told, mismatch: "action" };
  const reach = statement.reachOf(principal);
  if (reach === undefined) return { ...told, mismatch: "principal" };
  if (!statement.isResource(resourceArn, context)) return { ...told, mismatch: "resource" };
  const conditions = statement.conditions.map((condition) => explainCondition(condition, asked));
  if (conditions.every(({ holds }) => holds)) return { ...told, conditions, reach, mismatch: undefined };
  return { ...told, conditions, mismatch: "condition" };
}

function explainCondition(condition: CompiledCondition, { context }: PolicyRequest): ExplainedCondition {
  const { operator, set, ifExists, key, values, holds } = condition;
  const prefix = set === undefined ? "" : set === "all" ? "forallvalues:" : "foranyvalue:";
  return {
    operator: `${prefix}${operator}${ifExists ? "ifexists" : ""}`,
    key,
    expected: values,
    actual: context(key),
    holds: holds(context),
  };
}

/** The smallest change that would allow what was denied, in words; undefined for what is allowed. */
export function adviceOf({ decision, sources }: Explanation, request: AccessRequest): string | undefined {
  if (decision.allowed) return undefined;
  const { action, principal, resource } = request;
  if (decision.why === "another account's") {
    return `The policy of ${resource.arn} must allow ${action} to ${principal.accountArn} or to the caller, if the resource exists.`;
  }
  const { by } = decision;
  const ofType = sources.filter(({ type }) => type === by);
  if (decision.why === "explicit") {
    const found = findStatement(ofType, ({ effect, mismatch }) => effect === "Deny" && mismatch === undefined);
    return `Remove or narrow ${found === undefined ? `the statement of a ${by}` : nameOf(found)}, which denies.`;
  }
  const nearly = findStatement(ofType, ({ effect, mismatch }) => effect === "Allow" && mismatch === "condition");
  if (nearly !== undefined) {
    const failed = nearly.statement.conditions.find(({ holds }) => !holds);
    return `${nameOf(nearly)} would allow it if ${failed?.key} were ${failed?.operator} ${failed?.expected.join(" or ")}; it is ${failed?.actual?.join(", ") ?? "absent"}.`;
  }
  return `Allow ${action} on ${resource.arn} to ${principal.baseArn ?? principal.arn} in ${WHERE[by]}.`;
}

const WHERE: Readonly<Record<PolicyType, string>> = {
  "identity-based policy": "an identity-based policy of the caller",
  "resource-based policy": "the policy of the resource, or let its account decide by naming the account there",
  "permissions boundary": "the caller's permissions boundary",
  "session policy": "the policies of the session",
  "service control policy": "a service control policy at every level above the account",
  "resource control policy": "a resource control policy at every level above the account of the resource",
  "VPC endpoint policy": "the policy of the VPC endpoint",
};

interface FoundStatement {
  readonly source: ExplainedSource;
  readonly statement: ExplainedStatement;
}

function findStatement(
  sources: readonly ExplainedSource[],
  fits: (statement: ExplainedStatement) => boolean,
): FoundStatement | undefined {
  for (const source of sources) {
    const statement = source.statements.find(fits);
    if (statement !== undefined) return { source, statement };
  }
  return undefined;
}

function nameOf({ source, statement: { sid, index } }: FoundStatement): string {
  return `statement ${sid === undefined || sid === "" ? index + 1 : `"${sid}"`} of ${source.name}`;
}
