/**
 * The primitives that `node:crypto` lacks, computed in JavaScript where OpenSSL itself can't be reached.
 *
 * A private scalar or seed leaves OpenSSL as bytes for the length of one signature and is wiped; the big integers and arrays
 * that the computation makes of it can't be, and their time is not constant to the last instruction. Verifying has no secret.
 */

import type { KeyObject } from "node:crypto";
import type { ECDSA } from "@noble/curves/abstract/weierstrass.js";
import { ed25519ph } from "@noble/curves/ed25519.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { ml_dsa44, ml_dsa65, ml_dsa87 } from "@noble/post-quantum/ml-dsa.js";
import type { Primitives, RawScheme } from "./primitives.ts";
import { Secret } from "./secret.ts";

const curves: ReadonlyMap<string, ECDSA> = new Map([
  ["prime256v1", p256],
  ["secp384r1", p384],
  ["secp521r1", p521],
  ["secp256k1", secp256k1],
]);

const mlDsa: ReadonlyMap<string, typeof ml_dsa44> = new Map([
  ["ml-dsa-44", ml_dsa44],
  ["ml-dsa-65", ml_dsa65],
  ["ml-dsa-87", ml_dsa87],
]);

/** As OpenSSL does it: the digest as it is, either half of the range for s, DER. */
const asOpenSsl = { prehash: false, lowS: false, format: "der" } as const;

const ecdsa: RawScheme = {
  /** The nonce is RFC 6979's with fresh randomness (its section 3.6). */
  sign(privateKey, digest) {
    using scalar = rawPrivate(privateKey);
    return new Uint8Array(curveOf(privateKey).sign(digest, scalar.bytes, { ...asOpenSsl, extraEntropy: true }));
  },
  verify(publicKey, digest, signature) {
    const point = publicKey.export({ format: "raw-public", type: "uncompressed" });
    return orFalse(() => curveOf(publicKey).verify(signature, digest, point, asOpenSsl));
  },
};

const prehashed: RawScheme = {
  sign(privateKey, message) {
    using seed = rawPrivate(privateKey);
    return new Uint8Array(ed25519ph.sign(message, seed.bytes));
  },
  verify(publicKey, message, signature) {
    // As OpenSSL and RFC 8032 (5.1.7): canonical points, and the equation without the cofactor.
    const point = publicKey.export({ format: "raw-public" });
    return orFalse(() => ed25519ph.verify(signature, message, point, { zip215: false }));
  },
};

const externalMu: RawScheme = {
  sign(privateKey, mu) {
    const scheme = mlDsaOf(privateKey);
    using seed = new Secret(privateKey.export({ format: "raw-seed" }));
    const { secretKey } = scheme.keygen(seed.bytes);
    using expanded = new Secret(secretKey);
    return new Uint8Array(scheme.internal.sign(mu, expanded.bytes, { externalMu: true }));
  },
  verify(publicKey, mu, signature) {
    const key = publicKey.export({ format: "raw-public" });
    return orFalse(() => mlDsaOf(publicKey).internal.verify(signature, mu, key, { externalMu: true }));
  },
};

/** Primitives of `@noble/*`; there is no SM2 among them. */
export const noblePrimitives: Primitives = { ecdsa, ed25519ph: prehashed, externalMu };

/** A signature of another length, or one that is no DER of two integers in range, makes these functions throw. */
function orFalse(verify: () => boolean): boolean {
  try {
    return verify();
  } catch {
    return false;
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

function mlDsaOf({ asymmetricKeyType }: KeyObject): typeof ml_dsa44 {
  const scheme = mlDsa.get(asymmetricKeyType ?? "");
  if (scheme === undefined) throw new Error("Not an ML-DSA key");
  return scheme;
}
