/** The types of a service: what an operation declares, and what the pipeline gives it. */

import type { Denial, GrantMatch } from "../access/decide.ts";
import type { ServiceError, ValidationException } from "../base/errors.ts";
import type { Principal } from "../identity/principal.ts";
import type { PayloadScheme } from "../identity/sigv4.ts";
import type { CompiledPolicy } from "../policy/policy.ts";
import type { Reader, Store, Tx } from "../storage/store.ts";
import type { ServiceModel } from "../wire/model.ts";
import type { Propagation } from "./propagation.ts";
import type { Quotas } from "./quotas.ts";
import type { Charge } from "./throttle.ts";

/** One request, as far as operations and records may know it. */
export interface Call {
  readonly requestId: string;
  /** The signing name of the service, such as `kms`. */
  readonly service: string;
  readonly operation: string;
  readonly principal: Principal;
  readonly partition: string;
  /** From the credential scope. */
  readonly region: string;
  /** Milliseconds since the epoch, by the injected clock, read once. */
  readonly now: number;
  /** How changes lag; absent: not at all. */
  readonly propagation?: Propagation;
  /** What quotas hold; absent: those of AWS. */
  readonly quotas?: Quotas;
  readonly client: Client;
  /**
   * The services through which it comes, by their signing names, the first that was called first; absent of what callers send
   * themselves. See forwarding.ts.
   */
  readonly via?: readonly [string, ...string[]];
}

export interface Client {
  readonly address: string;
  readonly userAgent: string | undefined;
  /** The Referer header as received. */
  readonly referer?: string;
  /** The Host header as received. */
  readonly host: string;
  /** The VPC endpoint through which the request came; it need not exist. */
  readonly vpcEndpoint?: string;
  /** Absent on plain HTTP. */
  readonly tls?: {
    readonly version: string;
    readonly cipherSuite: string;
    /** The group of the key exchange, where there was one. */
    readonly keyExchange?: string;
  };
}

/** A thing that an action is on. */
export interface Resource {
  readonly arn: string;
  readonly account: string;
  /** Its resource policy; absent for kinds that have none (aliases, the account itself). */
  readonly policy?: CompiledPolicy;
  /** Whether its account's identity policies allow without it; see `AccessRequest`. */
  readonly ownedByAccount?: boolean;
  /** Whether no resource control policy limits it; see `AccessRequest`. */
  readonly exempt?: boolean;
  /** Where the action on it is carried out, when that is not the Region of the call (ReplicateKey): `aws:RequestedRegion`. */
  readonly region?: string;
}

/**
 * What a target came to. An absent one keeps the ARN that was meant, so that it is authorized before its error is told.
 */
export type Resolution<R extends Resource = Resource> =
  | { readonly kind: "found"; readonly resource: R }
  | {
      readonly kind: "absent";
      readonly resource: Resource;
      /** Made only when it is thrown: errors are dear. */
      readonly error: () => ServiceError;
      /**
       * Makes the resource, in a transaction of its own, for a caller who may use it; then the targets are decided anew
       * (DescribeKey makes AWS managed keys).
       */
      readonly make?: (context: RunContext) => Promise<void>;
    };

/** One thing that the caller must be allowed to do, and what has to hold of its resource. */
export interface Target<I = unknown, R extends Resource = Resource, As extends string = string> {
  readonly as: As;
  /** Such as `kms:Encrypt`; undefined where the resource must only exist and another target holds the permission. */
  readonly action: string | undefined;
  /** Targets may depend on the input: Tags add `kms:TagResource`. Always there when not given. */
  when?(input: I, call: Call): boolean;
  /**
   * Finds the resource that the input means. Synchronous: it may run several times (see `Reader`), and decides nothing.
   *
   * @throws ServiceError for an identifier that cannot be parsed or is of a form that the operation does not take
   */
  resolve(input: I, call: Call, reader: Reader): Resolution<R>;
  /** States, usage, spec and algorithm: throws the operation's error when the found resource does not fit. */
  allow?(resource: R, input: I, call: Call): void;
  /** The error for a caller who may not; undefined for the common one. A ciphertext must not tell strangers what it names. */
  denied?(call: Call, input: I, denial: Denial): ServiceError | undefined;
  /**
   * The values of the service's own condition keys, beside the global ones.
   *
   * @param key in lower case
   * @returns undefined when the request has no such key
   */
  conditions?(key: string, question: Question<I>): readonly string[] | undefined;
  /**
   * The grant on the found resource, if any, that lets a grantee of one of these names do the action. Asked only when no policy
   * denies and none allows.
   *
   * @param granteeNames ARNs: the caller's own, its role's, or its account's root
   */
  granted?(granteeNames: readonly string[], question: Question<I>): GrantMatch | undefined;
}

