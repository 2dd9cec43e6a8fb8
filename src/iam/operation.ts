/** How an operation of IAM is declared: `read` and `change`. */

import type { UnknownPrincipals } from "../access/principals.ts";
import type { Custody } from "../custody/custody.ts";
import type { Call, ChangeContext, Operation, Resolution, RunContext, Target } from "../pipeline/operation.ts";
import type { ResourceDirectory } from "../pipeline/simulation.ts";
import type { Reader } from "../storage/store.ts";
import { type ConditionKeys, iamConditionValues } from "./conditions.ts";
import type { CredentialUsages } from "./credential-usage.ts";
import type { IamResource } from "./resources.ts";
import type { Input, OperationName, Output } from "./shapes.ts";

/** What every run of an IAM operation gets beside its targets' resources. */
export interface Environment {
  readonly custody: Custody;
  readonly credentialUsages: CredentialUsages;
  readonly unknownPrincipals: UnknownPrincipals;
  /** What simulations find resources in. */
  readonly directory: ResourceDirectory;
}

/** An input whose members are not known by type. */
export type Members = Readonly<Record<string, unknown>>;

/** How an input leads to a resource. */
export interface Locator<R extends IamResource> {
  resolve(input: Members, call: Call, reader: Reader): Resolution<R>;
  /** What must hold of a found resource; throws. */
  fit?(resource: R): void;
}

/** One resource of an operation, and what may be done to it. */
export interface IamTarget<R extends IamResource, As extends string> {
  /** The name under which `run` gets the resource. */
  readonly as: As;
  /** Undefined: the resource must only exist; the permission is that of another target. */
  readonly action: `iam:${string}` | undefined;
  readonly resource: Locator<R>;
  when?(input: Members): boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: a target of any resource, from which it is inferred
type AnyTarget = IamTarget<any, string>;

type Resources<T extends readonly AnyTarget[]> = {
  readonly [K in T[number] as K["as"]]: K extends IamTarget<infer R, string> ? R : never;
};

type Context<T extends readonly AnyTarget[]> = RunContext & Environment & Resources<T>;
type ChangeOf<T extends readonly AnyTarget[], P> = ChangeContext<P> & Environment & Resources<T>;

interface Declared<I, O, T extends readonly AnyTarget[], C> {
  readonly targets: T;
  /** The condition keys of the request, for every target; tags of the resource are always there. */
  readonly conditions?: ConditionKeys;
  /** `responseElements`, where they are not the whole answer (secrets). */
  recorded?(output: O): Members | null;
  validate?(input: I, call: Call): void;
  run(input: I, context: C): O | Promise<O>;
}

/** An operation that only looks. */
export function read<N extends OperationName, const T extends readonly AnyTarget[], O extends Output<N>>(
  name: N,
  declared: Declared<Input<N>, O, T, Context<T>>,
): Operation {
  return compile(name, "read", declared);
}

/** An operation that changes rows; `prepare` does the slow part before the transaction. */
export function change<
  N extends OperationName,
  const T extends readonly AnyTarget[],
  O extends Output<N>,
  P = undefined,
>(
  name: N,
  declared: Declared<Input<N>, O, T, ChangeOf<T, P>> & { prepare?(input: Input<N>, context: Context<T>): Promise<P> },
): Operation {
  return { ...compile(name, "change", declared), ...(declared.prepare && { prepare: declared.prepare as never }) };
}

/**
 * IAM's records have every member of the request, which holds no secret, and of a change the whole answer (CloudTrail user
 * guide, IAM examples).
 */
function compile<I, O, T extends readonly AnyTarget[], C>(
  name: string,
  kind: "read" | "change",
  declared: Declared<I, O, T, C>,
): Operation {
  const { targets, conditions, recorded, validate, run } = declared;
  const response = (output: O): Members | null => (recorded === undefined ? (output as Members) : recorded(output));
  return {
    name,
    kind,
    targets: targets.map((target) => compileTarget(target, conditions)),
    record: {
      readOnly: kind === "read",
      request: (input) => elementsOf(input as Members),
      ...(kind === "change" && { response: (output) => elementsOf(response(output as O)) }),
      resources: undefined,
    },
    validate: (input, call) => validate?.(input as I, call),
    run: (input, context) => run(input as I, context as C),
  };
}

function compileTarget({ as, action, resource: locator, when }: AnyTarget, conditions?: ConditionKeys): Target {
  return {
    as,
    action,
    ...(when && { when: (input) => when(input as Members) }),
    resolve: (input, call, reader) => locator.resolve(input as Members, call, reader),
    allow: (resource) => locator.fit?.(resource),
    conditions: (key, question) => iamConditionValues(key, conditions, question),
  };
}

function elementsOf(members: Members | null): Members | null {
  return members === null || Object.keys(members).length === 0 ? null : members;
}
