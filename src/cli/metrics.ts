/** `/metrics`: what Prometheus collects of a server. It names no account and no key. */

import type { Route } from "../gateway/gateway.ts";
import { EXPOSITION_TYPE, exposition, type Family, requestFamilies } from "../signals/prometheus/exposition.ts";
import { countDeliveries } from "../storage/events.ts";
import { hasAsynchronousStandbys, readLags } from "../storage/lags.ts";
import { metricsOfAll } from "./metrics-exchange.ts";
import type { ServerConfig, ServerParts } from "./parts.ts";

const MS_PER_SECOND = 1_000;

/** The route, which in a worker answers for all processes of the server. */
export function metricsRoutes(parts: ServerParts, config: ServerConfig): ReadonlyMap<string, Route> {
  const own = async (): Promise<string> =>
    exposition([...requestFamilies(parts.requests.counts()), ...(await storeFamilies(parts, config))]);
  const { worker } = config;
  const text = worker === undefined ? own : metricsOfAll(worker.metrics, () => parts.requests.counts());
  return new Map<string, Route>([
    ["/metrics", async () => ({ status: 200, contentType: EXPOSITION_TYPE, body: await text() })],
  ]);
}

/** What the process that writes knows: lags, what waits, and of itself. */
export async function storeFamilies(
  { store, dueWork, guard, signals }: ServerParts,
  { clock, kind, database }: Pick<ServerConfig, "clock" | "kind" | "database">,
): Promise<readonly Family[]> {
  const { outboxRecords, keys } = await readLags(store.db);
  const { waiting, failed } = await countDeliveries(store.db);
  const dueAt = await dueWork.firstDueAt();
  const overdueMs = dueAt === undefined ? 0 : Math.max(0, clock.now() - dueAt);
  const { transactions, commits, viewEntries } = store.statistics();
  const replication = database === undefined ? [] : [await hasAsynchronousStandbys(store.db)];
  return [
    gauge("keystead_keys", "Customer managed keys of all accounts and Regions.", keys),
    gauge("keystead_audit_outbox_records", "Records of changes that wait to be moved to a segment.", outboxRecords),
    gauge("keystead_due_work_overdue_seconds", "How long the oldest due work has waited.", overdueMs / MS_PER_SECOND),
    gauge(
      "keystead_destructive_work_wait_seconds",
      "How much longer deletions and expiries wait after a start or a leap of the clock.",
      kind === "serve" ? guard.waitsMs() / MS_PER_SECOND : 0,
    ),
    ...replication.map((isAsynchronous) =>
      gauge(
        "keystead_replication_asynchronous",
        "1 when the database has standbys and none is synchronous: a failover may lose keys.",
        isAsynchronous ? 1 : 0,
      ),
    ),
    gauge("keystead_event_deliveries_waiting", "Events that wait for their targets.", waiting),
    counter("keystead_event_deliveries_given_up_total", "Events that no target took in time.", failed),
    counter(
      "keystead_metric_points_dropped_total",
      "Data points that this process had no room for.",
      signals.metricRecorder.dropped,
    ),
    counter("keystead_store_transactions_total", "Write transactions since this process started.", transactions),
    counter("keystead_store_commits_total", "Commits since this process started.", commits),
    gauge("keystead_view_entries", "Rows that this process has in memory.", viewEntries),
    gauge("process_resident_memory_bytes", "Resident memory of this process.", process.memoryUsage.rss()),
    counter(
      "process_cpu_seconds_total",
      "User and system time of this process.",
      (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
    ),
    gauge(
      "process_start_time_seconds",
      "When this process started, since the epoch.",
      Math.round(performance.timeOrigin / MS_PER_SECOND),
    ),
  ];
}

function gauge(name: string, help: string, value: number): Family {
  return { name, help, type: "gauge", samples: [{ value }] };
}

function counter(name: string, help: string, value: number): Family {
  return { name, help, type: "counter", samples: [{ value }] };
}
