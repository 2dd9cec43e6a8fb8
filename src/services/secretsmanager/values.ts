/** Values of secrets: sealed under KMS keys in the name of whoever writes them, and opened for whoever reads them. */

import { timingSafeEqual } from "node:crypto";
import { asArn, formatArn } from "../../base/arn.ts";
import { ServiceError, ValidationException } from "../../base/errors.ts";
import { Secret } from "../../custody/secret.ts";
import type { Call } from "../../pipeline/operation.ts";
import type { SecretCiphertext, SecretVersionRow } from "../../storage/service-schema.ts";
import { type Means, openEnvelope, sealEnvelope } from "../envelopes.ts";
import { errorOfKms, InvalidParameterException, InvalidRequestException } from "./errors.ts";

/** The alias of the AWS managed key is what names a key where a secret names none. */
const SERVICE = "secretsmanager";
/** Bytes of a value (API reference, CreateSecret). */
const VALUE_BYTES_MAX = 65_536;
/** Keys under which a version is kept: the secret's, and the one before (Secrets Manager guide, Change the encryption key). */
const CIPHERTEXTS_MAX = 2;
/** In the encryption context of the calls that only try a key (KMS guide, Secrets Manager: validating access). */
const TRIAL = "RequestToValidateKeyAccess";

interface ValueInput {
  readonly SecretString?: string;
  readonly SecretBinary?: Uint8Array;
}

/** A value of a request; whoever asked for it wipes it. */
export interface Value {
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
}

/**
 * Whether a request brings a value, which then is one that may be.
 *
 * @throws InvalidParameterException a text and bytes
 * @throws ValidationException more than 65,536 bytes
 */
