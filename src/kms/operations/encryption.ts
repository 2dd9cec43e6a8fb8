/** Encrypt, Decrypt and ReEncrypt: small plaintexts into ciphertext blobs or bare ciphertexts, and back. */

import { InvalidCiphertextException, ValidationException } from "../../base/errors.ts";
import type { EncryptionAlgorithm } from "../../custody/custody.ts";
import { attestedUse } from "../attested-use.ts";
import { encryptionConditions, sameKeyCondition } from "../conditions.ts";
import {
  ignoresCiphertext,
  isBare,
  requireAlgorithm,
  requireContext,
  requireContextFits,
  requireOneBlock,
} from "../encryption-input.ts";
import { usable } from "../key-states.ts";
import { use } from "../operation.ts";
import { type Key, keyOfCiphertext, keyWithMaterial } from "../resources.ts";

const conditions = encryptionConditions({
  key: "KeyId",
  context: "EncryptionContext",
  algorithm: "EncryptionAlgorithm",
});

/**
 * Encrypts up to 4,096 bytes under a symmetric key, one block under an RSA key, or 1,024 bytes under an SM2 key (API reference, Encrypt).
 *
 * Before `run`, the pipeline has resolved the key, authorized the call and checked state and usage.
 *
 * @throws ValidationException the encryption context is too large, or there is one and the key is asymmetric; the plaintext
 *   is longer than that key and algorithm take
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
  check({ Plaintext, EncryptionContext, EncryptionAlgorithm }, { key }) {
    requireAlgorithm(EncryptionAlgorithm, key);
    requireContextFits(EncryptionContext, EncryptionAlgorithm);
    requireOneBlock(Plaintext.length, key, EncryptionAlgorithm);
  },
  async run({ Plaintext, EncryptionContext = {}, EncryptionAlgorithm = "SYMMETRIC_DEFAULT" }, { key, custody }) {
    const algorithm = custodyAlgorithm(EncryptionAlgorithm);
    const CiphertextBlob = await custody.encrypt(key.material, Plaintext, EncryptionContext, algorithm);
    return { CiphertextBlob, KeyId: key.arn, EncryptionAlgorithm };
  },
});

/**
 * Opens a ciphertext blob, whose key it names itself; a `KeyId` given must be of that key (API reference, Decrypt).
 *
 * @throws IncorrectKeyException the blob is of another key than `KeyId`
 * @throws InvalidCiphertextException the blob is not ours, was altered, or came with another context
 * @throws ValidationException the attestation document can't be relied on (`attestedUse`, and so for all that take a Recipient)
 */
