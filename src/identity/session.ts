/** Sessions: what temporary credentials say of whoever holds them. */

import type { Tag } from "../storage/tags.ts";

/** What a session token seals, beside the secret access key that it goes with. */
export interface SessionClaims {
  /** By which STS operation it was made: it decides what kind of principal it is. */
  readonly kind: "session-token" | "assumed-role" | "federated-user";
  /** `ASIA…` */
  readonly accessKeyId: string;
  readonly account: string;
  /** The unique id of the user or role; null: the account's root user. It must still exist when the session is used. */
  readonly identityId: string | null;
  /** The role session's or the federated user's name; empty for GetSessionToken. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Session policies as they were sent; with `policyArns` they limit what identity policies give. */
  readonly policies: readonly string[];
  readonly policyArns: readonly string[];
  /** Tags of the session; they outweigh those of the role. */
  readonly tags: readonly Tag[];
  /** Keys of tags that later sessions in a role chain inherit. */
  readonly transitiveTagKeys: readonly string[];
  readonly sourceIdentity?: string;
  /** Whether a multi-factor device was used; then `mfaAt` says when, in milliseconds since the epoch. */
  readonly mfaAt?: number;
  /** The identity provider of AssumeRoleWithWebIdentity: its ARN, and condition keys of its token such as `<host>:sub`. */
  readonly provider?: string;
  readonly providerKeys?: Readonly<Record<string, string>>;
}
