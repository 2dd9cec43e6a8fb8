/** The STS API as a service. */

import { InternalFailure, UnsupportedOperationException } from "../base/errors.ts";
import type { Service } from "../pipeline/operation.ts";
import { stsModel } from "../wire/models.ts";
import { assumeRole, assumeRoleWithWebIdentity } from "./sts/assume-role.ts";
import {
  decodeAuthorizationMessage,
  getAccessKeyInfo,
  getCallerIdentity,
  getFederationToken,
  getSessionToken,
} from "./sts/callers.ts";
import type { Environment } from "./sts/operation.ts";

const operations = [
  assumeRole,
  assumeRoleWithWebIdentity,
  decodeAuthorizationMessage,
  getAccessKeyInfo,
  getCallerIdentity,
  getFederationToken,
  getSessionToken,
];

/** STS as a service. */
export function stsService(environment: Environment): Service {
  return {
    model: stsModel(),
    operations: new Map(operations.map((operation) => [operation.name, operation])),
    environment: { ...environment },
    bodyBytesMax: 131_072,
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause) => new InternalFailure("", { cause }),
  };
}
