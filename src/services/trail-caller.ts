/** CloudTrail as a caller of other services: its service principal, in the name of a trail. */

import { randomUUID } from "node:crypto";
import type { TrailIdentity } from "../audit/trails/kms.ts";
import { servicePrincipal } from "../identity/principal.ts";
import type { Call } from "../pipeline/operation.ts";

const SERVICE = "cloudtrail.amazonaws.com";

/**
 * What CloudTrail does for a trail in a Region, of its own accord. Policies see it by `Service`, and by `aws:SourceArn` and
 * `aws:SourceAccount` of the trail.
 */
export function callOfTrail({ arn: sourceArn, account, partition, now }: TrailIdentity, region: string): Call {
  return {
    requestId: randomUUID(),
    service: "cloudtrail",
    operation: "Deliver",
    principal: servicePrincipal(SERVICE, { account, partition, sourceArn }),
    partition,
    region,
    now,
    client: { address: SERVICE, userAgent: SERVICE, host: SERVICE },
  };
}
