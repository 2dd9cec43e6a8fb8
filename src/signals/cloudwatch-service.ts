/** CloudWatch as a service: the metrics of KMS, and alarms on them; once for each protocol that its clients speak. */

import { InternalFailure, UnsupportedOperationException } from "../base/errors.ts";
import type { Operation, Service } from "../pipeline/operation.ts";
import { cloudwatchModels } from "../wire/models.ts";
import {
  deleteAlarms,
  describeAlarmHistory,
  describeAlarms,
  listTagsForResource,
  putMetricAlarm,
  setAlarmState,
} from "./alarms/operations.ts";
import type { CloudWatchEnvironment } from "./cloudwatch-operation.ts";
import { getMetricData, getMetricStatistics, listMetrics } from "./metrics/operations.ts";

const operations: readonly Operation[] = [
  deleteAlarms,
  describeAlarmHistory,
  describeAlarms,
  getMetricData,
  getMetricStatistics,
  listMetrics,
  listTagsForResource,
  putMetricAlarm,
  setAlarmState,
];

/** Request bodies: five hundred queries. */
const BODY_BYTES_MAX = 1_048_576;

/** The CloudWatch API, as a service for each of its protocols. */
export function cloudwatchServices(environment: CloudWatchEnvironment): readonly Service[] {
  const shared = {
    operations: new Map(operations.map((each) => [each.name, each])),
    environment: { ...environment },
    bodyBytesMax: BODY_BYTES_MAX,
    unsupported: (operation: string) =>
      new UnsupportedOperationException(`Keystead does not support ${operation} yet.`),
    internal: (cause: unknown) => new InternalFailure("", { cause }),
  };
  return cloudwatchModels().map((model) => ({ ...shared, model }));
}
