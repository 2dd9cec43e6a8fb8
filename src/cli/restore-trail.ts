/** What happened to a store after its backup, by its audit trail, and what a restore makes of that. */

import { outboxRecorder } from "../audit/recorder.ts";
import { type Replay, readTrail, TrailError, type TrailEvent } from "../audit/trail.ts";
import { iamReplays } from "../iam/replay.ts";
import { kmsReplays } from "../kms/replay.ts";
import { parameterReplays, secretReplays, volumeReplays } from "../services/replay.ts";
import type { Store } from "../storage/store.ts";
import type { BackupHeader } from "./backup-file.ts";

const SECOND_MS = 1000;
/**
 * Where time decides between nodes: their clocks may differ, and a record has the time at which its request came, which is before
 * its commit.
 */
const CLOCKS_MS_MAX = 2 * 60_000;

const replays: ReadonlyMap<string, ReadonlyMap<string, Replay>> = new Map([
  ["kms", kmsReplays],
  ["iam", iamReplays],
  ["secretsmanager", secretReplays],
  ["ssm", parameterReplays],
  ["ec2", volumeReplays],
]);

/** Services whose changes say who may do what, or keep something secret. */
const WATCHED: readonly string[] = ["kms", "iam", "organizations", "ec2", "s3", "secretsmanager", "ssm"];

/** Events that only add: what they made is not in the backup. A new version of a policy may take away. */
const ADDED = /^(?:Create(?!PolicyVersion$)|Replicate|Import|Rotate|Put(?:Parameter|SecretValue)$)/;

/** Events that change nothing of who may do what. */
const HARMLESS: ReadonlySet<string> = new Set([
  "UpdateKeyDescription",
  "EnableKeyRotation",
  "DisableKeyRotation",
  "UpdatePrimaryRegion",
  "SynchronizeMultiRegionKey",
  "GenerateDataKey",
]);

/** What a restore did with the changes after the backup, each list in their order. */
export interface TrailOutcome {
  /** Made again in the restored store. */
  readonly reapplied: readonly TrailEvent[];
  /** May have taken access away, and is not in the restored store: for the operator to look at. */
  readonly toReview: readonly TrailEvent[];
  /** What was made since the backup and is not there any more. */
  readonly lost: readonly TrailEvent[];
}

/**
 * Reads the changes that were made after a backup, in the order of their commits.
 *
 * Records of the store's own segments are after it when their outbox row is; of copies, and of later incarnations, the time
 * decides, and those of the very second of the backup count as after it: to make a change again does no harm. Where several
 * nodes wrote the store, time decides of all, and two minutes before the backup count as after it.
 *
 * @throws TrailError the trail can't be read, is another store's, or lacks records of after the backup
 */
export async function readChanges(
  paths: readonly string[],
  { store, madeAt }: Pick<BackupHeader, "store" | "madeAt">,
): Promise<readonly TrailEvent[]> {
  const marginMs = store.auditPosition === null ? CLOCKS_MS_MAX : 0;
  const since = Math.floor((Date.parse(madeAt) - marginMs) / SECOND_MS) * SECOND_MS;
  const coverage = new Coverage(store.incarnation, store.auditPosition, since);
  const own: TrailEvent[] = [];
  const others: TrailEvent[] = [];
  for (const path of paths) {
    for await (const event of readTrail(path, (record) => coverage.see(record))) {
      const { outbox, time } = event;
      const isOwn = outbox?.epoch === store.incarnation;
      const byTime = !isOwn || store.auditPosition === null;
      if (byTime ? time < since : outbox.sequence <= (store.auditPosition ?? 0)) continue;
      (isOwn ? own : others).push(event);
    }
  }
  coverage.require();
  own.sort((left, right) => sequenceOf(left) - sequenceOf(right) || left.time - right.time); // nodes have no rows, but times
  return once([...own, ...others]);
}

function sequenceOf({ outbox }: TrailEvent): number {
  return outbox?.sequence ?? 0;
}

/** Makes again what can be made again, each in a transaction of its own with a record of its own. */
export async function reapply(store: Store, events: readonly TrailEvent[], now: number): Promise<TrailOutcome> {
  const reapplied: TrailEvent[] = [];
  const toReview: TrailEvent[] = [];
  const lost: TrailEvent[] = [];
  const recorder = outboxRecorder();
  for (const event of events) {
    const replay = replays.get(event.service)?.get(event.name);
    if (replay !== undefined) {
      const changed = await store.transaction(async (tx) => {
        if (!(await replay(tx, event))) return false;
        await recorder.enlist(tx, recordOf(event, now));
        return true;
      });
      if (changed) reapplied.push(event);
    } else if (WATCHED.includes(event.service) && !HARMLESS.has(event.name)) {
      (ADDED.test(event.name) ? lost : toReview).push(event);
    }
  }
  return { reapplied, toReview, lost };
}

/** Whether a trail tells of everything since a backup. */
class Coverage {
  readonly #incarnation: string;
  readonly #position: number | null;
  readonly #since: number;
  readonly #sequences: number[] = [];
  #known = false;

  constructor(incarnation: string, position: number | null, since: number) {
    this.#incarnation = incarnation;
    this.#position = position;
    this.#since = since;
  }

  see({
    time,
    epoch,
    sequence,
  }: {
    readonly time: number;
    readonly epoch: string | undefined;
    readonly sequence: number;
  }): void {
    if (epoch === undefined) this.#known ||= time <= this.#since + SECOND_MS;
    if (epoch !== this.#incarnation) return;
    this.#known = true;
    if (this.#position !== null && sequence > this.#position) this.#sequences.push(sequence);
  }

  require(): void {
    if (!this.#known) {
      throw new TrailError(
        "The audit records are another store's, or begin after the backup: some of what happened since would be missing.",
      );
    }
    if (this.#position === null) return;
    let next = this.#position + 1;
    for (const sequence of this.#sequences.sort((left, right) => left - right)) {
      if (sequence > next)
        throw new TrailError(
          `Audit records of after the backup are missing: ${next} to ${sequence - 1} of the outbox.`,
        );
      next = sequence + 1;
    }
  }
}

/** One event is in the records of several accounts, and in segments and copies. */
function once(events: readonly TrailEvent[]): readonly TrailEvent[] {
  const seen = new Set<string>();
  return events.filter(({ sharedId }) => {
    if (seen.has(sharedId)) return false;
    seen.add(sharedId);
    return true;
  });
}

function recordOf({ service, name, account, region, resources, eventId, time }: TrailEvent, now: number) {
  return {
    service,
    event: name,
    account,
    region,
    now,
    response: null,
    resources: service === "kms" ? resources.map((arn) => ({ arn, account })) : undefined,
    details: { reappliedEventID: eventId, reappliedEventTime: new Date(time).toISOString() },
  };
}
