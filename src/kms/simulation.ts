/** What KMS knows of its resources and operations for decisions that nobody asks for yet: keys with their policies and grants. */

import { asArn } from "../base/arn.ts";
import type { Call, Question, Target } from "../pipeline/operation.ts";
import type { ResourceDirectory, SimulatedResource, Simulation } from "../pipeline/simulation.ts";
import type { ConditionContext } from "../policy/context.ts";
import type { Reader } from "../storage/store.ts";
import { findGrantOperation } from "./grant-operations.ts";
import { findGrant } from "./grants.ts";
import { operations } from "./operations/index.ts";
import { Key } from "./resources.ts";

const CONTEXT_PREFIX = "kms:encryptioncontext:";

/**
 * Keys by their ARNs. An alias ARN means the alias, as in policies. The request is as one that leaves out what it may: its
 * condition keys have what is taken then.
 */
export const kmsDirectory: ResourceDirectory = {
  find(simulation, call, reader): SimulatedResource | undefined {
    const arn = asArn(simulation.resourceArn);
    if (simulation.resourceArn === "*") return ofAction(simulation, call, reader);
    if (arn?.service !== "kms" || !arn.resource.startsWith("key/")) return undefined;
    const row = reader.find("key", arn.region, arn.resource.slice("key/".length));
    if (row === undefined || row.account !== arn.account) {
      return { resource: { arn: simulation.resourceArn, account: arn.account }, absent: true };
    }
    return simulatedKey(new Key(row), simulation, call, reader);
  },
};

/** An action on no resource in particular, such as `kms:CreateKey`. */
function ofAction(simulation: Simulation, call: Call, reader: Reader): SimulatedResource | undefined {
  const resource = { arn: "*", account: simulation.principal.account };
  const question = { input: inputOf(simulation), call, resource, found: {}, examined: {}, reader };
  const conditions = conditionsOf(simulation.action, question);
  return conditions && { resource, absent: false, conditions };
}

function simulatedKey(key: Key, simulation: Simulation, call: Call, reader: Reader): SimulatedResource {
  const question = { input: inputOf(simulation), call, resource: key, found: { key }, examined: {}, reader };
  const operation = findGrantOperation(simulation.action);
  const conditions = conditionsOf(simulation.action, question);
  return {
    resource: key,
    absent: false,
    ...(conditions !== undefined && { conditions }),
    ...(operation !== undefined && {
      granted: (names: readonly string[]) => findGrant(operation, names, question),
    }),
  };
}

/** What the operation of an action answers to conditions; a key without values is none of the request's. */
function conditionsOf(action: string, question: Question): ConditionContext | undefined {
  const target = findTarget(action);
  if (target === undefined) return undefined;
  return (name) => {
    const values = target.conditions?.(name, question);
    return values?.length === 0 ? undefined : values;
  };
}

/** The part of an operation that asks for an action: of the one of its name, else of the first that asks for it, too. */
function findTarget(action: string): Target | undefined {
  const isMeant = ({ action: asked }: Target): boolean => asked?.toLowerCase() === action.toLowerCase();
  const own = operations.values().find(({ name }) => `kms:${name}`.toLowerCase() === action.toLowerCase());
  return own?.targets.find(isMeant) ?? [...operations.values()].flatMap(({ targets }) => targets).find(isMeant);
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
