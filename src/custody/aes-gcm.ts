/** AES-256-GCM (NIST SP 800-38D) and SM4-GCM (RFC 8998) with 96-bit IVs and 128-bit tags, and nothing else of them. */

import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import { findSymmetricLibcrypto, type SymmetricLibcrypto } from "./libcrypto-symmetric.ts";

export const IV_BYTES = 12;
export const TAG_BYTES = 16;

/** Ciphers by OpenSSL's names; AES where nothing is said. */
export type GcmCipher = "aes-256-gcm" | "sm4-gcm";

const options = { authTagLength: TAG_BYTES } as const;

/** Where short plaintexts are opened: outside V8's heap, and wiped after each. */
const place = Buffer.alloc(8192);

/**
 * Encrypts `plaintext` and writes the result where it belongs.
 *
 * @param key 32 bytes, or 16 of SM4
 * @param target receives the tag (16 bytes) at `tagAt` and the data, as long as the plaintext, at `dataAt`
 */
export function encryptGcm(
  key: KeyObject | Uint8Array,
  { iv, aad, plaintext }: { readonly iv: Uint8Array; readonly aad: Uint8Array; readonly plaintext: Uint8Array },
  { target, tagAt, dataAt }: { readonly target: Uint8Array; readonly tagAt: number; readonly dataAt: number },
  algorithm: GcmCipher = "aes-256-gcm",
): void {
  const libcrypto = libcryptoFor(key, algorithm);
  if (libcrypto !== undefined && key instanceof Uint8Array) {
    target.set(plaintext, dataAt);
    const data = target.subarray(dataAt, dataAt + plaintext.length);
    libcrypto.encrypt(key, { iv, aad, tag: target.subarray(tagAt, tagAt + TAG_BYTES), data });
    return;
  }
  const cipher = createCipheriv(named(algorithm), key, iv, options);
  cipher.setAAD(aad);
  target.set(cipher.update(plaintext), dataAt);
  cipher.final(); // GCM is a stream: nothing is left, but the tag exists only from here on
  target.set(cipher.getAuthTag(), tagAt);
}

/**
 * Decrypts `data`.
 *
 * @returns the plaintext in memory of its own, which the caller wipes, or undefined when the tag does not fit
 */
export function decryptGcm(
  key: KeyObject | Uint8Array,
  parts: { readonly iv: Uint8Array; readonly aad: Uint8Array; readonly tag: Uint8Array; readonly data: Uint8Array },
  algorithm: GcmCipher = "aes-256-gcm",
): Uint8Array | undefined {
  const libcrypto = libcryptoFor(key, algorithm);
  if (libcrypto !== undefined && key instanceof Uint8Array && parts.tag.length === TAG_BYTES) {
    return decryptInPlace(libcrypto, key, parts);
  }
  const decipher = createDecipheriv(named(algorithm), key, parts.iv, options);
  decipher.setAAD(parts.aad);
  decipher.setAuthTag(parts.tag);
  const opened = decipher.update(parts.data);
  try {
    decipher.final();
    return new Uint8Array(opened);
  } catch {
    return undefined; // `final` has this one reason to throw, and its error has no class or code to name
  } finally {
    opened.fill(0);
  }
}

/** Libcrypto where it saves what `node:crypto` sets up: under keys in bytes, which are used once or twice. */
function libcryptoFor(key: KeyObject | Uint8Array, algorithm: GcmCipher): SymmetricLibcrypto | undefined {
  return key instanceof Uint8Array && algorithm === "aes-256-gcm" ? findSymmetricLibcrypto() : undefined;
}

function decryptInPlace(
  libcrypto: SymmetricLibcrypto,
  key: Uint8Array,
  { data, ...parts }: { iv: Uint8Array; aad: Uint8Array; tag: Uint8Array; data: Uint8Array },
): Uint8Array | undefined {
  if (data.length > place.length) {
    const opened = new Uint8Array(data);
    return libcrypto.decrypt(key, { ...parts, data: opened }) ? opened : undefined;
  }
  place.set(data);
  const opened = place.subarray(0, data.length);
  try {
    return libcrypto.decrypt(key, { ...parts, data: opened }) ? new Uint8Array(opened) : undefined;
  } finally {
    opened.fill(0);
  }
}

/** The types of `node:crypto` know no other cipher by this mode than AES. */
function named(algorithm: GcmCipher): "aes-256-gcm" {
  return algorithm as "aes-256-gcm";
}
