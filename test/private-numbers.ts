/** Private keys in PKCS#8 made of numbers that are given, also of such as no generator makes. */

import { generatePrimeSync } from "node:crypto";

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTETS = 0x04;
const SEQUENCE = 0x30;

const RSA_ENCRYPTION = Uint8Array.fromHex("300d06092a864886f70d0101010500");
const P256 = Uint8Array.fromHex("301306072a8648ce3d020106082a8648ce3d030107");
const ED25519 = Uint8Array.fromHex("300506032b6570");

/** The order of P-256 (SP 800-186, 3.2.1.3). */
export const P256_ORDER = 0xffff_ffff_0000_0000_ffff_ffff_ffff_ffff_bce6_faad_a717_9e84_f3b9_cac2_fc63_2551n;

/** The numbers of an RSAPrivateKey (RFC 8017, A.1.2); those that are left out follow from the primes and the exponent. */
export interface RsaNumbers {
  readonly p: bigint;
  readonly q: bigint;
  readonly e: bigint;
  readonly n?: bigint;
  readonly d?: bigint;
  /** φ of the modulus, where the two are no primes. */
  readonly phi?: bigint;
}

/** DER PKCS#8 of an RSA key. */
export function rsaOf({ p, q, e, n = p * q, phi = (p - 1n) * (q - 1n), d = inverse(e, phi) }: RsaNumbers): Uint8Array {
  const coefficient = p === q ? 1n : inverse(q, p);
  const numbers = [0n, n, e, d, p, q, d % (p - 1n), d % (q - 1n), coefficient];
  return pkcs8(RSA_ENCRYPTION, sequence(...numbers.map(integer)));
}

/** DER PKCS#8 of a key of P-256, with a public key only where one is given. */
export function p256Of(scalar: bigint, point?: Uint8Array): Uint8Array {
  const own = [integer(1n), tlv(OCTETS, bytesOf(scalar, 32))];
  const given = point === undefined ? [] : [tlv(0xa1, tlv(BIT_STRING, Uint8Array.of(0, ...point)))];
  return pkcs8(P256, sequence(...own, ...given));
}

/** DER PKCS#8, version 2 (RFC 5958), of an Edwards key with a public key. */
export function ed25519Of(seed: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return sequence(integer(1n), ED25519, tlv(OCTETS, tlv(OCTETS, seed)), tlv(0x81, Uint8Array.of(0, ...publicKey)));
}

/** A prime whose two first bits are set, so that two of them have a product of twice their length. */
export function primeOf(bits: number): bigint {
  for (;;) {
    const prime = generatePrimeSync(bits, { bigint: true });
    if (prime >> BigInt(bits - 2) === 3n) return prime;
  }
}

function pkcs8(algorithm: Uint8Array, key: Uint8Array): Uint8Array {
  return sequence(integer(0n), algorithm, tlv(OCTETS, key));
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return tlv(SEQUENCE, Uint8Array.of(...Buffer.concat(parts)));
}

function integer(value: bigint): Uint8Array {
  return tlv(INTEGER, bytesOf(value, Math.floor(value.toString(2).length / 8) + 1));
}

function bytesOf(value: bigint, lengthBytes: number): Uint8Array {
  return Uint8Array.fromHex(value.toString(16).padStart(lengthBytes * 2, "0"));
}

function tlv(tag: number, value: Uint8Array): Uint8Array {
  const { length } = value;
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.of(tag, ...(length < 0x80 ? [length] : long), ...value);
}

/** The inverse of a number modulo another. */
export function inverse(value: bigint, modulus: bigint): bigint {
  let [left, right, found, next] = [value % modulus, modulus, 1n, 0n];
  while (right > 0n) {
    const quotient = left / right;
    [left, right, found, next] = [right, left - quotient * right, next, found - quotient * next];
  }
  if (left !== 1n) throw new RangeError("The two have a common divisor.");
  return ((found % modulus) + modulus) % modulus;
}
