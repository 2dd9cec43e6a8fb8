/** ML-KEM (FIPS 203): a shared secret made under a public key, and found again with the private one. */

import { decapsulate as decapsulateWith, encapsulate as encapsulateWith } from "node:crypto";
import type { Pair } from "./key-pairs.ts";
import { Secret } from "./secret.ts";

/** Bytes of every ML-KEM shared secret (FIPS 203, table 3). */
const SECRET_BYTES = 32;

/** Bytes of a ciphertext by the spec of its key (FIPS 203, table 3). */
const ciphertextBytesOfSpec: ReadonlyMap<string, number> = new Map([
  ["ML_KEM_512", 768],
  ["ML_KEM_768", 1088],
  ["ML_KEM_1024", 1568],
]);

/**
 * A new shared secret and its ciphertext (FIPS 203, algorithm 20). It takes tens of microseconds, less than a turn on the
 * thread pool costs.
 *
 * @returns the secret in memory of its own, which the caller wipes
 */
export function encapsulate({ publicKey }: Pair): { secret: Uint8Array; ciphertext: Uint8Array } {
  const { sharedKey, ciphertext } = encapsulateWith(publicKey);
  using shared = new Secret(sharedKey);
  return { secret: ownCopy(shared), ciphertext: new Uint8Array(ciphertext) };
}

/**
 * The shared secret of a ciphertext (FIPS 203, algorithm 21). A ciphertext of the right length that was altered, or is of
 * another key, gives a secret that nobody else has: implicit rejection, by which no caller learns that it was altered.
 *
 * @param spec of the pair
 * @returns the secret in memory of its own, which the caller wipes; undefined when the ciphertext has another length
 */
export function decapsulate(spec: string, { privateKey }: Pair, ciphertext: Uint8Array): Uint8Array | undefined {
  if (ciphertext.length !== ciphertextBytesOfSpec.get(spec)) return undefined;
  using shared = new Secret(decapsulateWith(privateKey, ciphertext));
  return ownCopy(shared);
}

function ownCopy({ bytes }: Secret): Uint8Array {
  if (bytes.length !== SECRET_BYTES) throw new Error(`An ML-KEM secret has ${SECRET_BYTES} bytes`);
  return new Uint8Array(bytes);
}
