/** What KMS knows of its resources for decisions that nobody asks for yet: keys with their policies and grants, aliases. */

import { asArn } from "../base/arn.ts";
import type { Call } from "../pipeline/operation.ts";
import type { ResourceDirectory, SimulatedResource, Simulation } from "../pipeline/simulation.ts";
import type { Reader } from "../storage/store.ts";
import { kmsConditionValues } from "./conditions.ts";
import { findGrantOperation } from "./grant-operations.ts";
import { findGrant } from "./grants.ts";
import { Key } from "./resources.ts";

const CONTEXT_PREFIX = "kms:encryptioncontext:";

/** Keys by their ARNs. An alias ARN means the alias, as in policies. */
export const kmsDirectory: ResourceDirectory = {
  find(simulation, call, reader): SimulatedResource | undefined {
    const arn = asArn(simulation.resourceArn);
    if (arn?.service !== "kms" || !arn.resource.startsWith("key/")) return undefined;
    const row = reader.find("key", arn.region, arn.resource.slice("key/".length));
    if (row === undefined || row.account !== arn.account) {
      return { resource: { arn: simulation.resourceArn, account: arn.account }, absent: true };
    }
    return simulatedKey(new Key(row), simulation, call, reader);
  },
};

function simulatedKey(key: Key, simulation: Simulation, call: Call, reader: Reader): SimulatedResource {
  const input = inputOf(simulation);
  const facts = { call, resource: key, found: {}, examined: {}, reader };
  const operation = findGrantOperation(simulation.action);
  return {
    resource: key,
    absent: false,
    conditions: (name) => kmsConditionValues(name, undefined, undefined, facts),
    ...(operation !== undefined && {
      granted: (names: readonly string[]) => findGrant(operation, names, { ...facts, input }),
    }),
  };
}

/** The encryption context of a request, as its condition keys tell it, under the names that operations have for it. */
function inputOf({ entries }: Simulation): Readonly<Record<string, unknown>> {
  const context: Record<string, string> = Object.create(null);
  for (const [key, [value]] of entries) {
    if (key.startsWith(CONTEXT_PREFIX) && value !== undefined) context[key.slice(CONTEXT_PREFIX.length)] = value;
  }
  return {
    EncryptionContext: context,
    SourceEncryptionContext: context,
    DestinationEncryptionContext: context,
    Operations: [],
  };
}
