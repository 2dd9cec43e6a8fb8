/** How an operation of KMS is declared: `use`, `read` and `change`. */

import type { UnknownPrincipals } from "../access/principals.ts";
import { InvalidKeyUsageException } from "../base/errors.ts";
import type { Custody } from "../custody/custody.ts";
import type { AttestationVerifier } from "../identity/attestation-verifier.ts";
import type {
  Call,
  ChangeContext,
  Examined,
  Operation,
  Recorder,
  RecordRule,
  Resource,
  RunContext,
  Target,
} from "../pipeline/operation.ts";
import { type ConditionKeys, kmsConditionValues } from "./conditions.ts";
import { findGrantOperation } from "./grant-operations.ts";
import { requireGrantTokens } from "./grant-tokens.ts";
import { findGrant } from "./grants.ts";
import { requireState, type StateRule, stateOf } from "./key-states.ts";
import type { Clusters } from "./key-stores/clusters.ts";
import { outerLayerOf } from "./key-stores/outer-layer.ts";
import { tokenLayerOf } from "./key-stores/token-keys.ts";
import type { XksClient } from "./key-stores/xks-client.ts";
import type { LastUsages } from "./last-usage.ts";
import { chargesOf } from "./quotas/charges.ts";
import { Key, type Locator } from "./resources.ts";
import type { Input, OperationName, Output } from "./shapes.ts";

/** What every run of a KMS operation gets beside its targets' resources. */
export interface Environment {
  readonly custody: Custody;
  readonly recorder: Recorder;
  readonly lastUsages: LastUsages;
  readonly unknownPrincipals: UnknownPrincipals;
  readonly attestations: AttestationVerifier;
  readonly xks: XksClient;
  readonly clusters: Clusters;
}

/** One resource of an operation: what it is, what may be done to it, and what must hold of it. */
export interface KmsTarget<I, R extends Resource, As extends string> {
  /** The name under which `run` gets the resource. */
  readonly as: As;
  /** Undefined: the resource must only exist; the permission is that of another target. */
  readonly action: `kms:${string}` | `iam:${string}` | `cloudhsm:${string}` | undefined;
  readonly resource: Locator<I, R>;
  /** The operation's row of the key-state table. */
  readonly states?: StateRule;
  /** The usage that the key must have. */
  readonly usage?: string;
  when?(input: I): boolean;
  /** The condition keys of this target alone, instead of the operation's. */
  readonly conditions?: ConditionKeys<I>;
}

// biome-ignore lint/suspicious/noExplicitAny: a target of any input and resource, from which both are inferred
export type AnyTarget = KmsTarget<any, any, string>;

/** The resources of targets, each under its name. */
type Resources<T extends readonly AnyTarget[]> = {
  readonly [K in T[number] as K["as"]]: K extends KmsTarget<never, infer R, string> ? R : never;
};

export type Context<T extends readonly AnyTarget[]> = RunContext & Environment & Resources<T>;
type ChangeOf<T extends readonly AnyTarget[], P> = ChangeContext<P> & Environment & Resources<T>;

export interface Declared<I, O, T extends readonly AnyTarget[], C> {
  readonly targets: T;
  readonly record: RecordRule<I, O, C>;
  readonly dryRun?: boolean;
  /** The condition keys of the request, for every target; those of a key itself are always there. */
  readonly conditions?: ConditionKeys<I>;
  validate?(input: I, call: Call): void;
  /** As `Operation.examine`. */
  examine?(input: I, context: RunContext & Environment): Examined | Promise<Examined>;
  check?(input: I, context: C): void | Promise<void>;
  run(input: I, context: C): O | Promise<O>;
}

/** An operation that only looks. */
export function read<N extends OperationName, const T extends readonly AnyTarget[], O extends Output<N>>(
  name: N,
  declared: Declared<Input<N>, O, T, Context<T>>,
): Operation {
  return compile(name, "read", declared);
}

