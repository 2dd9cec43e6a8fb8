/**
 * Signatures that `node:crypto` can't make: ECDSA over a digest, and Ed25519ph.
 *
 * `@noble/curves` computes them in JavaScript. The private scalar leaves OpenSSL as bytes for the length of one signature and
 * is wiped; the big integers that the computation makes of it can't be, and their time is not constant to the last
 * instruction. Verifying has no secret.
 */

import type { KeyObject } from "node:crypto";
import type { ECDSA } from "@noble/curves/abstract/weierstrass.js";
import { ed25519ph } from "@noble/curves/ed25519.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import type { Pair } from "./key-pairs.ts";
import { Secret } from "./secret.ts";

const curves: ReadonlyMap<string, ECDSA> = new Map([
  ["prime256v1", p256],
  ["secp384r1", p384],
  ["secp521r1", p521],
  ["secp256k1", secp256k1],
]);

/** As OpenSSL does it: the digest as it is, either half of the range for s, DER. */
const asOpenSsl = { prehash: false, lowS: false, format: "der" } as const;

/** ECDSA over a digest: DER `SEQUENCE { r, s }`. The nonce is RFC 6979's with fresh randomness (its section 3.6). */
export function signEcdsaDigest({ privateKey }: Pair, digest: Uint8Array): Uint8Array {
  using scalar = rawPrivate(privateKey);
  return new Uint8Array(curveOf(privateKey).sign(digest, scalar.bytes, { ...asOpenSsl, extraEntropy: true }));
}

/** Whether a DER signature is of the digest. */
export function verifyEcdsaDigest({ publicKey }: Pair, digest: Uint8Array, signature: Uint8Array): boolean {
  const point = publicKey.export({ format: "raw-public", type: "uncompressed" });
  try {
    return curveOf(publicKey).verify(signature, digest, point, asOpenSsl);
  } catch {
    return false; // the signature is no DER of two integers in range
  }
}

/** Ed25519ph with an empty context (RFC 8032, 5.1): the message is hashed with SHA-512 first. */
export function signEd25519ph({ privateKey }: Pair, message: Uint8Array): Uint8Array {
  using seed = rawPrivate(privateKey);
  return new Uint8Array(ed25519ph.sign(message, seed.bytes));
}

/** Whether a signature is Ed25519ph of the message. */
export function verifyEd25519ph({ publicKey }: Pair, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    // As OpenSSL and RFC 8032 (5.1.7): canonical points, and the equation without the cofactor.
    return ed25519ph.verify(signature, message, publicKey.export({ format: "raw-public" }), { zip215: false });
  } catch {
    return false; // another length, or a point that is none
  }
}

function rawPrivate(privateKey: KeyObject): Secret {
  return new Secret(privateKey.export({ format: "raw-private" }));
}

function curveOf({ asymmetricKeyDetails }: KeyObject): ECDSA {
  const curve = curves.get(asymmetricKeyDetails?.namedCurve ?? "");
  if (curve === undefined) throw new Error("Not a key on a curve of ours");
  return curve;
}
