/** EventBridge as a service: rules and targets on the default bus, and events of callers' own. */

import { InternalFailure, UnsupportedOperationException } from "../../base/errors.ts";
import type { Operation, Service } from "../../pipeline/operation.ts";
import { eventsModel } from "../../wire/models.ts";
import { putEvents, testEventPattern } from "./events.ts";
import type { EventsEnvironment } from "./operation.ts";
import {
  deleteRule,
  describeEventBus,
  describeRule,
  disableRule,
  enableRule,
  listRules,
  listTagsForResource,
  putRule,
} from "./rules.ts";
import { listTargetsByRule, putTargets, removeTargets } from "./target-operations.ts";

const operations: readonly Operation[] = [
  deleteRule,
  describeEventBus,
  describeRule,
  disableRule,
  enableRule,
  listRules,
  listTagsForResource,
  listTargetsByRule,
  putEvents,
  putRule,
  putTargets,
  removeTargets,
  testEventPattern,
];

/** Ten events of 256 KiB together (EventBridge user guide, Quotas), and what JSON adds. */
const BODY_BYTES_MAX = 1_048_576;

/** The EventBridge API. */
export function eventsService(environment: EventsEnvironment): Service {
  return {
    model: eventsModel(),
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    unsupported: (operation) => new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause) => new InternalFailure("", { cause }),
  };
}
