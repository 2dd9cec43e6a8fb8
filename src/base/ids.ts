/** Identifiers: shapes, and how new ones are made. */

import { randomBytes, randomUUID } from "node:crypto";

declare const brand: unique symbol;
type Brand<Name extends string> = string & { readonly [brand]: Name };
export type KeyId = Brand<"KeyId">;
export type AliasName = Brand<"AliasName">;
export type AccountId = Brand<"AccountId">;
/** 64 lower-case hex characters: `CurrentKeyMaterialId`. */
export type MaterialId = Brand<"MaterialId">;

/** 64 lower-case hex characters. */
export type GrantId = Brand<"GrantId">;

const GRANT_ID = /^[0-9a-f]{64}$/;
const GRANT_ID_BYTES = 32;
const KEY_ID = /^(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const ACCOUNT_ID = /^[0-9]{12}$/;

/** Returns `text` as a key id (a UUID, or `mrk-` and 32 hex digits), or undefined when it has another shape. */
export function asKeyId(text: string): KeyId | undefined {
  return KEY_ID.test(text) ? (text as KeyId) : undefined;
}

/** Returns `text` as an account id (12 digits), or undefined when it has another shape. */
export function asAccountId(text: string): AccountId | undefined {
  return ACCOUNT_ID.test(text) ? (text as AccountId) : undefined;
}

/** A new single-Region key id. */
export function newKeyId(): KeyId {
  return randomUUID() as KeyId;
}

/** A new request id, of what the service does by itself. */
export function newRequestId(): string {
  return randomUUID();
}

/** A new multi-Region key id. */
export function newMultiRegionKeyId(): KeyId {
  return `mrk-${randomBytes(16).toString("hex")}` as KeyId;
}

/** A new id of a custom key store, in the form of AWS's examples. */
export function newKeyStoreId(): string {
  return `cks-${randomBytes(9).toString("hex").slice(0, 17)}`;
}

/** Returns `text` as a grant id, or undefined when it has another shape. */
export function asGrantId(text: string): GrantId | undefined {
  return GRANT_ID.test(text) ? (text as GrantId) : undefined;
}

/** A new grant id. Nobody can guess one. */
export function newGrantId(): GrantId {
  return randomBytes(GRANT_ID_BYTES).toString("hex") as GrantId;
}
