/** What the sessions of GetSessionToken and GetFederationToken may not call, whatever their policies say. */

import { AccessDeniedException } from "../base/errors.ts";
import type { Principal } from "../identity/principal.ts";

/**
 * Sessions of GetSessionToken may call AssumeRole and GetCallerIdentity of STS, and those of GetFederationToken only the latter
 * (STS API reference).
 *
 * @throws AccessDeniedException
 */
export function requireUnlimited(principal: Principal, operation: string): void {
  const made = principal.session?.kind;
  if (made === "federated-user" || (made === "session-token" && operation !== "AssumeRole")) {
    throw new AccessDeniedException(`Cannot call ${operation} with session credentials`);
  }
}

/**
 * Whether IAM takes calls of that principal: not of a session of GetSessionToken without multi-factor authentication, nor of one
 * of GetFederationToken (STS API reference). AWS answers `InvalidClientTokenId`, as if the token were nobody's (recorded).
 */
export function mayCallIam({ session }: Principal): boolean {
  if (session === undefined || session.kind === "assumed-role") return true;
  return session.kind === "session-token" && session.mfaAt !== undefined;
}
