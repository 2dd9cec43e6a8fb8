/** What makes a session: how long it lives, what limits and marks it, and its credentials. */

import { deflateRawSync } from "node:zlib";
import type { Credentials } from "@aws-sdk/client-sts";
import {
  InvalidParameterValueException,
  PackedPolicyTooLargeException,
  ValidationException,
} from "../../base/errors.ts";
import type { Custody } from "../../custody/custody.ts";
import { findAwsManagedPolicy } from "../../identity/aws-managed-policies.ts";
import { newSessionKeyId, printClaims, type SessionClaims } from "../../identity/session.ts";
import { requireIdentityPolicy } from "../../policy/identity-policies.ts";
import type { Reader } from "../../storage/store.ts";
import type { Tag } from "../../storage/tags.ts";
import { refuseMalformed } from "../policy-documents.ts";

/** STS API reference, AssumeRole: policies by ARN; plain text of both kinds of policies together. */
const POLICY_ARNS_MAX = 10;
/**
 * Deflated policies, their ARNs and tags of one session. AWS's packed form is not documented; with this limit a token fits
 * into the headers of a request.
 */
const PACKED_BYTES_MAX = 2_048;

/** What a request says of the policies and tags of the session that it asks for. */
export interface SessionInput {
  readonly Policy?: string;
  readonly PolicyArns?: readonly { readonly arn?: string | undefined }[];
  readonly Tags?: readonly { readonly Key: string | undefined; readonly Value: string | undefined }[];
  readonly TransitiveTagKeys?: readonly string[];
}

/** What marks and limits a session. */
export type SessionLimits = Pick<SessionClaims, "policies" | "policyArns" | "tags" | "transitiveTagKeys">;

/**
 * The policies and tags of a new session. Transitive tags of the session that asks are inherited.
 *
 * @throws MalformedPolicyDocumentException the session policy is none
 * @throws InvalidParameterValueException tags that differ in case alone, that would replace inherited ones, or that are not
 *   there to be transitive (the texts are recorded on AWS)
 * @throws ValidationException more than ten policies by ARN, or a reserved tag key
 */
export function limitsOf(input: SessionInput, caller: SessionClaims | undefined): SessionLimits {
  const { Policy, PolicyArns = [], Tags = [], TransitiveTagKeys = [] } = input;
  if (Policy !== undefined) refuseMalformed(() => requireIdentityPolicy(Policy, "session"));
  const policyArns = PolicyArns.flatMap(({ arn }) => arn ?? []);
  if (policyArns.length > POLICY_ARNS_MAX) {
    throw new ValidationException(`Member must have length less than or equal to ${POLICY_ARNS_MAX}`);
  }
  const inherited = inheritedTags(caller);
  const tags = Tags.map(({ Key = "", Value = "" }) => ({ key: Key, value: Value }));
  requireTags(tags, { transitive: TransitiveTagKeys, inherited });
  return {
    policies: Policy === undefined ? [] : [Policy],
    policyArns,
    tags: [...inherited, ...tags],
    transitiveTagKeys: [...inherited.map(({ key }) => key), ...TransitiveTagKeys],
  };
}

/** The tags that a session hands on in a role chain. */
export function inheritedTags(caller: SessionClaims | undefined): readonly Tag[] {
  if (caller === undefined) return [];
  const transitive = new Set(caller.transitiveTagKeys.map((key) => key.toLowerCase()));
  return caller.tags.filter(({ key }) => transitive.has(key.toLowerCase()));
}

function requireTags(
  tags: readonly Tag[],
  { transitive, inherited }: { readonly transitive: readonly string[]; readonly inherited: readonly Tag[] },
): void {
  const keys = new Set(tags.map(({ key }) => key.toLowerCase()));
  if (keys.size < tags.length) {
    throw new InvalidParameterValueException(
      "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    );
  }
  if (inherited.some(({ key }) => keys.has(key.toLowerCase()))) {
    throw new InvalidParameterValueException(
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    );
  }
  if (!transitive.every((key) => keys.has(key.toLowerCase()))) {
    throw new InvalidParameterValueException(
      "The specified transitive tag key must be included in the requested tags.",
    );
  }
  const reserved = tags.find(({ key }) => key.toLowerCase().startsWith("aws:"));
  if (reserved !== undefined) throw new ValidationException(`The tag key ${reserved.key} is reserved.`);
}

/**
 * Session policies by ARN are AWS's or the account's own.
 *
 * @throws ValidationException one is not there
 */
export function requirePolicies(arns: readonly string[], account: string, reader: Reader): void {
  for (const arn of arns) {
    const isOwn = arn.split(":")[4] === account && reader.find("managedPolicy", arn) !== undefined;
    if (!isOwn && findAwsManagedPolicy(arn) === undefined) {
      throw new ValidationException(`Policy ${arn} does not exist or is not attachable.`);
    }
  }
}

/**
 * How much of the room for policies and tags a session takes, in percent; undefined when it has none.
 *
 * @throws PackedPolicyTooLargeException it takes more than there is (of tags the text is recorded on AWS, of policies users quote it)
 */
export function packedPolicySize({ policies, policyArns, tags }: SessionLimits): number | undefined {
  if (policies.length + policyArns.length + tags.length === 0) return undefined;
  const packed = deflateRawSync(JSON.stringify([policies, policyArns, tags.map(({ key, value }) => [key, value])]));
  const percent = Math.ceil((packed.length / PACKED_BYTES_MAX) * 100);
  if (percent > 100) {
    throw new PackedPolicyTooLargeException(
      policies.length + policyArns.length === 0
        ? `Packed size of session tags consumes ${percent}% of allotted space.`
        : `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`,
    );
  }
  return percent;
}

/** What a new session is, but for its access key and times. */
export type NewSessionClaims = Omit<SessionClaims, "accessKeyId" | "issuedAt" | "expiresAt">;

/** Makes credentials for a session that begins now, in whole seconds. */
export async function issueCredentials(
  custody: Custody,
  session: NewSessionClaims,
  { now, durationSeconds }: { readonly now: number; readonly durationSeconds: number },
): Promise<Required<Credentials>> {
  const issuedAt = Math.floor(now / 1000) * 1000;
  const expiresAt = issuedAt + durationSeconds * 1000;
  const accessKeyId = newSessionKeyId(session.account);
  const claims = printClaims({ ...session, accessKeyId, issuedAt, expiresAt });
  const { secretAccessKey, token } = await custody.newSession({ accessKeyId, claims });
  // The answer is XML text: from here on the secret is a string, which can't be wiped.
  const SecretAccessKey = Buffer.from(secretAccessKey).toString("latin1");
  secretAccessKey.fill(0);
  return { AccessKeyId: accessKeyId, SecretAccessKey, SessionToken: token, Expiration: new Date(expiresAt) };
}

/** Credentials as records name them: neither the secret nor the token. */
export function recordedCredentials({
  AccessKeyId,
  Expiration,
}: Partial<Credentials> = {}): Readonly<Record<string, unknown>> {
  return { accessKeyId: AccessKeyId, expiration: Expiration };
}
