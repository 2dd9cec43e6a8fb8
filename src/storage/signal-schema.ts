/** The tables of events, metrics and alarms, as Kysely types; the same conventions as schema.ts. */

import type { Selectable } from "kysely";

/** A rule of EventBridge on the default bus of an account and Region. */
export interface EventRuleTable {
  account: string;
  region: string;
  name: string;
  /** As it was sent. */
  pattern: string;
  state: "ENABLED" | "DISABLED";
  description: string | null;
  role_arn: string | null;
  /** The account that made it. */
  created_by: string;
}

export interface EventTargetTable {
  account: string;
  region: string;
  rule: string;
  id: string;
  arn: string;
  /** JSON: the target as it was sent. */
  definition: string;
}

/** What is to be sent to one target: written by the change that it tells of, deleted once it was taken or given up. */
export interface EventDeliveryTable {
  /** Random. */
  id: string;
  account: string;
  region: string;
  rule: string;
  target: string;
  arn: string;
  /** JSON: the event, or what the target's input makes of it. */
  body: string;
  /** Where it goes when it was given up. */
  dead_letter_arn: string | null;
  attempts: number;
  attempts_max: number;
  /** By the machine's clock, as `expires_at`. */
  next_at: number;
  expires_at: number;
}

/** How many deliveries to a target were given up, and why the last one was. */
export interface EventFailureTable {
  account: string;
  region: string;
  rule: string;
  target: string;
  failures: number;
  reason: string;
  failed_at: number;
}

/** The data points of one metric in one hour. */
export interface MetricHourTable {
  account: string;
  region: string;
  metric: string;
  /** JSON: pairs of name and value, sorted by name. */
  dimensions: string;
  /** Hours since the epoch. */
  hour: number;
  /** JSON: `[minute, samples, sum, minimum, maximum]` for each minute that has some. */
  points: string;
}

export interface MetricAlarmTable {
  account: string;
  region: string;
  name: string;
  partition: string;
  /** JSON: the input of PutMetricAlarm. */
  definition: string;
  state: "OK" | "ALARM" | "INSUFFICIENT_DATA";
  reason: string;
  /** JSON, or what SetAlarmState was given. */
  reason_data: string | null;
  /** When state or reason were set last. */
  updated_at: number;
  /** When it came into its state. */
  changed_at: number;
  configured_at: number;
}

export interface AlarmHistoryTable {
  /** Random. */
  id: string;
  account: string;
  region: string;
  name: string;
  kind: "ConfigurationUpdate" | "StateUpdate" | "Action";
  summary: string;
  /** JSON. */
  data: string;
  happened_at: number;
}

export interface SignalTables {
  event_rule: EventRuleTable;
  event_target: EventTargetTable;
  event_delivery: EventDeliveryTable;
  event_failure: EventFailureTable;
  metric_hour: MetricHourTable;
  metric_alarm: MetricAlarmTable;
  alarm_history: AlarmHistoryTable;
}

export type EventRuleRow = Readonly<Selectable<EventRuleTable>>;
export type EventTargetRow = Readonly<Selectable<EventTargetTable>>;
export type EventDeliveryRow = Readonly<Selectable<EventDeliveryTable>>;
export type MetricHourRow = Readonly<Selectable<MetricHourTable>>;
export type MetricAlarmRow = Readonly<Selectable<MetricAlarmTable>>;
export type AlarmHistoryRow = Readonly<Selectable<AlarmHistoryTable>>;
