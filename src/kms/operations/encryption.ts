/** Encrypt, Decrypt and ReEncrypt: small plaintexts into ciphertext blobs, and back. */

import { InvalidCiphertextException, ValidationException } from "../../base/errors.ts";
import { encryptionConditions, sameKeyCondition } from "../conditions.ts";
import { ignoresCiphertext, requireAlgorithm, requireContext, requireNoRecipient } from "../encryption-input.ts";
import { usable } from "../key-states.ts";
import { use } from "../operation.ts";
import { type Key, keyOfCiphertext, keyWithMaterial } from "../resources.ts";

const conditions = encryptionConditions({
  key: "KeyId",
  context: "EncryptionContext",
  algorithm: "EncryptionAlgorithm",
});

/**
 * Encrypts up to 4,096 bytes under a symmetric key (API reference, Encrypt).
 *
 * Before `run`, the pipeline has resolved the key, authorized the call and checked state and usage.
 *
 * @throws ValidationException the encryption context is too large
 * @throws InvalidKeyUsageException the algorithm is not one of the key's
 */
export const encrypt = use("Encrypt", {
  targets: [
    {
      as: "key",
      action: "kms:Encrypt",
      resource: keyWithMaterial("KeyId"),
      states: usable,
      usage: "ENCRYPT_DECRYPT",
    },
  ],
  conditions,
  record: { readOnly: true, request: recordedInput, resources: ["key"], additional: materialIdOf },
  dryRun: true,
  validate: ({ EncryptionContext }) => requireContext(EncryptionContext),
  check: ({ EncryptionAlgorithm }, { key }) => requireAlgorithm(EncryptionAlgorithm, key),
  async run({ Plaintext, EncryptionContext = {}, EncryptionAlgorithm = "SYMMETRIC_DEFAULT" }, { key, custody }) {
    const CiphertextBlob = await custody.encrypt(key.material, Plaintext, EncryptionContext);
    return { CiphertextBlob, KeyId: key.arn, EncryptionAlgorithm };
  },
});

/**
 * Opens a ciphertext blob, whose key it names itself; a `KeyId` given must be of that key (API reference, Decrypt).
 *
 * @throws IncorrectKeyException the blob is of another key than `KeyId`
 * @throws InvalidCiphertextException the blob is not ours, was altered, or came with another context
 */
export const decrypt = use("Decrypt", {
  targets: [
    {
      as: "key",
      action: "kms:Decrypt",
      resource: keyOfCiphertext("CiphertextBlob", "KeyId"),
      states: usable,
      usage: "ENCRYPT_DECRYPT",
    },
  ],
  conditions,
  record: { readOnly: true, request: recordedInput, resources: ["key"], additional: materialIdOf },
  dryRun: true,
  validate(input) {
    requireContext(input.EncryptionContext);
    requireCiphertext(input, "KeyId");
    requireNoRecipient(input);
  },
  async check(input, { key, custody }) {
    requireAlgorithm(input.EncryptionAlgorithm, key);
    if (input.DryRun === true && input.CiphertextBlob !== undefined && !ignoresCiphertext(input)) {
      requireOpens(key);
      const plaintext = await custody.decrypt(key.material, input.CiphertextBlob, input.EncryptionContext ?? {});
      plaintext.fill(0);
    }
  },
  async run({ CiphertextBlob, EncryptionContext = {}, EncryptionAlgorithm = "SYMMETRIC_DEFAULT" }, { key, custody }) {
    if (CiphertextBlob === undefined) throw new InvalidCiphertextException();
    requireOpens(key);
    const Plaintext = await custody.decrypt(key.material, CiphertextBlob, EncryptionContext);
    return { KeyId: key.arn, Plaintext, EncryptionAlgorithm, KeyMaterialId: key.material.materialId };
  },
});

