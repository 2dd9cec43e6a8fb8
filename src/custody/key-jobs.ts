/** What is done with key pairs, and which of it is so dear that it would hold up an event loop. */

import { diffieHellman, type KeyObject } from "node:crypto";
import type { PairBytes } from "./curve-pairs.ts";
import type { SigningInput } from "./custody.ts";
import { newPair } from "./key-pairs.ts";
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

/**
 * How long a job takes, in milliseconds, where it is a quarter of one or more, as measured on Node 26.10. What is not named is done in
 * place: signing takes 0.05 ms with P-256 and Ed25519, verifying up to 0.1 with RSA and 0.25 with ML-DSA and SM2. To pass a lone
 * job to a thread and back costs some 0.05 ms.
 */
const dearJobs: Readonly<Record<keyof KeyJobs, Readonly<Record<string, number>>>> = {
  sign: {
    RSA_2048: 0.3,
    RSA_3072: 0.8,
    RSA_4096: 1.6,
    ECC_NIST_P384: 0.4,
    ECC_NIST_P521: 0.6,
    ECC_SECG_P256K1: 0.4,
    ML_DSA_44: 0.5,
    ML_DSA_65: 0.9,
    ML_DSA_87: 0.9,
    SM2: 0.3,
  },
  verify: { ECC_NIST_P384: 0.4, ECC_NIST_P521: 0.6, ECC_SECG_P256K1: 0.4 },
  openOaep: { RSA_2048: 0.3, RSA_3072: 0.8, RSA_4096: 1.6 },
  encryptSm2: { SM2: 0.6 },
  openSm2: { SM2: 0.3 },
  agree: { ECC_NIST_P384: 0.4, ECC_NIST_P521: 0.6, ECC_SECG_P256K1: 0.4, SM2: 0.6 },
  newPair: {
    RSA_2048: 50,
    RSA_3072: 200,
    RSA_4096: 600,
    ECC_NIST_P384: 0.4,
    ECC_NIST_P521: 0.6,
    ECC_SECG_P256K1: 0.4,
    ML_DSA_44: 0.3,
    ML_DSA_65: 0.4,
    ML_DSA_87: 0.6,
    SM2: 0.3,
  },
};

/** About how many milliseconds a job with a key of that spec takes in a thread of its own, or undefined where it belongs in none. */
export function findDearMs(job: keyof KeyJobs, spec: string): number | undefined {
  return dearJobs[job][spec];
}
