/** Takes entries out of the change feed that no process needs any more, so that it doesn't grow for ever. */

import { BEHIND_MAX } from "./feed.ts";
import type { Store } from "./store.ts";

/**
 * Entries that stay, however old. At least as many as a process may be behind: one that is further behind finds so many, or
 * misses the one that it has applied last, and in either case drops its view and begins at the head.
 */
export const ENTRIES_KEPT = 2 * BEHIND_MAX;
/** How long an entry stays at the least. */
const PRUNE_EVERY_MS = 60 * 60_000;
/** One transaction removes no more: others wait for the writer meanwhile. */
const ENTRIES_PER_STEP = 2_000;

export interface FeedPrunerOptions {
  readonly store: Pick<Store, "db" | "transaction">;
  /** Is told when it failed; the next hour tries again. */
  readonly onError: (cause: unknown) => void;
  /** Entries that stay; `ENTRIES_KEPT` if not given (tests). */
  readonly entriesKept?: number;
}

/** Several may run on one database: what one has removed the others don't find. */
export class FeedPruner {
  readonly #store: FeedPrunerOptions["store"];
  readonly #onError: FeedPrunerOptions["onError"];
  readonly #entriesKept: number;
  /** The newest entry when it ran last: those after it are younger than the time between. */
  #newestBefore = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor({ store, onError, entriesKept = ENTRIES_KEPT }: FeedPrunerOptions) {
    this.#store = store;
    this.#onError = onError;
    this.#entriesKept = entriesKept;
  }

  /** Runs now, which removes nothing yet, and once an hour. */
  start(): void {
    this.#running = this.prune().catch(this.#onError);
    this.#timer = setInterval(() => {
      this.#running = this.#running.then(() => this.prune()).catch(this.#onError);
    }, PRUNE_EVERY_MS);
    this.#timer.unref();
  }

  /** Ends after the step that is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Removes what was there when it was called last, but for the newest entries. Returns how many it removed. */
  async prune(): Promise<number> {
    const newest = await this.#end("desc");
    if (newest === undefined) return 0;
    const last = Math.min(this.#newestBefore, newest - this.#entriesKept);
    this.#newestBefore = newest;
    let removed = 0;
    for (let first = await this.#end("asc"); first !== undefined && first <= last; first += ENTRIES_PER_STEP) {
      if (this.#isStopped) break;
      removed += await this.#remove(Math.min(last, first + ENTRIES_PER_STEP - 1));
    }
    return removed;
  }

  async #end(order: "asc" | "desc"): Promise<number | undefined> {
    const query = this.#store.db.selectFrom("changes").select("position").orderBy("position", order).limit(1);
    return (await query.executeTakeFirst())?.position;
  }

  async #remove(last: number): Promise<number> {
    return await this.#store.transaction(async ({ db }) => {
      const removal = db.deleteFrom("changes").where("position", "<=", last);
      return Number((await removal.executeTakeFirstOrThrow()).numDeletedRows);
    });
  }
}
