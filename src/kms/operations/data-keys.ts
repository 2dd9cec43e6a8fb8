/** GenerateDataKey, GenerateDataKeyPair and both WithoutPlaintext: keys for use outside, with an encrypted copy. */

import { UnsupportedOperationException, ValidationException } from "../../base/errors.ts";
import { attestedUse } from "../attested-use.ts";
import { encryptionConditions, pairSpecCondition } from "../conditions.ts";
import { requireAlgorithm, requireContext } from "../encryption-input.ts";
import { creatableSpecs, requireOffered } from "../key-specs.ts";
import { usable } from "../key-states.ts";
import { use } from "../operation.ts";
import { type Key, keyWithMaterial } from "../resources.ts";

const bytesOfSpec = { AES_128: 16, AES_256: 32 } as const;

interface DataKeyInput {
  readonly KeySpec?: keyof typeof bytesOfSpec;
  readonly NumberOfBytes?: number;
}

const conditions = encryptionConditions({ key: "KeyId", context: "EncryptionContext" });

const record = {
  readOnly: true,
  request: ["KeyId", "KeySpec", "NumberOfBytes", "EncryptionContext"] as const,
  resources: ["key"],
  additional: materialIdOf,
};

const pairRecord = {
  readOnly: true,
  request: ["KeyPairSpec", "EncryptionContext", "KeyId"] as const,
  resources: ["key"],
  additional: materialIdOf,
};

/** The key that data keys are encrypted under. */
const protectingKey = (action: `kms:${string}`) =>
  ({ as: "key", action, resource: keyWithMaterial("KeyId"), states: usable, usage: "ENCRYPT_DECRYPT" }) as const;

/** Only symmetric encryption keys protect data keys (API reference, GenerateDataKey). */
const requireSymmetric = (_input: unknown, { key }: { key: Key }): void => requireAlgorithm("SYMMETRIC_DEFAULT", key);

/** No key pair is protected by a key in a custom key store (API reference, GenerateDataKeyPair). */
function requireOwnStore(input: unknown, { key }: { key: Key }): void {
  requireSymmetric(input, { key });
  if (key.row.key_store_id === null) return;
  throw new UnsupportedOperationException(
    `${key.arn} origin is ${key.row.origin} which is not valid for this operation.`,
  );
}

/**
 * A new data key, plain and encrypted under the key (API reference, GenerateDataKey).
 *
 * @throws ValidationException none or both of KeySpec and NumberOfBytes
 */
export const generateDataKey = attestedUse("GenerateDataKey", {
  plaintext: "Plaintext",
  omits: ["KeyMaterialId"],
  targets: [protectingKey("kms:GenerateDataKey")],
  conditions,
  record,
  dryRun: true,
  validate(input) {
    requireOneLength(input);
    requireContext(input.EncryptionContext);
  },
  check: requireSymmetric,
  async run(input, { key, custody }) {
    const { plaintext, blob } = await custody.generateDataKey(
      key.material,
      lengthBytesOf(input),
      input.EncryptionContext ?? {},
    );
    return { CiphertextBlob: blob, Plaintext: plaintext, KeyId: key.arn, ...materialIdOf(undefined, { key }) };
  },
});

/** The same without the plain copy (API reference, GenerateDataKeyWithoutPlaintext). */
export const generateDataKeyWithoutPlaintext = use("GenerateDataKeyWithoutPlaintext", {
  targets: [protectingKey("kms:GenerateDataKeyWithoutPlaintext")],
  conditions,
  record,
  dryRun: true,
  validate(input) {
    requireOneLength(input);
    requireContext(input.EncryptionContext);
  },
  check: requireSymmetric,
  async run(input, { key, custody }) {
    const CiphertextBlob = await custody.generateDataKeyWithoutPlaintext(
      key.material,
      lengthBytesOf(input),
      input.EncryptionContext ?? {},
    );
    return { CiphertextBlob, KeyId: key.arn, ...materialIdOf(undefined, { key }) };
  },
});

/**
 * A new key pair: public, private, and the private key encrypted under a symmetric key (API reference, GenerateDataKeyPair).
 *
 * @throws InvalidKeyUsageException the key is not a symmetric encryption key
 * @throws UnsupportedOperationException a kind of pair that can't be made here yet
 */
export const generateDataKeyPair = attestedUse("GenerateDataKeyPair", {
  plaintext: "PrivateKeyPlaintext",
  targets: [protectingKey("kms:GenerateDataKeyPair")],
  conditions: { ...conditions, ...pairSpecCondition },
  record: pairRecord,
  dryRun: true,
  validate(input, call) {
    requireContext(input.EncryptionContext);
    requirePairSpec(input.KeyPairSpec);
    requireOffered(input.KeyPairSpec, call);
  },
  check: requireOwnStore,
  async run({ KeyPairSpec, EncryptionContext = {} }, { key, custody }) {
    const { publicKey, privateKey, blob } = await custody.generateDataKeyPair(
      key.material,
      KeyPairSpec,
      EncryptionContext,
    );
    return {
      PrivateKeyCiphertextBlob: blob,
      PrivateKeyPlaintext: privateKey,
      PublicKey: publicKey,
      KeyId: key.arn,
      KeyPairSpec,
      KeyMaterialId: key.material.materialId,
    };
  },
});

/** The same without the plain private key (API reference, GenerateDataKeyPairWithoutPlaintext). */
export const generateDataKeyPairWithoutPlaintext = use("GenerateDataKeyPairWithoutPlaintext", {
  targets: [protectingKey("kms:GenerateDataKeyPairWithoutPlaintext")],
  conditions: { ...conditions, ...pairSpecCondition },
  record: pairRecord,
  dryRun: true,
  validate(input, call) {
    requireContext(input.EncryptionContext);
    requirePairSpec(input.KeyPairSpec);
    requireOffered(input.KeyPairSpec, call);
  },
  check: requireOwnStore,
  async run({ KeyPairSpec, EncryptionContext = {} }, { key, custody }) {
    const { publicKey, blob } = await custody.generateDataKeyPairWithoutPlaintext(
      key.material,
      KeyPairSpec,
      EncryptionContext,
    );
    return {
      PrivateKeyCiphertextBlob: blob,
      PublicKey: publicKey,
      KeyId: key.arn,
      KeyPairSpec,
      KeyMaterialId: key.material.materialId,
    };
  },
});

/** The model's enum names the other specs; those of it that can be made as keys can be made as pairs. */
function requirePairSpec(spec: string): void {
  if (creatableSpecs.has(spec)) return;
  throw new UnsupportedOperationException(`Keystead does not support KeyPairSpec ${spec} yet.`);
}

/** `additionalEventData`; a key of another kind than symmetric encryption has no material that is named. */
function materialIdOf(_output: unknown, { key }: { key: Key }): { KeyMaterialId: string } | undefined {
  return key.namedMaterialId === undefined ? undefined : { KeyMaterialId: key.namedMaterialId };
}

function requireOneLength({ KeySpec, NumberOfBytes }: DataKeyInput): void {
  if ((KeySpec === undefined) === (NumberOfBytes === undefined)) {
    throw new ValidationException("Please specify either number of bytes or key spec.");
  }
}

function lengthBytesOf({ KeySpec, NumberOfBytes }: DataKeyInput): number {
  return KeySpec === undefined ? (NumberOfBytes ?? 0) : bytesOfSpec[KeySpec];
}
