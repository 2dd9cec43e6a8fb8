/** Event history of a data directory: found by the index, read from the segments. */

import { join } from "node:path";
import { readRecordAt } from "../segment-files.ts";
import type { EventIndex, IndexedEvent } from "./event-index.ts";
import { factsOf } from "./facts.ts";
import type { EventHistory, EventPlace, EventQuery, FoundEvent } from "./history.ts";

export interface SegmentHistoryOptions {
  /** The data directory. */
  readonly directory: string;
  /** The index to look in; undefined while there is none. */
  readonly index: () => EventIndex | undefined;
  /** Brings the index up to date, where this process can. */
  readonly catchUp?: () => Promise<void>;
}

/** Segments that an operator has taken away leave nothing to be found. */
export class SegmentHistory implements EventHistory {
  readonly #options: SegmentHistoryOptions;

  constructor(options: SegmentHistoryOptions) {
    this.#options = options;
  }

  async find(query: EventQuery): Promise<readonly FoundEvent[]> {
    const { index, catchUp } = this.#options;
    await catchUp?.();
    const found: FoundEvent[] = [];
    let after: EventPlace | undefined = query.after;
    for (;;) {
      const missing = query.count - found.length;
      const events: readonly IndexedEvent[] =
        index()?.find({ ...query, ...(after !== undefined && { after }), count: missing }) ?? [];
      for (const event of events) {
        const json = this.#read(event, query);
        if (json !== undefined) found.push({ time: event.time, sequence: event.sequence, json });
      }
      after = events.at(-1);
      if (events.length < missing || found.length === query.count || after === undefined) return found;
    }
  }

  /** A place may hold another record by now, after a write that failed half way; and an id says nothing of whose it is. */
  #read({ slot, number, offset, end, id }: IndexedEvent, { account, region }: EventQuery): string | undefined {
    const json = readRecordAt(join(this.#options.directory, "audit", slot), { number, offset, end });
    if (json === undefined) return undefined;
    const facts = factsOf(json);
    return facts.eventId === id && facts.account === account && facts.region === region ? json : undefined;
  }
}
