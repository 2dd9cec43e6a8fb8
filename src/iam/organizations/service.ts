/** Organizations as a service: its model, its operations, and what it answers where there is none. */

import { homeRegion } from "../../base/arn.ts";
import { UnsupportedOperationException } from "../../base/errors.ts";
import type { Service } from "../../pipeline/operation.ts";
import { organizationsModel } from "../../wire/models.ts";
import { invalidInput, ServiceException } from "./errors.ts";
import type { Environment } from "./operation.ts";
import * as accounts from "./operations/accounts.ts";
import * as attachments from "./operations/attachments.ts";
import {
  createOrganization,
  describeOwnOrganization,
  disablePolicyType,
  enablePolicyType,
  listRoots,
} from "./operations/organization.ts";
import * as policies from "./operations/policies.ts";
import * as units from "./operations/units.ts";

const operations = [
  createOrganization,
  describeOwnOrganization,
  disablePolicyType,
  enablePolicyType,
  listRoots,
  ...Object.values(accounts),
  ...Object.values(attachments),
  ...Object.values(policies),
  ...Object.values(units),
];

/** Request bodies: the largest legal ones are policies of 10,240 characters, escaped, and 50 tags. */
const BODY_BYTES_MAX = 262_144;

/** The Organizations API. A partition has it once, whatever Region a request is signed for. */
export function organizationsService(environment: Environment): Service {
  return {
    model: organizationsModel(),
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment },
    homeRegion,
    bodyBytesMax: BODY_BYTES_MAX,
    invalid: invalidInput,
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause) => new ServiceException("", { cause }),
  };
}
