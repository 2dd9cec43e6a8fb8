/** Evaluates every alarm once a minute of the injected clock. */

import type { Clock } from "../../base/clock.ts";
import { IntervalTask } from "../../base/interval-task.ts";
import { findAlarm, listAllAlarms, pruneHistory } from "../../storage/alarms.ts";
import type { MetricAlarmRow } from "../../storage/signal-schema.ts";
import type { Store } from "../../storage/store.ts";
import { statisticOf } from "../metrics/operations.ts";
import type { MetricReader, PeriodPoint, Span } from "../metrics/reader.ts";
import { decideState, type Period, RANGE_EXTRA, reasonOf, type Verdict } from "./decide.ts";
import { type AlarmDefinition, parsedDefinition, type Watch, watchOf } from "./definition.ts";
import type { AlarmStates } from "./states.ts";

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;
const ALARMS_PER_STEP = 200;
/** Data of other processes comes up to this late. */
const LAG_MS = MINUTE_MS;
/** How long history is kept (API reference, DescribeAlarmHistory). */
const HISTORY_MS = 30 * 86_400_000;
const PRUNE_EVERY_MS = 3_600_000;

export interface AlarmEvaluatorOptions {
  readonly store: Pick<Store, "db" | "transaction">;
  readonly clock: Clock;
  readonly metrics: MetricReader;
  readonly states: AlarmStates;
  /** Is told when it failed; the next look tries again. */
  readonly onError: (cause: unknown) => void;
}

/** An alarm that is looked at. */
interface Look {
  readonly alarm: AlarmDefinition;
  readonly watch: Watch;
  readonly now: number;
}

/** Several may run on one database: a change of state is made by whoever comes first. */
export class AlarmEvaluator extends IntervalTask {
  readonly #options: AlarmEvaluatorOptions;
  #prunedAt = 0;

  constructor(options: AlarmEvaluatorOptions) {
    const { clock, onError } = options;
    super({ clock, intervalMs: MINUTE_MS, inFirst: true, perform: (now) => this.#evaluateAll(now), onError });
    this.#options = options;
  }

  async #evaluateAll(now: number): Promise<void> {
    const { store, metrics } = this.#options;
    let rows = await listAllAlarms(store.db, undefined, ALARMS_PER_STEP);
    if (rows.length > 0) await metrics.refresh();
    while (rows.length > 0) {
      for (const row of rows) {
        if (this.isStopped) return;
        await this.#evaluate(row, now);
      }
      rows = await listAllAlarms(store.db, rows.at(-1), ALARMS_PER_STEP);
    }
    await this.#prune(now);
  }

  async #evaluate(row: MetricAlarmRow, now: number): Promise<void> {
    const alarm = parsedDefinition(row);
    const watch = watchOf(row, alarm);
    const range = await this.#rangeOf(row, { alarm, watch, now });
    const verdict = decideState(alarm, range);
    if (verdict === undefined || verdict.state === row.state) return;
    const reasonData = JSON.stringify(reasonDataOf({ alarm, watch, now }, verdict, range));
    await this.#options.store.transaction(async (tx) => {
      const current = await findAlarm(tx.db, row);
      const isSame = current?.state === row.state && current.configured_at === row.configured_at;
      if (current === undefined || !isSame) return;
      const reason = reasonOf(alarm, verdict, row.state);
      await this.#options.states.set(tx, current, { state: verdict.state, reason, reasonData, now });
    });
  }

  /** The periods of the evaluation range, the newest first; the newest ends with the last minute whose data is here. */
  async #rangeOf(row: MetricAlarmRow, { alarm, watch, now }: Look): Promise<readonly Period[]> {
    const count = alarm.EvaluationPeriods + RANGE_EXTRA;
    const periodMs = watch.periodSeconds * SECOND_MS;
    const until = Math.floor((now - LAG_MS) / MINUTE_MS) * MINUTE_MS;
    const from = until - count * periodMs;
    const points = await this.#pointsOf(row, watch, { from, until, periodMs });
    const known = new Map(points.map((point) => [point.start, point]));
    return Array.from({ length: count }, (_, index) => {
      const start = until - (index + 1) * periodMs;
      const point = known.get(start);
      if (point === undefined) return { start };
      return { start, value: statisticOf(point, watch.statistic), samples: point.samples };
    });
  }

  async #pointsOf(row: MetricAlarmRow, watch: Watch, span: Span): Promise<readonly PeriodPoint[]> {
    const { metrics } = this.#options;
    if (watch.kind === "query") return await metrics.queried(watch.query, row, span);
    return watch.series === undefined ? [] : await metrics.points(watch.series, span);
  }

  async #prune(now: number): Promise<void> {
    if (now - this.#prunedAt < PRUNE_EVERY_MS) return;
    await this.#options.store.transaction((tx) => pruneHistory(tx, now - HISTORY_MS));
    this.#prunedAt = now;
  }
}

/** `StateReasonData`, as CloudWatch has it: where nothing was measured, it names the periods that were looked at. */
function reasonDataOf({ alarm, watch, now }: Look, { points }: Verdict, range: readonly Period[]): object {
  const time = (at: number): string => new Date(at).toISOString().replace("Z", "+0000");
  const first = points.at(-1);
  const evaluated: readonly Period[] = first === undefined ? range.slice(0, alarm.EvaluationPeriods) : points;
  return {
    version: "1.0",
    queryDate: time(now),
    ...(first !== undefined && { startDate: time(first.start) }),
    ...(alarm.Metrics === undefined && alarm.Unit !== undefined && { unit: alarm.Unit }),
    ...(watch.kind === "series" && { statistic: watch.statistic }),
    period: watch.periodSeconds,
    recentDatapoints: points.map(({ value }) => value).reverse(),
    threshold: alarm.Threshold,
    evaluatedDatapoints: evaluated.map(({ start, value, samples }) => ({
      timestamp: time(start),
      sampleCount: samples,
      value,
    })),
  };
}
