/** Carries an operation's declaration out: resolve, authorize, absent, allow, check, dry run, run, record. */

import { accessDenied, decide } from "../access/decide.ts";
import { endpointPolicy } from "../access/endpoints.ts";
import { DryRunOperationException, ServiceError, ThrottlingException } from "../base/errors.ts";
import type { Reader, Store, Tx } from "../storage/store.ts";
import { ChangeGate } from "./change-gate.ts";
import type {
  Call,
  ChangeContext,
  Entry,
  Examined,
  Operation,
  Recorder,
  Resolution,
  Resource,
  RunContext,
  Service,
  Target,
} from "./operation.ts";
import { requestContext } from "./request-context.ts";
import type { Throttle } from "./throttle.ts";

/** The text that AWS answers to a dry run that would have succeeded (spec 09). */
const DRY_RUN = "The request would have succeeded, but the DryRun option is set.";

type Found = Record<string, Resource>;
type Make = (context: RunContext) => Promise<void>;

/** One request on its way; what it has found so far is what a failure's record can name. */
interface Attempt {
  readonly service: Service;
  readonly operation: Operation;
  readonly input: Readonly<Record<string, unknown>>;
  readonly call: Call;
  found: Found;
  /** The same, once the caller may know of them. */
  known: Found;
  /** Refused by the policy of a VPC endpoint: no trail tells of it (KMS guide, Logging of endpoint use). */
  unrecorded: boolean;
  examined: Examined;
}

/**
 * Performs operations of any service on a store, with a record for each.
 *
 * Every request that has a principal leaves here with its record written (but for those that a VPC endpoint refuses): a change's in its own transaction, every other
 * before the answer. When the record can't be written, the caller gets the service's internal error and nothing changed.
 */
export class Pipeline {
  readonly #store: Store;
  readonly #recorder: Recorder;
  readonly #changes = new ChangeGate();
  readonly #throttle: Throttle | undefined;

  /** @param options.throttle counts requests against quotas; absent where nothing is counted */
  constructor({ store, recorder, throttle }: { store: Store; recorder: Recorder; throttle?: Throttle }) {
    this.#store = store;
    this.#recorder = recorder;
    this.#throttle = throttle;
  }

