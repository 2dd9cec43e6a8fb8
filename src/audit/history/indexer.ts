/** Brings the records of all slots of a data directory into the index, in the background. */

import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../base/clock.ts";
import { readRecordsFrom } from "../segment-files.ts";
import { segmentDirectories } from "../trail.ts";
import { type EventIndex, openEventIndex } from "./event-index.ts";

/** Records that are indexed without a pause: some milliseconds of work. */
const RECORDS_PER_STEP = 50;
/** How often it is looked for records. */
const PAUSE_MS = 1_000;
/** After a step the event loop belongs to requests for so many times as long as the step took. */
const REST_FACTOR = 5;
/** A failure, such as a full disk, is not repeated sooner. */
const RETRY_MS = 30_000;
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
  /** Is told when it failed; it goes on later. */
  readonly onError: (cause: unknown) => void;
}

/** The index of a data directory. */
export function indexPath(directory: string): string {
  return join(directory, "audit", INDEX_FILE);
}

/** One process of a data directory has it, the one that owns the store. */
export class Indexer {
  readonly index: EventIndex;
  readonly #options: IndexerOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #prunedAt = 0;
  #isStopped = false;

  constructor(options: IndexerOptions) {
    this.#options = options;
    this.index = openEventIndex(indexPath(options.directory));
  }

  start(): void {
    this.#schedule(PAUSE_MS);
  }

  /** Ends after the step that is under way, and closes the index. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running.catch(() => undefined);
    this.index.close();
  }

  /** Resolves when all records that are in segments at the call are in the index. */
  catchUp(): Promise<void> {
    return this.#run(1);
  }

  #schedule(pauseMs: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#run(REST_FACTOR).then(
        () => this.#schedule(PAUSE_MS),
        (cause: unknown) => {
          this.#options.onError(cause);
          this.#schedule(RETRY_MS);
        },
      );
    }, pauseMs).unref();
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
