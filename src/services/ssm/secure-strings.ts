/** SecureString values: encrypted by KMS in the name of whoever writes them, and decrypted for whoever reads them. */

import type { Call } from "../../pipeline/operation.ts";
import type { SsmParameterRow } from "../../storage/service-schema.ts";
import type { ForwardingKms } from "../forwarding.ts";
import { errorOfKms } from "./errors.ts";
import { parameterArn } from "./names.ts";

/** The alias of the AWS managed key is what names a key where the request does not. */
const SERVICE = "ssm";

/** The encryption context of a parameter's value (KMS guide, Parameter Store: encryption context). */
function contextOf(call: Call, name: string): Record<string, string> {
  return { PARAMETER_ARN: parameterArn(call, name) };
}

/**
 * Encrypts the value of a standard parameter.
 *
 * @returns the ciphertext in base64, and what names the key
 * @throws InvalidKeyId, AccessDeniedException as KMS refuses
 */
export async function encryptValue(
  { name, value, keyId }: { readonly name: string; readonly value: string; readonly keyId: string | undefined },
  { call, kms }: { readonly call: Call; readonly kms: ForwardingKms },
): Promise<{ readonly value: string; readonly keyId: string }> {
  const key = keyId ?? (await kms.managedKey(call, SERVICE));
  const plaintext = new TextEncoder().encode(value);
  try {
    const input = { KeyId: key, Plaintext: plaintext, EncryptionContext: contextOf(call, name) };
    const { CiphertextBlob = new Uint8Array() } = await kms.perform(call, "Encrypt", input);
    return { value: CiphertextBlob.toBase64(), keyId: key };
  } catch (cause) {
    throw errorOfKms(cause);
  } finally {
    plaintext.fill(0);
  }
}

/**
 * The value of a parameter as it is answered: that of a SecureString in clear only `withDecryption`.
 *
 * @throws InvalidKeyId, AccessDeniedException as KMS refuses
 */
export async function shownValue(
  { type, value, name }: SsmParameterRow,
  withDecryption: boolean,
  { call, kms }: { readonly call: Call; readonly kms: ForwardingKms },
): Promise<string> {
  if (type !== "SecureString" || !withDecryption) return value;
  try {
    const input = { CiphertextBlob: Uint8Array.fromBase64(value), EncryptionContext: contextOf(call, name) };
    const { Plaintext = new Uint8Array() } = await kms.perform(call, "Decrypt", input);
    const text = new TextDecoder().decode(Plaintext);
    Plaintext.fill(0);
    return text;
  } catch (cause) {
    throw errorOfKms(cause);
  }
}
