/** LookupEvents: the event history of an account in a Region. */

import type { Event } from "@aws-sdk/client-cloudtrail";
import { pageOf } from "../../pipeline/pages.ts";
import type { Quota } from "../../pipeline/quotas.ts";
import { factsOf } from "../history/facts.ts";
import type { EventPlace, FoundEvent } from "../history/history.ts";
import { HISTORY_MS } from "../history/indexer.ts";
import {
  InvalidLookupAttributesException,
  InvalidMaxResultsException,
  InvalidNextTokenException,
  InvalidTimeRangeException,
} from "./errors.ts";
import { type Input, read } from "./operation.ts";

/** As many as a page may have, and has when nothing is asked. */
const PAGE_SIZE = 50;

/** Two calls a second (CloudTrail user guide, Quotas). Its own code is not public; this one is derived as those of KMS are. */
export const lookupQuota: Quota = {
  service: "cloudtrail",
  code: "L-19E840F0",
  name: "LookupEvents request rate",
  description: "The maximum number of LookupEvents requests per second in this account in the current Region.",
  kind: "request",
  value: 2,
  adjustable: false,
  listed: false,
};

/** Looks events of the last 90 days up, newest first, all of them or those with one attribute. */
export const lookupEvents = read("LookupEvents", {
  quota: (_input, { principal, region }) => [{ quota: lookupQuota, account: principal.account, region }],
  validate: requireSensible,
  async run(input, context) {
    const { LookupAttributes = [], StartTime, EndTime, EventCategory, MaxResults = PAGE_SIZE, NextToken } = input;
    if (EventCategory !== undefined) return { Events: [] }; // nothing here analyzes insights
    const { call, history } = context;
    const [attribute] = LookupAttributes;
    const { AttributeKey: key, AttributeValue: value = "" } = attribute ?? {};
    const query = {
      account: call.principal.account,
      region: call.region,
      from: Math.max(StartTime?.getTime() ?? 0, call.now - HISTORY_MS),
      to: EndTime?.getTime() ?? Number.MAX_SAFE_INTEGER,
      ...(key !== undefined && { attribute: { key, value } }),
    };
    const { items, next } = await pageOf<FoundEvent>(
      {
        marker: NextToken,
        limit: MaxResults,
        filter: JSON.stringify([key, value, StartTime, EndTime]),
        list: (after, count) =>
          history.find({ ...query, count, ...(after !== undefined && { after: parsePlace(after) }) }),
        nameOf: ({ time, sequence }) => `${time}:${sequence}`,
        invalidMarker: () => new InvalidNextTokenException("Invalid token."),
      },
      context,
    );
    return { Events: items.map(eventOf), ...(next !== undefined && { NextToken: next }) };
  },
});

/**
 * @throws InvalidLookupAttributesException more than one attribute
 * @throws InvalidMaxResultsException, InvalidTimeRangeException
 */
function requireSensible({
  LookupAttributes = [],
  StartTime,
  EndTime,
  MaxResults = PAGE_SIZE,
}: Input<"LookupEvents">): void {
  if (MaxResults < 1 || MaxResults > PAGE_SIZE) {
    throw new InvalidMaxResultsException(
      `A max results value of ${MaxResults} is invalid. Specify max results between 1 and ${PAGE_SIZE}.`,
    );
  }
  if (LookupAttributes.length > 1) {
    throw new InvalidLookupAttributesException("Only one lookup attribute can be specified.");
  }
  if (StartTime !== undefined && EndTime !== undefined && StartTime > EndTime) {
    throw new InvalidTimeRangeException("The start time is after the end time.");
  }
}

function parsePlace(text: string): EventPlace {
  const [time, sequence] = text.split(":").map(Number);
  return { time: time ?? 0, sequence: sequence ?? 0 };
}

function eventOf({ json }: FoundEvent): Event {
  const { eventId, name, readOnly, accessKeyId, time, source, username, resources } = factsOf(json);
  return {
    EventId: eventId,
    EventName: name,
    ReadOnly: String(readOnly),
    ...(accessKeyId !== undefined && { AccessKeyId: accessKeyId }),
    EventTime: new Date(time),
    EventSource: source,
    ...(username !== undefined && { Username: username }),
    Resources: [...resources],
    CloudTrailEvent: json,
  };
}
