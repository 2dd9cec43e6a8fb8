/** Delivers records to trails, every five minutes of the injected clock, at least once. */

import type { Clock } from "../../base/clock.ts";
import { IntervalTask } from "../../base/interval-task.ts";
import type { Store } from "../../storage/store.ts";
import type { TrailFileRow, TrailRow } from "../../storage/trail-schema.ts";
import {
  insertFile,
  listLiveTrails,
  listProgress,
  NO_TRAIL,
  type Progress,
  putProgress,
  type TrailName,
  updateTrail,
} from "../../storage/trails.ts";
import type { TrailBuckets } from "./buckets.ts";
import type { Digests } from "./digests.ts";
import { contextOf, identityOf, type TrailKms } from "./kms.ts";
import { type Deliverable, deliverableOf, isForTrail, logFile } from "./log-files.ts";
import { objectArn } from "./names.ts";
import type { RecordSource, RecordSources } from "./record-source.ts";

/** CloudTrail delivers within about five minutes (CloudTrail user guide, How CloudTrail works). */
const INTERVAL_MS = 300_000;
/** A trail that has stopped gets what it logged until then for so long. */
const AFTERMATH_MS = 3_600_000;
/** Records that are read at a time, and characters that files together may have before they are put. */
const RECORDS_PER_READ = 500;
const CHARACTERS_MAX = 8 * 1024 * 1024;
const BEGINNING: Progress = { number: 0, position: 0 };

export interface DeliveryOptions {
  readonly store: Pick<Store, "db" | "transaction">;
  readonly clock: Clock;
  readonly sources: RecordSources;
  /** Brings all that was recorded before the call to the sources. */
  readonly catchUp: () => Promise<void>;
  readonly buckets: TrailBuckets;
  readonly kms: TrailKms;
  readonly digests: Digests;
  /** Is told when it failed; the next interval tries again. */
  readonly onError: (cause: unknown) => void;
}

/** Delivers the records of this process's sources; each of several nodes delivers its own. */
export class Delivery extends IntervalTask {
  readonly #options: DeliveryOptions;

  constructor(options: DeliveryOptions) {
    const { clock, digests, onError } = options;
    const perform = async (now: number): Promise<void> => {
      await this.#deliverAll(now);
      await digests.run();
    };
    super({ clock, intervalMs: INTERVAL_MS, inFirst: false, perform, onError });
    this.#options = options;
  }

