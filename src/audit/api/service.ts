/** CloudTrail as a service: event history and trails. */

import { InternalFailure, UnsupportedOperationException } from "../../base/errors.ts";
import type { Operation, Service } from "../../pipeline/operation.ts";
import { cloudtrailModel } from "../../wire/models.ts";
import {
  getEventSelectors,
  getInsightSelectors,
  getTrailStatus,
  listPublicKeys,
  putEventSelectors,
  startLogging,
  stopLogging,
} from "./logging.ts";
import { lookupEvents } from "./lookup-events.ts";
import type { Environment } from "./operation.ts";
import { createTrail, deleteTrail, describeTrails, getTrail, listTags, listTrails, updateTrail } from "./trails.ts";

const operations: readonly Operation[] = [
  createTrail,
  deleteTrail,
  describeTrails,
  getEventSelectors,
  getInsightSelectors,
  getTrail,
  getTrailStatus,
  listPublicKeys,
  listTags,
  listTrails,
  lookupEvents,
  putEventSelectors,
  startLogging,
  stopLogging,
  updateTrail,
];

/** Five advanced selectors with all they can name. */
const BODY_BYTES_MAX = 1_048_576;

/** The CloudTrail API. */
export function cloudtrailService(environment: Environment): Service {
  return {
    model: cloudtrailModel(),
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause) => new InternalFailure("", { cause }),
  };
}
