/** Requests that a service makes in the name of its caller (IAM guide, Forward access sessions), and what is known by them. */

import type { Call, Service } from "./operation.ts";

/** A service principal, such as `ssm.amazonaws.com`; the suffix is the same in every partition. */
export function servicePrincipal(service: string): string {
  return `${service}.amazonaws.com`;
}

/** Who invoked a request, as its record says it; undefined of requests that callers sent themselves. */
export function invokedBy({ via }: Call): string | undefined {
  const last = via?.at(-1);
  return last === undefined ? undefined : servicePrincipal(last);
}

/** `kms:ViaService` of a request; the suffix is `.amazonaws.com` in every partition (KMS guide, kms:ViaService). */
export function viaService({ via, region }: Call): string | undefined {
  const last = via?.at(-1);
  return last === undefined ? undefined : servicePrincipal(`${last}.${region}`);
}

/**
 * The call that a service makes of another one for whoever called it: the same principal, and nothing of the caller's
 * connection, since it comes from the service's own network. This is the one place that sets `via`: the gateway makes calls
 * without it, so no request can claim to come through a service.
 *
 * @param region where it is made, when that is not the Region of the call
 */
export function forwardedCall(
  call: Call,
  to: { readonly service: Service; readonly operation: string; readonly requestId: string; readonly region?: string },
): Call {
  const host = servicePrincipal(call.service);
  return {
    ...call,
    requestId: to.requestId,
    service: to.service.model.id,
    operation: to.operation,
    region: to.region ?? call.region,
    via: [...(call.via ?? []), call.service],
    client: { address: host, userAgent: host, host },
  };
}
