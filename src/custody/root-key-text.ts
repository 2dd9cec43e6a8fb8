/** The text form of root secrets, from bytes to bytes: a string of a secret could not be wiped. */

import { createHash, timingSafeEqual } from "node:crypto";
import { OperatorError } from "../base/errors.ts";
import { Secret } from "./secret.ts";

export const ROOT_SECRET_BYTES = 32;
const CHECKSUM_BYTES = 8;
const MARK = ascii("keystead-root-1-");
/** Crockford's base 32: no I, L, O or U. 40 bytes are exactly 64 of them. */
const ALPHABET = ascii("0123456789abcdefghjkmnpqrstvwxyz");
const DIGITS = ((ROOT_SECRET_BYTES + CHECKSUM_BYTES) * 8) / 5;
const GROUP_DIGITS = 8;
const SKIPPED = new Set(ascii(" -\t\r\n"));
/** Each ASCII code's value as a digit, undefined where it is none. */
const valueOfDigit: ReadonlyMap<number, number> = new Map([
  ...[...ALPHABET].flatMap((code, value): [number, number][] => [
    [code, value],
    [upper(code), value],
  ]),
  ...[...ascii("oO")].map((code): [number, number] => [code, 0]),
  ...[...ascii("iIlL")].map((code): [number, number] => [code, 1]),
]);

/** A text that is not a root key. The message says what is wrong and shows nothing of it. */
export class RootKeyFormatError extends OperatorError {
  override readonly name = "RootKeyFormatError";
}

/** Writes a root secret as `keystead-root-1-` and 64 digits: base 32 of the secret and 8 bytes of checksum. */
export function encodeRootSecret(secret: Secret): Secret {
  using payload = new Secret(new Uint8Array(ROOT_SECRET_BYTES + CHECKSUM_BYTES));
  payload.bytes.set(secret.bytes);
  payload.bytes.set(checksum(secret.bytes), ROOT_SECRET_BYTES);
  const text = new Uint8Array(MARK.length + DIGITS);
  text.set(MARK);
  for (let i = 0; i < DIGITS; i += 1) {
    const bit = i * 5;
    const pair = ((payload.bytes[bit >> 3] ?? 0) << 8) | (payload.bytes[(bit >> 3) + 1] ?? 0);
    text[MARK.length + i] = ALPHABET[(pair >> (11 - (bit & 7))) & 31] ?? 0;
  }
  return new Secret(text);
}

/** Writes the digits in groups of eight, for people: `keystead-root-1-xxxxxxxx-xxxxxxxx-…`. */
export function groupRootSecret(line: Secret): Secret {
  const groups = DIGITS / GROUP_DIGITS;
  const grouped = new Uint8Array(MARK.length + DIGITS + groups - 1).fill(ascii("-")[0] ?? 0);
  grouped.set(MARK);
  for (let group = 0; group < groups; group += 1) {
    const from = MARK.length + group * GROUP_DIGITS;
    grouped.set(line.bytes.subarray(from, from + GROUP_DIGITS), from + group);
  }
  return new Secret(grouped);
}

/**
 * Reads either form; letter case, spaces, hyphens and line ends don't matter, and O, I and L are taken for 0 and 1.
 *
 * @param text borrowed: its owner wipes it
 * @throws RootKeyFormatError it has another form or version, characters are missing, or one is wrong
 */
export function decodeRootSecret(text: Uint8Array): Secret {
  const marked = text.length >= MARK.length && MARK.every((code, i) => code === text[i] || upper(code) === text[i]);
  if (!marked) throw new RootKeyFormatError("This is not a root key: it does not begin with keystead-root-1-");
  using payload = new Secret(new Uint8Array(ROOT_SECRET_BYTES + CHECKSUM_BYTES));
  let digits = 0;
  for (const code of text.subarray(MARK.length)) {
    if (SKIPPED.has(code)) continue;
    const value = valueOfDigit.get(code);
    if (value === undefined)
      throw new RootKeyFormatError(`Character ${digits + 1} of the root key can't be part of one`);
    if (digits === DIGITS) throw new RootKeyFormatError(`The root key has more than ${DIGITS} characters`);
    setDigit(payload.bytes, digits, value);
    digits += 1;
  }
  if (digits < DIGITS)
    throw new RootKeyFormatError(`The root key has ${digits} characters instead of ${DIGITS}: cut off?`);
  const secret = payload.bytes.slice(0, ROOT_SECRET_BYTES);
  if (!timingSafeEqual(checksum(secret), payload.bytes.subarray(ROOT_SECRET_BYTES))) {
    secret.fill(0);
    throw new RootKeyFormatError("The root key's checksum does not fit: a character of it is wrong");
  }
  return new Secret(secret);
}

function setDigit(bytes: Uint8Array, index: number, value: number): void {
  const bit = index * 5;
  const pair = value << (11 - (bit & 7));
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (pair >> 8);
  bytes[(bit >> 3) + 1] = (bytes[(bit >> 3) + 1] ?? 0) | (pair & 0xff);
}

function checksum(secret: Uint8Array): Uint8Array {
  return createHash("sha256").update(MARK).update(secret).digest().subarray(0, CHECKSUM_BYTES);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The code of a lower-case letter's capital; other codes as they are. */
function upper(code: number): number {
  return code >= 0x61 && code <= 0x7a ? code - 0x20 : code;
}
