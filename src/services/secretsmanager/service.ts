/** Secrets Manager, without rotation, replicas and resource policies. */

import { UnsupportedOperationException } from "../../base/errors.ts";
import type { Service } from "../../pipeline/operation.ts";
import { secretsManagerModel } from "../../wire/models.ts";
import { InternalServiceError } from "./errors.ts";
import { listSecrets } from "./lists.ts";
import type { Environment } from "./operation.ts";
import { getRandomPassword } from "./random-password.ts";
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

/** Request bodies: a value of 64 KiB, escaped, with its description and tags. */
const BODY_BYTES_MAX = 524_288;

/** The Secrets Manager API over KMS. */
export function secretsManagerService(environment: Environment): Service {
  const operations = [
    createSecret,
    deleteSecret,
    describeSecret,
    getRandomPassword,
    getSecretValue,
    listSecrets,
    listSecretVersionIds,
    putSecretValue,
    restoreSecret,
    tagResource,
    untagResource,
    updateSecret,
    updateSecretVersionStage,
  ];
  return {
    model: secretsManagerModel(),
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation}.`),
    internal: (cause) => new InternalServiceError("", { cause }),
  };
}
