/** Secrets Manager, without rotation and replicas. */

import { randomUUID } from "node:crypto";
import { UnsupportedOperationException } from "../../base/errors.ts";
import { forwardedCall } from "../../pipeline/forwarding.ts";
import type { Call, Service } from "../../pipeline/operation.ts";
import type { Pipeline } from "../../pipeline/pipeline.ts";
import { secretsManagerModel } from "../../wire/models.ts";
import type { ServiceCaller } from "../service-caller.ts";
import { batchGetSecretValue } from "./batch.ts";
import { InternalServiceError } from "./errors.ts";
import { listSecrets } from "./lists.ts";
import type { Environment, Input, Output } from "./operation.ts";
import { getRandomPassword } from "./random-password.ts";
import {
  deleteResourcePolicy,
  getResourcePolicy,
  putResourcePolicy,
  validateResourcePolicy,
} from "./resource-policies.ts";
import {
  createSecret,
  deleteSecret,
  describeSecret,
  restoreSecret,
  tagResource,
  untagResource,
  updateSecret,
} from "./secrets.ts";
import { getSecretValue, listSecretVersionIds, putSecretValue, updateSecretVersionStage } from "./versions.ts";

type ReadSecret = (input: Input<"GetSecretValue">, call: Call) => Promise<Output<"GetSecretValue">>;

/** Request bodies: a value of 64 KiB, escaped, with its description and tags. */
const BODY_BYTES_MAX = 524_288;

/** The Secrets Manager API over KMS. */
export function secretsManagerService({
  pipeline,
  ...environment
}: Omit<Environment, "getSecretValue"> & { readonly pipeline: Pipeline }): Service {
  const operations = [
    batchGetSecretValue,
    createSecret,
    deleteResourcePolicy,
    deleteSecret,
    describeSecret,
    getRandomPassword,
    getResourcePolicy,
    getSecretValue,
    listSecrets,
    listSecretVersionIds,
    putResourcePolicy,
    putSecretValue,
    restoreSecret,
    tagResource,
    untagResource,
    updateSecret,
    updateSecretVersionStage,
    validateResourcePolicy,
  ];
  const own: Pick<Environment, "getSecretValue"> = {
    async getSecretValue(input, call) {
      const one = { ...call, operation: getSecretValue.name, requestId: randomUUID() };
      return (await pipeline.perform(service, getSecretValue, { ...input }, one)) as Output<"GetSecretValue">;
    },
  };
  const service: Service = {
    model: secretsManagerModel(),
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment, ...own },
    bodyBytesMax: BODY_BYTES_MAX,
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation}.`),
    internal: (cause) => new InternalServiceError("", { cause }),
  };
  return service;
}

/** Reads secrets for a service that does so in its callers' names. Never in a transaction. */
export function forwardedSecrets(secrets: ServiceCaller): ReadSecret {
  return async (input, call) =>
    (await secrets.perform(getSecretValue.name, input, randomUUID(), (to) =>
      forwardedCall(call, { ...to, region: call.region }),
    )) as Output<"GetSecretValue">;
}
