/** The STS API: so far, who am I? */

import { InternalFailure, UnsupportedOperationException } from "../base/errors.ts";
import type { Call, Operation, RunContext, Service } from "../pipeline/operation.ts";
import { stsModel } from "../wire/models.ts";

/** Who signed the request; every principal may ask, no policy can forbid it (STS API reference, GetCallerIdentity). */
const getCallerIdentity: Operation = {
  name: "GetCallerIdentity",
  kind: "read",
  targets: [],
  record: { readOnly: true, request: null, resources: [] },
  run: (_input, context) => identityOf((context as RunContext).call),
};

function identityOf({ principal }: Call): { UserId: string; Account: string; Arn: string } {
  return { UserId: principal.uniqueId, Account: principal.account, Arn: principal.arn };
}

/** STS as a service. */
export function stsService(): Service {
  return {
    model: stsModel(),
    operations: new Map([[getCallerIdentity.name, getCallerIdentity]]),
    environment: {},
    bodyBytesMax: 131_072,
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause) => new InternalFailure("", { cause }),
  };
}
