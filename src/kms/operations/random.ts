/** GenerateRandom: bytes of the system's generator; no key takes part. */

import { UnsupportedOperationException, ValidationException } from "../../base/errors.ts";
import { attestedUse } from "../attested-use.ts";
import { account, keyStore } from "../resources.ts";

/**
 * 1 to 1,024 random bytes (API reference, GenerateRandom).
 *
 * @throws ValidationException no number of bytes was given
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
  check({ CustomKeyStoreId }) {
    if (CustomKeyStoreId === undefined) return;
    throw new UnsupportedOperationException("External key stores can't generate random bytes.");
  },
  run: ({ NumberOfBytes = 0 }, { custody }) => ({ Plaintext: custody.random(NumberOfBytes) }),
});
