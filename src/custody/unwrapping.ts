/** Key material on its way in: unwrapped as the wrapping algorithms of the API define (KMS guide, Encrypt the key material). */

import { createDecipheriv } from "node:crypto";
import type { PairEncryption } from "./pair-use.ts";
import { Secret } from "./secret.ts";

/** A wrapping algorithm, as its two parts: encryption under the wrapping key alone, or of an AES-256 key that wraps the material. */
interface Wrapping {
  readonly how: PairEncryption;
  readonly keyWrap: boolean;
}

/** Opens a ciphertext under a wrapping key: the plaintext, the caller's to wipe, or undefined. */
export type Open = (how: PairEncryption, ciphertext: Uint8Array) => Promise<Uint8Array | undefined>;

const wrappings: ReadonlyMap<string, Wrapping> = new Map([
  ["RSAES_OAEP_SHA_1", { how: "sha1", keyWrap: false }],
  ["RSAES_OAEP_SHA_256", { how: "sha256", keyWrap: false }],
  ["RSA_AES_KEY_WRAP_SHA_1", { how: "sha1", keyWrap: true }],
  ["RSA_AES_KEY_WRAP_SHA_256", { how: "sha256", keyWrap: true }],
  ["SM2PKE", { how: "sm2", keyWrap: false }],
]);

const KEY_BYTES = 32;
/** The alternative initial value of RFC 5649, section 3. */
const PADDED_IV = Uint8Array.fromHex("a65959a6");

/**
 * Unwraps key material.
 *
 * Whatever is wrong with it, the answer is the same, and a key that does not open is followed by the same work under one
 * that nobody knows, so that the time tells nothing either.
 *
 * @param given.algorithm in the words of the API
 * @param given.keyBytes the length of what the wrapping key encrypts into, which is that of an RSA modulus
 * @param given.wrapped with a key wrap: the AES key under RSAES-OAEP, and then the material under AES-KWP
 * @returns undefined when it does not open
 * @throws Error an algorithm that is not one of the five
 */
export async function unwrap(
  open: Open,
  { algorithm, keyBytes, wrapped }: { algorithm: string; keyBytes: number; wrapped: Uint8Array },
): Promise<Secret | undefined> {
  const wrapping = wrappings.get(algorithm);
  if (wrapping === undefined) throw new Error(`Nothing is wrapped with ${algorithm}`);
  const { how, keyWrap } = wrapping;
  if (!keyWrap) return secretOf(await open(how, wrapped));
  using found = secretOf(await open(how, wrapped.subarray(0, keyBytes)));
  const isKey = found?.bytes.length === KEY_BYTES;
  using unknown = Secret.random(KEY_BYTES);
  const material = unwrapPadded(isKey ? found : unknown, wrapped.subarray(keyBytes));
  if (isKey) return material;
  material?.[Symbol.dispose]();
  return undefined;
}

/** What wraps the least that can be wrapped: two blocks of 64 bits. */
const WRAPPED_BYTES_MIN = 16;

/**
 * Unwraps AES Key Wrap with Padding (RFC 5649; SP 800-38F, KWP).
 *
 * @param key 256 bits, borrowed
 * @returns undefined when it does not open
 */
export function unwrapPadded(key: Secret, wrapped: Uint8Array): Secret | undefined {
  if (wrapped.length < WRAPPED_BYTES_MIN) return undefined; // of nothing at all, OpenSSL would make nothing
  const decipher = createDecipheriv("id-aes256-wrap-pad", key.bytes, PADDED_IV);
  try {
    const opened = decipher.update(wrapped);
    const material = new Secret(new Uint8Array(opened));
    opened.fill(0);
    return material;
  } catch {
    return undefined; // a wrong length, integrity check or padding: its errors have no class or code to name
  }
}

function secretOf(bytes: Uint8Array | undefined): Secret | undefined {
  return bytes === undefined ? undefined : new Secret(bytes);
}
