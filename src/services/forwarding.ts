/** How a service calls KMS for whoever called it: as that caller, through the same pipeline, with a record of its own. */

import { randomUUID } from "node:crypto";
import { asArn } from "../base/arn.ts";
import { ServiceError } from "../base/errors.ts";
import type { Principal } from "../identity/principal.ts";
import { makeManagedKey, RESERVED_PREFIX } from "../kms/aws-managed.ts";
import type { Input, OperationName, Output } from "../kms/shapes.ts";
import { forwardedCall, ownCall } from "../pipeline/forwarding.ts";
import type { Call, Service } from "../pipeline/operation.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Store } from "../storage/store.ts";
import { type Called, ServiceCaller } from "./service-caller.ts";

/** KMS refused what a service asked in its caller's name: recorded by then, and for the service to put in its own words. */
export class KmsRefusal extends Error {
  override readonly name = "KmsRefusal";
  override readonly cause: ServiceError;
  readonly requestId: string;

  constructor(cause: ServiceError, requestId: string) {
    super(cause.message, { cause });
    this.cause = cause;
    this.requestId = requestId;
  }

  /** The error of KMS as AWS's services quote it, with the suffix that the SDK for Java puts there. */
  get quoted(): string {
    const { message, code, status } = this.cause;
    const facts = `(Service: AWSKMS; Status Code: ${status}; Error Code: ${code}; Request ID: ${this.requestId}; Proxy: null)`;
    return `${message === "" ? "null" : message} ${facts}`;
  }
}

/** KMS for services. */
export class ForwardingKms {
  readonly #caller: ServiceCaller;
  readonly #kms: Service;
  readonly #store: Store;

  constructor({ pipeline, kms, store }: { readonly pipeline: Pipeline; readonly kms: Service; readonly store: Store }) {
    this.#caller = new ServiceCaller(pipeline, kms);
    this.#kms = kms;
    this.#store = store;
  }

  /**
   * Performs an operation of KMS for the caller of `call`, with the service of `call` between them. Never call it in a transaction.
   *
   * @param region where, when that is not the Region of the call
   * @throws KmsRefusal whatever KMS answers but a success
   */
  perform<N extends OperationName>(
    call: Call,
    name: N,
    input: Input<N>,
    { region = call.region }: { readonly region?: string } = {},
  ): Promise<Output<N>> {
    return this.#perform(name, input, (to) => forwardedCall(call, { ...to, region }));
  }

  /**
   * The same in the name of a principal of the service itself, which holds a grant: nobody else invoked it.
   *
   * @throws KmsRefusal whatever KMS answers but a success
   */
  performAs<N extends OperationName>(
    principal: Principal,
    call: Call,
    name: N,
    input: Input<N>,
    { region = call.region }: { readonly region?: string } = {},
  ): Promise<Output<N>> {
    return this.#perform(name, input, (to) => ownCall(principal, call, { ...to, region }));
  }

  async #perform<N extends OperationName>(name: N, input: Input<N>, callOf: (to: Called) => Call): Promise<Output<N>> {
    const requestId = randomUUID();
    try {
      return (await this.#caller.perform(name, input, requestId, callOf)) as Output<N>;
    } catch (cause) {
      throw cause instanceof ServiceError ? new KmsRefusal(cause, requestId) : cause;
    }
  }

  /**
   * What names the key to use: what a request names, else the alias of the AWS managed key of the service. That key is made with the
   * first use (spec 01, AWS managed keys), also where a request names it; making it takes no permission of the caller's beside the one
   * to use the service.
   *
   * @param service as in `alias/aws/<service>`
   */
  async keyName(call: Call, service: string, given: string | undefined): Promise<string> {
    const alias = `${RESERVED_PREFIX}${service}`;
    const { account } = call.principal;
    const name = given ?? alias;
    const arn = asArn(name);
    const isManaged = arn === undefined ? name === alias : arn.resource === alias && arn.account === account;
    if (!isManaged || (arn !== undefined && arn.region !== call.region)) return name;
    const found = await this.#store.settle((reader) => reader.find("alias", call.region, account, alias));
    if (found === undefined) await makeManagedKey(alias, { ...this.#kms.environment, call, store: this.#store });
    return name;
  }
}