/** An operation that uses key material or the random generator, and changes no row. */
export function use<N extends OperationName, const T extends readonly AnyTarget[], O extends Output<N>>(
  name: N,
  declared: Declared<Input<N>, O, T, Context<T>>,
): Operation {
  const operation = compile(name, "use", declared);
  const { check, run, record } = operation;
  const names = declared.targets.map(({ as }) => as);
  return {
    ...operation,
    ...(check && { check: (input, context) => check(input, throughKeyStores(context, names)) }),
    run: (input, context) => run(input, throughKeyStores(context, names)),
    record: { ...record, known: recordedKeyStores },
  };
}

/** The context in which keys of custom key stores encrypt through their proxies and clusters. */
function throughKeyStores(context: unknown, names: readonly string[]): unknown {
  const found = context as Readonly<Record<string, unknown>>;
  let through = context;
  for (const as of names) {
    const resource = found[as];
    if (!(resource instanceof Key) || resource.row.key_store_id === null || !resource.hasMaterial) continue;
    const environment = context as Environment & RunContext;
    const outer =
      resource.row.origin === "AWS_CLOUDHSM"
        ? tokenLayerOf(resource, environment.clusters)
        : outerLayerOf(resource, environment.xks, environment);
    through = { ...(through as object), [as]: resource.through(outer) };
  }
  return through;
}

/** What records of a use say of custom key stores; of ReEncrypt's keys each for itself. */
function recordedKeyStores(known: Readonly<Record<string, Resource>>): Readonly<Record<string, string>> | undefined {
  let members: Record<string, string> | undefined;
  for (const [as, resource] of Object.entries(known)) {
    if (!(resource instanceof Key) || resource.row.key_store_id === null) continue;
    const { key_store_id, xks_key_id } = resource.row;
    const prefix = as === "key" ? "" : as;
    members = {
      ...members,
      [`${prefix}CustomKeyStoreId`]: key_store_id,
      ...(xks_key_id !== null && { [`${prefix}XksKeyId`]: xks_key_id }),
    };
  }
  return members;
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

function compile<I, O, T extends readonly AnyTarget[], C>(
  name: string,
  kind: Operation["kind"],
  declared: Declared<I, O, T, C>,
): Operation {
  const { validate, conditions, targets } = declared;
  return {
    ...(declared as unknown as Operation),
    ...chargesOf(name),
    name,
    kind,
    targets: targets.map((target, index) =>
      compileTarget({ ...(conditions && { conditions }), ...target }, { isFirst: index === 0 }),
    ),
    ...(validate && { validate: (input, call) => validate(input as I, call) }),
  };
}

/** @param isFirst whether the tokens of the request are looked at with it, before anything else is */
function compileTarget(target: AnyTarget, { isFirst }: { isFirst: boolean }): Target {
  const { as, action, resource: locator, states, usage, when, conditions } = target;
  const grantOperation = action === undefined ? undefined : findGrantOperation(action);
  return {
    as,
    action,
    ...(when && { when }),
    resolve(input, call, reader) {
      if (isFirst) requireGrantTokens(input, call, reader);
      return locator.resolve(input, call, reader);
    },
    allow(resource, input, call) {
      if (resource instanceof Key && states !== undefined)
        requireState(states, stateOf(resource, call.now), resource.arn);
      locator.fit?.(resource, input);
      if (resource instanceof Key && usage !== undefined) requireUsage(usage, resource, call.operation);
    },
    ...(locator.denied && { denied: locator.denied }),
    conditions: (key, { input, ...facts }) => kmsConditionValues(key, conditions, input, facts),
    ...(grantOperation !== undefined && {
      granted: (names, question) => findGrant(grantOperation, names, question),
    }),
  };
}

/** The text is recorded on AWS (spec 09). */
function requireUsage(usage: string, { row, arn }: Key, operation: string): void {
  if (row.usage !== usage) {
    throw new InvalidKeyUsageException(`${arn} key usage is ${row.usage} which is not valid for ${operation}.`);
  }
}
