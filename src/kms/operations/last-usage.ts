/** GetKeyLastUsage: whether a key is still in use, before it is deleted. */

import type { KeyLastUsageTrackingOperation } from "@aws-sdk/client-kms";
import { keyIdOrArn } from "../identifiers.ts";
import { anyState } from "../key-states.ts";
import { read } from "../operation.ts";
import { key } from "../resources.ts";

/** The last successful cryptographic use of a key; empty when there was none (API reference, GetKeyLastUsage). */
export const getKeyLastUsage = read("GetKeyLastUsage", {
  targets: [{ as: "key", action: "kms:GetKeyLastUsage", resource: key("KeyId", keyIdOrArn), states: anyState }],
  record: { readOnly: true, request: ["KeyId"], resources: ["key"] },
  async run(_input, { key: { arn, id, row }, lastUsages }) {
    const use = await lastUsages.find({ arn, region: row.region, keyId: id });
    return {
      KeyId: id,
      KeyLastUsage:
        use === undefined
          ? {}
          : {
              Operation: use.operation as KeyLastUsageTrackingOperation,
              Timestamp: new Date(use.used_at),
              CloudTrailEventId: use.event_id,
              KmsRequestId: use.request_id,
            },
      TrackingStartDate: new Date(lastUsages.trackedSince(row.created_at)),
      KeyCreationDate: new Date(row.created_at),
    };
  },
});
