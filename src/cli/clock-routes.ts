/** The movable clock of `keystead dev`: `GET` and `PUT /_keystead/clock`, for loopback peers that say a loopback Host. */

import type { MovableClock } from "../base/clock.ts";
import type { LocalAnswer, Route } from "../gateway/gateway.ts";
import type { DueWork } from "../pipeline/due-work.ts";
import type { Client } from "../pipeline/operation.ts";
import type { AlarmEvaluator } from "../signals/alarms/evaluator.ts";
import type { WireRequest } from "../wire/protocol.ts";
import type { AuditApi } from "./open-audit-api.ts";
import { isLoopback } from "./options.ts";

export const CLOCK_PATH = "/_keystead/clock";

/** A moved clock stays within what dates in answers can hold. */
const YEAR_MAX = 9999;

/** What goes with the clock. */
interface Moved {
  readonly dueWork: DueWork;
  /** Alarms, which are evaluated where the clock arrives. */
  readonly alarms: Pick<AlarmEvaluator, "run">;
  /** Trails, to which is delivered what is due then. */
  readonly auditApi: Pick<AuditApi, "deliver">;
}

/** The routes of the clock; moving it does the due work on the way. The clock never moves back. */
export function clockRoutes(clock: MovableClock, moved: Moved): ReadonlyMap<string, Route> {
  return new Map([[CLOCK_PATH, (request, client) => serve(request, client, clock, moved)]]);
}

async function serve(
  request: WireRequest,
  client: Client,
  clock: MovableClock,
  { dueWork, alarms, auditApi }: Moved,
): Promise<LocalAnswer> {
  if (!isLoopback(client.address) || !isLoopback(hostName(client.host))) {
    return answer(403, { error: "The clock can be moved from this machine only." });
  }
  if (request.method === "GET") return answer(200, { now: new Date(clock.now()).toISOString() });
  if (request.method !== "PUT") return answer(405, { error: "Use GET or PUT." });
  const target = targetOf(request.body, clock.now());
  if (typeof target === "string") return answer(400, { error: target });
  await dueWork.moveClock(clock, target);
  await alarms.run();
  await auditApi.deliver();
  return answer(200, { now: new Date(clock.now()).toISOString() });
}

/** The moment that a body asks for, in ms since the epoch, or what is wrong with it. */
function targetOf(body: Uint8Array, now: number): number | string {
  const usage = 'Send {"now": "<ISO 8601>"} or {"advance": "P30D"}.';
  try {
    const asked: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    if (typeof asked !== "object" || asked === null) return usage;
    const target = momentOf(asked as { now?: unknown; advance?: unknown }, now);
    if (target === undefined || target > Date.UTC(YEAR_MAX, 0)) return usage;
    return target < now ? "The clock moves forward only." : target;
  } catch {
    return usage;
  }
}

function momentOf({ now: at, advance }: { now?: unknown; advance?: unknown }, now: number): number | undefined {
  if (typeof at === "string" && advance === undefined) return Temporal.Instant.from(at).epochMilliseconds;
  if (typeof advance !== "string" || at !== undefined) return undefined;
  return Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO("UTC").add(advance).epochMilliseconds;
}

function hostName(host: string): string {
  return host.replace(/:[0-9]+$/, "").replace(/^\[(.*)\]$/, "$1");
}

function answer(status: number, body: unknown): LocalAnswer {
  return { status, contentType: "application/json", body: JSON.stringify(body) };
}
