/** Resource policies that rows keep with the unique ids of whom they name, compiled once for each row. */

import { type CompiledPolicy, compilePolicy } from "../policy/policy.ts";
import { parsePrincipalIds } from "./principals.ts";

/** A row of something that may have a resource policy. */
export interface PolicyRow {
  readonly policy: string | null;
  /** JSON of unique ids, by ARN. */
  readonly policy_principals: string;
}

const compiled = new WeakMap<PolicyRow, CompiledPolicy>();

/** The policy of a row, or undefined where it has none. */
export function resourcePolicyOf(row: PolicyRow): CompiledPolicy | undefined {
  if (row.policy === null) return undefined;
  let policy = compiled.get(row);
  if (policy === undefined) {
    policy = compilePolicy(row.policy, "resource", parsePrincipalIds(row.policy_principals));
    compiled.set(row, policy);
  }
  return policy;
}
