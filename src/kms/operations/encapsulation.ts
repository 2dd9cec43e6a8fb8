/** Encapsulate and Decapsulate: shared secrets under ML-KEM keys (FIPS 203). */

import { aliasCondition } from "../conditions.ts";
import { requireAlgorithm } from "../encryption-input.ts";
import { usable } from "../key-states.ts";
import { use } from "../operation.ts";
import { keyWithMaterial } from "../resources.ts";

/** Neither record names a secret or a ciphertext (KMS guide, CloudTrail, Encapsulate). */
const record = { readOnly: true, request: ["KeyId", "EncapsulationAlgorithm"] as const, resources: ["key"] };

/** AWS names no condition key for the algorithm, of which there is one. */
const conditions = aliasCondition("KeyId");

/** The key pair whose secrets are asked for. */
const encapsulationKey = (action: `kms:${string}`) =>
  ({
    as: "key",
    action,
    resource: keyWithMaterial("KeyId"),
    states: usable,
    usage: "ENCAPSULATE_DECAPSULATE",
  }) as const;

/**
 * A new shared secret of 32 bytes, and its ciphertext for whoever holds the private key (API reference, Encapsulate).
 *
 * @throws InvalidKeyUsageException the algorithm is not the key's
 */
export const encapsulate = use("Encapsulate", {
  targets: [encapsulationKey("kms:Encapsulate")],
  conditions,
  record,
  dryRun: true,
  check: ({ EncapsulationAlgorithm }, { key }) => requireAlgorithm(EncapsulationAlgorithm, key),
  async run({ EncapsulationAlgorithm }, { key, custody }) {
    const { secret, ciphertext } = await custody.encapsulate(key.material);
    return { KeyId: key.arn, SharedSecret: secret, SharedSecretCiphertextBlob: ciphertext, EncapsulationAlgorithm };
  },
});

/**
 * The shared secret of a ciphertext (API reference, Decapsulate). A ciphertext that was altered gives another secret and no
 * error: implicit rejection.
 *
 * @throws InvalidKeyUsageException the algorithm is not the key's
 * @throws InvalidCiphertextException the ciphertext has not the length of the key's spec
 */
export const decapsulate = use("Decapsulate", {
  targets: [encapsulationKey("kms:Decapsulate")],
  conditions,
  record,
  dryRun: true,
  async check({ EncapsulationAlgorithm, SharedSecretCiphertextBlob, DryRun }, { key, custody }) {
    requireAlgorithm(EncapsulationAlgorithm, key);
    if (DryRun === true) (await custody.decapsulate(key.material, SharedSecretCiphertextBlob)).fill(0);
  },
  async run({ EncapsulationAlgorithm, SharedSecretCiphertextBlob }, { key, custody }) {
    const SharedSecret = await custody.decapsulate(key.material, SharedSecretCiphertextBlob);
    return { KeyId: key.arn, SharedSecret, EncapsulationAlgorithm };
  },
});
