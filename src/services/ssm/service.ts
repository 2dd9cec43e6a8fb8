/** SSM as far as Parameter Store goes. */

import { UnsupportedOperationException } from "../../base/errors.ts";
import type { Service } from "../../pipeline/operation.ts";
import { ssmModel } from "../../wire/models.ts";
import { InternalServerError } from "./errors.ts";
import { labelParameterVersion, unlabelParameterVersion } from "./labels.ts";
import { describeParameters, getParametersByPath } from "./lists.ts";
import type { Environment } from "./operation.ts";
import {
  deleteParameter,
  deleteParameters,
  getParameter,
  getParameterHistory,
  getParameters,
  putParameter,
} from "./parameters.ts";
import { addTagsToResource, listTagsForResource, removeTagsFromResource } from "./tags.ts";

/** Request bodies: a value of 8 KB, escaped, with its description. */
const BODY_BYTES_MAX = 131_072;

/** The SSM API over KMS. */
export function ssmService(environment: Environment): Service {
  const operations = [
    addTagsToResource,
    deleteParameter,
    deleteParameters,
    describeParameters,
    getParameter,
    getParameterHistory,
    getParameters,
    getParametersByPath,
    labelParameterVersion,
    listTagsForResource,
    putParameter,
    removeTagsFromResource,
    unlabelParameterVersion,
  ];
  return {
    model: ssmModel(),
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause) => new InternalServerError("", { cause }),
  };
}
