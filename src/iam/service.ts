/** IAM as a service: its model, its operations, and what it answers where there is none. */

import { homeRegion } from "../base/arn.ts";
import { ServiceFailureException, UnsupportedOperationException } from "../base/errors.ts";
import type { Service } from "../pipeline/operation.ts";
import { iamModel } from "../wire/models.ts";
import type { Environment } from "./operation.ts";
import { operations } from "./operations/index.ts";
import { mayCallIam } from "./session-limits.ts";

/** Request bodies: the largest legal ones are policies of 131,072 characters, percent-encoded. */
const BODY_BYTES_MAX = 1_048_576;

/** The IAM API. A partition has it once, whatever Region a request is signed for. */
export function iamService(environment: Environment): Service {
  return {
    model: iamModel(),
    operations,
    environment: { ...environment },
    homeRegion,
    admits: mayCallIam,
    bodyBytesMax: BODY_BYTES_MAX,
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause) => new ServiceFailureException("", { cause }),
  };
}
