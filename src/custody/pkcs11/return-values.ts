/** What PKCS #11 functions return (CK_RV), as far as it makes a difference here. */

/** Names and numbers of PKCS #11 2.40, section 4.1. */
export const CKR = {
  OK: 0x000,
  HOST_MEMORY: 0x002,
  GENERAL_ERROR: 0x005,
  FUNCTION_FAILED: 0x006,
  DEVICE_ERROR: 0x030,
  DEVICE_REMOVED: 0x032,
  ENCRYPTED_DATA_INVALID: 0x040,
  ENCRYPTED_DATA_LEN_RANGE: 0x041,
  FUNCTION_NOT_SUPPORTED: 0x054,
  KEY_HANDLE_INVALID: 0x060,
  OBJECT_HANDLE_INVALID: 0x082,
  PIN_INCORRECT: 0x0a0,
  PIN_INVALID: 0x0a1,
  PIN_LEN_RANGE: 0x0a2,
  PIN_EXPIRED: 0x0a3,
  PIN_LOCKED: 0x0a4,
  SESSION_COUNT: 0x0b1,
  SESSION_HANDLE_INVALID: 0x0b3,
  TOKEN_NOT_PRESENT: 0x0e0,
  USER_ALREADY_LOGGED_IN: 0x100,
  USER_PIN_NOT_INITIALIZED: 0x102,
  USER_TYPE_INVALID: 0x103,
  USER_ANOTHER_ALREADY_LOGGED_IN: 0x104,
  USER_TOO_MANY_TYPES: 0x105,
} as const;

/** A function that did not return CKR_OK. */
export class CryptokiError extends Error {
  override readonly name = "CryptokiError";
  readonly code: number;

  constructor(code: number, called: string) {
    super(`${called} returned 0x${code.toString(16)}.`);
    this.code = code;
  }
}

/** @throws CryptokiError the value is another one than CKR_OK */
export function returned(value: bigint, called: string): void {
  if (value !== 0n) throw new CryptokiError(Number(value), called);
}
