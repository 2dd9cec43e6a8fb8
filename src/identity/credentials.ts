/** Access keys: whose they are, and how new ones are made. */

import { randomBytes } from "node:crypto";
import type { CredentialRow } from "../storage/schema.ts";
import type { Reader } from "../storage/store.ts";
import type { Principal } from "./principal.ts";

/** An access key that signs today, or undefined: unknown, inactive, or of an account that is gone. */
export function findCredential(reader: Reader, accessKeyId: string): CredentialRow | undefined {
  const row = reader.find("credential", accessKeyId);
  if (row === undefined || reader.find("account", row.account) === undefined) return undefined;
  return row.status === "Active" ? row : undefined;
}

/**
 * The principal of an access key in a partition, or undefined when it is of a kind that is not known here.
 *
 * An account has the same id in every partition; the partition of a call is that of its Region.
 */
export function findPrincipal(
  { account, principal_arn, access_key_id }: CredentialRow,
  partition: string,
): Principal | undefined {
  if (!principal_arn.endsWith(`:iam::${account}:root`)) return undefined;
  return {
    kind: "root",
    account,
    partition,
    arn: `arn:${partition}:iam::${account}:root`,
    uniqueId: account,
    accessKeyId: access_key_id,
  };
}

const ACCESS_KEY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** A new id of a long-term access key: `AKIA` and 16 characters of base32. */
export function newAccessKeyId(): string {
  return `AKIA${Array.from(randomBytes(16), (byte) => ACCESS_KEY_ALPHABET[byte & 31]).join("")}`;
}

/** A new secret access key: 40 characters of base64 as ASCII bytes, made of 30 random ones. The caller wipes them. */
export function newSecretAccessKey(): Uint8Array {
  const random = new Uint8Array(randomBytes(30));
  const secret = new TextEncoder().encode(random.toBase64());
  random.fill(0);
  return secret;
}