/** What a condition key may look at. */
export interface Question<I = unknown> {
  readonly input: I;
  readonly call: Call;
  /** What the target came to. */
  readonly resource: Resource;
  /** The resources of the operation that were found, under the names of their targets. */
  readonly found: Readonly<Record<string, Resource>>;
  /** Rows of the moment in which it is decided. */
  readonly reader: Reader;
  /** What the operation's `examine` came to. */
  readonly examined: Examined;
}

/** What an operation learned of its input, once for the request. */
export type Examined = Readonly<Record<string, unknown>>;

/** What the record of an operation says (CloudTrail, spec 02). Member names are the API's; audit lowers the first letter. */
export interface RecordRule<I = unknown, O = unknown, C = unknown> {
  readonly readOnly: boolean;
  /** Members of the input that are recorded, or the whole `requestParameters`; null where AWS records null. */
  readonly request: readonly (keyof I & string)[] | null | ((input: I) => Readonly<Record<string, unknown>> | null);
  /** What `requestParameters` say beside the input: what the caller's session or token brought (AssumeRole). */
  brought?(call: Call): Readonly<Record<string, unknown>> | undefined;
  /** `responseElements` of a success; null when not given. */
  response?(output: O, context: C): Readonly<Record<string, unknown>> | null;
  /** The targets whose resources are listed, in AWS's order; undefined where records have no such list (IAM). */
  readonly resources: readonly string[] | undefined;
  /** Resources that only the run knows (CreateKey), listed after those of the targets. */
  created?(output: O): readonly { readonly arn: string; readonly account: string }[];
  /** `additionalEventData`. */
  additional?(output: O | undefined, context: C): Readonly<Record<string, unknown>> | undefined;
  /** What `additionalEventData` says of what was found, as far as the caller may know of it; in the records of refusals too. */
  known?(known: Readonly<Record<string, Resource>>): Readonly<Record<string, unknown>> | undefined;
  /** What `additionalEventData` says of how the request came, in the records of refusals too. */
  received?(call: Call): Readonly<Record<string, unknown>>;
  /** What `additionalEventData` says of the examined input, in the records of refusals too. */
  examined?(examined: Examined): Readonly<Record<string, unknown>> | undefined;
}

/** What every run gets beside its targets' resources (each under its `as`) and the service's own environment. */
export interface RunContext {
  readonly call: Call;
  readonly store: Store;
}

/** What a change gets beside: its transaction, and what `prepare` returned. */
export interface ChangeContext<P = undefined> extends RunContext {
  readonly tx: Tx;
  readonly prepared: P;
}

/**
 * An operation. `C` is the context that `run` and the record rule get: RunContext or ChangeContext, the environment of the
 * service and the resources of the targets by name.
 */
export interface Operation<I = unknown, O = unknown, C = unknown> {
  readonly name: string;
  /**
   * - `read`, `use`: decided on the view; the record is appended before the answer;
   * - `change`: decided on rows inside a transaction in which `run` works and its record commits.
   */
  readonly kind: "read" | "use" | "change";
  readonly targets: readonly Target<I>[];
  readonly record: RecordRule<I, O, C>;
  /**
   * Of an operation that takes unsigned requests: who calls, by what the input proves. A request that proves nobody leaves no
   * record, as one with a wrong signature does not.
   *
   * @throws ServiceError the input proves nobody
   */
  identify?(input: I, context: UnsignedContext): Promise<Principal>;
  /**
   * What a request takes of the service's request quotas. Uses are counted once it is known what they use, everything else when
   * it comes.
   *
   * @param found the resources of a use, under the names of its targets; none where the caller may not use them, so that the
   *   quota doesn't tell what they are
   */
  quota?(input: I, call: Call, found: Readonly<Record<string, Resource>>): readonly Charge[];
  /** What needs the input alone; runs before anything is resolved. Throws. */
  validate?(input: I, call: Call): void;
  /**
   * Learns what conditions, `check`, `run` and the record ask of the input where that takes more than reading it (an attestation
   * document is verified, the last use of a key is looked up); runs once, after `validate` and before anything is resolved. What it returns joins the context of
   * `check` and `run`, over the service's environment. What is wrong with the input can be told later, by `check`, so that
   * authorization speaks first.
   *
   * @param context the service's environment and the call
   */
  examine?(input: I, context: RunContext): Examined | Promise<Examined>;
  /** Whether the input's `DryRun` ends the operation before `run`. */
  readonly dryRun?: boolean;
  /** What needs input and resources: sizes, the ciphertext. Throws. */
  check?(input: I, context: C): void | Promise<void>;
  /** Slow work outside the transaction of a change, after a first authorization on the view. */
  prepare?(input: I, context: C): Promise<unknown>;
  run(input: I, context: C): O | Promise<O>;
}

