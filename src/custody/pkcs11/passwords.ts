/** Passwords of a token's user: one, or two while it is being changed. */

import { randomFillSync, timingSafeEqual } from "node:crypto";
import { Secret } from "../secret.ts";

/** As long as AWS lets them be, and of the characters that every token takes (KMS guide, Create an AWS CloudHSM key store). */
const PASSWORD_BYTES = 32;
const CHARACTERS = new TextEncoder().encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");

/** A new password, each character as likely as every other. */
export function newPassword(): Secret {
  const password = new Uint8Array(PASSWORD_BYTES);
  const one = new Uint8Array(1);
  const most = 256 - (256 % CHARACTERS.length);
  for (let index = 0; index < password.length; ) {
    randomFillSync(one);
    const [drawn = 0] = one;
    if (drawn >= most) continue;
    password[index] = CHARACTERS[drawn % CHARACTERS.length] ?? 0;
    index += 1;
  }
  one.fill(0);
  return new Secret(password);
}

/** For each password: u8 length ‖ UTF-8 bytes. The passwords are borrowed. */
export function encodePasswords(passwords: readonly Uint8Array[]): Secret {
  const encoded = new Uint8Array(passwords.reduce((sum, { length }) => sum + 1 + length, 0));
  let at = 0;
  for (const password of passwords) {
    encoded[at] = password.length;
    encoded.set(password, at + 1);
    at += 1 + password.length;
  }
  return new Secret(encoded);
}

/** @throws Error it is no list of passwords, which is our bug: it was sealed */
export function decodePasswords({ bytes }: Secret): readonly Secret[] {
  const passwords: Secret[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + (bytes[at] ?? 0);
    if (end > bytes.length) throw new Error("Not a list of passwords");
    passwords.push(new Secret(bytes.slice(at + 1, end)));
    at = end;
  }
  return passwords;
}

/** Whether two passwords are one, compared in constant time. */
export function isSamePassword(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
