/** Sign and Verify: signatures of RSA, ECC, Edwards, ML-DSA and SM2 keys over messages, digests and ML-DSA's mu. */

import type { SigningAlgorithmSpec } from "@aws-sdk/client-kms";
import { KMSInvalidSignatureException, ValidationException } from "../../base/errors.ts";
import type { SigningInput } from "../../custody/custody.ts";
import { signingConditions } from "../conditions.ts";
import { requireAlgorithm } from "../encryption-input.ts";
import { findDigestBytes } from "../key-specs.ts";
import { usable } from "../key-states.ts";
import { use } from "../operation.ts";
import { type Key, keyWithMaterial } from "../resources.ts";

interface Signable {
  readonly Message: Uint8Array;
  readonly MessageType?: string;
  readonly SigningAlgorithm: SigningAlgorithmSpec;
}

const record = {
  readOnly: true,
  /** Records name the message type also where the request left it out, as they do the encryption algorithm (spec 02). */
  request: ({ KeyId, MessageType = "RAW", SigningAlgorithm }: Signable & { readonly KeyId: string }) => ({
    MessageType,
    KeyId,
    SigningAlgorithm,
  }),
  resources: ["key"],
};

/**
 * Signs a message of up to 4,096 bytes, or a digest (API reference, Sign).
 *
 * @throws InvalidKeyUsageException the algorithm is not one of the key's
 * @throws ValidationException the algorithm doesn't take that message type, or a digest of that length
 */
export const sign = use("Sign", {
  targets: [
    { as: "key", action: "kms:Sign", resource: keyWithMaterial("KeyId"), states: usable, usage: "SIGN_VERIFY" },
  ],
  conditions: signingConditions,
  record,
  dryRun: true,
  check: requireSignable,
  async run(input, { key, custody }) {
    const Signature = await custody.sign(key.material, signingInput(input));
    return { KeyId: key.arn, Signature, SigningAlgorithm: input.SigningAlgorithm };
  },
});

/**
 * Whether a signature is the message's (API reference, Verify); it is never answered that it is not.
 *
 * @throws KMSInvalidSignatureException the signature is not the message's under that key and algorithm
 * @throws ServiceError as Sign
 */
export const verify = use("Verify", {
  targets: [
    { as: "key", action: "kms:Verify", resource: keyWithMaterial("KeyId"), states: usable, usage: "SIGN_VERIFY" },
  ],
  conditions: signingConditions,
  record,
  dryRun: true,
  check: requireSignable,
  async run(input, { key, custody }) {
    const valid = await custody.verify(key.material, signingInput(input), input.Signature);
    if (!valid) throw new KMSInvalidSignatureException();
    return { KeyId: key.arn, SignatureValid: true, SigningAlgorithm: input.SigningAlgorithm };
  },
});

/** The text for a key spec is AWS's (reported for ML-DSA and DIGEST); that for an Edwards algorithm follows it. */
function requireSignable({ Message, MessageType = "RAW", SigningAlgorithm }: Signable, { key }: { key: Key }): void {
  requireAlgorithm(SigningAlgorithm, key);
  const { spec } = key.row;
  const isMlDsa = spec.startsWith("ML_DSA_");
  if (MessageType === (isMlDsa ? "DIGEST" : "EXTERNAL_MU")) {
    throw new ValidationException(`Message type ${MessageType} is incompatible with key spec ${spec}.`);
  }
  const only = onlyMessageType[SigningAlgorithm];
  if (only !== undefined && only !== MessageType) {
    throw new ValidationException(`Message type ${MessageType} is incompatible with algorithm ${SigningAlgorithm}.`);
  }
  if (MessageType !== "RAW" && Message.length !== findDigestBytes(SigningAlgorithm, MessageType)) {
    throw new ValidationException(`Digest is invalid length for algorithm ${SigningAlgorithm}.`);
  }
}

/** Edwards algorithms take one message type each (API reference, Sign). */
const onlyMessageType: Readonly<Partial<Record<SigningAlgorithmSpec, string>>> = {
  ED25519_SHA_512: "RAW",
  ED25519_PH_SHA_512: "DIGEST",
};

/** The input of custody; the model lets no other message type pass. */
function signingInput({ Message, MessageType = "RAW", SigningAlgorithm }: Signable): SigningInput {
  return {
    algorithm: SigningAlgorithm,
    messageType: MessageType as SigningInput["messageType"],
    message: Message,
  };
}
