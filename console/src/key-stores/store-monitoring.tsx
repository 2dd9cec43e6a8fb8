/** "Monitoring" of an external key store: five graphs of what CloudWatch has of it. */

import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import LineChart from "@cloudscape-design/components/line-chart";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useCallback, useState } from "react";
import { readSeries } from "../api/read-metrics.ts";
import {
  DEFAULT_PERIOD_SECONDS,
  DEFAULT_RANGE_HOURS,
  type Graph,
  graphsOf,
  PERIODS,
  RANGES,
  type Span,
  spanBefore,
} from "../model/xks-graphs.ts";
import { FailureAlert } from "../parts/failure-alert.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { useConsole } from "../session/use-console.ts";

export interface StoreMonitoringProps {
  readonly storeId: string;
  /** Whether the store is disconnected: then there is nothing to show. */
  readonly isOff: boolean;
}

/** Range and period are the page's: they are back at their defaults when it is opened again. */
export function StoreMonitoring({ storeId, isOff }: StoreMonitoringProps) {
  const { clients } = useConsole();
  const [hours, setHours] = useState<number>(DEFAULT_RANGE_HOURS);
  const [seconds, setSeconds] = useState<number>(DEFAULT_PERIOD_SECONDS);
  const { value, failure, loading, reload } = useLoaded(
    useCallback(async () => {
      const span = spanBefore(new Date(), hours, seconds);
      const series = isOff ? [] : await readSeries(clients.cloudwatch, storeId, span);
      return { span, graphs: graphsOf(series, storeId) };
    }, [clients, storeId, isOff, hours, seconds]),
    "cloudwatch:GetMetricData",
  );
  const { span, graphs } = value ?? { span: spanBefore(new Date(), hours, seconds), graphs: graphsOf([], storeId) };
  const periods = PERIODS.map(({ label, seconds: length }) => ({ label, value: String(length) }));
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <SegmentedControl
                label="Time range"
                selectedId={String(hours)}
                options={RANGES.map(({ id, hours: length }) => ({ id: String(length), text: id }))}
                onChange={({ detail }) => setHours(Number(detail.selectedId))}
              />
              <Select
                ariaLabel="Period"
                options={periods}
                selectedOption={periods.find((period) => period.value === String(seconds)) ?? null}
                onChange={({ detail }) => setSeconds(Number(detail.selectedOption.value))}
              />
              <Button iconName="refresh" ariaLabel="Refresh graphs" loading={loading} onClick={reload} />
            </SpaceBetween>
          }
        >
          Monitoring
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FailureAlert failure={failure} />
        {isOff && <Alert type="info">While the key store is disconnected, there is no data.</Alert>}
        <ColumnLayout columns={2}>
          {graphs.map((graph) => (
            <GraphView key={graph.title} graph={graph} span={span} loading={loading && value === undefined} />
          ))}
        </ColumnLayout>
      </SpaceBetween>
    </Container>
  );
}

const HEIGHT = 200;

function GraphView({
  graph: { title, unit, lines },
  span,
  loading,
}: {
  readonly graph: Graph;
  readonly span: Span;
  readonly loading: boolean;
}) {
  const most = Math.max(1, ...lines.flatMap(({ data }) => data.map(({ y }) => y)));
  return (
    <section className="graph" aria-label={title}>
      <Box variant="h3">{title}</Box>
      <LineChart
        ariaLabel={title}
        height={HEIGHT}
        hideFilter
        xScaleType="time"
        xDomain={[span.from, span.until]}
        yDomain={[0, most]}
        yTitle={unit}
        xTickFormatter={(date) => timeText(date, span)}
        yTickFormatter={numberText}
        series={lines.map((line) => ({ type: "line", title: line.title, data: line.data, valueFormatter: numberText }))}
        statusType={loading ? "loading" : "finished"}
        loadingText="Loading data"
        empty={<Box textAlign="center">No data available</Box>}
      />
    </section>
  );
}

const DAY_MS = 86_400_000;

/** The time of a tick; over more than a day its day as well. */
function timeText(date: Date, { from, until }: Span): string {
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const isLong = until.getTime() - from.getTime() > DAY_MS;
  return date.toLocaleString("en-US", isLong ? { month: "short", day: "numeric", ...time } : time);
}

function numberText(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}
