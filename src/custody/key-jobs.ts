/** What is done with key pairs, and which of it is so dear that it would hold up an event loop. */

import { diffieHellman, type KeyObject } from "node:crypto";
import type { SigningInput } from "./custody.ts";
import { newPair, type PairBytes } from "./key-pairs.ts";
import type { Primitives } from "./primitives.ts";
import { decryptOaep, type OaepHash } from "./rsa.ts";
import { Secret } from "./secret.ts";
import { requireSm2, sign, verify } from "./signatures.ts";

/** The jobs: synchronous, and made of values that pass between threads. */
export interface KeyJobs {
  sign(privateKey: KeyObject, input: SigningInput): Uint8Array;
  verify(publicKey: KeyObject, input: SigningInput, signature: Uint8Array): boolean;
  /** The plaintext, the caller's to wipe, or undefined. */
  openOaep(privateKey: KeyObject, hash: OaepHash, ciphertext: Uint8Array): Uint8Array | undefined;
  encryptSm2(publicKey: KeyObject, plaintext: Uint8Array): Uint8Array;
  /** As `openOaep`. */
  openSm2(privateKey: KeyObject, ciphertext: Uint8Array): Uint8Array | undefined;
  /** The ECDH secret, the caller's to wipe; both keys are of the spec. */
  agree(spec: string, privateKey: KeyObject, publicKey: KeyObject): Uint8Array;
  newPair(spec: string): PairBytes;
}

/** The jobs, done with these primitives. */
export function keyJobs(primitives: Primitives): KeyJobs {
  return {
    sign: (privateKey, input) => sign(privateKey, input, primitives),
    verify: (publicKey, input, signature) => verify(publicKey, { input, signature }, primitives),
    openOaep: (privateKey, hash, ciphertext) => decryptOaep({ privateKey }, hash, ciphertext),
    encryptSm2: (publicKey, plaintext) => requireSm2(primitives).encrypt(publicKey, plaintext),
    openSm2: (privateKey, ciphertext) => requireSm2(primitives).decrypt(privateKey, ciphertext),
    agree(spec, privateKey, publicKey) {
      if (spec === "SM2") return requireSm2(primitives).agree(privateKey, publicKey);
      using secret = new Secret(diffieHellman({ privateKey, publicKey }));
      return new Uint8Array(secret.bytes);
    },
    newPair,
  };
}

const RSA = ["RSA_2048", "RSA_3072", "RSA_4096"];
const SLOW_CURVES = ["ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"];
const ML_DSA = ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"];

/**
 * The specs of which a job takes a quarter of a millisecond or more, as measured on Node 26.10: signing 0.05 ms with P-256 and
 * Ed25519, 0.3 with SM2 and RSA_2048, 0.4 to 1.6 with the other curves, 0.5 to 0.9 with ML-DSA, 1.6 with RSA_4096; verifying
 * up to 0.1 ms with RSA and 0.25 with ML-DSA and SM2. To pass a job to a thread and back costs some 0.05 ms.
 */
const dearSpecs: Readonly<Record<keyof KeyJobs, ReadonlySet<string>>> = {
  sign: new Set([...RSA, ...SLOW_CURVES, ...ML_DSA, "SM2"]),
  verify: new Set(SLOW_CURVES),
  openOaep: new Set(RSA),
  encryptSm2: new Set(["SM2"]),
  openSm2: new Set(["SM2"]),
  agree: new Set([...SLOW_CURVES, "SM2"]),
  newPair: new Set([...RSA, ...SLOW_CURVES, ...ML_DSA, "SM2"]),
};

/** Whether a job with a key of that spec belongs in a thread of its own. */
export function isDear(job: keyof KeyJobs, spec: string): boolean {
  return dearSpecs[job].has(spec);
}
