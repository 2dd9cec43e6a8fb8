/** Events of callers' own, and the trying of patterns. */

import { randomUUID } from "node:crypto";
import type { PutEventsRequestEntry, PutEventsResultEntry } from "@aws-sdk/client-eventbridge";
import { UnsupportedOperationException, ValidationException } from "../../base/errors.ts";
import type { Call } from "../../pipeline/operation.ts";
import { busArn, change, type Input, ResourceNotFoundException, read, requireDefaultBus } from "./operation.ts";
import { compileEventPattern } from "./pattern.ts";

/** Entries of a request, each of which may name another bus (the model's limit). */
const ENTRIES_MAX = 10;
/** All entries together (API reference, PutEvents). */
const ENTRIES_BYTES_MAX = 262_144;

/** Sends events of callers' own to the rules of the bus; what is wrong with one is told in its place. */
export const putEvents = change("PutEvents", {
  on: ({ Entries = [] }, call) => [...new Set(Entries.map(({ EventBusName }) => busArn(call, EventBusName)))],
  onMax: ENTRIES_MAX,
  validate: requireServed,
  recorded: ({ Entries = [] }) => ({ Entries: Entries.map(({ Detail: _detail, ...entry }) => entry) }),
  async run({ Entries = [] }, { call, tx, bus }) {
    const owner = { account: call.principal.account, region: call.region };
    const results: PutEventsResultEntry[] = [];
    for (const entry of Entries) {
      const id = randomUUID();
      const wrong = problemOf(entry) ?? problemOfBus(entry, call);
      results.push(wrong ?? { EventId: id });
      if (wrong !== undefined) continue;
      const {
        Source: source = "",
        DetailType: detailType = "",
        Detail: detail = "",
        Resources: resources = [],
      } = entry;
      const time = entry.Time?.getTime() ?? call.now;
      await bus.send(tx, owner, [{ ...owner, id, source, detailType, detail, resources, time }]);
    }
    return { FailedEntryCount: results.filter(({ ErrorCode }) => ErrorCode !== undefined).length, Entries: results };
  },
});

function requireServed({ Entries = [], EndpointId }: Input<"PutEvents">): void {
  if (EndpointId !== undefined) throw new UnsupportedOperationException("Keystead does not support EndpointId yet.");
  const lengthBytes = Entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  if (lengthBytes > ENTRIES_BYTES_MAX) {
    throw new ValidationException("Total size of the entries in the request is over the limit.");
  }
}

/** As EventBridge counts (user guide, Calculating the size of PutEvents entries). */
function sizeOf({ Time, Source = "", DetailType = "", Detail = "", Resources = [] }: PutEventsRequestEntry): number {
  const texts = [Source, DetailType, Detail, ...Resources];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), Time === undefined ? 0 : 14);
}

function problemOf({ Source, DetailType, Detail }: PutEventsRequestEntry): PutEventsResultEntry | undefined {
  for (const [name, value] of Object.entries({ Source, DetailType, Detail })) {
    if (value !== undefined && value !== "") continue;
    return {
      ErrorCode: "InvalidArgument",
      ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
    };
  }
  if (Source?.startsWith("aws.") === true) {
    return { ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source." };
  }
  return isObject(Detail ?? "") ? undefined : { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
}

function problemOfBus({ EventBusName }: PutEventsRequestEntry, call: Call): PutEventsResultEntry | undefined {
  try {
    requireDefaultBus(call, EventBusName);
    return undefined;
  } catch (cause) {
    if (!(cause instanceof ResourceNotFoundException)) throw cause;
    return { ErrorCode: cause.code, ErrorMessage: cause.message };
  }
}

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** What an event must have to be tried (API reference, TestEventPattern). */
const REQUIRED = ["id", "account", "source", "time", "region", "detail-type"];

/** Whether an event is one that a pattern means. */
export const testEventPattern = read("TestEventPattern", {
  on: () => ["*"],
  run({ EventPattern, Event }) {
    const matches = compileEventPattern(EventPattern ?? "");
    if (!isObject(Event ?? "")) throw new ValidationException("Parameter Event is not valid.");
    const event = JSON.parse(Event ?? "") as Readonly<Record<string, unknown>>;
    const missing = REQUIRED.find((name) => !Object.hasOwn(event, name));
    if (missing !== undefined) {
      throw new ValidationException(`Parameter Event is not valid. Reason: ${missing} is a required argument.`);
    }
    return { Result: matches(event) };
  },
});
