/** How the operations of EventBridge and CloudWatch are declared: `reader` and `changer`. */

import { asArn } from "../base/arn.ts";
import { UnsupportedOperationException } from "../base/errors.ts";
import type { Custody } from "../custody/custody.ts";
import type { Call, ChangeContext, Operation, RunContext, Target } from "../pipeline/operation.ts";

/** What every run gets of its service. */
export interface SignalEnvironment {
  readonly custody: Custody;
}

/** What an operation is on: ARNs, which need not exist. */
export type ArnsOf<I> = (input: I, call: Call) => readonly string[];

/** What a run that only looks gets. */
export type ReadContext<E> = RunContext & E;
export type WriteContext<E> = ChangeContext & E;

interface Declared<I, O, C> {
  /** The action without its service, where it isn't the operation's name. */
  readonly action?: string;
  /** On how many things at most the operation is; each is authorized. */
  readonly on: ArnsOf<I>;
  readonly onMax?: number;
  validate?(input: I): void;
  /** What the record has in place of the whole input. */
  recorded?(input: I): Readonly<Record<string, unknown>>;
  run(input: I, context: C): O | Promise<O>;
}

/** Declares an operation of a service whose actions begin with `prefix`. */
export function declare<I, O, C>(
  { prefix, name, kind }: { readonly prefix: string; readonly name: string; readonly kind: "read" | "change" },
  { action = name, on, onMax = 1, validate, recorded, run }: Declared<I, O, C>,
): Operation {
  const targets = Array.from({ length: onMax }, (_, index): Target => targetOf(`${prefix}:${action}`, on, index));
  return {
    name,
    kind,
    targets,
    record: {
      readOnly: kind === "read",
      request: (input) => nonEmpty(recorded?.(input as I) ?? (input as Readonly<Record<string, unknown>>)),
      ...(kind === "change" && { response: (output) => nonEmpty((output ?? {}) as Readonly<Record<string, unknown>>) }),
      resources: undefined,
    },
    ...(validate !== undefined && { validate: (input) => validate(input as I) }),
    run: (input, context) => run(input as I, context as C),
  };
}

function targetOf<I>(action: string, on: ArnsOf<I>, index: number): Target {
  return {
    as: `target${index}`,
    action,
    when: (input, call) => index < on(input as I, call).length,
    resolve(input, call) {
      const arn = on(input as I, call)[index] ?? "*";
      const { account } = call.principal;
      return { kind: "found", resource: { arn, account: asArn(arn)?.account ?? account } };
    },
  };
}

/**
 * Targets are the operator's endpoints, of which an account may use its own alone: on AWS, the policy of a queue or topic would say
 * who else may.
 *
 * @throws UnsupportedOperationException an ARN is of another account
 */
export function requireOwnArns(arns: readonly (string | undefined)[], { principal }: Call): void {
  for (const arn of arns) {
    const account = asArn(arn ?? "")?.account ?? "";
    if (!/^[0-9]{12}$/.test(account) || account === principal.account) continue;
    throw new UnsupportedOperationException("Keystead does not support targets in other accounts yet.");
  }
}

function nonEmpty(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | null {
  return Object.keys(members).length === 0 ? null : members;
}
