/** GenerateRandom: bytes of the system's generator; no key takes part. */

import { CustomKeyStoreNotFoundException, ValidationException } from "../../base/errors.ts";
import { attestedUse } from "../attested-use.ts";
import { account } from "../resources.ts";

/**
 * 1 to 1,024 random bytes (API reference, GenerateRandom).
 *
 * @throws ValidationException no number of bytes was given
 * @throws CustomKeyStoreNotFoundException a custom key store was named; there are none yet
 */
export const generateRandom = attestedUse("GenerateRandom", {
  plaintext: "Plaintext",
  targets: [{ as: "account", action: "kms:GenerateRandom", resource: account }],
  record: { readOnly: true, request: null, resources: [] },
  validate(input) {
    if (input.NumberOfBytes === undefined) throw new ValidationException("NumberOfBytes is required.");
  },
  check({ CustomKeyStoreId }) {
    if (CustomKeyStoreId !== undefined) throw new CustomKeyStoreNotFoundException();
  },
  run: ({ NumberOfBytes = 0 }, { custody }) => ({ Plaintext: custody.random(NumberOfBytes) }),
});
