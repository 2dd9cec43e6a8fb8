/** AssumeRole and AssumeRoleWithWebIdentity: sessions of roles, for whom their trust policies let in. */

import { AccessDeniedException, UnsupportedOperationException, ValidationException } from "../../base/errors.ts";
import type { SessionClaims } from "../../identity/session.ts";
import type { Call, Operation, Target } from "../../pipeline/operation.ts";
import { verbatimMembers } from "../../pipeline/verbatim.ts";
import { requireUnlimited } from "../session-limits.ts";
import { requireNoMfa } from "./callers.ts";
import { type Context, declare, type Input, type Output, servedBy } from "./operation.ts";
import { accountOfRole, findRole, type Role, type SessionRequestInput, sessionConditions } from "./roles.ts";
import {
  inheritedTags,
  issueCredentials,
  limitsOf,
  packedPolicySize,
  recordedCredentials,
  requirePolicies,
  type SessionLimits,
} from "./sessions.ts";
import { identify, tagsOfToken, type WebIdentityInput } from "./web-identity.ts";

const SECONDS_DEFAULT = 3_600;
/** Role chaining: any temporary credentials that assume a role (IAM guide, Role chaining; recorded for GetSessionToken, too). */
const CHAINED_SECONDS_MAX = 3_600;

type AssumeRoleInput = Input<"AssumeRole">;
type RoleContext = Context & { readonly role: Role };
type RoleTarget<I> = Target<I, Role>;

/** Tags as the map that records have of them. */
function tagMap(tags: readonly { readonly key: string; readonly value: string }[]): Readonly<Record<string, unknown>> {
  return verbatimMembers(Object.fromEntries(tags.map(({ key, value }) => [key, value])));
}

/** AWS names the role whether it exists or not, and gives no reason (as its users quote it). */
function denial({ principal }: Call, action: string, arn: string): AccessDeniedException {
  return new AccessDeniedException(
    `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${arn}`,
  );
}

/** One of the permissions that AssumeRole may need, all of them on the role. */
function roleTarget(
  as: string,
  action: string,
  when?: (input: AssumeRoleInput, call: Call) => boolean,
): RoleTarget<AssumeRoleInput> {
  return {
    as,
    action,
    ...(when && { when }),
    resolve: ({ RoleArn }, call, reader) => findRole(RoleArn, reader, () => denial(call, action, RoleArn)),
    denied: (call, { RoleArn }) => denial(call, action, RoleArn),
    conditions: (key, question) => sessionConditions(key, question as typeof question & { input: SessionRequestInput }),
  };
}

/** A session of a role for a user or another session (STS API reference, AssumeRole). */
export const assumeRole: Operation = declare<"AssumeRole", RoleContext>("AssumeRole", {
  kind: "use",
  targets: [
    { ...roleTarget("role", "sts:AssumeRole"), allow: requireDuration },
    roleTarget(
      "tagged",
      "sts:TagSession",
      ({ Tags = [] }, { principal }) => Tags.length + inheritedTags(principal.session).length > 0,
    ),
    roleTarget(
      "identified",
      "sts:SetSourceIdentity",
      ({ SourceIdentity }, { principal }) => (SourceIdentity ?? principal.session?.sourceIdentity) !== undefined,
    ),
  ] as readonly Target<AssumeRoleInput>[],
  record: {
    readOnly: true,
    request: [
      "RoleArn",
      "RoleSessionName",
      "ExternalId",
      "DurationSeconds",
      "Policy",
      "PolicyArns",
      "Tags",
      "TransitiveTagKeys",
      "SourceIdentity",
      "SerialNumber",
    ],
    brought: ({ principal }) => {
      const tags = inheritedTags(principal.session);
      return tags.length === 0 ? undefined : { IncomingTransitiveTags: tagMap(tags) };
    },
    response: ({ Credentials, AssumedRoleUser, PackedPolicySize, SourceIdentity }) => ({
      credentials: recordedCredentials(Credentials),
      assumedRoleUser: AssumedRoleUser,
      packedPolicySize: PackedPolicySize,
      sourceIdentity: SourceIdentity,
    }),
    resources: ["role"],
  },
  validate(input, { principal }) {
    accountOfRole(input.RoleArn ?? "");
    requireUnlimited(principal, "AssumeRole");
    if (principal.kind === "root") throw new AccessDeniedException("Roles may not be assumed by root accounts.");
    requireNoMfa(input);
    if ((input.ProvidedContexts ?? []).length > 0) {
      throw new UnsupportedOperationException("Keystead does not support ProvidedContexts.");
    }
    const identified = principal.session?.sourceIdentity;
    if (input.SourceIdentity !== undefined && identified !== undefined && identified !== input.SourceIdentity) {
      throw new ValidationException("The source identity is already set for this assume role session");
    }
    limitsOf(input as SessionRequestInput, principal.session);
  },
  async run(input, context) {
    const { session } = context.call.principal;
    const sourceIdentity = input.SourceIdentity ?? session?.sourceIdentity;
    const output = await newRoleSession(context, {
      name: input.RoleSessionName ?? "",
      durationSeconds: input.DurationSeconds,
      limits: limitsOf(input as SessionRequestInput, session),
      facts: sourceIdentity === undefined ? {} : { sourceIdentity },
    });
    return output;
  },
});

