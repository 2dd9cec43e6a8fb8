/** What `node:crypto` has no function for: where it comes from, OpenSSL itself or else JavaScript, and what it is checked by. */

import type { KeyObject } from "node:crypto";
import { passesKnownAnswers } from "./known-answers.ts";
import { Libcrypto } from "./libcrypto.ts";
import { openSslPrimitives } from "./openssl-primitives.ts";

/** A signature scheme over bytes that are signed as they are. */
export interface RawScheme {
  sign(privateKey: KeyObject, message: Uint8Array): Uint8Array;
  /** Whether a signature is the message's; whatever can't be parsed is none. */
  verify(publicKey: KeyObject, message: Uint8Array, signature: Uint8Array): boolean;
}

/** What SM2 keys can do; signatures are of digests (sm2.ts). */
export interface Sm2 extends RawScheme {
  /** SM2PKE: DER `SEQUENCE { x, y, SM3 hash, ciphertext }` (GM/T 0009-2012, 7.2). */
  encrypt(publicKey: KeyObject, plaintext: Uint8Array): Uint8Array;
  /** @returns the plaintext, the caller's to wipe; undefined when it does not open, whatever the reason */
  decrypt(privateKey: KeyObject, ciphertext: Uint8Array): Uint8Array | undefined;
  /** The x coordinate of the common point: 32 bytes, the caller's to wipe. */
  agree(privateKey: KeyObject, publicKey: KeyObject): Uint8Array;
}

/** The primitives beyond `node:crypto`. */
export interface Primitives {
  /** Of a digest; signatures in DER. */
  readonly ecdsa: RawScheme;
  /** With an empty context; the message is hashed with SHA-512 first (RFC 8032, 5.1). */
  readonly ed25519ph: RawScheme;
  /** ML-DSA of a mu of 64 bytes that was made outside (FIPS 204, algorithm 7, line 6). */
  readonly externalMu: RawScheme;
  /** Absent where OpenSSL can't be reached: nothing else here knows SM2. */
  readonly sm2?: Sm2;
}

/** Primitives, and what the operator should know of them. */
export interface ChosenPrimitives {
  readonly primitives: Primitives;
  readonly warning?: string;
}

let chosen: Promise<ChosenPrimitives> | undefined;

/** OpenSSL's primitives where they can be reached and give the known answers, else those of JavaScript; once for each thread. */
export function choosePrimitives(): Promise<ChosenPrimitives> {
  chosen ??= choose(Libcrypto.find());
  return chosen;
}

/** As `choosePrimitives`, of the libcrypto given. */
export async function choose(libcrypto: Libcrypto | undefined): Promise<ChosenPrimitives> {
  const primitives = libcrypto === undefined ? undefined : openSslPrimitives(libcrypto);
  if (primitives !== undefined && passesKnownAnswers(primitives)) return { primitives };
  const { noblePrimitives } = await import("./noble-primitives.ts");
  const why =
    primitives === undefined ? "can't be reached through node:ffi" : "does not give the known answers through node:ffi";
  return {
    primitives: noblePrimitives,
    warning: `OpenSSL ${why}: ECDSA of digests, Ed25519ph and ML-DSA's external mu are computed in JavaScript, and there are no SM2 keys.`,
  };
}
