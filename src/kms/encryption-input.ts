/** What the inputs of encrypting operations must satisfy beyond the model. */

import { contextBytes } from "../base/encryption-context.ts";
import { InvalidKeyUsageException, UnsupportedOperationException, ValidationException } from "../base/errors.ts";
import { findAlgorithms } from "./key-specs.ts";
import type { Key } from "./resources.ts";

/** The additional authenticated data that an external key store's proxy must take (spec 06, XKS), and so the limit of all. */
const CONTEXT_BYTES_MAX = 8_192;

/** @throws ValidationException the encryption context is larger, encoded, than 8,192 bytes */
export function requireContext(context: Readonly<Record<string, string>> | undefined): void {
  if (context === undefined) return;
  if (contextBytes(context) > CONTEXT_BYTES_MAX) {
    throw new ValidationException(`The encryption context is longer than ${CONTEXT_BYTES_MAX} bytes.`);
  }
}

/** @throws InvalidKeyUsageException the key has no such encryption algorithm (text as recorded for MAC algorithms, spec 09) */
export function requireAlgorithm(algorithm: string | undefined, { row }: Key): void {
  const algorithms = findAlgorithms(row.spec, row.usage)?.EncryptionAlgorithms ?? [];
  if (algorithm === undefined || (algorithms as readonly string[]).includes(algorithm)) return;
  throw new InvalidKeyUsageException(`Algorithm ${algorithm} is incompatible with key spec ${row.spec}.`);
}

/** @throws UnsupportedOperationException a Nitro attestation document was given, which can't be verified here yet */
export function requireNoRecipient({ Recipient }: { readonly Recipient?: unknown }): void {
  if (Recipient === undefined) return;
  throw new UnsupportedOperationException("Keystead does not support the Recipient parameter yet.");
}

/** Whether a dry run looks at permissions alone (API reference, DryRunModifiers). */
export function ignoresCiphertext({ DryRunModifiers }: { readonly DryRunModifiers?: readonly string[] }): boolean {
  return DryRunModifiers?.includes("IGNORE_CIPHERTEXT") === true;
}
