/** How an operation of CloudTrail is declared: `read` and `change`. */

import type { CloudTrail } from "@aws-sdk/client-cloudtrail";
import type { Custody } from "../../custody/custody.ts";
import type { InputOf, OperationsOf, OutputOf } from "../../pipeline/client-types.ts";
import type { Call, ChangeContext, Operation, RunContext, Target } from "../../pipeline/operation.ts";
import type { EventHistory } from "../history/history.ts";
import type { TrailBuckets } from "../trails/buckets.ts";
import type { DigestKeys } from "../trails/digest-keys.ts";
import type { TrailKms } from "../trails/kms.ts";

/** What every run gets. */
export interface Environment {
  readonly custody: Custody;
  readonly history: EventHistory;
  readonly buckets: TrailBuckets;
  readonly kms: TrailKms;
  readonly digestKeys: DigestKeys;
}

export type OperationName = OperationsOf<CloudTrail>;
export type Input<N extends OperationName> = InputOf<CloudTrail, N>;
export type Output<N extends OperationName> = OutputOf<CloudTrail, N>;
export type ReadContext = RunContext & Environment;
export type WriteContext<P = undefined> = ChangeContext<P> & Environment;

type Members = Readonly<Record<string, unknown>>;

interface Declared<N extends OperationName, C> {
  /** The ARN that it is authorized on; `*` when not given. */
  readonly on?: (input: Input<N>, call: Call) => string;
  readonly quota?: NonNullable<Operation["quota"]>;
  validate?(input: Input<N>, call: Call): void;
  run(input: Input<N>, context: C): Output<N> | Promise<Output<N>>;
}

/** An operation that only looks. */
export function read<N extends OperationName>(name: N, declared: Declared<N, ReadContext>): Operation {
  const { on, ...rest } = declared;
  return {
    ...(rest as unknown as Operation),
    name,
    kind: "read",
    targets: [targetOf(name, on)],
    record: { readOnly: true, request: (input) => nonEmpty(input as Members), resources: undefined },
  };
}

/** An operation that changes trails; `prepare` calls other services before the transaction. */
export function change<N extends OperationName, P = undefined>(
  name: N,
  declared: Declared<N, WriteContext<P>> & { prepare?(input: Input<N>, context: ReadContext): Promise<P> },
): Operation {
  const { on, ...rest } = declared;
  return {
    ...(rest as unknown as Operation),
    name,
    kind: "change",
    targets: [targetOf(name, on)],
    record: {
      readOnly: false,
      request: (input) => nonEmpty(input as Members),
      response: (output) => nonEmpty(output as Members),
      resources: undefined,
    },
  };
}

function targetOf<I>(name: string, on: ((input: I, call: Call) => string) | undefined): Target {
  const action = `cloudtrail:${name}`;
  return {
    as: "target",
    action,
    resolve(input, call) {
      const arn = on?.(input as I, call) ?? "*";
      return { kind: "found", resource: { arn, account: call.principal.account } };
    },
  };
}

function nonEmpty(members: Members): Members | null {
  return Object.keys(members).length === 0 ? null : members;
}