  /**
   * The ends of sources are taken before trails are read: what a trail that is not seen yet logs comes after them, and so is found
   * from what was passed over without a trail.
   */
  async #deliverAll(now: number): Promise<void> {
    const { store, sources, catchUp } = this.#options;
    await catchUp();
    const all = sources();
    const trails = await listLiveTrails(store.db, now - AFTERMATH_MS);
    for (const source of all) await this.#deliverSource(source, trails, now);
  }

  async #deliverSource(source: RecordSource, trails: readonly TrailRow[], now: number): Promise<void> {
    const { store } = this.#options;
    const progress = new Map((await listProgress(store.db, source.id)).map((row) => [nameOf(row), row]));
    const passed = progress.get(nameOf(NO_TRAIL));
    const groups = new Map<string, { readonly from: Progress; readonly trails: TrailRow[] }>();
    for (const trail of trails) {
      const { number, position } = progress.get(nameOf(trail)) ?? passed ?? BEGINNING;
      const group = groups.get(`${number}:${position}`) ?? { from: { number, position }, trails: [] };
      group.trails.push(trail);
      groups.set(`${number}:${position}`, group);
    }
    for (const group of groups.values()) await this.#deliverGroup(source, group.from, group.trails, now);
    if (this.isStopped || (passed !== undefined && isSame(passed, source.end))) return;
    await store.transaction((tx) => putProgress(tx, NO_TRAIL, source.id, source.end));
  }

  /** Trails that stand at one place get what follows in one reading; one that fails stays behind. */
  async #deliverGroup(source: RecordSource, from: Progress, trails: readonly TrailRow[], now: number): Promise<void> {
    let at = from;
    let going = trails;
    while (!this.isStopped && going.length > 0 && isBefore(at, source.end)) {
      const batches = new Batches(going);
      let next = at;
      do {
        const piece = source.read(next, RECORDS_PER_READ);
        if (isSame(piece.next, next)) break;
        for (const json of piece.records) batches.add(deliverableOf(json));
        next = piece.next;
      } while (isBefore(next, source.end) && batches.characters < CHARACTERS_MAX);
      if (isSame(next, at)) return;
      const delivered: TrailRow[] = [];
      for (const trail of going) {
        const done = await this.#put(trail, batches.of(trail), { source, from: at, next, now });
        if (done) delivered.push(trail);
      }
      at = next;
      going = delivered;
    }
  }

  /** @returns whether the trail has its files now; where not, it is kept where it stands */
  async #put(
    trail: TrailRow,
    batches: readonly (readonly Deliverable[])[],
    { source, from, next, now }: Stretch,
  ): Promise<boolean> {
    const { store, buckets } = this.#options;
    try {
      const files: TrailFileRow[] = [];
      for (const batch of batches) {
        const file = await logFile(trail, batch, now);
        const encryption = this.#encryptionOf(trail, file.object.key, now);
        await buckets.put({ trail: identityOf(trail, now), ...file.object, ...encryption });
        files.push(file.row);
      }
      await store.transaction(async (tx) => {
        await putProgress(tx, trail, source.id, next);
        if (trail.validation === 1) for (const row of files) await insertFile(tx, row, now);
        if (files.length > 0) {
          await updateTrail(tx, trail, { delivered_at: now, attempted_at: now, delivery_error: null });
        }
      });
      return true;
    } catch (cause) {
      this.#options.onError(cause);
      const delivery_error = cause instanceof Error ? cause.message : String(cause);
      await store.transaction(async (tx) => {
        await putProgress(tx, trail, source.id, from);
        await updateTrail(tx, trail, { attempted_at: now, delivery_error });
      });
      return false;
    }
  }

  #encryptionOf(trail: TrailRow, key: string, now: number) {
    const { key_arn: keyArn, partition, bucket } = trail;
    if (keyArn === null) return {};
    const identity = identityOf(trail, now);
    const context = contextOf(identity.arn, objectArn(partition, bucket, key));
    const seal = (bytes: Uint8Array) => this.#options.kms.seal(identity, keyArn, { bytes, context });
    return { encryption: { seal, keyArn, context } };
  }
}

/** A stretch of records that is delivered at a moment. */
interface Stretch {
  readonly source: RecordSource;
  readonly from: Progress;
  readonly next: Progress;
  readonly now: number;
}

/** The records of one reading, by trail and Region. */
class Batches {
  readonly #trails: readonly TrailRow[];
  readonly #records = new Map<TrailRow, Map<string, Deliverable[]>>();
  characters = 0;

  constructor(trails: readonly TrailRow[]) {
    this.#trails = trails;
  }

  add(record: Deliverable): void {
    for (const trail of this.#trails) {
      if (!isForTrail(record, trail)) continue;
      const regions = this.#records.get(trail) ?? new Map<string, Deliverable[]>();
      this.#records.set(trail, regions);
      const records = regions.get(record.facts.region) ?? [];
      regions.set(record.facts.region, records);
      records.push(record);
      this.characters += record.json.length;
    }
  }

  of(trail: TrailRow): readonly (readonly Deliverable[])[] {
    return [...(this.#records.get(trail)?.values() ?? [])];
  }
}

function nameOf({ account, region, name }: TrailName): string {
  return `${account}/${region}/${name}`;
}

function isSame(left: Progress, right: Progress): boolean {
  return left.number === right.number && left.position === right.position;
}

function isBefore(left: Progress, right: Progress): boolean {
  return left.number < right.number || (left.number === right.number && left.position < right.position);
}
