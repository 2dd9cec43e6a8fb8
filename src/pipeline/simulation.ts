/** Decisions about requests that nobody makes: what would be, and why. Services say what their resources are. */

import type { AccessRequest } from "../access/decide.ts";
import { type Explanation, explain } from "../access/explain.ts";
import type { Sources } from "../access/sources.ts";
import type { Principal } from "../identity/principal.ts";
import type { ConditionContext } from "../policy/context.ts";
import type { CompiledPolicy } from "../policy/policy.ts";
import type { Reader } from "../storage/store.ts";
import type { Call } from "./operation.ts";
import { requestContext } from "./request-context.ts";

/** A request that nobody makes. */
export interface Simulation {
  readonly principal: Principal;
  /** Such as `kms:Decrypt`. */
  readonly action: string;
  /** An ARN, or `*`. */
  readonly resourceArn: string;
  /** Values of condition keys, by name in lower case; they outweigh what is known otherwise. */
  readonly entries: ReadonlyMap<string, readonly string[]>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of the request; else that of the resource. */
  readonly region?: string;
  /** Policies of the caller, where they are not those of today. */
  readonly sources?: Sources;
  /** A resource policy instead of the resource's own, and whose the resource is. */
  readonly resourcePolicy?: CompiledPolicy;
  readonly resourceAccount?: string;
}

/** A resource as a decision about an action on it sees it. */
export interface SimulatedResource {
  readonly resource: AccessRequest["resource"];
  readonly absent: boolean;
  /** The service's condition keys as far as the resource itself says them. */
  readonly conditions?: ConditionContext;
  granted?: AccessRequest["granted"];
}

/** What a service knows of its resources. */
export interface ResourceDirectory {
  /** The resource of an ARN, or undefined for ARNs of other services. Synchronous, over the reader's moment. */
  find(simulation: Simulation, call: Call, reader: Reader): SimulatedResource | undefined;
}

/** Facts of a connection, which a request that nobody makes has only where it is told them. */
const OF_CONNECTIONS = new Set([
  "aws:sourceip",
  "aws:vpcsourceip",
  "aws:sourcevpce",
  "aws:sourcevpc",
  "aws:sourcevpcarn",
  "aws:vpceaccount",
  "aws:vpceorgid",
  "aws:vpceorgpaths",
  "aws:useragent",
  "aws:securetransport",
]);

/** Decides a request that nobody makes, and tells everything that was looked at. */
export function simulate(
  simulation: Simulation,
  { directory, reader }: { readonly directory: ResourceDirectory; readonly reader: Reader },
): { readonly explanation: Explanation; readonly request: AccessRequest } {
  const { principal, action, resourceArn, entries, sources, resourcePolicy, resourceAccount } = simulation;
  const call = callOf(simulation);
  const found = directory.find(simulation, call, reader) ?? {
    resource: { arn: resourceArn, account: resourceArn.split(":")[4] || principal.account },
    absent: false,
  };
  const policy = resourcePolicy ?? found.resource.policy;
  const resource = {
    arn: found.resource.arn,
    account: resourceAccount ?? found.resource.account,
    exempt: found.resource.exempt === true,
    ...(policy !== undefined && { policy }),
  };
  const known = requestContext({ call, resource, reader }, found.conditions);
  const request: AccessRequest = {
    principal,
    action,
    resource,
    absent: found.absent && resourcePolicy === undefined,
    context: (key) => entries.get(key) ?? (OF_CONNECTIONS.has(key) ? undefined : known(key)),
    ...(sources !== undefined && { sources }),
    ...(found.granted !== undefined && { granted: found.granted }),
  };
  return { explanation: explain(request, reader), request };
}

function callOf({ principal, action, resourceArn, now, region }: Simulation): Call {
  const [service = "", operation = ""] = action.split(":");
  return {
    requestId: "",
    service,
    operation,
    principal,
    partition: principal.partition,
    region: region ?? (resourceArn.split(":")[3] || "us-east-1"),
    now,
    client: { address: "", userAgent: undefined, host: "" },
  };
}