/** What an operation that takes unsigned requests gets to tell who calls, beside the service's environment. */
export interface UnsignedContext {
  readonly store: Store;
  /** Of the Region that the request came for. */
  readonly partition: string;
}

/** A request that has been performed. */
export interface Performed {
  readonly operation: Operation;
  readonly input: Readonly<Record<string, unknown>>;
  readonly call: Call;
  /** The resources that it was about, under the names of its targets. */
  readonly known: Readonly<Record<string, Resource>>;
}

/** A service: a model, its operations, and the environment that its runs get. */
export interface Service {
  readonly model: ServiceModel;
  readonly operations: ReadonlyMap<string, Operation>;
  readonly environment: Readonly<Record<string, unknown>>;
  /**
   * Of services that a partition has once: the Region in which they run, whatever the credential scope says; calls and records
   * name that one.
   */
  homeRegion?(partition: string): string;
  /** Larger bodies are refused before they are read. */
  readonly bodyBytesMax: number;
  /** How payloads are signed and sent, where that is not the way of most services (S3). */
  readonly payloads?: PayloadScheme;
  /** What the service answers to input that breaks its model, where that is not ValidationException. */
  invalid?(cause: ValidationException): ServiceError;
  /** Whether a caller of that kind may call the service at all; every one when not given. */
  admits?(principal: Principal): boolean;
  /** What is answered to a request over a request quota, where that is not the text of most services. */
  throttled?(): ServiceError;
  /** Is told of a request that is over a request quota, and over which. */
  overQuota?(charge: Charge, call: Call): void;
  /** Is told of a request that was performed, or would have been but for its `DryRun`, once its record is safe. Must not throw. */
  performed?(request: Performed): void;
  /** What an operation that is in the model but not in `operations` answers. */
  unsupported(operation: string): ServiceError;
  /** What the service answers for a fault of ours (KMS: KMSInternalException). */
  internal(cause: unknown): ServiceError;
}

/** The finished facts of one request's record. */
export interface Entry {
  readonly call: Call;
  readonly readOnly: boolean;
  readonly request: Readonly<Record<string, unknown>> | null;
  readonly response: Readonly<Record<string, unknown>> | null;
  /** Undefined: the record has no `resources` member. */
  readonly resources: readonly { readonly arn: string; readonly account: string }[] | undefined;
  readonly additional?: Readonly<Record<string, unknown>> | undefined;
  readonly error?: ServiceError | undefined;
  /** The service that made the call in the principal's name, such as `kms.amazonaws.com`. */
  readonly invokedBy?: string;
}

/** The event that EventBridge gets of what a service did by itself; its source is the service, its resources are the record's. */
export interface Notice {
  /** Such as `KMS CMK Rotation`. */
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Something that the service did by itself, such as deleting a key whose waiting period is over. */
export interface InternalEntry {
  readonly service: string;
  readonly event: string;
  readonly account: string;
  readonly region: string;
  readonly now: number;
  readonly response: Readonly<Record<string, unknown>> | null;
  /** Undefined: the record has no `resources` member. */
  readonly resources: readonly { readonly arn: string; readonly account: string }[] | undefined;
  /** Who did it, as records of the service name it; `AWS Internal` when not given. */
  readonly invokedBy?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** `additionalEventData`. */
  readonly additional?: Readonly<Record<string, unknown>>;
  /** What AWS records as a call of its own, with a request id (SynchronizeMultiRegionKey); else it is a service event. */
  readonly requestId?: string;
  /** The service's own event of it, beside the record. */
  readonly notice?: Notice;
}

/** Where records go; `audit/` is the one implementation, and `cli/` joins it with the pipeline. */
export interface Recorder {
  /** Hands the record of a read, a use or a failed request to the operating system. The answer waits for it. */
  append(entry: Entry): Promise<void>;
  /** Writes the record of a change into the change's own transaction. */
  enlist(tx: Tx, entry: Entry | InternalEntry): Promise<void>;
}
