/** Key pairs of every asymmetric key spec: made, and read back from their PKCS#8 form. */

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { newCurvePair, type PairBytes } from "./curve-pairs.ts";
import { isSm2Spki } from "./sm2.ts";

/**
 * What a spec's key pairs are, in the words of `node:crypto`; curves by their OpenSSL names, with the length of a
 * SubjectPublicKeyInfo that names the curve and has the point uncompressed: other forms have other lengths.
 */
type PairKind =
  | { readonly type: "rsa"; readonly modulusLength: number }
  | { readonly type: "ec"; readonly namedCurve: string; readonly spkiBytes: number }
  | { readonly type: "sm2" }
  | { readonly type: "ed25519" }
  | { readonly type: "ml-dsa-44" | "ml-dsa-65" | "ml-dsa-87" }
  | { readonly type: "ml-kem-512" | "ml-kem-768" | "ml-kem-1024" };

const kindOfSpec: ReadonlyMap<string, PairKind> = new Map<string, PairKind>([
  ["RSA_2048", { type: "rsa", modulusLength: 2048 }],
  ["RSA_3072", { type: "rsa", modulusLength: 3072 }],
  ["RSA_4096", { type: "rsa", modulusLength: 4096 }],
  ["ECC_NIST_P256", { type: "ec", namedCurve: "prime256v1", spkiBytes: 91 }],
  ["ECC_NIST_P384", { type: "ec", namedCurve: "secp384r1", spkiBytes: 120 }],
  ["ECC_NIST_P521", { type: "ec", namedCurve: "secp521r1", spkiBytes: 158 }],
  ["ECC_SECG_P256K1", { type: "ec", namedCurve: "secp256k1", spkiBytes: 88 }],
  ["ECC_NIST_EDWARDS25519", { type: "ed25519" }],
  ["SM2", { type: "sm2" }],
  ["ML_DSA_44", { type: "ml-dsa-44" }],
  ["ML_DSA_65", { type: "ml-dsa-65" }],
  ["ML_DSA_87", { type: "ml-dsa-87" }],
  ["ML_KEM_512", { type: "ml-kem-512" }],
  ["ML_KEM_768", { type: "ml-kem-768" }],
  ["ML_KEM_1024", { type: "ml-kem-1024" }],
]);

/** Bytes that are no material of a spec. The message names the spec and nothing of the bytes. */
export class WrongMaterialError extends Error {
  override readonly name = "WrongMaterialError";
}

/** A key pair in use. Both keys live outside the JavaScript heap. */
export interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** DER SubjectPublicKeyInfo (RFC 5280) of the public key. */
  readonly spki: Uint8Array;
}

/** Whether keys of the spec are key pairs that can be made here. */
export function isPairSpec(spec: string): boolean {
  return kindOfSpec.has(spec);
}

/** A new key pair; an RSA_4096 one takes up to seconds. */
export function newPair(spec: string): PairBytes {
  const kind = requireKind(spec);
  if (kind.type === "ec") return newCurvePair(kind.namedCurve);
  if (kind.type === "ed25519") return newCurvePair(kind.type);
  const { privateKey, publicKey } = generate(kind);
  const pair = { privateKey: new Uint8Array(privateKey), publicKey: new Uint8Array(publicKey) };
  privateKey.fill(0);
  return pair;
}

const encodings = {
  publicKeyEncoding: { type: "spki", format: "der" },
  privateKeyEncoding: { type: "pkcs8", format: "der" },
} as const;

function generate(kind: Exclude<PairKind, { type: "ec" | "ed25519" }>): { privateKey: Buffer; publicKey: Buffer } {
  switch (kind.type) {
    case "rsa":
      return generateKeyPairSync(kind.type, {
        modulusLength: kind.modulusLength,
        publicExponent: 65_537,
        ...encodings,
      });
    case "sm2":
      return generateKeyPairSync("ec", { namedCurve: "SM2", ...encodings });
    case "ml-kem-512":
    case "ml-kem-768":
    case "ml-kem-1024":
      return generateKeyPairSync(kind.type, encodings); // PKCS#8 in seed form, as AWS has it: one length for all three
    default:
      return generateKeyPairSync(kind.type, encodings);
  }
}

