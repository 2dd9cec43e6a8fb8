/** Whether trails log, what they select, and the keys of their digests. */

import type { TrailRow } from "../../storage/trail-schema.ts";
import * as rows from "../../storage/trails.ts";
import { arnOf } from "../trails/names.ts";
import { DEFAULT_SELECTORS, parseSelectors, requireSelectors } from "../trails/selectors.ts";
import { InsightNotEnabledException, InvalidTimeRangeException } from "./errors.ts";
import { change, read } from "./operation.ts";
import { meantArn, requireTrail, requireTrailAtHome } from "./trail-rows.ts";

/** Lets a trail log from now on. */
export const startLogging = change("StartLogging", {
  on: ({ Name }, call) => meantArn(call, Name),
  async run({ Name = "" }, { call, tx }) {
    const row = await requireTrailAtHome(tx.db, call, Name);
    if (row.logging === 1) return {};
    await rows.updateTrail(tx, row, { logging: 1, started_at: call.now });
    if (row.validation === 1) await rows.beginChain(tx, row, row.region, call.now);
    return {};
  },
});

/** Lets a trail log no longer; what it has logged is delivered. */
export const stopLogging = change("StopLogging", {
  on: ({ Name }, call) => meantArn(call, Name),
  async run({ Name = "" }, { call, tx }) {
    const row = await requireTrailAtHome(tx.db, call, Name);
    if (row.logging === 1) await rows.updateTrail(tx, row, { logging: 0, stopped_at: call.now });
    return {};
  },
});

/** Whether a trail logs, and how its deliveries went. */
export const getTrailStatus = read("GetTrailStatus", {
  on: ({ Name }, call) => meantArn(call, Name),
  run: async ({ Name = "" }, { call, store }) => statusOf(await requireTrail(store.db, call, Name)),
});

function statusOf(row: TrailRow) {
  const { started_at, stopped_at, delivered_at, attempted_at, delivery_error, digested_at, digest_error } = row;
  return {
    IsLogging: row.logging === 1,
    ...(delivery_error !== null && { LatestDeliveryError: delivery_error }),
    ...(delivered_at !== null && { LatestDeliveryTime: new Date(delivered_at) }),
    ...(started_at !== null && { StartLoggingTime: new Date(started_at) }),
    ...(stopped_at !== null && { StopLoggingTime: new Date(stopped_at) }),
    ...(digested_at !== null && { LatestDigestDeliveryTime: new Date(digested_at) }),
    ...(digest_error !== null && { LatestDigestDeliveryError: digest_error }),
    LatestDeliveryAttemptTime: textOf(attempted_at),
    LatestNotificationAttemptTime: "",
    LatestNotificationAttemptSucceeded: "",
    LatestDeliveryAttemptSucceeded: textOf(delivered_at),
    TimeLoggingStarted: textOf(started_at),
    TimeLoggingStopped: textOf(stopped_at),
  };
}

/** Such as `2031-01-03T04:05:06Z`; empty for a time that never came. */
function textOf(time: number | null): string {
  return time === null ? "" : `${new Date(time).toISOString().slice(0, 19)}Z`;
}

/** Says which events a trail logs. */
export const putEventSelectors = change("PutEventSelectors", {
  on: ({ TrailName }, call) => meantArn(call, TrailName),
  validate: (input) => void requireSelectors(input),
  async run({ TrailName = "", ...given }, { call, tx }) {
    const row = await requireTrailAtHome(tx.db, call, TrailName);
    const selectors = requireSelectors(given);
    const json = JSON.stringify(selectors);
    await rows.updateTrail(tx, row, { selectors: json === JSON.stringify(DEFAULT_SELECTORS) ? null : json });
    return { TrailARN: arnOf(row), ...shown(json) };
  },
});

/** Which events a trail logs. */
export const getEventSelectors = read("GetEventSelectors", {
  on: ({ TrailName }, call) => meantArn(call, TrailName),
  async run({ TrailName = "" }, { call, store }) {
    const row = await requireTrail(store.db, call, TrailName);
    return { TrailARN: arnOf(row), ...shown(row.selectors) };
  },
});

function shown(json: string | null) {
  const selectors = parseSelectors(json);
  if ("EventSelectors" in selectors) return { EventSelectors: [...selectors.EventSelectors] };
  return { AdvancedEventSelectors: [...selectors.AdvancedEventSelectors] };
}

/** Insights are not enabled on any trail here. */
export const getInsightSelectors = read("GetInsightSelectors", {
  on: ({ TrailName }, call) => meantArn(call, TrailName),
  async run({ TrailName = "" }, { call, store }) {
    const arn = arnOf(await requireTrail(store.db, call, TrailName));
    const advice = "Edit the trail settings to enable Insights, and then try the operation again.";
    throw new InsightNotEnabledException(`Trail ${arn} does not have Insights enabled. ${advice}`);
  },
});

/** The public keys of the Region that digest files of a time are verified under; of now when no time is given. */
export const listPublicKeys = read("ListPublicKeys", {
  validate({ StartTime, EndTime }) {
    if (StartTime === undefined || EndTime === undefined || StartTime <= EndTime) return;
    throw new InvalidTimeRangeException("The start time is after the end time.");
  },
  async run({ StartTime, EndTime }, { call, digestKeys }) {
    const to = EndTime?.getTime() ?? call.now;
    const keys = await digestKeys.list(call.region, { from: StartTime?.getTime() ?? to, to });
    return {
      PublicKeyList: keys.map(({ value, fingerprint, validFrom, validTo }) => ({
        Value: value,
        ValidityStartTime: new Date(validFrom),
        ValidityEndTime: new Date(validTo),
        Fingerprint: fingerprint,
      })),
    };
  },
});
