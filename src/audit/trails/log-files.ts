/** Which records go to which trail, and the log files that they become. */

import { createHash, randomInt } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { findPartition, homeRegion } from "../../base/arn.ts";
import type { TrailFileRow, TrailRow } from "../../storage/trail-schema.ts";
import { type EventFacts, factsOf } from "../history/facts.ts";
import type { TrailObject } from "./buckets.ts";
import { logKey } from "./names.ts";
import { isSelected, parseSelectors, type SelectedRecord } from "./selectors.ts";

const SECOND_MS = 1_000;
const UNIQUE_LENGTH = 16;
const UNIQUE_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Services that a partition has once (CloudTrail user guide, Global service events). */
const GLOBAL_SOURCES = ["iam.amazonaws.com", "organizations.amazonaws.com"];

/** A record on its way to trails. */
export interface Deliverable {
  readonly json: string;
  readonly facts: EventFacts;
  readonly members: SelectedRecord;
}

/** Reads a record once for all trails. */
export function deliverableOf(json: string): Deliverable {
  return { json, facts: factsOf(json), members: JSON.parse(json) as SelectedRecord };
}

/**
 * Whether a record is one of a trail's: of its account, of its Region or, where it is for all, its partition, of a time in which it
 * logs, and selected. Events that were not logged are not delivered later.
 */
export function isForTrail({ facts, members }: Deliverable, trail: TrailRow): boolean {
  const { account, region, time, source } = facts;
  if (account !== trail.account || findPartition(region) !== trail.partition) return false;
  if (trail.multi_region === 0 && region !== trail.region) return false;
  const isGlobal = region === homeRegion(trail.partition) && GLOBAL_SOURCES.includes(source);
  if (isGlobal && trail.global_events === 0) return false;
  return isLogged(time, trail) && isSelected(members, parseSelectors(trail.selectors));
}

/** Records have whole seconds. */
function isLogged(time: number, { logging, started_at, stopped_at }: TrailRow): boolean {
  if (started_at === null || time < secondOf(started_at)) return false;
  return logging === 1 || (stopped_at !== null && time <= stopped_at);
}

function secondOf(time: number): number {
  return Math.floor(time / SECOND_MS) * SECOND_MS;
}

/** A log file that is ready to be put, and what its digest says of it. */
export interface LogFile {
  readonly object: Omit<TrailObject, "trail" | "encryption">;
  readonly row: TrailFileRow;
}

/** Makes the log file of a trail for records of one Region, of which there is at least one. */
export async function logFile(trail: TrailRow, records: readonly Deliverable[], now: number): Promise<LogFile> {
  const { account, region, name, bucket } = trail;
  const source_region = records[0]?.facts.region ?? region;
  const text = Buffer.from(`{"Records":[${records.map(({ json }) => json).join(",")}]}`, "utf8");
  const times = records.map(({ facts }) => facts.time);
  const key = logKey(trail, { region: source_region, time: now, unique: uniqueText() });
  return {
    object: { bucket, key, bytes: await promisify(gzip)(text), metadata: {} },
    row: {
      account,
      region,
      name,
      source_region,
      bucket,
      object: key,
      hash: createHash("sha256").update(text).digest("hex"),
      oldest_at: times.reduce((left, right) => Math.min(left, right)),
      newest_at: times.reduce((left, right) => Math.max(left, right)),
      delivered_at: now,
    },
  };
}

function uniqueText(): string {
  return Array.from({ length: UNIQUE_LENGTH }, () => UNIQUE_CHARACTERS[randomInt(UNIQUE_CHARACTERS.length)]).join("");
}