/** Moves a ciphertext from one key (or context) to another inside custody (API reference, ReEncrypt). */
export const reEncrypt = use("ReEncrypt", {
  targets: [
    {
      as: "source",
      action: "kms:ReEncryptFrom",
      resource: keyOfCiphertext("CiphertextBlob", "SourceKeyId"),
      states: usable,
      usage: "ENCRYPT_DECRYPT",
      conditions: {
        ...encryptionConditions({
          key: "SourceKeyId",
          context: "SourceEncryptionContext",
          algorithm: "SourceEncryptionAlgorithm",
        }),
        ...sameKeyCondition,
      },
    },
    {
      as: "destination",
      action: "kms:ReEncryptTo",
      resource: keyWithMaterial("DestinationKeyId"),
      states: usable,
      usage: "ENCRYPT_DECRYPT",
      conditions: {
        ...encryptionConditions({
          key: "DestinationKeyId",
          context: "DestinationEncryptionContext",
          algorithm: "DestinationEncryptionAlgorithm",
        }),
        ...sameKeyCondition,
      },
    },
  ],
  record: {
    readOnly: true,
    request: (input) => ({
      SourceKeyId: input.SourceKeyId,
      SourceEncryptionAlgorithm: input.SourceEncryptionAlgorithm ?? "SYMMETRIC_DEFAULT",
      SourceEncryptionContext: input.SourceEncryptionContext,
      DestinationKeyId: input.DestinationKeyId,
      DestinationEncryptionAlgorithm: input.DestinationEncryptionAlgorithm ?? "SYMMETRIC_DEFAULT",
      DestinationEncryptionContext: input.DestinationEncryptionContext,
      ...(input.DryRun && { DryRun: true }),
    }),
    resources: ["source", "destination"],
    additional: (_output, { source, destination }) => ({
      ...(source.hasMaterial && { SourceKeyMaterialId: source.material.materialId }),
      ...(destination.hasMaterial && { DestinationKeyMaterialId: destination.material.materialId }),
    }),
  },
  dryRun: true,
  validate(input) {
    requireContext(input.SourceEncryptionContext);
    requireContext(input.DestinationEncryptionContext);
    requireCiphertext(input, "SourceKeyId");
  },
  async check(input, { source, destination, custody }) {
    requireAlgorithm(input.SourceEncryptionAlgorithm, source);
    requireAlgorithm(input.DestinationEncryptionAlgorithm, destination);
    if (input.DryRun === true && input.CiphertextBlob !== undefined && !ignoresCiphertext(input)) {
      requireOpens(source);
      const plaintext = await custody.decrypt(
        source.material,
        input.CiphertextBlob,
        input.SourceEncryptionContext ?? {},
      );
      plaintext.fill(0);
    }
  },
  async run(input, { source, destination, custody }) {
    if (input.CiphertextBlob === undefined) throw new InvalidCiphertextException();
    requireOpens(source);
    const CiphertextBlob = await custody.reEncrypt(
      { material: source.material, blob: input.CiphertextBlob, context: input.SourceEncryptionContext ?? {} },
      { material: destination.material, context: input.DestinationEncryptionContext ?? {} },
    );
    return {
      CiphertextBlob,
      SourceKeyId: source.arn,
      KeyId: destination.arn,
      SourceEncryptionAlgorithm: input.SourceEncryptionAlgorithm ?? "SYMMETRIC_DEFAULT",
      DestinationEncryptionAlgorithm: input.DestinationEncryptionAlgorithm ?? "SYMMETRIC_DEFAULT",
      SourceKeyMaterialId: source.material.materialId,
      DestinationKeyMaterialId: destination.material.materialId,
    };
  },
});

/** Records name the algorithm also where the request left it out (spec 02). */
function recordedInput({
  KeyId,
  EncryptionAlgorithm = "SYMMETRIC_DEFAULT",
  EncryptionContext,
  DryRun,
}: SymmetricInput) {
  return { KeyId, EncryptionAlgorithm, EncryptionContext, ...(DryRun === true && { DryRun }) };
}

interface SymmetricInput {
  readonly KeyId?: string;
  readonly EncryptionAlgorithm?: string;
  readonly EncryptionContext?: Readonly<Record<string, string>>;
  readonly DryRun?: boolean;
}

/** `additionalEventData` of a symmetric cryptographic operation (spec 02, newer entries). */
function materialIdOf(_output: unknown, { key }: { key: Key }): { KeyMaterialId: string } | undefined {
  return key.hasMaterial ? { KeyMaterialId: key.material.materialId } : undefined;
}

/** The blob may be left out only by a dry run that asks for it, and then the key must be named (API reference, DryRunModifiers). */
function requireCiphertext(
  input: { CiphertextBlob?: Uint8Array; DryRun?: boolean; DryRunModifiers?: readonly string[] },
  keyMember: "KeyId" | "SourceKeyId",
): void {
  const ignored = ignoresCiphertext(input);
  if (ignored && input.DryRun !== true) {
    throw new ValidationException("DryRunModifiers can be specified only when DryRun is true.");
  }
  if (ignored && !(keyMember in input)) {
    throw new ValidationException(`${keyMember} is required when the ciphertext is ignored.`);
  }
  if (!ignored && input.CiphertextBlob === undefined) {
    throw new ValidationException(
      "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null",
    );
  }
}

/** A blob whose key is right but whose material is gone, or never was, does not open. */
function requireOpens(key: Key): void {
  if (!key.hasMaterial) throw new InvalidCiphertextException();
}
