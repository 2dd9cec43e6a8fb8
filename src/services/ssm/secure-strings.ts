/** SecureString values: encrypted by KMS in the name of whoever writes them, and decrypted for whoever reads them. */

import { Secret } from "../../custody/secret.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { SsmParameterRow } from "../../storage/service-schema.ts";
import { type Means, openEnvelope, present, type Sealing, sealEnvelope } from "../envelopes.ts";
import { errorOfKms } from "./errors.ts";
import { parameterArn } from "./names.ts";

/** The alias of the AWS managed key is what names a key where the request does not. */
const SERVICE = "ssm";

/** The encryption context of a parameter's value (KMS guide, Parameter Store: encryption context). */
function contextOf(call: Call, name: string): Record<string, string> {
  return { PARAMETER_ARN: parameterArn(call, name) };
}

interface Writing {
  readonly name: string;
  readonly value: string;
  readonly keyId: string | undefined;
  readonly tier: SsmParameterRow["tier"];
}

/**
 * Encrypts the value of a parameter: of a standard one by KMS itself, of an advanced one under a data key from KMS, as a message of the
 * AWS Encryption SDK (KMS guide, Parameter Store).
 *
 * @returns the ciphertext in base64, and what names the key
 * @throws InvalidKeyId, AccessDeniedException as KMS refuses
 */
export async function encryptValue(
  { name, value, keyId, tier }: Writing,
  means: Means,
): Promise<{ readonly value: string; readonly keyId: string }> {
  const { call, kms } = means;
  const key = await kms.keyName(call, SERVICE, keyId);
  const plaintext = new TextEncoder().encode(value);
  const context = contextOf(call, name);
  try {
    const seal = tier === "Advanced" ? sealEnvelope : sealByKms;
    return { value: (await seal({ key, plaintext, context }, means)).toBase64(), keyId: key };
  } catch (cause) {
    throw errorOfKms(cause);
  } finally {
    plaintext.fill(0);
  }
}

async function sealByKms({ key, plaintext, context }: Sealing, { call, kms }: Means): Promise<Uint8Array> {
  const input = { KeyId: key, Plaintext: plaintext, EncryptionContext: { ...context } };
  return present((await kms.perform(call, "Encrypt", input)).CiphertextBlob);
}

/**
 * The value of a parameter as it is answered: that of a SecureString in clear only `withDecryption`.
 *
 * @throws InvalidKeyId, AccessDeniedException as KMS refuses
 */
export async function shownValue(row: SsmParameterRow, withDecryption: boolean, means: Means): Promise<string> {
  if (row.type !== "SecureString" || !withDecryption) return row.value;
  const sealed = Uint8Array.fromBase64(row.value);
  const context = contextOf(means.call, row.name);
  try {
    const open = row.tier === "Advanced" ? openEnvelope : openByKms;
    using plaintext = new Secret(await open(sealed, context, means));
    return new TextDecoder().decode(plaintext.bytes);
  } catch (cause) {
    throw errorOfKms(cause);
  }
}

async function openByKms(
  sealed: Uint8Array,
  context: Readonly<Record<string, string>>,
  { call, kms }: Means,
): Promise<Uint8Array> {
  const input = { CiphertextBlob: sealed, EncryptionContext: { ...context } };
  return present((await kms.perform(call, "Decrypt", input)).Plaintext);
}
