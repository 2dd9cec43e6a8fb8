/** Whether a private key from outside is one: numbers that make a key of its kind, and the two keys a pair. */

import { checkPrime, createECDH, decapsulate, encapsulate, sign, timingSafeEqual, verify } from "node:crypto";
import { promisify } from "node:util";
import type { Pair } from "./key-pairs.ts";
import { Secret } from "./secret.ts";

/**
 * Whether a pair that was read from PKCS#8 can be a key's: OpenSSL reads also numbers that are no key, and computes with them. An RSA key with
 * the exponent 1 would leave every plaintext as it is.
 *
 * @param pkcs8 what it was read from, borrowed
 */
export async function isSoundPair(pair: Pair, pkcs8: Uint8Array): Promise<boolean> {
  return bringsOwnPublicKey(pair, pkcs8) && hasScalarOfCurve(pair) && isWhole(pair) && (await isRsaOfTwoPrimes(pair));
}

/** The end of a PKCS#8 with an Edwards public key in it: `[1] IMPLICIT BIT STRING`, no unused bits (RFC 8410, 10.3). */
const ED25519_PUBLIC_TAG = Uint8Array.of(0x81, 0x21, 0);
const ED25519_PUBLIC_BYTES = 32;

/** OpenSSL passes over the public key that an Edwards key comes with. */
function bringsOwnPublicKey({ privateKey, spki }: Pair, pkcs8: Uint8Array): boolean {
  if (privateKey.asymmetricKeyType !== "ed25519") return true;
  const tagAt = pkcs8.length - ED25519_PUBLIC_BYTES - ED25519_PUBLIC_TAG.length;
  if (!ED25519_PUBLIC_TAG.every((byte, index) => pkcs8[tagAt + index] === byte)) return true;
  return timingSafeEqual(pkcs8.subarray(-ED25519_PUBLIC_BYTES), spki.subarray(-ED25519_PUBLIC_BYTES));
}

/** Whether an elliptic curve's private key is from 1 to the order less 1 (RFC 5915, 3). */
function hasScalarOfCurve({ privateKey }: Pair): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = privateKey;
  if (asymmetricKeyType !== "ec") return true;
  using scalar = new Secret(privateKey.export({ format: "raw-private" }));
  try {
    createECDH(asymmetricKeyDetails?.namedCurve ?? "").setPrivateKey(scalar.bytes);
    return true;
  } catch {
    return false; // a number that is none of the curve's private keys
  }
}

const PROBE = new TextEncoder().encode("keystead/import/1");

/** Whether the two keys are a pair: a PKCS#8 may bring a public key, and RSA numbers, that are not its own. */
function isWhole({ privateKey, publicKey }: Pair): boolean {
  const kind = privateKey.asymmetricKeyType ?? "";
  try {
    if (kind.startsWith("ml-kem-")) {
      const { sharedKey, ciphertext } = encapsulate(publicKey);
      using shared = new Secret(sharedKey);
      using found = new Secret(decapsulate(privateKey, ciphertext));
      return timingSafeEqual(found.bytes, shared.bytes);
    }
    const hash = kind === "rsa" || kind === "ec" ? "sha256" : null;
    return verify(hash, PROBE, publicKey, sign(hash, PROBE, privateKey));
  } catch {
    return false; // numbers that OpenSSL can't compute with; what it says of them is not worth keeping
  }
}

/** DER of an RSA PrivateKeyInfo of at least 1,024 bits, lengths left out, down to the version of its RSAPrivateKey. */
const RSA_VERSION_AT = 32;
/** Bytes at the beginning in which two primes of a key differ (FIPS 186-5, A.1.1: about a hundred bits). */
const DISTINCT_BYTES = 12;

const isPrime: (candidate: Uint8Array) => Promise<boolean> = promisify(checkPrime);

/**
 * Whether an RSA key is one of two primes (RFC 8017, A.1.2: version 0) that are primes, half as long as the modulus, far enough apart and its
 * factors (FIPS 186-5, A.1.1), with an odd exponent above 1. Smaller exponents than FIPS's 65,537 are left to whoever has such keys. Primes are
 * tested on libuv's threads, for up to a third of a second.
 */
async function isRsaOfTwoPrimes({ privateKey }: Pair): Promise<boolean> {
  if (privateKey.asymmetricKeyType !== "rsa") return true;
  using pkcs8 = new Secret(privateKey.export({ format: "der", type: "pkcs8" }));
  if (pkcs8.bytes[RSA_VERSION_AT - 2] !== 2 || pkcs8.bytes[RSA_VERSION_AT] !== 0) return false;
  const [modulus, exponent, , left, right] = integersAt(pkcs8.bytes, RSA_VERSION_AT + 1, 5);
  if (modulus === undefined || exponent === undefined || left === undefined || right === undefined) return false;
  const isExponent = ((exponent.at(-1) ?? 0) & 1) === 1 && (exponent.length > 1 || exponent[0] !== 1);
  const areHalves = [left, right].every((prime) => prime.length * 2 === modulus.length && (prime[0] ?? 0) >= 0x80);
  if (!isExponent || !areHalves) return false;
  if (timingSafeEqual(left.subarray(0, DISTINCT_BYTES), right.subarray(0, DISTINCT_BYTES))) return false;
  using product = new Secret(multiply(left, right));
  if (!timingSafeEqual(product.bytes, modulus)) return false;
  return (await isPrime(left)) && (await isPrime(right));
}

/** So many INTEGERs of DER from a place on, without leading zeros; borrowed views. */
function integersAt(der: Uint8Array, start: number, count: number): readonly Uint8Array[] {
  const integers: Uint8Array[] = [];
  let at = start;
  while (integers.length < count) {
    const first = der[at + 1] ?? 0; // the length itself, or how many bytes it has
    const lengthBytes = first < 0x80 ? 0 : first - 0x80;
    const head = der.subarray(at + 2, at + 2 + lengthBytes);
    const length = lengthBytes === 0 ? first : head.reduce((sum, byte) => sum * 256 + byte, 0);
    const valueAt = at + 2 + lengthBytes;
    const sign = der[valueAt] === 0 && length > 1 ? 1 : 0;
    integers.push(der.subarray(valueAt + sign, valueAt + length));
    at = valueAt + length;
  }
  return integers;
}

/** The product of two numbers of one length, most significant bytes first. It takes as long for all of a length, and is the caller's to wipe. */
function multiply(left: Uint8Array, right: Uint8Array): Uint8Array {
  const product = new Uint8Array(left.length + right.length);
  for (let at = left.length - 1; at >= 0; at -= 1) {
    let carry = 0;
    for (let other = right.length - 1; other >= 0; other -= 1) {
      const place = at + other + 1;
      carry += (left[at] ?? 0) * (right[other] ?? 0) + (product[place] ?? 0);
      product[place] = carry & 0xff;
      carry >>>= 8;
    }
    product[at] = carry;
  }
  return product;
}
