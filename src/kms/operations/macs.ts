/** GenerateMac and VerifyMac: HMAC (RFC 2104) under a key that never leaves custody. */

import { KMSInvalidMacException } from "../../base/errors.ts";
import { macConditions } from "../conditions.ts";
import { requireAlgorithm } from "../encryption-input.ts";
import { usable } from "../key-states.ts";
import { use } from "../operation.ts";
import { keyWithMaterial } from "../resources.ts";

const record = { readOnly: true, request: ["MacAlgorithm", "KeyId"] as const, resources: ["key"] };

/**
 * The MAC of a message of up to 4,096 bytes (API reference, GenerateMac).
 *
 * @throws InvalidKeyUsageException the algorithm is not the key's
 */
export const generateMac = use("GenerateMac", {
  targets: [
    {
      as: "key",
      action: "kms:GenerateMac",
      resource: keyWithMaterial("KeyId"),
      states: usable,
      usage: "GENERATE_VERIFY_MAC",
    },
  ],
  conditions: macConditions,
  record,
  dryRun: true,
  check: ({ MacAlgorithm }, { key }) => requireAlgorithm(MacAlgorithm, key),
  async run({ Message, MacAlgorithm }, { key, custody }) {
    return { Mac: await custody.mac(key.material, Message), MacAlgorithm, KeyId: key.arn };
  },
});

/**
 * Whether a MAC is the message's (API reference, VerifyMac); it is never answered that it is not.
 *
 * @throws InvalidKeyUsageException the algorithm is not the key's
 * @throws KMSInvalidMacException the MAC is not the message's (no message, as recorded on AWS)
 */
export const verifyMac = use("VerifyMac", {
  targets: [
    {
      as: "key",
      action: "kms:VerifyMac",
      resource: keyWithMaterial("KeyId"),
      states: usable,
      usage: "GENERATE_VERIFY_MAC",
    },
  ],
  conditions: macConditions,
  record,
  dryRun: true,
  check: ({ MacAlgorithm }, { key }) => requireAlgorithm(MacAlgorithm, key),
  async run({ Message, MacAlgorithm, Mac }, { key, custody }) {
    if (!(await custody.verifyMac(key.material, Message, Mac))) throw new KMSInvalidMacException();
    return { KeyId: key.arn, MacValid: true, MacAlgorithm };
  },
});
