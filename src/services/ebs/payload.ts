/** How payloads of the EBS direct APIs are signed: blocks may be unsigned, since the signed checksum is theirs (Smithy, unsignedPayload). */

import { createHash } from "node:crypto";
import type { PayloadScheme } from "../../identity/sigv4.ts";

const UNSIGNED = "UNSIGNED-PAYLOAD";

/** A PUT may leave its payload unsigned; everything else is signed with its hash. */
export const blockPayloads: PayloadScheme = {
  hashOf(_signed, { method, headers, body }) {
    const isUnsigned = method === "PUT" && headers["x-amz-content-sha256"] === UNSIGNED;
    return isUnsigned ? UNSIGNED : createHash("sha256").update(body).digest("hex");
  },
  read: async (_signed, request) => request,
};
