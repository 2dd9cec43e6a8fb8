/** Decisions beside those on a request's targets: what else its caller may do, on which an answer depends. */

import { type AccessRequest, type Decision, decide } from "../access/decide.ts";
import { endpointPolicy } from "../access/endpoints.ts";
import type { Reader } from "../storage/store.ts";
import type { Call, Resource } from "./operation.ts";
import { requestContext } from "./request-context.ts";

/** What is asked. */
export interface Also {
  readonly call: Call;
  readonly action: string;
  readonly resource: Resource;
  /** The values of the service's own condition keys, as targets have them. */
  conditions(key: string, reader: Reader): readonly string[] | undefined;
}

/** The request that access decides on; refusals are worded of it. */
export function alsoRequest({ call, action, resource, conditions }: Also, reader: Reader): AccessRequest {
  const { vpcEndpoint } = call.client;
  return {
    principal: call.principal,
    action,
    resource,
    absent: false,
    context: requestContext({ call, resource, reader }, (key) => conditions(key, reader)),
    ...(vpcEndpoint !== undefined && { endpointPolicy: endpointPolicy(vpcEndpoint, call, reader) }),
  };
}

export function decideAlso(also: Also, reader: Reader): Decision {
  return decide(alsoRequest(also, reader), reader);
}
