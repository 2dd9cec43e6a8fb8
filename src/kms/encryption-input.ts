/** What the inputs of encrypting operations must satisfy beyond the model. */

import { contextBytes } from "../base/encryption-context.ts";
import { InvalidKeyUsageException, ValidationException } from "../base/errors.ts";
import { findAlgorithmNames, findPlaintextBytesMax } from "./key-specs.ts";
import type { Key } from "./resources.ts";

/** The additional authenticated data that an external key store's proxy must take (spec 06, XKS), and so the limit of all. */
const CONTEXT_BYTES_MAX = 8_192;

/**
 * That names and values can't be empty is told as users report it of session-manager-plugin without a target, whose
 * `aws:ssm:TargetId` was empty (danmx/sigil, issue 46; claranet/sshm, issue 2).
 *
 * @throws ValidationException a name or value is empty, or the encryption context is larger, encoded, than 8,192 bytes
 */
export function requireContext(context: Readonly<Record<string, string>> | undefined): void {
  if (context === undefined) return;
  for (const name in context) {
    if (name === "" || context[name] === "") throw new ValidationException("Invalid EncryptionContext");
  }
  if (contextBytes(context) > CONTEXT_BYTES_MAX) {
    throw new ValidationException(`The encryption context is longer than ${CONTEXT_BYTES_MAX} bytes.`);
  }
}

/**
 * Requires one of the key's algorithms, of whichever usage it has; where an operation lets it be left out it is
 * SYMMETRIC_DEFAULT. The text is recorded for MAC algorithms (spec 09).
 *
 * @throws InvalidKeyUsageException the key has no such algorithm
 */
export function requireAlgorithm(algorithm: string | undefined = "SYMMETRIC_DEFAULT", { row }: Key): void {
  if (findAlgorithmNames(row.spec, row.usage).includes(algorithm)) return;
  throw new InvalidKeyUsageException(`Algorithm ${algorithm} is incompatible with key spec ${row.spec}.`);
}

/**
 * Requires what the algorithms of asymmetric keys can take beside the plaintext: no context.
 *
 * @throws ValidationException there are pairs in the context, and the algorithm authenticates none
 */
export function requireContextFits(
  context: Readonly<Record<string, string>> | undefined,
  algorithm: string | undefined,
): void {
  if (!isBare(algorithm) || context === undefined || Object.keys(context).length === 0) return;
  throw new ValidationException(`Algorithm ${algorithm} does not support an encryption context.`);
}

/** @throws ValidationException the plaintext is longer than that asymmetric key and algorithm take */
export function requireOneBlock(lengthBytes: number, { row }: Key, algorithm: string | undefined): void {
  const lengthBytesMax = findPlaintextBytesMax(row.spec, algorithm ?? "SYMMETRIC_DEFAULT");
  if (lengthBytesMax === undefined || lengthBytes <= lengthBytesMax) return;
  throw new ValidationException(
    `Algorithm ${algorithm} and key spec ${row.spec} cannot encrypt data larger than ${lengthBytesMax} bytes.`,
  );
}

/** Whether ciphertexts of the algorithm are bare, as those of asymmetric keys are: they name no key. */
export function isBare(algorithm: string | undefined): boolean {
  return algorithm !== undefined && algorithm !== "SYMMETRIC_DEFAULT";
}

/** Whether a dry run looks at permissions alone (API reference, DryRunModifiers). */
export function ignoresCiphertext({ DryRunModifiers }: { readonly DryRunModifiers?: readonly string[] }): boolean {
  return DryRunModifiers?.includes("IGNORE_CIPHERTEXT") === true;
}
