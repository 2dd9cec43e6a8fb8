/** Event history of a server that keeps its last records in memory. */

import type { MemorySink } from "../memory-sink.ts";
import { attributesOf, type EventFacts, factsOf } from "./facts.ts";
import { type EventHistory, type EventQuery, type FoundEvent, isAfter } from "./history.ts";

/** Looks through the records that are kept, which are few. */
export class RingHistory implements EventHistory {
  readonly #sink: MemorySink;

  constructor(sink: MemorySink) {
    this.#sink = sink;
  }

  async find(query: EventQuery): Promise<readonly FoundEvent[]> {
    const found = new Map<string, FoundEvent>();
    for (const { json, sequence } of this.#sink.texts()) {
      const facts = factsOf(json);
      const event = { json, sequence, time: facts.time };
      if (isMeant(facts, query) && isAfter(event, query.after) && !found.has(facts.eventId)) {
        found.set(facts.eventId, event);
      }
    }
    const newestFirst = [...found.values()].sort(
      (left, right) => right.time - left.time || right.sequence - left.sequence,
    );
    return newestFirst.slice(0, query.count);
  }
}

function isMeant(facts: EventFacts, { account, region, attribute, from, to }: EventQuery): boolean {
  if (facts.account !== account || facts.region !== region || facts.time < from || facts.time > to) return false;
  if (attribute === undefined) return true;
  const { key, value } = attribute;
  if (key === "EventId") return facts.eventId === value;
  return attributesOf(facts).some((each) => each.key === key && each.value === value);
}
