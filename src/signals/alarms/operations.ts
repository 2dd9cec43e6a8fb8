/** The operations on alarms. */

import { randomUUID } from "node:crypto";
import type { HistoryItemType } from "@aws-sdk/client-cloudwatch";
import { asArn } from "../../base/arn.ts";
import { ValidationException } from "../../base/errors.ts";
import * as rows from "../../storage/alarms.ts";
import type { AlarmHistoryRow, MetricAlarmRow } from "../../storage/signal-schema.ts";
import type { Tx } from "../../storage/store.ts";
import {
  alarmArn,
  change,
  InvalidFormatFault,
  LimitExceededFault,
  ownAlarmArn,
  ownerOf,
  page,
  ResourceNotFound,
  ResourceNotFoundException,
  read,
} from "../cloudwatch-operation.ts";
import { requireOwnArns } from "../operation.ts";
import { type AlarmDefinition, definitionOf, parsedDefinition, shownAlarm } from "./definition.ts";

/** Alarms of an account in a Region, those of them that watch a query (CloudWatch user guide, Quotas and Metrics Insights limits), names in one request, and items of a page. */
const ALARMS_MAX = 5_000;
const QUERY_ALARMS_MAX = 200;
const NAMES_MAX = 100;
const PAGE_SIZE = 50;
const HISTORY_PAGE_SIZE = 100;

/** Makes an alarm, or changes what the one of that name watches. */
export const putMetricAlarm = change("PutMetricAlarm", {
  on: ({ AlarmName = "" }, call) => [ownAlarmArn(call, AlarmName)],
  validate: (input) => {
    definitionOf(input);
  },
  async run(input, { call, tx }) {
    const definition = definitionOf(input);
    const owner = { ...ownerOf(call), name: definition.AlarmName };
    const { AlarmActions = [], OKActions = [], InsufficientDataActions = [] } = definition;
    requireOwnArns([...AlarmActions, ...OKActions, ...InsufficientDataActions], call);
    const before = await rows.findAlarm(tx.db, owner);
    await requireRoom(tx, owner, { before, definition });
    const row: MetricAlarmRow = {
      ...owner,
      partition: call.partition,
      definition: JSON.stringify(definition),
      state: "INSUFFICIENT_DATA",
      reason: "Unchecked: Initial alarm creation",
      reason_data: null,
      updated_at: call.now,
      changed_at: call.now,
      configured_at: call.now,
    };
    await rows.putAlarm(tx, row);
    await noteConfiguration(tx, row, before === undefined ? "created" : "updated");
    return {};
  },
});

interface Put {
  readonly before: MetricAlarmRow | undefined;
  readonly definition: AlarmDefinition;
}

/** @throws LimitExceededFault there are as many alarms of this kind as there can be */
async function requireRoom(tx: Tx, owner: rows.AlarmName, { before, definition }: Put): Promise<void> {
  const reached = "The maximum limit for alarms has been reached.";
  if (before === undefined && (await rows.countAlarms(tx.db, owner)) >= ALARMS_MAX)
    throw new LimitExceededFault(reached);
  if (definition.Metrics === undefined) return;
  const all = await rows.listAlarms(tx.db, owner, { after: undefined, count: ALARMS_MAX });
  const others = all.filter((row) => row.name !== owner.name && parsedDefinition(row).Metrics !== undefined);
  if (others.length >= QUERY_ALARMS_MAX) throw new LimitExceededFault(reached);
}

type Configured = "created" | "updated" | "deleted";

async function noteConfiguration(tx: Tx, row: MetricAlarmRow, what: Configured): Promise<void> {
  const { account, region, name, configured_at } = row;
  const type = { created: "Create", updated: "Update", deleted: "Delete" }[what];
  await rows.insertHistory(tx, {
    ...{ id: randomUUID(), account, region, name, kind: "ConfigurationUpdate", happened_at: configured_at },
    summary: `Alarm "${name}" ${what}`,
    data: JSON.stringify({ version: "1.0", type, [`${what}Alarm`]: parsedDefinition(row) }),
  });
}

/** The alarms of the account, by names, prefix, state and action. */
export const describeAlarms = read("DescribeAlarms", {
  on: ({ AlarmNames }, call) =>
    AlarmNames === undefined || AlarmNames.length === 0 ? [ownAlarmArn(call, "*")] : ownNames(call, AlarmNames),
  onMax: NAMES_MAX,
  validate({ AlarmNames, AlarmNamePrefix }) {
    if (AlarmNames === undefined || AlarmNamePrefix === undefined) return;
    throw new ValidationException("AlarmNamePrefix cannot be specified with AlarmNames.");
  },
  async run(input, context) {
    const { AlarmNames, AlarmNamePrefix = "", AlarmTypes = ["MetricAlarm"], StateValue, ActionPrefix } = input;
    const { ChildrenOfAlarmName, ParentsOfAlarmName } = input;
    const { call, store } = context;
    const areAsked =
      AlarmTypes.includes("MetricAlarm") && ChildrenOfAlarmName === undefined && ParentsOfAlarmName === undefined;
    const found = areAsked
      ? await rows.listAlarms(store.db, ownerOf(call), { after: undefined, count: ALARMS_MAX })
      : [];
    const all = found.filter(
      (row) =>
        (AlarmNames?.includes(row.name) ?? true) &&
        row.name.startsWith(AlarmNamePrefix) &&
        (StateValue ?? row.state) === row.state &&
        (ActionPrefix === undefined || actionsOf(row).some((arn) => arn.startsWith(ActionPrefix))),
    );
    const { items, ...rest } = await page(
      { NextToken: input.NextToken, limit: input.MaxRecords ?? PAGE_SIZE },
      context,
      {
        all,
        filter: JSON.stringify([AlarmNames, AlarmNamePrefix, StateValue, ActionPrefix]),
        nameOf: ({ name }) => name,
      },
    );
    return { MetricAlarms: items.map(shownAlarm), CompositeAlarms: [], ...rest };
  },
});