/**
 * Reads a private key of the spec; the public one is derived from it, so nobody can pair it with another.
 *
 * @param pkcs8 DER PKCS#8, borrowed
 * @throws WrongMaterialError the bytes are no private key of that spec
 */
export function readPair(spec: string, pkcs8: Uint8Array): Pair {
  const privateKey = privateKeyOf(pkcs8);
  if (privateKey === undefined || !isOfKind(privateKey, requireKind(spec))) {
    throw new WrongMaterialError(`The material is no private key of spec ${spec}`);
  }
  const publicKey = plainPublicKey(createPublicKey(privateKey), requireKind(spec));
  if (publicKey === undefined)
    throw new WrongMaterialError(`The private key of spec ${spec} does not name its curve, or has no point on it`);
  return { privateKey, publicKey, spki: spkiOf(publicKey) };
}

/**
 * A public key in the one form that is handed out: imported private keys may come with a compressed or hybrid point, which
 * OpenSSL keeps as it was.
 *
 * @returns undefined when its curve is spelled out and not named, or the point is the one at infinity, which has no coordinates
 */
function plainPublicKey(publicKey: KeyObject, kind: PairKind): KeyObject | undefined {
  if (kind.type !== "ec") return publicKey;
  const length = findSpki(publicKey)?.length ?? 0;
  // Not left to the export, whose failure node:crypto would report of whatever key it reads next.
  if (length > kind.spkiBytes || length < kind.spkiBytes / 2) return undefined;
  const plain = createPublicKey({ key: publicKey.export({ format: "jwk" }), format: "jwk" });
  return isPlainSpki(spkiOf(plain), kind) ? plain : undefined;
}

/**
 * Reads a public key of the spec.
 *
 * @param spki DER SubjectPublicKeyInfo with a named curve and an uncompressed point, the one form that the API hands out
 * @returns undefined when the bytes are anything else: another spec, a point off the curve, explicit parameters, a byte more
 */
export function findPublicKey(spec: string, spki: Uint8Array): KeyObject | undefined {
  const publicKey = publicKeyOf(spki);
  if (publicKey === undefined || !isOfKind(publicKey, requireKind(spec))) return undefined;
  return isPlainSpki(spki, requireKind(spec)) && Buffer.compare(spkiOf(publicKey), spki) === 0 ? publicKey : undefined;
}

/** Whether a curve is named and not spelled out: OpenSSL reads both, and keeps the form that it read. */
function isPlainSpki(spki: Uint8Array, kind: PairKind): boolean {
  return kind.type !== "ec" || spki.length === kind.spkiBytes;
}

function spkiOf(publicKey: KeyObject): Uint8Array {
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}

/** Undefined for a point at infinity that was given in a form of points. */
function findSpki(publicKey: KeyObject): Uint8Array | undefined {
  try {
    return spkiOf(publicKey);
  } catch {
    return undefined; // OpenSSL has no encoding for it
  }
}

function publicOf(key: KeyObject): KeyObject {
  return key.type === "private" ? createPublicKey(key) : key;
}

function privateKeyOf(pkcs8: Uint8Array): KeyObject | undefined {
  try {
    return createPrivateKey({ key: viewOf(pkcs8), format: "der", type: "pkcs8" });
  } catch {
    return undefined; // what OpenSSL says of bytes that are no key is not worth keeping, and could quote them
  }
}

function publicKeyOf(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: viewOf(spki), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function isOfKind(key: KeyObject, kind: PairKind): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (kind.type === "sm2") return asymmetricKeyType === undefined && isSm2Spki(spkiOf(publicOf(key)));
  if (asymmetricKeyType !== kind.type) return false;
  if (kind.type === "rsa") return asymmetricKeyDetails?.modulusLength === kind.modulusLength;
  if (kind.type === "ec") return asymmetricKeyDetails?.namedCurve === kind.namedCurve;
  return true;
}

function requireKind(spec: string): PairKind {
  const kind = kindOfSpec.get(spec);
  if (kind === undefined) throw new Error(`The software custodian has no material of spec ${spec}`);
  return kind;
}