export const decrypt = attestedUse("Decrypt", {
  plaintext: "Plaintext",
  omits: ["KeyMaterialId"],
  targets: [
    {
      as: "key",
      action: "kms:Decrypt",
      resource: keyOfCiphertext("CiphertextBlob", "KeyId", "EncryptionAlgorithm"),
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
    requireNamed(input.EncryptionAlgorithm, input, "KeyId");
  },
  async check(input, { key, custody }) {
    requireAlgorithm(input.EncryptionAlgorithm, key);
    requireContextFits(input.EncryptionContext, input.EncryptionAlgorithm);
    if (input.DryRun === true && input.CiphertextBlob !== undefined && !ignoresCiphertext(input)) {
      requireOpens(key);
      const { CiphertextBlob, EncryptionContext = {}, EncryptionAlgorithm = "SYMMETRIC_DEFAULT" } = input;
      const algorithm = custodyAlgorithm(EncryptionAlgorithm);
      const plaintext = await custody.decrypt(key.material, CiphertextBlob, EncryptionContext, algorithm);
      plaintext.fill(0);
    }
  },
  async run({ CiphertextBlob, EncryptionContext = {}, EncryptionAlgorithm = "SYMMETRIC_DEFAULT" }, { key, custody }) {
    if (CiphertextBlob === undefined) throw new InvalidCiphertextException();
    requireOpens(key);
    const algorithm = custodyAlgorithm(EncryptionAlgorithm);
    const Plaintext = await custody.decrypt(key.material, CiphertextBlob, EncryptionContext, algorithm);
    const answer = { KeyId: key.arn, Plaintext, EncryptionAlgorithm };
    return key.namedMaterialId === undefined ? answer : { ...answer, KeyMaterialId: key.namedMaterialId };
  },
});

/** Moves a ciphertext from one key (or context) to another inside custody (API reference, ReEncrypt). */
export const reEncrypt = use("ReEncrypt", {
  targets: [
    {
      as: "source",
      action: "kms:ReEncryptFrom",
      resource: keyOfCiphertext("CiphertextBlob", "SourceKeyId", "SourceEncryptionAlgorithm"),
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
    }),
    resources: ["source", "destination"],
    additional: (_output, { source, destination }) => ({
      SourceKeyMaterialId: source.namedMaterialId,
      DestinationKeyMaterialId: destination.namedMaterialId,
    }),
  },
  dryRun: true,
  validate(input) {
    requireContext(input.SourceEncryptionContext);
    requireContext(input.DestinationEncryptionContext);
    requireCiphertext(input, "SourceKeyId");
    requireNamed(input.SourceEncryptionAlgorithm, input, "SourceKeyId");
  },
  async check(input, { source, destination, custody }) {
    requireAlgorithm(input.SourceEncryptionAlgorithm, source);
    requireContextFits(input.SourceEncryptionContext, input.SourceEncryptionAlgorithm);
    requireAlgorithm(input.DestinationEncryptionAlgorithm, destination);
    requireContextFits(input.DestinationEncryptionContext, input.DestinationEncryptionAlgorithm);
    if (input.DryRun === true && input.CiphertextBlob !== undefined && !ignoresCiphertext(input)) {
      requireOpens(source);
      const plaintext = await custody.decrypt(
        source.material,
        input.CiphertextBlob,
        input.SourceEncryptionContext ?? {},
        custodyAlgorithm(input.SourceEncryptionAlgorithm ?? "SYMMETRIC_DEFAULT"),
      );
      plaintext.fill(0); // its length is all that is left of it
      requireOneBlock(plaintext.length, destination, input.DestinationEncryptionAlgorithm);
    }
  },
  async run(input, { source, destination, custody }) {
    if (input.CiphertextBlob === undefined) throw new InvalidCiphertextException();
    requireOpens(source);
    const SourceEncryptionAlgorithm = input.SourceEncryptionAlgorithm ?? "SYMMETRIC_DEFAULT";
    const DestinationEncryptionAlgorithm = input.DestinationEncryptionAlgorithm ?? "SYMMETRIC_DEFAULT";
    const CiphertextBlob = await custody.reEncrypt(
      {
        material: source.material,
        blob: input.CiphertextBlob,
        context: input.SourceEncryptionContext ?? {},
        algorithm: custodyAlgorithm(SourceEncryptionAlgorithm),
      },
      {
        material: destination.material,
        context: input.DestinationEncryptionContext ?? {},
        algorithm: custodyAlgorithm(DestinationEncryptionAlgorithm),
        fits: (lengthBytes) => requireOneBlock(lengthBytes, destination, DestinationEncryptionAlgorithm),
      },
    );
    return {
      CiphertextBlob,
      SourceKeyId: source.arn,
      KeyId: destination.arn,
      SourceEncryptionAlgorithm,
      DestinationEncryptionAlgorithm,
      ...(source.namedMaterialId !== undefined && { SourceKeyMaterialId: source.namedMaterialId }),
      ...(destination.namedMaterialId !== undefined && { DestinationKeyMaterialId: destination.namedMaterialId }),
    };
  },
});

/** Records name the algorithm also where the request left it out (spec 02). */
function recordedInput({ KeyId, EncryptionAlgorithm = "SYMMETRIC_DEFAULT", EncryptionContext }: SymmetricInput) {
  return { KeyId, EncryptionAlgorithm, EncryptionContext };
}

interface SymmetricInput {
  readonly KeyId?: string;
  readonly EncryptionAlgorithm?: string;
  readonly EncryptionContext?: Readonly<Record<string, string>>;
}

/** `additionalEventData` of a symmetric cryptographic operation (spec 02, newer entries). */
function materialIdOf(_output: unknown, { key }: { key: Key }): { KeyMaterialId: string } | undefined {
  return key.namedMaterialId === undefined ? undefined : { KeyMaterialId: key.namedMaterialId };
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

/** A bare ciphertext names no key, so the caller must (KMS guide, Decrypt with an asymmetric KMS key). */
function requireNamed(algorithm: string | undefined, input: object, keyMember: "KeyId" | "SourceKeyId"): void {
  if (!isBare(algorithm) || keyMember in input) return;
  throw new ValidationException(`${keyMember} is required when the encryption algorithm is ${algorithm}.`);
}

/** Custody's name of an algorithm that `requireAlgorithm` has let pass. */
function custodyAlgorithm(algorithm: string): EncryptionAlgorithm {
  return algorithm as EncryptionAlgorithm;
}

/** A blob whose key is right but whose material is gone, or never was, does not open. */
function requireOpens(key: Key): void {
  if (!key.hasMaterial) throw new InvalidCiphertextException();
}
