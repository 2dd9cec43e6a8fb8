/** Changes of alarms' states: each with its history, its event and its actions, in one transaction. */

import { randomUUID } from "node:crypto";
import { regionNames } from "../../base/arn.ts";
import { insertHistory, setAlarmState } from "../../storage/alarms.ts";
import type { MetricAlarmRow } from "../../storage/signal-schema.ts";
import type { Tx } from "../../storage/store.ts";
import { alarmArn, dimensionsIn } from "../cloudwatch-operation.ts";
import type { BusEvent, EventBus } from "../events/bus.ts";
import { type AlarmDefinition, parsedDefinition } from "./definition.ts";

/** The state that an alarm comes into. */
export interface NewState {
  readonly state: MetricAlarmRow["state"];
  readonly reason: string;
  /** JSON. */
  readonly reasonData: string | null;
  /** By the injected clock. */
  readonly now: number;
}

export class AlarmStates {
  readonly #bus: EventBus;

  constructor(bus: EventBus) {
    this.#bus = bus;
  }

  /** Sets the state of an alarm; where it is another one than before, everybody who asked for it is told. */
  async set(tx: Tx, row: MetricAlarmRow, { state, reason, reasonData, now }: NewState): Promise<void> {
    const isChange = row.state !== state;
    await setAlarmState(tx, row, {
      state,
      reason,
      reason_data: reasonData,
      updated_at: now,
      changed_at: isChange ? now : row.changed_at,
    });
    if (!isChange) return;
    const next = { ...row, state, reason, reason_data: reasonData, updated_at: now };
    const { account, region, name } = row;
    const data = { version: "1.0", oldState: historyState(row), newState: historyState(next) };
    await insertHistory(tx, {
      ...{ id: randomUUID(), account, region, name, kind: "StateUpdate", happened_at: now },
      summary: `Alarm updated from ${row.state} to ${state}`,
      data: JSON.stringify(data),
    });
    const alarm = parsedDefinition(row);
    await this.#bus.send(tx, { account, region }, [changeEvent(row, next, alarm)]);
    for (const arn of actionsOf(alarm, state)) {
      const body = JSON.stringify(notification(row, next, alarm));
      await this.#bus.sendTo(tx, { account, region, rule: `alarm:${name}`, target: state, arn, body });
    }
  }
}

function actionsOf(alarm: AlarmDefinition, state: MetricAlarmRow["state"]): readonly string[] {
  if (alarm.ActionsEnabled === false) return [];
  const { AlarmActions = [], OKActions = [], InsufficientDataActions = [] } = alarm;
  return [...{ ALARM: AlarmActions, OK: OKActions, INSUFFICIENT_DATA: InsufficientDataActions }[state]];
}

type State = Pick<MetricAlarmRow, "state" | "reason" | "reason_data" | "updated_at">;

function historyState({ state, reason, reason_data }: State): Readonly<Record<string, unknown>> {
  return { stateValue: state, stateReason: reason, stateReasonData: parsedOrText(reason_data) };
}

function parsedOrText(text: string | null): unknown {
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `CloudWatch Alarm State Change` (CloudWatch user guide, Alarm events and EventBridge). */
function changeEvent(before: MetricAlarmRow, after: MetricAlarmRow, alarm: AlarmDefinition): BusEvent {
  const detail = {
    alarmName: after.name,
    state: eventState(after),
    previousState: eventState(before),
    configuration: {
      metrics: [eventMetric(alarm)],
      ...(alarm.AlarmDescription !== undefined && { description: alarm.AlarmDescription }),
    },
  };
  return {
    account: after.account,
    region: after.region,
    source: "aws.cloudwatch",
    detailType: "CloudWatch Alarm State Change",
    time: after.updated_at,
    resources: [alarmArn(after, after.name)],
    detail: JSON.stringify(detail),
  };
}

function eventMetric(alarm: AlarmDefinition): object {
  if (alarm.Metrics !== undefined) {
    const [{ Id, Expression, Label, Period }] = alarm.Metrics;
    return {
      id: Id,
      expression: Expression,
      ...(Label !== undefined && { label: Label }),
      period: Period,
      returnData: true,
    };
  }
  const metric = { namespace: alarm.Namespace, name: alarm.MetricName, dimensions: dimensionsIn(alarm.Dimensions) };
  return { id: randomUUID(), metricStat: { metric, period: alarm.Period, stat: alarm.Statistic }, returnData: true };
}

function eventState({ state, reason, reason_data, updated_at }: State): Readonly<Record<string, unknown>> {
  const timestamp = new Date(updated_at).toISOString().replace("Z", "+0000");
  return { value: state, reason, ...(reason_data !== null && { reasonData: reason_data }), timestamp };
}

/** The message that CloudWatch publishes to topics; it calls Regions by their names, those of Europe by older ones. */
function notification(before: MetricAlarmRow, after: MetricAlarmRow, alarm: AlarmDefinition): object {
  const { OKActions = [], AlarmActions = [], InsufficientDataActions = [] } = alarm;
  return {
    AlarmName: after.name,
    AlarmDescription: alarm.AlarmDescription ?? null,
    AWSAccountId: after.account,
    AlarmConfigurationUpdatedTimestamp: new Date(after.configured_at).toISOString().replace("Z", "+0000"),
    NewStateValue: after.state,
    NewStateReason: after.reason,
    StateChangeTime: new Date(after.updated_at).toISOString().replace("Z", "+0000"),
    Region: (regionNames[after.region] ?? after.region).replace(/^Europe /, "EU "),
    AlarmArn: alarmArn(after, after.name),
    OldStateValue: before.state,
    OKActions,
    AlarmActions,
    InsufficientDataActions,
    Trigger: {
      ...triggerOf(alarm),
      EvaluationPeriods: alarm.EvaluationPeriods,
      DatapointsToAlarm: alarm.DatapointsToAlarm,
      ComparisonOperator: alarm.ComparisonOperator,
      Threshold: alarm.Threshold,
      TreatMissingData: alarm.TreatMissingData ?? "",
      EvaluateLowSampleCountPercentile: "",
    },
  };
}

function triggerOf(alarm: AlarmDefinition): object {
  if (alarm.Metrics !== undefined) {
    const [{ Id, Expression, Label, Period }] = alarm.Metrics;
    return { Period, Metrics: [{ Expression, Id, ...(Label !== undefined && { Label }), Period, ReturnData: true }] };
  }
  return {
    MetricName: alarm.MetricName,
    Namespace: alarm.Namespace,
    StatisticType: "Statistic",
    Statistic: alarm.Statistic.toUpperCase(),
    Unit: alarm.Unit ?? null,
    Dimensions: (alarm.Dimensions ?? []).map(({ Name, Value }) => ({ name: Name, value: Value })),
    Period: alarm.Period,
  };
}