export function hasValue({ SecretString, SecretBinary }: ValueInput): boolean {
  if (SecretString !== undefined && SecretBinary !== undefined) {
    throw new InvalidParameterException(
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  const lengthBytes = SecretString === undefined ? SecretBinary?.length : Buffer.byteLength(SecretString);
  if (lengthBytes !== undefined && lengthBytes > VALUE_BYTES_MAX) {
    throw new ValidationException(`A secret value can have at most ${VALUE_BYTES_MAX} bytes.`);
  }
  return lengthBytes !== undefined;
}

/** The value that a request brings, or undefined. */
export function findValue({ SecretString, SecretBinary }: ValueInput): Value | undefined {
  if (SecretString !== undefined) return { bytes: new TextEncoder().encode(SecretString), isBinary: false };
  return SecretBinary && { bytes: SecretBinary, isBinary: true };
}

/** A version, and the key under which it is to be. */
interface Place {
  readonly arn: string;
  readonly versionId: string;
  /** As the secret has it; null: the AWS managed key. */
  readonly keyId: string | null;
}

/** The encryption context of a version (KMS guide, Secrets Manager: encryption context). */
function contextOf({ arn, versionId }: Omit<Place, "keyId">): Record<string, string> {
  return { SecretARN: arn, SecretVersionId: versionId };
}

/**
 * What names a key to KMS: for a caller of another account than the secret's its ARN, as names are of the caller's account.
 *
 * @throws InvalidRequestException the AWS managed key, for a caller of another account (recorded by public test suites)
 */
async function keyFor({ arn, keyId }: Omit<Place, "versionId">, { call, kms }: Means): Promise<string> {
  requireKeyOfAnybody({ arn, keyId }, call);
  const owner = asArn(arn);
  const isOwn = owner === undefined || owner.account === call.principal.account;
  if (keyId === null || isOwn) return await kms.keyName(call, SERVICE, keyId ?? undefined);
  if (asArn(keyId) !== undefined) return keyId;
  const resource = keyId.startsWith("alias/") ? keyId : `key/${keyId}`;
  return formatArn({ ...owner, service: "kms", resource });
}

/** @throws InvalidRequestException the AWS managed key, for a caller of another account */
function requireKeyOfAnybody({ arn, keyId }: Omit<Place, "versionId">, { principal }: Call): void {
  if (keyId !== null || asArn(arn)?.account === principal.account) return;
  throw new InvalidRequestException(
    "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.",
  );
}

/** @throws AccessDeniedException, EncryptionFailure as KMS refuses; InvalidRequestException as `keyFor` */
export async function sealValue(bytes: Uint8Array, place: Place, means: Means): Promise<SecretCiphertext> {
  const { keyId } = place;
  const key = await keyFor(place, means);
  try {
    const message = await sealEnvelope({ key, plaintext: bytes, context: contextOf(place) }, means);
    return { keyId, message: message.toBase64() };
  } catch (cause) {
    throw errorOfKms(cause, "encrypt");
  }
}

/**
 * Requires that the caller can use a key in both directions, by doing so.
 *
 * @throws AccessDeniedException, EncryptionFailure as KMS refuses
 */
export async function requireKeyAccess(keyId: string, arn: string, { call, kms }: Means): Promise<void> {
  const EncryptionContext = contextOf({ arn, versionId: TRIAL });
  try {
    const KeyId = await keyFor({ arn, keyId }, { call, kms });
    const input = { KeyId, KeySpec: "AES_256" as const, EncryptionContext };
    const { Plaintext, CiphertextBlob = new Uint8Array() } = await kms.perform(call, "GenerateDataKey", input);
    Plaintext?.fill(0);
    const opened = await kms.perform(call, "Decrypt", { CiphertextBlob, EncryptionContext });
    opened.Plaintext?.fill(0);
  } catch (cause) {
    throw errorOfKms(cause, "encrypt");
  }
}

function ciphertextsOf({ ciphertexts }: SecretVersionRow): readonly SecretCiphertext[] {
  return JSON.parse(ciphertexts) as SecretCiphertext[];
}

/** What names the keys under which a version is. */
export function keyIdsOf(version: SecretVersionRow): readonly string[] {
  return ciphertextsOf(version).map(({ keyId }) => keyId ?? "DefaultEncryptionKey");
}

/**
 * Opens a version under whichever of its keys will do, the newest first.
 *
 * @throws AccessDeniedException, DecryptionFailure, InvalidRequestException as the last of them is refused
 */
export async function openValue(version: SecretVersionRow, means: Means): Promise<Secret> {
  const { arn, version_id: versionId } = version;
  const context = contextOf({ arn, versionId });
  let refusal: unknown = new Error("A version has no value.");
  for (const { message, keyId } of ciphertextsOf(version)) {
    try {
      requireKeyOfAnybody({ arn, keyId }, means.call);
      return new Secret(await openEnvelope(Uint8Array.fromBase64(message), context, means));
    } catch (cause) {
      refusal = errorOfKms(cause, "decrypt");
      if (!(refusal instanceof ServiceError)) throw refusal;
    }
  }
  throw refusal;
}

/** Whether a version has this value, which takes the permission to read it. */
export async function isValue(version: SecretVersionRow, { bytes, isBinary }: Value, means: Means): Promise<boolean> {
  using opened = await openValue(version, means);
  const isSameKind = (version.is_binary === 1) === isBinary;
  return isSameKind && opened.bytes.length === bytes.length && timingSafeEqual(opened.bytes, bytes);
}

/**
 * A version's ciphertexts once it is under another key, too; undefined where the caller can't open it, which leaves it under the
 * keys that it has (Secrets Manager guide, Change the encryption key).
 *
 * @throws AccessDeniedException, EncryptionFailure as KMS refuses the new key
 */
export async function resealedValue(
  version: SecretVersionRow,
  keyId: string | null,
  means: Means,
): Promise<string | undefined> {
  let opened: Secret;
  try {
    opened = await openValue(version, means);
  } catch (cause) {
    if (cause instanceof ServiceError && cause.status < 500) return undefined;
    throw cause;
  }
  using value = opened;
  const place = { arn: version.arn, versionId: version.version_id, keyId };
  const newest = await sealValue(value.bytes, place, means);
  return JSON.stringify([newest, ...ciphertextsOf(version)].slice(0, CIPHERTEXTS_MAX));
}
