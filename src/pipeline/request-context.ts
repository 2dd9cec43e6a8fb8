/** What conditions may ask of a request: the global keys that every request carries, and those of its service. */

import type { ConditionContext } from "../policy/context.ts";
import type { Call, Resource } from "./operation.ts";

type GlobalKey = (call: Call, resource: Resource) => string | undefined;

const SECOND_MS = 1000;

/**
 * The global condition keys of requests that people sign themselves (IAM guide, Global condition keys), in lower case.
 *
 * Absent, as on AWS: `aws:username` of root users, `aws:MultiFactorAuthPresent`, `aws:TokenIssueTime` and
 * `aws:FederatedProvider` of long-term credentials, `aws:SourceArn`, `aws:SourceAccount` and `aws:CalledVia` of direct
 * calls, `aws:SourceVpc` and `aws:SourceVpce` outside VPC endpoints.
 */
const globalKeys: ReadonlyMap<string, GlobalKey> = new Map<string, GlobalKey>([
  ["aws:currenttime", ({ now }) => `${new Date(now).toISOString().slice(0, "2026-01-01T00:00:00".length)}Z`],
  ["aws:epochtime", ({ now }) => String(Math.floor(now / SECOND_MS))],
  ["aws:securetransport", ({ client }) => String(client.tls !== undefined)],
  ["aws:sourceip", ({ client }) => client.address.split("%")[0]],
  ["aws:useragent", ({ client }) => client.userAgent],
  ["aws:requestedregion", ({ region }, resource) => resource.region ?? region],
  ["aws:principalarn", ({ principal }) => principal.arn],
  ["aws:principalaccount", ({ principal }) => principal.account],
  ["aws:principaltype", () => "Account"],
  ["aws:principalisawsservice", () => "false"],
  ["aws:userid", ({ principal }) => principal.uniqueId],
  ["aws:viaawsservice", () => "false"],
  ["aws:resourceaccount", (_call, { account }) => account],
]);

/**
 * The context of one decision. Nothing is computed before it is asked for, and nothing twice.
 *
 * @param serviceKeys the keys that the service declares; asked for what is no global key, in lower case
 */
export function requestContext(call: Call, resource: Resource, serviceKeys?: ConditionContext): ConditionContext {
  let known: Map<string, readonly string[] | undefined> | undefined;
  return (key) => {
    known ??= new Map();
    let values = known.get(key);
    if (values === undefined && !known.has(key)) {
      const global = globalKeys.get(key);
      values = global === undefined ? serviceKeys?.(key) : listOf(global(call, resource));
      known.set(key, values);
    }
    return values;
  };
}

function listOf(value: string | undefined): readonly string[] | undefined {
  return value === undefined ? undefined : [value];
}
