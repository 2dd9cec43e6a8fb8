/** Reads back what was recorded, from segments or from a copy in JSON lines: which changes were made, in their order. */

import { createReadStream, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { OperatorError } from "../base/errors.ts";
import type { Tx } from "../storage/store.ts";
import { readSegments } from "./segment-files.ts";

type Members = Readonly<Record<string, unknown>>;

/** One change that succeeded, as its record tells it. */
export interface TrailEvent {
  readonly eventId: string;
  /** Records of one event in several accounts share it. */
  readonly sharedId: string;
  /**
   * The incarnation of the store that wrote it and the row of its outbox; undefined in copies. Row 0 is none: it was no change, or
   * several nodes wrote the store, whose rows tell nothing.
   */
  readonly outbox: { readonly epoch: string; readonly sequence: number } | undefined;
  /** Milliseconds since the epoch, of the whole second that the record has. */
  readonly time: number;
  /** Such as `kms`. */
  readonly service: string;
  /** Such as `DisableKey`. */
  readonly name: string;
  readonly account: string;
  readonly region: string;
  /** The ARN of whoever did it; empty for what the service did. */
  readonly principal: string;
  readonly request: Members;
  readonly response: Members;
  readonly additional: Members;
  readonly details: Members;
  /** ARNs. */
  readonly resources: readonly string[];
}

/**
 * Makes a change again in a store that lacks it.
 *
 * @returns whether there was something to change
 */
export type Replay = (tx: Tx, event: TrailEvent) => Promise<boolean>;

/** What a trail is known by beside its changes. */
export interface TrailRecord {
  readonly time: number;
  /** The incarnation of the store that wrote it, where the trail tells. */
  readonly epoch: string | undefined;
  /** The row of the outbox that it came from, or 0 as in `TrailEvent`. */
  readonly sequence: number;
}

/** A trail that can't be read back whole. The message is for the operator. */
export class TrailError extends OperatorError {
  override readonly name = "TrailError";
}

/**
 * Reads the changes of a trail: a data directory, its `audit` folder, one writer's folder of segments, or a file of records as
 * `--audit-log` writes it, one JSON text a line.
 *
 * @param seen is told of every record, whatever it is of
 * @throws TrailError nothing of it is a trail, or it is damaged
 */
export async function* readTrail(
  path: string,
  seen: (record: TrailRecord) => void = () => {},
): AsyncGenerator<TrailEvent, void, void> {
  if (isFile(path)) {
    yield* readLines(path, seen);
    return;
  }
  const directories = segmentDirectories(path);
  if (directories.length === 0) throw new TrailError(`There are no audit segments in ${path}.`);
  for (const directory of directories) {
    try {
      for await (const { record, sequence, epoch } of readSegments(directory)) {
        seen({ time: timeOf(record), epoch, sequence });
        const event = asChange(record, { epoch, sequence });
        if (event !== undefined) yield event;
      }
    } catch (cause) {
      if (cause instanceof TrailError) throw cause;
      throw new TrailError(`The audit segments in ${directory} can't be read back whole: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}

/** The folders of segments below a path: itself, those in it, those in its `audit`. */
export function segmentDirectories(path: string): readonly string[] {
  const names = readdirSync(path, { withFileTypes: true });
  if (names.some(({ name }) => name.endsWith(".seg"))) return [path];
  const folders = names.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  if (folders.includes("audit")) return segmentDirectories(join(path, "audit"));
  return folders
    .toSorted()
    .map((name) => join(path, name))
    .filter((folder) => readdirSync(folder).some((name) => name.endsWith(".seg")));
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (cause) {
    throw new TrailError(`${path} can't be read: ${(cause as NodeJS.ErrnoException).code}.`, { cause });
  }
}

async function* readLines(path: string, seen: (record: TrailRecord) => void): AsyncGenerator<TrailEvent, void, void> {
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (text === "") continue;
    const record = parse(text, `${path}, line ${number}`);
    seen({ time: timeOf(record), epoch: undefined, sequence: 0 });
    const event = asChange(record, undefined);
    if (event !== undefined) yield event;
  }
}

function parse(text: string, place: string): Members {
  try {
    const record: unknown = JSON.parse(text);
    if (typeof record === "object" && record !== null && "eventID" in record) return record as Members;
  } catch (cause) {
    throw new TrailError(`${place} is no JSON text.`, { cause });
  }
  throw new TrailError(`${place} is no record.`);
}

/** The change that a record is of; undefined for reads, uses and what failed. */
function asChange(record: Members, outbox: TrailEvent["outbox"]): TrailEvent | undefined {
  if (record["readOnly"] !== false || record["errorCode"] !== undefined) return undefined;
  const { eventID, sharedEventID, eventSource, eventName, awsRegion, recipientAccountId } = record;
  const identity = members(record["userIdentity"]);
  const resources = Array.isArray(record["resources"]) ? record["resources"] : [];
  return {
    eventId: String(eventID),
    sharedId: String(sharedEventID ?? eventID),
    outbox,
    time: timeOf(record),
    service: String(eventSource).split(".")[0] ?? "",
    name: String(eventName),
    account: String(identity["accountId"] ?? recipientAccountId),
    region: String(awsRegion),
    principal: typeof identity["arn"] === "string" ? identity["arn"] : "",
    request: members(record["requestParameters"]),
    response: members(record["responseElements"]),
    additional: members(record["additionalEventData"]),
    details: members(record["serviceEventDetails"]),
    resources: resources.flatMap((resource) => {
      const arn: unknown = members(resource)["ARN"];
      return typeof arn === "string" ? [arn] : [];
    }),
  };
}

function timeOf({ eventTime, eventID }: Members): number {
  const time = Date.parse(String(eventTime));
  if (Number.isNaN(time)) throw new TrailError(`The record ${String(eventID)} has no time.`);
  return time;
}

function members(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}