  /**
   * @param input decoded and validated against the model
   * @returns the operation's output, once its record is safe
   * @throws ServiceError what the caller is told; recorded already
   */
  async perform(
    service: Service,
    operation: Operation,
    input: Readonly<Record<string, unknown>>,
    call: Call,
  ): Promise<unknown> {
    const attempt: Attempt = { service, operation, input, call, found: {}, known: {}, unrecorded: false, examined: {} };
    try {
      operation.validate?.(input, call);
      if (operation.examine !== undefined) {
        const examined = operation.examine(input, { ...service.environment, call, store: this.#store });
        attempt.examined = examined instanceof Promise ? await examined : examined;
      }
      if (this.#throttle !== undefined && operation.kind !== "use") await this.#count(attempt, this.#throttle);
      const output = operation.kind === "change" ? await this.#change(attempt) : await this.#use(attempt);
      service.performed?.(attempt);
      return output;
    } catch (cause) {
      throw await this.#fail(attempt, cause);
    }
  }

  /** Records a request that failed before it could be performed (its input did not decode) and returns what to answer. */
  async refuse(service: Service, call: Call, error: ServiceError, readOnly: boolean): Promise<ServiceError> {
    return this.#append(service, { call, readOnly, request: null, response: null, resources: undefined, error });
  }

  async #use(attempt: Attempt): Promise<unknown> {
    const { operation, input, service, call, examined } = attempt;
    if (this.#throttle === undefined || operation.kind !== "use") await this.#decideOnView(attempt);
    else await this.#decideAndCount(attempt, this.#throttle);
    const context = { ...service.environment, ...examined, call, store: this.#store, ...attempt.found };
    if (operation.check !== undefined) await operation.check(input, context);
    endDryRun(operation, input);
    const output = await operation.run(input, context);
    await this.#recorder.append(entryOf(attempt, output, context));
    return output;
  }

  async #change(attempt: Attempt): Promise<unknown> {
    const { operation, input, service, call, examined } = attempt;
    const base = { ...service.environment, ...examined, call, store: this.#store };
    let prepared: unknown;
    if (operation.prepare !== undefined) {
      await this.#decideOnView(attempt);
      prepared = await operation.prepare(input, { ...base, ...attempt.found });
    }
    const change = async (tx: Tx): Promise<unknown> => {
      await tx.settle((reader) => decideAll(attempt, reader));
      const context: ChangeContext<unknown> = { ...base, tx, prepared, ...attempt.found };
      if (operation.check !== undefined) await operation.check(input, context);
      endDryRun(operation, input);
      const output = await operation.run(input, context);
      await this.#recorder.enlist(tx, entryOf(attempt, output, context));
      return output;
    };
    const entered = await this.#changes.enter(call.principal.account);
    if (!entered) throw service.throttled?.() ?? new ThrottlingException("Rate exceeded");
    try {
      return await this.#store.transaction(change);
    } finally {
      this.#changes.leave();
    }
  }

  /** Decides on the view; makes what is made on first use, once, and decides again. */
  async #decideOnView(attempt: Attempt): Promise<void> {
    const settled = this.#store.settle((reader) => decideAll(attempt, reader, true));
    const make = settled instanceof Promise ? await settled : settled;
    if (make === undefined) return;
    await make({ ...attempt.service.environment, call: attempt.call, store: this.#store });
    await this.#store.settle((reader) => decideAll(attempt, reader));
  }

  /** A use is refused for its quota before it is refused for anything else. */
  async #decideAndCount(attempt: Attempt, throttle: Throttle): Promise<void> {
    try {
      await this.#decideOnView(attempt);
    } finally {
      await this.#count(attempt, throttle);
    }
  }

  /** @throws ServiceError the request is over one of its quotas */
  async #count({ operation, service, input, call, known }: Attempt, throttle: Throttle): Promise<void> {
    const charges = operation.quota?.(input, call, known) ?? [];
    if (
      charges.length === 0 ||
      (await throttle.admit(charges, call.now, (charge) => service.overQuota?.(charge, call)))
    )
      return;
    throw service.throttled?.() ?? new ThrottlingException("Rate exceeded");
  }

  async #fail(attempt: Attempt, cause: unknown): Promise<ServiceError> {
    const error = cause instanceof ServiceError ? cause : attempt.service.internal(cause);
    if (attempt.unrecorded) return error;
    const answer = await this.#append(attempt.service, failureOf(attempt, error));
    if (answer instanceof DryRunOperationException) attempt.service.performed?.(attempt);
    return answer;
  }

  async #append(service: Service, entry: Entry & { error: ServiceError }): Promise<ServiceError> {
    try {
      await this.#recorder.append(entry);
      return entry.error;
    } catch (cause) {
      return service.internal(cause);
    }
  }
}

/** @throws DryRunOperationException nothing was wrong, and the caller wanted to know no more than that */
function endDryRun({ dryRun }: Operation, input: Readonly<Record<string, unknown>>): void {
  if (dryRun === true && input["DryRun"] === true) throw new DryRunOperationException(DRY_RUN);
}

/**
 * Resolves and decides every target of an operation on one moment's rows, and leaves what it found in the attempt.
 *
 * @returns what makes an absent resource, where `mayMake` and the caller may use it
 */
function decideAll(attempt: Attempt, reader: Reader, mayMake = false): Make | undefined {
  const { operation, input, call } = attempt;
  const resolved: { readonly target: Target; readonly resolution: Resolution }[] = [];
  const found: Found = {};
  for (const target of operation.targets) {
    if (target.when !== undefined && !target.when(input, call)) continue;
    const resolution = target.resolve(input, call, reader);
    if (resolution.kind === "found") found[target.as] = resolution.resource;
    resolved.push({ target, resolution });
  }
  attempt.found = found;
  for (const { target, resolution } of resolved) authorize(target, resolution, attempt, reader);
  attempt.known = found;
  for (const { resolution } of resolved) {
    if (resolution.kind === "found") continue;
    if (mayMake && resolution.make !== undefined) return resolution.make;
    throw resolution.error();
  }
  for (const { target, resolution } of resolved) target.allow?.(resolution.resource, input, call);
  return undefined;
}

function authorize(target: Target, { kind, resource }: Resolution, attempt: Attempt, reader: Reader): void {
  if (target.action === undefined) return;
  const { call, input, found, examined } = attempt;
  const { vpcEndpoint } = call.client;
  const question = { input, call, resource, found, examined, reader };
  const request = {
    principal: call.principal,
    action: target.action,
    resource,
    absent: kind === "absent",
    context: requestContext(question, (key) => target.conditions?.(key, question)),
    granted: (names: readonly string[]) => target.granted?.(names, question),
    ...(vpcEndpoint !== undefined && { endpointPolicy: endpointPolicy(vpcEndpoint, call, reader) }),
  };
  const decision = decide(request, reader);
  if (decision.allowed) return;
  attempt.unrecorded = decision.by === "VPC endpoint policy";
  throw target.denied?.(call, input, decision) ?? accessDenied(request, decision);
}

/** The facts of a success; the rule's functions see the output and the run's context. */
function entryOf(
  { operation: { record }, input, call, found, known, examined }: Attempt,
  output: unknown,
  context: unknown,
): Entry {
  const resources = record.resources?.flatMap((as) => found[as] ?? []);
  return {
    call,
    readOnly: record.readOnly,
    request: requestOf(record, input, call),
    response: record.response?.(output, context) ?? null,
    resources: record.created === undefined ? resources : [...(resources ?? []), ...record.created(output)],
    additional: joined(
      joined(record.received?.(call), record.known?.(known)),
      joined(record.additional?.(output, context), record.examined?.(examined)),
    ),
  };
}

function failureOf({ operation: { record }, input, call, found, known, examined }: Attempt, error: ServiceError) {
  return {
    call,
    readOnly: record.readOnly,
    request: requestOf(record, input, call),
    response: null,
    resources: record.resources?.flatMap((as) => found[as] ?? []),
    additional: joined(record.received?.(call), joined(record.known?.(known), record.examined?.(examined))),
    error,
  };
}

type Members = Readonly<Record<string, unknown>>;

/** Names that stay as they are (`verbatimMembers`) do so while no others come beside them. */
function joined(left: Members | undefined, right: Members | undefined): Members | undefined {
  return left === undefined || right === undefined ? (left ?? right) : { ...left, ...right };
}

/** A dry run shows in every record that it has (spec 08, DryRun), whatever else the rule records. */
function requestOf(rule: Operation["record"], input: Members, call: Call): Members | null {
  const recorded = recordedOf(rule.request, input);
  const brought = rule.brought?.(call);
  if (brought !== undefined) return { ...recorded, ...brought };
  return input["DryRun"] === true ? { ...recorded, DryRun: true } : recorded;
}

function recordedOf(
  rule: Operation["record"]["request"],
  input: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | null {
  if (rule === null) return null;
  if (typeof rule === "function") return rule(input);
  const request: Record<string, unknown> = {};
  for (const member of rule as readonly string[]) {
    if (input[member] !== undefined) request[member] = input[member];
  }
  return request;
}
