/** How a service calls another one inside this server: through the same pipeline, with a record of its own. */

import type { Call, Service } from "../pipeline/operation.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { Failures } from "../wire/constraints.ts";

/** What is called. */
export interface Called {
  readonly service: Service;
  readonly operation: string;
  readonly requestId: string;
}

/** Performs operations of one service. */
export class ServiceCaller {
  readonly #pipeline: Pipeline;
  readonly #service: Service;

  constructor(pipeline: Pipeline, service: Service) {
    this.#pipeline = pipeline;
    this.#service = service;
  }

  /**
   * Performs an operation; its input is validated as one that was sent.
   *
   * @param callOf the call that it is
   * @throws ServiceError whatever the service answers but a success
   */
  async perform(
    operation: string,
    input: Readonly<Record<string, unknown>>,
    requestId: string,
    callOf: (to: Called) => Call,
  ): Promise<unknown> {
    const service = this.#service;
    const declared = service.operations.get(operation);
    const model = service.model.operations.get(operation);
    if (declared === undefined || model === undefined) throw new Error(`${service.model.id} has no ${operation}.`);
    const call = callOf({ service, operation, requestId });
    const failures = new Failures();
    model.input.validate(input, "", failures);
    failures.throwIfAny();
    return await this.#pipeline.perform(service, declared, input, call);
  }
}
