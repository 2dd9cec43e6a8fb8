/** Sign and Verify: every signing algorithm of the API over a message or, where it can, over its digest or its mu. */

import { constants, type KeyObject, sign as signWith, verify as verifyWith } from "node:crypto";
import type { SigningInput } from "./custody.ts";
import type { Primitives, RawScheme, Sm2 } from "./primitives.ts";
import { type RsaHash, signPkcs1Digest, signPssDigest, verifyPkcs1Digest, verifyPssDigest } from "./rsa.ts";
import { isSm2Spki, sm2Digest } from "./sm2.ts";

type MessageType = SigningInput["messageType"];

/** What an algorithm of the API is. `pure` schemes hash by themselves. */
type Scheme =
  | { readonly kind: "pkcs1" | "pss"; readonly hash: RsaHash }
  | { readonly kind: "ecdsa"; readonly hash: string }
  | { readonly kind: "pure" | "mlDsa" | "ed25519ph" | "sm2" };

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
  ["ED25519_SHA_512", { kind: "pure" }],
  ["ED25519_PH_SHA_512", { kind: "ed25519ph" }],
  ["ML_DSA_SHAKE_256", { kind: "mlDsa" }],
  ["SM2DSA", { kind: "sm2" }],
]);

const messageTypes: Readonly<Record<Scheme["kind"], readonly MessageType[]>> = {
  pkcs1: ["RAW", "DIGEST"],
  pss: ["RAW", "DIGEST"],
  ecdsa: ["RAW", "DIGEST"],
  pure: ["RAW"],
  mlDsa: ["RAW", "EXTERNAL_MU"],
  ed25519ph: ["DIGEST"],
  sm2: ["RAW", "DIGEST"],
};

/**
 * The input as `sign` and `verify` take it: of an SM2 key, whose message is hashed with its public key, the digest.
 *
 * @param spki DER SubjectPublicKeyInfo of the key
 * @throws Error an algorithm, or a message type of it, that is not known here; callers check before
 */
export function preparedInput(spki: Uint8Array, input: SigningInput): SigningInput {
  const { kind } = requireScheme(input);
  if ((kind === "sm2") !== isSm2Spki(spki)) throw new Error(`The key has no ${input.algorithm}`);
  if (kind !== "sm2" || input.messageType !== "RAW") return input;
  return { ...input, messageType: "DIGEST", message: sm2Digest(spki, input.message) };
}

/**
 * Signs what `preparedInput` returned.
 *
 * @throws Error as `preparedInput`
 */
export function sign(privateKey: KeyObject, input: SigningInput, primitives: Primitives): Uint8Array {
  const scheme = requireScheme(input);
  const { messageType, message } = input;
  const raw = findRawScheme(scheme, messageType, primitives);
  if (raw !== undefined) return raw.sign(privateKey, message);
  if (messageType === "DIGEST" && scheme.kind === "pkcs1") return signPkcs1Digest({ privateKey }, scheme.hash, message);
  if (messageType === "DIGEST" && scheme.kind === "pss") return signPssDigest({ privateKey }, scheme.hash, message);
  const { hash, key } = callOf(scheme, privateKey);
  return new Uint8Array(signWith(hash, message, key));
}

/**
 * Whether `signature` is one of what `preparedInput` returned. A signature that can't be parsed is just not one.
 *
 * @throws Error as `preparedInput`
 */
export function verify(
  publicKey: KeyObject,
  { input, signature }: { readonly input: SigningInput; readonly signature: Uint8Array },
  primitives: Primitives,
): boolean {
  const scheme = requireScheme(input);
  const { messageType, message } = input;
  const raw = findRawScheme(scheme, messageType, primitives);
  if (raw !== undefined) return raw.verify(publicKey, message, signature);
  if (messageType === "DIGEST" && (scheme.kind === "pkcs1" || scheme.kind === "pss")) {
    const digested = { hash: scheme.hash, digest: message, signature };
    return scheme.kind === "pkcs1"
      ? verifyPkcs1Digest({ publicKey }, digested)
      : verifyPssDigest({ publicKey }, digested);
  }
  const { hash, key } = callOf(scheme, publicKey);
  return verifyWith(hash, message, key, signature);
}

/** SM2 of these primitives. @throws Error there is none; callers check before */
export function requireSm2({ sm2 }: Primitives): Sm2 {
  if (sm2 === undefined) throw new Error("There is no SM2 without the OpenSSL inside Node");
  return sm2;
}

/** What signs the message as it is given, where `node:crypto` has no function for that. */
function findRawScheme({ kind }: Scheme, type: MessageType, primitives: Primitives): RawScheme | undefined {
  if (kind === "ed25519ph") return primitives.ed25519ph;
  if (kind === "sm2") return requireSm2(primitives);
  if (kind === "ecdsa" && type === "DIGEST") return primitives.ecdsa;
  return type === "EXTERNAL_MU" ? primitives.externalMu : undefined;
}

/** The parameters of `crypto.sign` and `crypto.verify`; salts are as long as the digest. */
function callOf(scheme: Scheme, key: KeyObject) {
  switch (scheme.kind) {
    case "pkcs1":
      return { hash: scheme.hash, key: { key, padding: constants.RSA_PKCS1_PADDING } };
    case "pss":
      return {
        hash: scheme.hash,
        key: { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
      };
    case "ecdsa":
      return { hash: scheme.hash, key: { key, dsaEncoding: "der" as const } };
    default:
      return { hash: null, key: { key } };
  }
}

function requireScheme({ algorithm, messageType }: SigningInput): Scheme {
  const scheme = schemes.get(algorithm);
  if (scheme === undefined || !messageTypes[scheme.kind].includes(messageType)) {
    throw new Error(`The software custodian has no ${algorithm} over ${messageType}`);
  }
  return scheme;
}
