/** Policy documents as IAM takes and shows them. */

import { findNamedPrincipals, printPrincipalIds, type UnknownPrincipals } from "../access/principals.ts";
import { DeleteConflictException, LimitExceededException, MalformedPolicyDocumentException } from "../base/errors.ts";
import type { Call } from "../pipeline/operation.ts";
import { PolicySyntaxError } from "../policy/document.ts";
import { requireIdentityPolicy } from "../policy/identity-policies.ts";
import { requireTrustDocument } from "../policy/trust-policies.ts";
import type { Identity } from "../storage/identity-rows.ts";
import type { Tx } from "../storage/store.ts";
import { inlinePolicyCharactersMax, requireQuota } from "./quotas.ts";

/** A document as answers carry it: percent-encoded by RFC 3986. */
export function encodeDocument(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The size that counts: white space does not (IAM guide, IAM and STS quotas). */
export function countedCharacters(text: string): number {
  return text.replace(/[\t\n\r ]/g, "").length;
}

/** @throws MalformedPolicyDocumentException, LimitExceededException more than 6,144 characters */
export function requireManagedPolicy(text: string): void {
  requireQuota("PolicySize", countedCharacters(text));
  refuseMalformed(() => requireIdentityPolicy(text, "managed"));
}

/**
 * @throws MalformedPolicyDocumentException
 * @throws LimitExceededException the inline policies of the user, group or role would be too long together
 */
export function requireInlinePolicy(identity: Identity, { name, document }: { name: string; document: string }): void {
  refuseMalformed(() => requireIdentityPolicy(document, "inline"));
  const others = identity.inline.filter((policy) => policy.name !== name);
  const size = [...others, { document }].reduce((sum, policy) => sum + countedCharacters(policy.document), 0);
  const max = inlinePolicyCharactersMax[identity.kind];
  if (size > max) {
    throw new LimitExceededException(
      `Maximum policy size of ${max} bytes exceeded for ${identity.kind} ${identity.name}`,
    );
  }
}

/**
 * Checks the trust policy of a role.
 *
 * @returns the unique ids of the users and roles that it names, as the role's row keeps them
 * @throws MalformedPolicyDocumentException not a trust policy, or principals that are not here or are of another partition
 * @throws LimitExceededException more than 2,048 characters
 */
export async function requireTrustPolicy(
  text: string,
  {
    tx,
    call: { partition },
    unknownPrincipals,
  }: { readonly tx: Tx; readonly call: Call; readonly unknownPrincipals: UnknownPrincipals },
): Promise<string> {
  requireQuota("ACLSizePerRole", countedCharacters(text));
  const document = refuseMalformed(() => requireTrustDocument(text));
  const names = document.statements.flatMap(({ principals }) => [...(principals?.aws ?? [])]);
  const { ids, unknown } = await tx.settle((reader) => findNamedPrincipals(names, reader, partition));
  if (unknown.length > 0) {
    if (!unknownPrincipals.allow) {
      throw new MalformedPolicyDocumentException(`Invalid principal in policy: "AWS":"${unknown[0]}"`);
    }
    unknownPrincipals.warn(unknown);
  }
  return printPrincipalIds(ids);
}

/** @throws DeleteConflictException policies hang on a user, group or role that is to go */
export function requireNoPolicies({ attached, inline }: Identity): void {
  if (attached.length > 0) {
    throw new DeleteConflictException("Cannot delete entity, must detach all policies first.");
  }
  if (inline.length > 0) throw new DeleteConflictException("Cannot delete entity, must delete policies first.");
}

/** @throws MalformedPolicyDocumentException `parse` finds that the policy is none */
export function refuseMalformed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof PolicySyntaxError) throw new MalformedPolicyDocumentException(cause.message);
    throw cause;
  }
}
