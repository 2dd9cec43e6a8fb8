/** Reads the data of an external key store's graphs from CloudWatch. */

import {
  type CloudWatchClient,
  GetMetricDataCommand,
  ListMetricsCommand,
  type Metric,
  type MetricDataResult,
} from "@aws-sdk/client-cloudwatch";
import { isShown, queriesOf, type Span, seriesOf, type XksSeries } from "../model/xks-graphs.ts";

/** The series of a store in a time. CloudWatch lists the metrics that have had data in the last two weeks. */
export async function readSeries(
  cloudwatch: CloudWatchClient,
  storeId: string,
  span: Span,
): Promise<readonly XksSeries[]> {
  const metrics = (await allMetrics(cloudwatch, storeId)).filter(isShown);
  const results: MetricDataResult[] = [];
  for (const MetricDataQueries of queriesOf(metrics, span)) {
    let token: string | undefined;
    do {
      const page = await cloudwatch.send(
        new GetMetricDataCommand({ MetricDataQueries, StartTime: span.from, EndTime: span.until, NextToken: token }),
      );
      results.push(...(page.MetricDataResults ?? []));
      token = page.NextToken;
    } while (token !== undefined);
  }
  return seriesOf(metrics, results);
}

async function allMetrics(cloudwatch: CloudWatchClient, storeId: string): Promise<readonly Metric[]> {
  const metrics: Metric[] = [];
  let token: string | undefined;
  do {
    const page = await cloudwatch.send(
      new ListMetricsCommand({
        Namespace: "AWS/KMS",
        Dimensions: [{ Name: "CustomKeyStoreId", Value: storeId }],
        NextToken: token,
      }),
    );
    metrics.push(...(page.Metrics ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  return metrics;
}
