/** DeriveSharedSecret: ECDH between a key pair here and a public key from outside. */

import type { OriginType } from "@aws-sdk/client-kms";
import { ValidationException } from "../../base/errors.ts";
import type { PlaintextSource } from "../../custody/custody.ts";
import { attestedUse } from "../attested-use.ts";
import { keyAgreementConditions } from "../conditions.ts";
import { requireAlgorithm } from "../encryption-input.ts";
import { usable } from "../key-states.ts";
import { type Key, keyWithMaterial } from "../resources.ts";

/**
 * The raw shared secret, the x coordinate of the common point (API reference, DeriveSharedSecret; SP 800-56A, 5.7.1.2).
 * Whoever gets it derives keys from it.
 *
 * @throws InvalidKeyUsageException the algorithm is not the key's
 * @throws ValidationException the public key is not one of the key's spec
 */
export const deriveSharedSecret = attestedUse("DeriveSharedSecret", {
  plaintext: "SharedSecret",
  targets: [
    {
      as: "key",
      action: "kms:DeriveSharedSecret",
      resource: keyWithMaterial("KeyId"),
      states: usable,
      usage: "KEY_AGREEMENT",
    },
  ],
  conditions: keyAgreementConditions,
  record: { readOnly: true, request: ["KeyAgreementAlgorithm", "KeyId"], resources: ["key"] },
  dryRun: true,
  async check({ KeyAgreementAlgorithm, PublicKey, DryRun }, { key, custody }) {
    requireAlgorithm(KeyAgreementAlgorithm, key);
    if (DryRun === true) (await secretWith(PublicKey, { key, custody })).fill(0);
  },
  async run({ KeyAgreementAlgorithm, PublicKey }, { key, custody }) {
    const SharedSecret = await secretWith(PublicKey, { key, custody });
    return { KeyId: key.arn, SharedSecret, KeyAgreementAlgorithm, KeyOrigin: key.row.origin as OriginType };
  },
});

async function secretWith(
  peer: Uint8Array,
  { key, custody }: { readonly key: Key; readonly custody: PlaintextSource },
): Promise<Uint8Array> {
  const secret = await custody.deriveSharedSecret(key.material, peer);
  if (secret === undefined) throw new ValidationException(`The public key is not one of key spec ${key.row.spec}.`);
  return secret;
}
