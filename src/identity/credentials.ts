/** Access keys: whose they are, and how new ones are made. */

import { randomBytes } from "node:crypto";
import { asArn } from "../base/arn.ts";
import type { CredentialRow } from "../storage/schema.ts";
import type { Reader } from "../storage/store.ts";
import type { Principal } from "./principal.ts";

/** API reference of IAM, AccessKey: longer ids are nobody's, and must not fill the view with "not found". */
const ACCESS_KEY_ID_LENGTH_MAX = 128;

/** An access key that signs today, or undefined: unknown, inactive, or of an account that is gone. */
export function findCredential(reader: Reader, accessKeyId: string): CredentialRow | undefined {
  if (accessKeyId.length > ACCESS_KEY_ID_LENGTH_MAX) return undefined;
  const row = reader.find("credential", accessKeyId);
  if (row === undefined || reader.find("account", row.account) === undefined) return undefined;
  return row.status === "Active" ? row : undefined;
}

/**
 * The principal of an access key in a partition: the account's root user. Undefined for a key of any other principal: what
 * nobody can decide about must not sign.
 *
 * An account has the same id in every partition; the partition of a call is that of its Region.
 */
export function findPrincipal(
  { account, principal_arn, access_key_id }: CredentialRow,
  partition: string,
): Principal | undefined {
  const arn = asArn(principal_arn);
  const isRoot = arn?.service === "iam" && arn.region === "" && arn.account === account && arn.resource === "root";
  if (!isRoot) return undefined;
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
const SECRET_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** A new id of a long-term access key: `AKIA` and 16 characters of base32. */
export function newAccessKeyId(): string {
  return `AKIA${Array.from(randomBytes(16), (byte) => ACCESS_KEY_ALPHABET[byte & 31]).join("")}`;
}

/**
 * A new secret access key: 40 characters of the base64 alphabet as ASCII bytes, 240 random bits. Bytes, because a string
 * can't be wiped; the caller wipes them.
 */
export function newSecretAccessKey(): Uint8Array {
  const random = randomBytes(40);
  const secret = new Uint8Array(40);
  random.forEach((byte, index) => {
    secret[index] = SECRET_ALPHABET.charCodeAt(byte & 63);
  });
  random.fill(0);
  return secret;
}