function ownNames(call: Parameters<typeof ownAlarmArn>[0], names: readonly string[] = []): readonly string[] {
  return names.map((name) => ownAlarmArn(call, name));
}

function actionsOf(row: MetricAlarmRow): readonly string[] {
  const { AlarmActions = [], OKActions = [], InsufficientDataActions = [] } = parsedDefinition(row);
  return [...AlarmActions, ...OKActions, ...InsufficientDataActions];
}

/** Removes alarms; those that are not there are no error. */
export const deleteAlarms = change("DeleteAlarms", {
  on: ({ AlarmNames }, call) => ownNames(call, AlarmNames),
  onMax: NAMES_MAX,
  async run({ AlarmNames = [] }, { call, tx }) {
    for (const name of AlarmNames) {
      const row = await rows.findAlarm(tx.db, { ...ownerOf(call), name });
      if (row === undefined) continue;
      await rows.deleteAlarm(tx, row);
      await noteConfiguration(tx, { ...row, configured_at: call.now }, "deleted");
    }
    return {};
  },
});

/** Sets the state of an alarm until it is evaluated next, to try what follows from it. */
export const setAlarmState = change("SetAlarmState", {
  on: ({ AlarmName = "" }, call) => [ownAlarmArn(call, AlarmName)],
  validate({ StateReasonData }) {
    if (StateReasonData === undefined) return;
    try {
      JSON.parse(StateReasonData);
    } catch {
      throw new InvalidFormatFault("StateReasonData must be valid JSON.");
    }
  },
  async run({ AlarmName = "", StateValue, StateReason = "", StateReasonData }, { call, tx, states }) {
    const row = await rows.findAlarm(tx.db, { ...ownerOf(call), name: AlarmName });
    if (row === undefined || StateValue === undefined) throw new ResourceNotFound();
    const reasonData = StateReasonData ?? null;
    await states.set(tx, row, { state: StateValue, reason: StateReason, reasonData, now: call.now });
    return {};
  },
});

/** The tags of alarms, which here have none: clients ask for them whenever they look at an alarm. */
export const listTagsForResource = read("ListTagsForResource", {
  on: ({ ResourceARN }) => [ResourceARN ?? "*"],
  async run({ ResourceARN = "" }, { call, store }) {
    const name = /^alarm:(.+)$/.exec(asArn(ResourceARN)?.resource ?? "")?.[1] ?? "";
    const row = await rows.findAlarm(store.db, { ...ownerOf(call), name });
    if (row === undefined || alarmArn(row, name) !== ResourceARN) throw new ResourceNotFoundException();
    return { Tags: [] };
  },
});

/** What happened to the account's alarms, also to those that are gone. */
export const describeAlarmHistory = read("DescribeAlarmHistory", {
  on: ({ AlarmName = "*" }, call) => [ownAlarmArn(call, AlarmName)],
  async run(input, context) {
    const { AlarmName: name, AlarmTypes = ["MetricAlarm"], HistoryItemType, StartDate, EndDate, ScanBy } = input;
    const { call, store } = context;
    const found = await rows.listHistory(store.db, {
      ...ownerOf(call),
      ...(name !== undefined && { name }),
      from: StartDate?.getTime() ?? 0,
      until: EndDate?.getTime() ?? call.now,
    });
    const wanted = found.filter(({ kind }) => AlarmTypes.includes("MetricAlarm") && (HistoryItemType ?? kind) === kind);
    const { items, ...rest } = await page(
      { NextToken: input.NextToken, limit: input.MaxRecords ?? HISTORY_PAGE_SIZE },
      context,
      {
        all: ScanBy === "TimestampAscending" ? wanted : wanted.toReversed(),
        filter: JSON.stringify([name, HistoryItemType, ScanBy]),
        nameOf: ({ id }) => id,
      },
    );
    return { AlarmHistoryItems: items.map(shownHistory), ...rest };
  },
});

function shownHistory({ name, kind, summary, data, happened_at }: AlarmHistoryRow) {
  return {
    AlarmName: name,
    AlarmType: "MetricAlarm" as const,
    Timestamp: new Date(happened_at),
    HistoryItemType: kind satisfies HistoryItemType,
    HistorySummary: summary,
    HistoryData: data,
  };
}
