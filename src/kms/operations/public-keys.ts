/** GetPublicKey: the half of a key pair that may leave. */

import type { CustomerMasterKeySpec, KeySpec, KeyUsageType } from "@aws-sdk/client-kms";
import { UnsupportedOperationException } from "../../base/errors.ts";
import { aliasCondition } from "../conditions.ts";
import { findAlgorithms } from "../key-specs.ts";
import { usable } from "../key-states.ts";
import { use } from "../operation.ts";
import { keyWithMaterial } from "../resources.ts";

/**
 * The public key as DER SubjectPublicKeyInfo, with what it may be used for (API reference, GetPublicKey).
 *
 * @throws UnsupportedOperationException a symmetric encryption key or an HMAC key
 */
export const getPublicKey = use("GetPublicKey", {
  targets: [{ as: "key", action: "kms:GetPublicKey", resource: keyWithMaterial("KeyId"), states: usable }],
  conditions: aliasCondition("KeyId"),
  record: { readOnly: true, request: ["KeyId"], resources: ["key"] },
  check(_input, { key }) {
    if (key.isSymmetric || key.row.usage === "GENERATE_VERIFY_MAC") throw new UnsupportedOperationException();
  },
  async run(_input, { key, custody }) {
    const { spec, usage } = key.row;
    return {
      KeyId: key.arn,
      PublicKey: await custody.publicKey(key.material),
      CustomerMasterKeySpec: spec as CustomerMasterKeySpec,
      KeySpec: spec as KeySpec,
      KeyUsage: usage as KeyUsageType,
      ...findAlgorithms(spec, usage),
    };
  },
});
