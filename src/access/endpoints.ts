/** Policies of VPC endpoints: what may pass through one. */

import { type CompiledPolicy, compilePolicy } from "../policy/policy.ts";
import type { VpcEndpointRow } from "../storage/identity-schema.ts";
import type { Reader } from "../storage/store.ts";

const NOTHING: CompiledPolicy = { statements: [] };

const compiled = new WeakMap<VpcEndpointRow, CompiledPolicy>();

/**
 * The policy of the endpoint through which a request for a service of a Region came. One that is not there, or is for another
 * service or Region, lets nothing pass.
 */
export function endpointPolicy(
  id: string,
  { service, region }: { readonly service: string; readonly region: string },
  reader: Reader,
): CompiledPolicy {
  const row = reader.find("vpcEndpoint", id);
  const name = `com.amazonaws.${region}.${service}`;
  if (row === undefined || (row.service_name !== name && row.service_name !== `${name}-fips`)) return NOTHING;
  let policy = compiled.get(row);
  if (policy === undefined) {
    policy = compilePolicy(row.policy, "endpoint");
    compiled.set(row, policy);
  }
  return policy;
}
