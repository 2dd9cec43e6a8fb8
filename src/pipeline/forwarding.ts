/** Requests that a service makes in the name of its caller (IAM guide, Forward access sessions), and what is known by them. */

import type { Principal } from "../identity/principal.ts";
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

/** What is called. */
interface Destination {
  readonly service: Service;
  readonly operation: string;
  readonly requestId: string;
  readonly region: string;
}

/**
 * The call that a service makes of another one for whoever called it: the same principal, and nothing of the caller's
 * connection, since it comes from the service's own network. This is the one place that sets `via`: the gateway makes calls
 * without it, so no request can claim to come through a service. What a service principal began is from that service's network.
 */
export function forwardedCall(call: Call, to: Destination): Call {
  const { principal } = call;
  const host = principal.kind === "service" ? principal.service : servicePrincipal(call.service);
  return {
    ...call,
    requestId: to.requestId,
    service: to.service.model.id,
    operation: to.operation,
    region: to.region,
    via: [...(call.via ?? []), call.service],
    client: { address: host, userAgent: host, host },
  };
}

/** The call that a service makes as a principal of its own, in consequence of a call; through no other service. */
export function ownCall(principal: Principal, { via: _via, ...call }: Call, to: Destination): Call {
  const host = servicePrincipal(call.service);
  const client =
    principal.kind === "service"
      ? { address: principal.service, userAgent: principal.service, host }
      : { address: "AWS Internal", userAgent: undefined, host };
  const { requestId, operation, region } = to;
  return { ...call, principal, requestId, service: to.service.model.id, operation, region, client };
}
