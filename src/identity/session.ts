/** Sessions: what temporary credentials say of whoever holds them. */

import { randomBytes } from "node:crypto";
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
  readonly providerKeys?: ProviderKeys;
}

/** Condition keys of an identity provider's token, in lower case, such as `<host>:sub`. */
export type ProviderKeys = Readonly<Record<string, string | readonly string[]>>;

/** Claims as a token seals them. */
export function printClaims(claims: SessionClaims): string {
  return JSON.stringify(claims);
}

/** What `printClaims` wrote, from a token that opened: nobody else can have written it. */
export function parseClaims(text: string): SessionClaims {
  return JSON.parse(text) as SessionClaims;
}

const RANDOM_BITS = 40n;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/**
 * A new id of temporary credentials: `ASIA` and 16 characters of base32, which hold the account's number (40 bits) and 40
 * random bits, so that GetAccessKeyInfo can tell the account of credentials that are kept nowhere.
 */
export function newSessionKeyId(account: string): string {
  const random = BigInt(`0x${randomBytes(5).toHex()}`);
  let bits = (BigInt(account) << RANDOM_BITS) | random;
  let id = "";
  for (let index = 0; index < 16; index += 1, bits >>= 5n) id = `${ALPHABET[Number(bits & 31n)]}${id}`;
  return `ASIA${id}`;
}

/** The account of an id of temporary credentials, or undefined for anything else. */
export function accountOfSessionKeyId(id: string): string | undefined {
  if (!/^ASIA[A-Z2-7]{16}$/.test(id)) return undefined;
  let bits = 0n;
  for (const character of id.slice("ASIA".length)) bits = (bits << 5n) | BigInt(ALPHABET.indexOf(character));
  const account = String(bits >> RANDOM_BITS).padStart(12, "0");
  return account.length === 12 ? account : undefined;
}
