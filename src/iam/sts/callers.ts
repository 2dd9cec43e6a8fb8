/** GetCallerIdentity, GetSessionToken, GetFederationToken, and what STS tells of access keys and refusals. */

import { AccessDeniedException, InvalidAuthorizationMessageException, ValidationException } from "../../base/errors.ts";
import type { Principal } from "../../identity/principal.ts";
import { accountOfSessionKeyId } from "../../identity/session.ts";
import type { Operation, Target } from "../../pipeline/operation.ts";
import { requireUnlimited } from "../session-limits.ts";
import { declare, type Input } from "./operation.ts";
import { type SessionRequestInput, sessionConditions } from "./roles.ts";
import { issueCredentials, limitsOf, packedPolicySize, recordedCredentials, requirePolicies } from "./sessions.ts";

const SECONDS_DEFAULT = 43_200;
/** Sessions of the root user are cut to an hour (STS API reference, GetSessionToken). */
const ROOT_SECONDS_MAX = 3_600;

/**
 * There are no multi-factor devices here, so no code can be one's (the text is recorded on AWS).
 *
 * @throws AccessDeniedException
 */
export function requireNoMfa(input: { readonly SerialNumber?: string; readonly TokenCode?: string }): void {
  if (input.SerialNumber === undefined && input.TokenCode === undefined) return;
  throw new AccessDeniedException(
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
  );
}

/** Who signed the request; every principal may ask, no policy can forbid it (STS API reference, GetCallerIdentity). */
export const getCallerIdentity: Operation = declare("GetCallerIdentity", {
  kind: "read",
  targets: [],
  record: { readOnly: true, request: null, resources: undefined },
  run: (_input, { call: { principal } }) => ({
    UserId: principal.uniqueId,
    Account: principal.account,
    Arn: principal.arn,
  }),
});

/** @throws AccessDeniedException the caller has temporary credentials (the text is known of GetSessionToken) */
function requireLongTerm({ session }: Principal, operation: string): void {
  if (session !== undefined) throw new AccessDeniedException(`Cannot call ${operation} with session credentials`);
}

/** How long a session of a user or root user lives. */
function durationOf({ kind }: Principal, { DurationSeconds = SECONDS_DEFAULT }: { DurationSeconds?: number }): number {
  return kind === "root" ? Math.min(DurationSeconds, ROOT_SECONDS_MAX) : DurationSeconds;
}

/** Temporary credentials of a user or root user; no permission is needed (STS API reference, GetSessionToken). */
export const getSessionToken: Operation = declare("GetSessionToken", {
  kind: "use",
  targets: [],
  record: {
    readOnly: false,
    request: ["DurationSeconds", "SerialNumber"],
    response: ({ Credentials }) => ({ credentials: recordedCredentials(Credentials) }),
    resources: undefined,
  },
  validate(input, { principal }) {
    requireLongTerm(principal, "GetSessionToken");
    requireNoMfa(input);
  },
  async run(input, { call: { principal, now }, custody }) {
    const { account } = principal;
    const identityId = principal.kind === "user" ? principal.identityId : null;
    const none = { name: "", policies: [], policyArns: [], tags: [], transitiveTagKeys: [] };
    const session = { kind: "session-token", account, identityId, ...none } as const;
    return {
      Credentials: await issueCredentials(custody, session, { now, durationSeconds: durationOf(principal, input) }),
    };
  },
});

/** The federated user that GetFederationToken makes, as a resource: it has no policy of its own. */
function federatedUser(action: string, when?: Target<Input<"GetFederationToken">>["when"]) {
  const target: Target<Input<"GetFederationToken">> = {
    as: "user",
    action,
    ...(when && { when }),
    resolve({ Name }, { partition, principal: { account } }) {
      return { kind: "found", resource: { arn: `arn:${partition}:sts::${account}:federated-user/${Name}`, account } };
    },
    conditions: (key, question) => sessionConditions(key, question as typeof question & { input: SessionRequestInput }),
  };
  return target;
}

/** A session for somebody whom a user vouches for; it may do what its own policies and the user's both allow. */
export const getFederationToken: Operation = declare("GetFederationToken", {
  kind: "use",
  targets: [
    federatedUser("sts:GetFederationToken"),
    federatedUser("sts:TagSession", ({ Tags = [] }) => Tags.length > 0),
  ],
  record: {
    readOnly: false,
    request: ["Name", "DurationSeconds", "Policy", "PolicyArns", "Tags"],
    response: ({ Credentials, ...output }) => ({ credentials: recordedCredentials(Credentials), ...output }),
    resources: undefined,
  },
  validate(input, { principal }) {
    requireLongTerm(principal, "GetFederationToken");
    limitsOf(input as SessionRequestInput, undefined);
  },
  async run(input, { call: { principal, now, partition }, custody, store }) {
    const { account } = principal;
    const { Name: name = "" } = input;
    const limits = limitsOf(input as SessionRequestInput, undefined);
    await store.settle((reader) => requirePolicies(limits.policyArns, account, reader));
    const PackedPolicySize = packedPolicySize(limits) ?? 0;
    const identityId = principal.kind === "user" ? principal.identityId : null;
    const session = { kind: "federated-user", account, identityId, name, ...limits } as const;
    const times = { now, durationSeconds: durationOf(principal, input) };
    return {
      Credentials: await issueCredentials(custody, session, times),
      FederatedUser: {
        FederatedUserId: `${account}:${name}`,
        Arn: `arn:${partition}:sts::${account}:federated-user/${name}`,
      },
      // Recorded: 0 where there is nothing to pack, unlike AssumeRole, which is silent then.
      PackedPolicySize,
    };
  },
});

/** A permission on nothing in particular. */
function onAccount(action: string): Target {
  return {
    as: "account",
    action,
    resolve: (_input, { principal: { account } }) => ({ kind: "found", resource: { arn: "*", account } }),
  };
}

/** The account of an access key, whoever's it is (STS API reference, GetAccessKeyInfo). */
export const getAccessKeyInfo: Operation = declare("GetAccessKeyInfo", {
  kind: "read",
  targets: [onAccount("sts:GetAccessKeyInfo")],
  record: { readOnly: true, request: ["AccessKeyId"], resources: undefined },
  validate: (_input, { principal }) => requireUnlimited(principal, "GetAccessKeyInfo"),
  async run({ AccessKeyId = "" }, { store }) {
    const known = await store.settle((reader) => reader.find("credential", AccessKeyId)?.account);
    const Account = known ?? accountOfSessionKeyId(AccessKeyId);
    if (Account === undefined) throw new ValidationException(`Nobody has the access key ${AccessKeyId}.`);
    return { Account };
  },
});

/** No refusal of ours carries an encoded message, so none can be decoded. */
export const decodeAuthorizationMessage: Operation = declare("DecodeAuthorizationMessage", {
  kind: "read",
  targets: [onAccount("sts:DecodeAuthorizationMessage")],
  record: { readOnly: true, request: null, resources: undefined },
  validate: (_input, { principal }) => requireUnlimited(principal, "DecodeAuthorizationMessage"),
  run() {
    throw new InvalidAuthorizationMessageException("Message is not valid");
  },
});
