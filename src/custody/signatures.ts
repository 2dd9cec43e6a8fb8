/** Sign and Verify: every signing algorithm of the API over a message or, where it can, over its digest. */

import { constants, sign as signWith, verify as verifyWith } from "node:crypto";
import { promisify } from "node:util";
import type { SigningInput } from "./custody.ts";
import type { Pair } from "./key-pairs.ts";
import { signEcdsaDigest, signEd25519ph, verifyEcdsaDigest, verifyEd25519ph } from "./noble-signatures.ts";
import { type RsaHash, signPkcs1Digest, signPssDigest, verifyPkcs1Digest, verifyPssDigest } from "./rsa.ts";

/** What an algorithm of the API is. `pure` schemes hash by themselves. */
type Scheme =
  | { readonly kind: "pkcs1" | "pss"; readonly hash: RsaHash }
  | { readonly kind: "ecdsa"; readonly hash: string }
  | { readonly kind: "pure"; readonly pooled: boolean }
  | { readonly kind: "ed25519ph" };

const schemes: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ["RSASSA_PKCS1_V1_5_SHA_256", { kind: "pkcs1", hash: "sha256" }],
  ["RSASSA_PKCS1_V1_5_SHA_384", { kind: "pkcs1", hash: "sha384" }],
  ["RSASSA_PKCS1_V1_5_SHA_512", { kind: "pkcs1", hash: "sha512" }],
  ["RSASSA_PSS_SHA_256", { kind: "pss", hash: "sha256" }],
  ["RSASSA_PSS_SHA_384", { kind: "pss", hash: "sha384" }],
  ["RSASSA_PSS_SHA_512", { kind: "pss", hash: "sha512" }],
  ["ECDSA_SHA_256", { kind: "ecdsa", hash: "sha256" }],
  ["ECDSA_SHA_384", { kind: "ecdsa", hash: "sha384" }],
  ["ECDSA_SHA_512", { kind: "ecdsa", hash: "sha512" }],
  ["ED25519_SHA_512", { kind: "pure", pooled: false }],
  ["ED25519_PH_SHA_512", { kind: "ed25519ph" }],
  ["ML_DSA_SHAKE_256", { kind: "pure", pooled: true }],
]);

const signPooled = promisify(signWith);
const verifyPooled = promisify(verifyWith);

/**
 * Signs. RSA and ML-DSA over messages run on the thread pool; the rest is quick, or has no asynchronous form (RSA digests).
 *
 * @throws Error an algorithm, or a message type of it, that is not known here; callers check before
 */
export async function sign(pair: Pair, { algorithm, messageType, message }: SigningInput): Promise<Uint8Array> {
  const scheme = requireScheme(algorithm, messageType);
  if (scheme.kind === "ed25519ph") return signEd25519ph(pair, message);
  if (messageType === "DIGEST") {
    if (scheme.kind === "pkcs1") return signPkcs1Digest(pair, scheme.hash, message);
    if (scheme.kind === "pss") return signPssDigest(pair, scheme.hash, message);
    return signEcdsaDigest(pair, message);
  }
  const { hash, key, pooled } = callOf(scheme, pair.privateKey);
  return new Uint8Array(pooled ? await signPooled(hash, message, key) : signWith(hash, message, key));
}

/**
 * Whether `signature` is one of the input. A signature that can't be parsed is just not one.
 *
 * @throws Error as `sign`
 */
export async function verify(
  pair: Pair,
  { algorithm, messageType, message }: SigningInput,
  signature: Uint8Array,
): Promise<boolean> {
  const scheme = requireScheme(algorithm, messageType);
  if (scheme.kind === "ed25519ph") return verifyEd25519ph(pair, message, signature);
  if (messageType === "DIGEST") {
    if (scheme.kind === "ecdsa") return verifyEcdsaDigest(pair, message, signature);
    if (scheme.kind === "pure") return false;
    const input = { hash: scheme.hash, digest: message, signature };
    return scheme.kind === "pkcs1" ? verifyPkcs1Digest(pair, input) : verifyPssDigest(pair, input);
  }
  const { hash, key, pooled } = callOf(scheme, pair.publicKey);
  return pooled ? await verifyPooled(hash, message, key, signature) : verifyWith(hash, message, key, signature);
}

/** The parameters of `crypto.sign` and `crypto.verify`; salts are as long as the digest. */
function callOf(scheme: Exclude<Scheme, { kind: "ed25519ph" }>, key: Pair["publicKey"]) {
  switch (scheme.kind) {
    case "pkcs1":
      return { hash: scheme.hash, key: { key, padding: constants.RSA_PKCS1_PADDING }, pooled: true };
    case "pss":
      return {
        hash: scheme.hash,
        key: { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
        pooled: true,
      };
    case "ecdsa":
      return { hash: scheme.hash, key: { key, dsaEncoding: "der" as const }, pooled: false };
    case "pure":
      return { hash: null, key: { key }, pooled: scheme.pooled };
  }
}

function requireScheme(algorithm: string, messageType: SigningInput["messageType"]): Scheme {
  const scheme = schemes.get(algorithm);
  const takes = scheme?.kind === "pure" ? "RAW" : scheme?.kind === "ed25519ph" ? "DIGEST" : messageType;
  if (scheme === undefined || takes !== messageType) {
    throw new Error(`The software custodian has no ${algorithm} over ${messageType}`);
  }
  return scheme;
}
