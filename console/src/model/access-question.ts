/** "Would it be allowed, and why?": what SimulatePrincipalPolicy is asked about a key, and how its answer reads. */

import type { EvaluationResult, SimulatePrincipalPolicyCommandInput, Statement } from "@aws-sdk/client-iam";
import { grantOperations } from "./grant-draft.ts";
import type { TagDraft } from "./key-draft.ts";
import type { KeyKind } from "./key-kinds.ts";

export interface AccessQuestion {
  /** The ARN of a user, role or group. */
  readonly principal: string;
  /** Such as `kms:Decrypt`. */
  readonly action: string;
  /** Condition keys, such as `aws:SourceIp`. */
  readonly context: readonly TagDraft[];
}

const ADMINISTRATION = [
  "CancelKeyDeletion",
  "DeleteImportedKeyMaterial",
  "DisableKey",
  "DisableKeyRotation",
  "EnableKey",
  "EnableKeyRotation",
  "GetKeyPolicy",
  "GetKeyRotationStatus",
  "ListGrants",
  "ListResourceTags",
  "PutKeyPolicy",
  "RevokeGrant",
  "ScheduleKeyDeletion",
  "TagResource",
  "UntagResource",
  "UpdateKeyDescription",
];

/** The actions to ask about, uses of the key first. */
export function actionsToAsk(kind: KeyKind): readonly string[] {
  return [...new Set([...grantOperations(kind), ...ADMINISTRATION])].map((operation) => `kms:${operation}`);
}

export function isQuestion({ principal }: AccessQuestion): boolean {
  return /^arn:[^:]+:iam::\d{12}:(?:user|role|group)\/.+$/.test(principal);
}

/** What is asked. */
export function simulationInput(
  { principal, action, context }: AccessQuestion,
  keyArn: string,
): SimulatePrincipalPolicyCommandInput {
  return {
    PolicySourceArn: principal,
    ActionNames: [action],
    ResourceArns: [keyArn],
    ContextEntries: context
      .filter(({ key }) => key !== "")
      .map(({ key, value }) => ({ ContextKeyName: key, ContextKeyValues: [value], ContextKeyType: "string" })),
  };
}

export interface AccessAnswer {
  readonly isAllowed: boolean;
  readonly headline: string;
  /** What decided, or is missing; one sentence each. */
  readonly reasons: readonly string[];
}

const HEADLINES: Readonly<Record<string, string>> = {
  allowed: "Allowed",
  explicitDeny: "Denied: a statement denies it",
  implicitDeny: "Denied: nothing allows it",
};

/** The answer in words. */
export function accessAnswer(result: EvaluationResult): AccessAnswer {
  const { EvalDecision = "implicitDeny", MatchedStatements = [], MissingContextValues = [] } = result;
  const { AllowedByOrganizations } = result.OrganizationsDecisionDetail ?? {};
  const { AllowedByPermissionsBoundary } = result.PermissionsBoundaryDecisionDetail ?? {};
  return {
    isAllowed: EvalDecision === "allowed",
    headline: HEADLINES[EvalDecision] ?? EvalDecision,
    reasons: [
      ...MatchedStatements.map(statementText),
      ...(MatchedStatements.length === 0 ? ["No statement of a policy or grant is about this request."] : []),
      ...(AllowedByOrganizations === false ? ["A service control policy does not allow it."] : []),
      ...(AllowedByPermissionsBoundary === false ? ["The permissions boundary does not allow it."] : []),
      ...(MissingContextValues.length > 0
        ? [`Conditions ask for keys that the question doesn't have: ${MissingContextValues.join(", ")}.`]
        : []),
    ],
  };
}

function statementText({ SourcePolicyId = "", SourcePolicyType, StartPosition, EndPosition }: Statement): string {
  const lines = StartPosition === undefined ? "" : `, lines ${StartPosition.Line} to ${EndPosition?.Line}`;
  return `A statement of ${SourcePolicyId} (${SourcePolicyType}) is about it${lines}.`;
}
