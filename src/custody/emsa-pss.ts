/** EMSA-PSS (RFC 8017, 9.1): how a digest is encoded before RSA signs it. Only encoding: the RSA operation is OpenSSL's. */

import { createHash } from "node:crypto";

const TRAILER = 0xbc;
const SEPARATOR = 1;

interface Pss {
  /** Also the hash of MGF1. */
  readonly hash: string;
  readonly digest: Uint8Array;
  /** emBits: one bit less than the modulus has. */
  readonly bits: number;
}

/** EMSA-PSS-ENCODE from its third step, the digest being given (RFC 8017, 9.1.1). */
export function encodePss({ hash, digest, salt, bits }: Pss & { readonly salt: Uint8Array }): Uint8Array {
  const encoded = new Uint8Array(Math.ceil(bits / 8));
  const seedAt = encoded.length - digest.length - 1;
  if (seedAt < salt.length + 1) throw new Error("The modulus is too short for that digest and salt");
  const seed = seedOf(hash, digest, salt);
  encoded[seedAt - salt.length - 1] = SEPARATOR;
  encoded.set(salt, seedAt - salt.length);
  mask(encoded.subarray(0, seedAt), { hash, seed });
  clearTop(encoded, bits);
  encoded.set(seed, seedAt);
  encoded[encoded.length - 1] = TRAILER;
  return encoded;
}

/** EMSA-PSS-VERIFY from its third step, with a salt as long as the digest (RFC 8017, 9.1.2). */
export function verifyPss({ hash, digest, encoded, bits }: Pss & { readonly encoded: Uint8Array }): boolean {
  const seedAt = encoded.length - digest.length - 1;
  const saltAt = seedAt - digest.length;
  if (encoded.length !== Math.ceil(bits / 8) || saltAt < 1 || encoded.at(-1) !== TRAILER) return false;
  const top = Uint8Array.of(encoded[0] ?? 0);
  clearTop(top, bits);
  if (top[0] !== encoded[0]) return false;
  const block = encoded.slice(0, seedAt);
  const seed = encoded.subarray(seedAt, -1);
  mask(block, { hash, seed });
  clearTop(block, bits);
  const padding = block.subarray(0, saltAt - 1);
  if (padding.some((byte) => byte !== 0) || block[saltAt - 1] !== SEPARATOR) return false;
  return Buffer.compare(seedOf(hash, digest, block.subarray(saltAt)), seed) === 0;
}

/** H = Hash(eight zeros ‖ digest ‖ salt). */
function seedOf(hash: string, digest: Uint8Array, salt: Uint8Array): Uint8Array {
  return createHash(hash).update(new Uint8Array(8)).update(digest).update(salt).digest();
}

/** Applies MGF1 of the seed to `block`, in place (RFC 8017, B.2.1). */
function mask(block: Uint8Array, { hash, seed }: { hash: string; seed: Uint8Array }): void {
  for (let at = 0, counter = 0; at < block.length; counter += 1) {
    const index = Buffer.alloc(4);
    index.writeUInt32BE(counter);
    const bytes = createHash(hash).update(seed).update(index).digest();
    for (let i = 0; i < bytes.length && at < block.length; i += 1, at += 1) {
      block[at] = (block[at] ?? 0) ^ (bytes[i] ?? 0);
    }
  }
}

/** Clears the bits of the first byte that are above `bits`. */
function clearTop(encoded: Uint8Array, bits: number): void {
  const above = (8 - (bits % 8)) % 8;
  encoded[0] = (encoded[0] ?? 0) & (0xff >> above);
}
