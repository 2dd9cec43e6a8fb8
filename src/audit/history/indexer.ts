/** Brings the records of all slots of a data directory into the index. */

import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../base/clock.ts";
import { readRecordsFrom } from "../segment-files.ts";
import { segmentDirectories } from "../trail.ts";
import { type EventIndex, openEventIndex } from "./event-index.ts";

/** Records that are indexed without a pause: some milliseconds of work. */
const RECORDS_PER_STEP = 50;
/** After a step the processor is left to requests for so many times as long as the step took. */
const REST_FACTOR = 5;
/** How long events can be looked up (CloudTrail user guide, Event history). */
export const HISTORY_MS = 90 * 86_400_000;
const PRUNE_EVERY_MS = 3_600_000;
const INDEX_FILE = "index.db";

export interface IndexerOptions {
  /** The data directory. */
  readonly directory: string;
  readonly clock: Clock;
  /** Milliseconds that pass evenly. */
  readonly uptime: () => number;
}

/** The index of a data directory. */
export function indexPath(directory: string): string {
  return join(directory, "audit", INDEX_FILE);
}

/** Its work waits for the disk, so the server has it in a thread (background-indexer.ts); one process of a data directory does. */
export class Indexer {
  readonly index: EventIndex;
  readonly #options: IndexerOptions;
  #running: Promise<void> = Promise.resolve();
  #prunedAt = 0;
  #isStopped = false;

  constructor(options: IndexerOptions) {
    this.#options = options;
    this.index = openEventIndex(indexPath(options.directory));
  }

  /** Ends after the step that is under way, and closes the index. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running.catch(() => undefined);
    this.index.close();
  }

  /** Does what there is to do, with rests, and removes what is older than the history goes. */
  pass(): Promise<void> {
    return this.#run(REST_FACTOR);
  }

  /** Resolves when all records that are in segments at the call are in the index. */
  catchUp(): Promise<void> {
    return this.#run(1);
  }

  #run(restFactor: number): Promise<void> {
    this.#running = this.#running.catch(() => undefined).then(() => this.#work(restFactor));
    return this.#running;
  }

  async #work(restFactor: number): Promise<void> {
    for (const directory of segmentDirectories(join(this.#options.directory, "audit"))) {
      while (!this.#isStopped && (await this.#step(restFactor, () => this.#indexSome(directory))));
    }
    await this.#prune();
  }

  /** Does a piece of work, and rests. @returns whether there is more to do */
  async #step(restFactor: number, work: () => boolean): Promise<boolean> {
    const { uptime } = this.#options;
    const began = uptime();
    const hasMore = work();
    await delay(hasMore ? (uptime() - began) * restFactor : 0);
    return hasMore;
  }

  #indexSome(directory: string): boolean {
    const slot = basename(directory);
    const progress = this.index.progressOf(slot);
    const { records, next } = readRecordsFrom(directory, progress, RECORDS_PER_STEP);
    if (next.number === progress.number && next.offset === progress.offset) return false;
    this.index.add(slot, records, next);
    return records.length === RECORDS_PER_STEP;
  }

  async #prune(): Promise<void> {
    const now = this.#options.clock.now();
    if (now - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = now;
    let term: number | undefined = 0;
    while (!this.#isStopped && term !== undefined) {
      term = this.index.prune(now - HISTORY_MS, term);
      await delay(0);
    }
  }
}
