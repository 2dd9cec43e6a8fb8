/** What can go wrong with a token, as far as callers do something about it. */

import { CKR } from "./return-values.ts";

/**
 * - `credentials`, `locked`, `noUser`, `loggedIn`: the token does not let the user in, and why;
 * - `sessions`: it has no session left, or more wait for one than may;
 * - `missing`: it has no such key;
 * - `unreachable`: the library, its process or the token behind it does not answer.
 */
export type TokenFault = "credentials" | "locked" | "loggedIn" | "missing" | "noUser" | "sessions" | "unreachable";

/** A request to a token that came to nothing. */
export class TokenError extends Error {
  override readonly name = "TokenError";
  readonly fault: TokenFault;

  constructor(fault: TokenFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

const faults: ReadonlyMap<number, TokenFault> = new Map<number, TokenFault>([
  [CKR.PIN_INCORRECT, "credentials"],
  [CKR.PIN_INVALID, "credentials"],
  [CKR.PIN_LEN_RANGE, "credentials"],
  [CKR.PIN_EXPIRED, "credentials"],
  [CKR.PIN_LOCKED, "locked"],
  [CKR.USER_ALREADY_LOGGED_IN, "loggedIn"],
  [CKR.USER_ANOTHER_ALREADY_LOGGED_IN, "loggedIn"],
  [CKR.USER_TOO_MANY_TYPES, "loggedIn"],
  [CKR.USER_PIN_NOT_INITIALIZED, "noUser"],
  [CKR.USER_TYPE_INVALID, "noUser"],
  [CKR.SESSION_COUNT, "sessions"],
]);

/** What a return value means; whatever has no meaning of its own is a token that does not do what it should. */
export function faultOf(code: number | undefined): TokenFault {
  return (code === undefined ? undefined : faults.get(code)) ?? "unreachable";
}

/** Faults of a login: to try again would be one more failure on the way to a locked user. */
export const LOGIN_FAULTS: readonly TokenFault[] = ["credentials", "locked", "loggedIn", "noUser"];