/** A session of a role for whoever holds a token of an identity provider (STS API reference, AssumeRoleWithWebIdentity). */
export const assumeRoleWithWebIdentity: Operation = declare<"AssumeRoleWithWebIdentity", RoleContext>(
  "AssumeRoleWithWebIdentity",
  {
    kind: "use",
    identify: (input, context) => identify(input as WebIdentityInput, context as unknown as Context & typeof context),
    targets: [
      { ...webTarget("role", "sts:AssumeRoleWithWebIdentity"), allow: requireDuration },
      webTarget("tagged", "sts:TagSession", ({ principal }) => (tagsOfToken(principal).Tags ?? []).length > 0),
      webTarget(
        "identified",
        "sts:SetSourceIdentity",
        ({ principal }) => tagsOfToken(principal).SourceIdentity !== undefined,
      ),
    ] as readonly Target<Input<"AssumeRoleWithWebIdentity">>[],
    record: {
      readOnly: true,
      request: ["RoleArn", "RoleSessionName", "ProviderId", "DurationSeconds", "Policy", "PolicyArns"],
      brought({ principal }) {
        const { SourceIdentity, Tags = [], TransitiveTagKeys = [] } = tagsOfToken(principal);
        return {
          ...(SourceIdentity !== undefined && { SourceIdentity }),
          ...(Tags.length > 0 && {
            PrincipalTags: tagMap(Tags.map(({ Key: key = "", Value: value = "" }) => ({ key, value }))),
          }),
          ...(TransitiveTagKeys.length > 0 && { TransitiveTagKeys }),
        };
      },
      // Connections to providers are verified by the certificate authorities that the machine trusts, never by thumbprints.
      received: (call) =>
        verbatimMembers({ ...servedBy(call), identityProviderConnectionVerificationMethod: "IAMTrustStore" }),
      response: ({ Credentials, ...output }) => ({ credentials: recordedCredentials(Credentials), ...output }),
      resources: ["role"],
    },
    validate(input, { principal }) {
      limitsOf({ ...policiesOf(input as SessionRequestInput), ...tagsOfToken(principal) }, undefined);
    },
    async run(input, context) {
      const { principal } = context.call;
      if (principal.kind !== "web-identity") throw new Error("The caller was not identified by a token.");
      const ofToken = tagsOfToken(principal);
      const { SourceIdentity: sourceIdentity } = ofToken;
      const output = await newRoleSession(context, {
        name: input.RoleSessionName ?? "",
        durationSeconds: input.DurationSeconds,
        limits: limitsOf({ ...policiesOf(input as SessionRequestInput), ...ofToken }, undefined),
        facts: {
          provider: principal.federated,
          providerKeys: principal.providerKeys,
          ...(sourceIdentity !== undefined && { sourceIdentity }),
        },
      });
      return {
        ...output,
        SubjectFromWebIdentityToken: principal.subject,
        Provider: principal.federated,
        Audience: principal.audience,
      };
    },
  },
);

/** The text is the one that users quote; unlike AssumeRole's it names nobody. */
function webTarget(
  as: string,
  action: string,
  when?: (call: Call) => boolean,
): RoleTarget<Input<"AssumeRoleWithWebIdentity">> {
  const refusal = (): AccessDeniedException => new AccessDeniedException(`Not authorized to perform ${action}`);
  return {
    as,
    action,
    ...(when && { when: (_input, call) => when(call) }),
    resolve: ({ RoleArn }, _call, reader) => findRole(RoleArn ?? "", reader, refusal),
    denied: refusal,
    conditions: (key, { input, ...facts }) =>
      sessionConditions(key, {
        ...facts,
        input: { ...tagsOfToken(facts.call.principal), RoleSessionName: input.RoleSessionName ?? "" },
      }),
  };
}

function policiesOf({ Policy, PolicyArns }: SessionRequestInput): SessionRequestInput {
  return { ...(Policy !== undefined && { Policy }), ...(PolicyArns !== undefined && { PolicyArns }) };
}

/** @throws ValidationException the session would live longer than the role lets it (as users quote it) */
function requireDuration(
  { identity }: Role,
  { DurationSeconds = SECONDS_DEFAULT }: { readonly DurationSeconds?: number },
  { principal }: Call,
): void {
  if (principal.session !== undefined && DurationSeconds > CHAINED_SECONDS_MAX) {
    throw new ValidationException(
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  }
  if (DurationSeconds > (identity.max_session_seconds ?? SECONDS_DEFAULT)) {
    throw new ValidationException("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
}

interface NewRoleSession {
  readonly name: string;
  readonly durationSeconds: number | undefined;
  readonly limits: SessionLimits;
  readonly facts: Pick<SessionClaims, "sourceIdentity" | "provider" | "providerKeys">;
}

async function newRoleSession(
  { role, call, custody, store }: RoleContext,
  { name, durationSeconds = SECONDS_DEFAULT, limits, facts }: NewRoleSession,
): Promise<Pick<Output<"AssumeRole">, "Credentials" | "AssumedRoleUser" | "PackedPolicySize" | "SourceIdentity">> {
  const { account, unique_id: identityId, name: roleName } = role.identity;
  await store.settle((reader) => requirePolicies(limits.policyArns, account, reader));
  const PackedPolicySize = packedPolicySize(limits);
  const session = { kind: "assumed-role", account, identityId, name, ...limits, ...facts } as const;
  const Credentials = await issueCredentials(custody, session, { now: call.now, durationSeconds });
  const Arn = `arn:${call.partition}:sts::${account}:assumed-role/${roleName}/${name}`;
  return {
    Credentials,
    AssumedRoleUser: { AssumedRoleId: `${identityId}:${name}`, Arn },
    ...(PackedPolicySize !== undefined && { PackedPolicySize }),
    ...(facts.sourceIdentity !== undefined && { SourceIdentity: facts.sourceIdentity }),
  };
}
