/** GenerateDataKey and GenerateDataKeyWithoutPlaintext: keys for use outside, with an encrypted copy. */

import { ValidationException } from "../../base/errors.ts";
import { encryptionConditions } from "../conditions.ts";
import { requireContext, requireNoRecipient } from "../encryption-input.ts";
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
  additional: (_output: unknown, { key }: { key: Key }) => ({ KeyMaterialId: key.material.materialId }),
};

/**
 * A new data key, plain and encrypted under the key (API reference, GenerateDataKey).
 *
 * @throws ValidationException none or both of KeySpec and NumberOfBytes
 */
export const generateDataKey = use("GenerateDataKey", {
  targets: [
    {
      as: "key",
      action: "kms:GenerateDataKey",
      resource: keyWithMaterial("KeyId"),
      states: usable,
      usage: "ENCRYPT_DECRYPT",
    },
  ],
  conditions,
  record,
  dryRun: true,
  validate(input) {
    requireOneLength(input);
    requireContext(input.EncryptionContext);
    requireNoRecipient(input);
  },
  async run(input, { key, custody }) {
    const { plaintext, blob } = await custody.generateDataKey(
      key.material,
      lengthBytesOf(input),
      input.EncryptionContext ?? {},
    );
    return { CiphertextBlob: blob, Plaintext: plaintext, KeyId: key.arn, KeyMaterialId: key.material.materialId };
  },
});

/** The same without the plain copy (API reference, GenerateDataKeyWithoutPlaintext). */
export const generateDataKeyWithoutPlaintext = use("GenerateDataKeyWithoutPlaintext", {
  targets: [
    {
      as: "key",
      action: "kms:GenerateDataKeyWithoutPlaintext",
      resource: keyWithMaterial("KeyId"),
      states: usable,
      usage: "ENCRYPT_DECRYPT",
    },
  ],
  conditions,
  record,
  dryRun: true,
  validate(input) {
    requireOneLength(input);
    requireContext(input.EncryptionContext);
  },
  async run(input, { key, custody }) {
    const CiphertextBlob = await custody.generateDataKeyWithoutPlaintext(
      key.material,
      lengthBytesOf(input),
      input.EncryptionContext ?? {},
    );
    return { CiphertextBlob, KeyId: key.arn, KeyMaterialId: key.material.materialId };
  },
});

function requireOneLength({ KeySpec, NumberOfBytes }: DataKeyInput): void {
  if ((KeySpec === undefined) === (NumberOfBytes === undefined)) {
    throw new ValidationException("Please specify either number of bytes or key spec.");
  }
}

function lengthBytesOf({ KeySpec, NumberOfBytes }: DataKeyInput): number {
  return KeySpec === undefined ? (NumberOfBytes ?? 0) : bytesOfSpec[KeySpec];
}
