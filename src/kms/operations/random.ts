/** GenerateRandom: bytes of the system's generator, or of a cluster's; no key takes part. */

import { UnsupportedOperationException, ValidationException } from "../../base/errors.ts";
import { attestedUse } from "../attested-use.ts";
import { requireConnected } from "../key-stores/external-keys.ts";
import { tokenRandom } from "../key-stores/token-keys.ts";
import { account, keyStore } from "../resources.ts";

/**
 * 1 to 1,024 random bytes (API reference, GenerateRandom).
 *
 * @throws ValidationException no number of bytes was given
 * @throws CustomKeyStoreInvalidStateException a CloudHSM key store was named that is not connected
 * @throws UnsupportedOperationException an external key store was named: it has no random generator
 */
export const generateRandom = attestedUse("GenerateRandom", {
  plaintext: "Plaintext",
  targets: [
    { as: "account", action: "kms:GenerateRandom", resource: account },
    {
      as: "keyStore",
      action: undefined,
      resource: keyStore("CustomKeyStoreId"),
      when: ({ CustomKeyStoreId }) => CustomKeyStoreId !== undefined,
    },
  ],
  record: { readOnly: true, request: null, resources: [] },
  validate(input) {
    if (input.NumberOfBytes === undefined) throw new ValidationException("NumberOfBytes is required.");
  },
  check({ CustomKeyStoreId }, { keyStore }) {
    if (CustomKeyStoreId === undefined) return;
    if (keyStore.row.type === "AWS_CLOUDHSM") return requireConnected(keyStore);
    throw new UnsupportedOperationException("External key stores can't generate random bytes.");
  },
  async run({ NumberOfBytes = 0, CustomKeyStoreId }, { custody, clusters, keyStore }) {
    if (CustomKeyStoreId === undefined) return { Plaintext: custody.random(NumberOfBytes) };
    return { Plaintext: custody.takeRandom(await tokenRandom(keyStore, clusters, NumberOfBytes)) };
  },
});
